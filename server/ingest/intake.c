/* Collections that were made from items are read once, widened in memory by each item, and united with
 * what the catalogue has, under a lock, before the batch of items that needs them: several intakes may
 * widen one collection at a time. Collections that somebody described are left as they are. */
#include "ingest/intake.h"
#include "ingest/import.h"
#include "ingest/localise.h"
#include "ingest/stac_migrate.h"
#include "ingest/storer.h"
#include "base/text.h"
#include "json/js.h"
#include "store/shelves.h"
#include "store/stac_text.h"
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct intake {
    struct db *db;
    struct intake_options options;
    pthread_mutex_t telling;
    struct storer *storer;
    struct parcel *parcel; /* being filled; NULL: none yet */
    char *source, *mark;
    int64_t expected;
    size_t bad, made;
    json_t *collections; /* id: {"body": ..., "dirty": true}; body null when it is not ours to widen */
};

static void tell_of(void *context, const char *name, const struct err *problem)
{
    struct intake *intake = context;

    if (!intake->options.problem)
        return;
    pthread_mutex_lock(&intake->telling);
    intake->options.problem(intake->options.context, name, problem);
    pthread_mutex_unlock(&intake->telling);
}

static void refuse(struct intake *intake, const char *name, const struct err *problem)
{
    intake->bad++;
    tell_of(intake, name, problem);
}

bool intake_new(struct db *db, const char *url, const struct intake_options *options,
                struct intake **ret_intake, struct err *err)
{
    struct intake *intake = MEM_NEW(struct intake);
    struct storer_options how = { .context = intake, .problem = tell_of };

    intake->db = db;
    intake->options = *options;
    intake->collections = json_object();
    pthread_mutex_init(&intake->telling, NULL);
    if (!storer_open(url, &how, &intake->storer, err)) {
        intake_free(intake);
        return false;
    }
    *ret_intake = intake;
    return true;
}

void intake_free(struct intake *intake)
{
    if (!intake)
        return;
    storer_close(intake->storer);
    pthread_mutex_destroy(&intake->telling);
    json_decref(intake->collections);
    free(intake->source);
    free(intake->mark);
    free(intake);
}

void intake_expect(struct intake *intake, int64_t items)
{
    intake->expected = items;
}

void intake_remember(struct intake *intake, const char *source)
{
    char *before = intake->source;

    intake->source = mem_text(source);
    storer_remember(intake->storer, intake->source);
    free(before);
    free(intake->mark);
    intake->mark = NULL;
}

void intake_mark(struct intake *intake, const char *state)
{
    free(intake->mark);
    intake->mark = mem_text(state);
}

/* ---- collections that grow ---- */

static bool is_made(const json_t *collection)
{
    return json_is_true(json_object_get(collection, "sentier:made"));
}

static bool unite(json_t **collection, const void *context, struct err *err)
{
    (void)err;
    if (is_made(*collection)) /* somebody may have described it meanwhile */
        collection_unite(*collection, context);
    return true;
}

static bool write_collection(struct intake *intake, const char *id, const json_t *body, struct err *err)
{
    struct err problem = { 0 };
    char etag[STAC_ETAG_SIZE];

    if (collection_create(intake->db, body, NULL, etag, &problem))
        return true;
    if (problem.code != ERR_Conflict)
        return err_set(err, problem.code, "collection '%s': %s", id, problem.message);
    return collection_change(intake->db, id, unite, body, err) || err_prefix(err, "collection '%s'", id);
}

static bool write_collections(struct intake *intake, struct err *err)
{
    const char *id;
    json_t *entry;

    json_object_foreach(intake->collections, id, entry) {
        if (!json_is_true(json_object_get(entry, "dirty")))
            continue;
        if (!write_collection(intake, id, json_object_get(entry, "body"), err))
            return false;
        json_object_set_new(entry, "dirty", json_false());
    }
    return true;
}

/* What is known of a collection; made ones come with their body. */
static bool find_entry(struct intake *intake, const char *id, json_t **ret_entry, struct err *err)
{
    AUTO(arena) struct arena *arena = NULL;
    json_t *entry = json_object_get(intake->collections, id), *body = NULL;
    const char *text;
    bool exists;

    *ret_entry = entry;
    if (entry)
        return true;
    arena = arena_new();
    if (!collection_exists(intake->db, id, &exists, err))
        return false;
    if (exists && (!collection_text(intake->db, arena, NULL, id, &text, err) ||
                   !stac_text_parse(text, &body, err)))
        return false;
    *ret_entry = json_pack("{s:b,s:b}", "dirty", 0, "ours", !body || is_made(body));
    json_object_set_new(*ret_entry, "body", body ? body : json_null());
    json_object_set_new(intake->collections, id, *ret_entry);
    return true;
}

