/* Reading jobs: one with all that its owner may know, and pages of them in the order of an index. */
#include "base/text.h"
#include "store/budgets.h"
#include "store/compose.h"
#include "store/job_rows.h"
#include <string.h>
#include <stdio.h>

#define COLUMNS                                                                                    \
    "j.id, j.face, j.process_id, j.title, j.description, j.request, j.state, j.class,"             \
    " CASE WHEN j.state = 3 THEN 100 WHEN j.blocks = 0 THEN 0"                                     \
    "      ELSE least(100, greatest(0, 100.0 * j.blocks_done / j.blocks)) END,"                    \
    " j.error_code, j.error_message, j.created, j.updated, j.started, j.finished, j.expires,"      \
    " j.estimate, j.cost_seconds, j.n_tasks, j.n_done, j.queued, j.memory_seconds,"                \
    " j.price_work IS NOT NULL, " JOB_COSTS ", j.processes, j.exports, j.pixels_read"
enum { N_COLUMNS = 27, FEW = 10000 };

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
    job->pixels_read = row_int(rows, row, 26);
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
        return job_not_found(id, err);
    if (!db_query(db, &rows,
                  "SELECT " COLUMNS ", j.process, j.arguments,"
                  " CASE WHEN j.state IN (1, 2) THEN " WAITING " END"
                  " FROM jobs j WHERE j.id = $1 AND ($2::uuid IS NULL OR j.owner = $2)",
                  DB_ARGS(db_text(id), db_text(owner)), err))
        return false;
    if (row_count(rows) == 0)
        return job_not_found(id, err);
    read_job(rows, 0, arena, ret_job);
    ret_job->process = row_json(rows, 0, N_COLUMNS);
    ret_job->arguments = row_json(rows, 0, N_COLUMNS + 1);
    ret_job->waiting = arena_text(arena, row_text(rows, 0, N_COLUMNS + 2));
    return true;
}

bool job_owner(struct db *db, struct arena *arena, const char *id, const char **ret_owner, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!db_query(db, &rows, "SELECT owner FROM jobs WHERE id = $1", DB_ARGS(db_text(id)), err))
        return false;
    if (row_count(rows) == 0)
        return job_not_found(id, err);
    *ret_owner = arena_text(arena, row_text(rows, 0, 0));
    return true;
}

/* One value is compared by equality, so that an index in the order of the list serves it; several by their array. */
static void add_processes(struct composed *c, const struct job_filter *f, const struct text *list)
{
    bool of_graphs = false;

    if (f->n_process_ids == 0)
        return;
    for (size_t i = 0; i < f->n_process_ids; i++)
        of_graphs |= !strcmp(f->process_ids[i], JOB_GRAPH_ID);
    compose(c, of_graphs ? " AND (j.process_id IS NULL OR j.process_id = ANY(string_to_array(?, E'\\n')))"
               : f->n_process_ids == 1 ? " AND j.process_id = ?" : " AND j.process_id = ANY(string_to_array(?, E'\\n'))",
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

/* All but the seconds. */
static void add_filter(struct composed *c, const struct job_filter *f, int own, const struct text *processes)
{
    if (f->face)
        compose(c, " AND j.face = ?", compose_arg(c, db_text(f->face)));
    add_processes(c, f, processes);
    if (f->only)
        compose(c, f->only == JOBS_OF_GRAPHS ? " AND j.process_id IS NULL" : " AND j.process_id IS NOT NULL");
    add_states(c, f);
    if (f->created_after)
        compose(c, " AND j.created >= ?::timestamptz", compose_arg(c, db_instant(f->created_after)));
    if (f->created_before) /* as it is told */
        compose(c, " AND j.created < ?::timestamptz + interval '1 ms'", compose_arg(c, db_instant(f->created_before)));
    if (f->after)
        compose(c, " AND (j.created, j.id) < (SELECT a.created, a.id FROM jobs a WHERE a.id = ?::uuid AND a.owner = ?::uuid)",
                compose_arg(c, db_text(f->after)), own);
}

/* Of jobs that have ended. */
static bool are_few(struct db *db, const char *owner, const struct job_filter *f, bool *ret_few, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!db_query(db, &rows,
                  "SELECT count(*) FROM (SELECT 1 FROM jobs WHERE owner = $1 AND seconds BETWEEN $2::float8 AND $3::float8"
                  "                       LIMIT $4::bigint + 1) j",
                  DB_ARGS(db_text(owner), db_double(f->least_seconds), db_double(f->most_seconds), db_int(FEW)), err))
        return false;
    *ret_few = row_int(rows, 0, 0) <= FEW;
    return true;
}

#define ENDED_IN " j.seconds BETWEEN ?::float8 AND ?::float8"
#define RUN_FOR                                                                                    \
    " j.finished IS NULL AND j.started IS NOT NULL"                                                \
    " AND extract(epoch FROM now() - j.started)::float8 BETWEEN ?::float8 AND ?::float8"

/* Where they are few, those of the right length are looked through in the index; where they are many, the list is. */
static void add_seconds(struct composed *c, const struct job_filter *f, int own, bool few, const struct text *processes)
{
    int least = compose_arg(c, db_double(f->least_seconds)), most = compose_arg(c, db_double(f->most_seconds));

    c->plan = DB_PLAN_OWN;
    if (!few) {
        compose(c, "SELECT " COLUMNS " FROM jobs j WHERE j.owner = ?::uuid AND (" ENDED_IN " OR " RUN_FOR ")", own, least,
                most, least, most);
        add_filter(c, f, own, processes);
        return;
    }
    compose(c, "WITH these AS MATERIALIZED (SELECT j.id, j.created FROM jobs j WHERE j.owner = ?::uuid AND" ENDED_IN, own,
            least, most);
    add_filter(c, f, own, processes);
    compose(c, " UNION ALL SELECT j.id, j.created FROM jobs j WHERE j.owner = ?::uuid AND" RUN_FOR, own, least, most);
    add_filter(c, f, own, processes);
    compose(c, ") SELECT " COLUMNS " FROM jobs j WHERE j.id IN (SELECT id FROM these ORDER BY created DESC, id DESC"
               " LIMIT ?::bigint + 1)", compose_arg(c, db_int(f->limit)));
}

bool job_list(struct db *db, struct arena *arena, const char *owner, const struct job_filter *f,
              struct job *jobs, size_t *ret_count, bool *ret_more, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;
    AUTO(text) struct text processes = { 0 };
    AUTO_COMPOSED c = { 0 };
    bool few = false;
    int own;
    size_t count;

    if (f->after && !id_is_uuid(f->after))
        return err_set(err, ERR_InvalidParameter, "The page starts after an unknown job.");
    if (f->by_seconds && !are_few(db, owner, f, &few, err))
        return false;
    for (size_t i = 0; i < f->n_process_ids; i++)
        text_printf(&processes, "%s%s", i ? "\n" : "", f->process_ids[i]);
    own = compose_arg(&c, db_text(owner));
    if (f->by_seconds) {
        add_seconds(&c, f, own, few, &processes);
    } else {
        compose(&c, "SELECT " COLUMNS " FROM jobs j WHERE j.owner = ?::uuid", own);
        add_filter(&c, f, own, &processes);
    }
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
