/* SQL on table stagings. Who may run a command is decided under one advisory lock, so that the number at
 * once is exact and no product is fetched twice: a try is running while its task still has its token. */
#include "store/stagings.h"
#include "store/places.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { PAUSE_S = 5, PROGRESS_PART = 20 };

#define TAKE_TURNS "SELECT pg_advisory_xact_lock(730102)"

/* ---- tasks ---- */

static bool mark_ordered(struct db *db, const struct product *p, struct err *err)
{
    return db_run(db,
                  "UPDATE places SET state = 'r', since = now(), ours = true"
                  " WHERE collection = $1 AND item = $2 AND endpoint = $3 AND state = 'f'",
                  DB_ARGS(db_int(p->collection), db_text(p->item), db_int(p->endpoint)), err);
}

static bool add_task(struct db *db, const struct job_work *work, const struct product *p,
                     struct err *err)
{
    return db_run(db,
                  "WITH t AS (INSERT INTO tasks(job, number, kind, class, rank, state, consumers,"
                  "             blocks, estimate)"
                  "   SELECT $1, 1 + max(number), 3, $2::smallint, $3, 'r', '{0}', 1, 1 FROM tasks"
                  "    WHERE job = $1 RETURNING id)"
                  " INSERT INTO stagings(task, collection, item, endpoint)"
                  " SELECT id, $4::integer, $5, $6::smallint FROM t",
                  DB_ARGS(db_text(work->id), db_int(work->class), db_double(work->tag),
                          db_int(p->collection), db_text(p->item), db_int(p->endpoint)),
                  err) &&
           mark_ordered(db, p, err);
}

bool staging_add_tasks(struct db *db, const struct task *planning, const struct job_work *work,
                       const struct product *products, size_t count, struct err *err)
{
    char message[120];

    for (size_t i = 0; i < count; i++)
        if (!add_task(db, work, &products[i], err))
            return false;
    snprintf(message, sizeof message, "Staging %zu product%s from tape before the work begins.", count, count == 1 ? "" : "s");
    /* what comes after staging is not known yet: staging is told as a small part of it */
    return task_wait_unplanned(db, planning, (int64_t)count, PROGRESS_PART, message, err);
}

struct order {
    const char *user;
    const struct product *product;
    int64_t most;
    bool ordered;
};

/* Under the lock, so that the number is exact. */
static bool may_order(struct db *db, const struct order *o, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (o->most <= 0)
        return true;
    if (!db_query(db, &rows,
                  "SELECT count(*) FROM jobs WHERE state IN (1, 2) AND owner = $1 AND face = '" JOB_FACE_STAGING "'",
                  DB_ARGS(db_text(o->user)), err))
        return false;
    return row_int(rows, 0, 0) < o->most ||
           err_set(err, ERR_TooManyOrders,
                   "%" PRId64 " products that you ordered are being fetched from tape, as many as a user may have"
                   " (catalog.user_orders); order '%.200s' when some of them are online",
                   row_int(rows, 0, 0), o->product->item);
}

static bool order(struct db *db, void *arg, struct err *err)
{
    struct order *o = arg;
    const struct product *p = o->product;
    struct job_input in = { .owner = o->user, .face = JOB_FACE_STAGING, .class = CLASS_NORMAL };
    AUTO(rows) PGresult *rows = NULL;
    AUTO(mem) char *title = mem_printf("Staging of %s", p->item);
    char job[ID_UUID_SIZE];

    in.title = title;
    o->ordered = false;
    if (!db_run(db, TAKE_TURNS, DB_NO_ARGS, err) ||
        !db_query(db, &rows,
                  "SELECT 1 FROM places p WHERE collection = $1 AND item = $2 AND endpoint = $3"
                  "   AND (state = 'f' OR state IN ('r', 's') AND ours AND NOT EXISTS ("
                  "     SELECT 1 FROM stagings s JOIN tasks t ON t.id = s.task"
                  "      WHERE s.collection = p.collection AND s.item = p.item"
                  "        AND s.endpoint = p.endpoint AND t.state IN ('w', 'r', 'x')))",
                  DB_ARGS(db_int(p->collection), db_text(p->item), db_int(p->endpoint)), err))
        return false;
    if (row_count(rows) == 0)
        return true;
    if (!may_order(db, o, err))
        return false;
    o->ordered = true;
    return job_add_started(db, &in, TASK_STAGE, job, err) &&
           db_run(db,
                  "INSERT INTO stagings(task, collection, item, endpoint)"
                  " SELECT id, $2::integer, $3, $4::smallint FROM tasks WHERE job = $1",
                  DB_ARGS(db_text(job), db_int(p->collection), db_text(p->item), db_int(p->endpoint)),
                  err) &&
           mark_ordered(db, p, err);
}

