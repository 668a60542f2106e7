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

/* One way and back. */
struct paths {
    OGRSpatialReferenceH grid, degrees;
    OGRCoordinateTransformationH there, back;
};

static bool paths_open(int epsg, struct paths *p)
{
    *p = (struct paths){ .grid = reference(epsg), .degrees = reference(4326) };
    if (!p->grid || !p->degrees)
        return false;
    p->there = OCTNewCoordinateTransformation(p->grid, p->degrees);
    p->back = OCTNewCoordinateTransformation(p->degrees, p->grid);
    return p->there && p->back;
}

static void paths_close(struct paths *p)
{
    if (p->there)
        OCTDestroyCoordinateTransformation(p->there);
    if (p->back)
        OCTDestroyCoordinateTransformation(p->back);
    if (p->grid)
        OSRDestroySpatialReference(p->grid);
    if (p->degrees)
        OSRDestroySpatialReference(p->degrees);
}

/* Metres between two near points on a sphere. */
static double distance(const double lon[2], const double lat[2])
{
    const double radian = M_PI / 180, radius = 6371008.8;
    double across = remainder(lon[1] - lon[0], 360) * cos((lat[0] + lat[1]) / 2 * radian);

    return hypot(across, lat[1] - lat[0]) * radian * radius;
}

bool raster_bearing(const struct grid *grid, double *ret_metres, double *ret_bearing)
{
    double middle_x = grid->x0 + grid->dx * (double)grid->width / 2, middle_y = grid->y0 - grid->dy * (double)grid->height / 2;
    double x[3] = { middle_x - grid->dx / 2, middle_x + grid->dx / 2, middle_x }, y[3] = { middle_y, middle_y, middle_y };
    struct paths p;
    bool good = paths_open(grid->epsg, &p) && OCTTransform(p.there, 3, x, y, NULL);
    double step = y[2] < 89 ? 0.001 : -0.001, lon = x[2], lat = y[2] + step;

    *ret_metres = good ? distance(x, y) : 0;
    good = good && OCTTransform(p.back, 1, &lon, &lat, NULL) && isfinite(lon) && isfinite(lat);
    *ret_bearing = good ? -atan2((lon - middle_x) * step, (lat - middle_y) * step) : 0;
    paths_close(&p);
    return good && isfinite(*ret_metres);
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
