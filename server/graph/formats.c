/* The table, its JSON, and the check of an option's value. */
#include "graph/formats.h"
#include "graph/graph.h"
#include <float.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

/* ---- options ---- */

static const struct format_option
    compression = { "compression", NULL, OPTION_CHOICE, "deflate zstd none", 0, 0, "\"deflate\"",
                    "deflate is read by every program, zstd is faster and a little smaller." },
    compression_level = { "compression_level", NULL, OPTION_INTEGER, NULL, 1, 9, NULL,
                          "From fast (1) to small (9); without it 6 for whole numbers in deflate, else 1." },
    chunk_compression = { "compression", NULL, OPTION_CHOICE, "deflate zstd none", 0, 0, "\"deflate\"",
                          "Of the chunks; deflate is what Zarr calls zlib." },
    netcdf_level = { "compression_level", NULL, OPTION_INTEGER, NULL, 0, 9, "1",
                     "Of deflate, from fast (1) to small (9); 0 does not compress." },
    overviews = { "overviews", NULL, OPTION_BOOLEAN, NULL, 0, 0, "true",
                  "Whether the file holds reduced copies of itself, down to 512 pixels." },
    overview_resampling = { "overview_resampling", NULL, OPTION_CHOICE, "average nearest", 0, 0, NULL,
                            "How overviews are made; without it nearest for booleans and classes, "
                            "else average. No-data does not count." },
    files = { "files", NULL, OPTION_CHOICE, "dates bands one", 0, 0, "\"dates\"",
              "dates: a file for each date, with all bands. bands: a file for each date and band. "
              "one: a single file; each date and band is a band of it." },
    dtype = { "dtype", "datatype", OPTION_CHOICE,
              "uint8 int8 uint16 int16 uint32 int32 float32 float64", 0, 0, NULL,
              "Pixel type of the file; without it the type of the cube. Numbers are rounded half to "
              "even and limited to the range of the type. 'datatype' means the same." },
    scale = { "scale", NULL, OPTION_NUMBER, NULL, -INFINITY, INFINITY, "1",
              "With dtype: stored number = (value - offset) / scale; scale and offset are written "
              "into the file." },
    offset = { "offset", NULL, OPTION_NUMBER, NULL, -INFINITY, INFINITY, "0", "See scale." },
    nodata = { "nodata", NULL, OPTION_NUMBER, NULL, -INFINITY, INFINITY, NULL,
               "With dtype: the number for no-data; without it the least number of a signed type, the "
               "greatest of an unsigned one." },
    range = { "range", NULL, OPTION_RANGE, NULL, 0, 0, NULL,
              "The values that become 0 and 255, those between in proportion; values beyond are "
              "limited." },
    colours = { "colormap", NULL, OPTION_COLOURS, NULL, 0, 0, NULL,
                "Of pictures of one band: numbers from 0 to 255 (after range) with their red, green, "
                "blue and, if wanted, alpha, each from 0 to 255. Other numbers are transparent." },
    areas = { "areas", NULL, OPTION_AREAS, NULL, 0, 0, NULL,
              "The mapped area of each class, in any unit; without it each class counts by its share of the samples." },
    quality = { "quality", NULL, OPTION_INTEGER, NULL, 1, 100, "85",
                "From small (1) to good (100)." };

