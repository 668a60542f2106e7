/* Whose turn it is: requests that wait for an executor thread, in one queue for each client. The
 * queues take turns, and no client has more than so many requests running, so that one who asks for
 * much waits for himself. Not locked: the executor does that. */
#ifndef HTTP_TURNS_H
#define HTTP_TURNS_H

#include "http/exchange.h"

struct turns;

/* A client may have `most_running` requests running, and `most_waiting` that wait for these. */
struct turns *turns_new(size_t most_running, size_t most_waiting);
void turns_free(struct turns *turns); /* nothing waits or runs any more */

bool turns_has_room(const struct turns *turns, const char *client);
/* By ex->client. */
void turns_add(struct turns *turns, struct exchange *ex, int64_t now);
/* The next that may run; NULL when there is none. turns_end() tells that it has ended. */
struct exchange *turns_take(struct turns *turns, int64_t now);
/* What turns_take() would give. */
const struct exchange *turns_first(const struct turns *turns);
/* Runs at once, without waiting: NULL when somebody waits or this client has enough that runs. */
struct client *turns_begin(struct turns *turns, const char *client);
void turns_end(struct turns *turns, struct client *client, int64_t now);

size_t turns_waiting(const struct turns *turns);
/* Since when somebody who may run waits for a thread, or the client's own first request for his
 * others; 0: nobody waits. `client` NULL: nobody in particular. */
int64_t turns_since(const struct turns *turns, const char *client);

#endif
