/* The graph of tasks: an image of a product on a tile (geocode), several of one pass on a tile and polarisation (join), a
 * tile of a pass (package). An image that is alone on its tile is not joined: geocode makes the tile's file. Steps are
 * listed tile after tile, and ranked so: what was begun is ended before the next tile is begun, and there are never many
 * temporaries at once. */
#include "jobs/ortho.h"
#include "jobs/ortho_items.h"
#include "base/instant.h"
#include "graph/planner.h"
#include "json/js.h"
#include "sar/names.h"
#include <math.h>
#include <string.h>

/* What a tile costs on one core, by what was measured: seconds for a hundred million pixels. And how large its files are: speckle
 * is hardly packed, and overviews are a third. */
static const double GEOCODE_S = 10, JOIN_S = 5, LAYER_S = 8, PACKAGE_S = 0.5, FLOAT_BYTES = 4, SHORT_BYTES = 2, LAYER_BYTES = 1;
enum { GEOCODE_BLOCKS = 20, JOIN_BLOCKS = 8, LAYER_BLOCKS = 16, PACKAGE_BLOCKS = 1, PIXEL = 10 /* metres */, MOST_TILES = 5000 };

struct planning {
    const struct ortho_inputs *inputs;
    const struct ortho_scenes *scenes;
    struct arena *arena;
    struct crs *crs;
    struct ortho_plan *plan;
};

/* A tile of a pass: the scenes [first, end) of it that touch the tile have a coverage. */
struct target {
    struct mgrs_tile tile;
    struct grid grid;
    double percent;        /* by all that are used */
    double *by_scene;      /* of scenes [first, end) */
};

void ortho_plan_done(struct ortho_plan *plan)
{
    json_decref(plan->steps);
    json_decref(plan->scenes);
    json_decref(plan->warnings);
    *plan = (struct ortho_plan){ 0 };
}

/* ---- the pixels of a tile that are wanted ---- */

enum { SIDE_POINTS = 21 };

/* The box in the tile's metres: its sides bulge there. False where it is not near. */
static bool box_in_metres(struct planning *g, const struct mgrs_tile *tile, double ret_box[4])
{
    const json_t *box = g->inputs->bbox;
    double west = json_number_value(json_object_get(box, "west")), south = json_number_value(json_object_get(box, "south"));
    double east = json_number_value(json_object_get(box, "east")), north = json_number_value(json_object_get(box, "north"));
    double x[4 * SIDE_POINTS], y[4 * SIDE_POINTS];
    AUTO(mem) char *code = mem_printf("EPSG:%d", tile->epsg);

    for (size_t i = 0; i < SIDE_POINTS; i++) {
        double part = (double)i / (SIDE_POINTS - 1);
        const double px[] = { west + part * (east - west), west + part * (east - west), west, east };
        const double py[] = { south, north, south + part * (north - south), south + part * (north - south) };

        for (size_t k = 0; k < 4; k++) {
            x[4 * i + k] = px[k];
            y[4 * i + k] = py[k];
        }
    }
    if (!crs_transform(g->crs, "EPSG:4326", code, ARRAY_LEN(x), x, y))
        return false;
    memcpy(ret_box, (double[]){ INFINITY, INFINITY, -INFINITY, -INFINITY }, 4 * sizeof *ret_box);
    for (size_t i = 0; i < ARRAY_LEN(x); i++) {
        if (!isfinite(x[i]) || !isfinite(y[i]))
            return false;
        ret_box[0] = fmin(ret_box[0], x[i]);
        ret_box[1] = fmin(ret_box[1], y[i]);
        ret_box[2] = fmax(ret_box[2], x[i]);
        ret_box[3] = fmax(ret_box[3], y[i]);
    }
    return true;
}

/* Whether the tile is wanted, and which of its pixels. */
static bool want_tile(struct planning *g, const struct mgrs_tile *tile, struct grid *ret_grid)
{
    const json_t *names = g->inputs->tiles;
    bool named = json_array_size(names) == 0;
    double box[4], left, top, right, bottom;
    struct mgrs_tile one;
    struct err ignored = { 0 };
    json_t *name;
    size_t i;

    json_array_foreach((json_t *)names, i, name)
        named |= mgrs_find(json_string_value(name), &one, &ignored) && !strcmp(one.id, tile->id);
    *ret_grid = (struct grid){ tile->epsg, tile->left, tile->top, PIXEL, PIXEL, MGRS_SIDE / PIXEL, MGRS_SIDE / PIXEL };
    if (!named || !g->inputs->bbox)
        return named;
    if (!box_in_metres(g, tile, box))
        return false;
    left = fmax(0, floor((box[0] - tile->left) / PIXEL));
    right = fmin((double)ret_grid->width, ceil((box[2] - tile->left) / PIXEL));
    top = fmax(0, floor((tile->top - box[3]) / PIXEL));
    bottom = fmin((double)ret_grid->height, ceil((tile->top - box[1]) / PIXEL));
    if (left >= right || top >= bottom)
        return false;
    if (g->inputs->clip) {
        ret_grid->x0 += left * PIXEL;
        ret_grid->y0 -= top * PIXEL;
        ret_grid->width = (int64_t)(right - left);
        ret_grid->height = (int64_t)(bottom - top);
    }
    return true;
}

