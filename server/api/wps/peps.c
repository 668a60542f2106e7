/* PEPS's /resto/wps: Execute of 1.0.0 by keys and values, as the scripts of its users send it and
 * read the answers. They search lines for words rather than parse, so what they need has lines of
 * its own:
 *
 * - the answer holds "Process NAME accepted", and the line that begins with <wps:ExecuteResponse
 * ends with statusLocation=".../pywps-UUID.xml">;
 * - what lies there has, also while the job runs, a line with <wps:Reference ... href="ADDRESS OF
 * JSON";
 * - that JSON has job_status and percentCompleted, then an address of a zip a line.
 *
 * resto.processes says which process of ours is meant by a name of PEPS's; an input that the
 * process does not have under its name there becomes one that it has. */
#include "api/common/build.h"
#include "api/common/page.h"
#include "api/common/results.h"
#include "api/common/run.h"
#include "api/resto/resto.h"
#include "api/wps/peps.h"
#include "api/wps/peps_links.h"
#include "api/wps/wps.h"
#include "base/instant.h"
#include "cql2/cql2.h"
#include "json/js.h"
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { LOG_LINES = 1000 };

#define STATUS_PROCESS "PROCESSING_STATUS"

/* ---- which process, and with which inputs ---- */

static const char *process_behind(struct request *rq, const char *name)
{
    const char *ours = resto_named(rq->arena, rq->config->resto_processes, name);

    return ours ? ours : name;
}

static const char *value_of(const struct wps_request *wps, const char *id)
{
    for (size_t i = 0; i < wps->n_inputs; i++)
        if (!strcmp(wps->inputs[i].id, id))
            return wps->inputs[i].text;
    return NULL;
}

static void take_out(struct wps_request *wps, const char *id)
{
    size_t kept = 0;

    for (size_t i = 0; i < wps->n_inputs; i++)
        if (strcmp(wps->inputs[i].id, id))
            wps->inputs[kept++] = wps->inputs[i];
    wps->n_inputs = kept;
}

static bool put(struct wps_request *wps, const char *id, const char *text, struct err *err)
{
    struct wps_problem problem;
    struct wps_input *input = wps_add_input(wps, id, &problem, err);

    if (!input)
        return false;
    *input = (struct wps_input){.id = id, .text = text};
    return true;
}

/* Two days are an interval: an array of both. */
static bool translate_dates(struct request *rq, struct wps_request *wps, const json_t *inputs,
                            struct err *err)
{
    const char *start = value_of(wps, "startDate"), *end = value_of(wps, "completionDate");
    AUTO(json) json_t *interval = NULL;
    AUTO(mem) char *text = NULL;

    if ((!start && !end) || json_object_get(inputs, "startDate") ||
        !json_object_get(inputs, "datetime"))
        return true;
    if (!start || !end)
        return err_set(err, ERR_InvalidParameter, "%s: is required where %s is given",
                       start ? "completionDate" : "startDate",
                       start ? "startDate" : "completionDate");
    interval = json_pack("[s, s]", start, end);
    text = json_dumps(interval, JSON_COMPACT);
    take_out(wps, "startDate");
    take_out(wps, "completionDate");
    return put(wps, "datetime", arena_text(rq->arena, text), err);
}

/* What the products of a tile cover. */
static bool box_of_tile(struct request *rq, const char *tile, const char **ret_text,
                        struct err *err)
{
    struct item_search search = {.where = {.viewer = rq->user->id}, .limit = 1};
    AUTO(text) struct text filter = {0};
    AUTO(json) json_t *item = NULL;
    struct cql2_node *tree;
    struct item_page page;
    const json_t *box;
    size_t half;
    bool known, good;

    if (!resto_condition("tileid", tile, &filter, &known, err) ||
        !cql2_parse_text(filter.data, filter.length, rq->arena, &tree, err) ||
        !cql2_check(tree, cql2_property_any, rq->arena, rq->arena, err))
        return false;
    search.where.filter = tree;
    if (!items_search(rq->db, rq->arena, &search, &page, err))
        return false;
    good =
        page.count && js_parse(item_page_row(&page, 0).text, strlen(item_page_row(&page, 0).text),
                               JS_DEFAULT_DEPTH, &item, err);
    item_page_done(&page);
    if (!good)
        return err_set(err, ERR_InvalidParameter,
                       "tileid: the catalogue has no product of tile '%.20s'", tile);
    box = json_object_get(item, "bbox");
    half = json_array_size(box) / 2;
    *ret_text = arena_printf(
        rq->arena, "%.17g,%.17g,%.17g,%.17g", json_number_value(json_array_get(box, 0)),
        json_number_value(json_array_get(box, 1)), json_number_value(json_array_get(box, half)),
        json_number_value(json_array_get(box, half + 1)));
    return true;
}

