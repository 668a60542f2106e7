/* save_result: whether a cube and the options fit a format (formats.c), and the sink's node. A change
 * of the pixel type is arithmetic before the sink: scale, round, clip. So is the range of a picture. */
#include "graph/formats.h"
#include "graph/picture.h"
#include "graph/planner.h"
#include "base/text.h"
#include "json/js.h"
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const struct {
    const char *name;
    enum pixel pixel;
    double least, greatest;
} types[] = {
    { "uint8", PIXEL_U8, 0, 255 },
    { "int8", PIXEL_I8, -128, 127 },
    { "uint16", PIXEL_U16, 0, 65535 },
    { "int16", PIXEL_I16, -32768, 32767 },
    { "uint32", PIXEL_U32, 0, 4294967295.0 },
    { "int32", PIXEL_I32, -2147483648.0, 2147483647.0 },
    { "float32", PIXEL_F32, 0, 0 },
    { "float64", PIXEL_F64, 0, 0 },
};

/* What the options say about the values. */
struct conversion {
    size_t type; /* index in types; SIZE_MAX: stays */
    double scale, offset, nodata;
    bool has_nodata;
    bool has_range; /* of a picture: these become 0 and 255 */
    double least, greatest, gamma;
};

static bool refuse_option(const struct call *call, const char *key, const char *expected,
                          struct err *err)
{
    return call_fail(call, err, ERR_ProcessParameterInvalid, "options", "option '%.60s': %s.", key,
                     expected);
}

static void read_type(const struct value *v, struct conversion *c)
{
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (!strcasecmp(types[i].name, v->text))
            c->type = i;
}

/* What raster/ need not know: the others it reads itself. */
static void take_option(const char *name, const struct value *v, struct conversion *c)
{
    if (!strcmp(name, "dtype"))
        read_type(v, c);
    else if (!strcmp(name, "scale"))
        c->scale = v->number;
    else if (!strcmp(name, "offset"))
        c->offset = v->number;
    else if (!strcmp(name, "nodata"))
        c->has_nodata = true, c->nodata = v->number;
    else if (!strcmp(name, "gamma"))
        c->gamma = v->number;
    else if (!strcmp(name, "range"))
        c->has_range = true, c->least = v->array.items[0].number, c->greatest = v->array.items[1].number;
}

static bool check_conversion(const struct call *call, const struct conversion *c, struct err *err)
{
    if (c->scale == 0)
        return refuse_option(call, "scale", "0 is no scale", err);
    if (c->type == SIZE_MAX && (c->scale != 1 || c->offset != 0 || c->has_nodata))
        return refuse_option(call, "scale", "scale, offset and nodata need dtype beside them", err);
    if (c->has_nodata && !pixel_holds(types[c->type].pixel, c->nodata))
        return refuse_option(call, "nodata", "the type of the pixels cannot hold this number", err);
    return true;
}

static bool is_given(const struct value *options, const char *name)
{
    const struct value *v = value_member(options, name);

    return v && v->kind != KIND_NULL;
}

static bool read_options(const struct call *call, const struct value *options,
                         const struct file_format *format, struct conversion *c, struct err *err)
{
    *c = (struct conversion){ .type = SIZE_MAX, .scale = 1, .gamma = 1 };
    for (size_t i = 0; options->kind == KIND_OBJECT && i < options->object.count; i++) {
        const char *key = options->object.keys[i], *expected;
        const struct value *v = &options->object.values[i];
        const struct format_option *option = format_option(format, key);

        if (v->kind == KIND_NULL) /* not set */
            continue;
        if (!option)
            return refuse_option(call, key,
                                 format->options[0] ? "there is no such option"
                                                    : "this format has no options", err);
        if (value_has(v, KIND_UNKNOWN))
            continue;
        expected = option_refuses(call->planner->arena, option, v);
        if (expected)
            return refuse_option(call, key, expected, err);
        take_option(option->name, v, c);
    }
    if (c->has_range && is_given(options, "percentiles"))
        return refuse_option(call, "percentiles", "there is a range already", err);
    return check_conversion(call, c, err);
}

/* Without a number from the user, one that clipping keeps valid numbers away from. */
static void settle_nodata(struct conversion *c, double *ret_least, double *ret_greatest)
{
    *ret_least = types[c->type].least;
    *ret_greatest = types[c->type].greatest;
    if (c->has_nodata)
        return;
    if (*ret_least < 0)
        c->nodata = (*ret_least)++;
    else
        c->nodata = (*ret_greatest)--;
}

