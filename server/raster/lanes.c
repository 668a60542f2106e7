/* The interpreter. Pixels are taken in strips so short that all registers stay in the fast caches:
 * a strip is loaded (and converted), every instruction is one kernel call over it, and the outputs
 * are converted back. Kernels are picked from the tables of processes/ by operator. */
#include "raster/lanes.h"
#include "base/mem.h"
#include <assert.h>
#include <math.h>

enum { LONGEST_STRIP = 512, SHORTEST_STRIP = 64, REGISTER_BUDGET = 40 * 1024, ALIGN = 64 };

struct pixel_kind pixel_kind_of(const struct cube_schema *schema)
{
    struct pixel_kind kind = { schema->pixel, schema->nodata, schema->has_nodata };

    if (schema->pixel == PIXEL_BOOL)
        kind = (struct pixel_kind){ PIXEL_BOOL, 255, true };
    if (schema->pixel == PIXEL_F32 || schema->pixel == PIXEL_F64)
        kind = (struct pixel_kind){ schema->pixel, NAN, true };
    return kind;
}

bool pixel_kind_equal(const struct pixel_kind *a, const struct pixel_kind *b)
{
    return a->pixel == b->pixel && a->has_nodata == b->has_nodata &&
           (!a->has_nodata || a->nodata == b->nodata || (isnan(a->nodata) && isnan(b->nodata)));
}

double pixel_kind_gap(const struct pixel_kind *kind)
{
    return kind->has_nodata ? kind->nodata : 0;
}

static const struct lane_table *table_of(const struct program *program)
{
    return program->wide ? &lanes_double : &lanes_float;
}

static size_t strip_of(const struct program *program)
{
    size_t strip = LONGEST_STRIP, lane = table_of(program)->lane_size;

    while (strip > SHORTEST_STRIP && program->n_registers * strip * lane > REGISTER_BUDGET)
        strip /= 2;
    return strip;
}

static size_t longest_array(const struct program *program)
{
    size_t longest = 0;

    for (size_t i = 0; i < program->n_code; i++)
        if (program->code[i].length > longest)
            longest = program->code[i].length;
    return longest;
}

static size_t registers_size(const struct program *program)
{
    size_t size = program->n_registers * strip_of(program) * table_of(program)->lane_size;

    return (size + ALIGN - 1) / ALIGN * ALIGN;
}

static size_t plain_memory(const struct program *program)
{
    return registers_size(program) +
           (2 * longest_array(program) + 4) * strip_of(program) * sizeof(double);
}

size_t lanes_memory(const struct program *program)
{
    size_t slice, finish;

    if (program->n_folds == 0)
        return plain_memory(program);
    slice = plain_memory(program->slice);
    finish = plain_memory(program->finish);
    return slice > finish ? slice : finish;
}

bool lane_machine_init(struct lane_machine *machine, size_t size_bytes, struct err *err)
{
    size_t size = (size_bytes + ALIGN) / ALIGN * ALIGN;

    machine->memory = aligned_alloc(ALIGN, size);
    machine->size_bytes = size;
    if (!machine->memory)
        return err_set(err, ERR_MemoryExceeded, "No memory for registers of %zu bytes.", size);
    return true;
}

void lane_machine_done(struct lane_machine *machine)
{
    free(machine->memory);
    machine->memory = NULL;
}

/* One strip in flight: n lanes from pixel `at` on. */
struct strip {
    const struct program *program;
    const struct lane_table *table;
    char *registers;
    void *scratch;
    size_t stride; /* lanes from one register to the next */
    size_t at, n;
};

static struct strip strip_begin(const struct lane_machine *machine, const struct program *program)
{
    assert(plain_memory(program) <= machine->size_bytes);
    return (struct strip){ .program = program,
                           .table = table_of(program),
                           .registers = machine->memory,
                           .scratch = (char *)machine->memory + registers_size(program),
                           .stride = strip_of(program) };
}

static void *register_of(const struct strip *strip, size_t number)
{
    return strip->registers + number * strip->stride * strip->table->lane_size;
}

static void run_instruction(const struct strip *strip, const struct instruction *in)
{
    void *dst = register_of(strip, in->dst);
    const double *constants = strip->program->constants;

    assert(in->op < LANE_OPS);
    if (in->op == LANE_CONSTANT) {
        strip->table->fill(dst, constants[in->constant], strip->n);
    } else if (strip->table->arrays[in->op]) {
        struct array_call call = { .a = register_of(strip, in->a),
                                   .stride = strip->stride,
                                   .length = in->length,
                                   .keep = in->b == 1,
                                   .outputs = in->c,
                                   .constants = constants ? constants + in->constant : NULL,
                                   .scratch = strip->scratch };

        strip->table->arrays[in->op](dst, &call, strip->n);
    } else {
        strip->table->lanes[in->op](dst, register_of(strip, in->a), register_of(strip, in->b),
                                    register_of(strip, in->c), strip->n);
    }
}

