/* Making a schedule is a walk from the outputs, depth first, so that a fold over time asks for one
 * slice at a time and a buffer lives as short as it can. Every plane of a node is a *value*: made at
 * its first use, kept while uses are left (they are counted before), its buffer then taken by the
 * next one. Planes that only pass through a node are the same value, unless type, no-data value or
 * extent change. */
#include "raster/schedule.h"
#include "base/text.h"
#include "raster/encode.h"
#include <string.h>

struct value {
    uint32_t uses; /* steps that still want it */
    uint32_t slot; /* NO_SLOT: not made (yet) */
    bool made, counted, is_alias;
    uint32_t alias; /* the value that this one is */
    uint32_t application, output; /* what makes it: of an apply node */
};

struct maker {
    const struct plan *plan;
    struct arena *arena;
    struct schedule *schedule;
    struct value *values;
    uint32_t *first;     /* by node: its plane 0 in values */
    int64_t *shift_x, *shift_y;
    bool *placed; /* by node: its shift is known */
    size_t step_capacity, slot_capacity, used_capacity;
    bool *slot_used;
    struct err *err;
};

/* ---- values ---- */

static struct value *value_at(struct maker *m, const struct plan_node *node, size_t plane)
{
    return &m->values[m->first[node->index] + plane];
}

/* Where inputs lie relative to the group's grid: shifts add up along the way down. */
static bool place(struct maker *m, const struct plan_node *node, int64_t x, int64_t y)
{
    if (m->placed[node->index]) {
        if (m->shift_x[node->index] != x || m->shift_y[node->index] != y)
            return err_set(m->err, ERR_Internal, "Node '%s' is wanted at two places of one grid.",
                           node->id);
        return true;
    }
    m->placed[node->index] = true;
    m->shift_x[node->index] = x;
    m->shift_y[node->index] = y;
    for (size_t i = 0; i < node->n_inputs; i++)
        if (!place(m, node->inputs[i], x + (node->shifts ? node->shifts[i].x : 0),
                   y + (node->shifts ? node->shifts[i].y : 0)))
            return false;
    return true;
}

/* True when, within the group's grid, the node reaches as far as its input does: then a plane that
 * passes needs no cutting. */
static bool reaches(const struct maker *m, const struct plan_node *node,
                    const struct plan_node *input)
{
    const struct grid *all = &m->schedule->grid, *a = &node->schema.grid, *b = &input->schema.grid;
    int64_t ax = -m->shift_x[node->index], ay = -m->shift_y[node->index];
    int64_t bx = -m->shift_x[input->index], by = -m->shift_y[input->index];
    int64_t left = bx > 0 ? bx : 0, top = by > 0 ? by : 0;
    int64_t right = bx + b->width < all->width ? bx + b->width : all->width;
    int64_t bottom = by + b->height < all->height ? by + b->height : all->height;

    return left >= right || top >= bottom ||
           (ax <= left && ay <= top && ax + a->width >= right && ay + a->height >= bottom);
}

static bool passes(const struct maker *m, const struct plan_node *node,
                   const struct plan_node *input)
{
    struct pixel_kind a = pixel_kind_of(&node->schema), b = pixel_kind_of(&input->schema);

    return (pixel_kind_equal(&a, &b) || (a.pixel == b.pixel && !b.has_nodata)) &&
           reaches(m, node, input);
}

static size_t outputs_of(const struct application *application)
{
    return application->program ? application->program->n_outputs : 1;
}

static size_t arguments_of(const struct application *application)
{
    const struct program *p = application->program;

    return !p ? 1 : p->n_folds > 0 ? p->n_slices * p->slice->n_inputs : p->n_inputs;
}

static bool index_node(struct maker *m, const struct plan_node *node)
{
    for (size_t a = 0; a < node->n_applications; a++) {
        const struct application *application = &node->applications[a];

        for (size_t k = 0; k < outputs_of(application); k++) {
            struct value *value;

            if (application->planes[k] >= cube_planes(&node->schema))
                return err_set(m->err, ERR_Internal, "Node '%s' makes a plane that it lacks.",
                               node->id);
            value = value_at(m, node, application->planes[k]);
            value->application = (uint32_t)a;
            value->output = (uint32_t)k;
        }
    }
    return true;
}

/* ---- counting ---- */

static void count_value(struct maker *m, const struct plan_node *node, size_t plane);

static void count_argument(struct maker *m, const struct plan_node *node,
                           const struct plane_ref *ref)
{
    if (ref->plane >= 0)
        count_value(m, node->inputs[ref->input], (size_t)ref->plane);
}