static const struct expr *converted(struct planner *p, const struct conversion *c,
                                    const struct expr *e, double least, double greatest)
{
    struct expr_table *t = p->exprs;

    if (c->offset != 0)
        e = expr_binary(t, LANE_SUBTRACT, e, expr_constant(t, c->offset));
    if (c->scale != 1)
        e = expr_binary(t, LANE_DIVIDE, e, expr_constant(t, c->scale));
    if (types[c->type].pixel >= PIXEL_F32)
        return e;
    return expr_ternary(t, LANE_CLIP, expr_unary(t, LANE_ROUND, e), expr_constant(t, least),
                        expr_constant(t, greatest));
}

/* The bands of a file: all labels but dates. 0: not known yet. */
static size_t count_bands(const struct cube *cube)
{
    size_t n = 1;

    for (size_t i = 0; i < cube->schema.n_dimensions; i++) {
        const struct dimension *d = &cube->schema.dimensions[i];

        if (dimension_is_horizontal(d) || d->type == DIM_TEMPORAL)
            continue;
        if (cube->deferred[i])
            return 0;
        n *= d->count;
    }
    return n;
}

/* Values in proportion to 0..255. */
static const struct expr *stretch(struct planner *p, const struct conversion *c, const struct expr *e)
{
    struct expr_table *t = p->exprs;

    e = expr_binary(t, LANE_SUBTRACT, e, expr_constant(t, c->least));
    if (c->gamma == 1)
        return expr_ternary(t, LANE_CLIP, expr_binary(t, LANE_MULTIPLY, e, expr_constant(t, 255 / (c->greatest - c->least))),
                            expr_constant(t, 0), expr_constant(t, 255));
    e = expr_binary(t, LANE_MULTIPLY, e, expr_constant(t, 1 / (c->greatest - c->least)));
    e = expr_ternary(t, LANE_CLIP, e, expr_constant(t, 0), expr_constant(t, 1));
    e = expr_binary(t, LANE_POWER, e, expr_constant(t, 1 / c->gamma));
    return expr_binary(t, LANE_MULTIPLY, e, expr_constant(t, 255));
}

/* The band of a film that is not shown, by its number in a file; SIZE_MAX: there is none. */
static size_t unseen_band(const struct cube *cube, const struct file_format *format)
{
    size_t n = count_bands(cube);

    return format->film && (n == 2 || n == 4) ? n - 1 : SIZE_MAX;
}

/* The number of a plane among those of its date. */
static size_t band_of(const struct cube *cube, size_t plane)
{
    size_t band = 0;

    for (size_t i = 0; i < cube->schema.n_dimensions; i++) {
        const struct dimension *d = &cube->schema.dimensions[i];

        if (!dimension_is_horizontal(d) && d->type != DIM_TEMPORAL)
            band = band * d->count + cube_label_of(&cube->schema, i, plane);
    }
    return band;
}

/* Of a picture. It says itself what no-data is. */
static const struct cube *stretched(struct planner *p, const struct cube *cube, const struct file_format *format,
                                    const struct conversion *c)
{
    size_t n = cube_planes(&cube->schema), unseen = unseen_band(cube, format);
    struct cube *written = cube_like(p, cube);
    const struct expr **planes = arena_array(p->arena, n, sizeof *planes);

    for (size_t i = 0; i < n; i++)
        planes[i] = band_of(cube, i) == unseen ? cube->planes[i] : stretch(p, c, cube->planes[i]);
    written->planes = planes;
    written->schema.pixel = PIXEL_F32;
    written->schema.nodata = NAN;
    written->schema.has_nodata = true;
    return written;
}

static void set_scales(struct planner *p, struct cube *cube, const struct conversion *c)
{
    for (size_t i = 0; i < cube->schema.n_dimensions; i++) {
        struct dimension *d = cube_edit(cube, i);
        struct band_info *bands;

        if (d->type != DIM_BANDS || !d->bands)
            continue;
        bands = arena_array(p->arena, d->count, sizeof *bands);
        memcpy(bands, d->bands, d->count * sizeof *bands);
        for (size_t k = 0; k < d->count; k++) {
            bands[k].scale = c->scale;
            bands[k].offset = c->offset;
        }
        d->bands = bands;
    }
}

/* The cube as it is written. */
static const struct cube *convert(struct planner *p, const struct cube *cube, const struct file_format *format,
                                  struct conversion *c)
{
    size_t n = cube_planes(&cube->schema);
    double least, greatest;
    struct cube *written;
    const struct expr **planes;

