/* Results of a batch job: start, STAC documents with signed links, stop. A result with a place is a STAC
 * Collection with an item for each file and, as clients of older APIs know no items, with all files as its
 * own assets (or an Item for clients that ask for GeoJSON); one without is an Item without geometry. */
#include "api/common/build.h"
#include "api/common/results.h"
#include "api/common/run.h"
#include "api/openeo/openeo.h"
#include "jobs/results_stac.h"
#include "json/js.h"
#include <inttypes.h>
#include <string.h>

/* What cannot be planned is told by the job itself, with its log. */
static bool check_budget(struct request *rq, const struct job *job, double budget, struct err *err)
{
    struct run_estimate estimate;
    struct err ignored = { 0 };

    if (budget < 0 || !*rq->config->billing_currency)
        return true;
    if (!run_estimate(rq, job->process, job->arguments, "/process", openeo_job_dialect(job), PLAN_BATCH,
                      &estimate, &ignored))
        return true;
    json_decref(estimate.value);
    return run_within_budget(rq, &estimate, budget, err);
}

/* POST /jobs/{job_id}/results: no effect when it is queued or running. */
bool openeo_results_post(struct request *rq, struct reply *reply, struct err *err)
{
    AUTO(job_value) struct job job = { 0 };
    struct job_terms terms;

    if (!run_job(rq, "job_id", &job, err))
        return false;
    terms = run_terms(rq, openeo_budget(job.request));
    if (job.state != JOB_QUEUED && job.state != JOB_RUNNING && !check_budget(rq, &job, terms.budget, err))
        return false;
    if (!job_start(rq->db, rq->user->id, job.id, 0, &terms, err)) {
        if (err->code != ERR_JobLocked)
            return false;
        err_clear(err);
    }
    return reply_empty(reply, 202);
}

/* DELETE /jobs/{job_id}/results */
bool openeo_results_delete(struct request *rq, struct reply *reply, struct err *err)
{
    AUTO(job_value) struct job job = { 0 };

    if (!run_job(rq, "job_id", &job, err))
        return false;
    if (!job_cancel(rq->db, rq->user->id, job.id, err))
        return false;
    return reply_empty(reply, 204);
}

/* A document about some files of a job. */
struct document {
    const struct job *job;
    const char *status; /* NULL for what is finished by its nature */
    int64_t expires;    /* of the signed links */
    struct job_asset *assets;
    size_t count;
    bool local;         /* it lies beside the files: nothing need be signed */
};

static void document_done(struct document *d)
{
    for (size_t i = 0; i < d->count; i++)
        json_decref(d->assets[i].fields);
    d->count = 0;
}

#define ALTERNATE "https://stac-extensions.github.io/alternate-assets/v1.1.0/schema.json"

static json_t *asset_json(struct request *rq, const struct document *d, const struct job_asset *asset)
{
    const char *href = d->local ? arena_printf(rq->arena, "./%s", asset->name)
                                : results_href(rq, d->job->id, asset->name, d->expires);
    const char *store = d->local ? NULL : results_store_href(rq, d->job->id, asset, d->expires);
    json_t *body = results_asset(asset, href);

    if (store)
        json_object_set_new(body, "alternate",
                            json_pack("{s:{s:s, s:s, s:s}}", "store", "href", store, "title",
                                      "The same, file by file", "type", "application/vnd+zarr"));
    return body;
}

static void add_assets(struct request *rq, json_t *body, const struct document *d)
{
    json_t *list = json_object(), *extensions = results_extensions();
    bool alternate = false;

    for (size_t i = 0; i < d->count; i++) {
        json_t *asset = asset_json(rq, d, &d->assets[i]);

        alternate |= json_object_get(asset, "alternate") != NULL;
        json_object_set_new(list, d->assets[i].name, asset);
    }
    if (alternate)
        json_array_append_new(extensions, json_string(ALTERNATE));
    json_object_set_new(body, "stac_extensions", extensions);
    json_object_set_new(body, "assets", list);
}

/* The scenes that the files were made of, once each. */
static void add_sources(struct request *rq, json_t *links, const struct document *d)
{
    AUTO(json) json_t *seen = json_object();
    const json_t *source;
    size_t k;

    for (size_t i = 0; i < d->count; i++) {
        json_array_foreach(json_object_get(d->assets[i].fields, "derived_from"), k, source) {
            AUTO(text) struct text href = { 0 };

            if (!results_source_href(source, href_of(rq, "%s", ""), &href) || json_object_get(seen, href.data))
                continue;
            json_object_set_new(seen, href.data, json_true());
            link_add(links, "derived_from", href.data, "application/geo+json", NULL);
        }
    }
}

static const char *item_path(struct request *rq, const char *job, const char *file)
{
    return arena_printf(rq->arena, "/results/%s/items/%s", job, file);
}

