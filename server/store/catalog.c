/* Scenes are searched page by page through the same search as the STAC API's, parsed, given the hrefs of
 * their best places and read by graph/stac.c. */
#include "store/catalog.h"
#include "base/instant.h"
#include "base/text.h"
#include "cql2/cql2.h"
#include "graph/stac.h"
#include "json/geojson.h"
#include "json/js.h"
#include "store/collections.h"
#include "store/places.h"
#include "store/search.h"
#include "store/stac_text.h"
#include "store/user_processes.h"
#include "store/workspaces.h"
#include <string.h>

enum { PAGE = 500, MAX_SCENES = 200000 };

static bool collection(void *context, const char *id, struct arena *arena,
                       const struct collection_info **ret_info, struct err *err)
{
    struct catalog_viewer *viewer = context;
    struct collection_info *info = arena_alloc(arena, sizeof *info);
    AUTO(json) json_t *json = NULL;
    const char *text;

    if (!collection_text(viewer->db, arena, viewer->user, id, &text, err) ||
        !stac_text_parse(text, &json, err) ||
        !collection_info_from_stac(json, arena, info, err))
        return false;
    *ret_info = info;
    return true;
}

struct scene_collector {
    struct catalog_viewer *viewer;
    const struct scene_query *query;
    struct arena *arena;
    struct scene *scenes;
    size_t count, capacity, without;
};

/* Offline assets get this before their path, and the scene that takes one says what is to be staged. */
#define OFFLINE "offline:"

static char *href_at_places(const json_t *places, const char *asset)
{
    const json_t *json;
    size_t i;

    json_array_foreach((json_t *)places, i, json) {
        struct place place = place_read(json);
        AUTO(mem) char *href = place_asset(&place, asset);
        char *readable = href ? place_worker_href(&place, href) : NULL;

        if (readable && place.state == PLACE_ONLINE)
            return readable;
        free(readable);
        if (href && place.state != PLACE_ONLINE)
            return mem_printf(OFFLINE "%zu:%s", i, href);
    }
    return NULL;
}

/* Local paths come from the table of places alone: an item that names one itself has it ignored. */
static void set_hrefs(json_t *item, const json_t *places)
{
    json_t *assets = json_object_get(item, "assets"), *asset;
    const char *key;
    void *next;

    json_object_foreach_safe(assets, next, key, asset) {
        AUTO(mem) char *best = href_at_places(places, key);
        const char *href = js_text(asset, "href");

        if (best)
            json_object_set_new(asset, "href", json_string(best));
        else if (!href || !text_is_remote(href))
            json_object_del(assets, key);
    }
}

/* The product of the first band that is offline: all bands of one product are staged together. */
static void note_offline(struct catalog_viewer *v, const struct scene *scene, const char *item,
                         int64_t collection, const json_t *places)
{
    for (size_t i = 0; i < scene->n_bands; i++) {
        const char *href = scene->bands[i].href;
        const json_t *place;
        struct product product = { .collection = collection };
        bool known = false;

        if (!v->arena || !text_begins(href, OFFLINE))
            continue;
        place = json_array_get(places, (size_t)strtoul(href + strlen(OFFLINE), NULL, 10));
        product.endpoint = json_integer_value(json_object_get(place, "number"));
        for (size_t k = 0; k < v->n_offline; k++)
            known |= v->offline[k].endpoint == product.endpoint &&
                     v->offline[k].collection == collection && !strcmp(v->offline[k].item, item);
        if (known)
            continue;
        product.item = arena_text(v->arena, item);
        v->offline = mem_grow(v->offline, &v->capacity, v->n_offline + 1, sizeof *v->offline);
        v->offline[v->n_offline++] = product;
    }
}

/* Scenes without any of the asked bands say nothing to the plan. */
static bool add_scene(struct scene_collector *c, const struct item_row *row, const json_t *places,
                      struct err *err)
{
    AUTO(json) json_t *item = NULL;
    struct scene scene;

    if (!stac_text_parse(row->text, &item, err))
        return false;
    set_hrefs(item, places);
    if (!scene_from_stac(item, c->query->n_bands, c->query->bands, c->arena, &scene, err))
        return false;
    if (scene.instant_ms < c->query->start || scene.instant_ms >= c->query->end)
        return true;
    if (!scene.n_bands) {
        c->without++;
        return true;
    }
    c->scenes = mem_grow(c->scenes, &c->capacity, c->count + 1, sizeof *c->scenes);
    c->scenes[c->count++] = scene;
    note_offline(c->viewer, &scene, row->id, row->collection_number, places);
    if (c->count > MAX_SCENES)
        return err_set(err, ERR_ProcessGraphComplexity,
                       "More than %d scenes of '%s' match; ask for less space or time", MAX_SCENES,
                       c->query->collection);
    return true;
}

static bool add_page(struct db *db, struct scene_collector *c, const struct item_page *page,
                     struct err *err)
{
    const char **ids = arena_array(c->arena, page->count + 1, sizeof *ids);
    AUTO(json) json_t *places = NULL;

