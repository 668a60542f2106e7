/* Making a schedule is a walk from the outputs, depth first, so that a fold over time asks for one
 * slice at a time and a buffer lives as short as it can. Every plane of a node is a *value*: made at
 * its first use, kept while uses are left (they are counted before), its buffer then taken by the
 * next one. Planes that only pass through a node are the same value, unless type, no-data value or
 * extent change. */
#include "raster/maker.h"
#include "raster/encode.h"
#include "raster/zones.h"
#include <string.h>

static const double deflate_slowness[] = { 1.7, 2.4 }; /* level 1, and 6, against ZSTD 1, measured */

size_t output_planes(const struct plan_node *output)
{
    return cube_planes(output->op == PLAN_ZONES ? &output->inputs[0]->schema : &output->schema);
}

static const struct grid *output_grid(const struct plan_node *output)
{
    return output->op == PLAN_ZONES ? &output->inputs[0]->schema.grid : &output->schema.grid;
}

/* What becomes of statistics and rows costs nothing beside pixels. */
static bool note_packing(struct maker *m, const struct plan_node *save)
{
    struct file_style style;

    if (save->op == PLAN_ZONES || save->schema.geometries)
        return true;
    if (!file_style_of(save, &style, m->err))
        return false;
    m->schedule->pack_cost += (double)(output_planes(save) * pixel_size(style.kind.pixel)) *
                              (style.codec == CODEC_DEFLATE ? deflate_slowness[style.level > 1] : 1);
    return true;
}

static bool holds_nothing(const struct maker *m)
{
    for (size_t i = 0; i < m->schedule->n_slots; i++)
        if (m->slot_used[i])
            return false;
    return true;
}

/* Of steps that look around several may ask for the same pixels, which are then made once: they stay together. */
static bool looks_around(const struct schedule *s)
{
    bool found = false;

    for (size_t i = 0; i < s->n_steps; i++)
        found |= s->steps[i].op == STEP_AROUND;
    return found;
}

/* The steps since the last leg are one. */
static void end_leg(struct maker *m)
{
    struct schedule *s = m->schedule;
    size_t begin = s->n_legs ? s->legs[s->n_legs - 1].end : 0, emitted = s->n_legs ? m->leg_emitted : 0;

    s->legs = mem_grow(s->legs, &m->leg_capacity, s->n_legs + 1, sizeof *s->legs); /* moves them */
    s->legs[s->n_legs++] = (struct leg){ begin, s->n_steps, emitted };
    m->leg_emitted = s->emitted;
}

static bool emit(struct maker *m, size_t output)
{
    const struct plan_node *save = m->schedule->outputs[output], *input = save->inputs[0];
    size_t planes = output_planes(save);

    if (!note_packing(m, save))
        return false;
    for (size_t plane = 0; plane < planes; plane++) {
        struct operand in;
        struct step *step;

        if (!make(m, input, plane, &in))
            return false;
        step = step_new(m, STEP_EMIT, save, 1, 0);
        step->plane = plane;
        step->output = output;
        step->ins[0] = in;
        release(m, input, plane);
        m->schedule->emitted++;
        m->schedule->emitted_bytes += pixel_size(input->schema.pixel);
        if (holds_nothing(m))
            end_leg(m);
    }
    return true;
}

static bool make_group(struct maker *m)
{
    struct schedule *s = m->schedule;

    if (!index_nodes(m))
        return false;
    for (size_t i = 0; i < s->n_outputs; i++) {
        const struct plan_node *save = s->outputs[i];

        if (!place(m, save, 0, 0) || !place(m, save->inputs[0], 0, 0))
            return false;
        for (size_t plane = 0; plane < output_planes(save); plane++)
            count_value(m, save->inputs[0], plane);
    }
    for (size_t i = 0; i < s->n_outputs; i++)
        if (!emit(m, i))
            return false;
    if (looks_around(s) || s->images) /* of a radar images and squares are shared as well */
        s->n_legs = 0;
    if (s->n_legs == 0 || s->legs[s->n_legs - 1].end < s->n_steps)
        end_leg(m);
    return true;
}

