/* Which kind of token it is. A session token is random: its hash is looked up. A token of the provider
 * is checked whole at every request, its signature last, as that costs most; its subject becomes a
 * user at first sight. */
#include "auth/bearer.h"
#include "auth/provider.h"
#include "auth/secret.h"
#include "auth/signature.h"
#include "base/id.h"
#include "base/instant.h"
#include "base/text.h"
#include "json/js.h"
#include "net/fetch.h"
#include <stdio.h>
#include <string.h>

bool bearer_init(const struct config *config, struct err *err)
{
    if (!*config->auth_oidc_issuer)
        return true;
    if (!*config->auth_oidc_audience)
        return err_set(err, ERR_ConfigInvalid,
                       "auth.oidc_audience must say which tokens are meant for this service");
    provider_init(config->auth_oidc_issuer, config->auth_oidc_keys_again);
    return signature_init(err) && fetch_init(err);
}

void bearer_done(void)
{
    provider_done();
    signature_done();
}

static bool by_session(struct db *db, const char *token, struct user *user, struct err *err)
{
    unsigned char hash[SECRET_HASH_SIZE];
    bool found = false;

    secret_hash(token, hash);
    if (!token_load(db, hash, user, &found, err))
        return false;
    return found || err_set(err, ERR_TokenInvalid, "The token is not known or has expired");
}

/* base64url of {"alg":"HS256","typ":"JWT","kid":"session"}: what tells our tokens from a provider's */
#define SESSION_HEADER "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6InNlc3Npb24ifQ"

char *session_token(const char *issuer, const char *user_id, int64_t issued, int64_t expires)
{
    char secret[ID_SECRET_SIZE];
    unsigned char mac[MAC_SIZE];
    AUTO(json) json_t *claims = NULL;
    AUTO(mem) char *text = NULL, *body = NULL, *signed_part = NULL, *signature = NULL;

    id_secret(secret);
    claims = json_pack("{s:s, s:s, s:I, s:I, s:s}", "iss", issuer, "sub", user_id, "iat", (json_int_t)issued, "exp",
                       (json_int_t)expires, "jti", secret);
    text = json_dumps(claims, JSON_COMPACT);
    body = secret_encode(text, strlen(text));
    signed_part = mem_printf("%s.%s", SESSION_HEADER, body);
    secret_mac(PURPOSE_SESSION, signed_part, mac);
    signature = secret_encode(mac, sizeof mac);
    return mem_printf("%s.%s", signed_part, signature);
}

/* "issuer|subject"; one that is too long for struct user ends in a hash of the whole. */
static void user_name(const char *issuer, const char *subject, char name[static 128])
{
    unsigned char hash[SECRET_HASH_SIZE];
    AUTO(mem) char *whole = mem_printf("%s|%s", issuer, subject);
    AUTO(mem) char *digest = NULL;

    if (strlen(whole) < 128) {
        snprintf(name, 128, "%s", whole);
        return;
    }
    secret_hash(whole, hash);
    digest = secret_encode(hash, sizeof hash);
    snprintf(name, 128, "%.64s|%s", issuer, digest);
}

static bool by_provider(const struct config *config, struct db *db, const char *text,
                        struct user *user, struct err *err)
{
    const struct token_rules rules = { .algorithms = config->auth_oidc_algorithms,
                                       .issuer = config->auth_oidc_issuer,
                                       .audience = config->auth_oidc_audience,
                                       .leeway = config->auth_oidc_leeway };
    AUTO(token) struct token token = { 0 };
    const char *email;
    char name[128];

    if (!token_parse(text, &rules, &token, err) ||
        !token_check(token.claims, &rules, instant_now() / 1000, err) ||
        !provider_verify(&token, text, err))
        return false;
    email = js_text(token.claims, "email");
    if (json_is_false(json_object_get(token.claims, "email_verified")))
        email = NULL; /* whoever it is has not shown that it is his */
    user_name(rules.issuer, js_text(token.claims, "sub"), name);
    return user_keep(db, name, email && strlen(email) < sizeof user->email ? email : NULL,
                     token_in_group(token.claims, config->auth_oidc_admin_group) ? ROLE_ADMIN
                                                                                 : ROLE_USER,
                     user, err);
}

/* "PROVIDER/TOKEN" after "oidc/" */
static bool by_named_provider(const struct config *config, struct db *db, const char *rest,
                              struct user *user, struct err *err)
{
    size_t length = strcspn(rest, "/");

    if (!*config->auth_oidc_issuer || length != strlen(config->auth_oidc_id) ||
        strncmp(rest, config->auth_oidc_id, length) || rest[length] != '/')
        return err_set(err, ERR_AuthenticationSchemeInvalid,
                       "There is no OpenID Connect provider of this name");
    return by_provider(config, db, rest + length + 1, user, err);
}

bool bearer_verify(const struct config *config, struct db *db, const char *token,
                   struct user *ret_user, struct err *err)
{
    if (text_begins(token, "basic//"))
        return by_session(db, token + strlen("basic//"), ret_user, err);
    if (text_begins(token, "oidc/"))
        return by_named_provider(config, db, token + strlen("oidc/"), ret_user, err);
    if (*config->auth_oidc_issuer && strchr(token, '.') && !text_begins(token, SESSION_HEADER "."))
        return by_provider(config, db, token, ret_user, err);
    return by_session(db, token, ret_user, err);
}
