/* Comparisons, checks and logic on single values, as scalar.c has the numbers. */
#include "graph/scalar.h"
#include <math.h>
#include <string.h>

/* false where the lane is valid: what a comparison of different kinds gives */
static const struct expr *false_where_valid(const struct call *call, const struct value *lane)
{
    struct planner *p = call->planner;

    return expr_binary(p->exprs, LANE_AND, expr_boolean(p->exprs, false),
                       scalar_unary(call, LANE_IS_VALID, lane));
}

static bool text_equal(const char *a, const char *b, bool case_sensitive)
{
    AUTO(mem) char *x = case_sensitive ? NULL : text_folded(a);
    AUTO(mem) char *y = case_sensitive ? NULL : text_folded(b);

    return !strcmp(case_sensitive ? a : x, case_sensitive ? b : y);
}

static const struct expr *equal_lanes(const struct call *call, const struct value *x,
                                      const struct value *y, const struct value *delta)
{
    struct planner *p = call->planner;

    if (x->kind == KIND_STRING || y->kind == KIND_STRING || scalar_is_boolean(x) != scalar_is_boolean(y))
        return false_where_valid(call, x->kind == KIND_LANE ? x : y);
    if (delta && delta->kind != KIND_NULL && scalar_is_number(x) &&
        !(delta->kind == KIND_NUMBER && delta->number == 0))
        return expr_ternary(p->exprs, LANE_EQ_WITHIN, lane_of(p, x), lane_of(p, y),
                            lane_of(p, delta));
    return scalar_binary(call, LANE_EQ, x, y);
}

static struct value equal_values(const struct call *call, const struct value *x,
                                 const struct value *y)
{
    const struct value *delta = call_argument(call, "delta");

    if (x->kind == KIND_NULL || y->kind == KIND_NULL)
        return value_null();
    if (x->kind == KIND_LANE || y->kind == KIND_LANE)
        return value_lane(equal_lanes(call, x, y, delta));
    if (x->kind != y->kind)
        return value_boolean(false);
    if (x->kind == KIND_STRING)
        return value_boolean(text_equal(x->text, y->text, call_boolean(call, "case_sensitive")));
    if (x->kind == KIND_NUMBER && delta->kind == KIND_NUMBER && delta->number != 0)
        return value_boolean(fabs(x->number - y->number) <= delta->number);
    return value_boolean(value_equal(x, y));
}

static struct value negated(const struct call *call, struct value v)
{
    if (v.kind == KIND_BOOLEAN)
        v.boolean = !v.boolean;
    else if (v.kind == KIND_LANE)
        v.lane = scalar_unary(call, LANE_NOT, &v);
    return v;
}

static bool eq_one(struct call *call, struct value *ret, struct err *err)
{
    (void)err;
    *ret = equal_values(call, &call->arguments[0], &call->arguments[1]);
    if (!strcmp(call->process->id, "neq"))
        *ret = negated(call, *ret);
    return true;
}

struct value values_equal(const struct call *call, const struct value *x, const struct value *y)
{
    struct call equal = *call;

    equal.process = process_find("eq");
    equal.arguments[2] = value_null();
    equal.arguments[3] = value_boolean(true);
    return equal_values(&equal, x, y);
}

/* gt gte lt lte: only numbers have an order; equal things of another kind are gte and lte. */
static bool order_one(struct call *call, struct value *ret, struct err *err)
{
    const struct value *x = &call->arguments[0], *y = &call->arguments[1];
    uint16_t op = call->operation->lane;
    bool or_equal = op == LANE_GTE || op == LANE_LTE;

    (void)err;
    if (x->kind == KIND_NULL || y->kind == KIND_NULL) {
        *ret = value_null();
    } else if (x->kind == KIND_LANE || y->kind == KIND_LANE) {
        if (scalar_is_number(x) && scalar_is_number(y))
            *ret = value_lane(scalar_binary(call, (enum lane_op)op, x, y));
        else if (or_equal)
            *ret = value_lane(equal_lanes(call, x, y, NULL));
        else
            *ret = value_lane(false_where_valid(call, x->kind == KIND_LANE ? x : y));
    } else if (x->kind == KIND_NUMBER && y->kind == KIND_NUMBER) {
        *ret = value_boolean(op == LANE_GT    ? x->number > y->number
                             : op == LANE_GTE ? x->number >= y->number
                             : op == LANE_LT  ? x->number < y->number
                                              : x->number <= y->number);
    } else {
        *ret = value_boolean(or_equal && value_equal(x, y));
    }
    return true;
}

static bool run_between(struct call *call, struct value *ret, struct err *err)
{
    const struct value *x = &call->arguments[0], *least = &call->arguments[1];
    const struct value *most = &call->arguments[2];
    bool exclude = call_boolean(call, "exclude_max");
    struct planner *p = call->planner;

    (void)err;
    if (x->kind == KIND_NULL) {
        *ret = value_null();
    } else if (!scalar_is_number(x)) {
        *ret = x->kind == KIND_LANE ? value_lane(false_where_valid(call, x)) : value_boolean(false);
    } else if (scalar_any(call, KIND_LANE)) {
        *ret = value_lane(expr_binary(p->exprs, LANE_AND, scalar_binary(call, LANE_GTE, x, least),
                                      scalar_binary(call, exclude ? LANE_LT : LANE_LTE, x, most)));
    } else {
        *ret = value_boolean(x->number >= least->number && (exclude ? x->number < most->number
                                                                    : x->number <= most->number));
    }
    return true;
}

