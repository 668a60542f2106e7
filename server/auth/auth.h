/* Who is calling: one function answers for every kind of credentials. Doors: liboauth2, cjose,
 * sodium. */
#ifndef AUTH_AUTH_H
#define AUTH_AUTH_H

#include "config/config.h"
#include "store/users.h"

/* Once per process, before threads. Reads auth.secret or makes and keeps one in the database. */
bool auth_init(const struct config *config, struct db *db, struct err *err) MUST_USE;
void auth_done(void);

struct credentials {
    const char *authorization; /* header, NULL when absent */
    const char *api_key;       /* X-API-Key header, NULL when absent */
};

/* Bearer (JWT; oidc/PROVIDER/TOKEN; basic//TOKEN), Basic, X-API-Key, or auth.anonymous. *ret_user is
 * NULL (and true returned) when nothing was given. Errors: TokenInvalid, CredentialsInvalid,
 * AuthenticationSchemeInvalid; messages never hold the credentials. */
bool auth_verify(const struct config *config, struct db *db, const struct credentials *credentials,
                 struct user *ret_user, bool *ret_known, struct err *err) MUST_USE;

/* Names credentials (one of them at least) without telling them: SHA-256. */
void auth_fingerprint(const struct credentials *credentials,
                      unsigned char ret_hash[static SECRET_HASH_SIZE]);

/* Local users. The password is hashed with argon2id; email may be NULL. Errors: Conflict,
 * CredentialsInvalid (password), InvalidParameter (name). */
bool auth_user_add(struct db *db, const char *name, const char *email, const char *password,
                   enum role role, struct err *err) MUST_USE;
/* Ends the user's sessions too. Errors: NotFound, CredentialsInvalid. */
bool auth_user_password(struct db *db, const char *name, const char *password,
                        struct err *err) MUST_USE;
/* An API key for X-API-Key: shown once, only its hash is kept. `scopes` 0: whatever the user may; `expires` 0: never. */
bool auth_key_issue(struct db *db, const struct user *user, const char *title, unsigned scopes, int64_t expires,
                    char ret_key[static ID_SECRET_SIZE], char ret_id[static ID_UUID_SIZE],
                    struct err *err) MUST_USE;
/* A session token for a verified user: openEO's access_token, a JSON Web Token of this issuer ("basic//" is put
 * before by older clients). The caller frees. */
bool auth_token_issue(const struct config *config, struct db *db, const struct user *user, const char *issuer,
                      char **ret_token, struct err *err) MUST_USE;

/* Signed links: the path prefix, who is meant (a job id), and an expiry, under HMAC-SHA-256.
 * auth_link_sign() appends "?expires=...&signature=..." to base + path. The caller frees. */
char *auth_link_sign(const struct config *config, const char *base_url, const char *path,
                     int64_t expires_ms);
/* The same right as one segment of a path, "EXPIRES-SIGNATURE", for clients that append names to an
 * address and know nothing of queries. The caller frees. */
char *auth_link_token(const char *path, int64_t expires_ms);
bool auth_link_check_token(const char *path, const char *token, struct err *err) MUST_USE;
/* Errors: ResultLinkExpired (expired), PermissionsInsufficient (forged). Revocation is the row's:
 * a deleted job has no file to serve. */
bool auth_link_check(const char *path, const char *expires, const char *signature,
                     struct err *err) MUST_USE;
/* Opaque tokens that only this service can have made (paging): HMAC beside the text. Caller frees. */
char *auth_seal(const char *text);
bool auth_unseal(const char *sealed, char **ret_text, struct err *err) MUST_USE;

#endif
