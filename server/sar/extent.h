/* Which part of an image a grid on the ground needs. */
#ifndef SAR_EXTENT_H
#define SAR_EXTENT_H

#include "sar/dem.h"
#include "sar/radiometry.h"
#include "sar/view.h"

/* A window in the image with all that the grid's pixels may be made of, and a little more; width 0 where the image shows next to
 * nothing of the grid. Errors: Internal when the grid's CRS is not known. */
bool sar_extent(const struct view *view, const struct dem *dem, const struct grid *grid, struct crs *crs,
                struct sar_window *ret_window, struct err *err) MUST_USE;

#endif
