/* Runs a schedule over blocks. A block is a base tile; where memory is short it is computed in
 * bands of rows, the outputs gathering in tile buffers meanwhile. A value of a node is no-data
 * outside of the node's grid, whatever made it. */
#include "raster/block_run.h"
#include "base/mem.h"
#include "raster/foreign.h"
#include "raster/patches.h"
#include "raster/pieces.h"
#include "raster/rasterize.h"
#include "raster/zones.h"
#include <math.h>
#include <string.h>

enum {
    ALIGN = 64,
    INPUT_PIXELS = 1 << 20,  /* of an input, at once */
    LOADER_BYTES = 20 << 20, /* what its buffers come to */
};

/* An input of one pixel: what all blocks ask for again. */
struct single {
    bool is_made;
    double made; /* room for any pixel */
};

/* Buffers of the schedules that make inputs. Those that run at the same time run inside each other, so that
 * one room for each depth is enough, in which dates and bands take turns. */
struct room {
    void *memory;
    size_t size;
};

struct block_runner {
    const struct block_job *job;
    struct loader *loader;
    struct encoder *encoder;
    struct zone_work *zones;
    struct lane_machine machine;
    const struct schedule *schedule; /* that the buffers are for */
    void **slots;
    struct single *singles;          /* by number of the schedule of an input */
    struct room *rooms;              /* by depth */
    size_t depth, n_rooms, room_capacity;
    struct patch_places *places;
    struct foreign *foreign;
    void *converted;                 /* an output in the type of its file */
    void **tiles;                    /* outputs that gather; NULL when blocks are computed whole */
};

/* Pixels that are computed at once. */
static size_t band_pixels(const struct schedule *s, size_t rows)
{
    return (rows < s->tile_height ? rows : s->tile_height) * s->tile_width;
}

static size_t slot_bytes(const struct schedule *s, size_t slot, size_t pixels)
{
    return (s->slot_size[slot] * pixels + ALIGN) / ALIGN * ALIGN;
}

static size_t room_bytes(const struct schedule *s, size_t pixels)
{
    size_t bytes = 0;

    for (size_t k = 0; k < s->n_slots; k++)
        bytes += slot_bytes(s, k, pixels);
    return bytes;
}

