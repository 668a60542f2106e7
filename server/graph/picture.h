/* How large a picture of a cube becomes (the formats' options width and height), and what grid it is computed on. */
#ifndef GRAPH_PICTURE_H
#define GRAPH_PICTURE_H

#include "graph/cube.h"
#include <jansson.h>

struct picture_size {
    int64_t width, height;
};

/* The largest that fits into width and height of the options, those that are missing being the limits of the formats. `film`:
 * without both, what fits into the limits and is no larger than the cube. {0, 0}: as the grid is. */
struct picture_size picture_fit(const struct grid *grid, const json_t *options, bool film);
/* The same place in the largest pixels, of the grid's times a power of two, that are no larger than the picture's. */
struct grid picture_grid(const struct grid *grid, struct picture_size size);
/* How much wider than high a pixel is on the ground: degrees of longitude are shorter than those of latitude. */
double grid_aspect(const struct grid *grid);

#endif
