/* SQL that changes jobs, but for their start (job_start.c) and their good end (job_finish.c). Whatever changes a job
 * and its tasks together locks the job's row first: one order, so no deadlocks between owners who cancel and tasks
 * that finish. */
#include "store/job_rows.h"
#include <stdio.h>
#include <stdlib.h>

static const char *const state_names[] = { "created", "queued", "running",
                                           "finished", "error", "canceled" };

const char *job_state_name(enum job_state state)
{
    return state_names[state];
}

bool job_not_found(const char *id, struct err *err)
{
    return err_set(err, ERR_JobNotFound, "The job '%.60s' does not exist.", id);
}

/* Locks the row of an owner's job and tells its state. */
bool job_lock_owned(struct db *db, const char *owner, const char *id, enum job_state *ret_state,
                       int64_t *ret_class, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!id_is_uuid(id))
        return job_not_found(id, err);
    if (!db_query(db, &rows,
                  "SELECT state, class FROM jobs WHERE id = $1 AND owner = $2 FOR UPDATE",
                  DB_ARGS(db_text(id), db_text(owner)), err))
        return false;
    if (row_count(rows) == 0)
        return job_not_found(id, err);
    *ret_state = (enum job_state)row_int(rows, 0, 0);
    *ret_class = row_int(rows, 0, 1);
    return true;
}

bool job_is_active(enum job_state state)
{
    return state == JOB_QUEUED || state == JOB_RUNNING;
}

bool job_refuse_locked(enum job_state state, struct err *err)
{
    return err_set(err, ERR_JobLocked, "The job is %s: wait for its end or cancel it.",
                   job_state_name(state));
}

bool job_notify(struct db *db, const char *id, struct err *err)
{
    return db_run(db, "SELECT pg_notify('" JOB_CHANNEL "', $1)", DB_ARGS(db_text(id)), err);
}

bool job_delete_children(struct db *db, const char *id, struct err *err)
{
    return db_run(db,
                  "WITH gone AS (DELETE FROM jobs WHERE parent = $1 RETURNING id, run)"
                  " SELECT pg_notify('" JOB_ENDED_CHANNEL "', id || ' ' || run || ' deleted') FROM gone",
                  DB_ARGS(db_text(id)), err);
}

/* --- by their owners ------------------------------------------------------------------------------ */

struct change {
    const char *owner, *id;
    const struct job_input *in;
};

static bool update(struct db *db, void *arg, struct err *err)
{
    const struct change *c = arg;
    AUTO(mem) char *process = row_json_dump(c->in->process), *arguments = row_json_dump(c->in->arguments);
    AUTO(mem) char *request = row_json_dump(c->in->request);
    enum job_state state;
    int64_t class;

    if (!job_lock_owned(db, c->owner, c->id, &state, &class, err))
        return false;
    if (job_is_active(state))
        return job_refuse_locked(state, err);
    return db_run(db,
                  "UPDATE jobs SET title = coalesce($2, title),"
                  "    description = coalesce($3, description),"
                  "    process = coalesce($4::json, process),"
                  "    arguments = coalesce($5::json, arguments),"
                  "    request = coalesce($6::json, request), updated = now()"
                  " WHERE id = $1",
                  DB_ARGS(db_text(c->id), db_text(c->in->title), db_text(c->in->description),
                          db_text(process), db_text(arguments), db_text(request)),
                  err);
}

bool job_update(struct db *db, const char *owner, const char *id, const struct job_input *change,
                struct err *err)
{
    return db_transact(db, update, &(struct change){ owner, id, change }, err);
}

static bool cancel(struct db *db, void *arg, struct err *err)
{
    const struct change *c = arg;
    enum job_state state;
    int64_t class;

    if (!job_lock_owned(db, c->owner, c->id, &state, &class, err))
        return false;
    if (!job_is_active(state))
        return true;
    return job_end(db, c->id, JOB_CANCELED, NULL, NULL, NULL, 0, err) &&
           job_log_add(db, c->id, "info", NULL, "The job was canceled.", err);
}

