/* Counters of the server, and /metrics on a listener of its own (Prometheus text). */
#ifndef HTTP_METRICS_H
#define HTTP_METRICS_H

#include "http/exchange.h"

struct metrics *metrics_new(struct server *server);
/* When http.metrics_port is set, and the server listens already. */
bool metrics_listen(struct metrics *metrics, struct err *err) MUST_USE;
void metrics_stop(struct metrics *metrics); /* the listener; counting goes on */
void metrics_free(struct metrics *metrics);
/* One request has ended; status 0: it got no answer. */
void metrics_count(struct metrics *metrics, enum face face, int status, int64_t took_ms);

#endif
