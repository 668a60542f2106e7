/* A row is written when the other server has answered with the job's address, and removed when the job there has
 * ended; what is left when ours has ended is dismissed by the leader of the workers. */
#include "store/remote_jobs.h"
#include <stdio.h>

enum { MOST_FAILURES = 12 };

static void read_row(const PGresult *rows, int row, struct arena *arena, struct remote_job *remote)
{
    *remote = (struct remote_job){ .url = arena_text(arena, row_text(rows, row, 1)), .kind = arena_text(arena, row_text(rows, row, 2)),
                                   .polls = row_int(rows, row, 3), .failures = row_int(rows, row, 4) };
    snprintf(remote->job, sizeof remote->job, "%s", row_text(rows, row, 0));
}

bool remote_job_load(struct db *db, struct arena *arena, const char *job, struct remote_job *ret_remote, bool *ret_found,
                     struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!db_query(db, &rows, "SELECT job, url, kind, polls, failures FROM remote_jobs WHERE job = $1", DB_ARGS(db_text(job)), err))
        return false;
    *ret_found = row_count(rows) > 0;
    if (*ret_found)
        read_row(rows, 0, arena, ret_remote);
    return true;
}

bool remote_job_begin(struct db *db, const char *job, const char *url, const char *kind, struct err *err)
{
    return db_run(db, "INSERT INTO remote_jobs(job, url, kind) VALUES ($1, $2, $3) ON CONFLICT (job) DO UPDATE SET url = $2, kind = $3",
                  DB_ARGS(db_text(job), db_text(url), db_text(kind)), err);
}

bool remote_job_end(struct db *db, const char *job, struct err *err)
{
    return db_run(db, "DELETE FROM remote_jobs WHERE job = $1", DB_ARGS(db_text(job)), err);
}

bool remote_job_pause(struct db *db, const struct task *task, int64_t pause_ms, double progress, bool answered, struct err *err)
{
    return db_run(db,
                  "UPDATE tasks SET state = 'r', token = NULL, lease = NULL, worker = NULL, blocks_done = 0,"
                  "    not_before = now() + $2::bigint * interval '1 ms' WHERE id = $1",
                  DB_ARGS(db_int(task->id), db_int(pause_ms)), err) &&
           db_run(db, "UPDATE remote_jobs SET polls = polls + 1, failures = CASE WHEN $2::boolean THEN 0 ELSE failures + 1 END WHERE job = $1",
                  DB_ARGS(db_text(task->job), db_bool(answered)), err) &&
           db_run(db,
                  "UPDATE jobs SET blocks = 100, blocks_done = CASE WHEN $3::boolean THEN $2::float8::int ELSE blocks_done END,"
                  "    updated = now() WHERE id = $1",
                  DB_ARGS(db_text(task->job), db_double(progress), db_bool(answered)), err) &&
           db_run(db, "SELECT job_add_up_steps(parent) FROM jobs WHERE id = $1 AND parent IS NOT NULL", DB_ARGS(db_text(task->job)), err);
}

bool remote_job_abandoned(struct db *db, struct arena *arena, struct remote_job *ret_list, size_t room, size_t *ret_count,
                          struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!db_query(db, &rows,
                  "SELECT r.job, r.url, r.kind, r.polls, r.failures FROM remote_jobs r LEFT JOIN jobs j ON j.id = r.job"
                  " WHERE coalesce(j.state, 5) NOT IN (1, 2) AND r.not_before <= now() ORDER BY r.not_before LIMIT $1",
                  DB_ARGS(db_int((int64_t)room)), err))
        return false;
    *ret_count = (size_t)row_count(rows);
    for (size_t i = 0; i < *ret_count; i++)
        read_row(rows, (int)i, arena, &ret_list[i]);
    return true;
}

bool remote_job_postpone(struct db *db, const struct remote_job *remote, struct err *err)
{
    if (remote->failures >= MOST_FAILURES)
        return remote_job_end(db, remote->job, err);
    return db_run(db,
                  "UPDATE remote_jobs SET failures = failures + 1, not_before = now() + power(2, failures) * interval '2 s' WHERE job = $1",
                  DB_ARGS(db_text(remote->job)), err);
}
