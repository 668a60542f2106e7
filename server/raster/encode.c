/* One base tile of 1024 gives exactly one tile of the first overview and a square of 256 of the
 * second one, so overviews are made while the tile is in cache and nobody waits for a neighbour.
 * Squares of 256 are kept packed; what follows from them is small and made at the assembly. */
#include "raster/encode.h"
#include "base/mem.h"
#include "raster/schedule.h"
#include <libdeflate.h>
#include <math.h>
#include <string.h>
#include <zstd.h>

enum { LARGEST_PICTURE = 200000000, LARGEST_JSON = 4000000 };
enum { DEEPEST_PIXEL = 8, DEFLATE_LEVELS = 13, SQUEEZE = 1 /* level of reductions */ };

struct encoder {
    void *tile, *half, *quarter, *predicted, *packed;
    size_t packed_size;
    struct libdeflate_compressor *deflate[DEFLATE_LEVELS];
    struct libdeflate_decompressor *inflate;
    ZSTD_CCtx *zstd;
    ZSTD_DCtx *unzstd;
};

static size_t tile_bytes(size_t side)
{
    return side * side * DEEPEST_PIXEL;
}

static size_t packed_bound(void)
{
    return tile_bytes(BASE_TILE) + tile_bytes(BASE_TILE) / 64 + 65536;
}

size_t encoder_memory(void)
{
    return 2 * tile_bytes(BASE_TILE) + tile_bytes(HALF_TILE) + tile_bytes(QUARTER_TILE) +
           packed_bound();
}

void encoder_free(struct encoder *encoder)
{
    if (!encoder)
        return;
    free(encoder->tile);
    free(encoder->half);
    free(encoder->quarter);
    free(encoder->predicted);
    free(encoder->packed);
    for (size_t i = 0; i < DEFLATE_LEVELS; i++)
        if (encoder->deflate[i])
            libdeflate_free_compressor(encoder->deflate[i]);
    if (encoder->inflate)
        libdeflate_free_decompressor(encoder->inflate);
    ZSTD_freeCCtx(encoder->zstd);
    ZSTD_freeDCtx(encoder->unzstd);
    free(encoder);
}

bool encoder_new(struct encoder **ret_encoder, struct err *err)
{
    AUTO(encoder) struct encoder *e = MEM_NEW(struct encoder);

    e->tile = malloc(tile_bytes(BASE_TILE));
    e->predicted = malloc(tile_bytes(BASE_TILE));
    e->half = malloc(tile_bytes(HALF_TILE));
    e->quarter = malloc(tile_bytes(QUARTER_TILE));
    e->packed_size = packed_bound();
    e->packed = malloc(e->packed_size);
    e->inflate = libdeflate_alloc_decompressor();
    e->zstd = ZSTD_createCCtx();
    e->unzstd = ZSTD_createDCtx();
    if (!e->tile || !e->predicted || !e->half || !e->quarter || !e->packed || !e->inflate ||
        !e->zstd || !e->unzstd)
        return err_set(err, ERR_MemoryExceeded, "No memory for an encoder of %zu bytes.",
                       encoder_memory());
    *ret_encoder = e;
    e = NULL;
    return true;
}

/* ---- style ---- */

