/* run_udf. On a cube it makes a node that gives all of it to the code at once. In a callback, which is called
 * for one line of pixels after the other, each call gets stand-ins for what the code will make of its line; when
 * all lines are known they are a cube, which is given to the code in parts: so a UDF always sees a cube
 * with all its dimensions, as UDFs are written. What changes the number of labels is asked for it while the plan
 * is made, with apply_metadata or with made-up pixels. */
#include "graph/udf.h"
#include "base/instant.h"
#include "json/js.h"
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { MOST_VALUES = 1 << 22 /* of a part of a cube, given and made */, LARGEST_SIDE = 256, LEAST_SIDE = 8 };

struct udf_use {
    struct udf_use *next;
    const struct node *node;
    const char *code;
    json_t *context; /* owned by the scope until its end */
    struct source *source;
    bool wide;
    size_t length, n_out;           /* values of a line, given and made; 0 made: not known yet */
    const struct expr **given;      /* [n_lines][length] */
    const struct label *labels;     /* of what is made, when the UDF says so; else NULL */
};

/* ---- arguments ---- */

static bool check_runtime(struct call *call, struct err *err)
{
    const struct catalog *c = call->planner->catalog;
    const char *const *versions = c && c->udf.versions ? c->udf.versions(c->udf.context) : NULL;
    const char *runtime = call_text(call, "runtime"), *version = call_text(call, "version");

    if (!versions)
        return call_fail(call, err, ERR_FeatureUnsupported, NULL, "UDFs are not offered here.");
    if (!runtime || strcasecmp(runtime, "Python"))
        return call_fail(call, err, ERR_InvalidRuntime, "runtime", "Found '%.60s', expected 'Python'.",
                         runtime ? runtime : "null");
    for (size_t i = 0; version && versions[i]; i++)
        if (!strcmp(versions[i], version))
            return true;
    return !version || !versions[0] || call_fail(call, err, ERR_InvalidVersion, "version", "Found '%.60s', expected '%s'%s%s%s.", version,
                                 versions[0], versions[1] ? " or '" : "", versions[1] ? versions[1] : "",
                                 versions[1] ? "'" : "");
}

static bool find_code(struct call *call, const char **ret_code, struct err *err)
{
    const char *udf = call_text(call, "udf");

    if (!udf)
        return call_fail(call, err, ERR_ProcessParameterInvalid, "udf", "expected the code, a URL or a path.");
    if (strchr(udf, '\n') || strchr(udf, '\r')) {
        *ret_code = udf;
        return true;
    }
    return catalog_udf_code(call->planner, udf, ret_code, err) || call_place(call, "udf", err);
}

static bool find_context(struct call *call, json_t **ret_context, struct err *err)
{
    const struct value *context = call_argument(call, "context");

    if (value_has(context, KIND_LANE) || value_has(context, KIND_CUBE) || value_has(context, KIND_CALLBACK))
        return call_fail(call, err, ERR_FeatureUnsupported, "context", "It cannot come from pixels.");
    *ret_context = value_to_json(context);
    return true;
}

/* ---- the request ---- */

static void add_labels(json_t *axis, const struct dimension *d)
{
    json_t *list = json_array();

    for (size_t i = 0; i < d->count; i++)
        json_array_append_new(list, d->type == DIM_TEMPORAL     ? json_integer(d->labels[i].instant_ms)
                                    : d->labels[i].is_number ? json_real(d->labels[i].number)
                                                             : json_string(d->labels[i].text));
    json_object_set_new(axis, d->type == DIM_TEMPORAL ? "instants" : "labels", list);
    json_object_set_new(axis, "count", json_integer((json_int_t)d->count));
}

static const char *kind_of(const struct dimension *d)
{
    return d->axis == 'x' ? "x" : d->axis == 'y' ? "y" : d->axis == 'g' ? "g" : d->type == DIM_TEMPORAL ? "t"
           : d->type == DIM_BANDS ? "b" : "o";
}

