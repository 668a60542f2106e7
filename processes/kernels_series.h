/* Operators that make several registers of an array, for lanes of type T: positions of sorted values,
 * gathering, interpolation, running totals; included after kernels_arrays.h. */

#define OUTPUT(dst, k) ((T *)(dst) + (k) * call->stride)

/* Keys and the positions they came from, sorted as pairs, so that equal keys keep their order. */
KERNEL void exchange_pairs(T *restrict low, T *restrict high, T *restrict low_at,
                           T *restrict high_at, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        T x = low[i], y = high[i], at = low_at[i], other = high_at[i];
        int swap = (x > y) | ((x == y) & (at > other));

        low[i] = OF(pick)(swap, y, x);
        high[i] = OF(pick)(swap, x, y);
        low_at[i] = OF(pick)(swap, other, at);
        high_at[i] = OF(pick)(swap, at, other);
    }
}

static void exchange_keys(T *rows, size_t length, size_t i, size_t j, size_t n)
{
    exchange_pairs(rows + i * n, rows + j * n, rows + (length + i) * n, rows + (length + j) * n, n);
}

struct OF(pair) {
    T key, at;
};

static int compare_pairs(const void *a, const void *b)
{
    const struct OF(pair) *x = a, *y = b;
    int by_key = (x->key > y->key) - (x->key < y->key);

    return by_key ? by_key : (x->at > y->at) - (x->at < y->at);
}

static void order_lanes(T *rows, size_t length, size_t n)
{
    struct OF(pair) *lane = mem_array(length, sizeof *lane);

    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < length; k++)
            lane[k] = (struct OF(pair)){ rows[k * n + i], rows[(length + k) * n + i] };
        qsort(lane, length, sizeof *lane, compare_pairs);
        for (size_t k = 0; k < length; k++)
            rows[(length + k) * n + i] = lane[k].at;
    }
    free(lane);
}

/* No-data gets the outermost key, and a position beyond those of values with the same key. */
KERNEL void key_of(T *restrict key, T *restrict at, const T *restrict a, T position, T length,
                   T outermost, size_t n)
{
    T beyond = outermost > 0 ? position + length : position - length;

    for (size_t i = 0; i < n; i++) {
        key[i] = OF(pick)(IS_NULL(a[i]), outermost, a[i]);
        at[i] = OF(pick)(IS_NULL(a[i]), beyond, position);
    }
}

KERNEL void position_of(T *restrict dst, const T *restrict at, T length, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        T low = OF(pick)(at[i] >= length, at[i] - length, at[i]);

        dst[i] = OF(pick)(low < 0, low + length, low);
    }
}

static void array_order(void *restrict dst, const struct array_call *call, size_t n)
{
    T *rows = call->scratch, length = (T)call->length;
    T outermost = call->keep ? (T)-INFINITY : (T)INFINITY;

    for (size_t k = 0; k < call->length; k++)
        key_of(rows + k * n, rows + (call->length + k) * n, REGISTER(call, k), (T)k, length,
               outermost, n);
    if (call->length <= LONGEST_NETWORK)
        network(rows, call->length, n, exchange_keys);
    else
        order_lanes(rows, call->length, n);
    for (size_t k = 0; k < call->length; k++)
        position_of(OUTPUT(dst, k), rows + (call->length + k) * n, length, n);
}

/* What is no position of an element gives no-data. */
static void array_gather(void *restrict dst, const struct array_call *call, size_t n)
{
    size_t items = call->length - call->outputs;

    for (size_t k = 0; k < call->outputs; k++) {
        const T *at = REGISTER(call, items + k);
        T *to = OUTPUT(dst, k);

        for (size_t i = 0; i < n; i++)
            to[i] = at[i] >= 0 && at[i] < (T)items && at[i] == (T)(size_t)at[i]
                        ? REGISTER(call, (size_t)at[i])[i]
                        : (T)NAN;
    }
}

/* Forward: the latest value and its place, of each element. */
KERNEL void latest_valid(T *restrict value, double *restrict place, const T *restrict a,
                         const T *restrict before, const double *restrict place_before, double x,
                         size_t n)
{
    for (size_t i = 0; i < n; i++) {
        value[i] = OF(pick)(IS_NULL(a[i]), before[i], a[i]);
        place[i] = pick_double(IS_NULL(a[i]), place_before[i], x);
    }
}

/* Backward: a gap lies between what is latest there and what comes next; without either the weight
 * is NaN, and so is the result. */
KERNEL void fill_between(T *restrict dst, const double *restrict place, T *restrict next,
                         double *restrict next_place, const T *restrict a, double x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        double g = (x - place[i]) / (next_place[i] - place[i]);
        T between = (T)((1 - g) * (double)dst[i] + g * (double)next[i]);

        dst[i] = OF(pick)(IS_NULL(a[i]), between, a[i]);
        next[i] = OF(pick)(IS_NULL(a[i]), next[i], a[i]);
        next_place[i] = pick_double(IS_NULL(a[i]), next_place[i], x);
    }
}