    if (c->has_range)
        return stretched(p, cube, format, c);
    if (c->type == SIZE_MAX || (cube->schema.pixel == types[c->type].pixel && c->scale == 1 &&
                                c->offset == 0 && !c->has_nodata))
        return cube;
    written = cube_like(p, cube);
    planes = arena_array(p->arena, n, sizeof *planes);
    settle_nodata(c, &least, &greatest);
    for (size_t i = 0; i < n; i++)
        planes[i] = converted(p, c, cube->planes[i], least, greatest);
    written->planes = planes;
    written->schema.pixel = types[c->type].pixel;
    written->schema.nodata = types[c->type].pixel >= PIXEL_F32 ? NAN : c->nodata;
    written->schema.has_nodata = true;
    if (c->scale != 1 || c->offset != 0)
        set_scales(p, written, c);
    return written;
}

static bool check_bands(const struct call *call, const struct cube *cube, const struct value *options,
                        const struct file_format *format, struct err *err)
{
    static const char *const of_one[] = { "colormap", "palette" };
    size_t n = count_bands(cube), most = 8 * sizeof format->bands;
    const char *fit = NULL;

    if (!format->bands || n == 0)
        return true;
    for (size_t i = 0; n > (format->film ? 2u : 1u) && i < ARRAY_LEN(of_one); i++)
        if (is_given(options, of_one[i]))
            return call_fail(call, err, ERR_FormatUnsuitable, "data", "With a %s %s is of 1 band, the cube has %zu.", of_one[i],
                             format->name, n);
    if (n < most && format->bands & 1u << n)
        return true;
    for (size_t i = most; i-- > 0;)
        if (format->bands & 1u << i)
            fit = !fit ? arena_printf(call->planner->arena, "%zu", i)
                       : arena_printf(call->planner->arena, "%zu%s%s", i,
                                      strchr(fit, 'r') ? ", " : " or ", fit);
    return call_fail(call, err, ERR_FormatUnsuitable, "data", "%s holds %s bands, the cube has %zu.",
                     format->name, fit, n);
}

/* What an accuracy report is made of. */
static bool check_samples(const struct call *call, const struct cube *cube, const struct file_format *format,
                          struct err *err)
{
    static const char *const names[] = { "reference", "found" };

    if (strcmp(format->name, "Accuracy"))
        return true;
    for (size_t i = 0; i < cube->schema.n_dimensions; i++)
        if (cube->deferred[i])
            return true;
    for (size_t k = 0; k < ARRAY_LEN(names); k++) {
        bool there = false;

        for (size_t i = 0; i < cube->schema.n_dimensions; i++) {
            const struct dimension *d = &cube->schema.dimensions[i];

            for (size_t l = 0; d->labels && l < d->count; l++)
                there |= !d->labels[l].is_number && !strcmp(d->labels[l].text, names[k]);
        }
        if (!there)
            return call_fail(call, err, ERR_FormatUnsuitable, "data",
                             "an accuracy report needs the label '%s', which no dimension of the cube has.", names[k]);
    }
    return true;
}

static bool check_shape(const struct call *call, const struct cube *cube, const struct value *options,
                        const struct file_format *format, struct err *err)
{
    for (size_t i = 0; i < cube->schema.n_dimensions; i++)
        if (cube->schema.dimensions[i].count == 0 && !cube->deferred[i])
            return call_fail(call, err, ERR_DataCubeEmpty, "data",
                             "Dimension '%.60s' has no labels.", cube->schema.dimensions[i].name);
    if (!cube_has_grid(&cube->schema) && !format->numbers)
        return call_fail(call, err, ERR_FormatUnsuitable, "format",
                         "%s holds images; a cube without x and y can be saved as JSON or CSV.",
                         format->name);
    return check_samples(call, cube, format, err) && check_bands(call, cube, options, format, err);
}

/* Node ids are free text; file names are not. */
static const char *file_stem(struct planner *p, const char *id)
{
    char stem[80];
    size_t n = 0;

    for (; id[n] && n < 64; n++) {
        char c = id[n];

        stem[n] = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                          c == '-' || (c == '_')
                      ? c
                      : '_';
    }
    stem[n] = '\0';
    if (n == 0)
        strcpy(stem, "result");
    for (size_t i = 0, same = 1; i < p->n_sinks; i++) {
        if (strcmp(p->sinks[i].args.name, stem))
            continue;
        snprintf(stem + n, sizeof stem - n, "-%zu", ++same);
        i = SIZE_MAX; /* look again from the first */
    }
    return arena_text(p->arena, stem);
}

