/* Making and starting jobs. A new job that is queued at once is one statement and one commit. Its owner's virtual time
 * moves before that, in a commit of its own that does not wait for the disk: his row is locked until a commit ends, so
 * whatever he submits at the same time would wait for the disk one after another. When a crash forgets it, or the job is
 * not stored after all, he is served a moment earlier or later than would be fair. */
#include "store/job_rows.h"
#include <inttypes.h>
#include <string.h>

/* What a job is charged in its owner's virtual time until planning knows better. */
#define FIRST_GUESS "1"

/* So many submissions of one owner may be under way at the same time, by all servers. */
enum { PLANNING = 0 /* TASK_PLAN: the first task of a job */, UNDER_WAY = 64 };

bool job_insert(struct db *db, const struct job_input *in, char ret_id[static ID_UUID_SIZE],
                struct err *err)
{
    AUTO(mem) char *process = row_json_dump(in->process), *arguments = row_json_dump(in->arguments);
    AUTO(mem) char *request = row_json_dump(in->request);

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

/* Runs an insertion that returns when it was made. */
static bool insert(struct db *db, const char *sql, const struct db_arg *args, size_t n_args, int64_t *ret_created,
                   struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!db_query(db, &rows, sql, args, n_args, err))
        return false;
    *ret_created = row_instant(rows, 0, 0);
    return true;
}

bool job_insert_finished(struct db *db, const struct job_input *in, int64_t keep_seconds, struct job_receipt *ret_receipt,
                         struct err *err)
{
    AUTO(mem) char *process = row_json_dump(in->process), *arguments = row_json_dump(in->arguments);
    AUTO(mem) char *request = row_json_dump(in->request);

    id_uuid(ret_receipt->id);
    return insert(db,
                  "INSERT INTO jobs(id, owner, face, process_id, title, process, arguments, request, class, state, run,"
                  "                 queued, started, finished, catalogued, expires)"
                  " VALUES ($1, $2, $3, $4, $5, $6::json, $7::json, $8::json, $9, 3, 1, now(), now(), now(), true,"
                  "         CASE WHEN $10::bigint > 0 THEN now() + $10 * interval '1 s' END) RETURNING created",
                  DB_ARGS(db_text(ret_receipt->id), db_text(in->owner), db_text(in->face), db_text(in->process_id),
                          db_text(in->title), db_text(process), db_text(arguments), db_text(request), db_int(in->class),
                          db_int(keep_seconds)),
                  &ret_receipt->created, err);
}

struct job job_of_receipt(const struct job_input *in, const struct job_receipt *receipt, bool finished)
{
    struct job job = { .face = in->face, .process_id = in->process_id, .title = in->title, .description = in->description,
                       .process = json_incref((json_t *)in->process), .arguments = json_incref((json_t *)in->arguments),
                       .request = json_incref((json_t *)in->request), .state = finished ? JOB_FINISHED : JOB_QUEUED,
                       .class = in->class, .progress = finished ? 100 : 0, .created = receipt->created,
                       .updated = receipt->created, .queued = receipt->created };

    memcpy(job.id, receipt->id, sizeof job.id);
    if (finished)
        job.started = job.finished = receipt->created;
    return job;
}

/* The owner's virtual time starts no earlier than the queue is now: who was away saves up nothing. */
#define MOVE_TAG                                                                                   \
    "UPDATE users SET last_tag = " FIRST_GUESS " / weight + greatest(last_tag, coalesce("          \
    "    (SELECT min(rank) FROM tasks WHERE state = 'r' AND class = $2::smallint),"                \
    "    (SELECT max(last_tag) FROM users)))"
#define THE_TAG " WHERE id = $1 RETURNING last_tag - " FIRST_GUESS " / weight"

static bool open_tag(struct db *db, const char *sql, const char *owner, int64_t class, double *ret_tag, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!db_query(db, &rows, sql, DB_ARGS(db_text(owner), db_int(class)), err))
        return false;
    *ret_tag = row_count(rows) ? row_double(rows, 0, 0) : 0;
    return true;
}

/* In a transaction. */
static bool open_tag_within(struct db *db, const char *owner, int64_t class, double *ret_tag, struct err *err)
{
    return open_tag(db, MOVE_TAG THE_TAG, owner, class, ret_tag, err);
}

