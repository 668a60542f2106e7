/* Positions of one grid's pixels in another, found exactly at the corners of squares of pixels and linear in
 * between. The squares lie fixed on the grid, so a position does not depend on the window it is asked in. */
#ifndef RASTER_MESH_H
#define RASTER_MESH_H

#include "raster/load.h"

/* Turns n positions of the one grid into those of the other, NaN where there are none. */
typedef void exact_places(const void *context, double *x, double *y, size_t n);

struct mesh;
/* For positions from the window's upper left corner to its lower right one. */
struct mesh *mesh_new(exact_places *exact, const void *context, const struct window_rect *window);
void mesh_free(struct mesh *mesh);
DEFINE_AUTO(mesh, struct mesh *, mesh_free)
void mesh_places(const struct mesh *mesh, double *x, double *y, size_t n);
/* The same for n positions of a row, a pixel apart from (left, top) on. */
void mesh_row(const struct mesh *mesh, double left, double top, double *ret_x, double *ret_y, size_t n);

#endif
