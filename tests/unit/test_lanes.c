/* Every operator on registers against its definition, pixel by pixel, for float and double lanes:
 * all combinations of awkward values, arrays with and without no-data, folds slice by slice. */
#include "base/mem.h"
#include "raster/lanes.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const double values[] = { NAN, INFINITY, -INFINITY, 0.0, -0.0, 1, -1, 0.5, -0.5, 1.5, 2.5,
                                 -2.5, 3, -7, 0.35, 2, 100, 1e-3, 1e30, -1e30, 255, 65535.4 };
static const double truths[] = { NAN, 0, 1 };

static bool null(double x)
{
    return isnan(x);
}

static double truth(bool known, bool value)
{
    return known ? value : NAN;
}

/* ---- definitions ---- */

static double ref_sgn(double a) { return null(a) ? NAN : (a > 0) - (a < 0); }
static double ref_not(double a) { return null(a) ? NAN : a == 0; }
static double ref_nodata(double a) { return null(a); }
static double ref_valid(double a) { return isfinite(a) != 0; }
static double ref_infinite(double a) { return isinf(a) != 0; }
static double ref_negate(double a) { return -a; }
static double ref_copy(double a) { return a; }
static double ref_add(double a, double b) { return a + b; }
static double ref_subtract(double a, double b) { return a - b; }
static double ref_multiply(double a, double b) { return a * b; }
static double ref_divide(double a, double b) { return a / b; }
static double ref_log(double a, double b) { return log(a) / log(b); }
static double ref_nd(double a, double b) { return (a - b) / (a + b); }
static double ref_power(double a, double b) { return null(a) || null(b) ? NAN : pow(a, b); }

static double ref_mod(double a, double b)
{
    double rest;

    if (null(a) || null(b))
        return NAN;
    if (b == 0)
        return a > 0 ? INFINITY : a < 0 ? -INFINITY : NAN;
    rest = fmod(a, b);
    return rest != 0 && signbit(rest) != signbit(b) ? rest + b : rest;
}

static double ref_round_to(double a, double p)
{
    double scale = pow(10, fabs(p)), r;

    if (null(a) || null(p))
        return NAN;
    r = p >= 0 ? nearbyint(a * scale) / scale : nearbyint(a / scale) * scale;
    return isfinite(r) ? r : a;
}

#define COMPARISON(name, op)                                                                       \
    static double name(double a, double b)                                                         \
    {                                                                                              \
        return truth(!null(a) && !null(b), a op b);                                                \
    }
COMPARISON(ref_eq, ==)
COMPARISON(ref_neq, !=)
COMPARISON(ref_gt, >)
COMPARISON(ref_gte, >=)
COMPARISON(ref_lt, <)
COMPARISON(ref_lte, <=)

static double ref_and(double a, double b)
{
    return a == 0 || b == 0 ? 0 : truth(!null(a) && !null(b), true);
}

static double ref_or(double a, double b)
{
    return a == 1 || b == 1 ? 1 : truth(!null(a) && !null(b), false);
}

static double ref_xor(double a, double b) { return truth(!null(a) && !null(b), a != b); }
static double ref_mask(double a, double b) { return b == 0 || null(b) ? a : NAN; }
static double ref_select(double a, double b, double c) { return a == 1 ? b : c; }
static double ref_mask_with(double a, double b, double c) { return b == 0 || null(b) ? a : c; }

static double ref_clip(double a, double b, double c)
{
    return null(a) || null(b) || null(c) ? NAN : fmin(fmax(a, b), c);
}

static double ref_within(double a, double b, double c)
{
    return truth(!null(a) && !null(b) && !null(c), a == b || fabs(a - b) <= c);
}

