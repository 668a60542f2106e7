/* Pixels of a plane to lanes of type T and back. Included after kernels_lanes.h.
 *
 * Rounding adds and takes away 1.5 * 2^23 (2^52 for doubles): half to even without a call, also
 * where the processor has no rounding instruction. It is done after clamping, so it is exact. */

#define LOAD_INTEGER(name, type)                                                                   \
    KERNEL void name##_gaps(T *restrict dst, const type *restrict src, type nodata, size_t n)      \
    {                                                                                              \
        for (size_t i = 0; i < n; i++)                                                             \
            dst[i] = NULL_AT((T)src[i], src[i] == nodata);                                         \
    }                                                                                              \
    KERNEL void name##_full(T *restrict dst, const type *restrict src, size_t n)                   \
    {                                                                                              \
        for (size_t i = 0; i < n; i++)                                                             \
            dst[i] = (T)src[i];                                                                    \
    }                                                                                              \
    static void name(void *restrict dst, const void *restrict src, double nodata,                  \
                     bool has_nodata, size_t n)                                                    \
    {                                                                                              \
        if (has_nodata && nodata >= MIN_OF(type) && nodata <= MAX_OF(type) &&                      \
            nodata == floor(nodata))                                                               \
            name##_gaps(dst, src, (type)nodata, n);                                                \
        else                                                                                       \
            name##_full(dst, src, n);                                                              \
    }
#define MIN_OF(type) ((type)-1 > 0 ? 0.0 : -(double)(1ull << (8 * sizeof(type) - 1)))
#define MAX_OF(type)                                                                               \
    ((type)-1 > 0 ? (double)(type)-1 : (double)((1ull << (8 * sizeof(type) - 1)) - 1))

LOAD_INTEGER(load_u8, uint8_t)
LOAD_INTEGER(load_i8, int8_t)
LOAD_INTEGER(load_u16, uint16_t)
LOAD_INTEGER(load_i16, int16_t)
LOAD_INTEGER(load_u32, uint32_t)
LOAD_INTEGER(load_i32, int32_t)

#define LOAD_REAL(name, type)                                                                      \
    KERNEL void name##_gaps(T *restrict dst, const type *restrict src, type nodata, size_t n)      \
    {                                                                                              \
        for (size_t i = 0; i < n; i++)                                                             \
            dst[i] = NULL_AT((T)src[i], src[i] == nodata);                                         \
    }                                                                                              \
    KERNEL void name##_full(T *restrict dst, const type *restrict src, size_t n)                   \
    {                                                                                              \
        for (size_t i = 0; i < n; i++)                                                             \
            dst[i] = (T)src[i];                                                                    \
    }                                                                                              \
    static void name(void *restrict dst, const void *restrict src, double nodata,                  \
                     bool has_nodata, size_t n)                                                    \
    {                                                                                              \
        if (has_nodata && !isnan(nodata))                                                          \
            name##_gaps(dst, src, (type)nodata, n);                                                \
        else                                                                                       \
            name##_full(dst, src, n);                                                              \
    }
LOAD_REAL(load_f32, float)
LOAD_REAL(load_f64, double)

static void load_bool(void *restrict dst, const void *restrict src, double nodata, bool has_nodata,
                      size_t n)
{
    (void)nodata, (void)has_nodata;
    load_u8_gaps(dst, src, 255, n);
}

/* R is the type to round in: exact for all of `type`. */
#define STORE_INTEGER(name, type, R)                                                               \
    KERNEL void name##_kernel(type *restrict dst, const T *restrict src, R low, R high, R magic,   \
                              type nodata, size_t n)                                               \
    {                                                                                              \
        for (size_t i = 0; i < n; i++) {                                                           \
            R x = (R)src[i];                                                                       \
            int null = x != x;                                                                     \
            R least = x > low ? x : low;                                                           \
            R most = least < high ? least : high;                                                  \
            type whole = (type)(WHOLE(type))((most + magic) - magic);                           \
            type mask = (type)-null;                                                               \
                                                                                                   \
            dst[i] = (type)((whole & (type)~mask) | (nodata & mask));                              \
        }                                                                                          \
    }                                                                                              \
    static void name(void *restrict dst, const void *restrict src, double nodata,                  \
                     bool has_nodata, size_t n)                                                    \
    {                                                                                              \
        bool fits = has_nodata && nodata >= MIN_OF(type) && nodata <= MAX_OF(type);                \
                                                                                                   \
        name##_kernel(dst, src, (R)MIN_OF(type), (R)MAX_OF(type), MAGIC(R),                        \
                      fits ? (type)nodata : 0, n);                                                 \
    }
#define MAGIC(R) (sizeof(R) == sizeof(float) ? (R)12582912.0 : (R)6755399441055744.0)
#define WHOLE(type) JOIN(WHOLE_, type) /* an integer that holds all of `type` and converts fast */
#define WHOLE_uint8_t int32_t
#define WHOLE_int8_t int32_t
#define WHOLE_uint16_t int32_t
#define WHOLE_int16_t int32_t
#define WHOLE_uint32_t int64_t
#define WHOLE_int32_t int32_t

STORE_INTEGER(store_u8, uint8_t, T)
STORE_INTEGER(store_i8, int8_t, T)
STORE_INTEGER(store_u16, uint16_t, T)
STORE_INTEGER(store_i16, int16_t, T)
STORE_INTEGER(store_u32, uint32_t, double)
STORE_INTEGER(store_i32, int32_t, double)

#define STORE_REAL(name, type)                                                                     \
    KERNEL void name##_kernel(type *restrict dst, const T *restrict src, type nodata, size_t n)    \
    {                                                                                              \
        for (size_t i = 0; i < n; i++) {                                                           \
            type x = (type)src[i];                                                                 \
                                                                                                   \
            dst[i] = x != x ? nodata : x;                                                          \
        }                                                                                          \
    }                                                                                              \
    static void name(void *restrict dst, const void *restrict src, double nodata,                  \
                     bool has_nodata, size_t n)                                                    \
    {                                                                                              \
        name##_kernel(dst, src, has_nodata ? (type)nodata : (type)NAN, n);                         \
    }
STORE_REAL(store_f32, float)
STORE_REAL(store_f64, double)

static void store_bool(void *restrict dst, const void *restrict src, double nodata,
                       bool has_nodata, size_t n)
{
    (void)nodata, (void)has_nodata;
    store_u8(dst, src, 255, true, n);
}
