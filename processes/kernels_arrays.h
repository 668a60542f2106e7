/* Reducers over an array of registers, and sorting, for lanes of type T; included after
 * kernels_lanes.h. Sums are kept in double.
 *
 * Sorting is Batcher's merge-exchange network for any length: each comparator is a loop over two
 * registers, so that all lanes are sorted at once without a branch. No-data becomes +inf first and
 * is counted, so that it ends up behind the `count` valid values of a lane. */

#define REGISTER(call, k) ((const T *)(call)->a + (k) * (call)->stride)

KERNEL void add_valid(double *restrict sum, double *restrict seen, const T *restrict a, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        sum[i] += zero_where_double((double)a[i], IS_NULL(a[i]));
        seen[i] += (double)(a[i] == a[i]);
    }
}

KERNEL void multiply_valid(double *restrict product, double *restrict seen, const T *restrict a,
                           size_t n)
{
    for (size_t i = 0; i < n; i++) {
        product[i] *= pick_double(IS_NULL(a[i]), 1.0, (double)a[i]);
        seen[i] += (double)(a[i] == a[i]);
    }
}

/* Welford: the mean and the sum of squared distances move with every value. */
KERNEL void spread_valid(double *restrict mean, double *restrict squares, double *restrict seen,
                         const T *restrict a, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int null = IS_NULL(a[i]);
        double count = seen[i] + (double)!null, x = (double)a[i], off = x - mean[i];
        double moved = mean[i] + off / count;

        squares[i] += zero_where_double(off * (x - moved), null);
        mean[i] = pick_double(null, mean[i], moved);
        seen[i] = count;
    }
}

KERNEL void lower_valid(T *restrict least, const T *restrict a, size_t n)
{
    for (size_t i = 0; i < n; i++) /* a NaN in least is "none yet" */
        least[i] = OF(pick)((a[i] < least[i]) | IS_NULL(least[i]), a[i], least[i]);
}

KERNEL void raise_valid(T *restrict most, const T *restrict a, size_t n)
{
    for (size_t i = 0; i < n; i++)
        most[i] = OF(pick)((a[i] > most[i]) | IS_NULL(most[i]), a[i], most[i]);
}

KERNEL void keep_first(T *restrict first, const T *restrict a, size_t n)
{
    for (size_t i = 0; i < n; i++)
        first[i] = OF(pick)(IS_NULL(first[i]), a[i], first[i]);
}

KERNEL void keep_last(T *restrict last, const T *restrict a, size_t n)
{
    for (size_t i = 0; i < n; i++)
        last[i] = OF(pick)(IS_NULL(a[i]), last[i], a[i]);
}

KERNEL void poison(T *restrict dst, const T *restrict a, size_t n)
{
    for (size_t i = 0; i < n; i++)
        dst[i] = NULL_AT(dst[i], IS_NULL(a[i]));
}

KERNEL void count_ones(T *restrict count, const T *restrict a, size_t n)
{
    for (size_t i = 0; i < n; i++)
        count[i] += (T)(a[i] == 1);
}

KERNEL void any_ignoring(T *restrict any, const T *restrict a, size_t n)
{
    for (size_t i = 0; i < n; i++)
        any[i] = (T)((any[i] == 1) | (a[i] == 1));
}

KERNEL void all_ignoring(T *restrict all, const T *restrict a, size_t n)
{
    for (size_t i = 0; i < n; i++)
        all[i] = (T)((all[i] == 1) & (a[i] != 0));
}

KERNEL void any_kleene(T *restrict any, const T *restrict a, size_t n)
{
    for (size_t i = 0; i < n; i++)
        any[i] = OF(pick)((any[i] == 1) | (a[i] == 1), (T)1, any[i] + a[i]);
}

KERNEL void all_kleene(T *restrict all, const T *restrict a, size_t n)
{
    for (size_t i = 0; i < n; i++)
        all[i] = OF(zero_where)(all[i] * a[i], (all[i] == 0) | (a[i] == 0));
}

