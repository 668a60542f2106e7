/* load_collection: asks the catalogue, settles grid, time labels and bands, and lists for each plane
 * the scenes it is made of. Equal loads are one. In checking only the collection is asked for; time
 * and grid stay deferred. */
#include "graph/load.h"
#include "base/instant.h"
#include "base/text.h"
#include "graph/formats.h"
#include "graph/stac.h"
#include "json/js.h"
#include <math.h>
#include <string.h>

/* What a call asks for. */
struct wish {
    const char *collection;
    const struct collection_info *info;
    size_t n_extents;
    struct extent extents[8];
    int64_t start, end;
    size_t n_bands;
    const char **bands; /* names; 0: all of an undescribed collection */
    json_t *properties;
    const json_t *found; /* load_stac: what lies behind the URL, which is then the collection's name */
    bool is_radar;       /* what was found is */
};

/* Bands */
static bool add_bands(const struct collection_info *info, const char *name, const char **bands,
                      size_t *n)
{
    size_t before = *n;

    for (size_t i = 0; i < info->n_bands; i++)
        if (!strcmp(info->band_names[i], name)) {
            bands[(*n)++] = info->band_names[i];
            return true;
        }
    for (size_t i = 0; i < info->n_bands; i++)
        if (info->bands && info->bands[i].common_name && !strcmp(info->bands[i].common_name, name))
            bands[(*n)++] = info->band_names[i];
    return *n > before;
}

static void drop_doubles(const char **bands, size_t *n)
{
    size_t kept = 0;

    for (size_t i = 0; i < *n; i++) {
        size_t k = 0;

        while (k < kept && strcmp(bands[k], bands[i]))
            k++;
        if (k == kept)
            bands[kept++] = bands[i];
    }
    *n = kept;
}

static bool refuse_band(struct call *call, const struct collection_info *info, const char *name,
                        struct err *err)
{
    AUTO(text) struct text known = { 0 };

    for (size_t i = 0; i < info->n_bands && known.length < 300; i++)
        text_printf(&known, "%s%s", i ? ", " : "", info->band_names[i]);
    return call_fail(call, err, ERR_ProcessParameterInvalid, "bands",
                     "collection '%.60s' has no band '%.60s'; it has %s.", info->id, name,
                     known.data ? known.data : "none");
}

static bool read_bands(struct call *call, struct wish *wish, struct err *err)
{
    const struct collection_info *info = wish->info;
    const struct value *names = call_argument(call, "bands");
    size_t n_asked = names->kind == KIND_ARRAY ? names->array.length : 0;
    struct arena *arena = call->planner->arena;

    wish->bands = arena_array(arena, (n_asked + 1) * (info->n_bands + 1), sizeof *wish->bands);
    for (size_t i = 0; i < n_asked; i++) {
        const char *name = names->array.items[i].text;

        if (info->n_bands == 0)
            wish->bands[wish->n_bands++] = name;
        else if (!add_bands(info, name, wish->bands, &wish->n_bands))
            return refuse_band(call, info, name, err);
    }
    for (size_t i = 0; n_asked == 0 && i < info->n_bands; i++)
        wish->bands[wish->n_bands++] = info->band_names[i];
    drop_doubles(wish->bands, &wish->n_bands);
    return true;
}

/* Filters after the load that count as its own arguments. */
static void add_demand(struct call *call, struct wish *wish)
{
    struct demand demand;
    struct arena *arena = call->planner->arena;
    const char **kept;
    size_t n = 0;

    demand_find(call, &demand);
    if (!demand.known)
        return;
    for (size_t i = 0; i < demand.n_extents && wish->n_extents < ARRAY_LEN(wish->extents); i++)
        wish->extents[wish->n_extents++] = demand.extents[i];
    wish->start = demand.start > wish->start ? demand.start : wish->start;
    wish->end = demand.end < wish->end ? demand.end : wish->end;
    if (demand.n_bands == 0 || wish->info->n_bands == 0)
        return;
    kept = arena_array(arena, demand.n_bands * wish->info->n_bands, sizeof *kept);
    for (size_t i = 0; i < demand.n_bands; i++)
        add_bands(wish->info, demand.bands[i], kept, &n);
    drop_doubles(kept, &n);
    for (size_t i = 0; i < n; i++) { /* those that were loaded at all */
        size_t k = 0;

        while (k < wish->n_bands && strcmp(wish->bands[k], kept[i]))
            k++;
        if (k == wish->n_bands)
            return;
    }
    if (n) {
        wish->bands = kept;
        wish->n_bands = n;
    }
}

