/* What processes on single values share: numbers (scalar.c), comparisons and logic (logic.c). */
#ifndef GRAPH_SCALAR_H
#define GRAPH_SCALAR_H

#include "graph/planner.h"

bool scalar_any(const struct call *call, enum kind kind); /* an argument is of that kind */
bool scalar_is_boolean(const struct value *v);            /* or a pixel that is one */
bool scalar_is_number(const struct value *v);
const struct expr *scalar_unary(const struct call *call, enum lane_op op, const struct value *a);
const struct expr *scalar_binary(const struct call *call, enum lane_op op, const struct value *a,
                                 const struct value *b);
/* Runs `one` for each element; scalars stay. All arrays must be equally long. */
bool scalar_each(struct call *call, run_fn *one, struct value *ret, struct err *err);

/* run_NAME() is NAME_one(), for each element where an argument is an array. */
#define SCALAR_EACH(name)                                                                          \
    static bool run_##name(struct call *call, struct value *ret, struct err *err)                  \
    {                                                                                              \
        return scalar_any(call, KIND_ARRAY) ? scalar_each(call, name##_one, ret, err)              \
                                            : name##_one(call, ret, err);                          \
    }
#define EACH(id_, run_, lane_) { .id = id_, .run = run_, .pointwise = true, .lane = lane_ }

#endif
