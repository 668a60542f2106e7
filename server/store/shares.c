/* Groups are whatever names users are members of. */
#include "store/shares.h"
#include <stdio.h>
#include <string.h>

static const char *const rights[] = { "see", "read", "write to", "change" };

static bool load_right(struct db *db, const struct user *user, const char *id,
                       enum collection_right *ret_right, bool *ret_service, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    *ret_right = RIGHT_NONE;
    *ret_service = false;
    if (!db_query(db, &rows,
                  "SELECT c.owner IS NULL, coalesce(c.owner = $2::uuid, false), c.public,"
                  "  EXISTS (SELECT 1 FROM collection_readers r WHERE r.collection = c.number AND r.reader = $2::uuid),"
                  "  EXISTS (SELECT 1 FROM collection_writers w WHERE w.collection = c.number AND w.writer = $2::uuid)"
                  " FROM collections c WHERE c.id = $1",
                  DB_ARGS(db_text(id), db_text(user->id)), err))
        return false;
    if (row_count(rows) == 0)
        return true;
    *ret_service = row_bool(rows, 0, 0);
    if (row_bool(rows, 0, 1) || (*ret_service && user->role >= ROLE_OPERATOR))
        *ret_right = RIGHT_OWN;
    else if (row_bool(rows, 0, 4))
        *ret_right = RIGHT_WRITE;
    else if (row_bool(rows, 0, 2) || row_bool(rows, 0, 3))
        *ret_right = RIGHT_READ;
    return true;
}

bool collection_may(struct db *db, const struct user *user, const char *id, enum collection_right needed,
                    struct err *err)
{
    enum collection_right right;
    bool service;

    if (!load_right(db, user, id, &right, &service, err))
        return false;
    if (right == RIGHT_NONE)
        return err_set(err, ERR_CollectionNotFound, "The collection '%.200s' does not exist.", id);
    if (right >= needed)
        return true;
    return err_set(err, ERR_PermissionsInsufficient, "You may %s the collection '%.200s', but not %s it: %s.",
                   rights[right], id, rights[needed],
                   service ? "it is the service's own, which operators look after" : "it belongs to another user");
}

bool collections_owned(struct db *db, const char *user_id, int64_t *ret_count, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!db_query(db, &rows, "SELECT count(*) FROM collections WHERE owner = $1", DB_ARGS(db_text(user_id)), err))
        return false;
    *ret_count = row_int(rows, 0, 0);
    return true;
}

bool share_add(struct db *db, const char *collection, const struct share *share,
               char ret_id[static ID_UUID_SIZE], struct err *err)
{
    AUTO(rows) PGresult *users = NULL;
    AUTO(rows) PGresult *rows = NULL;
    const char *user = NULL;

    if (share->user) {
        if (!db_query(db, &users, "SELECT id FROM users WHERE name = $1", DB_ARGS(db_text(share->user)), err))
            return false;
        if (row_count(users) == 0)
            return err_set(err, ERR_NotFound, "There is no user '%.100s'.", share->user);
        user = row_text(users, 0, 0);
    }
    if (!db_query(db, &rows,
                  "INSERT INTO shares(collection, user_id, group_name, everybody, writes)"
                  " SELECT number, $2::uuid, $3, $2::uuid IS NULL AND $3::text IS NULL, $4 FROM collections"
                  "  WHERE id = $1 ON CONFLICT DO NOTHING RETURNING id",
                  DB_ARGS(db_text(collection), db_text(user), db_text(share->group), db_bool(share->writes)),
                  err))
        return false;
    if (row_count(rows) == 0)
        return err_set(err, ERR_Conflict, "'%.200s' is shared with them already; delete that share first.",
                       collection);
    snprintf(ret_id, ID_UUID_SIZE, "%s", row_text(rows, 0, 0));
    return true;
}

bool share_list(struct db *db, struct arena *arena, const char *collection, struct share **ret_shares,
                size_t *ret_count, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!db_query(db, &rows,
                  "SELECT s.id, u.name, s.group_name, s.writes, s.created FROM shares s"
                  "  JOIN collections c ON c.number = s.collection LEFT JOIN users u ON u.id = s.user_id"
                  " WHERE c.id = $1 ORDER BY s.created, s.id",
                  DB_ARGS(db_text(collection)), err))
        return false;
    *ret_count = (size_t)row_count(rows);
    *ret_shares = arena_array(arena, *ret_count + 1, sizeof **ret_shares);
    for (int i = 0; i < row_count(rows); i++) {
        const char *user = row_text(rows, i, 1), *group = row_text(rows, i, 2);

        (*ret_shares)[i] = (struct share){ .id = arena_text(arena, row_text(rows, i, 0)),
                                           .user = user ? arena_text(arena, user) : NULL,
                                           .group = group ? arena_text(arena, group) : NULL,
                                           .writes = row_bool(rows, i, 3),
                                           .created = row_instant(rows, i, 4) };
    }
    return true;
}

bool share_remove(struct db *db, const char *collection, const char *id, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (id_is_uuid(id) &&
        !db_query(db, &rows,
                  "DELETE FROM shares s USING collections c WHERE c.number = s.collection AND c.id = $1"
                  "   AND s.id = $2 RETURNING 1",
                  DB_ARGS(db_text(collection), db_text(id)), err))
        return false;
    return (rows && row_count(rows)) || err_set(err, ERR_NotFound, "There is no share '%.60s'.", id);
}
