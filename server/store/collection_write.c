/* Writing collections. A collection is one row, so each write is one statement or a short transaction,
 * and leaves a row in `changes` when something changed. */
#include "base/text.h"
#include "json/js.h"
#include "json/js_patch.h"
#include "store/collections.h"
#include "store/shelves.h"
#include <string.h>
#include <time.h>

enum { TRIES = 50, PAUSE_MS = 100 };

static const struct needed {
    const char *name, *place;
    json_type type;
    const char *expected;
} needed[] = {
    { "id", "/id", JSON_STRING, "a string" },
    { "stac_version", "/stac_version", JSON_STRING, "a string" },
    { "description", "/description", JSON_STRING, "a string" },
    { "license", "/license", JSON_STRING, "a string" },
    { "extent", "/extent", JSON_OBJECT, "an object" },
    { "links", "/links", JSON_ARRAY, "an array" },
};

bool collection_check(const json_t *c, struct err *err)
{
    const char *type = js_text(c, "type");

    if (!json_is_object(c))
        return js_refuse(c, "", "a STAC collection", err);
    if (!type || strcmp(type, "Collection"))
        return err_set(err, ERR_BadRequest, "/type: expected \"Collection\", found %s%s",
                       type ? "" : js_type_name(json_object_get(c, "type")), type ? type : "");
    for (size_t i = 0; i < ARRAY_LEN(needed); i++) {
        const json_t *value = json_object_get(c, needed[i].name);

        if (!value || json_typeof(value) != needed[i].type)
            return js_refuse(value, needed[i].place, needed[i].expected, err);
    }
    if (!text_begins(js_text(c, "stac_version"), "1."))
        return err_set(err, ERR_BadRequest, "/stac_version: expected 1.0.0 or 1.1.0, found '%.20s'",
                       js_text(c, "stac_version"));
    if (!text_is_plain_name(js_text(c, "id"), 200))
        return err_set(err, ERR_BadRequest,
                       "/id: expected at most 200 letters, digits and . _ ~ -, found '%.60s'",
                       js_text(c, "id"));
    return true;
}

static bool keep(const json_t *collection, struct text *text, char etag[static STAC_ETAG_SIZE],
                 struct err *err)
{
    if (!collection_check(collection, err) || !stac_text_keep(collection, NULL, text, err))
        return false;
    stac_text_etag(text->data, text->length, etag);
    return true;
}

static const char *id_of(const json_t *collection)
{
    return js_text(collection, "id");
}

bool collection_put(struct db *db, const json_t *collection, struct err *err)
{
    AUTO(text) struct text text = { 0 };
    char etag[STAC_ETAG_SIZE];
    bool exists;

    return keep(collection, &text, etag, err) && collection_exists(db, id_of(collection), &exists, err) &&
           db_run(db,
                  "WITH put AS (INSERT INTO collections(id, body) VALUES ($1, $2)"
                  "   ON CONFLICT (id) DO UPDATE SET body = excluded.body, updated = now()"
                  "   WHERE collections.body <> excluded.body AND collections.owner IS NULL"
                  "   RETURNING number, xmax = 0 AS fresh),"
                  " told AS (INSERT INTO changes(kind, collection)"
                  "   SELECT CASE WHEN fresh THEN 'create' ELSE 'update' END, number FROM put RETURNING 1)"
                  " SELECT pg_notify('catalog', '') FROM told",
                  DB_ARGS(db_text(id_of(collection)), db_text(text.data)), err);
}

bool collection_create(struct db *db, const json_t *collection, const char *owner,
                       char ret_etag[static STAC_ETAG_SIZE], struct err *err)
{
    AUTO(text) struct text text = { 0 };
    AUTO(rows) PGresult *rows = NULL;

    if (!keep(collection, &text, ret_etag, err) ||
        !db_query(db, &rows,
                  "WITH put AS (INSERT INTO collections(id, body, owner, public)"
                  "   VALUES ($1, $2, $3::uuid, $3::uuid IS NULL) ON CONFLICT (id) DO NOTHING"
                  "   RETURNING number),"
                  " told AS (INSERT INTO changes(kind, collection) SELECT 'create', number FROM put"
                  "   RETURNING 1)"
                  " SELECT pg_notify('catalog', '') FROM told",
                  DB_ARGS(db_text(id_of(collection)), db_text(text.data), db_text(owner)), err))
        return false;
    return row_count(rows) > 0 || err_set(err, ERR_Conflict, "There is a collection '%.200s' already.",
                                          id_of(collection));
}

/* ---- changing ---- */

struct change {
    const char *id, *if_match;
    collection_change_fn *apply;
    const void *context;
    char *etag;
};