/* In the order of pixels: planes, rows, columns. */
static json_t *axes_json(const struct cube_schema *s)
{
    static const char *const last[] = { "y", "x", "g" };
    json_t *axes = json_array();

    for (size_t i = 0; i < s->n_dimensions; i++) {
        json_t *axis;

        if (dimension_is_horizontal(&s->dimensions[i]))
            continue;
        axis = json_pack("{s:s, s:s}", "name", s->dimensions[i].name, "kind", kind_of(&s->dimensions[i]));
        add_labels(axis, &s->dimensions[i]);
        json_array_append_new(axes, axis);
    }
    for (size_t k = 0; k < ARRAY_LEN(last); k++)
        for (size_t i = 0; i < s->n_dimensions; i++)
            if (!strcmp(kind_of(&s->dimensions[i]), last[k]))
                json_array_append_new(axes, json_pack("{s:s, s:s}", "name", s->dimensions[i].name, "kind", last[k]));
    return axes;
}

/* What the interpreter is told; `made` NULL: what it makes is asked for. */
static const char *request_text(struct planner *p, const char *code, json_t *context, const char *mode,
                                const char *along, const struct cube_schema *given, const struct cube_schema *made,
                                bool wide)
{
    AUTO(json) json_t *request =
        json_pack("{s:s, s:O?, s:s, s:o, s:b, s:I, s:I, s:i}", "code", code, "context", context, "mode", mode, "axes",
                  axes_json(given), "wide", wide, "columns", (json_int_t)given->grid.width, "rows",
                  (json_int_t)given->grid.height, "epsg", given->grid.epsg > 0 ? given->grid.epsg : 0);
    AUTO(mem) char *text = NULL;

    if (along)
        json_object_set_new(request, "along", json_string(along));
    if (made)
        json_object_set_new(request, "result", axes_json(made));
    text = json_dumps(request, JSON_COMPACT);
    return arena_text(p->arena, text ? text : "");
}

/* ---- labels that the UDF decides ---- */

static struct label label_of(struct planner *p, const json_t *axis, size_t i)
{
    const json_t *label = json_array_get(json_object_get(axis, "labels"), i);
    const json_t *instant = json_array_get(json_object_get(axis, "instants"), i);
    struct label made = { .is_number = true, .number = (double)i };
    char text[INSTANT_TEXT_SIZE];

    if (json_is_integer(instant)) {
        instant_format(json_integer_value(instant), text);
        made = (struct label){ .text = arena_text(p->arena, text), .instant_ms = json_integer_value(instant) };
    } else if (json_is_string(label)) {
        made = (struct label){ .text = arena_text(p->arena, json_string_value(label)) };
    } else if (json_is_number(label)) {
        made.number = json_number_value(label);
    }
    return made;
}

static bool labels_differ(const struct label *labels, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < i && n < 2000; k++)
            if (label_equal(&labels[i], &labels[k]))
                return false;
    return true;
}

/* The dimension that the UDF tells of; `old` is that of the same name, or NULL. */
static bool read_axis(struct call *call, const json_t *axis, const struct dimension *old, struct dimension *ret,
                      struct err *err)
{
    struct planner *p = call->planner;
    const char *name = js_text(axis, "name");
    json_int_t count = json_integer_value(json_object_get(axis, "count"));
    struct label *labels;
    bool told = json_object_get(axis, "labels") || json_object_get(axis, "instants");

    if (!name || !*name || count < 1 || count > MAX_PLANES)
        return call_fail(call, err, ERR_UdfFailed, "udf", "The UDF gives a dimension '%.60s' with %lld labels.",
                         name ? name : "", (long long)count);
    if (old && (size_t)count == old->count && !told) {
        *ret = *old;
        return true;
    }
    *ret = old ? *old : (struct dimension){ .name = arena_text(p->arena, name), .type = DIM_OTHER };
    labels = arena_array(p->arena, (size_t)count, sizeof *labels);
    for (size_t i = 0; i < (size_t)count; i++)
        labels[i] = label_of(p, axis, i);
    if (!labels_differ(labels, (size_t)count))
        return call_fail(call, err, ERR_UdfFailed, "udf", "The UDF gives dimension '%.60s' the same label twice.", name);
    if (old && (size_t)count == old->count) {
        bool same = true;

        for (size_t i = 0; i < old->count; i++)
            same = same && (old->type == DIM_TEMPORAL ? labels[i].instant_ms == old->labels[i].instant_ms
                                                      : label_equal(&labels[i], &old->labels[i]));
        if (same) {
            *ret = *old;
            return true;
        }
    }
    if (ret->type == DIM_TEMPORAL && !json_object_get(axis, "instants"))
        ret->type = DIM_OTHER;
    ret->bands = NULL;
    ret->count = (size_t)count;
    ret->labels = labels;
    return true;
}

