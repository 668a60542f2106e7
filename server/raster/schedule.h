/* A schedule: what is done for every block of a group of saves that share a grid, as a straight line
 * of steps over numbered buffers. Made once from the plan, read-only, shared by threads. Its peak of
 * buffers times the pixels of a block is the memory of a thread, known before anything runs. */
#ifndef RASTER_SCHEDULE_H
#define RASTER_SCHEDULE_H

#include "raster/lanes.h"
#include "raster/load.h"

enum { BASE_TILE = 1024, NO_SLOT = UINT32_MAX };

enum step_op {
    STEP_READ,    /* plane of a load, a mask, zones that are gathered or a table -> outs[0] */
    STEP_RUN,     /* a plain program: ins -> outs */
    STEP_FOLD,    /* one slice: ins -> states */
    STEP_FINISH,  /* states -> outs */
    STEP_CONVERT, /* ins[0] -> outs[0]: another type, no-data value or extent */
    STEP_AROUND,  /* planes of a kernel, a warp, windows .. -> outs; their input is made by `inputs` */
    STEP_EMIT,    /* ins[0] is plane `plane` of output `output` */
};

/* A value in flight: its buffer (NO_SLOT: all no-data, or not wanted) and what its pixels mean. */
struct operand {
    uint32_t slot;
    struct pixel_kind kind;
};

struct state_slots {
    uint32_t value, sum, seen, squares; /* NO_SLOT where the fold keeps none */
};

struct step {
    enum step_op op;
    const struct plan_node *node; /* whose plane is made; of the save for STEP_EMIT */
    size_t plane, output, slice;
    const size_t *planes; /* STEP_AROUND: those of outs */
    const struct program *program;
    size_t n_ins, n_outs;
    struct operand *ins, *outs;
    struct state_slots *states; /* program->n_folds */
    const struct schedule *const *inputs; /* STEP_AROUND: one; of PLAN_PATCHES one for each size, [2 * last
                                             column + last row], NULL where there is none */
    size_t n_inputs;
};

/* Steps that share no plane with those before and after them: threads may share a block by its legs. */
struct leg {
    size_t first, end; /* steps */
    size_t emitted;    /* planes, before it */
};

struct schedule {
    struct grid grid;
    size_t n_outputs;
    const struct plan_node *const *outputs; /* the saves and zones of the group */
    /* Of one that makes the input of other pixels' neighbourhoods or of another grid: the planes. Its
     * windows lie anywhere in the grid. */
    size_t number, n_results;
    const struct plan_node *made; /* and which of its planes these are */
    const size_t *planes;
    struct grid asker; /* that blocks are cut on, far up */
    bool is_of_window; /* other pixels for each window of PLAN_PATCHES */
    bool is_kept;      /* see kept.h */
    bool reads_warped; /* files that do not lie on the lattice of their node */
    size_t images;     /* of a radar that are read */
    struct operand *results;
    size_t n_steps;
    struct step *steps;
    size_t n_legs; /* of a group of outputs: at least one, together all steps */
    struct leg *legs;
    size_t n_slots;
    uint8_t *slot_size;       /* bytes a pixel */
    size_t pixel_bytes;       /* all slots together */
    size_t machine_bytes;     /* registers */
    const int64_t *shift_x, *shift_y; /* by node: pixel (0, 0) of the group's grid in the node's */
    size_t tile_columns, tile_rows;
    size_t tile_width, tile_height; /* of the largest tile */
    struct window_rect *tiles; /* those with pixels under geometries, where nothing else is wanted;
                                  NULL: all */
    size_t blocks;
    double read_pixels, read_bytes, read_cost; /* of all layers, decoded, for a pixel of the grid */
    size_t operations;        /* instructions a pixel */
    size_t emitted_bytes;     /* of all outputs, a pixel */
    size_t emitted;           /* planes of all outputs */
    double pack_cost;         /* bytes a pixel, those for DEFLATE weighed by its slowness */
};

/* All groups of the plan, in the order of their first save; blocks are numbered through them. */
struct schedules {
    struct arena *arena;
    size_t count, blocks;
    struct schedule *schedules;
    struct schedule **inputs; /* those of steps; in the arena but for what they hold */
    size_t n_inputs, input_capacity;
    size_t n_vectors; /* schedules of rows of geometries, which the assembly runs */
    struct schedule *vectors;
};

bool schedules_make(const struct plan *plan, struct schedules **ret_schedules,
                    struct err *err) MUST_USE;
void schedules_free(struct schedules *schedules);
DEFINE_AUTO(schedules, struct schedules *, schedules_free)

/* The schedule of a block, and the number of the block within it. */
const struct schedule *schedule_of(const struct schedules *schedules, size_t block,
                                   size_t *ret_tile);
/* The tile's part of the grid: full tiles but at the right and lower edges. */
struct window_rect schedule_tile(const struct schedule *schedule, size_t tile);
/* Of all its tiles. */
double schedule_pixels(const struct schedule *schedule);
/* How many planes a block emits for an output: of zones those of their input. */
size_t output_planes(const struct plan_node *output);

#endif
