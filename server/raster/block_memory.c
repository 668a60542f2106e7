/* What a thread holds while it computes a block, known before anything runs, and how large a part of a block
 * fits into the memory that it may use. */
#include "raster/block_runner.h"
#include "base/mem.h"
#include "raster/foreign.h"
#include "raster/patches.h"
#include "raster/radar.h"
#include <math.h>
#include <stdlib.h>

enum {
    LEAST_ROWS = 16,
    MOST_BAND_ROWS = 256,       /* where all tiles stay decoded: more gain nothing */
    MOST_TILE_BYTES = 24 << 20, /* of decoded tiles, where a block is computed whole */
    MOST_KEPT_BYTES = 32 << 20,
    WARPED_BYTES = 20 << 20,    /* what buffers of a loader come to that warps */
    COPIES = 12,                /* bytes a pixel of its buffers, if it does not */
    MOST_IMAGES = 24,           /* of a radar that are open: time series go through all of them for each block */
};

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

static size_t least(size_t a, int64_t b)
{
    return b > 0 && (size_t)b < a ? (size_t)b : a;
}

/* Of the input of a step of the blocks' own schedule: kernels ask for what they reach over, others for windows that are cut where
 * they become too large. */
static size_t asked_pixels(const struct step *step, const struct schedule *s, size_t rows)
{
    const struct kernel_args *k = step->node->kernel;
    size_t height = rows < s->tile_height ? rows : s->tile_height, pixels;

    if (step->node->op != PLAN_KERNEL)
        return INPUT_PIXELS;
    pixels = (s->tile_width + k->width) * (height + k->height);
    return pixels < INPUT_PIXELS ? pixels : INPUT_PIXELS;
}

/* Windows are no larger than a patch is, or the area that is read for several. */
static size_t input_memory(const struct step *step, const struct schedule *input, size_t asked)
{
    const struct grid *patch = &step->node->schema.grid;
    size_t most = (size_t)input->grid.width * (size_t)input->grid.height, own;

    most = most < asked ? most : asked;
    own = (size_t)patch->width * (size_t)patch->height;
    own = own > PATCH_AREA ? own : PATCH_AREA;
    if (step->node->op == PLAN_PATCH && own < most)
        most = own;
    if (step->node->op == PLAN_UDF && foreign_pixels(step->node) < most)
        most = foreign_pixels(step->node);
    return room_bytes(input, most);
}

/* What steps that look around take. */
struct around_memory {
    size_t staying;           /* of all */
    size_t *rooms, n, capacity; /* by depth, of the greediest */
};

/* What a step itself takes ends with it, so that the greediest one counts, with those whose results it asks
 * for while it runs. */
static size_t add_around(struct around_memory *memory, const struct schedule *s, size_t depth, size_t rows)
{
    size_t passing = 0;

    for (size_t i = 0; i < s->n_steps; i++) {
        const struct step *step = &s->steps[i];
        size_t below = 0;

        if (step->op != STEP_AROUND)
            continue;
        memory->staying += patch_area_bytes(step->node) + foreign_kept_bytes(step->node);
        for (size_t k = 0; k < step->n_inputs; k++) {
            size_t own, deeper;

            if (!step->inputs[k])
                continue;
            while (memory->n <= depth) {
                memory->rooms = mem_grow(memory->rooms, &memory->capacity, memory->n + 1, sizeof *memory->rooms);
                memory->rooms[memory->n++] = 0;
            }
            own = input_memory(step, step->inputs[k], depth ? INPUT_PIXELS : asked_pixels(step, s, rows));
            memory->rooms[depth] = own > memory->rooms[depth] ? own : memory->rooms[depth];
            deeper = add_around(memory, step->inputs[k], depth + 1, rows);
            below = deeper > below ? deeper : below;
        }
        below += around_bytes(step->node, s->tile_width, rows < s->tile_height ? rows : s->tile_height);
        passing = below > passing ? below : passing;
    }
    return passing;
}

static size_t around_memory(const struct schedule *s, size_t rows)
{
    struct around_memory memory = { 0 };
    size_t bytes = add_around(&memory, s, 0, rows) + memory.staying;

    for (size_t i = 0; i < memory.n; i++)
        bytes += memory.rooms[i];
    free(memory.rooms);
    return bytes;
}

/* The pixels of a geometry as doubles, and a piece of the part while it grows. */
static size_t zones_bytes(const struct schedule *s)
{
    for (size_t i = 0; i < s->n_outputs; i++)
        if (s->outputs[i]->op == PLAN_ZONES)
            return s->tile_width * s->tile_height * 3 * sizeof(double);
    return 0;
}

