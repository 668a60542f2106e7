/* Table stagings: tasks that fetch a product from tape. Every job that needs a product has a task of its
 * own for it; the command runs in one of them, the others wait and see it online. */
#ifndef STORE_STAGINGS_H
#define STORE_STAGINGS_H

#include "store/place.h"
#include "store/tasks.h"

struct product { /* at an endpoint */
    int64_t collection, endpoint; /* numbers */
    const char *item;
};

/* Within the transaction that holds a job's planning task: a task for each product, and the planning task
 * runs again when all are done. */
bool staging_add_tasks(struct db *db, const struct task *planning, const struct job_work *work,
                       const struct product *products, size_t count, struct err *err) MUST_USE;

/* A job of its own for a product that a user asked for; none when one is at it already. It is called
 * JOB_FACE_STAGING and is not listed among batch jobs. *ret_ordered: the job is new. `most`: those that the
 * user may have at once (0: any number). Errors: TooManyOrders. */
#define JOB_FACE_STAGING "staging"
bool staging_order(struct db *db, const char *user, const struct product *product, int64_t most,
                   bool *ret_ordered, struct err *err) MUST_USE;

enum staging_turn {
    STAGING_RUN,    /* run the command */
    STAGING_ONLINE, /* nothing to do any more */
    STAGING_WAIT,   /* somebody else is at it, or as many as may run at once */
    STAGING_LOST,   /* the task is no longer ours */
};
struct staging { /* texts live in the arena */
    struct product product;
    const char *collection, *endpoint; /* names */
    const char *href;
};
/* Whose turn it is; within a transaction. A task that must wait has been put back. */
bool staging_begin(struct db *db, struct task *task, int64_t most_at_once, struct arena *arena,
                   struct staging *ret_staging, enum staging_turn *ret_turn, struct err *err) MUST_USE;

/* Within a transaction: the product is online as `staged` (NULL: where it was) for keep_seconds (0: until
 * somebody says otherwise), the task is settled, waiting ones are woken. */
struct staging_end {
    const struct staging *staging;
    const char *staged;
    int64_t keep_seconds, keep_job_seconds;
    double seconds;
};
bool staging_finish(struct db *db, struct task *task, const struct staging_end *end, enum hold *ret_hold,
                    struct err *err) MUST_USE;
/* The try failed: whether there is another is decided by task_fail(). */
bool staging_failed(struct db *db, const struct task *task, const struct staging *staging,
                    const char *problem, struct err *err) MUST_USE;

#endif
