/* SQL on tables copies and fetches. Turns are taken under the lock of stagings, so that a source is fetched by one task at a time
 * and room is given once. Only a whole copy counts; one that was begun keeps its folder, where the next try goes on. */
#include "store/copies.h"
#include "json/js.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { PAUSE_S = 5, PARTS = 100, PROGRESS_PART = 20 };

#define TAKE_TURNS "SELECT pg_advisory_xact_lock(730102)"

/* ---- tasks ---- */

static bool add_task(struct db *db, const struct task *planning, const struct job_work *work, const struct fetch_wish *wish,
                     struct err *err)
{
    return db_run(db,
                  "WITH t AS (INSERT INTO tasks(job, number, kind, class, rank, state, consumers, blocks, estimate)"
                  "   SELECT $1, 1 + max(number), 3, $2::smallint, $3, 'r', '{0}', $7::int, 1 FROM tasks WHERE job = $1"
                  "   RETURNING id, number),"
                  " f AS (INSERT INTO fetches(task, item, source, what) SELECT id, $4, $5, $6::json FROM t)"
                  " INSERT INTO job_steps(job, run, key, number, name, step)"
                  " SELECT $1, $8::int, 'stage/' || $4, number, 'stage', json_build_object('tag', $4) FROM t"
                  " ON CONFLICT (job, key) DO UPDATE SET number = excluded.number",
                  DB_ARGS(db_text(work->id), db_int(work->class), db_double(work->tag), db_text(wish->item),
                          db_text(wish->source), db_text(wish->what), db_int(PARTS), db_int(planning->run)),
                  err);
}

bool copy_add_tasks(struct db *db, const struct task *planning, const struct job_work *work, const struct fetch_wish *wishes,
                    size_t count, struct err *err)
{
    char message[120];

    for (size_t i = 0; i < count; i++)
        if (!add_task(db, planning, work, &wishes[i], err))
            return false;
    snprintf(message, sizeof message, "Fetching %zu product%s from other servers before the work begins.", count,
             count == 1 ? "" : "s");
    return task_wait_unplanned(db, planning, (int64_t)count, PARTS * PROGRESS_PART, message, err);
}

bool copy_of_job(struct db *db, const char *job, const char *source, struct arena *arena, const char **ret_folder,
                 struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!db_query(db, &rows,
                  "SELECT c.folder FROM tasks t JOIN fetches f ON f.task = t.id JOIN copies c ON c.key = f.copy"
                  " WHERE t.job = $1 AND t.state = 'd' AND f.source = $2 AND c.whole LIMIT 1",
                  DB_ARGS(db_text(job), db_text(source)), err))
        return false;
    *ret_folder = row_count(rows) ? arena_text(arena, row_text(rows, 0, 0)) : NULL;
    return true;
}

/* ---- a try ---- */

static bool put_back(struct db *db, const struct task *task, int64_t seconds, struct err *err)
{
    return db_run(db,
                  "WITH back AS (UPDATE tasks SET state = 'r', worker = NULL, token = NULL, lease = NULL, blocks_done = 0,"
                  "    not_before = now() + $2::bigint * interval '1 s' WHERE id = $1 RETURNING job)"
                  " UPDATE jobs SET blocks_done = jobs.blocks_done - $3::bigint FROM back WHERE jobs.id = back.job",
                  DB_ARGS(db_int(task->id), db_int(seconds), db_int(task->blocks_done)), err);
}

bool copy_begin(struct db *db, struct task *task, struct arena *arena, struct fetching *ret_fetching,
                enum staging_turn *ret_turn, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;
    enum hold hold;

    *ret_turn = STAGING_LOST;
    if (!db_run(db, TAKE_TURNS, DB_NO_ARGS, err) || !task_hold(db, task, &hold, err))
        return false;
    if (hold != HOLD_MINE)
        return true;
    if (!db_query(db, &rows,
                  "SELECT f.item, f.source, f.what, extract(epoch FROM now() - f.since)::bigint,"
                  "  (SELECT key FROM copies c WHERE c.source = f.source AND c.whole ORDER BY c.used DESC LIMIT 1),"
                  "  (SELECT count(*) FROM fetches o JOIN tasks t ON t.id = o.task AND t.token = o.token"
                  "    WHERE t.state = 'x' AND o.source = f.source AND o.task <> f.task)"
                  " FROM fetches f WHERE f.task = $1",
                  DB_ARGS(db_int(task->id)), err))
        return false;
    if (row_count(rows) == 0)
        return err_set(err, ERR_Internal, "What the task should fetch is not recorded.");
    if (row_int(rows, 0, 5) > 0) {
        *ret_turn = STAGING_WAIT;
        return put_back(db, task, PAUSE_S, err);
    }
    *ret_turn = STAGING_RUN;
    *ret_fetching = (struct fetching){ .item = arena_text(arena, row_text(rows, 0, 0)),
                                       .source = arena_text(arena, row_text(rows, 0, 1)),
                                       .what = json_loads(row_text(rows, 0, 2), 0, NULL),
                                       .waited_s = row_int(rows, 0, 3),
                                       .known = row_text(rows, 0, 4) ? arena_text(arena, row_text(rows, 0, 4)) : NULL };
    return db_run(db, "UPDATE fetches SET token = $2, copy = NULL WHERE task = $1",
                  DB_ARGS(db_int(task->id), db_int(task->token)), err);
}

