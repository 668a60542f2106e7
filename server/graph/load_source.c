/* What a load reads, once the catalogue has named its scenes: time labels, and for each plane of a label
 * and a band the scenes that it is made of, best first. */
#include "graph/load.h"
#include "base/instant.h"
#include <math.h>
#include <string.h>

enum { OVERPASS_GAP_MS = 30 * 60 * 1000 };

static int text_order(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "");
}

/* Passes first: platform, orbit, instant. */
static int by_pass(const void *a, const void *b)
{
    const struct scene *x = *(const struct scene *const *)a, *y = *(const struct scene *const *)b;
    int order = text_order(x->platform, y->platform);

    if (order)
        return order;
    if (x->orbit != y->orbit)
        return (x->orbit > y->orbit) - (x->orbit < y->orbit);
    if (x->instant_ms != y->instant_ms)
        return (x->instant_ms > y->instant_ms) - (x->instant_ms < y->instant_ms);
    return strcmp(x->id, y->id);
}

static int by_instant(const void *a, const void *b)
{
    const struct scene *x = *(const struct scene *const *)a, *y = *(const struct scene *const *)b;

    if (x->instant_ms != y->instant_ms)
        return (x->instant_ms > y->instant_ms) - (x->instant_ms < y->instant_ms);
    return strcmp(x->id, y->id);
}

static bool same_label(const struct scene *before, const struct scene *s, bool overpass)
{
    if (!overpass)
        return before->instant_ms == s->instant_ms;
    return !text_order(before->platform, s->platform) && before->orbit == s->orbit &&
           s->instant_ms - before->instant_ms < OVERPASS_GAP_MS;
}

struct group {
    const struct scene *const *members;
    size_t n;
};

static int by_first(const void *a, const void *b)
{
    const struct group *x = a, *y = b;

    return by_instant(&x->members[0], &y->members[0]);
}

void load_make_labels(struct planner *p, struct load *load, const struct scene_list *scenes,
                      bool overpass)
{
    const struct scene **sorted = arena_array(p->arena, scenes->count, sizeof *sorted);
    AUTO(mem) struct group *groups = mem_array(scenes->count, sizeof *groups);
    struct label *labels;
    const struct scene *const **members;
    size_t *n_members, n = 0;

    for (size_t i = 0; i < scenes->count; i++)
        sorted[i] = &scenes->scenes[i];
    qsort(sorted, scenes->count, sizeof *sorted, overpass ? by_pass : by_instant);
    for (size_t i = 0; i < scenes->count; i++) {
        if (i == 0 || !same_label(sorted[i - 1], sorted[i], overpass))
            groups[n++].members = sorted + i;
        groups[n - 1].n++;
    }
    qsort(groups, n, sizeof *groups, by_first);
    labels = arena_array(p->arena, n, sizeof *labels);
    members = arena_array(p->arena, n, sizeof *members);
    n_members = arena_array(p->arena, n, sizeof *n_members);
    for (size_t i = 0; i < n; i++) {
        char text[INSTANT_TEXT_SIZE];

        labels[i].instant_ms = groups[i].members[0]->instant_ms;
        labels[i].text = arena_text(p->arena, instant_format(labels[i].instant_ms, text));
        members[i] = groups[i].members;
        n_members[i] = groups[i].n;
    }
    load->labels = labels;
    load->members = members;
    load->n_members = n_members;
    load->n_labels = n;
}

/* Layers */
const struct scene_band *load_find_band(const struct scene *scene, const char *name)
{
    for (size_t i = 0; i < scene->n_bands; i++)
        if (!strcmp(scene->bands[i].name, name))
            return &scene->bands[i];
    return NULL;
}

static bool touches(const struct scene_band *band, const struct grid *grid)
{
    const struct grid *g = &band->grid;

    if (g->width == 0 || g->epsg != grid->epsg)
        return true; /* cannot tell */
    return g->x0 < grid->x0 + (double)grid->width * grid->dx &&
           g->x0 + (double)g->width * g->dx > grid->x0 &&
           g->y0 > grid->y0 - (double)grid->height * grid->dy &&
           g->y0 - (double)g->height * g->dy < grid->y0;
}

