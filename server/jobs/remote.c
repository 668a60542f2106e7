/* Which servers may be called, with what, and the calls of both kinds of API. The results are fetched by
 * remote_results.c. Every address is either below a listed one, or was told by the server and lies on the same host; only
 * files that a result links may lie elsewhere, and are then fetched as any stranger's: from public addresses, without
 * credentials. */
#include "jobs/remote.h"
#include "base/text.h"
#include "ingest/remote.h"
#include "jobs/credentials.h"
#include "jobs/remote_call.h"
#include "json/js.h"
#include <math.h>
#include <string.h>

enum { CALL_MS = 30000, MOST_ANSWER = 16 << 20 };

/* ---- who may be called ---- */

static const char *find_listed(const char *list, const char *url, size_t *ret_length)
{
    for (const char *at = list; *(at += strspn(at, " ,\t")); at += strcspn(at, " ,\t")) {
        *ret_length = strcspn(at, " ,\t");
        if (address_is_below(url, at, *ret_length))
            return at;
    }
    return NULL;
}

const char *remote_kind(const struct config *config, const char *url)
{
    size_t length;

    if (find_listed(config->workflows_openeo, url, &length))
        return "openeo";
    return find_listed(config->workflows_servers, url, &length) ? "ogc" : NULL;
}

/* Scheme, host and port of both are the same. */
static bool same_host(const char *a, const char *b)
{
    const char *host = strstr(a, "://");
    size_t length = host ? (size_t)(host + 3 - a) + strcspn(host + 3, "/?#") : 0;

    return length > 0 && !strncmp(a, b, length) && (!b[length] || strchr("/?#", b[length]));
}

bool remote_is_listed(const struct config *config, const char *url)
{
    const char *lists[] = { config->workflows_servers, config->workflows_openeo };

    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        for (const char *at = lists[i]; *(at += strspn(at, " ,\t")); at += strcspn(at, " ,\t")) {
            AUTO(mem) char *listed = mem_textn(at, strcspn(at, " ,\t"));

            if (same_host(listed, url) && !strpbrk(url, "\\@ \t\r\n"))
                return true;
        }
    return false;
}

bool remote_call(const struct config *config, const struct fetch *wish, struct fetched *ret_answer, struct err *err)
{
    struct fetch what = *wish;
    AUTO(mem) char *credentials = NULL;
    size_t i = 0;

    what.timeout_ms = what.timeout_ms ? what.timeout_ms : CALL_MS;
    what.max_size = what.max_size ? what.max_size : MOST_ANSWER;
    what.redirects = 0; /* credentials and trust end at the address that was named */
    if (!remote_is_listed(config, what.url)) {
        if (!fetch_may_call(what.url, "", &what.public_only, err))
            return false;
        return fetch(&what, ret_answer, err);
    }
    if (!credentials_find(config->workflows_credentials, what.url, &credentials, err))
        return false;
    while (what.headers[i])
        i++;
    what.headers[i] = credentials;
    return fetch(&what, ret_answer, err);
}

char *remote_beside(const struct config *config, const char *base, const char *reference, struct err *err)
{
    char *url = reference ? remote_resolve(base, reference) : NULL;

    if (url && same_host(base, url) && remote_is_listed(config, url))
        return url;
    err_set(err, ERR_RemoteFailed, "the server named an address that is not its own: '%.200s'", reference ? reference : "nothing");
    free(url);
    return NULL;
}

/* ---- answers ---- */

/* What a server says of an error, in its words. */
static void add_reason(const struct fetched *answer, struct text *message)
{
    static const char *const names[] = { "detail", "description", "message", "title" };
    AUTO(json) json_t *body = answer->body ? json_loadb(answer->body, answer->size, 0, NULL) : NULL;

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (js_text(body, names[i])) {
            text_printf(message, ": %.400s", js_text(body, names[i]));
            return;
        }
}

bool remote_refused(const char *url, const struct fetched *answer, struct err *err)
{
    AUTO(text) struct text message = { 0 };
    bool later = answer->status >= 500 || answer->status == 429 || answer->status == 408;

    text_printf(&message, "%.200s answered %d", url, answer->status);
    add_reason(answer, &message);
    return err_set(err, later ? ERR_Unreachable : ERR_RemoteRefused, "%s", message.data);
}

bool remote_json(const struct config *config, const char *method, const char *url, const char *body, json_t **ret_json,
                 struct fetched *answer, struct err *err)
{
    struct fetch what = { .method = method, .url = url, .body = body, .body_size = body ? strlen(body) : 0,
                          .headers = { "Accept: application/json", body ? "Content-Type: application/json" : NULL,
                                       body ? "Prefer: respond-async" : NULL } };

    if (!remote_call(config, &what, answer, err))
        return false;
    if (answer->status < 200 || answer->status > 299)
        return remote_refused(url, answer, err);
    if (!ret_json)
        return true;
    return js_parse(answer->body, answer->size, JS_DEFAULT_DEPTH, ret_json, err) ||
           err_set((err_clear(err), err), ERR_RemoteFailed, "%.200s: the answer is no JSON", url);
}

/* ---- descriptions ---- */

