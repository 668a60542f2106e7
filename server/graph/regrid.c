/* A cube on another lattice, by nearest neighbour: its expressions are rebuilt over loads on that
 * lattice, which is exact, whatever is computed from the pixels. */
#include "graph/planner.h"

/* The source on another grid; NULL stays NULL. */
static bool regrid_source(const struct call *call, const struct source *source,
                          const struct grid *grid, const struct source **ret, struct err *err)
{
    *ret = NULL;
    if (!source)
        return true;
    if (source->mask)
        return mask_on_grid(call, source->mask, grid, ret, err);
    if (!source->load)
        return call_fail(call, err, ERR_FeatureUnsupported, NULL,
                         "The cubes lie on different grids, and one of them is the result of a "
                         "step that cannot be repeated on the other grid.");
    *ret = load_on_grid(call->planner, source, grid);
    return true;
}

static bool regrid_expr(const struct call *call, const struct expr *e, const struct grid *grid,
                        const struct expr **memo, const struct expr **ret, struct err *err)
{
    struct planner *p = call->planner;
    AUTO(mem) const struct expr **arguments = NULL;
    const struct source *source;

    if (memo[e->id]) {
        *ret = memo[e->id];
        return true;
    }
    if (e->op == EXPR_LEAF) {
        if (!regrid_source(call, e->source, grid, &source, err))
            return false;
        *ret = source ? expr_leaf(p->exprs, source, e->plane, cell_with_nodata(e->cell), e->wide) : e;
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
        if (marks[i] && !regrid_expr(call, marks[i], grid, memo, &made, err))
            return false;
    for (size_t i = 0; i < n; i++)
        ret_planes[i] = memo[cube->planes[i]->id];
    return true;
}
