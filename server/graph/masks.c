/* mask_polygon and filter_spatial: which pixels belong to geometries is a plane of its own, made on
 * the grid of the data while they are read. */
#include "graph/planner.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

static const struct dimension *mask_dimensions(struct planner *p, const struct grid *grid)
{
    struct dimension *d = arena_array(p->arena, 2, sizeof *d);

    d[0] = (struct dimension){ "x", DIM_SPATIAL, 'x', (size_t)grid->width, NULL, NULL };
    d[1] = (struct dimension){ "y", DIM_SPATIAL, 'y', (size_t)grid->height, NULL, NULL };
    return d;
}

bool geometries_on(const struct call *call, const char *parameter, const struct geometries *from,
                   const struct grid *grid, const struct geometries **ret, struct err *err)
{
    char crs[32];

    if (!call_check_place(call, grid, err))
        return false;
    snprintf(crs, sizeof crs, "EPSG:%d", grid->epsg);
    return geometries_in(call, parameter, from, crs, grid->epsg == 4326, ret, err);
}

bool mask_on_grid(const struct call *call, const struct geometries *geometries,
                  const struct grid *grid, const struct source **ret, struct err *err)
{
    struct planner *p = call->planner;
    struct cube_schema schema = { .n_dimensions = 2, .grid = *grid, .pixel = PIXEL_BOOL,
                                  .has_nodata = true, .nodata = 255 };
    struct source *source = arena_alloc(p->arena, sizeof *source);
    const struct geometries *here;

    if (!geometries_on(call, NULL, geometries, grid, &here, err))
        return false;
    for (size_t i = 0; i < p->n_nodes; i++) {
        const struct plan_node *node = p->nodes[i];

        if (node->op == PLAN_MASK && geometries_equal(node->geometries, here) &&
            grid_equal(&node->schema.grid, grid)) {
            source->node = p->nodes[i];
            break;
        }
    }
    if (!source->node) {
        schema.dimensions = mask_dimensions(p, grid);
        source->node = planner_node(p, PLAN_MASK, call->node->id, call->node->pointer, &schema);
        source->node->geometries = here;
    }
    source->mask = geometries;
    *ret = source;
    return true;
}

bool mask_expr(const struct call *call, const struct geometries *geometries, const struct cube *data,
               const struct expr **ret, struct err *err)
{
    struct planner *p = call->planner;
    const struct source *source = NULL;

    if (p->mode == MODE_PLAN && !mask_on_grid(call, geometries, &data->schema.grid, &source, err))
        return false;
    *ret = expr_leaf(p->exprs, source, 0, (struct cell){ PIXEL_BOOL, true, 255 }, false);
    return true;
}

static bool check_raster(const struct call *call, const struct cube *data, struct err *err)
{
    return cube_has_grid(&data->schema) ||
           call_fail(call, err, ERR_ProcessParameterInvalid, "data",
                     "a cube with the dimensions x and y is needed.");
}

/* Where `gone` is 1, replaced; no-data stays what it is. */
static const struct expr *replaced(struct planner *p, const struct expr *pixel,
                                   const struct expr *gone, const struct value *replacement)
{
    struct expr_table *t = p->exprs;

    if (replacement->kind == KIND_NULL)
        return expr_binary(t, LANE_MASK, pixel, gone);
    gone = expr_binary(t, LANE_AND, gone,
                       expr_unary(t, LANE_NOT, expr_unary(t, LANE_IS_NODATA, pixel)));
    return expr_ternary(t, LANE_MASK_WITH, pixel, gone, lane_of(p, replacement));
}

static bool apply_mask(struct call *call, struct cube *cube, const struct geometries *geometries,
                       bool inside, const struct value *replacement, struct value *ret,
                       struct err *err)
{
    struct planner *p = call->planner;
    size_t n = cube_planes(&cube->schema);
    const struct expr **planes = arena_array(p->arena, n, sizeof *planes);
    const struct expr *mask;

    if (!mask_expr(call, geometries, cube, &mask, err))
        return false;
    if (!inside)
        mask = expr_unary(p->exprs, LANE_NOT, mask);
    for (size_t i = 0; i < n; i++)
        planes[i] = replaced(p, cube->planes[i], mask, replacement);
    cube->planes = planes;
    return cube_finish(call, cube, ret, err);
}

bool polygons_check(const struct call *call, const char *parameter, const struct geometries *geometries,
                    struct err *err)
{
    for (size_t i = 0; i < geometries->count; i++)
        if (geometries->list[i].n_rings && geometries->list[i].kind != GEOMETRY_POLYGONS)
            return call_fail(call, err, ERR_ProcessParameterInvalid, parameter,
                             "geometry %zu is a %s, expected a Polygon or MultiPolygon.", i,
                             geometries->list[i].kind == GEOMETRY_POINTS ? "point" : "line");
    return true;
}

