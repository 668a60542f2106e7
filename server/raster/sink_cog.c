/* The pyramid of a result. The raster and its first overview are packed already; the second one is
 * put together from squares of 256, plane by plane, and all smaller ones follow from it. */
#include "base/mem.h"
#include "raster/sinks.h"
#include <string.h>

struct image {
    int64_t width, height;
    void *pixels;
};

static bool image_new(const struct file_style *style, int64_t width, int64_t height,
                      struct image *ret_image, struct err *err)
{
    size_t n = (size_t)width * (size_t)height;

    *ret_image = (struct image){ width, height, malloc(n * pixel_size(style->kind.pixel)) };
    if (!ret_image->pixels)
        return err_set(err, ERR_MemoryExceeded, "No memory for an overview of %lld x %lld pixels.",
                       (long long)width, (long long)height);
    return true;
}

/* Overview 2 of a plane. */
static bool gather(const struct sink_file *file, size_t plane, const struct image *image,
                   struct err *err)
{
    const struct schedule *s = pieces_schedule(file->pieces, file->number);
    struct file_style style = file_style_squeezed(&file->style);
    size_t size = pixel_size(style.kind.pixel);
    AUTO(mem) char *square = mem_array((size_t)QUARTER_TILE * QUARTER_TILE, size);

    for (size_t tile = 0; tile < s->blocks; tile++) {
        int64_t x = (int64_t)(tile % s->tile_columns) * QUARTER_TILE;
        int64_t y = (int64_t)(tile / s->tile_columns) * QUARTER_TILE;
        int64_t width = image->width - x < QUARTER_TILE ? image->width - x : QUARTER_TILE;
        int64_t height = image->height - y < QUARTER_TILE ? image->height - y : QUARTER_TILE;

        if (!pieces_pixels(pieces_get(file->pieces, file->number, plane, tile, PIECE_QUARTER),
                           file->encoder, &style, QUARTER_TILE, square, err))
            return false;
        for (int64_t row = 0; row < height; row++)
            memcpy((char *)image->pixels + (size_t)((y + row) * image->width + x) * size,
                   square + (size_t)row * QUARTER_TILE * size, (size_t)width * size);
    }
    return true;
}

static bool pack_level(const struct sink_file *file, struct arena *arena,
                       const struct image *image, const struct cog_level *level, size_t band,
                       struct err *err)
{
    const struct pixel_kind *kind = &file->style.kind;
    size_t size = pixel_size(kind->pixel), n = (size_t)HALF_TILE * HALF_TILE;
    AUTO(mem) char *tile = mem_array(n, size);

    for (size_t t = 0; t < level->columns * level->rows; t++) {
        int64_t x = (int64_t)(t % level->columns) * HALF_TILE;
        int64_t y = (int64_t)(t / level->columns) * HALF_TILE;
        int64_t width = image->width - x < HALF_TILE ? image->width - x : HALF_TILE;
        int64_t height = image->height - y < HALF_TILE ? image->height - y : HALF_TILE;
        struct cog_tile *to = &level->tiles[band * level->columns * level->rows + t];
        const void *data;
        size_t packed;

        pixel_tables[kind->pixel]->fill(tile, pixel_kind_gap(kind), n);
        for (int64_t row = 0; row < height; row++)
            memcpy(tile + (size_t)row * HALF_TILE * size,
                   (char *)image->pixels + (size_t)((y + row) * image->width + x) * size,
                   (size_t)width * size);
        if (!encoder_pack(file->encoder, &file->style, tile, HALF_TILE, &data, &packed, err))
            return false;
        to->size = (uint32_t)packed;
        to->data = memcpy(arena_alloc(arena, packed), data, packed);
    }
    return true;
}

/* Overviews 2 and smaller of one band. */
static bool small_levels(const struct sink_file *file, struct arena *arena, const struct cog *cog,
                         size_t band, struct err *err)
{
    struct image image, next;
    bool ok;

    if (cog->n_levels < 3)
        return true;
    if (!image_new(&file->style, cog->levels[2].width, cog->levels[2].height, &image, err))
        return false;
    ok = gather(file, file->planes[band], &image, err);
    for (size_t i = 2; ok && i < cog->n_levels; i++) {
        const struct pixel_kind *kind = &file->style.kind;

        ok = pack_level(file, arena, &image, &cog->levels[i], band, err);
        if (!ok || i + 1 == cog->n_levels)
            break;
        ok = image_new(&file->style, cog->levels[i + 1].width, cog->levels[i + 1].height, &next,
                       err);
        if (!ok)
            break;
        pixel_tables[kind->pixel]->half(next.pixels, (size_t)next.width, image.pixels,
                                        (size_t)image.width, (size_t)image.width,
                                        (size_t)image.height, kind->nodata, kind->has_nodata,
                                        file->style.nearest);
        free(image.pixels);
        image = next;
    }
    free(image.pixels);
    return ok;
}

static void packed_levels(const struct sink_file *file, const struct cog *cog, size_t band)
{
    static const enum piece pieces[] = { PIECE_BASE, PIECE_HALF };

    for (size_t i = 0; i < 2 && i < cog->n_levels; i++) {
        const struct cog_level *level = &cog->levels[i];
        size_t n = level->columns * level->rows;

        for (size_t t = 0; t < n; t++) {
            const struct piece_ref *ref = pieces_get(file->pieces, file->number,
                                                     file->planes[band], t, pieces[i]);

            level->tiles[band * n + t] = (struct cog_tile){ .size = ref->entry->size,
                                                            .part = ref->part,
                                                            .entry = ref->entry };
        }
    }
}

bool sink_cog(const struct sink_file *file, int64_t *ret_size, struct err *err)
{
    AUTO(arena) struct arena *arena = arena_new();
    struct cog cog = { .grid = file->save->schema.grid,
                       .style = file->style,
                       .n_bands = file->n_bands,
                       .bands = file->bands };

    cog_levels(arena, &cog);
    for (size_t band = 0; band < file->n_bands; band++) {
        packed_levels(file, &cog, band);
        if (!small_levels(file, arena, &cog, band, err))
            return false;
    }
    return cog_write(&cog, file->path, ret_size, err);
}
