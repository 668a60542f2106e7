/* Where a grid lies on Earth. */
#include "raster/engine.h"
#include <math.h>
#include <ogr_srs_api.h>

/* Points on each edge: the box of curved edges is wider than that of the corners. */
enum { POINTS = 21 };

static OGRSpatialReferenceH reference(int epsg)
{
    OGRSpatialReferenceH srs = OSRNewSpatialReference(NULL);

    if (OSRImportFromEPSG(srs, epsg) != OGRERR_NONE) {
        OSRDestroySpatialReference(srs);
        return NULL;
    }
    OSRSetAxisMappingStrategy(srs, OAMS_TRADITIONAL_GIS_ORDER);
    return srs;
}

bool raster_degrees(const struct grid *grid, double ret_bbox[static 4])
{
    double right = grid->x0 + grid->dx * (double)grid->width;
    double bottom = grid->y0 - grid->dy * (double)grid->height, box[4];
    OGRSpatialReferenceH from = reference(grid->epsg), to = reference(4326);
    OGRCoordinateTransformationH path = from && to ? OCTNewCoordinateTransformation(from, to) : NULL;
    bool good = path && OCTTransformBounds(path, grid->x0, bottom, right, grid->y0, &box[0],
                                           &box[1], &box[2], &box[3], POINTS);

    for (size_t i = 0; good && i < 4; i++)
        good = isfinite(box[i]);
    for (size_t i = 0; good && i < 4; i++)
        ret_bbox[i] = box[i];
    if (path)
        OCTDestroyCoordinateTransformation(path);
    if (from)
        OSRDestroySpatialReference(from);
    if (to)
        OSRDestroySpatialReference(to);
    return good;
}
