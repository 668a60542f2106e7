/* SQL on table tasks.
 *
 * A claim is one statement, committed without waiting for the disk: losing it in a crash only runs
 * the task again, and tokens are random, so that none is ever given twice. What settles a task is
 * durable. Claims skip locked rows; everything else locks the job first, then the task.
 * Producers of a task are those that name it among their consumers. */
#include "store/tasks.h"
#include "base/text.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { MAX_LOSSES = 20 };

static void read_task(const PGresult *rows, int row, struct task *task)
{
    *task = (struct task){ .id = row_int(rows, row, 0),
                           .token = row_int(rows, row, 1),
                           .number = (int)row_int(rows, row, 3),
                           .kind = (enum task_kind)row_int(rows, row, 4),
                           .first = row_int(rows, row, 5),
                           .blocks = row_int(rows, row, 6),
                           .blocks_done = row_int(rows, row, 7),
                           .memory_bytes = row_int(rows, row, 8),
                           .failures = (int)row_int(rows, row, 9),
                           .run = (int)row_int(rows, row, 10) };
    snprintf(task->job, sizeof task->job, "%s", row_text(rows, row, 2));
    snprintf(task->owner, sizeof task->owner, "%s", row_text(rows, row, 11));
}

#define COLUMNS                                                                                    \
    "t.id, t.token, t.job, t.number, t.kind, t.first, t.blocks, t.blocks_done, t.memory_bytes,"    \
    " t.failures"

bool task_claim(struct db *db, int64_t worker, const struct task_room *room, int64_t lease_seconds,
                struct task *ret_tasks, size_t most, size_t *ret_count, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    /* the array makes the planner use the index of ready tasks, whatever it thinks of LIMIT; of one claim
     * each task has another token */
    if (!db_query(db, &rows,
                  "WITH t AS ("
                  "  UPDATE tasks SET state = 'x', worker = $1, token = $2::bigint # id, blocks_done = 0,"
                  "      lease = now() + $4::bigint * interval '1 s', started = now()"
                  "  WHERE id = ANY(ARRAY("
                  "    SELECT q.id FROM tasks q"
                  "    WHERE q.state = 'r' AND q.not_before <= now() AND q.memory_bytes <= $3"
                  "      AND (q.kind <> 3 OR (SELECT count(*) FROM tasks WHERE kind = 3 AND state = 'x')"
                  "           < $5::bigint)"
                  "      AND (q.kind = 0 OR NOT $6::boolean)"
                  "    ORDER BY q.class, q.rank, q.id LIMIT $7::bigint FOR UPDATE SKIP LOCKED))"
                  "  RETURNING *),"
                  " running AS ("
                  "  UPDATE jobs j SET state = 2, updated = now(),"
                  "      started = coalesce(j.started, now())"
                  "  FROM t WHERE j.id = t.job AND j.state = 1"
                  "  RETURNING pg_notify('" JOB_CHANNEL "', j.id::text))"
                  " SELECT " COLUMNS ", j.run, j.owner, (SELECT count(*) FROM running)"
                  " FROM t JOIN jobs j ON j.id = t.job ORDER BY t.class, t.rank, t.id",
                  DB_ARGS(db_int(worker), db_int(id_token63()), db_int(room->bytes),
                          db_int(lease_seconds), db_int(room->stagings), db_bool(room->plans_only),
                          db_int((int64_t)most)),
                  err))
        return false;
    *ret_count = (size_t)row_count(rows);
    for (size_t i = 0; i < *ret_count; i++)
        read_task(rows, (int)i, &ret_tasks[i]);
    return true;
}

/* Tells idle workers, and only when there are some: each NOTIFY wakes them all. */
static bool tell_workers(struct db *db, struct err *err)
{
    return db_run(db,
                  "SELECT pg_notify('" TASK_CHANNEL "', '')"
                  " WHERE EXISTS (SELECT 1 FROM workers WHERE idle > 0)",
                  DB_NO_ARGS, err);
}

