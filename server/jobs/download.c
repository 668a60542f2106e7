/* A file is gone on with under If-Range, so that a server whose file is another one by now sends it whole. As long as a call brings
 * something another follows when it breaks off; three that bring nothing end it. */
#include "jobs/download.h"
#include "base/instant.h"
#include "base/text.h"
#include "jobs/credentials.h"
#include "net/fetch.h"
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LOOK_MS = 60000, REDIRECTS = 5, FRUITLESS = 3, PAUSE_US = 500000 };

void download_version_drop(struct download_version *version)
{
    free(version->etag);
    free(version->modified);
    *version = (struct download_version){ .bytes = -1 };
}

/* ---- one call ---- */

/* "https://host": addresses may hold secrets. */
static int host_length(const char *url)
{
    const char *host = strstr(url, "://");

    return host ? (int)(host + 3 - url + (ptrdiff_t)strcspn(host + 3, "/?#")) : 0;
}

static bool call_once(const struct downloading *d, struct fetch what, const char *url, struct fetched *ret_answer, struct err *err)
{
    AUTO(mem) char *header = NULL;
    size_t n = 0;

    what.url = url;
    if (!fetch_may_call(url, d->config->downloads_hosts, &what.public_only, err))
        return err_prefix(err, "%.*s", host_length(url), url);
    if (d->credentials && !credentials_find(d->config->downloads_credentials, url, &header, err))
        return false;
    while (what.headers[n])
        n++;
    what.headers[n] = header;
    return fetch(&what, ret_answer, err);
}

static bool call(const struct downloading *d, const struct fetch *what, const char *first, struct fetched *ret_answer, struct err *err)
{
    AUTO(mem) char *url = mem_text(first);

    for (int hops = 0; hops <= REDIRECTS; hops++) {
        if (!call_once(d, *what, url, ret_answer, err))
            return false;
        if (!ret_answer->redirect)
            return true;
        free(url);
        url = mem_text(ret_answer->redirect);
        fetched_drop(ret_answer);
    }
    return err_set(err, ERR_SourceUnreadable, "%.*s: is redirected again and again", host_length(first), first);
}

/* ---- what an answer says ---- */

static bool is_listed(const char *list, int status)
{
    for (const char *at = list; *(at += strspn(at, " ,")); at += strcspn(at, " ,"))
        if (atoi(at) == status)
            return true;
    return false;
}

/* Seconds until the product is asked for again; 0: the answer does not say that it comes from tape. 503 alone may be any trouble. */
static int64_t tape_pause(const struct downloading *d, const struct fetched *answer)
{
    int64_t wait_ms = fetched_wait_ms(answer), seconds = wait_ms < 0 ? d->config->downloads_tape_pause : (wait_ms + 999) / 1000;

    if (answer->status == 200 || answer->status == 206 || !is_listed(d->config->downloads_tape_status, answer->status) ||
        (answer->status == 503 && wait_ms < 0))
        return 0;
    return seconds > 0 ? seconds : 1;
}

static bool refuse(const char *url, const struct fetched *answer, struct err *err)
{
    return err_set(err, answer->status >= 500 || answer->status == 429 ? ERR_Unreachable : ERR_SourceUnreadable,
                   "%.*s: the server answered %d", host_length(url), url, answer->status);
}

/* True: it came, or (*ret_tape_s > 0) comes from tape and is to be asked for again. */
static bool ask(const struct downloading *d, const struct fetch *what, const char *url, struct fetched *ret_answer,
                int64_t *ret_tape_s, struct err *err)
{
    if (!call(d, what, url, ret_answer, err))
        return false;
    *ret_tape_s = tape_pause(d, ret_answer);
    return *ret_tape_s || ret_answer->status == 200 || ret_answer->status == 206 || refuse(url, ret_answer, err);
}

