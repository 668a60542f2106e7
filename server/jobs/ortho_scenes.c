/* Which products a request means: named ones, or those of an area, a period and an orbit. For each named one, those of the
 * same pass that lie within a minute of it are looked for, too, since a tile may begin on one and end on the next. */
#include "jobs/ortho.h"
#include "base/instant.h"
#include "base/text.h"
#include "jobs/url.h"
#include "json/js.h"
#include "sar/ortho_layers.h"
#include "store/search.h"
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MOST_SCENES = 500, NEIGHBOUR_MS = 60000 };

/* ---- inputs ---- */

#define FIELD(key, kind, member, ...)                                                                                            \
    { .name = key, .type = JS_TYPE_##kind, .offset = offsetof(struct ortho_inputs, member), .optional = true, __VA_ARGS__ }

static const char *const directions[] = { "ascending", "descending", NULL };
static const char *const calibrations[] = { "gamma0", "sigma0", "beta0", "gamma0-terrain", "sigma0-terrain", "sigma0-normlim", NULL };
static const char *const borders[] = { "fixed", "adaptive", NULL };
static const char *const resamplings[] = { "near", "bilinear", "cubic", NULL };
static const char *const filters[] = { "none", "lee", "kuan", "frost", "gammamap", NULL };
static const char *const data_types[] = { "float32", "int16", NULL };
static const char *const compressions[] = { "zstd", "deflate", NULL };
static const char *const packagings[] = { "files", "zip", NULL };

static const struct js_field fields[] = {
    FIELD("collection", STRING, collection, .fallback = "sentinel-1-grd"),
    FIELD("item", STRING, item, .nullable = true),
    FIELD("items", ARRAY, items, .max_len = 100, .nullable = true),
    FIELD("bbox", OBJECT, bbox, .nullable = true),
    FIELD("datetime", ARRAY, datetime, .nullable = true),
    FIELD("tiles", ARRAY, tiles, .max_len = 1000, .nullable = true),
    FIELD("polarisations", ARRAY, polarisations, .max_len = 4, .nullable = true),
    FIELD("layers", ARRAY, layers, .max_len = ORTHO_LAYERS, .nullable = true),
    FIELD("relative-orbit", INTEGER, orbit, .min = 1, .max = 175),
    FIELD("orbit-direction", STRING, direction, .choice = directions),
    FIELD("calibration", STRING, calibration, .fallback = "gamma0", .choice = calibrations),
    FIELD("resampling", STRING, resampling, .fallback = "bilinear", .choice = resamplings),
    FIELD("speckle-filter", STRING, filter, .fallback = "none", .choice = filters),
    FIELD("filter-radius", INTEGER, filter_radius, .fallback_number = 2, .min = 1, .max = 10),
    FIELD("data-type", STRING, data_type, .fallback = "float32", .choice = data_types),
    FIELD("compression", STRING, compression, .fallback = "zstd", .choice = compressions),
    FIELD("packaging", STRING, packaging, .fallback = "files", .choice = packagings),
    FIELD("coverage", NUMBER, least_coverage, .fallback_number = 1, .min = 0, .max = 100),
    FIELD("remove-noise", BOOLEAN, remove_noise, .fallback_number = 1),
    FIELD("remove-border", BOOLEAN, remove_border, .fallback_number = 1),
    FIELD("border", STRING, border, .fallback = "fixed", .choice = borders),
    FIELD("neighbours", BOOLEAN, neighbours),
    FIELD("clip", BOOLEAN, clip),
    FIELD("restoration", BOOLEAN, restoration, .fallback_number = 1),
    JS_END,
};

static bool check_period(const struct ortho_inputs *in, struct err *err)
{
    int64_t from, to;

    if (!in->datetime)
        return true;
    if (json_array_size(in->datetime) != 2 || !instant_parse_date(json_string_value(json_array_get(in->datetime, 0)), &from) ||
        !instant_parse_date(json_string_value(json_array_get(in->datetime, 1)), &to))
        return err_set(err, ERR_InvalidParameter, "/inputs/datetime: expected two dates or date-times");
    return from < to || err_set(err, ERR_InvalidParameter, "/inputs/datetime: the end is not after the begin");
}

static bool check_tiles(const struct ortho_inputs *in, struct err *err)
{
    struct mgrs_tile tile;
    json_t *id;
    size_t i;

    json_array_foreach((json_t *)in->tiles, i, id)
        if (!mgrs_find(json_is_string(id) ? json_string_value(id) : "", &tile, err))
            return err_prefix(err, "/inputs/tiles/%zu", i);
    return true;
}

static bool check_layers(const struct ortho_inputs *in, struct err *err)
{
    enum ortho_layer layer;
    json_t *name;
    size_t i;

    json_array_foreach((json_t *)in->layers, i, name)
        if (!json_is_string(name) || !ortho_layer_find(json_string_value(name), &layer))
            return err_set(err, ERR_InvalidParameter, "/inputs/layers/%zu: there is no such layer", i);
    return true;
}

bool ortho_inputs_read(const json_t *arguments, struct ortho_inputs *in, struct err *err)
{
    if (!js_read(arguments, "/inputs", fields, JS_IGNORE_UNKNOWN, in, err) || !check_period(in, err) || !check_tiles(in, err) ||
        !check_layers(in, err))
        return false;
    if (!in->item && json_array_size(in->items) == 0 && !((in->bbox || json_array_size(in->tiles)) && in->datetime))
        return err_set(err, ERR_InvalidParameter,
                       "/inputs: expected product-title, items, or datetime with bbox or tiles, which say what products are meant");
    if (in->clip && !in->bbox)
        return err_set(err, ERR_InvalidParameter, "/inputs/clip: needs a bbox to which tiles are cut");
    return true;
}

/* ---- items ---- */

struct finding {
    struct performer *performer;
    const struct ortho_inputs *inputs;
    struct arena *arena;
    struct ortho_scenes *scenes;
    struct ortho_places places;
    size_t room;
};

static bool read_ring(const json_t *positions, bool outer, struct arena *arena, struct ring *ret)
{
    size_t i, count = json_array_size(positions);
    json_t *position;

    *ret = (struct ring){ .count = count, .outer = outer, .x = arena_array(arena, count, sizeof(double)),
                          .y = arena_array(arena, count, sizeof(double)) };
    json_array_foreach((json_t *)positions, i, position) {
        ret->x[i] = json_number_value(json_array_get(position, 0));
        ret->y[i] = json_number_value(json_array_get(position, 1));
    }
    return count >= 4;
}

static bool read_footprint(const json_t *geometry, struct arena *arena, struct ortho_scene *scene)
{
    bool many = !strcmp(js_text_in(geometry, "type"), "MultiPolygon");
    const json_t *coordinates = json_object_get(geometry, "coordinates");
    size_t n = 0, i, k;
    json_t *polygon, *ring;

    if (!many && strcmp(js_text_in(geometry, "type"), "Polygon"))
        return false;
    json_array_foreach((json_t *)coordinates, i, polygon)
        n += many ? json_array_size(polygon) : 1;
    scene->rings = arena_array(arena, n, sizeof *scene->rings);
    json_array_foreach((json_t *)coordinates, i, polygon) {
        if (!many) {
            if (!read_ring(polygon, i == 0, arena, &scene->rings[scene->n_rings++]))
                return false;
            continue;
        }
        json_array_foreach(polygon, k, ring)
            if (!read_ring(ring, k == 0, arena, &scene->rings[scene->n_rings++]))
                return false;
    }
    return scene->n_rings > 0;
}

static bool is_polarisation(const char *text)
{
    return strlen(text) == 2 && strchr("VH", text[0]) && strchr("VH", text[1]);
}

static void read_polarisations(const json_t *properties, struct arena *arena, struct ortho_scene *scene)
{
    json_t *one;
    size_t i;

    json_array_foreach(json_object_get(properties, "sar:polarizations"), i, one)
        if (scene->n_polarisations < ARRAY_LEN(scene->polarisations) && json_is_string(one) && is_polarisation(json_string_value(one)))
            scene->polarisations[scene->n_polarisations++] = arena_text(arena, json_string_value(one));
}

/* What a tile's name and its neighbours are found by must be there. */
static bool read_scene(const json_t *item, struct arena *arena, struct ortho_scene *scene, struct err *err)
{
    const json_t *properties = json_object_get(item, "properties");
    const char *platform = js_text_in(properties, "platform"), *state = js_text_in(properties, "sat:orbit_state"), *missing = NULL;
    const char *start = js_text_in(properties, "start_datetime"), *end = js_text_in(properties, "end_datetime");

    scene->relative_orbit = (int)json_number_value(json_object_get(properties, "sat:relative_orbit"));
    scene->absolute_orbit = (int64_t)json_number_value(json_object_get(properties, "sat:absolute_orbit"));
    scene->ascending = !strcmp(state, "ascending");
    scene->looks = json_number_value(json_object_get(properties, "sar:looks_equivalent_number"));
    scene->mode = arena_text(arena, js_text_in(properties, "sar:instrument_mode"));
    read_polarisations(properties, arena, scene);
    if (text_begins(platform, "sentinel-1") && strlen(platform) == strlen("sentinel-1a"))
        snprintf(scene->platform, sizeof scene->platform, "S1%c", toupper((unsigned char)platform[strlen(platform) - 1]));
    if (!*scene->platform)
        missing = "properties/platform";
    else if (scene->relative_orbit < 1 || scene->absolute_orbit < 1)
        missing = "properties/sat:relative_orbit and sat:absolute_orbit";
    else if (!scene->ascending && strcmp(state, "descending"))
        missing = "properties/sat:orbit_state";
    else if (!instant_parse(start, &scene->start_ms) || !instant_parse(end, &scene->end_ms))
        missing = "properties/start_datetime and end_datetime";
    else if (scene->n_polarisations == 0)
        missing = "properties/sar:polarizations";
    else if (!read_footprint(json_object_get(item, "geometry"), arena, scene))
        missing = "a polygon as its geometry";
    return !missing || err_set(err, ERR_InvalidParameter, "The item '%.200s' of '%.100s' cannot be processed: it lacks %s",
                               scene->item, scene->collection, missing);
}

static bool is_wanted(const struct ortho_inputs *in, const struct ortho_scene *scene)
{
    return (!in->orbit || in->orbit == scene->relative_orbit) &&
           (!in->direction || !strcmp(in->direction, scene->ascending ? "ascending" : "descending"));
}

static bool is_there(const struct ortho_scenes *scenes, const struct ortho_scene *scene)
{
    for (size_t i = 0; i < scenes->count; i++)
        if (!strcmp(scenes->list[i].item, scene->item) && !strcmp(scenes->list[i].collection, scene->collection))
            return true;
    return false;
}

static bool is_of_pass(const struct ortho_scenes *scenes, const struct ortho_scene *scene, size_t known)
{
    for (size_t i = 0; i < known; i++)
        if (!strcmp(scenes->list[i].platform, scene->platform) && scenes->list[i].absolute_orbit == scene->absolute_orbit &&
            !strcmp(scenes->list[i].mode, scene->mode))
            return true;
    return false;
}

static bool add_scene(struct finding *f, const json_t *item, struct ortho_scene *scene, struct err *err)
{
    if (!scene->unasked && !ortho_place(&f->places, item, scene, err))
        return false;
    f->scenes->list = mem_grow(f->scenes->list, &f->room, f->scenes->count + 1, sizeof *f->scenes->list);
    f->scenes->list[f->scenes->count++] = *scene;
    return true;
}

/* The items of one search. `neighbours`: only those of a pass that is known, and what is not like them is let go. */
static bool take_items(struct finding *f, const struct item_search *search, bool neighbours, size_t *ret_found, struct err *err)
{
    struct item_page page;
    size_t known = f->scenes->count;
    bool good = true;

    if (!items_search(f->performer->db, f->arena, search, &page, err))
        return false;
    if (page.more)
        good = err_set(err, ERR_InvalidParameter, "/inputs: more than %d products are meant; ask for fewer at once", MOST_SCENES);
    *ret_found = page.count;
    for (size_t i = 0; good && i < page.count; i++) {
        struct item_row row = item_page_row(&page, i);
        struct ortho_scene scene = { .collection = arena_text(f->arena, row.collection), .item = arena_text(f->arena, row.id) };
        AUTO(json) json_t *item = NULL;
        struct err ignored = { 0 };

        if (!js_parse(row.text, strlen(row.text), JS_DEFAULT_DEPTH, &item, err)) {
            good = false;
        } else if (!read_scene(item, f->arena, &scene, neighbours ? &ignored : err)) {
            good = neighbours;
        } else if (neighbours ? is_of_pass(f->scenes, &scene, known) && !is_there(f->scenes, &scene)
                              : is_wanted(f->inputs, &scene)) {
            scene.unasked = neighbours && !f->inputs->neighbours;
            good = add_scene(f, item, &scene, err);
        }
    }
    item_page_done(&page);
    return good;
}

/* ---- what a request means ---- */

/* Those of the catalogue that are called so. */
static bool find_ids(struct finding *f, const char *collection, size_t n, const char **ids, size_t *ret_found, struct err *err)
{
    const struct item_search search = { .where = { .viewer = f->performer->work.owner, .n_collections = 1, .collections = &collection,
                                                   .n_ids = n, .ids = ids }, .limit = MOST_SCENES };

    return take_items(f, &search, false, ret_found, err);
}

/* "href" of a link of this relation. */
static const char *link_of(const json_t *item, const char *relation)
{
    json_t *link;
    size_t i;

    json_array_foreach(json_object_get(item, "links"), i, link)
        if (!strcmp(js_text_in(link, "rel"), relation))
            return js_text_in(link, "href");
    return "";
}

/* An item that the request holds, or that lies at an address: that of the catalogue, if it has it. */
static bool take_given(struct finding *f, const json_t *item, const char *document, struct err *err)
{
    const char *id = arena_text(f->arena, js_text_in(item, "id"));
    struct ortho_scene scene = { .collection = arena_text(f->arena, js_text_in(item, "collection")), .item = id };
    size_t found = 0;

    if (!*id || strcmp(js_text_in(item, "type"), "Feature"))
        return err_set(err, ERR_InvalidParameter, "expected a STAC item, a Feature with an id");
    if (*scene.collection && !find_ids(f, scene.collection, 1, &id, &found, err))
        return false;
    if (found)
        return true;
    scene.url = arena_text(f->arena, document ? document : link_of(item, "self"));
    if (!read_scene(item, f->arena, &scene, err))
        return false;
    return !is_wanted(f->inputs, &scene) || is_there(f->scenes, &scene) || add_scene(f, item, &scene, err);
}

static bool take_from(struct finding *f, const char *url, struct err *err)
{
    AUTO(json) json_t *item = NULL;

    return url_read(f->performer->config, url, &item, err) && take_given(f, item, url, err);
}

static bool find_given(struct finding *f, const json_t *given, size_t i, struct err *err)
{
    const char *href = json_is_object(given) ? js_text(given, "href") : json_string_value(given);
    bool good = href ? take_from(f, href, err) : take_given(f, given, NULL, err);

    return good || err_prefix(err, "/inputs/items/%zu", i);
}

static bool find_named(struct finding *f, struct err *err)
{
    const struct ortho_inputs *in = f->inputs;
    size_t n = in->item ? 1 : json_array_size(in->items), i, n_ids = 0, found = 0;
    const char **ids = arena_array(f->arena, n, sizeof *ids);

    for (i = 0; i < n; i++) {
        const json_t *one = in->item ? NULL : json_array_get(in->items, i);
        const char *id = in->item ? in->item : json_string_value(one);

        if (id && !text_is_remote(id))
            ids[n_ids++] = id;
        else if (!json_is_object(one) && !id)
            return err_set(err, ERR_InvalidParameter, "/inputs/items/%zu: expected the id of an item, an item, or its address", i);
        else if (!find_given(f, one, i, err))
            return false;
    }
    if (n_ids > 0 && !find_ids(f, in->collection, n_ids, ids, &found, err))
        return false;
    if (found < n_ids)
        return err_set(err, ERR_InvalidParameter, "/inputs: of %zu products that are named, the collection '%.100s' has %zu", n_ids,
                       in->collection, found);
    return f->scenes->count > 0 ||
           err_set(err, ERR_InvalidParameter, "/inputs: the products that are named are not of the orbit that is asked for");
}

/* A box around what is asked for, in degrees, as GeoJSON. Corners alone would lose what bulges between them. */
static bool area_of(struct finding *f, const char **ret_text, struct err *err)
{
    const struct ortho_inputs *in = f->inputs;
    AUTO(json) json_t *polygons = json_array();
    struct mgrs_tile tile;
    double box[4];
    json_t *id;
    size_t i;

    if (in->bbox) {
        double w = json_number_value(json_object_get(in->bbox, "west")), s = json_number_value(json_object_get(in->bbox, "south"));
        double e = json_number_value(json_object_get(in->bbox, "east")), n = json_number_value(json_object_get(in->bbox, "north"));

        if (json_object_get(in->bbox, "crs"))
            return err_set(err, ERR_InvalidParameter, "/inputs/bbox: expected degrees (CRS84)");
        json_array_append_new(polygons, json_pack("[[[f,f],[f,f],[f,f],[f,f],[f,f]]]", w, s, e, s, e, n, w, n, w, s));
    }
    json_array_foreach((json_t *)(in->bbox ? NULL : in->tiles), i, id) {
        struct grid grid;

        if (!mgrs_find(json_string_value(id), &tile, err))
            return false;
        grid = (struct grid){ tile.epsg, tile.left, tile.top, MGRS_SIDE, MGRS_SIDE, 1, 1 };
        if (raster_degrees(&grid, box))
            json_array_append_new(polygons, json_pack("[[[f,f],[f,f],[f,f],[f,f],[f,f]]]", box[0], box[1], box[2], box[1], box[2],
                                                      box[3], box[0], box[3], box[0], box[1]));
    }
    AUTO(json) json_t *area = json_pack("{s:s, s:O}", "type", "MultiPolygon", "coordinates", polygons);
    AUTO(mem) char *text = json_dumps(area, JSON_COMPACT);

    *ret_text = arena_text(f->arena, text);
    return true;
}

static bool find_around(struct finding *f, struct err *err)
{
    const struct ortho_inputs *in = f->inputs;
    char start[INSTANT_TEXT_SIZE], end[INSTANT_TEXT_SIZE];
    struct item_search search = { .where = { .viewer = f->performer->work.owner, .n_collections = 1, .collections = &in->collection,
                                             .start = start, .end = end }, .limit = MOST_SCENES };
    int64_t from = 0, to = 0;
    size_t found;

    if (!instant_parse_date(json_string_value(json_array_get(in->datetime, 0)), &from) ||
        !instant_parse_date(json_string_value(json_array_get(in->datetime, 1)), &to))
        return check_period(in, err);
    instant_format(from, start);
    instant_format(to - 1, end);
    if (!area_of(f, &search.where.geometry, err) || !take_items(f, &search, false, &found, err))
        return false;
    return f->scenes->count > 0 ||
           err_set(err, ERR_InvalidParameter, "/inputs: the collection '%.100s' has no product of this area, period and orbit",
                   in->collection);
}

static bool find_neighbours(struct finding *f, struct err *err)
{
    char start[INSTANT_TEXT_SIZE], end[INSTANT_TEXT_SIZE];
    size_t known = f->scenes->count, found;

    for (size_t i = 0; i < known; i++) {
        const struct ortho_scene *scene = &f->scenes->list[i];
        const struct item_search search = { .where = { .viewer = f->performer->work.owner, .n_collections = 1,
                                                       .collections = &f->inputs->collection,
                                                       .start = instant_format(scene->start_ms - NEIGHBOUR_MS, start),
                                                       .end = instant_format(scene->end_ms + NEIGHBOUR_MS, end) },
                                            .limit = MOST_SCENES };

        if (!take_items(f, &search, true, &found, err))
            return false;
    }
    return true;
}

static int by_pass(const void *a_, const void *b_)
{
    const struct ortho_scene *a = a_, *b = b_;
    int platform = strcmp(a->platform, b->platform);

    if (platform)
        return platform;
    if (a->absolute_orbit != b->absolute_orbit)
        return a->absolute_orbit < b->absolute_orbit ? -1 : 1;
    return a->start_ms != b->start_ms ? (a->start_ms < b->start_ms ? -1 : 1) : strcmp(a->item, b->item);
}

static void *in_arena(struct arena *arena, const void *list, size_t count, size_t size)
{
    void *copy = arena_array(arena, count, size);

    return count ? memcpy(copy, list, count * size) : copy;
}

bool ortho_scenes_find(struct performer *p, const struct ortho_inputs *inputs, struct arena *arena,
                       struct ortho_scenes *ret_scenes, struct err *err)
{
    struct ortho_scenes scenes = { 0 };
    struct finding f = { .performer = p, .inputs = inputs, .arena = arena, .scenes = &scenes,
                         .places = { .performer = p, .inputs = inputs, .arena = arena } };
    bool named = inputs->item || json_array_size(inputs->items);
    bool good = (named ? find_named(&f, err) : find_around(&f, err)) && find_neighbours(&f, err);

    if (good) {
        qsort(scenes.list, scenes.count, sizeof *scenes.list, by_pass);
        *ret_scenes = (struct ortho_scenes){ .count = scenes.count, .n_offline = f.places.n_offline, .n_away = f.places.n_away };
        ret_scenes->list = in_arena(arena, scenes.list, scenes.count, sizeof *scenes.list);
        ret_scenes->offline = in_arena(arena, f.places.offline, f.places.n_offline, sizeof *f.places.offline);
        ret_scenes->away = in_arena(arena, f.places.away, f.places.n_away, sizeof *f.places.away);
    }
    free(scenes.list);
    ortho_places_done(&f.places);
    return good;
}
