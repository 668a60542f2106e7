/* POST /ogc/processes/{processId}/execution. Everything about a request is checked before its job is
 * stored; then it is answered with 201 and the job's address, or waited for. */
#include "api/common/build.h"
#include "api/common/run.h"
#include "api/ogc/ogc.h"
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

static bool offers(const json_t *description, const char *option)
{
    size_t i;
    json_t *one;

    json_array_foreach(json_object_get(description, "jobControlOptions"), i, one) {
        if (!strcmp(json_string_value(one), option))
            return true;
    }
    return false;
}

static bool choose_async(const json_t *description, const struct preference *prefer)
{
    if (!offers(description, "sync-execute"))
        return true;
    return prefer->async && !prefer->sync && offers(description, "async-execute");
}

/* A request that was checked; all of it is owned. */
struct execution {
    const struct ogc_process *process;
    json_t *description, *graph, *arguments, *request;
};

static void execution_drop(struct execution *x)
{
    json_decref(x->description);
    json_decref(x->graph);
    json_decref(x->arguments);
    json_decref(x->request);
}

static bool read_execution(struct request *rq, struct execution *x, struct err *err)
{
    const char *id = request_variable(rq, "processId");

    x->process = ogc_process_find(id);
    if (!x->process)
        return err_set(err, ERR_ProcessNotFound, "There is no process '%.60s'.", id);
    if (!json_is_object(rq->body))
        return js_refuse(rq->body, "", "an object", err);
    x->description = ogc_process_description(x->process);
    x->graph = ogc_process_graph(x->process);
    if (!ogc_inputs_read(json_object_get(rq->body, "inputs"), x->description, x->graph,
                         &x->arguments, err) ||
        !ogc_outputs_read(rq->body, x->description, &x->request, err))
        return false;
    ogc_outputs_prune(x->graph, x->description, x->request);
    return true;
}

static struct job_input input_of(struct request *rq, const struct execution *x,
                                 enum job_class class)
{
    return (struct job_input){
        .owner = rq->user->id, .face = OGC_FACE, .process_id = x->process->id,
        .title = json_string_value(json_object_get(x->description, "title")),
        .process = x->graph, .arguments = x->arguments, .request = x->request, .class = class,
    };
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
    AUTO(execution) struct execution x = { 0 };
    struct run_estimate estimate = { 0 };
    const struct job_terms terms = run_terms(rq, -1);
    struct job_input in;
    char id[ID_UUID_SIZE];
    bool fits;

    if (!read_execution(rq, &x, err))
        return false;
    if (choose_async(x.description, &prefer) && prefer.wait_ms <= 0) {
        in = input_of(rq, &x, CLASS_NORMAL);
        in.terms = &terms;
        return run_check(rq, x.graph, x.arguments, "", DIALECT_OPENEO, err) &&
               job_submit(rq->db, &in, id, err) && reply_accepted(rq, reply, id, err);
    }
    if (!run_estimate(rq, x.graph, x.arguments, "", DIALECT_OPENEO, PLAN_BATCH, &estimate, err))
        return false;
    json_decref(estimate.value);
    fits = choose_async(x.description, &prefer) || run_fits_sync(rq, &estimate, err);
    in = input_of(rq, &x, CLASS_INTERACTIVE);
    in.terms = &terms;
    return fits && run_submit(rq, reply, &in, wait_of(rq, &prefer), err);
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