/* Some planes of a node, over any windows of its grid. */
static bool make_input(struct maker *m, const struct plan_node *input, const size_t *planes)
{
    struct schedule *s = m->schedule;

    if (!index_nodes(m) || !place(m, input, 0, 0))
        return false;
    for (size_t i = 0; i < s->n_results; i++)
        count_value(m, input, planes[i]);
    for (size_t i = 0; i < s->n_results; i++)
        if (!make(m, input, planes[i], &s->results[i]))
            return false;
    return true;
}

static bool only_zones(const struct schedule *s)
{
    for (size_t i = 0; i < s->n_outputs; i++)
        if (s->outputs[i]->op != PLAN_ZONES)
            return false;
    return true;
}

/* Nothing is read but what lies under geometries. */
static void choose_tiles(const struct plan *plan, struct schedule *s)
{
    s->blocks = zones_tiles(plan, s, &s->tiles);
    s->tile_width = s->tile_height = 0;
    for (size_t i = 0; i < s->blocks; i++) {
        s->tile_width = s->tiles[i].width > s->tile_width ? s->tiles[i].width : s->tile_width;
        s->tile_height = s->tiles[i].height > s->tile_height ? s->tiles[i].height : s->tile_height;
    }
}

/* input NULL: all outputs of the group. */
static bool schedule_make(const struct plan *plan, struct schedules *all, struct schedule *s,
                          const struct plan_node *input, const size_t *planes, struct err *err)
{
    struct arena *arena = all->arena;
    struct maker m = { .plan = plan, .all = all, .arena = arena, .schedule = s, .err = err };
    bool ok;

    m.shift_x = arena_array(arena, plan->n_nodes, sizeof *m.shift_x);
    m.shift_y = arena_array(arena, plan->n_nodes, sizeof *m.shift_y);
    m.placed = arena_array(arena, plan->n_nodes, sizeof *m.placed);
    s->shift_x = m.shift_x;
    s->shift_y = m.shift_y;
    s->tile_columns = (size_t)((s->grid.width + BASE_TILE - 1) / BASE_TILE);
    s->tile_rows = (size_t)((s->grid.height + BASE_TILE - 1) / BASE_TILE);
    s->tile_width = s->grid.width < BASE_TILE ? (size_t)s->grid.width : BASE_TILE;
    s->tile_height = s->grid.height < BASE_TILE ? (size_t)s->grid.height : BASE_TILE;
    s->blocks = s->tile_columns * s->tile_rows;
    if (!input && only_zones(s))
        choose_tiles(plan, s);
    ok = input ? make_input(&m, input, planes) : make_group(&m);
    free(m.values);
    free(m.slot_used);
    return ok;
}

/* Coarse cells that are made of other pixels than those of the same place: few, asked for by many windows. */
static bool worth_keeping(const struct schedule *s)
{
    enum { COARSE = 16 /* times the area of the pixels of blocks */ };
    const struct grid *own = &s->grid, *fine = &s->asker;

    return looks_around(s) && !s->is_of_window && own->epsg == fine->epsg &&
           own->dx * own->dy >= COARSE * fine->dx * fine->dy;
}

static struct schedule *existing_input(const struct schedules *all, const struct plan_node *input, size_t n_planes,
                                       const size_t *planes)
{
    for (size_t i = 0; i < all->n_inputs; i++) {
        struct schedule *s = all->inputs[i];

        if (s->made == input && s->n_results == n_planes && !memcmp(s->planes, planes, n_planes * sizeof *planes))
            return s;
    }
    return NULL;
}

bool schedule_input(struct maker *m, const struct plan_node *input, size_t n_planes,
                    const size_t *planes, bool shared, const struct schedule **ret)
{
    struct schedules *all = m->all;
    struct schedule *s = shared ? existing_input(all, input, n_planes, planes) : NULL;

    *ret = s;
    if (s)
        return true;
    *ret = s = arena_alloc(all->arena, sizeof *s);
    s->grid = input->schema.grid;
    s->asker = m->schedule->asker;
    s->made = input;
    s->planes = planes;
    s->number = all->n_inputs;
    s->n_results = n_planes;
    s->results = arena_array(all->arena, n_planes, sizeof *s->results);
    all->inputs =
        mem_grow(all->inputs, &all->input_capacity, all->n_inputs + 1, sizeof *all->inputs);
    all->inputs[all->n_inputs++] = s;
    if (!schedule_make(m->plan, all, s, input, planes, m->err))
        return false;
    s->is_kept = worth_keeping(s);
    return true;
}

