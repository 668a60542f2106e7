/* POST /ogc/processes/{processId}/execution, and the same by GET with parameters (kvp.c). Everything about a request is
 * checked before its job is stored; then it is answered with 201 and the job's address, or waited for. What needs no
 * pixels is answered without a job. */
#include "api/common/build.h"
#include "api/common/notify.h"
#include "api/common/product.h"
#include "api/common/run.h"
#include "api/ogc/adhoc.h"
#include "api/ogc/collections.h"
#include "api/ogc/html.h"
#include "api/ogc/workflow.h"
#include "base/text.h"
#include "jobs/ortho.h"
#include "json/js.h"
#include <stdlib.h>
#include <string.h>

bool ogc_execution_offers(const struct ogc_execution *x, const char *option)
{
    size_t i;
    json_t *one;

    json_array_foreach(json_object_get(x->description, "jobControlOptions"), i, one) {
        if (!strcmp(json_string_value(one), option))
            return true;
    }
    return false;
}

static bool choose_async(const struct ogc_execution *x, const struct ogc_preference *prefer)
{
    if (!ogc_execution_offers(x, "sync-execute"))
        return true;
    return prefer->async && !prefer->sync && ogc_execution_offers(x, "async-execute");
}

void ogc_execution_drop(struct ogc_execution *x)
{
    json_decref(x->description);
    json_decref(x->graph);
    json_decref(x->arguments);
    json_decref(x->request);
}

/* The outputs that the job gives are the workflow's. */
static bool read_workflow(struct request *rq, const json_t *body, const json_t *definition, struct ogc_called *called,
                          struct ogc_execution *x, struct err *err)
{
    json_t *asked = json_object();
    const json_t *wishes = json_object_get(body, "outputs"), *port;
    const char *name, *response = js_text(body, "response");

    if (!ogc_workflow_read(rq, body, called, &x->graph, err)) {
        json_decref(asked);
        return false;
    }
    json_object_foreach(json_object_get(json_object_get(x->graph, "workflow"), "outputs"), name, port) {
        const json_t *wish = json_object_get(wishes, name);
        json_t *mode = json_object_get(wish, "transmissionMode");

        json_object_set_new(asked, name, mode ? json_pack("{s:O}", "transmissionMode", mode) : json_object());
    }
    x->arguments = json_object();
    x->request = json_pack("{s:o, s:O, s:s*}", "outputs", asked, "definition", definition, "response", response);
    return notify_read(rq, json_object_get(body, "subscriber"), x->graph, x->arguments, x->request, err);
}

bool ogc_execution_read(struct request *rq, const char *process, const json_t *body, struct ogc_execution *x,
                        struct err *err)
{
    struct ogc_source source = { .config = rq->config, .base_url = rq->base_url };
    struct ogc_process *elsewhere = arena_alloc(rq->arena, sizeof *elsewhere);
    AUTO(ogc_called) struct ogc_called called = { 0 };
    AUTO(json) json_t *brought = NULL;
    const json_t *definition = body;
    const char *adhoc;

    if (rq->user && !user_may(rq->user, KEY_PROCESS))
        return err_set(err, ERR_PermissionsInsufficient, "This API key may not run processes: it lacks the scope 'process'");
    if (!json_is_object(body))
        return js_refuse(body, "", "an object", err);
    if ((adhoc = ogc_adhoc_name(rq, process)))
        body = brought = ogc_adhoc_request(body);
    if (!(adhoc ? ogc_adhoc_call(rq, adhoc, brought, &called, err) : ogc_call(rq, process, NULL, &called, err)))
        return false;
    if (!(x->process = called.process)) {
        elsewhere->id = called.id;
        x->process = elsewhere;
    }
    x->description = json_incref(called.description);
    if (called.kind || json_object_get(called.unit, "execute") || ogc_workflow_is(body))
        return read_workflow(rq, body, definition, &called, x, err);
    x->graph = json_incref(called.unit); /* others have it, too: it is never changed */
    if (!ogc_outputs_read(body, x->description, &x->request, err))
        return false;
    json_object_set(x->request, "definition", (json_t *)definition);
    if (ogc_execution_is_commands(x))
        return ogc_package_inputs(json_object_get(body, "inputs"), x->graph, &x->arguments, err) &&
               notify_read(rq, json_object_get(body, "subscriber"), x->graph, x->arguments, x->request, err);
    if (!ogc_inputs_read(json_object_get(body, "inputs"), x->description, x->graph, &source, &x->arguments, err) ||
        !ogc_outputs_choose(body, x->description, x->arguments, err) || !product_fill(rq, x->graph, x->arguments, err) ||
        !notify_read(rq, json_object_get(body, "subscriber"), x->graph, x->arguments, x->request, err))
        return false;
    json_decref(x->graph); /* `called` holds it still */
    x->graph = ogc_outputs_prune(called.unit, x->description, x->request);
    return true;
}

