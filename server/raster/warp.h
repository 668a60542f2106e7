/* Where the pixels of one grid lie in another one, in another CRS or on another lattice. */
#ifndef RASTER_WARP_H
#define RASTER_WARP_H

#include "raster/load.h"

struct warper; /* of one thread: keeps its transformers */
struct warper *warper_new(void);
void warper_free(struct warper *warper);

/* For each pixel of the window of `to`: index[i] = column + row * from->width of the nearest pixel
 * of `from`, or -1 outside. ret_used is the part of `from` that is asked for (width 0: nothing). */
bool warp_nearest(struct warper *warper, const struct grid *from, const struct grid *to,
                  const struct window_rect *window, int64_t *index, struct window_rect *ret_used,
                  struct err *err) MUST_USE;

/* The part of `from` under a window of `to`, `margin` pixels wider at each side (width 0: nothing). */
bool warp_source(struct warper *warper, const struct grid *from, const struct grid *to,
                 const struct window_rect *window, double margin, struct window_rect *ret_used,
                 struct err *err) MUST_USE;
/* How many pixels of `from` lie side by side under one of `to`, in the middle of it. */
bool warp_scale(struct warper *warper, const struct grid *from, const struct grid *to,
                double *ret_x, double *ret_y, struct err *err) MUST_USE;
/* The method takes a few pixels beside a position, which the window `used` of warp_resample() must hold, and what
 * lies beyond the window's edges is no-data. Others want a rim of no-data around it. */
bool warp_is_interpolation(enum resampling method, double scale_x, double scale_y);
/* Resamples pixels of `from` (the window `used`, floats or doubles, NaN where there is no data) to a
 * window of `to`. Door: GDAL's warper, with exact positions. */
bool warp_resample(struct warper *warper, const struct grid *from, const struct grid *to,
                   enum resampling method, bool wide, const struct window_rect *used,
                   const void *pixels, const struct window_rect *window, void *dst,
                   struct err *err) MUST_USE;

#endif
