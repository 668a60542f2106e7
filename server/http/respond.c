/* From a reply to MHD's response. Bodies get a weak ETag (a hash of the bytes before compression, so
 * that it names the content and not its encoding) and gzip; files are in file.c. */
#include "http/respond.h"
#include "http/compress.h"
#include "http/cors.h"
#include "http/streams.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { COMPRESS_FROM = 1024, ETAG_SIZE = 32, LANES = 4 };

/* FNV-1a over words of eight bytes, folded after each, in four lanes that do not wait for each other:
 * spread well enough to tell two versions of a page apart, at the speed of memory. */
static void weak_etag(const char *bytes, size_t size, char etag[static ETAG_SIZE])
{
    uint64_t lanes[LANES] = { 0xcbf29ce484222325u ^ size, 1, 2, 3 }, hash = 0;

    for (size_t at = 0; at < size; at += sizeof lanes) {
        uint64_t words[LANES] = { 0 };

        memcpy(words, bytes + at, size - at < sizeof words ? size - at : sizeof words);
        for (int i = 0; i < LANES; i++) {
            lanes[i] = (lanes[i] ^ words[i]) * 0x9e3779b97f4a7c15u;
            lanes[i] ^= lanes[i] >> 32;
        }
    }
    for (int i = 0; i < LANES; i++) {
        hash = (hash ^ lanes[i]) * 0x9e3779b97f4a7c15u;
        hash ^= hash >> 32;
    }
    snprintf(etag, ETAG_SIZE, "W/\"%016" PRIx64 "\"", hash);
}

static bool is_read(const struct exchange *ex)
{
    return ex->rq.method == GET || ex->rq.method == HEAD;
}

static void respond_body(struct exchange *ex)
{
    struct reply *reply = &ex->reply;
    const char *media = reply_given(reply, "Content-Type"), *own = reply_given(&ex->reply, "ETag");
    char etag[ETAG_SIZE] = "";
    bool conditional = is_read(ex) && ex->status == 200 && reply->size > 0, zipped = false;

    if (conditional && !own)
        weak_etag(reply->body, reply->size, etag);
    if (conditional && request_none_match(&ex->rq, own ? own : etag)) {
        ex->status = 304;
        reply->size = 0;
    } else if (reply->size >= COMPRESS_FROM && compress_pays(media) &&
               !reply_given(reply, "Content-Encoding") &&
               compress_accepted(request_header(&ex->rq, "Accept-Encoding"))) {
        zipped = compress_gzip(&reply->body, &reply->size);
    }
    ex->response = MHD_create_response_from_buffer(reply->size, reply->body, MHD_RESPMEM_MUST_FREE);
    reply->body = NULL;
    if (*etag)
        MHD_add_response_header(ex->response, "ETag", etag);
    if (zipped)
        MHD_add_response_header(ex->response, "Content-Encoding", "gzip");
    if (compress_pays(media))
        MHD_add_response_header(ex->response, "Vary", "Accept, Accept-Encoding");
}

static void add_headers(struct exchange *ex)
{
    const struct reply *reply = &ex->reply;

    cors_add(ex->response);
    MHD_add_response_header(ex->response, "X-Request-Id", ex->rq.id);
    MHD_add_response_header(ex->response, "X-Content-Type-Options", "nosniff");
    if (ex->rq.user && is_read(ex) && !reply_given(reply, "Cache-Control"))
        MHD_add_response_header(ex->response, "Cache-Control", "private, no-cache");
    for (size_t i = 0; i < reply->n_headers; i++)
        MHD_add_response_header(ex->response, reply->headers[i].name, reply->headers[i].value);
    if (atomic_load(&ex->server->stopping))
        MHD_add_response_header(ex->response, "Connection", "close");
}

static void respond_preflight(struct exchange *ex)
{
    char methods[ROUTE_METHODS_SIZE];

    ex->status = 204;
    ex->response = MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
    cors_add_preflight(ex->response,
                       route_methods(ex->match.allowed ? ex->match.allowed : ~0u, methods));
    add_headers(ex);
}

void respond(struct exchange *ex)
{
    if (ex->err.code == ERR_None && ex->rq.method == OPTIONS && !ex->match.route) {
        respond_preflight(ex);
        return;
    }
    if (ex->err.code == ERR_None && ex->reply.file)
        respond_file(ex); /* may end in an error: the file is gone, the range lies outside */
    if (ex->err.code)
        respond_error(ex);
    if (ex->reply.stream)
        respond_stream(ex);
    if (ex->reply.source && !ex->response)
        respond_source(ex);
    if (!ex->response) {
        ex->status = ex->reply.status ? ex->reply.status : 200;
        respond_body(ex);
    }
    add_headers(ex);
}
