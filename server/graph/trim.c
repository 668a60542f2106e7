/* trim_cube. Which labels stay depends on pixels, while all labels are settled before any is read: so the cube that is
 * to be trimmed is planned on its own and looked at (catalog.h, survey) by who makes the plan to do the work. What was
 * seen is kept with the scenes, and whoever plans again sees the same. */
#include "graph/planner.h"
#include <math.h>
#include <string.h>

enum { REGULAR = 3 }; /* numbers from which on one can speak of a spacing */

/* The labels of dimension i, by number, in which anything is valid. */
static json_t *kept_labels(const struct cube_schema *s, size_t i, const struct survey *survey)
{
    const struct dimension *d = &s->dimensions[i];
    AUTO(mem) bool *holds = mem_array(d->count, sizeof *holds);
    json_t *kept = json_array();

    for (size_t plane = 0; plane < survey->n_planes; plane++)
        if (survey->holds[plane])
            holds[cube_label_of(s, i, plane)] = true;
    for (size_t k = 0; k < d->count; k++)
        if (holds[k])
            json_array_append_new(kept, json_integer((json_int_t)k));
    return kept;
}

static json_t *survey_json(const struct cube_schema *s, const struct survey *survey)
{
    json_t *labels = json_object();

    for (size_t i = 0; i < s->n_dimensions; i++)
        if (!dimension_is_horizontal(&s->dimensions[i]))
            json_object_set_new(labels, s->dimensions[i].name, kept_labels(s, i, survey));
    return json_pack("{s:o, s:[I,I,I,I]}", "labels", labels, "box", (json_int_t)survey->left,
                     (json_int_t)survey->top, (json_int_t)survey->right, (json_int_t)survey->bottom);
}

static bool look(struct call *call, const struct cube *data, size_t number, json_t **ret_told, struct err *err)
{
    struct planner *p = call->planner;
    size_t n = cube_planes(&data->schema);
    AUTO(mem) bool *holds = mem_array(n, sizeof *holds);
    struct survey survey = { .n_planes = n, .holds = holds, .left = INT64_MAX, .top = INT64_MAX, .right = -1, .bottom = -1 };
    AUTO(plan) struct plan *plan = NULL;

    if (!p->catalog || !p->catalog->survey)
        return call_fail(call, err, ERR_EstimateComplexity, "data",
                         "Which labels stay is only known when the pixels have been looked at.");
    if (!plan_for_survey(p, number, &plan, err) || !p->catalog->survey(p->catalog->survey_context, plan, &survey, err))
        return false;
    if (survey.left > survey.right)
        return call_fail(call, err, ERR_DataCubeEmpty, "data",
                         "No pixel of the cube is valid: of its %zu planes nothing would be left.", n);
    *ret_told = survey_json(&data->schema, &survey);
    return true;
}

static bool is_regular(const struct dimension *d)
{
    double step;

    if (d->type == DIM_TEMPORAL || d->type == DIM_BANDS || d->count < REGULAR)
        return false;
    for (size_t k = 0; k < d->count; k++)
        if (!d->labels[k].is_number)
            return false;
    step = d->labels[1].number - d->labels[0].number;
    for (size_t k = 2; k < d->count; k++)
        if (fabs(d->labels[k].number - d->labels[k - 1].number - step) > fabs(step) * 1e-9)
            return false;
    return true;
}

static const struct cube *keep(struct planner *p, const struct cube *cube, size_t i, const json_t *kept)
{
    const struct dimension *d = &cube->schema.dimensions[i];
    size_t n = json_array_size(kept), first = (size_t)json_integer_value(json_array_get(kept, 0));
    AUTO(mem) size_t *labels = NULL;

    if (n == d->count)
        return cube;
    if (is_regular(d))
        n = (size_t)json_integer_value(json_array_get(kept, n - 1)) - first + 1;
    labels = mem_array(n, sizeof *labels);
    for (size_t k = 0; k < n; k++)
        labels[k] = is_regular(d) ? first + k : (size_t)json_integer_value(json_array_get(kept, k));
    return cube_pick(p, cube, i, n, labels);
}

static void cut_edges(struct cube *cube, const json_t *box)
{
    struct grid grid = cube->schema.grid;
    int64_t side[4];

    for (size_t i = 0; i < 4; i++)
        side[i] = json_integer_value(json_array_get(box, i));
    grid.x0 += (double)side[0] * grid.dx;
    grid.y0 -= (double)side[1] * grid.dy;
    grid.width = side[2] - side[0] + 1;
    grid.height = side[3] - side[1] + 1;
    cube_set_grid(cube, &grid);
}

static bool check_data(struct call *call, const struct cube *data, struct err *err)
{
    const struct cube_schema *s = &data->schema;

    if (s->geometries)
        return call_fail(call, err, ERR_FeatureUnsupported, "data", "Found a vector cube, expected a raster cube.");
    if (call->planner->udf_keeps || (cube_has_grid(s) && s->grid.epsg < 0))
        return call_fail(call, err, ERR_FeatureUnsupported, "data",
                         "In apply_neighborhood and apply_polygon labels cannot depend on the place.");
    for (size_t i = 0; i < s->n_dimensions; i++)
        if (s->dimensions[i].count == 0 && !data->deferred[i])
            return call_fail(call, err, ERR_DataCubeEmpty, "data", "Dimension '%.60s' has no labels.",
                             s->dimensions[i].name);
    return true;
}

/* Ends the walk that wants just this cube. */
static bool stop_here(struct call *call, const struct cube *data, struct err *err)
{
    call->planner->is_survey = true;
    save_for_survey(call, data);
    return err_set(err, ERR_Internal, "The walk ends here.");
}

static bool run_trim_cube(struct call *call, struct value *ret, struct err *err)
{
    struct planner *p = call->planner;
    const struct cube *data = call->arguments[0].cube;
    AUTO(mem) char *key = NULL;
    struct cube *made;
    json_t *told;

    if (!check_data(call, data, err))
        return false;
    *ret = value_unknown(); /* which labels it has is seen when the plan is made */
    if (p->mode != MODE_PLAN)
        return true;
    if (++p->n_trims == p->surveying)
        return stop_here(call, data, err);
    key = mem_printf("%zu %s", p->n_trims, call->node->pointer);
    told = catalog_surveyed(p, key);
    if (!told) {
        if (!look(call, data, p->n_trims, &told, err))
            return false;
        catalog_note_survey(p, key, told);
    }
    for (size_t i = 0; i < data->schema.n_dimensions; i++)
        if (!dimension_is_horizontal(&data->schema.dimensions[i]))
            data = keep(p, data, i, json_object_get(json_object_get(told, "labels"), data->schema.dimensions[i].name));
    made = cube_like(p, data);
    if (cube_has_grid(&made->schema))
        cut_edges(made, json_object_get(told, "box"));
    return cube_finish(call, made, ret, err);
}

const struct operation trim_operations[] = {
    { .id = "trim_cube", .run = run_trim_cube },
    { .id = NULL },
};
