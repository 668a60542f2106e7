/* Curves fitted to the values of one pixel. */
#ifndef PROCESSES_KERNELS_FIT_H
#define PROCESSES_KERNELS_FIT_H

#include <stdbool.h>
#include <stddef.h>

/* Least squares: the parameters for which a model is nearest to `y` (n values, no-data is NaN). `problem`
 * describes the model (graph/curves.c): how many x, parameters, registers, instructions and constants it
 * has, then the parameters to begin with, the x, the instructions and the constants. NaN where there are
 * fewer values than parameters, or where these do not settle all of them; with `keep` also where one is
 * no-data. */
void fit_curve(const double *y, size_t n, bool keep, const double *problem, double *ret_parameters);

#endif