static bool read_wish(struct call *call, struct wish *wish, struct err *err)
{
    const struct value *space = call_argument(call, "spatial_extent");
    const struct value *time = call_argument(call, "temporal_extent");
    const struct value *properties = call_argument(call, "properties");

    wish->start = INSTANT_MIN;
    wish->end = INSTANT_MAX;
    if (space->kind == KIND_CUBE)
        return call_fail(call, err, ERR_FeatureUnsupported, "spatial_extent",
                         "Only boxes are offered, no vector cubes.");
    if (space->kind != KIND_NULL &&
        !extent_read(call, "spatial_extent", space, &wish->extents[wish->n_extents++], err))
        return false;
    if (time->kind != KIND_NULL &&
        !call_interval(call, "temporal_extent", time, &wish->start, &wish->end, err))
        return false;
    return properties->kind == KIND_NULL ||
           properties_to_cql2(call, properties, &wish->properties, err);
}

static bool describe(struct call *call, struct wish *wish, struct err *err)
{
    wish->collection = call_text(call, "id");
    if (!catalog_describe(call->planner, wish->collection, &wish->info, err))
        return call_place(call, "id", err);
    return read_bands(call, wish, err);
}

static const char *wish_key(struct planner *p, const struct wish *wish)
{
    AUTO(text) struct text key = { 0 };
    AUTO(mem) char *properties = wish->properties ? js_canonical(wish->properties) : NULL;

    text_printf(&key, "%s|%lld|%lld|%s", wish->collection, (long long)wish->start,
                (long long)wish->end, properties ? properties : "");
    for (size_t i = 0; i < wish->n_bands; i++)
        text_printf(&key, "|%s", wish->bands[i]);
    for (size_t i = 0; i < wish->n_extents; i++) {
        const struct extent *e = &wish->extents[i];

        text_printf(&key, "|%.17g %.17g %.17g %.17g %s", e->west, e->south, e->east, e->north,
                    e->crs);
    }
    return arena_text(p->arena, key.data);
}

/* Asking the catalogue */
static bool intersect(double box[4], const double other[4])
{
    bool crosses = box[0] > box[2], other_crosses = other[0] > other[2];

    box[1] = fmax(box[1], other[1]);
    box[3] = fmin(box[3], other[3]);
    if (crosses || other_crosses) { /* the one that is cut further in longitude will do */
        if (crosses && !other_crosses) {
            box[0] = other[0];
            box[2] = other[2];
        }
    } else {
        box[0] = fmax(box[0], other[0]);
        box[2] = fmin(box[2], other[2]);
        if (box[0] > box[2])
            return false;
    }
    return box[1] <= box[3];
}

static bool refuse_bands(struct call *call, const struct wish *wish, size_t without, struct err *err)
{
    AUTO(text) struct text names = { 0 };

    for (size_t i = 0; i < wish->n_bands && names.length < 300; i++)
        text_printf(&names, "%s%s", i ? ", " : "", wish->bands[i]);
    return call_fail(call, err, ERR_NoDataAvailable, wish->n_bands ? "bands" : NULL,
                     "Collection '%.100s': %zu item%s as asked for, but %s.", wish->collection, without,
                     without == 1 ? " is" : "s are",
                     wish->n_bands ? arena_printf(call->planner->arena, "none has the bands %s", names.data)
                                   : "none has an image with pixels to compute with");
}

