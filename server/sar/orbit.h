/* Where the satellite is: state vectors, earth-fixed, and what lies between them. Read-only once made. */
#ifndef SAR_ORBIT_H
#define SAR_ORBIT_H

#include "base/err.h"
#include "sar/annotation.h"
#include <stddef.h>

struct orbit;

/* Times are seconds after the image's first line, so that doubles resolve a nanosecond. At least four states,
 * in the order of time. Errors: FileContentInvalid. */
bool orbit_new(const struct sar_state *states, size_t n, struct orbit **ret_orbit, struct err *err) MUST_USE;
void orbit_free(struct orbit *orbit);
DEFINE_AUTO(orbit, struct orbit *, orbit_free)

struct orbit_point {
    double position[3], velocity[3], acceleration[3]; /* m, s */
};
/* False more than one spacing of the states before the first or after the last one. */
bool orbit_at(const struct orbit *orbit, double t, struct orbit_point *ret_point) MUST_USE;
/* The times that orbit_at() answers. */
void orbit_span(const struct orbit *orbit, double *ret_first, double *ret_last);

#endif
