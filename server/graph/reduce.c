/* Reducers of pixels beside each other: of windows, or of the whole image. How many there are, and in
 * what order, the callback must not see; so it is called once with a few stand-ins, which may be
 * absent for all it knows, and what it makes of them is taken apart: what is done with each pixel, to
 * what all of these are reduced, and what is made of that. */
#include "graph/planner.h"
#include <math.h>
#include <stdint.h>
#include <string.h>

enum { STANDINS = 5, MOST_WINDOW = 1 << 16 };

struct apart {
    const struct call *call;
    const struct source *source; /* of the stand-ins: planes 0 .. 4; whether they are there: 5 .. 9 */
    const struct expr *values[STANDINS], *there[STANDINS];
    const struct expr **given;   /* what is reduced, as the callback's end sees it */
    struct reduction *reductions;
    const struct expr *const **inputs; /* by output of map: that of each stand-in */
    size_t n, capacity, given_capacity, n_inputs, input_capacity;
    bool wide;
};

static struct value standin_array(struct apart *a, const struct expr *plane)
{
    struct planner *p = a->call->planner;
    const struct cell there = { PIXEL_BOOL, true, 255 };

    for (uint32_t i = 0; i < STANDINS; i++) {
        a->values[i] = expr_leaf_of(p->exprs, a->source, i, cell_with_nodata(plane->cell),
                                    plane->wide, plane->scaled);
        a->there[i] = expr_leaf(p->exprs, a->source, STANDINS + i, there, false);
    }
    return array_of_lanes(p, a->values, STANDINS, a->there);
}

/* Element k is made of stand-in k alone, all of them by one program. */
static bool is_of_each(const struct apart *a, const struct expr *e)
{
    const struct program *program = NULL;

    if (e->n_arguments != STANDINS)
        return false;
    for (uint32_t k = 0; k < STANDINS; k++) {
        struct compiled compiled;

        program_compile(a->call->planner, &e->arguments[k], 1, NULL, 0, a->wide, &compiled);
        if (compiled.n_leaves == 0 || (program && program != compiled.program))
            return false;
        program = compiled.program;
        for (size_t i = 0; i < compiled.n_leaves; i++)
            if (compiled.leaves[i] != a->values[k] && compiled.leaves[i] != a->there[k])
                return false;
    }
    return true;
}

static uint32_t input_of(struct apart *a, const struct expr *const *elements)
{
    size_t i = 0;

    while (i < a->n_inputs && memcmp(a->inputs[i], elements, STANDINS * sizeof *elements))
        i++;
    if (i == a->n_inputs) {
        a->inputs = mem_grow(a->inputs, &a->input_capacity, i + 1, sizeof *a->inputs);
        a->inputs[a->n_inputs++] = elements;
    }
    return (uint32_t)i;
}

/* One number of all pixels: a reducer, or one of the quantiles. */
static bool take_reduction(struct apart *a, const struct expr *e)
{
    const struct expr *all = e->op == LANE_COPY && e->arguments[0]->n_outputs ? e->arguments[0] : e;
    struct reduction r = { .keep_nodata = all->keep_nodata, .probability = 0.5 };

    r.folds = fold_of(all, &r.fold);
    if (all->op == LANE_QUANTILE && all != e)
        r.probability = all->numbers[e->plane];
    else if (all->op != LANE_MEDIAN && !r.folds)
        return false;
    if (!is_of_each(a, all))
        return false;
    r.input = input_of(a, all->arguments);
    a->given = mem_grow(a->given, &a->given_capacity, a->n + 1, sizeof *a->given);
    a->reductions = mem_grow(a->reductions, &a->capacity, a->n + 1, sizeof *a->reductions);
    a->given[a->n] = e;
    a->reductions[a->n++] = r;
    return true;
}