static void array_interpolate(void *restrict dst, const struct array_call *call, size_t n)
{
    double *places = call->scratch, *none = places + call->length * n, *next_place = none + n;
    T *next = (T *)(next_place + n), *no_value = next + n;

    fill_doubles(none, NAN, n);
    fill_doubles(next_place, NAN, n);
    op_fill(next, NAN, n);
    op_fill(no_value, NAN, n);
    for (size_t k = 0; k < call->length; k++)
        latest_valid(OUTPUT(dst, k), places + k * n, REGISTER(call, k),
                     k ? OUTPUT(dst, k - 1) : no_value, k ? places + (k - 1) * n : none,
                     call->constants[k], n);
    for (size_t k = call->length; k-- > 0;)
        fill_between(OUTPUT(dst, k), places + k * n, next, next_place, REGISTER(call, k),
                     call->constants[k], n);
}

/* A series after the other: what takes the time is one after the other within each. */
static void array_smooth(void *restrict dst, const struct array_call *call, size_t n)
{
    double *values = call->scratch, *room = values + call->length;

    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < call->length; k++)
            values[k] = (double)REGISTER(call, k)[i];
        whittaker_smooth(call->constants + 2, values, call->length, call->constants[0],
                         (unsigned)call->constants[1], room);
        for (size_t k = 0; k < call->length; k++)
            OUTPUT(dst, k)[i] = (T)values[k];
    }
}

/* A pixel after the other, too: its seasons depend on each other. */
static void array_rice(void *restrict dst, const struct array_call *call, size_t n)
{
    struct rice_room *room = rice_room_new(call->constants, call->length);
    double *series = call->scratch, found[RICE_OUTPUTS];

    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < call->length; k++)
            series[k] = (double)REGISTER(call, k)[i];
        rice_seasons(room, series, found);
        for (size_t k = 0; k < call->outputs; k++)
            OUTPUT(dst, k)[i] = (T)found[k];
    }
    rice_room_free(room);
}

/* Running totals. No-data is skipped and stays, or (keep) makes all that follows no-data. */
KERNEL void running_sum(T *restrict dst, double *restrict sum, const T *restrict a, int keep,
                        size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int skip = IS_NULL(a[i]) & !keep;

        sum[i] = pick_double(skip, sum[i], sum[i] + (double)a[i]);
        dst[i] = NULL_AT((T)sum[i], IS_NULL(a[i]));
    }
}

KERNEL void running_product(T *restrict dst, double *restrict product, const T *restrict a,
                            int keep, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int skip = IS_NULL(a[i]) & !keep;

        product[i] = pick_double(skip, product[i], product[i] * (double)a[i]);
        dst[i] = NULL_AT((T)product[i], IS_NULL(a[i]));
    }
}

KERNEL void running_least(T *restrict dst, double *restrict least, const T *restrict a, int keep,
                          size_t n)
{
    for (size_t i = 0; i < n; i++) {
        double x = (double)a[i], low = x < least[i] ? x : least[i];

        least[i] = nan_where_double(low, IS_NULL(a[i]) & keep);
        dst[i] = NULL_AT((T)least[i], IS_NULL(a[i]));
    }
}

KERNEL void running_most(T *restrict dst, double *restrict most, const T *restrict a, int keep,
                         size_t n)
{
    for (size_t i = 0; i < n; i++) {
        double x = (double)a[i], high = x > most[i] ? x : most[i];

        most[i] = nan_where_double(high, IS_NULL(a[i]) & keep);
        dst[i] = NULL_AT((T)most[i], IS_NULL(a[i]));
    }
}

#define ARRAY_RUNNING(name, start, step)                                                           \
    static void name(void *restrict dst, const struct array_call *call, size_t n)                  \
    {                                                                                              \
        double *state = call->scratch;                                                             \
                                                                                                   \
        fill_doubles(state, start, n);                                                             \
        for (size_t k = 0; k < call->length; k++)                                                  \
            step(OUTPUT(dst, k), state, REGISTER(call, k), call->keep, n);                         \
    }
ARRAY_RUNNING(array_cumsum, 0, running_sum)
ARRAY_RUNNING(array_cumproduct, 1, running_product)
ARRAY_RUNNING(array_cummin, INFINITY, running_least)
ARRAY_RUNNING(array_cummax, -INFINITY, running_most)

/* The values of one lane after the other. */
static void array_fit(void *restrict dst, const struct array_call *call, size_t n)
{
    double *y = mem_array(call->length + call->outputs, sizeof *y), *made = y + call->length;

    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < call->length; k++)
            y[k] = (double)REGISTER(call, k)[i];
        fit_curve(y, call->length, call->keep, call->constants, made);
        for (size_t k = 0; k < call->outputs; k++)
            OUTPUT(dst, k)[i] = (T)made[k];
    }
    free(y);
}
