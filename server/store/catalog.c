/* Scenes are searched page by page through the same search as the STAC API's, parsed, given the paths
 * of their local files and read by graph/stac.c. */
#include "store/catalog.h"
#include "base/instant.h"
#include "base/text.h"
#include "graph/match.h"
#include "graph/stac.h"
#include "json/geojson.h"
#include "json/js.h"
#include "store/collections.h"
#include "store/search.h"
#include "store/stac_text.h"
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
    const struct scene_query *query;
    struct arena *arena;
    struct scene *scenes;
    size_t count, capacity;
};

/* Local paths come from the table of locations alone: an item that names one itself has it ignored. */
static void set_locations(json_t *item, const json_t *locations)
{
    json_t *assets = json_object_get(item, "assets"), *asset;
    const char *key;
    void *next;

    json_object_foreach_safe(assets, next, key, asset) {
        json_t *local = json_object_get(locations, key);
        const char *href = json_string_value(json_object_get(asset, "href"));

        if (local)
            json_object_set(asset, "href", local);
        else if (!href || !text_is_remote(href))
            json_object_del(assets, key);
    }
}

static bool read_places(const char *places, json_t **ret_local, struct err *err)
{
    AUTO(json) json_t *all = NULL;
    AUTO(json) json_t *local = json_object();
    json_t *place;
    size_t i;

    if (places && !js_parse(places, strlen(places), 16, &all, err))
        return false;
    json_array_foreach(all, i, place)
        if (!strcmp(json_string_value(json_object_get(place, "site")), "local"))
            json_object_set(local, json_string_value(json_object_get(place, "asset")),
                            json_object_get(place, "href"));
    *ret_local = local;
    local = NULL;
    return true;
}

/* Scenes without any of the asked bands say nothing to the plan. */
static bool add_scene(struct scene_collector *c, const struct item_row *row, struct err *err)
{
    AUTO(json) json_t *item = NULL;
    AUTO(json) json_t *local = NULL;
    struct scene scene;

    if (!stac_text_parse(row->text, &item, err) || !read_places(row->places, &local, err))
        return false;
    if (!match_properties(c->query->properties, json_object_get(item, "properties")))
        return true;
    set_locations(item, local);
    if (!scene_from_stac(item, c->query->n_bands, c->query->bands, c->arena, &scene, err))
        return false;
    if (scene.instant_ms < c->query->start || scene.instant_ms >= c->query->end || !scene.n_bands)
        return true;
    c->scenes = mem_grow(c->scenes, &c->capacity, c->count + 1, sizeof *c->scenes);
    c->scenes[c->count++] = scene;
    if (c->count > MAX_SCENES)
        return err_set(err, ERR_ProcessGraphComplexity,
                       "More than %d scenes of '%s' match; ask for less space or time", MAX_SCENES,
                       c->query->collection);
    return true;
}

static bool add_page(struct scene_collector *c, const struct item_page *page, struct err *err)
{
    for (size_t i = 0; i < page->count; i++) {
        struct item_row row = item_page_row(page, i);

        if (!add_scene(c, &row, err))
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
        bool good = items_search(db, c->arena, search, &page, err) && add_page(c, &page, err);

        more = good && page.more;
        if (more)
            search->after = item_page_cursor(&page, page.count - 1, c->arena);
        item_page_done(&page);
        if (!good)
            return false;
    }
    return true;
}

static int by_time(const void *a, const void *b)
{
    const struct scene *x = a, *y = b;

    if (x->instant_ms != y->instant_ms)
        return x->instant_ms < y->instant_ms ? -1 : 1;
    return strcmp(x->id, y->id);
}

static bool scenes(void *context, const struct scene_query *query, struct arena *arena,
                   struct scene_list *ret_scenes, struct err *err)
{
    struct catalog_viewer *viewer = context;
    struct scene_collector c = { .query = query, .arena = arena };
    struct item_search search = { .limit = PAGE,
                                  .where = { .viewer = viewer->user, .n_collections = 1,
                                             .collections = &query->collection } };
    const char *unused;
    AUTO(text) struct text box = { 0 };
    char start[INSTANT_TEXT_SIZE], end[INSTANT_TEXT_SIZE];

    if (!collection_text(viewer->db, arena, viewer->user, query->collection, &unused, err))
        return false;
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
        qsort(c.scenes, c.count, sizeof *c.scenes, by_time);
        memcpy(all, c.scenes, c.count * sizeof *all);
    }
    free(c.scenes);
    *ret_scenes = (struct scene_list){ .count = c.count, .scenes = all };
    return true;
}

struct catalog catalog_store(struct catalog_viewer *viewer)
{
    return (struct catalog){ .context = viewer, .collection = collection, .scenes = scenes };
}
