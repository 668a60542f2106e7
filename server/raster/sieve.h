/* Small patches of pixels, taken away. */
#ifndef RASTER_SIEVE_H
#define RASTER_SIEVE_H

#include "raster/around.h"

size_t sieve_bytes(const struct plan_node *node, size_t width, size_t height);
/* The window lies within the node's grid; rows of `out` are `pitch` pixels apart. */
bool sieve_run(const struct around *around, const struct window_rect *window,
               const struct lane_plane *out, size_t pitch, struct err *err) MUST_USE;

#endif
