/* Processes that change what a cube's labels, dimensions and extent are, and no value: filters and
 * structure. */
#include "graph/planner.h"
#include "base/instant.h"
#include <math.h>
#include <string.h>
#include <strings.h>

size_t bands_match(const struct dimension *bands, const char *name, size_t *ret_indices)
{
    size_t n = 0;

    for (size_t i = 0; i < bands->count; i++) {
        if (!bands->labels[i].is_number && !strcmp(bands->labels[i].text, name)) {
            ret_indices[0] = i;
            return 1;
        }
    }
    for (size_t i = 0; bands->bands && i < bands->count; i++)
        if (bands->bands[i].common_name && !strcmp(bands->bands[i].common_name, name))
            ret_indices[n++] = i;
    return n;
}

static bool bound(const struct value *v, int64_t open, int64_t *ret)
{
    if (v->kind == KIND_NULL)
        *ret = open;
    else if (v->kind != KIND_STRING || !instant_parse_date(v->text, ret))
        return false;
    return true;
}

bool call_interval(const struct call *call, const char *parameter, const struct value *value,
                   int64_t *ret_start, int64_t *ret_end, struct err *err)
{
    static const int64_t open[] = { INSTANT_MIN, INSTANT_MAX };
    int64_t *const to[] = { ret_start, ret_end };
    AUTO(text) struct text found = { 0 };

    if (value->kind != KIND_ARRAY || value->array.length != 2)
        return call_fail(call, err, ERR_ProcessParameterInvalid, parameter,
                         "expected an array of a start and an end.");
    for (size_t i = 0; i < 2; i++) {
        if (bound(&value->array.items[i], open[i], to[i]))
            continue;
        value_describe(&value->array.items[i], &found);
        return call_fail(call, err, ERR_ProcessParameterInvalid, parameter,
                         "expected dates like 2023-08-15 or 2023-08-15T10:00:00Z, found %s.",
                         found.data);
    }
    if (*ret_start == INSTANT_MIN && *ret_end == INSTANT_MAX)
        return call_fail(call, err, ERR_ProcessParameterInvalid, parameter,
                         "start and end cannot both be null.");
    if (*ret_start >= *ret_end)
        return call_fail(call, err, ERR_TemporalExtentEmpty, parameter, "It is '%.40s' to '%.40s'.",
                         value->array.items[0].text, value->array.items[1].text);
    return true;
}

bool cube_clip_time(const struct call *call, const struct cube *cube, size_t i, int64_t start,
                    int64_t end, struct cube **ret)
{
    const struct dimension *d = &cube->schema.dimensions[i];
    AUTO(mem) size_t *kept = mem_array(d->count, sizeof *kept);
    size_t n = 0;

    for (size_t k = 0; k < d->count; k++)
        if (cube->deferred[i] || (!d->labels[k].is_number && /* numbers are no instants */
                                  d->labels[k].instant_ms >= start &&
                                  d->labels[k].instant_ms < end))
            kept[n++] = k;
    *ret = cube_pick(call->planner, cube, i, n, kept);
    return n > 0;
}

static bool run_filter_temporal(struct call *call, struct value *ret, struct err *err)
{
    const struct cube *data = call->arguments[0].cube;
    const char *name = call_text(call, "dimension");
    int64_t start, end;
    size_t n = 0;

    if (!call_interval(call, "extent", &call->arguments[1], &start, &end, err))
        return false;
    if (name && cube_find(data, name) == SIZE_MAX)
        return call_fail(call, err, ERR_DimensionNotAvailable, "dimension",
                         "There is no dimension '%.100s'.", name);
    for (size_t i = 0; i < data->schema.n_dimensions; i++) {
        const struct dimension *d = &data->schema.dimensions[i];
        struct cube *clipped;

        if (name ? strcmp(name, d->name) != 0 : d->type != DIM_TEMPORAL)
            continue;
        if (d->type != DIM_TEMPORAL)
            return call_fail(call, err, ERR_DimensionNotAvailable, "dimension",
                             "Dimension '%.100s' is not temporal.", name);
        if (!cube_clip_time(call, data, i, start, end, &clipped))
            planner_notice(call->planner, "warning", call->node->id,
                           "No label of dimension '%s' lies in the interval.", d->name);
        data = clipped;
        n++;
    }
    if (!n)
        return call_fail(call, err, ERR_DimensionNotAvailable, NULL,
                         "The cube has no temporal dimension.");
    return cube_finish(call, cube_like(call->planner, data), ret, err);
}

