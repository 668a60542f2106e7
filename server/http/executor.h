/* The threads that run handlers and may block. As many database connections as threads; whoever runs a
 * handler takes one, which may be an epoll thread as well. */
#ifndef HTTP_EXECUTOR_H
#define HTTP_EXECUTOR_H

#include "http/exchange.h"

struct executor *executor_new(struct server *server, size_t threads);
/* False: its client has as many that wait as he may have. */
bool executor_has_room(struct executor *executor, const struct exchange *ex);
/* On the epoll thread: answers, when that can be done in a moment. False: it is to be pushed. */
bool executor_try(struct executor *executor, struct exchange *ex);
/* On the epoll thread, after a push: quick requests that wait are tried in their turn, for a moment. Taking
 * more from the connections instead would let them wait for threads for ever, once they began to. */
void executor_help(struct executor *executor);
/* Takes a suspended exchange; it comes back answered, by MHD's resume, or goes to the waiting list. */
void executor_push(struct executor *executor, struct exchange *ex);
/* Answers with ->err or ->reply and hands the exchange back to its epoll thread. */
void executor_answer(struct exchange *ex);
/* Ends the threads once the queue is empty; false when a handler still runs after `timeout_ms`. */
bool executor_stop(struct executor *executor, int64_t timeout_ms) MUST_USE;
void executor_free(struct executor *executor); /* after a stop that returned true */
int executor_connected(const struct executor *executor); /* threads with a live connection */
int executor_queued(struct executor *executor);
/* How long the first in the queue has waited for a thread, or the first of this client for his turn. */
int64_t executor_delay_ms(struct executor *executor, const struct exchange *ex);

#endif