enum kind { EXACT, CLOSE /* a library function: 2 units in the last place */ };
static const struct {
    enum lane_op op;
    enum kind kind;
    double (*f1)(double);
    double (*f2)(double, double);
    double (*f3)(double, double, double);
    bool logic; /* only booleans */
} rows[] = {
    { LANE_COPY, EXACT, ref_copy, NULL, NULL, false },
    { LANE_ABSOLUTE, EXACT, fabs, NULL, NULL, false },
    { LANE_NEGATE, EXACT, ref_negate, NULL, NULL, false },
    { LANE_SQRT, EXACT, sqrt, NULL, NULL, false },
    { LANE_EXP, CLOSE, exp, NULL, NULL, false },
    { LANE_LN, CLOSE, log, NULL, NULL, false },
    { LANE_LOG2, CLOSE, log2, NULL, NULL, false },
    { LANE_LOG10, CLOSE, log10, NULL, NULL, false },
    { LANE_CEIL, EXACT, ceil, NULL, NULL, false },
    { LANE_FLOOR, EXACT, floor, NULL, NULL, false },
    { LANE_INT, EXACT, trunc, NULL, NULL, false },
    { LANE_ROUND, EXACT, nearbyint, NULL, NULL, false },
    { LANE_SGN, EXACT, ref_sgn, NULL, NULL, false },
    { LANE_SIN, CLOSE, sin, NULL, NULL, false },
    { LANE_COS, CLOSE, cos, NULL, NULL, false },
    { LANE_TAN, CLOSE, tan, NULL, NULL, false },
    { LANE_ARCSIN, CLOSE, asin, NULL, NULL, false },
    { LANE_ARCCOS, CLOSE, acos, NULL, NULL, false },
    { LANE_ARCTAN, CLOSE, atan, NULL, NULL, false },
    { LANE_SINH, CLOSE, sinh, NULL, NULL, false },
    { LANE_COSH, CLOSE, cosh, NULL, NULL, false },
    { LANE_TANH, CLOSE, tanh, NULL, NULL, false },
    { LANE_ARSINH, CLOSE, asinh, NULL, NULL, false },
    { LANE_ARCOSH, CLOSE, acosh, NULL, NULL, false },
    { LANE_ARTANH, CLOSE, atanh, NULL, NULL, false },
    { LANE_NOT, EXACT, ref_not, NULL, NULL, true },
    { LANE_IS_NODATA, EXACT, ref_nodata, NULL, NULL, false },
    { LANE_IS_VALID, EXACT, ref_valid, NULL, NULL, false },
    { LANE_IS_INFINITE, EXACT, ref_infinite, NULL, NULL, false },
    { LANE_ADD, EXACT, NULL, ref_add, NULL, false },
    { LANE_SUBTRACT, EXACT, NULL, ref_subtract, NULL, false },
    { LANE_MULTIPLY, EXACT, NULL, ref_multiply, NULL, false },
    { LANE_DIVIDE, EXACT, NULL, ref_divide, NULL, false },
    { LANE_MOD, EXACT, NULL, ref_mod, NULL, false },
    { LANE_POWER, CLOSE, NULL, ref_power, NULL, false },
    { LANE_LOG, CLOSE, NULL, ref_log, NULL, false },
    { LANE_ARCTAN2, CLOSE, NULL, atan2, NULL, false },
    { LANE_ROUND_TO, CLOSE, NULL, ref_round_to, NULL, false },
    { LANE_NORMALIZED_DIFFERENCE, CLOSE, NULL, ref_nd, NULL, false },
    { LANE_EQ, EXACT, NULL, ref_eq, NULL, false },
    { LANE_NEQ, EXACT, NULL, ref_neq, NULL, false },
    { LANE_GT, EXACT, NULL, ref_gt, NULL, false },
    { LANE_GTE, EXACT, NULL, ref_gte, NULL, false },
    { LANE_LT, EXACT, NULL, ref_lt, NULL, false },
    { LANE_LTE, EXACT, NULL, ref_lte, NULL, false },
    { LANE_AND, EXACT, NULL, ref_and, NULL, true },
    { LANE_OR, EXACT, NULL, ref_or, NULL, true },
    { LANE_XOR, EXACT, NULL, ref_xor, NULL, true },
    { LANE_MASK, EXACT, NULL, ref_mask, NULL, false },
    { LANE_SELECT, EXACT, NULL, NULL, ref_select, false },
    { LANE_CLIP, EXACT, NULL, NULL, ref_clip, false },
    { LANE_MASK_WITH, EXACT, NULL, NULL, ref_mask_with, false },
    { LANE_EQ_WITHIN, EXACT, NULL, NULL, ref_within, false },
};

/* ---- machinery ---- */

static const struct lane_table *const tables[] = { &lanes_float, &lanes_double };

static double get(const struct lane_table *table, const void *lanes, size_t i)
{
    return table == &lanes_float ? (double)((const float *)lanes)[i] : ((const double *)lanes)[i];
}

