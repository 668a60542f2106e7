/* SQL of the collection of garbage. */
#include "store/gc.h"

static bool count(struct db *db, const char *sql, const struct db_arg *args, size_t n_args,
                  int64_t *ret_count, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!db_query(db, &rows, sql, args, n_args, err))
        return false;
    *ret_count = row_int(rows, 0, 0);
    return true;
}

bool gc_expired_jobs(struct db *db, int64_t keep_seconds, int64_t *ret_count, struct err *err)
{
    return count(db,
                 "WITH gone AS (DELETE FROM jobs WHERE parent IS NULL AND state IN (3, 4, 5) AND (expires < now()"
                 "    OR updated < now() - $1::bigint * interval '1 s') RETURNING 1)"
                 " SELECT count(*) FROM gone",
                 DB_ARGS(db_int(keep_seconds)), ret_count, err);
}

bool gc_tokens(struct db *db, int64_t *ret_count, struct err *err)
{
    return count(db,
                 "WITH gone AS (DELETE FROM tokens WHERE expires < now() RETURNING 1)"
                 " SELECT count(*) FROM gone",
                 DB_NO_ARGS, ret_count, err);
}

bool gc_logs(struct db *db, int64_t keep_seconds, int64_t *ret_count, struct err *err)
{
    return db_run(db, "SELECT job_logs_make_partitions(3)", DB_NO_ARGS, err) &&
           count(db, "SELECT job_logs_drop_partitions($1::bigint * interval '1 s')",
                 DB_ARGS(db_int(keep_seconds)), ret_count, err);
}

bool gc_tasks(struct db *db, struct err *err)
{
    return db_run(db,
                  "DELETE FROM tasks t USING jobs j WHERE j.id = t.job AND j.state IN (3, 4, 5)"
                  "   AND j.finished < now() - interval '1 day'",
                  DB_NO_ARGS, err);
}

static bool ask(struct db *db, const char *sql, const struct db_arg *args, size_t n_args,
                bool *ret_yes, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!db_query(db, &rows, sql, args, n_args, err))
        return false;
    *ret_yes = row_bool(rows, 0, 0);
    return true;
}

bool gc_job_exists(struct db *db, const char *job, bool *ret_exists, struct err *err)
{
    return ask(db, "SELECT EXISTS (SELECT 1 FROM jobs WHERE id = $1)", DB_ARGS(db_text(job)),
               ret_exists, err);
}

bool gc_user_exists(struct db *db, const char *user, bool *ret_exists, struct err *err)
{
    return ask(db, "SELECT EXISTS (SELECT 1 FROM users WHERE id = $1)", DB_ARGS(db_text(user)), ret_exists, err);
}

bool gc_run_is_active(struct db *db, const char *job, int64_t run, bool *ret_active,
                      struct err *err)
{
    return ask(db,
               "SELECT EXISTS (SELECT 1 FROM jobs WHERE id = $1 AND run = $2 AND state IN (1, 2))",
               DB_ARGS(db_text(job), db_int(run)), ret_active, err);
}

bool gc_token_is_known(struct db *db, const char *job, int64_t token, bool *ret_known,
                       struct err *err)
{
    return ask(db,
               "SELECT EXISTS (SELECT 1 FROM tasks WHERE job = $1 AND token = $2 AND state = 'x')"
               "    OR EXISTS (SELECT 1 FROM artefacts WHERE job = $1 AND token = $2)",
               DB_ARGS(db_text(job), db_int(token)), ret_known, err);
}
