/* What the three kinds of processes of a worker tell each other: plain structs over SOCK_SEQPACKET
 * sockets, one packet a message. They are forks of one program, so layouts agree. */
#ifndef JOBS_WIRE_H
#define JOBS_WIRE_H

#include "store/tasks.h"
#include <sys/types.h>

/* Jobs that end together, in one process. */
enum { WIRE_MOST_MADE = 32 };

/* For whom a process may work that has worked. */
enum reuse {
    REUSE_ANYBODY, /* it read nothing */
    REUSE_OWNER,   /* it opened files of a job of its owner */
    REUSE_JOB,     /* it is in the middle of a job, or bears marks of it */
};

/* supervisor -> zygote: fork a child for this slot; its end of a socket pair comes along. */
struct wire_fork {
    int slot;
    int64_t memory_bytes;
};

/* zygote -> supervisor */
struct wire_process {
    enum { PROCESS_STARTED, PROCESS_ENDED } what;
    int slot;
    pid_t pid;
    int status; /* of waitpid() */
};

/* supervisor -> child: a task, or that there is none: what was made is told now. */
struct wire_order {
    enum { ORDER_TASK, ORDER_FLUSH } what;
    struct task task;
};

/* child -> supervisor: */
struct wire_report {
    enum {
        REPORT_PROGRESS,
        REPORT_MADE, /* all is there but the end, which waits for more of its kind, or for ORDER_FLUSH */
        REPORT_DONE,
        REPORT_FAILED,
    } what;
    int64_t token;
    int64_t blocks_done;
    double seconds;
    enum reuse reuse; /* of this process */
    enum err_code code;
    char node[128];
    char message[1200];
};

#endif