bool ogc_execution_is_commands(const struct ogc_execution *x)
{
    return json_object_get(x->graph, "cwl") || json_object_get(x->graph, "workflow");
}

/* Else it is no process graph: nothing can be told of it without running it. */
static bool is_graph(const struct ogc_execution *x)
{
    return json_object_get(x->graph, "process_graph") != NULL;
}

bool ogc_execution_check(struct request *rq, const struct ogc_execution *x, struct err *err)
{
    struct ortho_inputs chain = { 0 };

    if (json_object_get(x->graph, "chain"))
        return ortho_inputs_read(x->arguments, &chain, err);
    return !is_graph(x) || run_check(rq, x->graph, x->arguments, "", DIALECT_OPENEO, err);
}

int64_t ogc_pause_of(const json_t *arguments)
{
    return json_integer_value(json_object_get(arguments, "pause"));
}

struct job_input ogc_execution_input(struct request *rq, const struct ogc_execution *x, const char *face,
                                     enum job_class class)
{
    const char *title = js_text(json_object_get(x->request, "definition"), "title");

    return (struct job_input){
        .owner = rq->user->id, .face = face, .process_id = x->process->id,
        .title = title ? title : js_text(x->description, "title"),
        .process = x->graph, .arguments = x->arguments, .request = x->request, .class = class,
        .delay_s = ogc_pause_of(x->arguments),
    };
}

/* What was checked, or planned, already. */
static bool queue_checked(struct request *rq, const struct ogc_execution *x, struct job *ret_job, struct err *err)
{
    const struct job_terms terms = run_terms(rq, -1);
    struct job_input in = ogc_execution_input(rq, x, OGC_FACE, CLASS_NORMAL);
    struct job_receipt receipt;

    in.terms = &terms;
    if (!job_submit(rq->db, &in, &receipt, err))
        return false;
    *ret_job = job_of_receipt(&in, &receipt, false);
    return true;
}

bool ogc_execution_queue(struct request *rq, const struct ogc_execution *x, struct job *ret_job, struct err *err)
{
    return ogc_execution_check(rq, x, err) && queue_checked(rq, x, ret_job, err);
}

bool ogc_execution_wait(struct request *rq, struct reply *reply, const struct ogc_execution *x, int64_t timeout_ms,
                        bool any_size, struct err *err)
{
    const struct job_terms terms = run_terms(rq, -1);
    struct job_input in = ogc_execution_input(rq, x, any_size ? OGC_FACE : OGC_FACE_SYNC, CLASS_INTERACTIVE);
    struct run_estimate estimate = { 0 };

    in.terms = &terms;
    if (!is_graph(x) ? !ogc_execution_check(rq, x, err) :
        !run_estimate(rq, x->graph, x->arguments, "", DIALECT_OPENEO, PLAN_BATCH, &estimate, err))
        return false;
    json_decref(estimate.value);
    return (any_size || run_fits_sync(rq, &estimate, err)) && run_submit(rq, reply, &in, timeout_ms, err);
}

/* 201 with the status of the new job. */
static bool reply_accepted(struct request *rq, struct reply *reply, const struct job *job, struct err *err)
{
    struct ogc_preference prefer = ogc_preference_read(rq);

    reply_header(rq, reply, "Location", "%s", href_of(rq, OGC_ROOT "/jobs/%s", job->id));
    /* of browsers: to look again at this page's own address would run the process once more */
    reply_header(rq, reply, "Refresh", "1; url=%s", href_of(rq, OGC_ROOT "/jobs/%s?f=html", job->id));
    ogc_preference_applied(rq, reply, &prefer, true);
    return ogc_answer(rq, reply, 201, ogc_status(rq, job), html_ogc_job, err);
}

static int64_t wait_of(const struct request *rq, const struct ogc_preference *prefer)
{
    int64_t longest = rq->config->http_sync_timeout * 1000;

    return prefer->wait_ms >= 0 && prefer->wait_ms < longest ? prefer->wait_ms : longest;
}

/* No output is a file: what the graph gives is known when it was planned, and need not be planned twice. */
static bool is_value(const struct ogc_execution *x)
{
    const char *id;
    json_t *node;

    if (!is_graph(x))
        return false;
    json_object_foreach(json_object_get(x->graph, "process_graph"), id, node)
        if (!strcmp(js_text(node, "process_id"), "save_result"))
            return false;
    return true;
}

/* Results that are values already, and none of them wanted as a file. */
static bool is_answered(const struct ogc_execution *x, const json_t *value)
{
    const char *id;
    json_t *wish;

    json_object_foreach(json_object_get(x->request, "outputs"), id, wish) {
        const char *mode = js_text(wish, "transmissionMode");

        if (mode && !strcmp(mode, "reference"))
            return false;
    }
    return value && json_is_object(value) && !ogc_pause_of(x->arguments) && !json_object_get(x->request, "notify");
}