static void put(const struct lane_table *table, void *lanes, size_t i, double x)
{
    if (table == &lanes_float)
        ((float *)lanes)[i] = (float)x;
    else
        ((double *)lanes)[i] = x;
}

static double as_lane(const struct lane_table *table, double x)
{
    return table == &lanes_float ? (double)(float)x : x;
}

static bool agree(const struct lane_table *table, enum kind kind, double got, double want)
{
    double slack = table == &lanes_float ? 3e-7 : 5e-16;

    want = as_lane(table, want);
    if (isnan(got) || isnan(want))
        return isnan(got) && isnan(want);
    if (got == want)
        return true;
    return kind == CLOSE && fabs(got - want) <= slack * fabs(want);
}

/* Arguments of all combinations, as many lanes as there are. */
static size_t combine(const struct lane_table *table, const double *list, size_t n, size_t arity,
                      void *const lanes[3])
{
    size_t all = 1;

    for (size_t k = 0; k < arity; k++)
        all *= n;
    for (size_t i = 0; i < all; i++)
        for (size_t k = 0, rest = i; k < 3; k++, rest /= n)
            put(table, lanes[k], i, k < arity ? list[rest % n] : 0);
    return all;
}

static void check_row(const struct lane_table *table, size_t row)
{
    const double *list = rows[row].logic ? truths : values;
    size_t n = rows[row].logic ? ARRAY_LEN(truths) : ARRAY_LEN(values);
    size_t arity = rows[row].f1 ? 1 : rows[row].f2 ? 2 : 3, most = n * n * n, all;
    void *lanes[3], *dst = mem_array(most, 8);

    for (int k = 0; k < 3; k++)
        lanes[k] = mem_array(most, 8);
    all = combine(table, list, n, arity, lanes);
    table->lanes[rows[row].op](dst, lanes[0], lanes[1], lanes[2], all);
    for (size_t i = 0; i < all; i++) {
        double a = get(table, lanes[0], i), b = get(table, lanes[1], i);
        double c = get(table, lanes[2], i), got = get(table, dst, i);
        double want = arity == 1 ? rows[row].f1(a)
                      : arity == 2 ? rows[row].f2(a, b) : rows[row].f3(a, b, c);

        /* scaling by 10^b past the type's range is no case of use */
        if (rows[row].op == LANE_ROUND_TO && fabs(b) > 9)
            continue;
        if (!agree(table, rows[row].kind, got, want))
            fail_msg("op %d of %g, %g, %g gives %.17g, want %.17g (lanes of %zu bytes)",
                     rows[row].op, a, b, c, got, want, table->lane_size);
    }
    for (int k = 0; k < 3; k++)
        free(lanes[k]);
    free(dst);
}

static void each_operator_is_its_definition(void **state)
{
    (void)state;
    for (size_t t = 0; t < 2; t++)
        for (size_t row = 0; row < ARRAY_LEN(rows); row++)
            check_row(tables[t], row);
}

static void every_operator_is_there(void **state)
{
    (void)state;
    for (size_t t = 0; t < 2; t++)
        for (int op = 0; op < LANE_OPS; op++)
            assert_true(op == LANE_CONSTANT || tables[t]->lanes[op] || tables[t]->arrays[op]);
}

/* ---- arrays ---- */

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double ref_quantile(double *sorted, size_t n, double p)
{
    double at = (double)(n - 1) * p, g = at - floor(at);
    size_t i = (size_t)floor(at);

    if (g == 0)
        return sorted[i];
    return g == 0.5 ? (sorted[i] + sorted[i + 1]) / 2 : (1 - g) * sorted[i] + g * sorted[i + 1];
}

