/* apply_polygon: the cube under each polygon is a cube of its own, cut to the pixels of the polygon's box, on which
 * the callback is run. Of what it makes the pixels inside are kept; those of all polygons together are the first
 * that has data, since none belongs to two. A callback that looks at no other pixels is run on the whole cube
 * instead, and what lies outside of all polygons is taken away. */
#include "graph/planner.h"
#include "graph/topology.h"
#include <math.h>
#include <string.h>

enum { MOST_PARTS = 20000 /* planes of all polygons */, MOST_CENTRES = 4000000 };

struct polygons {
    struct call *call;
    const struct cube *data;
    const struct geometries *all;  /* in the reference system of the grid */
    size_t n;                      /* those with pixels */
    size_t *which;                 /* of `all` */
    struct pixel_box *boxes;
    const struct expr **parts;     /* [plane][polygon] */
    struct err *err;
};

/* ---- overlap ---- */

/* Whether the centre of a pixel lies in both. */
static bool share_pixel(const struct grid *g, const struct topology_area *a, const struct topology_area *b,
                        double *centres)
{
    double box[4], left, right, top, bottom;

    if (!topology_areas_box(a, b, box))
        return false;
    left = fmax(ceil((box[0] - g->x0) / g->dx - 0.5), 0);
    right = fmin(floor((box[2] - g->x0) / g->dx - 0.5), (double)g->width - 1);
    top = fmax(ceil((g->y0 - box[3]) / g->dy - 0.5), 0);
    bottom = fmin(floor((g->y0 - box[1]) / g->dy - 0.5), (double)g->height - 1);
    for (double r = top; r <= bottom; r++)
        for (double c = left; c <= right && *centres <= MOST_CENTRES; c++, ++*centres) {
            double x = g->x0 + (c + 0.5) * g->dx, y = g->y0 - (r + 0.5) * g->dy;

            if (topology_area_meets(a, x, y) && topology_area_meets(b, x, y))
                return true;
        }
    return false;
}

static bool boxes_meet(const struct pixel_box *a, const struct pixel_box *b)
{
    return a->left < b->right && b->left < a->right && a->top < b->bottom && b->top < a->bottom;
}

static bool check_overlap(const struct polygons *p, struct topology_area **areas)
{
    double centres = 0;

    for (size_t i = 0; i < p->n; i++) {
        const struct geometry *g = &p->all->list[p->which[i]];

        areas[i] = topology_area_new(g->rings, g->n_rings);
        if (!areas[i])
            return call_fail(p->call, p->err, ERR_ProcessParameterInvalid, "geometries",
                             "geometry %zu is not valid and cannot be made so.", p->which[i]);
        for (size_t k = 0; k < i; k++) {
            if (!boxes_meet(&p->boxes[i], &p->boxes[k]))
                continue;
            if (share_pixel(&p->data->schema.grid, areas[i], areas[k], &centres))
                return call_fail(p->call, p->err, ERR_GeometriesOverlap, "geometries",
                                 "Geometries %zu and %zu have pixels in common.", p->which[k], p->which[i]);
        }
        if (centres > MOST_CENTRES)
            return call_fail(p->call, p->err, ERR_ProcessGraphComplexity, "geometries",
                             "The geometries overlap too much to be looked at.");
    }
    return true;
}

static bool find_polygons(struct polygons *p)
{
    struct arena *arena = p->call->planner->arena;
    AUTO(mem) struct topology_area **areas = NULL;
    bool good;

    p->which = arena_array(arena, p->all->count + 1, sizeof *p->which);
    p->boxes = arena_array(arena, p->all->count + 1, sizeof *p->boxes);
    for (size_t i = 0; i < p->all->count; i++) {
        struct pixel_box box = geometry_pixels(&p->all->list[i], &p->data->schema.grid, false);

        if (box.left == box.right)
            continue;
        p->which[p->n] = i;
        p->boxes[p->n++] = box;
    }
    if ((double)p->n * (double)cube_planes(&p->data->schema) > MOST_PARTS)
        return call_fail(p->call, p->err, ERR_ProcessGraphComplexity, "geometries",
                         "%zu polygons over %zu planes are more than %d cubes of one plane.", p->n,
                         cube_planes(&p->data->schema), MOST_PARTS);
    areas = mem_array(p->n, sizeof *areas);
    good = check_overlap(p, areas);
    for (size_t i = 0; i < p->n; i++)
        topology_area_free(areas[i]);
    return good;
}

/* ---- the callback ---- */