static void add_once(size_t *list, size_t *n, size_t index)
{
    for (size_t i = 0; i < *n; i++)
        if (list[i] == index)
            return;
    list[(*n)++] = index;
}

static void add_by_name(struct call *call, const struct dimension *d, const char *name,
                        size_t *kept, size_t *n)
{
    AUTO(mem) size_t *found = mem_array(d->count, sizeof *found);
    size_t n_found = bands_match(d, name, found);

    if (!n_found)
        planner_notice(call->planner, "warning", call->node->id, "There is no band '%.100s'.",
                       name);
    for (size_t i = 0; i < n_found; i++)
        add_once(kept, n, found[i]);
}

static bool add_by_wavelength(struct call *call, const struct dimension *d,
                              const struct value *range, size_t *kept, size_t *n, struct err *err)
{
    double least = range->array.items[0].number, most = range->array.items[1].number;

    if (least > most)
        return call_fail(call, err, ERR_ProcessParameterInvalid, "wavelengths",
                         "the range %g to %g runs backwards.", least, most);
    for (size_t i = 0; d->bands && i < d->count; i++)
        if (d->bands[i].center_wavelength >= least && d->bands[i].center_wavelength <= most)
            add_once(kept, n, i);
    return true;
}

static bool run_filter_bands(struct call *call, struct value *ret, struct err *err)
{
    const struct cube *data = call->arguments[0].cube;
    const struct value *names = call_argument(call, "bands");
    const struct value *ranges = call_argument(call, "wavelengths");
    const struct dimension *d = cube_dimension_of(&data->schema, DIM_BANDS);
    AUTO(mem) size_t *kept = NULL;
    size_t n = 0, i;

    if (names->array.length == 0 && ranges->array.length == 0)
        return call_raise(call, err, ERR_BandFilterParameterMissing, NULL);
    if (!d)
        return call_raise(call, err, ERR_DimensionMissing, "data");
    i = (size_t)(d - data->schema.dimensions);
    if (data->deferred[i])
        return cube_finish(call, cube_like(call->planner, data), ret, err);
    kept = mem_array(d->count, sizeof *kept);
    for (size_t k = 0; k < names->array.length; k++)
        add_by_name(call, d, names->array.items[k].text, kept, &n);
    for (size_t k = 0; k < ranges->array.length; k++)
        if (!add_by_wavelength(call, d, &ranges->array.items[k], kept, &n, err))
            return false;
    return cube_finish(call, cube_pick(call->planner, data, i, n, kept), ret, err);
}

bool cube_crop(struct planner *p, const struct cube *cube, const struct value *extent_value,
               struct cube **ret, const struct call *call, struct err *err)
{
    struct extent extent;
    double box[4];

    if (!extent_read(call, "extent", extent_value, &extent, err))
        return false;
    *ret = cube_like(p, cube);
    if (cube->grid_deferred)
        return true;
    if (!call_check_place(call, &cube->schema.grid, err))
        return false;
    if (!extent_in(p, &extent, cube->schema.grid.epsg, box, err))
        return call_place(call, "extent", err);
    grid_cut(&(*ret)->schema.grid, box);
    for (size_t i = 0; i < cube->schema.n_dimensions; i++) {
        struct dimension *d = cube_edit(*ret, i);

        if (d->axis == 'x')
            d->count = (size_t)(*ret)->schema.grid.width;
        if (d->axis == 'y')
            d->count = (size_t)(*ret)->schema.grid.height;
    }
    return true;
}

static bool run_filter_bbox(struct call *call, struct value *ret, struct err *err)
{
    struct cube *cube;

    if (call->arguments[0].cube->schema.geometries)
        return vector_filter_bbox(call, call->arguments[0].cube, &call->arguments[1], ret, err);
    if (!cube_crop(call->planner, call->arguments[0].cube, &call->arguments[1], &cube, call, err))
        return false;
    if (!cube->grid_deferred && (cube->schema.grid.width == 0 || cube->schema.grid.height == 0))
        planner_notice(call->planner, "warning", call->node->id,
                       "No pixel of the cube lies in the box.");
    return cube_finish(call, cube, ret, err);
}

