/* Plain counts: the page is asked for a few times a minute. */
#include "store/status.h"
#include "store/jobs.h"
#include <stdio.h>

bool status_workers(struct db *db, int64_t *ret_workers, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!db_query(db, &rows, "SELECT count(*) FROM workers WHERE seen > now() - interval '30 s'",
                  DB_NO_ARGS, err))
        return false;
    *ret_workers = row_int(rows, 0, 0);
    return true;
}

static bool load_jobs(struct db *db, struct status *status, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!db_query(db, &rows, "SELECT state, count(*) FROM jobs GROUP BY state ORDER BY state",
                  DB_NO_ARGS, err))
        return false;
    for (int i = 0; i < row_count(rows) && status->n_jobs < STATUS_JOB_STATES; i++) {
        snprintf(status->jobs[status->n_jobs].state, sizeof status->jobs[0].state, "%s",
                 job_state_name((enum job_state)row_int(rows, i, 0)));
        status->jobs[status->n_jobs++].count = row_int(rows, i, 1);
    }
    return true;
}

static bool load_tasks(struct db *db, struct status *status, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!db_query(db, &rows,
                  "SELECT (SELECT count(*) FROM tasks WHERE state = 'r'),"
                  "       (SELECT count(*) FROM tasks WHERE state = 'x'),"
                  "       (SELECT coalesce(extract(epoch FROM now() - min(xact_start)), 0)"
                  "          FROM pg_stat_activity"
                  "         WHERE datname = current_database() AND backend_xmin IS NOT NULL)",
                  DB_NO_ARGS, err))
        return false;
    status->tasks_ready = row_int(rows, 0, 0);
    status->tasks_running = row_int(rows, 0, 1);
    status->oldest_xmin_seconds = row_double(rows, 0, 2);
    return true;
}

bool status_load(struct db *db, struct status *ret_status, struct err *err)
{
    *ret_status = (struct status){ 0 };
    return load_jobs(db, ret_status, err) && load_tasks(db, ret_status, err) &&
           status_workers(db, &ret_status->workers, err);
}
