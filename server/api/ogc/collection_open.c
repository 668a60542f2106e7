/* What a collection is computed from: the process graph of the request, or, where that is no graph or makes no raster, the
 * results of a job. */
#include "api/ogc/collections.h"
#include "api/common/run.h"
#include "base/instant.h"
#include "jobs/stac_url.h"
#include "jobs/url.h"
#include "raster/engine.h"
#include "store/catalog.h"
#include <string.h>

void ogc_collection_drop(struct ogc_collection *c)
{
    virtual_collection_drop(&c->row);
    json_decref(c->graph);
    json_decref(c->arguments);
}

/* ---- the results of a job ---- */

/* The rasters that a job made, as they are. */
static json_t *graph_of_results(const char *job)
{
    json_t *load = json_pack("{s:s, s:{s:o, s:n, s:n}}", "process_id", "load_collection", "arguments", "id", json_sprintf(STAC_URL_OF_JOB, job),
                             "spatial_extent", "temporal_extent");

    return json_pack("{s:{s:o, s:{s:s, s:{s:{s:s}, s:s}, s:b}}}", "process_graph", "load", load, "save", "process_id", "save_result",
                     "arguments", "data", "from_node", "load", "format", "GTiff", "result", 1);
}

static bool read_results(struct request *rq, struct ogc_collection *c, struct err *err)
{
    struct job_asset *assets;
    size_t count;

    if (!job_asset_list(rq->db, rq->arena, NULL, c->row.job, &assets, &count, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        bool is_ours = !assets[i].output || !strcmp(assets[i].output, c->row.output);

        json_decref(assets[i].fields);
        if (is_ours && !strncmp(assets[i].media_type, "image/tiff", 10) && !c->graph)
            c->graph = graph_of_results(c->row.job);
        if (is_ours && strstr(assets[i].media_type, "json") && !c->features)
            c->features = &assets[i];
    }
    return c->graph || c->features ||
           err_set(err, ERR_ResultNotAvailable, "The output '%.60s' has neither rasters nor features.", c->row.output);
}

/* True with *ret_waits while the job is at work. */
static bool await(struct request *rq, struct reply *reply, const struct job *job, bool *ret_waits, struct err *err)
{
    struct run_wait *wait = rq->state;
    int64_t left;

    *ret_waits = job->state == JOB_QUEUED || job->state == JOB_RUNNING;
    if (!*ret_waits)
        return job->state == JOB_FINISHED || run_refuse_failed(job, err);
    if (!wait) {
        wait = arena_alloc(rq->arena, sizeof *wait);
        snprintf(wait->job, sizeof wait->job, "%s", job->id);
        wait->deadline_ms = instant_monotonic() + rq->config->http_sync_timeout * 1000;
        rq->state = wait;
    }
    left = wait->deadline_ms - instant_monotonic();
    if (left > 0)
        return reply_wait(rq, reply, job->id, left);
    return err_set(err, ERR_InfrastructureBusy, "The job %s, which makes this collection, is at work: ask again.", job->id);
}

static bool open_job(struct request *rq, struct reply *reply, struct ogc_collection *c, bool *ret_waits, struct err *err)
{
    AUTO(job_value) struct job job = { 0 };

    if (!job_load(rq->db, rq->arena, rq->user->id, c->row.job, &job, err) || !await(rq, reply, &job, ret_waits, err))
        return false;
    return *ret_waits || read_results(rq, c, err);
}

bool ogc_collection_open(struct request *rq, struct reply *reply, struct ogc_collection *c, bool *ret_waits, struct err *err)
{
    *ret_waits = false;
    if (!virtual_collection_load(rq->db, rq->arena, rq->user->id, request_variable(rq, "collectionId"), &c->row, err))
        return false;
    if (*c->row.job)
        return open_job(rq, reply, c, ret_waits, err);
    c->graph = json_incref(c->row.process);
    c->arguments = c->row.arguments ? json_incref(c->row.arguments) : NULL;
    return true;
}

/* ---- what it looks like ---- */

static void name_bands(struct request *rq, const struct cube_schema *schema, struct ogc_coverage *ret)
{
    const struct dimension *bands = cube_dimension_of(schema, DIM_BANDS);
    size_t n = bands && bands->count ? bands->count : 1;
    const char **names = arena_array(rq->arena, n, sizeof *names);

    for (size_t i = 0; i < n; i++)
        names[i] = bands && bands->labels && bands->labels[i].text ? arena_text(rq->arena, bands->labels[i].text)
                                                                   : arena_printf(rq->arena, "band%zu", i + 1);
    ret->bands = names;
    ret->n_bands = n;
}

bool ogc_collection_survey(struct request *rq, const struct ogc_collection *c, struct ogc_coverage *ret, struct err *err)
{
    struct catalog_viewer viewer = { .db = rq->db, .user = rq->user->id };
    struct catalog catalog = catalog_store(&viewer);
    struct url_reader reader = { .config = rq->config, .db = rq->db, .user = viewer.user };
    AUTO(plan) struct plan *plan = NULL;
    const struct cube_schema *schema;

    url_allow(&catalog, &reader);
    if (!graph_plan(c->graph, c->arguments, "", &catalog, PLAN_SYNC, &plan, err))
        return false;
    schema = plan->n_saves ? &plan->saves[0]->schema : NULL;
    if (!schema || schema->geometries || !cube_has_grid(schema) || !raster_degrees(&schema->grid, ret->bbox))
        return err_set(err, ERR_FormatUnsuitable, "The output '%.60s' is no raster.", c->row.output);
    ret->grid = schema->grid;
    ret->pixel = schema->pixel;
    name_bands(rq, schema, ret);
    return true;
}
