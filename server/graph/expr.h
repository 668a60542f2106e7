/* Expressions over planes: what a pixel of a plane of a cube is, before anything is cut into nodes
 * and programs. Equal expressions are one object (they meet at birth), so common sub-graphs are
 * computed once, and a chain of openEO processes is one expression: fusion needs no search.
 *
 * A leaf is the pixel of a source's plane at the same place on the ground; so cropping a cube
 * changes its grid and no expression. */
#ifndef GRAPH_EXPR_H
#define GRAPH_EXPR_H

#include "base/mem.h"
#include "graph/cube.h"
#include "graph/program.h"

struct source; /* something that makes planes: a load or a node (graph/planner.h) */

enum { EXPR_LEAF = LANE_OPS };

/* The pixel type that holds an expression. */
struct cell {
    enum pixel pixel;
    bool has_nodata;
    double nodata;
};

struct expr {
    uint16_t op;      /* a lane_op, or EXPR_LEAF */
    bool keep_nodata; /* ARRAY: ignore_nodata false; SEVERAL: see lanes.def */
    bool wide;        /* needs double lanes */
    bool scaled;      /* in the units of its leaves: their scale and offset still hold */
    uint32_t n_arguments;
    const struct expr *const *arguments;
    double number; /* CONSTANT */
    uint32_t n_outputs, n_numbers; /* SEVERAL: a COPY takes output `plane` of it */
    const double *numbers;
    const struct source *source; /* EXPR_LEAF; NULL: no-data everywhere */
    uint32_t plane;
    uint32_t id; /* dense, in order of birth: arguments have smaller ones */
    struct cell cell;
};

struct expr_table;
struct expr_table *expr_table_new(struct arena *arena);
void expr_table_free(struct expr_table *table); /* the expressions stay in the arena */
size_t expr_count(const struct expr_table *table);

const struct expr *expr_leaf(struct expr_table *table, const struct source *source, uint32_t plane,
                             struct cell cell, bool wide);
/* scaled false: not in the units of its source. */
const struct expr *expr_leaf_of(struct expr_table *table, const struct source *source,
                                uint32_t plane, struct cell cell, bool wide, bool scaled);
const struct expr *expr_constant(struct expr_table *table, double number);
const struct expr *expr_boolean(struct expr_table *table, bool value);
const struct expr *expr_make(struct expr_table *table, enum lane_op op, size_t n,
                             const struct expr *const *arguments, bool keep_nodata);
const struct expr *expr_unary(struct expr_table *table, enum lane_op op, const struct expr *a);
const struct expr *expr_binary(struct expr_table *table, enum lane_op op, const struct expr *a,
                               const struct expr *b);
const struct expr *expr_ternary(struct expr_table *table, enum lane_op op, const struct expr *a,
                                const struct expr *b, const struct expr *c);
/* An operator that makes several values of one array: ret[n_outputs] are they. */
void expr_several(struct expr_table *table, enum lane_op op, size_t n,
                  const struct expr *const *arguments, bool keep, size_t n_numbers,
                  const double *numbers, size_t n_outputs, const struct expr **ret);
/* The same expression over other arguments. */
const struct expr *expr_with(struct expr_table *table, const struct expr *e,
                             const struct expr *const *arguments);

static inline bool expr_is_boolean(const struct expr *e)
{
    return e->cell.pixel == PIXEL_BOOL;
}

/* UNARY, BINARY ... of a lane. */
enum lane_kind { LANE_KIND_CONSTANT, LANE_KIND_UNARY, LANE_KIND_BINARY, LANE_KIND_TERNARY,
                 LANE_KIND_ARRAY, LANE_KIND_SEVERAL };
enum lane_kind lane_kind(enum lane_op op);

/* The smallest type that holds the values of both; a's no-data is kept where it can be. */
struct cell cell_join(struct cell a, struct cell b);
/* The type with a value for no-data: wider when every value of the present one is taken. */
struct cell cell_with_nodata(struct cell cell);
bool cell_equal(struct cell a, struct cell b);

/* Is one of them computed in doubles? */
bool expr_any_wide(const struct expr *const *list, size_t n);

#endif
