/* An item for each file, as the document of the job has them: so a load of the collection finds the dates of files. It
 * names the file as a local file of the catalogue (ingest/localise.h): they are
 * served by the rights of the collection, can be loaded by other jobs, and are gone with the item, which
 * the database deletes with the job. */
#include "jobs/results_stac.h"
#include "base/instant.h"
#include "base/log.h"
#include "base/text.h"
#include "ingest/localise.h"
#include "json/js.h"
#include "store/collections.h"
#include "store/results.h"
#include <stdlib.h>
#include <string.h>

/* ---- what they cover ---- */

static void widen_bbox(struct results_extent *extent, const json_t *bbox)
{
    for (size_t i = 0; i < 4; i++) {
        double x = json_number_value(json_array_get(bbox, i));

        if (!extent->has_bbox || (i < 2 ? x < extent->bbox[i] : x > extent->bbox[i]))
            extent->bbox[i] = x;
    }
    extent->has_bbox = true;
}

void results_widen(struct results_extent *extent, const json_t *fields)
{
    const json_t *bbox = json_object_get(fields, "bbox");
    const char *at = js_text(fields, "datetime");
    const char *start = js_text(fields, "start_datetime");
    const char *end = js_text(fields, "end_datetime");

    if (json_array_size(bbox) == 4)
        widen_bbox(extent, bbox);
    start = start ? start : at;
    end = end ? end : at;
    if (start && (!extent->start || strcmp(start, extent->start) < 0))
        extent->start = start;
    if (end && (!extent->end || strcmp(end, extent->end) > 0))
        extent->end = end;
}

json_t *results_bbox(const struct results_extent *extent)
{
    const double *b = extent->bbox;

    return json_pack("[f,f,f,f]", b[0], b[1], b[2], b[3]);
}

static json_t *polygon(const double b[4])
{
    return json_pack("{s:s, s:[[[f,f],[f,f],[f,f],[f,f],[f,f]]]}", "type", "Polygon",
                     "coordinates", b[0], b[1], b[2], b[1], b[2], b[3], b[0], b[3], b[0], b[1]);
}

void results_put_extent(json_t *item, const struct results_extent *extent, int64_t made_ms)
{
    json_t *properties = json_object_get(item, "properties");
    char made[INSTANT_TEXT_SIZE];

    json_object_set_new(item, "geometry", extent->has_bbox ? polygon(extent->bbox) : json_null());
    if (extent->has_bbox)
        json_object_set_new(item, "bbox", results_bbox(extent));
    if (extent->start && extent->end && !strcmp(extent->start, extent->end)) {
        json_object_set_new(properties, "datetime", json_string(extent->start));
    } else if (extent->start && extent->end) {
        json_object_set_new(properties, "datetime", json_null());
        json_object_set_new(properties, "start_datetime", json_string(extent->start));
        json_object_set_new(properties, "end_datetime", json_string(extent->end));
    } else {
        json_object_set_new(properties, "datetime", json_string(instant_format(made_ms, made)));
    }
}

/* ---- the item ---- */

static void put(json_t *object, const char *name, const char *text)
{
    if (text && *text)
        json_object_set_new(object, name, json_string(text));
}

static void put_time(json_t *object, const char *name, int64_t ms)
{
    char text[INSTANT_TEXT_SIZE];

    if (ms)
        put(object, name, instant_format(ms, text));
}

/* Times and bbox of a file are told by the item when it is the only one, by the asset otherwise. */
json_t *results_asset(const struct job_asset *asset, const char *href)
{
    json_t *body = asset->fields ? json_copy(asset->fields) : json_object();

    json_object_del(body, "derived_from");
    json_object_del(body, "bbox");
    put(body, "href", href);
    put(body, "type", asset->media_type);
    put(body, "title", asset->title ? asset->title : asset->name);
    json_object_set_new(body, "file:size", json_integer(asset->size_bytes));
    if (!json_object_get(body, "roles"))
        json_object_set_new(body, "roles", json_pack("[s]", "data"));
    return body;
}

