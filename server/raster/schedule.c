/* Making a schedule is a walk from the outputs, depth first, so that a fold over time asks for one
 * slice at a time and a buffer lives as short as it can. Every plane of a node is a *value*: made at
 * its first use, kept while uses are left (they are counted before), its buffer then taken by the
 * next one. Planes that only pass through a node are the same value, unless type, no-data value or
 * extent change. */
#include "raster/maker.h"
#include "raster/encode.h"
#include <string.h>

static const double deflate_slowness = 2.4; /* level 6 against ZSTD 1, measured */

static bool emit(struct maker *m, size_t output)
{
    const struct plan_node *save = m->schedule->outputs[output], *input = save->inputs[0];
    size_t planes = cube_planes(&save->schema);
    struct file_style style;

    if (!file_style_of(save, &style, m->err))
        return false;
    m->schedule->pack_cost += (double)(planes * pixel_size(style.kind.pixel)) *
                              (style.codec == CODEC_DEFLATE ? deflate_slowness : 1);
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
        m->schedule->emitted_bytes += pixel_size(save->schema.pixel);
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

        if (!place(m, save, 0, 0))
            return false;
        for (size_t plane = 0; plane < cube_planes(&save->schema); plane++)
            count_value(m, save->inputs[0], plane);
    }
    for (size_t i = 0; i < s->n_outputs; i++)
        if (!emit(m, i))
            return false;
    return true;
}

/* One plane of a node, over any windows of its grid. */
static bool make_input(struct maker *m, const struct plan_node *input, size_t plane)
{
    if (!index_nodes(m) || !place(m, input, 0, 0))
        return false;
    count_value(m, input, plane);
    return make(m, input, plane, &m->schedule->result);
}

/* input NULL: all outputs of the group. */
static bool schedule_make(const struct plan *plan, struct schedules *all, struct schedule *s,
                          const struct plan_node *input, size_t plane, struct err *err)
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
    ok = input ? make_input(&m, input, plane) : make_group(&m);
    free(m.values);
    free(m.slot_used);
    return ok;
}

bool schedule_input(struct maker *m, const struct plan_node *input, size_t plane,
                    const struct schedule **ret)
{
    struct schedules *all = m->all;
    struct schedule *s = arena_alloc(all->arena, sizeof *s);

    s->grid = input->schema.grid;
    all->inputs =
        mem_grow(all->inputs, &all->input_capacity, all->n_inputs + 1, sizeof *all->inputs);
    all->inputs[all->n_inputs++] = s;
    *ret = s;
    return schedule_make(m->plan, all, s, input, plane, m->err);
}

/* The group of a save: an earlier one with the same grid, or a new one. */
static struct schedule *group_of(struct schedules *all, const struct plan_node *save)
{
    struct schedule *s;

    for (size_t i = 0; i < all->count; i++)
        if (grid_equal(&all->schedules[i].grid, &save->schema.grid))
            return &all->schedules[i];
    s = &all->schedules[all->count++];
    s->grid = save->schema.grid;
    return s;
}

bool schedules_make(const struct plan *plan, struct schedules **ret_schedules, struct err *err)
{
    AUTO(schedules) struct schedules *all = MEM_NEW(struct schedules);

    all->arena = arena_new();
    all->schedules = arena_array(all->arena, plan->n_saves + 1, sizeof *all->schedules);
    for (size_t i = 0; i < plan->n_saves; i++) {
        const struct plan_node *save = plan->saves[i];
        struct schedule *s;
        const struct plan_node **outputs;
        struct file_style style;

        if (save->schema.grid.width < 1 || save->schema.grid.height < 1)
            return err_set(err, ERR_DataCubeEmpty, "%s: the cube has no pixels.", save->pointer);
        if (!file_style_of(save, &style, err))
            return false;
        s = group_of(all, save);
        outputs = arena_array(all->arena, s->n_outputs + 1, sizeof *outputs);
        if (s->n_outputs)
            memcpy(outputs, s->outputs, s->n_outputs * sizeof *outputs);
        outputs[s->n_outputs++] = save;
        s->outputs = outputs;
    }
    for (size_t i = 0; i < all->count; i++) {
        if (!schedule_make(plan, all, &all->schedules[i], NULL, 0, err))
            return false;
        all->blocks += all->schedules[i].blocks;
    }
    *ret_schedules = all;
    all = NULL;
    return true;
}

void schedules_free(struct schedules *schedules)
{
    if (!schedules)
        return;
    for (size_t i = 0; i < schedules->count; i++) {
        free(schedules->schedules[i].steps);
        free(schedules->schedules[i].slot_size);
    }
    for (size_t i = 0; i < schedules->n_inputs; i++) {
        free(schedules->inputs[i]->steps);
        free(schedules->inputs[i]->slot_size);
    }
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
    int64_t x = (int64_t)(tile % schedule->tile_columns) * BASE_TILE;
    int64_t y = (int64_t)(tile / schedule->tile_columns) * BASE_TILE;
    int64_t right = schedule->grid.width - x, below = schedule->grid.height - y;

    return (struct window_rect){ x, y, (size_t)(right < BASE_TILE ? right : BASE_TILE),
                                 (size_t)(below < BASE_TILE ? below : BASE_TILE) };
}
