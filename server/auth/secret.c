/* One secret of the installation, one derived key a purpose: a signed link can never be passed off as
 * a sealed token. */
#include "auth/secret.h"
#include "base/mem.h"
#include <string.h>

static unsigned char keys[PURPOSE_COUNT][crypto_auth_hmacsha256_KEYBYTES];

bool secret_init(const char *secret, struct err *err)
{
    static const char *const names[PURPOSE_COUNT] = { "sentier link", "sentier seal", "sentier hook",
                                                      "sentier session" };
    unsigned char root[crypto_auth_hmacsha256_KEYBYTES];

    if (sodium_init() < 0)
        return err_set(err, ERR_Internal, "libsodium cannot be started");
    crypto_hash_sha256(root, (const unsigned char *)secret, strlen(secret));
    for (size_t i = 0; i < PURPOSE_COUNT; i++)
        crypto_auth_hmacsha256(keys[i], (const unsigned char *)names[i], strlen(names[i]), root);
    sodium_memzero(root, sizeof root);
    return true;
}

void secret_done(void)
{
    sodium_memzero(keys, sizeof keys);
}

const unsigned char *secret_key(enum purpose purpose)
{
    return keys[purpose];
}

void secret_mac(enum purpose purpose, const char *text, unsigned char ret_mac[static MAC_SIZE])
{
    crypto_auth_hmacsha256(ret_mac, (const unsigned char *)text, strlen(text), keys[purpose]);
}

void secret_hash(const char *secret, unsigned char ret_hash[static SECRET_HASH_SIZE])
{
    crypto_hash_sha256(ret_hash, (const unsigned char *)secret, strlen(secret));
}

char *secret_encode(const void *bytes, size_t size)
{
    size_t length = sodium_base64_encoded_len(size, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    char *text = mem_alloc(length);

    return sodium_bin2base64(text, length, bytes, size, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

unsigned char *secret_decode(const char *text, size_t length, int variant, size_t *ret_size)
{
    unsigned char *bytes = mem_alloc(length + 1);
    const char *end;

    if (sodium_base642bin(bytes, length, text, length, NULL, ret_size, &end, variant) == 0 &&
        end == text + length) {
        bytes[*ret_size] = '\0';
        return bytes;
    }
    free(bytes);
    return NULL;
}
