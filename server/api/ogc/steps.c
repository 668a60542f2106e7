/* GET /ogc/jobs/{jobId}/steps: what a job is made of. A package of commands has a step for each command; a workflow of
 * processes one for each process, which is a job of its own with a status, a log and results. */
#include "api/common/build.h"
#include "api/common/run.h"
#include "api/ogc/html.h"
#include "json/js.h"
#include "store/steps.h"

static json_t *step_of(struct request *rq, const char *job, const json_t *row)
{
    const char *child = js_text(row, "job"), *key = js_text(row, "key");
    json_t *step = json_pack("{s:s, s:O, s:s, s:O}", "id", key, "title", json_object_get(row, "name"), "status",
                             ogc_status_name((enum job_state)json_integer_value(json_object_get(row, "status"))), "progress",
                             json_object_get(row, "progress"));
    json_t *links = json_array();
    int64_t started = json_integer_value(json_object_get(row, "started")), finished = json_integer_value(json_object_get(row, "finished"));

    put_text(step, "tag", js_text(row, "tag"));
    put_text(step, "message", js_text(row, "message"));
    put_instant(step, "started", started);
    put_instant(step, "finished", finished);
    if (finished > started && started)
        json_object_set_new(step, "duration", json_real((double)(finished - started) / 1000));
    if (json_integer_value(json_object_get(row, "tries")) > 0)
        json_object_set(step, "tries", json_object_get(row, "tries"));
    if (json_is_integer(json_object_get(row, "task"))) {
        AUTO(text) struct text name = { 0 };

        text_add_url(&name, key, "");
        link_add(links, "log", href_of(rq, OGC_ROOT "/jobs/%s/logs?step=%s", job, name.data), "application/json", "What the step says");
    }
    if (child) {
        json_object_set_new(step, "jobID", json_string(child));
        link_add(links, "monitor", href_of(rq, OGC_ROOT "/jobs/%s", child), "application/json", "The job of this step");
    }
    link_add(links, "up", href_of(rq, OGC_ROOT "/jobs/%s", job), "application/json", "The job");
    json_object_set_new(step, "links", links);
    return step;
}

bool ogc_steps_get(struct request *rq, struct reply *reply, struct err *err)
{
    AUTO(job_value) struct job job = { 0 };
    AUTO(json) json_t *rows = NULL;
    json_t *list, *links, *row;
    size_t i;

    if (!OGC_QUERY(rq, err) || !ogc_job(rq, &job, err) || !step_list(rq->db, job.id, &rows, err))
        return false;
    list = json_array();
    links = json_array();
    json_array_foreach(rows, i, row)
        json_array_append_new(list, step_of(rq, job.id, row));
    ogc_link_both(rq, links, href_of(rq, OGC_ROOT "/jobs/%s/steps", job.id), "Steps of the job");
    link_add(links, "up", href_of(rq, OGC_ROOT "/jobs/%s", job.id), "application/json", "The job");
    return ogc_answer(rq, reply, 200, json_pack("{s:o, s:o}", "steps", list, "links", links), html_ogc_other, err);
}
