/* OpenSSL takes the bytes as they come; a file is read once. */
#include "base/digest.h"
#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

enum { PIECE = 1 << 16 };

static void write_digits(const unsigned char *digest, unsigned length, char *ret_text)
{
    *ret_text = '\0';
    for (unsigned i = 0; i < length; i++)
        sprintf(ret_text + (size_t)i * 2, "%02x", digest[i]);
}

void digest_sha256(const void *bytes, size_t size, char ret_text[static DIGEST_SHA256_SIZE])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;

    EVP_Digest(bytes, size, digest, &length, EVP_sha256(), NULL);
    write_digits(digest, length, ret_text);
}

bool digest_file(const char *path, const char *algorithm, char ret_text[static DIGEST_TEXT_SIZE], struct err *err)
{
    FILE *in = fopen(path, "rbe");
    const EVP_MD *kind = EVP_get_digestbyname(algorithm);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    char bytes[PIECE];
    bool good = in && kind && context && EVP_DigestInit_ex(context, kind, NULL);
    size_t got;

    while (good && (got = fread(bytes, 1, sizeof bytes, in)) > 0)
        EVP_DigestUpdate(context, bytes, got);
    good = good && !ferror(in) && EVP_DigestFinal_ex(context, digest, &length);
    if (good)
        write_digits(digest, length, ret_text);
    EVP_MD_CTX_free(context);
    if (!good)
        err_set(err, ERR_FileNotFound, "%s: %s", path, kind ? strerror(errno) : "no such digest");
    if (in)
        fclose(in);
    return good;
}
