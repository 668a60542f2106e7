/* Chooses the grid of a load: the reference system that covers most of the area, the finest
 * resolution among the bands, the anchor that most files share, and the pixels whose centres lie in
 * the extent. */
#include "graph/planner.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { SAMPLES = 64, CRS_MAX = 32 };

struct candidates {
    size_t n;
    int epsg[CRS_MAX];
    size_t hits[CRS_MAX];
};

static bool is_wanted(const struct lattice_input *in, const struct scene_band *band)
{
    for (size_t i = 0; i < in->n_bands; i++)
        if (!strcmp(in->bands[i], band->name))
            return band->grid.width > 0;
    return false;
}

static int scene_epsg(const struct lattice_input *in, const struct scene *scene)
{
    for (size_t i = 0; i < scene->n_bands; i++)
        if (is_wanted(in, &scene->bands[i]))
            return scene->bands[i].grid.epsg;
    return 0;
}

static bool lon_within(double lon, double west, double east)
{
    return west <= east ? lon >= west && lon <= east : lon >= west || lon <= east;
}

static void note_candidate(struct candidates *c, int epsg)
{
    for (size_t i = 0; i < c->n; i++)
        if (c->epsg[i] == epsg)
            return;
    if (c->n < CRS_MAX)
        c->epsg[c->n++] = epsg;
}

/* The box whose coverage decides: the extents' in degrees, else all scenes together. */
static bool area(struct planner *p, const struct lattice_input *in, double box[4], struct err *err)
{
    if (in->n_extents)
        return extent_degrees(p, &in->extents[0], box, err);
    memcpy(box, in->scenes[0].bbox, 4 * sizeof *box);
    for (size_t i = 1; i < in->n_scenes; i++) {
        box[0] = fmin(box[0], in->scenes[i].bbox[0]);
        box[1] = fmin(box[1], in->scenes[i].bbox[1]);
        box[2] = fmax(box[2], in->scenes[i].bbox[2]);
        box[3] = fmax(box[3], in->scenes[i].bbox[3]);
    }
    return true;
}

static void count_hits(const struct lattice_input *in, const double box[4], struct candidates *c)
{
    double width = box[2] - box[0] + (box[2] < box[0] ? 360 : 0);

    for (size_t k = 0; k < c->n; k++) {
        AUTO(mem) bool *hit = mem_array((size_t)SAMPLES * SAMPLES, sizeof *hit);

        for (size_t s = 0; s < in->n_scenes; s++) {
            const double *b = in->scenes[s].bbox;

            if (scene_epsg(in, &in->scenes[s]) != c->epsg[k])
                continue;
            for (size_t i = 0; i < (size_t)SAMPLES * SAMPLES; i++) {
                double lon = box[0] + width * ((double)(i % SAMPLES) + 0.5) / SAMPLES;
                double lat = box[1] + (box[3] - box[1]) * ((double)(i / SAMPLES) + 0.5) / SAMPLES;

                lon -= lon > 180 ? 360 : 0;
                hit[i] |= lat >= b[1] && lat <= b[3] && lon_within(lon, b[0], b[2]);
            }
        }
        for (size_t i = 0; i < (size_t)SAMPLES * SAMPLES; i++)
            c->hits[k] += hit[i];
    }
}

static bool choose_crs(const struct call *call, const struct lattice_input *in, int *ret_epsg,
                       struct err *err)
{
    struct candidates c = { 0 };
    double box[4];
    size_t best = 0;

    for (size_t i = 0; i < in->n_scenes; i++)
        if (scene_epsg(in, &in->scenes[i]))
            note_candidate(&c, scene_epsg(in, &in->scenes[i]));
    if (c.n == 0)
        return call_fail(call, err, ERR_SourceUnreadable, NULL,
                         "The catalogue does not tell the grid of any file, for example of scene "
                         "'%.100s'.", in->scenes[0].id);
    for (size_t k = 0; k < in->n_extents; k++) {
        for (size_t i = 0; i < c.n; i++) {
            if (!in->extents[k].geographic && in->extents[k].epsg == c.epsg[i]) {
                *ret_epsg = c.epsg[i];
                return true;
            }
        }
    }
    if (c.n > 1 && !area(call->planner, in, box, err))
        return false;
    if (c.n > 1)
        count_hits(in, box, &c);
    for (size_t i = 1; i < c.n; i++)
        if (c.hits[i] > c.hits[best] ||
            (c.hits[i] == c.hits[best] && c.epsg[i] < c.epsg[best]))
            best = i;
    *ret_epsg = c.epsg[best];
    if (c.n > 1)
        planner_notice(call->planner, "info", call->node->id,
                       "The scenes lie in %zu reference systems; the cube is in EPSG:%d, which "
                       "covers most of the area.", c.n, *ret_epsg);
    return true;
}

/* Visits each grid of the chosen CRS. */
#define FOR_EACH_GRID(in, epsg_, g)                                                                \
    for (size_t s_ = 0; s_ < (in)->n_scenes; s_++)                                                 \
        for (size_t b_ = 0; b_ < (in)->scenes[s_].n_bands; b_++)                                   \
            for (const struct grid *g = &(in)->scenes[s_].bands[b_].grid;                          \
                 g && is_wanted(in, &(in)->scenes[s_].bands[b_]) && g->epsg == (epsg_); g = NULL)

static double modulo(double x, double step)
{
    double rest = fmod(x, step);

    rest += rest < 0 ? step : 0;
    return rest > step * (1 - 1e-6) ? 0 : rest;
}

