/* A request is repeated when another try may help: the server says so (429, 502, 503, 504), the
 * connection was cut, or the answer ends in the middle. Between tries the wait doubles, unless the server
 * says how long it shall be. Redirections are followed here, so that each address is looked at. */
#include "ingest/remote.h"
#include "base/instant.h"
#include "base/text.h"
#include "json/js.h"
#include "json/js_text.h"
#include "net/fetch.h"
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <strings.h>

enum { FIRST_WAIT_MS = 500, LONGEST_WAIT_MS = 300000, TIMEOUT_MS = 60000, MAX_SIZE = 64 << 20, REDIRECTS = 5 };

struct remote {
    struct remote_options options;
    char *origin;         /* "https://host:port" */
    int64_t next_ms;      /* when the next request may be made */
};

static size_t origin_length(const char *url)
{
    const char *host = strstr(url, "://");

    return host ? (size_t)(host + 3 - url) + strcspn(host + 3, "/?#") : 0;
}

struct remote *remote_new(const struct remote_options *options)
{
    struct remote *remote = MEM_NEW(struct remote);

    remote->options = *options;
    remote->origin = mem_textn(options->url, origin_length(options->url));
    return remote;
}

void remote_free(struct remote *remote)
{
    if (!remote)
        return;
    free(remote->origin);
    free(remote);
}

static bool check_origin(const struct remote *remote, const char *url, struct err *err)
{
    size_t length = origin_length(url);

    if (length == 0 || (!text_begins(url, "http://") && !text_begins(url, "https://")))
        return err_set(err, ERR_BadRequest, "expected an http or https address, found '%.200s'", url);
    if (!remote->options.other_hosts &&
        (length != strlen(remote->origin) || strncasecmp(url, remote->origin, length)))
        return err_set(err, ERR_PermissionsInsufficient,
                       "'%.200s' leads away from %s; --other-hosts allows that", url, remote->origin);
    return true;
}

static void wait_until(int64_t ms)
{
    int64_t left;

    while ((left = ms - instant_monotonic()) > 0)
        nanosleep(&(struct timespec){ left / 1000, left % 1000 * 1000000 }, NULL);
}

static void take_turn(struct remote *remote)
{
    int64_t now = instant_monotonic();

    wait_until(remote->next_ms);
    if (remote->options.per_second > 0)
        remote->next_ms = (remote->next_ms > now ? remote->next_ms : now) +
                          (int64_t)ceil(1000 / remote->options.per_second);
}

static bool may_help(int status)
{
    return status == 429 || status == 502 || status == 503 || status == 504;
}

enum outcome { DONE, AGAIN, REFUSED };

static enum outcome read_answer(const char *url, const struct fetched *answer, json_t **ret_json,
                                char **ret_etag, struct err *err)
{
    if (answer->status == 304)
        return DONE;
    if (answer->status != 200) {
        err_set(err, answer->status == 404 ? ERR_NotFound : ERR_Unreachable, "%s answered %d: %.300s", url,
                answer->status, answer->body ? answer->body : "");
        return may_help(answer->status) ? AGAIN : REFUSED;
    }
    if (!js_parse(answer->body, answer->size, JS_DEFAULT_DEPTH, ret_json, err)) {
        err_prefix(err, "%s", url);
        return AGAIN; /* cut in the middle, perhaps */
    }
    if (ret_etag)
        *ret_etag = fetched_header(answer, "etag");
    return DONE;
}

/* One request, with its redirections. */
static enum outcome try_once(struct remote *remote, const char *first, const struct fetch *request,
                             json_t **ret_json, char **ret_etag, int64_t *ret_wait_ms, struct err *err)
{
    AUTO(mem) char *url = mem_text(first);

    for (int hop = 0; hop <= REDIRECTS; hop++) {
        AUTO(fetched) struct fetched answer = { 0 };
        AUTO(mem) char *location = NULL;
        struct fetch what = *request;

        if (!check_origin(remote, url, err))
            return REFUSED;
        what.url = url;
        take_turn(remote);
        if (!fetch(&what, &answer, err))
            return AGAIN;
        *ret_wait_ms = fetched_wait_ms(&answer);
        location = answer.status >= 301 && answer.status <= 308 && answer.status != 304
                       ? fetched_header(&answer, "location")
                       : NULL;
        if (!location)
            return read_answer(url, &answer, ret_json, ret_etag, err);

        char *next = remote_resolve(url, location);

        free(url);
        url = next ? next : mem_text("");
    }
    err_set(err, ERR_Unreachable, "%s is redirected again and again", first);
    return REFUSED;
}