/* The outputs of one application are made together: its arguments are counted once. */
static bool first_visit(struct maker *m, const struct plan_node *node,
                        const struct application *application)
{
    bool first = true;

    for (size_t k = 0; k < outputs_of(application); k++) {
        struct value *value = value_at(m, node, application->planes[k]);

        first = first && !value->counted;
        value->counted = true;
    }
    return first;
}

static void count_value(struct maker *m, const struct plan_node *node, size_t plane)
{
    struct value *value = value_at(m, node, plane);
    const struct application *application;

    value->uses++;
    if (node->op != PLAN_APPLY || value->application == UINT32_MAX)
        return;
    application = &node->applications[value->application];
    if (!first_visit(m, node, application))
        return;
    for (size_t i = 0; i < arguments_of(application); i++)
        count_argument(m, node, &application->arguments[i]);
}

/* ---- buffers ---- */

static uint32_t slot_new(struct maker *m, uint8_t size)
{
    struct schedule *s = m->schedule;

    s->slot_size = mem_grow(s->slot_size, &m->slot_capacity, s->n_slots + 1, 1);
    m->slot_used =
        mem_grow(m->slot_used, &m->used_capacity, s->n_slots + 1, sizeof *m->slot_used);
    s->slot_size[s->n_slots] = size;
    s->pixel_bytes += size;
    return (uint32_t)s->n_slots++;
}

/* The smallest free buffer that fits; else the largest that does not is enlarged; else a new one. */
static uint32_t slot_take(struct maker *m, size_t size)
{
    struct schedule *s = m->schedule;
    uint32_t fit = NO_SLOT, less = NO_SLOT;

    for (uint32_t i = 0; i < s->n_slots; i++) {
        if (m->slot_used[i])
            continue;
        if (s->slot_size[i] >= size && (fit == NO_SLOT || s->slot_size[i] < s->slot_size[fit]))
            fit = i;
        if (s->slot_size[i] < size && (less == NO_SLOT || s->slot_size[i] > s->slot_size[less]))
            less = i;
    }
    if (fit == NO_SLOT && less != NO_SLOT) {
        s->pixel_bytes += size - s->slot_size[less];
        s->slot_size[less] = (uint8_t)size;
        fit = less;
    }
    if (fit == NO_SLOT)
        fit = slot_new(m, (uint8_t)size);
    m->slot_used[fit] = true;
    return fit;
}

static void slot_give(struct maker *m, uint32_t slot)
{
    if (slot != NO_SLOT)
        m->slot_used[slot] = false;
}

static struct step *step_new(struct maker *m, enum step_op op, const struct plan_node *node,
                             size_t n_ins, size_t n_outs)
{
    struct schedule *s = m->schedule;
    struct step *step;

    s->steps = mem_grow(s->steps, &m->step_capacity, s->n_steps + 1, sizeof *s->steps);
    step = &s->steps[s->n_steps++];
    *step = (struct step){ .op = op, .node = node, .n_ins = n_ins, .n_outs = n_outs };
    step->ins = arena_array(m->arena, n_ins + 1, sizeof *step->ins);
    step->outs = arena_array(m->arena, n_outs + 1, sizeof *step->outs);
    return step;
}

/* ---- making ---- */

static bool make(struct maker *m, const struct plan_node *node, size_t plane,
                 struct operand *ret_operand);

static void release(struct maker *m, const struct plan_node *node, size_t plane)
{
    struct value *value = value_at(m, node, plane);

    if (value->is_alias) {
        const struct application *a = &node->applications[value->application];

        if (--value->uses == 0)
            release(m, node->inputs[a->arguments[0].input], (size_t)a->arguments[0].plane);
        return;
    }
    if (--value->uses == 0)
        slot_give(m, value->slot);
}

static void release_argument(struct maker *m, const struct plan_node *node,
                             const struct plane_ref *ref)
{
    if (ref->plane >= 0)
        release(m, node->inputs[ref->input], (size_t)ref->plane);
}

static bool make_arguments(struct maker *m, const struct plan_node *node,
                           const struct plane_ref *refs, size_t n, struct operand *operands)
{
    for (size_t i = 0; i < n; i++) {
        operands[i] = (struct operand){ NO_SLOT, { PIXEL_F32, 0, false } };
        if (refs[i].plane >= 0 &&
            !make(m, node->inputs[refs[i].input], (size_t)refs[i].plane, &operands[i]))
            return false;
    }
    return true;
}