static const json_t *axis_named(const json_t *axes, const char *name)
{
    const json_t *axis;
    size_t i;

    json_array_foreach(axes, i, axis) {
        const char *its = js_text(axis, "name");

        if (its && !strcmp(its, name))
            return axis;
    }
    return NULL;
}

/* The dimensions of what the UDF makes of a whole cube. */
static bool shape_of_result(struct call *call, const struct cube *given, const json_t *axes, struct cube **ret,
                            struct err *err)
{
    struct planner *p = call->planner;
    struct cube_schema schema = given->schema;
    struct dimension *list = arena_array(p->arena, schema.n_dimensions + json_array_size(axes), sizeof *list);
    const json_t *axis;
    size_t n = 0, k;

    for (size_t i = 0; i < schema.n_dimensions; i++) {
        const struct dimension *d = &schema.dimensions[i];

        axis = axis_named(axes, d->name);
        if (dimension_is_horizontal(d) && !axis)
            return call_fail(call, err, ERR_UdfFailed, "udf", "The UDF gives a cube without dimension '%.60s'.", d->name);
        if (dimension_is_horizontal(d))
            list[n++] = *d;
        else if (axis && !read_axis(call, axis, d, &list[n++], err))
            return false;
    }
    json_array_foreach(axes, k, axis) {
        const char *name = js_text(axis, "name");

        if (name && cube_find(given, name) == SIZE_MAX && !read_axis(call, axis, NULL, &list[n++], err))
            return false;
    }
    schema.dimensions = list;
    schema.n_dimensions = n;
    *ret = cube_new(p, &schema);
    if (cube_planes(&(*ret)->schema) > MAX_PLANES)
        return call_fail(call, err, ERR_ProcessGraphComplexity, NULL, "The cube would have more than %d planes.",
                         MAX_PLANES);
    return true;
}

/* ---- nodes ---- */

static int64_t side_for(size_t in, size_t out)
{
    int64_t side = LARGEST_SIDE;

    while (side > LEAST_SIDE && (double)(in + out) * (double)(side * side) > MOST_VALUES)
        side /= 2;
    return side;
}

/* The patch that is a grid without a place. */
static const struct plan_node *patch_of(const struct planner *p, const struct grid *grid)
{
    for (size_t i = 0; grid->epsg < 0 && i < p->n_patch_nodes; i++)
        if (grid_equal(&p->patch_nodes[i]->schema.grid, grid))
            return p->patch_nodes[i];
    return NULL;
}

/* What a node is made of. */
struct late_udf {
    struct late_udf *next;
    const struct node *node;
    const struct cube *given;
    struct cube *made;
    const char *request;
    bool whole, wide;
    struct source *source; /* whose node it will be */
};

static void lower_udf(struct planner *p, const struct late_udf *u)
{
    const struct cube *given = u->given, *made = u->made;
    const struct plan_node **input = arena_alloc(p->arena, sizeof *input);
    struct udf_args *args = arena_alloc(p->arena, sizeof *args);
    struct plan_node *made_by;

    *input = lower_cube(p, given);
    made_by = planner_node(p, PLAN_UDF, u->node->id, u->node->pointer, &made->schema);
    *args = (struct udf_args){ .request = u->request, .wide = u->wide, .patch = given->schema.geometries ? NULL : patch_of(p, &given->schema.grid),
                               .side = u->whole ? 0 : side_for(cube_planes(&given->schema), cube_planes(&made->schema)) };
    made_by->n_inputs = 1;
    made_by->inputs = input;
    made_by->udf = args;
    u->source->node = made_by;
    p->n_udfs++;
}

/* Gives `source` the node that makes `made` of `given`, whose planes are there; now, or where they are rows of
 * geometries at the end, when the statistics that these are made of have their nodes. */
