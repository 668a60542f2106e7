/* Batch jobs: create, list, read, change, delete, estimate. */
#include "api/common/build.h"
#include "api/common/notify.h"
#include "api/common/run.h"
#include "api/openeo/openeo.h"
#include "base/instant.h"
#include "json/js.h"
#include "store/user_processes.h"
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <strings.h>

static const char *const log_levels[] = { "error", "warning", "info", "debug", NULL };

/* For PATCH everything is optional. */
#define REQUEST_FIELDS(...)                                                                                            \
    JS_STRING(struct openeo_request, title, .optional = true, .nullable = true, .max_len = 1000),                      \
        JS_STRING(struct openeo_request, description, .optional = true, .nullable = true, .max_len = 100000),          \
        JS_OBJECT(struct openeo_request, process, __VA_ARGS__),                                                        \
        JS_STRING(struct openeo_request, plan, .optional = true, .nullable = true),                                    \
        JS_NUMBER(struct openeo_request, budget, 0, INFINITY, .optional = true, .nullable = true),                     \
        JS_STRING(struct openeo_request, log_level, .optional = true, .nullable = true, .choice = log_levels),         \
        JS_STRING(struct openeo_request, dialect, .optional = true, .nullable = true),                                 \
        JS_OBJECT(struct openeo_request, job_options, .optional = true, .nullable = true),                             \
        JS_ANY(struct openeo_request, notify_email, .optional = true),                                                 \
        JS_ANY(struct openeo_request, subscriber, .optional = true), JS_END

const struct js_field openeo_request_fields[] = { REQUEST_FIELDS(.optional = false) };
static const struct js_field change_fields[] = { REQUEST_FIELDS(.optional = true) };
#undef REQUEST_FIELDS

/* A parameter of ours stands in the request or in its job_options. */
static const json_t *option(const json_t *request, const char *name, bool *ret_inside)
{
    const json_t *here = json_object_get(request, name);

    *ret_inside = !here;
    return here ? here : json_object_get(json_object_get(request, "job_options"), name);
}

/* Who is told of the job's end: "notify_email" and "subscriber" of what the row keeps. */
static bool keep_notify(struct request *rq, json_t *request, struct err *err)
{
    bool mail_inside, subscriber_inside;
    struct notify_wish wish = { .mail = option(request, "notify_email", &mail_inside),
                                .subscriber = option(request, "subscriber", &subscriber_inside) };

    wish.mail_pointer = mail_inside ? "/job_options/notify_email" : "/notify_email";
    wish.subscriber_pointer = subscriber_inside ? "/job_options/subscriber" : "/subscriber";
    if (wish.mail && !json_is_boolean(wish.mail) && !json_is_string(wish.mail) && !json_is_null(wish.mail))
        return js_refuse(wish.mail, wish.mail_pointer, "true, false or an address of e-mail", err);
    return notify_keep(rq, &wish, request, err);
}

/* What the job's row keeps in "request": the members that no column has, and the dialect. */
static json_t *rest_of_request(const json_t *body, enum dialect dialect)
{
    static const char *const columns[] = { "title", "description", "process" };
    json_t *rest = json_copy((json_t *)body);

    for (size_t i = 0; i < ARRAY_LEN(columns); i++)
        json_object_del(rest, columns[i]);
    json_object_set_new(rest, "dialect", json_string(dialect_name(dialect)));
    return rest;
}

/* The stored process that a graph of a single node calls, or NULL; the caller owns it. */
static json_t *called_process(struct request *rq, const json_t *process)
{
    json_t *graph = json_object_get(process, "process_graph"), *stored = NULL;
    const json_t *node = json_object_iter_value(json_object_iter(graph));
    const char *id = js_text(node, "process_id");
    const char *space = js_text(node, "namespace");
    struct err ignored = { 0 };
    int64_t version;

    if (json_object_size(graph) != 1 || !id || (space && strcmp(space, "user") && *space != '@') ||
        !user_process_load(rq->db, rq->user->id, space ? space : "user", id, &stored, &version, &ignored))
        return NULL;
    return stored;
}