static bool read_options(const struct plan_node *save, struct file_style *style, struct err *err)
{
    const char *name = json_string_value(json_object_get(save->save.options, "compression"));

    if (name && !strcasecmp(name, "zstd")) {
        style->codec = CODEC_ZSTD;
        style->level = 1;
    } else if (!name || !strcasecmp(name, "deflate")) {
        style->codec = CODEC_DEFLATE;
        style->level = 6;
    } else {
        return err_set(err, ERR_ProcessParameterInvalid,
                       "%s/arguments/options/compression: expected deflate or zstd, found '%s'.",
                       save->pointer, name);
    }
    return true;
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

static bool check_picture(const struct plan_node *save, struct err *err)
{
    const struct dimension *t = cube_dimension_of(&save->schema, DIM_TEMPORAL);
    size_t bands = cube_planes(&save->schema) / (t && t->count ? t->count : 1);

    if (bands != 1 && bands != 3 && bands != 4)
        return err_set(err, ERR_FormatUnsuitable,
                       "%s: a PNG has 1, 3 or 4 bands, the cube has %zu.", save->pointer, bands);
    if (pixels_of(save) > LARGEST_PICTURE)
        return err_set(err, ERR_FormatUnsuitable,
                       "%s: a PNG has at most %d pixels, the cube has %.0f.", save->pointer,
                       LARGEST_PICTURE, pixels_of(save));
    return true;
}

static bool check_json(const struct plan_node *save, struct err *err)
{
    double values = pixels_of(save) * (double)cube_planes(&save->schema);

    if (values > LARGEST_JSON)
        return err_set(err, ERR_FormatUnsuitable,
                       "%s: JSON is for small cubes of at most %d values, this one has %.0f.",
                       save->pointer, LARGEST_JSON, values);
    return true;
}

bool file_style_of(const struct plan_node *save, struct file_style *ret_style, struct err *err)
{
    const char *format = save->save.format;
    struct file_style style = { .codec = CODEC_ZSTD, .level = SQUEEZE };
    enum pixel pixel = save->schema.pixel;

    style.kind = pixel_kind_of(&save->schema);
    style.tiff = !strcasecmp(format, "COG") || !strcasecmp(format, "GTiff");
    if (style.tiff) {
        style.predictor = pixel != PIXEL_F32 && pixel != PIXEL_F64;
        style.nearest = is_categorical(&save->schema);
        if (!read_options(save, &style, err))
            return false;
    } else if (!strcasecmp(format, "PNG")) {
        if (!check_picture(save, err))
            return false;
        /* values as they are (scaling is the graph's), with room for "no data" */
        if (style.kind.pixel != PIXEL_U8 && style.kind.pixel != PIXEL_BOOL)
            style.kind = (struct pixel_kind){ PIXEL_I16, INT16_MIN, true };
    } else if (!strcasecmp(format, "JSON")) {
        if (!check_json(save, err))
            return false;
    } else {
        return err_set(err, ERR_FormatUnsuitable,
                       "%s: cannot write the format '%s', expected COG, GTiff, PNG or JSON.",
                       save->pointer, format);
    }
    *ret_style = style;
    return true;
}

struct file_style file_style_squeezed(const struct file_style *style)
{
    struct file_style squeezed = *style;

    squeezed.codec = CODEC_ZSTD;
    squeezed.level = SQUEEZE;
    return squeezed;
}

size_t overview_count(int64_t width, int64_t height)
{
    size_t count = 0;

    for (; width > HALF_TILE || height > HALF_TILE; count++) {
        width = (width + 1) / 2;
        height = (height + 1) / 2;
    }
    return count;
}

/* ---- packing ---- */

static bool deflate_tile(struct encoder *e, int level, const void *pixels, size_t size,
                         size_t *ret_size, struct err *err)
{
    struct libdeflate_compressor **compressor = &e->deflate[level];

    if (!*compressor && !(*compressor = libdeflate_alloc_compressor(level)))
        return err_set(err, ERR_MemoryExceeded, "No memory for a compressor.");
    *ret_size = libdeflate_zlib_compress(*compressor, pixels, size, e->packed, e->packed_size);
    return *ret_size > 0 || err_set(err, ERR_Internal, "A tile did not fit its buffer.");
}

bool encoder_pack(struct encoder *e, const struct file_style *style, const void *pixels,
                  size_t side, const void **ret_data, size_t *ret_size, struct err *err)
{
    size_t size = side * side * pixel_size(style->kind.pixel);

    if (style->predictor) {
        pixel_tables[style->kind.pixel]->predict(e->predicted, pixels, side, side);
        pixels = e->predicted;
    }
    *ret_data = e->packed;
    if (style->codec == CODEC_DEFLATE)
        return deflate_tile(e, style->level, pixels, size, ret_size, err);
    *ret_size = ZSTD_compressCCtx(e->zstd, e->packed, e->packed_size, pixels, size, style->level);
    if (ZSTD_isError(*ret_size))
        return err_set(err, ERR_Internal, "A tile could not be packed: %s.",
                       ZSTD_getErrorName(*ret_size));
    return true;
}

bool encoder_unpack(struct encoder *e, const struct file_style *style, const void *packed,
                    size_t size, size_t side, void *pixels, struct err *err)
{
    size_t want = side * side * pixel_size(style->kind.pixel), got = 0;

    if (style->codec == CODEC_ZSTD) {
        got = ZSTD_decompressDCtx(e->unzstd, pixels, want, packed, size);
    } else if (libdeflate_zlib_decompress(e->inflate, packed, size, pixels, want, &got) !=
               LIBDEFLATE_SUCCESS) {
        got = 0;
    }
    if (got != want)
        return err_set(err, ERR_StorageFailure, "A tile of a part could not be unpacked.");
    if (style->predictor)
        pixel_tables[style->kind.pixel]->undo_predict(pixels, side, side);
    return true;
}

/* ---- planes ---- */

/* The pixels as a whole tile: gaps to the right and below. Full tiles are used as they are. */
static const void *pad(struct encoder *e, const struct file_style *style, const void *pixels,
                       size_t width, size_t height)
{
    size_t size = pixel_size(style->kind.pixel);

    if (width == BASE_TILE && height == BASE_TILE)
        return pixels;
    pixel_tables[style->kind.pixel]->fill(e->tile, pixel_kind_gap(&style->kind),
                                          (size_t)BASE_TILE * BASE_TILE);
    for (size_t y = 0; y < height; y++)
        memcpy((char *)e->tile + y * BASE_TILE * size, (const char *)pixels + y * width * size,
               width * size);
    return e->tile;
}

static bool add(struct encoder *e, const struct file_style *style, struct part_entry *entry,
                enum piece piece, const void *pixels, size_t side, struct part_writer *part,
                struct err *err)
{
    const void *data;
    size_t size;

    entry->piece = piece;
    return encoder_pack(e, style, pixels, side, &data, &size, err) &&
           part_add(part, entry, data, size, err);
}

static void halve(const struct file_style *style, void *dst, size_t side, const void *src,
                  size_t width, size_t height)
{
    const struct pixel_table *table = pixel_tables[style->kind.pixel];

    if (width < 2 * side || height < 2 * side)
        table->fill(dst, pixel_kind_gap(&style->kind), side * side);
    table->half(dst, side, src, 2 * side, width, height, style->kind.nodata,
                style->kind.has_nodata, style->nearest);
}

bool encoder_plane(struct encoder *e, const struct file_style *style, const struct grid *grid,
                   struct part_entry entry, const void *pixels, size_t width, size_t height,
                   struct part_writer *part, struct err *err)
{
    size_t overviews = style->tiff ? overview_count(grid->width, grid->height) : 0;
    struct file_style plain = file_style_squeezed(style);

    pixel_tables[style->kind.pixel]->measure(pixels, width * height, style->kind.nodata,
                                             style->kind.has_nodata, &entry.stats);
    pixels = pad(e, style, pixels, width, height);
    if (!add(e, style, &entry, PIECE_BASE, pixels, BASE_TILE, part, err))
        return false;
    memset(&entry.stats, 0, sizeof entry.stats);
    if (overviews < 1)
        return true;
    halve(style, e->half, HALF_TILE, pixels, width, height);
    if (!add(e, style, &entry, PIECE_HALF, e->half, HALF_TILE, part, err))
        return false;
    if (overviews < 2)
        return true;
    width = (width + 1) / 2;
    height = (height + 1) / 2;
    halve(style, e->quarter, QUARTER_TILE, e->half, width, height);
    return add(e, &plain, &entry, PIECE_QUARTER, e->quarter, QUARTER_TILE, part, err);
}
