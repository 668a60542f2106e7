/* Windows are summed first down the columns, then along the row, in doubles and always in the same order: running
 * sums would need fewer additions, but carry their rounding along, so that a pixel would depend on where its block
 * began. For the windows in use (5 to 7 pixels) the difference is small beside reading the pixels. Frost's weights
 * depend on the statistics of each window, so it goes over all of its pixels, with a table of distances. */
#include "sar/speckle.h"
#include "base/mem.h"
#include <math.h>
#include <string.h>

static const float LEAST = 1e-7f;

static const char *const names[] = {
    [SPECKLE_NONE] = "none", [SPECKLE_LEE] = "lee", [SPECKLE_KUAN] = "kuan", [SPECKLE_FROST] = "frost",
    [SPECKLE_GAMMA_MAP] = "gammamap",
};

const char *speckle_name(enum speckle_kind kind)
{
    return names[kind];
}

bool speckle_find(const char *name, enum speckle_kind *ret_kind)
{
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (!strcmp(name, names[i])) {
            *ret_kind = (enum speckle_kind)i;
            return true;
        }
    return false;
}

static bool is_valid(float value)
{
    return value > 0; /* not NaN */
}

/* Of the columns of a band of rows: how many are valid, their sum and that of their squares. */
struct columns {
    double *counts, *sums, *squares;
};

struct window {
    double count, mean, variance;
};

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static void sum_columns(const struct speckle_part *part, size_t row, size_t radius, struct columns *c)
{
    size_t first = row > radius ? row - radius : 0, last = least(row + radius, part->height - 1);

    memset(c->counts, 0, part->width * sizeof *c->counts);
    memset(c->sums, 0, part->width * sizeof *c->sums);
    memset(c->squares, 0, part->width * sizeof *c->squares);
    for (size_t y = first; y <= last; y++) {
        const float *pixels = part->pixels + y * part->width;

        for (size_t x = 0; x < part->width; x++) {
            double value = is_valid(pixels[x]) ? pixels[x] : 0;

            c->counts[x] += value > 0 ? 1 : 0;
            c->sums[x] += value;
            c->squares[x] += value * value;
        }
    }
}

static struct window sum_window(const struct columns *c, size_t width, size_t x, size_t radius)
{
    size_t first = x > radius ? x - radius : 0, last = least(x + radius, width - 1);
    double count = 0, sum = 0, squares = 0;
    struct window w;

    for (size_t k = first; k <= last; k++) {
        count += c->counts[k];
        sum += c->sums[k];
        squares += c->squares[k];
    }
    w = (struct window){ .count = count, .mean = sum / count };
    w.variance = count > 1 ? fmax((squares - sum * w.mean) / (count - 1), 0) : 0; /* as of a sample */
    return w;
}

/* ---- the filters: the value of a pixel x in a window ---- */

static double lee(const struct speckle_filter *f, const struct window *w, double x)
{
    double weight = w->variance > 0 ? 1 - w->mean * w->mean / (f->looks * w->variance) : 0;

    return w->mean + fmax(weight, 0) * (x - w->mean);
}

static double kuan(const struct speckle_filter *f, const struct window *w, double x)
{
    double speckle = 1 / f->looks;
    double weight = w->variance > 0 ? (1 - speckle * w->mean * w->mean / w->variance) / (1 + speckle) : 0;

    return w->mean + fmax(weight, 0) * (x - w->mean);
}

/* The most probable backscatter where it and the speckle have gamma distributions. A window no rougher than speckle is
 * its mean; one more than sqrt(2) times as rough holds a target, which stays. */
static double gamma_map(const struct speckle_filter *f, const struct window *w, double x)
{
    double speckle = 1 / f->looks, rough = w->variance / (w->mean * w->mean), alpha, half;

    if (rough <= speckle)
        return w->mean;
    if (rough >= 2 * speckle)
        return x;
    alpha = (1 + speckle) / (rough - speckle);
    half = (alpha - f->looks - 1) * w->mean;
    return (half + sqrt(half * half + 4 * alpha * f->looks * w->mean * x)) / (2 * alpha);
}

/* Weights that fall with the distance, the faster the rougher the window is. distances: of (2 radius + 1) squared places. */
static double frost(const struct speckle_filter *f, const struct window *w, const struct speckle_part *part, size_t x, size_t y,
                    const double *distances)
{
    size_t radius = (size_t)f->radius, side = 2 * radius + 1;
    double fall = f->damping * w->variance / (w->mean * w->mean), sum = 0, weights = 0;

    for (size_t k = 0; k < side * side; k++) {
        size_t row = y + k / side, column = x + k % side; /* one radius too far */
        float value;
        double weight;

        if (row < radius || column < radius || row - radius >= part->height || column - radius >= part->width)
            continue;
        value = part->pixels[(row - radius) * part->width + column - radius];
        if (!is_valid(value))
            continue;
        weight = exp(-fall * distances[k]);
        sum += weight * value;
        weights += weight;
    }
    return sum / weights;
}

static double *make_distances(int radius)
{
    int side = 2 * radius + 1;
    double *distances = mem_array((size_t)side * (size_t)side, sizeof *distances);

    for (int k = 0; k < side * side; k++)
        distances[k] = hypot(k / side - radius, k % side - radius);
    return distances;
}

static double filtered(const struct speckle_filter *f, const struct window *w, const struct speckle_part *part, size_t x, size_t y,
                       const double *distances)
{
    double value = part->pixels[y * part->width + x];

    switch (f->kind) {
    case SPECKLE_LEE:
        return lee(f, w, value);
    case SPECKLE_KUAN:
        return kuan(f, w, value);
    case SPECKLE_GAMMA_MAP:
        return gamma_map(f, w, value);
    case SPECKLE_FROST:
        return frost(f, w, part, x, y, distances);
    case SPECKLE_NONE:
        break;
    }
    return value;
}

void speckle_run(const struct speckle_filter *filter, const struct speckle_part *part, float *ret)
{
    AUTO(mem) double *distances = filter->kind == SPECKLE_FROST ? make_distances(filter->radius) : NULL;
    AUTO(mem) double *counts = mem_array(part->width, sizeof *counts), *sums = mem_array(part->width, sizeof *sums);
    AUTO(mem) double *squares = mem_array(part->width, sizeof *squares);
    struct columns c = { counts, sums, squares };

    for (size_t row = 0; row < part->ret_height; row++) {
        size_t y = part->top + row;

        sum_columns(part, y, (size_t)filter->radius, &c);
        for (size_t column = 0; column < part->ret_width; column++, ret++) {
            size_t x = part->left + column;
            float here = part->pixels[y * part->width + x];

            *ret = here;
            if (is_valid(here)) {
                struct window w = sum_window(&c, part->width, x, (size_t)filter->radius);

                *ret = (float)fmax(filtered(filter, &w, part, x, y, distances), LEAST);
            }
        }
    }
}
