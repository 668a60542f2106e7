/* Runs a schedule over blocks. A block is a base tile; where memory is short it is computed in
 * bands of rows, the outputs gathering in tile buffers meanwhile. A value of a node is no-data
 * outside of the node's grid, whatever made it. */
#include "raster/block_runner.h"
#include "base/mem.h"
#include "raster/foreign.h"
#include "raster/patches.h"
#include "raster/rasterize.h"
#include "raster/zones.h"
#include <string.h>

bool block_runner_new(const struct block_job *job, struct block_runner **ret_runner,
                      struct err *err)
{
    AUTO(block_runner) struct block_runner *runner = MEM_NEW(struct block_runner);
    size_t machine = 0;

    runner->job = job;
    runner->size = job->fit.size;
    runner->loader = loader_new(job->options, job->radar, job->fit.size.tile_bytes);
    runner->zones = zone_work_new();
    runner->singles = mem_array(job->schedules->n_inputs, sizeof *runner->singles);
    runner->places = patch_places_new(job->plan->n_nodes, job->schedules->n_inputs);
    runner->foreign = foreign_new(job->options, job->plan->n_nodes);
    for (size_t i = 0; i < job->schedules->count; i++)
        if (job->schedules->schedules[i].machine_bytes > machine)
            machine = job->schedules->schedules[i].machine_bytes;
    for (size_t i = 0; i < job->schedules->n_vectors; i++)
        if (job->schedules->vectors[i].machine_bytes > machine)
            machine = job->schedules->vectors[i].machine_bytes;
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
    for (size_t i = 0; i < runner->n_rooms; i++)
        free(runner->rooms[i].memory);
    free(runner->rooms);
    free(runner->singles);
    patch_places_free(runner->places);
    foreign_free(runner->foreign);
    loader_free(runner->loader);
    encoder_free(runner->encoder);
    zone_work_free(runner->zones);
    lane_machine_done(&runner->machine);
    free(runner);
}

bool pixels_new(size_t size, void **ret_pixels, struct err *err)
{
    *ret_pixels = aligned_alloc(PIXEL_ALIGN, (size + PIXEL_ALIGN) / PIXEL_ALIGN * PIXEL_ALIGN);
    return *ret_pixels || err_set(err, ERR_MemoryExceeded, "No memory for %zu bytes of pixels.",
                                  size);
}

/* In the type of its file. */
size_t gathered_size(const struct plan_node *output)
{
    struct file_style style;
    struct err err = { 0 };

    if (output->op == PLAN_ZONES || !file_style_of(output, &style, &err))
        return pixel_size(output->inputs[0]->schema.pixel);
    return pixel_size(style.kind.pixel);
}

size_t emitted_size(const struct schedule *s)
{
    size_t most = 0;

    for (size_t i = 0; i < s->n_outputs; i++)
        most = gathered_size(s->outputs[i]) > most ? gathered_size(s->outputs[i]) : most;
    return most;
}

