/* Planes of coarse grids that many windows ask for, kept for all threads. A kernel of 60 cells of 240 m reaches
 * 7 km around a block: made anew for each block, most of a tile would be computed again and again. */
#ifndef RASTER_KEPT_H
#define RASTER_KEPT_H

#include "raster/schedule.h"

struct kept;
/* Keeps at most most_bytes, but for what is being made. */
struct kept *kept_new(const struct schedules *schedules, size_t most_bytes);
void kept_free(struct kept *kept);
DEFINE_AUTO(kept, struct kept *, kept_free)

/* Some schedule of a plan has pieces to keep. */
bool kept_is_wanted(const struct schedules *schedules);
bool kept_has(const struct kept *kept, const struct schedule *schedule);

/* Makes a window of all results of a schedule. */
typedef bool kept_make(void *context, const struct schedule *schedule, const struct window_rect *window,
                       void *const *dsts, struct err *err);
/* A window, within its grid, of the results of a schedule that kept_has(). Pieces that nobody has made are made
 * by `make`, without a lock; whoever wants a piece that another thread is at waits for it. */
bool kept_read(struct kept *kept, const struct schedule *schedule, const struct window_rect *window,
               void *const *dsts, kept_make *make, void *context, struct err *err) MUST_USE;

#endif
