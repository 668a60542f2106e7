/* Geometries by GEOS. */
#ifndef GRAPH_TOPOLOGY_H
#define GRAPH_TOPOLOGY_H

#include "graph/planner.h"

/* Each geometry grown by `distance`, or shrunk; some may be empty then. */
bool topology_buffer(const struct call *call, const struct geometries *from, double distance,
                     const struct geometries **ret, struct err *err) MUST_USE;
/* ret[i]: geometry i of `candidates` has the relation ("intersects", "within" ..) to the union of
 * `base`, both in one reference system; false for empty ones. */
bool topology_relate(const struct call *call, const struct geometries *candidates,
                     const struct geometries *base, const char *relation, bool *ret,
                     struct err *err) MUST_USE;

#endif
