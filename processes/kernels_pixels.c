/* Work on tiles in their native pixel types: one instance of kernels_pixels.h for each. */
#include "processes/kernels.h"
#include <stdint.h>

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

KERNEL void add_weighted(double *restrict sums, const double *restrict row, double weight, size_t n)
{
    for (size_t i = 0; i < n; i++)
        sums[i] += weight * row[i];
}

void weigh_row(double *restrict sums, const double *restrict row, double weight, size_t n)
{
    if (weight != 0)
        add_weighted(sums, row, weight, n);
}