/* What the catalogue is asked. */
static bool make_query(struct call *call, const struct wish *wish, struct scene_query *query, bool *ret_empty,
                       struct err *err)
{
    *query = (struct scene_query){ .collection = wish->collection, .start = wish->start,
                                   .end = wish->end, .n_bands = wish->n_bands,
                                   .bands = wish->bands, .properties = wish->properties };
    *ret_empty = wish->start >= wish->end;
    for (size_t i = 0; i < wish->n_extents; i++) {
        double box[4];

        if (!extent_degrees(call->planner, &wish->extents[i], box, err))
            return call_place(call, "spatial_extent", err);
        if (i == 0)
            memcpy(query->bbox, box, sizeof box);
        else if (!intersect(query->bbox, box))
            *ret_empty = true;
        query->has_bbox = true;
    }
    return true;
}

static bool ask(struct call *call, const struct wish *wish, struct scene_list *scenes,
                struct err *err)
{
    struct planner *p = call->planner;
    struct scene_query query;
    bool empty;

    if (!make_query(call, wish, &query, &empty, err))
        return false;
    *scenes = (struct scene_list){ 0 };
    if (!empty && !(wish->found ? stac_scenes(p, wish->found, &query, scenes, err)
                                : catalog_ask(p, &query, scenes, err)))
        return false;
    if (scenes->count == 0 && scenes->without > 0)
        return refuse_bands(call, wish, scenes->without, err);
    if (scenes->count == 0)
        return call_fail(call, err, ERR_NoDataAvailable, NULL, "Collection '%.100s'%s%s.",
                         wish->collection, query.has_bbox ? ", box " : "",
                         query.has_bbox ? "and period as given" : "");
    return true;
}

static void make_infos(struct planner *p, struct load *load, const struct wish *wish,
                       const struct scene_list *scenes)
{
    struct band_info *infos = arena_array(p->arena, load->n_bands, sizeof *infos);

    for (size_t b = 0; b < load->n_bands; b++) {
        const struct scene_band *band = NULL;

        infos[b] = (struct band_info){ .center_wavelength = NAN, .scale = 1 };
        for (size_t i = 0; i < wish->info->n_bands; i++)
            if (wish->info->bands && !strcmp(wish->info->band_names[i], load->bands[b]))
                infos[b] = wish->info->bands[i];
        for (size_t i = 0; !band && i < scenes->count; i++)
            band = load_find_band(&scenes->scenes[i], load->bands[b]);
        if (!band)
            continue;
        infos[b].scale = band->info.scale;
        infos[b].offset = band->info.offset;
        if (!infos[b].common_name)
            infos[b].common_name = band->info.common_name;
        if (isnan(infos[b].center_wavelength))
            infos[b].center_wavelength = band->info.center_wavelength;
    }
    load->infos = infos;
}

/* A collection that does not describe its bands has those of its scenes. */
static void bands_of_scenes(struct planner *p, struct wish *wish, const struct scene_list *scenes)
{
    size_t n = 0;

    if (wish->n_bands)
        return;
    for (size_t i = 0; i < scenes->count; i++)
        n += scenes->scenes[i].n_bands;
    wish->bands = arena_array(p->arena, n, sizeof *wish->bands);
    for (size_t i = 0; i < scenes->count; i++) {
        for (size_t b = 0; b < scenes->scenes[i].n_bands; b++)
            wish->bands[wish->n_bands++] = scenes->scenes[i].bands[b].name;
        drop_doubles(wish->bands, &wish->n_bands);
    }
}

static bool find_scenes(struct call *call, struct wish *wish, struct scene_list *scenes, struct grid *grid,
                        struct err *err)
{
    if (!ask(call, wish, scenes, err) ||
        !radar_place(call, wish->n_extents, wish->extents, scenes, &wish->is_radar, err))
        return false;
    bands_of_scenes(call->planner, wish, scenes);
    return lattice_choose(call,
                          &(struct lattice_input){ scenes->count, scenes->scenes, wish->n_bands, wish->bands,
                                                   wish->n_extents, wish->extents },
                          grid, err);
}

/* Takes away the extents of geometries further on; false when there is none. */
static bool forget_geometries(struct call *call, struct wish *wish)
{
    size_t n = 0;

    for (size_t i = 0; i < wish->n_extents; i++)
        if (!wish->extents[i].narrows)
            wish->extents[n++] = wish->extents[i];
    if (n == wish->n_extents)
        return false;
    wish->n_extents = n;
    planner_notice(call->planner, "warning", call->node->id,
                   "None of the geometries that follow lies where the collection has data.");
    return true;
}