static const struct format_option
    gamma_option = { "gamma", NULL, OPTION_NUMBER, NULL, 0.2, 5, "1",
                     "Brightens (above 1) or darkens what lies between dark and light: light ^ (1 / gamma)." },
    percentiles = { "percentiles", NULL, OPTION_RANGE, NULL, 0, 100, NULL,
                    "Instead of range: of all pixels of a band in this file, over all its dates, the values at these "
                    "percentiles become dark and light. So a series has one stretch and does not flicker." },
    palette = { "palette", NULL, OPTION_CHOICE, "grey vegetation moisture heat terrain", 0, 0, "\"grey\"",
                "Of one band: the colours from its dark to its light end. vegetation: brown, yellow, green; moisture: "
                "brown, white, blue; heat: black, red, yellow, white; terrain: green, brown, white." },
    width = { "width", NULL, OPTION_INTEGER, NULL, 16, FORMAT_WIDEST, NULL,
              "The picture is made as large as fits into width and height; without them as large as the cube." },
    height = { "height", NULL, OPTION_INTEGER, NULL, 16, FORMAT_HIGHEST, NULL, "See width." },
    title = { "title", NULL, OPTION_TEXT, NULL, 0, 200, NULL, "A text at the top: the name of the place, say." },
    caption = { "caption", NULL, OPTION_TEXT, NULL, 0, 200, NULL, "A second line below the title; without it the date, where show has it." },
    credit = { "credit", NULL, OPTION_TEXT, NULL, 0, 200, NULL, "A small text at the bottom. YYYY in it becomes the year or years of the dates." },
    legend = { "legend", NULL, OPTION_TEXT, NULL, 0, 100, NULL, "What the colours of a palette stand for, beside their bar." },
    show = { "show", NULL, OPTION_WORDS, "date scale north legend", 0, 0, NULL,
             "What else is drawn into the picture: its date, a scale bar, an arrow to the north, a bar of the palette's colours." },
    seconds = { "seconds", NULL, OPTION_NUMBER, NULL, 0.04, 20, "1", "How long each date is shown." },
    fade = { "fade", NULL, OPTION_NUMBER, NULL, 0, 5, "0", "For how many seconds a date blends into the next." },
    hold = { "hold", NULL, OPTION_BOOLEAN, NULL, 0, 0, "false",
             "Whether pixels that a date does not show keep what they showed last." },
    least_valid = { "least_valid", NULL, OPTION_NUMBER, NULL, 0, 1, "0",
                    "Dates that show a smaller share of the pixels (of those that any date shows) are left out." },
    loop = { "loop", NULL, OPTION_BOOLEAN, NULL, 0, 0, "true", "Whether the film begins again when it has ended." };

#define DRAWN_OPTIONS &gamma_option, &percentiles, &palette, &width, &height, &title, &caption, &credit, &legend, &show
#define FILM_OPTIONS &range, &colours, DRAWN_OPTIONS, &seconds, &fade, &hold, &least_valid
#define FILM_BANDS (BANDS(1) | BANDS(2) | BANDS(3) | BANDS(4))
#define FILM_TEXT "All dates are frames of at most 1920 x 1080 pixels, at most 200 of them; one band is grey or has a palette's " \
                  "colours, three are red, green, blue. A further band is not shown: where it is 0 or no-data, the pixel counts as not seen. "
#define TYPE_OPTIONS &dtype, &scale, &offset, &nodata
#define BANDS(n) (1u << (n))

