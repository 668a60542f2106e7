/* The steps that make planes, depth first, and the buffers that they take and give back. What a step
 * costs is noted beside it. */
#include "raster/maker.h"
#include "base/text.h"
#include "raster/around.h"
#include "raster/windows.h"
#include <math.h>

enum { INTERPRETED = 50 /* operations that a UDF may cost for a pixel of a plane */ };

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

struct step *step_new(struct maker *m, enum step_op op, const struct plan_node *node, size_t n_ins,
                      size_t n_outs)
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

void release(struct maker *m, const struct plan_node *node, size_t plane)
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

/* How many pixels of a file are in one of the overview that is read for pixels of a grid: each has half the width of the one
 * before, until they are small. */
static double overview_pixels(const struct load_plane *plane, const struct scene_band *band, const struct grid *to)
{
    enum { SMALL = 512 };
    const struct grid *file = &band->grid;
    double side = (double)(file->width > file->height ? file->width : file->height), factor = 1;

    if (!band->has_overviews || !plane->measured || file->width == 0 || file->epsg != to->epsg)
        return 1;
    while (side / factor > SMALL && 2 * factor * file->dx <= to->dx && 2 * factor * file->dy <= to->dy)
        factor *= 2;
    return factor * factor;
}

/* JPEG 2000 is 16 times dearer to decode than a GeoTIFF; to geocode an image of a radar costs as much as to decode 6. */
static void note_layer(struct schedule *s, const struct plan_node *node, const struct load_plane *plane, const struct scene_band *band)
{
    const struct grid *to = &node->schema.grid, *from = &band->grid;
    bool is_radar = plane->radar != NULL;
    double pixels = 1;

    s->images += is_radar;
    s->reads_warped |= node->coarse || !load_divides(from, to);
    if (from->width > 0 && from->epsg == to->epsg)
        pixels = to->dx * to->dy / (from->dx * from->dy);
    if (node->coarse)
        pixels /= overview_pixels(plane, band, to);
    s->read_pixels += pixels;
    s->read_bytes += pixels * (double)pixel_size(band->pixel);
    s->read_cost += pixels * (is_radar ? 6 : text_ends(band->href, ".jp2") ? 16 : 1);
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
    for (size_t i = 0; node->load && i < node->load[plane].n_layers; i++)
        note_layer(m->schedule, node, &node->load[plane], node->load[plane].layers[i]);
    return true;
}

/* Returns how many pixels of the input are for one of the node. */
static double note_windows(struct schedule *s, const struct plan_node *node, size_t plane)
{
    size_t bytes = windows_memory(node, plane);

    s->machine_bytes = bytes > s->machine_bytes ? bytes : s->machine_bytes;
    return (double)node->windows->width * (double)node->windows->height;
}

/* How many pixels of an input are computed for one of the node. */
static double pixels_for_one(struct maker *m, const struct plan_node *node, size_t plane,
                             const struct schedule *input)
{
    const struct patch_args *p = node->patches;
    const struct grid *from = &node->inputs[0]->schema.grid, *to = &node->schema.grid;

    if (node->op == PLAN_WINDOWS)
        return note_windows(m->schedule, node, plane);
    if (node->op == PLAN_PATCHES)
        return (double)(p->width + 2 * p->left) * (double)(p->height + 2 * p->top) /
               ((double)p->width * (double)p->height);
    if (node->op == PLAN_SPREAD && !input->is_of_window) /* made once */
        return 1 / fmax(1, (double)to->width * (double)to->height);
    return node->op != PLAN_PATCH && from->epsg == to->epsg ? to->dx * to->dy / (from->dx * from->dy) : 1;
}

/* As overview_pixels(), of what is read instead of an input. */
static double coarser_pixels(const struct plan_node *node, size_t plane)
{
    double box[4] = { -INFINITY, -INFINITY, INFINITY, INFINITY };
    const struct plan_node *load = node->op == PLAN_WARP ? around_loaded(node, &plane, box) : NULL;
    const struct load_plane *read = load ? &load->load[plane] : NULL;

    return read && read->n_layers && !read->radar ? overview_pixels(read, read->layers[0], &node->schema.grid) : 1;
}

