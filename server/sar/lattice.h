/* The range-Doppler equations over a window of a grid, solved at the nodes of a lattice for three heights. Times and
 * slant ranges of pixels are bilinear between nodes and quadratic in height: 0.0003 lines and 0.003 columns from the
 * truth in the Alps with nodes 320 m apart. */
#ifndef SAR_LATTICE_H
#define SAR_LATTICE_H

#include "raster/load.h"
#include "sar/dem.h"
#include "sar/view.h"

#define LATTICE_SPACING 320.0 /* m */

struct lattice;

/* Ground that is laid out otherwise than a grid: its nodes, [rows][columns], so many pixels apart. Metres of `scale` are for
 * a pixel of a row, and x goes along rows. The coordinates are used up. */
struct lattice_ground {
    size_t step, columns, rows;
    double *longitudes, *latitudes;
};

/* Pixels of the window, which may reach beyond the grid. with_sight: also directions to the satellite. Belongs to the
 * thread of `crs`. */
struct lattice_want {
    const struct view *view;
    const struct dem *dem;
    const struct grid *grid;
    struct window_rect window;
    double spacing; /* of nodes, metres; 0: LATTICE_SPACING */
    const struct lattice_ground *ground; /* not NULL: instead of a grid and a spacing; the window has a size only */
    bool with_sight;
};
bool lattice_new(const struct lattice_want *want, struct crs *crs, struct lattice **ret_lattice,
                 struct err *err) MUST_USE;
void lattice_free(struct lattice *lattice);
DEFINE_AUTO(lattice, struct lattice *, lattice_free)

/* Whether any pixel may lie in the image. */
bool lattice_meets_image(const struct lattice *lattice);

/* Of the pixels of a row of the window; members that are NULL are not wanted. What cannot be seen is NaN. */
struct lattice_row {
    float *heights;       /* above the ellipsoid */
    double *t, *range;    /* needed always */
    float *lines, *columns; /* less lattice_origin() */
    /* The unit vector to the satellite, along the grid's x, its y (to the north), and up; and metres on the
     * ellipsoid for one on the grid. With with_sight. */
    float *sight_x, *sight_y, *sight_up, *scale;
};
void lattice_row(const struct lattice *lattice, size_t row, const struct lattice_row *to);
/* A line and a column near those of all pixels: floats tell differences from them to a ten-thousandth. */
void lattice_origin(const struct lattice *lattice, double *ret_line, double *ret_column);

/* Time and slant range at a place of the window that need not be a pixel's (its upper left pixel's centre is 0, 0), at
 * some height. */
void lattice_at(const struct lattice *lattice, double x, double y, double height, double *ret_t, double *ret_range);

#endif
