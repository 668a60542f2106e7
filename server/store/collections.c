/* Collections are few (hundreds): every question about them is one indexed look-up or a short scan. */
#include "store/collections.h"
#include "base/text.h"
#include <string.h>

bool collection_is_of_service(struct db *db, const char *id, bool *ret_is, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!db_query(db, &rows, "SELECT 1 FROM collections WHERE id = $1 AND owner IS NULL", DB_ARGS(db_text(id)), err))
        return false;
    *ret_is = row_count(rows) > 0;
    return true;
}

bool collection_text(struct db *db, struct arena *arena, const char *viewer, const char *id,
                     const char **ret_text, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!db_query(db, &rows,
                  "SELECT body FROM collections c WHERE id = $1 AND " COLLECTION_VISIBLE("$2"),
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
                  "SELECT id, body, count FROM collections c"
                  " WHERE " COLLECTION_VISIBLE("$1") " AND ($2::text IS NULL OR id > $2)"
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

bool collection_ids(struct db *db, struct arena *arena, const char *viewer, const char *const **ret_ids,
                    size_t *ret_count, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;
    const char **ids;

    if (!db_query(db, &rows, "SELECT id FROM collections c WHERE " COLLECTION_VISIBLE("$1") " ORDER BY id",
                  DB_ARGS(db_text(viewer)), err))
        return false;
    *ret_count = (size_t)row_count(rows);
    ids = arena_array(arena, *ret_count + 1, sizeof *ids);
    for (int i = 0; i < row_count(rows); i++)
        ids[i] = arena_text(arena, row_text(rows, i, 0));
    *ret_ids = ids;
    return true;
}

bool collection_exists(struct db *db, const char *id, bool *ret_exists, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!db_query(db, &rows, "SELECT owner IS NOT NULL FROM collections WHERE id = $1", DB_ARGS(db_text(id)), err))
        return false;
    *ret_exists = row_count(rows) > 0;
    return !*ret_exists || !row_bool(rows, 0, 0) ||
           err_set(err, ERR_Conflict, "The collection '%.200s' is a user's, not the service's.", id);
}

void store_array_add(struct text *array, const char *text)
{
    const char *plain = text;

    text_addn(array, "\"", 1);
    for (; *text; text++)
        if (*text == '"' || *text == '\\') {
            text_addn(array, plain, (size_t)(text - plain));
            text_addn(array, "\\", 1);
            plain = text;
        }
    text_addn(array, plain, (size_t)(text - plain));
    text_addn(array, "\"", 1);
}

const char *store_array(struct arena *arena, size_t count, const char *const *texts)
{
    AUTO(text) struct text array = { 0 };

    text_add(&array, "{");
    for (size_t i = 0; i < count; i++) {
        if (i)
            text_addn(&array, ",", 1);
        store_array_add(&array, texts[i]);
    }
    text_add(&array, "}");
    return arena_text(arena, array.data);
}