static bool run_mask_polygon(struct call *call, struct value *ret, struct err *err)
{
    const struct cube *data = call->arguments[0].cube;
    const struct value *replacement = call_argument(call, "replacement");
    const struct geometries *geometries;

    if (!check_raster(call, data, err) ||
        !geometries_of_value(call, "mask", call_argument(call, "mask"), &geometries, err))
        return false;
    if (replacement->kind == KIND_STRING)
        return call_fail(call, err, ERR_ProcessParameterInvalid, "replacement",
                         "a pixel cannot hold a string.");
    return polygons_check(call, "mask", geometries, err) &&
           apply_mask(call, cube_like(call->planner, data), geometries, call_boolean(call, "inside"), replacement, ret,
                      err);
}

/* The pixels of a grid between two coordinates: those with their centres there, or for points and
 * lines those that hold any of it. */
static void span(double low, double high, double step, int64_t count, bool touched, int64_t *from,
                 int64_t *to)
{
    double first = touched ? floor(low / step) : ceil(low / step - 0.5);
    double last = touched ? floor(high / step) : floor(high / step - 0.5);

    first = fmax(first, 0);
    last = fmin(last, (double)count - 1);
    *from = first <= last ? (int64_t)first : 0;
    *to = first <= last ? (int64_t)last + 1 : 0;
}

struct pixel_box geometry_pixels(const struct geometry *g, const struct grid *grid, bool touched)
{
    struct pixel_box box = { 0 };
    double b[4];

    touched |= g->kind != GEOMETRY_POLYGONS;
    if (!geometry_bounds(g, b))
        return box;
    span(b[0] - grid->x0, b[2] - grid->x0, grid->dx, grid->width, touched, &box.left, &box.right);
    span(grid->y0 - b[3], grid->y0 - b[1], grid->dy, grid->height, touched, &box.top, &box.bottom);
    if (box.left == box.right || box.top == box.bottom)
        box = (struct pixel_box){ 0 };
    return box;
}

static struct pixel_box all_pixels(const struct geometries *geometries, const struct grid *grid)
{
    struct pixel_box all = { 0 };

    for (size_t i = 0; i < geometries->count; i++) {
        struct pixel_box one = geometry_pixels(&geometries->list[i], grid, false);

        if (one.left == one.right)
            continue;
        if (all.left == all.right)
            all = one;
        all.left = one.left < all.left ? one.left : all.left;
        all.top = one.top < all.top ? one.top : all.top;
        all.right = one.right > all.right ? one.right : all.right;
        all.bottom = one.bottom > all.bottom ? one.bottom : all.bottom;
    }
    return all;
}

void cube_cut(struct cube *cube, const struct pixel_box *box)
{
    struct grid *grid = &cube->schema.grid;

    grid->x0 += (double)box->left * grid->dx;
    grid->y0 -= (double)box->top * grid->dy;
    grid->width = box->right - box->left;
    grid->height = box->bottom - box->top;
    for (size_t i = 0; i < cube->schema.n_dimensions; i++) {
        struct dimension *d = cube_edit(cube, i);

        if (d->axis == 'x' || d->axis == 'y')
            d->count = (size_t)(d->axis == 'x' ? grid->width : grid->height);
    }
}

static bool run_filter_spatial(struct call *call, struct value *ret, struct err *err)
{
    const struct cube *data = call->arguments[0].cube;
    const struct geometries *geometries, *here;
    struct value nothing = value_null();
    struct pixel_box box;
    struct cube *cube;

    if (!check_raster(call, data, err) ||
        !geometries_of_value(call, "geometries", call_argument(call, "geometries"), &geometries, err))
        return false;
    cube = cube_like(call->planner, data);
    if (!cube->grid_deferred) {
        if (!geometries_on(call, "geometries", geometries, &cube->schema.grid, &here, err))
            return false;
        box = all_pixels(here, &cube->schema.grid);
        cube_cut(cube, &box);
        if (box.left == box.right) {
            planner_notice(call->planner, "warning", call->node->id,
                           "No pixel of the cube belongs to one of the geometries.");
            return cube_finish(call, cube, ret, err);
        }
    }
    return apply_mask(call, cube, geometries, false, &nothing, ret, err);
}

const struct operation mask_operations[] = {
    { .id = "mask_polygon", .run = run_mask_polygon },
    { .id = "filter_spatial", .run = run_filter_spatial },
    { .id = NULL },
};
