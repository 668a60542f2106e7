/* A part of a polygon meets each row of centres in crossings, which in pairs are its inside (the rule of
 * even and odd; a side belongs to its lower end alone). Crossings come from walking the sides, so the
 * work grows with the outline and not with rows times sides. What lies exactly on the level of a centre,
 * a corner or a level side, is added by itself, so that edges belong to the polygon all around. Runs of
 * all parts are then sorted and united. */
#include "raster/rasterize.h"
#include "base/mem.h"
#include <math.h>
#include <string.h>

struct crossing {
    double row, x;
};

struct work {
    const struct grid *grid;
    const struct window_rect *window;
    struct crossing *crossings;
    size_t n_crossings, capacity;
    struct pixel_runs *runs;
    size_t first; /* of this geometry's runs */
};

/* Coordinates in pixels of the grid, whatever the window; centres are whole numbers. */
static double column_of(const struct work *w, double x)
{
    return (x - w->grid->x0) / w->grid->dx - 0.5;
}

static double row_of(const struct work *w, double y)
{
    return (w->grid->y0 - y) / w->grid->dy - 0.5;
}

/* The rows of the window among first .. last. */
static void cut_rows(const struct work *w, double *first, double *last)
{
    *first = fmax(*first, (double)w->window->y);
    *last = fmin(*last, (double)w->window->y + (double)w->window->height - 1);
}

/* Columns first .. last of a row, cut to the window. */
static void add_run(struct work *w, double row, double first, double last)
{
    struct pixel_runs *runs = w->runs;

    row -= (double)w->window->y;
    first = fmax(first - (double)w->window->x, 0);
    last -= (double)w->window->x;
    last = fmin(last, (double)w->window->width - 1);
    if (!(first <= last) || row < 0 || row >= (double)w->window->height)
        return;
    runs->list = mem_grow(runs->list, &runs->capacity, runs->n + 1, sizeof *runs->list);
    runs->list[runs->n++] = (struct pixel_run){ (uint32_t)row, (uint32_t)first, (uint32_t)last + 1 };
}

/* ---- polygons ---- */

static void add_crossing(struct work *w, double row, double x)
{
    w->crossings =
        mem_grow(w->crossings, &w->capacity, w->n_crossings + 1, sizeof *w->crossings);
    w->crossings[w->n_crossings++] = (struct crossing){ row, x };
}

static void add_side(struct work *w, double ax, double ay, double bx, double by)
{
    double first, last;

    if (ay > by) { /* always downwards, so that neighbours agree on rounding */
        double x = ax, y = ay;

        ax = bx, ay = by, bx = x, by = y;
    }
    if (ay == floor(ay)) {
        double end = ay == by ? bx : ax;

        add_run(w, ay, ceil(fmin(ax, end)), floor(fmax(ax, end)));
    }
    if (by == floor(by) && ay != by)
        add_run(w, by, ceil(bx), floor(bx));
    first = floor(ay) + 1; /* rows in (ay, by] */
    last = floor(by);
    cut_rows(w, &first, &last);
    for (double row = first; row <= last; row++)
        add_crossing(w, row, row == by ? bx : ax + (row - ay) * ((bx - ax) / (by - ay)));
}

static int by_place(const void *a, const void *b)
{
    const struct crossing *x = a, *y = b;

    if (x->row != y->row)
        return x->row < y->row ? -1 : 1;
    return (x->x > y->x) - (x->x < y->x);
}

static void add_part(struct work *w, const struct ring *rings, size_t n)
{
    w->n_crossings = 0;
    for (size_t r = 0; r < n; r++)
        for (size_t i = 0; i + 1 < rings[r].count; i++)
            add_side(w, column_of(w, rings[r].x[i]), row_of(w, rings[r].y[i]),
                     column_of(w, rings[r].x[i + 1]), row_of(w, rings[r].y[i + 1]));
    if (w->n_crossings)
        qsort(w->crossings, w->n_crossings, sizeof *w->crossings, by_place);
    for (size_t i = 0; i + 1 < w->n_crossings; i += 2)
        add_run(w, w->crossings[i].row, ceil(w->crossings[i].x), floor(w->crossings[i + 1].x));
}

