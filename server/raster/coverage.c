/* Areas are summed side by side of the outline: within a row of pixels a side covers, to its right, a
 * trapezoid of the pixel it runs through and the whole height it runs along of all further ones. Both are
 * added where they begin, with the sign of the side's direction; a sum along the row then gives what the
 * polygon covers of each pixel. No area is sampled, so the result is exact but for rounding, and the work
 * grows with the outline and the pixels around it. */
#include "raster/coverage.h"
#include "base/mem.h"
#include <math.h>
#include <string.h>

static const double sliver = 1e-9; /* what rounding makes of edges that only touch */

/* The pixels around a part of a geometry, in the coordinates of their edges. */
struct canvas {
    double left, top; /* of the grid's pixels */
    size_t width, height;
    double *sums; /* [height][width + 1] */
};

/* A stretch of a side within one row: from (x0, y) to (x1, y + high). */
static void add_stretch(struct canvas *c, size_t row, double x0, double x1, double high)
{
    double *sums = c->sums + row * (c->width + 1);
    double from = fmin(x0, x1), to = fmax(x0, x1), width = (double)c->width;

    if (to <= 0) { /* to the left: it covers whole rows */
        sums[0] += high;
        return;
    }
    if (from >= width)
        return;
    if (from < 0) {
        double part = -from / (to - from);

        sums[0] += high * part;
        high *= 1 - part;
        from = 0;
    }
    if (to > width) {
        high *= (width - from) / (to - from);
        to = width;
    }
    for (double column = floor(from); column < width && (column < to || column == floor(from)); column++) {
        double a = fmax(from, column), b = fmin(to, column + 1);
        double part = to > from ? high * ((b - a) / (to - from)) : high;
        double inside = part * (column + 1 - (a + b) / 2);

        sums[(size_t)column] += inside;
        sums[(size_t)column + 1] += part - inside;
    }
}

static void add_side(struct canvas *c, double ax, double ay, double bx, double by, double sign)
{
    double slope = (bx - ax) / (by - ay), first, last;

    if (ay == by)
        return;
    if (ay > by) {
        double x = ax, y = ay;

        ax = bx, ay = by, bx = x, by = y;
        sign = -sign;
    }
    first = fmax(floor(ay), 0);
    last = fmin(ceil(by), (double)c->height);
    for (double row = first; row < last; row++) {
        double from = fmax(ay, row), to = fmin(by, row + 1);
        double x0 = from == ay ? ax : ax + (from - ay) * slope;
        double x1 = to == by ? bx : ax + (to - ay) * slope;

        add_stretch(c, (size_t)row, x0, x1, sign * (to - from));
    }
}

static double column_of(const struct canvas *c, const struct grid *grid, double x)
{
    return (x - grid->x0) / grid->dx - c->left;
}

static double row_of(const struct canvas *c, const struct grid *grid, double y)
{
    return (grid->y0 - y) / grid->dy - c->top;
}

/* Twice the area, positive when the ring runs so that the sums inside are. */
static double turning(const struct ring *ring)
{
    double sum = 0;

    for (size_t i = 0; i + 1 < ring->count; i++)
        sum += (ring->x[i] - ring->x[0]) * (ring->y[i + 1] - ring->y[0]) -
               (ring->x[i + 1] - ring->x[0]) * (ring->y[i] - ring->y[0]);
    return sum;
}

static void add_ring(struct canvas *c, const struct grid *grid, const struct ring *ring)
{
    double sign = (turning(ring) > 0) == ring->outer ? 1 : -1;

    for (size_t i = 0; i + 1 < ring->count; i++)
        add_side(c, column_of(c, grid, ring->x[i]), row_of(c, grid, ring->y[i]),
                 column_of(c, grid, ring->x[i + 1]), row_of(c, grid, ring->y[i + 1]), sign);
}

/* Adds what a part covers to `all`, up to whole pixels: where parts overlap they count once. */
static void take_part(const struct canvas *c, double *all)
{
    for (size_t row = 0; row < c->height; row++) {
        const double *sums = c->sums + row * (c->width + 1);
        double sum = 0;

        for (size_t i = 0; i < c->width; i++) {
            double *to = &all[row * c->width + i];

            sum += sums[i];
            *to = fmin(*to + fmin(fmax(sum, 0), 1), 1);
        }
    }
}

static void add_weight(struct pixel_weights *weights, double weight)
{
    weights->list = mem_grow(weights->list, &weights->capacity, weights->n + 1, sizeof *weights->list);
    weights->list[weights->n++] = weight > 1 - sliver ? 1 : weight;
}

static void take_runs(const struct canvas *c, const double *all, const struct window_rect *window,
                      struct pixel_runs *runs, struct pixel_weights *weights)
{
    uint32_t left = (uint32_t)(c->left - (double)window->x), top = (uint32_t)(c->top - (double)window->y);

    for (uint32_t row = 0; row < c->height; row++)
        for (uint32_t i = 0; i < c->width; i++) {
            uint32_t from = i;

            while (i < c->width && all[row * c->width + i] > sliver)
                add_weight(weights, all[row * c->width + i++]);
            if (i == from)
                continue;
            runs->list = mem_grow(runs->list, &runs->capacity, runs->n + 1, sizeof *runs->list);
            runs->list[runs->n++] = (struct pixel_run){ top + row, left + from, left + i };
        }
}

static void cover(const struct geometry *g, const struct grid *grid, struct canvas *c, double *all)
{
    for (size_t r = 0; r < g->n_rings;) {
        memset(c->sums, 0, c->height * (c->width + 1) * sizeof *c->sums);
        do {
            add_ring(c, grid, &g->rings[r++]);
        } while (r < g->n_rings && !g->rings[r].outer);
        take_part(c, all);
    }
}

void coverage(const struct geometry *g, const struct grid *grid, const struct window_rect *window,
              struct pixel_runs *runs, struct pixel_weights *weights)
{
    struct pixel_box box = geometry_pixels(g, grid, true);
    int64_t left = box.left > window->x ? box.left : window->x, top = box.top > window->y ? box.top : window->y;
    int64_t right = window->x + (int64_t)window->width, bottom = window->y + (int64_t)window->height;
    struct canvas c = { .left = (double)left, .top = (double)top };

    if (g->kind != GEOMETRY_POLYGONS) {
        size_t first = runs->n;

        rasterize(g, grid, window, runs);
        for (size_t i = first; i < runs->n; i++)
            for (uint32_t k = runs->list[i].from; k < runs->list[i].to; k++)
                add_weight(weights, 1);
        return;
    }
    right = box.right < right ? box.right : right;
    bottom = box.bottom < bottom ? box.bottom : bottom;
    if (left >= right || top >= bottom)
        return;
    c.width = (size_t)(right - left);
    c.height = (size_t)(bottom - top);
    AUTO(mem) double *sums = mem_array(c.height * (c.width + 1), sizeof *sums);
    AUTO(mem) double *all = mem_array(c.height * c.width, sizeof *all);

    c.sums = sums;
    cover(g, grid, &c, all);
    take_runs(&c, all, window, runs, weights);
}