bool staging_order(struct db *db, const char *user, const struct product *product, int64_t most,
                   bool *ret_ordered, struct err *err)
{
    struct order o = { .user = user, .product = product, .most = most };

    if (!db_transact(db, order, &o, err))
        return false;
    *ret_ordered = o.ordered;
    return true;
}

/* ---- a try ---- */

static bool put_back(struct db *db, const struct task *task, struct err *err)
{
    return db_run(db,
                  "UPDATE tasks SET state = 'r', worker = NULL, token = NULL, lease = NULL,"
                  "    not_before = now() + $2::int * interval '1 s' WHERE id = $1",
                  DB_ARGS(db_int(task->id), db_int(PAUSE_S)), err);
}

/* The product, who runs a command for it, and how many run at all. */
static const char look[] =
    "SELECT s.collection, s.item, s.endpoint, c.id, e.name, p.href, p.state, p.ours,"
    "  (SELECT count(*) FROM stagings o JOIN tasks t ON t.id = o.task AND t.token = o.token"
    "    WHERE t.state = 'x' AND o.collection = s.collection AND o.item = s.item"
    "      AND o.endpoint = s.endpoint AND o.task <> s.task),"
    "  (SELECT count(*) FROM tasks t JOIN stagings o ON t.id = o.task AND t.token = o.token"
    "    WHERE t.kind = 3 AND t.state = 'x' AND o.task <> s.task)"
    " FROM stagings s LEFT JOIN collections c ON c.number = s.collection"
    "  LEFT JOIN endpoints e ON e.number = s.endpoint"
    "  LEFT JOIN places p ON p.collection = s.collection AND p.item = s.item"
    "        AND p.endpoint = s.endpoint"
    " WHERE s.task = $1";

enum { COLLECTION, ITEM, ENDPOINT, COLLECTION_ID, ENDPOINT_NAME, HREF, STATE, OURS, SAME, ALL };

static enum staging_turn judge(const PGresult *rows, int64_t most_at_once)
{
    const char *state = row_text(rows, 0, STATE);

    if (*state == PLACE_ONLINE)
        return STAGING_ONLINE;
    if (row_int(rows, 0, SAME) > 0 || row_int(rows, 0, ALL) >= most_at_once)
        return STAGING_WAIT;
    /* an operator's own system said that it is at it */
    return *state == PLACE_OFFLINE || row_bool(rows, 0, OURS) ? STAGING_RUN : STAGING_WAIT;
}

