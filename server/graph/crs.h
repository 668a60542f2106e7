/* The door to PROJ. What is opened belongs to one thread. */
#ifndef GRAPH_CRS_H
#define GRAPH_CRS_H

#include "base/auto.h"
#include <stdbool.h>

struct crs;
struct crs *crs_open(void);
void crs_close(struct crs *crs);
DEFINE_AUTO(crs, struct crs *, crs_close)
/* Transforms n points in place; x is east or longitude. Points that cannot be become HUGE_VAL.
 * False when a CRS is not known. */
bool crs_transform(struct crs *crs, const char *from, const char *to, size_t n, double *x,
                   double *y) MUST_USE;
/* True when the CRS is a known one; *ret_geographic: its axes are degrees. */
bool crs_known(struct crs *crs, const char *name, bool *ret_geographic) MUST_USE;
/* Whether the axes of a CRS count metres. */
bool crs_in_metres(struct crs *crs, const char *name);
/* The EPSG code of a CRS, 0 when it has none. */
int crs_epsg(struct crs *crs, const char *name);

#endif
