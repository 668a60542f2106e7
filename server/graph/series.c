/* Processes that compute several numbers of an array: quantiles, extrema, running totals,
 * interpolation. With constants they compute here; with pixels one operator makes all the numbers. */
#include "graph/planner.h"
#include "base/instant.h"
#include "base/whittaker.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct value numbers_value(struct planner *p, const double *numbers, const bool *none,
                                  size_t n)
{
    struct value *items = arena_array(p->arena, n, sizeof *items);

    for (size_t i = 0; i < n; i++)
        items[i] = none && none[i] ? value_null() : value_number(numbers[i]);
    return (struct value){ .kind = KIND_ARRAY, .array = { .items = items, .length = n } };
}

static struct value nulls_value(struct planner *p, size_t n)
{
    struct value *items = arena_array(p->arena, n, sizeof *items);

    return (struct value){ .kind = KIND_ARRAY, .array = { .items = items, .length = n } };
}

/* The operator over the elements of an array. */
static struct value several(struct call *call, enum lane_op op, const struct value *data, bool keep,
                            const double *numbers, size_t n_numbers, size_t n_outputs)
{
    struct planner *p = call->planner;
    AUTO(mem) const struct expr **lanes = array_lanes(p, data);
    AUTO(mem) const struct expr **all = mem_array(n_outputs, sizeof *all);

    expr_several(p->exprs, op, data->array.length, lanes, keep, n_numbers, numbers, n_outputs, all);
    return array_of_lanes(p, all, n_outputs, NULL);
}

/* Elements that are there and no-data: with ignore_nodata false one of them decides. */
static const struct expr *any_missing(struct planner *p, const struct value *data)
{
    size_t n = data->array.length;
    AUTO(mem) const struct expr **missing = mem_array(n, sizeof *missing);

    for (size_t i = 0; i < n; i++)
        missing[i] = expr_binary(p->exprs, LANE_AND, array_presence(p, data, i),
                                 expr_unary(p->exprs, LANE_IS_NODATA,
                                            lane_of(p, &data->array.items[i])));
    return expr_make(p->exprs, LANE_ANY, n, missing, false);
}

static struct value masked_values(struct planner *p, const struct value *array,
                                  const struct expr *mask)
{
    size_t n = array->array.length;
    AUTO(mem) const struct expr **lanes = array_lanes(p, array);

    for (size_t i = 0; i < n; i++)
        lanes[i] = expr_binary(p->exprs, LANE_MASK, lanes[i], mask);
    return array_of_lanes(p, lanes, n, NULL);
}

