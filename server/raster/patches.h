/* Windows that are computed each for itself: apply_neighborhood. */
#ifndef RASTER_PATCHES_H
#define RASTER_PATCHES_H

#include "raster/around.h"

enum { PATCH_AREA = 1 << 16 /* pixels of small windows that are read at once */ };

/* One thread's: by node, where the window lies that is being made; by schedule, what was read for it and
 * for those beside it. */
struct patch_places;
struct patch_places *patch_places_new(size_t n_nodes, size_t n_inputs);
void patch_places_free(struct patch_places *places);

/* Where the window lies that is being made: pixel (0, 0) of the patch in its input. */
void patch_place(const struct patch_places *places, const struct plan_node *patch, int64_t *ret_x, int64_t *ret_y);

/* The most bytes that a step of the node takes while it runs, and those that stay. */
size_t patches_bytes(const struct plan_node *node, size_t width, size_t height);
size_t patch_area_bytes(const struct plan_node *node);
/* Of PLAN_PATCH and PLAN_PATCHES; see windows_run(). */
bool patch_run(const struct around *around, const struct window_rect *window,
               const struct lane_plane *out, size_t pitch, struct err *err) MUST_USE;
bool patches_run(const struct around *around, const struct window_rect *window,
                 const struct lane_plane *outs, size_t pitch, struct err *err) MUST_USE;

#endif
