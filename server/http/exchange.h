/* One request and its answer from the first byte to the last, and the server it belongs to. Only
 * http/ sees this: handlers see struct request and struct reply. */
#ifndef HTTP_EXCHANGE_H
#define HTTP_EXCHANGE_H

#include "base/text.h"
#include "http/server.h"
#include "http/table.h"
#include <microhttpd.h>
#include <stdatomic.h>
#include <stdio.h>

struct executor;
struct session;
struct callers;
struct client;
struct waits;
struct metrics;
struct streams;
struct guard;

struct server {
    const struct config *config;
    char *database_url;
    struct route_table *table;
    struct MHD_Daemon *daemon;
    struct executor *executor;
    struct callers *callers;
    struct waits *waits;
    struct streams *streams;
    struct metrics *metrics;
    struct guard *guard;
    struct acceptor *acceptor;
    int port;
    atomic_bool stopping;
    atomic_llong bodies;  /* bytes of requests' bodies that are held now */
    atomic_int in_flight; /* exchanges that exist: from the request line to the last byte */
};

/* Who has it: the epoll thread while its bytes come and go, an executor or the waiting list while it
 * is suspended. It changes hands under MHD's suspend and resume. */
enum phase { PHASE_HEADERS, PHASE_ASKING /* may he send a file? */, PHASE_ASKED, PHASE_BODY, PHASE_RUNNING,
             PHASE_ANSWERED };

struct exchange {
    struct request rq;
    struct reply reply;
    struct err err; /* what is answered instead of `reply`, when set */
    struct server *server;
    struct MHD_Connection *connection;
    struct url url;
    struct route_match match;
    enum phase phase;
    struct text body;
    int64_t body_limit, received;
    FILE *upload; /* of BODY_FILE, while it comes in */
    struct user user;
    int64_t started, queued; /* instant_monotonic() */
    struct MHD_Response *response;
    int status;
    int64_t file_size; /* for 416 */
    uint64_t notices_seen; /* the waits' counter when the handler started */
    const char *client;    /* whose turn it takes (caller.h) */
    struct client *turn;   /* while it runs */
    bool quick;            /* an epoll thread may try it */
    struct session *session; /* what its answer comes from, when it is to be waited for */
    struct exchange *next; /* in the client's queue or the waiting list */
};

/* From the request line; a refusal stays in ->err until the request has come in whole. */
struct exchange *exchange_new(struct server *server, struct MHD_Connection *connection,
                              const char *target);
/* The headers are there: method, route, limits. */
void exchange_begin(struct exchange *ex, const char *method, const char *version);
/* Refused, and whatever body there is is not waited for: the client asks before it sends one, or nobody
 * knows where it ends. */
bool exchange_ends_here(const struct exchange *ex);
/* Takes a part of the body; false: the client sends far more than it may, cut it off. */
bool exchange_take(struct exchange *ex, const void *bytes, size_t size);
/* Gives the body's memory back, its JSON too. */
void exchange_drop_body(struct exchange *ex);
/* Everything that must not happen on an epoll thread: base address, body as JSON. */
bool exchange_prepare(struct exchange *ex, struct err *err) MUST_USE;
void exchange_free(struct exchange *ex);

/* upload.c: bodies that become files. */
bool upload_open(struct exchange *ex, struct err *err) MUST_USE;
void upload_take(struct exchange *ex, const void *bytes, size_t size);
void upload_end(struct exchange *ex); /* all of it has come in: what is there is written */
void upload_drop(struct exchange *ex);

/* reply or err -> ->response and ->status, with all headers. */
void respond(struct exchange *ex);

#endif
