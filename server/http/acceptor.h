/* Takes connections and hands them to MHD's daemon, until it is stopped. */
#ifndef HTTP_ACCEPTOR_H
#define HTTP_ACCEPTOR_H

#include "base/err.h"
#include "http/guard.h"

struct acceptor;

/* While `most` connections are open, others wait in the socket's queue. Takes `socket` when it succeeds;
 * `daemon` and `guard` must outlive it. */
bool acceptor_start(int socket, size_t most, struct MHD_Daemon *daemon, struct guard *guard,
                    struct acceptor **ret_acceptor, struct err *err) MUST_USE;
/* From here on connections are refused; those that were taken live on. */
void acceptor_stop(struct acceptor *acceptor);

#endif
