/* Requests that wait for something to happen to a job: they hold no thread. */
#ifndef HTTP_WAITS_H
#define HTTP_WAITS_H

#include "http/exchange.h"

struct waits *waits_new(struct server *server);
/* How many notices have come so far: noted before a handler looks at the database, so that a notice
 * between its look and its wait is not missed. */
uint64_t waits_seen(struct waits *waits);
/* Takes a suspended exchange until ->reply.wait_key is notified or ->reply.wait_until; then an
 * executor runs its handler again. */
void waits_add(struct waits *waits, struct exchange *ex);
/* Answers 503 to all that wait, and from now on at once. */
void waits_stop(struct waits *waits);
void waits_free(struct waits *waits);
bool waits_listening(const struct waits *waits);

#endif