/* ---- the tiles of a pass ---- */

struct targets {
    struct target *list;
    size_t count, room;
};

static struct target *target_of(struct targets *targets, const struct mgrs_tile *tile)
{
    for (size_t i = 0; i < targets->count; i++)
        if (!strcmp(targets->list[i].tile.id, tile->id))
            return &targets->list[i];
    return NULL;
}

static int by_tile(const void *a, const void *b)
{
    return strcmp(((const struct target *)a)->tile.id, ((const struct target *)b)->tile.id);
}

/* Neighbours that are not used make no tiles; where they touch one, that is kept for the warning. */
static bool cover(struct planning *g, size_t first, size_t end, bool unasked, struct targets *targets, struct err *err)
{
    for (size_t i = first; i < end; i++) {
        const struct ortho_scene *scene = &g->scenes->list[i];
        struct mgrs_cover *tiles;
        size_t count;

        if (scene->unasked != unasked)
            continue;
        if (!mgrs_cover(scene->rings, scene->n_rings, 0, MOST_TILES, g->arena, &tiles, &count, err))
            return err_prefix(err, "%.200s", scene->item);
        for (size_t k = 0; k < count; k++) {
            struct target *target = target_of(targets, &tiles[k].tile);
            struct grid grid;

            if (!target && !unasked && want_tile(g, &tiles[k].tile, &grid)) {
                targets->list = mem_grow(targets->list, &targets->room, targets->count + 1, sizeof *targets->list);
                target = &targets->list[targets->count++];
                *target = (struct target){ .tile = tiles[k].tile, .grid = grid,
                                           .by_scene = arena_array(g->arena, end - first, sizeof(double)) };
            }
            if (!target)
                continue;
            target->by_scene[i - first] = tiles[k].percent;
            target->percent += unasked ? 0 : tiles[k].percent;
        }
    }
    return true;
}

/* ---- steps ---- */

struct grid ortho_grid(const json_t *json)
{
    return (struct grid){ .epsg = (int)json_integer_value(json_object_get(json, "epsg")),
                          .x0 = json_number_value(json_object_get(json, "x0")),
                          .y0 = json_number_value(json_object_get(json, "y0")),
                          .dx = PIXEL, .dy = PIXEL,
                          .width = json_integer_value(json_object_get(json, "width")),
                          .height = json_integer_value(json_object_get(json, "height")) };
}

static json_t *grid_json(const struct grid *grid)
{
    return json_pack("{s:i, s:f, s:f, s:I, s:I}", "epsg", grid->epsg, "x0", grid->x0, "y0", grid->y0, "width",
                     (json_int_t)grid->width, "height", (json_int_t)grid->height);
}

/* A file of a tile, of so many bytes for a pixel with data. How much of a clipped part is covered is not known yet. */
static void more_results(struct planning *g, const struct target *target, double bytes)
{
    double part = g->inputs->clip ? 1 : fmin(target->percent, 100) / 100;

    g->plan->bytes += part * bytes * (double)target->grid.width * (double)target->grid.height;
}

static double hundred_millions(const struct grid *grid)
{
    return (double)grid->width * (double)grid->height / 1e8;
}

/* A step takes so long, and what comes after it begins so much later. */
static void more_work(struct planning *g, json_t *step, double seconds, int64_t blocks)
{
    json_object_set_new(step, "seconds", json_real(json_number_value(json_object_get(step, "seconds")) + seconds));
    json_object_set_new(step, "blocks", json_integer(json_integer_value(json_object_get(step, "blocks")) + blocks));
    g->plan->seconds += seconds;
    g->plan->blocks += blocks;
}

static void add_step(struct planning *g, json_t *step_taken, double seconds, int64_t blocks)
{
    json_object_set_new(step_taken, "before", json_real(g->plan->seconds));
    json_array_append_new(g->plan->steps, step_taken);
    more_work(g, step_taken, seconds, blocks);
}

