/* The OpenID Connect provider: its keys, as fresh as needed and no fresher. */
#ifndef AUTH_PROVIDER_H
#define AUTH_PROVIDER_H

#include "auth/token.h"

/* Keys are fetched for unknown ones at most once in `again_s` seconds. */
void provider_init(const char *issuer, int64_t again_s);
void provider_done(void);
/* Is the token signed by the provider? May wait for the key set, at most some seconds. Errors:
 * TokenInvalid; Unreachable when there are no keys; InfrastructureBusy. */
bool provider_verify(const struct token *token, const char *text, struct err *err) MUST_USE;

#endif
