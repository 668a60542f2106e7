/* Table jobs: one row a job, whatever face it came by. openEO's and OGC's statuses, logs and results
 * are views of the same rows. SQL on jobs is in job_start.c, job_read.c, jobs.c (changes) and job_finish.c; tasks are in
 * tasks.h. */
#ifndef STORE_JOBS_H
#define STORE_JOBS_H

#include "base/id.h"
#include "base/mem.h"
#include "store/db.h"
#include <jansson.h>

enum job_state { JOB_CREATED, JOB_QUEUED, JOB_RUNNING, JOB_FINISHED, JOB_ERROR, JOB_CANCELED };
const char *job_state_name(enum job_state state); /* openEO's words: "created" .. "canceled" */

enum job_class { CLASS_INTERACTIVE, CLASS_NEAR_REAL_TIME, CLASS_NORMAL, CLASS_BULK };

/* A job as its owner sees it. All pointers live in the arena it was read into. */
struct job {
    char id[ID_UUID_SIZE];
    const char *face;       /* "openeo", "openeo-sync" or "ogc" */
    const char *process_id; /* OGC process, NULL for an openEO graph */
    const char *title, *description;
    json_t *process;   /* {"process_graph", "parameters"...}: what is planned (owned by the arena's job list: see job_done) */
    json_t *arguments; /* values of its parameters, NULL when none */
    json_t *request;   /* what the face needs to answer later (plan, budget, outputs, subscriber...) */
    json_t *exports;   /* of a finished job: [{"workspace", "href"}], or NULL */
    enum job_state state;
    enum job_class class;
    double progress;   /* 0 .. 100 */
    const char *waiting; /* why nothing of a queued or running job is worked on, NULL when something is */
    const char *error_code, *error_message; /* of a failed job */
    int64_t created, updated, queued, started, finished, expires; /* ms; 0: not yet */
    json_t *estimate;  /* {"blocks","pixels_in","bytes_in","seconds","memory_bytes"} or NULL */
    json_t *processes; /* users' processes that it was planned with: [{"namespace", "id", "version"}], or NULL */
    double cost_seconds; /* measured so far */
    double memory_seconds; /* gigabytes times seconds, so far */
    int64_t pixels_read;   /* decoded so far */
    bool is_priced;
    double costs;        /* of a job that is priced: so far, and of its results */
    int64_t n_tasks, n_done;
};
/* Drops the JSON of a job (the texts belong to the arena). */
void job_done(struct job *job);

/* openEO's synchronous requests: no batch jobs, so they are not listed as such. */
#define JOB_FACE_SYNC "openeo-sync"
/* Steps of workflows: listed with their workflow alone. */
#define JOB_GRAPH_ID "OpenEO" /* what jobs of a process graph, which have no process_id, are told to have */
#define JOB_FACE_STEP "ogc-step"

/* What a run costs, kept with it when it starts, and what its owner may do. */
struct job_terms {
    double work_second, memory_gb_second, result_gb; /* prices */
    double budget;     /* < 0: none */
    int64_t most_jobs; /* of the owner that are queued or running; 0: any number */
};

struct job_input {
    const char *owner; /* user id */
    const char *face, *process_id, *title, *description;
    const json_t *process, *arguments, *request;
    enum job_class class;
    int64_t delay_s;   /* it is begun so many seconds after it was started */
    const struct job_terms *terms; /* of what is started; NULL: nothing is charged or limited */
};

/* What its submission tells of a job. */
struct job_receipt {
    char id[ID_UUID_SIZE];
    int64_t created;
};

/* Stores a job as created; a random id. */
bool job_insert(struct db *db, const struct job_input *in, char ret_id[static ID_UUID_SIZE],
                struct err *err) MUST_USE;
/* created (or finished, error, canceled: run again) -> queued, with its planning task, in one
 * transaction, and NOTIFY; begun so many seconds later. `terms` may be NULL. Errors: JobNotFound, JobLocked
 * (queued or running), TooManyRequests (most_jobs). */
bool job_start(struct db *db, const char *owner, const char *id, int64_t delay_s, const struct job_terms *terms,
               struct err *err) MUST_USE;
