/* Terrain hides what lies behind it and folds onto what lies before it in the direction of range only, so the window
 * is made longer along that direction; which it is, a small lattice tells. */
#include "sar/relief.h"
#include "base/mem.h"
#include <math.h>

enum { BESIDE = 4 /* pixels more at each side of a window that is made longer */ };
static const double earth_radius = 6.371e6;

void relief_free(struct relief *r)
{
    if (!r)
        return;
    lattice_free(r->lattice);
    free(r->heights);
    free(r->lines);
    free(r->columns);
    free(r->sight_x);
    free(r->sight_y);
    free(r->sight_up);
    free(r->scale);
    free(r->range);
    free(r->look);
    free(r);
}

static bool have(size_t n, struct err *err, size_t count, float **arrays[])
{
    for (size_t i = 0; i < count; i++) {
        *arrays[i] = malloc(n * sizeof(float));
        if (!*arrays[i])
            return err_set(err, ERR_MemoryExceeded, "No memory for the relief of %zu pixels.", n);
    }
    return true;
}

/* The direction in which time does not change and range grows, in the middle of the window; that alone is asked for, since
 * nodes of a wider lattice could lie where no height is known. */
static bool find_direction(const struct relief_want *want, struct crs *crs, double to_range[2], struct err *err)
{
    struct lattice_want wish = { .view = want->view, .dem = want->dem, .grid = want->grid, .window = want->window };
    AUTO(lattice) struct lattice *lattice = NULL;
    double t[3], range[3], tx, ty, rx, ry, length;
    double height = ((double)want->dem->lowest + want->dem->highest) / 2;

    wish.window.x += (int64_t)(wish.window.width / 2);
    wish.window.y += (int64_t)(wish.window.height / 2);
    wish.window.width = wish.window.height = 1;
    if (!lattice_new(&wish, crs, &lattice, err))
        return false;
    lattice_at(lattice, 0, 0, height, &t[0], &range[0]);
    lattice_at(lattice, 1, 0, height, &t[1], &range[1]);
    lattice_at(lattice, 0, 1, height, &t[2], &range[2]);
    tx = t[1] - t[0];
    ty = t[2] - t[0];
    rx = range[1] - range[0];
    ry = range[2] - range[0];
    length = hypot(tx, ty) * (rx * ty - ry * tx > 0 ? 1 : -1);
    to_range[0] = ty / length;
    to_range[1] = -tx / length;
    return true;
}

static void widen(const struct relief_want *want, struct relief *r)
{
    double pixels = want->around / want->grid->dx;
    size_t x = 1, y = 1;

    if (want->around > 0) {
        x = (size_t)(fabs(r->to_range[0]) * pixels) + BESIDE;
        y = (size_t)(fabs(r->to_range[1]) * pixels) + BESIDE;
    }
    r->left = x;
    r->top = y;
    r->window = (struct window_rect){ want->window.x - (int64_t)x, want->window.y - (int64_t)y,
                                      want->window.width + 2 * x, want->window.height + 2 * y };
}

static void fill(struct relief *r, bool with_scan)
{
    size_t width = r->window.width;
    AUTO(mem) double *t = mem_array(width, sizeof *t), *range = mem_array(width, sizeof *range);
    double middle_t, middle_range;

    lattice_at(r->lattice, (double)width / 2, (double)r->window.height / 2, 0, &middle_t, &middle_range);
    middle_range = isnan(middle_range) ? 9e5 : middle_range;
    for (size_t y = 0; y < r->window.height; y++) {
        size_t at = y * width;
        struct lattice_row row = { .heights = r->heights + at, .t = t, .range = range, .lines = r->lines + at,
                                   .columns = r->columns + at, .sight_x = r->sight_x + at, .sight_y = r->sight_y + at,
                                   .sight_up = r->sight_up + at, .scale = r->scale + at };

        lattice_row(r->lattice, y, &row);
        for (size_t x = 0; with_scan && x < width; x++) {
            double up = r->sight_up[at + x];

            r->range[at + x] = (float)(range[x] - middle_range);
            r->look[at + x] = (float)((earth_radius + r->heights[at + x]) * sqrt(1 - up * up) - earth_radius * 0.6);
        }
    }
}

bool relief_new(const struct relief_want *want, struct crs *crs, struct relief **ret_relief, struct err *err)
{
    AUTO(relief) struct relief *r = MEM_NEW(struct relief);
    float **arrays[] = { &r->heights, &r->lines, &r->columns, &r->sight_x, &r->sight_y, &r->sight_up, &r->scale,
                         &r->range, &r->look };
    struct lattice_want wish = { .view = want->view, .dem = want->dem, .grid = want->grid, .with_sight = true };

    if (!find_direction(want, crs, r->to_range, err))
        return false;
    widen(want, r);
    r->dx = want->grid->dx;
    r->dy = want->grid->dy;
    wish.window = r->window;
    if (!lattice_new(&wish, crs, &r->lattice, err))
        return false;
    r->seen = lattice_meets_image(r->lattice) && !isnan(r->to_range[0]);
    lattice_origin(r->lattice, &r->origin_line, &r->origin_column);
    if (r->seen) {
        if (!have(r->window.width * r->window.height, err, want->with_scan ? 9 : 7, arrays))
            return false;
        fill(r, want->with_scan);
    }
    *ret_relief = r;
    r = NULL;
    return true;
}

bool relief_reach(const struct dem *dem, const struct grid *grid, const struct window_rect *w, struct crs *crs,
                  double *ret_metres, struct err *err)
{
    enum { POINTS = 9 };
    double x[POINTS], y[POINTS], column[POINTS], row[POINTS], margin = RELIEF_MOST / grid->dx;
    double left = INFINITY, right = -INFINITY, top = INFINITY, bottom = -INFINITY;
    float low = INFINITY, high = -INFINITY;

    for (int i = 0; i < POINTS; i++) {
        x[i] = grid->x0 + grid->dx * ((double)w->x - margin + ((double)w->width + 2 * margin) * (i % 3) / 2);
        y[i] = grid->y0 - grid->dy * ((double)w->y - margin + ((double)w->height + 2 * margin) * (int)(i / 3) / 2);
    }
    if (!dem_places(dem, crs, grid->epsg, POINTS, x, y, column, row, err))
        return false;
    for (int i = 0; i < POINTS; i++) {
        left = fmin(left, column[i]);
        right = fmax(right, column[i]);
        top = fmin(top, row[i]);
        bottom = fmax(bottom, row[i]);
    }
    for (size_t r = (size_t)fmax(top, 0); r < (size_t)fmax(fmin(bottom + 1, (double)dem->height), 0); r++)
        for (size_t c = (size_t)fmax(left, 0); c < (size_t)fmax(fmin(right + 1, (double)dem->width), 0); c++) {
            float h = dem->heights[r * dem->width + c];

            low = h < low ? h : low;
            high = h > high ? h : high;
        }
    *ret_metres = high > low ? fmin(((double)high - low) * RELIEF_FOLD + 2 * grid->dx, RELIEF_MOST) : 2 * grid->dx;
    return true;
}

void relief_slopes(const struct relief *r, size_t row, size_t first, size_t n, float *east, float *north)
{
    size_t width = r->window.width;
    const float *h = r->heights + row * width + first;
    float per_x = (float)(0.5 / r->dx), per_y = (float)(0.5 / r->dy);

    for (size_t i = 0; i < n; i++) {
        east[i] = (h[i + 1] - h[(ptrdiff_t)i - 1]) * per_x;
        north[i] = (h[(ptrdiff_t)i - (ptrdiff_t)width] - h[i + width]) * per_y;
    }
}