static bool make_load(struct call *call, struct wish *wish, const char *key, struct load **ret,
                      struct err *err)
{
    struct planner *p = call->planner;
    struct load *load = arena_alloc(p->arena, sizeof *load);
    struct scene_list scenes;
    struct grid grid;

    if (!find_scenes(call, wish, &scenes, &grid, err)) {
        /* a geometry without pixels has no data, which is no error */
        if (err->code != ERR_NoDataAvailable || !forget_geometries(call, wish))
            return false;
        err_clear(err);
        if (!find_scenes(call, wish, &scenes, &grid, err))
            return false;
    }
    load->key = key;
    load->collection = wish->collection;
    load->bands = wish->bands;
    load->n_bands = wish->n_bands;
    load_make_labels(p, load, &scenes, wish->info->overpass);
    if (load->n_labels * load->n_bands > MAX_PLANES)
        return call_fail(call, err, ERR_ProcessGraphComplexity, NULL,
                         "The cube would have %zu dates of %zu bands; at most %d planes are "
                         "possible.", load->n_labels, load->n_bands, MAX_PLANES);
    make_infos(p, load, wish, &scenes);
    if (wish->is_radar)
        radar_note(p, load);
    load_make_source(p, load, &grid, call->node->id, call->node->pointer);
    load->next = p->loads;
    p->loads = load;
    *ret = load;
    return true;
}

static bool load_cube(struct call *call, struct load *load, struct value *ret, struct err *err)
{
    struct planner *p = call->planner;
    struct cube *cube = cube_new(p, &load->source.node->schema);
    size_t n = load->n_labels * load->n_bands;
    const struct expr **planes = arena_array(p->arena, n, sizeof *planes);

    for (size_t i = 0; i < n; i++)
        planes[i] = expr_leaf(p->exprs, &load->source, (uint32_t)i,
                              load->cells[i % load->n_bands].cell,
                              load->cells[i % load->n_bands].wide);
    cube->planes = planes;
    return cube_finish(call, cube, ret, err);
}

/* What is known before the catalogue is asked for scenes. */
static bool load_deferred(struct call *call, const struct wish *wish, struct value *ret,
                          struct err *err)
{
    static const struct label some_time[] = { { .text = "1970-01-01T00:00:00Z" } };
    static const char *const some_band[] = { "?" };
    struct planner *p = call->planner;
    struct load load = { .labels = some_time, .n_labels = 1, .n_bands = wish->n_bands,
                         .bands = wish->bands };
    struct grid grid = { .epsg = 4326, .dx = 1, .dy = 1, .width = 1, .height = 1 };
    struct cube_schema schema = { .n_dimensions = 4, .grid = grid };
    const struct expr **planes;
    struct cube *cube;
    bool *deferred;

    if (load.n_bands == 0) {
        load.n_bands = 1;
        load.bands = some_band;
    }
    make_infos(p, &load, wish, &(struct scene_list){ 0 });
    schema.dimensions = load_dimensions(p, &load, &grid);
    cube = cube_new(p, &schema);
    deferred = (bool *)cube->deferred;
    deferred[2] = true;
    deferred[3] = wish->n_bands == 0;
    cube->grid_deferred = true;
    planes = arena_array(p->arena, load.n_bands, sizeof *planes);
    for (size_t i = 0; i < load.n_bands; i++)
        planes[i] = expr_leaf(p->exprs, NULL, (uint32_t)i, (struct cell){ PIXEL_F32, true, NAN },
                              false);
    cube->planes = planes;
    return cube_finish(call, cube, ret, err);
}

/* The cube of a wish, which may be one that was loaded already. */
static bool load(struct call *call, struct wish *wish, struct value *ret, struct err *err)
{
    struct planner *p = call->planner;
    const char *key = wish_key(p, wish);
    struct load *load = NULL;

    for (struct load *l = p->loads; l && !load; l = l->next)
        if (!strcmp(l->key, key))
            load = l;
    return (load || make_load(call, wish, key, &load, err)) && load_cube(call, load, ret, err);
}

