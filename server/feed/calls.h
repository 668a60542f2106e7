/* Calls and e-mails that wait for somebody else's machine: made by a few threads, one after another
 * each. */
#ifndef FEED_CALLS_H
#define FEED_CALLS_H

#include "base/err.h"
#include "base/id.h"
#include "config/config.h"
#include <stdint.h>

enum call_kind { CALL_HOOK /* of a subscription */, CALL_NOTICE /* about a job */, CALL_MAIL };

struct call {
    enum call_kind kind;
    char id[ID_UUID_SIZE]; /* of the row that wants it */
    char *url, *body, *headers[4];
    bool public_only;
    const struct config
        *config;          /* of CALL_MAIL: the relay; url is the address, headers[0] the subject */
    int64_t up_to, count; /* of CALL_HOOK */
    int64_t attempts;     /* failed ones before this */
    /* what came of it */
    int status; /* 0: no answer */
    int64_t retry_after_ms;
    struct err err;
    struct call *next;
};
void call_free(struct call *call);

struct calls;
/* `wake` is an eventfd that is written to when a call was made. */
struct calls *calls_start(int wake);
void calls_push(struct calls *calls, struct call *call_taken);
/* All that were made since; the caller frees each. */
struct call *calls_made(struct calls *calls);
void calls_nudge(struct calls *calls); /* writes to `wake` */
/* Calls under way come to their end; then calls_made() gives the last ones. */
void calls_stop(struct calls *calls);
void calls_free(struct calls *calls);

/* Doubled for each failure, and spread, so that those who failed together do not come back
 * together. */
int64_t calls_pause_ms(int64_t attempts, int64_t retry_after_ms);

#endif