static void note_around(struct maker *m, const struct plan_node *node, const struct step *step)
{
    struct schedule *s = m->schedule;
    double pixels, decoded;

    s->is_of_window |= node->op == PLAN_PATCH;
    for (size_t i = 0, first = SIZE_MAX; i < step->n_inputs; i++) {
        const struct schedule *input = step->inputs[i];

        if (!input)
            continue;
        s->is_of_window |= input->is_of_window;
        s->reads_warped |= input->reads_warped;
        s->machine_bytes = input->machine_bytes > s->machine_bytes ? input->machine_bytes : s->machine_bytes;
        if (first < i) /* nearly all windows are of the first size */
            continue;
        first = i;
        pixels = pixels_for_one(m, node, step->plane, input);
        decoded = pixels / coarser_pixels(node, step->plane);
        s->read_pixels += decoded * input->read_pixels;
        s->read_bytes += decoded * input->read_bytes;
        s->read_cost += decoded * input->read_cost;
        s->operations += (size_t)(pixels * (double)input->operations) +
                         (node->kernel            ? node->kernel->width * node->kernel->height
                          : node->op == PLAN_UDF ? INTERPRETED * cube_planes(&node->inputs[0]->schema)
                                                 : 60);
    }
}

static bool makes_all(const struct plan_node *node)
{
    return node->op == PLAN_UDF || (node->patches && node->patches->together);
}

/* The planes of a node that its step makes: one, or all that are wanted. */
static size_t planes_together(struct maker *m, const struct plan_node *node, size_t plane, size_t *ret)
{
    size_t n = 0;

    for (size_t i = 0; i < cube_planes(&node->schema); i++)
        if (i == plane || (makes_all(node) && value_at(m, node, i)->uses > 0))
            ret[n++] = i;
    return n;
}

/* All planes of the input. */
static bool schedule_whole(struct maker *m, const struct plan_node *input, const struct schedule **ret)
{
    size_t n = cube_planes(&input->schema);
    size_t *planes = arena_array(m->arena, n, sizeof *planes);

    for (size_t i = 0; i < n; i++)
        planes[i] = i;
    return schedule_input(m, input, n, planes, false, ret);
}

static bool schedule_around(struct maker *m, const struct plan_node *node, struct step *step)
{
    const struct schedule **inputs = arena_array(m->arena, 4, sizeof *inputs);

    step->inputs = inputs;
    step->n_inputs = node->op == PLAN_PATCHES ? 4 : 1;
    if (node->op == PLAN_UDF)
        return schedule_whole(m, node->inputs[0], inputs);
    if (node->op != PLAN_PATCHES)
        return schedule_input(m, node->inputs[0], step->n_outs, step->planes, node->op != PLAN_PATCH, inputs);
    for (size_t i = 0; i < 4; i++) {
        const struct patch_size *size = &node->patches->sizes[i / 2][i % 2];

        if (size->is_there &&
            !schedule_input(m, node->inputs[size->input], step->n_outs, step->planes, false, &inputs[i]))
            return false;
    }
    return true;
}

/* The pixels around, or of another grid, are made by a schedule of their own: windows of it are asked
 * for while the step runs. */
static bool around_plane(struct maker *m, const struct plan_node *node, size_t plane)
{
    struct pixel_kind kind = pixel_kind_of(&node->schema);
    size_t *planes = arena_array(m->arena, cube_planes(&node->schema), sizeof *planes);
    size_t n = planes_together(m, node, plane, planes);
    struct step *step, made = { .n_outs = n, .planes = planes, .plane = plane };

    if (!schedule_around(m, node, &made))
        return false;
    step = step_new(m, STEP_AROUND, node, 0, n);
    step->plane = plane;
    step->planes = planes;
    step->inputs = made.inputs;
    step->n_inputs = made.n_inputs;
    for (size_t i = 0; i < n; i++) {
        struct value *value = value_at(m, node, planes[i]);

        value->made = true;
        value->slot = slot_take(m, pixel_size(kind.pixel));
        step->outs[i] = (struct operand){ value->slot, kind };
    }
    note_around(m, node, step);
    return true;
}

static bool make_value(struct maker *m, const struct plan_node *node, size_t plane)
{
    const struct application *application;
    uint32_t number = value_at(m, node, plane)->application;

    if (node->op == PLAN_LOAD || node->op == PLAN_MASK || node->op == PLAN_ZONES ||
        node->op == PLAN_TABLE)
        return read_plane(m, node, plane);
    if (is_around(node))
        return around_plane(m, node, plane);
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

bool make(struct maker *m, const struct plan_node *node, size_t plane, struct operand *ret_operand)
{
    if (!value_at(m, node, plane)->made && !make_value(m, node, plane))
        return false;
    *ret_operand = (struct operand){ value_at(m, node, plane)->slot, pixel_kind_of(&node->schema) };
    return true;
}