/* A reducer after its definition: over the valid ones, or no-data as soon as one is. */
static double ref_array(enum lane_op op, const double *x, size_t n, bool keep, double p)
{
    double valid[64], sum = 0, product = 1, squares = 0;
    size_t count = 0, ones = 0, zeros = 0;

    for (size_t i = 0; i < n; i++) {
        ones += x[i] == 1;
        zeros += x[i] == 0;
        if (!null(x[i])) {
            valid[count++] = x[i];
            sum += x[i];
            product *= x[i];
        }
    }
    switch (op) {
    case LANE_COUNT: return (double)ones;
    case LANE_ANY: return ones ? 1 : keep && count < n ? NAN : 0;
    case LANE_ALL: return zeros ? 0 : keep && count < n ? NAN : 1;
    case LANE_FIRST: return keep ? x[0] : count ? valid[0] : NAN;
    case LANE_LAST: return keep ? x[n - 1] : count ? valid[count - 1] : NAN;
    default: break;
    }
    if (count == 0 || (keep && count < n))
        return NAN;
    for (size_t i = 0; i < count; i++)
        squares += (valid[i] - sum / (double)count) * (valid[i] - sum / (double)count);
    qsort(valid, count, sizeof *valid, by_value);
    switch (op) {
    case LANE_SUM: return sum;
    case LANE_MEAN: return sum / (double)count;
    case LANE_PRODUCT: return product;
    case LANE_MIN: return valid[0];
    case LANE_MAX: return valid[count - 1];
    case LANE_MEDIAN: return ref_quantile(valid, count, 0.5);
    case LANE_QUANTILE: return ref_quantile(valid, count, p);
    case LANE_VARIANCE: return count < 2 ? NAN : squares / (double)(count - 1);
    case LANE_SD: return count < 2 ? NAN : sqrt(squares / (double)(count - 1));
    default: return NAN;
    }
}

enum { LANES = 37, LONGEST = 60 };

static void fill_random(const struct lane_table *table, void *lanes, size_t length, bool logic)
{
    for (size_t i = 0; i < length * LANES; i++) {
        double x = logic ? rand() % 2 : (rand() % 4001 - 2000) / 16.0;

        put(table, lanes, i, rand() % 4 == 0 || i % LANES == 5 ? NAN : x);
    }
}

static void check_array(const struct lane_table *table, enum lane_op op, size_t length, bool keep)
{
    bool logic = op == LANE_ANY || op == LANE_ALL || op == LANE_COUNT;
    double p = (rand() % 21) / 20.0, x[LONGEST];
    AUTO(mem) void *lanes = mem_array(LONGEST * LANES, 8);
    AUTO(mem) void *dst = mem_array(LANES, 8);
    AUTO(mem) void *scratch = mem_array((2 * LONGEST + 4) * LANES, 8);
    struct array_call call = { lanes, LANES, length, keep, 1, &p, scratch };

    fill_random(table, lanes, length, logic);
    table->arrays[op](dst, &call, LANES);
    for (size_t i = 0; i < LANES; i++) {
        double want, got = get(table, dst, i);

        for (size_t k = 0; k < length; k++)
            x[k] = get(table, lanes, k * LANES + i);
        want = ref_array(op, x, length, keep, p);
        if (isnan(got) != isnan(want) ||
            (!isnan(want) && fabs(got - as_lane(table, want)) > 1e-5 * fabs(want) + 1e-5))
            fail_msg("array op %d of %zu (keep %d, p %g): %g, want %g", op, length, keep, p, got,
                     want);
    }
}

static void reducers_are_their_definitions(void **state)
{
    static const enum lane_op ops[] = { LANE_SUM, LANE_MEAN, LANE_MIN, LANE_MAX, LANE_MEDIAN,
                                        LANE_COUNT, LANE_FIRST, LANE_LAST, LANE_ANY, LANE_ALL,
                                        LANE_VARIANCE, LANE_SD, LANE_QUANTILE };

    (void)state;
    srand(7);
    for (size_t t = 0; t < 2; t++)
        for (size_t i = 0; i < ARRAY_LEN(ops); i++)
            for (size_t length = 1; length <= LONGEST; length++)
                for (int keep = 0; keep < 2; keep++)
                    check_array(tables[t], ops[i], length, keep);
    for (size_t length = 1; length <= 6; length++) /* products of many leave the floats */
        check_array(&lanes_double, LANE_PRODUCT, length, false);
}

