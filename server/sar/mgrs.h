/* The Sentinel-2 grid: squares of 109.8 km in the UTM zones, named after those of the Military Grid Reference System. */
#ifndef SAR_MGRS_H
#define SAR_MGRS_H

#include "base/mem.h"
#include "base/err.h"
#include "graph/geometries.h"

enum { MGRS_SIDE = 109800, MGRS_ID_SIZE = 6 };

struct mgrs_tile {
    char id[MGRS_ID_SIZE]; /* "31TCJ" */
    int epsg;              /* 326zz, 327zz in the south */
    double left, top;      /* its upper left corner: it reaches MGRS_SIDE metres to the right and down */
};

/* Errors: InvalidParameter, which says what is wrong with the name. Lower case and a T before it ("T31TCJ") are let pass. */
bool mgrs_find(const char *id, struct mgrs_tile *ret_tile, struct err *err) MUST_USE;
/* `each` is called with all tiles, zone by zone, until it says no. */
void mgrs_each(bool (*each)(void *context, const struct mgrs_tile *tile), void *context);

struct mgrs_cover {
    struct mgrs_tile tile;
    double percent; /* of the tile that the area covers */
};
/* The tiles of which an area covers something, and at least `least_percent`, by name. The area: rings of longitudes and
 * latitudes whose sides are straight on a map of degrees; a ring may cross 180 degrees either way (170 to 190, or 170 to
 * -170: a side goes the shorter way round). Errors: InvalidParameter when it covers more than `most` tiles. */
bool mgrs_cover(const struct ring *rings, size_t n_rings, double least_percent, size_t most, struct arena *arena,
                struct mgrs_cover **ret_tiles, size_t *ret_count, struct err *err) MUST_USE;

#endif