static bool find_reductions(struct apart *a, const struct expr *result, struct err *err)
{
    AUTO(mem) bool *seen = mem_array(expr_count(a->call->planner->exprs), sizeof *seen);
    AUTO(mem) const struct expr **stack = NULL;
    size_t n = 0, capacity = 0;

    stack = mem_grow(stack, &capacity, 1, sizeof *stack);
    stack[n++] = result;
    while (n) {
        const struct expr *e = stack[--n];

        if (seen[e->id])
            continue;
        seen[e->id] = true;
        if (take_reduction(a, e))
            continue;
        if (e->op == EXPR_LEAF && e->source == a->source)
            return call_fail(a->call, err, ERR_FeatureUnsupported, "reducer",
                             "Pixels beside each other have no order, and what is done with one of "
                             "them cannot depend on the others.");
        stack = mem_grow(stack, &capacity, n + e->n_arguments, sizeof *stack);
        for (uint32_t k = 0; k < e->n_arguments; k++)
            stack[n++] = e->arguments[k];
    }
    return true;
}

static const struct pixel_reducer *reducer_of(struct apart *a, const struct expr *result)
{
    struct planner *p = a->call->planner;
    struct pixel_reducer *made = arena_alloc(p->arena, sizeof *made);
    struct reduction *reductions = arena_array(p->arena, a->n + 1, sizeof *reductions);
    AUTO(mem) const struct expr **slice = mem_array(a->n_inputs, sizeof *slice);
    struct compiled compiled;
    bool *presence;

    for (size_t i = 0; i < a->n; i++)
        reductions[i] = a->reductions[i];
    made->n_reductions = a->n;
    made->reductions = reductions;
    if (a->n) {
        for (size_t i = 0; i < a->n_inputs; i++)
            slice[i] = a->inputs[i][0];
        program_compile(p, slice, a->n_inputs, NULL, 0, a->wide, &compiled);
        presence = arena_array(p->arena, compiled.n_leaves, sizeof *presence);
        for (size_t i = 0; i < compiled.n_leaves; i++)
            presence[i] = compiled.leaves[i] == a->there[0];
        made->map = compiled.program;
        made->is_presence = presence;
    }
    program_compile(p, &result, 1, a->given, a->n, a->wide, &compiled);
    made->finish = compiled.program;
    return made;
}

/* What the callback makes of pixels like those of a plane. *ret_result NULL: nobody knows. */
static bool reducer_for(struct call *call, const struct source *source, const struct expr *plane,
                        const struct pixel_reducer **ret, const struct expr **ret_result,
                        struct err *err)
{
    struct apart a = { .call = call, .source = source };
    struct binding bindings[] = { { "data", standin_array(&a, plane) },
                                  { "context", *call_argument(call, "context") } };
    struct value v;
    bool ok;

    *ret_result = NULL;
    if (!callback_call(call->planner, call_argument(call, "reducer")->callback, bindings,
                       ARRAY_LEN(bindings), &v, err))
        return false;
    if (v.kind == KIND_UNKNOWN)
        return true;
    if (!call_cell(call, "reducer", &v, ret_result, err))
        return false;
    a.wide = (*ret_result)->wide;
    ok = find_reductions(&a, *ret_result, err);
    if (ok)
        *ret = reducer_of(&a, *ret_result);
    free(a.given);
    free(a.reductions);
    free(a.inputs);
    return ok;
}

/* Each plane of `cube`, which has its grid already, from windows of the same plane of the data. */
static bool reduce_windows(struct call *call, const struct cube *data,
                           const struct window_args *windows, struct cube *cube, struct value *ret,
                           struct err *err)
{
    struct planner *p = call->planner;
    size_t n = cube_planes(&data->schema);
    const struct source *source = arena_alloc(p->arena, sizeof *source);
    struct window_args *args = arena_alloc(p->arena, sizeof *args);
    const struct pixel_reducer **reducers = arena_array(p->arena, n + 1, sizeof *reducers);
    struct cell *cells = arena_array(p->arena, n + 1, sizeof *cells);
    bool wide = false, scaled = true;
    struct plan_node *node;