/* The buffers of an application's outputs; those that nobody wants get none. */
static void take_outputs(struct maker *m, const struct plan_node *node,
                         const struct application *application, struct operand *outs)
{
    struct pixel_kind kind = pixel_kind_of(&node->schema);

    for (size_t k = 0; k < outputs_of(application); k++) {
        struct value *value = value_at(m, node, application->planes[k]);

        value->made = true;
        value->slot = value->uses > 0 ? slot_take(m, pixel_size(kind.pixel)) : NO_SLOT;
        outs[k] = (struct operand){ value->slot, kind };
    }
}

static void note_program(struct schedule *s, const struct program *program, size_t times)
{
    size_t bytes = lanes_memory(program);
    const struct program *code = program->n_folds ? program->slice : program;

    for (size_t i = 0; i < code->n_code; i++)
        s->operations += times * (code->code[i].length > 1 ? (size_t)code->code[i].length * 3 : 1);
    s->operations += times * code->n_inputs;
    s->machine_bytes = bytes > s->machine_bytes ? bytes : s->machine_bytes;
}

static bool run_plain(struct maker *m, const struct plan_node *node,
                      const struct application *application)
{
    const struct program *program = application->program;
    struct operand *ins = arena_array(m->arena, program->n_inputs + 1, sizeof *ins);
    struct step *step;

    if (!make_arguments(m, node, application->arguments, program->n_inputs, ins))
        return false;
    step = step_new(m, STEP_RUN, node, program->n_inputs, program->n_outputs);
    step->program = program;
    step->ins = ins;
    take_outputs(m, node, application, step->outs);
    for (size_t i = 0; i < program->n_inputs; i++)
        release_argument(m, node, &application->arguments[i]);
    note_program(m->schedule, program, 1);
    return true;
}

static struct state_slots state_take(struct maker *m, const struct program *program,
                                     enum fold_op op)
{
    struct state_slots state = { NO_SLOT, NO_SLOT, NO_SLOT, NO_SLOT };
    bool spread = op == FOLD_VARIANCE || op == FOLD_SD;

    if (op == FOLD_SUM || op == FOLD_MEAN || op == FOLD_PRODUCT || spread) {
        state.sum = slot_take(m, sizeof(double));
        state.seen = slot_take(m, sizeof(double));
        state.squares = spread ? slot_take(m, sizeof(double)) : NO_SLOT;
    } else {
        state.value = slot_take(m, program->slice->wide ? sizeof(double) : sizeof(float));
    }
    return state;
}

static void states_give(struct maker *m, const struct state_slots *states, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        slot_give(m, states[i].value);
        slot_give(m, states[i].sum);
        slot_give(m, states[i].seen);
        slot_give(m, states[i].squares);
    }
}

static bool run_streaming(struct maker *m, const struct plan_node *node,
                          const struct application *application)
{
    const struct program *program = application->program;
    size_t width = program->slice->n_inputs;
    struct state_slots *states = arena_array(m->arena, program->n_folds, sizeof *states);
    struct step *step;

    if (program->n_slices == 0)
        return err_set(m->err, ERR_DataCubeEmpty, "%s: the dimension to reduce has no labels.",
                       node->pointer);
    for (size_t i = 0; i < program->n_folds; i++)
        states[i] = state_take(m, program, program->folds[i].op);
    for (size_t slice = 0; slice < program->n_slices; slice++) {
        const struct plane_ref *refs = application->arguments + slice * width;
        struct operand *ins = arena_array(m->arena, width + 1, sizeof *ins);

        if (!make_arguments(m, node, refs, width, ins))
            return false;
        step = step_new(m, STEP_FOLD, node, width, 0);
        step->program = program;
        step->ins = ins;
        step->slice = slice;
        step->states = states;
        for (size_t i = 0; i < width; i++)
            release_argument(m, node, &refs[i]);
    }
    step = step_new(m, STEP_FINISH, node, 0, program->n_outputs);
    step->program = program;
    step->states = states;
    take_outputs(m, node, application, step->outs);
    states_give(m, states, program->n_folds);
    note_program(m->schedule, program, program->n_slices);
    return true;
}

