/* auth/: what needs no database: links, sealed texts, and tokens signed with keys made here. */
#include "auth/auth.h"
#include "auth/keyset.h"
#include "auth/secret.h"
#include "auth/signature.h"
#include "base/instant.h"
#include "base/text.h"
#include "json/js.h"
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static const struct token_rules rules = { .algorithms = "RS256 PS256 ES256", .issuer = "https://op",
                                          .audience = "us", .leeway = 5 };

static void links_open_what_they_name(void **state)
{
    int64_t later = instant_now() + 60000;
    AUTO(mem) char *exact = auth_link_sign(NULL, "https://h", "/a/b c", later);
    AUTO(mem) char *prefix = auth_link_sign(NULL, "https://h", "/a/", later);
    AUTO(mem) char *old = auth_link_sign(NULL, "https://h", "/a", instant_now() - 5000);
    char expires[32];
    struct err err = { 0 };

    (void)state;
    assert_true(text_begins(exact, "https://h/a/b%20c?expires="));
    snprintf(expires, sizeof expires, "%lld", (long long)later / 1000);
    const char *of_exact = strstr(exact, "signature=") + 10, *of_prefix = strstr(prefix, "signature=") + 10;

    assert_true(auth_link_check("/a/b c", expires, of_exact, &err));
    assert_false(auth_link_check("/a/b", expires, of_exact, &err));
    assert_int_equal(err.code, ERR_PermissionsInsufficient);
    err_clear(&err);
    assert_true(auth_link_check("/a/", expires, of_prefix, &err));
    assert_true(auth_link_check("/a/x/y", expires, of_prefix, &err));
    assert_false(auth_link_check("/ab", expires, of_prefix, &err));
    err_clear(&err);
    assert_false(auth_link_check("/a/x", "9999999999", of_prefix, &err));
    assert_int_equal(err.code, ERR_PermissionsInsufficient);
    err_clear(&err);
    snprintf(expires, sizeof expires, "%.*s", (int)strcspn(strstr(old, "expires=") + 8, "&"),
             strstr(old, "expires=") + 8);
    assert_false(auth_link_check("/a", expires, strstr(old, "signature=") + 10, &err));
    assert_int_equal(err.code, ERR_ResultLinkExpired);
}

static void seals_hold(void **state)
{
    AUTO(mem) char *sealed = auth_seal("page 2; DROP TABLE items"), *text = NULL, *other = NULL;
    struct err err = { 0 };

    (void)state;
    assert_true(auth_unseal(sealed, &text, &err));
    assert_string_equal(text, "page 2; DROP TABLE items");
    for (size_t i = 0; sealed[i]; i++) {
        char was = sealed[i];

        sealed[i] = was == 'A' ? 'B' : 'A';
        assert_false(auth_unseal(sealed, &other, &err));
        sealed[i] = was;
    }
    assert_false(auth_unseal("", &other, &err));
    assert_false(auth_unseal(".", &other, &err));
    assert_false(auth_unseal("AAAA", &other, &err));
}

static char *number_of(const EVP_PKEY *key, const char *name)
{
    BIGNUM *number = NULL;
    unsigned char bytes[512];
    int size;

    assert_int_equal(EVP_PKEY_get_bn_param(key, name, &number), 1);
    size = BN_bn2bin(number, bytes);
    BN_free(number);
    return secret_encode(bytes, (size_t)size);
}

static json_t *jwk_of(const EVP_PKEY *key, const char *kid)
{
    AUTO(mem) char *n = number_of(key, OSSL_PKEY_PARAM_RSA_N), *e = number_of(key, OSSL_PKEY_PARAM_RSA_E);

    return json_pack("{s:s, s:s, s:s, s:s}", "kty", "RSA", "kid", kid, "n", n, "e", e);
}

/* RS256 under `key` of "header.claims". */
static char *sign(EVP_PKEY *key, const char *header, const char *claims)
{
    AUTO(mem) char *h = secret_encode(header, strlen(header)), *c = secret_encode(claims, strlen(claims));
    AUTO(mem) char *body = mem_printf("%s.%s", h, c);
    unsigned char signature[512];
    size_t size = sizeof signature;
    EVP_MD_CTX *context = EVP_MD_CTX_new();

    assert_int_equal(EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key), 1);
    assert_int_equal(EVP_DigestSign(context, signature, &size, (unsigned char *)body, strlen(body)), 1);
    EVP_MD_CTX_free(context);
    AUTO(mem) char *s = secret_encode(signature, size);

    return mem_printf("%s.%s", body, s);
}

static enum key_verdict verdict_of(const struct keyset *keys, const char *text)
{
    AUTO(token) struct token token = { 0 };
    struct err err = { 0 };

    return token_parse(text, &rules, &token, &err) ? keyset_verify(keys, &token, text) : KEY_BAD;
}

