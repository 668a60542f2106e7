/* Every question names a namespace; which rows that means is decided by one condition. */
#include "store/user_processes.h"
#include "base/text.h"
#include "json/js.h"
#include <stdlib.h>
#include <string.h>

/* $1: the viewer, $2: the namespace without its "@", $3: it is another user's. */
#define SEEN                                                                                       \
    " CASE WHEN $3"                                                                                \
    "   THEN (p.shared OR EXISTS (SELECT 1 FROM group_members m"                                   \
    "                              WHERE m.user_id = $1::uuid AND m.name = ANY(p.groups)))"        \
    "    AND p.owner = (SELECT u.id FROM users u WHERE u.name = $2 OR u.id::text = $2"             \
    "                    ORDER BY u.name = $2 DESC LIMIT 1)"                                       \
    "   ELSE p.owner = $1::uuid END"
#define SEEN_BY(viewer, space)                                                                     \
    db_text(viewer), db_text(*(space) == '@' ? (space) + 1 : ""), db_bool(*(space) == '@')

/* "evi@2": the length of the name, and the version; 0 when none is named, -1 when that is no number. */
static size_t split(const char *id, int64_t *ret_version)
{
    const char *at = strchr(id, '@');
    char *end;

    *ret_version = 0;
    if (!at)
        return strlen(id);
    *ret_version = at[1] >= '1' && at[1] <= '9' && strlen(at) < 10 ? strtol(at + 1, &end, 10) : -1;
    if (*ret_version > 0 && *end)
        *ret_version = -1;
    return (size_t)(at - id);
}

static bool not_found(const char *id, struct err *err)
{
    return err_set(err, ERR_ProcessGraphNotFound, "You have no process '%.100s'.", id);
}

struct put {
    const char *owner;
    const struct user_process_input *in;
};

/* What is there is locked, so that of two changes at once the second one keeps the first one. */
static bool put(struct db *db, void *arg, struct err *err)
{
    const struct put *p = arg;
    const struct user_process_input *in = p->in;
    AUTO(mem) char *text = json_dumps(in->process, JSON_COMPACT);
    AUTO(mem) char *groups = in->groups ? json_dumps(in->groups, JSON_COMPACT) : mem_text("[]");
    AUTO(rows) PGresult *rows = NULL;

    if (!db_query(db, &rows,
                  "WITH former AS (SELECT * FROM user_processes WHERE owner = $1::uuid AND id = $2::text"
                  "                   AND process::text <> $4::text FOR UPDATE),"
                  "     kept AS (INSERT INTO user_process_versions(owner, id, version, process, created)"
                  "              SELECT owner, id, version, process, updated FROM former)"
                  "INSERT INTO user_processes(owner, id, shared, process, groups)"
                  " SELECT $1::uuid, $2::text, $3::boolean, $4::json,"
                  "        ARRAY(SELECT json_array_elements_text($6::json))"
                  "  WHERE (SELECT count(*) FROM user_processes WHERE owner = $1::uuid AND id <> $2) < $5"
                  " ON CONFLICT (owner, id) DO UPDATE"
                  "   SET process = excluded.process, shared = excluded.shared, groups = excluded.groups,"
                  "       version = user_processes.version + (SELECT count(*)::int FROM former),"
                  "       updated = CASE WHEN EXISTS (SELECT 1 FROM former) THEN now() ELSE user_processes.updated END"
                  " RETURNING 1",
                  DB_ARGS(db_text(p->owner), db_text(in->id), db_bool(in->shared), db_text(text),
                          db_int(in->most), db_text(groups)),
                  err))
        return false;
    if (row_count(rows) == 0)
        return err_set(err, ERR_StorageQuotaExceeded,
                       "You have %lld processes, and more are not kept; delete one first.", (long long)in->most);
    return db_run(db,
                  "DELETE FROM user_process_versions v USING user_processes p"
                  " WHERE p.owner = $1 AND p.id = $2 AND v.owner = p.owner AND v.id = p.id"
                  "   AND v.version < p.version - $3::bigint",
                  DB_ARGS(db_text(p->owner), db_text(in->id), db_int(in->versions)), err);
}

