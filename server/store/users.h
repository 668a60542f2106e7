/* Table users and what proves who somebody is: passwords, tokens, API keys; and the table settings.
 * Only hashes of secrets come here. */
#ifndef STORE_USERS_H
#define STORE_USERS_H

#include "base/id.h"
#include "base/mem.h"
#include "store/db.h"

enum role { ROLE_NOBODY, ROLE_USER, ROLE_OPERATOR, ROLE_ADMIN };
const char *role_name(enum role role);                /* "user" */
bool role_find(const char *name, enum role *ret_role); /* false: no such role */

/* What an API key may do of what its owner may. Reading comes with each. */
enum key_scope {
    KEY_READ = 1,
    KEY_PROCESS = 2 /* run processes, manage jobs */,
    KEY_CATALOG = 4 /* write items */
};
const char *key_scope_name(size_t i, unsigned *ret_scope); /* "read"; NULL at the end */
/* "read process", blanks or commas between. Errors: InvalidParameter. */
bool key_scopes_read(const char *text, unsigned *ret_scopes, struct err *err) MUST_USE;

struct user {
    char id[ID_UUID_SIZE];
    char name[128]; /* the log-in of a local user, "issuer|sub" shortened for others */
    char email[256];
    enum role role;
    unsigned scopes; /* of the key that he came with; 0: whatever he may */
};
/* A log-in may do anything, a key what its scopes say. */
static inline bool user_may(const struct user *user, enum key_scope scope)
{
    return !user->scopes || (user->scopes & (unsigned)scope);
}

/* `password` is a hash or NULL (cannot log in here). Errors: Conflict. */
bool user_add(struct db *db, const char *name, const char *email, const char *password,
              enum role role, char ret_id[static ID_UUID_SIZE], struct err *err) MUST_USE;
/* *ret_password (NULL when there is none) is freed by the caller. *ret_found false: no such user. */
bool user_load(struct db *db, const char *name, struct user *ret_user, char **ret_password,
               bool *ret_found, struct err *err) MUST_USE;
/* The user with this name, made when it is not there; e-mail (NULL: as it is) and role are brought up to
 * date. */
bool user_keep(struct db *db, const char *name, const char *email, enum role role,
               struct user *ret_user, struct err *err) MUST_USE;
/* Ends all sessions of the user as well. Errors: NotFound. */
bool user_set_password(struct db *db, const char *name, const char *password,
                       struct err *err) MUST_USE;
/* With everything that is the user's. Errors: NotFound. */
bool user_remove(struct db *db, const char *name, struct err *err) MUST_USE;

struct user_row {
    struct user user;
    int64_t created;
    bool has_password;
    int64_t keys, jobs;
};
bool user_list(struct db *db, struct arena *arena, struct user_row **ret_rows, size_t *ret_count,
               struct err *err) MUST_USE;

enum { SECRET_HASH_SIZE = 32 };

/* Session tokens. *ret_found false: unknown or expired. */
bool token_add(struct db *db, const char *user_id, const unsigned char hash[static SECRET_HASH_SIZE],
               int64_t expires, struct err *err) MUST_USE;
bool token_load(struct db *db, const unsigned char hash[static SECRET_HASH_SIZE],
                struct user *ret_user, bool *ret_found, struct err *err) MUST_USE;

struct api_key {
    char id[ID_UUID_SIZE];
    const char *title;
    int64_t created, used, expires; /* used 0: never; expires 0: never */
    unsigned scopes;
};
/* `expires` 0: never. */
bool api_key_add(struct db *db, const char *user_id,
                 const unsigned char hash[static SECRET_HASH_SIZE], const char *title,
                 unsigned scopes, int64_t expires, char ret_id[static ID_UUID_SIZE],
                 struct err *err) MUST_USE;
bool api_key_load(struct db *db, const unsigned char hash[static SECRET_HASH_SIZE],
                  struct user *ret_user, bool *ret_found, struct err *err) MUST_USE;
bool api_key_list(struct db *db, struct arena *arena, const char *user_id, struct api_key **ret_keys,
                  size_t *ret_count, struct err *err) MUST_USE;
/* user_id NULL: whosever it is (the administrator's command). Errors: NotFound. */
bool api_key_remove(struct db *db, const char *user_id, const char *id, struct err *err) MUST_USE;

/* The value that is kept under `name`; `proposal` when there was none yet. The caller frees. */
bool setting_keep(struct db *db, const char *name, const char *proposal, char **ret_value,
                  struct err *err) MUST_USE;

#endif
