/* The route table: the whole HTTP surface is rows of it (server/api/routes.c); who may call is a
 * column. http/ knows no handler: the table is handed to it. */
#ifndef HTTP_ROUTE_H
#define HTTP_ROUTE_H

#include "http/reply.h"
#include "http/request.h"

typedef bool handler_fn(struct request *rq, struct reply *reply, struct err *err);

/* How errors look: one face's own way. */
enum face {
    FACE_PLAIN /* RFC 9457 */,
    FACE_OGC,
    FACE_STAC,
    FACE_RESTO,
    FACE_OPENEO,
    FACE_WPS /* exception reports in XML */,
    FACES
};

/* NOBODY: anyone, but credentials that are given must be right. SIGNED: a user, or a valid signed
 * link to this path. */
enum access { ACCESS_NOBODY, ACCESS_SIGNED, ACCESS_USER, ACCESS_OPERATOR, ACCESS_ADMIN };

/* FILE: whoever sends it is asked for first; it goes to a file of its own, rq->upload. */
enum body_kind { BODY_NONE, BODY_JSON, BODY_BYTES, BODY_FILE };

struct route {
    enum method method;
    const char *pattern; /* "/ogc/jobs/{jobId}"; "{path*}" at the end takes the rest */
    enum access access;
    handler_fn *handler;
    enum face face;
    enum body_kind body;
    int64_t max_body;    /* 0: the configuration's */
    bool bulk;           /* of BODY_BYTES: up to http.max_bulk */
    bool body_optional;
    bool without_database; /* also runs while the database is away: rq->db is NULL then */
    bool at_once; /* never blocks and needs neither database nor user: runs on the epoll thread, so
                     that it answers however busy the executors are */
    bool quick;   /* only reads, nearly always in a moment: tried on the epoll thread first, where the
                     database is not waited for (db_hurry()); the handler may so run twice */
};

/* HEAD is served wherever GET is; OPTIONS everywhere (CORS). */
#define ROUTE(method_, pattern_, access_, handler_, face_, ...)                                     \
    { .method = method_, .pattern = pattern_, .access = ACCESS_##access_, .handler = handler_,     \
      .face = FACE_##face_, __VA_ARGS__ }

extern const struct route routes[]; /* api/routes.c; ends with a NULL pattern */

#endif
