/* What jobs cost, and the end of those that cost more than they may. */
#ifndef STORE_BUDGETS_H
#define STORE_BUDGETS_H

#include "config/config.h"
#include "store/jobs.h"

/* Of jobs j: work and memory so far, and what lies in its results. 0 for those without a price. */
#define JOB_COSTS                                                                                  \
    "coalesce(j.price_work * j.cost_seconds + j.price_memory * j.memory_seconds"                   \
    "  + CASE WHEN j.price_result > 0 THEN j.price_result * (SELECT coalesce(sum(a.size_bytes), 0)"\
    "        FROM job_assets a WHERE a.job = j.id) / 1e9 ELSE 0 END, 0)"

/* What so many seconds of work, in tasks of so much memory, and so many bytes of results cost by the price list of the site. */
double budget_price(const struct config *config, double seconds, int64_t memory_bytes, double bytes_out);

/* Ends the running jobs whose tasks, those at work included, cost more than the budget. */
bool budgets_enforce(struct db *db, const char *currency, int64_t slot_bytes, struct err *err) MUST_USE;

#endif