static int compare_numbers(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* The numbers among the elements, sorted; all are NaN when one is, which has no place in the order.
 * False: there is nothing to say. */
static bool sorted_numbers(const struct value *data, bool ignore, double *numbers, size_t *ret_n)
{
    size_t n = 0;
    bool nan = false;

    for (size_t i = 0; i < data->array.length; i++) {
        if (data->array.items[i].kind != KIND_NUMBER) {
            if (!ignore)
                return false;
            continue;
        }
        nan |= isnan(data->array.items[i].number);
        numbers[n++] = data->array.items[i].number;
    }
    for (size_t i = 0; nan && i < n; i++)
        numbers[i] = NAN;
    qsort(numbers, n, sizeof *numbers, compare_numbers);
    *ret_n = n;
    return n > 0;
}

/* Type 7. Half way it is the mean of two, as the median is. */
static double quantile(const double *sorted, size_t n, double probability)
{
    double at = (double)(n - 1) * probability, whole = floor(at), g = at - whole;
    const double *x = &sorted[(size_t)whole];

    if (g == 0)
        return x[0];
    return g == 0.5 ? (x[0] + x[1]) / 2 : (1 - g) * x[0] + g * x[1];
}

static bool read_probabilities(struct call *call, double **ret, size_t *ret_n, struct err *err)
{
    const struct value *list = call_argument(call, "probabilities"), *q = call_argument(call, "q");
    const struct value *whole = list->kind == KIND_NULL ? q : list;
    size_t n;

    if (list->kind == KIND_NULL && q->kind == KIND_NULL)
        return call_raise(call, err, ERR_QuantilesParameterMissing, NULL);
    if (list->kind != KIND_NULL && q->kind != KIND_NULL)
        return call_raise(call, err, ERR_QuantilesParameterConflict, NULL);
    if (whole->kind == KIND_NUMBER && whole->number - 1 > MAX_ARRAY)
        return call_fail(call, err, ERR_ProcessParameterInvalid, "probabilities",
                         "at most %d intervals are possible.", MAX_ARRAY);
    n = whole->kind == KIND_NUMBER ? (size_t)whole->number - 1 : whole->array.length;
    *ret = mem_array(n, sizeof **ret);
    *ret_n = n;
    for (size_t i = 0; i < n; i++) {
        const struct value *item = whole->kind == KIND_ARRAY ? &whole->array.items[i] : NULL;

        if (whole->kind == KIND_LANE || (item && item->kind != KIND_NUMBER))
            return call_fail(call, err, ERR_FeatureUnsupported, "probabilities",
                             "Probabilities cannot come from pixels.");
        (*ret)[i] = item ? item->number : (double)(i + 1) / (double)(n + 1);
        if (i && (*ret)[i] < (*ret)[i - 1])
            return call_fail(call, err, ERR_AscendingProbabilitiesRequired, "probabilities",
                             "%.17g comes after %.17g.", (*ret)[i], (*ret)[i - 1]);
    }
    return true;
}

static bool run_quantiles(struct call *call, struct value *ret, struct err *err)
{
    const struct value *data = &call->arguments[0];
    bool ignore = call_boolean(call, "ignore_nodata");
    struct planner *p = call->planner;
    AUTO(mem) double *probabilities = NULL;
    AUTO(mem) double *sorted = mem_array(data->array.length, sizeof *sorted);
    size_t n_wanted = 0, n;

    if (call_argument(call, "probabilities")->kind == KIND_LANE ||
        call_argument(call, "q")->kind == KIND_LANE)
        return call_fail(call, err, ERR_FeatureUnsupported, "probabilities",
                         "Probabilities cannot come from pixels.");
    if (!read_probabilities(call, &probabilities, &n_wanted, err))
        return false;
    *ret = nulls_value(p, n_wanted);
    if (n_wanted == 0)
        return true;
    if (array_has_lanes(data)) {
        *ret = several(call, LANE_QUANTILE, data, !ignore && !data->array.presence, probabilities,
                       n_wanted, n_wanted);
        if (!ignore && data->array.presence)
            *ret = masked_values(p, ret, any_missing(p, data));
        return true;
    }
    if (!sorted_numbers(data, ignore, sorted, &n))
        return true;
    for (size_t i = 0; i < n_wanted; i++)
        probabilities[i] = quantile(sorted, n, probabilities[i]);
    *ret = numbers_value(p, probabilities, NULL, n_wanted);
    return true;
}

static bool run_extrema(struct call *call, struct value *ret, struct err *err)
{
    const struct value *data = &call->arguments[0];
    bool ignore = call_boolean(call, "ignore_nodata");
    struct planner *p = call->planner;
    AUTO(mem) double *sorted = mem_array(data->array.length, sizeof *sorted);
    size_t n = data->array.length;

    (void)err;
    *ret = nulls_value(p, 2);
    if (array_has_lanes(data)) {
        AUTO(mem) const struct expr **lanes = array_lanes(p, data);
        bool keep = !ignore && !data->array.presence;
        const struct expr *ends[] = { expr_make(p->exprs, LANE_MIN, n, lanes, keep),
                                      expr_make(p->exprs, LANE_MAX, n, lanes, keep) };

        *ret = array_of_lanes(p, ends, 2, NULL);
        if (!ignore && data->array.presence)
            *ret = masked_values(p, ret, any_missing(p, data));
    } else if (sorted_numbers(data, ignore, sorted, &n)) {
        *ret = numbers_value(p, (double[]){ sorted[0], sorted[n - 1] }, NULL, 2);
    }
    return true;
}

/* Running totals */
static double plus(double total, double x)
{
    return total + x;
}
static double times(double total, double x)
{
    return total * x;
}
static double least(double total, double x)
{
    return isnan(x) || x < total ? x : total;
}
static double most(double total, double x)
{
    return isnan(x) || x > total ? x : total;
}

static const struct running {
    const char *id;
    enum lane_op lane;
    double start;
    double (*step)(double total, double x);
} runnings[] = {
    { "cumsum", LANE_CUMSUM, 0, plus },
    { "cumproduct", LANE_CUMPRODUCT, 1, times },
    { "cummin", LANE_CUMMIN, INFINITY, least },
    { "cummax", LANE_CUMMAX, -INFINITY, most },
};

static bool run_running(struct call *call, struct value *ret, struct err *err)
{
    const struct value *data = &call->arguments[0];
    bool ignore = call_boolean(call, "ignore_nodata"), gone = false;
    size_t n = data->array.length;
    AUTO(mem) double *totals = mem_array(n, sizeof *totals);
    AUTO(mem) bool *none = mem_array(n, sizeof *none);
    const struct running *r = runnings;
    double total;

    while (strcmp(r->id, call->process->id))
        r++;
    total = r->start;
    if (array_has_lanes(data)) {
        if (!ignore && data->array.presence)
            return call_fail(call, err, ERR_FeatureUnsupported, "ignore_nodata",
                             "No-data in an array that was filtered by pixel values can only be "
                             "ignored here.");
        *ret = several(call, r->lane, data, !ignore, NULL, 0, n);
    } else {
        for (size_t i = 0; i < n; i++) {
            none[i] = data->array.items[i].kind != KIND_NUMBER;
            gone |= none[i] && !ignore;
            none[i] |= gone;
            if (!none[i])
                totals[i] = total = r->step(total, data->array.items[i].number);
        }
        *ret = numbers_value(call->planner, totals, none, n);
    }
    ret->deferred = data->deferred;
    ret->array.labels = data->array.labels;
    ret->array.presence = data->array.presence;
    return true;
}

/* array_interpolate_linear: the x axis is the labels where they are numbers or instants in order,
 * else the positions. */
static double label_place(const struct label *label)
{
    int64_t instant = label->instant_ms;

    if (label->is_number)
        return label->number;
    if (!instant_parse_date(label->text, &instant))
        instant = label->instant_ms; /* of a period, set by whoever made it */
    return (double)instant;
}

/* False: positions. */
static bool places(const struct value *data, double *x)
{
    size_t n = data->array.length;
    bool up = true, down = true;

    for (size_t i = 0; data->array.labels && i < n; i++) {
        x[i] = label_place(&data->array.labels[i]);
        up = up && (i == 0 || (x[i] > x[i - 1] && data->array.labels[i].is_number ==
                                                      data->array.labels[i - 1].is_number));
        down = down && (i == 0 || (x[i] < x[i - 1] && data->array.labels[i].is_number ==
                                                          data->array.labels[i - 1].is_number));
    }
    if (data->array.labels && (up || down))
        return true;
    for (size_t i = 0; i < n; i++)
        x[i] = (double)i;
    return false;
}

static bool is_value(const struct value *v)
{
    return v->kind == KIND_NUMBER && !isnan(v->number);
}

static struct value interpolated(struct planner *p, const struct value *data, const double *x)
{
    size_t n = data->array.length, before = SIZE_MAX;
    struct value *items = arena_array(p->arena, n, sizeof *items);

    for (size_t i = 0; i < n; i++) {
        items[i] = data->array.items[i];
        if (!is_value(&items[i]))
            continue;
        for (size_t k = before == SIZE_MAX ? i : before + 1; k < i; k++) {
            double g = (x[k] - x[before]) / (x[i] - x[before]);

            items[k] = value_number((1 - g) * items[before].number + g * items[i].number);
        }
        before = i;
    }
    return (struct value){ .kind = KIND_ARRAY, .array = { .items = items, .length = n } };
}

static bool run_interpolate(struct call *call, struct value *ret, struct err *err)
{
    const struct value *data = &call->arguments[0];
    size_t n = data->array.length;
    AUTO(mem) double *x = mem_array(n, sizeof *x);

    places(data, x);
    if (!array_has_lanes(data))
        *ret = interpolated(call->planner, data, x);
    else if (data->array.presence && !data->array.labels)
        return call_fail(call, err, ERR_FeatureUnsupported, "data",
                         "An array that was filtered by pixel values and has no labels has no "
                         "common x axis.");
    else
        *ret = several(call, LANE_INTERPOLATE, data, false, x, n, n);
    ret->deferred = data->deferred;
    ret->array.labels = data->array.labels;
    ret->array.presence = data->array.presence;
    return true;
}

/* array_smooth_whittaker: dates count in steps of some days. */
static bool read_smoother(const struct call *call, const struct value *data, double *numbers, struct err *err)
{
    static const struct {
        const char *name;
        double least, greatest;
    } limits[] = { { "lambda", 1e-6, 1e12 }, { "iterations", 0, 100 }, { "step", 1e-3, 1e5 } };
    double x[ARRAY_LEN(limits)];

    for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
        x[i] = call_number(call, limits[i].name);
        if (!(x[i] >= limits[i].least && x[i] <= limits[i].greatest))
            return call_fail(call, err, ERR_ProcessParameterInvalid, limits[i].name,
                             "expected a number from %g to %g, found %g.", limits[i].least, limits[i].greatest, x[i]);
    }
    numbers[0] = x[0];
    numbers[1] = x[1];
    if (places(data, numbers + 2) && data->array.length && !data->array.labels[0].is_number)
        for (size_t i = 0; i < data->array.length; i++)
            numbers[2 + i] /= x[2] * 86400000;
    return true;
}

