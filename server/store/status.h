/* The state of the service as a whole: for /readyz and /metrics. */
#ifndef STORE_STATUS_H
#define STORE_STATUS_H

#include "store/db.h"

enum { STATUS_JOB_STATES = 6 };

struct status {
    struct {
        char state[16]; /* "queued" */
        int64_t count;
    } jobs[STATUS_JOB_STATES];
    size_t n_jobs; /* states that have jobs */
    int64_t tasks_ready, tasks_running, workers;
    double oldest_xmin_seconds; /* age of the oldest open transaction of this database */
};

bool status_load(struct db *db, struct status *ret_status, struct err *err) MUST_USE;
/* Workers that were seen in the last half minute. */
bool status_workers(struct db *db, int64_t *ret_workers, struct err *err) MUST_USE;

#endif
