/* One tile of one pass is one item, with an asset for each polarisation. Where a product is missing beside it, the item says
 * so: a tile that is covered in part is never told as a whole one. */
#include "jobs/ortho_items.h"
#include "config.h"
#include "base/instant.h"
#include "base/mem.h"
#include "base/text.h"
#include "graph/cube.h"
#include "jobs/ortho.h"
#include "jobs/results_stac.h"
#include "json/js.h"
#include "raster/engine.h"
#include "raster/probe.h"
#include "sar/names.h"
#include "sar/ortho.h"
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define SOFTWARE "Sentier " PACKAGE_VERSION
#define COG_TYPE "image/tiff; application=geotiff; profile=cloud-optimized"

static json_int_t number(const json_t *object, const char *name)
{
    return json_integer_value(json_object_get(object, name));
}

static void put(json_t *object, const char *name, const char *text)
{
    json_object_set_new(object, name, json_string(text));
}

static void put_time(json_t *object, const char *name, int64_t ms)
{
    char text[INSTANT_TEXT_SIZE];

    put(object, name, instant_format(ms, text));
}

static bool is_filtered(const json_t *about)
{
    return strcmp(js_text_in(about, "filter"), "none") != 0;
}

/* The name of a file, by which S1Tiling's users know it; layer: "LIA", or NULL. */
static char *file_name(const json_t *about, const json_t *scenes, const char *polarisation, const char *layer)
{
    const struct ortho_name name = { .platform = js_text_in(about, "platform"), .tile = js_text_in(about, "tile"),
                                     .polarisation = polarisation,
                                     .ascending = json_is_true(json_object_get(about, "ascending")),
                                     .relative_orbit = (int)number(about, "relative_orbit"),
                                     .start_ms = number(json_array_get(scenes, 0), "start"),
                                     .joined = json_array_size(scenes) > 1,
                                     .suffix = ortho_suffix(js_text_in(about, "calibration"), is_filtered(about)) };

    return layer ? ortho_layer_name(&name, layer) : ortho_name(&name);
}

/* Whether all images had what is asked for. */
static bool all_had(const json_t *made, const char *what)
{
    const char *key;
    json_t *facts;

    json_object_foreach((json_t *)made, key, facts)
        if (!json_is_true(json_object_get(facts, what)))
            return false;
    return json_object_size(made) > 0;
}

/* 2021:01:19 03:16:53, as TIFF has it */
static void tiff_time(int64_t ms, char ret[20])
{
    char text[INSTANT_TEXT_SIZE];

    instant_format(ms, text);
    snprintf(ret, 20, "%.4s:%.2s:%.2s %.8s", text, text + 5, text + 8, text + 11);
}

/* Those that took the place of the products' own orbits. */
static void put_orbit_files(json_t *m, const json_t *made)
{
    AUTO(text) struct text names = { 0 };
    const char *key;
    json_t *facts;

    json_object_foreach((json_t *)made, key, facts) {
        const char *name = js_text_in(facts, "orbit_file");

        if (*name)
            text_printf(&names, "%s%s", names.length ? ", " : "", name);
    }
    if (names.length)
        put(m, "ORBIT_FILES", names.data);
}

/* What images and layers tell alike. */
static json_t *common_metadata(const json_t *inputs)
{
    const json_t *about = json_object_get(inputs, "about"), *scenes = json_object_get(inputs, "scenes");
    json_t *m = json_object(), *scene;
    AUTO(text) struct text images = { 0 };
    char time[20], name[48];
    size_t i;

    put_time(m, "ACQUISITION_DATETIME", number(json_array_get(scenes, 0), "start"));
    json_array_foreach(scenes, i, scene) {
        snprintf(name, sizeof name, "ACQUISITION_DATETIME_%zu", i + 1);
        if (json_array_size(scenes) > 1)
            put_time(m, name, number(scene, "start"));
        text_printf(&images, "%s%s", i ? ", " : "", js_text_in(scene, "id"));
    }
    put(m, "FLYING_UNIT_CODE", js_text_in(about, "platform"));
    put(m, "IMAGE_TYPE", "GRD");
    put(m, "INPUT_S1_IMAGES", images.data ? images.data : "");
    put(m, "ORBIT_DIRECTION", json_is_true(json_object_get(about, "ascending")) ? "ASC" : "DES");
    json_object_set_new(m, "ORBIT_NUMBER", json_sprintf("%lld", number(about, "absolute_orbit")));
    json_object_set_new(m, "RELATIVE_ORBIT_NUMBER", json_sprintf("%03lld", number(about, "relative_orbit")));
    put(m, "ORTHORECTIFIED", "true");
    put(m, "S2_TILE_CORRESPONDING_CODE", js_text_in(about, "tile"));
    json_object_set_new(m, "S2_TILE_COVERAGE", json_sprintf("%.2f", json_number_value(json_object_get(about, "percent"))));
    put(m, "SPATIAL_RESOLUTION", "10");
    tiff_time(number(json_array_get(scenes, 0), "start"), time);
    put(m, "TIFFTAG_DATETIME", time);
    put(m, "TIFFTAG_SOFTWARE", SOFTWARE);
    return m;
}

