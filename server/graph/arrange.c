/* Processes that make arrays of arrays: joining, changing, mapping, filtering, finding, sorting. Of
 * constants the new array is made here and now. With pixels among the elements the new array holds
 * expressions; where its length depends on pixels it is ragged (ragged.c). */
#include "graph/planner.h"
#include "base/instant.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* An array of n elements that is filled piece by piece. */
struct pieces {
    struct call *call;
    struct value *items;
    struct label *labels;
    const struct expr **presence;
    size_t n;
    bool ragged, deferred;
};

static bool pieces_begin(struct call *call, size_t n, struct pieces *ret, struct err *err)
{
    struct arena *arena = call->planner->arena;

    if (n > MAX_ARRAY)
        return call_fail(call, err, ERR_ProcessParameterInvalid, call->process->parameters[0].name,
                         "the array would have more than %d elements.", MAX_ARRAY);
    *ret = (struct pieces){ .call = call, .items = arena_array(arena, n, sizeof *ret->items),
                            .labels = arena_array(arena, n, sizeof *ret->labels),
                            .presence = arena_array(arena, n, sizeof *ret->presence) };
    return true;
}

static void pieces_add(struct pieces *pieces, const struct value *array, size_t i)
{
    pieces->items[pieces->n] = array->array.items[i];
    if (array->array.labels)
        pieces->labels[pieces->n] = array->array.labels[i];
    pieces->presence[pieces->n++] = array_presence(pieces->call->planner, array, i);
    pieces->ragged |= array->array.presence != NULL;
    pieces->deferred |= array->deferred;
}

static struct value pieces_end(const struct pieces *pieces, bool labelled)
{
    return (struct value){ .kind = KIND_ARRAY, .deferred = pieces->deferred,
                           .array = { .items = pieces->items, .length = pieces->n,
                                      .labels = labelled ? pieces->labels : NULL,
                                      .presence = pieces->ragged ? pieces->presence : NULL } };
}

static bool run_array_create(struct call *call, struct value *ret, struct err *err)
{
    const struct value *data = &call->arguments[0];
    double repeat = call_number(call, "repeat");
    size_t n = data->array.length;
    struct pieces pieces;

    if (call_argument(call, "repeat")->kind != KIND_NUMBER)
        return call_fail(call, err, ERR_FeatureUnsupported, "repeat",
                         "How often cannot depend on pixels.");
    if (repeat * (double)n > MAX_ARRAY)
        return call_fail(call, err, ERR_ProcessParameterInvalid, "repeat",
                         "the array would have more than %d elements.", MAX_ARRAY);
    if (!pieces_begin(call, n * (size_t)repeat, &pieces, err))
        return false;
    for (size_t i = 0; i < n * (size_t)repeat; i++)
        pieces_add(&pieces, data, i % n);
    pieces.deferred = data->deferred;
    *ret = pieces_end(&pieces, false);
    return true;
}

static bool run_array_create_labeled(struct call *call, struct value *ret, struct err *err)
{
    const struct value *data = &call->arguments[0], *labels = &call->arguments[1];
    struct label *its = arena_array(call->planner->arena, labels->array.length, sizeof *its);

    if (data->kind != KIND_ARRAY)
        return call_fail(call, err, ERR_ProcessParameterInvalid, "data", "expected an array.");
    if (!data->deferred && !labels->deferred && data->array.length != labels->array.length)
        return call_fail(call, err, ERR_ArrayLengthMismatch, "labels", "They have %zu and %zu.",
                         data->array.length, labels->array.length);
    *ret = *data;
    if (data->array.length != labels->array.length)
        return true; /* whether they fit is not known yet */
    for (size_t i = 0; i < labels->array.length; i++) {
        const struct value *label = &labels->array.items[i];

        its[i].is_number = label->kind == KIND_NUMBER;
        if (its[i].is_number)
            its[i].number = label->number;
        else if (instant_parse_date(its[i].text = label->text, &its[i].instant_ms))
            continue;
    }
    ret->array.labels = its;
    return true;
}

