/* Tables that products give along a line: values at some pixels, in between linear, beyond the ends constant. */
#ifndef SAR_LUT_H
#define SAR_LUT_H

#include "base/err.h"
#include <stdbool.h>
#include <stdint.h>

enum { SAR_LUT_MOST = 200000 /* values of one table */ };

/* Do the positions ascend, and are there as many values? `place` begins the message: "calibration.xml: calibrationVector 3".
 * Errors: FileContentInvalid. */
bool sar_lut_check(const double *at, size_t n, size_t n_values, const char *place, struct err *err) MUST_USE;
/* The value at one position. */
double sar_lut_at(const double *at, const double *values, size_t n, double position);
/* The values at pixels 0 to width - 1. */
void sar_lut_expand(const double *at, const double *values, size_t n, int64_t width, float *row);

#endif
