/* Work on tiles in their native pixel types: one instance of kernels_pixels.h for each. */
#include "processes/kernels.h"
#include <stdint.h>

enum {
    SUM_LANES = 16, /* their order is fixed, and additions do not wait for each other */
    TAPS = 4,       /* of kernels, at once */
};

/* TIFF's predictor undone for the pixels of a row, as far as whole vectors go; returns how many. To each lane the one before it is
 * added, then the sums two, four and eight lanes before it, then all vectors before. */
typedef uint8_t bytes16 __attribute__((vector_size(16)));
typedef uint16_t words8 __attribute__((vector_size(16)));

KERNEL size_t add_up_8(uint8_t *pixels, size_t n)
{
    const bytes16 none = { 0 };
    bytes16 before = { 0 }, v;

    for (size_t x = 0; x < n / 16 * 16; x += 16) {
        memcpy(&v, pixels + x, sizeof v);
        v += __builtin_shufflevector(v, none, 16, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14);
        v += __builtin_shufflevector(v, none, 16, 16, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13);
        v += __builtin_shufflevector(v, none, 16, 16, 16, 16, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11);
        v += __builtin_shufflevector(v, none, 16, 16, 16, 16, 16, 16, 16, 16, 0, 1, 2, 3, 4, 5, 6, 7);
        v += before;
        before = __builtin_shufflevector(v, v, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15);
        memcpy(pixels + x, &v, sizeof v);
    }
    return n / 16 * 16;
}

KERNEL size_t add_up_16(uint16_t *pixels, size_t n)
{
    const words8 none = { 0 };
    words8 before = { 0 }, v;

    for (size_t x = 0; x < n / 8 * 8; x += 8) {
        memcpy(&v, pixels + x, sizeof v);
        v += __builtin_shufflevector(v, none, 8, 0, 1, 2, 3, 4, 5, 6);
        v += __builtin_shufflevector(v, none, 8, 8, 0, 1, 2, 3, 4, 5);
        v += __builtin_shufflevector(v, none, 8, 8, 8, 8, 0, 1, 2, 3);
        v += before;
        before = __builtin_shufflevector(v, v, 7, 7, 7, 7, 7, 7, 7, 7);
        memcpy(pixels + x, &v, sizeof v);
    }
    return n / 8 * 8;
}

#define ADD_UP(pixels, n) add_up_8(pixels, n)
#define V uint8_t
#define V_MIN (0)
#define V_MAX (UINT8_MAX)
#define C float
#define C_FLOOR(x) floorf(x)
#define C_ZERO(x, zero) zero_where_float(x, zero)
#define WIDE int32_t
#define BITS uint8_t
#define REAL 0
#define NAME(x) x##_u8
#include "processes/kernels_pixels.h"

#define V int8_t
#define V_MIN (INT8_MIN)
#define V_MAX (INT8_MAX)
#define C float
#define C_FLOOR(x) floorf(x)
#define C_ZERO(x, zero) zero_where_float(x, zero)
#define WIDE int32_t
#define BITS uint8_t
#define REAL 0
#define NAME(x) x##_i8
#include "processes/kernels_pixels.h"

#undef ADD_UP
#define ADD_UP(pixels, n) add_up_16(pixels, n)
#define V uint16_t
#define V_MIN (0)
#define V_MAX (UINT16_MAX)
#define C float
#define C_FLOOR(x) floorf(x)
#define C_ZERO(x, zero) zero_where_float(x, zero)
#define WIDE int32_t
#define BITS uint16_t
#define REAL 0
#define NAME(x) x##_u16
#include "processes/kernels_pixels.h"

#define V int16_t
#define V_MIN (INT16_MIN)
#define V_MAX (INT16_MAX)
#define C float
#define C_FLOOR(x) floorf(x)
#define C_ZERO(x, zero) zero_where_float(x, zero)
#define WIDE int32_t
#define BITS uint16_t
#define REAL 0
#define NAME(x) x##_i16
#include "processes/kernels_pixels.h"

#undef ADD_UP
#define ADD_UP(pixels, n) 0 /* rare */
#define V uint32_t
#define V_MIN (0)
#define V_MAX (UINT32_MAX)
#define C double
#define C_FLOOR(x) floor(x)
#define C_ZERO(x, zero) zero_where_double(x, zero)
#define WIDE int64_t
#define BITS uint32_t
#define REAL 0
#define NAME(x) x##_u32
#include "processes/kernels_pixels.h"

#define V int32_t
#define V_MIN (INT32_MIN)
#define V_MAX (INT32_MAX)
#define C double
#define C_FLOOR(x) floor(x)
#define C_ZERO(x, zero) zero_where_double(x, zero)
#define WIDE int64_t
#define BITS uint32_t
#define REAL 0
#define NAME(x) x##_i32
#include "processes/kernels_pixels.h"

