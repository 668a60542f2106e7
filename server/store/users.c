/* Every look-up gives the same four columns, read by one function. The time of an API key's last use
 * is written at most once a minute, so that a busy key does not make a row version a request. */
#include "store/users.h"
#include <stdio.h>
#include <string.h>

#define USER_COLUMNS "u.id, u.name, u.email, u.role"

static const char *const role_names[] = { "nobody", "user", "operator", "admin" };

const char *role_name(enum role role)
{
    return role_names[role];
}

bool role_find(const char *name, enum role *ret_role)
{
    for (int role = ROLE_USER; role <= ROLE_ADMIN; role++) {
        if (!strcmp(name, role_names[role])) {
            *ret_role = (enum role)role;
            return true;
        }
    }
    return false;
}

static const char *const scope_names[] = {"read", "process", "catalog"};

const char *key_scope_name(size_t i, unsigned *ret_scope)
{
    if (i >= ARRAY_LEN(scope_names))
        return NULL;
    *ret_scope = 1u << i;
    return scope_names[i];
}

bool key_scopes_read(const char *text, unsigned *ret_scopes, struct err *err)
{
    AUTO(mem) char *copy = mem_text(text);
    char *rest = copy, *one;

    *ret_scopes = 0;
    while ((one = strsep(&rest, " ,"))) {
        unsigned before = *ret_scopes, scope;
        const char *name;

        for (size_t i = 0; (name = key_scope_name(i, &scope)); i++)
            if (!strcmp(name, one))
                *ret_scopes |= scope;
        if (*one && *ret_scopes == before)
            return err_set(err, ERR_InvalidParameter,
                           "scopes: expected each of read, process and catalog once, found '%.40s'",
                           one);
    }
    return *ret_scopes || err_set(err, ERR_InvalidParameter,
                                  "scopes: expected read, process or catalog, found nothing");
}

static void read_user(const PGresult *rows, int row, struct user *user)
{
    const char *email = row_text(rows, row, 2);

    snprintf(user->id, sizeof user->id, "%s", row_text(rows, row, 0));
    snprintf(user->name, sizeof user->name, "%s", row_text(rows, row, 1));
    snprintf(user->email, sizeof user->email, "%s", email ? email : "");
    user->role = (enum role)row_int(rows, row, 3);
    user->scopes = 0;
}

static bool read_one(const PGresult *rows, struct user *user)
{
    if (row_count(rows) == 0)
        return false;
    read_user(rows, 0, user);
    return true;
}

bool user_add(struct db *db, const char *name, const char *email, const char *password,
              enum role role, char ret_id[static ID_UUID_SIZE], struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!db_query(db, &rows,
                  "INSERT INTO users(name, email, password, role) VALUES ($1, $2, $3, $4)"
                  " ON CONFLICT (name) DO NOTHING RETURNING id",
                  DB_ARGS(db_text(name), db_text(email), db_text(password), db_int(role)), err))
        return false;
    if (row_count(rows) == 0)
        return err_set(err, ERR_Conflict, "There is already a user '%s'", name);
    snprintf(ret_id, ID_UUID_SIZE, "%s", row_text(rows, 0, 0));
    return true;
}

bool user_load(struct db *db, const char *name, struct user *ret_user, char **ret_password,
               bool *ret_found, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!db_query(db, &rows, "SELECT " USER_COLUMNS ", u.password FROM users u WHERE u.name = $1",
                  DB_ARGS(db_text(name)), err))
        return false;
    *ret_found = read_one(rows, ret_user);
    *ret_password = *ret_found ? mem_text(row_text(rows, 0, 4)) : NULL;
    return true;
}

bool user_keep(struct db *db, const char *name, const char *email, enum role role,
               struct user *ret_user, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL, *made = NULL;

    if (!db_query(db, &rows,
                  "SELECT " USER_COLUMNS " FROM users u"
                  " WHERE u.name = $1 AND u.role = $2 AND ($3::text IS NULL OR u.email = $3)",
                  DB_ARGS(db_text(name), db_int(role), db_text(email)), err))
        return false;
    if (read_one(rows, ret_user))
        return true;
    if (!db_query(db, &made,
                  "INSERT INTO users AS u(name, email, role) VALUES ($1, $3, $2)"
                  " ON CONFLICT (name) DO UPDATE SET email = coalesce($3, u.email), role = $2"
                  " RETURNING " USER_COLUMNS,
                  DB_ARGS(db_text(name), db_int(role), db_text(email)), err))
        return false;
    return read_one(made, ret_user) || err_set(err, ERR_Internal, "No row for user '%s'", name);
}

static bool changed_one(const PGresult *rows, const char *what, const char *name, struct err *err)
{
    return row_count(rows) > 0 || err_set(err, ERR_NotFound, "There is no %s '%s'", what, name);
}

bool user_set_password(struct db *db, const char *name, const char *password, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    return db_query(db, &rows,
                    "WITH changed AS (UPDATE users SET password = $2 WHERE name = $1 RETURNING id),"
                    " ended AS (DELETE FROM tokens t USING changed c WHERE t.user_id = c.id)"
                    " SELECT id FROM changed",
                    DB_ARGS(db_text(name), db_text(password)), err) &&
           changed_one(rows, "user", name, err);
}

bool user_remove(struct db *db, const char *name, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    return db_query(db, &rows, "DELETE FROM users WHERE name = $1 RETURNING id",
                    DB_ARGS(db_text(name)), err) &&
           changed_one(rows, "user", name, err);
}

