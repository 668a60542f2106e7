/* POST /result: an interactive job that the client waits for. The first run plans, answers plain
 * values at once and submits; the second, woken by the job's end, sends the file. */
#include "api/common/build.h"
#include "api/common/results.h"
#include "api/common/run.h"
#include "api/openeo/openeo.h"
#include "base/instant.h"
#include <string.h>

static bool submit(struct request *rq, struct reply *reply, struct err *err)
{
    const struct job_terms terms = run_terms(rq, openeo_budget(rq->body));
    struct run_estimate estimate;
    struct openeo_request in;
    AUTO(json) json_t *request = NULL;
    enum dialect dialect;

    if (!js_read(rq->body, "", openeo_request_fields, JS_IGNORE_UNKNOWN, &in, err))
        return false;
    if (!openeo_check_plan(rq, in.plan, err) ||
        !openeo_dialect(&in, openeo_default_dialect(rq, in.process, "default_synchronous_options"), &dialect, err) ||
        !run_estimate(rq, in.process, NULL, "/process", dialect, PLAN_SYNC, &estimate, err))
        return false;
    if (estimate.value) {
        reply_header(rq, reply, "OpenEO-Costs", "0");
        return reply_json(reply, 200, estimate.value, NULL);
    }
    if (!run_fits_sync(rq, &estimate, err) || !run_within_budget(rq, &estimate, terms.budget, err))
        return false;
    request = json_pack("{s:s}", "dialect", dialect_name(dialect));
    return run_submit(rq, reply,
                      &(struct job_input){ .owner = rq->user->id, .face = JOB_FACE_SYNC,
                                           .process = in.process, .request = request,
                                           .class = CLASS_INTERACTIVE, .terms = &terms },
                      rq->config->http_sync_timeout * 1000, err);
}

static bool send_files(struct request *rq, struct reply *reply, const struct job *job,
                       struct err *err)
{
    struct job_asset *assets;
    size_t count;

    if (!job_asset_list(rq->db, rq->arena, rq->user->id, job->id, &assets, &count, err))
        return false;
    for (size_t i = 0; i < count; i++)
        json_decref(assets[i].fields);
    if (count == 0)
        return err_set(err, ERR_Internal, "The computation ended without a result file.");
    reply_header(rq, reply, "OpenEO-Costs", "%.12g", job->costs);
    reply_header(rq, reply, "OpenEO-Identifier", "%s", job->id);
    reply_header(rq, reply, "Link", "<%s>; rel=\"monitor\"",
                 openeo_href(rq, "/jobs/%s/logs", job->id));
    if (count == 1)
        return reply_file(rq, reply, assets[0].path, assets[0].media_type, NULL, err);
    return results_zip(rq, reply, assets, count, NULL, NULL, "result.zip", err);
}

static bool give_up(struct request *rq, const struct job *job, struct err *err)
{
    if (!job_cancel(rq->db, rq->user->id, job->id, err))
        return false;
    return err_set(err, ERR_RequestTimeout,
                   "The result was not ready within %d seconds and the computation was stopped; "
                   "run it as a batch job.",
                   (int)rq->config->http_sync_timeout);
}

bool openeo_result_post(struct request *rq, struct reply *reply, struct err *err)
{
    AUTO(job_value) struct job job = { 0 };

    if (!rq->state)
        return submit(rq, reply, err);
    switch (run_look(rq, reply, &job, err)) {
    case RUN_REFUSED: return false;
    case RUN_WAITS: return true;
    case RUN_LATE: return give_up(rq, &job, err);
    case RUN_ENDED: break;
    }
    if (job.state != JOB_FINISHED)
        return run_refuse_failed(&job, err);
    return send_files(rq, reply, &job, err);
}
