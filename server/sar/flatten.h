/* Radiometric terrain flattening: how much ground, as it faces the radar, lies in each pixel of an image (Small,
 * "Flattening Gamma", 2011). */
#ifndef SAR_FLATTEN_H
#define SAR_FLATTEN_H

#include "sar/shadow.h"

/* A part of an image. */
struct image_frame {
    int64_t line, column; /* of its first pixel, which may lie outside the image */
    size_t width, height;
};

/* By what beta0 is multiplied to become gamma0 of the terrain: the area of a pixel in the slant plane over that of the
 * ground in it seen from the satellite. 0 where hardly any is seen. `mask`: shadow_mask() of the relief. */
bool flatten_factors(const struct relief *relief, const uint8_t *mask, const struct view *view,
                     const struct image_frame *frame, float *factors, struct err *err) MUST_USE;

#endif
