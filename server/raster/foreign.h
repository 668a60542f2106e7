/* Planes that users' code makes. */
#ifndef RASTER_FOREIGN_H
#define RASTER_FOREIGN_H

#include "raster/around.h"

/* Of one thread: what was made last by each node, and how the thread's interpreter is used. */
struct foreign;
struct foreign *foreign_new(const struct raster_options *options, size_t n_nodes);
void foreign_free(struct foreign *foreign);

/* What the interpreter of a thread may take; 0 where the plan needs none. */
size_t foreign_interpreter_bytes(const struct plan *plan, const struct raster_options *options);
/* Fewer threads (and buffers) where the interpreters of all of them would not fit beside the buffers into the
 * task's memory. Errors: MemoryExceeded when not even one does. */
bool foreign_fit(const struct plan *plan, struct raster_options *options, struct err *err) MUST_USE;

/* Pixels of the largest part of a cube that is given at once. */
size_t foreign_pixels(const struct plan_node *node);
/* What is held while it runs, and what stays. */
size_t foreign_bytes(const struct plan_node *node);
size_t foreign_kept_bytes(const struct plan_node *node);
bool foreign_run(const struct around *around, const struct window_rect *window, const struct lane_plane *outs,
                 size_t pitch, struct err *err) MUST_USE;

#endif
