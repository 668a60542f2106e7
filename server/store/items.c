/* Writing single items: batches of one, which take the same locks and leave the same traces as large
 * ones (store/item_batch.c). A patch reads the item, changes it and replaces it on the condition that
 * nobody else has in between; otherwise it begins again. */
#include "store/items.h"
#include "base/text.h"
#include "json/js.h"
#include "json/js_patch.h"
#include "store/item_batch.h"
#include "store/shelves.h"
#include <string.h>

enum { PATCH_TRIES = 10 };

/* Checks what it can before anything is stored; problems are told with their index. */
static bool gather(struct item_batch *batch, const struct item_input *items, size_t count,
                   const struct item_write *how, struct err *err)
{
    bool good = true;

    for (size_t i = 0; i < count; i++) {
        struct err problem = { 0 };

        if (item_batch_add(batch, &items[i], i, &problem))
            continue;
        if (how->problem)
            how->problem(how->context, i, &problem);
        if (good && !how->skip_bad)
            good = err_set(err, problem.code, "%s", problem.message);
    }
    return good;
}

bool items_put(struct db *db, const struct item_input *items, size_t count,
               const struct item_write *how, size_t *ret_stored, struct err *err)
{
    AUTO(item_batch) struct item_batch *batch = item_batch_new();

    *ret_stored = 0;
    if (!gather(batch, items, count, how, err))
        return false;
    return item_batch_count(batch) == 0 || item_batch_store(db, batch, how, ret_stored, err);
}

/* ---- one item ---- */

static bool write_one(struct db *db, const json_t *item, const struct item_write *how,
                      char ret_etag[static STAC_ETAG_SIZE], struct err *err)
{
    AUTO(item_batch) struct item_batch *batch = item_batch_new();
    struct item_input input = { .item = item };
    size_t stored;

    if (!item_batch_add(batch, &input, 0, err) || !item_batch_store(db, batch, how, &stored, err))
        return false;
    item_batch_etag(batch, 0, ret_etag);
    return true;
}

bool item_create(struct db *db, const json_t *item, char ret_etag[static STAC_ETAG_SIZE],
                 struct err *err)
{
    struct item_write how = { .mode = ITEM_INSERT, .keep_locations = true };

    return write_one(db, item, &how, ret_etag, err);
}

bool item_replace(struct db *db, const json_t *item, const char *if_match,
                  char ret_etag[static STAC_ETAG_SIZE], struct err *err)
{
    struct item_write how = { .mode = ITEM_REPLACE, .keep_locations = true, .if_match = if_match };

    return write_one(db, item, &how, ret_etag, err);
}

static bool find_collection(struct db *db, const char *id, int64_t *ret_number, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!db_query(db, &rows, "SELECT number FROM collections WHERE id = $1", DB_ARGS(db_text(id)), err))
        return false;
    if (row_count(rows) == 0)
        return err_set(err, ERR_CollectionNotFound, "The collection '%.200s' does not exist.", id);
    *ret_number = row_int(rows, 0, 0);
    return true;
}

/* The kept text, whoever may see it. */
static bool load(struct db *db, int64_t collection, const char *id, PGresult **ret_rows, struct err *err)
{
    return db_query(db, ret_rows,
                    "SELECT body FROM items WHERE collection = $1::integer AND id = $2" ON_ITS_SHELVES,
                    DB_ARGS(db_int(collection), db_text(id)), err) &&
           (row_count(*ret_rows) > 0 ||
            err_set(err, ERR_ItemNotFound, "The collection has no item '%.200s'.", id));
}

static bool patch_once(struct db *db, const char *collection, const char *id, const json_t *patch,
                       const char *if_match, bool *ret_lost, char ret_etag[static STAC_ETAG_SIZE],
                       struct err *err)
{
    struct item_write how = { .mode = ITEM_REPLACE, .keep_locations = true };
    AUTO(rows) PGresult *rows = NULL;
    AUTO(json) json_t *item = NULL;
    char was[STAC_ETAG_SIZE];
    const char *text;
    int64_t number;

    if (!find_collection(db, collection, &number, err) || !load(db, number, id, &rows, err))
        return false;
    text = row_text(rows, 0, 0);
    if ((if_match && !stac_text_check_match(text, if_match, err)) || !stac_text_parse(text, &item, err) ||
        !js_merge_patch(&item, patch, err))
        return false;
    stac_text_etag(text, strlen(text), was);
    how.if_match = was;
    if (write_one(db, item, &how, ret_etag, err))
        return true;
    *ret_lost = err->code == ERR_PreconditionFailed;
    return false;
}

/* A patch moves no item to another name or place. */
static bool check_names(const char *collection, const char *id, const json_t *patch, struct err *err)
{
    const struct { const char *name, *value; } fixed[] = { { "id", id }, { "collection", collection } };

    if (!json_is_object(patch))
        return js_refuse(patch, "", "an object with the members to change", err);
    for (size_t i = 0; i < ARRAY_LEN(fixed); i++) {
        const json_t *value = json_object_get(patch, fixed[i].name);

        if (value && (!json_is_string(value) || strcmp(json_string_value(value), fixed[i].value)))
            return err_set(err, ERR_PropertyNotEditable, "/%s: must stay '%.200s'", fixed[i].name,
                           fixed[i].value);
    }
    return true;
}

bool item_patch(struct db *db, const char *collection, const char *id, const json_t *patch,
                const char *if_match, char ret_etag[static STAC_ETAG_SIZE], struct err *err)
{
    bool lost = true;

    if (!check_names(collection, id, patch, err))
        return false;
    for (int try = 0; lost && try < PATCH_TRIES; try++) {
        lost = false;
        err_clear(err);
        if (patch_once(db, collection, id, patch, if_match, &lost, ret_etag, err))
            return true;
    }
    return false;
}

/* ---- deleting ---- */

struct deletion {
    const char *collection, *id, *if_match;
};

static bool delete_in_transaction(struct db *db, void *deletion, struct err *err)
{
    const struct deletion *d = deletion;
    AUTO(rows) PGresult *rows = NULL;
    int64_t number;

    if (!find_collection(db, d->collection, &number, err) ||
        !db_run(db, "SELECT pg_advisory_xact_lock(730100, $1::integer)", DB_ARGS(db_int(number)), err) ||
        !load(db, number, d->id, &rows, err) ||
        (d->if_match && !stac_text_check_match(row_text(rows, 0, 0), d->if_match, err)))
        return false;

    struct db_arg key[] = { db_int(number), db_text(d->id) };

    return db_query(db, NULL, "DELETE FROM items WHERE collection = $1::integer AND id = $2" ON_ITS_SHELVES,
                    key, 2, err) &&
           db_query(db, NULL, "DELETE FROM places WHERE collection = $1::integer AND item = $2", key, 2,
                    err) &&
           db_query(db, NULL, "INSERT INTO changes(kind, collection, item)"
                              " VALUES ('delete', $1::integer, $2)", key, 2, err) &&
           db_query(db, NULL, "UPDATE collections SET count = count - 1, updated = now(),"
                              "  unsampled = unsampled + 1 WHERE number = $1::integer", key, 1, err) &&
           db_script(db, "NOTIFY catalog", err);
}

bool item_delete(struct db *db, const char *collection, const char *id, const char *if_match,
                 struct err *err)
{
    struct deletion d = { collection, id, if_match };

    return db_transact(db, delete_in_transaction, &d, err);
}