bool task_return(struct db *db, const struct task *task, struct err *err)
{
    return db_run(db,
                  "UPDATE tasks SET state = 'r', worker = NULL, token = NULL, lease = NULL"
                  " WHERE id = $1 AND token = $2 AND state = 'x'",
                  DB_ARGS(db_int(task->id), db_int(task->token)), err) &&
           tell_workers(db, err);
}

bool task_is_done(struct db *db, const struct task *task, bool *ret_done, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!db_query(db, &rows, "SELECT 1 FROM tasks WHERE id = $1 AND token = $2 AND state = 'd'",
                  DB_ARGS(db_int(task->id), db_int(task->token)), err))
        return false;
    *ret_done = row_count(rows) > 0;
    return true;
}

bool task_hold(struct db *db, struct task *task, enum hold *ret_hold, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;
    bool found;

    *ret_hold = HOLD_LOST;
    if (!db_script(db, "SET LOCAL synchronous_commit TO on", err) ||
        !job_lock(db, task->job, &found, err))
        return false;
    if (!found)
        return true;
    if (!db_query(db, &rows,
                  "SELECT state, blocks_done FROM tasks WHERE id = $1 AND token = $2"
                  "   AND state IN ('x', 'd') FOR UPDATE",
                  DB_ARGS(db_int(task->id), db_int(task->token)), err))
        return false;
    if (row_count(rows) == 0)
        return true;
    *ret_hold = row_text(rows, 0, 0)[0] == 'x' ? HOLD_MINE : HOLD_DONE;
    task->blocks_done = row_int(rows, 0, 1);
    return true;
}

/* Gigabytes times seconds. */
double task_memory_seconds(const struct task *task, double seconds)
{
    return (double)task->held_bytes / 1e9 * seconds;
}

bool task_settle(struct db *db, const struct task *task, double seconds, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!db_run(db,
                "UPDATE tasks SET state = 'd', worker = NULL, lease = NULL, blocks_done = blocks"
                " WHERE id = $1",
                DB_ARGS(db_int(task->id)), err) ||
        !job_add_done(db, task->job,
                      &(struct job_sums){ task->blocks - task->blocks_done, 1, seconds, task_memory_seconds(task, seconds),
                                          task->pixels_read },
                      err) ||
        !db_query(db, &rows,
                  "UPDATE tasks SET pending = pending - 1,"
                  "    state = CASE WHEN pending = 1 AND state = 'w' THEN 'r'::\"char\" ELSE state END"
                  " WHERE job = $1 AND number IN"
                  "       (SELECT unnest(consumers) FROM tasks WHERE id = $2)"
                  " RETURNING state = 'r'",
                  DB_ARGS(db_text(task->job), db_int(task->id)), err))
        return false;
    for (int i = 0; i < row_count(rows); i++)
        if (row_bool(rows, i, 0))
            return tell_workers(db, err);
    return true;
}

bool task_add_plan(struct db *db, const struct job_work *work, const struct task_plan *plan,
                   struct err *err)
{
    AUTO(text) struct text rows = { 0 };
    AUTO(rows) PGresult *before = NULL;
    double rank = work->tag, weight = work->weight > 0 ? work->weight : 1;
    int64_t first = 0, next, last;

    if (!db_query(db, &before, "SELECT 1 + max(number) FROM tasks WHERE job = $1",
                  DB_ARGS(db_text(work->id)), err))
        return false;
    next = row_int(before, 0, 0);
    last = next + (int64_t)plan->n_ranges;
    for (size_t i = 0; i < plan->n_ranges; i++) {
        int64_t blocks = plan->ends[i] - first;
        double seconds = plan->block_seconds * (double)blocks;

        text_printf(&rows,
                    "%s\t%" PRId64 "\t%d\t%d\t%.17g\tr\t0\t{%" PRId64 "}\t%" PRId64 "\t%" PRId64
                    "\t%.6g\n",
                    work->id, next + (int64_t)i, TASK_COMPUTE, work->class, rank, last, first, blocks, seconds);
        rank += seconds / weight;
        first = plan->ends[i];
    }
    text_printf(&rows, "%s\t%" PRId64 "\t%d\t%d\t%.17g\tw\t%zu\t{}\t0\t%" PRId64 "\t%.6g\n", work->id, last,
                TASK_ASSEMBLE, work->class, rank, plan->n_ranges, plan->assemble_blocks,
                plan->block_seconds * (double)plan->assemble_blocks);
    return db_copy_begin(db,
                         "COPY tasks(job, number, kind, class, rank, state, pending, consumers,"
                         "           first, blocks, estimate) FROM STDIN",
                         err) &&
           db_copy_put(db, rows.data, rows.length, err) && db_copy_end(db, err) &&
           tell_workers(db, err);
}

