/* A worker: a supervisor with slots, its zygote and its children. */
#ifndef JOBS_WORKER_H
#define JOBS_WORKER_H

#include "config/config.h"
#include "jobs/wire.h"
#include "store/workers.h"

/* Takes tasks until SIGTERM or SIGINT; then gives back what it holds and returns. `slots` 0: the
 * configuration's. `ready` is called once, when the first task can be taken. */
bool worker_run(const struct config *config, const char *url, int64_t slots, void (*ready)(void),
                struct err *err) MUST_USE;

/* --- inside ------------------------------------------------------------------------------------- */

enum slot_state {
    SLOT_FREE,   /* no process */
    SLOT_IDLE,   /* a process that waits for another task of its job */
    SLOT_BUSY,
    SLOT_DOOMED, /* killed; until the zygote tells that it is gone */
};

struct slot {
    enum slot_state state;
    pid_t pid;         /* 0 until the zygote tells */
    int socket;        /* -1 when there is no process */
    bool starved;      /* killed by the watchdog: the database did not renew our leases */
    bool interrupted;  /* killed within a task: what an idle one made belongs to the job */
    struct task task;  /* last one given */
    bool wants;        /* it is made, but for its end, which waits for another one or an order to go on */
    struct task made[WIRE_MOST_MADE + 1]; /* given before, and in the same state */
    size_t n_made;
    enum reuse reuse;  /* for whom the process may work */
    int64_t memory_bytes; /* its limit */
    int64_t idle_since;
    int64_t blocks_seen, blocks_sent; /* progress told by the child, told to the database */
    int64_t progress_at;
    int64_t started;
};

/* A failure that the database must be told. */
struct failed_task {
    struct task task;
    struct task_failure failure;
    struct wire_report report; /* the failure's texts live here */
};

/* Twice the slots and a few: processes that idle or die do not stand in the way of a new one; and those
 * that wait for tape. */
enum { MAX_SLOTS = 255, STAGING_PLACES = 8, MAX_SPARE = 16,
       MAX_PLACES = 2 * (MAX_SLOTS + MAX_SPARE) + 2 + STAGING_PLACES, MAX_ENDED = 256, MAX_BACKLOG = 32 };

struct ended_job { /* whose files go when no child of ours works on it */
    char id[ID_UUID_SIZE];
    int run;
    bool deleted;
};

struct supervisor {
    const struct config *config;
    const char *url;
    struct db *db;
    struct worker self;
    int zygote;        /* socket */
    pid_t zygote_pid;
    struct slot slots[MAX_PLACES];
    size_t n_places, n_slots; /* n_slots tasks at once, */
    size_t n_spare;           /* and so many more that are the first of their job */
    struct failed_task *failures;
    size_t n_failures, failures_capacity;
    struct task backlog[MAX_BACKLOG]; /* first tasks that are ours and wait for a process, a moment */
    size_t n_backlog;
    int64_t backlog_since;
    struct ended_job ended[MAX_ENDED];
    size_t n_ended;
    bool connected;    /* listening and registered on this connection */
    bool look;         /* something may be ready */
    bool stopping;
    int64_t idle_told; /* what the database believes, -1: nothing yet */
    int64_t next_beat, next_poll, next_lead, next_sweep;
    bool leads;
    int64_t led_since;
    pid_t sweeper;     /* a process that collects garbage, 0: none */
    pid_t dismisser;   /* one that tells other servers to stop, 0: none */
};

/* slots.c */
size_t slots_free(const struct supervisor *s); /* counting a big task as several */
size_t slots_spare(const struct supervisor *s); /* beside these */
size_t slots_free_for_staging(const struct supervisor *s);
bool slots_give(struct supervisor *s, const struct task *task, struct err *err) MUST_USE;
/* Is there a process that wants another first task, and may do this one (NULL: any)? Those that get none are told that
 * there is none. */
bool slots_want(const struct supervisor *s, const struct task *task);
void slots_flush(struct supervisor *s);
void slots_read(struct supervisor *s, size_t i);
void slots_kill(struct supervisor *s, size_t i);
void slots_ended(struct supervisor *s, const struct wire_process *what);
void slots_zygote_gone(struct supervisor *s);
bool slots_start_zygote(struct supervisor *s, struct err *err) MUST_USE;
void slots_close_idle(struct supervisor *s, int64_t now);
/* Ends what works on a job; remembers to remove its files. */
void slots_job_ended(struct supervisor *s, const char *payload);
void slots_sweep_ended(struct supervisor *s);

/* leader.c: what one worker of all does: tasks of dead workers, garbage. */
bool leader_tick(struct supervisor *s, int64_t now, struct err *err) MUST_USE;
/* Where a process number means something: host name and process namespace. */
void leader_describe_self(struct worker *self);

/* sweep.c: removes what nobody needs; also `sentier gc`. */
struct sweep_report {
    int64_t jobs, folders, files, tokens, partitions, changes;
    int64_t uploads; /* that broke off, and files of users who are gone */
    int64_t expired, copies, cached; /* places offline again, copies and cached files removed */
};
bool sweep(const struct config *config, struct db *db, struct sweep_report *ret_report,
           struct err *err) MUST_USE;
/* sweep_files.c */
bool sweep_staged(const struct config *config, struct db *db, struct sweep_report *report,
                  struct err *err) MUST_USE;
bool sweep_downloads(const struct config *config, struct db *db, struct sweep_report *report, struct err *err) MUST_USE;
bool sweep_cache(const struct config *config, struct sweep_report *report, struct err *err) MUST_USE;
bool sweep_users(const struct config *config, struct db *db, struct sweep_report *report,
                 struct err *err) MUST_USE;

#endif