static const char *pass_name(struct planning *g, const struct ortho_scene *scene)
{
    return arena_printf(g->arena, "%s-%06lld", scene->platform, (long long)scene->absolute_orbit);
}

/* Polarisations that are wanted and that a scene of the tile has. */
static size_t polarisations_of(struct planning *g, size_t first, size_t end, const struct target *target, const char *ret[4])
{
    static const char *const all[] = { "VV", "VH", "HH", "HV" };
    size_t count = 0, k;
    json_t *wanted;

    for (size_t p = 0; p < ARRAY_LEN(all); p++) {
        bool there = false, asked = json_array_size(g->inputs->polarisations) == 0;

        json_array_foreach((json_t *)g->inputs->polarisations, k, wanted)
            asked |= json_is_string(wanted) && !strcmp(json_string_value(wanted), all[p]);
        for (size_t i = first; i < end; i++)
            for (size_t n = 0; n < g->scenes->list[i].n_polarisations && target->by_scene[i - first] > 0; n++)
                there |= !g->scenes->list[i].unasked && !strcmp(g->scenes->list[i].polarisations[n], all[p]);
        if (asked && there)
            ret[count++] = all[p];
    }
    return count;
}

static bool has_polarisation(const struct ortho_scene *scene, const char *polarisation)
{
    for (size_t i = 0; i < scene->n_polarisations; i++)
        if (!strcmp(scene->polarisations[i], polarisation))
            return true;
    return false;
}

/* Does a scene give something to the tile? */
static bool is_used(const struct planning *g, size_t first, size_t i, const struct target *target, const char *polarisation)
{
    const struct ortho_scene *scene = &g->scenes->list[i];

    return !scene->unasked && target->by_scene[i - first] > 0 && has_polarisation(scene, polarisation);
}

/* The product that is joined to a scene: the one that is used before it, or after it; NULL: none. */
static const char *neighbour_of(const struct planning *g, size_t first, size_t end, size_t scene, int step, const struct target *target,
                                const char *polarisation)
{
    for (size_t i = scene + (size_t)step; i >= first && i < end; i += (size_t)step)
        if (is_used(g, first, i, target, polarisation))
            return g->scenes->list[i].path;
    return NULL;
}

static json_t *scene_json(const struct ortho_scene *scene)
{
    return json_pack("{s:s, s:s*, s:s*, s:I, s:I}", "id", scene->item, "collection", scene->url ? NULL : scene->collection, "url",
                     scene->url && *scene->url ? scene->url : NULL, "start", (json_int_t)scene->start_ms, "end",
                     (json_int_t)scene->end_ms);
}

/* Scenes that give something to a tile in a polarisation, as what comes later needs them; steps of their images. */
static json_t *add_images(struct planning *g, size_t first, size_t end, const struct target *target, const char *polarisation,
                          json_t *after)
{
    json_t *used = json_array();

    for (size_t i = first; i < end; i++) {
        const struct ortho_scene *scene = &g->scenes->list[i];
        const char *key = arena_printf(g->arena, "geocode/%s/%s/%s/%s", pass_name(g, scene), target->tile.id, polarisation, scene->item);
        const char *tag = arena_printf(g->arena, "%s %s", target->tile.id, polarisation);

        if (!is_used(g, first, i, target, polarisation))
            continue;
        json_array_append_new(used, scene_json(scene));
        json_array_append_new(after, json_string(key));
        add_step(g, json_pack("{s:s, s:s, s:s, s:s, s:{s:s*, s:s, s:s, s:o, s:s, s:s, s:b, s:b, s:b, s:s*, s:s*}, s:[]}", "key", key,
                              "name", "geocode", "tag", tag, "process", "geocode", "inputs", "product", scene->path, "item", scene->item, "polarisation",
                              polarisation, "grid", grid_json(&target->grid), "calibration", g->inputs->calibration, "resampling",
                              g->inputs->resampling, "noise", g->inputs->remove_noise, "border", g->inputs->remove_border, "adaptive",
                              !strcmp(g->inputs->border, "adaptive"), "before",
                              neighbour_of(g, first, end, i, -1, target, polarisation), "after",
                              neighbour_of(g, first, end, i, 1, target, polarisation), "after"),
                 GEOCODE_S * hundred_millions(&target->grid), GEOCODE_BLOCKS);
        g->plan->pixels += (double)target->grid.width * (double)target->grid.height;
    }
    return used;
}

