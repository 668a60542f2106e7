/* Listening: an epoll pool that only speaks HTTP, executor threads that run handlers, and a LISTEN
 * thread that wakes waiting requests. Door: microhttpd.h (in the .c files). */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include "config/config.h"
#include "http/route.h"

struct server;

/* Starts all threads; returns when the port is bound. `database_url` is where executors connect. */
bool server_start(const struct config *config, const char *database_url, const struct route *table,
                  struct server **ret_server, struct err *err) MUST_USE;
int server_port(const struct server *server); /* the bound port, also when configured as 0 */
/* No new requests; those in flight finish (at most http.stop_timeout), then all threads end. False
 * when a handler still hangs: the caller ends the process at once and frees nothing that handlers
 * use. */
bool server_stop(struct server *server) MUST_USE;

#endif
