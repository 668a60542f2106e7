/* Groups of labels along time: what times.c and climate.c share. */
#ifndef GRAPH_TIMES_H
#define GRAPH_TIMES_H

#include "graph/periods.h"
#include "graph/planner.h"

struct group {
    struct label label;
    size_t n, *members; /* labels of the old dimension */
};
struct groups {
    size_t n;
    struct group *list;
};

void group_add(struct planner *p, struct group *group, size_t member);
/* All labels are dates. Errors: ProcessParameterInvalid for data. */
bool times_check(const struct call *call, const struct dimension *d, struct err *err) MUST_USE;
/* The cube with other labels in dimension i; its planes are still the old ones. */
struct cube *times_replace(struct planner *p, const struct cube *data, size_t i, size_t n,
                           const struct label *labels);

#endif
