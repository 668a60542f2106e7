/* What the files with SQL on jobs share. */
#ifndef STORE_JOB_ROWS_H
#define STORE_JOB_ROWS_H

#include "store/jobs.h"
#include "store/row_json.h"

bool job_not_found(const char *id, struct err *err) MUST_USE; /* false, with that error */
bool job_refuse_locked(enum job_state state, struct err *err) MUST_USE;
bool job_is_active(enum job_state state); /* queued or running */
/* Locks the row of an owner's job and tells its state. Errors: JobNotFound. */
bool job_lock_owned(struct db *db, const char *owner, const char *id, enum job_state *ret_state,
                    int64_t *ret_class, struct err *err) MUST_USE;
/* The jobs that did the steps of an earlier run, or of one that goes. */
bool job_delete_children(struct db *db, const char *id, struct err *err) MUST_USE;
/* Whoever waits for a change of its state hears of it at the commit. */
bool job_notify(struct db *db, const char *id, struct err *err) MUST_USE;

#endif