bool task_wait(struct db *db, const struct task *task, int64_t inputs, struct err *err)
{
    return db_run(db,
                  "UPDATE tasks SET state = 'w', pending = $2::int, token = NULL, lease = NULL, worker = NULL, blocks_done = 0"
                  " WHERE id = $1",
                  DB_ARGS(db_int(task->id), db_int(inputs)), err) &&
           tell_workers(db, err);
}

bool task_wait_unplanned(struct db *db, const struct task *task, int64_t inputs, int64_t weight, const char *message,
                         struct err *err)
{
    return task_wait(db, task, inputs, err) &&
           db_run(db,
                  "UPDATE jobs SET n_tasks = n_tasks + $2::int, blocks = greatest(blocks, $2::bigint * $3::bigint),"
                  "    updated = now() WHERE id = $1",
                  DB_ARGS(db_text(task->job), db_int(inputs), db_int(weight)), err) &&
           job_log_add_at(db, task->job, task->number, "info", NULL, message, NULL, err);
}

bool task_reopen(struct db *db, const struct task *task, const int *numbers, size_t n_numbers,
                 struct err *err)
{
    AUTO(text) struct text list = { 0 };

    for (size_t i = 0; i < n_numbers; i++)
        text_printf(&list, "%s%d", i ? "," : "{", numbers[i]);
    text_add(&list, "}");
    return db_run(db,
                  "WITH again AS ("
                  "  UPDATE tasks SET state = 'r', token = NULL, blocks_done = 0"
                  "  WHERE job = $1 AND number = ANY($2::int[]) AND state = 'd' RETURNING blocks)"
                  " UPDATE jobs SET n_done = n_done - (SELECT count(*) FROM again),"
                  "    blocks_done = blocks_done - (SELECT coalesce(sum(blocks), 0) FROM again)"
                  " WHERE id = $1",
                  DB_ARGS(db_text(task->job), db_text(list.data)), err) &&
           db_run(db, "DELETE FROM artefacts WHERE job = $1 AND number = ANY($2::int[])",
                  DB_ARGS(db_text(task->job), db_text(list.data)), err) &&
           job_add_done(db, task->job, &(struct job_sums){ .blocks = -task->blocks_done }, err) &&
           task_wait(db, task, (int64_t)n_numbers, err);
}

struct fail {
    struct task task;
    const struct task_failure *failure;
};

/* Doubling pauses: 1, 2, 4 .. 60 seconds for failures of its own, none when the worker went. */
static bool put_back(struct db *db, const struct task *task, const struct task_failure *f,
                     struct err *err)
{
    return db_run(db,
                  "UPDATE tasks SET state = 'r', worker = NULL, token = NULL, lease = NULL,"
                  "    blocks_done = 0, failures = failures + $2::smallint,"
                  "    losses = losses + $3::smallint,"
                  "    memory_bytes = greatest(memory_bytes, $4),"
                  "    not_before = now() + CASE WHEN $2::smallint = 0 THEN interval '0'"
                  "      ELSE least(interval '1 s' * power(2, failures), interval '60 s') END"
                  " WHERE id = $1",
                  DB_ARGS(db_int(task->id), db_int(!f->lost), db_int(f->lost),
                          db_int(f->memory_bytes)),
                  err) &&
           job_add_done(db, task->job,
                        &(struct job_sums){ -task->blocks_done, 0, f->seconds, task_memory_seconds(task, f->seconds), 0 },
                        err) &&
           job_log_add_at(db, task->job, task->number, "warning", err_name(f->code), f->message,
                          NULL, err) &&
           tell_workers(db, err);
}

