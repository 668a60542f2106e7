/* What a save's format and options ask of the tiles, and how much each format can hold. The options
 * were checked when the graph was read; what a job kept is checked again, for it comes from outside. */
#include "graph/formats.h"
#include "json/js.h"
#include "raster/encode.h"
#include <math.h>
#include <string.h>

enum { LARGEST_PICTURE = 200000000, LARGEST_JPEG_SIDE = 65500, LARGEST_TEXT = 4000000 };
enum { SQUEEZE = 1 /* level of what is only kept */, ZSTD_LEVEL = 1, DEFLATE_LEVEL = 6,
       DEFLATE_FLOATS = 1 /* their last bits are noise to every level */ };

static const struct packing {
    const char *name;
    enum codec codec;
    int level;
} packings[] = {
    { "deflate", CODEC_DEFLATE, DEFLATE_LEVEL },
    { "zstd", CODEC_ZSTD, ZSTD_LEVEL },
    { "none", CODEC_NONE, 0 },
};

static const char *option_text(const struct plan_node *save, const char *name, const char *fallback)
{
    const char *text = js_text(save->save.options, name);

    return text ? text : fallback;
}

static bool is_float(enum pixel pixel)
{
    return pixel == PIXEL_F32 || pixel == PIXEL_F64;
}

static bool read_packing(const struct plan_node *save, struct file_style *style, struct err *err)
{
    const char *name = option_text(save, "compression", packings[0].name);
    const json_t *level = json_object_get(save->save.options, "compression_level");

    for (size_t i = 0; i < ARRAY_LEN(packings); i++) {
        if (strcasecmp(packings[i].name, name))
            continue;
        style->codec = packings[i].codec;
        style->level = packings[i].level;
        if (style->codec == CODEC_DEFLATE && is_float(style->kind.pixel))
            style->level = DEFLATE_FLOATS;
        style->noisy_faster = style->codec == CODEC_DEFLATE && !level;
        if (style->level && json_number_value(level) >= 1 && json_number_value(level) <= 9)
            style->level = (int)json_number_value(level);
        return true;
    }
    return err_set(err, ERR_ProcessParameterInvalid,
                   "%s/arguments/options/compression: expected deflate, zstd or none, found '%s'.",
                   save->pointer, name);
}

static bool is_categorical(const struct cube_schema *schema)
{
    const struct dimension *bands = cube_dimension_of(schema, DIM_BANDS);

    if (schema->pixel == PIXEL_BOOL)
        return true;
    for (size_t i = 0; bands && bands->bands && i < bands->count; i++)
        if (bands->bands[i].categorical)
            return true;
    return false;
}

static double pixels_of(const struct plan_node *save)
{
    return (double)save->schema.grid.width * (double)save->schema.grid.height;
}

/* ---- one for each format ---- */

static bool tiff_style(const struct plan_node *save, struct file_style *style, struct err *err)
{
    const char *how = option_text(save, "overview_resampling", NULL);

    style->nearest = how ? !strcasecmp(how, "nearest") : is_categorical(&save->schema);
    style->overviews = !json_is_false(json_object_get(save->save.options, "overviews"));
    if (!read_packing(save, style, err))
        return false;
    style->predictor = style->codec != CODEC_NONE && !is_float(style->kind.pixel);
    return true;
}

