/* Callbacks that reduce the pixels of a geometry. How many there are is not known when the callback is
 * compiled, so it runs over three stand-ins that may be there or not (a ragged array, so that no length
 * is folded into the result). In what comes out, an operator over a whole array whose elements are made
 * alike of each stand-in is a statistic, and how one element is made is its column; the rest is
 * arithmetic on statistics. Anything that depends on single pixels is refused. */
#include "graph/planner.h"
#include <math.h>
#include <string.h>

enum { STAND_INS = 3, LEAVES = 2 * STAND_INS /* pixel 0, presence 0, pixel 1, .. */ };

struct study {
    struct call *call;
    struct planner *p;
    struct source *stand_in;
    const struct expr *leaves[LEAVES];
    const struct expr **columns; /* over leaves of the first stand-in */
    struct zone_reduction *reductions;
    size_t n_columns, n_reductions, column_capacity, reduction_capacity;
    struct source *made;
    struct err *err;
};

static const struct {
    enum lane_op lane;
    enum zone_op zone;
} ops[] = {
    { LANE_SUM, ZONE_SUM },     { LANE_MEAN, ZONE_MEAN },         { LANE_PRODUCT, ZONE_PRODUCT },
    { LANE_MIN, ZONE_MIN },     { LANE_MAX, ZONE_MAX },           { LANE_COUNT, ZONE_COUNT },
    { LANE_FIRST, ZONE_FIRST }, { LANE_LAST, ZONE_LAST },         { LANE_ANY, ZONE_ANY },
    { LANE_ALL, ZONE_ALL },     { LANE_VARIANCE, ZONE_VARIANCE }, { LANE_SD, ZONE_SD },
    { LANE_MEDIAN, ZONE_QUANTILE }, { LANE_QUANTILE, ZONE_QUANTILE },
};

static bool is_array(const struct expr *e)
{
    return e->op != EXPR_LEAF && lane_kind((enum lane_op)e->op) >= LANE_KIND_ARRAY;
}

/* ---- alike elements ---- */

static bool only_first(struct study *s, const struct expr *e)
{
    AUTO(template) struct template *t = template_new(s->p, e);
    const struct expr *gone[LEAVES] = { NULL };

    /* with its other leaves replaced an expression of the first stand-in stays what it is */
    for (size_t i = 2; i < LEAVES; i++)
        gone[i] = s->leaves[0];
    return template_fill(s->p, t, s->stand_in, gone) == e;
}

/* The column that the elements of an array are; NULL: they are not alike. */
static const struct expr *column_of(struct study *s, const struct expr *e)
{
    AUTO(template) struct template *t = NULL;

    if (e->n_arguments != STAND_INS || !only_first(s, e->arguments[0]))
        return NULL;
    t = template_new(s->p, e->arguments[0]);
    for (size_t i = 1; i < STAND_INS; i++) {
        const struct expr *other[LEAVES] = { s->leaves[2 * i], s->leaves[2 * i + 1] };

        if (template_fill(s->p, t, s->stand_in, other) != e->arguments[i])
            return NULL;
    }
    return e->arguments[0];
}

static size_t add_column(struct study *s, const struct expr *column)
{
    for (size_t i = 0; i < s->n_columns; i++)
        if (s->columns[i] == column)
            return i;
    s->columns = mem_grow(s->columns, &s->column_capacity, s->n_columns + 1, sizeof *s->columns);
    s->columns[s->n_columns] = column;
    return s->n_columns++;
}

static const struct expr *made_leaf(struct study *s, size_t reduction)
{
    return expr_leaf(s->p->exprs, s->made, (uint32_t)reduction, (struct cell){ PIXEL_F64, true, NAN },
                     true);
}

static size_t add_reduction(struct study *s, struct zone_reduction r)
{
    for (size_t i = 0; i < s->n_reductions; i++) {
        const struct zone_reduction *other = &s->reductions[i];

        if (other->op == r.op && other->keep_nodata == r.keep_nodata && other->column == r.column &&
            other->probability == r.probability)
            return i;
    }
    s->reductions = mem_grow(s->reductions, &s->reduction_capacity, s->n_reductions + 1,
                             sizeof *s->reductions);
    s->reductions[s->n_reductions] = r;
    return s->n_reductions++;
}

/* ---- taking an expression apart ---- */

