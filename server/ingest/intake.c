/* Collections that were made from items are read once, widened in memory by each item, and written
 * back before the batch of items that needs them. Collections that somebody described are left as
 * they are. */
#include "ingest/intake.h"
#include "ingest/import.h"
#include "ingest/localise.h"
#include "base/text.h"
#include "json/js.h"
#include "store/shelves.h"
#include "store/stac_text.h"
#include <limits.h>
#include <stdlib.h>
#include <string.h>

struct intake {
    struct db *db;
    struct intake_options options;
    struct arena *arena; /* of the batch */
    struct item_input items[ITEM_BATCH];
    const char *places[ITEM_BATCH];
    size_t count, stored, bad, made;
    json_t *collections; /* id: {"body": ..., "dirty": true}; body null when it is not ours to widen */
};

struct intake *intake_new(struct db *db, const struct intake_options *options)
{
    struct intake *intake = MEM_NEW(struct intake);

    intake->db = db;
    intake->options = *options;
    intake->arena = arena_new();
    intake->collections = json_object();
    return intake;
}

static void forget_batch(struct intake *intake)
{
    for (size_t i = 0; i < intake->count; i++)
        json_decref((json_t *)intake->items[i].item);
    intake->count = 0;
    arena_free(intake->arena);
    intake->arena = arena_new();
}

void intake_free(struct intake *intake)
{
    if (!intake)
        return;
    forget_batch(intake);
    arena_free(intake->arena);
    json_decref(intake->collections);
    free(intake);
}

static void tell(struct intake *intake, const char *place, const struct err *problem)
{
    intake->bad++;
    if (intake->options.problem)
        intake->options.problem(intake->options.context, place, problem);
}

static void tell_of(void *context, size_t index, const struct err *problem)
{
    struct intake *intake = context;

    tell(intake, intake->places[index], problem);
}

static bool write_collections(struct intake *intake, struct err *err)
{
    const char *id;
    json_t *entry;

    json_object_foreach(intake->collections, id, entry) {
        if (!json_is_true(json_object_get(entry, "dirty")))
            continue;
        if (!collection_put(intake->db, json_object_get(entry, "body"), err))
            return err_prefix(err, "collection '%s'", id);
        json_object_set_new(entry, "dirty", json_false());
    }
    return true;
}

static bool flush(struct intake *intake, struct err *err)
{
    struct item_write how = { .skip_bad = true, .problem = tell_of, .context = intake };
    size_t stored = 0;
    bool good = write_collections(intake, err) &&
                (intake->count == 0 ||
                 items_put(intake->db, intake->items, intake->count, &how, &stored, err));

    intake->stored += stored;
    forget_batch(intake);
    return good;
}

/* What is known of a collection; made ones come with their body. */
static bool find_entry(struct intake *intake, const char *id, json_t **ret_entry, struct err *err)
{
    json_t *entry = json_object_get(intake->collections, id), *body = NULL;
    const char *text;
    bool exists;

    *ret_entry = entry;
    if (entry)
        return true;
    if (!collection_exists(intake->db, id, &exists, err))
        return false;
    if (exists && (!collection_text(intake->db, intake->arena, NULL, id, &text, err) ||
                   !stac_text_parse(text, &body, err)))
        return false;
    *ret_entry = json_pack("{s:o?,s:b,s:b}", "body", body, "dirty", 0, "ours",
                           !body || json_is_true(json_object_get(body, "sentier:made")));
    json_object_set_new(intake->collections, id, *ret_entry);
    return true;
}

static bool widen(struct intake *intake, const json_t *item, struct err *err)
{
    const char *id = json_string_value(json_object_get(item, "collection"));
    json_t *entry, *body;

    if (!find_entry(intake, id, &entry, err))
        return false;
    if (!json_is_true(json_object_get(entry, "ours")))
        return true;
    body = json_object_get(entry, "body");
    if (!json_is_object(body)) {
        body = collection_new(item);
        json_object_set_new(entry, "body", body);
        intake->made++;
    }
    collection_widen(body, item);
    json_object_set_new(entry, "dirty", json_true());
    return true;
}

/* The importer names only files that it has found in the product; a STAC file can name any. */
static const char *allowed_folders(const struct intake *intake, const char *folder)
{
    const char *more = intake->options.folders ? intake->options.folders : "";
    char real[PATH_MAX];

    if (!folder)
        return NULL;
    if (!realpath(folder, real) || !strcmp(real, "/")) /* all the machine lies beside such a file */
        return more;
    return arena_printf(intake->arena, "%s:%s", real, more);
}

bool intake_item(struct intake *intake, json_t *item, const char *folder, const char *place,
                 struct err *err)
{
    struct err problem = { 0 };
    struct item_input *input = &intake->items[intake->count];

    if (!item_check(item, &problem)) {
        tell(intake, place, &problem);
        return true;
    }
    if (!text_is_plain_name(json_string_value(json_object_get(item, "collection")), 200)) {
        err_set(&problem, ERR_BadRequest, "/collection: is no name of a collection");
        tell(intake, place, &problem);
        return true;
    }
    if (!localise(item, folder, allowed_folders(intake, folder), intake->arena, input, &problem)) {
        tell(intake, place, &problem);
        return true;
    }
    json_incref(item);
    intake->places[intake->count++] = arena_text(intake->arena, place);
    if (!widen(intake, item, err))
        return false;
    return intake->count < ITEM_BATCH || flush(intake, err);
}

bool intake_collection(struct intake *intake, const json_t *collection, const char *place,
                       struct err *err)
{
    struct err problem = { 0 };
    const char *id = json_string_value(json_object_get(collection, "id"));

    if (!collection_put(intake->db, collection, &problem)) {
        if (problem.code == ERR_DatabaseFailed)
            return err_set(err, problem.code, "%s", problem.message);
        tell(intake, place, &problem);
        return true;
    }
    json_object_del(intake->collections, id); /* read anew when an item comes */
    intake->made++;
    return true;
}

bool intake_finish(struct intake *intake, struct err *err)
{
    return flush(intake, err) && items_settle(intake->db, err);
}

size_t intake_stored(const struct intake *intake)
{
    return intake->stored;
}

size_t intake_bad(const struct intake *intake)
{
    return intake->bad;
}

size_t intake_collections(const struct intake *intake)
{
    return intake->made;
}