static bool same_shape(const struct cube *a, const struct cube *b)
{
    bool same = a->schema.n_dimensions == b->schema.n_dimensions && (a->grid_deferred || b->grid_deferred ||
                                                                    grid_equal(&a->schema.grid, &b->schema.grid));

    for (size_t i = 0; same && i < a->schema.n_dimensions; i++) {
        const struct dimension *x = &a->schema.dimensions[i], *y = &b->schema.dimensions[i];

        same = !strcmp(x->name, y->name) && x->type == y->type && x->axis == y->axis &&
               (x->count == y->count || a->deferred[i] || b->deferred[i]);
    }
    return same;
}

/* *ret NULL: unknown. */
static bool call_process(struct polygons *p, const struct cube *part, const struct cube **ret)
{
    struct planner *planner = p->call->planner;
    struct binding bindings[] = { { "data", { .kind = KIND_CUBE, .cube = part } },
                                  { "context", *call_argument(p->call, "context") } };
    AUTO(text) struct text found = { 0 };
    bool keeps = planner->udf_keeps, good;
    struct value v;

    planner->udf_keeps = true;
    good = callback_call(planner, call_argument(p->call, "process")->callback, bindings, ARRAY_LEN(bindings), &v,
                         p->err);
    planner->udf_keeps = keeps;
    *ret = good && v.kind == KIND_CUBE ? v.cube : NULL;
    if (!good || v.kind == KIND_UNKNOWN || (*ret && same_shape(part, *ret)))
        return good;
    value_describe(&v, &found);
    return call_fail(p->call, p->err, ERR_DataCubePropertiesImmutable, "process", "The callback gives %s%s.", found.data,
                     *ret ? " whose dimensions, pixels or numbers of labels are not those of its data" : "");
}

/* The cube under a polygon, as planes of a node of its own. */
static bool make_part(struct polygons *p, const struct geometries *one, const struct pixel_box *box,
                      const struct source **ret_source, const struct cube **ret_part)
{
    struct planner *planner = p->call->planner;
    const struct value *outside = call_argument(p->call, "mask_value");
    struct cube *part = cube_like(planner, p->data), *over;
    size_t n = cube_planes(&p->data->schema);
    const struct expr **planes = arena_array(planner->arena, n, sizeof *planes);
    const struct expr **leaves = arena_array(planner->arena, n, sizeof *leaves);
    struct source *source = arena_alloc(planner->arena, sizeof *source);
    const struct expr *gone;
    struct value v;

    cube_cut(part, box);
    if (!mask_expr(p->call, one, part, &gone, p->err))
        return false;
    gone = expr_unary(planner->exprs, LANE_NOT, gone);
    for (size_t k = 0; k < n; k++)
        planes[k] = outside->kind == KIND_NULL
                        ? expr_binary(planner->exprs, LANE_MASK, p->data->planes[k], gone)
                        : expr_ternary(planner->exprs, LANE_MASK_WITH, p->data->planes[k], gone,
                                       lane_of(planner, outside));
    part->planes = planes;
    if (!cube_finish(p->call, part, &v, p->err))
        return false;
    source->node = (struct plan_node *)lower_cube(planner, part);
    over = cube_like(planner, part);
    for (size_t k = 0; k < n; k++)
        leaves[k] = expr_leaf_of(planner->exprs, source, (uint32_t)k,
                                 (struct cell){ part->schema.pixel, part->schema.has_nodata, part->schema.nodata },
                                 planes[k]->wide, planes[k]->scaled);
    over->planes = leaves;
    *ret_source = source;
    *ret_part = over;
    return true;
}

static struct geometries *only(struct polygons *p, size_t i)
{
    struct geometries *one = arena_alloc(p->call->planner->arena, sizeof *one);

    *one = *p->all;
    one->count = 1;
    one->list = &p->all->list[p->which[i]];
    return one;
}

/* Nothing but the pixel of the same place is looked at. */
static bool is_plain(struct polygons *p, const struct cube *made, const struct source *source)
{
    for (size_t k = 0; k < cube_planes(&made->schema); k++) {
        AUTO(template) struct template *t = template_new(p->call->planner, made->planes[k]);

        for (size_t i = 0; i < template_lines(t); i++) {
            const struct expr *e = template_line(t, i);

            if (e->op == EXPR_LEAF && e->source && e->source != source)
                return false;
        }
    }
    return true;
}

