/* A PostgreSQL server of our own as a direct child: making its folder, starting, stopping. Used by
 * cluster.c only. */
#ifndef STORE_POSTGRES_H
#define STORE_POSTGRES_H

#include "base/err.h"
#include <sys/types.h>

/* Makes `data`/db with initdb when it is not there yet, as an unprivileged user. */
bool postgres_make(const char *data, struct err *err) MUST_USE;
/* Starts it and waits until it takes connections (a crashed one recovers first). It ends when the
 * calling thread does. */
bool postgres_start(const char *data, pid_t *ret_pid, struct err *err) MUST_USE;
/* Fast shutdown of our child; waits. */
void postgres_stop(pid_t pid);
/* The connection string by the socket in `data`/db. The caller frees. */
char *postgres_url(const char *data, const char *database);

#endif
