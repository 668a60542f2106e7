/* Part 4, job management: a job that is made without being started, changed, started, and asked what it was made of. A
 * request is one of OGC's, which names its process, or an openEO process graph; the row keeps it as it came
 * ("definition"), beside what was read of it. */
#include "api/common/build.h"
#include "api/common/run.h"
#include "api/ogc/adhoc.h"
#include "api/ogc/execution.h"
#include "api/ogc/html.h"
#include "api/ogc/workflow.h"
#include "base/text.h"
#include "json/js.h"
#include "store/steps.h"
#include <inttypes.h>
#include <string.h>
#include <strings.h>

/* What is read of a request, of either kind; all of it is owned. */
struct wish {
    json_t *definition, *graph, *request;
    struct ogc_execution execution; /* of OGC's kind */
};

static void wish_drop(struct wish *wish)
{
    json_decref(wish->definition);
    json_decref(wish->graph);
    json_decref(wish->request);
    ogc_execution_drop(&wish->execution);
}

static const json_t *definition_of(const struct job *job)
{
    return json_object_get(job->request, "definition");
}

/* ---- reading ---- */

/* A header that names the schema of the body, where there is one. */
static bool check_schema(struct request *rq, struct err *err)
{
    static const char *const known[] = { "execute", "execute-workflows", "openeo-process-graph", "openeo" };
    const char *schema = request_header(rq, "Content-Schema"), *slash = schema ? strrchr(schema, '/') : NULL;
    size_t length;

    if (!schema)
        return true;
    slash = slash ? slash + 1 : schema;
    length = strcspn(slash, ".#?<>");
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (strlen(known[i]) == length && !strncmp(slash, known[i], length))
            return true;
    return err_set(err, ERR_UnsupportedSchema,
                   "Content-Schema: expected the schema of an execute request or of an openEO process graph, found '%.200s'", schema);
}

static bool read_body(struct request *rq, json_t **ret_body, struct err *err)
{
    if (!check_schema(rq, err))
        return false;
    if (request_json(rq, ret_body, err))
        return json_is_object(*ret_body) || js_refuse(*ret_body, "", "an object", err);
    if (err->code == ERR_UnsupportedMediaType)
        err->code = ERR_UnsupportedJobMedia;
    return false;
}

static bool read_openeo(struct request *rq, struct wish *wish, struct err *err)
{
    const char *pointer = json_is_object(json_object_get(wish->definition, "process")) ? "/process" : "";

    wish->request = json_pack("{s:O}", "definition", wish->definition);
    return run_check(rq, wish->graph, NULL, pointer, DIALECT_OPENEO, err);
}

/* `of`: the process of the job, when it is one that runs what is not deployed; else NULL. */
static bool read_wish(struct request *rq, const char *of, json_t *definition, struct wish *wish, struct err *err)
{
    const char *uri = of ? of : js_text(definition, "process");

    wish->definition = json_incref(definition);
    if (!of && (wish->graph = ogc_graph_of(definition)))
        return read_openeo(rq, wish, err);
    if (!uri)
        return err_set(err, ERR_InvalidParameter, "/process: expected the address of a process, or an openEO process, found %s",
                       js_type_name(json_object_get(definition, "process")));
    if (!ogc_execution_read(rq, uri, definition, &wish->execution, err))
        return false;
    return ogc_execution_check(rq, &wish->execution, err);
}

static struct job_input input_of(struct request *rq, const struct wish *wish)
{
    if (!wish->graph)
        return ogc_execution_input(rq, &wish->execution, OGC_FACE, CLASS_NORMAL);
    return (struct job_input){ .owner = rq->user->id, .face = OGC_FACE,
                               .title = js_text(wish->definition, "title"),
                               .description = js_text(wish->definition, "description"),
                               .process = wish->graph, .request = wish->request, .class = CLASS_NORMAL };
}

/* ---- writing ---- */

static bool reply_status(struct request *rq, struct reply *reply, int status, const char *id, struct err *err)
{
    AUTO(job_value) struct job job = { 0 };

    if (!job_load(rq->db, rq->arena, rq->user->id, id, &job, err))
        return false;
    if (status == 201)
        reply_header(rq, reply, "Location", "%s", href_of(rq, OGC_ROOT "/jobs/%s", id));
    return ogc_answer(rq, reply, status, ogc_status(rq, &job), html_ogc_job, err);
}

