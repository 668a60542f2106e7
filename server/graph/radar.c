/* sar_backscatter, and ard_normalized_radar_backscatter, which is the same with some of its arguments settled. What a radar
 * saw lies on no map: a load of such images has a grid of its choice (UTM, 10 m), and planes that cannot be read. Here they
 * become planes of a load that says what is to be made of them, so that geocoding is a part of reading: what filters leave is
 * all that is done. A plan in which images are left that nobody said anything of is refused (radar_check). */
#include "graph/load.h"
#include <math.h>
#include <string.h>

static const double spacing = 10; /* m */
enum { UTM_NORTH = 32600, UTM_SOUTH = 32700, ZONES = 60 };

/* ---- a grid for images that have none ---- */

static bool is_utm(int epsg)
{
    return (epsg > UTM_NORTH && epsg <= UTM_NORTH + ZONES) || (epsg > UTM_SOUTH && epsg <= UTM_SOUTH + ZONES);
}

static int zone_of(double longitude, double latitude)
{
    double turned = fmod(longitude + 540, 360);

    return (latitude < 0 ? UTM_SOUTH : UTM_NORTH) + 1 + (int)fmin(floor(turned / 6), ZONES - 1);
}

/* That of an extent in UTM, else the zone of the middle of the area. */
static bool choose_zone(struct call *call, size_t n_extents, const struct extent *extents, const struct scene_list *scenes,
                        int *ret_epsg, struct err *err)
{
    double box[4];

    for (size_t i = 0; i < n_extents; i++) {
        *ret_epsg = extents[i].epsg;
        if (!extents[i].geographic && is_utm(*ret_epsg))
            return true;
    }
    if (n_extents && !extent_degrees(call->planner, &extents[0], box, err))
        return call_place(call, "spatial_extent", err);
    if (!n_extents)
        memcpy(box, scenes->scenes[0].bbox, sizeof box);
    for (size_t i = 1; !n_extents && i < scenes->count; i++) {
        const double *b = scenes->scenes[i].bbox;

        if (b[0] > b[2] || box[0] > box[2])
            continue;
        box[0] = fmin(box[0], b[0]);
        box[1] = fmin(box[1], b[1]);
        box[2] = fmax(box[2], b[2]);
        box[3] = fmax(box[3], b[3]);
    }
    box[2] += box[2] < box[0] ? 360 : 0;
    *ret_epsg = zone_of((box[0] + box[2]) / 2, (box[1] + box[3]) / 2);
    return true;
}

/* Around the scene's footprint; nowhere when it is too far away for the zone. */
static struct grid grid_around(struct planner *p, const struct scene *scene, int epsg)
{
    const double *b = scene->bbox;
    struct extent e = { .west = b[0], .south = b[1], .east = b[2], .north = b[3], .crs = "EPSG:4326", .geographic = true,
                        .epsg = 4326 };
    struct grid grid = { 0 };
    struct err ignored = { 0 };
    double box[4], right, bottom;

    if (!extent_in(p, &e, epsg, box, &ignored))
        return grid;
    grid = (struct grid){ .epsg = epsg, .x0 = floor(box[0] / spacing) * spacing, .y0 = ceil(box[3] / spacing) * spacing,
                          .dx = spacing, .dy = spacing };
    right = ceil(box[2] / spacing) * spacing;
    bottom = floor(box[1] / spacing) * spacing;
    grid.width = (int64_t)((right - grid.x0) / spacing);
    grid.height = (int64_t)((grid.y0 - bottom) / spacing);
    return grid;
}

static size_t count_images(const struct scene_list *scenes, size_t *ret_all)
{
    size_t n = 0;

    *ret_all = 0;
    for (size_t i = 0; i < scenes->count; i++)
        for (size_t b = 0; b < scenes->scenes[i].n_bands; b++, ++*ret_all)
            n += scenes->scenes[i].bands[b].is_radar;
    return n;
}