/* Of the whole file: "bytes 0-0/123" of a part, else the length of the answer. */
static int64_t whole_size(const struct fetched *answer)
{
    AUTO(mem) char *range = fetched_header(answer, "content-range"), *length = fetched_header(answer, "content-length");
    const char *slash = range ? strrchr(range, '/') : NULL;
    double number;

    if (answer->status == 206)
        return slash && text_to_number(slash + 1, &number) && number >= 0 && number < 1e15 ? (int64_t)number : -1;
    return length && text_to_number(length, &number) && number >= 0 && number < 1e15 ? (int64_t)number : -1;
}

/* The first byte is asked for, not HEAD: an address that is signed is often signed for GET alone. */
bool download_look(const struct downloading *d, const char *url, struct download_version *ret_version, int64_t *ret_tape_s,
                   struct err *err)
{
    const struct fetch what = { .headers = { "Range: bytes=0-0" }, .peek = true, .timeout_ms = LOOK_MS };
    AUTO(fetched) struct fetched answer = { 0 };

    *ret_version = (struct download_version){ .bytes = -1 };
    *ret_tape_s = 0;
    if (!ask(d, &what, url, &answer, ret_tape_s, err))
        return false;
    if (*ret_tape_s)
        return true;
    *ret_version = (struct download_version){ fetched_header(&answer, "etag"), fetched_header(&answer, "last-modified"), whole_size(&answer) };
    return true;
}

/* ---- getting it ---- */

static int64_t size_of(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 ? (int64_t)st.st_size : 0;
}

/* By which a server knows that its file is still the same; weak tags do not say so. */
static const char *validator_of(const struct download_version *version)
{
    return version->etag && !text_begins(version->etag, "W/") ? version->etag : version->modified;
}

static bool is_other(const struct download_version *version, const struct fetched *answer)
{
    AUTO(mem) char *etag = fetched_header(answer, "etag");

    return (etag && version->etag && strcmp(etag, version->etag) != 0) ||
           (version->bytes >= 0 && whole_size(answer) >= 0 && whole_size(answer) != version->bytes);
}

/* True: the file is whole, or comes from tape. */
static bool get_once(const struct downloading *d, const char *url, const struct download_version *version, bool sure,
                     const char *path, int64_t *ret_tape_s, struct err *err)
{
    const char *validator = validator_of(version);
    int64_t there = size_of(path), left = d->until - instant_monotonic();
    AUTO(mem) char *range = mem_printf("Range: bytes=%lld-", (long long)there);
    AUTO(mem) char *condition = mem_printf("If-Range: %s", validator ? validator : "");
    struct fetch what = { .file = path, .resume = true, .timeout_ms = left > 1 ? left : 1, .stall_ms = d->config->downloads_stall * 1000,
                          .max_size = (size_t)d->config->downloads_max_size, .progress = d->progress, .progress_context = d->context };
    AUTO(fetched) struct fetched answer = { 0 };

    if (there > 0 && (validator || sure) && (version->bytes < 0 || there < version->bytes)) {
        what.headers[0] = range;
        what.headers[1] = validator ? condition : NULL;
    } else {
        unlink(path);
    }
    if (!ask(d, &what, url, &answer, ret_tape_s, err))
        return false;
    if (*ret_tape_s)
        return true;
    if (is_other(version, &answer)) {
        unlink(path);
        return err_set(err, ERR_Unreachable, "%.*s: the file has changed while it was fetched", host_length(url), url);
    }
    return version->bytes < 0 || size_of(path) == version->bytes ||
           err_set(err, ERR_Unreachable, "%.*s: the connection ended early", host_length(url), url);
}

bool download_get(const struct downloading *d, const char *url, const struct download_version *version, bool sure, const char *path,
                  int64_t *ret_tape_s, struct err *err)
{
    int fruitless = 0;

    *ret_tape_s = 0;
    while (version->bytes < 0 || size_of(path) != version->bytes || version->bytes == 0) {
        int64_t before = size_of(path);

        if (get_once(d, url, version, sure, path, ret_tape_s, err))
            return true;
        fruitless = size_of(path) > before ? 0 : fruitless + 1;
        if (err->code != ERR_Unreachable || fruitless >= FRUITLESS || instant_monotonic() > d->until)
            return false;
        err_clear(err);
        usleep(PAUSE_US);
    }
    return true;
}
