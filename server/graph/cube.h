/* What a cube looks like: dimensions, labels, grid, pixel type. Pure description, no pixels.
 *
 * A cube is a list of *planes*: images over its x, y grid, one for each combination of the labels of
 * its other dimensions. Plane numbers run in the order of the dimensions, the last one fastest:
 * with t = 2 and bands = 3, plane 4 is t 1, band 1. All of raster/ speaks of planes and nothing
 * else, so that a cube may have any dimensions. */
#ifndef GRAPH_CUBE_H
#define GRAPH_CUBE_H

#include "base/auto.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum dimension_type { DIM_SPATIAL, DIM_TEMPORAL, DIM_BANDS, DIM_GEOMETRY, DIM_OTHER };

enum pixel { PIXEL_U8, PIXEL_I8, PIXEL_U16, PIXEL_I16, PIXEL_U32, PIXEL_I32, PIXEL_F32, PIXEL_F64,
             PIXEL_BOOL /* stored as bytes 0, 1 and 255 */ };
size_t pixel_size(enum pixel pixel);
const char *pixel_name(enum pixel pixel); /* STAC data_type: "uint16", "float32" */
/* Can a pixel of this type have this value? A no-data value that cannot occur marks nothing. */
bool pixel_holds(enum pixel pixel, double value);

/* A north-up lattice of pixels: pixel (c, r) covers x0 + c * dx .. x0 + (c + 1) * dx and
 * y0 - (r + 1) * dy .. y0 - r * dy. */
struct grid {
    int epsg;
    double x0, y0; /* outer corner, upper left */
    double dx, dy; /* > 0 */
    int64_t width, height;
};
/* False for positions and sizes that no file on Earth has, with which one cannot compute. */
bool grid_is_sound(const struct grid *grid);
bool grid_equal(const struct grid *a, const struct grid *b);
/* Same CRS, resolution and anchor; then pixel (0,0) of `b` is pixel (*ret_dx, *ret_dy) of `a`. */
bool grid_same_lattice(const struct grid *a, const struct grid *b, int64_t *ret_dx,
                       int64_t *ret_dy);

struct label {
    bool is_number;
    double number;
    const char *text;
    int64_t instant_ms; /* temporal labels */
};

/* Beside a band label: never changes pixel values. */
struct band_info {
    const char *common_name; /* NULL when unknown */
    double center_wavelength; /* micrometre, NaN when unknown */
    double scale, offset;     /* metadata: loading does not apply them */
    bool categorical;
};

struct dimension {
    const char *name;
    enum dimension_type type;
    char axis;        /* 'x', 'y', 'z', 'g' (geometries) or 0 */
    size_t count;     /* of x and y: columns and rows of the grid */
    const struct label *labels; /* NULL for x, y and geometries: pixel centres of the grid */
    const struct band_info *bands; /* DIM_BANDS: beside the labels */
};

struct cube_schema {
    size_t n_dimensions;
    const struct dimension *dimensions; /* in the user's order */
    struct grid grid;                   /* valid when the cube has x and y, or geometries */
    const struct geometries *geometries; /* of a vector cube (graph/geometries.h), else NULL */
    enum pixel pixel;
    double nodata; /* NaN for floats: there every NaN is no-data */
    bool has_nodata;
};

bool dimension_is_horizontal(const struct dimension *dimension); /* x, y or geometries: in the planes */
bool cube_has_grid(const struct cube_schema *schema);            /* it has x and y */
/* Product of the counts of all dimensions but x, y and geometries. */
size_t cube_planes(const struct cube_schema *schema);
/* The label of dimension `dimension` that a plane has. */
size_t cube_label_of(const struct cube_schema *schema, size_t dimension, size_t plane);
const struct dimension *cube_dimension(const struct cube_schema *schema, const char *name);
/* The first dimension of a type, NULL when there is none. */
const struct dimension *cube_dimension_of(const struct cube_schema *schema, enum dimension_type type);

#endif