static void run_code(const struct strip *strip)
{
    for (size_t i = 0; i < strip->program->n_code; i++)
        run_instruction(strip, &strip->program->code[i]);
}

static void load_arguments(const struct strip *strip, const struct lane_plane *arguments)
{
    for (size_t i = 0; i < strip->program->n_inputs; i++) {
        const struct lane_plane *plane = &arguments[i];
        void *dst = register_of(strip, i);

        if (plane->data)
            strip->table->load[plane->kind.pixel](
                dst, (char *)plane->data + strip->at * pixel_size(plane->kind.pixel),
                plane->kind.nodata, plane->kind.has_nodata, strip->n);
        else
            strip->table->fill(dst, NAN, strip->n);
    }
}

static void store_results(const struct strip *strip, const struct lane_plane *results)
{
    for (size_t i = 0; i < strip->program->n_outputs; i++) {
        const struct lane_plane *plane = &results[i];

        if (plane->data)
            strip->table->store[plane->kind.pixel](
                (char *)plane->data + strip->at * pixel_size(plane->kind.pixel),
                register_of(strip, strip->program->outputs[i]), plane->kind.nodata,
                plane->kind.has_nodata, strip->n);
    }
}

static bool strip_next(struct strip *strip, size_t n)
{
    strip->at += strip->n;
    strip->n = n - strip->at < strip->stride ? n - strip->at : strip->stride;
    return strip->n > 0;
}

void lanes_run(const struct lane_machine *machine, const struct program *program,
               const struct lane_plane *arguments, const struct lane_plane *results, size_t n)
{
    struct strip strip = strip_begin(machine, program);

    while (strip_next(&strip, n)) {
        load_arguments(&strip, arguments);
        run_code(&strip);
        store_results(&strip, results);
    }
}

static struct fold_state state_at(const struct strip *strip, const struct fold_state *state)
{
    size_t at = strip->at;

    return (struct fold_state){
        .value = state->value ? (char *)state->value + at * strip->table->lane_size : NULL,
        .sum = state->sum ? state->sum + at : NULL,
        .seen = state->seen ? state->seen + at : NULL,
        .squares = state->squares ? state->squares + at : NULL,
    };
}

void lanes_fold(const struct lane_machine *machine, const struct program *program, size_t slice,
                const struct lane_plane *arguments, const struct fold_state *states, size_t n)
{
    struct strip strip = strip_begin(machine, program->slice);

    while (strip_next(&strip, n)) {
        load_arguments(&strip, arguments);
        run_code(&strip);
        for (size_t i = 0; i < program->n_folds; i++) {
            const struct fold *fold = &program->folds[i];
            struct fold_state state = state_at(&strip, &states[i]);

            strip.table->fold[fold->op](&state, register_of(&strip, program->slice->outputs[i]),
                                        slice, fold->keep_nodata, strip.n);
        }
    }
}

void lanes_finish(const struct lane_machine *machine, const struct program *program,
                  const struct fold_state *states, const struct lane_plane *results, size_t n)
{
    struct strip strip = strip_begin(machine, program->finish);

    while (strip_next(&strip, n)) {
        for (size_t i = 0; i < program->n_folds; i++) {
            struct fold_state state = state_at(&strip, &states[i]);

            strip.table->finish[program->folds[i].op](register_of(&strip, i), &state, strip.n);
        }
        run_code(&strip);
        store_results(&strip, results);
    }
}

/* Floats hold every value of the 8 and 16 bit types; doubles those of all. */
static bool needs_double(enum pixel pixel)
{
    return pixel == PIXEL_I32 || pixel == PIXEL_U32 || pixel == PIXEL_F64;
}

void lanes_convert(const struct lane_plane *from, const struct lane_plane *to, size_t n)
{
    bool wide = needs_double(from->kind.pixel) || needs_double(to->kind.pixel);
    const struct lane_table *table = wide ? &lanes_double : &lanes_float;
    _Alignas(ALIGN) double strip[LONGEST_STRIP];

    for (size_t at = 0; at < n; at += LONGEST_STRIP) {
        size_t length = n - at < LONGEST_STRIP ? n - at : LONGEST_STRIP;

        table->load[from->kind.pixel](
            strip, (const char *)from->data + at * pixel_size(from->kind.pixel),
            from->kind.nodata, from->kind.has_nodata, length);
        table->store[to->kind.pixel]((char *)to->data + at * pixel_size(to->kind.pixel), strip,
                                     to->kind.nodata, to->kind.has_nodata, length);
    }
}
