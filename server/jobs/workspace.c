/* A workspace is a folder of its own below the folder or the bucket that the operator names. An export lies in a
 * folder there: ID-OF-THE-JOB/, or PATH/ID-OF-THE-JOB/ where it is merged into the collection of PATH. Each file has
 * an item beside it, and a collection names all items; it alone is written by several jobs, one after the other. What a
 * file takes of the quota is counted by its path: an export that is made again, after a crash too, costs nothing more. */
#include "jobs/workspace.h"
#include "base/instant.h"
#include "base/text.h"
#include "json/js.h"
#include "raster/bucket.h"
#include "store/workspaces.h"
#include <string.h>
#include <strings.h>

/* ---- providers ---- */

static const struct workspace_provider providers[] = {
    { "folder", "Folder of the service", "A folder of its own on a file system that the operator shares with users." },
    { "S3", "Object store (S3)", "A prefix of its own in a bucket of the operator." },
    { NULL, NULL, NULL },
};

static bool is_configured(const struct config *c, const struct workspace_provider *p)
{
    return *(p == &providers[0] ? c->workspaces_folder : c->workspaces_s3);
}

const struct workspace_provider *workspace_provider_next(const struct config *config,
                                                         const struct workspace_provider *before)
{
    for (const struct workspace_provider *p = before ? before + 1 : providers; p->name; p++)
        if (is_configured(config, p))
            return p;
    return NULL;
}

const struct workspace_provider *workspace_provider(const struct config *config, const char *name)
{
    const struct workspace_provider *p = NULL;

    while ((p = workspace_provider_next(config, p)))
        if (!name || !strcasecmp(name, p->name))
            return p;
    return NULL;
}

char *workspace_root(const struct config *c, const char *provider, const char *id)
{
    const struct workspace_provider *p = workspace_provider(c, provider);
    const struct bucket_access access = { c->workspaces_s3_endpoint, c->workspaces_s3_region, c->workspaces_s3_key,
                                          c->workspaces_s3_secret };
    AUTO(mem) char *bucket = NULL;

    if (!p)
        return NULL;
    if (p == &providers[0])
        return mem_printf("%s/%s", c->workspaces_folder, id);
    bucket = mem_printf("/vsis3/%.*s", (int)strcspn(c->workspaces_s3, "/"), c->workspaces_s3);
    bucket_allow(bucket, &access);
    return mem_printf("/vsis3/%s/%s", c->workspaces_s3, id);
}

char *workspace_url(const struct config *c, const char *provider, const char *id)
{
    const struct workspace_provider *p = workspace_provider(c, provider);

    if (!p)
        return NULL;
    if (p != &providers[0])
        return mem_printf("s3://%s/%s", c->workspaces_s3, id);
    return *c->workspaces_url ? mem_printf("%s/%s", c->workspaces_url, id)
                              : mem_printf("file://%s/%s", c->workspaces_folder, id);
}

/* ---- an export ---- */

struct export {
    struct db *db;
    const struct results_files *files;
    const char *node;     /* whose files they are */
    const char *place;    /* the folder of the collection */
    const char *below;    /* the same, from the workspace's root */
    const char *prefix;   /* from there to the files: "", or "JOB/" */
    const char *id;       /* of a collection that is not there yet */
    struct arena *arena;
};

static bool is_meant(const struct export *e, size_t i)
{
    const char *output = e->files->assets[i].output;

    return output && !strcmp(output, e->node);
}

static bool put_json(const char *path, const json_t *json, struct err *err)
{
    AUTO(mem) char *text = json_dumps(json, JSON_INDENT(1));

    return bucket_put_text(path, text, strlen(text), err);
}

