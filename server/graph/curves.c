/* Curves: fit_curve and predict_curve. The x of a label is the label itself, or the seconds since 1970 of a
 * date. A model is compiled like any callback; to be fitted it becomes the constants of an operator, which
 * processes/ runs for every pixel as often as it takes. */
#include "graph/planner.h"
#include "base/instant.h"
#include <math.h>
#include <string.h>

enum { MOST_PARAMETERS = 32, HEADER = 5, FIELDS = 7 };

static bool model_call(struct call *call, const struct value *x, const struct value *parameters,
                       const struct expr **ret, bool *ret_unknown, struct err *err)
{
    struct binding bindings[] = { { "x", *x }, { "parameters", *parameters } };
    struct value v;

    *ret_unknown = false;
    if (!callback_call(call->planner, call_argument(call, "function")->callback, bindings, ARRAY_LEN(bindings), &v,
                       err))
        return false;
    *ret_unknown = v.kind == KIND_UNKNOWN;
    return *ret_unknown || call_cell(call, "function", &v, ret, err);
}

static double place_of(const struct label *label)
{
    return label->is_number ? label->number : (double)label->instant_ms / 1000;
}

/* ---- fitting ---- */

static bool check_labels(const struct call *call, const struct value *data, struct err *err)
{
    int64_t ms;

    if (!data->array.labels)
        return call_fail(call, err, ERR_ProcessParameterInvalid, "data",
                         "the array has no labels, which are the x of its values.");
    for (size_t i = 0; i < data->array.length; i++) {
        const struct label *l = &data->array.labels[i];

        if (!l->is_number && !instant_parse_date(l->text ? l->text : "", &ms) && !l->instant_ms)
            return call_fail(call, err, ERR_ProcessParameterInvalid, "data",
                             "label '%.60s' is neither a number nor a date.", l->text ? l->text : "");
    }
    return true;
}

/* The model as numbers: see processes/kernels_fit.h. */
static double *write_problem(struct planner *p, const struct value *data, const struct value *start,
                             const struct program *model, size_t *ret_n)
{
    size_t n = data->array.length, n_p = start->array.length;
    double *problem = arena_array(p->arena, HEADER + n_p + n + FIELDS * model->n_code + model->n_constants + 1,
                                  sizeof *problem);
    double *next = problem + HEADER;

    memcpy(problem, (double[]){ (double)n, (double)n_p, model->n_registers, (double)model->n_code,
                                (double)model->n_constants }, HEADER * sizeof *problem);
    for (size_t k = 0; k < n_p; k++)
        *next++ = start->array.items[k].number;
    for (size_t i = 0; i < n; i++)
        *next++ = place_of(&data->array.labels[i]);
    for (size_t i = 0; i < model->n_code; i++) {
        const struct instruction *in = &model->code[i];

        memcpy(next, (double[]){ in->op, in->dst, in->a, in->b, in->c, in->length, in->constant },
               FIELDS * sizeof *next);
        next += FIELDS;
    }
    for (size_t i = 0; i < model->n_constants; i++)
        *next++ = model->constants[i];
    *next++ = model->outputs[0];
    *ret_n = (size_t)(next - problem);
    return problem;
}

static bool compile_model(struct call *call, size_t n_parameters, const struct program **ret, bool *ret_unknown,
                          struct err *err)
{
    struct planner *p = call->planner;
    struct source *stand_in = arena_alloc(p->arena, sizeof *stand_in);
    struct value *items = arena_array(p->arena, n_parameters, sizeof *items), x;
    const struct cell cell = { PIXEL_F64, true, NAN };
    const struct expr *leaves[MOST_PARAMETERS + 1], *result;
    struct compiled compiled;

    for (size_t k = 0; k <= n_parameters; k++)
        leaves[k] = expr_leaf_of(p->exprs, stand_in, (uint32_t)k, cell, true, false);
    for (size_t k = 0; k < n_parameters; k++)
        items[k] = value_lane(leaves[k + 1]);
    x = value_lane(leaves[0]);
    if (!model_call(call, &x,
                    &(struct value){ .kind = KIND_ARRAY, .array = { .items = items, .length = n_parameters } },
                    &result, ret_unknown, err) ||
        *ret_unknown)
        return *ret_unknown;
    program_compile(p, &result, 1, leaves, n_parameters + 1, true, &compiled);
    if (compiled.n_leaves > n_parameters + 1)
        return call_fail(call, err, ERR_FeatureUnsupported, "function",
                         "A model that other pixels have a say in cannot be fitted.");
    *ret = compiled.program;
    return true;
}

static bool check_start(const struct call *call, const struct value *start, struct err *err)
{
    if (start->array.length > MOST_PARAMETERS)
        return call_fail(call, err, ERR_ProcessParameterInvalid, "parameters",
                         "there are %zu, at most %d can be fitted.", start->array.length, MOST_PARAMETERS);
    for (size_t k = 0; k < start->array.length; k++)
        if (start->array.items[k].kind != KIND_NUMBER || !isfinite(start->array.items[k].number))
            return call_fail(call, err, ERR_FeatureUnsupported, "parameters",
                             "What is begun with must be the same numbers for all pixels.");
    return true;
}

