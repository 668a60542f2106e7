/* The planning task of a job with steps waits until one of them has ended, and is then run again. Whoever ends a step
 * locks the row of that task, and so does who makes it wait: what ended in between is seen by one of the two. */
#include "store/steps.h"
#include "base/text.h"
#include "json/js.h"
#include <stdio.h>
#include <string.h>

/* Looking costs as much as there are steps: of very many, a part is waited for. */
enum { LOOKS = 16 };

void step_look_drop(struct step_look *look)
{
    json_decref(look->inputs);
    json_decref(look->done);
    json_decref(look->begun);
    json_decref(look->ended);
}

static void note_child(const PGresult *rows, int row, struct step_look *look)
{
    int64_t state = row_int(rows, row, 3);

    if (state <= JOB_RUNNING)
        return;
    look->n_ended++;
    json_object_set_new(look->ended, row_text(rows, row, 0),
                        json_pack("{s:s, s:I, s:s?, s:s?}", "job", row_text(rows, row, 2), "state", (json_int_t)state, "code",
                                  row_text(rows, row, 4), "message", row_text(rows, row, 5)));
}

bool step_look(struct db *db, const struct task *task, struct step_look *look, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!db_query(db, &rows,
                  "SELECT s.key, s.outputs, s.child, coalesce(j.state, 5), j.error_code, j.error_message, s.number"
                  "  FROM job_steps s LEFT JOIN jobs j ON j.id = s.child WHERE s.job = $1 AND s.run = $2",
                  DB_ARGS(db_text(task->job), db_int(task->run)), err))
        return false;
    *look = (struct step_look){ .done = json_object(), .begun = json_object(), .ended = json_object() };
    for (int i = 0; i < row_count(rows); i++) {
        const char *key = row_text(rows, i, 0), *text = row_text(rows, i, 1), *child = row_text(rows, i, 2);
        json_t *outputs = text ? json_loads(text, 0, NULL) : NULL;

        if (!*key) {
            look->inputs = outputs;
            continue;
        }
        if (child || row_text(rows, i, 6))
            json_object_set_new(look->begun, key, child ? json_string(child) : json_true());
        if (outputs) {
            json_object_set_new(look->done, key, outputs);
            look->n_ended++;
        } else if (child) {
            note_child(rows, i, look);
        }
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

/* ---- tasks ---- */

static bool add_one(struct db *db, const struct task *planning, const struct job_work *work, const json_t *step,
                    struct err *err)
{
    const char *key = js_text(step, "key"), *name = js_text(step, "name");
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

/* More work than there was. */
static bool count_work(struct db *db, const struct task *planning, int64_t tasks, int64_t blocks, struct err *err)
{
    return db_run(db, "UPDATE jobs SET n_tasks = n_tasks + $2::int, blocks = blocks + $3::bigint, updated = now() WHERE id = $1",
                  DB_ARGS(db_text(planning->job), db_int(tasks), db_int(blocks)), err);
}

bool step_add(struct db *db, const struct task *planning, const struct job_work *work, const json_t *ready,
              const struct step_look *look, struct err *err)
{
    const char *first = NULL;
    int64_t count = 0;
    char message[200];
    json_t *step;
    size_t i;

    json_array_foreach((json_t *)ready, i, step) {
        const char *key = js_text(step, "key");

        if (json_object_get(look->begun, key))
            continue;
        if (!add_one(db, planning, work, step, err))
            return false;
        first = first ? first : js_text(step, "name");
        count++;
    }
    if (count == 0)
        return true;
    snprintf(message, sizeof message, "%lld step%s ready, beginning with '%.100s'.", (long long)count,
             count == 1 ? " is" : "s are", first);
    return count_work(db, planning, count, count, err) &&
           job_log_add_at(db, planning->job, planning->number, "info", NULL, message, NULL, err) &&
           db_run(db, "SELECT pg_notify('" TASK_CHANNEL "', '')", DB_NO_ARGS, err);
}

/* ---- all at once ---- */

/* The numbers of steps by their keys: `first` and those that follow it. */
static json_t *number_steps(const json_t *steps, int64_t first)
{
    json_t *numbers = json_object(), *step;
    size_t i;

    json_array_foreach((json_t *)steps, i, step)
        json_object_set_new(numbers, js_text(step, "key"), json_integer(first + (int64_t)i));
    return numbers;
}

/* Of each step, the numbers of those that come after it; of the last ones, the planning task's. */
static json_t *consumers_of(const json_t *steps, const json_t *numbers, int64_t first, const struct task *planning)
{
    json_t *lists = json_array(), *step, *key;
    size_t i, k;

    for (i = 0; i < json_array_size(steps); i++)
        json_array_append_new(lists, json_array());
    json_array_foreach((json_t *)steps, i, step)
        json_array_foreach(json_object_get(step, "after"), k, key)
            json_array_append_new(json_array_get(lists, (size_t)(json_integer_value(json_object_get(numbers, json_string_value(key))) - first)),
                                  json_integer(first + (int64_t)i));
    json_array_foreach(lists, i, step)
        if (json_array_size(step) == 0)
            json_array_append_new(step, json_integer(planning->number));
    return lists;
}

/* A row for COPY. Within a job the rank follows the order of the work, so that what was begun is ended first. */
static void add_row(struct text *rows, const struct job_work *work, const json_t *step, int64_t number, const json_t *consumers)
{
    double weight = work->weight > 0 ? work->weight : 1;
    size_t before = json_array_size(json_object_get(step, "after")), i;
    json_t *consumer;

    text_printf(rows, "%s\t%lld\t%d\t%d\t%.17g\t%s\t%zu\t{", work->id, (long long)number, TASK_STEP, work->class,
                work->tag + json_number_value(json_object_get(step, "before")) / weight, before ? "w" : "r", before);
    json_array_foreach((json_t *)consumers, i, consumer)
        text_printf(rows, "%s%lld", i ? "," : "", (long long)json_integer_value(consumer));
    text_printf(rows, "}\t%lld\t%.6g\n", (long long)json_integer_value(json_object_get(step, "blocks")),
                json_number_value(json_object_get(step, "seconds")));
}

static bool add_rows(struct db *db, const struct task *planning, const struct job_work *work, const json_t *steps,
                     int64_t first, int64_t *ret_last, struct err *err)
{
    AUTO(json) json_t *numbers = number_steps(steps, first), *consumers = consumers_of(steps, numbers, first, planning);
    AUTO(text) struct text rows = { 0 };
    json_t *step;
    size_t i;

    *ret_last = 0;
    json_array_foreach((json_t *)steps, i, step) {
        const json_t *list = json_array_get(consumers, i);

        add_row(&rows, work, step, first + (int64_t)i, list);
        *ret_last += json_integer_value(json_array_get(list, 0)) == planning->number;
    }
    return db_copy_begin(db, "COPY tasks(job, number, kind, class, rank, state, pending, consumers, blocks, estimate) FROM STDIN",
                         err) &&
           db_copy_put(db, rows.data, rows.length, err) && db_copy_end(db, err);
}

bool step_add_all(struct db *db, const struct task *planning, const struct job_work *work, const json_t *steps,
                  struct err *err)
{
    AUTO(mem) char *text = json_dumps(steps, JSON_COMPACT);
    AUTO(rows) PGresult *rows = NULL;
    int64_t first, last;

    if (!db_query(db, &rows, "SELECT 1 + max(number) FROM tasks WHERE job = $1", DB_ARGS(db_text(planning->job)), err))
        return false;
    first = row_int(rows, 0, 0);
    return add_rows(db, planning, work, steps, first, &last, err) &&
           db_run(db,
                  "INSERT INTO job_steps(job, run, key, number, name, step)"
                  " SELECT $1, $2::int, s.value->>'key', $3::int + s.ordinality - 1, s.value->>'name', s.value"
                  "   FROM json_array_elements($4::json) WITH ORDINALITY s",
                  DB_ARGS(db_text(planning->job), db_int(planning->run), db_int(first), db_text(text)), err) &&
           task_wait(db, planning, last, err);
}

bool step_show_stagings(struct db *db, const struct task *planning, struct err *err)
{
    return db_run(db,
                  "INSERT INTO job_steps(job, run, key, number, name, step)"
                  " SELECT $1, $2::int, 'stage/' || s.item, t.number, 'stage', json_build_object('tag', s.item)"
                  "   FROM tasks t JOIN stagings s ON s.task = t.id WHERE t.job = $1 AND t.kind = 3"
                  " ON CONFLICT DO NOTHING",
                  DB_ARGS(db_text(planning->job), db_int(planning->run)), err);
}

bool step_show_planning(struct db *db, const struct task *planning, const char *name, double seconds, struct err *err)
{
    return db_run(db,
                  "INSERT INTO job_steps(job, run, key, number, name, step, outputs, finished)"
                  " VALUES ($1, $2::int, $4, $3::int, $4, json_build_object('took', $5::float8), '{}', now()),"
                  "        ($1, $2::int, 'publish', NULL, 'publish', NULL, NULL, NULL) ON CONFLICT DO NOTHING",
                  DB_ARGS(db_text(planning->job), db_int(planning->run), db_int(planning->number), db_text(name),
                          db_double(seconds)),
                  err) &&
           db_run(db,
                  "UPDATE job_steps s SET outputs = '{}', finished = now() FROM tasks t"
                  " WHERE s.job = $1 AND t.job = s.job AND t.number = s.number AND t.kind = 3 AND t.state = 'd'"
                  "   AND s.outputs IS NULL",
                  DB_ARGS(db_text(planning->job)), err);
}

bool step_inputs(struct db *db, const struct task *task, json_t **ret_outputs, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!db_query(db, &rows,
                  "SELECT s.key, s.outputs FROM job_steps s JOIN tasks t ON t.job = s.job AND t.number = s.number"
                  " WHERE s.job = $1 AND s.run = $2::int AND $3::int = ANY(t.consumers) AND s.outputs IS NOT NULL"
                  " ORDER BY s.number",
                  DB_ARGS(db_text(task->job), db_int(task->run), db_int(task->number)), err))
        return false;
    *ret_outputs = json_object();
    for (int i = 0; i < row_count(rows); i++)
        json_object_set_new(*ret_outputs, row_text(rows, i, 0), json_loads(row_text(rows, i, 1), 0, NULL));
    return true;
}

/* ---- children ---- */

bool step_announce(struct db *db, const struct task *planning, const json_t *steps, struct err *err)
{
    const char *key;
    json_t *step;

    json_object_foreach((json_t *)steps, key, step)
        if (!db_run(db, "INSERT INTO job_steps(job, run, key, name) VALUES ($1, $2, $3, $4)",
                    DB_ARGS(db_text(planning->job), db_int(planning->run), db_text(key),
                            db_text(js_text(step, "title"))),
                    err))
            return false;
    return count_work(db, planning, 0, 100 * (int64_t)json_object_size(steps), err);
}

bool step_add_child(struct db *db, const struct task *planning, const char *key, const struct job_input *in,
                    struct err *err)
{
    char id[ID_UUID_SIZE], message[200];

    snprintf(message, sizeof message, "The step '%.150s' begins.", key);
    return job_add_started(db, in, TASK_PLAN, id, err) &&
           db_run(db,
                  "UPDATE jobs c SET parent = p.id, price_work = p.price_work, price_memory = p.price_memory,"
                  "    price_result = p.price_result FROM jobs p WHERE c.id = $1 AND p.id = $2::uuid", DB_ARGS(db_text(id), db_text(planning->job)), err) &&
           db_run(db, "UPDATE job_steps SET child = $3::uuid WHERE job = $1 AND key = $2",
                  DB_ARGS(db_text(planning->job), db_text(key), db_text(id)), err) &&
           job_log_add_at(db, planning->job, planning->number, "info", NULL, message, NULL, err);
}

bool step_finish_child(struct db *db, const struct task *planning, const char *key, const json_t *outputs,
                       struct err *err)
{
    AUTO(mem) char *text = json_dumps(outputs, JSON_COMPACT);
    char message[200];

    snprintf(message, sizeof message, "The step '%.150s' is done.", key);
    return db_run(db, "UPDATE job_steps SET outputs = $3::json, finished = now() WHERE job = $1 AND key = $2",
                  DB_ARGS(db_text(planning->job), db_text(key), db_text(text)), err) &&
           db_run(db, "SELECT job_add_up_steps($1)", DB_ARGS(db_text(planning->job)), err) &&
           job_log_add_at(db, planning->job, planning->number, "info", NULL, message, NULL, err);
}

bool step_end_orphans(struct db *db, int64_t *ret_count, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    *ret_count = 0;
    if (!db_query(db, &rows,
                  "SELECT c.id, c.owner FROM jobs c JOIN jobs p ON p.id = c.parent"
                  " WHERE c.parent IS NOT NULL AND c.state IN (1, 2) AND p.state NOT IN (1, 2) LIMIT 100",
                  DB_NO_ARGS, err))
        return false;
    for (int i = 0; i < row_count(rows); i++) {
        if (!job_cancel(db, row_text(rows, i, 1), row_text(rows, i, 0), err)) {
            if (err->code != ERR_JobNotFound)
                return false;
            err_clear(err); /* somebody deleted it */
        }
        ++*ret_count;
    }
    return true;
}

/* ---- waiting ---- */

bool step_wait(struct db *db, const struct task *planning, const struct step_look *look, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;
    int64_t ended, running, pending;

    if (!db_query(db, &rows,
                  "SELECT count(*) FILTER (WHERE s.outputs IS NOT NULL OR coalesce(j.state, 0) > 2),"
                  "       count(*) FILTER (WHERE s.outputs IS NULL AND (s.number IS NOT NULL OR coalesce(j.state, 5) < 3))"
                  "  FROM job_steps s LEFT JOIN jobs j ON j.id = s.child"
                  " WHERE s.job = $1 AND s.run = $2 AND s.key <> ''",
                  DB_ARGS(db_text(planning->job), db_int(planning->run)), err))
        return false;
    ended = row_int(rows, 0, 0);
    running = row_int(rows, 0, 1);
    pending = running > LOOKS ? running / LOOKS : 1;
    return db_run(db,
                  "UPDATE tasks SET state = CASE WHEN $3::boolean THEN 'r'::\"char\" ELSE 'w' END, pending = $2::int,"
                  "    token = NULL, lease = NULL, worker = NULL, blocks_done = 0 WHERE id = $1",
                  DB_ARGS(db_int(planning->id), db_int(pending), db_bool(ended != look->n_ended)), err) &&
           db_run(db, "SELECT pg_notify('" TASK_CHANNEL "', '')", DB_NO_ARGS, err);
}

/* ---- one ---- */

bool step_load(struct db *db, struct arena *arena, const struct task *task, const char **ret_key, json_t **ret_step,
               struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!db_query(db, &rows, "SELECT key, step FROM job_steps WHERE job = $1 AND run = $2 AND number = $3 AND key <> ''",
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

    return db_run(db, "UPDATE job_steps SET outputs = $4::json, finished = now() WHERE job = $1 AND run = $2 AND number = $3",
                  DB_ARGS(db_text(task->job), db_int(task->run), db_int(task->number), db_text(text)), err);
}

/* ---- for who asks ---- */

bool step_list(struct db *db, const char *job, json_t **ret_list, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!db_query(db, &rows,
                  "SELECT s.key, s.name, CASE WHEN c.id IS NOT NULL THEN c.state WHEN s.outputs IS NOT NULL OR p.state = 3 THEN 3"
                  "    WHEN p.state NOT IN (1, 2, 3) AND s.outputs IS NULL AND coalesce(t.state, 'w') <> 'f' THEN 5"
                  "    ELSE CASE t.state WHEN 'x' THEN 2 WHEN 'd' THEN 3 WHEN 'f' THEN 4 WHEN 'c' THEN 5 ELSE 1 END END,"
                  "  CASE WHEN s.outputs IS NOT NULL OR c.state = 3 OR p.state = 3 THEN 100"
                  "       WHEN c.blocks > 0 THEN least(99, greatest(0, 100.0 * c.blocks_done / c.blocks))::int"
                  "       WHEN t.state = 'x' AND t.blocks > 0 THEN least(99, 100.0 * t.blocks_done / t.blocks)::int ELSE 0 END,"
                  "  coalesce(extract(epoch FROM coalesce(c.started, s.finished - (s.step->>'took')::float8 * interval '1 s',"
                  "    CASE WHEN t.state <> 'r' THEN t.started END)) * 1000, 0)::bigint,"
                  "  coalesce(extract(epoch FROM coalesce(c.finished, s.finished, CASE WHEN s.number IS NULL AND s.child IS NULL THEN p.finished END)) * 1000, 0)::bigint, s.child, c.error_message,"
                  "  s.step->>'tag', s.number, CASE WHEN t.started IS NOT NULL THEN 1 + t.failures + t.losses ELSE 0 END"
                  " FROM job_steps s JOIN jobs p ON p.id = s.job LEFT JOIN jobs c ON c.id = s.child"
                  "   LEFT JOIN tasks t ON t.job = s.job AND t.number = s.number"
                  " WHERE s.job = $1 AND s.key <> '' ORDER BY s.number, s.key",
                  DB_ARGS(db_text(job)), err))
        return false;
    *ret_list = json_array();
    for (int i = 0; i < row_count(rows); i++)
        json_array_append_new(*ret_list, json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:s?, s:s?, s:s?, s:o, s:I}", "key", row_text(rows, i, 0),
                                                   "name", row_text(rows, i, 1), "status", (json_int_t)row_int(rows, i, 2),
                                                   "progress", (json_int_t)row_int(rows, i, 3), "started",
                                                   (json_int_t)row_int(rows, i, 4), "finished", (json_int_t)row_int(rows, i, 5),
                                                   "job", row_text(rows, i, 6), "message", row_text(rows, i, 7), "tag", row_text(rows, i, 8), "task",
                                                   row_text(rows, i, 9) ? json_integer((json_int_t)row_int(rows, i, 9)) : json_null(),
                                                   "tries", (json_int_t)row_int(rows, i, 10)));
    return true;
}