/* Products that give something to a tile in a polarisation, in the order of time; *ret_scenes as add_images() tells them. */
static json_t *products_of(struct planning *g, size_t first, size_t end, const struct target *target, const char *polarisation,
                           json_t **ret_scenes)
{
    json_t *products = json_array();

    *ret_scenes = json_array();
    for (size_t i = first; i < end; i++)
        if (is_used(g, first, i, target, polarisation)) {
            json_array_append_new(products, json_string(g->scenes->list[i].path));
            json_array_append_new(*ret_scenes, scene_json(&g->scenes->list[i]));
        }
    return products;
}

/* What is known of the tile of the pass, for names and items. */
static json_t *about(struct planning *g, const struct ortho_scene *scene, const struct target *target)
{
    return json_pack("{s:s, s:s, s:s, s:b, s:i, s:I, s:f, s:s, s:o, s:f, s:s, s:s, s:s, s:I, s:s, s:b}", "pass", pass_name(g, scene),
                     "platform", scene->platform, "mode", scene->mode, "ascending", scene->ascending, "relative_orbit",
                     scene->relative_orbit, "absolute_orbit", (json_int_t)scene->absolute_orbit, "looks",
                     scene->looks > 0 ? scene->looks : 4.4, "tile", target->tile.id, "grid", grid_json(&target->grid), "percent",
                     fmin(target->percent, 100), "calibration", g->inputs->calibration, "resampling", g->inputs->resampling, "filter",
                     g->inputs->filter, "radius", (json_int_t)g->inputs->filter_radius, "data_type", g->inputs->data_type, "deflate",
                     !strcmp(g->inputs->compression, "deflate"));
}

/* Products of the pass that would give more of the tile and that nobody asked for. */
static json_t *unused_neighbours(struct planning *g, size_t first, size_t end, const struct target *target)
{
    json_t *list = json_array();

    for (size_t i = first; i < end; i++)
        if (g->scenes->list[i].unasked && target->by_scene[i - first] > 0)
            json_array_append_new(list, json_string(g->scenes->list[i].item));
    return list;
}

static void warn(struct planning *g, const struct target *target, const json_t *unused)
{
    const char *name = json_string_value(json_array_get(unused, 0));

    if (g->inputs->clip) /* what is missing in the part that is wanted is seen when it is made */
        return;
    if (name)
        json_array_append_new(g->plan->warnings,
                              json_sprintf("Tile %s is covered to %.1f %%. The catalogue has %zu product%s of the same pass beside it that "
                                           "was not asked for: %s%s. With \"neighbours\": true they are joined.",
                                           target->tile.id, fmin(target->percent, 100), json_array_size(unused),
                                           json_array_size(unused) == 1 ? "" : "s", name, json_array_size(unused) > 1 ? ", ..." : ""));
    else if (target->percent < ORTHO_WHOLE)
        json_array_append_new(g->plan->warnings,
                              json_sprintf("Tile %s is covered to %.1f %%. The catalogue has no other product of this pass for it.",
                                           target->tile.id, target->percent));
}

/* The steps of a file; the key of the one that makes it. */
static const char *add_file(struct planning *g, size_t first, size_t end, const struct target *target, const char *polarisation)
{
    const char *key = arena_printf(g->arena, "join/%s/%s/%s", pass_name(g, &g->scenes->list[first]), target->tile.id, polarisation);
    json_t *after = json_array(), *used = add_images(g, first, end, target, polarisation, after);
    double seconds = JOIN_S * hundred_millions(&target->grid);

    more_results(g, target, strcmp(g->inputs->data_type, "int16") ? FLOAT_BYTES : SHORT_BYTES);
    if (json_array_size(used) == 1) {
        json_t *image = json_array_get(g->plan->steps, json_array_size(g->plan->steps) - 1), *inputs = json_object_get(image, "inputs");

        json_object_set_new(inputs, "about", about(g, &g->scenes->list[first], target));
        json_object_set_new(inputs, "scenes", used);
        more_work(g, image, seconds, JOIN_BLOCKS);
        key = arena_text(g->arena, json_string_value(json_array_get(after, 0)));
        json_decref(after);
        return key;
    }
    add_step(g, json_pack("{s:s, s:s, s:o, s:s, s:{s:o, s:o, s:s}, s:o}", "key", key, "name", "join", "tag",
                          json_sprintf("%s %s", target->tile.id, polarisation), "process", "join", "inputs", "about",
                          about(g, &g->scenes->list[first], target), "scenes", used, "polarisation", polarisation, "after", after),
             seconds, JOIN_BLOCKS);
    return key;
}