static bool load_address(struct call *call, const char *argument, struct value *ret, struct err *err);

bool run_load_collection(struct call *call, struct value *ret, struct err *err)
{
    struct wish wish = { 0 };
    bool ok;

    if (strstr(call_text(call, "id"), "://")) /* a collection of another service, or the results of a job */
        return load_address(call, "id", ret, err);
    ok = read_wish(call, &wish, err) && describe(call, &wish, err);
    AUTO(json) json_t *properties = wish.properties;

    if (!ok)
        return false;
    if (call->planner->mode != MODE_PLAN)
        return load_deferred(call, &wish, ret, err);
    add_demand(call, &wish);
    return load(call, &wish, ret, err);
}

/* What lies behind the URL, and the bands that it tells. */
static bool find_stac(struct call *call, const char *argument, struct wish *wish, struct err *err)
{
    struct planner *p = call->planner;
    struct collection_info *info = arena_alloc(p->arena, sizeof *info);
    struct err reason = { 0 };
    struct scene_query query;
    const json_t *collection;
    bool empty;

    wish->info = info;
    wish->collection = info->id = call_text(call, argument);
    add_demand(call, wish);
    if (!make_query(call, wish, &query, &empty, err))
        return false;
    if (!catalog_stac(p, wish->collection, &query, &wish->found, &reason))
        return call_fail(call, err, ERR_ProcessParameterInvalid, argument, "%.400s.", reason.message);
    collection = json_object_get(wish->found, "collection");
    if (json_is_object(collection) && !collection_info_from_stac(collection, p->arena, info, err))
        return call_place(call, "url", err);
    info->id = wish->collection;
    return read_bands(call, wish, err);
}

/* In the order of the files. */
static void bands_of_images(struct planner *p, const json_t *found, struct collection_info *info, struct wish *wish)
{
    const json_t *items = json_object_get(found, "items"), *item, *band;
    size_t i, k, n = 0;

    json_array_foreach((json_t *)items, i, item)
        n += json_array_size(json_object_get(json_object_get(json_object_get(item, "assets"), "data"), "bands"));
    wish->bands = arena_array(p->arena, n + 1, sizeof *wish->bands);
    json_array_foreach((json_t *)items, i, item)
        json_array_foreach(json_object_get(json_object_get(json_object_get(item, "assets"), "data"), "bands"), k, band)
            wish->bands[wish->n_bands++] =
                arena_text(p->arena, js_text(band, "name"));
    drop_doubles(wish->bands, &wish->n_bands);
    info->band_names = wish->bands;
    info->n_bands = wish->n_bands;
}

bool load_items(struct call *call, const char *name, json_t *found, bool undated, struct value *ret, struct err *err)
{
    struct planner *p = call->planner;
    struct collection_info *info = arena_alloc(p->arena, sizeof *info);
    struct wish wish = { .info = info, .start = INSTANT_MIN, .end = INSTANT_MAX, .found = found };

    wish.collection = info->id = name;
    bands_of_images(p, found, info, &wish);
    add_demand(call, &wish);
    if (undated)
        wish.start = INSTANT_MIN, wish.end = INSTANT_MAX;
    if (!load(call, &wish, ret, err))
        return false;
    if (undated) /* load_cube() made it for us */
        cube_remove((struct cube *)ret->cube, cube_find(ret->cube, "t"));
    return true;
}

/* Nothing is known of it before the plan is made. */
static bool load_address(struct call *call, const char *argument, struct value *ret, struct err *err)
{
    struct wish wish = { 0 };
    bool ok = read_wish(call, &wish, err), plans = call->planner->mode == MODE_PLAN;
    AUTO(json) json_t *properties = wish.properties;

    *ret = value_unknown();
    if (!ok || !plans)
        return ok;
    if (!find_stac(call, argument, &wish, err) || !load(call, &wish, ret, err))
        return false;
    stac_rename(call->planner, wish.found, (struct cube *)ret->cube); /* load_cube() made it for us */
    return true;
}

bool run_load_stac(struct call *call, struct value *ret, struct err *err)
{
    return load_address(call, "url", ret, err);
}
