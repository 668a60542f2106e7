/* What the three kinds of processes of a worker tell each other: plain structs over SOCK_SEQPACKET
 * sockets, one packet a message. They are forks of one program, so layouts agree. */
#ifndef JOBS_WIRE_H
#define JOBS_WIRE_H

#include "store/tasks.h"
#include <sys/types.h>

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

/* supervisor -> child: a struct task. child -> supervisor: */
struct wire_report {
    enum { REPORT_PROGRESS, REPORT_DONE, REPORT_FAILED } what;
    int64_t token;
    int64_t blocks_done;
    double seconds;
    enum err_code code;
    char node[128];
    char message[1200];
};

#endif
