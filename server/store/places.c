/* SQL on table places. Rows come in batches as one JSON array, which the database takes apart: the
 * statement that stores them also says which could not be stored. */
#include "store/places.h"
#include "base/instant.h"
#include "store/collections.h"
#include "store/tasks.h"
#include <string.h>

enum { BATCH = 1000 };

/* ---- reading ---- */

#define BEST_FIRST "(p.state = 'o') DESC, (e.site IS NOT DISTINCT FROM nullif($2, '')) DESC, e.priority, e.number"

void place_list_done(struct place_list *list)
{
    json_decref(list->json);
    *list = (struct place_list){ 0 };
}

/* Which of the two is not there for the viewer. */
static bool not_found(struct db *db, const char *viewer, const char *collection, const char *item,
                      struct err *err)
{
    AUTO(arena) struct arena *arena = arena_new();
    const char *unused;

    if (!collection_text(db, arena, viewer, collection, &unused, err))
        return false;
    return err_set(err, ERR_ItemNotFound, "The collection '%.200s' has no item '%.200s'.", collection,
                   item);
}

bool places_of_item(struct db *db, const char *viewer, const char *site, const char *collection,
                    const char *item, struct place_list *ret_list, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;
    struct place_list list = { 0 };

    if (!db_query(db, &rows,
                  "SELECT i.collection, (SELECT json_agg(" PLACE_OBJECT " ORDER BY " BEST_FIRST ")"
                  PLACES_FROM("i.collection", "i.id", "$1") ")::text"
                  " FROM items i JOIN collections c ON c.number = i.collection"
                  " WHERE c.id = $3 AND i.id = $4 AND " COLLECTION_VISIBLE("$1"),
                  DB_ARGS(db_text(viewer), db_text(site), db_text(collection), db_text(item)), err))
        return false;
    if (row_count(rows) == 0)
        return not_found(db, viewer, collection, item, err);
    list.collection = row_int(rows, 0, 0);
    if (row_text(rows, 0, 1))
        list.json = json_loads(row_text(rows, 0, 1), 0, NULL);
    for (size_t i = 0; i < json_array_size(list.json) && i < ARRAY_LEN(list.places); i++) {
        const json_t *place = json_array_get(list.json, i);

        list.places[i] = place_read(place);
        list.endpoints[i] = json_integer_value(json_object_get(place, "number"));
        list.count++;
    }
    *ret_list = list;
    return true;
}

#define TIME_TEXT(column) "to_char(" column ", 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"

bool places_load(struct db *db, const char *collection, const char *item, json_t **ret_places,
                 struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!db_query(db, &rows,
                  "SELECT (SELECT coalesce(json_agg(json_strip_nulls(json_build_object("
                  "   'collection', c.id, 'item', p.item, 'endpoint', e.name, 'state', CASE p.state"
                  "     WHEN 'o' THEN 'online' WHEN 's' THEN 'staging' WHEN 'r' THEN 'ordered'"
                  "     ELSE 'offline' END, 'since', " TIME_TEXT("p.since") ","
                  "   'expires', " TIME_TEXT("p.expires") ", 'href', p.href, 'staged', p.staged,"
                  "   'size', p.size_bytes, 'assets', p.assets, 'types', p.types,"
                  "   'problem', p.problem)) ORDER BY e.priority, e.number), '[]')"
                  "   FROM places p JOIN endpoints e ON e.number = p.endpoint"
                  "  WHERE p.collection = i.collection AND p.item = i.id)::text"
                  " FROM items i JOIN collections c ON c.number = i.collection"
                  " WHERE c.id = $1 AND i.id = $2",
                  DB_ARGS(db_text(collection), db_text(item)), err))
        return false;
    if (row_count(rows) == 0)
        return err_set(err, ERR_ItemNotFound, "The collection '%.200s' has no item '%.200s'.", collection,
                       item);
    *ret_places = json_loads(row_text(rows, 0, 0), 0, NULL);
    return true;
}

bool places_of_items(struct db *db, const char *viewer, const char *site, int64_t collection,
                     size_t n_items, const char *const *items, json_t **ret_places, struct err *err)
{
    AUTO(arena) struct arena *arena = arena_new();
    AUTO(rows) PGresult *rows = NULL;
    AUTO(json) json_t *all = json_object();

    if (n_items &&
        !db_query(db, &rows,
                  "SELECT p.item, json_agg(" PLACE_OBJECT " ORDER BY " BEST_FIRST ")::text"
                  PLACES_FROM("$3::integer", "ANY($4::text[])", "$1") " GROUP BY p.item",
                  DB_ARGS(db_text(viewer), db_text(site), db_int(collection),
                          db_text(store_array(arena, n_items, items))),
                  err))
        return false;
    for (int i = 0; rows && i < row_count(rows); i++)
        json_object_set_new(all, row_text(rows, i, 0), json_loads(row_text(rows, i, 1), 0, NULL));
    *ret_places = all;
    all = NULL;
    return true;
}

