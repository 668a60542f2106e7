/* liboauth2 verifies against a static JWK that we give it: it fetches nothing, and what it would
 * cache or compare itself is switched off (expiry=0, verify.*=skip), because this release lets
 * expired tokens pass from its cache and compares neither issuer nor audience. It writes whole tokens
 * into its messages, so that its log ends here: only the place is told. */
#include "auth/signature.h"
#include "base/log.h"
#include "base/mem.h"
#include <oauth2/mem.h>
#include <oauth2/oauth2.h>
#include <string.h>

static const char options[] = "expiry=0&verify.exp=skip&verify.iat=skip&verify.iss=skip";
static oauth2_log_t *oauth2_messages;

struct signing_key {
    oauth2_cfg_token_verify_t *verify;
};

static void sink(oauth2_log_sink_t *self, const char *file, unsigned long line, const char *function,
                 oauth2_log_level_t level, const char *message)
{
    (void)self, (void)file, (void)message, (void)level;
    log_write(LOG_DEBUG, NULL, "liboauth2: %s line %lu", function, line);
}

bool signature_init(struct err *err)
{
    if (!oauth2_messages)
        oauth2_messages = oauth2_init(OAUTH2_LOG_ERROR,
                                      oauth2_log_sink_create(OAUTH2_LOG_ERROR, sink, NULL));
    return oauth2_messages || err_set(err, ERR_Internal, "liboauth2 cannot be started");
}

void signature_done(void)
{
    if (oauth2_messages)
        oauth2_shutdown(oauth2_messages);
    oauth2_messages = NULL;
}

bool signing_key_new(const json_t *jwk, struct signing_key **ret_key, struct err *err)
{
    struct signing_key *key = MEM_NEW(struct signing_key);
    char *text = json_dumps(jwk, JSON_COMPACT);
    char *problem = oauth2_cfg_token_verify_add_options(oauth2_messages, &key->verify, "jwk", text,
                                                        options);

    free(text);
    if (problem) {
        oauth2_mem_free(problem);
        signing_key_free(key);
        return err_set(err, ERR_Unreachable, "A key of the provider is not a usable JSON Web Key");
    }
    *ret_key = key;
    return true;
}

void signing_key_free(struct signing_key *key)
{
    if (!key)
        return;
    if (key->verify)
        oauth2_cfg_token_verify_free(oauth2_messages, key->verify);
    free(key);
}

bool signing_key_verifies(const struct signing_key *key, const char *token)
{
    json_t *claims = NULL;
    bool good = oauth2_token_verify(oauth2_messages, NULL, key->verify, token, &claims);

    json_decref(claims);
    return good;
}
