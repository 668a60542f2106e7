/* save_result: which formats and options there are, whether a cube fits, and the sink's node. A
 * change of the pixel type is arithmetic before the sink: scale, round, clip. */
#include "graph/planner.h"
#include "base/text.h"
#include "json/js.h"
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define TYPE_OPTIONS                                                                               \
    "\"dtype\":{\"type\":\"string\",\"enum\":[\"uint8\",\"int8\",\"uint16\",\"int16\",\"uint32\"," \
    "\"int32\",\"float32\",\"float64\"],\"description\":\"Pixel type of the file; without it the " \
    "type of the cube. Numbers are rounded half to even and limited to the range of the type. "    \
    "'datatype' means the same.\"},"                                                               \
    "\"scale\":{\"type\":\"number\",\"default\":1,\"description\":\"With dtype: stored number = "  \
    "(value - offset) / scale; scale and offset are written into the file.\"},"                    \
    "\"offset\":{\"type\":\"number\",\"default\":0,\"description\":\"See scale.\"},"               \
    "\"nodata\":{\"type\":\"number\",\"description\":\"With dtype: the number for no-data; "       \
    "without it the least number of a signed type, the greatest of an unsigned one.\"}"
#define COMPRESSION_OPTION                                                                         \
    "\"compression\":{\"type\":\"string\",\"enum\":[\"deflate\",\"zstd\"],"                        \
    "\"default\":\"deflate\",\"description\":\"deflate is read by every program, zstd is faster "  \
    "and a little smaller.\"},"

static const char formats_text[] =
    "{\"COG\":{\"title\":\"Cloud-optimised GeoTIFF\",\"description\":\"One file for each date, with "
    "all bands, tiles and overviews.\",\"gis_data_types\":[\"raster\"],\"parameters\":"
    "{" COMPRESSION_OPTION TYPE_OPTIONS "}},"
    "\"GTiff\":{\"title\":\"GeoTIFF\",\"description\":\"One tiled file for each date, with all "
    "bands.\",\"gis_data_types\":[\"raster\"],\"parameters\":{" COMPRESSION_OPTION TYPE_OPTIONS "}},"
    "\"PNG\":{\"title\":\"Picture (PNG)\",\"description\":\"One picture for each date; one band is "
    "grey, three are red, green, blue. Numbers are rounded and limited to 0..255.\","
    "\"gis_data_types\":[\"raster\"],\"parameters\":{}},"
    "\"JSON\":{\"title\":\"JSON\",\"description\":\"The numbers of a small raster cube as nested arrays, "
    "with its dimensions and labels. Of a vector cube with dates: for each date a list with one list of "
    "values for each geometry.\",\"gis_data_types\":[\"raster\",\"vector\"],\"parameters\":{}},"
    "\"CSV\":{\"title\":\"CSV\",\"description\":\"A vector cube as a table: a row for each date and "
    "geometry, a column for each other label.\",\"gis_data_types\":[\"table\",\"vector\"],"
    "\"parameters\":{}},"
    "\"GeoJSON\":{\"title\":\"GeoJSON\",\"description\":\"A vector cube as a FeatureCollection in "
    "degrees of longitude and latitude: its values beside the properties that the geometries have, their "
    "names made of all labels, with ~ between.\",\"gis_data_types\":[\"vector\"],"
    "\"parameters\":{}}}";

const char *graph_formats(void)
{
    return formats_text;
}

static const struct format {
    const char *name;
    bool geotiff;      /* has the options */
    size_t most_bands; /* 0: any number */
    bool numbers;      /* needs no x and y */
    bool raster, vector;
} formats[] = {
    { "COG", true, 0, false, true, false },   { "GTiff", true, 0, false, true, false },
    { "PNG", false, 4, false, true, false },  { "JSON", false, 0, true, true, true },
    { "CSV", false, 0, true, false, true },   { "GeoJSON", false, 0, true, false, true },
};

static const struct format *find_format(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(formats); i++)
        if (!strcasecmp(formats[i].name, name))
            return &formats[i];
    return NULL;
}

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

/* What the options say about the pixel type. */
struct conversion {
    size_t type; /* index in types; SIZE_MAX: stays */
    double scale, offset, nodata;
    bool has_nodata;
};

static bool refuse_option(const struct call *call, const char *key, const char *expected,
                          struct err *err)
{
    return call_fail(call, err, ERR_ProcessParameterInvalid, "options", "option '%.60s': %s.", key,
                     expected);
}

static bool read_type(const struct call *call, const char *key, const struct value *v,
                      struct conversion *c, struct err *err)
{
    for (size_t i = 0; v->kind == KIND_STRING && i < ARRAY_LEN(types); i++) {
        if (!strcasecmp(types[i].name, v->text)) {
            c->type = i;
            return true;
        }
    }
    return refuse_option(call, key,
                         "expected uint8, int8, uint16, int16, uint32, int32, float32 or float64",
                         err);
}

static bool read_option(const struct call *call, const char *key, const struct value *v,
                        struct conversion *c, struct err *err)
{
    if (!strcasecmp(key, "compression"))
        return (v->kind == KIND_STRING &&
                (!strcasecmp(v->text, "deflate") || !strcasecmp(v->text, "zstd"))) ||
               refuse_option(call, key, "expected deflate or zstd", err);
    if (!strcasecmp(key, "dtype") || !strcasecmp(key, "datatype"))
        return read_type(call, key, v, c, err);
    if (strcasecmp(key, "scale") && strcasecmp(key, "offset") && strcasecmp(key, "nodata"))
        return refuse_option(call, key, "there is no such option", err);
    if (v->kind != KIND_NUMBER || !isfinite(v->number))
        return refuse_option(call, key, "expected a finite number", err);
    if (!strcasecmp(key, "scale")) {
        c->scale = v->number;
        return v->number != 0 || refuse_option(call, key, "0 is no scale", err);
    }
    if (!strcasecmp(key, "offset")) {
        c->offset = v->number;
    } else {
        c->nodata = v->number;
        c->has_nodata = true;
    }
    return true;
}