json_t *ortho_layer_metadata(const json_t *inputs, const struct ortho_layer_kind *kind)
{
    json_t *m = common_metadata(inputs);

    put(m, "DATA_TYPE", kind->data_type);
    json_object_set_new(m, "TIFFTAG_IMAGEDESCRIPTION",
                        json_sprintf("%s, on tile %s of the Sentinel-2 grid", kind->title,
                                     js_text_in(json_object_get(inputs, "about"), "tile")));
    return m;
}

json_t *ortho_metadata(const json_t *inputs, const json_t *made)
{
    const json_t *about = json_object_get(inputs, "about");
    const char *polarisation = js_text_in(inputs, "polarisation");
    json_t *m = common_metadata(inputs);

    put(m, "CALIBRATION", js_text_in(about, "calibration"));
    put(m, "NOISE_REMOVED", all_had(made, "noise_removed") ? "True" : "False");
    put(m, "BORDER_NOISE_REMOVED", all_had(made, "border_removed") ? "True" : "False");
    put_orbit_files(m, made);
    put(m, "POLARIZATION", polarisation);
    put(m, "RESAMPLING", js_text_in(about, "resampling"));
    if (is_filtered(about)) {
        put(m, "FILTERED", js_text_in(about, "filter"));
        json_object_set_new(m, "FILTERING_WINDOW_RADIUS", json_sprintf("%lld", number(about, "radius")));
    }
    json_object_set_new(m, "TIFFTAG_IMAGEDESCRIPTION",
                        json_sprintf("%s of Sentinel-1 %s, orthorectified, on tile %s of the Sentinel-2 grid",
                                     js_text_in(about, "calibration"), polarisation, js_text_in(about, "tile")));
    return m;
}

/* ---- assets ---- */

static void put_grid(json_t *fields, const struct grid *g)
{
    double right = g->x0 + g->dx * (double)g->width, bottom = g->y0 - g->dy * (double)g->height;

    json_object_set_new(fields, "proj:code", json_sprintf("EPSG:%d", g->epsg));
    json_object_set_new(fields, "proj:epsg", json_integer(g->epsg));
    json_object_set_new(fields, "proj:shape", json_pack("[I,I]", (json_int_t)g->height, (json_int_t)g->width));
    json_object_set_new(fields, "proj:transform", json_pack("[f,f,f,f,f,f,i,i,i]", g->dx, 0.0, g->x0, 0.0, -g->dy, g->y0, 0, 0, 1));
    json_object_set_new(fields, "proj:bbox", json_pack("[f,f,f,f]", g->x0, bottom, right, g->y0));
}

static json_t *bands_of(const json_t *about, const json_t *join, const char *polarisation)
{
    bool centibels = !strcmp(js_text_in(about, "data_type"), "int16");
    json_t *band = json_pack("{s:s, s:s, s:s, s:i}", "name", polarisation, "description", js_text_in(about, "calibration"), "data_type",
                             js_text_in(about, "data_type"), "nodata", centibels ? INT16_MIN : 0);
    struct grid grid = ortho_grid(json_object_get(about, "grid"));

    if (centibels) {
        json_object_set_new(band, "unit", json_string("dB"));
        json_object_set_new(band, "scale", json_real(0.01));
        json_object_set_new(band, "offset", json_real(0));
    } else if (number(join, "valid") > 0) {
        json_object_set_new(band, "statistics",
                            json_pack("{s:O, s:O, s:O, s:O, s:f}", "minimum", json_object_get(join, "minimum"), "maximum",
                                      json_object_get(join, "maximum"), "mean", json_object_get(join, "mean"), "stddev",
                                      json_object_get(join, "stddev"), "valid_percent",
                                      100.0 * (double)number(join, "valid") / ((double)grid.width * (double)grid.height)));
    }
    return json_pack("[o]", band);
}

