/* SQL on table job_logs: what a job tells its owner; and the reading of any logs. */
#include "base/text.h"
#include "store/jobs.h"
#include "store/row_json.h"
#include <string.h>

static const char *const levels[] = { "error", "warning", "info", "debug" };

/* Unknown words count as the most talkative level. */
int job_log_level(const char *level)
{
    for (size_t i = 0; level && i < ARRAY_LEN(levels); i++)
        if (!strcmp(levels[i], level))
            return (int)i;
    return (int)ARRAY_LEN(levels) - 1;
}

bool job_log_add_at(struct db *db, const char *job, int task, const char *level, const char *code,
                    const char *message, const json_t *data, struct err *err)
{
    AUTO(mem) char *text = data ? json_dumps(data, JSON_COMPACT) : NULL;

    return db_run(db,
                  "INSERT INTO job_logs(job, task, level, code, message, data)"
                  " SELECT id, $2::int, $3::smallint, $4, $5, $6::json FROM jobs j"
                  " WHERE id = $1 AND $3::smallint <= " JOB_LOG_MOST("j"),
                  DB_ARGS(db_text(job), task < 0 ? db_text(NULL) : db_int(task),
                          db_int(job_log_level(level)), db_text(code), db_text(message),
                          db_text(text)),
                  err);
}

bool job_log_add(struct db *db, const char *job, const char *level, const char *code,
                 const char *message, struct err *err)
{
    return job_log_add_at(db, job, -1, level, code, message, NULL, err);
}

static size_t read_logs(const PGresult *rows, struct arena *arena, struct job_log *logs)
{
    for (int i = 0; i < row_count(rows); i++) {
        logs[i] = (struct job_log){ .id = row_int(rows, i, 0),
                                    .level = levels[row_int(rows, i, 1)],
                                    .code = arena_text(arena, row_text(rows, i, 2)),
                                    .message = arena_text(arena, row_text(rows, i, 3)),
                                    .data = row_json(rows, i, 4),
                                    .at = row_instant(rows, i, 5) };
    }
    return (size_t)row_count(rows);
}

bool logs_list(struct db *db, struct arena *arena, const struct log_owner *of, const char *owner, const char *id,
               const char *level, int64_t after, size_t limit, struct job_log *logs, size_t *ret_count,
               struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;
    AUTO(rows) PGresult *exists = NULL;

    if (id_is_uuid(id) && !db_query(db, &exists, of->exists, DB_ARGS(db_text(id), db_text(owner)), err))
        return false;
    if (!exists || row_count(exists) == 0)
        return err_set(err, of->missing, "The %s '%.60s' does not exist.", of->name, id);
    if (!db_query(db, &rows, of->select,
                  DB_ARGS(db_text(id), db_int(after), db_int(job_log_level(level)), db_int((int64_t)limit)), err))
        return false;
    *ret_count = read_logs(rows, arena, logs);
    return true;
}

bool job_log_list(struct db *db, struct arena *arena, const char *owner, const char *id,
                  const char *level, int64_t after, size_t limit, struct job_log *logs,
                  size_t *ret_count, struct err *err)
{
    static const struct log_owner job = {
        "job", ERR_JobNotFound, "SELECT 1 FROM jobs WHERE id = $1 AND owner = $2",
        "SELECT id, level, code, message, data, at FROM job_logs"
        " WHERE job = $1 AND id > $2 AND level <= $3 ORDER BY id LIMIT $4"
    };

    return logs_list(db, arena, &job, owner, id, level, after, limit, logs, ret_count, err);
}

bool job_log_list_task(struct db *db, struct arena *arena, const char *id, int64_t task, int64_t after, size_t limit,
                       struct job_log *logs, size_t *ret_count, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!db_query(db, &rows,
                  "SELECT id, level, code, message, data, at FROM job_logs"
                  " WHERE job = $1 AND task = $2::int AND id > $3 ORDER BY id LIMIT $4",
                  DB_ARGS(db_text(id), db_int(task), db_int(after), db_int((int64_t)limit)), err))
        return false;
    *ret_count = read_logs(rows, arena, logs);
    return true;
}