/* POST /ogc/jobs */
bool ogc_jobs_post(struct request *rq, struct reply *reply, struct err *err)
{
    AUTO(json) json_t *body = NULL;
    AUTO(wish) struct wish wish = { 0 };
    char id[ID_UUID_SIZE];
    struct job_input in;

    if (!OGC_QUERY(rq, err) || !read_body(rq, &body, err) || !read_wish(rq, NULL, body, &wish, err))
        return false;
    in = input_of(rq, &wish);
    return job_insert(rq->db, &in, id, err) && reply_status(rq, reply, 201, id, err);
}

/* As RFC 7396 has it: null takes a member away. */
static void merge(json_t *target, const json_t *patch)
{
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)patch, name, value) {
        json_t *old = json_object_get(target, name);

        if (json_is_null(value))
            json_object_del(target, name);
        else if (json_is_object(value) && json_is_object(old) && strcmp(name, "process_graph") && !json_object_get(value, "value"))
            merge(old, value);
        else
            json_object_set_new(target, name, json_deep_copy(value));
    }
}

static bool locked(struct err *err)
{
    if (err->code == ERR_JobLocked)
        err->code = ERR_JobBusy;
    return false;
}

/* The definition as it was given; one that came by the execution of a process gets the process's name, unless it is all. */
static json_t *whole_definition(struct request *rq, const struct job *job)
{
    json_t *definition = json_deep_copy(definition_of(job));

    if (!definition)
        definition = json_object();
    if (job->process_id && !ogc_adhoc_name(rq, job->process_id) && !json_object_get(definition, "process"))
        json_object_set_new(definition, "process", json_string(href_of(rq, OGC_ROOT "/processes/%s", job->process_id)));
    return definition;
}

/* A job stays one of its process, or of a graph. */
static bool check_same(struct request *rq, const struct job *job, const json_t *definition, struct err *err)
{
    const char *uri = js_text(definition, "process"), *id = uri ? ogc_own_id(rq, uri) : NULL;

    id = id ? id : uri;
    return (!id && !job->process_id) || (id && job->process_id && !strcmp(id, job->process_id)) ||
           err_set(err, ERR_InvalidParameter, "/process: a job stays one of its process; make another job");
}

/* PATCH /ogc/jobs/{jobId} */
bool ogc_job_patch(struct request *rq, struct reply *reply, struct err *err)
{
    AUTO(job_value) struct job job = { 0 };
    AUTO(json) json_t *body = NULL, *definition = NULL;
    AUTO(wish) struct wish wish = { 0 };
    struct job_input in;
    const char *of;

    if (!OGC_QUERY(rq, err) || !ogc_job_own(rq, &job, err))
        return false;
    if (job.state == JOB_QUEUED || job.state == JOB_RUNNING)
        return err_set(err, ERR_JobBusy, "The job is queued or running: wait for its end or dismiss it.");
    if (!read_body(rq, &body, err))
        return false;
    definition = whole_definition(rq, &job);
    merge(definition, body);
    of = job.process_id ? ogc_adhoc_name(rq, job.process_id) : NULL;
    if ((!of && !check_same(rq, &job, definition, err)) || !read_wish(rq, of, definition, &wish, err))
        return false;
    in = input_of(rq, &wish);
    return (job_update(rq->db, rq->user->id, job.id, &in, err) || locked(err)) && reply_status(rq, reply, 200, job.id, err);
}

/* POST /ogc/jobs/{jobId}/results */
bool ogc_results_post(struct request *rq, struct reply *reply, struct err *err)
{
    const struct job_terms terms = run_terms(rq, -1);
    AUTO(job_value) struct job job = { 0 };

    if (!OGC_QUERY(rq, err) || !ogc_job_own(rq, &job, err))
        return false;
    return (job_start(rq->db, rq->user->id, job.id, ogc_pause_of(job.arguments), &terms, err) || locked(err)) &&
           reply_status(rq, reply, 200, job.id, err);
}

/* ---- what it is made of ---- */

