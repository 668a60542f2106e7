/* Tasks tell what they cost when they end; of those at work the time since their claim counts, so that one
 * long task is noticed, too. Who looks is the leader of the workers. */
#include "store/budgets.h"
#include "store/tasks.h"
#include <inttypes.h>
#include <stdio.h>

/* At most so many in a round; the next one sees the others. */
#define OVERDRAWN                                                                                  \
    "SELECT c.id, c.costs, c.budget FROM ("                                                        \
    "  SELECT j.id, j.budget, " JOB_COSTS                                                          \
    "    + coalesce((SELECT sum(extract(epoch FROM now() - t.started) * (j.price_work"             \
    "        + j.price_memory * greatest(t.memory_bytes, $1) / 1e9)) FROM tasks t"                 \
    "        WHERE t.job = j.id AND t.state = 'x'), 0) AS costs"                                   \
    "  FROM jobs j WHERE j.budget IS NOT NULL AND j.state IN (1, 2) AND j.price_work IS NOT NULL"  \
    "    AND ($2::uuid IS NULL OR j.id = $2)) c"                                                   \
    " WHERE c.costs > c.budget LIMIT 100"

/* A task holds the memory of its slot, or what it needs beyond that. */
double budget_price(const struct config *c, double seconds, int64_t memory_bytes, double bytes_out)
{
    double held = (double)(memory_bytes > c->worker_memory ? memory_bytes : c->worker_memory);

    return seconds / 3600 * (c->billing_work_hour + held / 1e9 * c->billing_memory_gb_hour) +
           bytes_out / 1e9 * c->billing_result_gb;
}

struct overdrawn {
    const char *id, *currency;
    int64_t slot_bytes;
};

/* Asks again under the job's lock: it may have ended or begun anew in between. */
static bool stop(struct db *db, void *arg, struct err *err)
{
    const struct overdrawn *o = arg;
    AUTO(rows) PGresult *rows = NULL;
    char message[300];
    bool found;

    if (!job_lock(db, o->id, &found, err) ||
        !db_query(db, &rows, OVERDRAWN, DB_ARGS(db_int(o->slot_bytes), db_text(o->id)), err))
        return false;
    if (row_count(rows) == 0)
        return true;
    snprintf(message, sizeof message,
             "The job has cost %.6g %s and was stopped: its budget is %.6g. Set a higher budget and start it again.",
             row_double(rows, 0, 1), o->currency, row_double(rows, 0, 2));
    return job_log_add(db, o->id, "error", err_name(ERR_PaymentRequired), message, err) &&
           job_end(db, o->id, JOB_ERROR, err_name(ERR_PaymentRequired), message, NULL, 0, err);
}

bool budgets_enforce(struct db *db, const char *currency, int64_t slot_bytes, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!*currency)
        return true;
    if (!db_query(db, &rows, OVERDRAWN, DB_ARGS(db_int(slot_bytes), db_text(NULL)), err))
        return false;
    for (int i = 0; i < row_count(rows); i++)
        if (!db_transact(db, stop, &(struct overdrawn){ row_text(rows, i, 0), currency, slot_bytes }, err))
            return false;
    return true;
}
