/* Collections are few (hundreds): every question about them is one indexed look-up or a short scan. */
#include "store/collections.h"
#include "base/text.h"
#include "json/js.h"
#include "store/stac_text.h"
#include <string.h>

static bool check(const json_t *c, struct err *err)
{
    static const struct { const char *name; json_type type; const char *expected; } needed[] = {
        { "id", JSON_STRING, "a string" },          { "stac_version", JSON_STRING, "a string" },
        { "description", JSON_STRING, "a string" }, { "license", JSON_STRING, "a string" },
        { "extent", JSON_OBJECT, "an object" },     { "links", JSON_ARRAY, "an array" },
    };
    const char *type = json_string_value(json_object_get(c, "type"));

    if (!json_is_object(c))
        return js_refuse(c, "", "a STAC collection", err);
    if (!type || strcmp(type, "Collection"))
        return err_set(err, ERR_BadRequest, "/type: expected \"Collection\", found %s%s",
                       type ? "" : js_type_name(json_object_get(c, "type")), type ? type : "");
    for (size_t i = 0; i < ARRAY_LEN(needed); i++) {
        const json_t *value = json_object_get(c, needed[i].name);
        AUTO(mem) char *place = js_pointer("", needed[i].name);

        if (!value || json_typeof(value) != needed[i].type)
            return js_refuse(value, place, needed[i].expected, err);
    }
    if (!text_begins(json_string_value(json_object_get(c, "stac_version")), "1."))
        return err_set(err, ERR_BadRequest, "/stac_version: expected 1.0.0 or 1.1.0, found '%.20s'",
                       json_string_value(json_object_get(c, "stac_version")));
    if (!text_is_plain_name(json_string_value(json_object_get(c, "id")), 200))
        return err_set(err, ERR_BadRequest,
                       "/id: expected at most 200 letters, digits and . _ ~ -, found '%.60s'",
                       json_string_value(json_object_get(c, "id")));
    return true;
}

bool collection_put(struct db *db, const json_t *collection, struct err *err)
{
    AUTO(text) struct text text = { 0 };

    if (!check(collection, err) || !stac_text_keep(collection, &text, err))
        return false;
    return db_run(db,
                  "INSERT INTO collections(id, body) VALUES ($1, $2)"
                  " ON CONFLICT (id) DO UPDATE SET body = excluded.body, updated = now()",
                  DB_ARGS(db_text(json_string_value(json_object_get(collection, "id"))),
                          db_text(text.data)),
                  err);
}

bool collection_text(struct db *db, struct arena *arena, const char *viewer, const char *id,
                     const char **ret_text, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!db_query(db, &rows,
                  "SELECT body FROM collections WHERE id = $1 AND (public OR owner = $2::uuid)",
                  DB_ARGS(db_text(id), db_text(viewer)), err))
        return false;
    if (row_count(rows) == 0)
        return err_set(err, ERR_CollectionNotFound, "The collection '%.200s' does not exist.", id);
    *ret_text = arena_text(arena, row_text(rows, 0, 0));
    return true;
}

bool collection_list(struct db *db, struct arena *arena, const char *viewer, const char *after,
                     int64_t limit, struct collection_row **ret_rows, size_t *ret_count,
                     struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!db_query(db, &rows,
                  "SELECT id, body, count FROM collections"
                  " WHERE (public OR owner = $1::uuid) AND ($2::text IS NULL OR id > $2)"
                  " ORDER BY id LIMIT $3::bigint",
                  DB_ARGS(db_text(viewer), db_text(after), db_int(limit)), err))
        return false;
    *ret_count = (size_t)row_count(rows);
    *ret_rows = arena_array(arena, *ret_count + 1, sizeof **ret_rows);
    for (int i = 0; i < row_count(rows); i++)
        (*ret_rows)[i] = (struct collection_row){ .id = arena_text(arena, row_text(rows, i, 0)),
                                                  .text = arena_text(arena, row_text(rows, i, 1)),
                                                  .count = row_int(rows, i, 2) };
    return true;
}

bool collection_exists(struct db *db, const char *id, bool *ret_exists, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!db_query(db, &rows, "SELECT 1 FROM collections WHERE id = $1", DB_ARGS(db_text(id)), err))
        return false;
    *ret_exists = row_count(rows) > 0;
    return true;
}

const char *store_array(struct arena *arena, size_t count, const char *const *texts)
{
    AUTO(text) struct text array = { 0 };

    text_add(&array, "{");
    for (size_t i = 0; i < count; i++) {
        text_add(&array, i ? ",\"" : "\"");
        for (const char *c = texts[i]; *c; c++) {
            if (*c == '"' || *c == '\\')
                text_add(&array, "\\");
            text_addn(&array, c, 1);
        }
        text_add(&array, "\"");
    }
    text_add(&array, "}");
    return arena_text(arena, array.data);
}