    cells[0] = (struct cell){ PIXEL_F32, true, NAN };
    for (size_t i = 0; i < n; i++) {
        const struct expr *result;

        if (!reducer_for(call, source, data->planes[i], &reducers[i], &result, err))
            return false;
        if (!result) {
            *ret = value_unknown();
            return true;
        }
        cells[i] = cell_with_nodata(result->cell);
        wide |= result->wide;
        scaled &= result->scaled;
    }
    node = node_over(call, data, cube, PLAN_WINDOWS, cells, wide, scaled);
    if (node) {
        *args = *windows;
        args->reducers = reducers;
        node->windows = args;
    }
    return cube_finish(call, cube, ret, err);
}

static bool run_reduce_spatial(struct call *call, struct value *ret, struct err *err)
{
    const struct cube *data = call->arguments[0].cube;
    const struct grid *grid = &data->schema.grid;
    struct window_args windows = { .width = grid->width, .height = grid->height };
    struct cube *cube = cube_like(call->planner, data);

    if (!call_check_grid(call, data, "data", err))
        return false;
    for (size_t i = cube->schema.n_dimensions; i-- > 0;)
        if (dimension_is_horizontal(&cube->schema.dimensions[i]))
            cube_remove(cube, i);
    cube->grid_deferred = false;
    cube->schema.grid = (struct grid){ .y0 = 1, .dx = 1, .dy = 1, .width = 1, .height = 1 };
    return reduce_windows(call, data, &windows, cube, ret, err);
}

/* How many windows of `size` there are along an axis of `count` pixels, and where the first begins:
 * before the axis when windows are filled up at its beginning. */
static int64_t count_windows(int64_t count, int64_t size, bool pad, bool from_end,
                             int64_t *ret_first)
{
    int64_t n = pad ? (count + size - 1) / size : count / size;

    *ret_first = from_end ? count - n * size : 0;
    return n;
}

static bool read_size(const struct call *call, int64_t size[2], struct err *err)
{
    const struct value *v = call_argument(call, "size");

    for (size_t i = 0; i < 2; i++) {
        if (v->array.items[i].kind != KIND_NUMBER || v->array.items[i].number > MOST_WINDOW)
            return call_fail(call, err, ERR_ProcessParameterInvalid, "size",
                             "expected numbers of pixels from 1 to %d.", MOST_WINDOW);
        size[i] = (int64_t)v->array.items[i].number;
    }
    return true;
}

static bool run_aggregate_spatial_window(struct call *call, struct value *ret, struct err *err)
{
    const struct cube *data = call->arguments[0].cube;
    const struct grid *old = &data->schema.grid;
    struct grid grid = *old;
    const char *align = call_text(call, "align");
    bool pad = !strcmp(call_text(call, "boundary"), "pad");
    struct window_args w = { 0 };
    struct cube *cube = cube_like(call->planner, data);
    int64_t size[2] = { 1, 1 };

    if (!call_check_grid(call, data, "data", err) || !read_size(call, size, err))
        return false;
    w.width = size[0];
    w.height = size[1];
    if (call->planner->mode == MODE_PLAN) {
        grid.width = count_windows(old->width, w.width, pad, strstr(align, "right"), &w.left);
        grid.height = count_windows(old->height, w.height, pad, strstr(align, "lower"), &w.top);
        grid.x0 += (double)w.left * grid.dx;
        grid.y0 -= (double)w.top * grid.dy;
        grid.dx *= (double)w.width;
        grid.dy *= (double)w.height;
        if (grid.width == 0 || grid.height == 0)
            return call_fail(call, err, ERR_ProcessParameterInvalid, "size",
                             "no window of %lld x %lld fits into %lld x %lld pixels.",
                             (long long)w.width, (long long)w.height, (long long)old->width,
                             (long long)old->height);
    }
    cube_set_grid(cube, &grid);
    return reduce_windows(call, data, &w, cube, ret, err);
}

const struct operation reduce_operations[] = {
    { .id = "reduce_spatial", .run = run_reduce_spatial },
    { .id = "aggregate_spatial_window", .run = run_aggregate_spatial_window },
    { .id = NULL },
};
