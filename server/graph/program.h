/* A compiled callback: straight-line code over registers. A register is a strip of lanes, a lane is
 * a pixel; values are float (or double when `wide`), no-data is NaN, booleans are 1, 0 and NaN
 * (design: ARCHITECTURE.md, "Callbacks"). Read-only once compiled; shared by threads. */
#ifndef GRAPH_PROGRAM_H
#define GRAPH_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* graph/lanes.def: LANE(NAME, kind) - the operators of registers. Kinds:
 *   UNARY    dst = f(a)            BINARY  dst = f(a, b)        TERNARY  dst = f(a, b, c)
 *   CONSTANT dst = constants[constant], in every lane
 *   ARRAY    dst = f(a, a+1, .. a+length-1); b = 1: no-data counts (ignore_nodata false)
 *   SEVERAL  dst .. dst+c-1 = f(a .. a+length-1), with constants from constants[constant] on; b as above */
enum lane_op {
#define LANE(name, kind) LANE_##name,
#include "graph/lanes.def"
#undef LANE
    LANE_OPS, /* how many there are */
};

struct instruction {
    uint16_t op, dst, a, b, c, length;
    uint32_t constant;
};

/* The operators a fold may use: what is kept while slices stream by is one or two doubles a lane. */
enum fold_op { FOLD_SUM, FOLD_MEAN, FOLD_PRODUCT, FOLD_MIN, FOLD_MAX, FOLD_COUNT /* of ones */,
               FOLD_FIRST, FOLD_LAST, FOLD_ANY, FOLD_ALL, FOLD_VARIANCE, FOLD_SD };

struct fold {
    enum fold_op op;
    bool keep_nodata; /* ignore_nodata: false */
};

/* Plain form: n_inputs registers are loaded, code runs, outputs are registers.
 *
 * Streaming form (n_folds > 0): the inputs are n_slices slices of slice->n_inputs planes each, in
 * order. For each slice `slice` runs and its output k goes to folds[k]; at the end `finish` (its
 * inputs are the n_folds results) makes the outputs. code is then empty. A producer that can offer
 * the streaming form does; the series is never held. */
struct program {
    bool wide;
    uint16_t n_inputs;    /* registers 0 .. n_inputs-1 */
    uint16_t n_registers; /* all of them; a dst is never also an operand of its instruction */
    uint16_t n_outputs;
    const uint16_t *outputs; /* registers */
    const struct instruction *code;
    size_t n_code;
    const double *constants;
    size_t n_constants;

    size_t n_folds, n_slices;
    const struct fold *folds;
    const struct program *slice, *finish;
};

#endif
