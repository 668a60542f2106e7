/* Keys are fetched through the provider's discovery document by the first request that needs them,
 * and kept. A token with an unknown kid may mean that the provider has new keys: they are fetched
 * again, but at most once in auth.oidc_keys_again (a minute), so that forged tokens cost the provider
 * nothing. An hour-old set is fetched anew in the same way, and stays in use when that fails. One
 * thread fetches at a time; a few others wait for it, the rest are told to come again, so that a
 * provider that hangs holds few threads for a few seconds. */
#include "auth/provider.h"
#include "auth/keyset.h"
#include "base/instant.h"
#include "base/mem.h"
#include "base/text.h"
#include "json/js.h"
#include "net/fetch.h"
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

enum { FETCH_MS = 5000, RETRY_MS = 10000, FRESH_MS = 3600000, MAX_WAITING = 2,
       MAX_DOCUMENT = 1 << 20, MAX_DEPTH = 16 };

static struct {
    pthread_mutex_t lock;
    pthread_cond_t fetched;
    char *issuer;
    int64_t again_ms;
    struct keyset *keys;
    int64_t fetched_at, tried_at; /* instant_monotonic(); 0: never */
    bool fetching;
    int waiting;
} provider = { .lock = PTHREAD_MUTEX_INITIALIZER, .fetched = PTHREAD_COND_INITIALIZER };

void provider_init(const char *issuer, int64_t again_s)
{
    provider.issuer = mem_text(issuer);
    provider.again_ms = again_s * 1000;
    provider.fetched_at = provider.tried_at = 0;
}

void provider_done(void)
{
    keyset_release(provider.keys);
    free(provider.issuer);
    provider.keys = NULL;
    provider.issuer = NULL;
}

static bool get_json(const char *url, int64_t until, json_t **ret_json, struct err *err)
{
    AUTO(fetched) struct fetched answer = { 0 };
    struct err ignored = { 0 };
    int64_t left = until - instant_monotonic();

    if (left <= 0)
        return err_set(err, ERR_Unreachable, "The time for it is over");
    if (!fetch(&(struct fetch){ .url = url, .timeout_ms = left, .max_size = MAX_DOCUMENT,
                                .redirects = 2, .headers = { "Accept: application/json" } },
               &answer, err))
        return false;
    if (answer.status != 200)
        return err_set(err, ERR_Unreachable, "%s answered %d", url, answer.status);
    return (js_parse(answer.body, answer.size, MAX_DEPTH, ret_json, &ignored) &&
            json_is_object(*ret_json)) ||
           err_set(err, ERR_Unreachable, "%s did not answer with a JSON object", url);
}

static bool fetch_keys(struct keyset **ret_keys, struct err *err)
{
    int64_t until = instant_monotonic() + FETCH_MS;
    bool slash = text_ends(provider.issuer, "/");
    AUTO(mem) char *url = mem_printf("%s%s.well-known/openid-configuration", provider.issuer,
                                     slash ? "" : "/");
    AUTO(json) json_t *discovery = NULL, *jwks = NULL;
    const char *issuer, *jwks_uri;

    if (!get_json(url, until, &discovery, err))
        return false;
    issuer = js_text(discovery, "issuer");
    jwks_uri = js_text(discovery, "jwks_uri");
    if (!issuer || strcmp(issuer, provider.issuer))
        return err_set(err, ERR_Unreachable, "%s speaks for another issuer", url);
    if (!jwks_uri)
        return err_set(err, ERR_Unreachable, "%s names no jwks_uri", url);
    return get_json(jwks_uri, until, &jwks, err) && keyset_new(jwks, ret_keys, err);
}

/* With the lock held. Waits for the thread that fetches; false when too many do or it takes long. */
static bool wait_for_fetch(void)
{
    struct timespec until;
    int status = 0;

    if (provider.waiting >= MAX_WAITING)
        return false;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += FETCH_MS / 1000;
    provider.waiting++;
    while (provider.fetching && status != ETIMEDOUT)
        status = pthread_cond_timedwait(&provider.fetched, &provider.lock, &until);
    provider.waiting--;
    return !provider.fetching;
}

/* With the lock held, which is given back meanwhile. */
static void fetch_now(struct err *err)
{
    struct keyset *keys = NULL;
    bool good;

    provider.fetching = true;
    provider.tried_at = instant_monotonic();
    pthread_mutex_unlock(&provider.lock);
    good = fetch_keys(&keys, err);
    pthread_mutex_lock(&provider.lock);
    provider.fetching = false;
    if (good) {
        keyset_release(provider.keys);
        provider.keys = keys;
        provider.fetched_at = instant_monotonic();
    }
    pthread_cond_broadcast(&provider.fetched);
}

/* A counted set, newer than `than` when one can be had now. NULL: there is none at all. */
static struct keyset *current_keys(const struct keyset *than, struct err *err)
{
    struct keyset *keys;
    int64_t now = instant_monotonic(), since;
    bool wanted;

    pthread_mutex_lock(&provider.lock);
    since = provider.tried_at ? now - provider.tried_at : INT64_MAX;
    wanted = !provider.keys || provider.keys == than || now - provider.fetched_at > FRESH_MS;
    if (wanted && provider.fetching) {
        if (!provider.keys && !wait_for_fetch())
            err_set(err, ERR_InfrastructureBusy, "The keys of the log-in provider are being fetched");
    } else if (wanted && since > (provider.keys ? provider.again_ms : RETRY_MS)) {
        fetch_now(err);
    } else if (!provider.keys) {
        err_set(err, ERR_Unreachable, "The keys of the log-in provider could not be fetched");
    }
    keys = keyset_hold(provider.keys);
    pthread_mutex_unlock(&provider.lock);
    if (keys)
        err_clear(err); /* an older set serves */
    else if (err->code == ERR_None)
        err_set(err, ERR_Unreachable, "The keys of the log-in provider could not be fetched");
    return keys;
}

bool provider_verify(const struct token *token, const char *text, struct err *err)
{
    struct keyset *keys = current_keys(NULL, err), *newer;
    enum key_verdict verdict;

    if (!keys)
        return err_prefix(err, "The token could not be checked");
    verdict = keyset_verify(keys, token, text);
    if (verdict == KEY_UNKNOWN) {
        newer = current_keys(keys, err);
        if (newer && newer != keys)
            verdict = keyset_verify(newer, token, text);
        keyset_release(newer);
        err_clear(err);
    }
    keyset_release(keys);
    return verdict == KEY_GOOD ||
           err_set(err, ERR_TokenInvalid, verdict == KEY_BAD
                                              ? "The token's signature is not valid"
                                              : "The token is signed by a key that is not known");
}