static void make_udf(struct planner *p, const struct late_udf *how)
{
    struct late_udf *u = arena_alloc(p->arena, sizeof *u);

    *u = *how;
    u->made->schema.pixel = u->wide ? PIXEL_F64 : PIXEL_F32;
    u->made->schema.nodata = NAN;
    u->made->schema.has_nodata = true;
    if (!u->given->schema.geometries) {
        lower_udf(p, u);
        return;
    }
    if (!p->late_udfs)
        p->last_late_udf = &p->late_udfs;
    *p->last_late_udf = u;
    p->last_late_udf = &u->next;
}

void udf_lower_late(struct planner *p)
{
    for (const struct late_udf *u = p->late_udfs; u; u = u->next)
        lower_udf(p, u);
}

static struct cell cell_of(bool wide)
{
    return (struct cell){ wide ? PIXEL_F64 : PIXEL_F32, true, NAN };
}

/* ---- on a cube ---- */

static bool run_on_cube(struct call *call, const struct cube *data, const char *code, json_t *context,
                        struct value *ret, struct err *err)
{
    struct planner *p = call->planner;
    bool wide = expr_any_wide(data->planes, cube_planes(&data->schema)), keeps = p->udf_keeps || (data->schema.grid.epsg < 0 && cube_has_grid(&data->schema));
    struct source *source = arena_alloc(p->arena, sizeof *source);
    const struct expr **planes;
    struct cube *made = cube_like(p, data);
    AUTO(json) json_t *axes = NULL;

    if (p->mode != MODE_PLAN && !keeps) {
        *ret = value_unknown(); /* what its dimensions are, is seen when the plan is made */
        return true;
    }
    if (p->mode == MODE_PLAN && !keeps) {
        const char *question = request_text(p, code, context, "cube", NULL, &data->schema, NULL, wide);

        if (!catalog_udf_probe(p, call->node, question, &axes, err) || !shape_of_result(call, data, axes, &made, err))
            return false;
    }
    if (p->mode == MODE_PLAN)
        make_udf(p, &(struct late_udf){ .node = call->node, .given = data, .made = made, .whole = true, .wide = wide,
                                        .source = source,
                                        .request = request_text(p, code, context, "cube", NULL, &data->schema,
                                                                &made->schema, wide) });
    planes = arena_array(p->arena, cube_planes(&made->schema), sizeof *planes);
    for (size_t i = 0; i < cube_planes(&made->schema); i++)
        planes[i] = expr_leaf_of(p->exprs, p->mode == MODE_PLAN ? source : NULL, (uint32_t)i, cell_of(wide), wide, false);
    made->planes = planes;
    return cube_finish(call, made, ret, err);
}

/* ---- in callbacks ---- */

void udf_scope_enter(struct udf_scope *scope, size_t line)
{
    scope->line = line;
    scope->call->planner->next_udf_scope = scope;
}

static const char *mode_of(const struct udf_scope *s)
{
    return s->along == SIZE_MAX ? "apply" : s->keeps ? "dimension" : "reduce";
}

static const char *along_of(const struct udf_scope *s)
{
    return s->along == SIZE_MAX ? NULL : s->data->schema.dimensions[s->along].name;
}

static const struct label *number_labels(struct planner *p, size_t n)
{
    struct label *labels = arena_array(p->arena, n, sizeof *labels);

    for (size_t i = 0; i < n; i++)
        labels[i] = (struct label){ .is_number = true, .number = (double)i };
    return labels;
}

static void set_count(struct planner *p, struct dimension *d, size_t n, const struct label *labels)
{
    if (!labels && n == d->count)
        return;
    if (labels != d->labels || n != d->count)
        d->bands = NULL;
    d->labels = labels ? labels : number_labels(p, n);
    d->count = n;
}

/* The cube of all lines; its planes are still the old ones. */
static struct cube *given_cube(const struct udf_scope *s, size_t length)
{
    struct planner *p = s->call->planner;
    struct cube *cube = cube_like(p, s->data);

    if (s->along != SIZE_MAX)
        set_count(p, cube_edit(cube, s->along), length, NULL);
    return cube;
}