static void put_times(json_t *fields, const json_t *scenes)
{
    size_t n = json_array_size(scenes);

    put_time(fields, "start_datetime", number(json_array_get(scenes, 0), "start"));
    put_time(fields, "end_datetime", number(json_array_get(scenes, n - 1), "end"));
}

static json_t *derived_from(const json_t *scenes)
{
    json_t *list = json_array(), *scene;
    size_t i;

    json_array_foreach((json_t *)scenes, i, scene)
        json_array_append_new(list, json_pack("{s:O*, s:O*, s:O}", "collection", json_object_get(scene, "collection"), "url",
                                              json_object_get(scene, "url"), "id", json_object_get(scene, "id")));
    return list;
}

/* Where and when, and of what. */
static json_t *file_fields(const json_t *about, const json_t *join)
{
    const json_t *scenes = json_object_get(join, "scenes");
    struct grid grid = ortho_grid(json_object_get(about, "grid"));
    json_t *fields = json_pack("{s:o}", "derived_from", derived_from(scenes));
    double box[4];

    put_grid(fields, &grid);
    put_times(fields, scenes);
    if (raster_degrees(&grid, box))
        json_object_set_new(fields, "bbox", json_pack("[f,f,f,f]", box[0], box[1], box[2], box[3]));
    return fields;
}

static json_t *image_fields(const json_t *about, const json_t *join, const char *polarisation)
{
    json_t *fields = file_fields(about, join);

    json_object_set_new(fields, "roles", json_pack("[s]", "data"));
    json_object_set_new(fields, "bands", bands_of(about, join, polarisation));
    json_object_set_new(fields, "raster:bands", bands_of(about, join, polarisation));
    json_object_set_new(fields, "sar:polarizations", json_pack("[s]", polarisation));
    return fields;
}

/* Of the mask. */
static json_t *bitfields(void)
{
    static const char *const names[] = { "layover", "shadow", "no_height" };
    json_t *list = json_array();

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        json_array_append_new(list, json_pack("{s:s, s:I, s:i, s:[{s:i, s:s}, {s:i, s:s}]}", "name", names[i], "offset", (json_int_t)i,
                                              "length", 1, "classes", "value", 0, "name", "clear", "value", 1, "name", names[i]));
    return list;
}

static json_t *layer_fields(const json_t *about, const json_t *join, const struct ortho_layer_kind *kind)
{
    json_t *fields = file_fields(about, join);
    json_t *band = json_pack("{s:s, s:s, s:s, s:f, s:s*}", "name", kind->name, "description", kind->title, "data_type",
                             kind->pixel == PIXEL_U16 ? "uint16" : kind->pixel == PIXEL_U8 ? "uint8" : "float32", "nodata", kind->nodata,
                             "unit", kind->unit);

    if (kind->scale != 1) {
        json_object_set_new(band, "scale", json_real(kind->scale));
        json_object_set_new(band, "offset", json_real(0));
    }
    if (kind->classes)
        json_object_set_new(band, "classification:bitfields", bitfields());
    json_object_set_new(fields, "roles", json_pack("[s,s]", kind->classes ? "data-mask" : "data", kind->classes ? "metadata" : kind->role));
    json_object_set_new(fields, "bands", json_pack("[O]", band));
    json_object_set_new(fields, "raster:bands", json_pack("[o]", band));
    return fields;
}

/* ---- items ---- */

static void put_orbit(json_t *properties, const json_t *about)
{
    const char *platform = js_text_in(about, "platform");

    json_object_set_new(properties, "platform", json_sprintf("sentinel-1%c", tolower((unsigned char)platform[2])));
    put(properties, "constellation", "sentinel-1");
    json_object_set_new(properties, "instruments", json_pack("[s]", "c-sar"));
    put(properties, "sat:orbit_state", json_is_true(json_object_get(about, "ascending")) ? "ascending" : "descending");
    json_object_set(properties, "sat:relative_orbit", json_object_get(about, "relative_orbit"));
    json_object_set(properties, "sat:absolute_orbit", json_object_get(about, "absolute_orbit"));
    put(properties, "sar:instrument_mode", js_text_in(about, "mode"));
    put(properties, "sar:frequency_band", "C");
    json_object_set_new(properties, "sar:center_frequency", json_real(5.405));
    put(properties, "sar:product_type", "GRD");
    put(properties, "sar:observation_direction", "right");
}

