/* Jobs as this face shows them: statusInfo with the members of both generations, the list with its
 * filters, and dismissal. */
#include "api/common/build.h"
#include "api/common/page.h"
#include "api/common/run.h"
#include "api/ogc/html.h"
#include "base/instant.h"
#include "base/text.h"
#include <math.h>
#include <string.h>

/* In the order of enum job_state. */
static const char *const status_names[] = { "created", "accepted", "running",
                                            "successful", "failed", "dismissed" };

const char *ogc_status_name(enum job_state state)
{
    return status_names[state];
}

/* What else can be asked of a job. */
static const struct { const char *rel, *path, *title; } parts[] = {
    { OGC_REL "job-definition", "definition", "What the job was made of" },
    { OGC_REL "job-inputs", "inputs", "Inputs of the job" },
    { OGC_REL "job-steps", "steps", "Steps of the job" },
    { "log", "logs", "Log of the job" },
    { "http://www.w3.org/ns/prov#has_provenance", "prov", "Where the results come from" },
};

static json_t *status_links(struct request *rq, const struct job *job)
{
    json_t *links = json_array();

    ogc_link_both(rq, links, href_of(rq, OGC_ROOT "/jobs/%s", job->id), "Status of the job");
    link_add(links, "monitor", href_of(rq, OGC_ROOT "/jobs/%s", job->id), "application/json", "Status of the job");
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        link_add(links, parts[i].rel, href_of(rq, OGC_ROOT "/jobs/%s/%s", job->id, parts[i].path), "application/json", parts[i].title);
    if (job->state == JOB_FINISHED)
        link_add(links, OGC_REL "results", href_of(rq, OGC_ROOT "/jobs/%s/results", job->id),
                 "application/json", "Results of the job");
    if (job->state == JOB_ERROR)
        link_add(links, OGC_REL "exceptions", href_of(rq, OGC_ROOT "/jobs/%s/results", job->id),
                 "application/json", "Why the job failed");
    return links;
}

static const char *status_message(const struct job *job)
{
    if (job->state == JOB_ERROR)
        return job->error_message;
    if (job->state == JOB_QUEUED)
        return job->waiting ? job->waiting : "The job waits for a worker.";
    return job->waiting;
}

json_t *ogc_status(struct request *rq, const struct job *job)
{
    json_t *body = json_pack("{s:s, s:s, s:s, s:s, s:s, s:I}", "jobID", job->id, "id", job->id,
                             "type", job->process_id ? "process" : "openeo", "processingEntityType", "ogc-api-processes",
                             "status", status_names[job->state], "progress",
                             (json_int_t)floor(job->progress));

    put_text(body, "processID", job->process_id ? job->process_id : JOB_GRAPH_ID);
    put_text(body, "title", job->title);
    put_text(body, "message", status_message(job));
    put_instant(body, "created", job->created);
    put_instant(body, "started", job->started);
    put_instant(body, "finished", job->finished);
    put_instant(body, "updated", job->updated);
    json_object_set_new(body, "links", status_links(rq, job));
    return body;
}

bool ogc_job(struct request *rq, struct job *ret_job, struct err *err)
{
    if (!run_job(rq, "jobId", ret_job, err))
        return false;
    if (!strcmp(ret_job->face, OGC_FACE) || !strcmp(ret_job->face, JOB_FACE_STEP))
        return true;
    job_done(ret_job);
    return err_set(err, ERR_JobNotFound, "There is no job '%.60s'.", request_variable(rq, "jobId"));
}

/* --- filters of the list ------------------------------------------------------------------------ */

/* The comma-separated values of all parameters of this name. */
static size_t list_of(struct request *rq, const char *name, const char ***ret_values)
{
    const char **values = arena_array(rq->arena, 100, sizeof *values);
    const char *key, *text;
    size_t count = 0;

    for (size_t i = 0; request_query_at(rq, i, &key, &text); i++) {
        char *rest, *save;

        if (strcmp(key, name) || !text)
            continue;
        rest = arena_text(rq->arena, text);
        for (char *v = strtok_r(rest, ",", &save); v && count < 100; v = strtok_r(NULL, ",", &save))
            values[count++] = v;
    }
    *ret_values = values;
    return count;
}

static bool read_states(struct request *rq, struct job_filter *filter, struct err *err)
{
    const char **names;
    size_t count = list_of(rq, "status", &names);

    for (size_t i = 0; i < count; i++) {
        unsigned bits = 0;

        for (unsigned s = 0; s < ARRAY_LEN(status_names); s++)
            if (!strcmp(names[i], status_names[s]))
                bits |= 1u << s;
        if (!bits)
            return err_set(err, ERR_InvalidParameter,
                           "status: expected created, accepted, running, successful, failed or dismissed, "
                           "found '%.40s'", names[i]);
        filter->states |= bits;
    }
    return true;
}

/* An end of an interval: ".." and nothing are open. */
static bool read_end(const char *text, int64_t *ret_ms, struct err *err)
{
    if (!*text || !strcmp(text, ".."))
        return true;
    return instant_parse_date(text, ret_ms) ||
           err_set(err, ERR_InvalidParameter,
                   "datetime: expected an RFC 3339 date-time, found '%.60s'", text);
}

static bool read_datetime(struct request *rq, struct job_filter *filter, struct err *err)
{
    const char *text = request_query(rq, "datetime");
    char *first, *slash;

    if (!text)
        return true;
    first = arena_text(rq->arena, text);
    slash = strchr(first, '/');
    if (slash)
        *slash = '\0';
    if (!read_end(first, &filter->created_after, err) ||
        !read_end(slash ? slash + 1 : first, &filter->created_before, err))
        return false;
    if (filter->created_before && filter->created_after > filter->created_before)
        return err_set(err, ERR_InvalidParameter, "datetime: the start is after the end");
    return true;
}

