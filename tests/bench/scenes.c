/* Smooth noise between random nodes, with grain, so that files pack about as real ones do. */
#include "tests/bench/scenes.h"
#include "base/mem.h"
#include "raster/cog.h"
#include "raster/encode.h"
#include "raster/schedule.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *const scene_bands[SCENE_BANDS] = { "B04", "B08", "SCL", "B02" };

void scene_die(const struct err *err)
{
    fprintf(stderr, "%s: %s\n", err_name(err->code), err->message);
    exit(1);
}

static uint32_t hash(uint32_t x)
{
    x = (x ^ (x >> 16)) * 0x7feb352du;
    x = (x ^ (x >> 15)) * 0x846ca68bu;
    return x ^ (x >> 16);
}

/* Smooth between random values at nodes `step` apart. */
static double smooth(uint32_t seed, int64_t x, int64_t y, int64_t step)
{
    double fx = (double)(x % step) / (double)step, fy = (double)(y % step) / (double)step;
    uint32_t c = (uint32_t)(x / step), r = (uint32_t)(y / step);
    double v[4];

    for (uint32_t i = 0; i < 4; i++)
        v[i] = (double)(hash(seed ^ hash((c + i % 2) * 7919 + (r + i / 2) * 104729)) & 0xffff) /
               65536;
    return (v[0] * (1 - fx) + v[1] * fx) * (1 - fy) + (v[2] * (1 - fx) + v[3] * fx) * fy;
}

static void paint(uint16_t *to, int date, int band, int64_t x0, int64_t y)
{
    uint32_t ground = band == SCENE_NIR ? 23 : 11, clouds = 1000 + (uint32_t)date;

    for (int64_t i = 0; i < BASE_TILE; i++) {
        int64_t x = x0 + i;
        uint32_t dice = hash((uint32_t)(x * 16807 + y * 48271 + date * 977 + band * 131));
        double noise = (double)(dice & 0xff) + (double)(dice >> 8 & 0xff) - 255;
        double value = band == SCENE_NIR ? 2500 : band == SCENE_RED ? 400 : 300;

        value += smooth(ground, x, y, 64) * 500 + smooth(ground + 1, x, y, 512) * 900;
        if (smooth(clouds, x, y, 1500) > 0.7)
            value += 3000 * smooth(clouds + 7, x, y, 90);
        to[i] = (uint16_t)(value + noise * 0.22);
    }
}

/* Classes: clouds where the bands have them, else vegetation, soil or water in patches. */
static void paint_classes(uint8_t *to, int date, int64_t x0, int64_t y)
{
    uint32_t clouds = 1000 + (uint32_t)date;

    for (int64_t i = 0; i < BASE_TILE; i++) {
        int64_t x = 2 * (x0 + i);
        double cloud = smooth(clouds, x, 2 * y, 1500), ground = smooth(3, x, 2 * y, 300);

        to[i] = (uint8_t)(cloud > 0.78 ? 9 : cloud > 0.7 ? 8 : ground < 0.2 ? 6 : ground < 0.4 ? 5
                                                                                           : 4);
    }
}

struct painter {
    int date, band;
    struct cog *cog;
    const struct file_style *style;
    atomic_size_t next;
};

static void *paint_tiles(void *painter_)
{
    struct painter *p = painter_;
    const struct cog_level *level = &p->cog->levels[0];
    struct encoder *encoder = NULL;
    struct err err = { 0 };
    AUTO(mem) uint16_t *tile = mem_array((size_t)BASE_TILE * BASE_TILE, sizeof *tile);

    if (!encoder_new(&encoder, &err))
        scene_die(&err);
    for (size_t t; (t = atomic_fetch_add(&p->next, 1)) < level->columns * level->rows;) {
        int64_t x = (int64_t)(t % level->columns) * BASE_TILE;
        int64_t y = (int64_t)(t / level->columns) * BASE_TILE;
        const void *data;
        size_t size;

        for (int64_t row = 0; row < BASE_TILE; row++)
            if (p->band != SCENE_CLASSES)
                paint(tile + row * BASE_TILE, p->date, p->band, x, y + row);
            else
                paint_classes((uint8_t *)tile + row * BASE_TILE, p->date, x, y + row);
        if (!encoder_pack(encoder, p->style, tile, BASE_TILE, &data, &size, &err))
            scene_die(&err);
        level->tiles[t].size = (uint32_t)size;
        level->tiles[t].data = memcpy(mem_alloc(size), data, size);
    }
    encoder_free(encoder);
    return NULL;
}