static bool give_up(struct db *db, const struct task *task, const struct task_failure *f,
                    const char *message, struct err *err)
{
    json_t *data = f->node ? json_pack("{s:s}", "node", f->node) : NULL;
    bool good = db_run(db,
                       "UPDATE tasks SET state = 'f', worker = NULL, token = NULL, lease = NULL"
                       " WHERE id = $1",
                       DB_ARGS(db_int(task->id)), err) &&
                job_add_done(db, task->job,
                             &(struct job_sums){ .seconds = f->seconds, .memory_seconds = task_memory_seconds(task, f->seconds) },
                             err) &&
                job_log_add_at(db, task->job, task->number, "error", err_name(f->code), message,
                               data, err) &&
                job_end(db, task->job, JOB_ERROR, err_name(f->code), message, f->node, 0, err);

    json_decref(data);
    return good;
}

static bool fail(struct db *db, void *arg, struct err *err)
{
    struct fail *a = arg;
    const struct task_failure *f = a->failure;
    AUTO(rows) PGresult *rows = NULL;
    AUTO(mem) char *message = NULL;
    enum hold hold;
    int64_t failures, losses;

    if (!task_hold(db, &a->task, &hold, err))
        return false;
    if (hold != HOLD_MINE)
        return true;
    if (!db_query(db, &rows, "SELECT failures, losses FROM tasks WHERE id = $1",
                  DB_ARGS(db_int(a->task.id)), err))
        return false;
    failures = row_int(rows, 0, 0);
    losses = row_int(rows, 0, 1);
    if (f->retry && (f->lost ? losses < MAX_LOSSES : failures + 1 < f->max_failures))
        return put_back(db, &a->task, f, err);
    message = f->retry ? mem_printf("%s (tried %" PRId64 " times)", f->message,
                                    failures + losses + 1)
                       : mem_text(f->message);
    return give_up(db, &a->task, f, message, err);
}

bool task_fail(struct db *db, const struct task *task, const struct task_failure *failure,
               struct err *err)
{
    struct fail arg = { *task, failure };

    return db_transact(db, fail, &arg, err);
}

struct progress {
    const struct task *task;
    int64_t blocks_done;
};

static bool progress(struct db *db, void *arg, struct err *err)
{
    const struct progress *p = arg;
    bool found;

    if (!job_lock(db, p->task->job, &found, err))
        return false;
    if (!found)
        return true;
    return db_run(db,
                  "WITH old AS (SELECT id, job, blocks_done FROM tasks"
                  "             WHERE id = $1 AND token = $2 AND state = 'x' FOR UPDATE),"
                  " task AS (UPDATE tasks SET blocks_done = $3::int FROM old"
                  "          WHERE tasks.id = old.id)"
                  " UPDATE jobs SET blocks_done = jobs.blocks_done + $3::int - old.blocks_done,"
                  "    updated = now() FROM old WHERE jobs.id = old.job",
                  DB_ARGS(db_int(p->task->id), db_int(p->task->token), db_int(p->blocks_done)), err);
}

bool task_progress(struct db *db, const struct task *task, int64_t blocks_done, struct err *err)
{
    return db_transact(db, progress, &(struct progress){ task, blocks_done }, err);
}

bool task_list_lost(struct db *db, int64_t worker, struct task *tasks, size_t room,
                    size_t *ret_count, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!db_query(db, &rows,
                  "SELECT " COLUMNS ", j.run, j.owner FROM tasks t JOIN jobs j ON j.id = t.job"
                  " WHERE t.state = 'x' AND CASE WHEN $1::bigint = 0 THEN t.lease < now()"
                  "                              ELSE t.worker = $1 END"
                  " ORDER BY t.id LIMIT $2::bigint",
                  DB_ARGS(db_int(worker), db_int((int64_t)room)), err))
        return false;
    *ret_count = (size_t)row_count(rows);
    for (size_t i = 0; i < *ret_count; i++)
        read_task(rows, (int)i, &tasks[i]);
    return true;
}
