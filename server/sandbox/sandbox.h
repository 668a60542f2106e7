/* Runs a command that somebody else wrote where it can harm nothing: bubblewrap gives it a file system of
 * its own, namespaces and no way to more rights; limits hold for all of its processes together, and all of
 * them end with it. Neither the command nor what it leaves behind outlives the caller. */
#ifndef SANDBOX_SANDBOX_H
#define SANDBOX_SANDBOX_H

#include "base/err.h"
#include <stdint.h>
#include <sys/types.h>

/* A file or folder that the command sees, beside the system's /usr, which it reads. */
struct sandbox_bind {
    const char *outside, *inside; /* absolute */
    bool writable; /* a folder that is the sandbox's alone: its owner is changed, what lies in it may be anything after */
};

/* An image that the command runs in, rather than on the system's own /usr. */
struct sandbox_container {
    const char *runtime; /* the path of apptainer, singularity or podman: container.h */
    const char *image;   /* as container_reference() gives it */
    const char *scratch; /* a folder of this run alone, for the runtime; counts as disk that is written */
};

/* Of all processes of the command together. All must be > 0. */
struct sandbox_limits {
    int64_t memory_bytes;
    int64_t disk_bytes;  /* of all writable binds */
    int64_t files;       /* in them */
    int64_t processes;   /* and threads */
    int64_t cpu_seconds; /* of all cores */
    int64_t wall_ms;
    int64_t log_bytes;   /* of lines that are told; more is read and dropped, which is said once */
};

struct sandbox {
    char *const *words;              /* the command, without a shell; NULL ends */
    const char *const *environment;  /* "NAME=value"; NULL ends; nothing of ours comes along */
    const struct sandbox_bind *binds;
    size_t n_binds;
    const char *folder;              /* where it starts, seen from inside */
    const struct sandbox_container *container; /* NULL: none; else there is a folder */
    bool network;                    /* else it has none, not even this machine's own */
    struct sandbox_limits limits;
    int input, output, errors;       /* descriptors of the caller; 0: /dev/null, and lines for the latter two */
    /* Is told of each line; `is_error`: of stderr. May be NULL. */
    void (*line)(void *context, bool is_error, const char *line);
    void *context;
};

enum sandbox_ending {
    SANDBOX_EXITED,    /* status is the command's */
    SANDBOX_SIGNALED,  /* status is the signal */
    SANDBOX_TIME, SANDBOX_CPU, SANDBOX_MEMORY, SANDBOX_DISK, SANDBOX_FILES, SANDBOX_PROCESSES, /* a limit */
    SANDBOX_STOPPED,   /* by sandbox_kill() */
};

struct sandbox_end {
    enum sandbox_ending ending;
    int status;
    int64_t most_memory_bytes;
    double cpu_seconds, wall_seconds;
    char message[400]; /* "it used more than 512 MiB of memory"; "" after status 0 */
};

/* Can commands be run here? Tries it. Errors: SandboxUnavailable with the reason. */
bool sandbox_check(struct err *err) MUST_USE;

/* What a command left in a folder belongs to its user; this takes it back. Errors: StorageFailure. */
bool sandbox_own(const char *folder, struct err *err) MUST_USE;

/* Runs the command to its end. False only when it could not be started (SandboxUnavailable) or what it is
 * given does not fit (Internal, StorageFailure): how it ended is in *ret_end. From any thread; the thread
 * must live as long as the command. */
bool sandbox_run(const struct sandbox *s, struct sandbox_end *ret_end, struct err *err) MUST_USE;

/* The same in steps, for who talks with the command meanwhile through `input` and `output`: start, then
 * step until it returns false, then finish; all by one thread, except sandbox_kill(). The binds must last as long. */
struct sandbox_process;
bool sandbox_start(const struct sandbox *s, struct sandbox_process **ret_process, struct err *err) MUST_USE;
/* Waits at most so long for lines or the end, and holds the limits; must be called at least every 50 ms. */
bool sandbox_step(struct sandbox_process *p, int wait_ms);
void sandbox_kill(struct sandbox_process *p);
/* Ends what still runs, waits until all of it is gone, and frees. ret_end may be NULL. */
void sandbox_finish(struct sandbox_process *p, struct sandbox_end *ret_end);

#endif