bool remote_ask(struct remote *remote, const char *url, const json_t *body, const char *etag,
                json_t **ret_json, char **ret_etag, struct err *err)
{
    AUTO(text) struct text text = { 0 };
    AUTO(mem) char *condition = etag ? mem_printf("If-None-Match: %s", etag) : NULL;
    struct fetch request = { .headers = { "Accept: application/json, application/geo+json" },
                             .max_size = MAX_SIZE, .timeout_ms = TIMEOUT_MS };
    int64_t wait_ms = FIRST_WAIT_MS;

    *ret_json = NULL;
    if (ret_etag)
        *ret_etag = NULL;
    if (body) {
        js_text_add(&text, body);
        request.headers[1] = "Content-Type: application/json";
        request.body = text.data;
        request.body_size = text.length;
    }
    if (condition)
        request.headers[body ? 2 : 1] = condition;
    for (int try = 1;; try++) {
        int64_t asked = -1;
        enum outcome outcome = try_once(remote, url, &request, ret_json, ret_etag, &asked, err);

        if (outcome == DONE)
            return true;
        if (outcome == REFUSED || try >= remote->options.tries)
            return false;
        err_clear(err);
        if (asked < 0)
            asked = wait_ms;
        wait_until(instant_monotonic() + (asked < LONGEST_WAIT_MS ? asked : LONGEST_WAIT_MS));
        wait_ms *= 2;
    }
}

/* Takes away "x/.." and ".", as far as they go. */
static void remove_dots(char *path)
{
    char *out = path;

    for (const char *at = path; *at;) {
        size_t length = strcspn(at + 1, "/?#") + 1; /* with the slash before it */

        if (*at != '/') { /* query or fragment */
            memmove(out, at, strlen(at) + 1);
            return;
        }
        if (length == 3 && !strncmp(at, "/..", 3)) {
            while (out > path && *--out != '/')
                ;
        } else if (!(length == 2 && at[1] == '.')) {
            memmove(out, at, length);
            out += length;
        }
        at += length;
    }
    *out = '\0';
}

char *remote_resolve(const char *document, const char *href)
{
    size_t origin = origin_length(document), folder;
    char *url;

    if (!href || !*href || origin == 0)
        return NULL;
    if (strstr(href, "://") && strcspn(href, ":") < strcspn(href, "/?#"))
        return mem_text(href);
    if (text_begins(href, "//"))
        return mem_printf("%.*s%s", (int)strcspn(document, "/"), document, href);
    folder = strcspn(document, "?#");
    while (folder > origin && document[folder - 1] != '/')
        folder--;
    if (*href == '?')
        url = mem_printf("%.*s%s", (int)strcspn(document, "?#"), document, href);
    else if (*href == '/')
        url = mem_printf("%.*s%s", (int)origin, document, href);
    else
        url = mem_printf("%.*s%s%s", (int)folder, document, folder == origin ? "/" : "", href);
    remove_dots(url + origin);
    return url;
}

/* hrefs relative to the document become absolute. A file:// or absolute path of a stranger must not
 * become a file of ours. */
void remote_complete(json_t *object, const char *url)
{
    json_t *assets = json_object_get(object, "assets"), *asset;
    const char *key;
    void *next;

    json_object_foreach_safe(assets, next, key, asset) {
        AUTO(mem) char *whole = remote_resolve(url, js_text(asset, "href"));

        if (whole && text_is_remote(whole))
            json_object_set_new(asset, "href", json_string(whole));
        else
            json_object_del(assets, key);
    }
}

const json_t *remote_link(const json_t *document, const char *rel, size_t *at)
{
    const json_t *links = json_object_get(document, "links");

    while (*at < json_array_size(links)) {
        const json_t *link = json_array_get(links, (*at)++);
        const char *name = js_text(link, "rel");

        if (name && !strcmp(name, rel) && json_is_string(json_object_get(link, "href")))
            return link;
    }
    return NULL;
}