/* The group of an output: an earlier one with the same grid, or a new one. */
static void add_output(struct schedules *all, struct schedule *groups, size_t *n_groups,
                       const struct plan_node *output)
{
    const struct plan_node **outputs;
    struct schedule *s = groups;

    while (s < groups + *n_groups && !grid_equal(&s->grid, output_grid(output)))
        s++;
    if (s == groups + *n_groups)
        (*n_groups)++;
    s->grid = s->asker = *output_grid(output);
    outputs = arena_array(all->arena, s->n_outputs + 1, sizeof *outputs);
    if (s->n_outputs)
        memcpy(outputs, s->outputs, s->n_outputs * sizeof *outputs);
    outputs[s->n_outputs++] = output;
    s->outputs = outputs;
}

static bool add_save(struct schedules *all, const struct plan_node *save, struct err *err)
{
    struct file_style style;

    if (save->schema.geometries) {
        add_output(all, all->vectors, &all->n_vectors, save);
        return true;
    }
    if (save->schema.grid.width < 1 || save->schema.grid.height < 1)
        return err_set(err, ERR_DataCubeEmpty, "%s: the cube has no pixels.", save->pointer);
    if (!file_style_of(save, &style, err))
        return false;
    add_output(all, all->schedules, &all->count, save);
    return true;
}

bool schedules_make(const struct plan *plan, struct schedules **ret_schedules, struct err *err)
{
    AUTO(schedules) struct schedules *all = MEM_NEW(struct schedules);

    all->arena = arena_new();
    all->schedules =
        arena_array(all->arena, plan->n_saves + plan->n_zones + 1, sizeof *all->schedules);
    all->vectors = arena_array(all->arena, plan->n_saves + 1, sizeof *all->vectors);
    for (size_t i = 0; i < plan->n_saves; i++)
        if (!add_save(all, plan->saves[i], err))
            return false;
    for (size_t i = 0; i < plan->n_zones; i++)
        add_output(all, all->schedules, &all->count, plan->zones[i]);
    for (size_t i = 0; i < all->count; i++) {
        if (!schedule_make(plan, all, &all->schedules[i], NULL, NULL, err))
            return false;
        all->blocks += all->schedules[i].blocks;
    }
    for (size_t i = 0; i < all->n_vectors; i++)
        if (!schedule_make(plan, all, &all->vectors[i], NULL, NULL, err))
            return false;
    *ret_schedules = all;
    all = NULL;
    return true;
}

static void schedule_done(struct schedule *s)
{
    free(s->steps);
    free(s->legs);
    free(s->slot_size);
    free(s->tiles);
}

void schedules_free(struct schedules *schedules)
{
    if (!schedules)
        return;
    for (size_t i = 0; i < schedules->count; i++)
        schedule_done(&schedules->schedules[i]);
    for (size_t i = 0; i < schedules->n_vectors; i++)
        schedule_done(&schedules->vectors[i]);
    for (size_t i = 0; i < schedules->n_inputs; i++)
        schedule_done(schedules->inputs[i]);
    free(schedules->inputs);
    arena_free(schedules->arena);
    free(schedules);
}

const struct schedule *schedule_of(const struct schedules *schedules, size_t block,
                                   size_t *ret_tile)
{
    size_t i = 0;

    while (block >= schedules->schedules[i].blocks)
        block -= schedules->schedules[i++].blocks;
    *ret_tile = block;
    return &schedules->schedules[i];
}

struct window_rect schedule_tile(const struct schedule *schedule, size_t tile)
{
    if (schedule->tiles)
        return schedule->tiles[tile];
    int64_t x = (int64_t)(tile % schedule->tile_columns) * BASE_TILE;
    int64_t y = (int64_t)(tile / schedule->tile_columns) * BASE_TILE;
    int64_t right = schedule->grid.width - x, below = schedule->grid.height - y;

    return (struct window_rect){ x, y, (size_t)(right < BASE_TILE ? right : BASE_TILE),
                                 (size_t)(below < BASE_TILE ? below : BASE_TILE) };
}

double schedule_pixels(const struct schedule *schedule)
{
    double pixels = 0;

    if (!schedule->tiles)
        return (double)schedule->grid.width * (double)schedule->grid.height;
    for (size_t i = 0; i < schedule->blocks; i++)
        pixels += (double)(schedule->tiles[i].width * schedule->tiles[i].height);
    return pixels;
}