KERNEL void finish_sum(T *restrict dst, const double *restrict sum, const double *restrict seen,
                       size_t n)
{
    for (size_t i = 0; i < n; i++)
        dst[i] = NULL_AT((T)sum[i], seen[i] == 0);
}

KERNEL void finish_mean(T *restrict dst, const double *restrict sum, const double *restrict seen,
                        size_t n)
{
    for (size_t i = 0; i < n; i++)
        dst[i] = (T)(sum[i] / seen[i]); /* 0 / 0 is no-data */
}

KERNEL void finish_variance(T *restrict dst, const double *restrict squares,
                            const double *restrict seen, size_t n)
{
    for (size_t i = 0; i < n; i++)
        dst[i] = NULL_AT((T)(squares[i] / (seen[i] - 1)), seen[i] < 2);
}

KERNEL void finish_sd(T *restrict dst, const double *restrict squares,
                      const double *restrict seen, size_t n)
{
    for (size_t i = 0; i < n; i++)
        dst[i] = NULL_AT((T)sqrt(squares[i] / (seen[i] - 1)), seen[i] < 2);
}

static void fill_doubles(double *dst, double value, size_t n)
{
    for (size_t i = 0; i < n; i++)
        dst[i] = value;
}

static void poison_all(T *dst, const struct array_call *call, size_t n)
{
    for (size_t k = 0; call->keep && k < call->length; k++)
        poison(dst, REGISTER(call, k), n);
}

static void array_sum(void *restrict dst, const struct array_call *call, size_t n)
{
    double *sum = call->scratch, *seen = sum + n;

    fill_doubles(sum, 0, 2 * n);
    for (size_t k = 0; k < call->length; k++)
        add_valid(sum, seen, REGISTER(call, k), n);
    finish_sum(dst, sum, seen, n);
    poison_all(dst, call, n);
}

static void array_mean(void *restrict dst, const struct array_call *call, size_t n)
{
    double *sum = call->scratch, *seen = sum + n;

    fill_doubles(sum, 0, 2 * n);
    for (size_t k = 0; k < call->length; k++)
        add_valid(sum, seen, REGISTER(call, k), n);
    finish_mean(dst, sum, seen, n);
    poison_all(dst, call, n);
}

static void array_product(void *restrict dst, const struct array_call *call, size_t n)
{
    double *product = call->scratch, *seen = product + n;

    fill_doubles(product, 1, n);
    fill_doubles(seen, 0, n);
    for (size_t k = 0; k < call->length; k++)
        multiply_valid(product, seen, REGISTER(call, k), n);
    finish_sum(dst, product, seen, n);
    poison_all(dst, call, n);
}

static double *array_spread(const struct array_call *call, size_t n)
{
    double *mean = call->scratch;

    fill_doubles(mean, 0, 3 * n);
    for (size_t k = 0; k < call->length; k++)
        spread_valid(mean, mean + n, mean + 2 * n, REGISTER(call, k), n);
    return mean + n;
}

static void array_variance(void *restrict dst, const struct array_call *call, size_t n)
{
    double *squares = array_spread(call, n);

    finish_variance(dst, squares, squares + n, n);
    poison_all(dst, call, n);
}

static void array_sd(void *restrict dst, const struct array_call *call, size_t n)
{
    double *squares = array_spread(call, n);

    finish_sd(dst, squares, squares + n, n);
    poison_all(dst, call, n);
}

#define ARRAY_STEP(name, start, step)                                                              \
    static void name(void *restrict dst, const struct array_call *call, size_t n)                  \
    {                                                                                              \
        op_fill(dst, start, n);                                                                    \
        for (size_t k = 0; k < call->length; k++)                                                  \
            step((T *)dst, REGISTER(call, k), n);                                                  \
        poison_all(dst, call, n);                                                                  \
    }
