/* From a place on Earth to the moment when the radar looked at it, and how far away it was. */
#ifndef SAR_DOPPLER_H
#define SAR_DOPPLER_H

#include "sar/orbit.h"

struct doppler_fix {
    double t, range; /* s after the first line, m */
};

/* The zero-Doppler time of an earth-fixed point; `guess` is any time near. False where the orbit's states do
 * not reach or the point lies on the left of the track, which Sentinel-1 does not look at. */
bool doppler_solve(const struct orbit *orbit, const double point[static 3], double guess,
                   struct doppler_fix *ret_fix) MUST_USE;

#endif
