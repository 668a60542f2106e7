/* SQL on table jobs. Whatever changes a job and its tasks together locks the job's row first: one
 * order, so no deadlocks between owners who cancel and tasks that finish. */
#include "store/budgets.h"
#include "store/compose.h"
#include "base/text.h"
#include "json/js.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* What a job is charged in its owner's virtual time until planning knows better. */
#define FIRST_GUESS "1"

enum { PLANNING = 0 }; /* TASK_PLAN: the first task of a job */

static const char *const state_names[] = { "created", "queued", "running",
                                           "finished", "error", "canceled" };

const char *job_state_name(enum job_state state)
{
    return state_names[state];
}

static bool not_found(const char *id, struct err *err)
{
    return err_set(err, ERR_JobNotFound, "The job '%.60s' does not exist.", id);
}

/* NULL for SQL NULL; the text is the database's own, so it parses. */
static json_t *row_json(const PGresult *rows, int row, int column)
{
    const char *text = row_text(rows, row, column);

    return text ? json_loads(text, JSON_DECODE_ANY, NULL) : NULL;
}

static char *dump(const json_t *value)
{
    return value ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
}

/* --- making and starting ------------------------------------------------------------------------ */

bool job_insert(struct db *db, const struct job_input *in, char ret_id[static ID_UUID_SIZE],
                struct err *err)
{
    AUTO(mem) char *process = dump(in->process), *arguments = dump(in->arguments);
    AUTO(mem) char *request = dump(in->request);

    id_uuid(ret_id);
    return db_run(db,
                  "INSERT INTO jobs(id, owner, face, process_id, title, description, process,"
                  "                 arguments, request, class)"
                  " VALUES ($1, $2, $3, $4, $5, $6, $7::json, $8::json, $9::json, $10)",
                  DB_ARGS(db_text(ret_id), db_text(in->owner), db_text(in->face),
                          db_text(in->process_id), db_text(in->title), db_text(in->description),
                          db_text(process ? process : "null"), db_text(arguments),
                          db_text(request), db_int(in->class)),
                  err);
}

bool job_insert_finished(struct db *db, const struct job_input *in, int64_t keep_seconds, char ret_id[static ID_UUID_SIZE],
                         struct err *err)
{
    AUTO(mem) char *process = dump(in->process), *arguments = dump(in->arguments), *request = dump(in->request);

    id_uuid(ret_id);
    return db_run(db,
                  "INSERT INTO jobs(id, owner, face, process_id, title, process, arguments, request, class, state, run,"
                  "                 queued, started, finished, catalogued, expires)"
                  " VALUES ($1, $2, $3, $4, $5, $6::json, $7::json, $8::json, $9, 3, 1, now(), now(), now(), true,"
                  "         CASE WHEN $10::bigint > 0 THEN now() + $10 * interval '1 s' END)",
                  DB_ARGS(db_text(ret_id), db_text(in->owner), db_text(in->face), db_text(in->process_id), db_text(in->title),
                          db_text(process), db_text(arguments), db_text(request), db_int(in->class), db_int(keep_seconds)),
                  err);
}

/* The owner's virtual time starts no earlier than the queue is now: who was away saves up nothing. */
static bool open_tag(struct db *db, const char *owner, int64_t class, double *ret_tag,
                     struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!db_query(db, &rows,
                  "UPDATE users SET last_tag = " FIRST_GUESS " / weight + greatest(last_tag, coalesce("
                  "    (SELECT min(rank) FROM tasks WHERE state = 'r' AND class = $2::smallint),"
                  "    (SELECT max(last_tag) FROM users)))"
                  " WHERE id = $1 RETURNING last_tag - " FIRST_GUESS " / weight",
                  DB_ARGS(db_text(owner), db_int(class)), err))
        return false;
    *ret_tag = row_count(rows) ? row_double(rows, 0, 0) : 0;
    return true;
}