const char *openeo_default_dialect(struct request *rq, const json_t *process, const char *options)
{
    AUTO(json) json_t *called = json_object_get(process, options) ? NULL : called_process(rq, process);
    const char *name =
        js_text(json_object_get(called ? called : process, options), "dialect");
    enum dialect ignored;

    return name && dialect_find(name, &ignored) ? arena_text(rq->arena, name) : rq->config->jobs_dialect;
}

bool openeo_dialect(const struct openeo_request *in, const char *otherwise, enum dialect *ret_dialect,
                    struct err *err)
{
    json_t *option = json_object_get(in->job_options, "dialect");
    const char *name = in->dialect ? in->dialect : json_string_value(option);
    AUTO(json) json_t *found = json_string(name);

    if (!name && option && !json_is_null(option))
        return js_refuse(option, "/job_options/dialect", "openeo or cdse", err);
    if (dialect_find(name ? name : otherwise, ret_dialect))
        return true;
    return js_refuse(found, in->dialect ? "/dialect" : "/job_options/dialect", "openeo or cdse", err);
}

bool openeo_check_plan(const struct request *rq, const char *plan, struct err *err)
{
    bool charges = *rq->config->billing_currency;

    if (!plan || (charges && !strcasecmp(plan, OPENEO_PLAN)))
        return true;
    return err_set(err, ERR_BillingPlanInvalid, "/plan: there is no billing plan '%.60s'; %s.", plan,
                   charges ? "leave it out or say '" OPENEO_PLAN "'" : "leave it out");
}

double openeo_budget(const json_t *request)
{
    const json_t *budget = json_object_get(request, "budget");

    return json_is_number(budget) ? json_number_value(budget) : -1;
}

/* POST /jobs */
bool openeo_jobs_post(struct request *rq, struct reply *reply, struct err *err)
{
    struct openeo_request in;
    AUTO(json) json_t *rest = NULL;
    enum dialect dialect;
    char id[ID_UUID_SIZE];

    if (!js_read(rq->body, "", openeo_request_fields, JS_IGNORE_UNKNOWN, &in, err) ||
        !openeo_check_plan(rq, in.plan, err) ||
        !openeo_dialect(&in, openeo_default_dialect(rq, in.process, "default_job_options"), &dialect, err) ||
        !run_check(rq, in.process, NULL, "/process", dialect, err))
        return false;
    rest = rest_of_request(rq->body, dialect);
    if (!keep_notify(rq, rest, err))
        return false;
    if (!job_insert(rq->db,
                    &(struct job_input){ .owner = rq->user->id, .face = OPENEO_FACE_BATCH,
                                         .title = in.title, .description = in.description,
                                         .process = in.process, .request = rest,
                                         .class = CLASS_NORMAL },
                    id, err))
        return false;
    reply_header(rq, reply, "Location", "%s", openeo_href(rq, "/jobs/%s", id));
    reply_header(rq, reply, "OpenEO-Identifier", "%s", id);
    return reply_empty(reply, 201);
}

static json_t *job_links(struct request *rq, const struct job *job)
{
    json_t *links = json_array();

    link_add(links, "self", openeo_href(rq, "/jobs/%s", job->id), "application/json",
             "This job");
    if (job->state != JOB_CREATED)
        link_add(links, "monitor", openeo_href(rq, "/jobs/%s/logs", job->id),
                 "application/json", "Log of the job");
    if (job->state == JOB_FINISHED)
        link_add(links, "result", openeo_href(rq, "/jobs/%s/results", job->id),
                 "application/json", "Results of the job");
    return links;
}

