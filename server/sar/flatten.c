/* The ground is cut into facets of half a pixel. The area of each, projected along the line of sight, is added to the
 * four pixels of the image around its middle; where a facet is stretched over more than half a pixel, which happens
 * on slopes that are turned away, it is cut further. What folds onto the same pixels adds up by itself. */
#include "sar/flatten.h"
#include "base/mem.h"
#include "processes/kernels.h"

enum { PARTS = 2 /* of a pixel, each way */, EVERY = 32 };
static const double least_part = 0.05; /* of a pixel's own area: less is not seen */
static const float longest = 0.6f;     /* pixels of the image over which a facet is stretched */

/* What the facets of a row of cells have in common, and where their values go. */
struct facet_row {
    const float *heights, *lines, *columns, *sight_x, *sight_y, *sight_up, *scale; /* of the upper row of pixels */
    const float *per_pixel; /* 1 / area of a pixel of the image in the slant plane, by column of the grid */
    size_t width;           /* of the relief: the lower row follows after so many pixels */
    float dx, dy;
    float *area, *at_line, *at_column;
};

/* Facets (part_x, part_y) of all cells. */
KERNEL void facets(const struct facet_row *row, float fx, float fy, int n, float *restrict area,
                   float *restrict at_line, float *restrict at_column)
{
    const float *restrict h = row->heights, *restrict l = row->lines, *restrict c = row->columns;
    const float *restrict sx = row->sight_x, *restrict sy = row->sight_y, *restrict su = row->sight_up;
    const float *restrict scale = row->scale, *restrict per_pixel = row->per_pixel;
    int width = (int)row->width;
    float per_x = 1 / row->dx, per_y = 1 / row->dy, whole = row->dx * row->dy / (PARTS * PARTS);

#pragma omp simd
    for (int i = 0; i < n; i++) {
        float k = scale[i];
        float east = ((h[i + 1] - h[i]) * (1 - fy) + (h[i + width + 1] - h[i + width]) * fy) * per_x;
        float north = ((h[i] - h[i + width]) * (1 - fx) + (h[i + 1] - h[i + width + 1]) * fx) * per_y;

        area[i] = whole * k * (k * su[i] - east * sx[i] - north * sy[i]) * per_pixel[i];
        at_line[i] = (l[i] * (1 - fx) + l[i + 1] * fx) * (1 - fy) + (l[i + width] * (1 - fx) + l[i + width + 1] * fx) * fy;
        at_column[i] =
            (c[i] * (1 - fx) + c[i + 1] * fx) * (1 - fy) + (c[i + width] * (1 - fx) + c[i + width + 1] * fx) * fy;
    }
}

struct target {
    const struct image_frame *frame;
    float *sums;
};

static inline void add(const struct target *to, float line, float column, float area)
{
    int64_t width = (int64_t)to->frame->width, height = (int64_t)to->frame->height;
    int64_t x, y;
    float fx, fy, *p;

    if (!(line >= 0 && column >= 0 && line < (float)(height - 1) && column < (float)(width - 1)))
        return;
    x = (int64_t)column;
    y = (int64_t)line;
    fx = column - (float)x;
    fy = line - (float)y;
    p = to->sums + y * width + x;
    p[0] += area * (1 - fx) * (1 - fy);
    p[1] += area * fx * (1 - fy);
    p[width] += area * (1 - fx) * fy;
    p[width + 1] += area * fx * fy;
}

/* A facet whose sides are half of these differences of the cell's. */
static void add_long(const struct target *to, float line, float column, float area, float d_line, float d_column)
{
    int n = (int)(fabsf(d_column) / longest) + 1;

    for (int i = 0; i < n; i++) {
        float off = ((float)i + 0.5f) / (float)n - 0.5f;

        add(to, line + d_line * off, column + d_column * off, area / (float)n);
    }
}

