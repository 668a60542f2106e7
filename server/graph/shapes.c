/* Processes on the shape of cubes that no pixel has a say in: labels asked for, filtered, joined and
 * split; a cube without dimensions; and inspect, which tells what a value looks like. */
#include "graph/planner.h"
#include <math.h>
#include <string.h>

/* x and y have pixel centres. */
static struct value grid_labels(struct planner *p, const struct grid *grid,
                                const struct dimension *d)
{
    struct value *items = arena_array(p->arena, d->count, sizeof *items);

    for (size_t i = 0; i < d->count; i++)
        items[i] = value_number(d->axis == 'x' ? grid->x0 + ((double)i + 0.5) * grid->dx
                                               : grid->y0 - ((double)i + 0.5) * grid->dy);
    return (struct value){ .kind = KIND_ARRAY, .array = { .items = items, .length = d->count } };
}

static struct value label_value(const struct label *label)
{
    return label->is_number ? value_number(label->number) : value_text(label->text);
}

static bool run_dimension_labels(struct call *call, struct value *ret, struct err *err)
{
    const struct cube *data = call->arguments[0].cube;
    size_t i = cube_find(data, call_text(call, "dimension"));
    const struct dimension *d;
    struct value *items;

    if (i == SIZE_MAX)
        return call_fail(call, err, ERR_DimensionNotAvailable, "dimension",
                         "There is no dimension '%.100s'.", call_text(call, "dimension"));
    d = &data->schema.dimensions[i];
    if (d->type == DIM_GEOMETRY)
        return call_fail(call, err, ERR_FeatureUnsupported, "dimension",
                         "Geometries are no array of labels here.");
    if (dimension_is_horizontal(d) && !call_check_place(call, &data->schema.grid, err))
        return false;
    if (dimension_is_horizontal(d) ? data->grid_deferred : data->deferred[i]) {
        *ret = value_unknown(); /* until the catalogue was asked */
        return true;
    }
    if (d->count > MAX_ARRAY)
        return call_fail(call, err, ERR_ProcessParameterInvalid, "dimension",
                         "it has %zu labels, at most %d make an array.", d->count, MAX_ARRAY);
    if (dimension_is_horizontal(d)) {
        *ret = grid_labels(call->planner, &data->schema.grid, d);
        return true;
    }
    items = arena_array(call->planner->arena, d->count, sizeof *items);
    for (size_t k = 0; k < d->count; k++)
        items[k] = label_value(&d->labels[k]);
    *ret = (struct value){ .kind = KIND_ARRAY, .array = { .items = items, .length = d->count } };
    return true;
}

static bool run_filter_labels(struct call *call, struct value *ret, struct err *err)
{
    const struct cube *data = call->arguments[0].cube;
    const struct callback *condition = call_argument(call, "condition")->callback;
    const struct dimension *d;
    AUTO(mem) size_t *kept = NULL;
    size_t i, n = 0;

    if (!call_dimension(call, data, "dimension", &i, err))
        return false;
    d = &data->schema.dimensions[i];
    kept = mem_array(d->count, sizeof *kept);
    for (size_t k = 0; k < d->count; k++) {
        struct binding bindings[] = { { "value", label_value(&d->labels[k]) },
                                      { "context", *call_argument(call, "context") } };
        struct value v;

        if (!callback_call(call->planner, condition, bindings, ARRAY_LEN(bindings), &v, err))
            return false;
        if (v.kind == KIND_UNKNOWN) {
            *ret = v;
            return true;
        }
        if (v.kind != KIND_BOOLEAN && v.kind != KIND_NULL)
            return call_fail(call, err, ERR_ProcessParameterInvalid, "condition",
                             "the callback must give a boolean.");
        if (data->deferred[i] || (v.kind == KIND_BOOLEAN && v.boolean))
            kept[n++] = k;
    }
    if (n == 0)
        planner_notice(call->planner, "warning", call->node->id,
                       "No label of dimension '%s' meets the condition.", d->name);
    return cube_finish(call, cube_pick(call->planner, data, i, n, kept), ret, err);
}

