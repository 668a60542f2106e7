/* load_stac: what was found behind a URL, as the catalogue would tell it. Whoever fetched it may have left
 * out what cannot be meant; all conditions are held against each item here. */
#include "graph/planner.h"
#include "cql2/cql2.h"
#include "graph/stac.h"
#include "json/geojson.h"
#include "json/js.h"
#include <string.h>

bool stac_scenes(struct planner *p, const json_t *found, const struct scene_query *query, struct scene_list *ret,
                 struct err *err)
{
    const json_t *items = json_object_get(found, "items"), *item;
    struct scene *scenes = arena_array(p->arena, json_array_size(items) + 1, sizeof *scenes);
    struct cql2_node *condition;
    size_t i;

    *ret = (struct scene_list){ .scenes = scenes };
    if (!cql2_compile(query->properties, "/properties", p->arena, &condition, err))
        return false;
    json_array_foreach((json_t *)items, i, item) {
        struct scene *scene = &scenes[ret->count];

        if (query->has_bbox && !geojson_box_meets(query->bbox, json_object_get(item, "bbox")))
            continue;
        if (condition && !cql2_match(condition, item))
            continue;
        if (!scene_from_stac(item, query->n_bands, query->bands, p->arena, scene, err))
            return err_prefix(err, "item '%.100s'", js_text(item, "id"));
        if (scene->instant_ms < query->start || scene->instant_ms >= query->end)
            continue;
        scene->collection = ""; /* it is none of ours */
        if (scene->n_bands)
            ret->count++;
        else
            ret->without++;
    }
    scenes_sort(scenes, ret->count);
    return true;
}

/* The dimension of a load that an entry of cube:dimensions describes. */
static size_t described(const struct cube *cube, const json_t *entry)
{
    const char *type = js_text(entry, "type");
    const char *axis = js_text(entry, "axis");

    for (size_t i = 0; type && i < cube->schema.n_dimensions; i++) {
        const struct dimension *d = &cube->schema.dimensions[i];

        if (d->type == DIM_SPATIAL ? !strcmp(type, "spatial") && axis && axis[0] == d->axis && !axis[1]
                                   : !strcmp(type, d->type == DIM_TEMPORAL ? "temporal" : "bands"))
            return i;
    }
    return SIZE_MAX;
}

void stac_rename(struct planner *p, const json_t *found, struct cube *cube)
{
    const json_t *entries = json_object_get(json_object_get(found, "collection"), "cube:dimensions");
    const char *name;
    json_t *entry;

    json_object_foreach((json_t *)entries, name, entry) {
        size_t i = described(cube, entry);

        if (i != SIZE_MAX && cube_find(cube, name) == SIZE_MAX && strlen(name) < 100)
            cube_edit(cube, i)->name = arena_text(p->arena, name);
    }
}