bool results_source_href(const json_t *source, const char *base, struct text *href)
{
    const char *collection = js_text(source, "collection"), *url = js_text(source, "url");

    if (url || !collection) {
        text_add(href, url ? url : "");
        return url != NULL;
    }
    text_printf(href, "%s/stac/collections/", base);
    text_add_url(href, collection, "");
    text_add(href, "/items/");
    text_add_url(href, js_text(source, "id"), "");
    return true;
}

/* The scenes that it was made of, once each. */
static void add_sources(json_t *links, const json_t *sources, json_t *seen)
{
    const json_t *source;
    size_t i;

    json_array_foreach((json_t *)sources, i, source) {
        AUTO(text) struct text href = { 0 };

        if (!results_source_href(source, STAC_BASE, &href))
            continue;
        if (json_object_get(seen, href.data))
            continue;
        json_object_set_new(seen, href.data, json_true());
        json_array_append_new(links, json_pack("{s:s,s:s,s:s}", "rel", "derived_from", "href", href.data,
                                               "type", "application/geo+json"));
    }
}

json_t *results_extensions(void)
{
    return json_pack("[s,s,s]", "https://stac-extensions.github.io/projection/v1.2.0/schema.json",
                     "https://stac-extensions.github.io/raster/v1.1.0/schema.json",
                     "https://stac-extensions.github.io/file/v2.1.0/schema.json");
}

static json_t *item_of(const struct results_job *job, const char *collection, size_t i, struct arena *arena)
{
    const struct results_files *files = &job->files;
    const struct job_asset *asset = &files->assets[i];
    const char *path = files->fresh ? arena_printf(arena, "%s/%s", files->fresh, asset->name) : asset->path;
    json_t *list = json_object(), *links = json_array(), *properties = json_object();
    json_t *item = json_pack("{s:s,s:s,s:o,s:s,s:s,s:o,s:o,s:o}", "type", "Feature", "stac_version", RESULTS_STAC,
                             "stac_extensions", results_extensions(), "id",
                             arena_printf(arena, "%s_%s", files->job, asset->name), "collection", collection,
                             "properties", properties, "assets", list, "links", links);
    AUTO(json) json_t *seen = json_object();
    struct results_extent extent = { 0 };

    results_widen(&extent, asset->fields);
    add_sources(links, json_object_get(asset->fields, "derived_from"), seen);
    json_object_set_new(list, asset->name, results_asset(asset, path)); /* localise() makes it an address */
    put(properties, "sentier:job", files->job);
    put(properties, "title", job->title);
    put(properties, "description", job->description);
    put(properties, "sentier:process", job->process_id);
    put_time(properties, "created", job->finished);
    put_time(properties, "updated", job->finished);
    results_put_extent(item, &extent, job->finished);
    return item;
}

/* Files that are still to get their final name are told under it. */
static void name_finally(struct item_input *input, const struct results_files *files, struct arena *arena)
{
    struct item_location *locations = arena_array(arena, input->n_locations + 1, sizeof *locations);
    AUTO(mem) char *fresh = realpath(files->fresh, NULL);
    size_t folder = fresh ? (size_t)(strrchr(fresh, '/') - fresh) : 0;

    for (size_t i = 0; i < input->n_locations; i++) {
        const char *path = input->locations[i].href;

        locations[i] = input->locations[i];
        if (fresh && text_begins(path, fresh))
            locations[i].href = arena_printf(arena, "%.*s/%s%s", (int)folder, fresh, files->job, path + strlen(fresh));
    }
    input->locations = locations;
}

/* What the transaction stores beside the jobs' ends. */
struct telling {
    struct arena *arena;
    const char **collections; /* by job */
    json_t *items;            /* owns them */
    struct item_input *inputs;
    size_t count;
};

static bool find_collections(struct db *db, const struct results_job *jobs, size_t n_jobs, struct telling *t, struct err *err)
{
    t->collections = arena_array(t->arena, n_jobs, sizeof *t->collections);
    for (size_t i = 0; i < n_jobs; i++) {
        for (size_t k = 0; k < i && !t->collections[i]; k++)
            if (!jobs[k].is_hidden && !strcmp(jobs[k].owner, jobs[i].owner))
                t->collections[i] = t->collections[k];
        if (!jobs[i].is_hidden && !t->collections[i] &&
            !results_collection(db, t->arena, jobs[i].owner, &t->collections[i], err))
            return false;
    }
    return true;
}