/* A label of `more` that is in `array`, but for those at from .. from + length - 1. */
static bool check_labels(struct call *call, const struct value *array, size_t from, size_t length,
                         const struct value *more, const char *parameter, struct err *err)
{
    char text[100];

    for (size_t i = 0; i < more->array.length && !array->deferred && !more->deferred; i++)
        for (size_t k = 0; k < array->array.length; k++) {
            if ((k >= from && k - from < length) ||
                !label_equal(&array->array.labels[k], &more->array.labels[i]))
                continue;
            label_text(&more->array.labels[i], text, sizeof text);
            return call_fail(call, err, ERR_ArrayLabelConflict, parameter, "It is '%s'.", text);
        }
    return true;
}

static bool run_array_concat(struct call *call, struct value *ret, struct err *err)
{
    const struct value *a = &call->arguments[0], *b = &call->arguments[1];
    bool labelled = a->array.labels && b->array.labels;
    struct pieces pieces;

    if (!pieces_begin(call, a->array.length + b->array.length, &pieces, err) ||
        (labelled && !check_labels(call, a, 0, 0, b, "array2", err)))
        return false;
    for (size_t i = 0; i < a->array.length; i++)
        pieces_add(&pieces, a, i);
    for (size_t i = 0; i < b->array.length; i++)
        pieces_add(&pieces, b, i);
    pieces.deferred = a->deferred || b->deferred;
    *ret = pieces_end(&pieces, labelled);
    return true;
}

static bool run_array_append(struct call *call, struct value *ret, struct err *err)
{
    const struct value *data = &call->arguments[0], *label = call_argument(call, "label");
    size_t n = data->array.length;
    struct value natural = value_number((double)n);
    const struct value *wanted = label->kind == KIND_NULL ? &natural : label;
    struct value one = { .kind = KIND_ARRAY,
                         .array = { .items = call_argument(call, "value"), .length = 1 } };
    struct pieces pieces;
    AUTO(text) struct text found = { 0 };

    if (!data->array.labels && label->kind != KIND_NULL && !data->deferred)
        return call_raise(call, err, ERR_ArrayNotLabeled, "label");
    value_describe(wanted, &found);
    for (size_t i = 0; data->array.labels && !data->deferred && i < n; i++) {
        const struct label *l = &data->array.labels[i];

        if (wanted->kind == KIND_NUMBER ? l->is_number && l->number == wanted->number
                                        : !l->is_number && !strcmp(l->text, wanted->text))
            return call_fail(call, err, ERR_LabelExists, "label", "It is %s.", found.data);
    }
    if (!pieces_begin(call, n + 1, &pieces, err))
        return false;
    for (size_t i = 0; i < n; i++)
        pieces_add(&pieces, data, i);
    pieces.labels[n] = (struct label){ .is_number = wanted->kind == KIND_NUMBER };
    if (wanted->kind == KIND_NUMBER)
        pieces.labels[n].number = wanted->number;
    else
        pieces.labels[n].text = wanted->text;
    pieces_add(&pieces, &one, 0);
    pieces.deferred = data->deferred;
    *ret = pieces_end(&pieces, data->array.labels != NULL);
    return true;
}

static bool run_array_modify(struct call *call, struct value *ret, struct err *err)
{
    const struct value *data = &call->arguments[0], *values = &call->arguments[1];
    size_t n = data->array.length, m = values->array.length, from, length;
    bool labelled = (data->array.labels && values->array.labels) ||
                    (data->array.labels && m == 0) || (values->array.labels && n == 0);
    struct pieces pieces;

    if (data->array.presence || call_argument(call, "index")->kind != KIND_NUMBER ||
        call_argument(call, "length")->kind != KIND_NUMBER)
        return call_fail(call, err, ERR_FeatureUnsupported, NULL,
                         "Where an array is modified cannot depend on pixels.");
    if (call_number(call, "index") > (double)n) {
        *ret = *data;
        return data->deferred || call_fail(call, err, ERR_ArrayElementNotAvailable, "index",
                                           "Index %.17g is asked for, the array has %zu elements.",
                                           call_number(call, "index"), n);
    }
    from = (size_t)call_number(call, "index");
    length = call_number(call, "length") > (double)(n - from) ? n - from
                                                              : (size_t)call_number(call, "length");
    if (!pieces_begin(call, n + m, &pieces, err) ||
        (data->array.labels && values->array.labels &&
         !check_labels(call, data, from, length, values, "values", err)))
        return false;
    for (size_t i = 0; i < from; i++)
        pieces_add(&pieces, data, i);
    for (size_t i = 0; i < m; i++)
        pieces_add(&pieces, values, i);
    for (size_t i = from + length; i < n; i++)
        pieces_add(&pieces, data, i);
    pieces.deferred = data->deferred || values->deferred;
    *ret = pieces_end(&pieces, labelled);
    return true;
}

