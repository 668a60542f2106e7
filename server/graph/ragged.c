/* Ragged arrays: array_filter() with a condition on pixels leaves every pixel another array, but the
 * planes are the same for all. So an array keeps all elements that some pixel may have, and beside
 * each a pixel that says whether it is there. */
#include "graph/planner.h"
#include <math.h>
#include <string.h>

bool array_has_lanes(const struct value *array)
{
    if (array->array.presence)
        return true;
    for (size_t i = 0; i < array->array.length; i++)
        if (array->array.items[i].kind == KIND_LANE)
            return true;
    return false;
}

const struct expr *array_presence(struct planner *p, const struct value *array, size_t i)
{
    return array->array.presence ? array->array.presence[i] : expr_boolean(p->exprs, true);
}

const struct expr *array_lane(struct planner *p, const struct value *array, size_t i)
{
    const struct expr *item = lane_of(p, &array->array.items[i]);

    if (!array->array.presence)
        return item;
    return expr_ternary(p->exprs, LANE_SELECT, array->array.presence[i], item,
                        expr_constant(p->exprs, NAN));
}

const struct expr **array_lanes(struct planner *p, const struct value *array)
{
    const struct expr **lanes = mem_array(array->array.length, sizeof *lanes);

    for (size_t i = 0; i < array->array.length; i++)
        lanes[i] = array_lane(p, array, i);
    return lanes;
}

struct value array_position(struct planner *p, const struct value *array, size_t i)
{
    const struct expr *before = expr_constant(p->exprs, 0);

    if (!array->array.presence || i == 0)
        return value_number((double)i);
    for (size_t k = 0; k < i; k++)
        before = expr_binary(p->exprs, LANE_ADD, before, array->array.presence[k]);
    return value_lane(before);
}

struct value array_of_lanes(struct planner *p, const struct expr *const *lanes, size_t n,
                            const struct expr *const *presence)
{
    struct value *items = arena_array(p->arena, n, sizeof *items);
    const struct expr **kept = presence ? arena_array(p->arena, n, sizeof *kept) : NULL;

    for (size_t i = 0; i < n; i++) {
        items[i] = value_lane(lanes[i]);
        if (presence)
            kept[i] = presence[i];
    }
    return (struct value){ .kind = KIND_ARRAY,
                           .array = { .items = items, .length = n, .presence = kept } };
}

/* True when what is there already comes first: after sorting. */
static bool is_compact(const struct value *array)
{
    for (size_t i = 0; i < array->array.length; i++) {
        const struct expr *e = array->array.presence[i];

        /* position i of n: written as count > i, see arrange.c */
        if (e->op != LANE_GT || e->arguments[0] != array->array.presence[0]->arguments[0] ||
            e->arguments[1]->op != LANE_CONSTANT || e->arguments[1]->number != (double)i)
            return false;
    }
    return true;
}

struct value array_compact(struct planner *p, const struct value *array)
{
    size_t n = array->array.length;
    AUTO(mem) const struct expr **lanes = NULL;
    AUTO(mem) const struct expr **order = NULL;
    AUTO(mem) const struct expr **all = NULL;

    if (!array->array.presence || n == 0)
        return *array;
    lanes = array_lanes(p, array);
    if (is_compact(array))
        return array_of_lanes(p, lanes, n, NULL);
    order = mem_array(n, sizeof *order);
    all = mem_array(2 * n, sizeof *all);
    for (size_t i = 0; i < n; i++)
        order[i] = expr_unary(p->exprs, LANE_NOT, array->array.presence[i]);
    expr_several(p->exprs, LANE_ORDER, n, order, false, 0, NULL, n, order);
    memcpy(all, lanes, n * sizeof *all);
    memcpy(all + n, order, n * sizeof *all);
    expr_several(p->exprs, LANE_GATHER, 2 * n, all, false, 0, NULL, n, all);
    return array_of_lanes(p, all, n, NULL);
}

bool array_check_scalars(const struct call *call, const char *parameter,
                         const struct value *array, struct err *err)
{
    for (size_t i = 0; i < array->array.length; i++)
        if (!value_is_scalar(&array->array.items[i]))
            return call_fail(call, err, ERR_ProcessParameterInvalid, parameter,
                             "element %zu cannot stand beside pixels.", i);
    return true;
}

/* A number also finds the text that writes it. */
size_t array_find_label(const struct value *array, const struct value *label)
{
    struct label wanted = { .is_number = label->kind == KIND_NUMBER };
    char number[32] = "";

    if (wanted.is_number) {
        wanted.number = label->number;
        number_text(label->number, number);
    } else {
        wanted.text = label->text;
    }
    for (size_t i = 0; array->array.labels && i < array->array.length; i++)
        if (label_equal(&array->array.labels[i], &wanted))
            return i;
    for (size_t i = 0; wanted.is_number && array->array.labels && i < array->array.length; i++)
        if (!array->array.labels[i].is_number && !strcmp(array->array.labels[i].text, number))
            return i;
    return SIZE_MAX;
}

bool array_call(struct call *call, const char *callback, const struct value *array, size_t i,
                struct value *ret, struct err *err)
{
    const struct label *label = array->array.labels ? &array->array.labels[i] : NULL;
    struct binding bindings[] = {
        { "x", array->array.items[i] },
        { "index", array_position(call->planner, array, i) },
        { "label", !label             ? value_null()
                   : label->is_number ? value_number(label->number)
                                      : value_text(label->text) },
        { "context", *call_argument(call, "context") },
    };

    return callback_call(call->planner, call_argument(call, callback)->callback, bindings,
                         ARRAY_LEN(bindings), ret, err);
}