/* The least of all polarisations, of the pixels that were asked for. */
double ortho_coverage(const json_t *about, const json_t *made)
{
    struct grid grid = ortho_grid(json_object_get(about, "grid"));
    double percent = 100;
    const char *key;
    json_t *join;

    json_object_foreach((json_t *)made, key, join)
        if (!json_object_get(join, "layer"))
            percent = fmin(percent, 100.0 * (double)number(join, "valid") / ((double)grid.width * (double)grid.height));
    return percent;
}

static void put_processing(json_t *properties, const json_t *about, const json_t *unused, double percent)
{

    json_object_set_new(properties, "processing:software", json_pack("{s:s}", "Sentier", PACKAGE_VERSION));
    put(properties, "processing:level", "L1");
    json_object_set_new(properties, "processing:lineage",
                        json_sprintf("%s, range-Doppler terrain correction, %s resampling%s%s", js_text_in(about, "calibration"),
                                     js_text_in(about, "resampling"), is_filtered(about) ? ", speckle filter " : "",
                                     is_filtered(about) ? js_text_in(about, "filter") : ""));
    json_object_set_new(properties, "grid:code", json_sprintf("MGRS-%s", js_text_in(about, "tile")));
    json_object_set_new(properties, "sentier:coverage", json_real(percent));
    put(properties, "sentier:completeness", percent < ORTHO_WHOLE ? "PARTIAL" : "WHOLE");
    if (json_array_size(unused))
        json_object_set(properties, "sentier:unused_neighbours", (json_t *)unused);
}

static json_t *geometry_of(const struct grid *grid, json_t *item)
{
    struct err ignored = { 0 };
    double c[4][2], box[4];

    if (raster_degrees(grid, box))
        json_object_set_new(item, "bbox", json_pack("[f,f,f,f]", box[0], box[1], box[2], box[3]));
    if (!raster_corners(grid, c, &ignored))
        return json_null();
    return json_pack("{s:s, s:[[[f,f],[f,f],[f,f],[f,f],[f,f]]]}", "type", "Polygon", "coordinates", c[0][0], c[0][1], c[3][0], c[3][1],
                     c[2][0], c[2][1], c[1][0], c[1][1], c[0][0], c[0][1]);
}

static json_t *item_of(const json_t *about, const json_t *unused, const json_t *scenes, double percent, const char *name)
{
    json_t *properties = json_object(), *links = json_array(), *scene;
    json_t *item = json_pack("{s:s, s:s, s:[s,s,s,s,s,s], s:s, s:o, s:o, s:o}", "type", "Feature", "stac_version", "1.1.0", "stac_extensions",
                             "https://stac-extensions.github.io/projection/v1.2.0/schema.json",
                             "https://stac-extensions.github.io/sar/v1.0.0/schema.json",
                             "https://stac-extensions.github.io/sat/v1.0.0/schema.json",
                             "https://stac-extensions.github.io/grid/v1.1.0/schema.json",
                             "https://stac-extensions.github.io/raster/v1.1.0/schema.json",
                             "https://stac-extensions.github.io/processing/v1.2.0/schema.json", "id", name, "properties", properties, "links",
                             links, "assets", json_object());
    struct grid grid = ortho_grid(json_object_get(about, "grid"));
    size_t i;

    json_object_set_new(item, "geometry", geometry_of(&grid, item));
    json_object_set_new(properties, "datetime", json_null());
    put_times(properties, scenes);
    put_orbit(properties, about);
    put_processing(properties, about, unused, percent);
    put_grid(properties, &grid);
    json_array_foreach((json_t *)scenes, i, scene) {
        AUTO(text) struct text href = { 0 };

        if (results_source_href(scene, "", &href))
            json_array_append_new(links, json_pack("{s:s, s:s, s:s}", "rel", "derived_from", "href", href.data, "type", "application/geo+json"));
    }
    return item;
}

