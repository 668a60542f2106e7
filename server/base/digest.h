/* Digests of texts and files, as lower-case hexadecimal digits. Door: openssl/evp.h. */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include "base/err.h"
#include <stddef.h>

enum { DIGEST_TEXT_SIZE = 129, DIGEST_SHA256_SIZE = 65 };

void digest_sha256(const void *bytes, size_t size, char ret_text[static DIGEST_SHA256_SIZE]);
/* `algorithm`: "sha1", "sha256", ...: what OpenSSL calls it. Errors: FileNotFound. */
bool digest_file(const char *path, const char *algorithm, char ret_text[static DIGEST_TEXT_SIZE], struct err *err) MUST_USE;

#endif
