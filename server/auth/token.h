/* JSON Web Tokens without their signature: taking apart, and what they must claim. Pure functions. */
#ifndef AUTH_TOKEN_H
#define AUTH_TOKEN_H

#include "base/err.h"
#include <jansson.h>
#include <stdint.h>

struct token {
    json_t *header, *claims;
    const char *algorithm, *kid; /* in the header; kid NULL: none */
};

struct token_rules {
    const char *algorithms; /* "RS256 ES256": nothing else is looked at */
    const char *issuer, *audience;
    int64_t leeway; /* seconds */
};

/* Errors: TokenInvalid with the reason; never a part of the token. */
bool token_parse(const char *text, const struct token_rules *rules, struct token *ret_token,
                 struct err *err) MUST_USE;
void token_drop(struct token *token); /* AUTO(token) struct token token = { 0 }; */
/* iss, aud (or azp), exp, nbf, sub at `now` (seconds since 1970). */
bool token_check(const json_t *claims, const struct token_rules *rules, int64_t now,
                 struct err *err) MUST_USE;
bool token_in_group(const json_t *claims, const char *group);

#endif
