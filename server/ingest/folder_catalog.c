/* Items are kept as JSON, a list a collection; a query walks the list. */
#include "ingest/folder_catalog.h"
#include "base/text.h"
#include "cql2/cql2.h"
#include "graph/stac.h"
#include "ingest/stac_file.h"
#include "json/js.h"
#include <string.h>

struct folder_catalog {
    json_t *collections; /* id: collection */
    json_t *items;       /* collection id: [item] */
    void (*problem)(void *context, const struct err *problem);
    void *context;
};

struct folder_catalog *folder_catalog_new(void)
{
    struct folder_catalog *folders = MEM_NEW(struct folder_catalog);

    folders->collections = json_object();
    folders->items = json_object();
    return folders;
}

void folder_catalog_free(struct folder_catalog *folders)
{
    if (!folders)
        return;
    json_decref(folders->collections);
    json_decref(folders->items);
    free(folders);
}

static bool take_item(void *context, json_t *item, const char *place, struct err *err)
{
    struct folder_catalog *folders = context;
    const char *id = js_text(item, "collection");
    json_t *list, *collection;

    if (!id)
        return err_set(err, ERR_BadRequest, "%s: /collection: is required and missing", place);
    list = json_object_get(folders->items, id);
    if (!list) {
        list = json_array();
        json_object_set_new(folders->items, id, list);
    }
    json_array_append(list, item);
    collection = json_object_get(folders->collections, id);
    if (!collection) {
        collection = collection_new(item);
        json_object_set_new(folders->collections, id, collection);
    }
    if (json_object_get(collection, "sentier:made"))
        collection_widen(collection, item);
    return true;
}

static void tell(void *context, const struct err *problem)
{
    struct folder_catalog *folders = context;

    if (folders->problem)
        folders->problem(folders->context, problem);
}

static bool take_object(void *context, json_t *object, const struct stac_place *place, struct err *err)
{
    struct folder_catalog *folders = context;
    const char *type = js_text(object, "type");
    const char *id = js_text(object, "id");

    if (type && !strcmp(type, "Collection") && id) {
        json_object_set(folders->collections, id, object);
        return true;
    }
    return take_item(context, object, place->name, err);
}

static void bad_line(void *context, const char *place, const struct err *problem)
{
    struct err told = *problem;

    err_prefix(&told, "%s", place);
    tell(context, &told);
}

bool folder_catalog_add(struct folder_catalog *folders, const char *path,
                        void (*problem)(void *context, const struct err *problem), void *context,
                        struct err *err)
{
    struct import_sink sink = { .context = folders, .item = take_item, .problem = tell };
    size_t found;

    folders->problem = problem;
    folders->context = context;
    if (text_ends(path, ".json") || text_ends(path, ".ndjson") || text_ends(path, ".geojson"))
        return stac_file_read(path, NULL, take_object, bad_line, folders, err);
    if (!import_path(path, NULL, &sink, &found, err))
        return false;
    return found || err_set(err, ERR_FileNotFound, "%s: holds no product that can be read", path);
}

/* ---- answers ---- */

static bool describe(void *context, const char *id, struct arena *arena,
                       const struct collection_info **ret_info, struct err *err)
{
    struct folder_catalog *folders = context;
    const json_t *found = json_object_get(folders->collections, id);
    struct collection_info *info = arena_alloc(arena, sizeof *info);
    AUTO(text) struct text names = { 0 };
    const char *key;
    json_t *unused;

    if (found) {
        *ret_info = info;
        return collection_info_from_stac(found, arena, info, err);
    }
    json_object_foreach(folders->collections, key, unused)
        text_printf(&names, "%s%s", names.length ? ", " : "", key);
    return err_set(err, ERR_CollectionNotFound, "The collection '%s' is not in the folders; there %s.", id,
                   names.length ? names.data : "is none");
}

static bool meets_degrees(const double a[4], double west, double east)
{
    return a[0] <= a[2] ? a[0] <= east && a[2] >= west : a[0] <= east || a[2] >= west;
}

static bool meets(const double a[4], const double b[4])
{
    if (a[1] > b[3] || a[3] < b[1])
        return false;
    return b[0] <= b[2] ? meets_degrees(a, b[0], b[2])
                        : meets_degrees(a, b[0], 180) || meets_degrees(a, -180, b[2]);
}

static bool wanted(const struct scene *scene, const struct scene_query *query)
{
    return scene->n_bands && scene->instant_ms >= query->start && scene->instant_ms < query->end &&
           (!query->has_bbox || meets(scene->bbox, query->bbox));
}

static bool scenes(void *context, const struct scene_query *query, struct arena *arena,
                   struct scene_list *ret_scenes, struct err *err)
{
    struct folder_catalog *folders = context;
    const json_t *list = json_object_get(folders->items, query->collection);
    struct scene *found = arena_array(arena, json_array_size(list) + 1, sizeof *found);
    struct cql2_node *condition;
    size_t count = 0, i;
    json_t *item;

    if (!cql2_compile(query->properties, "/properties", arena, &condition, err))
        return false;
    json_array_foreach((json_t *)list, i, item) {
        struct scene scene;

        if (condition && !cql2_match(condition, item))
            continue;
        if (!scene_from_stac(item, query->n_bands, query->bands, arena, &scene, err))
            return err_prefix(err, "item '%s'", js_text(item, "id"));
        if (wanted(&scene, query))
            found[count++] = scene;
    }
    scenes_sort(found, count);
    *ret_scenes = (struct scene_list){ .count = count, .scenes = found };
    return true;
}

struct catalog folder_catalog(struct folder_catalog *folders)
{
    return (struct catalog){ .context = folders, .collection = describe, .scenes = scenes };
}