static bool run_array_labels(struct call *call, struct value *ret, struct err *err)
{
    const struct value *data = &call->arguments[0];
    struct value *items = arena_array(call->planner->arena, data->array.length, sizeof *items);

    (void)err;
    for (size_t i = 0; i < data->array.length; i++) {
        const struct label *label = data->array.labels ? &data->array.labels[i] : NULL;

        items[i] = !label             ? array_position(call->planner, data, i)
                   : label->is_number ? value_number(label->number)
                                      : value_text(label->text);
    }
    *ret = *data;
    ret->array.items = items;
    ret->array.labels = NULL;
    return true;
}

static bool run_array_apply(struct call *call, struct value *ret, struct err *err)
{
    const struct value *data = &call->arguments[0];
    struct value *items = arena_array(call->planner->arena, data->array.length, sizeof *items);

    for (size_t i = 0; i < data->array.length; i++) {
        if (!array_call(call, "process", data, i, &items[i], err))
            return false;
        if (value_has(&items[i], KIND_UNKNOWN)) {
            *ret = value_unknown();
            return true;
        }
    }
    *ret = *data;
    ret->array.items = items;
    return true;
}

static bool is_verdict(const struct value *v)
{
    return v->kind == KIND_NULL || v->kind == KIND_BOOLEAN ||
           (v->kind == KIND_LANE && expr_is_boolean(v->lane));
}

/* Where the condition is a pixel the element stays, with a presence; null drops it. */
static bool run_array_filter(struct call *call, struct value *ret, struct err *err)
{
    const struct value *data = &call->arguments[0];
    struct planner *p = call->planner;
    struct pieces pieces;

    if (!pieces_begin(call, data->array.length, &pieces, err))
        return false;
    pieces.deferred = data->deferred;
    for (size_t i = 0; i < data->array.length; i++) {
        struct value keep;

        if (!array_call(call, "condition", data, i, &keep, err))
            return false;
        if (keep.kind == KIND_UNKNOWN) {
            *ret = keep;
            return true;
        }
        if (!is_verdict(&keep))
            return call_fail(call, err, ERR_ProcessParameterInvalid, "condition",
                             "the callback must give a boolean.");
        if (keep.kind != KIND_LANE && !(keep.kind == KIND_BOOLEAN && keep.boolean))
            continue;
        pieces_add(&pieces, data, i);
        if (keep.kind == KIND_LANE) {
            const struct expr *there = expr_binary(
                p->exprs, LANE_AND, expr_unary(p->exprs, LANE_IS_VALID, keep.lane), keep.lane);

            pieces.presence[pieces.n - 1] =
                data->array.presence
                    ? expr_binary(p->exprs, LANE_AND, data->array.presence[i], there)
                    : there;
            pieces.ragged = true;
        }
    }
    *ret = pieces_end(&pieces, data->array.labels != NULL);
    return true;
}

/* Finding: 1 where element i equals the value, 0 where not or where it cannot be told. */
static struct value match(struct call *call, const struct value *data, size_t i,
                          const struct value *wanted)
{
    struct planner *p = call->planner;
    const struct value *item = &data->array.items[i];
    struct value same = value_is_scalar(item) || item->kind == KIND_STRING
                            ? values_equal(call, item, wanted)
                            : value_boolean(false);

    if (same.kind == KIND_NULL)
        same = value_boolean(false);
    if (same.kind == KIND_LANE)
        same.lane = expr_binary(p->exprs, LANE_AND, expr_unary(p->exprs, LANE_IS_VALID, same.lane),
                                same.lane);
    if (data->array.presence && (same.kind == KIND_LANE || same.boolean))
        same = value_lane(expr_binary(p->exprs, LANE_AND, data->array.presence[i],
                                      lane_of(p, &same)));
    return same;
}

static bool is_wanted_kind(const struct value *wanted)
{
    return value_is_scalar(wanted) || wanted->kind == KIND_STRING;
}

