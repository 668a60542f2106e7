/* The good end of jobs, of many in one transaction: each of a few statements tells of all of them, so that what is small
 * does not cost a commit and a dozen round trips each. */
#ifndef STORE_JOB_FINISH_H
#define STORE_JOB_FINISH_H

#include "store/tasks.h"

struct job_finish {
    struct task *task;   /* the last one of the job; blocks_done becomes what the database knows */
    const struct job_planned *planned; /* when that was not recorded before; else NULL */
    double seconds;      /* that the task took */
    const json_t *logs;  /* [{"level", "code", "message", "data", "sums": true to add what the job took}] */
    const json_t *exports; /* NULL: none */
    const struct job_asset *assets;
    size_t n_assets;
    enum hold hold;      /* set by jobs_hold() */
};

/* Within a transaction, which will be durable: locks jobs and tasks. */
bool jobs_hold(struct db *db, struct job_finish *list, size_t count, struct err *err) MUST_USE;
/* Within the same: the jobs whose tasks are ours are finished, with their files and logs; whoever waits is told. */
bool jobs_finish(struct db *db, const struct job_finish *list, size_t count, int64_t keep_seconds, bool catalogued,
                 struct err *err) MUST_USE;
/* After it, once: moves their owners' virtual time from what was charged to the real cost. That waits for no disk, and
 * their rows are not locked while another commit does. */
bool jobs_charge(struct db *db, const struct job_finish *list, size_t count, struct err *err) MUST_USE;

#endif