static bool run_is_nan(struct call *call, struct value *ret, struct err *err)
{
    const struct value *x = &call->arguments[0];

    (void)err;
    *ret = x->kind == KIND_LANE ? value_lane(scalar_unary(call, LANE_IS_NODATA, x))
                                : value_boolean(x->kind == KIND_NUMBER && isnan(x->number));
    return true;
}

static bool run_is_nodata(struct call *call, struct value *ret, struct err *err)
{
    const struct value *x = &call->arguments[0];

    (void)err;
    *ret = x->kind == KIND_LANE ? value_lane(scalar_unary(call, LANE_IS_NODATA, x))
                                : value_boolean(x->kind == KIND_NULL);
    return true;
}

static bool run_is_valid(struct call *call, struct value *ret, struct err *err)
{
    const struct value *x = &call->arguments[0];

    (void)err;
    if (x->kind == KIND_LANE)
        *ret = value_lane(scalar_unary(call, LANE_IS_VALID, x));
    else
        *ret = value_boolean(x->kind == KIND_NUMBER ? isfinite(x->number) : x->kind != KIND_NULL);
    return true;
}

static bool run_is_infinite(struct call *call, struct value *ret, struct err *err)
{
    const struct value *x = &call->arguments[0];

    (void)err;
    *ret = x->kind == KIND_LANE ? value_lane(scalar_unary(call, LANE_IS_INFINITE, x))
                                : value_boolean(x->kind == KIND_NUMBER && isinf(x->number));
    return true;
}

/* Logic: Kleene's three values */
static struct value kleene(const struct value *x, const struct value *y, uint16_t op)
{
    bool decisive = op == LANE_OR; /* the value that settles it alone */

    if (op != LANE_XOR && ((x->kind == KIND_BOOLEAN && x->boolean == decisive) ||
                           (y->kind == KIND_BOOLEAN && y->boolean == decisive)))
        return value_boolean(decisive);
    if (x->kind == KIND_NULL || y->kind == KIND_NULL)
        return value_null();
    return value_boolean(op == LANE_XOR ? x->boolean != y->boolean : !decisive);
}

static bool logic_one(struct call *call, struct value *ret, struct err *err)
{
    const struct value *x = &call->arguments[0], *y = &call->arguments[1];
    uint16_t op = call->operation->lane;

    for (size_t i = 0; i < (op == LANE_NOT ? 1 : 2); i++)
        if (!scalar_is_boolean(&call->arguments[i]) && call->arguments[i].kind != KIND_NULL)
            return call_fail(call, err, ERR_ProcessParameterInvalid,
                             call->process->parameters[i].name, "expected a boolean or null.");
    if (op == LANE_NOT)
        *ret = negated(call, *x);
    else if (scalar_any(call, KIND_LANE))
        *ret = value_lane(scalar_binary(call, (enum lane_op)op, x, y));
    else
        *ret = kleene(x, y, op);
    return true;
}

static bool if_one(struct call *call, struct value *ret, struct err *err)
{
    const struct value *condition = &call->arguments[0];
    struct planner *p = call->planner;

    if (condition->kind != KIND_LANE) {
        *ret = condition->kind == KIND_BOOLEAN && condition->boolean ? call->arguments[1]
                                                                     : call->arguments[2];
        return true;
    }
    for (size_t i = 1; i < 3; i++)
        if (!value_is_scalar(&call->arguments[i]))
            return call_fail(call, err, ERR_ProcessParameterInvalid,
                             call->process->parameters[i].name,
                             "a pixel decides here, so a number, boolean or null is needed.");
    *ret = value_lane(expr_ternary(p->exprs, LANE_SELECT, condition->lane,
                                   lane_of(p, &call->arguments[1]),
                                   lane_of(p, &call->arguments[2])));
    return true;
}

static bool run_if(struct call *call, struct value *ret, struct err *err)
{
    bool decided = call->arguments[0].kind == KIND_BOOLEAN || call->arguments[0].kind == KIND_NULL;

    return !decided && scalar_any(call, KIND_ARRAY) ? scalar_each(call, if_one, ret, err)
                                                  : if_one(call, ret, err);
}

SCALAR_EACH(eq)
SCALAR_EACH(order)
SCALAR_EACH(logic)

const struct operation logic_operations[] = {
    EACH("eq", run_eq, 0),
    EACH("neq", run_eq, 0),
    EACH("gt", run_order, LANE_GT),
    EACH("gte", run_order, LANE_GTE),
    EACH("lt", run_order, LANE_LT),
    EACH("lte", run_order, LANE_LTE),
    { .id = "between", .run = run_between, .pointwise = true },
    EACH("and", run_logic, LANE_AND),
    EACH("or", run_logic, LANE_OR),
    EACH("xor", run_logic, LANE_XOR),
    EACH("not", run_logic, LANE_NOT),
    { .id = "if", .run = run_if, .pointwise = true, .any = true },
    { .id = "is_nan", .run = run_is_nan },
    { .id = "is_nodata", .run = run_is_nodata },
    { .id = "is_valid", .run = run_is_valid },
    { .id = "is_infinite", .run = run_is_infinite },
    { .id = NULL },
};