bool remote_describe(const struct config *config, const char *url, json_t **ret_description, struct err *err)
{
    AUTO(fetched) struct fetched answer = { 0 };
    AUTO(json) json_t *description = NULL;

    if (!strcmp(remote_kind(config, url), "openeo")) {
        *ret_description = json_pack("{s:s, s:s, s:{s:{s:s, s:{s:s}}}, s:{s:{s:s, s:{}}}, s:[s, s]}", "id", url, "title", url, "inputs",
                                     "process_graph", "title", "Process graph", "schema", "type", "object", "outputs", "result",
                                     "title", "Result", "schema", "jobControlOptions", "sync-execute", "async-execute");
        return true;
    }
    if (!remote_json(config, NULL, url, NULL, &description, &answer, err)) {
        if (answer.status == 404)
            err->code = ERR_ProcessNotFound;
        return false;
    }
    if (!json_is_object(json_object_get(description, "outputs")) || !json_is_object(description))
        return err_set(err, ERR_RemoteFailed, "%.200s: is no description of a process", url);
    *ret_description = json_incref(description);
    if (!json_is_object(json_object_get(description, "inputs")))
        json_object_set_new(description, "inputs", json_object());
    if (!json_object_get(description, "jobControlOptions"))
        json_object_set_new(description, "jobControlOptions", json_pack("[s, s]", "sync-execute", "async-execute"));
    return true;
}

/* ---- jobs ---- */

void remote_answer_drop(struct remote_answer *answer)
{
    free(answer->job);
    free(answer->message);
    fetched_drop(&answer->results);
}

static char *below(const char *url, const char *path)
{
    size_t length = strcspn(url, "?#");

    while (length > 0 && url[length - 1] == '/')
        length--;
    return mem_printf("%.*s%s", (int)length, url, path);
}

static bool submit_ogc(const struct config *config, const char *url, const json_t *inputs, const json_t *outputs,
                       struct remote_answer *ret, struct err *err)
{
    AUTO(json) json_t *body = json_pack("{s:O, s:{}, s:s}", "inputs", inputs, "outputs", "response", "document");
    AUTO(mem) char *address = below(url, "/execution"), *text = NULL, *location = NULL;
    const char *id;
    json_t *wish;

    json_object_foreach((json_t *)outputs, id, wish)
        json_object_set_new(json_object_get(body, "outputs"), id, json_object());
    text = json_dumps(body, JSON_COMPACT);
    if (!remote_json(config, NULL, address, text, NULL, &ret->results, err))
        return false;
    if (ret->results.status != 201) {
        ret->state = REMOTE_DONE;
        return true;
    }
    location = fetched_header(&ret->results, "location");
    ret->job = remote_beside(config, address, location, err);
    return ret->job != NULL;
}

static bool submit_openeo(const struct config *config, const char *url, const json_t *inputs, struct remote_answer *ret,
                          struct err *err)
{
    const json_t *given = json_object_get(inputs, "process_graph"), *inner = json_object_get(given, "process_graph");
    AUTO(json) json_t *body = json_pack("{s:{s:O}}", "process", "process_graph", inner ? inner : given);
    AUTO(mem) char *address = below(url, "/jobs"), *text = json_dumps(body, JSON_COMPACT), *location = NULL, *start = NULL;
    AUTO(fetched) struct fetched made = { 0 };

    if (!remote_json(config, NULL, address, text, NULL, &made, err))
        return false;
    location = fetched_header(&made, "location");
    ret->job = remote_beside(config, address, location, err);
    if (!ret->job)
        return false;
    start = below(ret->job, "/results");
    return remote_json(config, "POST", start, NULL, NULL, &ret->results, err);
}

bool remote_submit(const struct config *config, const char *kind, const char *url, const json_t *inputs, const json_t *outputs,
                   struct remote_answer *ret, struct err *err)
{
    return !strcmp(kind, "openeo") ? submit_openeo(config, url, inputs, ret, err)
                                   : submit_ogc(config, url, inputs, outputs, ret, err);
}

bool remote_look(const struct config *config, const char *kind, const char *job, struct remote_answer *ret, struct err *err)
{
    static const struct { const char *word; int state; } words[] = {
        { "accepted", REMOTE_WAITS }, { "running", REMOTE_WAITS }, { "successful", REMOTE_DONE }, { "failed", REMOTE_FAILED },
        { "dismissed", REMOTE_FAILED }, { "created", REMOTE_WAITS }, { "queued", REMOTE_WAITS }, { "finished", REMOTE_DONE },
        { "error", REMOTE_FAILED }, { "canceled", REMOTE_FAILED },
    };
    AUTO(fetched) struct fetched answer = { 0 };
    AUTO(json) json_t *status = NULL;
    const char *word, *message;
    double progress;

    (void)kind;
    if (!remote_json(config, NULL, job, NULL, &status, &answer, err))
        return false;
    word = js_text(status, "status");
    message = js_text(status, "message");
    for (size_t i = 0; word && i < ARRAY_LEN(words); i++) {
        if (strcmp(words[i].word, word))
            continue;
        progress = json_number_value(json_object_get(status, "progress"));
        ret->state = words[i].state;
        ret->progress = isfinite(progress) && progress > 0 ? fmin(progress, 100) : 0;
        ret->message = mem_printf("the job %.200s is %s%s%.600s", job, word, message ? ": " : "", message ? message : "");
        return true;
    }
    return err_set(err, ERR_RemoteFailed, "%.200s: '%.40s' is no status of a job", job, word ? word : "nothing");
}

bool remote_dismiss(const struct config *config, const char *kind, const char *job, struct err *err)
{
    AUTO(mem) char *address = !strcmp(kind, "openeo") ? below(job, "/results") : mem_text(job);
    AUTO(fetched) struct fetched answer = { 0 };
    struct fetch what = { .method = "DELETE", .url = address };

    if (!remote_call(config, &what, &answer, err))
        return false;
    return answer.status < 300 || answer.status == 404 || answer.status == 410 || remote_refused(address, &answer, err);
}