static bool run_array_contains(struct call *call, struct value *ret, struct err *err)
{
    const struct value *data = &call->arguments[0], *wanted = &call->arguments[1];
    struct planner *p = call->planner;
    const struct expr *found = expr_boolean(p->exprs, false);

    (void)err;
    *ret = value_boolean(false);
    for (size_t i = 0; is_wanted_kind(wanted) && i < data->array.length && !ret->boolean; i++) {
        struct value same = match(call, data, i, wanted);

        if (same.kind == KIND_BOOLEAN)
            ret->boolean = same.boolean;
        else
            found = expr_binary(p->exprs, LANE_OR, found, same.lane);
    }
    if (!ret->boolean && found != expr_boolean(p->exprs, false))
        *ret = value_lane(found);
    return true;
}

/* From the far end to the near one, so that the last one taken is the one wanted. */
static bool run_array_find(struct call *call, struct value *ret, struct err *err)
{
    const struct value *data = &call->arguments[0], *wanted = &call->arguments[1];
    bool reverse = call_boolean(call, "reverse");
    struct planner *p = call->planner;
    size_t n = data->array.length;

    (void)err;
    *ret = value_null();
    for (size_t k = 0; is_wanted_kind(wanted) && k < n; k++) {
        size_t i = reverse ? k : n - 1 - k;
        struct value same = match(call, data, i, wanted), at = array_position(p, data, i);

        if (same.kind == KIND_LANE)
            *ret = value_lane(expr_ternary(p->exprs, LANE_SELECT, same.lane, lane_of(p, &at),
                                           lane_of(p, ret)));
        else if (same.boolean)
            *ret = at;
    }
    return true;
}

static bool run_array_find_label(struct call *call, struct value *ret, struct err *err)
{
    const struct value *data = &call->arguments[0], *label = &call->arguments[1];
    struct planner *p = call->planner;
    size_t at = data->array.labels ? 0 : SIZE_MAX;

    (void)err;
    while (at < data->array.length) {
        const struct label *l = &data->array.labels[at];

        if (l->is_number == (label->kind == KIND_NUMBER) &&
            (l->is_number ? l->number == label->number : !strcmp(l->text, label->text)))
            break;
        at++;
    }
    *ret = value_null();
    if (data->deferred)
        *ret = value_unknown();
    else if (at < data->array.length)
        *ret = array_position(p, data, at);
    if (ret->kind != KIND_NULL && ret->kind != KIND_UNKNOWN && data->array.presence)
        *ret = value_lane(expr_ternary(p->exprs, LANE_SELECT, data->array.presence[at],
                                       lane_of(p, ret), expr_constant(p->exprs, NAN)));
    return true;
}

/* Sorting. Constants: numbers, or dates by their instants; null and NaN have no order. */
struct item {
    double key;
    size_t index;
    bool none;
};

static int by_key(const void *a, const void *b)
{
    const struct item *x = a, *y = b;
    int by_value = (x->key > y->key) - (x->key < y->key);

    return by_value ? by_value : (x->index > y->index) - (x->index < y->index);
}

/* The elements as sorted; nodata: null removes what has no order. Returns how many. */
static bool sorted_items(const struct call *call, const struct value *data, struct item *items,
                         size_t *ret_n, struct err *err)
{
    const struct value *nodata = call_argument(call, "nodata");
    bool first = nodata->kind == KIND_BOOLEAN && !nodata->boolean;
    double sign = call_boolean(call, "asc") ? 1 : -1;
    enum kind kind = KIND_NULL;
    size_t n = 0;

    for (size_t i = 0; i < data->array.length; i++) {
        const struct value *v = &data->array.items[i];
        int64_t instant = 0;

        if (v->kind == KIND_STRING && !instant_parse_date(v->text, &instant))
            return call_fail(call, err, ERR_ProcessParameterInvalid, "data",
                             "element %zu is no date like 2023-08-15 or 2023-08-15T10:00:00Z.", i);
        if (v->kind != KIND_NULL && kind != KIND_NULL && v->kind != kind)
            return call_fail(call, err, ERR_ProcessParameterInvalid, "data",
                             "numbers and dates have no common order.");
        kind = v->kind == KIND_NULL ? kind : v->kind;
        items[n].index = i;
        items[n].none = v->kind == KIND_NULL || (v->kind == KIND_NUMBER && isnan(v->number));
        items[n].key = items[n].none ? (first ? -INFINITY : INFINITY)
                                     : sign * (v->kind == KIND_NUMBER ? v->number : (double)instant);
        if (items[n].none) /* beyond values of the same key */
            items[n].index += first ? 0 : data->array.length;
        else
            items[n].index += first ? data->array.length : 0;
        n += !items[n].none || nodata->kind == KIND_BOOLEAN;
    }
    qsort(items, n, sizeof *items, by_key);
    for (size_t i = 0; i < n; i++)
        items[i].index %= data->array.length;
    *ret_n = n;
    return true;
}

