/* Processes on single numbers. With constants they compute, exactly as the definitions have it (null
 * and NaN are two things); with a pixel among the arguments they become an expression, in which both
 * are no-data. Given whole arrays, the pointwise ones work element by element. */
#include "graph/scalar.h"
#include <math.h>

const struct expr *lane_of(struct planner *p, const struct value *value)
{
    switch (value->kind) {
    case KIND_LANE: return value->lane;
    case KIND_NUMBER: return expr_constant(p->exprs, value->number);
    case KIND_BOOLEAN: return expr_boolean(p->exprs, value->boolean);
    default: return expr_constant(p->exprs, NAN);
    }
}

bool scalar_any(const struct call *call, enum kind kind)
{
    for (size_t i = 0; i < call->process->n_parameters; i++)
        if (call->arguments[i].kind == kind)
            return true;
    return false;
}

bool scalar_is_boolean(const struct value *v)
{
    return v->kind == KIND_BOOLEAN || (v->kind == KIND_LANE && expr_is_boolean(v->lane));
}

bool scalar_is_number(const struct value *v)
{
    return v->kind == KIND_NUMBER || (v->kind == KIND_LANE && !expr_is_boolean(v->lane));
}

const struct expr *scalar_unary(const struct call *call, enum lane_op op, const struct value *a)
{
    return expr_unary(call->planner->exprs, op, lane_of(call->planner, a));
}

const struct expr *scalar_binary(const struct call *call, enum lane_op op, const struct value *a,
                                 const struct value *b)
{
    return expr_binary(call->planner->exprs, op, lane_of(call->planner, a),
                       lane_of(call->planner, b));
}

bool scalar_each(struct call *call, run_fn *one, struct value *ret, struct err *err)
{
    struct call inner = *call;
    const struct value *shape = NULL;
    struct value *items;

    for (size_t i = 0; i < call->process->n_parameters; i++) {
        const struct value *v = &call->arguments[i];

        if (v->kind != KIND_ARRAY)
            continue;
        if (shape && v->array.length != shape->array.length)
            return call_fail(call, err, ERR_ProcessParameterInvalid,
                             call->process->parameters[i].name,
                             "arrays of %zu and %zu elements cannot be combined one by one.",
                             shape->array.length, v->array.length);
        shape = v;
    }
    planner_notice(call->planner, "info", call->node->id,
                   "'%s' works on single values; it was applied to each element of the array.",
                   call->process->id);
    items = arena_array(call->planner->arena, shape->array.length, sizeof *items);
    for (size_t k = 0; k < shape->array.length; k++) {
        for (size_t i = 0; i < call->process->n_parameters; i++) {
            const struct value *v = &call->arguments[i];

            inner.arguments[i] = v->kind == KIND_ARRAY ? v->array.items[k] : *v;
            if (v->kind == KIND_ARRAY && !value_is_scalar(&inner.arguments[i]))
                return call_fail(call, err, ERR_ProcessParameterInvalid,
                                 call->process->parameters[i].name,
                                 "element %zu is not a number, boolean or null.", k);
        }
        if (!one(&inner, &items[k], err))
            return false;
    }
    *ret = *shape;
    ret->array.items = items;
    return true;
}

/* Numbers: null wins, then pixels, then the function of the table. */
static bool check_numbers(const struct call *call, size_t n, struct err *err)
{
    for (size_t i = 0; i < n; i++)
        if (!scalar_is_number(&call->arguments[i]) && call->arguments[i].kind != KIND_NULL)
            return call_fail(call, err, ERR_ProcessParameterInvalid,
                             call->process->parameters[i].name, "expected a number.");
    return true;
}

static const struct expr *power_lane(const struct call *call)
{
    const struct value *p = &call->arguments[1];
    struct expr_table *t = call->planner->exprs;
    const struct expr *x = lane_of(call->planner, &call->arguments[0]), *square;

    if (p->kind != KIND_NUMBER)
        return scalar_binary(call, LANE_POWER, &call->arguments[0], p);
    square = expr_binary(t, LANE_MULTIPLY, x, x);
    if (p->number == 2)
        return square;
    if (p->number == 3)
        return expr_binary(t, LANE_MULTIPLY, square, x);
    if (p->number == 4)
        return expr_binary(t, LANE_MULTIPLY, square, square);
    if (p->number == -1)
        return expr_binary(t, LANE_DIVIDE, expr_constant(t, 1), x);
    return scalar_binary(call, LANE_POWER, &call->arguments[0], p);
}

/* Powers of the bases 2 and 10 must come out exact. */
static const struct expr *log_lane(const struct call *call)
{
    const struct value *base = &call->arguments[1];

    if (base->kind == KIND_NUMBER && base->number == 2)
        return scalar_unary(call, LANE_LOG2, &call->arguments[0]);
    if (base->kind == KIND_NUMBER && base->number == 10)
        return scalar_unary(call, LANE_LOG10, &call->arguments[0]);
    return scalar_binary(call, LANE_LOG, &call->arguments[0], base);
}

