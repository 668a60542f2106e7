/* Reducers that are no folds get a series that is computed (a median of indices) as planes of a node of its own, so that each
 * date is finished before the next is read. */
#include "graph/lower.h"

enum { SERIES = 3 }; /* elements from which on an array is a series worth a node */

/* Series that get a node of their own: elements, more than leaves and alike, of arrays that are not
 * folded. */
static bool is_series(struct planner *p, const struct expr *e)
{
    const struct program *program = NULL;

    if (lane_kind((enum lane_op)e->op) < LANE_KIND_ARRAY || e->n_arguments < SERIES)
        return false;
    for (uint32_t i = 0; i < e->n_arguments; i++) {
        struct compiled compiled;

        if (e->arguments[i]->op == EXPR_LEAF || e->arguments[i]->op == LANE_CONSTANT)
            return false;
        program_compile(p, &e->arguments[i], 1, NULL, 0, e->arguments[i]->wide, &compiled);
        if (compiled.n_leaves == 0 || (program && compiled.program != program))
            return false;
        program = compiled.program;
    }
    return true;
}

static void find_series(struct planner *p, const struct expr *const *planes, size_t n,
                        struct exprs *series)
{
    AUTO(mem) bool *seen = mem_array(expr_count(p->exprs), sizeof *seen);
    AUTO(mem) bool *taken = mem_array(expr_count(p->exprs), sizeof *taken);
    struct exprs stack = { 0 };

    for (size_t i = n; i-- > 0;)
        exprs_add(&stack, planes[i]);
    while (stack.n) {
        const struct expr *e = stack.list[--stack.n];
        bool found;

        if (seen[e->id] || e->op == EXPR_LEAF)
            continue;
        seen[e->id] = true;
        found = is_series(p, e);
        for (uint32_t k = 0; found && k < e->n_arguments; k++) {
            if (!taken[e->arguments[k]->id])
                exprs_add(series, e->arguments[k]);
            taken[e->arguments[k]->id] = true;
        }
        for (uint32_t k = e->n_arguments; !found && k-- > 0;)
            exprs_add(&stack, e->arguments[k]);
    }
    free(stack.list);
}

/* A cube schema for planes that are nobody's labels. */
static struct cube_schema series_schema(struct planner *p, const struct cube_schema *like,
                                        const struct exprs *series)
{
    struct cube_schema schema = { .grid = like->grid };
    struct dimension *d = arena_array(p->arena, 3, sizeof *d);
    struct label *labels = arena_array(p->arena, series->n, sizeof *labels);
    struct cell cell = series->list[0]->cell;

    for (size_t i = 0; i < series->n; i++) {
        labels[i] = (struct label){ .is_number = true, .number = (double)i };
        cell = cell_join(cell, series->list[i]->cell);
    }
    d[0] = (struct dimension){ "x", DIM_SPATIAL, 'x', (size_t)like->grid.width, NULL, NULL };
    d[1] = (struct dimension){ "y", DIM_SPATIAL, 'y', (size_t)like->grid.height, NULL, NULL };
    d[2] = (struct dimension){ "series", DIM_OTHER, 0, series->n, labels, NULL };
    schema.dimensions = d;
    schema.n_dimensions = 3;
    schema.pixel = cell.pixel;
    schema.nodata = cell.nodata;
    schema.has_nodata = cell.has_nodata;
    return schema;
}

void moves_add(struct moves *moves, const struct expr *from, const struct expr *to)
{
    moves->list = mem_grow(moves->list, &moves->capacity, moves->n + 1, sizeof *moves->list);
    moves->list[moves->n++] = (struct move){ from, to };
}

/* The stack is ours because expressions may be deep. */
void moves_apply(struct planner *p, const struct moves *moves, const struct expr **planes, size_t n)
{
    AUTO(mem) const struct expr **now = mem_array(expr_count(p->exprs), sizeof *now);
    struct exprs stack = { 0 };

    for (size_t i = 0; i < moves->n; i++)
        now[moves->list[i].from->id] = moves->list[i].to;
    for (size_t i = 0; i < n; i++) {
        exprs_add(&stack, planes[i]);
        while (stack.n) {
            const struct expr *e = stack.list[stack.n - 1];
            AUTO(mem) const struct expr **arguments = NULL;
            bool ready = true;

            for (uint32_t k = 0; !now[e->id] && k < e->n_arguments; k++) {
                if (now[e->arguments[k]->id])
                    continue;
                exprs_add(&stack, e->arguments[k]);
                ready = false;
            }
            if (!ready)
                continue;
            stack.n--;
            if (now[e->id])
                continue;
            arguments = mem_array(e->n_arguments, sizeof *arguments);
            for (uint32_t k = 0; k < e->n_arguments; k++)
                arguments[k] = now[e->arguments[k]->id];
            now[e->id] = expr_with(p->exprs, e, arguments);
        }
        planes[i] = now[planes[i]->id];
    }
    free(stack.list);
}

/* Moves those of one pixel type out of the list. */
static void take_alike(struct exprs *series, struct exprs *alike)
{
    size_t left = 0;
    struct cell cell = series->list[0]->cell;

    alike->n = 0;
    for (size_t i = 0; i < series->n; i++) {
        if (cell_equal(series->list[i]->cell, cell))
            exprs_add(alike, series->list[i]);
        else
            series->list[left++] = series->list[i];
    }
    series->n = left;
}

void split_series(struct planner *p, const struct cube_schema *schema, const char *id, const char *pointer,
                  const struct expr *const *some, size_t n_some, const struct expr **all, size_t n_all)
{
    struct exprs series = { 0 }, alike = { 0 };
    struct moves moves = { 0 };

    find_series(p, some, n_some, &series);
    while (series.n) {
        struct source *source = arena_alloc(p->arena, sizeof *source);
        struct cube_schema its;

        take_alike(&series, &alike);
        its = series_schema(p, schema, &alike);
        source->node = (struct plan_node *)lower_planes(p, &its, id, pointer, alike.list);
        for (size_t i = 0; i < alike.n; i++)
            moves_add(&moves, alike.list[i],
                      expr_leaf(p->exprs, source, (uint32_t)i, alike.list[i]->cell,
                                alike.list[i]->wide));
    }
    if (moves.n)
        moves_apply(p, &moves, all, n_all);
    free(series.list);
    free(alike.list);
    free(moves.list);
}
