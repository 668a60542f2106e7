/* A request as handlers see it: parsed, checked, without sockets. Runs on an executor thread that
 * owns one database connection and may block. */
#ifndef HTTP_REQUEST_H
#define HTTP_REQUEST_H

#include "base/id.h"
#include "base/mem.h"
#include "config/config.h"
#include "store/db.h"
#include "store/users.h"
#include <jansson.h>

enum method { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, METHOD_COUNT };

struct route;
struct reply;

struct request {
    const struct route *route;
    enum method method;
    const char *path;       /* decoded, double slashes collapsed: "/stac/collections/x" */
    const char *base_url;   /* "https://host/prefix" without a slash at its end: for links */
    char id[ID_UUID_SIZE];  /* X-Request-Id */
    const char *client;     /* address, for limits and logs */
    const unsigned char *bytes; /* body, NULL when none */
    const char *upload;     /* of a BODY_FILE route: the file; it is gone with the request unless it was renamed */
    size_t size;
    json_t *body;           /* parsed when the route says BODY_JSON (owned by the request) */
    const struct user *user; /* NULL for nobody */
    struct db *db;
    const struct config *config;
    struct arena *arena;    /* ends with the request */
    void *state;            /* handler's own, kept while the request waits (arena memory) */
    bool woken;             /* the handler runs again after reply_wait(), without its body */
    bool timed_out;         /* woken by the deadline */
    struct exchange *exchange; /* http's own */
};

/* The body of a BODY_BYTES route as JSON, with the checks and limits of BODY_JSON. The caller owns it. */
bool request_json(struct request *rq, json_t **ret_json, struct err *err) MUST_USE;
/* Variables of the route's pattern ("{job_id}"); never NULL for a name in the pattern. */
const char *request_variable(const struct request *rq, const char *name);
/* The first query parameter with this name, decoded; NULL when absent. */
const char *request_query(const struct request *rq, const char *name);
/* All query parameters in order; false at the end. */
bool request_query_at(const struct request *rq, size_t i, const char **ret_name,
                      const char **ret_value);
const char *request_header(const struct request *rq, const char *name); /* NULL when absent */
/* Does If-None-Match hold this ETag (weak comparison)? */
bool request_none_match(const struct request *rq, const char *etag);
/* Whom limits count: the user, when these are his credentials, else the address (of IPv6 the network). */
const char *request_caller(const struct request *rq);
/* Which of the offered media types the Accept header (or ?f=json|html|...) prefers: its index in
 * `offers` (NULL ends), -1 when none is accepted. No Accept header: 0. */
int request_accepts(const struct request *rq, const char *const *offers);
/* limit-like parameters: absent gives fallback. Errors: InvalidParameter. */
bool request_query_integer(const struct request *rq, const char *name, int64_t least, int64_t most,
                           int64_t fallback, int64_t *ret_number, struct err *err) MUST_USE;

#endif
