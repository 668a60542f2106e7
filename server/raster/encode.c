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

enum { DEEPEST_PIXEL = 8, DEFLATE_LEVELS = 13 };

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

/* ---- packing ---- */

static bool deflate_bytes(struct encoder *e, int level, const void *bytes, size_t size, size_t *ret_size, struct err *err)
{
    struct libdeflate_compressor **compressor = &e->deflate[level];

    if (!*compressor && !(*compressor = libdeflate_alloc_compressor(level)))
        return err_set(err, ERR_MemoryExceeded, "No memory for a compressor.");
    *ret_size = libdeflate_zlib_compress(*compressor, bytes, size, e->packed, e->packed_size);
    return *ret_size > 0 || err_set(err, ERR_Internal, "A tile did not fit its buffer.");
}

/* Of measured numbers most bits are noise, in which higher levels look for repetitions in vain: reflectances of a scene take twice as
 * long at level 6 as at level 1, and come out no smaller. A few rows tell. */
static bool deflate_tile(struct encoder *e, const struct file_style *style, const void *pixels, size_t side, size_t size, size_t *ret_size,
                         struct err *err)
{
    enum { PLACES = 4, SHARE = 16 /* of all rows */, NOISY = 3 /* no smaller than a third */ };
    size_t stretch = size / SHARE / PLACES, sampled;
    int level = style->level;
    char *sample = e->quarter;

    if (style->noisy_faster && level > 1 && side >= HALF_TILE) {
        for (size_t i = 0; i < PLACES; i++)
            memcpy(sample + i * stretch, (const char *)pixels + (2 * i + 1) * size / (2 * PLACES), stretch);
        if (!deflate_bytes(e, 1, sample, PLACES * stretch, &sampled, err))
            return false;
        level = sampled * NOISY > PLACES * stretch ? 1 : level;
    }
    return deflate_bytes(e, level, pixels, size, ret_size, err);
}

bool encoder_pack(struct encoder *e, const struct file_style *style, const void *pixels,
                  size_t side, const void **ret_data, size_t *ret_size, struct err *err)
{
    size_t size = side * side * pixel_size(style->kind.pixel);

    if (style->predictor) {
        pixel_tables[style->kind.pixel]->predict(e->predicted, pixels, side, side);
        pixels = e->predicted;
    }
    if (style->codec == CODEC_NONE) {
        *ret_data = pixels;
        *ret_size = size;
        return true;
    }
    *ret_data = e->packed;
    if (style->codec == CODEC_DEFLATE)
        return deflate_tile(e, style, pixels, side, size, ret_size, err);
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

    if (style->codec == CODEC_NONE) {
        got = size == want ? want : 0;
        memcpy(pixels, packed, got);
    } else if (style->codec == CODEC_ZSTD) {
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
    size_t overviews = style_overviews(style, grid);
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
