/* A cube on another lattice, by nearest neighbour: its expressions are rebuilt over loads on that
 * lattice, which is exact, whatever is computed from the pixels. */
#include "graph/planner.h"

static bool regrid_expr(struct planner *p, const struct expr *e, const struct grid *grid,
                        const struct expr **memo, const struct expr **ret)
{
    AUTO(mem) const struct expr **arguments = NULL;

    if (memo[e->id]) {
        *ret = memo[e->id];
        return true;
    }
    if (e->op == EXPR_LEAF) {
        if (e->source && !e->source->load)
            return false;
        *ret = e->source ? expr_leaf(p->exprs, load_on_grid(p, e->source, grid), e->plane,
                                     cell_with_nodata(e->cell), e->wide)
                         : e;
    } else {
        arguments = mem_array(e->n_arguments, sizeof *arguments);
        for (uint32_t i = 0; i < e->n_arguments; i++)
            arguments[i] = memo[e->arguments[i]->id];
        *ret = expr_with(p->exprs, e, arguments);
    }
    memo[e->id] = *ret;
    return true;
}

/* Marks everything below the planes, then rebuilds in order of ids: arguments come first. */
static void mark_below(const struct expr *const *roots, size_t n_roots, const struct expr **marks)
{
    AUTO(mem) const struct expr **stack = NULL;
    size_t n = 0, capacity = 0;

    for (size_t i = 0; i < n_roots; i++) {
        stack = mem_grow(stack, &capacity, n + 1, sizeof *stack);
        stack[n++] = roots[i];
        while (n) {
            const struct expr *e = stack[--n];

            if (marks[e->id])
                continue;
            marks[e->id] = e;
            stack = mem_grow(stack, &capacity, n + e->n_arguments, sizeof *stack);
            for (uint32_t k = 0; k < e->n_arguments; k++)
                stack[n++] = e->arguments[k];
        }
    }
}

bool cube_regrid(const struct call *call, const struct cube *cube, const struct grid *grid,
                 const struct expr **ret_planes, struct err *err)
{
    struct planner *p = call->planner;
    size_t n = cube_planes(&cube->schema), n_exprs = expr_count(p->exprs);
    AUTO(mem) const struct expr **marks = mem_array(n_exprs, sizeof *marks);
    AUTO(mem) const struct expr **memo = mem_array(n_exprs, sizeof *memo);
    const struct expr *made;

    mark_below(cube->planes, n, marks);
    for (size_t i = 0; i < n_exprs; i++)
        if (marks[i] && !regrid_expr(p, marks[i], grid, memo, &made))
            return call_fail(call, err, ERR_FeatureUnsupported, NULL,
                             "The cubes lie on different grids, and one of them is the result of a "
                             "step that cannot be repeated on the other grid.");
    for (size_t i = 0; i < n; i++)
        ret_planes[i] = memo[cube->planes[i]->id];
    return true;
}