static bool run_smooth(struct call *call, struct value *ret, struct err *err)
{
    const struct value *data = &call->arguments[0];
    size_t n = data->array.length;
    AUTO(mem) double *numbers = mem_array(n + 2, sizeof *numbers);
    AUTO(mem) double *values = mem_array(n, sizeof *values);
    AUTO(mem) double *room = mem_array(n * WHITTAKER_ROOM, sizeof *room);
    AUTO(mem) bool *none = mem_array(n, sizeof *none);

    if (data->array.presence)
        return call_fail(call, err, ERR_FeatureUnsupported, "data",
                         "An array that was filtered by pixel values has no common x axis.");
    if (!read_smoother(call, data, numbers, err))
        return false;
    if (array_has_lanes(data)) {
        *ret = several(call, LANE_SMOOTH, data, false, numbers, n + 2, n);
    } else {
        for (size_t i = 0; i < n; i++)
            values[i] = is_value(&data->array.items[i]) ? data->array.items[i].number : NAN;
        whittaker_smooth(numbers + 2, values, n, numbers[0], (unsigned)numbers[1], room);
        for (size_t i = 0; i < n; i++)
            none[i] = isnan(values[i]);
        *ret = numbers_value(call->planner, values, none, n);
    }
    ret->deferred = data->deferred;
    ret->array.labels = data->array.labels;
    return true;
}

const struct operation series_operations[] = {
    { .id = "quantiles", .run = run_quantiles },
    { .id = "extrema", .run = run_extrema },
    { .id = "cumsum", .run = run_running },
    { .id = "cumproduct", .run = run_running },
    { .id = "cummin", .run = run_running },
    { .id = "cummax", .run = run_running },
    { .id = "array_interpolate_linear", .run = run_interpolate },
    { .id = "array_smooth_whittaker", .run = run_smooth },
    { .id = NULL },
};