static void put_usage(json_t *body, const struct job *job)
{
    json_t *usage = json_pack("{s:{s:f, s:s}}", "cpu", "value", job->cost_seconds, "unit",
                              "cpu-seconds");

    if (job->started && job->finished > job->started)
        json_object_set_new(usage, "duration",
                            json_pack("{s:f, s:s}", "value",
                                      (double)(job->finished - job->started) / 1000, "unit",
                                      "seconds"));
    if (job->memory_seconds > 0)
        json_object_set_new(usage, "memory", json_pack("{s:f, s:s}", "value", job->memory_seconds, "unit",
                                                       "gb-seconds"));
    if (job->pixels_read > 0)
        json_object_set_new(usage, "input_pixel", json_pack("{s:f, s:s}", "value", (double)job->pixels_read / 1e6, "unit",
                                                            "mega-pixel"));
    json_object_set_new(body, "usage", usage);
}

/* The last change of the status is the end, once there is one. */
void openeo_put_times(json_t *body, const struct job *job)
{
    put_instant(body, "updated", job->finished ? job->finished : job->updated);
    put_instant(body, "queued", job->queued);
    put_instant(body, "started", job->started);
    put_instant(body, "unpublished", job->expires);
}

json_t *openeo_job_json(struct request *rq, const struct job *job, bool whole)
{
    const json_t *request = job->request;
    json_t *body = json_pack("{s:s, s:s}", "id", job->id, "status", job_state_name(job->state));

    put_text(body, "title", job->title);
    put_text(body, "description", job->description);
    put_instant(body, "created", job->created);
    openeo_put_times(body, job);
    if (job->state == JOB_RUNNING || job->state >= JOB_FINISHED)
        json_object_set_new(body, "progress", json_real(job->progress));
    put_copy(body, "budget", json_object_get(request, "budget"));
    if (*rq->config->billing_currency)
        put_text(body, "plan", OPENEO_PLAN);
    if (job->is_priced && job->state >= JOB_RUNNING)
        json_object_set_new(body, "costs", json_real(job->costs));
    if (!whole)
        return body;
    put_copy(body, "process", job->process);
    put_copy(body, "log_level", json_object_get(request, "log_level"));
    if (job->state == JOB_FINISHED || job->state == JOB_ERROR)
        put_usage(body, job);
    put_text(body, "sentier:waiting", job->waiting);
    put_copy(body, "sentier:processes", job->processes);
    json_object_set_new(body, "links", job_links(rq, job));
    return body;
}

/* GET /jobs. Clients that do not page get all that one page may hold. */
bool openeo_jobs_get(struct request *rq, struct reply *reply, struct err *err)
{
    struct job_filter filter = { .face = OPENEO_FACE_BATCH,
                                 .after = request_query(rq, "after") };
    json_t *list, *links;
    struct job *jobs;
    size_t count;
    bool more;

    if (!request_query_integer(rq, "limit", 1, 10000, 10000, &filter.limit, err))
        return false;
    if (filter.after && !id_is_uuid(filter.after))
        return err_set(err, ERR_InvalidParameter, "after: expected the id of a job");
    jobs = arena_array(rq->arena, (size_t)filter.limit, sizeof *jobs);
    if (!job_list(rq->db, rq->arena, rq->user->id, &filter, jobs, &count, &more, err))
        return false;
    list = json_array();
    links = json_array();
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(list, openeo_job_json(rq, &jobs[i], false));
        job_done(&jobs[i]);
    }
    link_add(links, "self", href_with(rq, "f", NULL), "application/json", NULL);
    if (more)
        link_add(links, "next", href_with(rq, "after", jobs[count - 1].id), "application/json",
                 NULL);
    return reply_json(reply, 200, json_pack("{s:o, s:o}", "jobs", list, "links", links), NULL);
}

/* How long GET /jobs/{id} is held: a job that was started less than a second ago may be finished
 * within that second, and clients sleep for several seconds between their questions. */
static int64_t hold_ms(const struct job *job)
{
    int64_t age = instant_now() - (job->started ? job->started : job->updated);

    if (job->state != JOB_QUEUED && job->state != JOB_RUNNING)
        return 0;
    return age < 0 ? 1000 : age < 1000 ? 1000 - age : 0;
}