static void sorting_keeps_every_value(void **state)
{
    enum { LENGTH = 600 }; /* past the network, too */
    AUTO(mem) float *a = mem_array(LENGTH * LANES, sizeof *a);
    AUTO(mem) float *dst = mem_array(LENGTH * LANES, sizeof *dst);
    AUTO(mem) void *scratch = mem_array((2 * LENGTH + 4) * LANES, 8);

    (void)state;
    for (size_t length = 1; length <= LENGTH; length = length < 70 ? length + 1 : length + 53) {
        struct array_call call = { a, LANES, length, false, length, NULL, scratch };

        fill_random(&lanes_float, a, length, false);
        lanes_float.arrays[LANE_SORT](dst, &call, LANES);
        for (size_t i = 0; i < LANES; i++) {
            double want[LENGTH];
            size_t n = 0;

            for (size_t k = 0; k < length; k++)
                if (!isnan(a[k * LANES + i]))
                    want[n++] = (double)a[k * LANES + i];
            qsort(want, n, sizeof *want, by_value);
            for (size_t k = 0; k < length; k++)
                assert_true(k < n ? (double)dst[k * LANES + i] == want[k]
                                  : isnan(dst[k * LANES + i]));
        }
    }
}

static void infinities_and_empties(void **state)
{
    static const float a[] = { INFINITY, 1, NAN, -INFINITY, NAN, NAN, 5, INFINITY, NAN };
    float dst[3], scratch[64];
    struct array_call call = { a, 3, 3, false, 1, NULL, scratch };

    (void)state; /* lanes: (inf,-inf,5), (1,nan,inf), (nan,nan,nan) */
    lanes_float.arrays[LANE_SUM](dst, &call, 3);
    assert_true(isnan(dst[0]) && isinf(dst[1]) && isnan(dst[2]));
    lanes_float.arrays[LANE_MEDIAN](dst, &call, 3);
    assert_true(dst[0] == 5 && isinf(dst[1]) && isnan(dst[2]));
    lanes_float.arrays[LANE_MAX](dst, &call, 3);
    assert_true(isinf(dst[0]) && isinf(dst[1]) && isnan(dst[2]));
    call.length = 0;
    lanes_float.arrays[LANE_COUNT](dst, &call, 3);
    assert_true(dst[0] == 0);
    lanes_float.arrays[LANE_ALL](dst, &call, 3);
    assert_true(dst[0] == 1);
    lanes_float.arrays[LANE_MEAN](dst, &call, 3);
    assert_true(isnan(dst[0]));
}

/* ---- several values of an array ---- */

/* Is element k before element i? Those without a value are at one end. */
static bool comes_before(const double *x, size_t k, size_t i, bool nulls_first)
{
    if (isnan(x[k]) || isnan(x[i]))
        return isnan(x[k]) && isnan(x[i]) ? k < i : isnan(x[k]) == nulls_first;
    return x[k] == x[i] ? k < i : x[k] < x[i];
}

static double ref_running(enum lane_op op, const double *x, size_t k, bool keep)
{
    double total = op == LANE_CUMSUM ? 0 : op == LANE_CUMPRODUCT ? 1 : x[0];
    bool any = false;

    if (isnan(x[k]))
        return NAN;
    for (size_t i = 0; i <= k; i++) {
        if (isnan(x[i]) && keep)
            return NAN;
        if (isnan(x[i]))
            continue;
        total = op == LANE_CUMSUM       ? total + x[i]
                : op == LANE_CUMPRODUCT ? total * x[i]
                : !any                  ? x[i]
                : op == LANE_CUMMIN     ? fmin(total, x[i])
                                        : fmax(total, x[i]);
        any = true;
    }
    return total;
}

static double ref_interpolated(const double *x, const double *places, size_t n, size_t k)
{
    size_t a = k, b = k;

    while (a > 0 && isnan(x[a]))
        a--;
    while (b + 1 < n && isnan(x[b]))
        b++;
    if (a == b || isnan(x[a]) || isnan(x[b]))
        return x[k];
    return x[a] + (x[b] - x[a]) * (places[k] - places[a]) / (places[b] - places[a]);
}

static double ref_several(enum lane_op op, const double *x, const double *places, size_t n, size_t k,
                          bool keep)
{
    switch (op) {
    case LANE_SORT:
    case LANE_ORDER:
        for (size_t i = 0;; i++) {
            size_t rank = 0;

            for (size_t j = 0; j < n; j++)
                rank += comes_before(x, j, i, keep);
            if (rank == k)
                return op == LANE_SORT ? x[i] : (double)i;
        }
    case LANE_INTERPOLATE: return ref_interpolated(x, places, n, k);
    case LANE_GATHER: /* its own elements as positions */
        return x[k] >= 0 && x[k] < (double)n && x[k] == floor(x[k]) ? x[(size_t)x[k]] : NAN;
    default: return ref_running(op, x, k, keep);
    }
}