static const struct file_format all_formats[] = {
    { "COG", "Cloud-optimised GeoTIFF", "One file for each date, with all bands, tiles and overviews.",
      "raster", { &compression, &compression_level, &overview_resampling, &files, TYPE_OPTIONS }, 0, false, false, NULL },
    { "GTiff", "GeoTIFF", "One tiled file for each date, with all bands and overviews.", "raster",
      { &compression, &compression_level, &overviews, &overview_resampling, &files, TYPE_OPTIONS }, 0, false, false, NULL },
    { "PNG", "Picture (PNG)",
      "One picture for each date; one band is grey, three are red, green, blue, a fourth is alpha. "
      "Numbers are rounded and limited to 0..255; no-data is transparent. What is resized or drawn upon has a dark ground instead.",
      "raster", { &range, &colours, DRAWN_OPTIONS }, BANDS(1) | BANDS(3) | BANDS(4), false, false, NULL },
    { "JPEG", "Picture (JPEG)",
      "One picture for each date; one band is grey, three are red, green, blue. Numbers are rounded and "
      "limited to 0..255; no-data is 0, there is no transparency.",
      "raster", { &quality, &range, DRAWN_OPTIONS }, BANDS(1) | BANDS(3), false, false, NULL },
    { "GIF", "Film (GIF)", FILM_TEXT "256 colours for all frames.", "raster", { FILM_OPTIONS, &loop }, FILM_BANDS, false, true, NULL },
    { "WebP", "Film or picture (WebP)", FILM_TEXT "One date makes a picture.", "raster", { FILM_OPTIONS, &loop, &quality }, FILM_BANDS,
      false, true, NULL },
    { "MP4", "Film (MP4, H.264)", FILM_TEXT, "raster", { FILM_OPTIONS, &quality }, FILM_BANDS, false, true, "ffmpeg" },
    { "WebM", "Film (WebM, VP9)", FILM_TEXT, "raster", { FILM_OPTIONS, &quality }, FILM_BANDS, false, true, "ffmpeg" },
    { "netCDF", "netCDF-4 (CF)",
      "One file by the CF conventions: a variable for each band over dates and other labels, y and x, "
      "with coordinates and CRS. Without bands the variable is called 'var'.",
      "raster", { &netcdf_level, TYPE_OPTIONS }, 0, false, false, NULL },
    { "Zarr", "Zarr (version 2, in a zip)",
      "One zip that Zarr libraries open as a store, all metadata consolidated: a variable for each band "
      "over dates and other labels, y and x, in chunks of 1024 x 1024 of one date, with coordinates and "
      "CRS. Chunks without data are left out.",
      "raster", { &chunk_compression, &compression_level, TYPE_OPTIONS }, 0, false, false, NULL },
    { "JSON", "JSON",
      "The numbers of a small raster cube as nested arrays, with its dimensions and labels. Of a vector "
      "cube with dates: for each date a list with one list of values for each geometry.",
      "raster vector", { NULL }, 0, true, false, NULL },
    { "CSV", "CSV",
      "A vector cube as a table: a row for each date and geometry, a column for each other label. Of a small raster "
      "cube a row for each date, other label and pixel (by the coordinates of its centre), a column for each band; "
      "without x and y a row for each date. No-data is empty.",
      "table vector raster", { NULL }, 0, true, false, NULL },
    { "GeoJSON", "GeoJSON",
      "A vector cube as a FeatureCollection in degrees of longitude and latitude: its values beside the "
      "properties that the geometries have, their names made of all labels, with ~ between.",
      "vector", { NULL }, 0, true, false, NULL },
    { "Accuracy", "Accuracy report (JSON)",
      "Of samples, which are the geometries of a vector cube with the labels 'reference' (the true class) and 'found' (the "
      "mapped one) along its only other dimension: the matrix of both, overall accuracy and kappa, the accuracies of users "
      "and producers, and the true share or area of each class with its error (95 %), as Olofsson et al. (2014) recommend.",
      "vector", { &areas }, 0, true, false, NULL },
};

/* The next word of a list, NULL at its end. */
static const char *next_word(const char **list, size_t *ret_length)
{
    const char *word = *list + strspn(*list, " ");

    *ret_length = strcspn(word, " ");
    *list = word + *ret_length;
    return *ret_length ? word : NULL;
}

/* ---- programs ---- */

static bool is_installed(const char *program)
{
    const char *path = getenv("PATH");

    for (const char *at = path ? path : "/usr/bin"; *at;) {
        size_t n = strcspn(at, ":");
        AUTO(mem) char *file = mem_printf("%.*s/%s", (int)n, at, program);

        if (n && !access(file, X_OK))
            return true;
        at += n + (at[n] == ':');
    }
    return false;
}

static bool is_missing[ARRAY_LEN(all_formats)];

static void look_for_programs(void)
{
    for (size_t i = 0; i < ARRAY_LEN(all_formats); i++)
        is_missing[i] = all_formats[i].program && !is_installed(all_formats[i].program);
}

