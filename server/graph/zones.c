/* aggregate_spatial: statistics of the pixels under geometries. What the reducer needs of a pixel are
 * columns, planes like all others, so that they are computed together with what comes before; the
 * statistics of a column are gathered block by block (PLAN_ZONES); what the reducer makes of them are
 * expressions over the rows of geometries that come out. */
#include "graph/planner.h"
#include <math.h>
#include <string.h>

/* ---- the cube of the columns ---- */

/* Plane i * n_columns + c is column c over plane i of the data. */
static const struct cube *make_columns(const struct call *call, const struct cube *data,
                                       const struct zone_reducer *r)
{
    struct planner *p = call->planner;
    size_t n = cube_planes(&data->schema);
    struct cube_schema schema = { .grid = data->schema.grid };
    struct dimension *d = arena_array(p->arena, 3, sizeof *d);
    const struct expr **planes = arena_array(p->arena, n * r->n_columns, sizeof *planes);
    struct cube *cube;
    struct value ignored;
    struct err none = { 0 };

    d[0] = (struct dimension){ "x", DIM_SPATIAL, 'x', (size_t)schema.grid.width, NULL, NULL };
    d[1] = (struct dimension){ "y", DIM_SPATIAL, 'y', (size_t)schema.grid.height, NULL, NULL };
    d[2] = (struct dimension){ "columns", DIM_OTHER, 0, n * r->n_columns, NULL, NULL };
    schema.dimensions = d;
    schema.n_dimensions = 3;
    for (size_t c = 0; c < r->n_columns; c++) {
        AUTO(template) struct template *t = template_new(p, r->columns[c]);

        for (size_t i = 0; i < n; i++)
            planes[i * r->n_columns + c] = template_fill(p, t, r->pixel, &data->planes[i]);
    }
    cube = cube_new(p, &schema);
    cube->planes = planes;
    cube_finish(call, cube, &ignored, &none);
    return cube;
}

/* ---- the vector cube ---- */

struct aggregation {
    struct call *call;
    const struct cube *data;
    const struct geometries *geometries;
    struct zone_reducer reducer;
    const char *target;
    bool weighted;
    struct zones *zones;
};

static const struct label count_labels[] = { { .text = "value" }, { .text = "total_count" },
                                             { .text = "valid_count" } };

static struct label *numbers(struct arena *arena, size_t n)
{
    struct label *labels = arena_array(arena, n, sizeof *labels);

    for (size_t i = 0; i < n; i++)
        labels[i] = (struct label){ .is_number = true, .number = (double)i };
    return labels;
}

/* The dimensions beside that of the geometries: those of the data, that of an array of results, that
 * of the counts. */
static struct cube *make_cube(const struct aggregation *a)
{
    struct planner *p = a->call->planner;
    size_t n = 0;
    struct dimension *d = arena_array(p->arena, a->data->schema.n_dimensions + 2, sizeof *d);
    bool *deferred = arena_array(p->arena, a->data->schema.n_dimensions + 2, sizeof *deferred);

    for (size_t i = 0; i < a->data->schema.n_dimensions; i++) {
        if (dimension_is_horizontal(&a->data->schema.dimensions[i]))
            continue;
        deferred[n] = a->data->deferred[i];
        d[n++] = a->data->schema.dimensions[i];
    }
    if (a->reducer.is_array) {
        d[n] = (struct dimension){ .name = "results", .type = DIM_OTHER, .count = a->reducer.n_results };
        d[n++].labels = a->reducer.labels ? a->reducer.labels
                                          : numbers(p->arena, a->reducer.n_results);
    }
    if (a->target)
        d[n++] = (struct dimension){ .name = arena_text(p->arena, a->target), .type = DIM_OTHER,
                                     .count = ARRAY_LEN(count_labels), .labels = count_labels };
    return vector_cube(a->call, a->geometries, n, d, deferred);
}

static const struct expr *statistic(const struct aggregation *a, size_t plane, size_t reduction)
{
    return expr_leaf(a->call->planner->exprs, &a->zones->source,
                     (uint32_t)(plane * a->reducer.n_reductions + reduction),
                     (struct cell){ PIXEL_F64, true, NAN }, true);
}

static void fill_planes(const struct aggregation *a, struct cube *cube)
{
    struct planner *p = a->call->planner;
    const struct zone_reducer *r = &a->reducer;
    size_t n = cube_planes(&a->data->schema), width = a->target ? ARRAY_LEN(count_labels) : 1;
    const struct expr **planes = arena_array(p->arena, n * r->n_results * width, sizeof *planes);
    AUTO(mem) const struct expr **made = mem_array(r->n_reductions, sizeof *made);

    for (size_t k = 0; k < r->n_results; k++) {
        AUTO(template) struct template *t = template_new(p, r->results[k]);

        for (size_t i = 0; i < n; i++) {
            const struct expr **to = &planes[(i * r->n_results + k) * width];

            for (size_t m = 0; m < r->n_reductions; m++)
                made[m] = statistic(a, i, m);
            to[0] = template_fill(p, t, r->made, made);
            if (a->target) {
                to[1] = made[r->total];
                to[2] = made[r->valid];
            }
        }
    }
    cube->planes = planes;
}