/* A commit of its own; it does not wait. */
static bool open_tag_alone(struct db *db, const char *owner, int64_t class, double *ret_tag, struct err *err)
{
    return open_tag(db,
                    "WITH off AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true)) " MOVE_TAG
                    " FROM off" THE_TAG,
                    owner, class, ret_tag, err);
}

static bool notify_ready(struct db *db, struct err *err)
{
    return db_run(db,
                  "SELECT pg_notify('" TASK_CHANNEL "', '')"
                  " WHERE EXISTS (SELECT 1 FROM workers WHERE idle > 0)",
                  DB_NO_ARGS, err);
}

static bool count_active(struct db *db, const char *owner, int64_t most, int64_t *ret_count, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!db_query(db, &rows,
                  "SELECT count(*) FROM (SELECT 1 FROM jobs WHERE owner = $1 AND state IN (1, 2) AND parent IS NULL"
                  "                       LIMIT $2::bigint) j",
                  DB_ARGS(db_text(owner), db_int(most)), err))
        return false;
    *ret_count = row_int(rows, 0, 0);
    return true;
}

/* In a transaction. Near the limit the owner's row is locked, so that nobody else counts at the same time. */
static bool check_most(struct db *db, const char *owner, int64_t most, struct err *err)
{
    int64_t count;

    if (most <= 0)
        return true;
    if (!count_active(db, owner, most, &count, err))
        return false;
    if (count + UNDER_WAY <= most)
        return true;
    if (!db_run(db, "SELECT 1 FROM users WHERE id = $1 FOR NO KEY UPDATE", DB_ARGS(db_text(owner)), err) ||
        !count_active(db, owner, most, &count, err))
        return false;
    return count < most ||
           err_set(err, ERR_TooManyRequests,
                   "You have %" PRId64 " jobs that are queued or running, which is the most: wait for one to end.",
                   most);
}

static const struct job_terms *terms_of(const struct job_terms *terms)
{
    static const struct job_terms free_of_charge = { -1, -1, -1, -1, 0 };

    return terms ? terms : &free_of_charge;
}

#define BEGIN_AFTER(seconds) "CASE WHEN " seconds "::int > 0 THEN now() + " seconds "::int * interval '1 s' ELSE '-infinity' END"

/* The job and its first task, ready. */
static bool insert_queued(struct db *db, const struct job_input *in, int kind, double tag,
                          struct job_receipt *ret_receipt, struct err *err)
{
    AUTO(mem) char *process = row_json_dump(in->process), *arguments = row_json_dump(in->arguments);
    AUTO(mem) char *request = row_json_dump(in->request);
    const struct job_terms *terms = terms_of(in->terms);

    id_uuid(ret_receipt->id);
    return insert(db,
                  "WITH job AS ("
                  "  INSERT INTO jobs(id, owner, face, process_id, title, description, process, arguments, request,"
                  "                   class, state, run, queued, n_tasks, charged, tag,"
                  "                   price_work, price_memory, price_result, budget)"
                  "  VALUES ($1, $2, $3, $4, $5, $6, $7::json, $8::json, $9::json, $10::smallint, 1, 1, now(), 1,"
                  "          " FIRST_GUESS ", $11::float8, nullif($12::float8, -1), nullif($13::float8, -1),"
                  "          nullif($14::float8, -1), nullif($15::float8, -1)) RETURNING id, created)"
                  " INSERT INTO tasks(job, number, kind, class, rank, state, estimate, not_before)"
                  " SELECT id, 0, $16::smallint, $10::smallint, $11::float8, 'r', " FIRST_GUESS ", " BEGIN_AFTER("$17")
                  "   FROM job RETURNING (SELECT created FROM job)",
                  DB_ARGS(db_text(ret_receipt->id), db_text(in->owner), db_text(in->face), db_text(in->process_id),
                          db_text(in->title), db_text(in->description), db_text(process ? process : "null"),
                          db_text(arguments), db_text(request), db_int(in->class), db_double(tag),
                          db_double(terms->work_second), db_double(terms->memory_gb_second),
                          db_double(terms->result_gb), db_double(terms->budget < 0 ? -1 : terms->budget),
                          db_int(kind), db_int(in->delay_s)),
                  &ret_receipt->created, err);
}

bool job_add_started(struct db *db, const struct job_input *in, int kind,
                     char ret_id[static ID_UUID_SIZE], struct err *err)
{
    struct job_receipt receipt;
    double tag;

    if (!open_tag_within(db, in->owner, in->class, &tag, err) ||
        !check_most(db, in->owner, terms_of(in->terms)->most_jobs, err) ||
        !insert_queued(db, in, kind, tag, &receipt, err))
        return false;
    memcpy(ret_id, receipt.id, sizeof receipt.id);
    return notify_ready(db, err);
}

