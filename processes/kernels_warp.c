/* Pixels between pixels. Positions are in pixels of the window, (0, 0) being the corner of the first one. What is
 * no-data or lies outside of the window takes no part, and the weights of the others are made to sum to one again; where
 * the pixel under a position is no-data, so is what is made. GDAL does it so. */
#include "processes/kernels.h"

enum { STRIP = 256 };
static const double least_weight = 1e-5; /* GDAL's: what is made of less is no-data */
static const double half = 0.5 - 1e-10;  /* of a pixel: GDAL rounds so */

/* The four pixels around each position, and how far it lies from the first of them. */
struct taps {
    int32_t at[4][STRIP]; /* in the window; -1: outside */
    double x[STRIP], y[STRIP];
    double values[4][STRIP];
};

static inline int32_t unless(int32_t at, int outside)
{
    return at | -outside;
}

/* Positions far away, and none, are moved to where all four pixels lie outside. */
KERNEL void place(struct taps *restrict t, const double *restrict x, const double *restrict y, int32_t width,
                  int32_t height, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        double px = x[i] > -1 ? x[i] - 0.5 : -2, py = y[i] > -1 ? y[i] - 0.5 : -2;

        px = px < width ? px : width;
        py = py < height ? py : height;
        t->x[i] = px - floor(px);
        t->y[i] = py - floor(py);
        t->at[0][i] = (int32_t)floor(px);
        t->at[1][i] = (int32_t)floor(py);
    }
}

/* From columns and rows to places in the window. */
KERNEL void index_taps(struct taps *t, int32_t width, int32_t height, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int32_t column = t->at[0][i], row = t->at[1][i], at = row * width + column;
        int left = (column < 0) | (column >= width), right = (column < -1) | (column >= width - 1);
        int top = (row < 0) | (row >= height), bottom = (row < -1) | (row >= height - 1);

        t->at[0][i] = unless(at, left | top);
        t->at[1][i] = unless(at + 1, right | top);
        t->at[2][i] = unless(at + width, left | bottom);
        t->at[3][i] = unless(at + width + 1, right | bottom);
    }
}

static inline int far_from(double part)
{
    return part >= half;
}

KERNEL void join_taps(double *restrict dst, const struct taps *restrict t, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        double a = t->values[0][i], b = t->values[1][i], c = t->values[2][i], d = t->values[3][i];
        double fx = t->x[i], fy = t->y[i];
        double wa = zero_where_double((1 - fx) * (1 - fy), a != a), wb = zero_where_double(fx * (1 - fy), b != b);
        double wc = zero_where_double((1 - fx) * fy, c != c), wd = zero_where_double(fx * fy, d != d);
        double near = pick_double(far_from(fy), pick_double(far_from(fx), d, c), pick_double(far_from(fx), b, a));
        double all = wa + wb + wc + wd;
        double sum = wa * zero_where_double(a, a != a) + wb * zero_where_double(b, b != b) +
                     wc * zero_where_double(c, c != c) + wd * zero_where_double(d, d != d);

        dst[i] = nan_where_double(sum / all, (near != near) | (all < least_weight));
    }
}

#define GATHER(name, type)                                                                                           \
    static void name(struct taps *t, const type *src, size_t n)                                                      \
    {                                                                                                                \
        for (size_t k = 0; k < 4; k++)                                                                               \
            for (size_t i = 0; i < n; i++)                                                                           \
                t->values[k][i] = t->at[k][i] < 0 ? (double)NAN : (double)src[t->at[k][i]];                          \
    }
GATHER(gather_floats, float)
GATHER(gather_doubles, double)

KERNEL void narrow(float *restrict dst, const double *restrict src, size_t n)
{
    for (size_t i = 0; i < n; i++)
        dst[i] = (float)src[i];
}

void bilinear_row(bool wide, void *restrict dst, const void *restrict src, size_t width, size_t height,
                  const double *restrict x, const double *restrict y, size_t n)
{
    struct taps taps;
    double made[STRIP];

    for (size_t at = 0, length; at < n; at += length) {
        length = n - at < STRIP ? n - at : STRIP;
        place(&taps, x + at, y + at, (int32_t)width, (int32_t)height, length);
        index_taps(&taps, (int32_t)width, (int32_t)height, length);
        (wide ? gather_doubles(&taps, src, length) : gather_floats(&taps, src, length));
        join_taps(made, &taps, length);
        if (wide)
            memcpy((double *)dst + at, made, length * sizeof *made);
        else
            narrow((float *)dst + at, made, length);
    }
}
