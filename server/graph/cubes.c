/* Cubes while they are planned, and the processes that run callbacks over them: apply,
 * apply_dimension, reduce_dimension. */
#include "graph/udf.h"
#include <math.h>
#include <string.h>

struct cube *cube_new(struct planner *p, const struct cube_schema *schema)
{
    struct cube *cube = arena_alloc(p->arena, sizeof *cube);
    struct dimension *dimensions =
        arena_array(p->arena, schema->n_dimensions + 1, sizeof *dimensions);

    if (schema->n_dimensions)
        memcpy(dimensions, schema->dimensions, schema->n_dimensions * sizeof *dimensions);
    cube->schema = *schema;
    cube->schema.dimensions = dimensions;
    cube->deferred = arena_array(p->arena, schema->n_dimensions + 1, sizeof *cube->deferred);
    return cube;
}

struct cube *cube_like(struct planner *p, const struct cube *cube)
{
    struct cube *copy = cube_new(p, &cube->schema);

    memcpy((bool *)copy->deferred, cube->deferred,
           cube->schema.n_dimensions * sizeof *cube->deferred);
    copy->grid_deferred = cube->grid_deferred;
    copy->planes = cube->planes;
    copy->id = cube->id;
    copy->pointer = cube->pointer;
    return copy;
}

struct dimension *cube_edit(struct cube *cube, size_t i)
{
    return (struct dimension *)&cube->schema.dimensions[i]; /* cube_new() made it for us */
}

size_t cube_find(const struct cube *cube, const char *name)
{
    for (size_t i = 0; i < cube->schema.n_dimensions; i++)
        if (!strcmp(cube->schema.dimensions[i].name, name))
            return i;
    return SIZE_MAX;
}

size_t cube_stride(const struct cube_schema *schema, size_t i)
{
    size_t stride = 1;

    if (dimension_is_horizontal(&schema->dimensions[i]))
        return 0;
    for (size_t k = schema->n_dimensions; --k > i;)
        if (!dimension_is_horizontal(&schema->dimensions[k]))
            stride *= schema->dimensions[k].count;
    return stride;
}

void cube_remove(struct cube *cube, size_t i)
{
    size_t after = --cube->schema.n_dimensions - i;

    memmove(cube_edit(cube, i), cube_edit(cube, i + 1), after * sizeof(struct dimension));
    memmove((bool *)cube->deferred + i, cube->deferred + i + 1, after * sizeof(bool));
}

/* Where no plane of a band is in the units of its source, scale and offset are gone. */
static void clear_scales(struct planner *p, struct cube *cube)
{
    size_t n_planes = cube_planes(&cube->schema);

    for (size_t i = 0; i < cube->schema.n_dimensions; i++) {
        struct dimension *d = cube_edit(cube, i);
        size_t stride = cube_stride(&cube->schema, i);
        struct band_info *bands;

        if (d->type != DIM_BANDS || !d->bands || !stride)
            continue;
        bands = arena_array(p->arena, d->count, sizeof *bands);
        memcpy(bands, d->bands, d->count * sizeof *bands);
        for (size_t k = 0; k < n_planes; k++) {
            struct band_info *band = &bands[k / stride % d->count];

            if (cube->planes[k]->scaled)
                continue;
            band->scale = 1;
            band->offset = 0;
        }
        d->bands = bands;
    }
}

static bool has_axis(const struct cube *cube)
{
    for (size_t i = 0; i < cube->schema.n_dimensions; i++)
        if (dimension_is_horizontal(&cube->schema.dimensions[i]))
            return true;
    return false;
}

bool cube_finish(const struct call *call, struct cube *cube, struct value *ret, struct err *err)
{
    size_t n = cube_planes(&cube->schema);
    struct cell cell = { PIXEL_F32, true, NAN };

    (void)err;
    for (size_t i = 0; i < n; i++)
        cell = i ? cell_join(cell, cube->planes[i]->cell) : cube->planes[0]->cell;
    cube->schema.pixel = cell.pixel;
    cube->schema.nodata = cell.nodata;
    cube->schema.has_nodata = cell.has_nodata;
    if (!has_axis(cube)) /* its planes have one pixel */
        cube->schema.grid = (struct grid){ .y0 = 1, .dx = 1, .dy = 1, .width = 1, .height = 1 };
    clear_scales(call->planner, cube);
    cube->id = call->node->id;
    cube->pointer = call->node->pointer;
    *ret = (struct value){ .kind = KIND_CUBE, .cube = cube };
    return true;
}

