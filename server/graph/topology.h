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

/* A polygon or several: shells with their holes. NULL when it cannot be made valid. */
struct topology_area;
struct topology_area *topology_area_new(const struct ring *rings, size_t n);
bool topology_area_contains(const struct topology_area *area, double x, double y); /* not its border */
bool topology_area_meets(const struct topology_area *area, double x, double y);    /* and its border */
/* Where the insides of both meet: the box around it. False when they do not. */
bool topology_areas_box(const struct topology_area *a, const struct topology_area *b, double ret_box[4]);
bool topology_area_some_point(const struct topology_area *area, double *ret_x, double *ret_y);
double topology_area_size(const struct topology_area *area);
void topology_area_free(struct topology_area *area);

#endif
