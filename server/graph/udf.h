/* Users' code in callbacks: inside of udf.c, and of the processes whose callbacks may be such. A callback is
 * called for each line of a cube (or each plane); what all of its calls give to a UDF is gathered here, and
 * becomes a cube that one node computes. */
#ifndef GRAPH_UDF_H
#define GRAPH_UDF_H

#include "graph/planner.h"

struct udf_use;
struct udf_scope {
    struct call *call;        /* whose callback it is */
    const struct cube *data;
    size_t along;             /* the dimension whose labels are an array; SIZE_MAX: there is no array */
    bool keeps;               /* the result has that dimension, too: apply_dimension */
    size_t line, n_lines;     /* set before each call */
    struct udf_use *uses;
    const struct label *labels; /* of the result along the dimension, when the UDF says so; else NULL */
    size_t n_labels;
};

/* Before each call of the callback. */
void udf_scope_enter(struct udf_scope *scope, size_t line);
/* After all calls: makes the nodes, if they went well (`good`). Returns whether all did. */
bool udf_scope_close(struct udf_scope *scope, bool good, struct err *err) MUST_USE;

/* The nodes over rows of geometries, when the nodes of all zones are there. */
void udf_lower_late(struct planner *p);

/* Whether an argument has a call of run_udf in it: filters do not pass such a callback, which sees whole cubes. */
bool udf_is_called(const json_t *argument);

#endif
