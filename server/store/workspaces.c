/* SQL of workspaces. */
#include "store/workspaces.h"
#include "base/text.h"
#include <inttypes.h>
#include <stdio.h>

static bool not_found(const char *id, struct err *err)
{
    return err_set(err, ERR_WorkspaceNotFound, "There is no workspace '%.100s' that you may use.", id);
}

bool workspace_insert(struct db *db, const char *owner, const struct workspace_input *in, int64_t most,
                      char ret_id[static ID_UUID_SIZE], struct err *err)
{
    AUTO(mem) char *groups = in->groups ? json_dumps(in->groups, JSON_COMPACT) : mem_text("[]");
    AUTO(rows) PGresult *rows = NULL;

    id_uuid(ret_id);
    if (!db_query(db, &rows,
                  "INSERT INTO workspaces(id, owner, provider, title, description, groups)"
                  " SELECT $1::uuid, $2::uuid, $3::text, $4::text, $5::text,"
                  "        ARRAY(SELECT json_array_elements_text($6::json))"
                  "  WHERE (SELECT count(*) FROM workspaces WHERE owner = $2::uuid) < $7::bigint RETURNING 1",
                  DB_ARGS(db_text(ret_id), db_text(owner), db_text(in->provider), db_text(in->title),
                          db_text(in->description), db_text(groups), db_int(most)),
                  err))
        return false;
    return row_count(rows) || err_set(err, ERR_StorageQuotaExceeded,
                                      "You have %" PRId64 " workspaces, and more are not kept; delete one first.", most);
}

/* $1: the viewer */
#define SELECT_SEEN                                                                                \
    "SELECT w.id, w.owner = $1::uuid, w.provider, w.title, w.description, array_to_json(w.groups), w.bytes, w.created" \
    "  FROM workspaces w WHERE (w.owner = $1::uuid OR EXISTS (SELECT 1 FROM group_members m"       \
    "    WHERE m.user_id = $1::uuid AND m.name = ANY(w.groups)))"

static void read_workspace(const PGresult *rows, int row, struct arena *arena, struct workspace *w)
{
    *w = (struct workspace){ .is_own = row_bool(rows, row, 1),
                             .provider = arena_text(arena, row_text(rows, row, 2)),
                             .title = arena_text(arena, row_text(rows, row, 3)),
                             .description = arena_text(arena, row_text(rows, row, 4)),
                             .groups = arena_text(arena, row_text(rows, row, 5)),
                             .bytes = row_int(rows, row, 6),
                             .created = row_instant(rows, row, 7) };
    snprintf(w->id, sizeof w->id, "%s", row_text(rows, row, 0));
}

bool workspace_load(struct db *db, struct arena *arena, const char *viewer, const char *id,
                    struct workspace *ret_workspace, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!id_is_uuid(id))
        return not_found(id, err);
    if (!db_query(db, &rows, SELECT_SEEN " AND w.id = $2", DB_ARGS(db_text(viewer), db_text(id)), err))
        return false;
    if (row_count(rows) == 0)
        return not_found(id, err);
    read_workspace(rows, 0, arena, ret_workspace);
    return true;
}

bool workspace_list(struct db *db, struct arena *arena, const char *viewer, const char *after, int64_t limit,
                    struct workspace *workspaces, size_t *ret_count, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (after && !id_is_uuid(after))
        return err_set(err, ERR_InvalidParameter, "after: expected the id of a workspace");
    if (!db_query(db, &rows, SELECT_SEEN " AND ($2::uuid IS NULL OR w.id > $2) ORDER BY w.id LIMIT $3::bigint",
                  DB_ARGS(db_text(viewer), db_text(after), db_int(limit)), err))
        return false;
    *ret_count = (size_t)row_count(rows);
    for (size_t i = 0; i < *ret_count; i++)
        read_workspace(rows, (int)i, arena, &workspaces[i]);
    return true;
}

