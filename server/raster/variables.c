/* Names are made of letters, digits and underscores, so that every reader takes them; what the cube
 * calls things is the long_name. Dates are counted in seconds, or in milliseconds when one needs it;
 * periods ("2020-05", "2020-mam") keep their texts beside the instant at which they begin. */
#include "raster/variables.h"
#include "base/instant.h"
#include "base/mem.h"
#include <ctype.h>
#include <string.h>

struct making {
    struct arena *arena;
    const struct cube_schema *schema;
    const char **names;
    size_t n_names;
};

static bool is_taken(const struct making *m, const char *name)
{
    for (size_t i = 0; i < m->n_names; i++)
        if (!strcasecmp(m->names[i], name))
            return true;
    return false;
}

static const char *take_name(struct making *m, const char *wanted)
{
    char *stem = arena_printf(m->arena, "%.60s", *wanted ? wanted : "_");
    const char *name = stem;

    for (char *c = stem; *c; c++)
        if (!isalnum((unsigned char)*c) || (unsigned char)*c > 127)
            *c = '_';
    for (int i = 2; is_taken(m, name); i++)
        name = arena_printf(m->arena, "%s_%d", stem, i);
    return m->names[m->n_names++] = name;
}

static void add_attribute(struct axis *axis, const char *name, const char *text)
{
    size_t n = 0;

    while (axis->attributes[n].name)
        n++;
    axis->attributes[n] = (struct attribute){ name, text };
}

/* ---- x and y ---- */

static struct axis centres(struct making *m, char kind, OGRSpatialReferenceH crs)
{
    const struct grid *g = &m->schema->grid;
    bool is_x = kind == 'x', degrees = crs && OSRIsGeographic(crs);
    size_t n = (size_t)(is_x ? g->width : g->height);
    double *numbers = arena_array(m->arena, n, sizeof *numbers);
    struct axis axis = { .name = is_x ? "x" : "y", .kind = kind, .count = n, .numbers = numbers };
    char *unit = NULL;

    for (size_t i = 0; i < n; i++)
        numbers[i] = is_x ? g->x0 + ((double)i + 0.5) * g->dx : g->y0 - ((double)i + 0.5) * g->dy;
    add_attribute(&axis, "axis", is_x ? "X" : "Y");
    if (!crs)
        return axis;
    if (degrees) {
        add_attribute(&axis, "standard_name", is_x ? "longitude" : "latitude");
        add_attribute(&axis, "units", is_x ? "degrees_east" : "degrees_north");
        return axis;
    }
    add_attribute(&axis, "standard_name",
                  is_x ? "projection_x_coordinate" : "projection_y_coordinate");
    OSRGetLinearUnits(crs, &unit);
    add_attribute(&axis, "units",
                  !unit || !strcasecmp(unit, "metre") || !strcasecmp(unit, "meter")
                      ? "m" : arena_text(m->arena, unit));
    return axis;
}

/* ---- the others ---- */

static bool tells_all(const struct label *label)
{
    char text[INSTANT_TEXT_SIZE];

    return label->text && strlen(label->text) >= 10 &&
           !strncmp(instant_format(label->instant_ms, text), label->text, 10);
}

static bool has_instants(const struct dimension *d)
{
    for (size_t i = 0; i < d->count; i++)
        if (d->labels[i].is_number || d->labels[i].instant_ms == INSTANT_MIN ||
            !isdigit((unsigned char)*d->labels[i].text)) /* renamed: it tells of no time any more */
            return false;
    return d->type == DIM_TEMPORAL;
}

static const char *const *texts_of(struct arena *arena, const struct dimension *d)
{
    const char **texts = arena_array(arena, d->count, sizeof *texts);

    for (size_t i = 0; i < d->count; i++)
        texts[i] = d->labels[i].is_number ? arena_printf(arena, "%.15g", d->labels[i].number)
                                          : d->labels[i].text;
    return texts;
}

static void count_time(struct making *m, const struct dimension *d, struct axis *axis)
{
    double *numbers = arena_array(m->arena, d->count, sizeof *numbers);
    bool whole = true, plain = true;

    for (size_t i = 0; i < d->count; i++) {
        whole = whole && d->labels[i].instant_ms % 1000 == 0;
        plain = plain && tells_all(&d->labels[i]);
    }
    for (size_t i = 0; i < d->count; i++)
        numbers[i] = (double)d->labels[i].instant_ms / (whole ? 1000 : 1);
    axis->numbers = numbers;
    axis->kind = 't';
    if (!plain) {
        axis->texts = texts_of(m->arena, d);
        axis->texts_name = take_name(m, arena_printf(m->arena, "%s_label", d->name));
    }
    add_attribute(axis, "standard_name", "time");
    add_attribute(axis, "axis", "T");
    add_attribute(axis, "units", whole ? "seconds since 1970-01-01T00:00:00Z"
                                       : "milliseconds since 1970-01-01T00:00:00Z");
    add_attribute(axis, "calendar", "proleptic_gregorian");
}

