/* A schedule while it is made: what the files that make it share. */
#ifndef RASTER_MAKER_H
#define RASTER_MAKER_H

#include "raster/schedule.h"

/* A plane of a node. */
struct value {
    uint32_t uses; /* steps that still want it */
    uint32_t slot; /* NO_SLOT: not made (yet) */
    bool made, counted, is_alias;
    uint32_t alias; /* the value that this one is */
    uint32_t application, output; /* what makes it: of an apply node */
};

struct maker {
    const struct plan *plan;
    struct schedules *all;
    struct arena *arena;
    struct schedule *schedule;
    struct value *values;
    uint32_t *first;     /* by node: its plane 0 in values */
    int64_t *shift_x, *shift_y;
    bool *placed; /* by node: its shift is known */
    size_t step_capacity, slot_capacity, used_capacity, leg_capacity;
    size_t leg_emitted; /* planes, before the leg that is made */
    bool *slot_used;
    struct err *err;
};

/* Made of other pixels of their input than those of the same place. */
static inline bool is_around(const struct plan_node *node)
{
    return node->op == PLAN_KERNEL || node->op == PLAN_WARP || node->op == PLAN_WINDOWS ||
           node->op == PLAN_SPREAD || node->op == PLAN_PATCH || node->op == PLAN_PATCHES ||
           node->op == PLAN_UDF || node->op == PLAN_SIEVE;
}

/* schedule_values.c */
struct value *value_at(struct maker *m, const struct plan_node *node, size_t plane);
size_t outputs_of(const struct application *application);
size_t arguments_of(const struct application *application);
/* What makes each plane. */
bool index_nodes(struct maker *m) MUST_USE;
/* Where inputs lie relative to the schedule's grid: shifts add up along the way down. */
bool place(struct maker *m, const struct plan_node *node, int64_t x, int64_t y) MUST_USE;
/* True when a plane of the input may be the node's as it is: same type, nothing to cut. */
bool passes(const struct maker *m, const struct plan_node *node, const struct plan_node *input);
/* One use more of a plane, and of what it is made of. */
void count_value(struct maker *m, const struct plan_node *node, size_t plane);

/* schedule_steps.c: the steps that make a plane, unless it is made; where it is then */
bool make(struct maker *m, const struct plan_node *node, size_t plane,
          struct operand *ret_operand) MUST_USE;
void release(struct maker *m, const struct plan_node *node, size_t plane);
struct step *step_new(struct maker *m, enum step_op op, const struct plan_node *node, size_t n_ins,
                      size_t n_outs);

/* schedule.c: the schedule of some planes, for windows that steps ask for; shared: one that is there already
 * will do */
bool schedule_input(struct maker *m, const struct plan_node *input, size_t n_planes,
                    const size_t *planes, bool shared, const struct schedule **ret) MUST_USE;

#endif
