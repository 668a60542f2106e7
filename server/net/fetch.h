/* Outgoing HTTP with an end to everything: time, size, redirects. Door: curl/curl.h. May be called
 * from any thread that may block; never from an epoll thread. */
#ifndef NET_FETCH_H
#define NET_FETCH_H

#include "base/err.h"
#include <stddef.h>
#include <stdint.h>

enum { FETCH_MAX_HEADERS = 16 };

struct fetch {
    const char *method; /* NULL: GET, or POST when there is a body */
    const char *url;    /* http and https only */
    const char *headers[FETCH_MAX_HEADERS]; /* "Name: value"; NULL ends */
    const char *body;
    size_t body_size;
    int64_t timeout_ms; /* for all of it; 0: 30 s */
    size_t max_size;    /* of the answer; 0: 16 MiB */
    const char *file;   /* an answer of 200 becomes this new file, past memory; NULL: it is kept */
    bool resume;        /* the file may be there: an answer of 206 goes on with it where it says, one of 200
                           begins it anew; nothing is compressed on the way */
    bool peek;          /* status and headers are wanted alone */
    int64_t stall_ms;   /* ended when it has brought nothing for so long; 0: only by timeout_ms */
    void (*progress)(void *context, int64_t size); /* of the file so far; may be NULL */
    void *progress_context;
    bool *ret_too_large; /* that is why there is no answer; may be NULL */
    int redirects;      /* how many are followed, within http and https; 0: none */
    bool public_only;   /* refuses loopback, private and link-local addresses, also behind a name or a
                           redirect: for addresses that users give */
    const char *user, *password; /* HTTP Basic, NULL: none */
};

struct fetched {
    int status;
    char *body; /* NUL-terminated; NULL when it became a file */
    size_t size;   /* of the whole file where one went on */
    char *redirect; /* where it leads, when that was not followed; NULL: nowhere */
    char *headers; /* of the last answer: "name: value\n" lines, names in lower case */
};

/* Once per process, before there are threads. */
bool fetch_init(struct err *err) MUST_USE;
void fetch_done(void);
/* Whether a user may name this address for calls of ours: http or https, no credentials in it, and, if
 * it says a number rather than a name, a public one; `hosts`: those that may be private, with blanks
 * between. What a name stands for is judged when it is called. Errors: InvalidParameter. */
bool fetch_may_call(const char *url, const char *hosts, bool *ret_public_only, struct err *err) MUST_USE;
/* True when an answer came, whatever its status. Errors: Unreachable, with the reason. */
bool fetch(const struct fetch *what, struct fetched *ret_fetched, struct err *err) MUST_USE;
/* The same for an address that a user named: judged by fetch_may_call(), and redirected only where every hop is
 * judged, too. Sets public_only and redirects of `what`. Errors: those of both. */
bool fetch_for_user(struct fetch *what, const char *hosts, struct fetched *ret_fetched, struct err *err) MUST_USE;
/* The value of the first header with this (lower-case) name; NULL when absent. The caller frees. */
char *fetched_header(const struct fetched *fetched, const char *name);
/* How long Retry-After says to wait, in seconds or until a moment; -1: it does not say. */
int64_t fetched_wait_ms(const struct fetched *fetched);
void fetched_drop(struct fetched *fetched); /* AUTO(fetched) struct fetched answer = { 0 }; */

#endif
