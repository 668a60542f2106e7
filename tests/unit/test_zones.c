/* Which pixels belong to geometries, in any window; and statistics that no split changes. */
#include "base/mem.h"
#include "raster/rasterize.h"
#include "raster/zone_states.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { SIDE = 8 };
static const struct grid grid = { 32633, 0, SIDE, 1, 1, SIDE, SIDE }; /* centres at halves, y upwards */

static const struct row {
    enum geometry_kind kind;
    size_t n; /* of x, y */
    double x[10], y[10];
    size_t n_rings, lengths[3];
    bool outer[3];
    const char *pixels[SIDE]; /* from the top */
} rows[] = {
    /* edges and corners through centres belong to it */
    { GEOMETRY_POLYGONS, 5, { 1.5, 4.5, 4.5, 1.5, 1.5 }, { 2.5, 2.5, 5.5, 5.5, 2.5 }, 1, { 5 }, { true },
      { "........", "........", ".####...", ".####...", ".####...", ".####...", "........", "........" } },
    /* a diamond whose corners are centres */
    { GEOMETRY_POLYGONS, 5, { 3.5, 5.5, 3.5, 1.5, 3.5 }, { 5.5, 3.5, 1.5, 3.5, 5.5 }, 1, { 5 }, { true },
      { "........", "........", "...#....", "..###...", ".#####..", "..###...", "...#....", "........" } },
    /* the edge of a hole belongs to the polygon, what is in it not */
    { GEOMETRY_POLYGONS, 10, { 0, 7, 7, 0, 0, 1.5, 4.5, 4.5, 1.5, 1.5 },
      { 0, 0, 7, 7, 0, 1.5, 1.5, 4.5, 4.5, 1.5 }, 2, { 5, 5 }, { true, false },
      { "........", "#######.", "#######.", "#######.", "##..###.", "##..###.", "#######.", "#######." } },
    /* the same ring as a part of its own: parts are united */
    { GEOMETRY_POLYGONS, 10, { 0, 7, 7, 0, 0, 1.5, 4.5, 4.5, 1.5, 1.5 },
      { 0, 0, 7, 7, 0, 1.5, 1.5, 4.5, 4.5, 1.5 }, 2, { 5, 5 }, { true, true },
      { "........", "#######.", "#######.", "#######.", "#######.", "#######.", "#######.", "#######." } },
    { GEOMETRY_POLYGONS, 5, { 1.6, 2.4, 2.4, 1.6, 1.6 }, { 1.6, 1.6, 2.4, 2.4, 1.6 }, 1, { 5 }, { true },
      { "........", "........", "........", "........", "........", "........", "........", "........" } },
    { GEOMETRY_POINTS, 3, { 1.2, 6.9, 9 }, { 1.2, 7.9, 9 }, 1, { 3 }, { false },
      { "......#.", "........", "........", "........", "........", "........", ".#......", "........" } },
    { GEOMETRY_LINES, 3, { 0.2, 3.2, 3.2 }, { 0.5, 2.0, 4.5 }, 1, { 3 }, { false },
      { "........", "........", "........", "...#....", "...#....", "...#....", ".###....", "##......" } },
    { GEOMETRY_LINES, 2, { -5, 20 }, { 3.3, 3.3 }, 1, { 2 }, { false },
      { "........", "........", "........", "........", "########", "........", "........", "........" } },
};

static struct geometry geometry_of(const struct row *row, struct ring *rings)
{
    struct geometry g = { .kind = row->kind, .multi = true, .n_rings = row->n_rings, .rings = rings };
    size_t at = 0;

    for (size_t i = 0; i < row->n_rings; i++) {
        rings[i] = (struct ring){ row->lengths[i], (double *)row->x + at, (double *)row->y + at,
                                  row->outer[i] };
        at += row->lengths[i];
    }
    return g;
}