static bool run_create_data_cube(struct call *call, struct value *ret, struct err *err)
{
    struct planner *p = call->planner;
    struct cube *cube = cube_new(p, &(struct cube_schema){ .pixel = PIXEL_F32, .nodata = NAN,
                                                           .has_nodata = true });
    const struct expr **plane = arena_alloc(p->arena, sizeof *plane);

    *plane = expr_constant(p->exprs, NAN);
    cube->planes = plane;
    return cube_finish(call, cube, ret, err);
}

/* Which planes of the old cube are those of the new one: the labels of the new cube's dimensions, by
 * the numbers of the old. */
static const struct expr *plane_at(const struct cube *cube, const size_t *labels)
{
    size_t plane = 0;

    for (size_t i = 0; i < cube->schema.n_dimensions; i++)
        if (!dimension_is_horizontal(&cube->schema.dimensions[i]))
            plane = plane * cube->schema.dimensions[i].count + labels[i];
    return cube->planes[plane];
}

static bool check_target(const struct call *call, const struct cube *cube, const char *name,
                         const char *parameter, struct err *err)
{
    return cube_find(cube, name) == SIZE_MAX ||
           call_fail(call, err, ERR_TargetDimensionExists, parameter, "It is '%.100s'.", name);
}

static bool find_flattened(const struct call *call, const struct cube *data, const struct value *names,
                           size_t *ret, struct err *err)
{
    for (size_t k = 0; k < names->array.length; k++) {
        const char *name = names->array.items[k].text;

        ret[k] = cube_find(data, name);
        if (ret[k] == SIZE_MAX)
            return call_fail(call, err, ERR_DimensionNotAvailable, "dimensions",
                             "There is no dimension '%.100s'.", name);
        if (dimension_is_horizontal(&data->schema.dimensions[ret[k]]))
            return call_fail(call, err, ERR_FeatureUnsupported, "dimensions",
                             "Process '%s' is not offered along '%.100s'.", call->process->id,
                             name);
    }
    return true;
}

static void joined_labels(struct call *call, const struct cube *data, const size_t *which, size_t n,
                          size_t count, struct label *labels)
{
    for (size_t k = 0; k < count; k++) {
        AUTO(text) struct text text = { 0 };
        size_t rest = count, at = k;

        for (size_t m = 0; m < n; m++) {
            const struct dimension *d = &data->schema.dimensions[which[m]];
            char one[160];

            rest /= d->count;
            label_text(&d->labels[at / rest], one, sizeof one);
            at %= rest;
            text_printf(&text, "%s%s", m ? call_text(call, "label_separator") : "", one);
        }
        labels[k].text = arena_text(call->planner->arena, text.length ? text.data : "");
    }
}

static bool run_flatten(struct call *call, struct value *ret, struct err *err)
{
    const struct cube *data = call->arguments[0].cube;
    const struct value *names = call_argument(call, "dimensions");
    const char *target = call_text(call, "target_dimension");
    struct planner *p = call->planner;
    size_t n = names->array.length, count = 1, n_all = data->schema.n_dimensions, n_planes;
    AUTO(mem) size_t *which = mem_array(n, sizeof *which);
    AUTO(mem) size_t *labels = mem_array(n_all + 1, sizeof *labels);
    AUTO(mem) size_t *from = mem_array(n_all, sizeof *from);
    struct cube *cube = cube_like(p, data);
    const struct expr **planes;
    struct label *joined;
    bool deferred = false;

    if (!find_flattened(call, data, names, which, err) ||
        !check_target(call, data, target, "target_dimension", err))
        return false;
    for (size_t k = 0; k < n; k++) {
        count *= data->schema.dimensions[which[k]].count;
        deferred |= data->deferred[which[k]];
    }
    joined = arena_array(p->arena, count, sizeof *joined);
    joined_labels(call, data, which, n, count, joined);
    for (size_t i = n_all; i-- > 0;)
        for (size_t k = 0; k < n; k++)
            if (which[k] == i)
                cube_remove(cube, i);
    *cube_edit(cube, cube->schema.n_dimensions) =
        (struct dimension){ .name = arena_text(p->arena, target), .type = DIM_OTHER,
                            .count = count, .labels = joined };
    ((bool *)cube->deferred)[cube->schema.n_dimensions++] = deferred;
    n_planes = cube_planes(&cube->schema);
    planes = arena_array(p->arena, n_planes, sizeof *planes);
    for (size_t k = 0; k < n_planes; k++) {
        size_t kept = 0, at;

        cube_labels(&cube->schema, k, labels);
        at = labels[cube->schema.n_dimensions - 1];
        for (size_t m = n; m-- > 0;) {
            from[which[m]] = at % data->schema.dimensions[which[m]].count;
            at /= data->schema.dimensions[which[m]].count;
        }
        for (size_t i = 0; i < n_all; i++) {
            bool flattened = false;

            for (size_t m = 0; m < n; m++)
                flattened |= which[m] == i;
            if (!flattened)
                from[i] = labels[kept++];
        }
        planes[k] = plane_at(data, from);
    }
    cube->planes = planes;
    return cube_finish(call, cube, ret, err);
}

