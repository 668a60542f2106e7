/* What a raster file says of itself, and plain writing of one: all that the catalogue's import needs
 * of GDAL. */
#ifndef RASTER_PROBE_H
#define RASTER_PROBE_H

#include "base/err.h"
#include "graph/cube.h"

struct raster_facts {
    int64_t width, height;
    int bands;
    enum pixel pixel;
    bool has_pixel;       /* false for types that cubes do not hold */
    bool has_nodata;
    double nodata;
    const char *media;    /* "image/jp2", "image/tiff; application=geotiff"; NULL: another format */
    bool has_grid;        /* north-up with a CRS that has an EPSG code */
    struct grid grid;
};

/* `href` as GDAL opens it. Errors: SourceUnreadable. */
bool raster_probe(const char *href, struct raster_facts *ret_facts, struct err *err) MUST_USE;

/* Writes one band as a tiled, compressed, cloud-optimised GeoTIFF; `pixels` are rows from the north.
 * pixel: PIXEL_U8 or PIXEL_U16. `nearest`: overviews of classes. Errors: StorageFailure. */
bool raster_write(const char *path, const struct grid *grid, enum pixel pixel, double nodata,
                  const void *pixels, bool nearest, struct err *err) MUST_USE;
/* The footprint of a grid in longitudes and latitudes: 4 corners from the upper left, clockwise.
 * Errors: Internal when the CRS is unknown. */
bool raster_corners(const struct grid *grid, double ret_corners[4][2], struct err *err) MUST_USE;

#endif
