/* Keys, hashes and base64url: the small pieces that the kinds of credentials share. */
#ifndef AUTH_SECRET_H
#define AUTH_SECRET_H

#include "store/users.h"
#include <sodium.h>

enum { MAC_SIZE = crypto_auth_hmacsha256_BYTES };

/* Keys are derived from auth.secret for one purpose each. */
enum purpose { PURPOSE_LINK, PURPOSE_SEAL, PURPOSE_HOOK, PURPOSE_SESSION, PURPOSE_COUNT };
bool secret_init(const char *secret, struct err *err) MUST_USE;
void secret_done(void);
const unsigned char *secret_key(enum purpose purpose); /* 32 bytes */
void secret_mac(enum purpose purpose, const char *text, unsigned char ret_mac[static MAC_SIZE]);

/* SHA-256: enough for secrets that are random themselves (tokens, keys), never for passwords. */
void secret_hash(const char *secret, unsigned char ret_hash[static SECRET_HASH_SIZE]);

/* base64url without padding; the caller frees. */
char *secret_encode(const void *bytes, size_t size);
/* Decodes into memory that the caller frees (a NUL stands after the bytes); NULL when it is not
 * base64 of the variant (sodium_base64_VARIANT_*). */
unsigned char *secret_decode(const char *text, size_t length, int variant, size_t *ret_size);

#endif