bool job_cancel(struct db *db, const char *owner, const char *id, struct err *err)
{
    return db_transact(db, cancel, &(struct change){ owner, id, NULL }, err);
}

static bool delete(struct db *db, void *arg, struct err *err)
{
    const struct change *c = arg;

    return cancel(db, arg, err) && job_delete_children(db, c->id, err) &&
           db_run(db,
                  "WITH gone AS (DELETE FROM jobs WHERE id = $1 RETURNING id, run)"
                  " SELECT pg_notify('" JOB_ENDED_CHANNEL "', id || ' ' || run || ' deleted'),"
                  "        pg_notify('" JOB_CHANNEL "', id::text) FROM gone",
                  DB_ARGS(db_text(c->id)), err);
}

bool job_delete(struct db *db, const char *owner, const char *id, struct err *err)
{
    return db_transact(db, delete, &(struct change){ owner, id, NULL }, err);
}

/* --- for workers -------------------------------------------------------------------------------- */

static char *text_or_none(const PGresult *rows, int column)
{
    const char *text = row_text(rows, 0, column);

    return text ? mem_text(text) : NULL;
}

bool job_load_work(struct db *db, const char *id, struct job_work *ret_work, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!db_query(db, &rows,
                  "SELECT j.run, j.class, j.process, j.arguments, j.scenes, j.tag, u.weight, j.owner,"
                  "       j.face = '" JOB_FACE_SYNC "', coalesce(j.request->>'dialect', ''),"
                  "       CASE WHEN j.face = '" JOB_FACE_SYNC "' THEN j.request -> 'picture' END,"
                  "       j.process_id IS NOT NULL AND j.face LIKE 'ogc%', j.title, j.description, j.process_id,"
                  "       j.face = '" JOB_FACE_STEP "'"
                  " FROM jobs j JOIN users u ON u.id = j.owner WHERE j.id = $1",
                  DB_ARGS(db_text(id)), err))
        return false;
    if (row_count(rows) == 0)
        return job_not_found(id, err);
    *ret_work = (struct job_work){ .run = (int)row_int(rows, 0, 0),
                                   .class = (enum job_class)row_int(rows, 0, 1),
                                   .only_result = row_bool(rows, 0, 8),
                                   .may_run_commands = row_bool(rows, 0, 11),
                                   .is_step = row_bool(rows, 0, 15),
                                   .process = row_json(rows, 0, 2),
                                   .arguments = row_json(rows, 0, 3),
                                   .scenes = row_json(rows, 0, 4),
                                   .picture = row_json(rows, 0, 10),
                                   .tag = row_double(rows, 0, 5),
                                   .weight = row_double(rows, 0, 6) };
    snprintf(ret_work->id, sizeof ret_work->id, "%s", id);
    snprintf(ret_work->owner, sizeof ret_work->owner, "%s", row_text(rows, 0, 7));
    ret_work->title = text_or_none(rows, 12);
    ret_work->description = text_or_none(rows, 13);
    ret_work->process_id = text_or_none(rows, 14);
    snprintf(ret_work->dialect, sizeof ret_work->dialect, "%s", row_text(rows, 0, 9));
    return true;
}

void job_work_done(struct job_work *work)
{
    json_decref(work->process);
    json_decref(work->arguments);
    json_decref(work->scenes);
    json_decref(work->picture);
    free(work->title);
    free(work->description);
    free(work->process_id);
    *work = (struct job_work){ 0 };
}

bool job_lock(struct db *db, const char *id, bool *ret_found, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!db_query(db, &rows, "SELECT 1 FROM jobs WHERE id = $1 FOR NO KEY UPDATE",
                  DB_ARGS(db_text(id)), err))
        return false;
    *ret_found = row_count(rows) > 0;
    return true;
}

