/* Heights above the ellipsoid around a grid, from a digital elevation model (DEM) in files. */
#ifndef SAR_DEM_H
#define SAR_DEM_H

#include "base/err.h"
#include "graph/crs.h"
#include "graph/cube.h"

/* Of Debian's proj-data: how far the geoid EGM96, from which DEMs count, lies above the ellipsoid. The later
 * EGM2008 of Copernicus's DEM differs from it by less than a metre nearly everywhere. */
#define DEM_GEOID "/usr/share/proj/egm96_15.gtx"

struct dem_options {
    /* A raster that GDAL opens, or a folder of them; in it or one folder deeper, files whose names tell a cell of
     * one degree (N45E006.hgt, N45E006.SRTMGL1.hgt.zip, Copernicus_DSM_COG_10_N45_00_E006_00_DEM.tif) are opened
     * only where that cell is wanted. */
    const char *path;
    const char *geoid; /* a raster in degrees that is added; NULL: heights are above the ellipsoid already */
    double margin;     /* metres around the grid that are wanted, too; a lattice's nodes are thought of */
    int threads;
};

/* Node (column, row) lies at x0 + column * dx, y0 - row * dy of the CRS. Read-only once made. */
struct dem {
    int epsg;
    bool in_degrees;
    double x0, y0, dx, dy;
    size_t width, height;
    float *heights; /* metres above the ellipsoid; where the DEM has none, those of the sea */
    uint8_t *voids; /* 1 where it has none */
    size_t n_voids;
    size_t missing; /* cells of one degree that a folder has no file for: at sea that is usual */
    float lowest, highest;
};

/* Errors: SourceUnreadable, FileContentInvalid, MemoryExceeded. */
bool dem_read(const struct dem_options *options, const struct grid *grid, struct dem **ret_dem,
              struct err *err) MUST_USE;
void dem_free(struct dem *dem);
DEFINE_AUTO(dem, struct dem *, dem_free)

/* Positions in the CRS of a grid, in place, to longitudes and latitudes and to columns and rows of the DEM; NaN
 * where there are none. */
bool dem_places(const struct dem *dem, struct crs *crs, int epsg, size_t n, double *x, double *y, double *ret_column,
                double *ret_row, struct err *err) MUST_USE;
/* Bilinear; the sea's height outside is that of the nearest node. */
double dem_height(const struct dem *dem, double column, double row);

#endif