static bool same_anchor(const struct grid *a, const struct grid *b)
{
    return fabs(modulo(a->x0, a->dx) - modulo(b->x0, b->dx)) < a->dx * 1e-3 &&
           fabs(modulo(a->y0, a->dy) - modulo(b->y0, b->dy)) < a->dy * 1e-3;
}

/* The finest grid, one that shares its anchor with most of the finest. */
static struct grid choose_anchor(const struct lattice_input *in, int epsg)
{
    struct grid anchors[16] = { 0 };
    size_t votes[16] = { 0 }, n = 0, best = 0;
    double finest = INFINITY;

    FOR_EACH_GRID(in, epsg, g)
        finest = fmin(finest, g->dx);
    FOR_EACH_GRID(in, epsg, g)
    {
        size_t i = 0;

        if (g->dx > finest * (1 + 1e-9))
            continue;
        while (i < n && !same_anchor(&anchors[i], g))
            i++;
        if (i == ARRAY_LEN(anchors))
            continue;
        if (i == n)
            anchors[n++] = *g;
        votes[i]++;
    }
    for (size_t i = 1; i < n; i++)
        if (votes[i] > votes[best])
            best = i;
    return anchors[best];
}

static void join_box(double box[4], const double more[4], bool *any)
{
    box[0] = *any ? fmin(box[0], more[0]) : more[0];
    box[1] = *any ? fmin(box[1], more[1]) : more[1];
    box[2] = *any ? fmax(box[2], more[2]) : more[2];
    box[3] = *any ? fmax(box[3], more[3]) : more[3];
    *any = true;
}

/* The envelope of all files; those of other reference systems by the box of their scene. */
static bool envelope_of_scenes(struct planner *p, const struct lattice_input *in, int epsg,
                               double box[4], struct err *err)
{
    bool any = false;

    FOR_EACH_GRID(in, epsg, g)
        join_box(box, (double[]){ g->x0, g->y0 - (double)g->height * g->dy,
                                  g->x0 + (double)g->width * g->dx, g->y0 }, &any);
    for (size_t i = 0; i < in->n_scenes; i++) {
        const double *b = in->scenes[i].bbox;
        struct extent e = { .west = b[0], .south = b[1], .east = b[2], .north = b[3],
                            .crs = "EPSG:4326", .geographic = true, .epsg = 4326 };
        double more[4];
        struct err ignored = { 0 };

        if (scene_epsg(in, &in->scenes[i]) != epsg && extent_in(p, &e, epsg, more, &ignored))
            join_box(box, more, &any);
    }
    return any || err_set(err, ERR_Internal, "no scene has a grid");
}

static bool wanted_box(const struct call *call, const struct lattice_input *in,
                       const struct grid *anchor, double box[4], struct err *err)
{
    struct planner *p = call->planner;
    double scenes[4], one[4];
    bool cut = in->n_extents == 0, narrows = true;
    struct err local = { 0 };

    if (!envelope_of_scenes(p, in, anchor->epsg, scenes, err))
        return false;
    memcpy(box, scenes, sizeof scenes);
    for (size_t i = 0; i < in->n_extents; i++) {
        if (!extent_in(p, &in->extents[i], anchor->epsg, one, &local)) {
            cut = true;
            continue;
        }
        narrows &= in->extents[i].narrows;
        box[0] = i ? fmax(box[0], one[0]) : one[0];
        box[1] = i ? fmax(box[1], one[1]) : one[1];
        box[2] = i ? fmin(box[2], one[2]) : one[2];
        box[3] = i ? fmin(box[3], one[3]) : one[3];
    }
    /* a box around the world would make a cube of nothing */
    cut |= (box[2] - box[0]) * (box[3] - box[1]) >
           16 * (scenes[2] - scenes[0]) * (scenes[3] - scenes[1]);
    if ((cut || narrows) && in->n_extents) {
        box[0] = fmax(box[0], scenes[0]);
        box[1] = fmax(box[1], scenes[1]);
        box[2] = fmin(box[2], scenes[2]);
        box[3] = fmin(box[3], scenes[3]);
        if (cut)
            planner_notice(p, "info", call->node->id,
                           "The extent is far larger than the data; the cube was cut to the scenes.");
    }
    return true;
}

bool lattice_choose(const struct call *call, const struct lattice_input *in, struct grid *ret,
                    struct err *err)
{
    struct grid grid;
    double box[4], left, top, right, bottom;
    int epsg = 0;

    if (!choose_crs(call, in, &epsg, err))
        return false;
    grid = choose_anchor(in, epsg);
    if (!wanted_box(call, in, &grid, box, err))
        return false;
    left = ceil((box[0] - grid.x0) / grid.dx - 0.5);
    right = floor((box[2] - grid.x0) / grid.dx - 0.5);
    top = ceil((grid.y0 - box[3]) / grid.dy - 0.5);
    bottom = floor((grid.y0 - box[1]) / grid.dy - 0.5);
    if (!(left <= right && top <= bottom))
        return call_fail(call, err, ERR_NoDataAvailable, "spatial_extent",
                         "No pixel centre lies in the extent; the resolution is %g by %g in "
                         "EPSG:%d.", grid.dx, grid.dy, epsg);
    if (right - left > 1e9 || bottom - top > 1e9)
        return call_fail(call, err, ERR_ProcessGraphComplexity, "spatial_extent",
                         "The cube would be %g by %g pixels large.", right - left + 1,
                         bottom - top + 1);
    grid.x0 += left * grid.dx;
    grid.y0 -= top * grid.dy;
    grid.width = (int64_t)(right - left) + 1;
    grid.height = (int64_t)(bottom - top) + 1;
    *ret = grid;
    return true;
}