static bool run_number(struct call *call, struct value *ret, struct err *err)
{
    const struct operation *o = call->operation;
    const struct value *x = &call->arguments[0], *y = &call->arguments[1];

    if (!check_numbers(call, o->binary ? 2 : 1, err))
        return false;
    if (x->kind == KIND_NULL || (o->binary && y->kind == KIND_NULL))
        *ret = value_null();
    else if (o->unary)
        *ret = x->kind == KIND_LANE ? value_lane(scalar_unary(call, (enum lane_op)o->lane, x))
                                    : value_number(o->unary(x->number));
    else if (x->kind != KIND_LANE && y->kind != KIND_LANE)
        *ret = value_number(o->binary(x->number, y->number));
    else if (o->lane == LANE_POWER)
        *ret = value_lane(power_lane(call));
    else if (o->lane == LANE_LOG)
        *ret = value_lane(log_lane(call));
    else
        *ret = value_lane(scalar_binary(call, (enum lane_op)o->lane, x, y));
    return true;
}

bool run_pointwise(struct call *call, struct value *ret, struct err *err)
{
    return scalar_any(call, KIND_ARRAY) ? scalar_each(call, run_number, ret, err)
                                      : run_number(call, ret, err);
}

static double f_add(double x, double y)
{
    return x + y;
}
static double f_subtract(double x, double y)
{
    return x - y;
}
static double f_multiply(double x, double y)
{
    return x * y;
}
static double f_divide(double x, double y)
{
    return x / y;
}
static double f_mod(double x, double y)
{
    double rest;

    if (y == 0)
        return x / fabs(y); /* inf by the sign of x, NaN for 0 */
    rest = fmod(x, y);
    return rest != 0 && (rest < 0) != (y < 0) ? rest + y : rest;
}
static double f_log(double x, double base)
{
    if (base == 2)
        return log2(x);
    return base == 10 ? log10(x) : log(x) / log(base);
}
static double f_sgn(double x)
{
    return isnan(x) ? x : (x > 0) - (x < 0);
}
static double f_normalized_difference(double x, double y)
{
    return (x - y) / (x + y);
}

/* round */
static double round_to(double x, double decimals)
{
    double scale = pow(10, fabs(decimals));

    if (decimals >= 0)
        return isfinite(x * scale) ? nearbyint(x * scale) / scale : x;
    return nearbyint(x / scale) * scale;
}

static bool round_one(struct call *call, struct value *ret, struct err *err)
{
    const struct value *x = &call->arguments[0], *decimals = &call->arguments[1];

    if (!check_numbers(call, 1, err))
        return false;
    if (x->kind == KIND_NULL)
        *ret = value_null();
    else if (x->kind == KIND_NUMBER && decimals->kind == KIND_NUMBER)
        *ret = value_number(round_to(x->number, decimals->number));
    else if (decimals->kind == KIND_NUMBER && decimals->number == 0)
        *ret = value_lane(scalar_unary(call, LANE_ROUND, x));
    else
        *ret = value_lane(scalar_binary(call, LANE_ROUND_TO, x, decimals));
    return true;
}

/* clip and linear_scale_range */
static double clip_number(double x, double least, double greatest)
{
    if (isnan(x) || isnan(least) || isnan(greatest))
        return NAN;
    return x < least ? least : x > greatest ? greatest : x;
}

static bool clip_one(struct call *call, struct value *ret, struct err *err)
{
    const struct value *x = &call->arguments[0], *least = &call->arguments[1];
    const struct value *greatest = &call->arguments[2];
    struct planner *p = call->planner;

    if (!check_numbers(call, 3, err))
        return false;
    if (least->kind == KIND_NUMBER && greatest->kind == KIND_NUMBER &&
        least->number > greatest->number)
        return call_fail(call, err, ERR_MinMaxSwapped, "min", "min is %g, max is %g.",
                         least->number, greatest->number);
    if (x->kind == KIND_NULL || least->kind == KIND_NULL || greatest->kind == KIND_NULL)
        *ret = value_null();
    else if (!scalar_any(call, KIND_LANE))
        *ret = value_number(clip_number(x->number, least->number, greatest->number));
    else
        *ret = value_lane(expr_ternary(p->exprs, LANE_CLIP, lane_of(p, x), lane_of(p, least),
                                       lane_of(p, greatest)));
    return true;
}