static void check_several(const struct lane_table *table, enum lane_op op, size_t length, bool keep)
{
    size_t all = op == LANE_GATHER ? 2 * length : length;
    AUTO(mem) char *lanes = mem_array(all * LANES, 8);
    AUTO(mem) void *dst = mem_array(length * LANES, 8);
    AUTO(mem) void *scratch = mem_array((2 * all + 4) * LANES, 8);
    AUTO(mem) double *x = mem_array(length, sizeof *x), *places = mem_array(length, sizeof *places);
    struct array_call call = { lanes, LANES, all, keep, length, places, scratch };

    for (size_t k = 0; k < length; k++)
        places[k] = (k ? places[k - 1] : 3) + 1 + rand() % 5;
    for (size_t k = 0; k < length * LANES; k++) {
        double v = rand() % 4 == 0      ? NAN
                   : rand() % 23 == 0   ? (op >= LANE_INTERPOLATE ? 7 : INFINITY)
                   : rand() % 23 == 0   ? (op >= LANE_INTERPOLATE ? 7 : -INFINITY)
                   : op == LANE_GATHER  ? rand() % (int)(length + 2) - 1
                   : rand() % 2         ? 1 + rand() % 4
                                        : 0.5;

        put(table, lanes, k, v);
        if (op == LANE_GATHER)
            put(table, lanes, k + length * LANES, v);
    }
    table->arrays[op](dst, &call, LANES);
    for (size_t i = 0; i < LANES; i++) {
        for (size_t k = 0; k < length; k++)
            x[k] = get(table, lanes, k * LANES + i);
        for (size_t k = 0; k < length; k++) {
            double want = ref_several(op, x, places, length, k, keep);
            double got = get(table, dst, k * LANES + i);

            if (isnan(got) != isnan(want) ||
                (!isnan(want) && got != want && !(fabs(got - want) <= 1e-5 * fabs(want))))
                fail_msg("operator %d of %zu (keep %d), output %zu: %g, want %g", op, length, keep,
                         k, got, want);
        }
    }
}

static void several_are_their_definitions(void **state)
{
    static const enum lane_op ops[] = { LANE_SORT, LANE_ORDER, LANE_GATHER, LANE_INTERPOLATE,
                                        LANE_CUMSUM, LANE_CUMMIN, LANE_CUMMAX };

    (void)state;
    srand(11);
    for (size_t t = 0; t < 2; t++) {
        for (size_t i = 0; i < ARRAY_LEN(ops); i++)
            for (size_t length = 1; length <= 40; length++)
                for (int keep = 0; keep < 2; keep++)
                    check_several(tables[t], ops[i], length, keep);
        for (int keep = 0; keep < 2; keep++) {
            check_several(tables[t], LANE_CUMPRODUCT, 9, keep);
            check_several(tables[t], LANE_ORDER, 530, keep); /* past the network */
        }
    }
}

/* ---- folds ---- */

static void check_fold(const struct lane_table *table, enum fold_op op, enum lane_op array,
                       bool keep)
{
    enum { SLICES = 9 };
    bool logic = op == FOLD_ANY || op == FOLD_ALL || op == FOLD_COUNT;
    AUTO(mem) char *lanes = mem_array(SLICES * LANES, 8);
    AUTO(mem) void *dst = mem_array(LANES, 8);
    AUTO(mem) double *memory = mem_array(4 * LANES, sizeof *memory);
    struct fold_state s = { memory, memory + LANES, memory + 2 * LANES, memory + 3 * LANES };

    memset(memory, 0x55, 4 * LANES * sizeof *memory); /* the first slice begins the state */
    fill_random(table, lanes, SLICES, logic);
    for (size_t k = 0; k < SLICES; k++)
        table->fold[op](&s, lanes + k * LANES * table->lane_size, k, keep, LANES);
    table->finish[op](dst, &s, LANES);
    for (size_t i = 0; i < LANES; i++) {
        double x[SLICES], want, got = get(table, dst, i);

        for (size_t k = 0; k < SLICES; k++)
            x[k] = get(table, lanes, k * LANES + i);
        want = ref_array(array, x, SLICES, keep, 0);
        if (isnan(got) != isnan(want) ||
            (!isnan(want) && fabs(got - as_lane(table, want)) > 1e-5 * fabs(want) + 1e-5))
            fail_msg("fold %d (keep %d): %g, want %g", op, keep, got, want);
    }
}