/* The formats that there are here, NULL at their end. */
static const struct file_format *format_at(size_t n)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, look_for_programs);
    for (size_t i = 0; i < ARRAY_LEN(all_formats); i++)
        if (!is_missing[i] && n-- == 0)
            return &all_formats[i];
    return NULL;
}

const struct file_format *format_find(const char *name)
{
    const struct file_format *format;

    for (size_t i = 0; (format = format_at(i)); i++)
        if (!strcasecmp(format->name, name))
            return format;
    return NULL;
}

bool format_holds(const struct file_format *format, const char *type)
{
    const char *types = format->types, *word;
    size_t n;

    while ((word = next_word(&types, &n)))
        if (n == strlen(type) && !strncmp(word, type, n))
            return true;
    return false;
}

const char *format_names(struct arena *arena)
{
    const char *names = format_at(0)->name;

    for (size_t i = 1; format_at(i); i++)
        names = arena_printf(arena, "%s%s%s", names, format_at(i + 1) ? ", " : " and ", format_at(i)->name);
    return names;
}

const struct format_option *format_option(const struct file_format *format, const char *key)
{
    for (size_t i = 0; format->options[i]; i++)
        if (!strcasecmp(format->options[i]->name, key) ||
            (format->options[i]->alias && !strcasecmp(format->options[i]->alias, key)))
            return format->options[i];
    return NULL;
}

/* ---- values ---- */

static bool is_choice(const char *choices, const char *text)
{
    const char *word;
    size_t n;

    while ((word = next_word(&choices, &n)))
        if (strlen(text) == n && !strncasecmp(word, text, n))
            return true;
    return false;
}

static const char *list_choices(struct arena *arena, const char *choices)
{
    const char *all = "expected", *word;
    size_t n;

    while ((word = next_word(&choices, &n))) {
        const char *rest = choices, *before = ",";
        size_t ignored;

        if (!strcmp(all, "expected"))
            before = "";
        else if (!next_word(&rest, &ignored))
            before = " or";
        all = arena_printf(arena, "%s%s %.*s", all, before, (int)n, word);
    }
    return all;
}

static bool is_number(const struct value *v, double least, double greatest, bool whole)
{
    return v->kind == KIND_NUMBER && isfinite(v->number) && v->number >= least &&
           v->number <= greatest && (!whole || v->number == floor(v->number));
}

static bool is_range(const struct value *v, double least, double greatest)
{
    return v->kind == KIND_ARRAY && v->array.length == 2 &&
           is_number(&v->array.items[0], least, greatest, false) &&
           is_number(&v->array.items[1], least, greatest, false) &&
           v->array.items[0].number < v->array.items[1].number;
}

static bool is_colour(const char *key, const struct value *v)
{
    double number;

    if (!text_to_number(key, &number) || number < 0 || number > 255 || number != floor(number) ||
        v->kind != KIND_ARRAY || v->array.length < 3 || v->array.length > 4)
        return false;
    for (size_t i = 0; i < v->array.length; i++)
        if (!is_number(&v->array.items[i], 0, 255, true))
            return false;
    return true;
}

static bool are_colours(const struct value *v)
{
    for (size_t i = 0; v->kind == KIND_OBJECT && i < v->object.count; i++)
        if (!is_colour(v->object.keys[i], &v->object.values[i]))
            return false;
    return v->kind == KIND_OBJECT && v->object.count > 0;
}

static bool are_areas(const struct value *v)
{
    double class;

    for (size_t i = 0; v->kind == KIND_OBJECT && i < v->object.count; i++)
        if (!text_to_number(v->object.keys[i], &class) || class != floor(class) ||
            !is_number(&v->object.values[i], DBL_MIN, 1e300, false))
            return false;
    return v->kind == KIND_OBJECT && v->object.count > 0;
}

static bool are_words(const struct value *v, const char *choices)
{
    for (size_t i = 0; v->kind == KIND_ARRAY && i < v->array.length; i++)
        if (v->array.items[i].kind != KIND_STRING || !is_choice(choices, v->array.items[i].text))
            return false;
    return v->kind == KIND_ARRAY;
}

