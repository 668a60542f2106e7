/* Level after level: tiles are packed by all threads, then the level is halved to the next one. Packed tiles are kept
 * until the file is written, since their sizes come before them. */
#include "raster/image.h"
#include "base/crew.h"
#include "raster/cog.h"
#include "raster/schedule.h"
#include <math.h>
#include <pthread.h>
#include <string.h>

struct saving {
    const struct image_save *image;
    const float *pixels; /* of the level */
    struct cog_level *level;
    struct file_style style;
    bool measured; /* statistics are taken of this level's tiles */
    struct tile_stats *stats;
};

struct worker {
    struct encoder *encoder;
    float *tile;
    void *native;
};

static void end(void *context, void *own)
{
    struct worker *w = own;

    (void)context;
    if (!w)
        return;
    encoder_free(w->encoder);
    free(w->tile);
    free(w->native);
    free(w);
}

static bool begin(void *context, void **ret_own, struct err *err)
{
    struct worker *w = MEM_NEW(struct worker);

    w->tile = malloc((size_t)BASE_TILE * BASE_TILE * sizeof *w->tile);
    w->native = malloc((size_t)BASE_TILE * BASE_TILE * sizeof *w->tile);
    if (!w->tile || !w->native || !encoder_new(&w->encoder, err)) {
        end(context, w);
        return err_set(err, ERR_MemoryExceeded, "No memory for the tiles of an image.");
    }
    *ret_own = w;
    return true;
}

/* The pixels of a tile, beyond the image NaN. */
static void cut(const struct saving *s, size_t tile, float *to)
{
    const struct cog_level *level = s->level;
    int64_t side = (int64_t)level->side, x = (int64_t)(tile % level->columns) * side, y = (int64_t)(tile / level->columns) * side;
    int64_t width = level->width - x < side ? level->width - x : side;

    for (int64_t row = 0; row < side; row++) {
        float *line = to + row * side;
        int64_t filled = 0;

        if (y + row < level->height) {
            memcpy(line, s->pixels + (y + row) * level->width + x, (size_t)width * sizeof *line);
            filled = width;
        }
        for (int64_t column = filled; column < side; column++)
            line[column] = NAN;
    }
}

static void convert(const struct saving *s, const float *tile, void *native, size_t n)
{
    if (s->image->convert) {
        s->image->convert(tile, native, n);
        return;
    }
    for (size_t i = 0; i < n; i++)
        ((float *)native)[i] = isnan(tile[i]) ? (float)s->image->kind.nodata : tile[i];
}

static bool pack(void *context, void *own, size_t tile, struct err *err)
{
    struct saving *s = context;
    struct worker *w = own;
    struct cog_tile *to = &s->level->tiles[tile];
    size_t n = s->level->side * s->level->side, size;
    const void *data;
    void *kept;

    cut(s, tile, w->tile);
    if (s->measured)
        pixel_tables[PIXEL_F32]->measure(w->tile, n, NAN, true, &s->stats[tile]);
    convert(s, w->tile, w->native, n);
    if (!encoder_pack(w->encoder, &s->style, w->native, s->level->side, &data, &size, err))
        return false;
    kept = malloc(size);
    if (!kept)
        return err_set(err, ERR_MemoryExceeded, "No memory for the packed tiles of an image.");
    *to = (struct cog_tile){ .size = (uint32_t)size, .data = memcpy(kept, data, size) };
    return true;
}

static bool pack_level(struct saving *s, struct err *err)
{
    const struct crew_work work = { .units = s->level->columns * s->level->rows, .threads = s->image->threads, .context = s,
                                    .begin = begin, .end = end, .unit = pack };

    return crew_run(&work, err);
}

static bool pack_levels(struct saving *s, struct cog *cog, struct err *err)
{
    AUTO(mem) float *pixels = NULL;

    for (size_t i = 0; i < cog->n_levels; i++) {
        struct cog_level *level = &cog->levels[i];

        if (i > 0) {
            const struct cog_level *above = &cog->levels[i - 1];
            float *half = malloc((size_t)(level->width * level->height) * sizeof *half);

            if (!half)
                return err_set(err, ERR_MemoryExceeded, "No memory for an overview of %lld x %lld pixels.",
                               (long long)level->width, (long long)level->height);
            pixel_tables[PIXEL_F32]->half(half, (size_t)level->width, s->pixels, (size_t)above->width, (size_t)above->width,
                                          (size_t)above->height, NAN, true, s->image->classes);
            free(pixels);
            s->pixels = pixels = half;
        }
        s->level = level;
        s->measured = i == 0;
        if (!pack_level(s, err))
            return false;
    }
    return true;
}

/* In the order of the tiles, so that it does not depend on the threads. */
static struct tile_stats sum_up(const struct tile_stats *tiles, size_t n)
{
    struct tile_stats all = { .minimum = INFINITY, .maximum = -INFINITY };
    double mean;

    for (size_t i = 0; i < n; i++) {
        if (!tiles[i].valid)
            continue;
        all.minimum = fmin(all.minimum, tiles[i].minimum);
        all.maximum = fmax(all.maximum, tiles[i].maximum);
        all.sum += tiles[i].sum;
        all.valid += tiles[i].valid;
    }
    mean = all.valid ? all.sum / (double)all.valid : 0;
    for (size_t i = 0; i < n; i++)
        if (tiles[i].valid) {
            double off = tiles[i].sum / (double)tiles[i].valid - mean;

            all.squares += tiles[i].squares + off * off * (double)tiles[i].valid;
        }
    return all;
}

static struct georef_band describe(const struct image_save *image, const struct tile_stats *stats)
{
    struct georef_band band = { .name = image->band, .scale = image->scale, .offset = image->offset };

    if (stats->valid && !image->convert) {
        band.has_stats = true;
        band.minimum = stats->minimum;
        band.maximum = stats->maximum;
        band.mean = stats->sum / (double)stats->valid;
        band.stddev = sqrt(stats->squares / (double)stats->valid);
        band.valid_percent = 100.0 * (double)stats->valid / ((double)image->grid.width * (double)image->grid.height);
    }
    return band;
}

static void drop_tiles(const struct cog *cog)
{
    for (size_t i = 0; i < cog->n_levels; i++)
        for (size_t t = 0; t < cog->levels[i].columns * cog->levels[i].rows; t++)
            free((void *)cog->levels[i].tiles[t].data);
}

bool image_save(const struct image_save *image, const char *path, struct tile_stats *ret_stats, int64_t *ret_size,
                struct err *err)
{
    AUTO(arena) struct arena *arena = arena_new();
    struct saving s = { .image = image, .pixels = image->pixels };
    struct georef_band band;
    struct cog cog = { .grid = image->grid, .n_bands = 1, .bands = &band, .metadata = image->metadata };
    bool good;

    s.style = cog.style = (struct file_style){ .overviews = true, .codec = image->codec, .level = image->level,
                                               .predictor = image->codec != CODEC_NONE && image->kind.pixel != PIXEL_F32,
                                               .kind = image->kind };
    cog_levels(arena, &cog);
    s.stats = arena_array(arena, cog.levels[0].columns * cog.levels[0].rows, sizeof *s.stats);
    good = pack_levels(&s, &cog, err);
    if (good) {
        *ret_stats = sum_up(s.stats, cog.levels[0].columns * cog.levels[0].rows);
        band = describe(image, ret_stats);
        good = cog_write(&cog, path, ret_size, err);
    }
    drop_tiles(&cog);
    return good;
}
