/* Who is told of a job: the addresses of an execute request's subscriber, and e-mails. */
#ifndef API_COMMON_NOTIFY_H
#define API_COMMON_NOTIFY_H

#include "http/route.h"
#include <jansson.h>

handler_fn notices_get;

/* Who is to be told, and where that stands in the request. */
struct notify_wish {
    const json_t *mail, *subscriber; /* true or an address; {"successUri", "inProgressUri", "failedUri"}; NULL: not said */
    const char *mail_pointer, *subscriber_pointer;
};
/* Keeps it in request.notify, in the place of what is there. Errors: InvalidParameter. */
bool notify_keep(struct request *rq, const struct notify_wish *wish, json_t *request, struct err *err) MUST_USE;
/* Reads "subscriber" (NULL: none) and the argument "notif-email" (true, or an address), which is
 * taken out unless the graph has such a parameter, and keeps in request.notify what the end of the
 * job is told by. Errors: InvalidParameter. */
#define NOTIFY_MAIL "notif-email"
bool notify_read(struct request *rq, const json_t *subscriber, const json_t *graph,
                 json_t *arguments, json_t *request, struct err *err) MUST_USE;

#endif
