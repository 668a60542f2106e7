/* A key serves only algorithms of its own type, so that a token cannot choose how its key is read. */
#include "auth/keyset.h"
#include "auth/signature.h"
#include "base/mem.h"
#include "json/js.h"
#include <stdatomic.h>
#include <string.h>

enum { MAX_KEYS = 32 };

struct key {
    char *kid;       /* NULL: none */
    char *algorithm; /* NULL: any of its type */
    bool elliptic;   /* EC, else RSA */
    struct signing_key *signing;
};

struct keyset {
    atomic_int references;
    size_t count;
    struct key keys[MAX_KEYS];
};

static bool is_for_signatures(const json_t *jwk)
{
    const char *use = js_text(jwk, "use"), *type = js_text(jwk, "kty");

    return type && (!strcmp(type, "RSA") || !strcmp(type, "EC")) && (!use || !strcmp(use, "sig"));
}

/* Only the public numbers: whatever else a provider puts in its keys is not for the library. */
static json_t *public_part(const json_t *jwk)
{
    static const char *const wanted[] = { "kty", "n", "e", "crv", "x", "y", "kid" };
    json_t *part = json_object();

    for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
        if (js_text(jwk, wanted[i]))
            json_object_set(part, wanted[i], json_object_get(jwk, wanted[i]));
    return part;
}

bool keyset_new(const json_t *jwks, struct keyset **ret_keys, struct err *err)
{
    const json_t *list = json_object_get(jwks, "keys"), *jwk;
    struct keyset *keys = MEM_NEW(struct keyset);
    size_t i;

    atomic_init(&keys->references, 1);
    json_array_foreach(list, i, jwk) {
        AUTO(json) json_t *part = is_for_signatures(jwk) ? public_part(jwk) : NULL;
        struct key *key = &keys->keys[keys->count];
        struct err ignored = { 0 };

        if (!part || keys->count == MAX_KEYS || !signing_key_new(part, &key->signing, &ignored))
            continue;
        keys->count++;
        key->kid = mem_text(js_text(jwk, "kid"));
        key->algorithm = mem_text(js_text(jwk, "alg"));
        key->elliptic = !strcmp(js_text(jwk, "kty"), "EC");
    }
    if (keys->count == 0) {
        keyset_release(keys);
        return err_set(err, ERR_Unreachable, "The provider's key set has no signature key");
    }
    *ret_keys = keys;
    return true;
}

struct keyset *keyset_hold(struct keyset *keys)
{
    if (keys)
        atomic_fetch_add(&keys->references, 1);
    return keys;
}

void keyset_release(struct keyset *keys)
{
    if (!keys || atomic_fetch_sub(&keys->references, 1) > 1)
        return;
    for (size_t i = 0; i < keys->count; i++) {
        free(keys->keys[i].kid);
        free(keys->keys[i].algorithm);
        signing_key_free(keys->keys[i].signing);
    }
    free(keys);
}

static bool may_serve(const struct key *key, const char *algorithm)
{
    if (key->algorithm)
        return !strcmp(key->algorithm, algorithm);
    return key->elliptic ? !strncmp(algorithm, "ES", 2)
                         : !strncmp(algorithm, "RS", 2) || !strncmp(algorithm, "PS", 2);
}

enum key_verdict keyset_verify(const struct keyset *keys, const struct token *token,
                               const char *text)
{
    enum key_verdict verdict = KEY_UNKNOWN;

    for (size_t i = 0; i < keys->count; i++) {
        const struct key *key = &keys->keys[i];

        if (token->kid && (!key->kid || strcmp(key->kid, token->kid)))
            continue;
        verdict = KEY_BAD;
        if (may_serve(key, token->algorithm) && signing_key_verifies(key->signing, text))
            return KEY_GOOD;
    }
    return verdict;
}
