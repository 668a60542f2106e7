/* The process that the children of a worker are forked from: drivers registered, nothing opened. */
#ifndef JOBS_ZYGOTE_H
#define JOBS_ZYGOTE_H

#include "jobs/wire.h"
#include "config/config.h"

/* Forks the zygote; *ret_socket speaks wire_fork and wire_process. It ends when the socket closes or
 * its parent dies, and all its children with it. */
bool zygote_start(const struct config *config, const char *url, int *ret_socket, pid_t *ret_pid,
                  struct err *err) MUST_USE;
/* Asks for a child; `child_socket` is its end, closed here after sending. */
bool zygote_fork(int zygote_socket, const struct wire_fork *request, int child_socket,
                 struct err *err) MUST_USE;

/* jobs/child.c: the life of a child. Never returns. */
void child_live(const struct config *config, const char *url, int socket)
    __attribute__((noreturn));

#endif
