/* What can go: expired jobs, old log partitions, old tokens; and questions about files. */
#ifndef STORE_GC_H
#define STORE_GC_H

#include "store/jobs.h"

/* Jobs that have expired, and ended ones older than keep_seconds. */
bool gc_expired_jobs(struct db *db, int64_t keep_seconds, int64_t *ret_count,
                     struct err *err) MUST_USE;
bool gc_tokens(struct db *db, int64_t *ret_count, struct err *err) MUST_USE;
/* Makes the partitions of the coming days, drops those older than keep_seconds. */
bool gc_logs(struct db *db, int64_t keep_seconds, int64_t *ret_count, struct err *err) MUST_USE;
/* Tasks of jobs that ended more than a day ago. */
bool gc_tasks(struct db *db, struct err *err) MUST_USE;

/* Whether results/JOB is wanted. */
bool gc_job_exists(struct db *db, const char *job, bool *ret_exists, struct err *err) MUST_USE;
/* Whether files/USER is. */
bool gc_user_exists(struct db *db, const char *user, bool *ret_exists, struct err *err) MUST_USE;
/* Whether scratch/JOB.RUN is: the run is queued or running. */
bool gc_run_is_active(struct db *db, const char *job, int64_t run, bool *ret_active,
                      struct err *err) MUST_USE;
/* Whether a file with this token in its name is: a task runs with it, or an artefact is meant. */
bool gc_token_is_known(struct db *db, const char *job, int64_t token, bool *ret_known,
                       struct err *err) MUST_USE;

#endif