bool radar_place(struct call *call, size_t n_extents, const struct extent *extents, struct scene_list *scenes,
                 bool *ret_is_radar, struct err *err)
{
    struct planner *p = call->planner;
    size_t all, n = count_images(scenes, &all);
    struct scene *placed;
    int epsg;

    *ret_is_radar = n > 0;
    if (n == 0)
        return true;
    if (n < all)
        return call_fail(call, err, ERR_SourceUnreadable, NULL,
                         "Some of the scenes are as the radar saw them, others lie on a map: they make no cube together.");
    if (!choose_zone(call, n_extents, extents, scenes, &epsg, err))
        return false;
    placed = arena_array(p->arena, scenes->count, sizeof *placed);
    for (size_t i = 0; i < scenes->count; i++) {
        struct scene_band *bands = arena_array(p->arena, scenes->scenes[i].n_bands, sizeof *bands);
        struct grid grid = grid_around(p, &scenes->scenes[i], epsg);

        placed[i] = scenes->scenes[i];
        for (size_t b = 0; b < placed[i].n_bands; b++) {
            bands[b] = placed[i].bands[b];
            bands[b].grid = grid;
        }
        placed[i].bands = bands;
    }
    scenes->scenes = placed;
    return true;
}

void radar_note(struct planner *p, struct load *load)
{
    load->radar = arena_alloc(p->arena, sizeof *load->radar);
    load->n_images = load->n_bands;
    load->layers = arena_array(p->arena, load->n_bands, sizeof *load->layers); /* RADAR_BACKSCATTER */
}

/* Its lattice counts metres. */
bool load_reads_onto(struct planner *p, const struct source *source, const struct grid *grid)
{
    bool geographic = false;
    char name[32];

    if (!source->load || !source->load->radar)
        return true;
    if (!p->crs)
        p->crs = crs_open();
    snprintf(name, sizeof name, "EPSG:%d", grid->epsg);
    return crs_known(p->crs, name, &geographic) && !geographic;
}

bool radar_check(const struct plan *plan, struct err *err)
{
    for (size_t i = 0; i < plan->n_nodes; i++) {
        const struct plan_node *node = plan->nodes[i];
        const struct radar_args *radar = node->op == PLAN_LOAD && cube_planes(&node->schema) ? node->load[0].radar : NULL;

        if (radar && !radar->coefficient)
            return err_set(err, ERR_ProcessParameterInvalid,
                           "The images of node '%.100s' are as the radar saw them and lie on no map: expected 'sar_backscatter' "
                           "behind the load, before anything is computed from them (%s)", node->id, node->pointer);
    }
    return true;
}

/* ---- sar_backscatter ---- */

/* Bands beside the images. */
static const struct extra {
    const char *name; /* of the band and of the parameter */
    enum radar_layer layer;
} extras[] = {
    { "mask", RADAR_MASK },
    { "contributing_area", RADAR_AREA },
    { "local_incidence_angle", RADAR_LOCAL_ANGLE },
    { "ellipsoid_incidence_angle", RADAR_ELLIPSOID_ANGLE },
};
enum { N_EXTRAS = ARRAY_LEN(extras) };

struct wish {
    struct radar_args args;
    size_t n_extras;
    const struct extra *extras[N_EXTRAS];
    const struct load *images; /* the latest that were asked for, and what is made of them */
    const struct source *made;
};

static bool is_ready_for_analysis(const struct call *call)
{
    return !strcmp(call->process->id, "ard_normalized_radar_backscatter");
}

static const char *coefficient_of(struct call *call)
{
    const char *asked = is_ready_for_analysis(call) ? "gamma0-terrain" : call_text(call, "coefficient");

    return asked ? asked : "intensity"; /* null: not normalized */
}

static bool check_model(struct call *call, struct err *err)
{
    const char *site = call->planner->catalog ? call->planner->catalog->elevation_model : NULL;
    const char *asked = call_text(call, "elevation_model");

    if (!call->planner->catalog)
        return true;
    if (!site)
        return call_fail(call, err, ERR_FeatureUnsupported, NULL,
                         "This site has no digital elevation model, without which images of a radar cannot be brought onto a map: its "
                         "operator sets sar.dem.");
    if (asked && strcmp(asked, site))
        return call_fail(call, err, ERR_DigitalElevationModelInvalid, "elevation_model",
                         "There is no elevation model '%.100s' here: expected null or '%.100s'.", asked, site);
    return true;
}