/* insert and start in one transaction: an accepted request is never lost. */
bool job_submit(struct db *db, const struct job_input *in, struct job_receipt *ret_receipt, struct err *err) MUST_USE;
/* The job as it was stored, without asking for it: queued, or finished when it was stored so. Its JSON is the input's. */
struct job job_of_receipt(const struct job_input *in, const struct job_receipt *receipt, bool finished);
/* Stores a job that has nothing left to do: what it gave is in its request, and there are no files. */
bool job_insert_finished(struct db *db, const struct job_input *in, int64_t keep_seconds, struct job_receipt *ret_receipt,
                         struct err *err) MUST_USE;
/* The same within a transaction; the first task is of this kind (enum task_kind). */
bool job_add_started(struct db *db, const struct job_input *in, int kind,
                     char ret_id[static ID_UUID_SIZE], struct err *err) MUST_USE;
/* `owner` NULL: whoever holds a signed link. Errors: JobNotFound (also for other people's jobs). */
bool job_load(struct db *db, struct arena *arena, const char *owner, const char *id,
              struct job *ret_job, struct err *err) MUST_USE;

struct job_filter {
    const char *face;  /* NULL: all */
    const char *const *process_ids; /* any of these; n_process_ids 0: all */
    size_t n_process_ids;
    enum { JOBS_ALL, JOBS_OF_PROCESSES, JOBS_OF_GRAPHS } only; /* by whether they have a process_id */
    unsigned states;   /* a bit for each enum job_state: 1 << JOB_QUEUED ...; 0: all */
    int64_t created_after, created_before; /* 0: open */
    bool by_seconds;   /* only jobs that were started and took (so far) least to most seconds */
    double least_seconds, most_seconds;
    int64_t limit;
    const char *after; /* id of the last job of the page before, NULL: the first page */
};
/* Newest first. *ret_more: there is a next page. `jobs` has room for filter->limit. The jobs of a
 * list come without process, arguments and waiting. */
bool job_list(struct db *db, struct arena *arena, const char *owner, const struct job_filter *filter,
              struct job *jobs, size_t *ret_count, bool *ret_more, struct err *err) MUST_USE;
/* openEO PATCH: NULL leaves a member as it is. Errors: JobNotFound, JobLocked. */
bool job_update(struct db *db, const char *owner, const char *id, const struct job_input *change,
                struct err *err) MUST_USE;
/* queued or running -> canceled: its tasks are fenced, children die within a second (NOTIFY). A job
 * in another state is left as it is. Errors: JobNotFound. */
bool job_cancel(struct db *db, const char *owner, const char *id, struct err *err) MUST_USE;
/* Cancels, then deletes the row, logs and results (files are swept by gc and by the workers). */
bool job_delete(struct db *db, const char *owner, const char *id, struct err *err) MUST_USE;

/* What follows is for workers. */

/* The owner's user id. Errors: JobNotFound. */
bool job_owner(struct db *db, struct arena *arena, const char *id, const char **ret_owner,
               struct err *err) MUST_USE;

/* A job as its tasks see it; job_work_done() drops it. */
struct job_work {
    char id[ID_UUID_SIZE], owner[ID_UUID_SIZE];
    int run;                  /* scratch/ID.RUN is its folder of temporaries */
    enum job_class class;
    bool only_result; /* of JOB_FACE_SYNC: nothing but the result node's output is made */
    bool is_step;             /* of a workflow: its results are the workflow's */
    bool may_run_commands;    /* its process was deployed here, and is nothing that a request held */
    char dialect[16];         /* of the request; empty: none */
    char *title, *description, *process_id; /* NULL: none */
    json_t *process, *arguments; /* arguments may be NULL */
    json_t *picture;          /* of a tile: {"epsg", "x0", "y0", "dx", "dy", "width", "height", "options", "numbers"}, else NULL */
    json_t *scenes;           /* what the catalogue answered once; NULL before planning */
    double tag, weight;       /* fair queueing: where its ranks start, the owner's share */
};
bool job_load_work(struct db *db, const char *id, struct job_work *ret_work,
                   struct err *err) MUST_USE;
void job_work_done(struct job_work *work);

/* Within a transaction: what planning found. The owner's virtual time is moved by `seconds`. */
struct job_planned {
    const json_t *scenes, *estimate;
    const json_t *processes; /* of users; NULL: none */
    int64_t blocks; /* of all tasks: the measure of progress */
    int n_tasks;    /* with the planning task */
    double seconds;
};
bool job_set_planned(struct db *db, const char *id, const struct job_planned *planned,
                     struct err *err) MUST_USE;