static bool whole_at_once(struct polygons *p, const struct cube *made, const struct source *source,
                          const struct expr **ret)
{
    struct planner *planner = p->call->planner;
    const struct expr *inside;

    if (!mask_expr(p->call, p->all, p->data, &inside, p->err))
        return false;
    for (size_t k = 0; k < cube_planes(&made->schema); k++) {
        AUTO(template) struct template *t = template_new(planner, made->planes[k]);

        ret[k] = expr_binary(planner->exprs, LANE_MASK, template_fill(planner, t, source, p->data->planes),
                             expr_unary(planner->exprs, LANE_NOT, inside));
    }
    return true;
}

static bool take_part(struct polygons *p, size_t i, const struct geometries *one, const struct cube *made)
{
    struct expr_table *t = p->call->planner->exprs;
    const struct expr *inside;

    if (!mask_expr(p->call, one, made, &inside, p->err))
        return false;
    for (size_t k = 0; k < cube_planes(&made->schema); k++)
        p->parts[k * p->n + i] = expr_binary(t, LANE_MASK, made->planes[k], expr_unary(t, LANE_NOT, inside));
    return true;
}

static bool run_polygons(struct polygons *p, const struct expr **planes)
{
    struct planner *planner = p->call->planner;
    size_t n = cube_planes(&p->data->schema);

    p->parts = arena_array(planner->arena, n * p->n + 1, sizeof *p->parts);
    for (size_t i = 0; i < p->n; i++) {
        const struct geometries *one = only(p, i);
        const struct cube *part, *made;
        const struct source *source;

        if (!make_part(p, one, &p->boxes[i], &source, &part) || !call_process(p, part, &made))
            return false;
        if (!made)
            return err_set(p->err, ERR_Internal, "%s: the callback gives nothing", p->call->node->pointer);
        if (is_plain(p, made, source))
            return whole_at_once(p, made, source, planes);
        if (!take_part(p, i, one, made))
            return false;
    }
    for (size_t k = 0; k < n; k++)
        planes[k] = p->n == 0 ? expr_leaf(planner->exprs, NULL, 0, cell_with_nodata(p->data->planes[k]->cell), false)
                  : p->n == 1 ? p->parts[k]
                              : expr_make(planner->exprs, LANE_FIRST, p->n, &p->parts[k * p->n], false);
    return true;
}

/* ---- the process ---- */

static bool check_arguments(struct call *call, const struct geometries **ret, struct err *err)
{
    bool any = false;

    if (!call_check_grid(call, call->arguments[0].cube, "data", err) ||
        !geometries_of_value(call, "geometries", call_argument(call, "geometries"), ret, err) ||
        !polygons_check(call, "geometries", *ret, err))
        return false;
    for (size_t i = 0; i < (*ret)->count; i++)
        any |= (*ret)->list[i].n_rings > 0;
    if (!any)
        return call_fail(call, err, ERR_ProcessParameterInvalid, "geometries", "expected at least one polygon.");
    return call_argument(call, "mask_value")->kind != KIND_STRING ||
           call_fail(call, err, ERR_ProcessParameterInvalid, "mask_value", "a pixel cannot hold a string.");
}

static bool run_apply_polygon(struct call *call, struct value *ret, struct err *err)
{
    struct planner *planner = call->planner;
    struct polygons p = { .call = call, .data = call->arguments[0].cube, .err = err };
    struct cube *cube = cube_like(planner, p.data);
    const struct expr **planes = arena_array(planner->arena, cube_planes(&p.data->schema), sizeof *planes);
    const struct geometries *given;
    const struct cube *made;

    if (!check_arguments(call, &given, err))
        return false;
    cube->planes = planes;
    if (planner->mode != MODE_PLAN) {
        *ret = value_unknown();
        if (!call_process(&p, p.data, &made))
            return false;
        for (size_t k = 0; made && k < cube_planes(&p.data->schema); k++)
            planes[k] = expr_leaf(planner->exprs, NULL, 0, cell_with_nodata(made->planes[0]->cell), made->planes[0]->wide);
        return !made || cube_finish(call, cube, ret, err);
    }
    if (!geometries_on(call, "geometries", given, &p.data->schema.grid, &p.all, err) || !find_polygons(&p) ||
        !run_polygons(&p, planes))
        return false;
    if (p.n == 0)
        planner_notice(planner, "warning", call->node->id, "No pixel of the cube belongs to one of the polygons.");
    return cube_finish(call, cube, ret, err);
}

const struct operation polygon_operations[] = {
    { .id = "apply_polygon", .run = run_apply_polygon },
    { .id = NULL },
};