static bool run_fit_curve(struct call *call, struct value *ret, struct err *err)
{
    struct planner *p = call->planner;
    const struct value *data = call_argument(call, "data"), *start = call_argument(call, "parameters");
    size_t n = data->array.length, n_p = start->array.length, n_numbers;
    AUTO(mem) const struct expr **lanes = NULL;
    const struct expr *fitted[MOST_PARAMETERS];
    const struct program *model = NULL;
    struct value *items = arena_array(p->arena, n_p, sizeof *items);
    double *problem;
    bool unknown;

    if (!check_start(call, start, err) || !check_labels(call, data, err) ||
        !array_check_scalars(call, "data", data, err))
        return false;
    *ret = value_unknown();
    if (!compile_model(call, n_p, &model, &unknown, err))
        return false;
    if (unknown)
        return true;
    if (!array_has_lanes(data))
        return call_fail(call, err, ERR_FeatureUnsupported, "data",
                         "Curves are fitted to the pixels of cubes, not to numbers.");
    lanes = array_lanes(p, data);
    problem = write_problem(p, data, start, model, &n_numbers);
    expr_several(p->exprs, LANE_FIT, n, lanes, !call_boolean(call, "ignore_nodata"), n_numbers, problem, n_p,
                 fitted);
    for (size_t k = 0; k < n_p; k++)
        items[k] = value_lane(fitted[k]);
    *ret = (struct value){ .kind = KIND_ARRAY, .array = { .items = items, .length = n_p } };
    return true;
}

/* ---- predicting ---- */

/* The dimension of parameters: that which the predictions take the place of, else the only one that is
 * neither space, time nor bands. */
static bool find_parameters(const struct call *call, const struct cube *cube, size_t *ret, struct err *err)
{
    size_t at = cube_find(cube, call_text(call, "dimension")), n = 0;

    for (size_t i = 0; at == SIZE_MAX && i < cube->schema.n_dimensions; i++)
        if (cube->schema.dimensions[i].type == DIM_OTHER && n++ == 0)
            *ret = i;
    if (at != SIZE_MAX) {
        *ret = at;
        return !dimension_is_horizontal(&cube->schema.dimensions[at]) ||
               call_fail(call, err, ERR_FeatureUnsupported, "dimension",
                         "Process 'predict_curve' is not offered along '%.100s'.", call_text(call, "dimension"));
    }
    return n == 1 || call_fail(call, err, ERR_ProcessParameterInvalid, "parameters",
                               "the cube has %zu dimensions that parameters could lie along, expected one.", n);
}

static bool read_labels(const struct call *call, const struct value *list, struct label *labels,
                        bool *ret_dates, struct err *err)
{
    for (size_t i = 0; i < list->array.length; i++) {
        const struct value *v = &list->array.items[i];

        *ret_dates = v->kind == KIND_STRING;
        if (v->kind != list->array.items[0].kind || v->kind == KIND_LANE)
            return call_fail(call, err, ERR_ProcessParameterInvalid, "labels",
                             "expected either numbers or dates, found both.");
        labels[i] = (struct label){ .is_number = v->kind == KIND_NUMBER };
        if (labels[i].is_number)
            labels[i].number = v->number;
        else if (!instant_parse_date(v->text, &labels[i].instant_ms))
            return call_fail(call, err, ERR_ProcessParameterInvalid, "labels", "'%.60s' is no date.", v->text);
        else
            labels[i].text = arena_text(call->planner->arena, v->text);
    }
    return true;
}

static bool predict_line(struct call *call, const struct value *parameters, const struct label *labels, size_t n,
                         size_t stride, const struct expr **planes, bool *ret_unknown, struct err *err)
{
    for (size_t k = 0; k < n && !*ret_unknown; k++) {
        struct value x = value_number(place_of(&labels[k]));

        if (!model_call(call, &x, parameters, &planes[k * stride], ret_unknown, err))
            return false;
    }
    return true;
}

static bool run_predict_curve(struct call *call, struct value *ret, struct err *err)
{
    struct planner *p = call->planner;
    const struct cube *data = call->arguments[0].cube;
    const struct value *list = call_argument(call, "labels");
    struct cube *cube = cube_like(p, data);
    size_t i = 0, n_lines, n, stride;
    struct label *labels;
    const struct expr **planes;
    bool dates = false, unknown = false;

    if (list->kind != KIND_ARRAY)
        return call_fail(call, err, ERR_FeatureUnsupported, "labels",
                         "Values for no-data need the data that parameters were fitted to, which are not "
                         "given here; name the labels.");
    n = list->array.length;
    labels = arena_array(p->arena, n, sizeof *labels);
    if (!find_parameters(call, data, &i, err) || !read_labels(call, list, labels, &dates, err))
        return false;
    n_lines = cube_lines(data, i);
    if (n_lines * n > MAX_PLANES)
        return call_fail(call, err, ERR_ProcessGraphComplexity, NULL,
                         "The cube would have more than %d planes.", MAX_PLANES);
    *cube_edit(cube, i) = (struct dimension){ .name = arena_text(p->arena, call_text(call, "dimension")),
                                              .type = dates ? DIM_TEMPORAL : DIM_OTHER, .count = n,
                                              .labels = labels };
    ((bool *)cube->deferred)[i] = false;
    stride = cube_stride(&cube->schema, i);
    planes = arena_array(p->arena, n_lines * n + 1, sizeof *planes);
    for (size_t line = 0; line < n_lines && !unknown; line++) {
        struct value parameters = cube_line(p, data, i, line);

        if (!predict_line(call, &parameters, labels, n, stride,
                          planes + line / stride * stride * n + line % stride, &unknown, err))
            return false;
    }
    *ret = value_unknown();
    cube->planes = planes;
    return unknown || cube_finish(call, cube, ret, err);
}

const struct operation curve_operations[] = {
    { .id = "fit_curve", .run = run_fit_curve },
    { .id = "predict_curve", .run = run_predict_curve },
    { .id = NULL },
};
