/* Processes on arrays: reducers and element access. An array of constants is computed
 * here and now; one with pixels in it becomes an expression over all its elements. */
#include "graph/planner.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Reducers of constants. They see the elements without nulls; n > 0. */
typedef double reduce_fn(double *numbers, size_t n);

static bool has_nan(const double *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (isnan(x[i]))
            return true;
    return false;
}

static double reduce_sum(double *x, size_t n)
{
    double sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += x[i];
    return sum;
}

static double reduce_mean(double *x, size_t n)
{
    return reduce_sum(x, n) / (double)n;
}

static double reduce_product(double *x, size_t n)
{
    double product = 1;

    for (size_t i = 0; i < n; i++)
        product *= x[i];
    return product;
}

static double reduce_min(double *x, size_t n)
{
    double least = x[0];

    for (size_t i = 1; i < n; i++)
        least = x[i] < least ? x[i] : least;
    return has_nan(x, n) ? NAN : least;
}

static double reduce_max(double *x, size_t n)
{
    double greatest = x[0];

    for (size_t i = 1; i < n; i++)
        greatest = x[i] > greatest ? x[i] : greatest;
    return has_nan(x, n) ? NAN : greatest;
}

static int compare_numbers(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double reduce_median(double *x, size_t n)
{
    if (has_nan(x, n))
        return NAN;
    qsort(x, n, sizeof *x, compare_numbers);
    return n % 2 ? x[n / 2] : (x[n / 2 - 1] + x[n / 2]) / 2;
}

/* One value has no variance: 0/0. */
static double reduce_variance(double *x, size_t n)
{
    double mean = 0, squares = 0;

    for (size_t i = 0; i < n; i++) {
        double delta = x[i] - mean;

        mean += delta / (double)(i + 1);
        squares += delta * (x[i] - mean);
    }
    return squares / (double)(n - 1);
}

static double reduce_sd(double *x, size_t n)
{
    return sqrt(reduce_variance(x, n));
}

static const struct reducer {
    const char *id;
    enum lane_op lane;
    reduce_fn *reduce;
} reducers[] = {
    { "mean", LANE_MEAN, reduce_mean },       { "median", LANE_MEDIAN, reduce_median },
    { "min", LANE_MIN, reduce_min },          { "max", LANE_MAX, reduce_max },
    { "sum", LANE_SUM, reduce_sum },          { "product", LANE_PRODUCT, reduce_product },
    { "variance", LANE_VARIANCE, reduce_variance }, { "sd", LANE_SD, reduce_sd },
};

/* Elements that are not there are no-data to the operators; where no-data counts it must be told from
 * them. */
static const struct expr *reduced_lane(const struct call *call, enum lane_op op,
                                       const struct value *data, bool keep_nodata)
{
    struct planner *p = call->planner;
    size_t n = data->array.length;
    AUTO(mem) const struct expr **items = array_lanes(p, data);
    bool ragged = data->array.presence != NULL;
    const struct expr *reduced = expr_make(p->exprs, op, n, items, keep_nodata && !ragged);

    if (!keep_nodata || !ragged)
        return reduced;
    for (size_t i = 0; i < n; i++)
        items[i] = expr_binary(p->exprs, LANE_AND, array_presence(p, data, i),
                               expr_unary(p->exprs, LANE_IS_NODATA,
                                          lane_of(p, &data->array.items[i])));
    return expr_binary(p->exprs, LANE_MASK, reduced, expr_make(p->exprs, LANE_ANY, n, items, false));
}

static bool run_reducer(struct call *call, struct value *ret, struct err *err)
{
    const struct value *data = &call->arguments[0];
    bool ignore = call_boolean(call, "ignore_nodata");
    const struct reducer *r = reducers;
    AUTO(mem) double *numbers = NULL;
    size_t n = 0;

    while (strcmp(r->id, call->process->id))
        r++;
    if (array_has_lanes(data)) {
        if (!array_check_scalars(call, "data", data, err))
            return false;
        *ret = value_lane(reduced_lane(call, r->lane, data, !ignore));
        return true;
    }
    numbers = mem_array(data->array.length, sizeof *numbers);
    *ret = value_null();
    for (size_t i = 0; i < data->array.length; i++) {
        if (data->array.items[i].kind == KIND_NUMBER)
            numbers[n++] = data->array.items[i].number;
        else if (!ignore)
            return true;
    }
    if (n > 0)
        *ret = value_number(r->reduce(numbers, n));
    return true;
}

/* The first or last element that a pixel has, be it no-data. */
static const struct expr *end_lane(const struct call *call, const struct value *data, bool last)
{
    struct planner *p = call->planner;
    size_t n = data->array.length;
    const struct expr *end = expr_constant(p->exprs, NAN);

    for (size_t k = 0; k < n; k++) {
        size_t i = last ? k : n - 1 - k;

        end = expr_ternary(p->exprs, LANE_SELECT, array_presence(p, data, i),
                           lane_of(p, &data->array.items[i]), end);
    }
    return end;
}

static bool run_first_last(struct call *call, struct value *ret, struct err *err)
{
    const struct value *data = &call->arguments[0];
    bool ignore = call_boolean(call, "ignore_nodata"), last = !strcmp(call->process->id, "last");
    size_t n = data->array.length;

    *ret = value_null();
    if (array_has_lanes(data)) {
        if (!array_check_scalars(call, "data", data, err))
            return false;
        *ret = value_lane(data->array.presence && !ignore
                              ? end_lane(call, data, last)
                              : reduced_lane(call, last ? LANE_LAST : LANE_FIRST, data, !ignore));
        return true;
    }
    for (size_t i = 0; i < n; i++) {
        const struct value *item = &data->array.items[last ? n - 1 - i : i];

        if (ignore && item->kind == KIND_NULL)
            continue;
        *ret = *item;
        return true;
    }
    return true;
}

static const struct expr *quantified_lane(const struct call *call, const struct value *data,
                                          bool any, bool keep_nodata)
{
    struct planner *p = call->planner;
    AUTO(mem) const struct expr **items = array_lanes(p, data);

    for (size_t i = 0; data->array.presence && i < data->array.length; i++) {
        const struct expr *item = lane_of(p, &data->array.items[i]);
        const struct expr *there = data->array.presence[i];

        items[i] = any ? expr_binary(p->exprs, LANE_AND, there, item)
                       : expr_binary(p->exprs, LANE_OR, expr_unary(p->exprs, LANE_NOT, there), item);
    }
    return expr_make(p->exprs, any ? LANE_ANY : LANE_ALL, data->array.length, items, keep_nodata);
}

static bool run_any_all(struct call *call, struct value *ret, struct err *err)
{
    const struct value *data = &call->arguments[0];
    bool ignore = call_boolean(call, "ignore_nodata"), any = !strcmp(call->process->id, "any");
    bool unknown = false;

    if (array_has_lanes(data)) {
        if (!array_check_scalars(call, "data", data, err))
            return false;
        *ret = value_lane(quantified_lane(call, data, any, !ignore));
        return true;
    }
    for (size_t i = 0; i < data->array.length; i++) {
        const struct value *item = &data->array.items[i];

        if (item->kind == KIND_NULL) {
            unknown |= !ignore;
        } else if (item->boolean == any) {
            *ret = value_boolean(any);
            return true;
        }
    }
    *ret = unknown ? value_null() : value_boolean(!any);
    return true;
}

/* The definition's own example calls the callback's parameter "element". */
static bool counts(struct call *call, const struct value *item, struct value *ret, struct err *err)
{
    const struct value *condition = call_argument(call, "condition");
    struct binding bindings[] = {
        { "x", *item }, { "element", *item }, { "context", *call_argument(call, "context") },
    };

    if (!callback_call(call->planner, condition->callback, bindings, ARRAY_LEN(bindings), ret, err))
        return false;
    if (ret->kind == KIND_NULL || ret->kind == KIND_BOOLEAN || ret->kind == KIND_UNKNOWN ||
        (ret->kind == KIND_LANE && expr_is_boolean(ret->lane)))
        return true;
    return call_fail(call, err, ERR_ProcessParameterInvalid, "condition",
                     "the callback must give a boolean.");
}

static void valid(struct call *call, const struct value *item, struct value *ret)
{
    struct planner *p = call->planner;

    if (item->kind == KIND_LANE)
        *ret = value_lane(expr_unary(p->exprs, LANE_IS_VALID, item->lane));
    else
        *ret = value_boolean(item->kind == KIND_NUMBER ? isfinite(item->number)
                                                       : item->kind != KIND_NULL);
}

static bool run_count(struct call *call, struct value *ret, struct err *err)
{
    const struct value *data = &call->arguments[0], *condition = call_argument(call, "condition");
    struct planner *p = call->planner;
    size_t n = data->array.length, count = 0;
    AUTO(mem) const struct expr **met = mem_array(n, sizeof *met);
    bool lanes = data->array.presence != NULL;

    for (size_t i = 0; i < n; i++) {
        struct value verdict = value_boolean(true);

        if (condition->kind == KIND_CALLBACK && !counts(call, &data->array.items[i], &verdict, err))
            return false;
        if (condition->kind == KIND_NULL)
            valid(call, &data->array.items[i], &verdict);
        if (verdict.kind == KIND_UNKNOWN) {
            *ret = value_unknown();
            return true;
        }
        count += verdict.kind == KIND_BOOLEAN && verdict.boolean;
        lanes |= verdict.kind == KIND_LANE;
        met[i] = lane_of(p, &verdict);
        if (data->array.presence)
            met[i] = expr_binary(p->exprs, LANE_AND, data->array.presence[i], met[i]);
    }
    *ret = lanes ? value_lane(expr_make(p->exprs, LANE_COUNT, n, met, false))
                 : value_number((double)count);
    return true;
}

/* array_element */
static void list_labels(const struct value *data, char *buffer, size_t size)
{
    size_t used = 0;

    *buffer = '\0';
    for (size_t i = 0; i < data->array.length && used + 60 < size; i++) {
        char one[50];
        int n;

        label_text(&data->array.labels[i], one, sizeof one);
        n = snprintf(buffer + used, size - used, "%s%s", i ? ", " : "", one);
        used += n > 0 ? (size_t)n : 0;
    }
}

static bool element_missing(struct call *call, const char *parameter, struct value *ret,
                            struct err *err)
{
    const struct value *data = &call->arguments[0], *wanted = call_argument(call, parameter);
    AUTO(text) struct text what = { 0 };
    char labels[300] = "";

    if (data->deferred || call_boolean(call, "return_nodata")) {
        *ret = data->deferred && data->array.length ? data->array.items[0] : value_null();
        return true;
    }
    value_describe(wanted, &what);
    if (data->array.labels)
        list_labels(data, labels, sizeof labels);
    return call_fail(call, err, ERR_ArrayElementNotAvailable, parameter,
                     "%s is asked for, the array has %zu elements%s%s.", what.data,
                     data->array.length, *labels ? ": " : "", labels);
}

/* Element `index` of those that a pixel has. */
static const struct expr *ragged_element(const struct call *call, const struct value *data,
                                         double index)
{
    struct planner *p = call->planner;
    const struct expr *found = expr_constant(p->exprs, NAN);

    for (size_t i = data->array.length; i-- > 0 && (double)i >= index;) {
        struct value at = array_position(p, data, i);
        const struct expr *here = expr_binary(
            p->exprs, LANE_AND, data->array.presence[i],
            expr_binary(p->exprs, LANE_EQ, lane_of(p, &at), expr_constant(p->exprs, index)));

        found = expr_ternary(p->exprs, LANE_SELECT, here, lane_of(p, &data->array.items[i]), found);
    }
    return found;
}

static bool run_array_element(struct call *call, struct value *ret, struct err *err)
{
    const struct value *data = &call->arguments[0], *index = call_argument(call, "index");
    const struct value *label = call_argument(call, "label");
    size_t at;

    if (index->kind == KIND_NULL && label->kind == KIND_NULL)
        return call_raise(call, err, ERR_ArrayElementParameterMissing, NULL);
    if (index->kind != KIND_NULL && label->kind != KIND_NULL)
        return call_raise(call, err, ERR_ArrayElementParameterConflict, NULL);
    if (index->kind == KIND_LANE || label->kind == KIND_LANE)
        return call_fail(call, err, ERR_FeatureUnsupported, index->kind == KIND_LANE ? "index" : "label",
                         "An element cannot be chosen by a pixel value.");
    if (index->kind == KIND_NUMBER) {
        if (index->number >= (double)data->array.length)
            return element_missing(call, "index", ret, err);
        *ret = data->array.presence ? value_lane(ragged_element(call, data, index->number))
                                    : data->array.items[(size_t)index->number];
        return true;
    }
    if (!data->array.labels) {
        if (data->deferred)
            return element_missing(call, "label", ret, err);
        return call_raise(call, err, ERR_ArrayNotLabeled, "label");
    }
    at = array_find_label(data, label);
    if (at == SIZE_MAX)
        return element_missing(call, "label", ret, err);
    *ret = data->array.presence ? value_lane(array_lane(call->planner, data, at))
                                : data->array.items[at];
    return true;
}

const struct operation array_operations[] = {
    { .id = "mean", .run = run_reducer },     { .id = "median", .run = run_reducer },
    { .id = "min", .run = run_reducer },      { .id = "max", .run = run_reducer },
    { .id = "sum", .run = run_reducer },      { .id = "product", .run = run_reducer },
    { .id = "variance", .run = run_reducer }, { .id = "sd", .run = run_reducer },
    { .id = "first", .run = run_first_last }, { .id = "last", .run = run_first_last },
    { .id = "any", .run = run_any_all },      { .id = "all", .run = run_any_all },
    { .id = "count", .run = run_count },
    { .id = "array_element", .run = run_array_element },
    { .id = NULL },
};