static void add_row(const struct facet_row *row, const uint8_t *mask, size_t n, const struct target *to)
{
    for (size_t i = 0; i < n; i++) {
        const float *l = row->lines + i, *c = row->columns + i;
        float across = (c[1] - c[0]) / PARTS, down = (c[row->width] - c[0]) / PARTS;

        if (!(row->area[i] > 0) || (mask[i] & SHADOW_SHADOW))
            continue;
        if (fabsf(across) <= longest && fabsf(down) <= longest)
            add(to, row->at_line[i], row->at_column[i], row->area[i]);
        else if (fabsf(across) > fabsf(down))
            add_long(to, row->at_line[i], row->at_column[i], row->area[i], (l[1] - l[0]) / PARTS, across);
        else
            add_long(to, row->at_line[i], row->at_column[i], row->area[i], (l[row->width] - l[0]) / PARTS, down);
    }
}

/* Of a pixel of the image in the slant plane. How far apart lines lie on the ground follows from their times there: it
 * is not quite what the product tells, which has one number for near and far. */
static double area_of_pixel(const struct relief *r, const struct view *view, double x, double y, size_t at)
{
    double t, range, later, pixels;

    lattice_at(r->lattice, x - r->to_range[1], y + r->to_range[0], r->heights[at], &later, &range);
    lattice_at(r->lattice, x, y, r->heights[at], &t, &range);
    pixels = view->azimuth_interval / fabs(later - t);
    return pixels * r->dx * r->scale[at] * ground_range_step(view->ground_range, t, range);
}

/* Over these areas, for a row of the grid: they change slowly. */
static void find_areas(const struct relief *r, const struct view *view, size_t y, float *per_pixel)
{
    float next = 0;

    for (size_t x = 0; x < r->window.width; x++) {
        if (x % EVERY == 0)
            next = (float)(1 / area_of_pixel(r, view, (double)x + EVERY / 2., (double)y, y * r->window.width + x));
        per_pixel[x] = next;
    }
}

static void move(const float *from, float by, size_t n, float *to)
{
    for (size_t i = 0; i < n; i++)
        to[i] = from[i] + by;
}

bool flatten_factors(const struct relief *r, const uint8_t *mask, const struct view *view,
                     const struct image_frame *frame, float *factors, struct err *err)
{
    size_t width = r->window.width, n = width - 1;
    struct target to = { frame, factors };
    AUTO(mem) float *room = malloc(8 * width * sizeof *room);
    float by_line = (float)(r->origin_line - (double)frame->line), by_column = (float)(r->origin_column - (double)frame->column);

    if (!room)
        return err_set(err, ERR_MemoryExceeded, "No memory for the facets of %zu pixels.", width);
    memset(factors, 0, frame->width * frame->height * sizeof *factors);
    for (size_t y = 0; y + 1 < r->window.height; y++) {
        size_t at = y * width;
        float *per_pixel = room, *lines = room + 4 * width, *columns = room + 6 * width;
        struct facet_row row = { r->heights + at, lines, columns, r->sight_x + at, r->sight_y + at, r->sight_up + at,
                                 r->scale + at, per_pixel, width, (float)r->dx, (float)r->dy,
                                 .area = room + width, .at_line = room + 2 * width, .at_column = room + 3 * width };

        find_areas(r, view, y, per_pixel);
        move(r->lines + at, by_line, 2 * width, lines);
        move(r->columns + at, by_column, 2 * width, columns);
        for (int part = 0; part < PARTS * PARTS; part++) {
            facets(&row, ((float)(part % PARTS) + 0.5f) / PARTS, ((float)(int)(part / PARTS) + 0.5f) / PARTS, (int)n,
                   row.area, row.at_line, row.at_column);
            add_row(&row, mask + at, n, &to);
        }
    }
    for (size_t i = 0; i < frame->width * frame->height; i++)
        factors[i] = factors[i] >= least_part ? 1 / factors[i] : 0;
    return true;
}