bool user_list(struct db *db, struct arena *arena, struct user_row **ret_rows, size_t *ret_count,
               struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!db_query(db, &rows,
                  "SELECT " USER_COLUMNS ", u.created, u.password IS NOT NULL,"
                  "       (SELECT count(*) FROM api_keys k WHERE k.user_id = u.id),"
                  "       (SELECT count(*) FROM jobs j WHERE j.owner = u.id)"
                  "  FROM users u ORDER BY u.name",
                  DB_NO_ARGS, err))
        return false;
    *ret_count = (size_t)row_count(rows);
    *ret_rows = arena_array(arena, *ret_count, sizeof **ret_rows);
    for (int i = 0; i < row_count(rows); i++) {
        struct user_row *row = &(*ret_rows)[i];

        read_user(rows, i, &row->user);
        row->created = row_instant(rows, i, 4);
        row->has_password = row_bool(rows, i, 5);
        row->keys = row_int(rows, i, 6);
        row->jobs = row_int(rows, i, 7);
    }
    return true;
}

bool token_add(struct db *db, const char *user_id, const unsigned char hash[static SECRET_HASH_SIZE],
               int64_t expires, struct err *err)
{
    return db_run(db,
                  "WITH swept AS (DELETE FROM tokens WHERE expires < now())"
                  " INSERT INTO tokens(hash, user_id, expires) VALUES ($1, $2, $3)",
                  DB_ARGS(db_bytes(hash, SECRET_HASH_SIZE), db_text(user_id), db_instant(expires)),
                  err);
}

bool token_load(struct db *db, const unsigned char hash[static SECRET_HASH_SIZE],
                struct user *ret_user, bool *ret_found, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!db_query(db, &rows,
                  "SELECT " USER_COLUMNS " FROM tokens t JOIN users u ON u.id = t.user_id"
                  " WHERE t.hash = $1 AND t.expires > now()",
                  DB_ARGS(db_bytes(hash, SECRET_HASH_SIZE)), err))
        return false;
    *ret_found = read_one(rows, ret_user);
    return true;
}

bool api_key_add(struct db *db, const char *user_id,
                 const unsigned char hash[static SECRET_HASH_SIZE], const char *title,
                 unsigned scopes, int64_t expires, char ret_id[static ID_UUID_SIZE],
                 struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!db_query(db, &rows,
                  "INSERT INTO api_keys(user_id, hash, title, scopes, expires)"
                  " VALUES ($1, $2, $3, $4, CASE WHEN $5 THEN $6::timestamptz END) RETURNING id",
                  DB_ARGS(db_text(user_id), db_bytes(hash, SECRET_HASH_SIZE), db_text(title),
                          db_int(scopes), db_bool(expires != 0), db_instant(expires)),
                  err))
        return false;
    snprintf(ret_id, ID_UUID_SIZE, "%s", row_text(rows, 0, 0));
    return true;
}

bool api_key_load(struct db *db, const unsigned char hash[static SECRET_HASH_SIZE],
                  struct user *ret_user, bool *ret_found, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!db_query(db, &rows,
                  "SELECT " USER_COLUMNS ","
                  "       k.used IS NULL OR k.used < now() - interval '1 minute', k.scopes"
                  "  FROM api_keys k JOIN users u ON u.id = k.user_id WHERE k.hash = $1"
                  "   AND (k.expires IS NULL OR k.expires > now())",
                  DB_ARGS(db_bytes(hash, SECRET_HASH_SIZE)), err))
        return false;
    *ret_found = read_one(rows, ret_user);
    if (*ret_found)
        ret_user->scopes = (unsigned)row_int(rows, 0, 5);
    return !*ret_found || !row_bool(rows, 0, 4) ||
           db_run(db, "UPDATE api_keys SET used = now() WHERE hash = $1",
                  DB_ARGS(db_bytes(hash, SECRET_HASH_SIZE)), err);
}

bool api_key_list(struct db *db, struct arena *arena, const char *user_id, struct api_key **ret_keys,
                  size_t *ret_count, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!db_query(
            db, &rows,
            "SELECT id, title, created, used, expires, scopes FROM api_keys WHERE user_id = $1"
            " ORDER BY created, id",
            DB_ARGS(db_text(user_id)), err))
        return false;
    *ret_count = (size_t)row_count(rows);
    *ret_keys = arena_array(arena, *ret_count, sizeof **ret_keys);
    for (int i = 0; i < row_count(rows); i++) {
        struct api_key *key = &(*ret_keys)[i];

        snprintf(key->id, sizeof key->id, "%s", row_text(rows, i, 0));
        key->title = arena_text(arena, row_text(rows, i, 1));
        key->created = row_instant(rows, i, 2);
        key->used = row_text(rows, i, 3) ? row_instant(rows, i, 3) : 0;
        key->expires = row_text(rows, i, 4) ? row_instant(rows, i, 4) : 0;
        key->scopes = (unsigned)row_int(rows, i, 5);
    }
    return true;
}

bool api_key_remove(struct db *db, const char *user_id, const char *id, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!id_is_uuid(id))
        return err_set(err, ERR_NotFound, "There is no key '%s'", id);
    return db_query(db, &rows,
                    "DELETE FROM api_keys WHERE id = $1 AND ($2::uuid IS NULL OR user_id = $2)"
                    " RETURNING id",
                    DB_ARGS(db_text(id), db_text(user_id)), err) &&
           changed_one(rows, "key", id, err);
}

bool setting_keep(struct db *db, const char *name, const char *proposal, char **ret_value,
                  struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!db_run(db, "INSERT INTO settings(name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING",
                DB_ARGS(db_text(name), db_text(proposal)), err) ||
        !db_query(db, &rows, "SELECT value FROM settings WHERE name = $1", DB_ARGS(db_text(name)),
                  err))
        return false;
    *ret_value = mem_text(row_text(rows, 0, 0));
    return true;
}