/* Tables hold numbers: 1 is true. */
static bool is_truth(enum zone_op op, const struct expr *column)
{
    return op == ZONE_ANY || op == ZONE_ALL || ((op == ZONE_FIRST || op == ZONE_LAST) && expr_is_boolean(column));
}

/* A statistic: what is made of the leaf for output `output` of the array operator e. NULL: it is none. */
static const struct expr *statistic(struct study *s, const struct expr *e, size_t output)
{
    const struct expr *column, *made;
    size_t i = 0;
    struct zone_reduction r = { .keep_nodata = e->keep_nodata, .probability = 0.5 };

    while (i < ARRAY_LEN(ops) && ops[i].lane != e->op)
        i++;
    column = i < ARRAY_LEN(ops) ? column_of(s, e) : NULL;
    if (!column)
        return NULL;
    r.op = ops[i].zone;
    r.column = add_column(s, column);
    if (e->op == LANE_QUANTILE)
        r.probability = e->numbers[output];
    if (r.op == ZONE_FIRST || r.op == ZONE_LAST)
        planner_notice(s->p, "warning", s->call->node->id,
                       "The pixels of a geometry have no order; first and last give any of them.");
    made = made_leaf(s, add_reduction(s, r));
    return is_truth(r.op, column) ? expr_binary(s->p->exprs, LANE_GT, made, expr_constant(s->p->exprs, 0)) : made;
}

static bool refuse(struct study *s, const char *why)
{
    return call_fail(s->call, s->err, ERR_FeatureUnsupported, "reducer", "%s", why);
}

/* Line i over statistics instead of stand-ins; NULL: it depends on single pixels, which is right for
 * what becomes a column. */
static const struct expr *line_apart(struct study *s, const struct template *t, size_t i,
                                     const struct expr *const *now)
{
    const struct expr *e = template_line(t, i);
    AUTO(mem) const struct expr **arguments = mem_array(e->n_arguments, sizeof *arguments);

    if (e->op == EXPR_LEAF)
        return e->source == s->stand_in ? NULL : e;
    for (uint32_t k = 0; k < e->n_arguments; k++) {
        arguments[k] = now[template_argument(t, i, k)];
        if (arguments[k])
            continue;
        if (e->op == LANE_COPY && e->arguments[0]->n_outputs)
            return statistic(s, e->arguments[0], e->plane);
        return is_array(e) && !e->n_outputs ? statistic(s, e, 0) : NULL;
    }
    return expr_with(s->p->exprs, e, arguments);
}

static bool take_apart(struct study *s, const struct expr *e, const struct expr **ret)
{
    AUTO(template) struct template *t = template_new(s->p, e);
    AUTO(mem) const struct expr **now = mem_array(template_lines(t), sizeof *now);

    for (size_t i = 0; i < template_lines(t); i++)
        now[i] = line_apart(s, t, i, now);
    *ret = now[template_lines(t) - 1];
    return *ret || refuse(s, "The result depends on single pixels, or on an order that the pixels of a "
                             "geometry do not have; use reducers such as mean, median or count.");
}

/* ---- what a callback gives ---- */

static struct value stand_ins(struct study *s, const struct expr *like)
{
    struct value *items = arena_array(s->p->arena, STAND_INS, sizeof *items);
    const struct expr **presence = arena_array(s->p->arena, STAND_INS, sizeof *presence);

    for (uint32_t i = 0; i < STAND_INS; i++) {
        s->leaves[2 * i] = expr_leaf(s->p->exprs, s->stand_in, 2 * i, like->cell, like->wide);
        s->leaves[2 * i + 1] = expr_leaf(s->p->exprs, s->stand_in, 2 * i + 1,
                                         (struct cell){ PIXEL_BOOL, true, 255 }, false);
        items[i] = value_lane(s->leaves[2 * i]);
        presence[i] = s->leaves[2 * i + 1];
    }
    return (struct value){ .kind = KIND_ARRAY,
                           .array = { .items = items, .presence = presence, .length = STAND_INS } };
}

/* Where no pixel is the reducer does not run: statistics that are then a number are told apart. */
static bool null_when_empty(const struct study *s, const struct expr *result)
{
    return result->op == EXPR_LEAF && result->source == s->made && s->reductions[result->plane].op != ZONE_COUNT;
}

static const struct expr *where_pixels_are(struct study *s, const struct expr *result, size_t total)
{
    struct expr_table *t = s->p->exprs;

    if (null_when_empty(s, result))
        return result;
    return expr_ternary(t, LANE_SELECT,
                        expr_binary(t, LANE_GT, made_leaf(s, total), expr_constant(t, 0)), result,
                        expr_constant(t, NAN));
}

