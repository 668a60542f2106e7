/* Along a row everything that nodes know is linear inside a cell. Loops run over the pixels of a cell without a
 * branch, so that they become vector code; see processes/kernels.h. Doubles where a range counts metres in 900 km. */
#include "sar/lattice_rows.h"
#include "processes/kernels.h"
#include "sar/dem.h"

enum { RUN = 64 }; /* pixels at once of what has no cells */

KERNEL void height_run(float *restrict heights, const float *restrict dem, int pitch, const double *a,
                       const double *b, double per_step, int n)
{
    double x = a[NODE_COLUMN], y = a[NODE_ROW], dx = (b[NODE_COLUMN] - x) * per_step, dy = (b[NODE_ROW] - y) * per_step;

#pragma omp simd
    for (int i = 0; i < n; i++) {
        double cx = x + dx * i, cy = y + dy * i;
        int ix = (int)cx, iy = (int)cy, at = iy * pitch + ix;
        float fx = (float)(cx - ix), fy = (float)(cy - iy);
        float upper = dem[at] + (dem[at + 1] - dem[at]) * fx;
        float lower = dem[at + pitch] + (dem[at + pitch + 1] - dem[at + pitch]) * fx;

        heights[i] = upper + (lower - upper) * fy;
    }
}

static bool node_is_good(const double *node)
{
    return !isnan(node[NODE_T]) && !isnan(node[NODE_COLUMN]);
}

/* A cell is good when its corners are; heights of others are not asked for. */
void row_heights(const struct row_cells *cells, const struct dem *dem, float *heights)
{
    for (size_t at = 0; at < cells->pixels; at += cells->step) {
        const double *a = cells->nodes + at / cells->step * NODE_VALUES, *b = a + NODE_VALUES;
        size_t n = cells->pixels - at < cells->step ? cells->pixels - at : cells->step;

        if (isnan(a[NODE_COLUMN]) || isnan(b[NODE_COLUMN]))
            for (size_t i = 0; i < n; i++)
                heights[at + i] = 0;
        else
            height_run(heights + at, dem->heights, (int)dem->width, a, b, 1. / (double)cells->step, (int)n);
    }
}

KERNEL void range_run(double *restrict t, double *restrict range, const float *restrict heights, const double *a,
                      const double *b, double per_step, double middle, double per_metre, int n)
{
    double v[6], d[6];

    for (int k = 0; k < 6; k++) {
        v[k] = a[NODE_T + k];
        d[k] = (b[NODE_T + k] - a[NODE_T + k]) * per_step;
    }
#pragma omp simd
    for (int i = 0; i < n; i++) {
        double u = (heights[i] - middle) * per_metre, x = i;

        t[i] = v[0] + d[0] * x + u * (v[1] + d[1] * x + u * (v[2] + d[2] * x));
        range[i] = v[3] + d[3] * x + u * (v[4] + d[4] * x + u * (v[5] + d[5] * x));
    }
}

void row_ranges(const struct row_cells *cells, const float *heights, double *t, double *range)
{
    for (size_t at = 0; at < cells->pixels; at += cells->step) {
        const double *a = cells->nodes + at / cells->step * NODE_VALUES, *b = a + NODE_VALUES;
        size_t n = cells->pixels - at < cells->step ? cells->pixels - at : cells->step;

        if (node_is_good(a) && node_is_good(b)) {
            range_run(t + at, range + at, heights + at, a, b, 1. / (double)cells->step, cells->middle_height,
                      cells->per_metre, (int)n);
            continue;
        }
        for (size_t i = 0; i < n; i++)
            t[at + i] = range[at + i] = NAN;
    }
}

