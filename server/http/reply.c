/* What handlers answer with is only noted here; respond.c makes the bytes. */
#include "http/reply.h"
#include "base/format.h"
#include "base/instant.h"
#include "base/text.h"
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

/* `value` must live as long as the request. A body has one media type: the last one said. */
static void add(struct reply *reply, const char *name, const char *value)
{
    for (size_t i = 0; i < reply->n_headers; i++) {
        if (!strcmp(name, "Content-Type") && !strcmp(reply->headers[i].name, name)) {
            reply->headers[i].value = value;
            return;
        }
    }
    assert(reply->n_headers < ARRAY_LEN(reply->headers));
    reply->headers[reply->n_headers++] = (struct reply_header){ name, value };
}

void reply_header(struct request *rq, struct reply *reply, const char *name, const char *format, ...)
{
    char *value, *c;
    va_list args;

    va_start(args, format);
    value = arena_vprintf(rq->arena, format, args);
    va_end(args);
    for (c = value; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = ' '; /* nothing that came from outside ends a header line */
    add(reply, name, value);
}

const char *reply_given(const struct reply *reply, const char *name)
{
    for (size_t i = 0; i < reply->n_headers; i++)
        if (!strcasecmp(reply->headers[i].name, name))
            return reply->headers[i].value;
    return NULL;
}

bool reply_bytes(struct reply *reply, int status, char *bytes_taken, size_t size, const char *media)
{
    free(reply->body);
    reply->status = status;
    reply->body = bytes_taken;
    reply->size = size;
    if (media)
        add(reply, "Content-Type", media);
    return true;
}

bool reply_json(struct reply *reply, int status, json_t *json_taken, const char *media)
{
    char *text = json_dumps(json_taken, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));

    assert(text); /* only a value that was never JSON (NaN, broken UTF-8) cannot be written */
    json_decref(json_taken);
    return reply_bytes(reply, status, text, strlen(text), media ? media : "application/json");
}

bool reply_text(struct reply *reply, int status, const char *text, const char *media)
{
    return reply_bytes(reply, status, mem_text(text), strlen(text), media);
}

bool reply_empty(struct reply *reply, int status)
{
    return reply_bytes(reply, status, NULL, 0, NULL);
}

/* RFC 6266: a plain name for old clients, the true one beside it. */
static void add_disposition(struct request *rq, struct reply *reply, const char *name)
{
    AUTO(text) struct text encoded = { 0 };
    char *plain = arena_text(rq->arena, name);

    for (char *c = plain; *c; c++)
        if ((unsigned char)*c >= 0x7f || *c == '"' || *c == '\\')
            *c = '_';
    text_add_url(&encoded, name, NULL);
    reply_header(rq, reply, "Content-Disposition", "attachment; filename=\"%s\"; filename*=UTF-8''%s",
                 plain, encoded.data ? encoded.data : "");
}

bool reply_file(struct request *rq, struct reply *reply, const char *path, const char *media,
                const char *download_name, struct err *err)
{
    struct stat info;

    if (stat(path, &info) < 0 || !S_ISREG(info.st_mode))
        return err_set(err, ERR_FileNotFound, "The file does not exist any more");
    reply->status = 200;
    reply->file = arena_text(rq->arena, path);
    reply_header(rq, reply, "Content-Type", "%s", media ? media : "application/octet-stream");
    if (download_name)
        add_disposition(rq, reply, download_name);
    return true;
}

bool reply_source(struct request *rq, struct reply *reply, const struct reply_source *source,
                  const char *media, const char *download_name)
{
    reply->source = MEM_NEW(struct reply_source);
    *reply->source = *source;
    reply->status = 200;
    reply_header(rq, reply, "Content-Type", "%s", media);
    if (download_name)
        add_disposition(rq, reply, download_name);
    return true;
}

bool reply_wait(struct request *rq, struct reply *reply, const char *key, int64_t timeout_ms)
{
    reply->waiting = true;
    reply->wait_key = arena_text(rq->arena, key);
    reply->wait_until = instant_monotonic() + (timeout_ms > 0 ? timeout_ms : 0);
    return true;
}
