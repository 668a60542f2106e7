/* Table remote_jobs: what our jobs have begun on other servers and is not known to have ended. */
#ifndef STORE_REMOTE_JOBS_H
#define STORE_REMOTE_JOBS_H

#include "store/tasks.h"

struct remote_job {
    char job[ID_UUID_SIZE]; /* ours */
    const char *url, *kind; /* texts live in the arena */
    int64_t polls, failures; /* failures: calls in a row without an answer */
};
bool remote_job_load(struct db *db, struct arena *arena, const char *job, struct remote_job *ret_remote, bool *ret_found,
                     struct err *err) MUST_USE;
bool remote_job_begin(struct db *db, const char *job, const char *url, const char *kind, struct err *err) MUST_USE;
bool remote_job_end(struct db *db, const char *job, struct err *err) MUST_USE;
/* Inside a transaction that holds the task: it runs again after the pause. Its job and the workflow that this is a step of
 * are `progress` percent on. `answered` false: one more call without an answer. */
bool remote_job_pause(struct db *db, const struct task *task, int64_t pause_ms, double progress, bool answered,
                      struct err *err) MUST_USE;

/* Those to be dismissed: of jobs that have ended or are gone. At most `room`. */
bool remote_job_abandoned(struct db *db, struct arena *arena, struct remote_job *ret_list, size_t room, size_t *ret_count,
                          struct err *err) MUST_USE;
/* A dismissal was not answered: it is tried again later, or given up. */
bool remote_job_postpone(struct db *db, const struct remote_job *remote, struct err *err) MUST_USE;

#endif
