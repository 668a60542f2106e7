/* Loops over the pixels of a row. */
#ifndef SAR_LATTICE_ROWS_H
#define SAR_LATTICE_ROWS_H

#include "sar/ground_range.h"

/* What a node knows: its place in the DEM; time and slant range as polynomials of u, the height less the middle one
 * in units of half the difference of the outer ones; the sight at u = 0 and its change with u. */
enum node { NODE_COLUMN, NODE_ROW, NODE_T, NODE_RANGE = NODE_T + 3, NODE_SIGHT = NODE_RANGE + 3,
            NODE_SCALE = NODE_SIGHT + 6, NODE_VALUES };

/* Cells of a row between nodes that were interpolated to it: [cells + 1][NODE_VALUES], in pixels `step` apart. */
struct row_cells {
    const double *nodes;
    size_t step, pixels;
    double middle_height, per_metre; /* of u */
};

struct dem;
void row_heights(const struct row_cells *cells, const struct dem *dem, float *heights);
void row_ranges(const struct row_cells *cells, const float *heights, double *t, double *range);
void row_sights(const struct row_cells *cells, const float *heights, float *x, float *y, float *up, float *scale);

/* Lines and columns, less those of an origin; NaN outside the image and its margin. */
struct row_image {
    const struct ground_range *ground_range;
    double lines_per_second, line_origin, column_origin;
    double first_t, last_t; /* that are answered */
};
void row_places(const struct row_image *image, const double *t, const double *range, size_t n, float *lines,
                float *columns);

#endif