ARRAY_STEP(array_min, NAN, lower_valid)
ARRAY_STEP(array_max, NAN, raise_valid)

static void array_count(void *restrict dst, const struct array_call *call, size_t n)
{
    op_fill(dst, 0, n);
    for (size_t k = 0; k < call->length; k++)
        count_ones(dst, REGISTER(call, k), n);
}

static void array_first(void *restrict dst, const struct array_call *call, size_t n)
{
    op_fill(dst, NAN, n);
    for (size_t k = 0; k < (call->keep && call->length ? 1 : call->length); k++)
        keep_first(dst, REGISTER(call, k), n);
}

static void array_last(void *restrict dst, const struct array_call *call, size_t n)
{
    op_fill(dst, NAN, n);
    for (size_t k = call->keep && call->length ? call->length - 1 : 0; k < call->length; k++)
        keep_last(dst, REGISTER(call, k), n);
}

static void array_any(void *restrict dst, const struct array_call *call, size_t n)
{
    op_fill(dst, 0, n);
    for (size_t k = 0; k < call->length; k++)
        (call->keep ? any_kleene : any_ignoring)(dst, REGISTER(call, k), n);
}

static void array_all(void *restrict dst, const struct array_call *call, size_t n)
{
    op_fill(dst, 1, n);
    for (size_t k = 0; k < call->length; k++)
        (call->keep ? all_kleene : all_ignoring)(dst, REGISTER(call, k), n);
}

KERNEL void compare_exchange(T *restrict low, T *restrict high, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        T x = low[i], y = high[i];

        low[i] = x < y ? x : y;
        high[i] = x > y ? x : y; /* this way round: SSE has it (0 and -0 are one value here) */
    }
}

KERNEL void nulls_to_infinity(T *restrict dst, T *restrict count, const T *restrict a, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        dst[i] = OF(pick)(IS_NULL(a[i]), (T)INFINITY, a[i]);
        count[i] += (T)(a[i] == a[i]);
    }
}

/* Exchanges rows i and j > i where they are in the wrong order. */
typedef void exchange_fn(T *rows, size_t length, size_t i, size_t j, size_t n);

static void exchange_values(T *rows, size_t length, size_t i, size_t j, size_t n)
{
    (void)length;
    compare_exchange(rows + i * n, rows + j * n, n);
}

static void network(T *rows, size_t length, size_t n, exchange_fn *exchange)
{
    for (size_t p = 1; p < length; p *= 2)
        for (size_t k = p; k >= 1; k /= 2)
            for (size_t j = k % p; j + k < length; j += 2 * k)
                for (size_t i = 0; i < k && i + j + k < length; i++)
                    if ((i + j) / (2 * p) == (i + j + k) / (2 * p))
                        exchange(rows, length, i + j, i + j + k, n);
}

static int compare_values(const void *a, const void *b)
{
    T x = *(const T *)a, y = *(const T *)b;

    return (x > y) - (x < y);
}

/* Beyond some length the n log^2 n comparators lose against sorting lane by lane. */
enum { LONGEST_NETWORK = 512 };

static void sort_lanes(T *rows, size_t length, size_t n)
{
    T *lane = mem_array(length, sizeof *lane);

    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < length; k++)
            lane[k] = rows[k * n + i];
        qsort(lane, length, sizeof *lane, compare_values);
        for (size_t k = 0; k < length; k++)
            rows[k * n + i] = lane[k];
    }
    free(lane);
}

/* Sorts into rows of n lanes; count tells how many values of a lane are valid. */
static void sorted_rows(T *rows, T *count, const struct array_call *call, size_t n)
{
    op_fill(count, 0, n);
    for (size_t k = 0; k < call->length; k++)
        nulls_to_infinity(rows + k * n, count, REGISTER(call, k), n);
    if (call->length <= LONGEST_NETWORK)
        network(rows, call->length, n, exchange_values);
    else
        sort_lanes(rows, call->length, n);
}