static struct cube *made_cube(const struct udf_scope *s, const struct udf_use *use)
{
    struct planner *p = s->call->planner;
    struct cube *cube = cube_like(p, s->data);

    if (s->along != SIZE_MAX && s->keeps)
        set_count(p, cube_edit(cube, s->along), use->n_out, use->labels);
    else if (s->along != SIZE_MAX)
        cube_remove(cube, s->along);
    return cube;
}

/* Value k of a line as a plane of a cube with `length` of them. */
static uint32_t plane_of(const struct udf_scope *s, size_t line, size_t length, size_t k)
{
    size_t stride = s->along == SIZE_MAX ? 1 : cube_stride(&s->data->schema, s->along);

    return (uint32_t)(line / stride * stride * length + k * stride + line % stride);
}

/* How many values the UDF makes of a line, and their labels. */
static bool ask_length(struct call *call, const struct udf_scope *s, struct udf_use *use, struct err *err)
{
    struct planner *p = call->planner;
    struct cube *given = given_cube(s, use->length);
    const struct dimension *old = &given->schema.dimensions[s->along];
    const char *question = request_text(p, use->code, use->context, mode_of(s), along_of(s), &given->schema, NULL,
                                        use->wide);
    struct dimension made;
    AUTO(json) json_t *axes = NULL;
    const json_t *axis;

    if (!catalog_udf_probe(p, call->node, question, &axes, err))
        return false;
    axis = axis_named(axes, old->name);
    if (!axis)
        return call_fail(call, err, ERR_UdfFailed, "udf",
                         "The UDF gives a cube without dimension '%.60s', which apply_dimension keeps.", old->name);
    if (!read_axis(call, axis, old, &made, err))
        return false;
    use->n_out = made.count;
    use->labels = made.labels == old->labels ? NULL : made.labels;
    return true;
}

static bool new_use(struct call *call, struct udf_scope *s, size_t length, const char *code, json_t *context,
                    struct udf_use **ret, struct err *err)
{
    struct planner *p = call->planner;
    struct udf_use *use = arena_alloc(p->arena, sizeof *use);

    *use = (struct udf_use){ .next = s->uses, .node = call->node, .code = code, .context = json_incref(context),
                             .length = length, .n_out = 1, .wide = expr_any_wide(s->data->planes, cube_planes(&s->data->schema)) };
    use->source = arena_alloc(p->arena, sizeof *use->source);
    use->given = arena_array(p->arena, s->n_lines * length, sizeof *use->given);
    s->uses = use;
    *ret = use;
    if (!s->keeps || p->mode != MODE_PLAN)
        return true;
    if (!ask_length(call, s, use, err))
        return false;
    s->labels = use->labels;
    s->n_labels = use->n_out;
    return true;
}

/* What a call of the callback gives to the UDF. */
static bool give_line(struct call *call, struct udf_scope *s, struct udf_use *use, const struct value *data,
                      struct err *err)
{
    struct planner *p = call->planner;
    size_t length = data->kind == KIND_ARRAY ? data->array.length : 1;
    AUTO(mem) const struct expr **lanes = NULL;

    if (length != use->length || (data->kind == KIND_ARRAY && data->array.presence))
        return call_fail(call, err, ERR_FeatureUnsupported, "data",
                         "How many values a UDF is given cannot depend on the place.");
    if (data->kind == KIND_ARRAY && !array_check_scalars(call, "data", data, err))
        return false;
    lanes = data->kind == KIND_ARRAY ? array_lanes(p, data) : NULL;
    for (size_t k = 0; k < length; k++) {
        const struct expr *e = lanes ? lanes[k] : lane_of(p, data);

        use->given[plane_of(s, s->line, length, k)] = e;
        use->wide |= e->wide;
    }
    return true;
}

static void take_line(const struct udf_scope *s, const struct udf_use *use, struct value *ret)
{
    struct planner *p = s->call->planner;
    struct value *items = arena_array(p->arena, use->n_out, sizeof *items);

    for (size_t k = 0; k < use->n_out; k++)
        items[k] = value_lane(expr_leaf_of(p->exprs, p->mode == MODE_PLAN ? use->source : NULL,
                                           plane_of(s, s->line, use->n_out, k), cell_of(use->wide), use->wide, false));
    *ret = s->keeps ? (struct value){ .kind = KIND_ARRAY, .array = { .items = items, .labels = use->labels,
                                                                     .length = use->n_out } }
                    : items[0];
}

