/* Table job_steps. A step is a task of the job; what it gave is kept here, its files in the job's folder of
 * temporaries. The planning task waits for all steps that are ready and is then run again. */
#include "json/js.h"
#include "store/deployed.h"
#include "store/tasks.h"
#include <stdio.h>
#include <string.h>

bool step_list(struct db *db, const struct task *task, json_t **ret_done, json_t **ret_inputs, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    *ret_inputs = NULL;
    if (!db_query(db, &rows, "SELECT key, outputs FROM job_steps WHERE job = $1 AND run = $2 AND outputs IS NOT NULL",
                  DB_ARGS(db_text(task->job), db_int(task->run)), err))
        return false;
    *ret_done = json_object();
    for (int i = 0; i < row_count(rows); i++) {
        json_t *outputs = json_loads(row_text(rows, i, 1), 0, NULL);

        if (*row_text(rows, i, 0))
            json_object_set_new(*ret_done, row_text(rows, i, 0), outputs);
        else
            *ret_inputs = outputs;
    }
    return true;
}

bool step_begin(struct db *db, const struct task *task, const json_t *inputs, struct err *err)
{
    AUTO(mem) char *text = json_dumps(inputs, JSON_COMPACT);

    return db_run(db, "DELETE FROM job_steps WHERE job = $1", DB_ARGS(db_text(task->job)), err) &&
           db_run(db,
                  "INSERT INTO job_steps(job, run, key, number, name, outputs) VALUES ($1, $2, '', $3, 'inputs', $4::json)",
                  DB_ARGS(db_text(task->job), db_int(task->run), db_int(task->number), db_text(text)), err);
}

static bool add_one(struct db *db, const struct task *planning, const struct job_work *work, const json_t *step,
                    struct err *err)
{
    const char *key = json_string_value(json_object_get(step, "key")), *name = json_string_value(json_object_get(step, "name"));
    AUTO(json) json_t *kept = json_pack("{s:O, s:O}", "process", json_object_get(step, "process"), "inputs",
                                        json_object_get(step, "inputs"));
    AUTO(mem) char *text = json_dumps(kept, JSON_COMPACT);

    return db_run(db,
                  "WITH t AS (INSERT INTO tasks(job, number, kind, class, rank, state, consumers, blocks, estimate)"
                  "   SELECT $1, 1 + max(number), 4, $2::smallint, $3, 'r', ARRAY[$8::int], 1, 1 FROM tasks"
                  "    WHERE job = $1 RETURNING number)"
                  " INSERT INTO job_steps(job, run, key, number, name, step)"
                  " SELECT $1, $4::int, $5, t.number, $6, $7::json FROM t",
                  DB_ARGS(db_text(planning->job), db_int(work->class), db_double(work->tag), db_int(planning->run),
                          db_text(key), db_text(name), db_text(text), db_int(planning->number)),
                  err);
}

bool step_add(struct db *db, const struct task *planning, const struct job_work *work, const json_t *ready,
              struct err *err)
{
    int64_t count = (int64_t)json_array_size(ready);
    char message[200];
    json_t *step;
    size_t i;

    json_array_foreach((json_t *)ready, i, step)
        if (!add_one(db, planning, work, step, err))
            return false;
    snprintf(message, sizeof message, "%lld step%s ready, beginning with '%.100s'.", (long long)count,
             count == 1 ? " is" : "s are", json_string_value(json_object_get(json_array_get(ready, 0), "name")));
    return db_run(db,
                  "UPDATE tasks SET state = 'w', pending = $2::int, token = NULL, lease = NULL, worker = NULL,"
                  "    blocks_done = 0 WHERE id = $1",
                  DB_ARGS(db_int(planning->id), db_int(count)), err) &&
           db_run(db,
                  "UPDATE jobs SET n_tasks = n_tasks + $2::int, blocks = blocks + $2::int, updated = now() WHERE id = $1",
                  DB_ARGS(db_text(planning->job), db_int(count)), err) &&
           job_log_add_at(db, planning->job, planning->number, "info", NULL, message, NULL, err) &&
           db_run(db, "SELECT pg_notify('" TASK_CHANNEL "', '')", DB_NO_ARGS, err);
}

bool step_load(struct db *db, struct arena *arena, const struct task *task, const char **ret_key, json_t **ret_step,
               struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!db_query(db, &rows, "SELECT key, step FROM job_steps WHERE job = $1 AND run = $2 AND number = $3",
                  DB_ARGS(db_text(task->job), db_int(task->run), db_int(task->number)), err))
        return false;
    if (row_count(rows) == 0)
        return err_set(err, ERR_Internal, "The step is not recorded.");
    *ret_key = arena_text(arena, row_text(rows, 0, 0));
    *ret_step = json_loads(row_text(rows, 0, 1), 0, NULL);
    return true;
}

bool step_finish(struct db *db, const struct task *task, const json_t *outputs, struct err *err)
{
    AUTO(mem) char *text = json_dumps(outputs, JSON_COMPACT);

    return db_run(db, "UPDATE job_steps SET outputs = $4::json WHERE job = $1 AND run = $2 AND number = $3",
                  DB_ARGS(db_text(task->job), db_int(task->run), db_int(task->number), db_text(text)), err);
}
