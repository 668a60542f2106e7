/* A cube on another lattice, by nearest neighbour: its expressions are rebuilt over loads on that
 * lattice, which is exact, whatever is computed from the pixels. Where there are steps between that
 * made pixels of other pixels, what they made is warped. */
#include "graph/planner.h"
#include <string.h>

/* The source on another grid; NULL stays NULL. */
static bool regrid_source(const struct call *call, const struct source *source, const struct grid *grid,
                          bool picture, const struct source **ret, struct err *err)
{
    *ret = NULL;
    if (!source)
        return true;
    if (source->mask)
        return mask_on_grid(call, source->mask, grid, ret, err);
    *ret = load_on_grid(call->planner, source, grid, picture);
    return true;
}

static bool regrid_expr(const struct call *call, const struct expr *e, const struct grid *grid,
                        bool picture, const struct expr **memo, const struct expr **ret, struct err *err)
{
    struct planner *p = call->planner;
    AUTO(mem) const struct expr **arguments = NULL;
    const struct source *source;

    if (memo[e->id]) {
        *ret = memo[e->id];
        return true;
    }
    if (e->op == EXPR_LEAF) {
        if (!regrid_source(call, e->source, grid, picture, &source, err))
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

/* A load that is asked again knows nothing of the edges of the cube. */
static bool covers(const struct grid *a, const struct grid *b)
{
    return a->epsg == b->epsg && a->x0 <= b->x0 && a->y0 >= b->y0 &&
           a->x0 + (double)a->width * a->dx >= b->x0 + (double)b->width * b->dx &&
           a->y0 - (double)a->height * a->dy <= b->y0 - (double)b->height * b->dy;
}

static bool any_computed(struct planner *p, const struct grid *grid, const struct expr *const *marks, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct source *source = marks[i] && marks[i]->op == EXPR_LEAF ? marks[i]->source : NULL;

        if (source && ((!source->load && !source->mask) || !load_reads_onto(p, source, grid)))
            return true;
    }
    return false;
}

static void warp_near(const struct call *call, const struct cube *cube, const struct grid *grid,
                      const struct expr **ret_planes)
{
    struct planner *p = call->planner;
    size_t n = cube_planes(&cube->schema);
    AUTO(mem) struct cell *cells = mem_array(n, sizeof *cells);
    struct cube *made = cube_like(p, cube);
    bool wide = false;

    for (size_t i = 0; i < n; i++) {
        cells[i] = cell_with_nodata(cube->planes[i]->cell);
        wide |= cube->planes[i]->wide;
    }
    cube_set_grid(made, grid);
    node_over(call, cube, made, PLAN_WARP, cells, wide, true)->resampling = RESAMPLE_NEAR;
    memcpy(ret_planes, made->planes, n * sizeof *ret_planes);
}

/* `picture`: overviews will do, and loads are made again although they know nothing of the cube's edges;
 * whoever says so looks after these. */
static bool regrid(const struct call *call, const struct cube *cube, const struct grid *grid, bool picture,
                   const struct expr **ret_planes, struct err *err)
{
    struct planner *p = call->planner;
    size_t n = cube_planes(&cube->schema), n_exprs = expr_count(p->exprs);
    AUTO(mem) const struct expr **marks = mem_array(n_exprs, sizeof *marks);
    AUTO(mem) const struct expr **memo = mem_array(n_exprs, sizeof *memo);
    const struct expr *made;

    if (n == 0)
        return true;
    if (cube->schema.grid.epsg != grid->epsg && (!call_check_place(call, grid, err) ||
                                                 !call_check_place(call, &cube->schema.grid, err)))
        return false;
    mark_below(cube->planes, n, marks);
    if ((!picture && !covers(&cube->schema.grid, grid)) || any_computed(p, grid, marks, n_exprs)) {
        warp_near(call, cube, grid, ret_planes);
        return true;
    }
    for (size_t i = 0; i < n_exprs; i++)
        if (marks[i] && !regrid_expr(call, marks[i], grid, picture, memo, &made, err))
            return false;
    for (size_t i = 0; i < n; i++)
        ret_planes[i] = memo[cube->planes[i]->id];
    return true;
}

bool cube_regrid(const struct call *call, const struct cube *cube, const struct grid *grid,
                 const struct expr **ret_planes, struct err *err)
{
    return regrid(call, cube, grid, false, ret_planes, err);
}

/* ---- pictures ---- */

enum { SIDE = 16 }; /* points along each side of an outline: straight lines are not straight elsewhere */

/* Half a pixel wider than the grid: a load that was cut to an extent has the pixels whose centres lie in it,
 * so its edge is within half a pixel of what was asked for. */
static const struct geometries *outline(struct planner *p, const struct grid *g)
{
    struct geometries *all = arena_alloc(p->arena, sizeof *all);
    struct geometry *one = arena_alloc(p->arena, sizeof *one);
    struct ring *ring = arena_alloc(p->arena, sizeof *ring);
    const double corners[5][2] = { { 0, 0 }, { 1, 0 }, { 1, 1 }, { 0, 1 }, { 0, 0 } };
    double width = (double)(g->width + 1) * g->dx, height = (double)(g->height + 1) * g->dy;

    *ring = (struct ring){ .count = 4 * SIDE + 1, .outer = true };
    ring->x = arena_array(p->arena, ring->count, sizeof *ring->x);
    ring->y = arena_array(p->arena, ring->count, sizeof *ring->y);
    for (size_t i = 0; i < ring->count; i++) {
        const double *from = corners[i / SIDE % 4], *to = corners[i / SIDE % 4 + 1];
        double part = (double)(i % SIDE) / SIDE;

        ring->x[i] = g->x0 - g->dx / 2 + width * (from[0] + part * (to[0] - from[0]));
        ring->y[i] = g->y0 + g->dy / 2 - height * (from[1] + part * (to[1] - from[1]));
    }
    *one = (struct geometry){ .kind = GEOMETRY_POLYGONS, .n_rings = 1, .rings = ring };
    *all = (struct geometries){ .crs = arena_printf(p->arena, "EPSG:%d", g->epsg),
                                .geographic = g->epsg == 4326, .count = 1, .list = one };
    return geometries_keep(p, all);
}

static bool cut_edges(const struct call *call, const struct cube *cube, const struct grid *grid,
                      const struct expr **planes, struct err *err)
{
    struct planner *p = call->planner;
    const struct source *source;
    const struct expr *outside;

    if (!mask_on_grid(call, outline(p, &cube->schema.grid), grid, &source, err))
        return false;
    outside = expr_unary(p->exprs, LANE_NOT,
                         expr_leaf(p->exprs, source, 0, (struct cell){ PIXEL_BOOL, true, 255 }, false));
    for (size_t i = 0; i < cube_planes(&cube->schema); i++)
        planes[i] = expr_binary(p->exprs, LANE_MASK, planes[i], outside);
    return true;
}

bool cube_onto(const struct call *call, const struct cube *cube, const struct grid *grid,
               const struct cube **ret, struct err *err)
{
    struct planner *p = call->planner;
    const struct expr **planes = arena_array(p->arena, cube_planes(&cube->schema), sizeof *planes);
    struct cube *made = cube_like(p, cube);
    struct value finished;

    if (!regrid(call, cube, grid, true, planes, err) ||
        (!covers(&cube->schema.grid, grid) && !cut_edges(call, cube, grid, planes, err)))
        return false;
    cube_set_grid(made, grid);
    made->planes = planes;
    if (!cube_finish(call, made, &finished, err))
        return false;
    *ret = finished.cube;
    return true;
}
