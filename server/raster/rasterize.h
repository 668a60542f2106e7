/* Which pixels belong to a geometry. To polygons: those with their centres inside or on the edge; to
 * points: the nearest one; to lines: those that the line passes through. */
#ifndef RASTER_RASTERIZE_H
#define RASTER_RASTERIZE_H

#include "graph/geometries.h"
#include "raster/load.h"

/* Pixels from .. to - 1 of a row, counted from the window's corner. */
struct pixel_run {
    uint32_t row, from, to;
};
struct pixel_runs {
    struct pixel_run *list;
    size_t n, capacity;
};

/* Appends the runs within a window of the grid, ascending, none touching another of the same geometry. */
void rasterize(const struct geometry *geometry, const struct grid *grid,
               const struct window_rect *window, struct pixel_runs *runs);
/* 1 where a pixel belongs to any of the geometries, else 0. */
void rasterize_mask(const struct geometries *geometries, const struct grid *grid,
                    const struct window_rect *window, uint8_t *dst);

#endif
