/* A facet is the ground between four samples. Its area (that across the line of sight, or all of what is seen at all) lies in the image evenly between its near
 * and its far edge, whatever their distance: little of a pixel on slopes that face the radar, several pixels on those that
 * are turned away. What folds onto the same pixels adds up by itself. Along a row it is seen as far as its angle at the
 * satellite exceeds all before it; the rest lies in shadow. What lies outside the image is cut off before anything is added,
 * so no slope, however absurd, costs more than the image is wide. */
#include "sar/facets.h"
#include "processes/kernels.h"

static const float earth_radius = 6.371e6f;

/* Per facet: its area; its line; per sample: its column, and what grows with the angle at the satellite. */
KERNEL void middles(const struct facet_pair *pair, const struct facet_sums *to, float *restrict area, float *restrict line,
                    float *restrict column, float *restrict look)
{
    const float *restrict h0 = pair->here.heights, *restrict h1 = pair->next.heights;
    const float *restrict c0 = pair->here.columns, *restrict c1 = pair->next.columns;
    const float *restrict l0 = pair->here.lines, *restrict l1 = pair->next.lines;
    const float *restrict sx = pair->here.sight_x, *restrict sy = pair->here.sight_y, *restrict su = pair->here.sight_up;
    const float *restrict scale = pair->here.scale;
    float to_line = to->line + 0.5f, to_column = to->column + 0.5f, per_metre = 1 / pair->apart;
    int n = pair->samples;
    int surface = pair->area == FLATTEN_SIGMA0;

#pragma omp simd
    for (int i = 0; i < n; i++) {
        float height = (h0[i] + h1[i]) / 2;

        column[i] = (c0[i] + c1[i]) / 2 + to_column;
        look[i] = (earth_radius + height) * sqrtf(1 - su[i] * su[i]) - earth_radius * 0.6f;
    }
#pragma omp simd
    for (int i = 0; i < n - 1; i++) {
        float rise = (h0[i + 1] - h0[i] + h1[i + 1] - h1[i]) / 2, rise_on = (h1[i] - h0[i] + h1[i + 1] - h0[i + 1]) / 2;
        float across = scale[i] * (1 + h0[i] / earth_radius), lean = across * rise_on * per_metre;
        float facing = across * su[i] - rise * sx[i] - lean * sy[i], whole = sqrtf(across * across + rise * rise + lean * lean);

        area[i] = surface && facing > 0 ? whole : facing;
        line[i] = (l0[i] + l0[i + 1] + l1[i] + l1[i + 1]) / 4 + to_line;
    }
}

/* An amount that lies evenly between two places of a row, whose pixels begin at whole numbers. */
static inline void spread(float *restrict row, int width, float from, float to, float amount)
{
    float density = amount / (to - from);
    int first, last;

    if (!(to > 0 && from < (float)width))
        return;
    first = from > 0 ? (int)from : 0;
    last = to < (float)width ? (int)to : width - 1;
    if (first == last && from >= 0 && to <= (float)width) {
        row[first] += amount;
        return;
    }
    for (int k = first; k <= last; k++) {
        float begin = from > (float)k ? from : (float)k, end = to < (float)(k + 1) ? to : (float)(k + 1);

        row[k] += density * (end - begin);
    }
}

/* Over one line of the image, or the two that the facet touches. */
static inline void put(const struct facet_sums *to, float line, float part, float from, float until, float amount)
{
    float top = line - part / 2, bottom = line + part / 2, upper;
    int y;

    if (!(top > -1 && top < (float)to->height))
        return;
    y = (int)(top + 1) - 1;
    upper = (bottom <= (float)(y + 1) ? 1 : ((float)(y + 1) - top) / part) * amount;
    if (y >= 0)
        spread(to->areas + (size_t)y * (size_t)to->width, to->width, from, until, upper);
    if (y + 1 < to->height && bottom > (float)(y + 1))
        spread(to->areas + (size_t)(y + 1) * (size_t)to->width, to->width, from, until, amount - upper);
}

void facets_add(const struct facet_pair *pair, const struct facet_sums *to)
{
    size_t n = (size_t)pair->samples;
    float *area = pair->room, *line = area + n, *column = line + n, *look = column + n, widest = -INFINITY;

    middles(pair, to, area, line, column, look);
    for (size_t i = 0; i + 1 < n; i++) {
        float before = widest, seen, near, far;

        if (!(look[i + 1] > before))
            continue;
        widest = look[i + 1];
        seen = look[i] >= before || before == -INFINITY ? 1 : (look[i + 1] - before) / (look[i + 1] - look[i]);
        near = column[i] < column[i + 1] ? column[i] : column[i + 1];
        far = column[i] < column[i + 1] ? column[i + 1] : column[i];
        if (area[i] > 0)
            put(to, line[i], pair->part, near, far, area[i] * seen * pair->part);
    }
}