static struct axis outer_axis(struct making *m, const struct dimension *d)
{
    struct axis axis = { .name = take_name(m, d->name), .count = d->count };
    double *numbers = arena_array(m->arena, d->count, sizeof *numbers);
    bool all = true;

    if (has_instants(d)) {
        count_time(m, d, &axis);
        return axis;
    }
    for (size_t i = 0; i < d->count; i++) {
        all = all && d->labels[i].is_number;
        numbers[i] = d->labels[i].number;
    }
    if (all)
        axis.numbers = numbers;
    else
        axis.texts = texts_of(m->arena, d);
    add_attribute(&axis, "long_name", arena_text(m->arena, d->name));
    return axis;
}

/* ---- variables ---- */

static struct variable variable_of(struct making *m, const struct sink_file *file, size_t bands,
                                   size_t label)
{
    const struct dimension *d = bands == SIZE_MAX ? NULL : &m->schema->dimensions[bands];
    size_t planes = cube_planes(m->schema);
    size_t *list = arena_array(m->arena, planes, sizeof *list);
    struct variable v = { .label = !d ? file->save->save.name
                                   : d->labels[label].is_number
                                       ? arena_printf(m->arena, "%.15g", d->labels[label].number)
                                       : d->labels[label].text,
                          .planes = list };

    v.name = take_name(m, d ? v.label : "var"); /* so others' back-ends call it, and readers know */
    for (size_t plane = 0; plane < planes; plane++)
        if (!d || cube_label_of(m->schema, bands, plane) == label)
            list[v.n_planes++] = plane;
    v.scale = file->bands[list[0]].scale;
    v.offset = file->bands[list[0]].offset;
    return v;
}

static bool find_crs(const struct grid *grid, OGRSpatialReferenceH *ret_crs, struct err *err)
{
    *ret_crs = NULL;
    if (grid->epsg <= 0)
        return true;
    *ret_crs = OSRNewSpatialReference(NULL);
    OSRSetAxisMappingStrategy(*ret_crs, OAMS_TRADITIONAL_GIS_ORDER);
    if (OSRImportFromEPSG(*ret_crs, grid->epsg) == OGRERR_NONE)
        return true;
    OSRDestroySpatialReference(*ret_crs);
    *ret_crs = NULL;
    return err_set(err, ERR_Internal, "EPSG:%d is not known.", grid->epsg);
}

bool variables_of(struct arena *arena, const struct sink_file *file, struct variables *ret,
                  struct err *err)
{
    static const char *const ours[] = { "x", "y", "crs", "spatial_ref" };
    const struct cube_schema *schema = &file->save->schema;
    struct making m = { .arena = arena, .schema = schema };
    struct axis *axes = arena_array(arena, schema->n_dimensions + 2, sizeof *axes);
    size_t bands = SIZE_MAX;
    struct variable *variables;

    for (size_t i = 0; i < schema->n_dimensions && bands == SIZE_MAX; i++)
        if (schema->dimensions[i].type == DIM_BANDS)
            bands = i;
    *ret = (struct variables){ .axes = axes,
                               .n_variables = bands == SIZE_MAX ? 1 : schema->dimensions[bands].count };
    m.names = arena_array(arena, 2 * schema->n_dimensions + ret->n_variables + ARRAY_LEN(ours),
                          sizeof *m.names);
    for (size_t i = 0; i < ARRAY_LEN(ours); i++)
        take_name(&m, ours[i]);
    if (!find_crs(&schema->grid, &ret->crs, err))
        return false;
    for (size_t i = 0; i < schema->n_dimensions; i++)
        if (i != bands && !dimension_is_horizontal(&schema->dimensions[i]))
            axes[ret->n_axes++] = outer_axis(&m, &schema->dimensions[i]);
    axes[ret->n_axes++] = centres(&m, 'y', ret->crs);
    axes[ret->n_axes++] = centres(&m, 'x', ret->crs);
    ret->variables = variables = arena_array(arena, ret->n_variables, sizeof *variables);
    for (size_t i = 0; i < ret->n_variables; i++)
        variables[i] = variable_of(&m, file, bands, i);
    return true;
}

void variables_done(struct variables *variables)
{
    if (variables->crs)
        OSRDestroySpatialReference(variables->crs);
    variables->crs = NULL;
}

void variables_place(const struct variables *variables, size_t i, size_t *ret_place)
{
    for (size_t k = variables->n_axes - 2; k-- > 0;) {
        ret_place[k] = i % variables->axes[k].count;
        i /= variables->axes[k].count;
    }
}
