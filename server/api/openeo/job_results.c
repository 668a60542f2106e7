/* Results of a batch job: start, STAC document with signed links, stop. A result with a place is a
 * STAC Collection with its files as assets (or an Item for clients that ask for GeoJSON); one
 * without is an Item without geometry. */
#include "api/common/build.h"
#include "api/common/results.h"
#include "api/common/run.h"
#include "api/openeo/openeo.h"
#include "jobs/results_stac.h"
#include <inttypes.h>
#include <string.h>

/* POST /jobs/{job_id}/results: no effect when it is queued or running. */
bool openeo_results_post(struct request *rq, struct reply *reply, struct err *err)
{
    AUTO(job_value) struct job job = { 0 };

    if (!run_job(rq, "job_id", &job, err))
        return false;
    if (!job_start(rq->db, rq->user->id, job.id, err)) {
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

static json_t *asset_json(struct request *rq, const struct job *job, const struct job_asset *asset,
                          int64_t expires)
{
    json_t *body = asset->fields ? json_copy(asset->fields) : json_object();

    json_object_del(body, "derived_from"); /* told by links of the whole */
    json_object_del(body, "bbox");
    json_object_set_new(body, "href",
                        json_string(results_href(rq, job->id, asset->name, expires)));
    put_text(body, "type", asset->media_type);
    put_text(body, "title", asset->title ? asset->title : asset->name);
    json_object_set_new(body, "file:size", json_integer(asset->size_bytes));
    if (!json_object_get(body, "roles"))
        json_object_set_new(body, "roles", json_pack("[s]", "data"));
    return body;
}

static json_t *instant_or_null(const char *text)
{
    return js_text_or_null(text);
}

static json_t *result_links(struct request *rq, const struct job *job, int64_t expires,
                            const char *media)
{
    const char *path = arena_printf(rq->arena, "%s/jobs/%s/results",
                                    openeo_versions[openeo_minor(rq)].root, job->id);
    json_t *links = json_array();

    link_add(links, "canonical", results_sign(rq, path, expires), media,
             "This document, by a signed link");
    link_add(links, "self", href_of(rq, "%s", path), media, NULL);
    link_add(links, "monitor", openeo_href(rq, "/jobs/%s/logs", job->id),
             "application/json", "Log of the job");
    return links;
}

/* The scenes that the result was made of, once each. */
static void add_sources(struct request *rq, json_t *links, const struct job_asset *assets,
                        size_t count)
{
    AUTO(json) json_t *seen = json_object();
    const json_t *source;
    size_t k;

    for (size_t i = 0; i < count; i++) {
        json_array_foreach(json_object_get(assets[i].fields, "derived_from"), k, source) {
            const char *href =
                href_of(rq, "/stac/collections/%s/items/%s",
                        json_string_value(json_object_get(source, "collection")),
                        json_string_value(json_object_get(source, "id")));

            if (json_object_get(seen, href))
                continue;
            json_object_set_new(seen, href, json_true());
            link_add(links, "derived_from", href, "application/geo+json", NULL);
        }
    }
}

/* `expires` is when the signed links end. */
static void put_times(json_t *body, const struct job *job, int64_t expires)
{
    put_instant(body, "created", job->created);
    openeo_put_times(body, job);
    put_instant(body, "expires", expires);
}

static json_t *item_json(const struct job *job, const struct results_extent *extent, const char *status,
                         int64_t expires)
{
    json_t *properties = json_object();
    json_t *body = json_pack("{s:s, s:s, s:[], s:s, s:o}", "stac_version", "1.0.0", "type", "Feature",
                             "stac_extensions", "id", job->id, "properties", properties);

    results_put_extent(body, extent, job->finished ? job->finished : job->updated);
    put_text(properties, "title", job->title);
    put_text(properties, "description", job->description);
    put_times(properties, job, expires);
    put_text(properties, "openeo:status", status);
    return body;
}

static json_t *collection_json(const struct job *job, const struct results_extent *extent,
                               const char *status, int64_t expires)
{
    json_t *body = json_pack(
        "{s:s, s:s, s:[], s:s, s:s, s:s, s:{s:{s:[o]}, s:{s:[[o, o]]}}}", "stac_version", "1.0.0",
        "type", "Collection", "stac_extensions", "id", job->id, "description",
        job->description ? job->description : "Results of a batch job.", "license", "proprietary",
        "extent", "spatial", "bbox", results_bbox(extent), "temporal", "interval",
        instant_or_null(extent->start), instant_or_null(extent->end));

    put_text(body, "title", job->title);
    put_text(body, "openeo:status", status);
    put_times(body, job, expires);
    return body;
}

static bool reply_document(struct request *rq, struct reply *reply, const struct job *job,
                           const char *status, struct err *err)
{
    static const char *const offers[] = { "application/json", "application/geo+json", NULL };
    const char *media = request_accepts(rq, offers) == 1 ? offers[1] : offers[0];
    int64_t expires = results_links_expire(rq, job);
    struct results_extent extent = { 0 };
    struct job_asset *assets = NULL;
    json_t *body, *list, *links;
    size_t count = 0;

    if (job->state == JOB_FINISHED &&
        !job_asset_list(rq->db, rq->arena, NULL, job->id, &assets, &count, err))
        return false;
    for (size_t i = 0; i < count; i++)
        results_widen(&extent, assets[i].fields);
    body = media == offers[1] || !extent.has_bbox ? item_json(job, &extent, status, expires)
                                                  : collection_json(job, &extent, status, expires);
    list = json_object();
    links = result_links(rq, job, expires, media);
    add_sources(rq, links, assets, count);
    for (size_t i = 0; i < count; i++) {
        json_object_set_new(list, assets[i].name, asset_json(rq, job, &assets[i], expires));
        json_decref(assets[i].fields);
    }
    json_object_set_new(body, "assets", list);
    json_object_set_new(body, "links", links);
    reply_header(rq, reply, "OpenEO-Costs", "0");
    return reply_json(reply, 200, body, media);
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
        return false;
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
