/* The sockets that the server and its page of numbers listen on. */
#ifndef HTTP_SOCKET_H
#define HTTP_SOCKET_H

#include "base/err.h"
#include <stdint.h>

/* Binds one to an address ("": all) and a port (0: any that is free), and listens. */
bool socket_listen(const char *address, int64_t port, int *ret_socket, int *ret_port, struct err *err) MUST_USE;

#endif