bool job_owner(struct db *db, struct arena *arena, const char *id, const char **ret_owner, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!db_query(db, &rows, "SELECT owner FROM jobs WHERE id = $1", DB_ARGS(db_text(id)), err))
        return false;
    if (row_count(rows) == 0)
        return not_found(id, err);
    *ret_owner = arena_text(arena, row_text(rows, 0, 0));
    return true;
}

static bool notify_state(struct db *db, const char *id, struct err *err)
{
    return db_run(db, "SELECT pg_notify('" JOB_CHANNEL "', $1)", DB_ARGS(db_text(id)), err);
}

static bool notify_ready(struct db *db, struct err *err)
{
    return db_run(db,
                  "SELECT pg_notify('" TASK_CHANNEL "', '')"
                  " WHERE EXISTS (SELECT 1 FROM workers WHERE idle > 0)",
                  DB_NO_ARGS, err);
}

/* The owner's row is locked by now (open_tag), so nobody else counts at the same time. */
static bool check_most(struct db *db, const char *owner, int64_t most, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (most <= 0)
        return true;
    if (!db_query(db, &rows,
                  "SELECT count(*) FROM (SELECT 1 FROM jobs WHERE owner = $1 AND state IN (1, 2) AND parent IS NULL"
                  "                       LIMIT $2::bigint) j",
                  DB_ARGS(db_text(owner), db_int(most)), err))
        return false;
    return row_int(rows, 0, 0) < most ||
           err_set(err, ERR_TooManyRequests,
                   "You have %" PRId64 " jobs that are queued or running, which is the most: wait for one to end.",
                   most);
}

/* The row is locked and in a state that may start. */
static bool enqueue(struct db *db, const char *owner, const char *id, int64_t class, int kind,
                    int64_t delay_s, const struct job_terms *terms, struct err *err)
{
    static const struct job_terms free_of_charge = { -1, -1, -1, -1, 0 };
    double tag;

    terms = terms ? terms : &free_of_charge;
    if (!open_tag(db, owner, class, &tag, err) || !check_most(db, owner, terms->most_jobs, err))
        return false;
    return db_run(db,
                  "UPDATE jobs SET state = 1, run = run + 1, tag = $2, charged = " FIRST_GUESS ","
                  "    updated = now(), queued = now(), started = NULL, finished = NULL,"
                  "    expires = NULL,"
                  "    error_code = NULL, error_message = NULL, error_node = NULL,"
                  "    scenes = NULL, estimate = NULL, processes = NULL, exports = NULL, n_tasks = 1, n_done = 0, blocks = 0,"
                  "    blocks_done = 0, cost_seconds = 0, memory_seconds = 0,"
                  "    price_work = nullif($3::float8, -1), price_memory = nullif($4::float8, -1),"
                  "    price_result = nullif($5::float8, -1), budget = nullif($6::float8, -1)"
                  " WHERE id = $1",
                  DB_ARGS(db_text(id), db_double(tag), db_double(terms->work_second),
                          db_double(terms->memory_gb_second), db_double(terms->result_gb),
                          db_double(terms->budget < 0 ? -1 : terms->budget)),
                  err) &&
           db_run(db,
                  "INSERT INTO tasks(job, number, kind, class, rank, state, estimate, not_before)"
                  " VALUES ($1, 0, $4::smallint, $2::smallint, $3, 'r', " FIRST_GUESS ","
                  "         CASE WHEN $5 > 0 THEN now() + $5::int * interval '1 s' ELSE '-infinity' END)",
                  DB_ARGS(db_text(id), db_int(class), db_double(tag), db_int(kind), db_int(delay_s)), err) &&
           notify_ready(db, err) && notify_state(db, id, err);
}

struct start {
    const char *owner, *id;
    const struct job_terms *terms;
    const struct job_input *in; /* submit: insert first */
    char *ret_id;
};

bool job_add_started(struct db *db, const struct job_input *in, int kind,
                     char ret_id[static ID_UUID_SIZE], struct err *err)
{
    return job_insert(db, in, ret_id, err) && enqueue(db, in->owner, ret_id, in->class, kind, in->delay_s, in->terms, err);
}