static bool is_wanted(struct call *call, const struct extra *extra)
{
    return (is_ready_for_analysis(call) && (extra->layer == RADAR_MASK || extra->layer == RADAR_LOCAL_ANGLE)) ||
           call_boolean(call, extra->name);
}

static bool read_wish(struct call *call, struct wish *wish, struct err *err)
{
    const struct value *options = call_argument(call, "options");

    *wish = (struct wish){ .args = { coefficient_of(call), call_boolean(call, "noise_removal"), NULL } };
    if (options->kind == KIND_OBJECT && options->object.count)
        return call_fail(call, err, ERR_ProcessParameterInvalid, "options", "there is no option '%.60s'; expected none.",
                         options->object.keys[0]);
    for (size_t i = 0; i < N_EXTRAS; i++)
        if (is_wanted(call, &extras[i]))
            wish->extras[wish->n_extras++] = &extras[i];
    if (call->planner->catalog && call->planner->catalog->elevation_model)
        wish->args.elevation_model = arena_text(call->planner->arena, call->planner->catalog->elevation_model);
    return check_model(call, err);
}

/* The load that makes of the images of another what is wished, on the grid of the cube. */
static const struct source *wished_load(struct call *call, const struct load *images, const struct wish *wish,
                                        const struct grid *grid)
{
    struct planner *p = call->planner;
    size_t n = images->n_bands + wish->n_extras;
    struct load *load = arena_alloc(p->arena, sizeof *load);
    const char **bands = arena_array(p->arena, n, sizeof *bands);
    struct band_info *infos = arena_array(p->arena, n, sizeof *infos);
    enum radar_layer *layers = arena_array(p->arena, n, sizeof *layers);
    struct radar_args *args = arena_alloc(p->arena, sizeof *args);

    *load = *images;
    *args = wish->args;
    load->key = arena_printf(p->arena, "%s|%s|%d", images->key, args->coefficient, args->remove_noise);
    for (size_t i = 0; i < n; i++) {
        const struct extra *extra = i < images->n_bands ? NULL : wish->extras[i - images->n_bands];

        bands[i] = extra ? extra->name : images->bands[i];
        infos[i] = (struct band_info){ .center_wavelength = NAN, .scale = 1, .categorical = extra && extra->layer == RADAR_MASK };
        layers[i] = extra ? extra->layer : RADAR_BACKSCATTER;
        load->key = extra ? arena_printf(p->arena, "%s|%s", load->key, extra->name) : load->key;
    }
    for (struct load *l = p->loads; l; l = l->next)
        if (!strcmp(l->key, load->key) && grid_equal(&l->grid, grid) && !l->source.node->coarse)
            return &l->source;
    load->radar = args;
    load->n_bands = n;
    load->bands = bands;
    load->infos = infos;
    load->layers = layers;
    load_make_source(p, load, grid, call->node->id, call->node->pointer);
    load->next = p->loads;
    p->loads = load;
    return &load->source;
}

/* Errors name what is there instead. */
static bool check_data(struct call *call, const struct cube *data, struct err *err)
{
    for (size_t i = 0; i < cube_planes(&data->schema); i++) {
        const struct expr *e = data->planes[i];
        const struct load *load = e->op == EXPR_LEAF && e->source ? e->source->load : NULL;

        if (e->op == EXPR_LEAF && !e->source) /* no-data, or not known yet */
            continue;
        if (e->op != EXPR_LEAF || !load)
            return call_fail(call, err, ERR_ProcessParameterInvalid, "data",
                             "expected the images of Sentinel-1 GRD as they are loaded (with nothing but filters after the load), "
                             "found a cube that was computed.");
        if (!load->radar)
            return call_fail(call, err, ERR_ProcessParameterInvalid, "data",
                             "expected the images of Sentinel-1 GRD, found collection '%.100s', which has none.",
                             load->collection ? load->collection : "");
        if (load->radar->coefficient)
            return call_fail(call, err, ERR_ProcessParameterInvalid, "data",
                             "expected the images of Sentinel-1 GRD as they are loaded, found backscatter.");
    }
    return true;
}