/* Sorted pixels: all have the same number of elements, those without a value at one end. Where these
 * are removed the array is ragged, and so it is when it was. */
struct sorting {
    struct call *call;
    struct value data; /* not ragged */
    const struct expr *count; /* how many a pixel keeps; NULL: all */
    bool ascending, nodata_first;
};

static bool sorting_begin(struct call *call, struct sorting *ret, struct err *err)
{
    const struct value *data = &call->arguments[0], *nodata = call_argument(call, "nodata");
    struct expr_table *t = call->planner->exprs;
    size_t n = data->array.length;
    AUTO(mem) const struct expr **there = NULL;

    if (!array_check_scalars(call, "data", data, err))
        return false;
    *ret = (struct sorting){ .call = call, .data = array_compact(call->planner, data),
                             .ascending = call_boolean(call, "asc"),
                             .nodata_first = nodata->kind == KIND_BOOLEAN && !nodata->boolean };
    if (nodata->kind == KIND_BOOLEAN && !data->array.presence)
        return true;
    if (ret->nodata_first)
        return call_fail(call, err, ERR_FeatureUnsupported, "nodata",
                         "An array that was filtered by pixel values cannot be sorted with no-data "
                         "first.");
    there = array_lanes(call->planner, data);
    for (size_t i = 0; i < n; i++) {
        if (nodata->kind == KIND_BOOLEAN)
            there[i] = data->array.presence[i];
        else
            there[i] = expr_unary(t, LANE_NOT, expr_unary(t, LANE_IS_NODATA, there[i]));
    }
    ret->count = expr_make(t, LANE_COUNT, n, there, false);
    return true;
}

static void sorting_end(const struct sorting *s, const struct expr *const *lanes, struct value *ret)
{
    struct planner *p = s->call->planner;
    size_t n = s->data.array.length;
    AUTO(mem) const struct expr **there = mem_array(n, sizeof *there);

    for (size_t i = 0; s->count && i < n; i++)
        there[i] = expr_binary(p->exprs, LANE_GT, s->count, expr_constant(p->exprs, (double)i));
    *ret = array_of_lanes(p, lanes, n, s->count ? there : NULL);
    ret->deferred = s->data.deferred;
}

/* Descending is ascending read backwards, with no-data at the other end. */
static bool sort_lanes(struct call *call, struct value *ret, struct err *err)
{
    struct planner *p = call->planner;
    size_t n = call->arguments[0].array.length;
    AUTO(mem) const struct expr **lanes = NULL;
    struct sorting s;

    if (!sorting_begin(call, &s, err))
        return false;
    lanes = array_lanes(p, &s.data);
    expr_several(p->exprs, LANE_SORT, n, lanes, s.nodata_first == s.ascending, 0, NULL, n, lanes);
    for (size_t i = 0; !s.ascending && i < n / 2; i++) {
        const struct expr *one = lanes[i];

        lanes[i] = lanes[n - 1 - i];
        lanes[n - 1 - i] = one;
    }
    sorting_end(&s, lanes, ret);
    return true;
}

static bool order_lanes(struct call *call, struct value *ret, struct err *err)
{
    struct planner *p = call->planner;
    size_t n = call->arguments[0].array.length;
    AUTO(mem) const struct expr **lanes = NULL;
    struct sorting s;

    if (!sorting_begin(call, &s, err))
        return false;
    lanes = array_lanes(p, &s.data);
    for (size_t i = 0; !s.ascending && i < n; i++)
        lanes[i] = expr_unary(p->exprs, LANE_NEGATE, lanes[i]);
    expr_several(p->exprs, LANE_ORDER, n, lanes, s.nodata_first, 0, NULL, n, lanes);
    sorting_end(&s, lanes, ret);
    return true;
}

