/* Sums of weights along rows, then along columns. Where all pixels are there the weights are those of a cubic, which keeps
 * pictures crisp; beside gaps those of a triangle, whose weights are never negative, over the pixels that are there. */
#include "raster/scaling.h"
#include "base/mem.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What each pixel of a line is made of: weights[i * most .. ] of the pixels from first[i] on. */
struct taps {
    size_t from, to, most;
    size_t *first, *count;
    float *weights;
};

struct scaling {
    struct taps cubic[2], triangle[2]; /* across, down */
    float *values, *there;             /* the picture with gaps filled, and 1 where there is none */
    float *across, *sums, *shares;
};

static double cubic(double x)
{
    x = fabs(x);
    return x < 1 ? (1.5 * x - 2.5) * x * x + 1 : x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0;
}

static double triangle(double x)
{
    return fmax(0, 1 - fabs(x));
}

static void make_taps(struct taps *t, size_t from, size_t to, double (*kernel)(double), double reach)
{
    double step = (double)from / (double)to, wide = fmax(1, step);

    *t = (struct taps){ .from = from, .to = to, .most = (size_t)(2 * ceil(reach * wide)) + 2 };
    t->first = mem_array(to, sizeof *t->first);
    t->count = mem_array(to, sizeof *t->count);
    t->weights = mem_array(to * t->most, sizeof *t->weights);
    for (size_t i = 0; i < to; i++) {
        double centre = ((double)i + 0.5) * step, sum = 0;
        double begin = fmax(0, floor(centre - reach * wide)), end = fmin((double)from, ceil(centre + reach * wide));
        float *w = &t->weights[i * t->most];

        t->first[i] = (size_t)begin;
        t->count[i] = (size_t)(end - begin);
        for (size_t k = 0; k < t->count[i]; k++)
            sum += w[k] = (float)kernel((begin + (double)k + 0.5 - centre) / wide);
        for (size_t k = 0; k < t->count[i]; k++)
            w[k] = (float)(w[k] / sum);
    }
}

static void taps_done(struct taps *t)
{
    free(t->first);
    free(t->count);
    free(t->weights);
}

struct scaling *scaling_new(size_t from_width, size_t from_height, size_t width, size_t height)
{
    struct scaling *s = MEM_NEW(struct scaling);

    make_taps(&s->cubic[0], from_width, width, cubic, 2);
    make_taps(&s->cubic[1], from_height, height, cubic, 2);
    make_taps(&s->triangle[0], from_width, width, triangle, 1);
    make_taps(&s->triangle[1], from_height, height, triangle, 1);
    s->values = mem_array(from_width * from_height, sizeof *s->values);
    s->there = mem_array(from_width * from_height, sizeof *s->there);
    s->across = mem_array(width * from_height, sizeof *s->across);
    s->sums = mem_array(width * height, sizeof *s->sums);
    s->shares = mem_array(width * height, sizeof *s->shares);
    return s;
}

void scaling_free(struct scaling *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < 2; i++) {
        taps_done(&s->cubic[i]);
        taps_done(&s->triangle[i]);
    }
    free(s->values);
    free(s->there);
    free(s->across);
    free(s->sums);
    free(s->shares);
    free(s);
}

static void run_across(const struct taps *t, size_t rows, const float *from, float *to)
{
    for (size_t y = 0; y < rows; y++, from += t->from, to += t->to)
        for (size_t x = 0; x < t->to; x++) {
            const float *w = &t->weights[x * t->most], *in = from + t->first[x];
            float sum = 0;

            for (size_t k = 0; k < t->count[x]; k++)
                sum += w[k] * in[k];
            to[x] = sum;
        }
}

static void run_down(const struct taps *t, size_t width, const float *from, float *to)
{
    for (size_t y = 0; y < t->to; y++, to += width) {
        const float *w = &t->weights[y * t->most];

        memset(to, 0, width * sizeof *to);
        for (size_t k = 0; k < t->count[y]; k++) {
            const float *in = from + (t->first[y] + k) * width;

            for (size_t x = 0; x < width; x++)
                to[x] += w[k] * in[x];
        }
    }
}

static void run(struct scaling *s, const struct taps taps[2], const float *from, float *to)
{
    run_across(&taps[0], taps[1].from, from, s->across);
    run_down(&taps[1], taps[0].to, s->across, to);
}

/* Gaps get the mean of all others, which the cubic then sees beside them. Returns how many there are. */
static size_t fill_gaps(struct scaling *s, const float *from, size_t n)
{
    double sum = 0;
    size_t gaps = 0;

    for (size_t i = 0; i < n; i++) {
        bool gap = isnan(from[i]);

        gaps += gap;
        s->there[i] = gap ? 0 : 1;
        s->values[i] = gap ? 0 : from[i];
        sum += (double)s->values[i];
    }
    for (size_t i = 0; gaps && gaps < n && i < n; i++)
        if (s->there[i] == 0)
            s->values[i] = (float)(sum / (double)(n - gaps));
    return gaps;
}

void scaling_run(struct scaling *s, const float *from, float *to)
{
    size_t n = s->cubic[0].from * s->cubic[1].from, m = s->cubic[0].to * s->cubic[1].to;
    size_t gaps = fill_gaps(s, from, n);

    run(s, s->cubic, s->values, to);
    if (!gaps)
        return;
    run(s, s->triangle, s->there, s->shares);
    for (size_t i = 0; i < n; i++)
        s->values[i] *= s->there[i];
    run(s, s->triangle, s->values, s->sums);
    for (size_t i = 0; i < m; i++) {
        if (s->shares[i] < 0.5f)
            to[i] = NAN;
        else if (s->shares[i] < 0.9999f)
            to[i] = s->sums[i] / s->shares[i];
    }
}

void scaling_nearest(const struct scaling *s, const float *from, float *to)
{
    size_t from_width = s->cubic[0].from, from_height = s->cubic[1].from, width = s->cubic[0].to, height = s->cubic[1].to;

    for (size_t y = 0; y < height; y++) {
        const float *row = from + (2 * y + 1) * from_height / (2 * height) * from_width;

        for (size_t x = 0; x < width; x++)
            *to++ = row[(2 * x + 1) * from_width / (2 * width)];
    }
}