/* What making squares of images of a radar takes; 0: there are none. */
static size_t radar_work(const struct schedule *s)
{
    size_t most = 0;

    for (size_t i = 0; i < s->n_steps; i++) {
        const struct step *step = &s->steps[i];
        const struct load_plane *plane =
            step->op == STEP_READ && step->node->op == PLAN_LOAD ? &step->node->load[step->plane] : NULL;

        if (plane && plane->radar)
            most = larger(most, radar_work_bytes(plane));
        for (size_t k = 0; k < step->n_inputs; k++)
            if (step->inputs[k])
                most = larger(most, radar_work(step->inputs[k]));
    }
    return most;
}

bool block_reads_radar(const struct schedules *all)
{
    for (size_t i = 0; i < all->count; i++)
        if (radar_work(&all->schedules[i]))
            return true;
    return false;
}

/* At most half of the memory (0: as much as is wanted), unless a single maker needs more. Returns all of it. */
static size_t fit_radar(const struct schedules *all, size_t threads, size_t most, struct block_fit *fit)
{
    size_t n = 0, room;

    for (size_t i = 0; i < all->count; i++) {
        n += all->schedules[i].images;
        fit->maker_bytes = larger(fit->maker_bytes, radar_work(&all->schedules[i]));
    }
    for (size_t i = 0; i < all->n_inputs; i++)
        n += all->inputs[i]->images;
    if (fit->maker_bytes == 0)
        return 0;
    fit->image_bytes = least(MOST_IMAGES, (int64_t)n) * RADAR_IMAGE_BYTES;
    fit->makers = threads;
    if (most) {
        fit->image_bytes = least(fit->image_bytes, (int64_t)(most / 8));
        room = (most / 2 - fit->image_bytes) / fit->maker_bytes;
        fit->makers = room < 1 ? 1 : room < threads ? room : threads;
    }
    return fit->image_bytes + fit->makers * fit->maker_bytes;
}

static bool looks_around(const struct schedule *s)
{
    bool found = false;

    for (size_t i = 0; i < s->n_steps; i++)
        found |= s->steps[i].op == STEP_AROUND;
    return found;
}

static size_t loader_bytes(const struct schedule *s, size_t rows)
{
    size_t pixels = band_pixels(s, rows);

    for (size_t i = 0; i < s->n_steps; i++) {
        const struct step *step = &s->steps[i];
        size_t asked = step->op == STEP_AROUND ? asked_pixels(step, s, rows) : 0;

        for (size_t k = 0; k < step->n_inputs; k++)
            asked = step->inputs[k] && looks_around(step->inputs[k]) ? INPUT_PIXELS : asked;
        pixels = asked > pixels ? asked : pixels;
    }
    return s->reads_warped || pixels * COPIES > WARPED_BYTES ? WARPED_BYTES : pixels * COPIES;
}

/* All outputs of a block that gather. */
static size_t gathered_bytes(const struct schedule *s)
{
    size_t bytes = 0;

    for (size_t i = 0; i < s->n_outputs; i++)
        bytes += output_planes(s->outputs[i]) * gathered_size(s->outputs[i]);
    return bytes * s->tile_width * s->tile_height;
}

static size_t block_memory(const struct schedule *s, const struct block_size *size)
{
    size_t band = band_pixels(s, size->rows);

    return (s->pixel_bytes + emitted_size(s)) * band + (size->rows < s->tile_height ? gathered_bytes(s) : 0) +
           zones_bytes(s) + around_memory(s, size->rows) + s->machine_bytes + encoder_memory() + size->tile_bytes +
           loader_bytes(s, size->rows);
}

static size_t most_memory(const struct schedules *all, const struct block_size *size)
{
    size_t most = 0;

    for (size_t i = 0; i < all->count; i++) {
        size_t bytes = block_memory(&all->schedules[i], size);

        most = bytes > most ? bytes : most;
    }
    return most;
}

/* ---- tiles under a block ---- */

struct layer_tiles {
    const struct scene_band *band;
    size_t tiles;
};
struct layers {
    bool in_blocks; /* not in cells, which end where tiles do */
    struct layer_tiles *list;
    size_t n, capacity;
};

/* Do blocks begin where tiles of a file do, or parts of a tile that are as large as a block? */
static bool begins_with(double corner, double file_corner, double pixel, double file_pixel)
{
    double at = (corner - file_corner) / pixel, square = BASE_TILE, off = fmod(fabs(at), square);

    return file_pixel < 0.99 * pixel || off < 0.5 || off > square - 0.5;
}

/* Tiles under a block, along both axes. */
static size_t tiles_under(const struct grid *blocks, const struct grid *file)
{
    bool columns = begins_with(blocks->x0, file->x0, blocks->dx, file->dx);
    bool rows = begins_with(blocks->y0, file->y0, blocks->dy, file->dy);

    return (columns ? 1 : 2) * (rows ? 1 : 2);
}