static bool submit(struct db *db, void *arg, struct err *err)
{
    const struct start *s = arg;

    return job_add_started(db, s->in, PLANNING, s->ret_id, err);
}

bool job_submit(struct db *db, const struct job_input *in, char ret_id[static ID_UUID_SIZE],
                struct err *err)
{
    return db_transact(db, submit, &(struct start){ .in = in, .ret_id = ret_id }, err);
}

/* Locks the row of an owner's job and tells its state. */
static bool lock_owned(struct db *db, const char *owner, const char *id, enum job_state *ret_state,
                       int64_t *ret_class, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!id_is_uuid(id))
        return not_found(id, err);
    if (!db_query(db, &rows,
                  "SELECT state, class FROM jobs WHERE id = $1 AND owner = $2 FOR UPDATE",
                  DB_ARGS(db_text(id), db_text(owner)), err))
        return false;
    if (row_count(rows) == 0)
        return not_found(id, err);
    *ret_state = (enum job_state)row_int(rows, 0, 0);
    *ret_class = row_int(rows, 0, 1);
    return true;
}

static bool is_active(enum job_state state)
{
    return state == JOB_QUEUED || state == JOB_RUNNING;
}

static bool locked(enum job_state state, struct err *err)
{
    return err_set(err, ERR_JobLocked, "The job is %s: wait for its end or cancel it.",
                   job_state_name(state));
}

/* The jobs that did the steps of an earlier run, or of one that goes. */
static bool delete_children(struct db *db, const char *id, struct err *err)
{
    return db_run(db,
                  "WITH gone AS (DELETE FROM jobs WHERE parent = $1 RETURNING id, run)"
                  " SELECT pg_notify('" JOB_ENDED_CHANNEL "', id || ' ' || run || ' deleted') FROM gone",
                  DB_ARGS(db_text(id)), err);
}

static bool start(struct db *db, void *arg, struct err *err)
{
    const struct start *s = arg;
    enum job_state state;
    int64_t class;

    if (!lock_owned(db, s->owner, s->id, &state, &class, err))
        return false;
    if (is_active(state))
        return locked(state, err);
    return db_run(db, "DELETE FROM tasks WHERE job = $1", DB_ARGS(db_text(s->id)), err) &&
           db_run(db, "DELETE FROM artefacts WHERE job = $1", DB_ARGS(db_text(s->id)), err) &&
           db_run(db, "DELETE FROM job_assets WHERE job = $1", DB_ARGS(db_text(s->id)), err) &&
           delete_children(db, s->id, err) &&
           enqueue(db, s->owner, s->id, class, PLANNING, 0, s->terms, err);
}

bool job_start(struct db *db, const char *owner, const char *id, const struct job_terms *terms,
               struct err *err)
{
    return db_transact(db, start, &(struct start){ .owner = owner, .id = id, .terms = terms }, err);
}

/* --- reading ------------------------------------------------------------------------------------ */

#define COLUMNS                                                                                    \
    "j.id, j.face, j.process_id, j.title, j.description, j.request, j.state, j.class,"             \
    " CASE WHEN j.state = 3 THEN 100 WHEN j.blocks = 0 THEN 0"                                     \
    "      ELSE least(100, greatest(0, 100.0 * j.blocks_done / j.blocks)) END,"                    \
    " j.error_code, j.error_message, j.created, j.updated, j.started, j.finished, j.expires,"      \
    " j.estimate, j.cost_seconds, j.n_tasks, j.n_done, j.queued, j.memory_seconds,"                \
    " j.price_work IS NOT NULL, " JOB_COSTS ", j.processes, j.exports"
enum { N_COLUMNS = 26 };