KERNEL void sight_run(float *restrict to, const float *restrict heights, const double *a, const double *b,
                      double per_step, double middle, double per_metre, int n)
{
    double v0 = a[0], v1 = a[1], d0 = (b[0] - v0) * per_step, d1 = (b[1] - v1) * per_step;

#pragma omp simd
    for (int i = 0; i < n; i++)
        to[i] = (float)(v0 + d0 * i + (heights[i] - middle) * per_metre * (v1 + d1 * i));
}

void row_sights(const struct row_cells *cells, const float *heights, float *x, float *y, float *up, float *scale)
{
    for (size_t at = 0; at < cells->pixels; at += cells->step) {
        const double *a = cells->nodes + at / cells->step * NODE_VALUES, *b = a + NODE_VALUES;
        int n = (int)(cells->pixels - at < cells->step ? cells->pixels - at : cells->step);
        double per_step = 1. / (double)cells->step, middle = cells->middle_height, per_metre = cells->per_metre;

        sight_run(x + at, heights + at, a + NODE_SIGHT, b + NODE_SIGHT, per_step, middle, per_metre, n);
        sight_run(y + at, heights + at, a + NODE_SIGHT + 2, b + NODE_SIGHT + 2, per_step, middle, per_metre, n);
        sight_run(up + at, heights + at, a + NODE_SIGHT + 4, b + NODE_SIGHT + 4, per_step, middle, per_metre, n);
        for (int i = 0; i < n; i++)
            scale[at + (size_t)i] = (float)(a[NODE_SCALE] + (b[NODE_SCALE] - a[NODE_SCALE]) * per_step * i);
    }
}

/* ---- lines and columns ---- */

/* Of n <= RUN pixels between the same two records. */
KERNEL void place_run(const struct row_image *image, const struct ground_range_piece *piece, const double *restrict t,
                      const double *restrict range, int n, float *restrict lines, float *restrict columns)
{
    const struct ground_range *g = image->ground_range;
    double x[RUN], base[RUN], change[RUN], nan = NAN;
    double near = piece->nearest_range[0], near_change = piece->nearest_range[1] - near;
    double far = piece->farthest_range[0], far_change = piece->farthest_range[1] - far;
    bool nearest = g->mode == GROUND_RANGE_NEAREST;

    for (int i = 0; i < n; i++) {
        x[i] = (range[i] - g->centre) * g->per_metre;
        base[i] = change[i] = 0;
    }
    for (size_t k = g->n_terms; k-- > 0;)
        for (int i = 0; i < n; i++) {
            base[i] = base[i] * x[i] + piece->base[k];
            change[i] = change[i] * x[i] + piece->change[k];
        }
#pragma omp simd
    for (int i = 0; i < n; i++) {
        double w = (t[i] - piece->t0) * piece->per_second, round;
        bool good;

        w = w > 0 ? w : 0;
        w = w < 1 ? w : 1;
        round = w > 0.5 ? 1 : 0;
        w = nearest ? round : w;
        good = (range[i] >= near + w * near_change) & (range[i] <= far + w * far_change) &
               (t[i] >= image->first_t) & (t[i] <= image->last_t);
        columns[i] = (float)(good ? base[i] + w * change[i] - image->column_origin : nan);
        lines[i] = (float)(good ? t[i] * image->lines_per_second - image->line_origin : nan);
    }
}

void row_places(const struct row_image *image, const double *t, const double *range, size_t n, float *lines,
                float *columns)
{
    const struct ground_range *g = image->ground_range;

    for (size_t at = 0; at < n;) {
        size_t most = n - at < RUN ? n - at : RUN, length = 1, piece = ground_range_piece_at(g, t[at]);
        double from = piece > 0 ? g->pieces[piece].t0 : -INFINITY;
        double to = piece + 1 < g->n_pieces ? g->pieces[piece + 1].t0 : INFINITY;

        while (length < most && ((t[at + length] >= from && t[at + length] < to) || isnan(t[at + length])))
            length++;
        place_run(image, &g->pieces[piece], t + at, range + at, (int)length, lines + at, columns + at);
        at += length;
    }
}
