/* Every question names a namespace; which rows that means is decided by one condition. */
#include "store/user_processes.h"
#include "json/js.h"
#include <string.h>

/* $1: the viewer, $2: the namespace without its "@", $3: it is another user's. */
#define SEEN                                                                                       \
    " FROM user_processes p WHERE CASE WHEN $3"                                                    \
    "   THEN p.shared AND p.owner = (SELECT u.id FROM users u WHERE u.name = $2 OR u.id::text = $2"\
    "                                ORDER BY u.name = $2 DESC LIMIT 1)"                           \
    "   ELSE p.owner = $1::uuid END"
#define SEEN_BY(viewer, space)                                                                     \
    db_text(viewer), db_text(*(space) == '@' ? (space) + 1 : ""), db_bool(*(space) == '@')

bool user_process_put(struct db *db, const char *owner, const char *id, const json_t *process,
                      bool shared, int64_t most, struct err *err)
{
    AUTO(mem) char *text = json_dumps(process, JSON_COMPACT);
    AUTO(rows) PGresult *rows = NULL;

    if (!db_query(db, &rows,
                  "INSERT INTO user_processes(owner, id, shared, process)"
                  " SELECT $1::uuid, $2::text, $3::boolean, $4::json"
                  "  WHERE (SELECT count(*) FROM user_processes WHERE owner = $1::uuid AND id <> $2) < $5"
                  " ON CONFLICT (owner, id) DO UPDATE"
                  "   SET process = excluded.process, shared = excluded.shared, updated = now()"
                  " RETURNING 1",
                  DB_ARGS(db_text(owner), db_text(id), db_bool(shared), db_text(text), db_int(most)),
                  err))
        return false;
    return row_count(rows) ||
           err_set(err, ERR_StorageQuotaExceeded,
                   "You have %lld processes, and more are not kept; delete one first.", (long long)most);
}

bool user_process_remove(struct db *db, const char *owner, const char *id, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!db_query(db, &rows, "DELETE FROM user_processes WHERE owner = $1 AND id = $2 RETURNING 1",
                  DB_ARGS(db_text(owner), db_text(id)), err))
        return false;
    return row_count(rows) ||
           err_set(err, ERR_ProcessGraphNotFound, "You have no process '%.100s'.", id);
}

/* The text is the database's own, so it parses. */
static json_t *row_process(const PGresult *rows, int row)
{
    return json_loads(row_text(rows, row, 0), 0, NULL);
}

bool user_process_load(struct db *db, const char *viewer, const char *space, const char *id,
                       json_t **ret_process, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    *ret_process = NULL;
    if (!db_query(db, &rows, "SELECT p.process" SEEN " AND p.id = $4",
                  DB_ARGS(SEEN_BY(viewer, space), db_text(id)), err))
        return false;
    if (row_count(rows))
        *ret_process = row_process(rows, 0);
    return true;
}

bool user_process_ids(struct db *db, const char *viewer, const char *space, json_t **ret_ids,
                      struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!db_query(db, &rows, "SELECT p.id" SEEN, DB_ARGS(SEEN_BY(viewer, space)), err))
        return false;
    *ret_ids = json_object();
    for (int i = 0; i < row_count(rows); i++)
        json_object_set_new(*ret_ids, row_text(rows, i, 0), json_true());
    return true;
}

bool user_process_list(struct db *db, const char *viewer, const char *space, const char *after,
                       int64_t limit, json_t **ret_processes, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!db_query(db, &rows,
                  "SELECT p.process" SEEN " AND p.id > coalesce($4, '') ORDER BY p.id LIMIT $5",
                  DB_ARGS(SEEN_BY(viewer, space), db_text(after), db_int(limit)), err))
        return false;
    *ret_processes = json_array();
    for (int i = 0; i < row_count(rows); i++)
        json_array_append_new(*ret_processes, row_process(rows, i));
    return true;
}