/* Windows are no larger than a patch is, or the area that is read for several. */
static size_t input_memory(const struct step *step, const struct schedule *input)
{
    const struct grid *patch = &step->node->schema.grid;
    size_t most = (size_t)input->grid.width * (size_t)input->grid.height, own;

    own = (size_t)patch->width * (size_t)patch->height;
    own = own > PATCH_AREA ? own : PATCH_AREA;
    if (step->node->op == PLAN_PATCH && own < most)
        most = own;
    if (step->node->op == PLAN_UDF && foreign_pixels(step->node) < most)
        most = foreign_pixels(step->node);
    return room_bytes(input, most < INPUT_PIXELS ? most : INPUT_PIXELS);
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
            own = input_memory(step, step->inputs[k]);
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

size_t block_memory(const struct schedule *s, size_t rows, size_t tile_bytes)
{
    size_t band = band_pixels(s, rows), tile = s->tile_width * s->tile_height;

    return s->pixel_bytes * band + 8 * tile + (rows < s->tile_height ? s->emitted_bytes * tile : 0) +
           zones_bytes(s) + around_memory(s, rows) + s->machine_bytes + encoder_memory() + tile_bytes + LOADER_BYTES;
}

bool block_runner_new(const struct block_job *job, struct block_runner **ret_runner,
                      struct err *err)
{
    AUTO(block_runner) struct block_runner *runner = MEM_NEW(struct block_runner);
    size_t machine = 0;

    runner->job = job;
    runner->loader = loader_new(job->options, job->tile_bytes);
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

static bool pixels_new(size_t size, void **ret_pixels, struct err *err)
{
    *ret_pixels = aligned_alloc(ALIGN, (size + ALIGN) / ALIGN * ALIGN);
    return *ret_pixels || err_set(err, ERR_MemoryExceeded, "No memory for %zu bytes of pixels.",
                                  size);
}

/* Of a pixel of an output: in the type of its file, which for pictures may be 16 bit. */
static size_t gathered_size(const struct plan_node *save)
{
    size_t size = pixel_size(save->inputs[0]->schema.pixel);

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
        for (size_t plane = 0; plane < output_planes(s->outputs[i]); plane++)
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
    struct stage *stage; /* the tile is a cell of this; NULL: it is the block */
    size_t finished;     /* blocks */
    void **slots;
};

static struct lane_plane plane_of(const struct band *band, const struct operand *operand)
{
    return (struct lane_plane){ operand->slot == NO_SLOT ? NULL : band->slots[operand->slot],
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

static bool run_step(struct block_runner *runner, struct band *band, const struct step *step,
                     struct err *err);

/* ---- inputs of neighbourhoods ---- */

/* The buffers of a schedule for that many pixels, in the room of the depth that it runs at (from 1). */
static bool take_room(struct block_runner *runner, const struct schedule *s, size_t pixels, void **slots,
                      struct err *err)
{
    size_t size = room_bytes(s, pixels), at = 0;
    struct room *room;

    while (runner->depth > runner->n_rooms) {
        runner->rooms = mem_grow(runner->rooms, &runner->room_capacity, runner->n_rooms + 1, sizeof *runner->rooms);
        runner->rooms[runner->n_rooms++] = (struct room){ 0 };
    }
    room = &runner->rooms[runner->depth - 1];
    if (room->size < size) {
        free(room->memory);
        *room = (struct room){ 0 };
        if (!pixels_new(size, &room->memory, err))
            return false;
        room->size = size;
    }
    for (size_t k = 0; k < s->n_slots; k++) {
        slots[k] = (char *)room->memory + at;
        at += slot_bytes(s, k, pixels);
    }
    return true;
}

static void take_input(const struct band *band, const struct operand *result, void *dst, size_t at)
{
    struct lane_plane made = plane_of(band, result);
    size_t size = pixel_size(made.kind.pixel);

    if (made.data)
        memcpy((char *)dst + at * size, made.data, band->n * size);
    else
        pixel_tables[made.kind.pixel]->fill((char *)dst + at * size, pixel_kind_gap(&made.kind), band->n);
}

/* A window of the planes that a schedule makes, in bands that keep its buffers small. */
static bool make_inputs(struct block_runner *runner, const struct schedule *s, const struct window_rect *w,
                        void *const *dsts, struct err *err)
{
    size_t most = INPUT_PIXELS / w->width ? INPUT_PIXELS / w->width : 1;
    AUTO(mem) void **slots = mem_array(s->n_slots, sizeof *slots);
    struct band band = { .schedule = s, .rows = *w, .slots = slots };

    most = most < w->height ? most : w->height;
    if (!take_room(runner, s, most * w->width, slots, err))
        return false;
    for (size_t row = 0; row < w->height; row += band.rows.height) {
        band.rows.y = w->y + (int64_t)row;
        band.rows.height = w->height - row < most ? w->height - row : most;
        band.n = band.rows.width * band.rows.height;
        for (size_t i = 0; i < s->n_steps; i++)
            if (!run_step(runner, &band, &s->steps[i], err))
                return false;
        for (size_t i = 0; i < s->n_results; i++)
            take_input(&band, &s->results[i], dsts[i], row * w->width);
    }
    return true;
}

static bool read_inputs(void *runner_, const struct schedule *s, const struct window_rect *w,
                        void *const *dsts, struct err *err)
{
    struct block_runner *runner = runner_;
    struct single *single = &runner->singles[s->number];
    bool only = s->grid.width == 1 && s->grid.height == 1 && s->n_results == 1 && !s->is_of_window, good;

    if (single->is_made) {
        memcpy(dsts[0], &single->made, pixel_size(s->results[0].kind.pixel));
        return true;
    }
    runner->depth++;
    good = make_inputs(runner, s, w, dsts, err);
    runner->depth--;
    if (good && only) {
        memcpy(&single->made, dsts[0], pixel_size(s->results[0].kind.pixel));
        single->is_made = true;
    }
    return good;
}

static bool read_input(void *runner, const struct schedule *s, const struct window_rect *w, void *dst,
                       struct err *err)
{
    return read_inputs(runner, s, w, &dst, err);
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

static size_t save_number(const struct plan *plan, const struct plan_node *save)
{
    size_t i = 0;

    while (pieces_output(plan, i) != save)
        i++;
    return i;
}

/* A finished plane of a tile of rows. */
static void emit_rows(const struct block_runner *runner, const struct band *band,
                      const struct step *step)
{
    struct lane_plane in = plane_of(band, &step->ins[0]);
    size_t save = save_number(runner->job->plan, step->node);
    double *to = runner->job->rows_made[save] +
                 step->plane * (size_t)step->node->schema.grid.width + (size_t)band->rows.x;
    struct lane_plane out = { to, { PIXEL_F64, NAN, true } };

    if (in.data)
        lanes_convert(&in, &out, band->n);
    else
        pixel_tables[PIXEL_F64]->fill(to, NAN, band->n);
}

static struct pixel_kind emitted_kind(const struct plan_node *output, struct file_style *style,
                                      const struct pixel_kind *made)
{
    return output->op == PLAN_ZONES ? *made : style->kind;
}

/* A plane of a whole block. */
static bool pack(struct block_runner *runner, const struct band *band, const struct step *step,
                 const struct file_style *style, size_t block, const struct window_rect *tile,
                 const struct lane_plane *plane, struct err *err)
{
    struct part_entry entry = { .block = (uint32_t)block,
                                .save = (uint32_t)save_number(runner->job->plan, step->node),
                                .plane = (uint32_t)step->plane };

    if (step->node->op == PLAN_ZONES)
        return zones_emit(runner->zones, step->node, tile, entry, plane, runner->job->part, err);
    return encoder_plane(runner->encoder, style, &band->schedule->grid, entry, plane->data, tile->width,
                         tile->height, runner->job->part, err);
}

/* A plane of a part of a cell: to the blocks that it lies on. */
static bool emit_to_stage(struct block_runner *runner, struct band *band, const struct step *step,
                          const struct file_style *style, size_t number, const struct lane_plane *plane,
                          struct err *err)
{
    const struct window_rect *w = &band->rows;
    struct stage *stage = band->stage;

    for (int64_t y = w->y / BASE_TILE; y * BASE_TILE < w->y + (int64_t)w->height; y++)
        for (int64_t x = w->x / BASE_TILE; x * BASE_TILE < w->x + (int64_t)w->width; x++) {
            size_t block = (size_t)y * band->schedule->tile_columns + (size_t)x;
            struct window_rect tile = schedule_tile(band->schedule, block);
            AUTO(mem) void *whole = NULL;
            bool finished;

            if (block < stage->first || block >= stage->end)
                continue;
            if (!stage_put(stage, block, number, w, plane->data, pixel_size(plane->kind.pixel), &whole,
                           &finished, err))
                return false;
            band->finished += finished;
            if (whole && !pack(runner, band, step, style, stage->before + block, &tile,
                               &(struct lane_plane){ whole, plane->kind }, err))
                return false;
        }
    return true;
}

/* A finished plane of the block: in the type of its file, and packed when it is whole. */
static bool emit_step(struct block_runner *runner, struct band *band, const struct step *step,
                      struct err *err)
{
    struct lane_plane in = plane_of(band, &step->ins[0]), out = { runner->converted, in.kind };
    struct file_style style = { 0 };
    size_t number = band->emitted++, size;

    if (runner->job->survey) {
        struct window_rect w = on_node(band, step->node);

        survey_add(runner->job->survey, step->plane, &w, &in);
        return true;
    }
    if (step->node->op != PLAN_ZONES && !file_style_of(step->node, &style, err))
        return false;
    out.kind = emitted_kind(step->node, &style, &in.kind);
    size = pixel_size(out.kind.pixel);
    if (!in.data)
        pixel_tables[out.kind.pixel]->fill(out.data, pixel_kind_gap(&out.kind), band->n);
    else if (pixel_kind_equal(&in.kind, &out.kind))
        out.data = in.data;
    else
        lanes_convert(&in, &out, band->n);
    if (band->stage)
        return emit_to_stage(runner, band, step, &style, number, &out, err);
    if (runner->tiles) {
        size_t row = (size_t)(band->rows.y - band->tile.y);

        memcpy((char *)runner->tiles[number] + row * band->tile.width * size, out.data, band->n * size);
        if (row + band->rows.height < band->tile.height)
            return true;
        out.data = runner->tiles[number];
    }
    return pack(runner, band, step, &style, band->block, &band->tile, &out, err);
}

static bool run_step(struct block_runner *runner, struct band *band, const struct step *step,
                     struct err *err)
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
        if (step->node->schema.geometries && step->node->op == PLAN_SAVE) {
            emit_rows(runner, band, step);
            return true;
        }
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
    for (size_t row = 0; row < band->tile.height; row += runner->job->rows) {
        size_t left = band->tile.height - row;

        band->rows = band->tile;
        band->rows.y += (int64_t)row;
        band->rows.height = left < runner->job->rows ? left : runner->job->rows;
        band->n = band->rows.width * band->rows.height;
        band->emitted = 0;
        for (size_t i = 0; i < s->n_steps; i++)
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

bool block_run(struct block_runner *runner, const struct unit *unit, size_t *ret_finished, struct err *err)
{
    struct band band = { .block = unit->block, .stage = unit->stage, .tile = unit->cell, .finished = 0 };
    size_t tile;

    if (unit->stage) {
        band.schedule = unit->stage->schedule;
    } else {
        band.schedule = schedule_of(runner->job->schedules, unit->block, &tile);
        band.tile = schedule_tile(band.schedule, tile);
        band.finished = 1;
    }
    if (!run_bands(runner, &band, err))
        return false;
    *ret_finished = band.finished;
    return true;
}

bool block_run_rows(struct block_runner *runner, const struct schedule *schedule, size_t tile,
                    struct err *err)
{
    struct band band = { .schedule = schedule, .tile = schedule_tile(schedule, tile) };

    return run_bands(runner, &band, err);
}
