/* Tokens, signed links and sealed texts from outside: each is refused with a reason or is whole. */
#include "auth/auth.h"
#include "auth/secret.h"
#include "auth/token.h"
#include "json/js.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct token_rules rules = { .algorithms = "RS256 PS256 ES256", .issuer = "https://op",
                                          .audience = "us" };

static void check_token(const char *text)
{
    AUTO(token) struct token token = { 0 };
    struct err err = { 0 };

    if (!token_parse(text, &rules, &token, &err)) {
        if (err.code != ERR_TokenInvalid || !err.message[0])
            abort();
        return;
    }
    if (!json_is_object(token.claims) || !strstr(rules.algorithms, token.algorithm))
        abort();
    if (!token_check(token.claims, &rules, 1000, &err) && !err.message[0])
        abort();
    token_in_group(token.claims, "admins");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool ready;
    struct err err = { 0 };
    AUTO(mem) char *text = mem_textn((const char *)data, size);
    AUTO(mem) char *unsealed = NULL, *sealed = NULL, *again = NULL;

    if (!ready && !(ready = secret_init("fuzzing", &err)))
        abort();
    check_token(text);
    if (auth_unseal(text, &unsealed, &err) || auth_link_check(text, "99999999999", text, &err))
        abort(); /* nobody can make these without the key */
    sealed = auth_seal(text);
    if (!auth_unseal(sealed, &again, &err) || strcmp(again, text))
        abort();
    return 0;
}
