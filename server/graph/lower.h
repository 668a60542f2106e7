/* What the files have in common that make nodes of expressions: lower.c (which planes are made by one application), streams.c
 * (what reduces a series slice by slice) and split.c (series that get a node of their own). */
#ifndef GRAPH_LOWER_H
#define GRAPH_LOWER_H

#include "graph/planner.h"

/* A node while its applications are gathered. */
struct making {
    struct planner *p;
    const struct grid *grid;
    const struct plan_node **inputs;
    struct shift *shifts;
    size_t n_inputs, input_capacity, shift_capacity;
    struct application *applications;
    size_t n_applications, capacity;
};

struct exprs {
    const struct expr **list;
    size_t n, capacity;
};

void exprs_add(struct exprs *exprs, const struct expr *e);

/* One more application: planes[] of the node are made by `program` (NULL: passed on) of these leaves. */
void making_add(struct making *m, const struct program *program, const struct expr *const *leaves, size_t n_leaves,
                const uint32_t *planes, size_t n_planes);
/* The node that makes these planes. */
const struct plan_node *lower_planes(struct planner *p, const struct cube_schema *schema, const char *id, const char *pointer,
                                     const struct expr *const *planes);

/* ---- streams.c ---- */

/* Can planes that share work be made of folds of slices that are all made alike? */
bool can_stream(struct planner *p, const struct expr *const *outputs, size_t n);
/* Adds the application that makes them so; false: they cannot be. */
bool try_streaming(struct making *m, const struct expr *const *outputs, const uint32_t *planes, size_t n);

/* ---- split.c ---- */

/* Expressions that have planes of their own by now. */
struct moves {
    struct move {
        const struct expr *from, *to;
    } *list;
    size_t n, capacity;
};

void moves_add(struct moves *moves, const struct expr *from, const struct expr *to);
/* Rebuilds planes over what was moved. */
void moves_apply(struct planner *p, const struct moves *moves, const struct expr **planes, size_t n);

/* Gives series below `some` a node, one for each pixel type, and rebuilds `all` planes over it. */
void split_series(struct planner *p, const struct cube_schema *schema, const char *id, const char *pointer,
                  const struct expr *const *some, size_t n_some, const struct expr **all, size_t n_all);

#endif
