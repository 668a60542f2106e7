/* Table tasks: the queue. A task belongs to whoever holds its token; every write of a worker asks
 * for the token first, so two of them can never both be believed. */
#ifndef STORE_TASKS_H
#define STORE_TASKS_H

#include "store/jobs.h"

enum task_kind { TASK_PLAN, TASK_COMPUTE, TASK_ASSEMBLE, TASK_STAGE, TASK_STEP };

struct task {
    int64_t id, token;
    char job[ID_UUID_SIZE], owner[ID_UUID_SIZE]; /* owner: of the job */
    int run;      /* of the job: its folder of temporaries is JOB.RUN */
    int number;
    enum task_kind kind;
    int64_t first, blocks; /* [first, first + blocks) */
    int64_t blocks_done;   /* as the database knows it (after task_hold) */
    int64_t memory_bytes;  /* 0: one slot */
    int64_t held_bytes;    /* of memory, by who works on it: what is charged */
    int failures;
    int64_t pixels_read;   /* by who works on it: told when it is settled */
};

/* What a worker can take. */
struct task_room {
    int64_t bytes;
    int64_t stagings; /* tasks of that kind that may run at once, wherever */
    bool plans_only;  /* the first task of a job, nothing else */
};
/* The best ready tasks that fit, at most `most`, become the worker's for lease_seconds; their jobs are running from
 * now on. Best first. */
bool task_claim(struct db *db, int64_t worker, const struct task_room *room, int64_t lease_seconds,
                struct task *ret_tasks, size_t most, size_t *ret_count, struct err *err) MUST_USE;
/* Claimed, and not begun: somebody else may have it. */
bool task_return(struct db *db, const struct task *task, struct err *err) MUST_USE;
/* Was it settled with this very token? */
bool task_is_done(struct db *db, const struct task *task, bool *ret_done, struct err *err) MUST_USE;
/* Of what it holds, for so many seconds: gigabytes times seconds. */
double task_memory_seconds(const struct task *task, double seconds);

/* --- inside a transaction ----------------------------------------------------------------------- */

enum hold {
    HOLD_MINE,
    HOLD_DONE, /* finished with this very token: an earlier commit whose answer was lost */
    HOLD_LOST, /* no longer ours: throw the output away */
};
/* Locks job and task until the end of the transaction, which will be durable. */
bool task_hold(struct db *db, struct task *task, enum hold *ret_hold, struct err *err) MUST_USE;
/* A held task is done: its consumers wait for one input less. */
bool task_settle(struct db *db, const struct task *task, double seconds, struct err *err) MUST_USE;
/* The tasks that planning found, numbered after those that there are (of staging): compute tasks over
 * consecutive block ranges, then the task that assembles them. ends[i] is where range i ends. */
struct task_plan {
    size_t n_ranges;
    const int64_t *ends;
    int64_t assemble_blocks; /* the weight of assembling in the job's progress */
    double block_seconds;
};
bool task_add_plan(struct db *db, const struct job_work *work, const struct task_plan *plan,
                   struct err *err) MUST_USE;
/* A held task gives its place back until `inputs` tasks have ended that have it for a consumer. */
bool task_wait(struct db *db, const struct task *task, int64_t inputs, struct err *err) MUST_USE;
/* The same for tasks that come before planning: they are told as `weight` blocks each of a job whose own are not known
 * yet, and `message` in its log. */
bool task_wait_unplanned(struct db *db, const struct task *task, int64_t inputs, int64_t weight, const char *message,
                         struct err *err) MUST_USE;
/* A held task's inputs are gone: their producers run again and the task waits for them. */
bool task_reopen(struct db *db, const struct task *task, const int *numbers, size_t n_numbers,
                 struct err *err) MUST_USE;

/* --- transactions of their own -------------------------------------------------------------------- */

struct task_failure {
    enum err_code code;
    const char *message, *node; /* node: NULL or the id of a node of the process graph */
    bool retry;                 /* false: the user's error, the job fails at once */
    bool lost;                  /* not the task's fault: the worker under it went */
    int64_t memory_bytes;       /* the next try needs so much; 0: as before */
    int64_t max_failures;
    double seconds;             /* that it took */
};
/* Back to the queue after a pause, or the job's end. Nothing when the task is no longer ours. */
bool task_fail(struct db *db, const struct task *task, const struct task_failure *failure,
               struct err *err) MUST_USE;
bool task_progress(struct db *db, const struct task *task, int64_t blocks_done,
                   struct err *err) MUST_USE;

/* Running tasks whose lease is over or whose worker is `worker` (0: any). At most `room`. */
bool task_list_lost(struct db *db, int64_t worker, struct task *tasks, size_t room,
                    size_t *ret_count, struct err *err) MUST_USE;

/* --- temporaries --------------------------------------------------------------------------------- */

struct artefact {
    int number; /* of the task that made it */
    int64_t token, bytes;
};
/* Inside the transaction that settles the task. */
bool artefact_add(struct db *db, const struct task *task, int64_t bytes, struct err *err) MUST_USE;
/* What task `number` reads, by producer: one without an artefact has token 0. The caller frees
 * *ret_artefacts. */
bool artefact_inputs(struct db *db, const char *job, int number, struct artefact **ret_artefacts,
                     size_t *ret_count, struct err *err) MUST_USE;
/* The task needs its inputs no longer; those that nobody needs are returned (the caller removes the
 * files and frees *ret_artefacts). */
bool artefact_release(struct db *db, const char *job, int number, struct artefact **ret_artefacts,
                      size_t *ret_count, struct err *err) MUST_USE;

#endif