static void list_dimensions(const struct cube *cube, struct text *text)
{
    for (size_t i = 0; i < cube->schema.n_dimensions && text->length < 300; i++)
        text_printf(text, "%s%.60s", i ? ", " : "", cube->schema.dimensions[i].name);
}

bool call_dimension(const struct call *call, const struct cube *cube, const char *parameter,
                    size_t *ret_index, struct err *err)
{
    const char *name = call_text(call, parameter);
    AUTO(text) struct text has = { 0 };
    size_t i = cube_find(cube, name);

    list_dimensions(cube, &has);
    if (i == SIZE_MAX)
        return call_fail(call, err, ERR_DimensionNotAvailable, parameter,
                         "There is no dimension '%.100s'; the cube has %s.", name, has.data);
    if (dimension_is_horizontal(&cube->schema.dimensions[i]))
        return call_fail(call, err, ERR_FeatureUnsupported, parameter,
                         "Process '%s' is not offered along '%.100s'.", call->process->id, name);
    *ret_index = i;
    return true;
}

struct cube *cube_pick(struct planner *p, const struct cube *cube, size_t i, size_t n,
                       const size_t *labels)
{
    struct cube *picked = cube_like(p, cube);
    const struct dimension *from = &cube->schema.dimensions[i];
    struct dimension *to = cube_edit(picked, i);
    size_t stride = cube_stride(&cube->schema, i), n_planes;
    struct label *to_labels = arena_array(p->arena, n, sizeof *to_labels);
    struct band_info *bands = arena_array(p->arena, n, sizeof *bands);
    const struct expr **planes;

    for (size_t k = 0; k < n; k++) {
        to_labels[k] = from->labels[labels[k]];
        if (from->bands)
            bands[k] = from->bands[labels[k]];
    }
    to->count = n;
    to->labels = to_labels;
    to->bands = from->bands ? bands : NULL;
    n_planes = cube_planes(&picked->schema);
    planes = arena_array(p->arena, n_planes, sizeof *planes);
    for (size_t k = 0; k < n_planes; k++)
        planes[k] = cube->planes[k / (stride * n) * stride * from->count +
                                 labels[k / stride % n] * stride + k % stride];
    picked->planes = planes;
    return picked;
}

bool call_cell(struct call *call, const char *parameter, const struct value *v,
                       const struct expr **ret, struct err *err)
{
    AUTO(text) struct text found = { 0 };

    if (value_is_scalar(v)) {
        *ret = lane_of(call->planner, v);
        return true;
    }
    value_describe(v, &found);
    return call_fail(call, err, ERR_ProcessParameterInvalid, parameter,
                     "the callback gives %s, expected a number, boolean or null.", found.data);
}

static bool apply_planes(struct call *call, struct udf_scope *udfs, struct value *ret, struct err *err)
{
    struct planner *p = call->planner;
    const struct cube *data = call->arguments[0].cube;
    const struct callback *callback = call_argument(call, "process")->callback;
    size_t n = cube_planes(&data->schema);
    const struct expr **planes = arena_array(p->arena, n, sizeof *planes);
    struct cube *cube = cube_like(p, data);

    for (size_t i = 0; i < n; i++) {
        struct binding bindings[] = { { "x", value_lane(data->planes[i]) },
                                      { "context", *call_argument(call, "context") } };
        struct value v;

        udf_scope_enter(udfs, i);
        if (!callback_call(p, callback, bindings, ARRAY_LEN(bindings), &v, err))
            return false;
        if (v.kind == KIND_UNKNOWN) {
            *ret = v;
            return true;
        }
        if (!call_cell(call, "process", &v, &planes[i], err))
            return false;
    }
    cube->planes = planes;
    return cube_finish(call, cube, ret, err);
}

static bool run_apply(struct call *call, struct value *ret, struct err *err)
{
    const struct cube *data = call->arguments[0].cube;
    struct udf_scope udfs = { .call = call, .data = data, .along = SIZE_MAX, .n_lines = cube_planes(&data->schema) };
    bool good = apply_planes(call, &udfs, ret, err);

    return udf_scope_close(&udfs, good, err);
}

struct value cube_line(struct planner *p, const struct cube *cube, size_t i, size_t line)
{
    const struct dimension *d = &cube->schema.dimensions[i];
    size_t stride = cube_stride(&cube->schema, i);
    size_t first = line / stride * stride * d->count + line % stride;
    struct value *items = arena_array(p->arena, d->count, sizeof *items);

    for (size_t k = 0; k < d->count; k++)
        items[k] = value_lane(cube->planes[first + k * stride]);
    return (struct value){ .kind = KIND_ARRAY, .deferred = cube->deferred[i],
                           .array = { .items = items, .labels = d->labels, .length = d->count } };
}