/* Structure */
static struct label label_of(struct planner *p, const struct value *v)
{
    struct label label = { .is_number = v->kind == KIND_NUMBER };

    if (label.is_number)
        label.number = v->number;
    else
        label.text = arena_text(p->arena, v->text);
    return label;
}

static size_t find_label(const struct dimension *d, const struct label *label)
{
    for (size_t i = 0; i < d->count; i++)
        if (label_equal(&d->labels[i], label))
            return i;
    return SIZE_MAX;
}

/* A new name keeps the instant, unless it is an instant itself. */
static void rename_label(struct label *label, const struct label *name)
{
    int64_t instant = label->instant_ms;

    *label = *name;
    label->instant_ms = instant;
    if (!name->is_number && instant_parse_date(name->text, &instant))
        label->instant_ms = instant;
}

static bool rename_by_position(struct call *call, const struct dimension *d, struct label *labels,
                               const struct value *target, struct err *err)
{
    bool enumerated = true;

    for (size_t i = 0; i < d->count; i++)
        enumerated &= d->labels[i].is_number && d->labels[i].number == (double)i;
    if (!enumerated && call->planner->catalog->dialect != DIALECT_CDSE)
        return call_fail(call, err, ERR_LabelsNotEnumerated, "source",
                         "Name the labels to replace in 'source'.");
    if (!enumerated)
        planner_notice(call->planner, "warning", call->node->id,
                       "The labels of '%.60s' have names, but 'source' is missing; they were replaced "
                       "by their positions.", d->name);
    if (target->array.length != d->count)
        return call_fail(call, err, ERR_LabelMismatch, "target",
                         "The dimension has %zu labels, 'target' has %zu.", d->count,
                         target->array.length);
    for (size_t i = 0; i < d->count; i++) {
        struct label name = label_of(call->planner, &target->array.items[i]);

        rename_label(&labels[i], &name);
    }
    return true;
}

static bool rename_by_name(struct call *call, const struct dimension *d, struct label *labels,
                           const struct value *source, const struct value *target, struct err *err)
{
    AUTO(mem) bool *renamed = mem_array(d->count, sizeof *renamed);
    char text[100];

    if (source->array.length != target->array.length)
        return call_fail(call, err, ERR_LabelMismatch, "source", "They have %zu and %zu elements.",
                         source->array.length, target->array.length);
    for (size_t i = 0; i < source->array.length; i++) {
        struct label old = label_of(call->planner, &source->array.items[i]);
        struct label name = label_of(call->planner, &target->array.items[i]);
        size_t at = find_label(d, &old);

        label_text(&old, text, sizeof text);
        if (at == SIZE_MAX)
            return call_fail(call, err, ERR_LabelNotAvailable, "source",
                             "There is no label '%s' in dimension '%.60s'.", text, d->name);
        renamed[at] = true;
        rename_label(&labels[at], &name);
    }
    for (size_t i = 0; i < target->array.length; i++) {
        struct label name = label_of(call->planner, &target->array.items[i]);
        size_t at = find_label(d, &name);

        label_text(&name, text, sizeof text);
        if (at != SIZE_MAX && !renamed[at])
            return call_fail(call, err, ERR_LabelExists, "target",
                             "Dimension '%.60s' has a label '%s' that is not renamed.", d->name,
                             text);
    }
    return true;
}

static bool run_rename_labels(struct call *call, struct value *ret, struct err *err)
{
    const struct cube *data = call->arguments[0].cube;
    const struct value *target = call_argument(call, "target");
    const struct value *source = call_argument(call, "source");
    struct cube *cube = cube_like(call->planner, data);
    const struct dimension *d;
    struct label *labels;
    size_t i;

    if (!call_dimension(call, data, "dimension", &i, err))
        return false;
    d = &data->schema.dimensions[i];
    if (data->deferred[i])
        return cube_finish(call, cube, ret, err);
    labels = arena_array(call->planner->arena, d->count, sizeof *labels);
    memcpy(labels, d->labels, d->count * sizeof *labels);
    if (!(source->array.length ? rename_by_name(call, d, labels, source, target, err)
                               : rename_by_position(call, d, labels, target, err)))
        return false;
    cube_edit(cube, i)->labels = labels;
    return cube_finish(call, cube, ret, err);
}