/* What the outputs are, when they are known without pixels and no file is wanted (NULL: they are not). */
static bool value_of(struct request *rq, const struct ogc_execution *x, json_t **ret_value, struct err *err)
{
    struct run_estimate estimate = { 0 };

    *ret_value = NULL;
    if (!is_value(x))
        return true;
    if (!run_estimate(rq, x->graph, x->arguments, "", DIALECT_OPENEO, PLAN_BATCH, &estimate, err))
        return false;
    if (is_answered(x, estimate.value))
        *ret_value = estimate.value;
    else
        json_decref(estimate.value);
    return true;
}

/* A job; one whose outputs are known has ended when it is answered. */
static bool make_job(struct request *rq, const struct ogc_execution *x, struct job *ret_job, struct err *err)
{
    struct job_input in = ogc_execution_input(rq, x, OGC_FACE, CLASS_NORMAL);
    AUTO(json) json_t *value = NULL;
    struct job_receipt receipt;

    if (!value_of(rq, x, &value, err))
        return false;
    if (!value)
        return is_value(x) ? queue_checked(rq, x, ret_job, err) : ogc_execution_queue(rq, x, ret_job, err);
    json_object_set(x->request, "values", value);
    if (!job_insert_finished(rq->db, &in, rq->config->jobs_keep, &receipt, err))
        return false;
    *ret_job = job_of_receipt(&in, &receipt, true);
    return true;
}

static bool queue(struct request *rq, struct reply *reply, const struct ogc_execution *x, struct err *err)
{
    AUTO(job_value) struct job job = { 0 };

    return make_job(rq, x, &job, err) && reply_accepted(rq, reply, &job, err);
}

static bool submit(struct request *rq, struct reply *reply, const json_t *body, struct err *err)
{
    struct ogc_preference prefer = ogc_preference_read(rq);
    AUTO(ogc_execution) struct ogc_execution x = { 0 };
    AUTO(json) json_t *value = NULL;
    bool async;

    if (!ogc_execution_read(rq, request_variable(rq, "processId"), body, &x, err))
        return false;
    async = choose_async(&x, &prefer);
    if (async && prefer.wait_ms <= 0)
        return queue(rq, reply, &x, err);
    if (prefer.returns)
        json_object_set_new(x.request, "return", json_string(prefer.returns));
    if (!value_of(rq, &x, &value, err))
        return false;
    if (!value)
        return ogc_execution_wait(rq, reply, &x, wait_of(rq, &prefer), async, err);
    ogc_preference_applied(rq, reply, &prefer, false);
    return ogc_reply_values(rq, reply, &x, value, err);
}

/* The wait is over and the job is not: with respond-async it goes on as any other job. */
static bool reply_late(struct request *rq, struct reply *reply, const struct job *job,
                       struct err *err)
{
    if (strcmp(job->face, OGC_FACE_SYNC))
        return reply_accepted(rq, reply, job, err);
    if (!job_cancel(rq->db, rq->user->id, job->id, err))
        return false;
    return err_set(err, ERR_RequestTimeout,
                   "The result was not ready in time and the job was dismissed; ask for it with "
                   "'Prefer: respond-async'.");
}

static bool look(struct request *rq, struct reply *reply, struct err *err)
{
    struct ogc_preference prefer = ogc_preference_read(rq);
    AUTO(job_value) struct job job = { 0 };

    switch (run_look(rq, reply, &job, err)) {
    case RUN_REFUSED: return false;
    case RUN_WAITS: return true;
    case RUN_LATE: return reply_late(rq, reply, &job, err);
    case RUN_ENDED: break;
    }
    ogc_preference_applied(rq, reply, &prefer, false);
    return ogc_reply_results(rq, reply, &job, err);
}

bool ogc_execution_post(struct request *rq, struct reply *reply, struct err *err)
{
    const char *response = request_query(rq, "response");

    if (rq->state)
        return look(rq, reply, err);
    if (!response)
        return submit(rq, reply, rq->body, err);
    if (!strcmp(response, "collection") || !strcmp(response, "landingPage"))
        return ogc_collection_make(rq, reply, rq->body, !strcmp(response, "landingPage"), err);
    return err_set(err, ERR_InvalidQueryValue, "response: expected collection or landingPage, found '%.60s'", response);
}

bool ogc_execution_get(struct request *rq, struct reply *reply, struct err *err)
{
    AUTO(json) json_t *body = NULL;

    if (rq->state)
        return look(rq, reply, err);
    return ogc_kvp_read(rq, &body, err) && submit(rq, reply, body, err);
}
