/* Execute: the request in the JSON of /ogc, run by its code. What is needed to answer stays with
 * the job, since the answer may be asked for later, and since a request that waits is woken without
 * its body. */
#include "api/common/run.h"
#include "api/wps/wps.h"
#include "json/js.h"
#include <string.h>

enum { WAIT_LATER_MS = 10000 };

static const char *const transmissions[] = {NULL, "value", "reference"};

static bool add_output(const struct wps_request *wps, const struct wps_output *output,
                       const json_t *description, json_t *outputs, struct wps_problem *problem,
                       struct err *err)
{
    const json_t *known = json_object_get(json_object_get(description, "outputs"), output->id);
    json_t *wish = json_object();

    json_object_set_new(outputs, output->id, wish);
    if (!known)
        return wps_refuse(problem,
                          wps->version == OWS_2_0 ? "NoSuchOutput" : "InvalidParameterValue",
                          output->id, err, "The process has no output '%.100s'", output->id);
    if (transmissions[output->transmission])
        json_object_set_new(wish, "transmissionMode",
                            json_string(transmissions[output->transmission]));
    if (output->media && wps_kind_of(json_object_get(known, "schema")) == WPS_COMPLEX)
        json_object_set_new(wish, "format", json_pack("{s:s}", "mediaType", output->media));
    return true;
}

/* The body of an execute request of /ogc. */
static bool make_body(const struct wps_request *wps, const json_t *description, json_t **ret_body,
                      struct wps_problem *problem, struct err *err)
{
    AUTO(json) json_t *outputs = json_object();
    json_t *inputs;

    for (size_t i = 0; i < wps->n_outputs; i++)
        if (!add_output(wps, &wps->outputs[i], description, outputs, problem, err))
            return false;
    if (wps->raw && !wps->n_outputs &&
        json_object_size(json_object_get(description, "outputs")) > 1)
        return wps_refuse(problem, "InvalidParameterValue", "RawDataOutput", err,
                          "Raw data are those of one output; say which");
    if (!wps_inputs(wps, description, &inputs, problem, err))
        return false;
    *ret_body =
        json_pack("{s:o, s:s}", "inputs", inputs, "response", wps->raw ? "raw" : "document");
    if (wps->n_outputs)
        json_object_set(*ret_body, "outputs", outputs);
    return true;
}

static bool check_mode(const struct wps_request *wps, const struct ogc_execution *x,
                       struct wps_problem *problem, struct err *err)
{
    const char *needed = wps->mode == WPS_SYNC ? "sync-execute" : "async-execute";

    if (wps->version != OWS_2_0 || wps->mode == WPS_AUTO || ogc_execution_offers(x, needed))
        return true;
    return wps_refuse(problem, "NoSuchMode", "mode", err, "The process does not offer %s", needed);
}

/* What is answered to the request that starts a job is that it is accepted, however quickly it
 * ends. */
static bool reply_accepted(struct request *rq, struct reply *reply, enum ows_version version,
                           const struct job *job, struct err *err)
{
    return version == OWS_2_0 ? wps_reply_status(reply, job) : wps_reply_response(rq, reply, job, err);
}

/* Who stores the response, or leaves the mode to us, waits a while and then asks again. */
static bool run(struct request *rq, struct reply *reply, const struct wps_request *wps,
                const struct ogc_execution *x, struct err *err)
{
    bool async = wps->version == OWS_2_0 ? wps->mode == WPS_ASYNC : wps->store && wps->status;
    bool later = wps_is_later(wps);
    int64_t longest = rq->config->http_sync_timeout * 1000;
    AUTO(job_value) struct job job = {0};

    if (!async)
        return ogc_execution_wait(
            rq, reply, x, later && longest > WAIT_LATER_MS ? WAIT_LATER_MS : longest, later, err);
    return ogc_execution_queue(rq, x, &job, err) && reply_accepted(rq, reply, wps->version, &job, err);
}

bool wps_execute(struct request *rq, struct reply *reply, const struct wps_request *wps,
                 struct wps_problem *problem, struct err *err)
{
    const char *id = wps->identifiers[0];
    AUTO(ogc_execution) struct ogc_execution x = {0};
    AUTO(json) json_t *description = NULL, *body = NULL;

    if (!rq->user)
        return err_set(err, ERR_AuthenticationRequired, "Log in to execute a process");
    if (!wps_describe(rq, wps->version, id, &description, problem, err) ||
        !make_body(wps, description, &body, problem, err) ||
        !ogc_execution_read(rq, id, body, &x, err) || !check_mode(wps, &x, problem, err))
        return false;
    json_object_set_new(x.request, "wps", wps_form_json(wps, body));
    return run(rq, reply, wps, &x, err);
}

static bool reply_late(struct request *rq, struct reply *reply, const struct job *job,
                       struct err *err)
{
    struct wps_form form = wps_form_of(job);

    if (form.later)
        return form.version == OWS_2_0 ? wps_reply_status(reply, job)
                                       : wps_reply_response(rq, reply, job, err);
    if (!job_cancel(rq->db, rq->user->id, job->id, err))
        return false;
    return err_set(
        err, ERR_RequestTimeout,
        "The result was not ready in time and the job was dismissed; ask for it asynchronously.");
}

static bool reply_ended(struct request *rq, struct reply *reply, const struct job *job,
                        struct err *err)
{
    struct wps_form form = wps_form_of(job);
    struct wps_problem ignored;

    if (job->state != JOB_FINISHED && (form.raw || form.version == OWS_2_0))
        return run_refuse_failed(job, err);
    if (form.raw)
        return wps_reply_raw(rq, reply, job, err);
    return form.version == OWS_2_0 ? wps_reply_result(rq, reply, job, &ignored, err)
                                   : wps_reply_response(rq, reply, job, err);
}

bool wps_execute_again(struct request *rq, struct reply *reply, struct err *err)
{
    AUTO(job_value) struct job job = {0};

    switch (run_look(rq, reply, &job, err)) {
    case RUN_REFUSED:
        return false;
    case RUN_WAITS:
        return true;
    case RUN_LATE:
        return reply_late(rq, reply, &job, err);
    case RUN_ENDED:
        break;
    }
    return reply_ended(rq, reply, &job, err);
}