/* Row k when no-data comes first: the valid values of a lane move back. */
static void behind_nulls(T *restrict dst, const T *restrict rows, const T *restrict count, size_t k,
                         size_t length, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        size_t nulls = length - (size_t)count[i];

        dst[i] = k < nulls ? (T)NAN : rows[(k - nulls) * n + i];
    }
}

KERNEL void nulls_behind(T *restrict row, const T *restrict count, T k, size_t n)
{
    for (size_t i = 0; i < n; i++)
        row[i] = NULL_AT(row[i], k >= count[i]);
}

static void array_sort(void *restrict dst, const struct array_call *call, size_t n)
{
    T *rows = call->scratch, *count = rows + call->length * n;

    sorted_rows(rows, count, call, n);
    for (size_t k = 0; k < call->length; k++)
        nulls_behind(rows + k * n, count, (T)k, n);
    for (size_t k = 0; k < call->length; k++)
        if (call->keep)
            behind_nulls((T *)dst + k * call->stride, rows, count, k, call->length, n);
        else
            memcpy((T *)dst + k * call->stride, rows + k * n, n * sizeof(T));
}

/* Takes rank `k` of every lane that asks for it. */
KERNEL void take_rank(T *restrict dst, const T *restrict row, const T *restrict rank, T k,
                      size_t n)
{
    for (size_t i = 0; i < n; i++)
        dst[i] = OF(pick)(rank[i] == k, row[i], dst[i]);
}

KERNEL void ranks_of(T *restrict low, T *restrict part, const T *restrict count,
                     double probability, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        double at = ((double)count[i] - 1) * probability, whole = floor(at);

        low[i] = (T)whole;
        part[i] = (T)(at - whole);
    }
}

/* (1 - g) a + g b; a alone when g is 0, since 0 * inf is NaN; the mean of two at one half, as the
 * definition of the median has it. */
KERNEL void between_ranks(T *restrict dst, const T *restrict high, const T *restrict part,
                          const T *restrict count, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        T g = part[i], mixed = (1 - g) * dst[i] + g * high[i];
        T half = (dst[i] + high[i]) / 2;
        T x = OF(pick)(g == (T)0.5, half, mixed);

        dst[i] = NULL_AT(OF(pick)(g == 0, dst[i], x), count[i] == 0);
    }
}

KERNEL void next_ranks(T *restrict rank, size_t n)
{
    for (size_t i = 0; i < n; i++)
        rank[i] += 1;
}

/* Of rows that are sorted; the four rows behind them are free but for the first, the count. */
static void quantile(T *restrict dst, const struct array_call *call, double probability, size_t n)
{
    T *rows = call->scratch, *count = rows + call->length * n, *rank = count + n;
    T *part = rank + n, *high = part + n;

    ranks_of(rank, part, count, probability, n);
    op_fill(dst, NAN, n);
    op_fill(high, NAN, n);
    for (size_t k = 0; k < call->length; k++)
        take_rank(dst, rows + k * n, rank, (T)k, n);
    next_ranks(rank, n);
    for (size_t k = 1; k < call->length; k++)
        take_rank(high, rows + k * n, rank, (T)k, n);
    between_ranks(dst, high, part, count, n);
    poison_all(dst, call, n);
}

static void array_quantile(void *restrict dst, const struct array_call *call, size_t n)
{
    T *rows = call->scratch;

    sorted_rows(rows, rows + call->length * n, call, n);
    for (size_t k = 0; k < call->outputs; k++)
        quantile((T *)dst + k * call->stride, call, call->constants[k], n);
}

static void array_median(void *restrict dst, const struct array_call *call, size_t n)
{
    T *rows = call->scratch;

    sorted_rows(rows, rows + call->length * n, call, n);
    quantile(dst, call, 0.5, n);
}
