/* What load_stac finds behind a URL. The kind of the document decides: an item is itself; a collection with
 * a link "items" belongs to an API, which is asked for area and time page by page; a static collection or
 * catalogue names its items and children by links; a collection with assets of its own (results of back-ends)
 * is one item. Results of the asker's own jobs are read from the database. Each document is fetched by the
 * rules of load_url, and there is an end to their number and to the time that all of them take. */
#include "jobs/stac_url.h"
#include "base/id.h"
#include "base/instant.h"
#include "base/text.h"
#include "ingest/remote.h"
#include "jobs/results_stac.h"
#include "json/geojson.h"
#include "json/js.h"
#include <string.h>

enum { ITEMS_MAX = 5000, DOCUMENTS_MAX = 5000, DEPTH_MAX = 16, PAGE = 250, LONGEST_MS = 120000 };

struct finding {
    const struct url_reader *reader;
    const struct scene_query *query;
    json_t *items, *collection; /* collection: NULL when there is none, or several */
    json_t *visited;            /* addresses: links may go round */
    int64_t deadline_ms;
    size_t n_collections;
};

static bool get(struct finding *f, const char *url, json_t **ret_json, struct err *err)
{
    if (json_object_size(f->visited) >= DOCUMENTS_MAX)
        return err_set(err, ERR_PayloadTooLarge, "it has more than %d documents", DOCUMENTS_MAX);
    if (instant_monotonic() > f->deadline_ms)
        return err_set(err, ERR_Unreachable, "reading it takes longer than %d s", LONGEST_MS / 1000);
    json_object_set_new(f->visited, url, json_true());
    return url_read(f->reader->config, url, ret_json, err) || err_prefix(err, "%.200s", url);
}

static bool add_item(struct finding *f, json_t *item, const char *url, struct err *err)
{
    const json_t *self = remote_link(item, "self", &(size_t){ 0 });
    AUTO(mem) char *base = remote_resolve(url, js_text(self, "href"));

    if (!json_is_object(item))
        return js_refuse(item, url, "an item", err);
    if (f->query->has_bbox && !geojson_box_meets(f->query->bbox, json_object_get(item, "bbox")))
        return true;
    if (json_array_size(f->items) >= ITEMS_MAX)
        return err_set(err, ERR_PayloadTooLarge, "more than %d items are meant; ask for less space or time",
                       ITEMS_MAX);
    remote_complete(item, base && text_is_remote(base) ? base : url);
    json_array_append(f->items, item);
    return true;
}

/* ---- APIs ---- */

static bool add_page(struct finding *f, const json_t *page, const char *url, struct err *err)
{
    json_t *features = json_object_get(page, "features"), *item;
    size_t i;

    if (!json_is_array(features))
        return js_refuse(features, "features", "an array", err);
    json_array_foreach(features, i, item)
        if (!add_item(f, item, url, err))
            return false;
    return true;
}

static bool add_pages(struct finding *f, json_t *first, const char *url, struct err *err)
{
    AUTO(json) json_t *page = json_incref(first);
    AUTO(mem) char *at = mem_text(url);

    for (;;) {
        const json_t *link;
        char *next;

        if (!add_page(f, page, at, err))
            return false;
        link = remote_link(page, "next", &(size_t){ 0 });
        next = link ? remote_resolve(at, js_text(link, "href")) : NULL;
        if (!next)
            return true;
        free(at);
        at = next;
        if (json_object_get(f->visited, at))
            return err_set(err, ERR_Unreachable, "its pages go round in a circle");
        json_decref(page);
        page = NULL;
        if (!get(f, at, &page, err))
            return false;
    }
}

static bool ask_api(struct finding *f, const char *items, struct err *err)
{
    const struct scene_query *q = f->query;
    AUTO(text) struct text url = { 0 };
    AUTO(json) json_t *page = NULL;
    char start[INSTANT_TEXT_SIZE], end[INSTANT_TEXT_SIZE];

    text_printf(&url, "%s%climit=%d", items, strchr(items, '?') ? '&' : '?', PAGE);
    if (q->has_bbox)
        text_printf(&url, "&bbox=%.9g,%.9g,%.9g,%.9g", q->bbox[0], q->bbox[1], q->bbox[2], q->bbox[3]);
    if (q->start != INSTANT_MIN || q->end != INSTANT_MAX)
        text_printf(&url, "&datetime=%s/%s", q->start == INSTANT_MIN ? ".." : instant_format(q->start, start),
                    q->end == INSTANT_MAX ? ".." : instant_format(q->end, end));
    return get(f, url.data, &page, err) && add_pages(f, page, url.data, err);
}

/* ---- documents ---- */

static bool take_document(struct finding *f, json_t *document, const char *url, int depth, struct err *err);

static bool follow(struct finding *f, const json_t *document, const char *url, const char *rel, int depth,
                   struct err *err)
{
    const json_t *link;
    size_t at = 0;

    while ((link = remote_link(document, rel, &at))) {
        AUTO(mem) char *address = remote_resolve(url, js_text(link, "href"));
        AUTO(json) json_t *child = NULL;

        if (!address || json_object_get(f->visited, address) || depth >= DEPTH_MAX)
            continue;
        if (!get(f, address, &child, err) || !take_document(f, child, address, depth + 1, err))
            return false;
    }
    return true;
}