/* unflatten: the parts of the labels of one dimension. */
struct parts {
    size_t n;              /* target dimensions */
    struct label **labels; /* [n]: distinct ones, in the order in which they come */
    size_t *counts;
    size_t *of;            /* [label * n + target]: which */
};

static size_t add_part(struct parts *parts, size_t target, const char *text)
{
    struct label *labels = parts->labels[target];
    size_t i = 0;

    while (i < parts->counts[target] && strcmp(labels[i].text, text))
        i++;
    if (i == parts->counts[target])
        labels[parts->counts[target]++].text = text;
    return i;
}

static bool split_labels(struct call *call, const struct dimension *d, struct parts *parts,
                         struct err *err)
{
    const char *separator = call_text(call, "label_separator");

    for (size_t k = 0; k < d->count; k++) {
        char text[160];
        char *rest;
        size_t part = 0;

        label_text(&d->labels[k], text, sizeof text);
        rest = arena_text(call->planner->arena, text);
        for (char *next = rest; next; part++) {
            char *end = strstr(next, separator);

            if (end)
                *end = '\0';
            if (part < parts->n)
                parts->of[k * parts->n + part] = add_part(parts, part, next);
            next = end ? end + strlen(separator) : NULL;
        }
        if (part != parts->n)
            return call_fail(call, err, ERR_ProcessParameterInvalid, "data",
                             "label '%s' of dimension '%.60s' has %zu parts, expected %zu.", text,
                             d->name, part, parts->n);
    }
    return true;
}

static void add_targets(struct call *call, struct cube *cube, const struct parts *parts,
                        const struct value *names)
{
    for (size_t m = 0; m < parts->n; m++)
        *cube_edit(cube, cube->schema.n_dimensions++) = (struct dimension){
            .name = arena_text(call->planner->arena, names->array.items[m].text),
            .type = DIM_OTHER, .count = parts->counts[m], .labels = parts->labels[m] };
}

