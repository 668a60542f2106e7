/* Pixels made of windows of pixels: sums, medians and the like over places. */
#ifndef RASTER_WINDOWS_H
#define RASTER_WINDOWS_H

#include "raster/around.h"

/* The most that is held at once. */
size_t windows_bytes(const struct plan_node *node);
/* The bytes of a machine for the reducer of a plane. */
size_t windows_memory(const struct plan_node *node, size_t plane);
/* The window lies within the node's grid; rows of `out` are `pitch` pixels apart. */
bool windows_run(const struct around *around, const struct window_rect *window,
                 const struct lane_plane *out, size_t pitch, struct err *err) MUST_USE;

#endif
