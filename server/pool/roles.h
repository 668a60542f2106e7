/* Processes of this program under one parent (`sentier up`): each role is an exec of ourselves,
 * watched, and started again when it dies. */
#ifndef POOL_ROLES_H
#define POOL_ROLES_H

#include "base/err.h"
#include <stdint.h>
#include <sys/types.h>

enum { MAX_ROLES = 130 };

struct role_process {
    const char *name;      /* "serve": argv[1] */
    char *const *options;  /* the rest of argv, NULL ends */
    int64_t stop_timeout_ms;
    pid_t pid;             /* 0: not running */
    bool ready;            /* it has said so since it was started */
    bool was_ready;        /* at any time */
    int64_t started, restart_at, pause_ms;
};

struct roles {
    struct role_process process[MAX_ROLES];
    size_t count;
    int notify;            /* datagram socket where they say READY=1, -1 before roles_open() */
    char address[64];      /* its name for NOTIFY_SOCKET */
    char url[256];         /* what the server said as STATUS= */
};

bool roles_open(struct roles *roles, struct err *err) MUST_USE;
void roles_add(struct roles *roles, const char *name, char *const *options,
               int64_t stop_timeout_ms);
/* Starts all that do not run and whose pause is over. */
bool roles_start(struct roles *roles, struct err *err) MUST_USE;
/* Reads what they said. */
void roles_read(struct roles *roles);
bool roles_all_ready(const struct roles *roles);
/* A child was waited for; true when it was one of these. *ret_fatal: it died before it was ever
 * ready, so that starting it again would not help. */
bool roles_ended(struct roles *roles, pid_t pid, int status, bool *ret_fatal);
/* Ends all, the first added first, each before the next is asked. */
void roles_stop(struct roles *roles);

#endif