/* Moves the owner's virtual time from what was charged to `seconds` ($2; NULL: the real cost). */
#define CHARGE                                                                                     \
    "WITH new AS (SELECT id, owner, charged, coalesce($2::float8, cost_seconds) AS cost"           \
    "             FROM jobs WHERE id = $1),"                                                       \
    " moved AS (UPDATE users SET last_tag = last_tag + (new.cost - new.charged) / weight"          \
    "           FROM new WHERE users.id = new.owner)"                                              \
    " UPDATE jobs SET charged = new.cost FROM new WHERE jobs.id = new.id"

bool job_set_planned(struct db *db, const char *id, const struct job_planned *planned,
                     struct err *err)
{
    AUTO(mem) char *scenes = row_json_dump(planned->scenes), *estimate = row_json_dump(planned->estimate);
    AUTO(mem) char *processes = row_json_dump(planned->processes);

    return db_run(db, CHARGE, DB_ARGS(db_text(id), db_double(planned->seconds)), err) &&
           db_run(db,
                  "UPDATE jobs SET scenes = $2::json, estimate = $3::json, processes = $6::json, updated = now(),"
                  "    blocks = $4 + s.blocks, n_tasks = $5 + s.n"
                  "  FROM (SELECT count(*) AS n, coalesce(sum(blocks), 0) AS blocks FROM tasks"
                  "         WHERE job = $1 AND kind = 3) s WHERE id = $1",
                  DB_ARGS(db_text(id), db_text(scenes), db_text(estimate), db_int(planned->blocks),
                          db_int(planned->n_tasks), db_text(processes)),
                  err);
}

bool job_add_done(struct db *db, const char *id, const struct job_sums *more, struct err *err)
{
    return db_run(db,
                  "UPDATE jobs SET blocks_done = blocks_done + $2, n_done = n_done + $3,"
                  "    cost_seconds = cost_seconds + $4, memory_seconds = memory_seconds + $5,"
                  "    pixels_read = pixels_read + $6, updated = now()"
                  " WHERE id = $1",
                  DB_ARGS(db_text(id), db_int(more->blocks), db_int(more->tasks), db_double(more->seconds),
                          db_double(more->memory_seconds), db_int(more->pixels_read)),
                  err);
}

bool job_end(struct db *db, const char *id, enum job_state state, const char *code,
             const char *message, const char *node, int64_t keep_seconds, struct err *err)
{
    return db_run(db,
                  "WITH ended AS (UPDATE jobs SET state = $2, error_code = $3, error_message = $4,"
                  "    error_node = $5, finished = now(), updated = now(),"
                  "    expires = CASE WHEN $6::bigint > 0 THEN now() + $6 * interval '1 s' END"
                  "    WHERE id = $1 RETURNING parent),"
                  " woken AS (UPDATE tasks t SET pending = pending - 1,"
                  "    state = CASE WHEN pending <= 1 AND t.state = 'w' THEN 'r'::\"char\" ELSE t.state END"
                  "    FROM ended WHERE ended.parent IS NOT NULL AND t.job = ended.parent AND t.number = 0 RETURNING 1)"
                  " SELECT pg_notify('" TASK_CHANNEL "', '') FROM woken",
                  DB_ARGS(db_text(id), db_int(state), db_text(code), db_text(message),
                          db_text(node), db_int(keep_seconds)),
                  err) &&
           db_run(db, CHARGE, DB_ARGS(db_text(id), db_text(NULL)), err) &&
           db_run(db,
                  "UPDATE tasks SET state = 'c', token = NULL, lease = NULL, worker = NULL"
                  " WHERE job = $1 AND state IN ('w', 'r', 'x')",
                  DB_ARGS(db_text(id)), err) &&
           db_run(db, "DELETE FROM artefacts WHERE job = $1", DB_ARGS(db_text(id)), err) &&
           db_run(db,
                  "SELECT pg_notify('" JOB_ENDED_CHANNEL "', id || ' ' || run || ' ' || $2)"
                  " FROM jobs WHERE id = $1",
                  DB_ARGS(db_text(id), db_text(job_state_name(state))), err) &&
           job_notify(db, id, err);
}