bool staging_begin(struct db *db, struct task *task, int64_t most_at_once, struct arena *arena,
                   struct staging *ret_staging, enum staging_turn *ret_turn, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;
    enum hold hold;

    *ret_turn = STAGING_LOST;
    if (!db_run(db, TAKE_TURNS, DB_NO_ARGS, err) || !task_hold(db, task, &hold, err))
        return false;
    if (hold != HOLD_MINE)
        return true;
    if (!db_query(db, &rows, look, DB_ARGS(db_int(task->id)), err))
        return false;
    if (row_count(rows) == 0 || !row_text(rows, 0, STATE))
        return err_set(err, ERR_SourceUnreadable, "The product '%.200s' does not lie on tape any more.",
                       row_count(rows) ? row_text(rows, 0, ITEM) : "");
    *ret_staging = (struct staging){
        .product = { row_int(rows, 0, COLLECTION), row_int(rows, 0, ENDPOINT),
                     arena_text(arena, row_text(rows, 0, ITEM)) },
        .collection = arena_text(arena, row_text(rows, 0, COLLECTION_ID)),
        .endpoint = arena_text(arena, row_text(rows, 0, ENDPOINT_NAME)),
        .href = arena_text(arena, row_text(rows, 0, HREF)),
    };
    *ret_turn = judge(rows, most_at_once);
    if (*ret_turn == STAGING_WAIT)
        return put_back(db, task, err);
    if (*ret_turn == STAGING_ONLINE)
        return true;
    return db_run(db, "UPDATE stagings SET token = $2 WHERE task = $1",
                  DB_ARGS(db_int(task->id), db_int(task->token)), err) &&
           db_run(db,
                  "UPDATE places SET state = 's', since = now(), ours = true"
                  " WHERE collection = $1 AND item = $2 AND endpoint = $3",
                  DB_ARGS(db_int(ret_staging->product.collection), db_text(ret_staging->product.item),
                          db_int(ret_staging->product.endpoint)),
                  err);
}

static bool set_online(struct db *db, const struct staging_end *end, struct err *err)
{
    const struct product *p = &end->staging->product;

    return db_run(db,
                  "UPDATE places SET state = 'o', since = now(), ours = false, problem = NULL,"
                  "    staged = $4,"
                  "    expires = CASE WHEN $5::bigint > 0 THEN now() + $5 * interval '1 s' END"
                  " WHERE collection = $1 AND item = $2 AND endpoint = $3",
                  DB_ARGS(db_int(p->collection), db_text(p->item), db_int(p->endpoint),
                          db_text(end->staged), db_int(end->keep_seconds)),
                  err) &&
           db_run(db,
                  "UPDATE tasks t SET not_before = '-infinity' FROM stagings s WHERE t.id = s.task"
                  "   AND t.state = 'r' AND s.collection = $1 AND s.item = $2 AND s.endpoint = $3",
                  DB_ARGS(db_int(p->collection), db_text(p->item), db_int(p->endpoint)), err) &&
           db_run(db, "SELECT pg_notify('" TASK_CHANNEL "', '')", DB_NO_ARGS, err);
}

bool staging_finish(struct db *db, struct task *task, const struct staging_end *end, enum hold *ret_hold,
                    struct err *err)
{
    const struct staging *s = end->staging;
    AUTO(mem) char *message = NULL;

    if (!task_hold(db, task, ret_hold, err))
        return false;
    if (*ret_hold != HOLD_MINE)
        return true;
    message = mem_printf("%s of %s is online%s.", s->product.item, s->collection,
                         end->seconds >= 0 ? "" : " already");
    return (end->seconds < 0 || set_online(db, end, err)) &&
           task_settle(db, task, end->seconds > 0 ? end->seconds : 0, err) &&
           job_log_add_at(db, task->job, task->number, "info", NULL, message, NULL, err) &&
           (task->number != 0 || job_end(db, task->job, JOB_FINISHED, NULL, NULL, NULL,
                                         end->keep_job_seconds, err));
}

struct failure {
    const struct task *task;
    const struct staging *staging;
    const char *problem;
};

static bool note_failure(struct db *db, void *arg, struct err *err)
{
    const struct failure *f = arg;
    const struct product *p = &f->staging->product;

    return db_run(db,
                  "UPDATE places SET state = 'r', since = now(), problem = $5"
                  " WHERE collection = $1 AND item = $2 AND endpoint = $3 AND state = 's' AND EXISTS"
                  "   (SELECT 1 FROM stagings WHERE task = $4 AND token = $6)",
                  DB_ARGS(db_int(p->collection), db_text(p->item), db_int(p->endpoint),
                          db_int(f->task->id), db_text(f->problem), db_int(f->task->token)),
                  err);
}

bool staging_failed(struct db *db, const struct task *task, const struct staging *staging,
                    const char *problem, struct err *err)
{
    return db_transact(db, note_failure, &(struct failure){ task, staging, problem }, err);
}