static void folds_are_reducers(void **state)
{
    static const enum lane_op arrays[] = {
        [FOLD_SUM] = LANE_SUM,     [FOLD_MEAN] = LANE_MEAN,   [FOLD_PRODUCT] = LANE_PRODUCT,
        [FOLD_MIN] = LANE_MIN,     [FOLD_MAX] = LANE_MAX,     [FOLD_COUNT] = LANE_COUNT,
        [FOLD_FIRST] = LANE_FIRST, [FOLD_LAST] = LANE_LAST,   [FOLD_ANY] = LANE_ANY,
        [FOLD_ALL] = LANE_ALL,     [FOLD_VARIANCE] = LANE_VARIANCE, [FOLD_SD] = LANE_SD,
    };

    (void)state;
    for (size_t t = 0; t < 2; t++)
        for (int op = 0; op < FOLD_OPS; op++)
            for (int keep = 0; keep < 2; keep++)
                if (op != FOLD_PRODUCT || t == 1)
                    check_fold(tables[t], (enum fold_op)op, arrays[op], keep);
}

/* ---- pixels ---- */

static void pixels_round_clamp_and_mark_gaps(void **state)
{
    static const float in[] = { NAN, 0.5f, 1.5f, 2.5f, -0.5f, 254.5f, 255.5f, 300, -7, INFINITY,
                                -INFINITY, 65535.4f, 32767.6f };
    static const uint8_t u8[] = { 9, 0, 2, 2, 0, 254, 255, 255, 0, 255, 0, 255, 255 };
    static const int16_t i16[] = { -1, 0, 2, 2, 0, 254, 256, 300, -7, 32767, -32768, 32767, 32767 };
    uint8_t a[13];
    int16_t b[13];
    int32_t c[13];
    float back[13];

    (void)state;
    lanes_float.store[PIXEL_U8](a, in, 9, true, 13);
    assert_memory_equal(a, u8, sizeof a);
    lanes_float.store[PIXEL_I16](b, in, -1, true, 13);
    assert_memory_equal(b, i16, sizeof b);
    lanes_float.store[PIXEL_I32](c, in, -5, true, 13);
    assert_true(c[0] == -5 && c[9] == INT32_MAX && c[10] == INT32_MIN && c[8] == -7);
    lanes_float.store[PIXEL_U8](a, in, 9, false, 1);
    assert_int_equal(a[0], 0);
    lanes_float.load[PIXEL_U8](back, u8, 9, true, 13);
    assert_true(isnan(back[0]) && back[6] == 255);
    lanes_float.load[PIXEL_U8](back, u8, 0.5, true, 13); /* no byte can be that */
    assert_true(back[0] == 9);
    lanes_float.store[PIXEL_BOOL](a, in, 0, false, 2);
    assert_int_equal(a[0], 255);
}

static void programs_run_in_strips(void **state)
{
    enum { N = 1500 };
    static const double constants[] = { 2 };
    static const struct instruction code[] = { { .op = LANE_CONSTANT, .dst = 2 },
                                               { .op = LANE_MULTIPLY, .dst = 3, .a = 0, .b = 2 },
                                               { .op = LANE_ADD, .dst = 4, .a = 3, .b = 1 } };
    static const uint16_t outputs[] = { 4, 3 };
    struct program p = { .n_inputs = 2, .n_registers = 5, .n_outputs = 2, .outputs = outputs,
                         .code = code, .n_code = 3, .constants = constants, .n_constants = 1 };
    struct lane_machine machine;
    struct err err = { 0 };
    uint16_t in[N];
    double sum[N];
    int16_t twice[N];
    struct lane_plane ins[] = { { in, { PIXEL_U16, 0, true } }, { NULL, { PIXEL_F32, 0, false } } };
    struct lane_plane outs[] = { { sum, { PIXEL_F64, NAN, true } },
                                 { twice, { PIXEL_I16, -1, true } } };

    (void)state;
    for (int i = 0; i < N; i++)
        in[i] = (uint16_t)i;
    for (int wide = 0; wide < 2; wide++) {
        p.wide = wide;
        assert_true(lane_machine_init(&machine, lanes_memory(&p), &err));
        lanes_run(&machine, &p, ins, outs, N);
        for (int i = 0; i < N; i++) {
            assert_true(isnan(sum[i])); /* the second argument is all no-data */
            assert_int_equal(twice[i], i ? 2 * i : -1);
        }
        lane_machine_done(&machine);
    }
}