/* GET /ogc/jobs/{jobId}/definition */
bool ogc_definition_get(struct request *rq, struct reply *reply, struct err *err)
{
    AUTO(job_value) struct job job = { 0 };

    return OGC_QUERY(rq, err) && ogc_job(rq, &job, err) &&
           ogc_answer(rq, reply, 200, whole_definition(rq, &job), html_ogc_other, err);
}

static json_t *member_or_empty(const json_t *object, const char *name)
{
    json_t *member = json_object_get(object, name);

    return member ? json_deep_copy(member) : json_object();
}

/* GET /ogc/jobs/{jobId}/inputs */
bool ogc_inputs_get(struct request *rq, struct reply *reply, struct err *err)
{
    AUTO(job_value) struct job job = { 0 };
    json_t *links, *body;

    if (!OGC_QUERY(rq, err) || !ogc_job(rq, &job, err))
        return false;
    links = json_array();
    ogc_link_both(rq, links, href_of(rq, OGC_ROOT "/jobs/%s/inputs", job.id), "Inputs of the job");
    link_add(links, "up", href_of(rq, OGC_ROOT "/jobs/%s", job.id), "application/json", "The job");
    body = json_pack("{s:o, s:o, s:o}", "inputs", member_or_empty(definition_of(&job), "inputs"), "outputs",
                     member_or_empty(definition_of(&job), "outputs"), "links", links);
    return ogc_answer(rq, reply, 200, body, html_ogc_other, err);
}

static json_t *log_entry(const struct job_log *log)
{
    json_t *entry = json_pack("{s:o, s:s, s:s}", "id", json_sprintf("%" PRId64, log->id), "level", log->level, "message", log->message);

    put_text(entry, "code", log->code);
    put_instant(entry, "time", log->at);
    put_copy(entry, "data", log->data);
    return entry;
}

/* The task that does the step of the query; -1: no step is named. */
static bool task_of_step(struct request *rq, const char *job, int64_t *ret_task, struct err *err)
{
    const char *key = request_query(rq, "step");
    AUTO(json) json_t *steps = NULL;
    json_t *step;
    size_t i;

    *ret_task = -1;
    if (!key)
        return true;
    if (!step_list(rq->db, job, &steps, err))
        return false;
    json_array_foreach(steps, i, step)
        if (!strcmp(js_text(step, "key"), key) && json_is_integer(json_object_get(step, "task"))) {
            *ret_task = json_integer_value(json_object_get(step, "task"));
            return true;
        }
    return err_set(err, ERR_InvalidQueryValue, "step: the job has no step '%.100s' with a log of its own", key);
}

/* GET /ogc/jobs/{jobId}/logs */
bool ogc_logs_get(struct request *rq, struct reply *reply, struct err *err)
{
    AUTO(job_value) struct job job = { 0 };
    struct job_log *logs;
    json_t *list, *links;
    int64_t limit, after, task;
    size_t count;

    if (!OGC_QUERY(rq, err, "limit", "after", "step") || !request_query_integer(rq, "limit", 1, 10000, 1000, &limit, err) ||
        !request_query_integer(rq, "after", 0, INT64_MAX, 0, &after, err) || !ogc_job(rq, &job, err) ||
        !task_of_step(rq, job.id, &task, err))
        return false;
    logs = arena_array(rq->arena, (size_t)limit + 1, sizeof *logs);
    if (!(task >= 0 ? job_log_list_task(rq->db, rq->arena, job.id, task, after, (size_t)limit + 1, logs, &count, err)
                    : job_log_list(rq->db, rq->arena, rq->user->id, job.id, "debug", after, (size_t)limit + 1, logs, &count, err)))
        return false;
    list = json_array();
    links = json_array();
    for (size_t i = 0; i < count; i++) {
        if (i < (size_t)limit)
            json_array_append_new(list, log_entry(&logs[i]));
        json_decref(logs[i].data);
    }
    ogc_link_both(rq, links, href_with(rq, "f", NULL), "Log of the job");
    if (count > (size_t)limit)
        link_add(links, "next", href_with(rq, "after", arena_printf(rq->arena, "%" PRId64, logs[limit - 1].id)), "application/json", "Next page");
    return ogc_answer(rq, reply, 200, json_pack("{s:o, s:o}", "logs", list, "links", links), html_ogc_other, err);
}
