/* Signatures of JSON Web Tokens under one public key. Door: oauth2/oauth2.h. */
#ifndef AUTH_SIGNATURE_H
#define AUTH_SIGNATURE_H

#include "base/err.h"
#include <jansson.h>

/* Once per process, before there are threads. */
bool signature_init(struct err *err) MUST_USE;
void signature_done(void);

struct signing_key;
bool signing_key_new(const json_t *jwk, struct signing_key **ret_key, struct err *err) MUST_USE;
void signing_key_free(struct signing_key *key);
/* The signature alone: what the token claims is checked in token.c, each time. Any thread. */
bool signing_key_verifies(const struct signing_key *key, const char *token);

#endif