/* Why a job that could run does not. */
#define WAITING                                                                                    \
    " (SELECT CASE"                                                                                \
    "    WHEN t.kind = 3 OR EXISTS (SELECT 1 FROM tasks x WHERE x.job = j.id AND x.kind = 3"       \
    "                               AND x.state IN ('r', 'x'))"                                    \
    "      THEN (SELECT 'Staging ' || count(*) || ' product' || CASE WHEN count(*) > 1 THEN 's'"   \
    "              ELSE '' END || ' from tape.' FROM tasks x WHERE x.job = j.id AND x.kind = 3"    \
    "              AND x.state IN ('r', 'x'))"                                                     \
    "    WHEN EXISTS (SELECT 1 FROM tasks x WHERE x.job = j.id AND x.state = 'x') THEN NULL"       \
    "    WHEN NOT EXISTS (SELECT 1 FROM workers w WHERE w.seen > now() - interval '30 s')"         \
    "      THEN 'No worker is running.'"                                                           \
    "    WHEN t.not_before > now() THEN CASE WHEN t.failures = 0 THEN 'It is to begin later.'"     \
    "      ELSE 'It failed and waits before it is tried again.' END"                               \
    "    WHEN t.memory_bytes > (SELECT max(w.slots * w.slot_bytes) FROM workers w)"                \
    "      THEN 'No worker has ' || pg_size_pretty(t.memory_bytes) || ' of memory.'"               \
    "    WHEN EXISTS (SELECT 1 FROM tasks o WHERE o.state = 'r'"                                   \
    "                 AND (o.class, o.rank, o.id) < (t.class, t.rank, t.id))"                      \
    "      THEN 'Other jobs are before it.'"                                                       \
    "    ELSE 'All workers are busy.' END"                                                         \
    "  FROM tasks t WHERE t.job = j.id AND (t.state = 'r' OR t.kind = 3 AND t.state = 'x')"        \
    "  ORDER BY t.class, t.rank, t.id LIMIT 1)"

static void read_job(const PGresult *rows, int row, struct arena *arena, struct job *job)
{
    *job = (struct job){ 0 };
    snprintf(job->id, sizeof job->id, "%s", row_text(rows, row, 0));
    job->face = arena_text(arena, row_text(rows, row, 1));
    job->process_id = arena_text(arena, row_text(rows, row, 2));
    job->title = arena_text(arena, row_text(rows, row, 3));
    job->description = arena_text(arena, row_text(rows, row, 4));
    job->request = row_json(rows, row, 5);
    job->state = (enum job_state)row_int(rows, row, 6);
    job->class = (enum job_class)row_int(rows, row, 7);
    job->progress = row_double(rows, row, 8);
    job->error_code = arena_text(arena, row_text(rows, row, 9));
    job->error_message = arena_text(arena, row_text(rows, row, 10));
    job->created = row_instant(rows, row, 11);
    job->updated = row_instant(rows, row, 12);
    job->queued = row_instant(rows, row, 20);
    job->started = row_instant(rows, row, 13);
    job->finished = row_instant(rows, row, 14);
    job->expires = row_instant(rows, row, 15);
    job->estimate = row_json(rows, row, 16);
    job->cost_seconds = row_double(rows, row, 17);
    job->n_tasks = row_int(rows, row, 18);
    job->n_done = row_int(rows, row, 19);
    job->memory_seconds = row_double(rows, row, 21);
    job->is_priced = row_bool(rows, row, 22);
    job->costs = row_double(rows, row, 23);
    job->processes = row_json(rows, row, 24);
    job->exports = row_json(rows, row, 25);
}

void job_done(struct job *job)
{
    json_decref(job->process);
    json_decref(job->arguments);
    json_decref(job->request);
    json_decref(job->estimate);
    json_decref(job->processes);
    json_decref(job->exports);
    job->process = job->arguments = job->request = job->estimate = job->processes = job->exports = NULL;
}