static bool covers(const struct scene_band *band, const struct grid *grid)
{
    const struct grid *g = &band->grid;
    double slack = grid->dx * 1e-3;

    return g->width > 0 && g->epsg == grid->epsg && g->x0 <= grid->x0 + slack &&
           g->y0 >= grid->y0 - slack &&
           g->x0 + (double)g->width * g->dx >= grid->x0 + (double)grid->width * grid->dx - slack &&
           g->y0 - (double)g->height * g->dy <=
               grid->y0 - (double)grid->height * grid->dy + slack;
}

/* Colours and scaled numbers are measured; of whole numbers without any description nobody knows. */
static bool is_measured(const struct band_info *info)
{
    return !info->categorical && (info->common_name || !isnan(info->center_wavelength) || info->scale != 1);
}

/* What is made beside the images is made of the first one that a scene has. */
static const struct scene_band *find_layer(struct planner *p, const struct load *load, const struct scene *scene, size_t band)
{
    const struct scene_band *found = NULL;
    struct scene_band *image;

    if (!load->radar)
        return load_find_band(scene, load->bands[band]);
    if (band < load->n_images)
        found = load_find_band(scene, load->bands[band]);
    for (size_t i = 0; band >= load->n_images && !found && i < load->n_images; i++)
        found = load_find_band(scene, load->bands[i]);
    if (!found)
        return NULL;
    image = arena_alloc(p->arena, sizeof *image);
    *image = *found;
    image->pixel = PIXEL_F32;
    image->has_nodata = true;
    image->nodata = NAN;
    return image;
}

/* Its grid was made up, for choosing the load's. */
static void forget_grids(const struct load_plane *plane)
{
    for (size_t i = 0; i < plane->n_layers; i++)
        ((struct scene_band *)plane->layers[i])->grid = (struct grid){ 0 }; /* find_layer() made it for us */
}

/* The first valid pixel wins: files of the grid's CRS first, then by id. */
static struct load_plane make_plane(struct planner *p, const struct load *load,
                                    const struct grid *grid, size_t label, size_t band)
{
    struct load_plane plane = { 0 };
    const struct scene_band **layers =
        arena_array(p->arena, load->n_members[label], sizeof *layers);

    for (int foreign = 0; foreign < 2; foreign++) {
        for (size_t i = 0; i < load->n_members[label]; i++) {
            const struct scene_band *b = find_layer(p, load, load->members[label][i], band);

            if (b && (b->grid.epsg != grid->epsg) == foreign && touches(b, grid))
                layers[plane.n_layers++] = b;
        }
    }
    plane.layers = layers;
    plane.radar = load->radar;
    if (load->radar) {
        plane.layer = load->layers[band];
        plane.measured = plane.layer != RADAR_MASK;
        return plane;
    }
    plane.measured = is_measured(&load->infos[band]) ||
                     (plane.n_layers > 0 && !load->infos[band].categorical && layers[0]->pixel >= PIXEL_F32 &&
                      layers[0]->pixel != PIXEL_BOOL);
    return plane;
}

/* The pixel type of a band is that of its files, with a value for no-data where a pixel may have
 * none. */
static struct band_layers band_cell(const struct load *load, const struct load_plane *planes,
                                    const struct grid *grid, size_t band)
{
    struct band_layers r = { .cell = { PIXEL_F32, true, NAN } };
    bool any = false, gaps = false;

    for (size_t t = 0; t < load->n_labels; t++) {
        const struct load_plane *plane = &planes[t * load->n_bands + band];
        bool full = false;

        for (size_t i = 0; i < plane->n_layers; i++) {
            const struct scene_band *b = plane->layers[i];
            struct cell cell = { b->pixel, b->has_nodata, b->nodata };

            if (b->pixel == PIXEL_F32 || b->pixel == PIXEL_F64)
                cell = (struct cell){ b->pixel, true, NAN };
            r.cell = any ? cell_join(r.cell, cell) : cell;
            r.wide |= b->pixel == PIXEL_F64 || b->pixel == PIXEL_I32 || b->pixel == PIXEL_U32;
            full |= covers(b, grid);
            any = true;
        }
        gaps |= !full;
    }
    if (gaps)
        r.cell = cell_with_nodata(r.cell);
    return r;
}