/* Of the layers of a plane two at most meet in most blocks. Neighbourhoods reach into the tile beside it. */
static void add_layers(struct layers *layers, const struct schedule *s, const struct plan_node *node,
                       const struct load_plane *plane, size_t tiles)
{
    enum { MEETING = 2, UNALIGNED = 4 };
    size_t n = plane->radar ? 1 : MEETING; /* images of a radar are one square */

    for (size_t i = 0; i < plane->n_layers && i < n; i++) {
        const struct scene_band *band = plane->layers[i];
        bool lies_on = plane->radar || load_divides(&band->grid, &node->schema.grid);
        size_t under = layers->in_blocks && !plane->radar ? tiles_under(&s->asker, &band->grid) : 1;

        if (tiles > 1 && !plane->radar && band->grid.dx > 1.5 * node->schema.grid.dx) /* a block ends in the middle of a tile */
            under = UNALIGNED;
        under = under > tiles ? under : tiles;
        layers->list = mem_grow(layers->list, &layers->capacity, layers->n + 1, sizeof *layers->list);
        layers->list[layers->n++] =
            (struct layer_tiles){ band, lies_on ? under : UNALIGNED };
    }
}

static void find_layers(struct layers *layers, const struct schedule *s, size_t tiles)
{
    for (size_t i = 0; i < s->n_steps; i++) {
        const struct step *step = &s->steps[i];

        if (step->op == STEP_READ && step->node->op == PLAN_LOAD)
            add_layers(layers, s, step->node, &step->node->load[step->plane], tiles);
        for (size_t k = 0; k < step->n_inputs; k++)
            if (step->inputs[k])
                find_layers(layers, step->inputs[k], 2);
    }
}

static int by_band(const void *a, const void *b)
{
    const struct layer_tiles *x = a, *y = b;

    return x->band != y->band ? (x->band > y->band) - (x->band < y->band) : (x->tiles < y->tiles) - (x->tiles > y->tiles);
}

/* All that is decoded for a block of this schedule, as far as files are cut as is usual. */
static size_t tiles_bytes(const struct schedule *s, bool in_blocks)
{
    struct layers layers = { .in_blocks = in_blocks };
    size_t bytes = 0;

    find_layers(&layers, s, 1);
    if (layers.n)
        qsort(layers.list, layers.n, sizeof *layers.list, by_band);
    for (size_t i = 0; i < layers.n; i++) {
        const struct scene_band *band = layers.list[i].band;

        if (i == 0 || band != layers.list[i - 1].band)
            bytes += layers.list[i].tiles * least(BASE_TILE, band->grid.width) * least(BASE_TILE, band->grid.height) *
                     pixel_size(band->pixel);
    }
    free(layers.list);
    return bytes;
}

static size_t most_tiles_bytes(const struct schedules *all, bool in_blocks)
{
    size_t most = 0;

    for (size_t i = 0; i < all->count; i++) {
        size_t bytes = tiles_bytes(&all->schedules[i], in_blocks);

        most = bytes > most ? bytes : most;
    }
    return most;
}

/* ---- what fits ---- */

/* Fewer rows until they fit; false when even the fewest do not. */
static bool fit_rows(const struct schedules *all, size_t budget, struct block_size *size, size_t *ret_memory)
{
    *ret_memory = most_memory(all, size);
    while (budget && *ret_memory > budget && size->rows > LEAST_ROWS) {
        size->rows /= 2;
        *ret_memory = most_memory(all, size);
    }
    return !budget || *ret_memory <= budget;
}

bool block_fit(const struct schedules *all, const struct raster_options *options, bool in_blocks,
               struct block_fit *ret_fit, struct err *err)
{
    size_t threads = options->threads > 1 ? (size_t)options->threads : 1, most = options->memory_bytes;
    struct block_fit fit = { .size.rows = BASE_TILE };
    size_t kept = kept_is_wanted(all) ? least(MOST_KEPT_BYTES, (int64_t)(most / 8)) : 0;
    size_t shared = kept + fit_radar(all, threads, most, &fit);
    size_t budget = most > shared ? (most - shared) / threads : most ? 1 : 0, memory;
    struct block_size bands = { MOST_BAND_ROWS, most_tiles_bytes(all, in_blocks) };

    fit.kept_bytes = kept;
    fit.size.tile_bytes = least(MOST_TILE_BYTES, (int64_t)(budget / 8));
    if (!fit_rows(all, budget, &fit.size, &fit.memory))
        return err_set(err, ERR_MemoryExceeded,
                       "The computation needs %zu MB for each thread, even in bands of %zu rows; it "
                       "may use %zu MB.", fit.memory >> 20, fit.size.rows, budget >> 20);
    fit.other = fit.size;
    if (fit.size.rows < BASE_TILE && fit_rows(all, budget, &bands, &memory)) {
        fit.size = bands;
        fit.memory = memory > fit.memory ? memory : fit.memory;
    }
    *ret_fit = fit;
    return true;
}