bool job_load(struct db *db, struct arena *arena, const char *owner, const char *id,
              struct job *ret_job, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!id_is_uuid(id))
        return not_found(id, err);
    if (!db_query(db, &rows,
                  "SELECT " COLUMNS ", j.process, j.arguments,"
                  " CASE WHEN j.state IN (1, 2) THEN " WAITING " END"
                  " FROM jobs j WHERE j.id = $1 AND ($2::uuid IS NULL OR j.owner = $2)",
                  DB_ARGS(db_text(id), db_text(owner)), err))
        return false;
    if (row_count(rows) == 0)
        return not_found(id, err);
    read_job(rows, 0, arena, ret_job);
    ret_job->process = row_json(rows, 0, N_COLUMNS);
    ret_job->arguments = row_json(rows, 0, N_COLUMNS + 1);
    ret_job->waiting = arena_text(arena, row_text(rows, 0, N_COLUMNS + 2));
    return true;
}

/* One value is compared by equality, so that an index in the order of the list serves it; several by their array. */
static void add_processes(struct composed *c, const struct job_filter *f, struct text *list)
{
    if (f->n_process_ids == 0)
        return;
    for (size_t i = 0; i < f->n_process_ids; i++)
        text_printf(list, "%s%s", i ? "\n" : "", f->process_ids[i]);
    compose(c, f->n_process_ids == 1 ? " AND j.process_id = ?" : " AND j.process_id = ANY(string_to_array(?, E'\\n'))",
            compose_arg(c, db_text(list->data)));
}

static void add_states(struct composed *c, const struct job_filter *f)
{
    if (!f->states)
        return;
    for (unsigned state = 0; state <= JOB_CANCELED; state++) {
        if (f->states == 1u << state) {
            compose(c, " AND j.state = ?::smallint", compose_arg(c, db_int(state)));
            return;
        }
    }
    compose(c, " AND (1 << j.state) & ?::int <> 0", compose_arg(c, db_int(f->states)));
}

static void add_times(struct composed *c, const struct job_filter *f)
{
    if (f->created_after)
        compose(c, " AND j.created >= ?::timestamptz", compose_arg(c, db_instant(f->created_after)));
    if (f->created_before) /* as it is told */
        compose(c, " AND j.created < ?::timestamptz + interval '1 ms'", compose_arg(c, db_instant(f->created_before)));
    if (f->by_seconds)
        compose(c, " AND extract(epoch FROM coalesce(j.finished, now()) - j.started) BETWEEN ?::float8 AND ?::float8",
                compose_arg(c, db_double(f->least_seconds)), compose_arg(c, db_double(f->most_seconds)));
}

bool job_list(struct db *db, struct arena *arena, const char *owner, const struct job_filter *f,
              struct job *jobs, size_t *ret_count, bool *ret_more, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;
    AUTO(text) struct text processes = { 0 };
    AUTO_COMPOSED c = { 0 };
    int own;
    size_t count;

    if (f->after && !id_is_uuid(f->after))
        return err_set(err, ERR_InvalidParameter, "The page starts after an unknown job.");
    own = compose_arg(&c, db_text(owner));
    compose(&c, "SELECT " COLUMNS " FROM jobs j WHERE j.owner = ?::uuid", own);
    if (f->face)
        compose(&c, " AND j.face = ?", compose_arg(&c, db_text(f->face)));
    add_processes(&c, f, &processes);
    if (f->only)
        compose(&c, f->only == JOBS_OF_GRAPHS ? " AND j.process_id IS NULL" : " AND j.process_id IS NOT NULL");
    add_states(&c, f);
    add_times(&c, f);
    if (f->after)
        compose(&c, " AND (j.created, j.id) < (SELECT a.created, a.id FROM jobs a WHERE a.id = ?::uuid AND a.owner = ?::uuid)",
                compose_arg(&c, db_text(f->after)), own);
    compose(&c, " ORDER BY j.created DESC, j.id DESC LIMIT ?::bigint + 1", compose_arg(&c, db_int(f->limit)));
    if (!composed_run(db, &c, &rows, err))
        return false;
    count = (size_t)row_count(rows);
    *ret_more = count > (size_t)f->limit;
    *ret_count = *ret_more ? (size_t)f->limit : count;
    for (size_t i = 0; i < *ret_count; i++)
        read_job(rows, (int)i, arena, &jobs[i]);
    return true;
}