/* Within a transaction: locks the row, so that whatever touches a job and its tasks goes one after
 * another. *ret_found is false when it was deleted. */
bool job_lock(struct db *db, const char *id, bool *ret_found, struct err *err) MUST_USE;
/* Within a transaction: adds to what is done. */
struct job_sums {
    int64_t blocks; /* negative after a failed task */
    int tasks;
    double seconds, memory_seconds;
    int64_t pixels_read;
};
bool job_add_done(struct db *db, const char *id, const struct job_sums *more, struct err *err) MUST_USE;
/* Within a transaction: finished, error or canceled. Tasks that are left are canceled and fenced,
 * temporaries forgotten, workers and listeners told. The owner's virtual time is corrected by the
 * real cost. code, message and node may be NULL; keep_seconds 0: no expiry is set. */
bool job_end(struct db *db, const char *id, enum job_state state, const char *code,
             const char *message, const char *node, int64_t keep_seconds, struct err *err) MUST_USE;
/* NOTIFY for workers: "ID RUN finished|error|canceled" of a run that ended, "ID RUN deleted" when the
 * results go too. */
#define JOB_ENDED_CHANNEL "sentier_ended"
/* NOTIFY for workers: something is ready. */
#define TASK_CHANNEL "sentier_ready"

/* Logs: rows for users (openEO's levels: "error", "warning", "info", "debug"). */
struct job_log {
    int64_t id;
    const char *level, *code, *message;
    json_t *data; /* NULL when none */
    int64_t at;
};
/* Of jobs j: the level (as kept in rows) that its logs go to. */
#define JOB_LOG_MOST(j)                                                                            \
    "CASE " j ".request->>'log_level' WHEN 'error' THEN 0 WHEN 'warning' THEN 1 WHEN 'debug' THEN 3 ELSE 2 END"
/* Kept when the job's log_level (info, unless its request said otherwise) lets it. */
bool job_log_add(struct db *db, const char *job, const char *level, const char *code,
                 const char *message, struct err *err) MUST_USE;
/* The same with a place: the task's number (-1: none) and data like {"node": "ndvi1"} (or NULL). */
bool job_log_add_at(struct db *db, const char *job, int task, const char *level, const char *code,
                    const char *message, const json_t *data, struct err *err) MUST_USE;
/* As kept in rows: 0 for "error" to 3 for "debug" and whatever is unknown. */
int job_log_level(const char *level);
/* Whose logs are listed: whether it is there ($1: its id, $2: its owner), and rows of id, level, code, message, data
 * and at ($1: its id, $2: the id that they come after, $3: the level, $4: how many). */
struct log_owner {
    const char *name;
    enum err_code missing;
    const char *exists, *select;
};
bool logs_list(struct db *db, struct arena *arena, const struct log_owner *of, const char *owner, const char *id,
               const char *level, int64_t after, size_t limit, struct job_log *logs, size_t *ret_count,
               struct err *err) MUST_USE;
/* After log id `after` (0: from the start), of `level` and worse. */
bool job_log_list(struct db *db, struct arena *arena, const char *owner, const char *id,
                  const char *level, int64_t after, size_t limit, struct job_log *logs,
                  size_t *ret_count, struct err *err) MUST_USE;
/* Of one of its tasks; the owner is not asked. */
bool job_log_list_task(struct db *db, struct arena *arena, const char *id, int64_t task, int64_t after, size_t limit,
                       struct job_log *logs, size_t *ret_count, struct err *err) MUST_USE;

/* Results: files of a finished job. */
struct job_asset {
    const char *name; /* file name, unique in the job */
    const char *path; /* absolute */
    const char *media_type, *title, *output; /* output: the save node's id */
    int64_t size_bytes;
    json_t *fields; /* STAC asset fields: proj:*, raster:bands, roles ... */
};
/* `owner` NULL as in job_load(). */
bool job_asset_list(struct db *db, struct arena *arena, const char *owner, const char *id,
                    struct job_asset **ret_assets, size_t *ret_count, struct err *err) MUST_USE;
/* As for a signed link: the owner is not asked, the job must exist and be finished. */
bool job_asset_load(struct db *db, struct arena *arena, const char *id, const char *name,
                    struct job_asset *ret_asset, struct err *err) MUST_USE;

/* NOTIFY channel and payload that a waiting request listens to: the job's id is sent on this channel
 * whenever its state changes. */
#define JOB_CHANNEL "sentier_job"

#endif