size_t cube_lines(const struct cube *cube, size_t without)
{
    size_t n = 1;

    for (size_t k = 0; k < cube->schema.n_dimensions; k++)
        if (k != without && !dimension_is_horizontal(&cube->schema.dimensions[k]))
            n *= cube->schema.dimensions[k].count;
    return n;
}

static bool call_along(struct udf_scope *udfs, const char *parameter, size_t line, struct value *ret, struct err *err)
{
    struct call *call = udfs->call;
    struct planner *p = call->planner;
    struct binding bindings[] = { { "data", cube_line(p, udfs->data, udfs->along, line) },
                                  { "context", *call_argument(call, "context") } };

    udf_scope_enter(udfs, line);
    return callback_call(p, call_argument(call, parameter)->callback, bindings,
                         ARRAY_LEN(bindings), ret, err);
}

static bool reduce_lines(struct udf_scope *udfs, struct value *ret, struct err *err)
{
    struct call *call = udfs->call;
    struct planner *p = call->planner;
    struct cube *cube = cube_like(p, udfs->data);
    size_t n = udfs->n_lines;
    const struct expr **planes = arena_array(p->arena, n, sizeof *planes);

    for (size_t line = 0; line < n; line++) {
        struct value v;

        if (!call_along(udfs, "reducer", line, &v, err))
            return false;
        if (v.kind == KIND_UNKNOWN) {
            *ret = v;
            return true;
        }
        if (!call_cell(call, "reducer", &v, &planes[line], err))
            return false;
    }
    cube_remove(cube, udfs->along);
    cube->planes = planes;
    return cube_finish(call, cube, ret, err);
}

static bool run_reduce_dimension(struct call *call, struct value *ret, struct err *err)
{
    const struct cube *data = call->arguments[0].cube;
    struct udf_scope udfs = { .call = call, .data = data };
    bool good;

    if (!call_dimension(call, data, "dimension", &udfs.along, err))
        return false;
    udfs.n_lines = cube_lines(data, udfs.along);
    good = reduce_lines(&udfs, ret, err);
    return udf_scope_close(&udfs, good, err);
}

static const struct label *numbered_labels(struct planner *p, size_t n)
{
    struct label *labels = arena_array(p->arena, n, sizeof *labels);

    for (size_t i = 0; i < n; i++)
        labels[i] = (struct label){ .is_number = true, .number = (double)i };
    return labels;
}

static void repeat_label(struct planner *p, struct dimension *d, size_t n)
{
    struct label *labels = arena_array(p->arena, n, sizeof *labels);
    struct band_info *bands = arena_array(p->arena, n, sizeof *bands);

    for (size_t i = 0; i < n; i++) {
        labels[i] = d->labels[0];
        if (d->bands)
            bands[i] = d->bands[0];
    }
    d->labels = labels;
    d->bands = d->bands ? bands : NULL;
    d->count = n;
}

/* The dimension that takes `length` values of each line: the source itself, or the target instead of
 * it. A target with several labels takes the values for each of them, one label after the other.
 * Returns its index. */
static bool receiving_dimension(struct call *call, struct cube *cube, size_t source, size_t length,
                                bool ragged, bool deferred, size_t *ret_index, struct err *err)
{
    const char *target = call_text(call, "target_dimension");
    struct planner *p = call->planner;
    struct dimension *d = cube_edit(cube, source);
    size_t at;

    if (!target || !strcmp(target, d->name)) {
        *ret_index = source;
        if (length == d->count && !ragged)
            return true;
        if (deferred) { /* whether labels stay will be seen */
            repeat_label(p, d, length);
            return true;
        }
        *d = (struct dimension){ .name = d->name, .type = d->type, .axis = d->axis };
    } else {
        cube_remove(cube, source);
        at = cube_find(cube, target);
        if (at == SIZE_MAX) {
            at = cube->schema.n_dimensions++;
            *cube_edit(cube, at) =
                (struct dimension){ .name = target, .type = DIM_OTHER, .count = 1 };
        } else if (dimension_is_horizontal(&cube->schema.dimensions[at])) {
            return call_fail(call, err, ERR_ProcessParameterInvalid, "target_dimension",
                             "dimension '%.100s' is spatial, expected another one.", target);
        }
        *ret_index = at;
        d = cube_edit(cube, at);
        deferred |= cube->deferred[at];
        if (d->count > 1 && !cube->deferred[at])
            planner_notice(p, "warning", call->node->id,
                           "The target dimension '%.60s' has %zu labels, expected one; each was "
                           "replaced by the %zu values of the callback.", target, d->count, length);
        length *= d->count;
        *d = (struct dimension){ .name = d->name, .type = d->type, .axis = d->axis };
    }
    d->count = length;
    d->labels = numbered_labels(p, length);
    ((bool *)cube->deferred)[*ret_index] = deferred;
    return true;
}

