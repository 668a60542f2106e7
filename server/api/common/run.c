/* Planning happens in the server, too: errors are told with the request, values without a cube are
 * answered at once, and what is too large is refused before anybody waits for it. */
#include "api/common/run.h"
#include "base/instant.h"
#include "jobs/url.h"
#include "raster/engine.h"
#include "store/budgets.h"
#include "store/catalog.h"
#include <inttypes.h>
#include <string.h>

bool run_check(struct request *rq, const json_t *process, const json_t *arguments,
               const char *pointer, enum dialect dialect, struct err *err)
{
    struct catalog_viewer viewer = { .db = rq->db, .user = rq->user ? rq->user->id : NULL };
    struct catalog catalog = catalog_store(&viewer);
    struct url_reader reader = { .config = rq->config, .db = rq->db, .user = viewer.user };

    catalog.dialect = dialect;
    url_allow(&catalog, &reader);
    return graph_check(process, arguments, pointer, &catalog, err);
}

bool run_estimate(struct request *rq, const json_t *process, const json_t *arguments,
                  const char *pointer, enum dialect dialect, enum plan_mode mode,
                  struct run_estimate *ret_estimate, struct err *err)
{
    struct catalog_viewer viewer = { .db = rq->db, .user = rq->user ? rq->user->id : NULL };
    struct catalog catalog = catalog_store(&viewer);
    struct raster_options options = { .threads = 1,
                                      .memory_bytes = (size_t)rq->config->raster_block_budget,
                                      .task_bytes = (size_t)rq->config->worker_memory, .config = rq->config };
    struct url_reader reader = { .config = rq->config, .db = rq->db, .user = viewer.user };
    struct raster_estimate pixels;
    AUTO(plan) struct plan *plan = NULL;

    catalog.dialect = dialect;
    url_allow(&catalog, &reader);
    memset(ret_estimate, 0, sizeof *ret_estimate);
    if (!graph_plan(process, arguments, pointer, &catalog, mode, &plan, err)) {
        ret_estimate->unknown = err->code == ERR_EstimateComplexity;
        if (ret_estimate->unknown)
            err_clear(err); /* what is too large is refused by the task that plans it */
        return ret_estimate->unknown;
    }
    if (plan->value) {
        ret_estimate->value = json_incref(plan->value);
        return true;
    }
    if (!raster_estimate(plan, &options, &pixels, err))
        return false;
    ret_estimate->pixels_in = pixels.pixels_in;
    ret_estimate->bytes_in = pixels.bytes_in;
    ret_estimate->bytes_out = pixels.bytes_out;
    ret_estimate->memory_bytes = (int64_t)pixels.memory_bytes;
    ret_estimate->seconds = pixels.seconds;
    return true;
}

struct job_terms run_terms(const struct request *rq, double budget)
{
    const struct config *c = rq->config;

    if (!*c->billing_currency)
        return (struct job_terms){ -1, -1, -1, -1, c->jobs_user_jobs };
    return (struct job_terms){ c->billing_work_hour / 3600, c->billing_memory_gb_hour / 3600,
                               c->billing_result_gb, budget, c->jobs_user_jobs };
}

double run_costs(const struct request *rq, const struct run_estimate *estimate)
{
    return budget_price(rq->config, estimate->seconds, estimate->memory_bytes, (double)estimate->bytes_out);
}

bool run_within_budget(const struct request *rq, const struct run_estimate *estimate, double budget,
                       struct err *err)
{
    const char *currency = rq->config->billing_currency;
    double costs = run_costs(rq, estimate);

    if (!*currency || budget < 0 || costs <= budget)
        return true;
    return err_set(err, ERR_PaymentRequired,
                   "The computation is estimated to cost %.6g %s, the budget is %.6g: set a higher budget, or ask "
                   "for a smaller area or fewer dates.", costs, currency, budget);
}

bool run_fits_sync(const struct request *rq, const struct run_estimate *estimate, struct err *err)
{
    if (estimate->pixels_in <= rq->config->jobs_sync_pixels)
        return true;
    return err_set(err, ERR_ProcessGraphComplexity,
                   "The request reads %" PRId64 " pixels; at most %" PRId64
                   " are read while a client waits. Ask for a smaller area or fewer dates, or "
                   "run it as a job.",
                   estimate->pixels_in, rq->config->jobs_sync_pixels);
}

bool run_submit(struct request *rq, struct reply *reply, const struct job_input *in,
                int64_t timeout_ms, struct err *err)
{
    struct run_wait *wait = arena_alloc(rq->arena, sizeof *wait);
    struct job_receipt receipt;

    if (!job_submit(rq->db, in, &receipt, err))
        return false;
    memcpy(wait->job, receipt.id, sizeof wait->job);
    wait->deadline_ms = instant_monotonic() + timeout_ms;
    rq->state = wait;
    return reply_wait(rq, reply, wait->job, timeout_ms);
}

enum run_outcome run_look(struct request *rq, struct reply *reply, struct job *ret_job,
                          struct err *err)
{
    const struct run_wait *wait = rq->state;
    int64_t left = wait->deadline_ms - instant_monotonic();

    if (!job_load(rq->db, rq->arena, rq->user->id, wait->job, ret_job, err))
        return RUN_REFUSED;
    if (ret_job->state != JOB_QUEUED && ret_job->state != JOB_RUNNING)
        return RUN_ENDED;
    if (left <= 0)
        return RUN_LATE;
    job_done(ret_job);
    reply_wait(rq, reply, wait->job, left);
    return RUN_WAITS;
}

bool run_refuse_failed(const struct job *job, struct err *err)
{
    if (job->state == JOB_CANCELED)
        return err_set(err, ERR_JobDismissed, "The job was dismissed before it had a result.");
    return err_set(err, job->error_code ? err_find(job->error_code) : ERR_Internal, "%s",
                   job->error_message ? job->error_message : "The job failed.");
}

bool run_job(struct request *rq, const char *name, struct job *ret_job, struct err *err)
{
    const char *id = request_variable(rq, name);

    if (!id_is_uuid(id))
        return err_set(err, ERR_JobNotFound, "There is no job '%.60s'.", id);
    return job_load(rq->db, rq->arena, rq->user->id, id, ret_job, err);
}
