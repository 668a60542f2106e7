/* Encryption is libsodium's secretbox under a key of its own purpose; the nonce stands before. */
#include "auth/hook.h"
#include "auth/secret.h"
#include "base/id.h"
#include "base/mem.h"
#include "base/text.h"
#include <stdio.h>
#include <string.h>

enum { LEAST = 24, MOST = 64, NONCE = crypto_secretbox_NONCEBYTES, TAG = crypto_secretbox_MACBYTES };
#define PREFIX "whsec_"

static bool read_given(const char *given, unsigned char secret[static MOST], size_t *ret_size,
                       struct err *err)
{
    AUTO(mem) unsigned char *bytes = NULL;

    if (text_begins(given, PREFIX))
        bytes = secret_decode(given + strlen(PREFIX), strlen(given) - strlen(PREFIX),
                              sodium_base64_VARIANT_ORIGINAL, ret_size);
    if (!bytes || *ret_size < LEAST || *ret_size > MOST)
        return err_set(err, ERR_InvalidParameter,
                       "/secret: expected 'whsec_' and base64 of %d to %d bytes; without one, one is made",
                       LEAST, MOST);
    memcpy(secret, bytes, *ret_size);
    return true;
}

bool hook_secret(const char *given, char **ret_told, unsigned char **ret_kept, size_t *ret_size,
                 struct err *err)
{
    unsigned char secret[MOST], *kept;
    size_t size = 32;
    struct text told = { 0 };

    if (given && !read_given(given, secret, &size, err))
        return false;
    if (!given)
        id_random(secret, size);
    text_add(&told, PREFIX);
    text_add_base64(&told, secret, size);
    kept = mem_alloc(NONCE + TAG + size);
    id_random(kept, NONCE);
    crypto_secretbox_easy(kept + NONCE, secret, size, kept, secret_key(PURPOSE_HOOK));
    sodium_memzero(secret, sizeof secret);
    *ret_told = text_take(&told);
    *ret_kept = kept;
    *ret_size = NONCE + TAG + size;
    return true;
}

static char *signature_of(const unsigned char *secret, size_t size, const char *id,
                          const char *timestamp, const char *body)
{
    AUTO(mem) char *signed_text = mem_printf("%s.%s.%s", id, timestamp, body);
    unsigned char mac[MAC_SIZE];
    crypto_auth_hmacsha256_state state;
    struct text signature = {0};

    crypto_auth_hmacsha256_init(&state, secret, size);
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)signed_text, strlen(signed_text));
    crypto_auth_hmacsha256_final(&state, mac);
    text_add(&signature, "v1,");
    text_add_base64(&signature, mac, sizeof mac);
    return text_take(&signature);
}

static void user_secret(const char *user_id, unsigned char secret[static MAC_SIZE])
{
    AUTO(mem) char *name = mem_printf("jobs of %s", user_id);

    secret_mac(PURPOSE_HOOK, name, secret);
}

char *hook_user_secret(const char *user_id)
{
    unsigned char secret[MAC_SIZE];
    struct text told = {0};

    user_secret(user_id, secret);
    text_add(&told, PREFIX);
    text_add_base64(&told, secret, sizeof secret);
    return text_take(&told);
}

char *hook_sign_user(const char *user_id, const char *id, const char *timestamp, const char *body)
{
    unsigned char secret[MAC_SIZE];

    user_secret(user_id, secret);
    return signature_of(secret, sizeof secret, id, timestamp, body);
}

bool hook_sign(const unsigned char *kept, size_t kept_size, const char *id, const char *timestamp,
               const char *body, char **ret_signature, struct err *err)
{
    unsigned char secret[MOST];
    size_t size = kept_size - NONCE - TAG;

    if (kept_size < NONCE + TAG || size > MOST ||
        crypto_secretbox_open_easy(secret, kept + NONCE, kept_size - NONCE, kept,
                                   secret_key(PURPOSE_HOOK)))
        return err_set(err, ERR_Internal,
                       "The secret of the subscription cannot be read any more; set it anew");
    *ret_signature = signature_of(secret, size, id, timestamp, body);
    sodium_memzero(secret, sizeof secret);
    return true;
}