static bool lock_body(struct db *db, const char *id, const char *if_match, PGresult **ret_rows,
                      struct err *err)
{
    if (!db_query(db, ret_rows,
                  "SELECT body, number, shelves <> '{0}' FROM collections WHERE id = $1 FOR UPDATE",
                  DB_ARGS(db_text(id)), err))
        return false;
    if (row_count(*ret_rows) == 0)
        return err_set(err, ERR_CollectionNotFound, "The collection '%.200s' does not exist.", id);
    return !if_match || stac_text_check_match(row_text(*ret_rows, 0, 0), if_match, err);
}

static bool change_in_transaction(struct db *db, void *change, struct err *err)
{
    const struct change *c = change;
    AUTO(rows) PGresult *rows = NULL;
    AUTO(json) json_t *collection = NULL;
    AUTO(text) struct text text = { 0 };

    if (!lock_body(db, c->id, c->if_match, &rows, err) ||
        !stac_text_parse(row_text(rows, 0, 0), &collection, err) ||
        !c->apply(&collection, c->context, err) || !keep(collection, &text, c->etag, err))
        return false;
    if (strcmp(id_of(collection), c->id))
        return err_set(err, ERR_PropertyNotEditable, "/id: must stay '%.200s'", c->id);
    if (!strcmp(text.data, row_text(rows, 0, 0)))
        return true;
    return db_run(db, "UPDATE collections SET body = $2, updated = now() WHERE number = $1::integer",
                  DB_ARGS(db_text(row_text(rows, 0, 1)), db_text(text.data)), err) &&
           db_run(db, "INSERT INTO changes(kind, collection) VALUES ('update', $1::integer)",
                  DB_ARGS(db_text(row_text(rows, 0, 1))), err) &&
           db_script(db, "NOTIFY catalog", err);
}

bool collection_change(struct db *db, const char *id, collection_change_fn *apply, const void *context,
                       struct err *err)
{
    char etag[STAC_ETAG_SIZE];
    struct change change = { .id = id, .apply = apply, .context = context, .etag = etag };

    return db_transact(db, change_in_transaction, &change, err);
}

static bool put_in_place(json_t **collection, const void *context, struct err *err)
{
    (void)err;
    json_decref(*collection);
    *collection = json_incref((json_t *)context);
    return true;
}

bool collection_replace(struct db *db, const json_t *collection, const char *if_match,
                        char ret_etag[static STAC_ETAG_SIZE], struct err *err)
{
    struct change change = { .if_match = if_match, .apply = put_in_place, .context = collection,
                             .etag = ret_etag };

    if (!collection_check(collection, err))
        return false;
    change.id = id_of(collection);
    return db_transact(db, change_in_transaction, &change, err);
}

static bool patch_in_place(json_t **collection, const void *context, struct err *err)
{
    return js_merge_patch(collection, context, err);
}

bool collection_patch(struct db *db, const char *id, const json_t *patch, const char *if_match,
                      char ret_etag[static STAC_ETAG_SIZE], struct err *err)
{
    struct change change = { .id = id, .if_match = if_match, .apply = patch_in_place, .context = patch,
                             .etag = ret_etag };

    if (!json_is_object(patch))
        return js_refuse(patch, "", "an object with the members to change", err);
    return db_transact(db, change_in_transaction, &change, err);
}

/* ---- deleting ---- */

struct deletion {
    const char *id, *if_match;
};

/* Locations go by their foreign key. */
static bool delete_in_transaction(struct db *db, void *deletion, struct err *err)
{
    const struct deletion *d = deletion;
    AUTO(rows) PGresult *rows = NULL;

    if (!db_run(db, "SELECT pg_advisory_xact_lock(730100, number) FROM collections WHERE id = $1",
                DB_ARGS(db_text(d->id)), err) ||
        !lock_body(db, d->id, d->if_match, &rows, err))
        return false;

    struct db_arg number = db_text(row_text(rows, 0, 1));

    return (!row_bool(rows, 0, 2) || shelf_drop(db, row_int(rows, 0, 1), err)) &&
           db_run(db, "DELETE FROM items_small WHERE collection = $1::integer", DB_ARGS(number), err) &&
           db_run(db, "DELETE FROM collections WHERE number = $1::integer", DB_ARGS(number), err) &&
           db_run(db, "INSERT INTO changes(kind, collection) VALUES ('delete', $1::integer)",
                  DB_ARGS(number), err) &&
           db_script(db, "NOTIFY catalog", err);
}

bool collection_delete(struct db *db, const char *id, const char *if_match, struct err *err)
{
    struct deletion d = { id, if_match };

    for (int try = 1;; try++) {
        if (db_transact(db, delete_in_transaction, &d, err))
            return true;
        if (!strstr(err->message, "(55P03)")) /* a lock could not be had in time */
            return false;
        err_clear(err);
        if (try == TRIES)
            return err_set(err, ERR_InfrastructureBusy,
                           "The catalogue is in use without a pause; the collection is still there.");
        nanosleep(&(struct timespec){ .tv_nsec = PAUSE_MS * 1000000L }, NULL);
    }
}