/* Options outlive the request: they are kept beside the scenes. */
static const json_t *keep_options(struct planner *p, const struct file_format *format,
                                  const struct value *options)
{
    json_t *kept, *json;

    if (!options || options->kind != KIND_OBJECT || options->object.count == 0)
        return NULL;
    kept = json_object_get(p->scenes, "options");
    if (!kept) {
        kept = json_array();
        json_object_set_new(p->scenes, "options", kept);
    }
    json = json_object();
    for (size_t i = 0; i < options->object.count; i++) {
        const struct format_option *option = format_option(format, options->object.keys[i]);

        if (options->object.values[i].kind == KIND_NULL)
            continue;
        json_object_set_new(json, option->name, value_to_json(&options->object.values[i]));
    }
    json_array_append_new(kept, json);
    return json;
}

static void add_sink(struct planner *p, const struct node *node, const struct cube *cube,
                     const struct file_format *format, const struct value *options)
{
    struct sink sink = { node, cube, { .name = file_stem(p, node->id), .format = format->name,
                                       .options = keep_options(p, format, options),
                                       .primary = node->is_result } };

    p->sinks = mem_grow(p->sinks, &p->sink_capacity, p->n_sinks + 1, sizeof *p->sinks);
    p->sinks[p->n_sinks++] = sink;
}

/* GeoJSON is in degrees whatever the cube is in. */
static bool in_degrees(const struct call *call, const struct cube **cube, struct err *err)
{
    struct cube *moved = cube_like(call->planner, *cube);

    *cube = moved;
    return geometries_in(call, "data", moved->schema.geometries, "EPSG:4326", true,
                         &moved->schema.geometries, err);
}

/* ---- as a picture of a map ---- */

static bool check_dates(const struct call *call, const struct cube *cube, struct err *err)
{
    for (size_t i = 0; i < cube->schema.n_dimensions; i++) {
        const struct dimension *d = &cube->schema.dimensions[i];

        if (d->type == DIM_TEMPORAL && d->count > 1 && !cube->deferred[i])
            return call_fail(call, err, ERR_FormatUnsuitable, "data",
                             "A map shows one picture, the cube has %zu dates: reduce the dimension '%.60s'.",
                             d->count, d->name);
    }
    return true;
}

/* Of the options of a picture those that say what its colours are: nothing is drawn upon a map, and its sizes are its own. */
static struct value colours_alone(struct planner *p, const struct value *options)
{
    static const char *const names[] = { "range", "gamma", "colormap" };
    AUTO(json) json_t *kept = json_object();

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (is_given(options, names[i]))
            json_object_set_new(kept, names[i], value_to_json(value_member(options, names[i])));
    return value_of_json(p->arena, kept);
}

/* The values on the grid of the wish, whatever format they were saved in; a GeoTIFF keeps its options. */
static bool save_numbers(struct call *call, const struct cube *cube, const struct file_format *format, const struct value *options,
                         struct err *err)
{
    struct planner *p = call->planner;
    const struct file_format *tiff = format_find("GTiff");
    const struct value none = { .kind = KIND_NULL };
    struct conversion conversion;

    if (format != tiff)
        options = &none;
    if (cube->schema.geometries || !cube_has_grid(&cube->schema))
        return call_fail(call, err, ERR_FormatUnsuitable, "data", "A coverage is a raster, the cube has none.");
    if (!read_options(call, options, tiff, &conversion, err) || !check_shape(call, cube, options, tiff, err))
        return false;
    if (p->mode != MODE_PLAN)
        return true;
    if (!check_dates(call, cube, err) || !cube_onto(call, cube, &p->catalog->picture->grid, &cube, err))
        return false;
    add_sink(p, call->node, convert(p, cube, tiff, &conversion), tiff, options);
    return true;
}

/* What is saved as PNG keeps its options; of all else the wish says how it looks. */
static bool save_picture(struct call *call, const struct cube *cube, const struct file_format *format,
                         const struct value *options, struct err *err)
{
    struct planner *p = call->planner;
    const struct picture_wish *wish = p->catalog->picture;
    const struct file_format *png = format_find("PNG");
    struct value wished = { .kind = KIND_NULL };
    struct conversion conversion;

    if (wish->numbers)
        return save_numbers(call, cube, format, options, err);
    if (format != png || options->kind != KIND_OBJECT || options->object.count == 0) {
        if (wish->options)
            wished = value_of_json(p->arena, wish->options);
    } else if (!read_options(call, options, png, &conversion, err)) {
        return false;
    } else {
        wished = colours_alone(p, options);
    }
    options = &wished;
    if (!format_holds(png, cube->schema.geometries ? "vector" : "raster"))
        return call_fail(call, err, ERR_FormatUnsuitable, "data", "A map shows rasters, the cube has geometries.");
    if (!read_options(call, options, png, &conversion, err) || !check_shape(call, cube, options, png, err))
        return false;
    if (p->mode != MODE_PLAN)
        return true;
    if (!check_dates(call, cube, err) || !cube_onto(call, cube, &wish->grid, &cube, err))
        return false;
    add_sink(p, call->node, convert(p, cube, png, &conversion), png, options);
    return true;
}

