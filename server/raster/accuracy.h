/* How right a classification is, by samples whose class is known. */
#ifndef RASTER_ACCURACY_H
#define RASTER_ACCURACY_H

#include "base/err.h"
#include <jansson.h>
#include <stddef.h>

/* The report of `n` samples: what they are and what the map says. Samples without one or the other (NaN) are left out.
 * `areas` is an object, the area of each mapped class by its number; NULL: each counts by its share of the samples.
 * The caller owns *ret_report. Errors: samples with other than whole numbers, with too many classes, of a class whose
 * area is not told, or none at all. */
bool accuracy_report(const double *reference, const double *found, size_t n, const json_t *areas, json_t **ret_report,
                     struct err *err) MUST_USE;

#endif
