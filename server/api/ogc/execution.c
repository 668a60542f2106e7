/* POST /ogc/processes/{processId}/execution. Everything about a request is checked before its job is
 * stored; then it is answered with 201 and the job's address, or waited for. */
#include "api/common/build.h"
#include "api/common/run.h"
#include "api/ogc/execution.h"
#include "base/text.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MAX_WAIT_S = 1000000 }; /* numbers of clients have any size */

/* Prefer (RFC 7240), as far as it matters here. */
struct preference {
    bool async, sync;
    int64_t wait_ms; /* -1: not given */
};

static int64_t wait_seconds(const char *digits)
{
    int64_t seconds = strtoll(digits, NULL, 10);

    return seconds < MAX_WAIT_S ? seconds : MAX_WAIT_S;
}

static void read_token(char *token, struct preference *prefer)
{
    char *end;

    token += strspn(token, " \t");
    for (end = token + strlen(token); end > token && strchr(" \t", end[-1]); end--)
        end[-1] = '\0';
    if (!strcasecmp(token, "respond-async"))
        prefer->async = true;
    else if (!strcasecmp(token, "respond-sync"))
        prefer->sync = true;
    else if (!strncasecmp(token, "wait=", 5) && strspn(token + 5, "0123456789") == strlen(token + 5))
        prefer->wait_ms = wait_seconds(token + 5) * 1000;
}

static struct preference read_preference(struct request *rq)
{
    struct preference prefer = { .wait_ms = -1 };
    const char *header = request_header(rq, "Prefer");
    char *rest, *save;

    if (!header || strlen(header) > 1000)
        return prefer;
    rest = arena_text(rq->arena, header);
    for (char *t = strtok_r(rest, ",;", &save); t; t = strtok_r(NULL, ",;", &save))
        read_token(t, &prefer);
    return prefer;
}

bool ogc_execution_offers(const struct ogc_execution *x, const char *option)
{
    size_t i;
    json_t *one;

    json_array_foreach(json_object_get(x->description, "jobControlOptions"), i, one)
    {
        if (!strcmp(json_string_value(one), option))
            return true;
    }
    return false;
}

static bool choose_async(const struct ogc_execution *x, const struct preference *prefer)
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

bool ogc_execution_read(struct request *rq, const char *process_id, const json_t *body,
                        struct ogc_execution *x, struct err *err)
{
    (void)rq;
    x->process = ogc_process_find(process_id);
    if (!x->process)
        return err_set(err, ERR_ProcessNotFound, "There is no process '%.60s'.", process_id);
    if (!json_is_object(body))
        return js_refuse(body, "", "an object", err);
    x->description = ogc_process_description(x->process);
    x->graph = ogc_process_graph(x->process);
    if (!ogc_inputs_read(json_object_get(body, "inputs"), x->description, x->graph, &x->arguments,
                         err) ||
        !ogc_outputs_read(body, x->description, &x->request, err))
        return false;
    ogc_outputs_prune(x->graph, x->description, x->request);
    return true;
}

static struct job_input input_of(struct request *rq, const struct ogc_execution *x,
                                 enum job_class class)
{
    return (struct job_input){
        .owner = rq->user->id, .face = OGC_FACE, .process_id = x->process->id,
        .title = json_string_value(json_object_get(x->description, "title")),
        .process = x->graph, .arguments = x->arguments, .request = x->request, .class = class,
    };
}

bool ogc_execution_queue(struct request *rq, const struct ogc_execution *x,
                         char ret_id[static ID_UUID_SIZE], struct err *err)
{
    const struct job_terms terms = run_terms(rq, -1);
    struct job_input in = input_of(rq, x, CLASS_NORMAL);

    in.terms = &terms;
    return run_check(rq, x->graph, x->arguments, "", DIALECT_OPENEO, err) &&
           job_submit(rq->db, &in, ret_id, err);
}

bool ogc_execution_wait(struct request *rq, struct reply *reply, const struct ogc_execution *x,
                        int64_t timeout_ms, bool any_size, struct err *err)
{
    const struct job_terms terms = run_terms(rq, -1);
    struct job_input in = input_of(rq, x, CLASS_INTERACTIVE);
    struct run_estimate estimate = {0};

    in.terms = &terms;
    if (!run_estimate(rq, x->graph, x->arguments, "", DIALECT_OPENEO, PLAN_BATCH, &estimate, err))
        return false;
    json_decref(estimate.value);
    return (any_size || run_fits_sync(rq, &estimate, err)) &&
           run_submit(rq, reply, &in, timeout_ms, err);
}

/* 201 with the status of the new job. */
static bool reply_accepted(struct request *rq, struct reply *reply, const char *id,
                           struct err *err)
{
    AUTO(job_value) struct job job = { 0 };

    if (!job_load(rq->db, rq->arena, rq->user->id, id, &job, err))
        return false;
    reply_header(rq, reply, "Location", "%s", href_of(rq, OGC_ROOT "/jobs/%s", job.id));
    reply_header(rq, reply, "Preference-Applied", "respond-async");
    return reply_json(reply, 201, ogc_status(rq, &job), NULL);
}

static int64_t wait_of(const struct request *rq, const struct preference *prefer)
{
    int64_t longest = rq->config->http_sync_timeout * 1000;

    return prefer->wait_ms >= 0 && prefer->wait_ms < longest ? prefer->wait_ms : longest;
}

static bool submit(struct request *rq, struct reply *reply, struct err *err)
{
    struct preference prefer = read_preference(rq);
    AUTO(ogc_execution) struct ogc_execution x = {0};
    char id[ID_UUID_SIZE];
    bool async;

    if (!ogc_execution_read(rq, request_variable(rq, "processId"), rq->body, &x, err))
        return false;
    async = choose_async(&x, &prefer);
    if (async && prefer.wait_ms <= 0)
        return ogc_execution_queue(rq, &x, id, err) && reply_accepted(rq, reply, id, err);
    return ogc_execution_wait(rq, reply, &x, wait_of(rq, &prefer), async, err);
}

/* The wait is over and the job is not: with respond-async it goes on as any other job. */
static bool reply_late(struct request *rq, struct reply *reply, const struct job *job,
                       struct err *err)
{
    if (read_preference(rq).async)
        return reply_accepted(rq, reply, job->id, err);
    if (!job_cancel(rq->db, rq->user->id, job->id, err))
        return false;
    return err_set(err, ERR_RequestTimeout,
                   "The result was not ready in time and the job was dismissed; ask for it with "
                   "'Prefer: respond-async'.");
}

bool ogc_execution_post(struct request *rq, struct reply *reply, struct err *err)
{
    AUTO(job_value) struct job job = { 0 };

    if (!rq->state)
        return submit(rq, reply, err);
    switch (run_look(rq, reply, &job, err)) {
    case RUN_REFUSED: return false;
    case RUN_WAITS: return true;
    case RUN_LATE: return reply_late(rq, reply, &job, err);
    case RUN_ENDED: break;
    }
    return ogc_reply_results(rq, reply, &job, err);
}
