/* What a child does with a task: plan, stage, compute, assemble. */
#ifndef JOBS_PERFORM_H
#define JOBS_PERFORM_H

#include "config/config.h"
#include "graph/graph.h"
#include "jobs/wire.h"
#include "raster/engine.h"
#include "store/tasks.h"
#include "udf/udf.h"

struct publication;

/* Kept between tasks. */
struct performer {
    const struct config *config;
    struct db *db;
    struct job_work work; /* of the job; id "" before the first task */
    struct plan *plan;    /* NULL until a task needed it */
    struct picture_wish picture; /* of a tile */
    const struct task *task; /* in hand */
    struct raster_reading reading; /* for it */
    char *allowed_paths;  /* where local assets may lie; NULL: anywhere */
    void (*progress)(void *context, int64_t blocks_done);
    void *progress_context; /* of both */
    /* Told of each task whose end had to wait for others; NULL: none may. `problem` NULL: it ended well. */
    void (*settled)(void *context, const struct task *task, double seconds, const struct err *problem);
    enum reuse reuse;     /* grows only */
    struct publication *made[WIRE_MOST_MADE]; /* ends that wait */
    size_t n_made;
    int64_t made_since;
};
void performer_done(struct performer *p);

/* Returns true when the task is settled, is no longer ours (then its output is gone), or its end waits for others
 * (`settled` tells it). Otherwise whoever asked decides by the error whether it is tried again. */
bool perform(struct performer *p, const struct task *task, struct err *err) MUST_USE;
/* Ends that wait are told now; must they be, by their number or their age? */
void perform_flush(struct performer *p);
bool perform_is_waiting(const struct performer *p, const struct task *task); /* for that */
/* Something is read or asked for that may take its time: no end waits for that. Or for good: it works for this job alone. */
void perform_will_read(struct performer *p);
void perform_will_stay(struct performer *p);
bool perform_must_flush(const struct performer *p);

/* Runs `body` in a transaction until the database has answered: a lost connection is made again and
 * again (the supervisor ends us when our lease does). */
bool perform_transact(struct performer *p,
                      bool (*body)(struct db *db, void *arg, struct err *err), void *arg,
                      struct err *err) MUST_USE;

/* Makes the plan of the job with the answers of `catalog`, in the job's dialect. */
bool perform_make_plan(struct performer *p, struct catalog *catalog, struct err *err) MUST_USE;

/* perform_plan.c, perform_stage.c (from tape), perform_fetch.c (from other servers), perform_result.c */
struct raster_options perform_options(struct performer *p, const struct task *task,
                                      const char *spool);
bool perform_plan(struct performer *p, struct task *task, struct err *err) MUST_USE;
bool perform_stage(struct performer *p, struct task *task, struct err *err) MUST_USE;
bool perform_fetch(struct performer *p, struct task *task, struct err *err) MUST_USE;
/* What a job gave. */
struct perform_end {
    const char *fresh; /* the folder of its files */
    const struct raster_result *result; /* what the plan made; */
    const struct job_asset *files;      /* or what is listed, but for the paths; both NULL: result.json alone */
    size_t n_files;
    double seconds;
    const struct job_planned *planned;  /* NULL: recorded before */
    const json_t *logs;                 /* further lines: [{"level", "code", "message", "data"}] */
    bool may_wait;                      /* for others, a few milliseconds */
};
/* The files get their final names, are recorded, and the job is finished, all or nothing. */
bool perform_publish(struct performer *p, struct task *task, const struct perform_end *end, struct err *err) MUST_USE;
/* perform_files.c: what is told of a file; the scenes that a plan read. The caller owns both. */
json_t *perform_file_fields(const struct plan *plan, const struct raster_file *file);
json_t *perform_sources(const struct plan *plan);
/* perform_steps.c: a job that runs commands: its first task says what is ready, and a task runs each step. */
bool perform_is_commands(const struct performer *p);
bool perform_flow(struct performer *p, struct task *task, struct err *err) MUST_USE;
bool perform_step(struct performer *p, struct task *task, struct err *err) MUST_USE;
/* A line of the log that is about a step; stream: "stderr", or NULL. What cannot be told is lost: it is not worth the step. */
struct step_line {
    const char *key, *stream, *level, *code, *message;
};
void perform_step_say(struct performer *p, const struct task *task, const struct step_line *line);
/* Settles the task of a step with what it gave. When it was another's by then, `made` goes; else what is released. */
struct step_end {
    const char *key, *made;  /* made: a path */
    const json_t *outputs;
    double seconds;
    bool has_artefact;       /* for the tasks after it, */
    int64_t artefact_bytes;
    bool releases;           /* what the tasks before it made is needed no more */
};
bool perform_step_end(struct performer *p, struct task *task, const struct step_end *end, struct err *err) MUST_USE;
/* perform_workflow.c: a job whose steps are jobs; perform_remote.c: one that is done by another server. */
bool perform_is_workflow(const struct performer *p);
bool perform_workflow(struct performer *p, struct task *task, struct err *err) MUST_USE;
bool perform_is_remote(const struct performer *p);
bool perform_remote(struct performer *p, struct task *task, struct err *err) MUST_USE;
/* The paths of what the tasks before this one made, by producer (the caller frees each and the array; *ret_paths is NULL when
 * some are gone: then those tasks are run again, and this one after them, and nothing is left to do). */
bool perform_inputs(struct performer *p, struct task *task, char ***ret_paths, struct artefact **ret_inputs, size_t *ret_count,
                    struct err *err) MUST_USE;
void perform_inputs_free(char **paths, size_t count);
/* What the tasks of these numbers made is gone: they are run again, and this one after them. */
bool perform_again(struct performer *p, struct task *task, int *numbers, size_t count, struct err *err) MUST_USE;
/* Whom users' code tells lines of the log to. */
struct udf_listener perform_listener(struct performer *p);
/* seconds of instant_monotonic() since `start_ms` */
double perform_seconds(int64_t start_ms);

#endif