    for (size_t i = 0; i < page->count; i++)
        ids[i] = item_page_row(page, i).id;
    if (page->count &&
        !places_of_items(db, c->viewer->user, c->viewer->site, item_page_row(page, 0).collection_number,
                         page->count, ids, &places, err))
        return false;
    for (size_t i = 0; i < page->count; i++) {
        struct item_row row = item_page_row(page, i);

        if (!add_scene(c, &row, json_object_get(places, row.id), err))
            return err_prefix(err, "item '%s'", row.id);
    }
    return true;
}

static bool add_all(struct db *db, struct scene_collector *c, struct item_search *search,
                    struct err *err)
{
    bool more = true;

    while (more) {
        struct item_page page;
        bool good = items_search(db, c->arena, search, &page, err) && add_page(db, c, &page, err);

        more = good && page.more;
        if (more)
            search->after = item_page_cursor(&page, page.count - 1, c->arena);
        item_page_done(&page);
        if (!good)
            return false;
    }
    return true;
}

static bool scenes(void *context, const struct scene_query *query, struct arena *arena,
                   struct scene_list *ret_scenes, struct err *err)
{
    struct catalog_viewer *viewer = context;
    struct scene_collector c = { .viewer = viewer, .query = query, .arena = arena };
    struct cql2_node *condition; /* on the items' properties */
    struct item_search search = { .limit = PAGE,
                                  .where = { .viewer = viewer->user, .n_collections = 1,
                                             .collections = &query->collection } };
    const char *unused;
    AUTO(text) struct text box = { 0 };
    char start[INSTANT_TEXT_SIZE], end[INSTANT_TEXT_SIZE];

    if (!collection_text(viewer->db, arena, viewer->user, query->collection, &unused, err) ||
        !cql2_compile(query->properties, "/properties", arena, &condition, err))
        return false;
    search.where.filter = condition;
    if (query->start != INSTANT_MIN)
        search.where.start = instant_format(query->start, start);
    if (query->end != INSTANT_MAX)
        search.where.end = instant_format(query->end, end);
    if (query->has_bbox) {
        geojson_add_box(&box, query->bbox);
        search.where.geometry = box.data;
    }
    if (!add_all(viewer->db, &c, &search, err)) {
        free(c.scenes);
        return false;
    }
    struct scene *all = arena_array(arena, c.count + 1, sizeof *all);

    if (c.count) {
        scenes_sort(c.scenes, c.count);
        memcpy(all, c.scenes, c.count * sizeof *all);
    }
    free(c.scenes);
    *ret_scenes = (struct scene_list){ .count = c.count, .without = c.without, .scenes = all };
    return true;
}

static bool process_ids(void *context, const char *space, json_t **ret_ids, struct err *err)
{
    const struct catalog_viewer *viewer = context;

    if (!user_process_ids(viewer->db, viewer->user, space, ret_ids, err))
        return false;
    if (viewer->draft_id && !strcmp(space, "user"))
        json_object_set_new(*ret_ids, viewer->draft_id, json_true());
    return true;
}

static bool process(void *context, const char *space, const char *id, json_t **ret_process,
                    struct err *err)
{
    const struct catalog_viewer *viewer = context;
    int64_t version;

    if (viewer->draft_id && !strcmp(space, "user") && !strcmp(id, viewer->draft_id)) {
        *ret_process = json_incref((json_t *)viewer->draft);
        return true;
    }
    if (!user_process_load(viewer->db, viewer->user, space, id, ret_process, &version, err))
        return false;
    if (*ret_process)
        json_object_set_new(*ret_process, CATALOG_VERSION, json_integer(version));
    return true;
}

static bool workspace(void *context, const char *id, struct err *err)
{
    const struct catalog_viewer *viewer = context;
    AUTO(arena) struct arena *arena = arena_new();
    struct workspace found;

    return workspace_load(viewer->db, arena, viewer->user, id, &found, err);
}

/* FNV-1a, and a finish that lets every bit have its say: a seed, of which nobody has to be kept in the dark. */
static bool chance(void *viewer_, const char *key, uint64_t *ret_number)
{
    const struct catalog_viewer *viewer = viewer_;
    AUTO(mem) char *seed = viewer->job ? mem_printf("%s %d %s", viewer->job, viewer->run, key) : NULL;
    uint64_t hash = 0xcbf29ce484222325;

    if (!seed)
        return false;
    for (const char *c = seed; *c; c++)
        hash = (hash ^ (unsigned char)*c) * 0x100000001b3;
    hash = (hash ^ hash >> 32) * 0xd6e8feb86659fd93;
    hash = (hash ^ hash >> 32) * 0xd6e8feb86659fd93;
    *ret_number = (hash ^ hash >> 32) >> 1; /* JSON's integers have a sign */
    return true;
}

struct catalog catalog_store(struct catalog_viewer *viewer)
{
    return (struct catalog){ .context = viewer, .collection = collection, .scenes = scenes,
                             .process_ids = process_ids, .process = process, .workspace = workspace, .chance = chance };
}
