/* Every guard stands here and runs for every request: an algorithm that is not on the list (so "none"
 * and HS256 under a public key never reach a key), extensions that must be understood (crit), issuer,
 * audience and times. */
#include "auth/token.h"
#include "auth/secret.h"
#include "base/text.h"
#include "json/js.h"
#include <string.h>

enum { MAX_TOKEN = 16384, MAX_DEPTH = 16, MAX_SUBJECT = 255 };

/* Is `name` one of the blank-separated words? */
static bool has_word(const char *words, const char *name)
{
    size_t length = strlen(name);

    for (const char *at = words; length && *at;) {
        size_t word;

        at += strspn(at, " ,");
        word = strcspn(at, " ,");
        if (word == length && !strncmp(at, name, length))
            return true;
        at += word;
    }
    return false;
}

static bool read_part(const char *part, size_t length, const char *what, json_t **ret_object,
                      struct err *err)
{
    size_t size = 0;
    struct err ignored = { 0 };
    AUTO(mem) unsigned char *bytes =
        secret_decode(part, length, sodium_base64_VARIANT_URLSAFE_NO_PADDING, &size);

    if (!bytes || !js_parse((char *)bytes, size, MAX_DEPTH, ret_object, &ignored) ||
        !json_is_object(*ret_object))
        return err_set(err, ERR_TokenInvalid, "The token's %s is not base64url of a JSON object", what);
    return true;
}

static bool read_header(struct token *token, const struct token_rules *rules, struct err *err)
{
    const json_t *kid = json_object_get(token->header, "kid");

    token->algorithm = js_text(token->header, "alg");
    token->kid = json_string_value(kid);
    if (!token->algorithm || !has_word(rules->algorithms, token->algorithm))
        return err_set(err, ERR_TokenInvalid, "The token's signature algorithm is not accepted");
    if (kid && !token->kid)
        return err_set(err, ERR_TokenInvalid, "The token's kid is not a string");
    if (json_object_get(token->header, "crit"))
        return err_set(err, ERR_TokenInvalid, "The token needs an extension that is not known");
    return true;
}

bool token_parse(const char *text, const struct token_rules *rules, struct token *ret_token,
                 struct err *err)
{
    const char *first = strchr(text, '.'), *second = first ? strchr(first + 1, '.') : NULL;

    if (!second || strchr(second + 1, '.') || !second[1])
        return err_set(err, ERR_TokenInvalid, "The token is not header.claims.signature");
    if (strlen(text) > MAX_TOKEN)
        return err_set(err, ERR_TokenInvalid, "The token is longer than %d bytes", MAX_TOKEN);
    return read_part(text, (size_t)(first - text), "header", &ret_token->header, err) &&
           read_header(ret_token, rules, err) &&
           read_part(first + 1, (size_t)(second - first - 1), "claims", &ret_token->claims, err);
}

void token_drop(struct token *token)
{
    json_decref(token->header);
    json_decref(token->claims);
    *token = (struct token){ 0 };
}

static bool has_text(const json_t *value, const char *wanted)
{
    const json_t *one;
    size_t i;

    if (json_is_string(value))
        return !strcmp(json_string_value(value), wanted);
    json_array_foreach(value, i, one)
        if (json_is_string(one) && !strcmp(json_string_value(one), wanted))
            return true;
    return false;
}

static bool check_times(const json_t *claims, const struct token_rules *rules, double now,
                        struct err *err)
{
    const json_t *exp = json_object_get(claims, "exp"), *nbf = json_object_get(claims, "nbf");

    if (!json_is_number(exp))
        return err_set(err, ERR_TokenInvalid, "The token does not say when it expires (exp)");
    if (now >= json_number_value(exp) + (double)rules->leeway)
        return err_set(err, ERR_TokenInvalid, "The token has expired");
    if (nbf && (!json_is_number(nbf) || now < json_number_value(nbf) - (double)rules->leeway))
        return err_set(err, ERR_TokenInvalid, "The token is not valid yet (nbf)");
    return true;
}

bool token_check(const json_t *claims, const struct token_rules *rules, int64_t now, struct err *err)
{
    const json_t *azp = json_object_get(claims, "azp");
    const char *sub = js_text(claims, "sub");

    if (!json_is_string(json_object_get(claims, "iss")) ||
        !has_text(json_object_get(claims, "iss"), rules->issuer))
        return err_set(err, ERR_TokenInvalid, "The token comes from another issuer (iss)");
    if (!has_text(json_object_get(claims, "aud"), rules->audience) &&
        !(json_is_string(azp) && has_text(azp, rules->audience)))
        return err_set(err, ERR_TokenInvalid, "The token is meant for another service (aud)");
    if (!sub || !*sub || strlen(sub) > MAX_SUBJECT)
        return err_set(err, ERR_TokenInvalid, "The token names nobody (sub)");
    return check_times(claims, rules, (double)now, err);
}

bool token_in_group(const json_t *claims, const char *group)
{
    return *group && has_text(json_object_get(claims, "groups"), group);
}
