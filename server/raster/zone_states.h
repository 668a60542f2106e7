/* What is kept of a statistic while pixels come in strips. */
#ifndef RASTER_ZONE_STATES_H
#define RASTER_ZONE_STATES_H

#include "graph/plan.h"

struct zone_state {
    double total, seen; /* pixels, or the sum of their weights; those with data */
    double a, b;        /* sum, product, least .. or how many are 1; squared distances, or how many are 0 */
};

/* Of one strip; NaN is no-data. `weights`: how much of each pixel counts; NULL: all of all. */
struct zone_state zone_state_of(const struct zone_reduction *reduction, const double *x, const double *weights,
                                size_t n);
/* The strip `more` comes after those of `all`. */
void zone_state_join(const struct zone_reduction *reduction, struct zone_state *all,
                     const struct zone_state *more);
/* Not of ZONE_QUANTILE. */
double zone_state_finish(const struct zone_reduction *reduction, const struct zone_state *state);
/* The quantile of n numbers (type 7; half way it is the mean of two); they are moved. NaN for none. */
double zone_quantile(double *numbers, size_t n, double probability);
/* The same of numbers with weights, which type 7 becomes when all are equal: of n sorted numbers the k-th
 * lies at (k - 1) times its weight and (n - 1) times the weights before it, and the ends at 0 and 1. The
 * pairs (number, weight) are moved. */
double zone_weighted_quantile(double (*pairs)[2], size_t n, double probability);

#endif