static bool widen(struct intake *intake, const json_t *item, struct err *err)
{
    const char *id = js_text(item, "collection");
    json_t *entry, *body;
    bool grown;

    if (!find_entry(intake, id, &entry, err))
        return false;
    if (!json_is_true(json_object_get(entry, "ours")))
        return true;
    body = json_object_get(entry, "body");
    grown = json_is_object(body) ? collection_widen(body, item) : true;
    if (!json_is_object(body)) {
        body = collection_new(item);
        json_object_set_new(entry, "body", body);
        collection_widen(body, item);
        intake->made++;
    }
    if (grown)
        json_object_set_new(entry, "dirty", json_true());
    return true;
}

/* ---- items ---- */

/* Collections are written first: items need theirs. */
static bool send(struct intake *intake, struct err *err)
{
    struct parcel *parcel = intake->parcel;

    if (!parcel)
        return true;
    if (!write_collections(intake, err))
        return false;
    parcel->expected = intake->expected;
    if (intake->mark)
        parcel->progress = arena_text(parcel->arena, intake->mark);
    storer_give(intake->storer, parcel);
    intake->parcel = NULL;
    return true;
}

/* The importer names only files that it has found in the product; a STAC file can name any. */
static const char *allowed_folders(const struct intake *intake, const char *folder, struct arena *arena)
{
    const char *more = intake->options.folders ? intake->options.folders : "";
    char real[PATH_MAX];

    if (!folder)
        return NULL;
    if (!realpath(folder, real) || !strcmp(real, "/")) /* all the machine lies beside such a file */
        return more;
    return arena_printf(arena, "%s:%s", real, more);
}

/* Into the parcel, whole or not at all. */
static bool take_item(struct intake *intake, json_t *item, const struct intake_place *place,
                      struct err *problem)
{
    struct parcel *parcel = intake->parcel;
    struct item_input input;
    bool lifted;

    if (!stac_migrate(item, &lifted, problem) || !item_check(item, problem))
        return false;
    if (!text_is_plain_name(js_text(item, "collection"), 200))
        return err_set(problem, ERR_BadRequest, "/collection: is no name of a collection");
    if (!localise(item, place->folder, allowed_folders(intake, place->folder, parcel->arena), parcel->arena,
                  &input, problem))
        return false;
    input.text = input.n_locations || lifted ? NULL : place->text;
    return item_batch_add(parcel->batch, &input, parcel->n_names, problem);
}

bool intake_item(struct intake *intake, json_t *item, const struct intake_place *place, struct err *err)
{
    struct err problem = { 0 };

    if (!intake->parcel && !storer_take(intake->storer, &intake->parcel, err))
        return false;
    if (!take_item(intake, item, place, &problem)) {
        refuse(intake, place->name, &problem);
        return true;
    }
    intake->parcel->names[intake->parcel->n_names++] = arena_text(intake->parcel->arena, place->name);
    return widen(intake, item, err) && (intake->parcel->n_names < ITEM_BATCH || send(intake, err));
}

bool intake_collection(struct intake *intake, json_t *collection, const char *place, struct err *err)
{
    struct err problem = { 0 };
    const char *id;

    if (!stac_migrate(collection, NULL, &problem) || !collection_put(intake->db, collection, &problem)) {
        if (problem.code == ERR_DatabaseFailed)
            return err_set(err, problem.code, "%s", problem.message);
        refuse(intake, place, &problem);
        return true;
    }
    id = js_text(collection, "id");
    json_object_del(intake->collections, id); /* read anew when an item comes */
    intake->made++;
    return true;
}

bool intake_flush(struct intake *intake, struct err *err)
{
    if (!(intake->parcel || !intake->mark || storer_take(intake->storer, &intake->parcel, err)) ||
        !send(intake, err) || !storer_wait(intake->storer, err))
        return false;
    free(intake->mark);
    intake->mark = NULL;
    return true;
}

bool intake_finish(struct intake *intake, struct err *err)
{
    return intake_flush(intake, err) && items_settle(intake->db, err);
}

size_t intake_stored(const struct intake *intake)
{
    return storer_stored(intake->storer);
}

size_t intake_bad(const struct intake *intake)
{
    return intake->bad + storer_bad(intake->storer);
}

size_t intake_collections(const struct intake *intake)
{
    return intake->made;
}