static bool run_in_scope(struct call *call, struct udf_scope *s, const char *code, json_t *context, struct value *ret,
                         struct err *err)
{
    const struct value *data = &call->arguments[0];
    struct udf_use *use = s->uses;

    while (use && use->node != call->node)
        use = use->next;
    if (s->along != SIZE_MAX && data->kind != KIND_ARRAY)
        return call_fail(call, err, ERR_FeatureUnsupported, "data",
                         "It is one value; along a dimension a UDF is given arrays.");
    if (data->kind == KIND_ARRAY && data->array.length == 0) {
        *ret = value_null(); /* of nothing */
        return true;
    }
    if (!use && !new_use(call, s, data->kind == KIND_ARRAY ? data->array.length : 1, code, context, &use, err))
        return false;
    if (!give_line(call, s, use, data, err))
        return false;
    if (s->keeps && call->planner->mode != MODE_PLAN)
        *ret = value_unknown();
    else
        take_line(s, use, ret);
    return true;
}

static bool close_use(struct udf_scope *s, struct udf_use *use, struct err *err)
{
    struct planner *p = s->call->planner;
    struct call inner = { .planner = p, .process = process_find("run_udf"), .node = use->node };
    struct cube *given = given_cube(s, use->length), *made = made_cube(s, use);
    struct value finished;

    for (size_t i = 0; i < s->n_lines * use->length; i++)
        if (!use->given[i])
            return call_fail(&inner, err, ERR_FeatureUnsupported, "data",
                             "A callback calls its UDF in every place or in none.");
    given->planes = use->given;
    if (!cube_finish(&inner, given, &finished, err))
        return false;
    make_udf(p, &(struct late_udf){ .node = use->node, .given = given, .made = made, .wide = use->wide,
                                    .source = use->source,
                                    .request = request_text(p, use->code, use->context, mode_of(s), along_of(s),
                                                            &given->schema, &made->schema, use->wide) });
    return true;
}

bool udf_scope_close(struct udf_scope *s, bool good, struct err *err)
{
    s->call->planner->next_udf_scope = NULL;
    for (struct udf_use *use = s->uses; use; use = use->next) {
        if (good && s->call->planner->mode == MODE_PLAN)
            good = close_use(s, use, err);
        json_decref(use->context);
    }
    s->uses = NULL;
    return good;
}

/* ---- the process ---- */

static bool run_run_udf(struct call *call, struct value *ret, struct err *err)
{
    const struct value *data = &call->arguments[0];
    struct udf_scope *scope = call->planner->udf_scope;
    AUTO(text) struct text found = { 0 };
    AUTO(json) json_t *context = NULL;
    const char *code;

    if (!check_runtime(call, err) || !find_code(call, &code, err) || !find_context(call, &context, err))
        return false;
    if (data->kind == KIND_CUBE)
        return run_on_cube(call, data->cube, code, context, ret, err);
    if (scope && (data->kind == KIND_ARRAY || value_is_scalar(data)))
        return run_in_scope(call, scope, code, context, ret, err);
    value_describe(data, &found);
    return call_fail(call, err, ERR_FeatureUnsupported, "data",
                     "Found %.100s; UDFs are run on cubes, and in the callbacks of apply, apply_dimension, "
                     "reduce_dimension, apply_neighborhood and apply_polygon.", found.data);
}

bool udf_is_called(const json_t *json)
{
    const char *id = js_text(json, "process_id"), *key;
    json_t *member;
    size_t i;

    if (id && !strcmp(id, "run_udf"))
        return true;
    json_array_foreach(json, i, member)
        if (udf_is_called(member))
            return true;
    json_object_foreach((json_t *)json, key, member)
        if (udf_is_called(member))
            return true;
    return false;
}

const struct operation udf_operations[] = {
    { .id = "run_udf", .run = run_run_udf, .any = true },
    { .id = NULL },
};