static bool pass_plane(struct maker *m, const struct plan_node *node, size_t plane,
                       const struct application *application)
{
    struct value *value = value_at(m, node, plane);
    const struct plane_ref *ref = &application->arguments[0];
    const struct plan_node *input = ref->plane < 0 ? NULL : node->inputs[ref->input];
    struct operand in;
    struct step *step;

    value->made = true;
    value->slot = NO_SLOT;
    if (!input)
        return true; /* all no-data: an operand without a buffer */
    if (!make(m, input, (size_t)ref->plane, &in))
        return false;
    value = value_at(m, node, plane);
    if (in.slot == NO_SLOT || passes(m, node, input)) {
        value->is_alias = true;
        value->slot = in.slot;
        return true;
    }
    step = step_new(m, STEP_CONVERT, node, 1, 1);
    step->ins[0] = in;
    take_outputs(m, node, application, step->outs);
    release(m, input, (size_t)ref->plane);
    return true;
}

/* JPEG 2000 is 16 times dearer to decode than a GeoTIFF. */
static void note_layer(struct schedule *s, const struct plan_node *node,
                       const struct scene_band *band)
{
    const struct grid *to = &node->schema.grid, *from = &band->grid;
    double pixels = 1;

    if (from->width > 0 && from->epsg == to->epsg)
        pixels = to->dx * to->dy / (from->dx * from->dy);
    s->read_pixels += pixels;
    s->read_bytes += pixels * (double)pixel_size(band->pixel);
    s->read_cost += pixels * (text_ends(band->href, ".jp2") ? 16 : 1);
}

static bool read_plane(struct maker *m, const struct plan_node *node, size_t plane)
{
    struct pixel_kind kind = pixel_kind_of(&node->schema);
    struct value *value = value_at(m, node, plane);
    struct step *step = step_new(m, STEP_READ, node, 0, 1);

    step->plane = plane;
    value->made = true;
    value->slot = slot_take(m, pixel_size(kind.pixel));
    step->outs[0] = (struct operand){ value->slot, kind };
    for (size_t i = 0; i < node->load[plane].n_layers; i++)
        note_layer(m->schedule, node, node->load[plane].layers[i]);
    return true;
}

static bool make_value(struct maker *m, const struct plan_node *node, size_t plane)
{
    const struct application *application;
    uint32_t number = value_at(m, node, plane)->application;

    if (node->op == PLAN_LOAD)
        return read_plane(m, node, plane);
    if (number == UINT32_MAX)
        return err_set(m->err, ERR_Internal, "Plane %zu of node '%s' is made by nothing.", plane,
                       node->id);
    application = &node->applications[number];
    if (!application->program)
        return pass_plane(m, node, plane, application);
    if (application->program->n_folds > 0)
        return run_streaming(m, node, application);
    return run_plain(m, node, application);
}

static bool make(struct maker *m, const struct plan_node *node, size_t plane,
                 struct operand *ret_operand)
{
    if (!value_at(m, node, plane)->made && !make_value(m, node, plane))
        return false;
    *ret_operand = (struct operand){ value_at(m, node, plane)->slot, pixel_kind_of(&node->schema) };
    return true;
}

/* ---- groups ---- */

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

static void index_values(struct maker *m)
{
    size_t total = 0;

    m->first = arena_array(m->arena, m->plan->n_nodes, sizeof *m->first);
    for (size_t i = 0; i < m->plan->n_nodes; i++) {
        m->first[i] = (uint32_t)total;
        total += cube_planes(&m->plan->nodes[i]->schema);
    }
    m->values = mem_array(total, sizeof *m->values);
    for (size_t i = 0; i < total; i++)
        m->values[i] = (struct value){ .slot = NO_SLOT, .application = UINT32_MAX };
}

static bool make_group(struct maker *m)
{
    struct schedule *s = m->schedule;

    index_values(m);
    for (size_t i = 0; i < m->plan->n_nodes; i++)
        if (m->plan->nodes[i]->op == PLAN_APPLY && !index_node(m, m->plan->nodes[i]))
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

static bool schedule_make(const struct plan *plan, struct arena *arena, struct schedule *s,
                          struct err *err)
{
    struct maker m = { .plan = plan, .arena = arena, .schedule = s, .err = err };
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
    ok = make_group(&m);
    free(m.values);
    free(m.slot_used);
    return ok;
}

static bool has_grid(const struct cube_schema *schema)
{
    return cube_has_grid(schema) && schema->grid.width > 0 && schema->grid.height > 0;
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

        if (!has_grid(&save->schema))
            return err_set(err, ERR_FormatUnsuitable,
                           "%s: a cube without x and y cannot be saved as %s.", save->pointer,
                           save->save.format);
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
        if (!schedule_make(plan, all->arena, &all->schedules[i], err))
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