bool workspace_update(struct db *db, const char *owner, const char *id, const struct workspace_input *change,
                      struct err *err)
{
    AUTO(mem) char *groups = change->groups ? json_dumps(change->groups, JSON_COMPACT) : NULL;
    AUTO(rows) PGresult *rows = NULL;

    if (!id_is_uuid(id))
        return not_found(id, err);
    if (!db_query(db, &rows,
                  "UPDATE workspaces SET title = coalesce($3, title), description = coalesce($4, description),"
                  "    groups = CASE WHEN $5::json IS NULL THEN groups"
                  "                  ELSE ARRAY(SELECT json_array_elements_text($5::json)) END"
                  " WHERE id = $1 AND owner = $2 RETURNING 1",
                  DB_ARGS(db_text(id), db_text(owner), db_text(change->title), db_text(change->description),
                          db_text(groups)),
                  err))
        return false;
    return row_count(rows) || not_found(id, err);
}

bool workspace_delete(struct db *db, const char *owner, const char *id, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!id_is_uuid(id))
        return not_found(id, err);
    if (!db_query(db, &rows, "DELETE FROM workspaces WHERE id = $1 AND owner = $2 RETURNING 1",
                  DB_ARGS(db_text(id), db_text(owner)), err))
        return false;
    return row_count(rows) || not_found(id, err);
}

bool workspace_lock(struct db *db, const char *place, struct err *err)
{
    return db_run(db, "SELECT pg_advisory_xact_lock(730300, hashtext($1))", DB_ARGS(db_text(place)), err);
}

struct account {
    const char *id;
    const json_t *files;
    int64_t quota;
    json_t *before;
};

static int64_t total(const json_t *files)
{
    const json_t *bytes;
    const char *path;
    int64_t sum = 0;

    json_object_foreach((json_t *)files, path, bytes)
        sum += json_integer_value(bytes);
    return sum;
}

/* One after the other for each workspace, as what was there before must be the latest. */
static bool put_account(struct db *db, void *arg, struct err *err)
{
    struct account *a = arg;
    AUTO(mem) char *files = json_dumps(a->files, JSON_COMPACT);
    AUTO(rows) PGresult *rows = NULL;

    if (!workspace_lock(db, a->id, err) ||
        !db_query(db, &rows,
                  "WITH files AS ("
                  "  SELECT f.key AS path, f.value::bigint AS bytes, coalesce(w.bytes, 0) AS before"
                  "    FROM json_each_text($2::json) f LEFT JOIN workspace_files w ON w.workspace = $1::uuid AND w.path = f.key),"
                  " more AS (SELECT coalesce(sum(bytes - before), 0)::bigint AS bytes FROM files),"
                  " charged AS (UPDATE workspaces SET bytes = workspaces.bytes + more.bytes FROM more"
                  "   WHERE id = $1::uuid AND (more.bytes <= 0 OR workspaces.bytes + more.bytes <= $3::bigint) RETURNING 1),"
                  " kept AS (INSERT INTO workspace_files SELECT $1::uuid, path, bytes FROM files WHERE EXISTS (SELECT FROM charged)"
                  "   ON CONFLICT (workspace, path) DO UPDATE SET bytes = EXCLUDED.bytes)"
                  " SELECT coalesce((SELECT json_object_agg(path, before) FROM files), '{}') FROM charged",
                  DB_ARGS(db_text(a->id), db_text(files), db_int(a->quota)), err))
        return false;
    if (!row_count(rows))
        return err_set(err, ERR_StorageQuotaExceeded,
                       "With %" PRId64 " bytes more the workspace '%s' would have more than %" PRId64 ".", total(a->files), a->id,
                       a->quota);
    json_decref(a->before);
    a->before = json_loads(row_text(rows, 0, 0), 0, NULL);
    return true;
}

bool workspace_account(struct db *db, const char *id, const json_t *files, int64_t quota, json_t **ret_before, struct err *err)
{
    struct account account = { .id = id, .files = files, .quota = quota };

    if (!db_transact(db, put_account, &account, err)) {
        json_decref(account.before);
        return false;
    }
    *ret_before = account.before;
    return true;
}