#define V float
#define V_MIN (-(float)INFINITY)
#define V_MAX ((float)INFINITY)
#define C float
#define C_FLOOR(x) floorf(x)
#define C_ZERO(x, zero) zero_where_float(x, zero)
#define WIDE int32_t
#define BITS uint32_t
#define REAL 1
#define NAME(x) x##_f32
#include "processes/kernels_pixels.h"

#define V double
#define V_MIN (-(double)INFINITY)
#define V_MAX ((double)INFINITY)
#define C double
#define C_FLOOR(x) floor(x)
#define C_ZERO(x, zero) zero_where_double(x, zero)
#define WIDE int64_t
#define BITS uint64_t
#define REAL 1
#define NAME(x) x##_f64
#include "processes/kernels_pixels.h"

const struct pixel_table *const pixel_tables[PIXEL_TYPES] = {
    [PIXEL_U8] = &table_u8,
    [PIXEL_I8] = &table_i8,
    [PIXEL_U16] = &table_u16,
    [PIXEL_I16] = &table_i16,
    [PIXEL_U32] = &table_u32,
    [PIXEL_I32] = &table_i32,
    [PIXEL_F32] = &table_f32,
    [PIXEL_F64] = &table_f64,
    [PIXEL_BOOL] = &table_u8,
};

KERNEL void add_valid_doubles(double *restrict sums, int64_t *restrict seen, const double *restrict x, size_t rounds)
{
    for (size_t r = 0; r < rounds; r++, x += SUM_LANES)
        for (int j = 0; j < SUM_LANES; j++) {
            int null = x[j] != x[j];

            sums[j] += zero_where_double(x[j], null);
            seen[j] += !null;
        }
}

double sum_of_valid(const double *x, size_t n, size_t *ret_seen)
{
    double sums[SUM_LANES] = { 0 }, sum = 0;
    int64_t seen[SUM_LANES] = { 0 };
    size_t rounds = n / SUM_LANES;

    add_valid_doubles(sums, seen, x, rounds);
    for (size_t i = rounds * SUM_LANES; i < n; i++) {
        sums[i % SUM_LANES] += x[i] == x[i] ? x[i] : 0;
        seen[i % SUM_LANES] += x[i] == x[i];
    }
    *ret_seen = 0;
    for (int j = 0; j < SUM_LANES; j++) {
        sum += sums[j];
        *ret_seen += (size_t)seen[j];
    }
    return sum;
}

/* Sums are loaded and stored once for TAPS taps. Whoever adds them in a loop of its own has gcc turn both loops around, and
 * calculate number by number. */
#define WEIGH(name, T)                                                                             \
    KERNEL void JOIN(name, _four)(T *restrict sums, const void *const *taps, const double *weights, size_t n) \
    {                                                                                              \
        const T *restrict a = taps[0], *restrict b = taps[1], *restrict c = taps[2], *restrict d = taps[3]; \
        T u = (T)weights[0], v = (T)weights[1], w = (T)weights[2], z = (T)weights[3];              \
                                                                                                   \
        for (size_t x = 0; x < n; x++)                                                             \
            sums[x] = sums[x] + u * a[x] + v * b[x] + w * c[x] + z * d[x];                         \
    }                                                                                              \
    KERNEL void JOIN(name, _one)(T *restrict sums, const T *restrict tap, double weight, size_t n) \
    {                                                                                              \
        T w = (T)weight;                                                                           \
                                                                                                   \
        for (size_t x = 0; x < n; x++)                                                             \
            sums[x] += w * tap[x];                                                                 \
    }                                                                                              \
    static void name(T *sums, const void *const *taps, const double *weights, size_t n_taps, size_t n) \
    {                                                                                              \
        size_t t = 0;                                                                              \
                                                                                                   \
        memset(sums, 0, n * sizeof *sums);                                                         \
        for (; t + TAPS <= n_taps; t += TAPS)                                                      \
            JOIN(name, _four)(sums, taps + t, weights + t, n);                                     \
        for (; t < n_taps; t++)                                                                    \
            JOIN(name, _one)(sums, taps[t], weights[t], n);                                        \
    }
WEIGH(weigh_floats, float)
WEIGH(weigh_doubles, double)
#undef WEIGH

void weigh_taps(bool wide, void *restrict sums, const void *const *taps, const double *weights, size_t n_taps, size_t n)
{
    if (wide)
        weigh_doubles(sums, taps, weights, n_taps, n);
    else
        weigh_floats(sums, taps, weights, n_taps, n);
}
