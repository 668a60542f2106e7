/* Signatures of the calls that we make to addresses of users, as Standard Webhooks has them: HMAC-SHA-256
 * over "id.timestamp.body". The secret is kept encrypted, because it must be used again. */
#ifndef AUTH_HOOK_H
#define AUTH_HOOK_H

#include "base/err.h"
#include <stddef.h>

/* `given` is "whsec_" and base64 of 24 to 64 bytes, or NULL: a random one is made. The caller frees the
 * text to be told and the encrypted bytes. Errors: InvalidParameter. */
bool hook_secret(const char *given, char **ret_told, unsigned char **ret_kept, size_t *ret_size,
                 struct err *err) MUST_USE;
/* "v1,BASE64"; the caller frees. Errors: Internal, when the service's own key has changed since. */
bool hook_sign(const unsigned char *kept, size_t kept_size, const char *id, const char *timestamp,
               const char *body, char **ret_signature, struct err *err) MUST_USE;

/* The secret that calls about a user's jobs are signed with ("whsec_..."): always the same. The caller frees. */
char *hook_user_secret(const char *user_id);
char *hook_sign_user(const char *user_id, const char *id, const char *timestamp, const char *body);

#endif