static bool make_zones(struct aggregation *a, struct err *err)
{
    struct planner *p = a->call->planner;
    struct zones *zones = arena_alloc(p->arena, sizeof *zones);
    const struct geometries *here = a->geometries;

    if (!a->data->grid_deferred && p->mode == MODE_PLAN &&
        !geometries_on(a->call, "geometries", a->geometries, &a->data->schema.grid, &here, err))
        return false;
    zones->columns = make_columns(a->call, a->data, &a->reducer);
    zones->geometries = here;
    zones->grid = vector_grid(a->geometries);
    zones->n_columns = a->reducer.n_columns;
    zones->n_reductions = a->reducer.n_reductions;
    zones->reductions = a->reducer.reductions;
    zones->weighted = a->weighted;
    zones->n_planes = cube_planes(&a->data->schema) * zones->n_reductions;
    zones->source.zones = zones;
    zones->source.n_planes = zones->n_planes;
    zones->next = p->zones;
    p->zones = zones;
    a->zones = zones;
    return true;
}

static bool check_size(const struct aggregation *a, struct err *err)
{
    double values = (double)a->geometries->count * (double)cube_planes(&a->data->schema) *
                    (double)(a->reducer.n_reductions + a->reducer.n_results);

    return values <= MAX_VECTOR_VALUES ||
           call_fail(a->call, err, ERR_ProcessGraphComplexity, NULL,
                     "%zu geometries and %zu planes would make %.0f values; at most %d are possible.",
                     a->geometries->count, cube_planes(&a->data->schema), values, MAX_VECTOR_VALUES);
}

/* What any pixel of the data is, for a callback that sees all of them. */
static struct expr pixel_like(const struct cube *data)
{
    struct expr like = { .cell = { data->schema.pixel, data->schema.has_nodata, data->schema.nodata } };

    for (size_t i = 0; i < cube_planes(&data->schema); i++)
        like.wide |= data->planes[i]->wide;
    return like;
}

static const struct value *asked_of(const struct value *context)
{
    return context->kind == KIND_OBJECT ? value_member(context, "partial_pixels") : NULL;
}

bool context_weighs(const struct value *context)
{
    const struct value *asked = asked_of(context);

    return asked && asked->kind == KIND_BOOLEAN && asked->boolean;
}

/* A share of a factor is none. */
static bool check_weights(const struct aggregation *a, struct err *err)
{
    const struct value *asked = asked_of(call_argument(a->call, "context"));
    AUTO(text) struct text found = { 0 };

    if (asked && asked->kind != KIND_BOOLEAN) {
        value_describe(asked, &found);
        return call_fail(a->call, err, ERR_ProcessParameterInvalid, "context",
                         "'partial_pixels' is %s, expected true or false.", found.data);
    }
    for (size_t i = 0; a->weighted && i < a->reducer.n_reductions; i++)
        if (a->reducer.reductions[i].op == ZONE_PRODUCT)
            return call_fail(a->call, err, ERR_FeatureUnsupported, "context",
                             "A product of parts of pixels ('partial_pixels') means nothing.");
    return true;
}

static bool run_aggregate_spatial(struct call *call, struct value *ret, struct err *err)
{
    struct aggregation a = { .call = call, .data = call->arguments[0].cube,
                             .target = call_text(call, "target_dimension"),
                             .weighted = context_weighs(call_argument(call, "context")) };
    struct expr like = pixel_like(a.data);
    struct cube *cube;
    bool unknown = false;

    if (!cube_has_grid(&a.data->schema))
        return call_fail(call, err, ERR_ProcessParameterInvalid, "data",
                         "a cube with the dimensions x and y is needed.");
    if (a.target && cube_find(a.data, a.target) != SIZE_MAX)
        return call_fail(call, err, ERR_TargetDimensionExists, "target_dimension", "It is '%.100s'.",
                         a.target);
    if (!geometries_of_value(call, "geometries", call_argument(call, "geometries"), &a.geometries,
                             err) ||
        !reducer_read(call, &like, a.target != NULL, &a.reducer, &unknown, err))
        return false;
    if (unknown) {
        *ret = value_unknown();
        return true;
    }
    if (!check_weights(&a, err) || !check_size(&a, err) || !make_zones(&a, err))
        return false;
    if (a.reducer.is_array)
        planner_notice(call->planner, "info", call->node->id,
                       "The reducer gives %zu values; they are the labels of a dimension 'results'.",
                       a.reducer.n_results);
    cube = make_cube(&a);
    fill_planes(&a, cube);
    return cube_finish(call, cube, ret, err);
}

/* ---- nodes ---- */

/* Rows of geometries that are nobody's labels. */
static struct cube_schema zones_schema(struct planner *p, const struct zones *z)
{
    struct cube_schema schema = { .n_dimensions = 2, .grid = z->grid, .geometries = z->geometries,
                                  .pixel = PIXEL_F64, .nodata = NAN, .has_nodata = true };
    struct dimension *d = arena_array(p->arena, 2, sizeof *d);

    d[0] = (struct dimension){ "geometry", DIM_GEOMETRY, 'g', z->geometries->count, NULL, NULL };
    d[1] = (struct dimension){ "statistics", DIM_OTHER, 0, z->n_planes, NULL, NULL };
    schema.dimensions = d;
    return schema;
}

void zones_lower(struct planner *p, const struct plan_node *const *columns)
{
    size_t i = 0;

    for (struct zones *z = p->zones; z; z = z->next, i++) {
        struct cube_schema schema = zones_schema(p, z);
        struct plan_node *node =
            planner_node(p, PLAN_ZONES, z->columns->id, z->columns->pointer, &schema);

        node->n_inputs = 1;
        node->inputs = &columns[i];
        node->geometries = z->geometries;
        node->n_columns = z->n_columns;
        node->n_reductions = z->n_reductions;
        node->reductions = z->reductions;
        node->weighted = z->weighted;
        z->source.node = node;
    }
}

const struct operation zone_operations[] = {
    { .id = "aggregate_spatial", .run = run_aggregate_spatial },
    { .id = NULL },
};