static bool translate_tile(struct request *rq, struct wps_request *wps, const json_t *inputs,
                           struct err *err)
{
    const char *tile = value_of(wps, "tileid"), *box = NULL;

    if (!tile || json_object_get(inputs, "tileid") || !json_object_get(inputs, "bbox"))
        return true;
    take_out(wps, "tileid");
    return box_of_tile(rq, tile, &box, err) && put(wps, "bbox", box, err);
}

static void translate_product(struct wps_request *wps, const json_t *inputs)
{
    for (size_t i = 0; i < wps->n_inputs; i++)
        if (!strcmp(wps->inputs[i].id, "product") && !json_object_get(inputs, "product"))
            wps->inputs[i].id = "product-title";
}

static bool translate(struct request *rq, struct wps_request *wps, struct err *err)
{
    const char *name = wps->identifiers[0];
    const struct ogc_process *process = ogc_process_find(process_behind(rq, name));
    AUTO(json) json_t *description = process ? ogc_process_description(process) : NULL;
    const json_t *inputs = json_object_get(description, "inputs");

    if (!process)
        return err_set(err, ERR_ProcessNotFound, "There is no process '%.60s'.", name);
    wps->name = name;
    wps->identifiers[0] = process->id;
    translate_product(wps, inputs);
    return translate_dates(rq, wps, inputs, err) && translate_tile(rq, wps, inputs, err);
}

/* ---- the state of a job ---- */