static void add_polygons(struct work *w, const struct geometry *g)
{
    for (size_t r = 0; r < g->n_rings;) {
        size_t end = r + 1;

        while (end < g->n_rings && !g->rings[end].outer)
            end++;
        add_part(w, &g->rings[r], end - r);
        r = end;
    }
}

/* ---- points and lines: a pixel reaches half a pixel around its centre ---- */

static void add_segment(struct work *w, double ax, double ay, double bx, double by)
{
    double top = floor(fmin(ay, by) + 0.5), bottom = floor(fmax(ay, by) + 0.5);

    cut_rows(w, &top, &bottom);
    for (double row = top; row <= bottom; row++) {
        double from = ax, to = bx, slope = (bx - ax) / (by - ay);

        if (ay != by) { /* the part of the segment within the row */
            double y0 = fmin(fmax(row - 0.5, fmin(ay, by)), fmax(ay, by));
            double y1 = fmin(fmax(row + 0.5, fmin(ay, by)), fmax(ay, by));

            from = ax + (y0 - ay) * slope;
            to = ax + (y1 - ay) * slope;
        }
        add_run(w, row, floor(fmin(from, to) + 0.5), floor(fmax(from, to) + 0.5));
    }
}

static void add_lines(struct work *w, const struct geometry *g)
{
    for (size_t r = 0; r < g->n_rings; r++)
        for (size_t i = 0; i + 1 < g->rings[r].count; i++)
            add_segment(w, column_of(w, g->rings[r].x[i]), row_of(w, g->rings[r].y[i]),
                        column_of(w, g->rings[r].x[i + 1]), row_of(w, g->rings[r].y[i + 1]));
}

static void add_points(struct work *w, const struct geometry *g)
{
    for (size_t i = 0; g->n_rings && i < g->rings[0].count; i++) {
        double column = floor(column_of(w, g->rings[0].x[i]) + 0.5);

        add_run(w, floor(row_of(w, g->rings[0].y[i]) + 0.5), column, column);
    }
}

/* ---- */

static int by_row(const void *a, const void *b)
{
    const struct pixel_run *x = a, *y = b;

    if (x->row != y->row)
        return x->row < y->row ? -1 : 1;
    return x->from < y->from ? -1 : x->from > y->from;
}

static void unite(struct pixel_runs *runs, size_t first)
{
    size_t n = first;

    if (runs->n > first)
        qsort(runs->list + first, runs->n - first, sizeof *runs->list, by_row);
    for (size_t i = first; i < runs->n; i++) {
        struct pixel_run run = runs->list[i], *last = n > first ? &runs->list[n - 1] : NULL;

        if (last && last->row == run.row && run.from <= last->to)
            last->to = run.to > last->to ? run.to : last->to;
        else
            runs->list[n++] = run;
    }
    runs->n = n;
}

void rasterize(const struct geometry *g, const struct grid *grid, const struct window_rect *window,
               struct pixel_runs *runs)
{
    struct work w = { .grid = grid, .window = window, .runs = runs, .first = runs->n };
    struct pixel_box box = geometry_pixels(g, grid, false);

    if (box.left >= window->x + (int64_t)window->width || box.right <= window->x ||
        box.top >= window->y + (int64_t)window->height || box.bottom <= window->y)
        return;
    if (g->kind == GEOMETRY_POLYGONS)
        add_polygons(&w, g);
    else if (g->kind == GEOMETRY_LINES)
        add_lines(&w, g);
    else
        add_points(&w, g);
    free(w.crossings);
    unite(runs, w.first);
}

void rasterize_mask(const struct geometries *geometries, const struct grid *grid,
                    const struct window_rect *window, uint8_t *dst)
{
    struct pixel_runs runs = { 0 };

    memset(dst, 0, window->width * window->height);
    for (size_t i = 0; i < geometries->count; i++) {
        runs.n = 0;
        rasterize(&geometries->list[i], grid, window, &runs);
        for (size_t k = 0; k < runs.n; k++)
            memset(dst + runs.list[k].row * window->width + runs.list[k].from, 1,
                   runs.list[k].to - runs.list[k].from);
    }
    free(runs.list);
}