static const struct expr *scale_lanes(const struct call *call)
{
    struct planner *p = call->planner;
    struct expr_table *t = p->exprs;
    const struct expr *a[5], *clipped, *share;

    for (size_t i = 0; i < 5; i++)
        a[i] = lane_of(p, &call->arguments[i]);
    if (a[1]->op == LANE_CONSTANT && a[2]->op == LANE_CONSTANT)
        clipped = expr_ternary(t, LANE_CLIP, a[0],
                               expr_constant(t, fmin(a[1]->number, a[2]->number)),
                               expr_constant(t, fmax(a[1]->number, a[2]->number)));
    else
        clipped = expr_ternary(t, LANE_CLIP, a[0], expr_make(t, LANE_MIN, 2, a + 1, false),
                               expr_make(t, LANE_MAX, 2, a + 1, false));
    share = expr_binary(t, LANE_DIVIDE, expr_binary(t, LANE_SUBTRACT, clipped, a[1]),
                        a[1]->op == LANE_CONSTANT && a[2]->op == LANE_CONSTANT
                            ? expr_constant(t, a[2]->number - a[1]->number)
                            : expr_binary(t, LANE_SUBTRACT, a[2], a[1]));
    return expr_binary(t, LANE_ADD,
                       expr_binary(t, LANE_MULTIPLY, share,
                                   a[3]->op == LANE_CONSTANT && a[4]->op == LANE_CONSTANT
                                       ? expr_constant(t, a[4]->number - a[3]->number)
                                       : expr_binary(t, LANE_SUBTRACT, a[4], a[3])),
                       a[3]);
}

static bool scale_one(struct call *call, struct value *ret, struct err *err)
{
    const struct value *a = call->arguments;
    double x;

    if (!check_numbers(call, 5, err))
        return false;
    if (scalar_any(call, KIND_NULL)) {
        *ret = value_null();
    } else if (scalar_any(call, KIND_LANE)) {
        *ret = value_lane(scale_lanes(call));
    } else {
        x = clip_number(a[0].number, fmin(a[1].number, a[2].number),
                        fmax(a[1].number, a[2].number));
        *ret = value_number((x - a[1].number) / (a[2].number - a[1].number) *
                                (a[4].number - a[3].number) + a[3].number);
    }
    return true;
}

SCALAR_EACH(round)
SCALAR_EACH(clip)
SCALAR_EACH(scale)

static bool run_constant(struct call *call, struct value *ret, struct err *err)
{
    (void)err;
    *ret = call->arguments[0];
    return true;
}

static bool run_pi(struct call *call, struct value *ret, struct err *err)
{
    (void)call, (void)err;
    *ret = value_number(M_PI);
    return true;
}

static bool run_e(struct call *call, struct value *ret, struct err *err)
{
    (void)call, (void)err;
    *ret = value_number(M_E);
    return true;
}

static bool run_nan(struct call *call, struct value *ret, struct err *err)
{
    (void)call, (void)err;
    *ret = value_number(NAN);
    return true;
}

#define UNARY(id_, lane_, function)                                                                \
    { .id = id_, .run = run_pointwise, .pointwise = true, .lane = lane_, .unary = function }
#define BINARY(id_, lane_, function)                                                               \
    { .id = id_, .run = run_pointwise, .pointwise = true, .lane = lane_, .binary = function }

const struct operation scalar_operations[] = {
    UNARY("absolute", LANE_ABSOLUTE, fabs),
    UNARY("sqrt", LANE_SQRT, sqrt),
    UNARY("exp", LANE_EXP, exp),
    UNARY("ln", LANE_LN, log),
    UNARY("ceil", LANE_CEIL, ceil),
    UNARY("floor", LANE_FLOOR, floor),
    UNARY("int", LANE_INT, trunc),
    UNARY("sgn", LANE_SGN, f_sgn),
    UNARY("sin", LANE_SIN, sin),
    UNARY("cos", LANE_COS, cos),
    UNARY("tan", LANE_TAN, tan),
    UNARY("arcsin", LANE_ARCSIN, asin),
    UNARY("arccos", LANE_ARCCOS, acos),
    UNARY("arctan", LANE_ARCTAN, atan),
    UNARY("sinh", LANE_SINH, sinh),
    UNARY("cosh", LANE_COSH, cosh),
    UNARY("tanh", LANE_TANH, tanh),
    UNARY("arsinh", LANE_ARSINH, asinh),
    UNARY("arcosh", LANE_ARCOSH, acosh),
    UNARY("artanh", LANE_ARTANH, atanh),
    BINARY("arctan2", LANE_ARCTAN2, atan2),
    BINARY("add", LANE_ADD, f_add),
    BINARY("subtract", LANE_SUBTRACT, f_subtract),
    BINARY("multiply", LANE_MULTIPLY, f_multiply),
    BINARY("divide", LANE_DIVIDE, f_divide),
    BINARY("mod", LANE_MOD, f_mod),
    BINARY("power", LANE_POWER, pow),
    BINARY("log", LANE_LOG, f_log),
    BINARY("normalized_difference", LANE_NORMALIZED_DIFFERENCE, f_normalized_difference),
    EACH("round", run_round, 0),
    EACH("clip", run_clip, 0),
    EACH("linear_scale_range", run_scale, 0),
    { .id = "constant", .run = run_constant },
    { .id = "pi", .run = run_pi },
    { .id = "e", .run = run_e },
    { .id = "nan", .run = run_nan },
    { .id = NULL },
};