static bool is_open(const struct format_option *range_option)
{
    return range_option->least == range_option->greatest;
}

const char *option_refuses(struct arena *arena, const struct format_option *o,
                           const struct value *v)
{
    switch (o->kind) {
    case OPTION_CHOICE:
        return v->kind == KIND_STRING && is_choice(o->choices, v->text)
                   ? NULL
                   : list_choices(arena, o->choices);
    case OPTION_NUMBER:
        return is_number(v, o->least, o->greatest, false) ? NULL
               : isfinite(o->least) ? arena_printf(arena, "expected a number from %g to %g", o->least, o->greatest)
                                    : "expected a finite number";
    case OPTION_INTEGER:
        return is_number(v, o->least, o->greatest, true)
                   ? NULL
                   : arena_printf(arena, "expected a whole number from %g to %g", o->least, o->greatest);
    case OPTION_BOOLEAN:
        return v->kind == KIND_BOOLEAN ? NULL : "expected true or false";
    case OPTION_RANGE:
        return is_open(o) ? (is_range(v, -INFINITY, INFINITY) ? NULL : "expected two finite numbers, the first one less than the second")
               : is_range(v, o->least, o->greatest)
                   ? NULL
                   : arena_printf(arena, "expected two numbers from %g to %g, the first one less than the second", o->least, o->greatest);
    case OPTION_AREAS:
        return are_areas(v) ? NULL : "expected whole numbers as names, each with a number above 0";
    case OPTION_TEXT:
        return v->kind == KIND_STRING && (double)strlen(v->text) <= o->greatest
                   ? NULL
                   : arena_printf(arena, "expected a text of at most %g bytes", o->greatest);
    case OPTION_WORDS:
        return are_words(v, o->choices) ? NULL : arena_printf(arena, "expected an array of some of: %s", o->choices);
    case OPTION_COLOURS:
        break;
    }
    return are_colours(v) ? NULL
                          : "expected numbers from 0 to 255 as names, each with an array of 3 or 4 "
                            "whole numbers from 0 to 255";
}

/* ---- JSON ---- */

static json_t *words_json(const char *list)
{
    json_t *words = json_array();
    const char *word;
    size_t n;

    while ((word = next_word(&list, &n)))
        json_array_append_new(words, json_stringn(word, n));
    return words;
}

static json_t *number_json(double number)
{
    return number == floor(number) ? json_integer((json_int_t)number) : json_real(number);
}

static void put_bounds(json_t *schema, const struct format_option *o)
{
    if (isfinite(o->least))
        json_object_set_new(schema, "minimum", number_json(o->least));
    if (isfinite(o->greatest))
        json_object_set_new(schema, "maximum", number_json(o->greatest));
}

static json_t *option_json(const struct format_option *o)
{
    static const char *const types[] = {
        [OPTION_CHOICE] = "string",   [OPTION_NUMBER] = "number", [OPTION_INTEGER] = "integer",
        [OPTION_BOOLEAN] = "boolean", [OPTION_RANGE] = "array",   [OPTION_COLOURS] = "object",
        [OPTION_AREAS] = "object",
        [OPTION_TEXT] = "string",     [OPTION_WORDS] = "array",
    };
    /* by its subtype it is none of the process graphs and cubes that the API's schema would take it for, too */
    json_t *schema = json_pack("{s:s, s:s, s:s}", "type", types[o->kind], "subtype", "format-option",
                               "description", o->description);

    if (o->kind == OPTION_CHOICE)
        json_object_set_new(schema, "enum", words_json(o->choices));
    if (o->kind == OPTION_NUMBER || o->kind == OPTION_INTEGER)
        put_bounds(schema, o);
    if (o->kind == OPTION_RANGE)
        json_object_update_new(schema, json_pack("{s:{s:s}, s:i, s:i}", "items", "type", "number",
                                                 "minItems", 2, "maxItems", 2));
    if (o->kind == OPTION_AREAS)
        json_object_update_new(schema, json_pack("{s:i, s:{s:s, s:i, s:b}}", "minProperties", 1, "additionalProperties", "type",
                                                 "number", "minimum", 0, "exclusiveMinimum", 1));
    if (o->kind == OPTION_TEXT)
        json_object_set_new(schema, "maxLength", json_integer((json_int_t)o->greatest));
    if (o->kind == OPTION_WORDS)
        json_object_set_new(schema, "items", json_pack("{s:s, s:o}", "type", "string", "enum", words_json(o->choices)));
    if (o->kind == OPTION_COLOURS)
        json_object_update_new(schema, json_pack("{s:i, s:{s:s, s:i, s:i, s:{s:s, s:i, s:i}}}", "minProperties",
                                                 1, "additionalProperties", "type", "array", "minItems", 3,
                                                 "maxItems", 4, "items", "type", "integer", "minimum", 0,
                                                 "maximum", 255));
    if (o->fallback)
        json_object_set_new(schema, "default", json_loads(o->fallback, JSON_DECODE_ANY, NULL));
    return schema;
}

