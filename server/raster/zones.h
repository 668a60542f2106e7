/* Statistics of pixels under geometries. A block adds what it has of each geometry to the part; the
 * assembly joins the blocks in their order, so results depend on no split. */
#ifndef RASTER_ZONES_H
#define RASTER_ZONES_H

#include "raster/part.h"
#include "raster/pieces.h"

/* The tiles with pixels of the geometries of all its outputs, each cut to their envelope; they end where
 * those of the files end. The caller frees. */
size_t zones_tiles(const struct plan *plan, const struct schedule *schedule,
                   struct window_rect **ret_tiles);

/* Bytes that the assembly holds at once for quantiles: the pixels under all geometries, of one plane. */
size_t zones_memory(const struct plan_node *zones);

/* Of one thread. */
struct zone_work;
struct zone_work *zone_work_new(void);
void zone_work_free(struct zone_work *work);
/* Column `entry.plane` of a block, whole, into the part. */
bool zones_emit(struct zone_work *work, const struct plan_node *zones, const struct window_rect *tile,
                struct part_entry entry, const struct lane_plane *plane, struct part_writer *part,
                struct err *err) MUST_USE;

/* [planes of the node][geometries], NaN for no-data; the caller frees. `number`: among plan->zones. */
bool zones_gather(const struct pieces *pieces, size_t number, double **ret_table,
                  struct err *err) MUST_USE;

#endif
