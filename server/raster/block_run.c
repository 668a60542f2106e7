/* Runs a schedule over blocks. A block is a base tile; where memory is short it is computed in
 * bands of rows, the outputs gathering in tile buffers meanwhile. A value of a node is no-data
 * outside of the node's grid, whatever made it. */
#include "raster/block_run.h"
#include "base/mem.h"
#include <string.h>

enum { ALIGN = 64, LOADER_BYTES = 20 << 20 /* what its buffers come to */ };

struct block_runner {
    const struct block_job *job;
    struct loader *loader;
    struct encoder *encoder;
    struct lane_machine machine;
    const struct schedule *schedule; /* that the buffers are for */
    void **slots;
    void *converted;                 /* an output in the type of its file */
    void **tiles;                    /* outputs that gather; NULL when blocks are computed whole */
};

/* Pixels that are computed at once. */
static size_t band_pixels(const struct schedule *s, size_t rows)
{
    return (rows < s->tile_height ? rows : s->tile_height) * s->tile_width;
}

size_t block_memory(const struct schedule *s, size_t rows, size_t tile_bytes)
{
    size_t band = band_pixels(s, rows), tile = s->tile_width * s->tile_height;

    return s->pixel_bytes * band + 8 * tile + (rows < s->tile_height ? s->emitted_bytes * tile : 0) +
           s->machine_bytes + encoder_memory() + tile_bytes + LOADER_BYTES;
}

bool block_runner_new(const struct block_job *job, struct block_runner **ret_runner,
                      struct err *err)
{
    AUTO(block_runner) struct block_runner *runner = MEM_NEW(struct block_runner);
    size_t machine = 0;

    runner->job = job;
    runner->loader = loader_new(job->options, job->tile_bytes);
    for (size_t i = 0; i < job->schedules->count; i++)
        if (job->schedules->schedules[i].machine_bytes > machine)
            machine = job->schedules->schedules[i].machine_bytes;
    if (!encoder_new(&runner->encoder, err) ||
        !lane_machine_init(&runner->machine, machine, err))
        return false;
    *ret_runner = runner;
    runner = NULL;
    return true;
}

static void drop_buffers(struct block_runner *runner)
{
    for (size_t i = 0; runner->schedule && i < runner->schedule->n_slots; i++)
        free(runner->slots[i]);
    for (size_t i = 0; runner->tiles && i < runner->schedule->emitted; i++)
        free(runner->tiles[i]);
    free(runner->slots);
    free(runner->tiles);
    free(runner->converted);
    runner->slots = runner->tiles = NULL;
    runner->converted = NULL;
    runner->schedule = NULL;
}

void block_runner_free(struct block_runner *runner)
{
    if (!runner)
        return;
    drop_buffers(runner);
    loader_free(runner->loader);
    encoder_free(runner->encoder);
    lane_machine_done(&runner->machine);
    free(runner);
}

static bool pixels_new(size_t size, void **ret_pixels, struct err *err)
{
    *ret_pixels = aligned_alloc(ALIGN, (size + ALIGN) / ALIGN * ALIGN);
    return *ret_pixels || err_set(err, ERR_MemoryExceeded, "No memory for %zu bytes of pixels.",
                                  size);
}

/* Of a pixel of an output: in the type of its file, which for pictures may be 16 bit. */
static size_t gathered_size(const struct plan_node *save)
{
    size_t size = pixel_size(save->schema.pixel);

    return size > sizeof(int16_t) ? size : sizeof(int16_t);
}

static bool take_buffers(struct block_runner *runner, const struct schedule *s, struct err *err)
{
    size_t tile = s->tile_width * s->tile_height, band = band_pixels(s, runner->job->rows);

    if (runner->schedule == s)
        return true;
    drop_buffers(runner);
    runner->schedule = s;
    runner->slots = mem_array(s->n_slots, sizeof *runner->slots);
    for (size_t i = 0; i < s->n_slots; i++)
        if (!pixels_new(s->slot_size[i] * band, &runner->slots[i], err))
            return false;
    if (!pixels_new(sizeof(double) * tile, &runner->converted, err))
        return false;
    if (runner->job->rows >= s->tile_height)
        return true;
    runner->tiles = mem_array(s->emitted, sizeof *runner->tiles);
    for (size_t i = 0, n = 0; i < s->n_outputs; i++)
        for (size_t plane = 0; plane < cube_planes(&s->outputs[i]->schema); plane++)
            if (!pixels_new(gathered_size(s->outputs[i]) * tile, &runner->tiles[n++], err))
                return false;
    return true;
}