static bool take_buffers(struct block_runner *runner, const struct schedule *s, struct err *err)
{
    size_t tile = s->tile_width * s->tile_height, band = band_pixels(s, runner->size.rows);

    if (runner->schedule == s)
        return true;
    drop_buffers(runner);
    runner->schedule = s;
    runner->slots = mem_array(s->n_slots, sizeof *runner->slots);
    for (size_t i = 0; i < s->n_slots; i++)
        if (!pixels_new(s->slot_size[i] * band, &runner->slots[i], err))
            return false;
    if (!pixels_new(emitted_size(s) * band, &runner->converted, err))
        return false;
    if (runner->size.rows >= s->tile_height)
        return true;
    runner->tiles = mem_array(s->emitted, sizeof *runner->tiles);
    for (size_t i = 0, n = 0; i < s->n_outputs; i++)
        for (size_t plane = 0; plane < output_planes(s->outputs[i]); plane++)
            if (!pixels_new(gathered_size(s->outputs[i]) * tile, &runner->tiles[n++], err))
                return false;
    return true;
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

static void clip_outputs(const struct band *band, const struct step *step)
{
    struct window_rect w = on_node(band, step->node);

    if (inside(&w, &step->node->schema.grid))
        return;
    for (size_t i = 0; i < step->n_outs; i++) {
        struct lane_plane plane = plane_of(band, &step->outs[i]);

        if (plane.data)
            clip(&w, &step->node->schema.grid, &plane);
    }
}

static void fill_state(const struct band *band, const struct step *step,
                       struct fold_state *states)
{
    for (size_t i = 0; i < step->program->n_folds; i++) {
        const struct state_slots *s = &step->states[i];

        states[i] = (struct fold_state){
            .value = s->value == NO_SLOT ? NULL : band->slots[s->value],
            .sum = s->sum == NO_SLOT ? NULL : band->slots[s->sum],
            .seen = s->seen == NO_SLOT ? NULL : band->slots[s->seen],
            .squares = s->squares == NO_SLOT ? NULL : band->slots[s->squares],
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
        ins[i] = plane_of(band, &step->ins[i]);
    for (size_t i = 0; i < step->n_outs; i++)
        outs[i] = plane_of(band, &step->outs[i]);
    if (step->op == STEP_RUN) {
        lanes_run(&runner->machine, step->program, ins, outs, band->n);
        return;
    }
    fill_state(band, step, states);
    if (step->op == STEP_FOLD)
        lanes_fold(&runner->machine, step->program, step->slice, ins, states, band->n);
    else
        lanes_finish(&runner->machine, step->program, states, outs, band->n);
}

/* Rows of geometries: the numbers that were given or gathered. */
static void read_rows(const struct block_runner *runner, const struct step *step,
                      const struct window_rect *w, double *dst)
{
    const struct plan_node *node = step->node;
    const double *table = node->op == PLAN_TABLE ? node->table : runner->job->tables[node->index];

    memcpy(dst, table + step->plane * (size_t)node->schema.grid.width + (size_t)w->x,
           w->width * sizeof *dst);
}

static bool read_step(struct block_runner *runner, const struct band *band,
                      const struct step *step, struct err *err)
{
    struct window_rect w = on_node(band, step->node);
    struct lane_plane out = plane_of(band, &step->outs[0]);
    struct load_want want;

    if (outside(&w, &step->node->schema.grid))
        return true; /* clipping fills it */
    if (step->node->op == PLAN_MASK) {
        rasterize_mask(step->node->geometries, &step->node->schema.grid, &w, out.data);
        return true;
    }
    if (step->node->op == PLAN_ZONES || step->node->op == PLAN_TABLE) {
        read_rows(runner, step, &w, out.data);
        return true;
    }
    want = load_want_of(step->node, step->plane);
    return load_plane(runner->loader, &want, &w, out.data, err);
}

static bool around_step(struct block_runner *runner, const struct band *band,
                        const struct step *step, struct err *err)
{
    struct window_rect w = on_node(band, step->node);
    AUTO(mem) struct lane_plane *outs = mem_array(step->n_outs, sizeof *outs);
    struct around around = { step->node, step, step->plane, step->inputs[0], &runner->machine,
                             runner->loader, loader_warper(runner->loader), read_input, read_inputs, runner,
                             runner->places, NULL, runner->foreign };

    if (outside(&w, &step->node->schema.grid))
        return true; /* clipping fills it */
    for (size_t i = 0; i < step->n_outs; i++)
        outs[i] = plane_of(band, &step->outs[i]);
    return around_run(&around, &w, outs, err);
}

bool run_step(struct block_runner *runner, struct band *band, const struct step *step, struct err *err)
{
    switch (step->op) {
    case STEP_READ:
        if (!read_step(runner, band, step, err))
            return false;
        break;
    case STEP_AROUND:
        if (!around_step(runner, band, step, err))
            return false;
        break;
    case STEP_CONVERT: {
        struct lane_plane in = plane_of(band, &step->ins[0]);
        struct lane_plane out = plane_of(band, &step->outs[0]);

        lanes_convert(&in, &out, band->n);
        break;
    }
    case STEP_EMIT:
        return emit_step(runner, band, step, err);
    default:
        run_program(runner, band, step);
    }
    clip_outputs(band, step);
    return true;
}

/* band->tile, some rows at once. */
static bool run_bands(struct block_runner *runner, struct band *band, struct err *err)
{
    const struct schedule *s = band->schedule;

    if (!take_buffers(runner, s, err))
        return false;
    band->slots = runner->slots;
    for (size_t row = 0; row < band->tile.height; row += runner->size.rows) {
        size_t left = band->tile.height - row;

        band->rows = band->tile;
        band->rows.y += (int64_t)row;
        band->rows.height = left < runner->size.rows ? left : runner->size.rows;
        band->n = band->rows.width * band->rows.height;
        band->emitted = band->first_plane;
        for (size_t i = band->first_step; i < band->end_step; i++)
            if (!run_step(runner, band, &s->steps[i], err))
                return false;
    }
    return true;
}

struct raster_reading block_runner_reading(const struct block_runner *runner)
{
    const struct source_count *count = source_pool_count(loader_pool(runner->loader));

    return (struct raster_reading){ count->tiles, count->pixels };
}

/* Its tiles were larger than was thought, so that most were decoded for each band. */
static void change_size(struct block_runner *runner, const struct source_count *before)
{
    struct source_pool *pool = loader_pool(runner->loader);
    const struct source_count *now = source_pool_count(pool);

    if (runner->size.rows >= runner->job->fit.other.rows || (now->lost - before->lost) * 2 < now->tiles - before->tiles)
        return;
    drop_buffers(runner);
    runner->size = runner->job->fit.other;
    source_pool_limit(pool, runner->size.tile_bytes);
}

/* Of a survey just those legs whose planes could tell more than is known. */
static bool leg_is_wanted(const struct block_runner *runner, const struct band *band, const struct leg *leg)
{
    bool wanted = false;

    for (size_t i = leg->first; i < leg->end; i++) {
        const struct step *step = &band->schedule->steps[i];
        struct window_rect w = band->tile;

        if (step->op != STEP_EMIT)
            continue;
        w.x += band->schedule->shift_x[step->node->index];
        w.y += band->schedule->shift_y[step->node->index];
        wanted |= survey_wants(runner->job->survey, step->plane, &w);
    }
    return wanted;
}

static bool run_legs(struct block_runner *runner, struct band *band, const struct unit *unit, struct err *err)
{
    const struct leg *legs = band->schedule->legs;
    size_t at_once = runner->job->survey ? 1 : unit->end_leg - unit->first_leg;

    for (size_t i = unit->first_leg; i < unit->end_leg; i += at_once) {
        if (runner->job->survey && !leg_is_wanted(runner, band, &legs[i]))
            continue;
        band->first_step = legs[i].first;
        band->end_step = legs[i + at_once - 1].end;
        band->first_plane = legs[i].emitted;
        if (!run_bands(runner, band, err))
            return false;
    }
    return true;
}

bool block_run(struct block_runner *runner, const struct unit *unit, size_t *ret_finished, struct err *err)
{
    struct band band = { .block = unit->block, .stage = unit->stage, .tile = unit->cell, .finished = 0 };
    struct source_pool *pool = loader_pool(runner->loader);
    struct source_count before = *source_pool_count(pool);
    size_t tile;

    source_pool_begin(pool);
    if (unit->stage) {
        band.schedule = unit->stage->schedule;
    } else {
        band.schedule = schedule_of(runner->job->schedules, unit->block, &tile);
        band.tile = schedule_tile(band.schedule, tile);
    }
    if (!run_legs(runner, &band, unit, err))
        return false;
    change_size(runner, &before);
    *ret_finished = unit->stage ? band.finished : atomic_fetch_sub(unit->unfinished, 1) == 1;
    return true;
}

bool block_run_rows(struct block_runner *runner, const struct schedule *schedule, size_t tile,
                    struct err *err)
{
    struct band band = { .schedule = schedule, .tile = schedule_tile(schedule, tile), .end_step = schedule->n_steps };

    return run_bands(runner, &band, err);
}