static size_t count_of(struct study *s, const struct expr *column)
{
    return add_reduction(s, (struct zone_reduction){ .op = ZONE_COUNT, .probability = 0.5,
                                                .column = add_column(s, column) });
}

static bool read_results(struct study *s, const struct value *v, struct zone_reducer *ret)
{
    const struct value *items = v;
    const struct expr **results;

    ret->n_results = 1;
    ret->is_array = v->kind == KIND_ARRAY;
    if (ret->is_array) {
        if (v->array.presence)
            return refuse(s, "The result is an array whose length depends on the pixels.");
        items = v->array.items;
        ret->n_results = v->array.length;
        ret->labels = v->array.labels;
    }
    results = arena_array(s->p->arena, ret->n_results, sizeof *results);
    for (size_t i = 0; i < ret->n_results; i++)
        if (!call_cell(s->call, "reducer", &items[i], &results[i], s->err) ||
            !take_apart(s, results[i], &results[i]))
            return false;
    ret->results = results;
    return true;
}

/* Columns over `pixel`, whose plane 0 is the pixel; a pixel of a geometry is there. */
static void give_columns(struct study *s, const struct expr *like, struct zone_reducer *ret)
{
    struct planner *p = s->p;
    struct source *pixel = arena_alloc(p->arena, sizeof *pixel);
    const struct expr *planes[LEAVES] = { expr_leaf(p->exprs, pixel, 0, like->cell, like->wide),
                                          expr_boolean(p->exprs, true) };

    ret->pixel = pixel;
    ret->n_columns = s->n_columns;
    ret->columns = arena_array(p->arena, s->n_columns, sizeof *ret->columns);
    for (size_t i = 0; i < s->n_columns; i++) {
        AUTO(template) struct template *t = template_new(p, s->columns[i]);

        ret->columns[i] = template_fill(p, t, s->stand_in, planes);
    }
}

static void give(struct study *s, const struct expr *like, struct zone_reducer *ret)
{
    struct zone_reduction *reductions =
        arena_array(s->p->arena, s->n_reductions, sizeof *reductions);

    if (s->n_reductions)
        memcpy(reductions, s->reductions, s->n_reductions * sizeof *reductions);
    ret->reductions = reductions;
    ret->n_reductions = s->n_reductions;
    ret->made = s->made;
    give_columns(s, like, ret);
}

static bool study_callback(struct study *s, const struct expr *like, bool with_counts,
                           struct zone_reducer *ret, bool *ret_unknown)
{
    struct call *call = s->call;
    struct value v;
    struct binding bindings[] = { { "data", stand_ins(s, like) },
                                  { "context", *call_argument(call, "context") } };
    bool masked = false;

    if (!callback_call(s->p, call_argument(call, "reducer")->callback, bindings,
                       ARRAY_LEN(bindings), &v, s->err))
        return false;
    *ret_unknown = value_has(&v, KIND_UNKNOWN);
    if (*ret_unknown)
        return true;
    if (!read_results(s, &v, ret))
        return false;
    for (size_t i = 0; i < ret->n_results; i++)
        masked |= !null_when_empty(s, ret->results[i]);
    ret->total = masked || with_counts || s->n_reductions == 0 ? count_of(s, s->leaves[1]) : SIZE_MAX;
    ret->valid = SIZE_MAX;
    if (with_counts)
        ret->valid = count_of(s, expr_unary(s->p->exprs, LANE_IS_VALID, s->leaves[0]));
    for (size_t i = 0; i < ret->n_results; i++)
        ret->results[i] = where_pixels_are(s, ret->results[i], ret->total);
    give(s, like, ret);
    return true;
}

bool reducer_read(struct call *call, const struct expr *like, bool with_counts,
                  struct zone_reducer *ret, bool *ret_unknown, struct err *err)
{
    struct study s = { .call = call, .p = call->planner, .err = err };
    bool ok;

    *ret = (struct zone_reducer){ 0 };
    s.stand_in = arena_alloc(s.p->arena, sizeof *s.stand_in);
    s.made = arena_alloc(s.p->arena, sizeof *s.made);
    ok = study_callback(&s, like, with_counts, ret, ret_unknown);
    free(s.columns);
    free(s.reductions);
    return ok;
}
