/* Folds for lanes of type T: what is kept of a reducer while the slices of a series stream by.
 * Included after kernels_arrays.h, whose steps they are. */

KERNEL void poison_double(double *restrict dst, const T *restrict a, size_t n)
{
    for (size_t i = 0; i < n; i++)
        dst[i] = nan_where_double(dst[i], IS_NULL(a[i]));
}

static void fold_sum(const struct fold_state *state, const void *restrict a, size_t slice,
                     bool keep, size_t n)
{
    if (slice == 0) {
        fill_doubles(state->sum, 0, n);
        fill_doubles(state->seen, 0, n);
    }
    add_valid(state->sum, state->seen, a, n);
    if (keep)
        poison_double(state->sum, a, n);
}

static void fold_product(const struct fold_state *state, const void *restrict a, size_t slice,
                         bool keep, size_t n)
{
    if (slice == 0) {
        fill_doubles(state->sum, 1, n);
        fill_doubles(state->seen, 0, n);
    }
    multiply_valid(state->sum, state->seen, a, n);
    if (keep)
        poison_double(state->sum, a, n);
}

static void fold_spread(const struct fold_state *state, const void *restrict a, size_t slice,
                        bool keep, size_t n)
{
    if (slice == 0) {
        fill_doubles(state->sum, 0, n);
        fill_doubles(state->seen, 0, n);
        fill_doubles(state->squares, 0, n);
    }
    spread_valid(state->sum, state->squares, state->seen, a, n);
    if (keep)
        poison_double(state->squares, a, n);
}

/* Least and most: in keep a no-data stays, so a first slice is copied and later ones poison. */
#define FOLD_LIMIT(name, step)                                                                     \
    static void name(const struct fold_state *state, const void *restrict a, size_t slice,         \
                     bool keep, size_t n)                                                          \
    {                                                                                              \
        if (slice == 0) {                                                                          \
            memcpy(state->value, a, n * sizeof(T));                                                \
        } else if (keep) {                                                                         \
            step##_kept(state->value, a, n);                                                       \
        } else {                                                                                   \
            step(state->value, a, n);                                                              \
        }                                                                                          \
    }

KERNEL void lower_valid_kept(T *restrict least, const T *restrict a, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        T x = a[i] < least[i] ? a[i] : least[i]; /* a NaN in least stays */

        least[i] = NULL_AT(x, IS_NULL(a[i]));
    }
}

KERNEL void raise_valid_kept(T *restrict most, const T *restrict a, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        T x = a[i] > most[i] ? a[i] : most[i];

        most[i] = NULL_AT(x, IS_NULL(a[i]));
    }
}
FOLD_LIMIT(fold_min, lower_valid)
FOLD_LIMIT(fold_max, raise_valid)

static void fold_count(const struct fold_state *state, const void *restrict a, size_t slice,
                       bool keep, size_t n)
{
    (void)keep;
    if (slice == 0)
        op_fill(state->value, 0, n);
    count_ones(state->value, a, n);
}

static void fold_first(const struct fold_state *state, const void *restrict a, size_t slice,
                       bool keep, size_t n)
{
    if (slice == 0)
        memcpy(state->value, a, n * sizeof(T));
    else if (!keep)
        keep_first(state->value, a, n);
}

static void fold_last(const struct fold_state *state, const void *restrict a, size_t slice,
                      bool keep, size_t n)
{
    if (slice == 0 || keep)
        memcpy(state->value, a, n * sizeof(T));
    else
        keep_last(state->value, a, n);
}

static void fold_any(const struct fold_state *state, const void *restrict a, size_t slice,
                     bool keep, size_t n)
{
    if (slice == 0)
        op_fill(state->value, 0, n);
    (keep ? any_kleene : any_ignoring)(state->value, a, n);
}

static void fold_all(const struct fold_state *state, const void *restrict a, size_t slice,
                     bool keep, size_t n)
{
    if (slice == 0)
        op_fill(state->value, 1, n);
    (keep ? all_kleene : all_ignoring)(state->value, a, n);
}

static void end_value(void *restrict dst, const struct fold_state *state, size_t n)
{
    memcpy(dst, state->value, n * sizeof(T));
}

static void end_sum(void *restrict dst, const struct fold_state *state, size_t n)
{
    finish_sum(dst, state->sum, state->seen, n);
}

static void end_mean(void *restrict dst, const struct fold_state *state, size_t n)
{
    finish_mean(dst, state->sum, state->seen, n);
}

static void end_variance(void *restrict dst, const struct fold_state *state, size_t n)
{
    finish_variance(dst, state->squares, state->seen, n);
}

static void end_sd(void *restrict dst, const struct fold_state *state, size_t n)
{
    finish_sd(dst, state->squares, state->seen, n);
}
