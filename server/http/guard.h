/* Connections that send their headers too slowly are shut down. */
#ifndef HTTP_GUARD_H
#define HTTP_GUARD_H

#include <microhttpd.h>
#include <stdint.h>

struct guard;

struct guard *guard_new(int64_t timeout_ms);
void guard_free(struct guard *guard); /* after MHD's daemon was stopped */
uint64_t guard_closed(struct guard *guard); /* connections that came and went */

/* MHD_OPTION_NOTIFY_CONNECTION, with the guard as its argument. */
void guard_on_connection(void *guard, struct MHD_Connection *connection, void **state,
                         enum MHD_ConnectionNotificationCode code);
/* The headers are there: the clock stands still until guard_waits(). */
void guard_rests(struct guard *guard, struct MHD_Connection *connection);
/* The answer was sent: the next request is waited for. */
void guard_waits(struct guard *guard, struct MHD_Connection *connection);

#endif