/* The plane of another load that a plane of images becomes; `extra` SIZE_MAX: itself. */
static const struct expr *wished_plane(struct call *call, const struct cube *data, const struct expr *image, struct wish *wish,
                                       size_t extra)
{
    const struct load *images = image->source->load;
    size_t n = images->n_bands, label = image->plane / n, band = extra == SIZE_MAX ? image->plane % n : n + extra;

    if (images != wish->images)
        wish->made = wished_load(call, images, wish, &data->schema.grid);
    wish->images = images;
    return expr_leaf(call->planner->exprs, wish->made, (uint32_t)(label * (n + wish->n_extras) + band),
                     (struct cell){ PIXEL_F32, true, NAN }, false);
}

static bool check_names(struct call *call, const struct dimension *bands, const struct wish *wish, struct err *err)
{
    for (size_t k = 0; k < wish->n_extras; k++)
        for (size_t i = 0; i < bands->count; i++)
            if (bands->labels[i].text && !strcmp(bands->labels[i].text, wish->extras[k]->name))
                return call_fail(call, err, ERR_LabelExists, "data", "Dimension '%.60s' has a band '%s' already.", bands->name,
                                 wish->extras[k]->name);
    return true;
}

static void name_extras(struct planner *p, struct cube *cube, size_t i, const struct wish *wish)
{
    struct dimension *d = cube_edit(cube, i);
    size_t n = d->count + wish->n_extras;
    struct label *labels = arena_array(p->arena, n, sizeof *labels);
    struct band_info *infos = arena_array(p->arena, n, sizeof *infos);

    for (size_t k = 0; k < n; k++) {
        infos[k] = (struct band_info){ .center_wavelength = NAN, .scale = 1 };
        if (k < d->count)
            labels[k] = d->labels[k];
        else
            labels[k].text = wish->extras[k - d->count]->name;
    }
    d->labels = labels;
    d->bands = infos;
    d->count = n;
}

/* One line along the bands: its images, then what is made beside them. */
static void fill_line(struct call *call, const struct cube *data, struct wish *wish, const struct expr *const *from, size_t n,
                      size_t stride, const struct expr **to)
{
    const struct expr *image = NULL;

    for (size_t k = 0; k < n; k++) {
        const struct expr *e = from[k * stride];

        image = !image && e->source ? e : image;
        to[k * stride] = e->source ? wished_plane(call, data, e, wish, SIZE_MAX) : e;
    }
    for (size_t k = 0; k < wish->n_extras; k++)
        to[(n + k) * stride] = image ? wished_plane(call, data, image, wish, k)
                                     : expr_leaf(call->planner->exprs, NULL, 0, (struct cell){ PIXEL_F32, true, NAN }, false);
}

static bool run_sar_backscatter(struct call *call, struct value *ret, struct err *err)
{
    struct planner *p = call->planner;
    const struct cube *data = call->arguments[0].cube;
    struct wish wish;
    struct cube *cube;
    const struct expr **planes;
    size_t i, n, stride;

    if (!call_bands(call, data, &i, err) || !read_wish(call, &wish, err) || !check_data(call, data, err) ||
        !check_names(call, &data->schema.dimensions[i], &wish, err))
        return false;
    n = data->schema.dimensions[i].count;
    stride = cube_stride(&data->schema, i);
    cube = cube_like(p, data);
    name_extras(p, cube, i, &wish);
    planes = arena_array(p->arena, cube_planes(&cube->schema), sizeof *planes);
    for (size_t line = 0; line < cube_lines(data, i); line++) {
        size_t outer = line / stride, inner = line % stride;

        fill_line(call, data, &wish, data->planes + outer * n * stride + inner, n, stride,
                  planes + outer * (n + wish.n_extras) * stride + inner);
    }
    cube->planes = planes;
    return cube_finish(call, cube, ret, err);
}

const struct operation radar_operations[] = {
    { .id = "ard_normalized_radar_backscatter", .run = run_sar_backscatter },
    { .id = "sar_backscatter", .run = run_sar_backscatter },
    { .id = NULL },
};