static bool read_seconds(struct request *rq, const char *name, double fallback, double *ret_seconds,
                         struct job_filter *filter, struct err *err)
{
    const char *text = request_query(rq, name);

    *ret_seconds = fallback;
    if (!text)
        return true;
    filter->by_seconds = true;
    return (text_to_number(text, ret_seconds) && *ret_seconds >= 0) ||
           err_set(err, ERR_InvalidParameter, "%s: expected a number of seconds, found '%.40s'",
                   name, text);
}

/* Jobs of this face are of type "process", or "openeo" when they were made of a process graph; asking for other types
 * finds nothing. */
static bool wants_some(struct request *rq, struct job_filter *filter)
{
    const char **types;
    size_t count = list_of(rq, "type", &types);
    bool processes = count == 0, graphs = count == 0;

    for (size_t i = 0; i < count; i++) {
        processes |= !strcmp(types[i], "process");
        graphs |= !strcmp(types[i], "openeo");
    }
    filter->only = processes == graphs ? JOBS_ALL : processes ? JOBS_OF_PROCESSES : JOBS_OF_GRAPHS;
    return processes || graphs;
}

static bool read_filter(struct request *rq, struct job_filter *filter, struct err *err)
{
    const char **processes;

    filter->face = OGC_FACE;
    filter->after = request_query(rq, "after");
    filter->n_process_ids = list_of(rq, "processID", &processes);
    filter->process_ids = processes;
    if (filter->after && !id_is_uuid(filter->after))
        return err_set(err, ERR_InvalidParameter, "after: expected the id of a job");
    if (!read_states(rq, filter, err) || !read_datetime(rq, filter, err) ||
        !read_seconds(rq, "minDuration", 0, &filter->least_seconds, filter, err) ||
        !read_seconds(rq, "maxDuration", 1e15, &filter->most_seconds, filter, err) ||
        !request_query_integer(rq, "limit", 1, 10000, 10, &filter->limit, err))
        return false;
    if (filter->by_seconds && !filter->states) /* jobs that run or have ended */
        filter->states = 1u << JOB_RUNNING | 1u << JOB_FINISHED | 1u << JOB_ERROR |
                         1u << JOB_CANCELED;
    return true;
}

/* GET /ogc/jobs */
bool ogc_jobs_get(struct request *rq, struct reply *reply, struct err *err)
{
    struct job_filter filter = { 0 };
    json_t *list, *links;
    size_t count = 0;
    struct job *jobs;
    bool more = false;

    if (!OGC_QUERY(rq, err, "limit", "after", "type", "processID", "status", "datetime", "minDuration", "maxDuration") ||
        !read_filter(rq, &filter, err))
        return false;
    jobs = arena_array(rq->arena, (size_t)filter.limit, sizeof *jobs);
    if (wants_some(rq, &filter) &&
        !job_list(rq->db, rq->arena, rq->user->id, &filter, jobs, &count, &more, err))
        return false;
    list = json_array();
    links = json_array();
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(list, ogc_status(rq, &jobs[i]));
        job_done(&jobs[i]);
    }
    ogc_link_both(rq, links, href_with(rq, "f", NULL), "This document");
    if (more)
        link_add(links, "next", href_with(rq, "after", jobs[count - 1].id), "application/json",
                 "Next page");
    return ogc_answer(rq, reply, 200, json_pack("{s:o, s:o}", "jobs", list, "links", links), html_ogc_jobs, err);
}

bool ogc_job_own(struct request *rq, struct job *ret_job, struct err *err)
{
    if (!ogc_job(rq, ret_job, err))
        return false;
    return strcmp(ret_job->face, JOB_FACE_STEP) ||
           err_set(err, ERR_JobBusy, "The job is a step of a workflow: it is changed, started and dismissed with that.");
}

/* GET /ogc/jobs/{jobId} */
bool ogc_job_get(struct request *rq, struct reply *reply, struct err *err)
{
    AUTO(job_value) struct job job = { 0 };

    if (!OGC_QUERY(rq, err) || !ogc_job(rq, &job, err))
        return false;
    if (job.state == JOB_QUEUED || job.state == JOB_RUNNING)
        reply_header(rq, reply, "Refresh", "2"); /* of browsers: a page shows how it goes on */
    return ogc_answer(rq, reply, 200, ogc_status(rq, &job), html_ogc_job, err);
}

/* DELETE /ogc/jobs/{jobId}: a job that waits or runs is stopped and stays as "dismissed"; one that
 * has ended is removed with its results. */
bool ogc_job_delete(struct request *rq, struct reply *reply, struct err *err)
{
    AUTO(job_value) struct job job = { 0 };
    bool active;

    if (!OGC_QUERY(rq, err) || !ogc_job_own(rq, &job, err))
        return false;
    active = job.state == JOB_QUEUED || job.state == JOB_RUNNING;
    if (active ? !job_cancel(rq->db, rq->user->id, job.id, err)
               : !job_delete(rq->db, rq->user->id, job.id, err))
        return false;
    job.state = JOB_CANCELED;
    job.updated = instant_now();
    return ogc_answer(rq, reply, 200, ogc_status(rq, &job), html_ogc_job, err);
}

bool ogc_job_dismiss(struct request *rq, struct reply *reply, struct err *err)
{
    return page_is_own(rq, "dismiss a job", err) && ogc_job_delete(rq, reply, err);
}