static bool make_items(const struct results_job *jobs, size_t n_jobs, struct telling *t, struct err *err)
{
    size_t most = 0;

    for (size_t i = 0; i < n_jobs; i++)
        most += jobs[i].files.count;
    t->inputs = arena_array(t->arena, most, sizeof *t->inputs);
    for (size_t i = 0; i < n_jobs; i++) {
        for (size_t k = 0; t->collections[i] && k < jobs[i].files.count; k++) {
            json_t *item = item_of(&jobs[i], t->collections[i], k, t->arena);
            struct item_input *input = &t->inputs[t->count++];

            json_array_append_new(t->items, item);
            if (!localise(item, NULL, NULL, t->arena, input, err))
                return false;
            if (jobs[i].files.fresh)
                name_finally(input, &jobs[i].files, t->arena);
        }
    }
    return true;
}

/* The ids of the items of one collection, as an array of PostgreSQL's. */
static const char *ids_in(const struct telling *t, const char *collection)
{
    const char **ids = arena_array(t->arena, json_array_size(t->items), sizeof *ids);
    const json_t *item;
    size_t n = 0, i;

    json_array_foreach(t->items, i, item)
        if (!strcmp(js_text(item, "collection"), collection))
            ids[n++] = js_text(item, "id");
    return store_array(t->arena, n, ids);
}

static void widen_collections(struct db *db, const struct telling *t, size_t n_jobs)
{
    for (size_t i = 0; i < n_jobs; i++) {
        struct err ignored = { 0 };
        bool done = !t->collections[i];

        for (size_t k = 0; k < i && !done; k++)
            done = t->collections[k] == t->collections[i];
        if (!done && !results_update_extent(db, t->collections[i], ids_in(t, t->collections[i]), &ignored))
            /* the next result widens it */
            log_write(LOG_WARNING, NULL, "The extent of '%s' was not widened: %s", t->collections[i], ignored.message);
    }
}

/* Jobs without files, or whose files nobody else sees. */
static bool end_alone(struct db *db, void *end_, struct err *err)
{
    const struct results_end *end = end_;

    return (!end->hold || end->hold(db, end->context, err)) && end->finish(db, end->context, err);
}

bool results_publish(struct db *db, const struct results_job *jobs, size_t n_jobs, const struct results_end *end,
                     struct err *err)
{
    AUTO(arena) struct arena *arena = arena_new();
    AUTO(json) json_t *items = json_array();
    struct telling t = { .arena = arena, .items = items };
    struct item_write how = { .mode = ITEM_UPSERT, .before = end->hold, .within = end->finish, .context = end->context };
    size_t stored;

    if (!find_collections(db, jobs, n_jobs, &t, err) || !make_items(jobs, n_jobs, &t, err))
        return false;
    if (t.count == 0)
        return db_transact(db, end_alone, (void *)end, err);
    if (!items_put(db, t.inputs, t.count, &how, &stored, err))
        return false;
    widen_collections(db, &t, n_jobs);
    return true;
}

static bool note(struct db *db, void *job, struct err *err)
{
    bool wanted;

    return results_note(db, job, &wanted, err) &&
           (wanted || err_set(err, ERR_JobNotFinished, "The job is not finished any more."));
}

bool results_catalogue(struct db *db, const char *id, struct err *err)
{
    AUTO(arena) struct arena *arena = arena_new();
    struct job job = { 0 };
    struct job_asset *assets;
    struct results_job told = { .files.job = id };
    bool good;

    if (!job_asset_list(db, arena, NULL, id, &assets, &told.files.count, err))
        return false;
    told.files.assets = assets;
    good = job_load(db, arena, NULL, id, &job, err) && job_owner(db, arena, id, &told.owner, err);
    if (good) {
        told.title = job.title;
        told.description = job.description;
        told.process_id = job.process_id;
        told.finished = job.finished;
        told.is_hidden = !strcmp(job.face, JOB_FACE_SYNC) || !strcmp(job.face, JOB_FACE_STEP);
        good = results_publish(db, &told, 1, &(struct results_end){ .finish = note, .context = arena_text(arena, id) }, err);
    }
    job_done(&job);
    for (size_t i = 0; i < told.files.count; i++)
        json_decref(assets[i].fields);
    return good;
}
