/* Radiometric terrain flattening: how much ground, as it faces the radar, lies in each pixel of an image (Small,
 * "Flattening Gamma", 2011). */
#ifndef SAR_FLATTEN_H
#define SAR_FLATTEN_H

#include "raster/load.h"
#include "sar/dem.h"
#include "sar/facets.h"
#include "sar/view.h"

/* The DEM reaches RELIEF_MOST beyond the grid (sar/relief.h): what lies there hides the grid's ground, or folds onto it. */
struct flatten_want {
    const struct view *view;
    const struct dem *dem;
    struct grid grid; /* what of the image is wanted */
    enum flatten_area area; /* by which beta0 is referred to the ground */
    int threads;
};

/* Factors of the pixels of an image. Read-only once made: threads and polarisations share it. Two bytes for a pixel. */
struct flatten;
bool flatten_new(const struct flatten_want *want, struct flatten **ret_flatten, struct err *err) MUST_USE;
void flatten_free(struct flatten *flatten);
DEFINE_AUTO(flatten, struct flatten *, flatten_free)

/* A part of an image. */
struct image_frame {
    int64_t line, column; /* of its first pixel, which may lie outside the image */
    size_t width, height;
};
/* Makes beta0 to gamma0 or sigma0 of the terrain, to a thousandth of a decibel. 0, no data, where hardly any ground is seen, and
 * outside what was wanted. */
void flatten_apply(const struct flatten *flatten, const struct image_frame *frame, float *power);

#endif