static json_t *item_of(const struct export *e, const struct job_asset *asset)
{
    struct results_extent extent = { 0 };
    const char *up = *e->prefix ? "../collection.json" : "./collection.json";
    json_t *item = json_pack(
        "{s:s, s:s, s:o, s:o, s:s, s:{}, s:{s:o}, s:[{s:s,s:s,s:s},{s:s,s:s,s:s}]}", "type", "Feature", "stac_version",
        RESULTS_STAC, "stac_extensions", results_extensions(), "id", json_sprintf("%s_%s", e->files->job, asset->name),
        "collection", e->id, "properties", "assets", "data",
        results_asset(asset, arena_printf(e->arena, "./%s", asset->name)), "links", "rel", "collection", "href", up,
        "type", "application/json", "rel", "parent", "href", up, "type", "application/json");

    results_widen(&extent, asset->fields);
    results_put_extent(item, &extent, instant_now());
    return item;
}

static const char *path_of(const struct export *e, size_t i)
{
    return arena_printf(e->arena, "%s/%s%s", e->below, e->prefix, e->files->assets[i].name);
}

/* What was put is taken out of `before`. */
static bool put_files(const struct export *e, json_t *before, struct err *err)
{
    for (size_t i = 0; i < e->files->count; i++) {
        const struct job_asset *asset = &e->files->assets[i];
        const char *from = e->files->fresh ? arena_printf(e->arena, "%s/%s", e->files->fresh, asset->name) : asset->path;
        const char *to = arena_printf(e->arena, "%s/%s%s", e->place, e->prefix, asset->name);
        AUTO(json) json_t *item = NULL;

        if (!is_meant(e, i))
            continue;
        item = item_of(e, asset);
        if (!bucket_put_file(from, to, err) || !put_json(arena_printf(e->arena, "%s.json", to), item, err))
            return false;
        json_object_del(before, path_of(e, i));
    }
    return true;
}

/* What is there, as far as it is a collection. */
static bool load_collection(const struct export *e, const char *path, json_t **ret_collection, struct err *err)
{
    AUTO(mem) char *text = NULL;
    struct err ignored = { 0 };
    size_t length;

    *ret_collection = NULL;
    if (!bucket_get_text(path, &text, &length, err))
        return false;
    if (text && (!js_parse(text, length, JS_DEFAULT_DEPTH, ret_collection, &ignored) ||
                 !json_is_object(*ret_collection)))
        return err_set(err, ERR_StorageFailure, "'%.300s' is there and no STAC collection", path);
    if (!*ret_collection)
        *ret_collection = json_pack("{s:s, s:s, s:s, s:s, s:s, s:[]}", "type", "Collection", "stac_version", RESULTS_STAC,
                                    "id", e->id, "description", "Results of jobs.", "license", "other", "links");
    if (!json_is_array(json_object_get(*ret_collection, "links")))
        json_object_set_new(*ret_collection, "links", json_array());
    return true;
}

/* Items of this job that an earlier try named give way. */
static void name_items(const struct export *e, json_t *links)
{
    AUTO(mem) char *begin = mem_printf("./%s", e->prefix);

    for (size_t i = json_array_size(links); i-- > 0;) {
        const json_t *link = json_array_get(links, i);
        const char *rel = js_text(link, "rel");

        if (rel && !strcmp(rel, "item") && text_begins(js_text(link, "href"), begin))
            json_array_remove(links, i);
    }
    for (size_t i = 0; i < e->files->count; i++)
        if (is_meant(e, i))
            json_array_append_new(links, json_pack("{s:s, s:o, s:s}", "rel", "item", "href",
                                                   json_sprintf("%s%s.json", begin, e->files->assets[i].name), "type",
                                                   "application/geo+json"));
}

