/* What is kept of a statistic while pixels come in strips. */
#ifndef RASTER_ZONE_STATES_H
#define RASTER_ZONE_STATES_H

#include "graph/plan.h"

struct zone_state {
    double total, seen; /* pixels; those with data */
    double a, b;        /* sum, product, least .. or how many are 1; squared distances, or how many are 0 */
};

/* Of one strip; NaN is no-data. */
struct zone_state zone_state_of(const struct zone_reduction *reduction, const double *x, size_t n);
/* The strip `more` comes after those of `all`. */
void zone_state_join(const struct zone_reduction *reduction, struct zone_state *all,
                     const struct zone_state *more);
/* Not of ZONE_QUANTILE. */
double zone_state_finish(const struct zone_reduction *reduction, const struct zone_state *state);
/* The quantile of n numbers (type 7; half way it is the mean of two); they are moved. NaN for none. */
double zone_quantile(double *numbers, size_t n, double probability);

#endif