/* ---- as a picture of its own ---- */

/* What will be drawn smaller is computed in larger pixels: overviews have them. */
static bool on_picture_grid(const struct call *call, const struct cube **cube, const struct file_format *format,
                            const struct value *options, struct err *err)
{
    const struct dimension *t = cube_dimension_of(&(*cube)->schema, DIM_TEMPORAL);
    AUTO(json) json_t *json = value_to_json(options);
    struct picture_size size = picture_fit(&(*cube)->schema.grid, json, format->film);
    struct grid grid = picture_grid(&(*cube)->schema.grid, size);

    if (format->film && t && t->count > FORMAT_MOST_FRAMES)
        return call_fail(call, err, ERR_FormatUnsuitable, "data", "A film has at most %d frames, the cube has %zu dates.",
                         FORMAT_MOST_FRAMES, t->count);
    return grid_equal(&grid, &(*cube)->schema.grid) || cube_onto(call, *cube, &grid, cube, err);
}

bool run_save_result(struct call *call, struct value *ret, struct err *err)
{
    struct planner *p = call->planner;
    const struct cube *cube = call->arguments[0].cube;
    const struct file_format *format = format_find(call_text(call, "format"));
    const struct value *options = call_argument(call, "options");
    struct conversion conversion;

    if (!format)
        return call_fail(call, err, ERR_FormatUnsuitable, "format",
                         "'%.60s' is no output format; there are %s.", call_text(call, "format"),
                         format_names(p->arena));
    *ret = (struct value){ .kind = KIND_STAC };
    if (p->catalog->picture)
        return save_picture(call, cube, format, options, err);
    if (!format_holds(format, cube->schema.geometries ? "vector" : "raster"))
        return call_fail(call, err, ERR_FormatUnsuitable, "format", "%s cannot hold a %s cube.",
                         format->name, cube->schema.geometries ? "vector" : "raster");
    if (!read_options(call, options, format, &conversion, err) || !check_shape(call, cube, options, format, err))
        return false;
    if (p->mode != MODE_PLAN)
        return true;
    if (!strcmp(format->name, "GeoJSON") && !in_degrees(call, &cube, err))
        return false;
    if (format_option(format, "width") && !on_picture_grid(call, &cube, format, options, err))
        return false;
    add_sink(p, call->node, convert(p, cube, format, &conversion), format, options);
    ret->sink = p->n_sinks;
    return true;
}

bool save_implicit(struct planner *p, const struct node *node, const struct cube *cube,
                   struct err *err)
{
    struct call call = { .planner = p, .process = process_find("save_result"), .node = node };
    const struct file_format *format = format_find(cube_has_grid(&cube->schema) ? "GTiff" : "JSON");
    const struct value none = { .kind = KIND_NULL };

    if (p->catalog->picture)
        return save_picture(&call, cube, format, &none, err);
    if (!check_shape(&call, cube, &none, format, err))
        return false;
    if (p->mode != MODE_PLAN)
        return true;
    planner_notice(p, "info", node->id,
                   "The result is a cube that is not saved; it is written as %s.", format->name);
    add_sink(p, node, cube, format, NULL);
    return true;
}

void save_for_survey(const struct call *call, const struct cube *cube)
{
    struct planner *p = call->planner;

    p->n_sinks = 0; /* what was saved before it is none of its business */
    add_sink(p, call->node, cube, format_find(cube_has_grid(&cube->schema) ? "GTiff" : "JSON"), NULL);
}

const struct operation io_operations[] = {
    { .id = "load_collection", .run = run_load_collection },
    { .id = "load_stac", .run = run_load_stac },
    { .id = "load_uploaded_files", .run = run_load_uploaded_files },
    { .id = "save_result", .run = run_save_result, .effect = true },
    { .id = "export_workspace", .run = run_export_workspace, .effect = true },
    { .id = NULL },
};