static void signatures_are_checked_under_their_key(void **state)
{
    EVP_PKEY *mine = EVP_RSA_gen(2048), *other = EVP_RSA_gen(2048);
    AUTO(json) json_t *jwks = json_pack("{s:[o, {s:s, s:s, s:s}, o]}", "keys", jwk_of(mine, "k1"), "kty",
                                        "oct", "kid", "k2", "k", "AAAA", jwk_of(other, "k3"));
    struct keyset *keys;
    struct err err = { 0 };

    (void)state;
    assert_true(keyset_new(jwks, &keys, &err));
    static const struct { const char *header; bool by_other; enum key_verdict verdict; } cases[] = {
        { "{\"alg\":\"RS256\",\"kid\":\"k1\"}", false, KEY_GOOD },
        { "{\"alg\":\"RS256\",\"kid\":\"k3\"}", true, KEY_GOOD },
        { "{\"alg\":\"RS256\"}", true, KEY_GOOD },
        { "{\"alg\":\"RS256\",\"kid\":\"k1\"}", true, KEY_BAD },
        { "{\"alg\":\"RS256\",\"kid\":\"k4\"}", false, KEY_UNKNOWN },
        { "{\"alg\":\"RS256\",\"kid\":\"k2\"}", false, KEY_UNKNOWN }, /* an oct key is left out */
        { "{\"alg\":\"PS256\",\"kid\":\"k1\"}", false, KEY_BAD },
        { "{\"alg\":\"ES256\",\"kid\":\"k1\"}", false, KEY_BAD },
        { "{\"alg\":\"HS256\",\"kid\":\"k1\"}", false, KEY_BAD },
        { "{\"alg\":\"none\",\"kid\":\"k1\"}", false, KEY_BAD },
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        AUTO(mem) char *token = sign(cases[i].by_other ? other : mine, cases[i].header, "{\"sub\":\"x\"}");

        assert_int_equal(verdict_of(keys, token), cases[i].verdict);
        token[strlen(token) - 20] ^= 1;
        assert_int_not_equal(verdict_of(keys, token), KEY_GOOD);
    }
    keyset_release(keys);
    EVP_PKEY_free(mine);
    EVP_PKEY_free(other);
}

static void claims_have_their_time(void **state)
{
    static const struct { const char *claims; int64_t now; bool good; } cases[] = {
        { "{\"iss\":\"https://op\",\"aud\":\"us\",\"sub\":\"a\",\"exp\":100}", 50, true },
        { "{\"iss\":\"https://op\",\"aud\":\"us\",\"sub\":\"a\",\"exp\":100}", 104, true }, /* leeway */
        { "{\"iss\":\"https://op\",\"aud\":\"us\",\"sub\":\"a\",\"exp\":100}", 105, false },
        { "{\"iss\":\"https://op\",\"aud\":\"us\",\"sub\":\"a\",\"exp\":100,\"nbf\":60}", 55, true },
        { "{\"iss\":\"https://op\",\"aud\":\"us\",\"sub\":\"a\",\"exp\":100,\"nbf\":60}", 54, false },
        { "{\"iss\":\"https://op\",\"aud\":\"us\",\"sub\":\"a\",\"exp\":100,\"nbf\":\"x\"}", 99, false },
        { "{\"iss\":\"https://op\",\"aud\":[\"x\",\"us\"],\"sub\":\"a\",\"exp\":1e300}", 50, true },
        { "{\"iss\":\"https://op\",\"aud\":\"x\",\"azp\":\"us\",\"sub\":\"a\",\"exp\":100}", 50, true },
        { "{\"iss\":\"https://op\",\"aud\":\"x\",\"azp\":[\"us\"],\"sub\":\"a\",\"exp\":100}", 50, false },
        { "{\"iss\":[\"https://op\"],\"aud\":\"us\",\"sub\":\"a\",\"exp\":100}", 50, false },
        { "{\"iss\":\"https://op/\",\"aud\":\"us\",\"sub\":\"a\",\"exp\":100}", 50, false },
        { "{\"iss\":\"https://op\",\"aud\":{\"us\":1},\"sub\":\"a\",\"exp\":100}", 50, false },
        { "{\"iss\":\"https://op\",\"aud\":\"us\",\"sub\":\"a\"}", 50, false },
        { "{\"iss\":\"https://op\",\"aud\":\"us\",\"sub\":5,\"exp\":100}", 50, false },
        { "{}", 50, false },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        AUTO(json) json_t *claims = json_loads(cases[i].claims, 0, NULL);
        struct err err = { 0 };

        if (token_check(claims, &rules, cases[i].now, &err) != cases[i].good)
            fail_msg("%s at %d", cases[i].claims, (int)cases[i].now);
        assert_int_equal(err.code, cases[i].good ? ERR_None : ERR_TokenInvalid);
    }
}

static int set_up(void **state)
{
    struct err err = { 0 };

    (void)state;
    return secret_init("a secret of the test", &err) && signature_init(&err) ? 0 : 1;
}

static int tear_down(void **state)
{
    (void)state;
    signature_done();
    secret_done();
    return 0;
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(links_open_what_they_name),
        cmocka_unit_test(seals_hold),
        cmocka_unit_test(signatures_are_checked_under_their_key),
        cmocka_unit_test(claims_have_their_time),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