/* A band of rows of one tile, in flight. */
struct band {
    const struct schedule *schedule;
    struct window_rect tile, rows; /* on the group's grid */
    size_t n;
    size_t block, emitted;
};

static struct lane_plane plane_of(const struct block_runner *runner, const struct operand *operand)
{
    return (struct lane_plane){ operand->slot == NO_SLOT ? NULL : runner->slots[operand->slot],
                                operand->kind };
}

static struct window_rect on_node(const struct band *band, const struct plan_node *node)
{
    struct window_rect w = band->rows;

    w.x += band->schedule->shift_x[node->index];
    w.y += band->schedule->shift_y[node->index];
    return w;
}

static bool inside(const struct window_rect *w, const struct grid *grid)
{
    return w->x >= 0 && w->y >= 0 && w->x + (int64_t)w->width <= grid->width &&
           w->y + (int64_t)w->height <= grid->height;
}

static bool outside(const struct window_rect *w, const struct grid *grid)
{
    return w->x >= grid->width || w->y >= grid->height || w->x + (int64_t)w->width <= 0 ||
           w->y + (int64_t)w->height <= 0;
}

/* No-data where the window passes the node's grid. */
static void clip(const struct window_rect *w, const struct grid *grid,
                 const struct lane_plane *plane)
{
    const struct pixel_table *table = pixel_tables[plane->kind.pixel];
    double gap = pixel_kind_gap(&plane->kind);
    size_t size = pixel_size(plane->kind.pixel);
    int64_t left = w->x < 0 ? -w->x : 0, right = grid->width - w->x;

    right = right < (int64_t)w->width ? right : (int64_t)w->width;
    for (size_t y = 0; y < w->height; y++) {
        char *row = (char *)plane->data + y * w->width * size;
        int64_t at = w->y + (int64_t)y;

        if (at < 0 || at >= grid->height || left >= right) {
            table->fill(row, gap, w->width);
            continue;
        }
        table->fill(row, gap, (size_t)left);
        table->fill(row + (size_t)right * size, gap, w->width - (size_t)right);
    }
}

static void clip_outputs(const struct block_runner *runner, const struct band *band,
                         const struct step *step)
{
    struct window_rect w = on_node(band, step->node);

    if (inside(&w, &step->node->schema.grid))
        return;
    for (size_t i = 0; i < step->n_outs; i++) {
        struct lane_plane plane = plane_of(runner, &step->outs[i]);

        if (plane.data)
            clip(&w, &step->node->schema.grid, &plane);
    }
}

static void fill_state(const struct block_runner *runner, const struct step *step,
                       struct fold_state *states)
{
    for (size_t i = 0; i < step->program->n_folds; i++) {
        const struct state_slots *s = &step->states[i];

        states[i] = (struct fold_state){
            .value = s->value == NO_SLOT ? NULL : runner->slots[s->value],
            .sum = s->sum == NO_SLOT ? NULL : runner->slots[s->sum],
            .seen = s->seen == NO_SLOT ? NULL : runner->slots[s->seen],
            .squares = s->squares == NO_SLOT ? NULL : runner->slots[s->squares],
        };
    }
}