static void add_links(struct request *rq, json_t *body, const struct document *d, const char *media)
{
    const char *id = d->job->id;
    const char *path = arena_printf(rq->arena, "%s/jobs/%s/results", openeo_versions[openeo_minor(rq)].root, id);
    json_t *links = json_array();
    const json_t *exported;
    size_t k;

    link_add(links, "canonical", results_sign(rq, path, d->expires), media, "This document, by a signed link");
    link_add(links, "self", href_of(rq, "%s", path), media, NULL);
    link_add(links, "monitor", openeo_href(rq, "/jobs/%s/logs", id), "application/json", "Log of the job");
    if (d->count)
        link_add(links, "enclosure", results_sign(rq, arena_printf(rq->arena, "/results/%s", id), d->expires),
                 "application/zip", "All files as a zip, with this document");
    for (size_t i = 0; json_object_get(body, "extent") && i < d->count; i++) /* of a collection */
        link_add(links, "item", results_sign(rq, item_path(rq, id, d->assets[i].name), d->expires),
                 "application/geo+json", d->assets[i].title ? d->assets[i].title : d->assets[i].name);
    json_array_foreach(d->job->exports, k, exported)
        link_add(links, "alternate", js_text(exported, "href"), "application/json",
                 arena_printf(rq->arena, "In the workspace %s",
                              js_text(exported, "workspace")));
    add_sources(rq, links, d);
    json_object_set_new(body, "links", links);
}

/* `expires` is when the signed links end. */
static void put_times(json_t *body, const struct document *d)
{
    put_instant(body, "created", d->job->created);
    openeo_put_times(body, d->job);
    if (!d->local)
        put_instant(body, "expires", d->expires);
}

static struct results_extent extent_of(const struct document *d)
{
    struct results_extent extent = { 0 };

    for (size_t i = 0; i < d->count; i++)
        results_widen(&extent, d->assets[i].fields);
    return extent;
}

static json_t *item_json(const struct document *d, const char *id)
{
    const struct job *job = d->job;
    struct results_extent extent = extent_of(d);
    json_t *properties = json_object();
    json_t *body = json_pack("{s:s, s:s, s:s, s:o}", "stac_version", RESULTS_STAC, "type", "Feature", "id", id,
                             "properties", properties);

    results_put_extent(body, &extent, job->finished ? job->finished : job->updated);
    put_text(properties, "title", job->title);
    put_text(properties, "description", job->description);
    put_times(properties, d);
    put_text(properties, "openeo:status", d->status);
    return body;
}

static json_t *collection_json(const struct document *d, const struct results_extent *extent)
{
    const struct job *job = d->job;
    json_t *body = json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:{s:{s:[o]}, s:{s:[[o, o]]}}}", "stac_version", RESULTS_STAC,
        "type", "Collection", "id", job->id, "description",
        job->description && *job->description ? job->description : "Results of a batch job.", "license", "other",
        "extent", "spatial", "bbox", results_bbox(extent), "temporal", "interval",
        js_text_or_null(extent->start), js_text_or_null(extent->end));

    put_text(body, "title", job->title);
    put_text(body, "openeo:status", d->status);
    put_times(body, d);
    return body;
}

/* *ret_media is what it is: a collection is JSON, an item GeoJSON unless somebody asked for JSON. */
static json_t *document_json(struct request *rq, const struct document *d, bool geojson, const char **ret_media)
{
    struct results_extent extent = extent_of(d);
    bool collection = !geojson && extent.has_bbox;
    json_t *body = collection ? collection_json(d, &extent) : item_json(d, d->job->id);

    *ret_media = geojson ? "application/geo+json" : "application/json";
    add_assets(rq, body, d);
    return body;
}

static bool reply_document(struct request *rq, struct reply *reply, const struct job *job,
                           const char *status, struct err *err)
{
    static const char *const offers[] = { "application/json", "application/geo+json", NULL };
    struct document d = { .job = job, .status = status, .expires = results_links_expire(rq, job) };
    const char *media;
    json_t *body;

    if (job->state == JOB_FINISHED &&
        !job_asset_list(rq->db, rq->arena, NULL, job->id, &d.assets, &d.count, err))
        return false;
    body = document_json(rq, &d, request_accepts(rq, offers) == 1, &media);
    add_links(rq, body, &d, media);
    document_done(&d);
    reply_header(rq, reply, "OpenEO-Costs", "0");
    return reply_json(reply, 200, body, media);
}

/* The finished job of a signed link, or of its owner, with its files. */
static bool find_files(struct request *rq, struct job *job, struct document *d, struct err *err)
{
    const char *id = request_variable(rq, "job_id");
    bool is_signed = request_query(rq, "signature") != NULL;

    if (!id_is_uuid(id))
        return err_set(err, ERR_JobNotFound, "There is no job '%.60s'.", id);
    if (!job_load(rq->db, rq->arena, is_signed ? NULL : rq->user->id, id, job, err) ||
        !job_asset_list(rq->db, rq->arena, NULL, id, &d->assets, &d->count, err))
        return results_gone(is_signed, err);
    *d = (struct document){ .job = job, .expires = results_links_expire(rq, job), .assets = d->assets,
                            .count = d->count };
    return true;
}