/* A collection that has assets and no items is one item, of the beginning of its time. */
static bool add_own_assets(struct finding *f, const json_t *collection, const char *url, struct err *err)
{
    json_t *extent = json_object_get(collection, "extent");
    json_t *boxes = json_object_get(json_object_get(extent, "spatial"), "bbox");
    json_t *times = json_object_get(json_object_get(extent, "temporal"), "interval");
    json_t *start = json_array_get(json_array_get(times, 0), 0);
    AUTO(json) json_t *item = json_pack(
        "{s:s, s:O?, s:O?, s:O, s:{s:o}, s:O?}", "type", "Feature", "id", json_object_get(collection, "id"), "bbox",
        json_array_get(boxes, 0), "assets", json_object_get(collection, "assets"), "properties", "datetime",
        json_is_string(start) ? json_incref(start) : json_string("1970-01-01T00:00:00Z"), "links",
        json_object_get(collection, "links"));

    return item ? add_item(f, item, url, err)
                : err_set(err, ERR_BadRequest, "%.200s: is no collection with assets", url);
}

static bool take_collection(struct finding *f, json_t *collection, const char *url, int depth, struct err *err)
{
    const json_t *items = remote_link(collection, "items", &(size_t){ 0 });
    AUTO(mem) char *address = items ? remote_resolve(url, js_text(items, "href")) : NULL;

    if (f->n_collections++ == 0)
        f->collection = json_incref(collection);
    if (address)
        return ask_api(f, address, err);
    if (json_object_size(json_object_get(collection, "assets")) &&
        !remote_link(collection, "item", &(size_t){ 0 }))
        return add_own_assets(f, collection, url, err);
    return follow(f, collection, url, "item", depth, err) && follow(f, collection, url, "child", depth, err);
}

static bool take_document(struct finding *f, json_t *document, const char *url, int depth, struct err *err)
{
    const char *type = js_text(document, "type");

    if (type && !strcmp(type, "Feature"))
        return add_item(f, document, url, err);
    if (type && !strcmp(type, "FeatureCollection"))
        return add_pages(f, document, url, err);
    if (type && !strcmp(type, "Collection"))
        return take_collection(f, document, url, depth, err);
    if (type && !strcmp(type, "Catalog"))
        return follow(f, document, url, "item", depth, err) && follow(f, document, url, "child", depth, err);
    return err_set(err, ERR_BadRequest,
                   "%.200s: expected an item, a collection or a catalogue of STAC, found a document of the type %s%.40s%s",
                   url, type ? "'" : "", type ? type : "null", type ? "'" : "");
}

/* ---- own results ---- */

/* ".../jobs/{id}/results", whatever follows as a query. */
static bool job_of(const char *url, char id[static ID_UUID_SIZE])
{
    const char *jobs = strstr(url, "/jobs/"), *rest;

    if (!jobs)
        return false;
    jobs += strlen("/jobs/");
    rest = strchr(jobs, '/');
    if (!rest || rest - jobs != ID_UUID_SIZE - 1 || !text_begins(rest, "/results") ||
        (rest[8] && rest[8] != '?' && strcmp(rest + 8, "/")))
        return false;
    memcpy(id, jobs, ID_UUID_SIZE - 1);
    id[ID_UUID_SIZE - 1] = '\0';
    return id_is_uuid(id);
}

/* An item for each file: its time and place are its own. */
static json_t *file_item(const struct job_asset *asset, int64_t made_ms)
{
    json_t *item = json_pack("{s:s, s:s, s:{}, s:{s:o}}", "type", "Feature", "id", asset->name, "properties",
                             "assets", asset->name, results_asset(asset, asset->path));
    struct results_extent extent = { 0 };

    if (!item)
        return NULL;
    results_widen(&extent, asset->fields);
    results_put_extent(item, &extent, made_ms);
    return item;
}

static bool own_results(struct finding *f, const char *url, bool *ret_is_own, struct err *err)
{
    const struct url_reader *r = f->reader;
    AUTO(arena) struct arena *arena = arena_new();
    struct err ignored = { 0 };
    struct job job = { 0 };
    struct job_asset *assets;
    char id[ID_UUID_SIZE];
    size_t count;
    bool ok;

    *ret_is_own = r->db && r->user && job_of(url, id) && job_load(r->db, arena, r->user, id, &job, &ignored);
    if (!*ret_is_own)
        return true;
    ok = job_asset_list(r->db, arena, r->user, id, &assets, &count, err);
    for (size_t i = 0; ok && i < count; i++) {
        json_t *item = file_item(&assets[i], job.finished ? job.finished : job.updated);

        json_array_append_new(f->items, item ? item : json_object());
        json_decref(assets[i].fields);
    }
    if (ok && count == 0)
        ok = err_set(err, ERR_JobNotFinished, "the job has no results");
    job_done(&job);
    return ok;
}

static bool find(struct finding *f, const char *url, struct err *err)
{
    AUTO(json) json_t *document = NULL;
    bool is_own;

    if (!own_results(f, url, &is_own, err) || is_own)
        return is_own && err->code == ERR_None;
    return get(f, url, &document, err) && take_document(f, document, url, 0, err);
}

bool stac_url_find(void *reader, const char *url, const struct scene_query *query, json_t **ret_found,
                   struct err *err)
{
    AUTO(json) json_t *items = json_array();
    AUTO(json) json_t *visited = json_object();
    struct finding f = { .reader = reader, .query = query, .items = items, .visited = visited,
                         .deadline_ms = instant_monotonic() + LONGEST_MS };
    bool ok = find(&f, url, err);

    if (ok)
        *ret_found = json_pack("{s:O, s:O?}", "items", items, "collection",
                               f.n_collections == 1 ? f.collection : NULL);
    json_decref(f.collection);
    return ok;
}