/* Files that are zips one by one, else all of them as one. */
static bool add_results(struct request *rq, const struct job *job, json_t *results, struct err *err)
{
    struct job_asset *assets;
    size_t count, zips = 0;

    if (job->state != JOB_FINISHED)
        return true;
    if (!job_asset_list(rq->db, rq->arena, NULL, job->id, &assets, &count, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (text_ends(assets[i].name, ".zip")) {
            json_array_append_new(results, json_string(href_of(rq, RESTO_ROOT "/wps/results/%s/%s",
                                                               job->id, assets[i].name)));
            zips++;
        }
        json_decref(assets[i].fields);
    }
    if (count && !zips)
        json_array_append_new(results, json_string(href_of(rq, RESTO_ROOT "/wps/results/%s/%s.zip",
                                                           job->id, job->id)));
    return true;
}

static bool reply_state(struct request *rq, struct reply *reply, const struct job *job,
                        struct err *err)
{
    /* in the order of enum job_state; STALLED is PEPS's word for a job at work */
    static const char *const states[] = {"PENDING",  "PENDING", "STALLED",
                                         "FINISHED", "ERROR",   "CANCELED"};
    AUTO(json) json_t *results = json_array();
    const char *message = job->error_message ? job->error_message
                          : job->waiting     ? job->waiting
                                             : "";
    char percent[16];
    json_t *body;

    if (!add_results(rq, job, results, err))
        return false;
    snprintf(percent, sizeof percent, "%d%%", (int)job->progress);
    body = json_pack("{s:i, s:{s:s, s:s, s:s, s:[s], s:O, s:i}}", "percentCompleted",
                     (int)job->progress, "USER_INFO", "job_status", states[job->state], "process",
                     percent, "message", message, "logs", peps_state_href(rq, job, "log"), "results",
                     results, "unprocessed", 0);
    char *text = json_dumps(body, JSON_INDENT(1));

    json_decref(body);
    return reply_bytes(reply, 200, text, strlen(text), "application/json");
}

static bool reply_log(struct request *rq, struct reply *reply, const struct job *job,
                      struct err *err)
{
    struct job_log *logs = arena_array(rq->arena, LOG_LINES, sizeof *logs);
    AUTO(text) struct text text = {0};
    char when[INSTANT_TEXT_SIZE];
    size_t count;

    if (!job_log_list(rq->db, rq->arena, rq->user->id, job->id, "debug", 0, LOG_LINES, logs, &count,
                      err))
        return false;
    for (size_t i = 0; i < count; i++) {
        text_printf(&text, "%s %s %s\n", instant_format(logs[i].at, when), logs[i].level,
                    logs[i].message);
        json_decref(logs[i].data);
    }
    return reply_text(reply, 200, text.data ? text.data : "", "text/plain; charset=utf-8");
}

static bool load(struct request *rq, const char *id, struct job *ret_job, struct err *err)
{
    if (!id || !id_is_uuid(id))
        return err_set(err, ERR_JobNotFound, "There is no job '%.60s'.", id ? id : "");
    return job_load(rq->db, rq->arena, rq->user->id, id, ret_job, err);
}

/* GET /resto/wps/status/pywps-{uuid}.xml, .json, .log */
bool peps_status_get(struct request *rq, struct reply *reply, struct err *err)
{
    static const struct {
        const char *ending;
        bool (*reply)(struct request *, struct reply *, const struct job *, struct err *);
    } forms[] = {{".xml", wps_reply_response}, {".json", reply_state}, {".log", reply_log}};
    const char *file = request_variable(rq, "file"), *dot = strrchr(file, '.');
    AUTO(job_value) struct job job = {0};
    char id[ID_UUID_SIZE];

    snprintf(id, sizeof id, "%s", text_begins(file, "pywps-") ? file + 6 : "");
    for (size_t i = 0; dot && dot - file == 42 && i < ARRAY_LEN(forms); i++)
        if (!strcmp(dot, forms[i].ending))
            return load(rq, id, &job, err) && forms[i].reply(rq, reply, &job, err);
    return err_set(err, ERR_NotFound, "There is nothing at '%.60s'.", file);
}

static bool send_asset(struct request *rq, struct reply *reply, const struct job_asset *assets,
                       size_t count, const char *name, struct err *err)
{
    for (size_t i = 0; i < count; i++)
        if (!strcmp(assets[i].name, name))
            return reply_file(rq, reply, assets[i].path, assets[i].media_type, name, err);
    return results_zip(rq, reply, assets, count, NULL, NULL, name, err);
}

/* GET /resto/wps/results/{jobId}/{file} */
bool peps_result_get(struct request *rq, struct reply *reply, struct err *err)
{
    const char *id = request_variable(rq, "jobId"), *file = request_variable(rq, "file");
    AUTO(mem) char *whole = mem_printf("%s.zip", id);
    AUTO(job_value) struct job job = {0};
    struct job_asset *assets;
    size_t count;
    bool good;

    if (!load(rq, id, &job, err) ||
        !job_asset_list(rq->db, rq->arena, NULL, job.id, &assets, &count, err))
        return false;
    good = !strcmp(file, whole) && count > 0;
    for (size_t i = 0; i < count; i++)
        good |= !strcmp(assets[i].name, file);
    good = good ? send_asset(rq, reply, assets, count, file, err)
                : err_set(err, ERR_FileNotFound, "The job has no result '%.60s'.", file);
    for (size_t i = 0; i < count; i++)
        json_decref(assets[i].fields);
    return good;
}

/* ---- requests ---- */

static bool execute(struct request *rq, struct reply *reply, struct wps_request *wps,
                    struct err *err)
{
    struct wps_problem problem = {0};

    if (!rq->user)
        return err_set(err, ERR_AuthenticationRequired, "Unauthorized");
    if (!strcmp(wps->identifiers[0], STATUS_PROCESS)) {
        AUTO(job_value) struct job job = {0};

        return load(rq, value_of(wps, "wps_id"), &job, err) &&
               wps_reply_response(rq, reply, &job, err);
    }
    return translate(rq, wps, err) && wps_execute(rq, reply, wps, &problem, err);
}

bool peps_get(struct request *rq, struct reply *reply, struct err *err)
{
    struct wps_request *wps = arena_alloc(rq->arena, sizeof *wps);
    struct wps_problem problem = {0};

    if (rq->state)
        return wps_execute_again(rq, reply, err);
    if (!wps_read_query(rq, wps, &problem, err))
        return false;
    switch (wps->operation) {
    case WPS_CAPABILITIES:
        return wps_reply_capabilities(rq, reply, wps, err);
    case WPS_DESCRIBE:
        return wps_reply_descriptions(rq, reply, wps, &problem, err);
    case WPS_EXECUTE:
        return execute(rq, reply, wps, err);
    default:
        break;
    }
    return err_set(err, ERR_FeatureUnsupported,
                   "Here is the interface of PEPS, WPS 1.0.0; that of 2.0.0 is " WPS_ROOT);
}