bool user_process_put(struct db *db, const char *owner, const struct user_process_input *in,
                      struct err *err)
{
    return db_transact(db, put, &(struct put){ owner, in }, err);
}

bool user_process_remove(struct db *db, const char *owner, const char *id, struct err *err)
{
    int64_t version;
    AUTO(mem) char *name = mem_printf("%.*s", (int)split(id, &version), id);
    AUTO(rows) PGresult *rows = NULL;

    if (version < 0)
        return not_found(id, err);
    if (version ? !db_query(db, &rows,
                            "DELETE FROM user_process_versions WHERE owner = $1 AND id = $2 AND version = $3::bigint"
                            " RETURNING 1", DB_ARGS(db_text(owner), db_text(name), db_int(version)), err)
                : !db_query(db, &rows, "DELETE FROM user_processes WHERE owner = $1 AND id = $2 RETURNING 1",
                            DB_ARGS(db_text(owner), db_text(name)), err))
        return false;
    return row_count(rows) || not_found(id, err);
}

/* The text is the database's own, so it parses. */
static json_t *row_process(const PGresult *rows, int row)
{
    return json_loads(row_text(rows, row, 0), 0, NULL);
}

bool user_process_load(struct db *db, const char *viewer, const char *space, const char *id,
                       json_t **ret_process, int64_t *ret_version, struct err *err)
{
    int64_t version;
    AUTO(mem) char *name = mem_printf("%.*s", (int)split(id, &version), id);
    AUTO(rows) PGresult *rows = NULL;

    *ret_process = NULL;
    if (!db_query(db, &rows,
                  "SELECT coalesce(v.process, p.process), coalesce(v.version, p.version) FROM user_processes p"
                  "  LEFT JOIN user_process_versions v ON v.owner = p.owner AND v.id = p.id AND v.version = $5::bigint"
                  " WHERE" SEEN " AND p.id = $4 AND $5 IN (0, v.version, p.version)",
                  DB_ARGS(SEEN_BY(viewer, space), db_text(name), db_int(version)), err))
        return false;
    if (row_count(rows) == 0)
        return true;
    *ret_process = row_process(rows, 0);
    *ret_version = row_int(rows, 0, 1);
    return true;
}

bool user_process_ids(struct db *db, const char *viewer, const char *space, json_t **ret_ids,
                      struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!db_query(db, &rows, "SELECT p.id FROM user_processes p WHERE" SEEN, DB_ARGS(SEEN_BY(viewer, space)), err))
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
                  "SELECT p.process FROM user_processes p WHERE" SEEN
                  " AND p.id > coalesce($4, '') ORDER BY p.id LIMIT $5",
                  DB_ARGS(SEEN_BY(viewer, space), db_text(after), db_int(limit)), err))
        return false;
    *ret_processes = json_array();
    for (int i = 0; i < row_count(rows); i++)
        json_array_append_new(*ret_processes, row_process(rows, i));
    return true;
}

bool user_process_versions(struct db *db, struct arena *arena, const char *owner, const char *id,
                           struct user_process_version **ret_versions, size_t *ret_count, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!db_query(db, &rows,
                  "SELECT version, updated FROM user_processes WHERE owner = $1 AND id = $2 UNION ALL"
                  " SELECT version, created FROM user_process_versions WHERE owner = $1 AND id = $2"
                  " ORDER BY version DESC",
                  DB_ARGS(db_text(owner), db_text(id)), err))
        return false;
    *ret_count = (size_t)row_count(rows);
    *ret_versions = arena_array(arena, *ret_count, sizeof **ret_versions);
    for (size_t i = 0; i < *ret_count; i++)
        (*ret_versions)[i] = (struct user_process_version){ row_int(rows, (int)i, 0), row_instant(rows, (int)i, 1) };
    return *ret_count || not_found(id, err);
}
