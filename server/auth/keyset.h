/* The public keys of a provider at one moment: read-only, shared by threads, counted. */
#ifndef AUTH_KEYSET_H
#define AUTH_KEYSET_H

#include "auth/token.h"

struct keyset;

/* From a JSON Web Key Set; keys that are no signature keys are left out. Errors: Unreachable. */
bool keyset_new(const json_t *jwks, struct keyset **ret_keys, struct err *err) MUST_USE;
struct keyset *keyset_hold(struct keyset *keys); /* one reference more */
void keyset_release(struct keyset *keys);

enum key_verdict { KEY_GOOD, KEY_BAD, KEY_UNKNOWN /* the set has no key of this kid */ };
enum key_verdict keyset_verify(const struct keyset *keys, const struct token *token,
                               const char *text);

#endif
