/* What a child does with a task: plan, stage, compute, assemble. */
#ifndef JOBS_PERFORM_H
#define JOBS_PERFORM_H

#include "config/config.h"
#include "graph/graph.h"
#include "raster/engine.h"
#include "store/tasks.h"
#include "udf/udf.h"

/* Kept between tasks of one job. */
struct performer {
    const struct config *config;
    struct db *db;
    struct job_work work; /* of the job; id "" before the first task */
    struct plan *plan;    /* NULL until a task needed it */
    struct picture_wish picture; /* of a tile */
    const struct task *task; /* in hand */
    char *allowed_paths;  /* where local assets may lie; NULL: anywhere */
    void (*progress)(void *context, int64_t blocks_done);
    void *progress_context;
};
void performer_done(struct performer *p);

/* Returns true when the task is settled, or is no longer ours (then its output is gone). Otherwise
 * whoever asked decides by the error whether it is tried again. */
bool perform(struct performer *p, const struct task *task, struct err *err) MUST_USE;

/* Runs `body` in a transaction until the database has answered: a lost connection is made again and
 * again (the supervisor ends us when our lease does). */
bool perform_transact(struct performer *p,
                      bool (*body)(struct db *db, void *arg, struct err *err), void *arg,
                      struct err *err) MUST_USE;

/* Makes the plan of the job with the answers of `catalog`, in the job's dialect. */
bool perform_make_plan(struct performer *p, struct catalog *catalog, struct err *err) MUST_USE;

/* perform_plan.c, perform_stage.c, perform_result.c */
struct raster_options perform_options(struct performer *p, const struct task *task,
                                      const char *spool);
bool perform_plan(struct performer *p, struct task *task, struct err *err) MUST_USE;
bool perform_stage(struct performer *p, struct task *task, struct err *err) MUST_USE;
/* The job's results are the files in `fresh`: renamed, recorded, and the job is finished, all or
 * nothing. `result` is NULL for a value that is no cube (then the folder holds result.json). */
bool perform_publish(struct performer *p, struct task *task, const char *fresh,
                     const struct raster_result *result, double seconds, struct err *err) MUST_USE;
/* The same of files that are listed; their paths are set. The caller drops their fields. */
bool perform_publish_files(struct performer *p, struct task *task, const char *fresh, struct job_asset *assets,
                           size_t count, double seconds, struct err *err) MUST_USE;
/* perform_steps.c: a job that runs commands: its first task says what is ready, and a task runs each step. */
bool perform_is_commands(const struct performer *p);
bool perform_flow(struct performer *p, struct task *task, struct err *err) MUST_USE;
bool perform_step(struct performer *p, struct task *task, struct err *err) MUST_USE;
/* Whom users' code tells lines of the log to. */
struct udf_listener perform_listener(struct performer *p);
/* seconds of instant_monotonic() since `start_ms` */
double perform_seconds(int64_t start_ms);

#endif