/* Runs the callback on each line; all results must be equally long. Where pixels have arrays of
 * different lengths, no-data fills them up. */
static bool call_lines(struct udf_scope *udfs, struct value *results, size_t *ret_length, bool *ret_ragged,
                       struct err *err)
{
    struct call *call = udfs->call;
    size_t n_lines = udfs->n_lines;

    *ret_ragged = false;
    for (size_t line = 0; line < n_lines; line++) {
        struct value *v = &results[line];

        if (!call_along(udfs, "process", line, v, err))
            return false;
        if (v->kind != KIND_ARRAY) { /* one value counts as an array of one */
            struct value *one = arena_alloc(call->planner->arena, sizeof *one);

            if (v->kind != KIND_UNKNOWN)
                planner_notice(call->planner, "info", call->node->id,
                               "The callback gives one value, expected an array; it was taken as an "
                               "array of one.");
            *one = *v;
            *v = (struct value){ .kind = KIND_ARRAY, .array = { .items = one, .length = 1 } };
        }
        if (v->array.presence) {
            if (!array_check_scalars(call, "process", v, err))
                return false;
            *v = array_compact(call->planner, v);
            *ret_ragged = true;
        }
        if (line && v->array.length != results[0].array.length)
            return call_fail(call, err, ERR_ProcessParameterInvalid, "process",
                             "the callback gives %zu values in one place and %zu in another.",
                             results[0].array.length, v->array.length);
    }
    if (*ret_ragged)
        planner_notice(call->planner, "info", call->node->id,
                       "How many values the callback gives depends on the pixel; no-data fills up "
                       "to %zu.", results[0].array.length);
    *ret_length = n_lines ? results[0].array.length : udfs->data->schema.dimensions[udfs->along].count;
    return true;
}

static bool apply_lines(struct udf_scope *udfs, struct value *ret, struct err *err)
{
    struct call *call = udfs->call;
    struct planner *p = call->planner;
    const struct cube *data = udfs->data;
    struct cube *cube = cube_like(p, data);
    size_t i = udfs->along, n_lines = udfs->n_lines, length = 0, to = 0, stride;
    AUTO(mem) struct value *results = mem_array(n_lines, sizeof *results);
    const struct expr **planes;
    bool ragged = false;

    if (!call_lines(udfs, results, &length, &ragged, err))
        return false;
    for (size_t line = 0; line < n_lines; line++) {
        if (value_has(&results[line], KIND_UNKNOWN)) {
            *ret = value_unknown();
            return true;
        }
    }
    if (n_lines * length > MAX_PLANES)
        return call_fail(call, err, ERR_ProcessGraphComplexity, NULL,
                         "The cube would have more than %d planes.", MAX_PLANES);
    if (!receiving_dimension(call, cube, i, length, ragged, data->deferred[i], &to, err))
        return false;
    if (udfs->labels && udfs->n_labels == length && cube->schema.dimensions[to].count == length) {
        cube_edit(cube, to)->labels = udfs->labels; /* those that the UDF names */
        cube_edit(cube, to)->bands = NULL;
    }
    stride = cube_stride(&cube->schema, to);
    planes = arena_array(p->arena, n_lines * length, sizeof *planes);
    for (size_t line = 0; line < n_lines; line++)
        for (size_t k = 0; k < length; k++)
            if (!call_cell(call, "process", &results[line].array.items[k],
                            &planes[line / stride * stride * length + k * stride + line % stride],
                            err))
                return false;
    cube->planes = planes;
    return cube_finish(call, cube, ret, err);
}

static bool run_apply_dimension(struct call *call, struct value *ret, struct err *err)
{
    const struct cube *data = call->arguments[0].cube;
    struct udf_scope udfs = { .call = call, .data = data, .keeps = true };
    bool good;

    if (!call_dimension(call, data, "dimension", &udfs.along, err))
        return false;
    udfs.n_lines = cube_lines(data, udfs.along);
    good = apply_lines(&udfs, ret, err);
    return udf_scope_close(&udfs, good, err);
}

const struct operation cube_operations[] = {
    { .id = "apply", .run = run_apply },
    { .id = "apply_dimension", .run = run_apply_dimension },
    { .id = "reduce_dimension", .run = run_reduce_dimension },
    { .id = NULL },
};
