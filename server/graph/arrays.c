/* Processes on arrays: reducers, element access, making arrays. An array of constants is computed
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

static const struct expr *array_lane(const struct call *call, enum lane_op op,
                                     const struct value *data, bool keep_nodata)
{
    struct planner *p = call->planner;
    AUTO(mem) const struct expr **items = mem_array(data->array.length, sizeof *items);

    for (size_t i = 0; i < data->array.length; i++)
        items[i] = lane_of(p, &data->array.items[i]);
    return expr_make(p->exprs, op, data->array.length, items, keep_nodata);
}

static bool holds_lane(const struct value *data)
{
    for (size_t i = 0; i < data->array.length; i++)
        if (data->array.items[i].kind == KIND_LANE)
            return true;
    return false;
}

/* Elements must be scalars; a cube's callback never makes others, a written array may. */
static bool check_scalars(const struct call *call, const struct value *data, struct err *err)
{
    for (size_t i = 0; i < data->array.length; i++)
        if (!value_is_scalar(&data->array.items[i]))
            return call_fail(call, err, ERR_ProcessParameterInvalid, "data",
                             "element %zu cannot stand beside pixels.", i);
    return true;
}

static bool run_reducer(struct call *call, struct value *ret, struct err *err)
{
    const struct value *data = &call->arguments[0];
    bool ignore = call_boolean(call, "ignore_nodata");
    const struct reducer *r = reducers;
    AUTO(mem) double *numbers = NULL;
    size_t n = 0;

    (void)err;
    while (strcmp(r->id, call->process->id))
        r++;
    if (holds_lane(data)) {
        *ret = value_lane(array_lane(call, r->lane, data, !ignore));
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

static bool run_first_last(struct call *call, struct value *ret, struct err *err)
{
    const struct value *data = &call->arguments[0];
    bool ignore = call_boolean(call, "ignore_nodata"), last = !strcmp(call->process->id, "last");
    size_t n = data->array.length;

    *ret = value_null();
    if (holds_lane(data)) {
        if (!check_scalars(call, data, err))
            return false;
        *ret = value_lane(array_lane(call, last ? LANE_LAST : LANE_FIRST, data, !ignore));
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

static bool run_any_all(struct call *call, struct value *ret, struct err *err)
{
    const struct value *data = &call->arguments[0];
    bool ignore = call_boolean(call, "ignore_nodata"), any = !strcmp(call->process->id, "any");
    bool unknown = false;

    (void)err;
    if (holds_lane(data)) {
        *ret = value_lane(array_lane(call, any ? LANE_ANY : LANE_ALL, data, !ignore));
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
    size_t n = data->array.length, count = 0;
    struct value *met = arena_array(call->planner->arena, n, sizeof *met);
    struct value verdicts = { .kind = KIND_ARRAY, .array = { .items = met, .length = n } };

    if (condition->kind == KIND_BOOLEAN) {
        *ret = value_number((double)n);
        return true;
    }
    for (size_t i = 0; i < n; i++) {
        if (condition->kind != KIND_CALLBACK)
            valid(call, &data->array.items[i], &met[i]);
        else if (!counts(call, &data->array.items[i], &met[i], err))
            return false;
        if (met[i].kind == KIND_UNKNOWN) {
            *ret = value_unknown();
            return true;
        }
        count += met[i].kind == KIND_BOOLEAN && met[i].boolean;
    }
    *ret = holds_lane(&verdicts) ? value_lane(array_lane(call, LANE_COUNT, &verdicts, false))
                                 : value_number((double)count);
    return true;
}

/* array_element */
static size_t find_label(const struct value *data, const struct value *label)
{
    struct label wanted = { .is_number = label->kind == KIND_NUMBER };
    char number[32] = "";

    if (wanted.is_number) {
        wanted.number = label->number;
        number_text(label->number, number);
    } else {
        wanted.text = label->text;
    }
    for (size_t i = 0; i < data->array.length; i++)
        if (label_equal(&data->array.labels[i], &wanted))
            return i;
    for (size_t i = 0; wanted.is_number && i < data->array.length; i++)
        if (!data->array.labels[i].is_number && !strcmp(data->array.labels[i].text, number))
            return i;
    return SIZE_MAX;
}

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
        *ret = data->array.items[(size_t)index->number];
        return true;
    }
    if (!data->array.labels) {
        if (data->deferred)
            return element_missing(call, "label", ret, err);
        return call_raise(call, err, ERR_ArrayNotLabeled, "label");
    }
    at = find_label(data, label);
    if (at == SIZE_MAX)
        return element_missing(call, "label", ret, err);
    *ret = data->array.items[at];
    return true;
}

static bool run_array_create(struct call *call, struct value *ret, struct err *err)
{
    const struct value *data = &call->arguments[0];
    double repeat = call_number(call, "repeat");
    size_t n = data->array.length;
    struct value *items;

    if (repeat * (double)n > MAX_ARRAY)
        return call_fail(call, err, ERR_ProcessParameterInvalid, "repeat",
                         "the array would have more than %d elements.", MAX_ARRAY);
    items = arena_array(call->planner->arena, n * (size_t)repeat, sizeof *items);
    for (size_t i = 0; i < n * (size_t)repeat; i++)
        items[i] = data->array.items[i % n];
    *ret = (struct value){ .kind = KIND_ARRAY, .deferred = data->deferred,
                           .array = { .items = items, .length = n * (size_t)repeat } };
    return true;
}

static bool run_array_concat(struct call *call, struct value *ret, struct err *err)
{
    const struct value *a = &call->arguments[0], *b = &call->arguments[1];
    size_t n = a->array.length, m = b->array.length;
    struct arena *arena = call->planner->arena;
    struct value *items = arena_array(arena, n + m, sizeof *items);
    struct label *labels = arena_array(arena, n + m, sizeof *labels);
    bool labelled = a->array.labels && b->array.labels;
    char text[100];

    if (n + m > MAX_ARRAY)
        return call_fail(call, err, ERR_ProcessParameterInvalid, "array2",
                         "the array would have more than %d elements.", MAX_ARRAY);
    for (size_t i = 0; i < n + m; i++) {
        items[i] = i < n ? a->array.items[i] : b->array.items[i - n];
        if (labelled)
            labels[i] = i < n ? a->array.labels[i] : b->array.labels[i - n];
        for (size_t k = 0; labelled && i >= n && !a->deferred && !b->deferred && k < n; k++) {
            label_text(&labels[i], text, sizeof text);
            if (label_equal(&labels[k], &labels[i]))
                return call_fail(call, err, ERR_ArrayLabelConflict, "array2", "It is '%s'.", text);
        }
    }
    *ret = (struct value){ .kind = KIND_ARRAY, .deferred = a->deferred || b->deferred,
                           .array = { .items = items, .labels = labelled ? labels : NULL,
                                      .length = n + m } };
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
    { .id = "array_create", .run = run_array_create },
    { .id = "array_concat", .run = run_array_concat },
    { .id = NULL },
};