static void pixels_of_geometries(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct ring rings[3];
        struct geometry g = geometry_of(&rows[i], rings);
        struct geometries all = { .count = 1, .list = &g };

        for (size_t window = 0; window < 4; window++) { /* whole, and parts of it */
            struct window_rect w = { (int64_t)(window % 2) * 3, (int64_t)(window / 2) * 3, 0, 0 };
            uint8_t mask[SIDE * SIDE];

            w.width = SIDE - (size_t)w.x;
            w.height = SIDE - (size_t)w.y;
            rasterize_mask(&all, &grid, &w, mask);
            for (size_t y = 0; y < w.height; y++)
                for (size_t x = 0; x < w.width; x++)
                    if (mask[y * w.width + x] !=
                        (rows[i].pixels[y + (size_t)w.y][x + (size_t)w.x] == '#'))
                        fail_msg("row %zu, window %zu: pixel %zu, %zu is %d", i, window,
                                 x + (size_t)w.x, y + (size_t)w.y, mask[y * w.width + x]);
        }
    }
}

static double next_random(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005ull + 1442695040888963407ull;
    return (double)(*seed >> 40);
}

static bool near(double a, double b)
{
    return (isnan(a) && isnan(b)) || fabs(a - b) <= 1e-12 * fmax(fabs(a), fabs(b));
}

/* Cut in strips at any places, the statistics are those of the whole. */
static void splits_change_nothing(void **state)
{
    enum { N = 57 };
    uint64_t seed = 1;

    (void)state;
    for (size_t round = 0; round < 500; round++) {
        double x[N], weights[N], *w = round % 5 ? NULL : weights;
        size_t n = round % N, cut = n ? (size_t)next_random(&seed) % (n + 1) : 0;

        for (size_t i = 0; i < n; i++)
            x[i] = round % 3 == 0 && i % 4 == 1 ? NAN : fmod(next_random(&seed), round % 2 ? 3 : 999);
        for (size_t i = 0; i < n; i++)
            weights[i] = (1 + fmod(next_random(&seed), 8)) / 8;
        for (int op = ZONE_SUM; op < ZONE_QUANTILE; op++) {
            for (int keep = 0; keep < 2; keep++) {
                struct zone_reduction r = { .op = (enum zone_op)op, .keep_nodata = keep };
                struct zone_state whole = zone_state_of(&r, x, w, n), joined = zone_state_of(&r, x, w, cut);
                struct zone_state rest = zone_state_of(&r, x + cut, w ? w + cut : NULL, n - cut);
                struct zone_state all = { 0 };

                zone_state_join(&r, &all, &joined);
                zone_state_join(&r, &all, &rest);
                if (n > 0 && !near(zone_state_finish(&r, &whole), zone_state_finish(&r, &all)))
                    fail_msg("round %zu, statistic %d, keep %d: %.17g, cut at %zu of %zu %.17g", round,
                             op, keep, zone_state_finish(&r, &whole), cut, n,
                             zone_state_finish(&r, &all));
            }
        }
    }
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void quantiles_of_sorted(void **state)
{
    static const double probabilities[] = { 0, 0.1, 0.25, 0.5, 0.77, 1 };
    enum { N = 40 };
    uint64_t seed = 7;

    (void)state;
    assert_true(isnan(zone_quantile(NULL, 0, 0.5)));
    for (size_t round = 0; round < 2000; round++) {
        double x[N], sorted[N], p = probabilities[round % ARRAY_LEN(probabilities)], at, want;
        size_t n = 1 + round % N, k;

        for (size_t i = 0; i < n; i++)
            sorted[i] = x[i] = fmod(next_random(&seed), round % 3 ? 5 : 1000);
        qsort(sorted, n, sizeof *sorted, ascending);
        at = (double)(n - 1) * p;
        k = (size_t)at;
        want = at == floor(at) ? sorted[k]
                               : sorted[k] * (1 - (at - floor(at))) + sorted[k + 1] * (at - floor(at));
        if (!near(zone_quantile(x, n, p), want))
            fail_msg("round %zu: quantile %g of %zu", round, p, n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pixels_of_geometries),
        cmocka_unit_test(splits_change_nothing),
        cmocka_unit_test(quantiles_of_sorted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