/* --- changing ----------------------------------------------------------------------------------- */

struct change {
    const char *owner, *id;
    const struct job_input *in;
};

static bool update(struct db *db, void *arg, struct err *err)
{
    const struct change *c = arg;
    AUTO(mem) char *process = dump(c->in->process), *arguments = dump(c->in->arguments);
    AUTO(mem) char *request = dump(c->in->request);
    enum job_state state;
    int64_t class;

    if (!lock_owned(db, c->owner, c->id, &state, &class, err))
        return false;
    if (is_active(state))
        return locked(state, err);
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

    if (!lock_owned(db, c->owner, c->id, &state, &class, err))
        return false;
    if (!is_active(state))
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

    return cancel(db, arg, err) && delete_children(db, c->id, err) &&
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

bool job_load_work(struct db *db, const char *id, struct job_work *ret_work, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!db_query(db, &rows,
                  "SELECT j.run, j.class, j.process, j.arguments, j.scenes, j.tag, u.weight, j.owner,"
                  "       j.face = '" JOB_FACE_SYNC "', coalesce(j.request->>'dialect', ''),"
                  "       CASE WHEN j.face = '" JOB_FACE_SYNC "' THEN j.request -> 'picture' END,"
                  "       j.process_id IS NOT NULL AND j.face LIKE 'ogc%'"
                  " FROM jobs j JOIN users u ON u.id = j.owner WHERE j.id = $1",
                  DB_ARGS(db_text(id)), err))
        return false;
    if (row_count(rows) == 0)
        return not_found(id, err);
    *ret_work = (struct job_work){ .run = (int)row_int(rows, 0, 0),
                                   .class = (enum job_class)row_int(rows, 0, 1),
                                   .only_result = row_bool(rows, 0, 8),
                                   .may_run_commands = row_bool(rows, 0, 11),
                                   .process = row_json(rows, 0, 2),
                                   .arguments = row_json(rows, 0, 3),
                                   .scenes = row_json(rows, 0, 4),
                                   .picture = row_json(rows, 0, 10),
                                   .tag = row_double(rows, 0, 5),
                                   .weight = row_double(rows, 0, 6) };
    snprintf(ret_work->id, sizeof ret_work->id, "%s", id);
    snprintf(ret_work->owner, sizeof ret_work->owner, "%s", row_text(rows, 0, 7));
    snprintf(ret_work->dialect, sizeof ret_work->dialect, "%s", row_text(rows, 0, 9));
    return true;
}

void job_work_done(struct job_work *work)
{
    json_decref(work->process);
    json_decref(work->arguments);
    json_decref(work->scenes);
    json_decref(work->picture);
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
    AUTO(mem) char *scenes = dump(planned->scenes), *estimate = dump(planned->estimate);
    AUTO(mem) char *processes = dump(planned->processes);

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

bool job_set_exports(struct db *db, const char *id, const json_t *exports, struct err *err)
{
    AUTO(mem) char *text = dump(exports);

    return db_run(db, "UPDATE jobs SET exports = $2::json WHERE id = $1", DB_ARGS(db_text(id), db_text(text)), err);
}

bool job_add_done(struct db *db, const char *id, int64_t blocks, int tasks, double seconds,
                  double memory_seconds, struct err *err)
{
    return db_run(db,
                  "UPDATE jobs SET blocks_done = blocks_done + $2, n_done = n_done + $3,"
                  "    cost_seconds = cost_seconds + $4, memory_seconds = memory_seconds + $5, updated = now()"
                  " WHERE id = $1",
                  DB_ARGS(db_text(id), db_int(blocks), db_int(tasks), db_double(seconds),
                          db_double(memory_seconds)),
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
           notify_state(db, id, err);
}
