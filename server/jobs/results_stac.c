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
    const char *at = json_string_value(json_object_get(fields, "datetime"));
    const char *start = json_string_value(json_object_get(fields, "start_datetime"));
    const char *end = json_string_value(json_object_get(fields, "end_datetime"));

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

/* The scenes that it was made of, once each. */
static void add_sources(json_t *links, const json_t *sources, json_t *seen)
{
    const json_t *source;
    size_t i;

    json_array_foreach((json_t *)sources, i, source) {
        AUTO(text) struct text href = { 0 };

        text_add(&href, STAC_BASE "/stac/collections/");
        text_add_url(&href, json_string_value(json_object_get(source, "collection")), "");
        text_add(&href, "/items/");
        text_add_url(&href, json_string_value(json_object_get(source, "id")), "");
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

static json_t *item_of(const struct job *job, const char *collection, const struct results_files *files, size_t i,
                       struct arena *arena)
{
    const struct job_asset *asset = &files->assets[i];
    const char *path = files->fresh ? arena_printf(arena, "%s/%s", files->fresh, asset->name) : asset->path;
    json_t *list = json_object(), *links = json_array(), *properties = json_object();
    json_t *item = json_pack("{s:s,s:s,s:o,s:s,s:s,s:o,s:o,s:o}", "type", "Feature", "stac_version", RESULTS_STAC,
                             "stac_extensions", results_extensions(), "id",
                             arena_printf(arena, "%s_%s", job->id, asset->name), "collection", collection,
                             "properties", properties, "assets", list, "links", links);
    AUTO(json) json_t *seen = json_object();
    struct results_extent extent = { 0 };

    results_widen(&extent, asset->fields);
    add_sources(links, json_object_get(asset->fields, "derived_from"), seen);
    json_object_set_new(list, asset->name, results_asset(asset, path)); /* localise() makes it an address */
    put(properties, "sentier:job", job->id);
    put(properties, "title", job->title);
    put(properties, "description", job->description);
    put(properties, "sentier:process", job->process_id);
    put_time(properties, "created", job->finished);
    put_time(properties, "updated", job->finished);
    results_put_extent(item, &extent, job->finished);
    return item;
}

struct writing {
    const char *job;
    bool (*finish)(struct db *db, void *context, struct err *err); /* NULL: it is finished */
    void *context;
};

/* A finished job may have been deleted or started again by now: then there is nothing to tell. */
static bool finish_and_note(struct db *db, void *context, struct err *err)
{
    const struct writing *w = context;
    bool wanted;

    return (!w->finish || w->finish(db, w->context, err)) && results_note(db, w->job, &wanted, err) &&
           (wanted || err_set(err, ERR_JobNotFinished, "The job is not finished any more."));
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

/* The items and whatever `w` finishes: all or nothing. */
static bool tell(struct db *db, const struct results_files *files, struct job *job, struct writing *w,
                 const char **ret_collection, struct arena *arena, struct err *err)
{
    AUTO(json) json_t *items = json_array();
    struct item_write how = { .mode = ITEM_UPSERT, .within = finish_and_note, .context = w };
    struct item_input *inputs = arena_array(arena, files->count, sizeof *inputs);
    const char *owner;
    size_t stored;

    if (!job_owner(db, arena, files->job, &owner, err) || !results_collection(db, arena, owner, ret_collection, err))
        return false;
    job->finished = job->finished ? job->finished : instant_now();
    for (size_t i = 0; i < files->count; i++) {
        json_t *item = item_of(job, *ret_collection, files, i, arena);

        json_array_append_new(items, item);
        if (!localise(item, NULL, NULL, arena, &inputs[i], err))
            return false;
        if (files->fresh)
            name_finally(&inputs[i], files, arena);
    }
    return files->count ? items_put(db, inputs, files->count, &how, &stored, err)
                        : db_transact(db, finish_and_note, w, err);
}

bool results_publish(struct db *db, const struct results_files *files,
                     bool (*finish)(struct db *db, void *context, struct err *err), void *context, struct err *err)
{
    AUTO(arena) struct arena *arena = arena_new();
    struct writing w = { files->job, finish, context };
    struct err ignored = { 0 };
    struct job job = { 0 };
    const char *collection;
    bool good;

    if (!job_load(db, arena, NULL, files->job, &job, err))
        return false;
    if (!strcmp(job.face, JOB_FACE_SYNC)) {
        job_done(&job);
        return !finish || db_transact(db, finish, context, err);
    }
    good = tell(db, files, &job, &w, &collection, arena, err);
    job_done(&job);
    if (good && !results_update_extent(db, collection, &ignored)) /* the next result widens it */
        log_write(LOG_WARNING, files->job, "The extent of '%s' was not widened: %s", collection, ignored.message);
    return good;
}

bool results_catalogue(struct db *db, const char *id, struct err *err)
{
    AUTO(arena) struct arena *arena = arena_new();
    struct results_files files = { .job = id };
    struct job_asset *assets;
    bool good;

    if (!job_asset_list(db, arena, NULL, id, &assets, &files.count, err))
        return false;
    files.assets = assets;
    good = results_publish(db, &files, NULL, NULL, err);
    for (size_t i = 0; i < files.count; i++)
        json_decref(assets[i].fields);
    return good;
}