static bool run_add_dimension(struct call *call, struct value *ret, struct err *err)
{
    static const struct {
        const char *name;
        enum dimension_type type;
    } types[] = { { "bands", DIM_BANDS }, { "spatial", DIM_SPATIAL }, { "temporal", DIM_TEMPORAL },
                  { "other", DIM_OTHER } };
    const char *name = call_text(call, "name"), *type = call_text(call, "type");
    struct planner *p = call->planner;
    struct cube *cube = cube_like(p, call->arguments[0].cube);
    struct dimension d = { .name = arena_text(p->arena, name), .count = 1 };
    struct label *label = arena_alloc(p->arena, sizeof *label);
    struct band_info *band = arena_alloc(p->arena, sizeof *band);
    size_t k = 0;

    if (cube_find(cube, name) != SIZE_MAX)
        return call_fail(call, err, ERR_DimensionExists, "name", "It is '%.100s'.", name);
    while (k < ARRAY_LEN(types) && strcmp(types[k].name, type))
        k++;
    if (k == ARRAY_LEN(types))
        return call_fail(call, err, ERR_ProcessParameterInvalid, "type",
                         "a raster cube cannot have a dimension of geometries.");
    d.type = types[k].type;
    *label = label_of(p, call_argument(call, "label"));
    if (d.type == DIM_TEMPORAL &&
        (label->is_number || !instant_parse_date(label->text, &label->instant_ms)))
        return call_fail(call, err, ERR_ProcessParameterInvalid, "label",
                         "the label of a temporal dimension is a date like 2023-08-15.");
    if (d.type == DIM_SPATIAL)
        d.axis = 'z';
    *band = (struct band_info){ .center_wavelength = NAN, .scale = 1 };
    d.labels = label;
    d.bands = d.type == DIM_BANDS ? band : NULL;
    *cube_edit(cube, cube->schema.n_dimensions++) = d;
    return cube_finish(call, cube, ret, err);
}

static bool run_drop_dimension(struct call *call, struct value *ret, struct err *err)
{
    const struct cube *data = call->arguments[0].cube;
    struct cube *cube = cube_like(call->planner, data);
    size_t i;

    if (!call_dimension(call, data, "name", &i, err))
        return false;
    if (data->schema.dimensions[i].count != 1 && !data->deferred[i])
        return call_fail(call, err, ERR_DimensionLabelCountMismatch, "name",
                         "Dimension '%.100s' has %zu labels.", data->schema.dimensions[i].name,
                         data->schema.dimensions[i].count);
    cube_remove(cube, i);
    return cube_finish(call, cube, ret, err);
}

static bool run_rename_dimension(struct call *call, struct value *ret, struct err *err)
{
    const struct cube *data = call->arguments[0].cube;
    const char *source = call_text(call, "source"), *target = call_text(call, "target");
    struct cube *cube = cube_like(call->planner, data);
    size_t i = cube_find(data, source);

    if (i == SIZE_MAX)
        return call_fail(call, err, ERR_DimensionNotAvailable, "source",
                         "There is no dimension '%.100s'.", source);
    if (strcmp(source, target) && cube_find(data, target) != SIZE_MAX)
        return call_fail(call, err, ERR_DimensionExists, "target", "It is '%.100s'.", target);
    cube_edit(cube, i)->name = arena_text(call->planner->arena, target);
    return cube_finish(call, cube, ret, err);
}

const struct operation label_operations[] = {
    { .id = "filter_bbox", .run = run_filter_bbox },
    { .id = "filter_temporal", .run = run_filter_temporal },
    { .id = "filter_bands", .run = run_filter_bands },
    { .id = "rename_labels", .run = run_rename_labels },
    { .id = "add_dimension", .run = run_add_dimension },
    { .id = "drop_dimension", .run = run_drop_dimension },
    { .id = "rename_dimension", .run = run_rename_dimension },
    { .id = NULL },
};