json_t *graph_formats(void)
{
    json_t *all = json_object();

    for (size_t i = 0; format_at(i); i++) {
        const struct file_format *f = format_at(i);
        json_t *options = json_object();

        for (size_t k = 0; f->options[k]; k++)
            json_object_set_new(options, f->options[k]->name, option_json(f->options[k]));
        json_object_set_new(all, f->name,
                            json_pack("{s:s, s:s, s:o, s:o}", "title", f->title, "description",
                                      f->description, "gis_data_types", words_json(f->types),
                                      "parameters", options));
    }
    return all;
}

/* ---- inputs ---- */

static const struct file_input inputs[] = {
    { "GTiff", "GeoTIFF",
      "Images whose reference system has an EPSG code. A date in the name of a file (2023-08-15 or 20230815, maybe with "
      "T and a time) makes it a label of t; without dates there is no t. A band without a description is called B1, B2, "
      "..., that of a file with one band as the file.",
      true },
    { "netCDF", "netCDF",
      "Variables over x and y, with a reference system that has an EPSG code. Those of one grid become bands; a dimension of time "
      "becomes t, labels of others become part of the bands' names.",
      true },
    { "Zarr", "Zarr (zip)", "A zip of a Zarr store, which is read as netCDF is.", true },
    { "GeoJSON", "GeoJSON", "Features or geometries.", false },
    { "GPKG", "GeoPackage", "The features of the first layer.", false },
    { "FlatGeobuf", "FlatGeobuf", "The features of the file.", false },
};

const struct file_input *format_input(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(inputs); i++)
        if (!strcasecmp(inputs[i].name, name))
            return &inputs[i];
    return NULL;
}

const char *format_inputs(struct arena *arena)
{
    const char *names = inputs[0].name;

    for (size_t i = 1; i < ARRAY_LEN(inputs); i++)
        names = arena_printf(arena, "%s%s%s", names, i + 1 < ARRAY_LEN(inputs) ? ", " : " and ", inputs[i].name);
    return names;
}

json_t *graph_input_formats(void)
{
    json_t *all = json_object();

    for (size_t i = 0; i < ARRAY_LEN(inputs); i++) {
        const struct file_input *f = &inputs[i];
        json_t *parameters = json_object();

        if (!f->is_image)
            json_object_set_new(parameters, "properties",
                                json_pack("{s:s, s:s, s:s, s:{s:s}}", "type", "array", "subtype", "format-option",
                                          "description", "Properties whose values become those of "
                                          "the cube; without it there are geometries alone.",
                                          "items", "type", "string"));
        json_object_set_new(all, f->name,
                            json_pack("{s:s, s:s, s:[s], s:o}", "title", f->title, "description", f->description,
                                      "gis_data_types", f->is_image ? "raster" : "vector", "parameters", parameters));
    }
    return all;
}