/* GET /results/{job_id}/items/{file}: one file of a job as an item. */
bool openeo_result_item_get(struct request *rq, struct reply *reply, struct err *err)
{
    const char *id = request_variable(rq, "job_id"), *file = request_variable(rq, "file");
    AUTO(job_value) struct job job = { 0 };
    struct document all, one;
    json_t *body, *links;
    size_t i = 0;

    if (!find_files(rq, &job, &all, err))
        return false;
    while (i < all.count && strcmp(all.assets[i].name, file))
        i++;
    if (i == all.count) {
        document_done(&all);
        err_set(err, ERR_FileNotFound, "The job has no result '%.200s'.", file);
        return results_gone(request_query(rq, "signature") != NULL, err);
    }
    one = all;
    one.assets = &all.assets[i];
    one.count = 1;
    body = item_json(&one, arena_printf(rq->arena, "%s_%s", id, file));
    add_assets(rq, body, &one);
    links = json_array();
    link_add(links, "self", results_sign(rq, item_path(rq, id, file), all.expires), "application/geo+json", NULL);
    add_sources(rq, links, &one);
    json_object_set_new(body, "links", links);
    document_done(&all);
    return reply_json(reply, 200, body, "application/geo+json");
}

/* The files of one output alone. */
static bool reply_output(struct request *rq, struct reply *reply, const struct document *d, const char *output, struct err *err)
{
    struct job_asset *files = arena_array(rq->arena, d->count + 1, sizeof *files);
    size_t n = 0;

    for (size_t i = 0; i < d->count; i++)
        if (d->assets[i].output && !strcmp(d->assets[i].output, output))
            files[n++] = d->assets[i];
    if (n == 0)
        return err_set(err, ERR_FileNotFound, "The job has no files of an output '%.200s'.", output);
    return results_zip(rq, reply, files, n, NULL, NULL, arena_printf(rq->arena, "%s.zip", d->job->id), err);
}

/* GET /results/{job_id}: all files in a zip, with the document about them; ?output= those of one output. */
bool openeo_results_zip_get(struct request *rq, struct reply *reply, struct err *err)
{
    AUTO(job_value) struct job job = { 0 };
    AUTO(json) json_t *body = NULL;
    AUTO(mem) char *text = NULL;
    struct document d;
    const char *media, *output = request_query(rq, "output");
    json_t *links;
    bool good;

    if (!find_files(rq, &job, &d, err))
        return false;
    if (output) {
        good = reply_output(rq, reply, &d, output, err);
        document_done(&d);
        return good;
    }
    d.local = true;
    body = document_json(rq, &d, false, &media);
    links = json_array();
    add_sources(rq, links, &d);
    json_object_set_new(body, "links", links);
    text = json_dumps(body, JSON_INDENT(1));
    good = results_zip(rq, reply, d.assets, d.count,
                       json_object_get(body, "extent") ? "collection.json" : "item.json", text,
                       arena_printf(rq->arena, "%s.zip", job.id), err);
    document_done(&d);
    return good;
}

/* 424 with the last error, as an entry of the log. */
static bool reply_failure(struct reply *reply, const struct job *job)
{
    json_t *body = json_pack("{s:s, s:s, s:s, s:s}", "id", "error", "level", "error", "code",
                             job->error_code ? job->error_code : "Internal", "message",
                             job->error_message ? job->error_message : "The job failed.");

    put_instant(body, "time", job->finished ? job->finished : job->updated);
    return reply_json(reply, 424, body, NULL);
}

/* GET /jobs/{job_id}/results: for the owner, or for whoever holds the signed (canonical) link. */
bool openeo_results_get(struct request *rq, struct reply *reply, struct err *err)
{
    AUTO(job_value) struct job job = { 0 };
    const char *id = request_variable(rq, "job_id"), *partial = request_query(rq, "partial");
    const char *owner = request_query(rq, "signature") ? NULL : rq->user->id;
    bool wants_partial = partial && (!*partial || !strcmp(partial, "true"));

    if (!id_is_uuid(id))
        return err_set(err, ERR_JobNotFound, "There is no job '%.60s'.", id);
    if (!job_load(rq->db, rq->arena, owner, id, &job, err))
        return results_gone(!owner, err);
    if (job.state == JOB_ERROR)
        return reply_failure(reply, &job);
    if (job.state == JOB_FINISHED || (wants_partial && job.state != JOB_CREATED))
        return reply_document(rq, reply, &job,
                              job.state == JOB_FINISHED   ? "finished"
                              : job.state == JOB_CANCELED ? "canceled"
                                                          : "running",
                              err);
    return err_set(err, ERR_JobNotFinished, "The job is %s; it has no results yet.",
                   job_state_name(job.state));
}
