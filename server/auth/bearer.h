/* Bearer tokens: sessions of ours, and tokens of the OpenID Connect provider. */
#ifndef AUTH_BEARER_H
#define AUTH_BEARER_H

#include "config/config.h"
#include "store/users.h"

bool bearer_init(const struct config *config, struct err *err) MUST_USE;
void bearer_done(void);
/* What stands after "Bearer": "basic//TOKEN", "oidc/PROVIDER/TOKEN" or the token alone. Errors:
 * TokenInvalid, AuthenticationSchemeInvalid; Unreachable when the provider's keys cannot be had. */
bool bearer_verify(const struct config *config, struct db *db, const char *token,
                   struct user *ret_user, struct err *err) MUST_USE;

/* A token of our own sessions: a JSON Web Token that nobody can guess. It counts because its hash is kept, so
 * that it can be taken back; who else reads it learns its issuer and its end. The caller frees. */
char *session_token(const char *issuer, const char *user_id, int64_t issued, int64_t expires);

#endif