void scene_threads(size_t count, void *(*body)(void *), void *arg)
{
    AUTO(mem) pthread_t *threads = mem_array(count, sizeof *threads);

    for (size_t i = 1; i < count; i++)
        if (pthread_create(&threads[i], NULL, body, arg) != 0)
            exit(1);
    body(arg);
    for (size_t i = 1; i < count; i++)
        pthread_join(threads[i], NULL);
}

void scene_write(const char *path, int64_t size, int date, int band, size_t threads)
{
    AUTO(arena) struct arena *arena = arena_new();
    bool classes = band == SCENE_CLASSES;
    int64_t side = classes ? (size + 1) / 2 : size, written;
    double step = classes ? 20 : 10;
    struct georef_band info = { .name = scene_bands[band], .scale = 1 };
    struct cog cog = { .grid = { 32633, 500000, 5100000, step, step, side, side },
                       .style = { .overviews = true, .codec = CODEC_DEFLATE, .level = 6,
                                  .predictor = true,
                                  .kind = { classes ? PIXEL_U8 : PIXEL_U16, 0, true } },
                       .n_bands = 1, .bands = &info };
    struct painter painter = { date, band, &cog, &cog.style, 0 };
    struct err err = { 0 };
    AUTO(mem) char *partial = mem_printf("%s.new", path);

    cog_levels(arena, &cog);
    cog.n_levels = 1;
    scene_threads(threads, paint_tiles, &painter);
    if (!cog_write(&cog, partial, &written, &err))
        scene_die(&err);
    for (size_t t = 0; t < cog.levels[0].columns * cog.levels[0].rows; t++)
        free((void *)cog.levels[0].tiles[t].data);
    if (rename(partial, path) != 0)
        exit(1);
}

struct packing {
    const struct plan *plan;
    const struct schedule *schedule;
    const void *const *tiles;
    size_t n_tiles;
    struct part_writer *part;
    atomic_size_t next;
};

static void *pack_tiles(void *packing_)
{
    struct packing *p = packing_;
    AUTO(encoder) struct encoder *encoder = NULL;
    struct file_style style;
    struct err err = { 0 };

    if (!encoder_new(&encoder, &err) || !file_style_of(p->plan->saves[0], &style, &err))
        scene_die(&err);
    for (size_t t; (t = atomic_fetch_add(&p->next, 1)) < p->schedule->blocks;) {
        struct window_rect w = schedule_tile(p->schedule, t);
        struct part_entry entry = { .block = (uint32_t)t };

        if (!encoder_plane(encoder, &style, &p->schedule->grid, entry, p->tiles[t % p->n_tiles], w.width, w.height,
                           p->part, &err))
            scene_die(&err);
    }
    return NULL;
}

void scene_pack(const struct plan *plan, const struct schedules *schedules, const void *const *tiles, size_t n_tiles,
                const char *folder, const struct raster_options *options)
{
    struct packing p = { plan, &schedules->schedules[0], tiles, n_tiles, NULL, 0 };
    AUTO(mem) char *path = mem_printf("%s/packing.part", folder);
    const char *const paths[] = { path };
    struct raster_result *result;
    struct err err = { 0 };

    if (!part_create(path, part_fingerprint(plan), 0, schedules->blocks, &p.part, &err))
        scene_die(&err);
    scene_threads((size_t)options->threads, pack_tiles, &p);
    if (!part_finish(p.part, false, &err) ||
        !raster_assemble(plan, options, 1, paths, folder, &result, &err))
        scene_die(&err);
    unlink(path);
}
