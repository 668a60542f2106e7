/* How much of each pixel a geometry covers: exact areas. */
#ifndef RASTER_COVERAGE_H
#define RASTER_COVERAGE_H

#include "raster/rasterize.h"

/* The shares of the pixels of some runs, in their order. */
struct pixel_weights {
    double *list;
    size_t n, capacity;
};

/* As rasterize(), of all pixels that a polygon covers a part of; each with its share, above 0 and at most 1.
 * Points and lines cover nothing: their pixels count as wholes. */
void coverage(const struct geometry *geometry, const struct grid *grid, const struct window_rect *window,
              struct pixel_runs *runs, struct pixel_weights *weights);

#endif