const struct dimension *load_dimensions(struct planner *p, const struct load *load,
                                        const struct grid *grid)
{
    struct dimension *d = arena_array(p->arena, 4, sizeof *d);
    struct label *bands = arena_array(p->arena, load->n_bands, sizeof *bands);

    for (size_t i = 0; i < load->n_bands; i++)
        bands[i].text = load->bands[i];
    d[0] = (struct dimension){ "x", DIM_SPATIAL, 'x', (size_t)grid->width, NULL, NULL };
    d[1] = (struct dimension){ "y", DIM_SPATIAL, 'y', (size_t)grid->height, NULL, NULL };
    d[2] = (struct dimension){ "t", DIM_TEMPORAL, 0, load->n_labels, load->labels, NULL };
    d[3] = (struct dimension){ "bands", DIM_BANDS, 0, load->n_bands, bands, load->infos };
    return d;
}

/* The node that reads the planes on a grid. */
void load_make_source(struct planner *p, struct load *load, const struct grid *grid,
                      const char *id, const char *pointer)
{
    size_t n = load->n_labels * load->n_bands;
    struct load_plane *planes = arena_array(p->arena, n, sizeof *planes);
    struct band_layers *cells = arena_array(p->arena, load->n_bands, sizeof *cells);
    struct cube_schema schema = { .n_dimensions = 4, .grid = *grid, .has_nodata = true };
    struct cell cell = { PIXEL_F32, true, NAN };

    for (size_t t = 0; t < load->n_labels; t++)
        for (size_t b = 0; b < load->n_bands; b++)
            planes[t * load->n_bands + b] = make_plane(p, load, grid, t, b);
    for (size_t b = 0; b < load->n_bands; b++) {
        cells[b] = band_cell(load, planes, grid, b);
        cell = b ? cell_join(cell, cells[b].cell) : cells[b].cell;
    }
    for (size_t i = 0; load->radar && i < n; i++)
        forget_grids(&planes[i]);
    schema.dimensions = load_dimensions(p, load, grid);
    schema.pixel = cell.pixel;
    schema.nodata = cell.nodata;
    schema.has_nodata = cell.has_nodata;
    load->cells = cells;
    load->grid = *grid;
    load->source.node = planner_node(p, PLAN_LOAD, id, pointer, &schema);
    load->source.node->load = planes;
    load->source.load = load;
}

const struct source *load_on_grid(struct planner *p, const struct source *source,
                                  const struct grid *grid, bool coarse)
{
    const struct load *origin = source->load;
    struct load *other;

    for (struct load *l = p->loads; l; l = l->next)
        if (!strcmp(l->key, origin->key) && grid_equal(&l->grid, grid) && l->source.node->coarse == coarse)
            return &l->source;
    other = arena_alloc(p->arena, sizeof *other);
    *other = *origin;
    load_make_source(p, other, grid, source->node->id, source->node->pointer);
    other->source.node->coarse = coarse;
    other->next = p->loads;
    p->loads = other;
    return &other->source;
}

size_t load_scenes(const struct planner *p, const struct plan_node *node,
                   const struct scene **ret)
{
    const struct load *load = p->loads;
    size_t n = 0;

    while (load && load->source.node != node)
        load = load->next;
    for (size_t t = 0; load && t < load->n_labels; t++) {
        for (size_t i = 0; i < load->n_members[t]; i++) {
            const struct scene *scene = load->members[t][i];
            bool read = false;

            for (size_t b = 0; b < scene->n_bands; b++)
                read |= touches(&scene->bands[b], &load->grid);
            if (!read)
                continue;
            if (ret)
                ret[n] = scene;
            n++;
        }
    }
    return n;
}