static bool run_unflatten(struct call *call, struct value *ret, struct err *err)
{
    const struct cube *data = call->arguments[0].cube;
    const struct value *names = call_argument(call, "target_dimensions");
    struct planner *p = call->planner;
    struct parts parts = { .n = names->array.length };
    const struct dimension *d;
    struct cube_schema schema = data->schema;
    struct cube *cube;
    const struct expr **planes;
    AUTO(mem) size_t *labels = NULL;
    AUTO(mem) size_t *from = NULL;
    size_t i, n_planes, n_all = data->schema.n_dimensions;

    if (!call_dimension(call, data, "dimension", &i, err))
        return false;
    for (size_t m = 0; m < parts.n; m++)
        if (!check_target(call, data, names->array.items[m].text, "target_dimensions", err))
            return false;
    if (data->deferred[i]) {
        *ret = value_unknown();
        return true;
    }
    d = &data->schema.dimensions[i];
    parts.labels = arena_array(p->arena, parts.n, sizeof *parts.labels);
    parts.counts = arena_array(p->arena, parts.n, sizeof *parts.counts);
    parts.of = arena_array(p->arena, parts.n * d->count, sizeof *parts.of);
    for (size_t m = 0; m < parts.n; m++)
        parts.labels[m] = arena_array(p->arena, d->count, sizeof **parts.labels);
    if (!split_labels(call, d, &parts, err))
        return false;
    schema.dimensions = arena_array(p->arena, n_all + parts.n, sizeof *d);
    memcpy((struct dimension *)schema.dimensions, data->schema.dimensions, n_all * sizeof *d);
    schema.n_dimensions = n_all + parts.n; /* room; the number is set back at once */
    cube = cube_new(p, &schema);
    cube->schema.n_dimensions = n_all;
    cube->grid_deferred = data->grid_deferred;
    memcpy((bool *)cube->deferred, data->deferred, n_all * sizeof(bool));
    cube_remove(cube, i);
    add_targets(call, cube, &parts, names);
    n_planes = cube_planes(&cube->schema);
    if (n_planes > MAX_PLANES)
        return call_fail(call, err, ERR_ProcessGraphComplexity, NULL,
                         "The cube would have %zu planes; at most %d are possible.", n_planes,
                         MAX_PLANES);
    labels = mem_array(n_all + parts.n, sizeof *labels);
    from = mem_array(n_all, sizeof *from);
    planes = arena_array(p->arena, n_planes, sizeof *planes);
    for (size_t k = 0; k < n_planes; k++) {
        size_t at = 0;

        cube_labels(&cube->schema, k, labels);
        for (size_t m = 0; m < n_all; m++)
            from[m] = m < i ? labels[m] : m > i ? labels[m - 1] : 0;
        while (at < d->count &&
               memcmp(parts.of + at * parts.n, labels + n_all - 1, parts.n * sizeof *labels) != 0)
            at++;
        from[i] = at < d->count ? at : 0;
        planes[k] = at < d->count
                        ? plane_at(data, from)
                        : expr_leaf(p->exprs, NULL, 0,
                                    cell_with_nodata(plane_at(data, from)->cell), false);
    }
    cube->planes = planes;
    return cube_finish(call, cube, ret, err);
}

/* inspect: a cube is told by its dimensions, a pixel cannot be told while a graph is planned. */
static json_t *seen(const struct value *v)
{
    json_t *json, *dimensions;

    if (v->kind != KIND_CUBE)
        return value_to_json(v);
    dimensions = json_array();
    for (size_t i = 0; i < v->cube->schema.n_dimensions; i++) {
        const struct dimension *d = &v->cube->schema.dimensions[i];
        json_t *labels = json_array();

        for (size_t k = 0; d->labels && k < d->count && k < 100; k++) {
            struct value label = label_value(&d->labels[k]);

            json_array_append_new(labels, value_to_json(&label));
        }
        json = json_pack("{s:s, s:I}", "name", d->name, "count", (json_int_t)d->count);
        if (d->labels)
            json_object_set(json, "labels", labels);
        json_decref(labels);
        json_array_append_new(dimensions, json);
    }
    return json_pack("{s:o, s:s}", "dimensions", dimensions, "data_type",
                     pixel_name(v->cube->schema.pixel));
}

static bool run_inspect(struct call *call, struct value *ret, struct err *err)
{
    enum { MOST = 10 }; /* of one node: callbacks run often */
    const char *message = call_text(call, "message"), *level = call_text(call, "level");
    struct node *node = (struct node *)call->node;
    AUTO(text) struct text text = { 0 };

    (void)err;
    *ret = call->arguments[0];
    if (call->planner->mode != MODE_PLAN || node->n_inspected > MOST)
        return true;
    if (*message)
        text_printf(&text, "%.400s", message);
    else
        value_describe(ret, &text);
    if (node->n_inspected++ == MOST)
        planner_log(call->planner, level, call_text(call, "code"), node->id,
                    "inspect has more to tell here; it is suppressed.", NULL);
    else
        planner_log(call->planner, level, call_text(call, "code"), node->id, text.data,
                    ret->kind == KIND_LANE ? NULL : seen(ret));
    return true;
}

const struct operation shape_operations[] = {
    { .id = "dimension_labels", .run = run_dimension_labels },
    { .id = "filter_labels", .run = run_filter_labels },
    { .id = "create_data_cube", .run = run_create_data_cube },
    { .id = "flatten_dimensions", .run = run_flatten },
    { .id = "unflatten_dimension", .run = run_unflatten },
    { .id = "inspect", .run = run_inspect, .effect = true, .any = true },
    { .id = NULL },
};