static void run_program(struct block_runner *runner, const struct band *band,
                        const struct step *step)
{
    AUTO(mem) struct lane_plane *ins = mem_array(step->n_ins, sizeof *ins);
    AUTO(mem) struct lane_plane *outs = mem_array(step->n_outs, sizeof *outs);
    AUTO(mem) struct fold_state *states = mem_array(step->program->n_folds, sizeof *states);

    for (size_t i = 0; i < step->n_ins; i++)
        ins[i] = plane_of(runner, &step->ins[i]);
    for (size_t i = 0; i < step->n_outs; i++)
        outs[i] = plane_of(runner, &step->outs[i]);
    if (step->op == STEP_RUN) {
        lanes_run(&runner->machine, step->program, ins, outs, band->n);
        return;
    }
    fill_state(runner, step, states);
    if (step->op == STEP_FOLD)
        lanes_fold(&runner->machine, step->program, step->slice, ins, states, band->n);
    else
        lanes_finish(&runner->machine, step->program, states, outs, band->n);
}

static bool read_step(struct block_runner *runner, const struct band *band,
                      const struct step *step, struct err *err)
{
    struct window_rect w = on_node(band, step->node);
    struct lane_plane out = plane_of(runner, &step->outs[0]);

    if (outside(&w, &step->node->schema.grid))
        return true; /* clipping fills it */
    return load_plane(runner->loader, step->node, step->plane, &w, out.data, err);
}

static size_t save_number(const struct plan *plan, const struct plan_node *save)
{
    size_t i = 0;

    while (plan->saves[i] != save)
        i++;
    return i;
}

/* A finished plane of the block: in the type of its file, and packed when it is whole. */
static bool emit_step(struct block_runner *runner, struct band *band, const struct step *step,
                      struct err *err)
{
    struct lane_plane in = plane_of(runner, &step->ins[0]), out;
    struct file_style style;
    struct part_entry entry = { .block = (uint32_t)band->block,
                                .save = (uint32_t)save_number(runner->job->plan, step->node),
                                .plane = (uint32_t)step->plane };
    size_t number = band->emitted++, size;
    void *pixels = in.data;

    if (!file_style_of(step->node, &style, err))
        return false;
    out = (struct lane_plane){ runner->converted, style.kind };
    size = pixel_size(style.kind.pixel);
    if (!pixels)
        pixel_tables[style.kind.pixel]->fill(pixels = runner->converted,
                                             pixel_kind_gap(&style.kind), band->n);
    else if (!pixel_kind_equal(&in.kind, &style.kind))
        lanes_convert(&in, &out, band->n), pixels = out.data;
    if (runner->tiles) {
        size_t row = (size_t)(band->rows.y - band->tile.y);

        memcpy((char *)runner->tiles[number] + row * band->tile.width * size, pixels,
               band->n * size);
        if (row + band->rows.height < band->tile.height)
            return true;
        pixels = runner->tiles[number];
    }
    return encoder_plane(runner->encoder, &style, &band->schedule->grid, entry, pixels,
                         band->tile.width, band->tile.height, runner->job->part, err);
}

static bool run_step(struct block_runner *runner, struct band *band, const struct step *step,
                     struct err *err)
{
    switch (step->op) {
    case STEP_READ:
        if (!read_step(runner, band, step, err))
            return false;
        break;
    case STEP_CONVERT: {
        struct lane_plane in = plane_of(runner, &step->ins[0]);
        struct lane_plane out = plane_of(runner, &step->outs[0]);

        lanes_convert(&in, &out, band->n);
        break;
    }
    case STEP_EMIT:
        return emit_step(runner, band, step, err);
    default:
        run_program(runner, band, step);
    }
    clip_outputs(runner, band, step);
    return true;
}

bool block_run(struct block_runner *runner, size_t block, struct err *err)
{
    size_t tile;
    struct band band = { .block = block };

    band.schedule = schedule_of(runner->job->schedules, block, &tile);
    band.tile = schedule_tile(band.schedule, tile);
    if (!take_buffers(runner, band.schedule, err))
        return false;
    for (size_t row = 0; row < band.tile.height; row += runner->job->rows) {
        size_t left = band.tile.height - row;

        band.rows = band.tile;
        band.rows.y += (int64_t)row;
        band.rows.height = left < runner->job->rows ? left : runner->job->rows;
        band.n = band.rows.width * band.rows.height;
        band.emitted = 0;
        for (size_t i = 0; i < band.schedule->n_steps; i++)
            if (!run_step(runner, &band, &band.schedule->steps[i], err))
                return false;
    }
    return true;
}