static bool read_options(const struct call *call, const struct format *format,
                         struct conversion *c, struct err *err)
{
    const struct value *options = call_argument(call, "options");

    *c = (struct conversion){ .type = SIZE_MAX, .scale = 1 };
    for (size_t i = 0; options->kind == KIND_OBJECT && i < options->object.count; i++) {
        const char *key = options->object.keys[i];

        if (!format->geotiff)
            return refuse_option(call, key, "this format has no options", err);
        if (!read_option(call, key, &options->object.values[i], c, err))
            return false;
    }
    if (c->type == SIZE_MAX && (c->scale != 1 || c->offset != 0 || c->has_nodata))
        return refuse_option(call, "scale", "scale, offset and nodata need dtype beside them", err);
    if (c->has_nodata && types[c->type].pixel < PIXEL_F32 &&
        (c->nodata < types[c->type].least || c->nodata > types[c->type].greatest ||
         c->nodata != nearbyint(c->nodata)))
        return refuse_option(call, "nodata", "the type of the pixels cannot hold this number", err);
    return true;
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
static const struct cube *convert(struct planner *p, const struct cube *cube,
                                  struct conversion *c)
{
    size_t n = cube_planes(&cube->schema);
    double least, greatest;
    struct cube *written;
    const struct expr **planes;

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

static bool check_shape(const struct call *call, const struct cube *cube,
                        const struct format *format, struct err *err)
{
    const struct dimension *bands = cube_dimension_of(&cube->schema, DIM_BANDS);

    for (size_t i = 0; i < cube->schema.n_dimensions; i++)
        if (cube->schema.dimensions[i].count == 0 && !cube->deferred[i])
            return call_fail(call, err, ERR_DataCubeEmpty, "data",
                             "Dimension '%.60s' has no labels.", cube->schema.dimensions[i].name);
    if (!cube_has_grid(&cube->schema) && !format->numbers)
        return call_fail(call, err, ERR_FormatUnsuitable, "format",
                         "%s holds images; a cube without x and y can be saved as JSON.",
                         format->name);
    if (format->most_bands && bands && bands->count > format->most_bands)
        return call_fail(call, err, ERR_FormatUnsuitable, "format",
                         "%s holds at most %zu bands, the cube has %zu.", format->name,
                         format->most_bands, bands->count);
    return true;
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
static const json_t *keep_options(struct planner *p, const struct value *options)
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
        const struct value *v = &options->object.values[i];
        AUTO(mem) char *key = mem_text(options->object.keys[i]);

        for (char *c = key; *c; c++)
            *c = *c >= 'A' && *c <= 'Z' ? (char)(*c - 'A' + 'a') : *c;
        json_object_set_new(json, strcmp(key, "datatype") ? key : "dtype", value_to_json(v));
    }
    json_array_append_new(kept, json);
    return json;
}

static void add_sink(struct planner *p, const struct node *node, const struct cube *cube,
                     const struct format *format, const struct value *options)
{
    struct sink sink = { node, cube, { .name = file_stem(p, node->id), .format = format->name,
                                       .options = keep_options(p, options),
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

bool run_save_result(struct call *call, struct value *ret, struct err *err)
{
    struct planner *p = call->planner;
    const struct cube *cube = call->arguments[0].cube;
    const struct format *format = find_format(call_text(call, "format"));
    struct conversion conversion;

    if (!format)
        return call_fail(call, err, ERR_FormatUnsuitable, "format",
                         "'%.60s' is no output format; there are COG, GTiff, PNG, JSON, CSV and "
                         "GeoJSON.",
                         call_text(call, "format"));
    if (cube->schema.geometries ? !format->vector : !format->raster)
        return call_fail(call, err, ERR_FormatUnsuitable, "format", "%s cannot hold a %s cube.",
                         format->name, cube->schema.geometries ? "vector" : "raster");
    if (!read_options(call, format, &conversion, err))
        return false;
    *ret = (struct value){ .kind = KIND_STAC };
    if (!check_shape(call, cube, format, err))
        return false;
    if (p->mode != MODE_PLAN)
        return true;
    if (!strcmp(format->name, "GeoJSON") && !in_degrees(call, &cube, err))
        return false;
    add_sink(p, call->node, convert(p, cube, &conversion), format,
             call_argument(call, "options"));
    return true;
}

bool save_implicit(struct planner *p, const struct node *node, const struct cube *cube,
                   struct err *err)
{
    struct call call = { .planner = p, .process = process_find("save_result"), .node = node };
    const struct format *format = find_format(cube_has_grid(&cube->schema) ? "GTiff" : "JSON");

    if (!check_shape(&call, cube, format, err))
        return false;
    if (p->mode != MODE_PLAN)
        return true;
    planner_notice(p, "info", node->id,
                   "The result is a cube that is not saved; it is written as %s.", format->name);
    add_sink(p, node, cube, format, NULL);
    return true;
}

const struct operation io_operations[] = {
    { .id = "load_collection", .run = run_load_collection },
    { .id = "save_result", .run = run_save_result, .effect = true },
    { .id = NULL },
};
