/* Pixels without data weigh nothing, and what is left is divided by its weight: where all have some, that is 1. */
#include "sar/resample.h"
#include "processes/kernels.h"
#include "sar/radiometry.h"

enum { LANES = 16 };

static const char *const names[RESAMPLE_SAR_METHODS] = { "near", "bilinear", "cubic" };

const char *resample_method_name(enum resample_method method)
{
    return names[method];
}

bool resample_method_find(const char *name, enum resample_method *ret_method)
{
    for (int i = 0; i < RESAMPLE_SAR_METHODS; i++)
        if (!strcmp(names[i], name)) {
            *ret_method = i;
            return true;
        }
    return false;
}

/* Positions that are none read the window's first pixels, whose value is not taken. */
#define PLACE(i)                                                                                                       \
    bool there = columns[i] >= 0;                                                                                      \
    float x = there ? columns[i] : RESAMPLE_BORDER, y = there ? rows[i] : RESAMPLE_BORDER

KERNEL void nearest(const float *restrict power, int width, const float *restrict columns,
                    const float *restrict rows, int n, float *restrict values)
{
    float nan = NAN;

#pragma omp simd
    for (int i = 0; i < n; i++) {
        PLACE(i);
        float value = power[(int)(y + 0.5f) * width + (int)(x + 0.5f)];

        values[i] = (there & (value > 0)) ? value : nan;
    }
}

KERNEL void bilinear(const float *restrict power, int width, const float *restrict columns,
                     const float *restrict rows, int n, float *restrict values)
{
    float nan = NAN;

#pragma omp simd
    for (int i = 0; i < n; i++) {
        PLACE(i);
        int ix = (int)x, iy = (int)y, at = iy * width + ix;
        float fx = x - (float)ix, fy = y - (float)iy;
        float v0 = power[at], v1 = power[at + 1], v2 = power[at + width], v3 = power[at + width + 1];
        float w0 = (1 - fx) * (1 - fy), w1 = fx * (1 - fy), w2 = (1 - fx) * fy, w3 = fx * fy;
        float sum = w0 * v0 + w1 * v1 + w2 * v2 + w3 * v3, weight;

        w0 = v0 > 0 ? w0 : 0;
        w1 = v1 > 0 ? w1 : 0;
        w2 = v2 > 0 ? w2 : 0;
        w3 = v3 > 0 ? w3 : 0;
        weight = w0 + w1 + w2 + w3;
        values[i] = (there & (weight >= 0.5f)) ? sum / weight : nan;
    }
}

KERNEL void bicubic(const float *restrict power, int width, const float *restrict columns,
                    const float *restrict rows, int n, float *restrict values)
{
    float nan = NAN;

#pragma omp simd
    for (int i = 0; i < n; i++) {
        PLACE(i);
        int ix = (int)x, iy = (int)y, at = (iy - 1) * width + ix - 1;
        float f = x - (float)ix, g = y - (float)iy, sum = 0, weight = 0, value;
        float wx[4] = { f * (-0.5f + f * (1 - 0.5f * f)), 1 + f * f * (-2.5f + 1.5f * f),
                        f * (0.5f + f * (2 - 1.5f * f)), f * f * (-0.5f + 0.5f * f) };
        float wy[4] = { g * (-0.5f + g * (1 - 0.5f * g)), 1 + g * g * (-2.5f + 1.5f * g),
                        g * (0.5f + g * (2 - 1.5f * g)), g * g * (-0.5f + 0.5f * g) };

        for (int r = 0; r < 4; r++)
            for (int c = 0; c < 4; c++) {
                float v = power[at + r * width + c], w = wx[c] * wy[r];

                sum += w * v;
                weight += v > 0 ? w : 0;
            }
        value = sum / weight;
        value = value > SAR_LEAST_POWER ? value : SAR_LEAST_POWER;
        values[i] = (there & (weight >= 0.5f)) ? value : nan;
    }
}

void resample_row(const struct resample_window *w, enum resample_method method, const float *columns,
                  const float *rows, size_t n, float *values)
{
    switch (method) {
    case RESAMPLE_SAR_NEAREST: nearest(w->power, (int)w->width, columns, rows, (int)n, values); break;
    case RESAMPLE_SAR_BILINEAR: bilinear(w->power, (int)w->width, columns, rows, (int)n, values); break;
    default: bicubic(w->power, (int)w->width, columns, rows, (int)n, values); break;
    }
}

/* Each lane for itself, so that it is vector code. NaN is neither less nor more. */
KERNEL void extent(const float *restrict v, size_t n, float *restrict least, float *restrict most)
{
    float low[LANES], high[LANES];
    size_t i = 0;

    for (int k = 0; k < LANES; k++) {
        low[k] = *least;
        high[k] = *most;
    }
    for (; i + LANES <= n; i += LANES)
        for (int k = 0; k < LANES; k++) {
            low[k] = v[i + (size_t)k] < low[k] ? v[i + (size_t)k] : low[k];
            high[k] = v[i + (size_t)k] > high[k] ? v[i + (size_t)k] : high[k];
        }
    for (; i < n; i++) {
        low[0] = v[i] < low[0] ? v[i] : low[0];
        high[0] = v[i] > high[0] ? v[i] : high[0];
    }
    for (int k = 0; k < LANES; k++) {
        *least = low[k] < *least ? low[k] : *least;
        *most = high[k] > *most ? high[k] : *most;
    }
}

void resample_extent(const float *positions, size_t n, float *least, float *most)
{
    extent(positions, n, least, most);
}