/* ---- local files of items ---- */

bool places_put_local(struct db *db, const char *rows, struct err *err)
{
    return db_run(db,
                  "INSERT INTO places(collection, item, endpoint, assets, types)"
                  " SELECT DISTINCT ON (c.number, n.item) c.number, n.item, 1, n.assets, n.types"
                  "   FROM json_to_recordset($1::json)"
                  "        AS n(place bigint, collection text, item text, assets jsonb, types jsonb)"
                  "   JOIN collections c ON c.id = n.collection"
                  "  ORDER BY c.number, n.item, n.place DESC"
                  " ON CONFLICT (collection, item, endpoint) DO UPDATE"
                  "   SET assets = excluded.assets, types = excluded.types, href = NULL, staged = NULL,"
                  "       size_bytes = NULL, expires = NULL, problem = NULL, ours = false, state = 'o',"
                  "       since = CASE WHEN places.state = 'o' THEN places.since ELSE now() END",
                  DB_ARGS(db_text(rows)), err);
}

/* ---- in bulk ---- */

struct row_input {
    const char *collection, *item, *endpoint, *state, *href, *expires;
    int64_t size;
    bool remove;
    json_t *assets, *types;
};

static const char *const state_choice[] = { "online", "staging", "ordered", "offline", NULL };

static const struct js_field row_fields[] = {
    JS_STRING(struct row_input, collection),
    JS_STRING(struct row_input, item),
    JS_STRING(struct row_input, endpoint),
    JS_STRING(struct row_input, state, .optional = true, .choice = state_choice),
    JS_STRING(struct row_input, href, .optional = true, .max_len = 4096),
    JS_STRING(struct row_input, expires, .optional = true, .nullable = true),
    JS_INTEGER(struct row_input, size, 0, 9e15, .optional = true, .fallback_number = -1),
    JS_BOOLEAN(struct row_input, remove, .optional = true),
    JS_OBJECT(struct row_input, assets, .optional = true),
    JS_OBJECT(struct row_input, types, .optional = true),
    JS_END,
};

static bool check_texts(const json_t *object, const char *pointer, struct err *err)
{
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)object, key, value) {
        AUTO(mem) char *place = js_pointer(pointer, key);

        if (!json_is_string(value))
            return js_refuse(value, place, "a string", err);
        if (strpbrk(json_string_value(value), "\001\002"))
            return err_set(err, ERR_BadRequest, "%s: the text holds a control character", place);
    }
    return true;
}

/* Adds what SQL takes to `batch`. */
static bool read_row(const json_t *row, size_t index, json_t *batch, struct err *err)
{
    struct row_input in = { 0 };
    enum place_state state = PLACE_ONLINE;
    int64_t expires;
    json_t *out;

    if (!json_is_object(row))
        return js_refuse(row, "", "an object", err);
    if (!js_read(row, "", row_fields, JS_REFUSE_UNKNOWN, &in, err) ||
        !check_texts(in.assets, "/assets", err) || !check_texts(in.types, "/types", err))
        return false;
    if (in.href && strpbrk(in.href, "\001\002"))
        return err_set(err, ERR_BadRequest, "/href: the text holds a control character");
    if (in.expires && !instant_parse(in.expires, &expires))
        return err_set(err, ERR_BadRequest, "/expires: expected a date-time of RFC 3339, found '%.60s'",
                       in.expires);
    if (in.state && !place_state_find(in.state, &state))
        return err_set(err, ERR_BadRequest, "/state: '%.60s' is no state", in.state);
    out = json_pack("{s:I, s:s, s:s, s:s, s:b}", "place", (json_int_t)index, "collection",
                    in.collection, "item", in.item, "endpoint", in.endpoint, "remove", in.remove);
    if (in.state)
        json_object_set_new(out, "state", json_sprintf("%c", state));
    if (in.href)
        json_object_set_new(out, "href", json_string(in.href));
    if (in.expires)
        json_object_set_new(out, "expires", json_string(in.expires));
    if (in.size >= 0)
        json_object_set_new(out, "size", json_integer(in.size));
    if (in.assets)
        json_object_set(out, "assets", in.assets);
    if (in.types)
        json_object_set(out, "types", in.types);
    json_array_append_new(batch, out);
    return true;
}