/* ---- tiles ---- */

static void tiles_are_measured(void **state)
{
    enum { N = 1003 };
    static const enum pixel real[] = { PIXEL_F32, PIXEL_F64 };
    float f[N];
    double d[N], sum = 0, squares = 0;
    struct tile_stats s;
    int64_t valid = 0;

    (void)state;
    for (int i = 0; i < N; i++) {
        f[i] = i % 7 == 0 ? NAN : (float)(i % 100) - 30;
        d[i] = (double)f[i];
        if (i % 7) {
            sum += d[i];
            valid++;
        }
    }
    for (int i = 0; i < N; i++)
        squares += i % 7 ? (d[i] - sum / (double)valid) * (d[i] - sum / (double)valid) : 0;
    for (int k = 0; k < 2; k++) {
        pixel_tables[real[k]]->measure(k ? (void *)d : (void *)f, N, NAN, true, &s);
        assert_true(s.valid == valid && s.minimum == -30 && s.maximum == 69 && s.sum == sum);
        assert_true(fabs(s.squares - squares) < 1e-6 * squares);
    }
    pixel_tables[PIXEL_U8]->measure("\3\3\3", 3, 3, true, &s);
    assert_true(s.valid == 0);
    pixel_tables[PIXEL_U8]->measure("\3\7\3", 3, 0, false, &s);
    assert_true(s.valid == 3 && s.minimum == 3 && s.maximum == 7);
}

static void halves_are_means_of_valid_pixels(void **state)
{
    static const uint16_t a[] = { 1, 2, 0, 0, 7, 4, 6, 0, 9, 8, 5, 0, 0, 0, 2 }; /* 5 x 3 */
    static const uint16_t want[] = { 3, 9, 8, 5, 0, 2 };
    static const uint16_t first[] = { 1, 0, 7, 5, 0, 2 };
    static const int16_t b[] = { -1, -2, -1, -2 };
    float f[] = { 1, NAN, NAN, 4 }, g;
    uint16_t got[6];
    int16_t low;

    (void)state;
    pixel_tables[PIXEL_U16]->half(got, 3, a, 5, 5, 3, 0, true, false);
    assert_memory_equal(got, want, sizeof got);
    pixel_tables[PIXEL_U16]->half(got, 3, a, 5, 5, 3, 0, true, true);
    assert_memory_equal(got, first, sizeof got);
    pixel_tables[PIXEL_I16]->half(&low, 1, b, 2, 2, 2, 0, false, false);
    assert_int_equal(low, -1); /* -1.5, half up */
    pixel_tables[PIXEL_F32]->half(&g, 1, f, 2, 2, 2, NAN, true, false);
    assert_true(g == 2.5f);
}

static void predictors_undo(void **state)
{
    static const enum pixel all[] = { PIXEL_U8, PIXEL_I16, PIXEL_U32, PIXEL_F64 };
    unsigned char in[8 * 64], out[8 * 64];

    (void)state;
    for (size_t i = 0; i < sizeof in; i++)
        in[i] = (unsigned char)rand();
    for (size_t k = 0; k < ARRAY_LEN(all); k++) {
        size_t n = 64 * pixel_size(all[k]);

        pixel_tables[all[k]]->predict(out, in, 16, 4);
        pixel_tables[all[k]]->undo_predict(out, 16, 4);
        assert_memory_equal(in, out, n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_operator_is_there),
        cmocka_unit_test(each_operator_is_its_definition),
        cmocka_unit_test(reducers_are_their_definitions),
        cmocka_unit_test(sorting_keeps_every_value),
        cmocka_unit_test(several_are_their_definitions),
        cmocka_unit_test(infinities_and_empties),
        cmocka_unit_test(folds_are_reducers),
        cmocka_unit_test(pixels_round_clamp_and_mark_gaps),
        cmocka_unit_test(programs_run_in_strips),
        cmocka_unit_test(tiles_are_measured),
        cmocka_unit_test(halves_are_means_of_valid_pixels),
        cmocka_unit_test(predictors_undo),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