struct submission {
    const struct job_input *in;
    double tag;
    struct job_receipt *ret_receipt;
};

static bool submit_limited(struct db *db, void *arg, struct err *err)
{
    const struct submission *s = arg;

    return check_most(db, s->in->owner, s->in->terms->most_jobs, err) &&
           insert_queued(db, s->in, PLANNING, s->tag, s->ret_receipt, err);
}

/* Workers are told after the commit, of which there are more at once when it tells nobody; should this process end in
 * between, they find the task when they look for themselves. */
bool job_submit(struct db *db, const struct job_input *in, struct job_receipt *ret_receipt, struct err *err)
{
    struct submission s = { .in = in, .ret_receipt = ret_receipt };
    struct err ignored = { 0 };

    if (!open_tag_alone(db, in->owner, in->class, &s.tag, err))
        return false;
    if (terms_of(in->terms)->most_jobs > 0 ? !db_transact(db, submit_limited, &s, err)
                                           : !insert_queued(db, in, PLANNING, s.tag, ret_receipt, err))
        return false;
    if (!notify_ready(db, &ignored))
        err_clear(&ignored);
    return true;
}

/* --- again, or what was made before -------------------------------------------------------------- */

/* The row is locked and in a state that may start. */
static bool enqueue(struct db *db, const char *owner, const char *id, int64_t class, int64_t delay_s,
                    const struct job_terms *terms, struct err *err)
{
    double tag;

    if (!open_tag_within(db, owner, class, &tag, err) || !check_most(db, owner, terms->most_jobs, err))
        return false;
    return db_run(db,
                  "UPDATE jobs SET state = 1, run = run + 1, tag = $2, charged = " FIRST_GUESS ","
                  "    updated = now(), queued = now(), started = NULL, finished = NULL,"
                  "    expires = NULL,"
                  "    error_code = NULL, error_message = NULL, error_node = NULL,"
                  "    scenes = NULL, estimate = NULL, processes = NULL, exports = NULL, n_tasks = 1, n_done = 0, blocks = 0,"
                  "    blocks_done = 0, cost_seconds = 0, memory_seconds = 0, pixels_read = 0,"
                  "    price_work = nullif($3::float8, -1), price_memory = nullif($4::float8, -1),"
                  "    price_result = nullif($5::float8, -1), budget = nullif($6::float8, -1)"
                  " WHERE id = $1",
                  DB_ARGS(db_text(id), db_double(tag), db_double(terms->work_second),
                          db_double(terms->memory_gb_second), db_double(terms->result_gb),
                          db_double(terms->budget < 0 ? -1 : terms->budget)),
                  err) &&
           db_run(db,
                  "INSERT INTO tasks(job, number, kind, class, rank, state, estimate, not_before)"
                  " VALUES ($1, 0, 0, $2::smallint, $3, 'r', " FIRST_GUESS ", " BEGIN_AFTER("$4") ")",
                  DB_ARGS(db_text(id), db_int(class), db_double(tag), db_int(delay_s)), err) &&
           notify_ready(db, err) && job_notify(db, id, err);
}

struct start {
    const char *owner, *id;
    int64_t delay_s;
    const struct job_terms *terms;
};

static bool start(struct db *db, void *arg, struct err *err)
{
    const struct start *s = arg;
    enum job_state state;
    int64_t class;

    if (!job_lock_owned(db, s->owner, s->id, &state, &class, err))
        return false;
    if (job_is_active(state))
        return job_refuse_locked(state, err);
    return db_run(db, "DELETE FROM tasks WHERE job = $1", DB_ARGS(db_text(s->id)), err) &&
           db_run(db, "DELETE FROM artefacts WHERE job = $1", DB_ARGS(db_text(s->id)), err) &&
           db_run(db, "DELETE FROM job_assets WHERE job = $1", DB_ARGS(db_text(s->id)), err) &&
           job_delete_children(db, s->id, err) && enqueue(db, s->owner, s->id, class, s->delay_s, terms_of(s->terms), err);
}

bool job_start(struct db *db, const char *owner, const char *id, int64_t delay_s, const struct job_terms *terms,
               struct err *err)
{
    return db_transact(db, start, &(struct start){ owner, id, delay_s, terms }, err);
}