/* GET /jobs/{job_id} */
bool openeo_job_get(struct request *rq, struct reply *reply, struct err *err)
{
    AUTO(job_value) struct job job = { 0 };
    int64_t *deadline = rq->state;

    if (!run_job(rq, "job_id", &job, err))
        return false;
    if (!deadline && hold_ms(&job) > 0) {
        deadline = rq->state = arena_alloc(rq->arena, sizeof *deadline);
        *deadline = instant_monotonic() + hold_ms(&job);
    }
    if (deadline && (job.state == JOB_QUEUED || job.state == JOB_RUNNING)) {
        int64_t left = *deadline - instant_monotonic();

        if (left > 0)
            return reply_wait(rq, reply, arena_text(rq->arena, job.id), left);
    }
    return reply_json(reply, 200, openeo_job_json(rq, &job, true), NULL);
}

enum dialect openeo_job_dialect(const struct job *job)
{
    const char *name = js_text(job->request, "dialect");
    enum dialect dialect;

    return name && dialect_find(name, &dialect) ? dialect : DIALECT_OPENEO;
}

/* PATCH /jobs/{job_id} */
bool openeo_job_patch(struct request *rq, struct reply *reply, struct err *err)
{
    AUTO(job_value) struct job job = { 0 };
    AUTO(json) json_t *request = NULL, *rest = NULL;
    struct openeo_request in;
    enum dialect dialect;
    /* members of our own may be there since 1.3 */
    enum js_unknown unknown = openeo_minor(rq) >= OPENEO_MINOR_3 ? JS_IGNORE_UNKNOWN : JS_REFUSE_UNKNOWN;

    if (!js_read(rq->body, "", change_fields, unknown, &in, err) ||
        !openeo_check_plan(rq, in.plan, err) || !run_job(rq, "job_id", &job, err) ||
        !openeo_dialect(&in, dialect_name(openeo_job_dialect(&job)), &dialect, err))
        return false;
    if (json_object_size(rq->body) == 0) /* no change is wanted: that can be had */
        return reply_empty(reply, 204);
    if (in.process && !run_check(rq, in.process, NULL, "/process", dialect, err))
        return false;
    request = job.request ? json_copy(job.request) : json_object();
    rest = rest_of_request(rq->body, dialect);
    json_object_update(request, rest);
    if (!keep_notify(rq, request, err))
        return false;
    if (!job_update(rq->db, rq->user->id, job.id,
                    &(struct job_input){ .title = in.title, .description = in.description,
                                         .process = in.process, .request = request,
                                         .class = job.class },
                    err))
        return false;
    return reply_empty(reply, 204);
}

/* DELETE /jobs/{job_id} */
bool openeo_job_delete(struct request *rq, struct reply *reply, struct err *err)
{
    AUTO(job_value) struct job job = { 0 };

    if (!run_job(rq, "job_id", &job, err))
        return false;
    if (!job_delete(rq->db, rq->user->id, job.id, err))
        return false;
    return reply_empty(reply, 204);
}

/* GET /jobs/{job_id}/estimate: from the plan. */
bool openeo_estimate_get(struct request *rq, struct reply *reply, struct err *err)
{
    AUTO(job_value) struct job job = { 0 };
    struct run_estimate estimate;
    json_t *body;

    if (!run_job(rq, "job_id", &job, err) ||
        !run_estimate(rq, job.process, job.arguments, "/process", openeo_job_dialect(&job), PLAN_BATCH,
                      &estimate, err))
        return false;
    if (estimate.unknown)
        return err_set(err, ERR_EstimateComplexity,
                       "What a user-defined function makes of its data is only known when it runs.");
    json_decref(estimate.value);
    body = json_pack("{s:o, s:I, s:I, s:I}", "duration",
                     json_sprintf("PT%" PRId64 "S", (int64_t)ceil(estimate.seconds)), "size",
                     (json_int_t)estimate.bytes_out, "sentier:pixels", (json_int_t)estimate.pixels_in,
                     "sentier:memory_bytes", (json_int_t)estimate.memory_bytes);
    if (*rq->config->billing_currency)
        json_object_set_new(body, "costs", json_real(run_costs(rq, &estimate)));
    return reply_json(reply, 200, body, NULL);
}