/* "s1a_31TCJ_ASC_008_20200108txxxxxx": what the files of all polarisations are called, without it. */
static char *item_name(const char *file, const char *polarisation)
{
    AUTO(text) struct text part = { 0 };
    AUTO(mem) char *lower = mem_text(polarisation);
    const char *at;

    for (char *c = lower; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    text_printf(&part, "_%s_", lower);
    at = strstr(file, part.data);
    return mem_printf("%.*s_%.*s", at ? (int)(at - file) : 0, file, at ? (int)(strlen(at) - part.length - strlen(".tif")) : 0,
                      at ? at + part.length : "");
}

static json_t *without(const json_t *fields, const char *name)
{
    json_t *copy = json_copy((json_t *)fields);

    json_object_del(copy, "derived_from");
    json_object_del(copy, "bbox");
    json_object_del(copy, "start_datetime");
    json_object_del(copy, "end_datetime");
    json_object_del(copy, "raster:bands");
    json_object_set_new(copy, "href", json_sprintf("./%s", name));
    put(copy, "type", COG_TYPE);
    return copy;
}

/* What is made of all files of a package. */
struct package {
    const json_t *inputs, *about, *made;
    json_t *files, *item, *polarisations;
    char *name; /* of the item */
};

static void add_file(struct package *p, const json_t *join, const char *name, const char *asset, json_t *title_taken,
                     json_t *fields_taken)
{
    json_object_set_new(json_object_get(p->item, "assets"), asset, without(fields_taken, name));
    json_array_append_new(p->files, json_pack("{s:s, s:s, s:o, s:s, s:O, s:O, s:O, s:o}", "name", name, "type", COG_TYPE, "title",
                                              title_taken, "output", "images", "number", json_object_get(join, "number"), "token",
                                              json_object_get(join, "token"), "size", json_object_get(join, "size"), "fields",
                                              fields_taken));
}

static void add_image(struct package *p, const json_t *join)
{
    const json_t *scenes = json_object_get(join, "scenes");
    const char *polarisation = js_text_in(join, "polarisation");
    AUTO(mem) char *name = file_name(p->about, scenes, polarisation, NULL), *lower = mem_text(polarisation);

    for (char *c = lower; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    if (!p->item) {
        p->name = item_name(name, polarisation);
        p->item = item_of(p->about, json_object_get(p->inputs, "unused"), scenes, ortho_coverage(p->about, p->made), p->name);
    }
    json_array_append_new(p->polarisations, json_string(polarisation));
    add_file(p, join, name, lower,
             json_sprintf("%s %s of tile %s", js_text_in(p->about, "calibration"), polarisation, js_text_in(p->about, "tile")),
             image_fields(p->about, join, polarisation));
}

static void add_layer(struct package *p, const json_t *join)
{
    AUTO(mem) char *name = NULL;
    enum ortho_layer layer;

    if (!ortho_layer_find(js_text_in(join, "layer"), &layer))
        return;
    name = file_name(p->about, json_object_get(join, "scenes"), "", ortho_layers[layer].file);
    if (ortho_layers[layer].classes)
        json_array_append_new(json_object_get(p->item, "stac_extensions"),
                              json_string("https://stac-extensions.github.io/classification/v2.0.0/schema.json"));
    add_file(p, join, name, ortho_layers[layer].name,
             json_sprintf("%s on tile %s", ortho_layers[layer].title, js_text_in(p->about, "tile")),
             layer_fields(p->about, join, &ortho_layers[layer]));
}

static void add_item(struct package *p)
{
    AUTO(mem) char *name = mem_printf("%s.json", p->name);
    json_t *fields = json_copy(json_object_get(json_array_get(p->files, 0), "fields"));

    json_object_del(fields, "bands");
    json_object_del(fields, "raster:bands");
    json_object_del(fields, "sar:polarizations");
    json_object_set_new(fields, "roles", json_pack("[s]", "metadata"));
    json_object_set_new(json_object_get(p->item, "properties"), "sar:polarizations", p->polarisations);
    json_array_append_new(p->files, json_pack("{s:s, s:s, s:o, s:s, s:o, s:o}", "name", name, "type", "application/geo+json", "title",
                                              json_sprintf("Item of tile %s", js_text_in(p->about, "tile")), "output", "items", "content",
                                              p->item, "fields", fields));
}

/* Images first: the item is named by them. */
json_t *ortho_files(const json_t *inputs, const json_t *made, char **ret_name)
{
    struct package p = { .inputs = inputs, .about = json_object_get(inputs, "about"), .made = made, .files = json_array(),
                         .polarisations = json_array() };
    const char *key;
    json_t *join;

    json_object_foreach((json_t *)made, key, join)
        if (!json_object_get(join, "layer"))
            add_image(&p, join);
    json_object_foreach((json_t *)made, key, join)
        if (p.item && json_object_get(join, "layer"))
            add_layer(&p, join);
    if (p.item)
        add_item(&p);
    else
        json_decref(p.polarisations);
    *ret_name = p.item ? p.name : mem_text("empty");
    return p.files;
}