/* Of two rows for one place the later counts. What the row leaves out stays as it is, but a copy that
 * staging made is only meant as long as the place is online. */
static const char set_places[] =
    "WITH n AS (SELECT * FROM json_to_recordset($1::json) AS n(place bigint, collection text,"
    "    item text, endpoint text, remove boolean, state text, href text, expires timestamptz,"
    "    size bigint, assets jsonb, types jsonb)),"
    " known AS (SELECT DISTINCT ON (c.number, n.item, e.number) n.*, c.number AS c, e.number AS e,"
    "      EXISTS (SELECT 1 FROM places p WHERE p.collection = c.number AND p.item = n.item"
    "               AND p.endpoint = e.number) AS there"
    "    FROM n JOIN collections c ON c.id = n.collection JOIN endpoints e ON e.name = n.endpoint"
    "   WHERE EXISTS (SELECT 1 FROM items i WHERE i.id = n.item AND i.collection = c.number)"
    "   ORDER BY c.number, n.item, e.number, n.place DESC),"
    " gone AS (DELETE FROM places p USING known k WHERE k.remove AND p.collection = k.c"
    "     AND p.item = k.item AND p.endpoint = k.e RETURNING p.item),"
    " changed AS (UPDATE places p SET"
    "     state = coalesce(k.state::\"char\", p.state), ours = false, problem = NULL,"
    "     since = CASE WHEN coalesce(k.state, p.state::text) = p.state::text THEN p.since"
    "        ELSE now() END,"
    "     expires = CASE WHEN k.state IS NULL THEN coalesce(k.expires, p.expires) ELSE k.expires END,"
    "     staged = CASE WHEN k.href IS NULL AND coalesce(k.state, 'o') = 'o' THEN p.staged END,"
    "     href = coalesce(k.href, p.href), size_bytes = coalesce(k.size, p.size_bytes),"
    "     assets = coalesce(k.assets, p.assets), types = coalesce(k.types, p.types)"
    "   FROM known k WHERE k.there AND NOT k.remove AND p.collection = k.c AND p.item = k.item"
    "    AND p.endpoint = k.e RETURNING 1),"
    " made AS (INSERT INTO places(collection, item, endpoint, state, href, expires, size_bytes,"
    "      assets, types)"
    "   SELECT c, item, e, coalesce(state, 'o')::\"char\", href, expires, size, assets, types FROM known"
    "    WHERE NOT there AND NOT remove AND (href IS NOT NULL OR assets IS NOT NULL)"
    "   ON CONFLICT DO NOTHING RETURNING 1)"
    " SELECT n.place, CASE"
    "   WHEN NOT EXISTS (SELECT 1 FROM collections c WHERE c.id = n.collection)"
    "     THEN '/collection: there is no collection ''' || n.collection || ''''"
    "   WHEN NOT EXISTS (SELECT 1 FROM endpoints e WHERE e.name = n.endpoint)"
    "     THEN '/endpoint: there is no endpoint ''' || n.endpoint || ''''"
    "   WHEN k.place IS NULL THEN '/item: the collection has no item ''' || n.item || ''''"
    "   WHEN k.remove THEN '/item: has no place at ''' || n.endpoint || ''''"
    "   ELSE '/href: the product has no place at ''' || n.endpoint || ''' yet: expected href or assets'"
    "   END"
    "  FROM n LEFT JOIN known k ON k.collection = n.collection AND k.item = n.item"
    "        AND k.endpoint = n.endpoint"
    " WHERE k.place IS NULL OR (NOT k.there AND (k.remove OR (k.href IS NULL AND k.assets IS NULL)))"
    " UNION ALL SELECT -1, ((SELECT count(*) FROM changed) + (SELECT count(*) FROM made)"
    "   + (SELECT count(*) FROM gone))::text"
    " ORDER BY 1";

/* Tasks that wait for products which are online now look again at once. */
static const char wake_tasks[] =
    "WITH woken AS (UPDATE tasks t SET not_before = '-infinity' FROM stagings s, places p"
    "  WHERE t.id = s.task AND t.state = 'r' AND t.kind = 3 AND t.not_before > now()"
    "    AND p.collection = s.collection AND p.item = s.item AND p.endpoint = s.endpoint"
    "    AND p.state = 'o' RETURNING 1)"
    " SELECT pg_notify('" TASK_CHANNEL "', '') WHERE EXISTS (SELECT 1 FROM woken)";