/* The union of what the collection covered and of the new files. */
static void widen(const struct export *e, json_t *collection)
{
    const json_t *old = json_object_get(collection, "extent");
    const json_t *interval =
        json_array_get(json_object_get(json_object_get(old, "temporal"), "interval"), 0);
    AUTO(json) json_t *covered = json_pack(
        "{s:O*, s:O*, s:O*}", "bbox", json_array_get(json_object_get(json_object_get(old, "spatial"), "bbox"), 0),
        "start_datetime", json_array_get(interval, 0), "end_datetime", json_array_get(interval, 1));
    AUTO(json) json_t *world = json_pack("[i,i,i,i]", -180, -90, 180, 90);
    struct results_extent extent = { 0 };

    results_widen(&extent, covered);
    for (size_t i = 0; i < e->files->count; i++)
        if (is_meant(e, i))
            results_widen(&extent, e->files->assets[i].fields);
    json_object_set_new(collection, "extent",
                        json_pack("{s:{s:[o]}, s:{s:[[o, o]]}}", "spatial", "bbox",
                                  extent.has_bbox ? results_bbox(&extent) : json_incref(world), "temporal", "interval",
                                  js_text_or_null(extent.start), js_text_or_null(extent.end)));
}

static bool put_collection(struct db *db, void *arg, struct err *err)
{
    const struct export *e = arg;
    const char *path = arena_printf(e->arena, "%s/collection.json", e->place);
    AUTO(json) json_t *collection = NULL;

    if (!workspace_lock(db, e->place, err) || !load_collection(e, path, &collection, err))
        return false;
    name_items(e, json_object_get(collection, "links"));
    widen(e, collection);
    return put_json(path, collection, err);
}

static json_t *sizes_of(const struct export *e)
{
    json_t *sizes = json_object();

    for (size_t i = 0; i < e->files->count; i++)
        if (is_meant(e, i))
            json_object_set_new(sizes, path_of(e, i), json_integer(e->files->assets[i].size_bytes));
    return sizes;
}

/* What could not be put lies there no more than before. */
static bool put_all(const struct config *config, struct export *e, const char *workspace, struct err *err)
{
    AUTO(json) json_t *sizes = sizes_of(e);
    AUTO(json) json_t *before = NULL;
    AUTO(json) json_t *ours = NULL;
    struct err ignored = { 0 };

    if (!workspace_account(e->db, workspace, sizes, config->workspaces_quota, &before, err))
        return false;
    if (put_files(e, before, err) && db_transact(e->db, put_collection, e, err))
        return true;
    if (!workspace_account(e->db, workspace, before, 0, &ours, &ignored))
        err_clear(&ignored);
    return false;
}

static bool export_one(const struct config *config, const char *user, struct export *e, const json_t *wish,
                       json_t *told, struct err *err)
{
    const char *merge = js_text(wish, "merge"), *job = e->files->job;
    const char *name = js_text(wish, "workspace");
    AUTO(mem) char *root = NULL, *url = NULL;
    const char *below = merge ? merge : job;
    struct workspace w;

    if (!workspace_load(e->db, e->arena, user, name, &w, err))
        return false;
    root = workspace_root(config, w.provider, w.id);
    url = workspace_url(config, w.provider, w.id);
    if (!root || !url)
        return err_set(err, ERR_StorageFailure, "The workspace '%s' cannot be reached: its provider is not configured", w.id);
    e->node = js_text(wish, "node");
    e->below = below;
    e->place = arena_printf(e->arena, "%s/%s", root, below);
    e->prefix = merge ? arena_printf(e->arena, "%s/", job) : "";
    e->id = merge && strrchr(merge, '/') ? strrchr(merge, '/') + 1 : below;
    if (!put_all(config, e, w.id, err))
        return false;
    json_array_append_new(told, json_pack("{s:s, s:o}", "workspace", w.id, "href",
                                          json_sprintf("%s/%s/collection.json", url, below)));
    return true;
}

bool workspace_export(const struct config *config, struct db *db, const char *user, const json_t *exports,
                      const struct results_files *files, json_t **ret_told, struct err *err)
{
    AUTO(arena) struct arena *arena = arena_new();
    AUTO(json) json_t *told = json_array();
    const json_t *wish;
    size_t i;

    json_array_foreach((json_t *)exports, i, wish)
        if (!export_one(config, user, &(struct export){ .db = db, .files = files, .arena = arena }, wish, told, err))
            return false;
    *ret_told = json_incref(told);
    return true;
}