/* ---- room ---- */

#define IN_USE                                                                                                                   \
    "EXISTS (SELECT 1 FROM fetches f JOIN tasks t ON t.id = f.task JOIN jobs j ON j.id = t.job"                                   \
    "         WHERE f.copy = c.key AND j.state IN (1, 2))"

/* What others use, and what this job does. */
static bool count_used(struct db *db, const struct task *task, const struct copy_wish *wish, int64_t *ret_others,
                       int64_t *ret_own, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!db_query(db, &rows,
                  "SELECT coalesce(sum(c.bytes) FILTER (WHERE NOT own), 0)::bigint, coalesce(sum(c.bytes) FILTER (WHERE own), 0)::bigint"
                  "  FROM (SELECT c.bytes, EXISTS (SELECT 1 FROM fetches f JOIN tasks t ON t.id = f.task"
                  "                 WHERE f.copy = c.key AND t.job = $1) AS own"
                  "          FROM copies c WHERE c.key <> $2 AND " IN_USE ") c",
                  DB_ARGS(db_text(task->job), db_text(wish->key)), err))
        return false;
    *ret_others = row_int(rows, 0, 0);
    *ret_own = row_int(rows, 0, 1);
    return true;
}

/* Of those that nobody uses, the newest that fit beside what is used stay. */
static bool make_room(struct db *db, const struct copy_wish *wish, int64_t used, json_t *gone, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!db_query(db, &rows,
                  "DELETE FROM copies WHERE key IN ("
                  "  SELECT key FROM (SELECT c.key, sum(c.bytes) OVER (ORDER BY c.used DESC, c.key) AS up_to FROM copies c"
                  "                    WHERE c.key <> $1 AND NOT " IN_USE ") c WHERE up_to > $2::bigint)"
                  " RETURNING folder",
                  DB_ARGS(db_text(wish->key), db_int(wish->limit - used - wish->bytes)), err))
        return false;
    for (int i = 0; i < row_count(rows); i++)
        json_array_append_new(gone, json_string(row_text(rows, i, 0)));
    return true;
}

static bool find_room(struct db *db, struct task *task, const struct copy_wish *wish, json_t *gone, enum staging_turn *ret_turn,
                      struct err *err)
{
    int64_t others, own;

    if (!count_used(db, task, wish, &others, &own, err))
        return false;
    if (own + wish->bytes > wish->limit)
        return err_set(err, ERR_SourceUnreadable,
                       "The products of the job have more than %" PRId64 " bytes, and no more are kept at once (downloads.cache)",
                       wish->limit);
    if (others + own + wish->bytes > wish->limit && !wish->may_wait)
        return err_set(err, ERR_StorageFailure, "Other jobs have used all room for products of other servers (downloads.cache) for too long");
    if (others + own + wish->bytes > wish->limit) {
        *ret_turn = STAGING_WAIT;
        return put_back(db, task, PAUSE_S, err);
    }
    return make_room(db, wish, others + own, gone, err);
}

/* The copy as it is: how much it has, and where. */
static bool look_at(struct db *db, const struct copy_wish *wish, struct arena *arena, const char **ret_folder, bool *ret_whole,
                    struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!db_query(db, &rows, "SELECT folder, whole FROM copies WHERE key = $1 FOR UPDATE", DB_ARGS(db_text(wish->key)), err))
        return false;
    *ret_folder = row_count(rows) ? arena_text(arena, row_text(rows, 0, 0)) : NULL;
    *ret_whole = row_count(rows) && row_bool(rows, 0, 1);
    return true;
}