/* Values as they are (scaling is the graph's), with room for "no data"; what is stretched by percentiles keeps its numbers. */
static bool picture_style(const struct plan_node *save, struct file_style *style, struct err *err)
{
    const struct dimension *t = cube_dimension_of(&save->schema, DIM_TEMPORAL);
    size_t bands = cube_planes(&save->schema) / (t && t->count ? t->count : 1);
    const struct file_format *format = format_find(save->save.format);
    bool film = format && format->film;

    if (bands != 1 && bands != 3 && bands != 4 && !(film && bands == 2))
        return err_set(err, ERR_FormatUnsuitable, "%s: a %s has 1, %s3 or 4 bands, the cube has %zu.",
                       save->pointer, save->save.format, film ? "2, " : "", bands);
    if (pixels_of(save) > LARGEST_PICTURE)
        return err_set(err, ERR_FormatUnsuitable,
                       "%s: a %s has at most %d pixels, the cube has %.0f.", save->pointer,
                       save->save.format, LARGEST_PICTURE, pixels_of(save));
    if (!json_object_get(save->save.options, "percentiles") && style->kind.pixel != PIXEL_U8 && style->kind.pixel != PIXEL_BOOL)
        style->kind = (struct pixel_kind){ PIXEL_I16, INT16_MIN, true };
    return true;
}

static bool jpeg_style(const struct plan_node *save, struct file_style *style, struct err *err)
{
    const struct grid *g = &save->schema.grid;

    if (g->width > LARGEST_JPEG_SIDE || g->height > LARGEST_JPEG_SIDE)
        return err_set(err, ERR_FormatUnsuitable,
                       "%s: a JPEG has at most %d columns and rows, the cube has %lld x %lld.",
                       save->pointer, LARGEST_JPEG_SIDE, (long long)g->width, (long long)g->height);
    return picture_style(save, style, err);
}

/* GDAL has no signed bytes yet. */
static bool netcdf_style(const struct plan_node *save, struct file_style *style, struct err *err)
{
    (void)save, (void)err;
    if (style->kind.pixel == PIXEL_I8)
        style->kind.pixel = PIXEL_I16;
    return true;
}

/* Tiles are chunks as they are. */
static bool zarr_style(const struct plan_node *save, struct file_style *style, struct err *err)
{
    return read_packing(save, style, err);
}

static bool text_style(const struct plan_node *save, struct file_style *style, struct err *err)
{
    double values = pixels_of(save) * (double)cube_planes(&save->schema);

    (void)style;
    if (values > LARGEST_TEXT)
        return err_set(err, ERR_FormatUnsuitable,
                       "%s: %s is for small cubes of at most %d values, this one has %.0f.",
                       save->pointer, save->save.format, LARGEST_TEXT, values);
    return true;
}

static const struct {
    const char *format;
    bool (*style)(const struct plan_node *save, struct file_style *style, struct err *err);
} styles[] = {
    { "COG", tiff_style }, { "GTiff", tiff_style }, { "PNG", picture_style },
    { "JPEG", jpeg_style }, { "GIF", picture_style }, { "WebP", picture_style },
    { "MP4", picture_style }, { "WebM", picture_style }, { "netCDF", netcdf_style },
    { "Zarr", zarr_style }, { "JSON", text_style }, { "CSV", text_style },
};

bool file_style_of(const struct plan_node *save, struct file_style *ret_style, struct err *err)
{
    struct file_style style = { .codec = CODEC_ZSTD, .level = SQUEEZE,
                                .kind = pixel_kind_of(&save->schema) };

    for (size_t i = 0; i < ARRAY_LEN(styles); i++) {
        if (strcasecmp(styles[i].format, save->save.format))
            continue;
        if (!styles[i].style(save, &style, err))
            return false;
        *ret_style = style;
        return true;
    }
    return err_set(err, ERR_FormatUnsuitable, "%s: cannot write the format '%s'.", save->pointer,
                   save->save.format);
}

struct file_style file_style_squeezed(const struct file_style *style)
{
    struct file_style squeezed = *style;

    squeezed.codec = CODEC_ZSTD;
    squeezed.level = SQUEEZE;
    return squeezed;
}

size_t style_overviews(const struct file_style *style, const struct grid *grid)
{
    int64_t width = grid->width, height = grid->height;
    size_t count = 0;

    for (; style->overviews && (width > HALF_TILE || height > HALF_TILE); count++) {
        width = (width + 1) / 2;
        height = (height + 1) / 2;
    }
    return count;
}