static bool set_batch(struct db *db, const json_t *batch, place_problem_fn *problem, void *context,
                      size_t *set, struct err *err)
{
    AUTO(mem) char *text = json_dumps(batch, JSON_COMPACT);
    AUTO(rows) PGresult *rows = NULL;

    if (!db_query(db, &rows, set_places, DB_ARGS(db_text(text)), err) ||
        !db_run(db, wake_tasks, DB_NO_ARGS, err))
        return false;
    for (int i = 0; i < row_count(rows); i++) {
        struct err why = { 0 };

        if (row_int(rows, i, 0) < 0) {
            *set += (size_t)row_int(rows, i, 1);
            continue;
        }
        err_set(&why, ERR_BadRequest, "%s", row_text(rows, i, 1));
        problem(context, (size_t)row_int(rows, i, 0), &why);
    }
    return true;
}

bool places_set(struct db *db, const json_t *rows, place_problem_fn *problem, void *context,
                size_t *ret_set, struct err *err)
{
    AUTO(json) json_t *batch = json_array();
    size_t count = json_array_size(rows);

    *ret_set = 0;
    for (size_t i = 0; i < count; i++) {
        struct err why = { 0 };

        if (!read_row(json_array_get(rows, i), i, batch, &why))
            problem(context, i, &why);
        if (json_array_size(batch) < BATCH && i + 1 < count)
            continue;
        if (json_array_size(batch) && !set_batch(db, batch, problem, context, ret_set, err))
            return false;
        json_array_clear(batch);
    }
    return true;
}

/* ---- what time does ---- */

/* A job that is not over may read what was staged for it. */
#define AWAITED_BY_A_JOB                                                                           \
    "EXISTS (SELECT 1 FROM stagings s JOIN tasks t ON t.id = s.task JOIN jobs j ON j.id = t.job"   \
    "  WHERE s.collection = p.collection AND s.item = p.item AND s.endpoint = p.endpoint"          \
    "    AND j.state IN (1, 2))"

bool places_expire(struct db *db, void (*remove)(void *context, const char *staged), void *context,
                   int64_t *ret_count, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!db_query(db, &rows,
                  "WITH over AS (SELECT collection, item, endpoint, staged FROM places p"
                  "    WHERE expires < now() AND state = 'o' AND NOT " AWAITED_BY_A_JOB
                  "    LIMIT 10000 FOR UPDATE SKIP LOCKED)"
                  " UPDATE places p SET state = 'f', since = now(), expires = NULL, staged = NULL"
                  "  FROM over WHERE p.collection = over.collection AND p.item = over.item"
                  "    AND p.endpoint = over.endpoint RETURNING over.staged",
                  DB_NO_ARGS, err))
        return false;
    *ret_count = row_count(rows);
    for (int i = 0; i < row_count(rows); i++)
        if (row_text(rows, i, 0))
            remove(context, row_text(rows, i, 0));
    return true;
}

bool places_tidy(struct db *db, struct err *err)
{
    return db_run(db,
                  "UPDATE places p SET state = 'f', since = now(), ours = false"
                  " WHERE p.state IN ('s', 'r') AND p.ours AND NOT EXISTS ("
                  "   SELECT 1 FROM stagings s JOIN tasks t ON t.id = s.task"
                  "    WHERE s.collection = p.collection AND s.item = p.item"
                  "      AND s.endpoint = p.endpoint AND t.state IN ('w', 'r', 'x'))",
                  DB_NO_ARGS, err);
}

bool places_staged_is_known(struct db *db, const char *collection, const char *item,
                            const char *endpoint, int64_t token, bool *ret_known, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!db_query(db, &rows,
                  "SELECT EXISTS (SELECT 1 FROM places p JOIN collections c ON c.number = p.collection"
                  "    JOIN endpoints e ON e.number = p.endpoint"
                  "    WHERE c.id = $1 AND p.item = $2 AND e.name = $3"
                  "      AND strpos(p.staged, '/' || $3 || '.' || $4::bigint || '/') > 0)"
                  " OR EXISTS (SELECT 1 FROM tasks WHERE kind = 3 AND state = 'x' AND token = $4)",
                  DB_ARGS(db_text(collection), db_text(item), db_text(endpoint), db_int(token)), err))
        return false;
    *ret_known = row_bool(rows, 0, 0);
    return true;
}