bool copy_reserve(struct db *db, struct task *task, const struct copy_wish *wish, struct arena *arena, const char **ret_folder,
                  json_t **ret_gone, enum staging_turn *ret_turn, struct err *err)
{
    enum hold hold;
    bool whole = false;

    *ret_turn = STAGING_LOST;
    *ret_gone = json_array();
    if (!db_run(db, TAKE_TURNS, DB_NO_ARGS, err) || !task_hold(db, task, &hold, err))
        return false;
    if (hold != HOLD_MINE)
        return true;
    if (!look_at(db, wish, arena, ret_folder, &whole, err))
        return false;
    *ret_turn = whole ? STAGING_ONLINE : STAGING_RUN;
    if (!whole && !find_room(db, task, wish, *ret_gone, ret_turn, err))
        return false;
    if (*ret_turn == STAGING_WAIT)
        return true;
    *ret_folder = *ret_folder ? *ret_folder : wish->fresh;
    return db_run(db,
                  "INSERT INTO copies(key, source, folder, bytes) VALUES ($1, $2, $3, $4)"
                  " ON CONFLICT (key) DO UPDATE SET used = now(), bytes = CASE WHEN copies.whole THEN copies.bytes ELSE excluded.bytes END",
                  DB_ARGS(db_text(wish->key), db_text(wish->source), db_text(*ret_folder), db_int(wish->bytes)), err) &&
           db_run(db, "UPDATE fetches SET copy = $2 WHERE task = $1", DB_ARGS(db_int(task->id), db_text(wish->key)), err);
}

/* ---- the end ---- */

bool copy_finish(struct db *db, struct task *task, const char *key, const struct fetching *fetching, double seconds,
                 enum hold *ret_hold, struct err *err)
{
    AUTO(mem) char *message = mem_printf("%s is here%s.", fetching->item, seconds > 0 ? "" : " already");

    if (!db_run(db, TAKE_TURNS, DB_NO_ARGS, err) || /* one that is just being put back would not be woken */
        !task_hold(db, task, ret_hold, err))
        return false;
    if (*ret_hold != HOLD_MINE)
        return true;
    return db_run(db, "UPDATE copies SET whole = true, used = now() WHERE key = $1", DB_ARGS(db_text(key)), err) &&
           task_settle(db, task, seconds, err) &&
           job_log_add_at(db, task->job, task->number, "info", NULL, message, NULL, err) &&
           db_run(db,
                  "UPDATE tasks t SET not_before = '-infinity' FROM fetches f"
                  " WHERE t.id = f.task AND t.state = 'r' AND f.source = $1",
                  DB_ARGS(db_text(fetching->source)), err) &&
           db_run(db, "SELECT pg_notify('" TASK_CHANNEL "', '')", DB_NO_ARGS, err);
}

bool copy_forget(struct db *db, const char *key, bool whole, struct err *err)
{
    return db_run(db, "DELETE FROM copies WHERE key = $1 AND whole = $2::boolean", DB_ARGS(db_text(key), db_bool(whole)), err);
}

bool copy_is_of(struct db *db, const struct task *task, bool *ret_is, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!db_query(db, &rows, "SELECT 1 FROM fetches WHERE task = $1", DB_ARGS(db_int(task->id)), err))
        return false;
    *ret_is = row_count(rows) > 0;
    return true;
}

struct delay {
    struct task *task;
    int64_t seconds;
    const char *message;
};

static bool put_off(struct db *db, void *arg, struct err *err)
{
    const struct delay *d = arg;
    enum hold hold;

    if (!task_hold(db, d->task, &hold, err))
        return false;
    return hold != HOLD_MINE ||
           (put_back(db, d->task, d->seconds, err) &&
            job_log_add_at(db, d->task->job, d->task->number, "info", NULL, d->message, NULL, err));
}

bool copy_put_off(struct db *db, struct task *task, int64_t seconds, const char *message, struct err *err)
{
    return db_transact(db, put_off, &(struct delay){ task, seconds, message }, err);
}

bool copy_folder_is_known(struct db *db, const char *folder, bool *ret_known, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!db_query(db, &rows, "SELECT 1 FROM copies WHERE folder = $1", DB_ARGS(db_text(folder)), err))
        return false;
    *ret_known = row_count(rows) > 0;
    return true;
}