/* The step of a layer, which makes all of it; its key. */
static const char *add_layer(struct planning *g, size_t first, size_t end, const struct target *target, const char *polarisation,
                             const char *layer)
{
    const char *key = arena_printf(g->arena, "layer/%s/%s/%s", pass_name(g, &g->scenes->list[first]), target->tile.id, layer);
    json_t *scenes, *products = products_of(g, first, end, target, polarisation, &scenes);

    add_step(g, json_pack("{s:s, s:s, s:o, s:s, s:{s:o, s:o, s:o, s:s, s:s}, s:[]}", "key", key, "name", "layer", "tag",
                          json_sprintf("%s %s", target->tile.id, layer), "process", "layer", "inputs", "about",
                          about(g, &g->scenes->list[first], target), "scenes", scenes, "products", products, "polarisation",
                          polarisation, "layer", layer, "after"),
             LAYER_S * hundred_millions(&target->grid), LAYER_BLOCKS);
    more_results(g, target, LAYER_BYTES);
    g->plan->pixels += (double)target->grid.width * (double)target->grid.height;
    return key;
}

static void add_target(struct planning *g, size_t first, size_t end, const struct target *target)
{
    const char *polarisations[4], *pass = pass_name(g, &g->scenes->list[first]);
    size_t count = polarisations_of(g, first, end, target, polarisations);
    json_t *files, *unused, *layer;
    size_t i;

    if (target->percent < g->inputs->least_coverage || count == 0)
        return;
    files = json_array();
    unused = unused_neighbours(g, first, end, target);
    for (size_t p = 0; p < count; p++)
        json_array_append_new(files, json_string(add_file(g, first, end, target, polarisations[p])));
    json_array_foreach((json_t *)g->inputs->layers, i, layer)
        json_array_append_new(files, json_string(add_layer(g, first, end, target, polarisations[0], json_string_value(layer))));
    warn(g, target, unused);
    add_step(g, json_pack("{s:o, s:s, s:s, s:s, s:{s:o, s:o, s:b}, s:o}", "key", json_sprintf("package/%s/%s", pass, target->tile.id), "name",
                          "package", "tag", target->tile.id, "process", "package", "inputs", "about",
                          about(g, &g->scenes->list[first], target), "unused", unused, "zip", !strcmp(g->inputs->packaging, "zip"), "after",
                          files),
             PACKAGE_S, PACKAGE_BLOCKS);
    g->plan->n_tiles++;
}

/* ---- passes ---- */

static bool same_pass(const struct ortho_scene *a, const struct ortho_scene *b)
{
    return !strcmp(a->platform, b->platform) && a->absolute_orbit == b->absolute_orbit;
}

static bool add_pass(struct planning *g, size_t first, size_t end, struct err *err)
{
    struct targets targets = { 0 };
    bool good = cover(g, first, end, false, &targets, err) && cover(g, first, end, true, &targets, err);

    if (good && targets.count)
        qsort(targets.list, targets.count, sizeof *targets.list, by_tile);
    for (size_t i = 0; good && i < targets.count; i++)
        add_target(g, first, end, &targets.list[i]);
    free(targets.list);
    return good;
}

bool ortho_plan_make(const struct ortho_inputs *inputs, const struct ortho_scenes *scenes, struct arena *arena,
                     struct ortho_plan *ret_plan, struct err *err)
{
    struct planning g = { inputs, scenes, arena, crs_open(), ret_plan };
    bool good = true;

    *ret_plan = (struct ortho_plan){ .steps = json_array(), .scenes = json_array(), .warnings = json_array() };
    for (size_t first = 0, end; good && first < scenes->count; first = end) {
        for (end = first + 1; end < scenes->count && same_pass(&scenes->list[first], &scenes->list[end]); end++)
            ;
        good = add_pass(&g, first, end, err);
    }
    for (size_t i = 0; i < scenes->count; i++)
        if (!scenes->list[i].unasked)
            json_array_append_new(ret_plan->scenes, json_pack("{s:s, s:s*, s:s*}", "id", scenes->list[i].item, "collection",
                                                                 scenes->list[i].url ? NULL : scenes->list[i].collection, "url",
                                                                 scenes->list[i].url));
    crs_close(g.crs);
    if (good && json_array_size(ret_plan->steps) == 0)
        good = err_set(err, ERR_InvalidParameter,
                       "/inputs: of what is asked for, the products cover no tile to %.4g %% in these polarisations",
                       inputs->least_coverage);
    if (!good)
        ortho_plan_done(ret_plan);
    return good;
}