static bool run_sort_order(struct call *call, struct value *ret, struct err *err)
{
    const struct value *data = &call->arguments[0];
    bool sort = !strcmp(call->process->id, "sort");
    struct arena *arena = call->planner->arena;
    AUTO(mem) struct item *sorted = NULL;
    struct value *items;
    size_t n = 0;

    if (array_has_lanes(data))
        return (sort ? sort_lanes : order_lanes)(call, ret, err);
    sorted = mem_array(data->array.length, sizeof *sorted);
    if (!sorted_items(call, data, sorted, &n, err))
        return false;
    items = arena_array(arena, n, sizeof *items);
    for (size_t i = 0; i < n; i++)
        items[i] = sort ? data->array.items[sorted[i].index]
                        : value_number((double)sorted[i].index);
    *ret = (struct value){ .kind = KIND_ARRAY, .deferred = data->deferred,
                           .array = { .items = items, .length = n } };
    return true;
}

static bool gather_lanes(struct call *call, struct value *ret, struct err *err)
{
    const struct value *data = &call->arguments[0], *order = &call->arguments[1];
    struct planner *p = call->planner;
    size_t n = data->array.length, m = order->array.length;
    struct value items = array_compact(p, data);
    AUTO(mem) const struct expr **from = NULL;
    AUTO(mem) const struct expr **positions = NULL;
    AUTO(mem) const struct expr **all = mem_array(n + m, sizeof *all);

    if (!array_check_scalars(call, "data", data, err) ||
        !array_check_scalars(call, "order", order, err))
        return false;
    from = array_lanes(p, &items);
    positions = array_lanes(p, order);
    memcpy(all, from, n * sizeof *all);
    memcpy(all + n, positions, m * sizeof *all);
    if (n > 0 && m > 0)
        expr_several(p->exprs, LANE_GATHER, n + m, all, false, 0, NULL, m, positions);
    for (size_t i = 0; n == 0 && i < m; i++)
        positions[i] = expr_constant(p->exprs, NAN);
    *ret = array_of_lanes(p, positions, m, order->array.presence);
    ret->deferred = data->deferred || order->deferred;
    return true;
}

static bool run_rearrange(struct call *call, struct value *ret, struct err *err)
{
    const struct value *data = &call->arguments[0], *order = &call->arguments[1];
    size_t m = order->array.length;
    struct value *items = arena_array(call->planner->arena, m, sizeof *items);

    if (data->array.presence || array_has_lanes(order))
        return gather_lanes(call, ret, err);
    for (size_t i = 0; i < m; i++) {
        double at = order->array.items[i].number;

        if (at < (double)data->array.length)
            items[i] = data->array.items[(size_t)at];
        else if (data->deferred && data->array.length)
            items[i] = data->array.items[0];
        else if (!data->deferred)
            return call_fail(call, err, ERR_ProcessParameterInvalid, "order",
                             "there is no element %.17g, the array has %zu.", at,
                             data->array.length);
    }
    *ret = (struct value){ .kind = KIND_ARRAY, .deferred = data->deferred || order->deferred,
                           .array = { .items = items, .length = m } };
    return true;
}

const struct operation arrange_operations[] = {
    { .id = "array_create", .run = run_array_create },
    { .id = "array_create_labeled", .run = run_array_create_labeled },
    { .id = "array_concat", .run = run_array_concat, .wraps = true },
    { .id = "array_append", .run = run_array_append },
    { .id = "array_modify", .run = run_array_modify },
    { .id = "array_labels", .run = run_array_labels },
    { .id = "array_apply", .run = run_array_apply },
    { .id = "array_filter", .run = run_array_filter },
    { .id = "array_contains", .run = run_array_contains },
    { .id = "array_find", .run = run_array_find },
    { .id = "array_find_label", .run = run_array_find_label },
    { .id = "sort", .run = run_sort_order },
    { .id = "order", .run = run_sort_order },
    { .id = "rearrange", .run = run_rearrange },
    { .id = NULL },
};
