/* Operators of one, two and three registers for lanes of type T (float or double); included once for
 * each. LIBM(sqrt) is sqrtf or sqrt, OF(x) is x_float or x_double. The semantics are those of the
 * openEO process of the same name. */

#define OPERATOR(name, expression)                                                                 \
    KERNEL void name(void *restrict dst_, const void *restrict a_, const void *restrict b_,        \
                     const void *restrict c_, size_t n)                                            \
    {                                                                                              \
        T *restrict dst = dst_;                                                                    \
        const T *restrict a = a_;                                                                  \
        const T *restrict b = b_;                                                                  \
        const T *restrict c = c_;                                                                  \
                                                                                                   \
        (void)b, (void)c;                                                                          \
        for (size_t i = 0; i < n; i++)                                                             \
            dst[i] = (expression);                                                                 \
    }

#define NULL_AT(x, null) OF(nan_where)(x, null)
#define IS_NULL(x) ((x) != (x))
#define EITHER_NULL (IS_NULL(a[i]) | IS_NULL(b[i]))

static inline T sign_of_divisor_mod(T x, T y)
{
    T rest = LIBM(fmod)(x, y);

    if (y == 0)
        return x > 0 ? (T)INFINITY : x < 0 ? -(T)INFINITY : (T)NAN;
    return rest != 0 && (rest < 0) != (y < 0) ? rest + y : rest;
}

/* To p decimals. Scaling by 10^|p| is exact where it matters; negative p divides, since multiplying
 * by 0.01 would round twice. */
static inline T round_to_decimals(T x, T p)
{
    double scale, rounded;

    if (IS_NULL(x) || IS_NULL(p))
        return (T)NAN;
    scale = pow(10, fabs((double)p));
    rounded = p >= 0 ? nearbyint((double)x * scale) / scale : nearbyint((double)x / scale) * scale;
    return isfinite(rounded) ? (T)rounded : x;
}

OPERATOR(op_copy, a[i])
OPERATOR(op_absolute, LIBM(fabs)(a[i]))
OPERATOR(op_negate, -a[i])
OPERATOR(op_sqrt, LIBM(sqrt)(a[i]))
OPERATOR(op_exp, LIBM(exp)(a[i]))
OPERATOR(op_ln, LIBM(log)(a[i]))
OPERATOR(op_log2, LIBM(log2)(a[i]))
OPERATOR(op_log10, LIBM(log10)(a[i]))
OPERATOR(op_ceil, LIBM(ceil)(a[i]))
OPERATOR(op_floor, LIBM(floor)(a[i]))
OPERATOR(op_int, LIBM(trunc)(a[i]))
OPERATOR(op_round, LIBM(nearbyint)(a[i]))
OPERATOR(op_sgn, NULL_AT((T)((a[i] > 0) - (a[i] < 0)), IS_NULL(a[i])))
OPERATOR(op_sin, LIBM(sin)(a[i]))
OPERATOR(op_cos, LIBM(cos)(a[i]))
OPERATOR(op_tan, LIBM(tan)(a[i]))
OPERATOR(op_arcsin, LIBM(asin)(a[i]))
OPERATOR(op_arccos, LIBM(acos)(a[i]))
OPERATOR(op_arctan, LIBM(atan)(a[i]))
OPERATOR(op_sinh, LIBM(sinh)(a[i]))
OPERATOR(op_cosh, LIBM(cosh)(a[i]))
OPERATOR(op_tanh, LIBM(tanh)(a[i]))
OPERATOR(op_arsinh, LIBM(asinh)(a[i]))
OPERATOR(op_arcosh, LIBM(acosh)(a[i]))
OPERATOR(op_artanh, LIBM(atanh)(a[i]))
OPERATOR(op_not, 1 - a[i])
OPERATOR(op_is_nodata, (T)IS_NULL(a[i]))
OPERATOR(op_is_valid, (T)(LIBM(fabs)(a[i]) < (T)INFINITY))
OPERATOR(op_is_infinite, (T)(LIBM(fabs)(a[i]) == (T)INFINITY))

OPERATOR(op_add, a[i] + b[i])
OPERATOR(op_subtract, a[i] - b[i])
OPERATOR(op_multiply, a[i] * b[i])
OPERATOR(op_divide, a[i] / b[i])
OPERATOR(op_mod, sign_of_divisor_mod(a[i], b[i]))
OPERATOR(op_power, NULL_AT(LIBM(pow)(a[i], b[i]), EITHER_NULL))
OPERATOR(op_log, (T)(log((double)a[i]) / log((double)b[i])))
OPERATOR(op_arctan2, LIBM(atan2)(a[i], b[i]))
OPERATOR(op_round_to, round_to_decimals(a[i], b[i]))
OPERATOR(op_normalized_difference, (a[i] - b[i]) / (a[i] + b[i]))
OPERATOR(op_eq, NULL_AT((T)(a[i] == b[i]), EITHER_NULL))
OPERATOR(op_neq, NULL_AT((T)(a[i] != b[i]), EITHER_NULL))
OPERATOR(op_gt, NULL_AT((T)(a[i] > b[i]), EITHER_NULL))
OPERATOR(op_gte, NULL_AT((T)(a[i] >= b[i]), EITHER_NULL))
OPERATOR(op_lt, NULL_AT((T)(a[i] < b[i]), EITHER_NULL))
OPERATOR(op_lte, NULL_AT((T)(a[i] <= b[i]), EITHER_NULL))
OPERATOR(op_and, OF(zero_where)(a[i] * b[i], (a[i] == 0) | (b[i] == 0)))
OPERATOR(op_or, OF(pick)((a[i] == 1) | (b[i] == 1), (T)1, a[i] + b[i]))
OPERATOR(op_xor, LIBM(fabs)(a[i] - b[i]))
OPERATOR(op_mask, NULL_AT(a[i], (b[i] != 0) & (b[i] == b[i])))

OPERATOR(op_select, OF(pick)(a[i] == 1, b[i], c[i]))
OPERATOR(op_clip, NULL_AT(c[i] < (a[i] < b[i] ? b[i] : a[i]) ? c[i] : (a[i] < b[i] ? b[i] : a[i]),
                          IS_NULL(a[i]) | IS_NULL(b[i]) | IS_NULL(c[i])))
OPERATOR(op_mask_with, OF(pick)((b[i] != 0) & (b[i] == b[i]), c[i], a[i]))
OPERATOR(op_eq_within,
         NULL_AT((T)((LIBM(fabs)(a[i] - b[i]) <= c[i]) | (a[i] == b[i])),
                 IS_NULL(a[i]) | IS_NULL(b[i]) | IS_NULL(c[i])))

KERNEL void op_fill(void *dst_, double value, size_t n)
{
    T *dst = dst_;

    for (size_t i = 0; i < n; i++)
        dst[i] = (T)value;
}
