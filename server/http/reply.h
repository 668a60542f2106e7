/* What a handler answers with. Every function that returns bool returns true on success, so that a
 * handler can end with it. */
#ifndef HTTP_REPLY_H
#define HTTP_REPLY_H

#include "http/request.h"
#include <sys/types.h>

struct reply {
    int status; /* 200 unless set */
    struct reply_header { const char *name, *value; } headers[24];
    size_t n_headers;
    char *body; /* malloc'd */
    size_t size;
    const char *file; /* arena path: streamed with ranges, ETag, Last-Modified */
    struct stream *stream; /* written while it is sent (stream.h) */
    struct reply_source *source; /* read while it is sent; owned */
    bool waiting;
    const char *wait_key;
    int64_t wait_until; /* instant_monotonic() */
};

/* Headers: name is a literal, value is copied into the request's arena. */
void reply_header(struct request *rq, struct reply *reply, const char *name, const char *format, ...)
    PRINTF_LIKE(4, 5);
/* The value of a header that the handler gave; NULL when it did not. */
const char *reply_given(const struct reply *reply, const char *name);
/* `json_taken` is swallowed. media: NULL is application/json. A weak ETag is added by http/. */
bool reply_json(struct reply *reply, int status, json_t *json_taken, const char *media);
/* Ready bytes (swallowed). */
bool reply_bytes(struct reply *reply, int status, char *bytes_taken, size_t size,
                 const char *media);
bool reply_text(struct reply *reply, int status, const char *text, const char *media);
bool reply_empty(struct reply *reply, int status); /* 204, 304 ... */
/* A file on disk: HEAD, Range (also several), If-None-Match, If-Range, Last-Modified.
 * `download_name` NULL: inline. Errors: FileNotFound. */
bool reply_file(struct request *rq, struct reply *reply, const char *path, const char *media,
                const char *download_name, struct err *err) MUST_USE;
/* Bytes of a known number that are made while they are sent: `read` is called for them in order, on an HTTP
 * thread (it may wait for disks alone), and gives how many it put into the buffer, <= 0 when it cannot go on:
 * then the connection is closed. `free_context` is called at the end, sent or not. */
struct reply_source {
    int64_t size;
    ssize_t (*read)(void *context, char *buffer, size_t max);
    void (*free_context)(void *context);
    void *context;
};
bool reply_source(struct request *rq, struct reply *reply, const struct reply_source *source,
                  const char *media, const char *download_name);
void reply_source_free(struct reply_source *source);
/* Gives the thread back; the handler runs again (rq->woken) when store/ notifies `key` (a job id, or
 * CATALOG_CHANNEL) or at the deadline. */
bool reply_wait(struct request *rq, struct reply *reply, const char *key, int64_t timeout_ms);

#endif
