/* Opening and describing single files. The engine proper does not pass here. */
#include "raster/probe.h"
#include "raster/access.h"
#include <cpl_conv.h>
#include <cpl_error.h>
#include <cpl_string.h>
#include <gdal.h>
#include <math.h>
#include <ogr_srs_api.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static void close_dataset(GDALDatasetH dataset)
{
    GDALClose(dataset);
}
DEFINE_AUTO(probed, GDALDatasetH, close_dataset)
DEFINE_AUTO(reference, OGRSpatialReferenceH, OSRRelease)

static void set_up(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, GDALAllRegister);
}

static bool pixel_of(GDALDataType type, enum pixel *ret_pixel)
{
    switch (type) {
    case GDT_Byte: *ret_pixel = PIXEL_U8; return true;
    case GDT_UInt16: *ret_pixel = PIXEL_U16; return true;
    case GDT_Int16: *ret_pixel = PIXEL_I16; return true;
    case GDT_UInt32: *ret_pixel = PIXEL_U32; return true;
    case GDT_Int32: *ret_pixel = PIXEL_I32; return true;
    case GDT_Float32: *ret_pixel = PIXEL_F32; return true;
    case GDT_Float64: *ret_pixel = PIXEL_F64; return true;
    default: return false;
    }
}

static const char *media_of(GDALDatasetH dataset)
{
    const char *driver = GDALGetDriverShortName(GDALGetDatasetDriver(dataset));

    if (!strncmp(driver, "JP2", 3))
        return "image/jp2";
    return strcmp(driver, "GTiff") ? NULL : "image/tiff; application=geotiff";
}

static int epsg_of(GDALDatasetH dataset)
{
    OGRSpatialReferenceH srs = GDALGetSpatialRef(dataset);
    const char *code;

    if (!srs)
        return 0;
    code = OSRGetAuthorityCode(srs, NULL);
    return code && OSRGetAuthorityName(srs, NULL) && !strcmp(OSRGetAuthorityName(srs, NULL), "EPSG")
               ? atoi(code)
               : 0;
}

bool raster_probe(const char *href, struct raster_facts *ret_facts, struct err *err)
{
    AUTO(probed) GDALDatasetH dataset = NULL;
    struct raster_facts facts = { 0 };
    double t[6];
    int has = 0;

    set_up();
    CPLErrorReset();
    CPLPushErrorHandler(CPLQuietErrorHandler); /* told by the error that is returned */
    dataset = GDALOpenEx(href, GDAL_OF_RASTER | GDAL_OF_READONLY, access_drivers, NULL, NULL);
    CPLPopErrorHandler();
    if (!dataset || GDALGetRasterCount(dataset) < 1)
        return err_set(err, ERR_SourceUnreadable, "%s: %s", href,
                       dataset ? "has no raster band" : CPLGetLastErrorMsg());
    GDALRasterBandH band = GDALGetRasterBand(dataset, 1);

    facts.width = GDALGetRasterXSize(dataset), facts.height = GDALGetRasterYSize(dataset);
    facts.bands = GDALGetRasterCount(dataset);
    facts.media = media_of(dataset);
    facts.has_pixel = pixel_of(GDALGetRasterDataType(band), &facts.pixel);
    facts.nodata = GDALGetRasterNoDataValue(band, &has);
    facts.has_nodata = has;
    facts.grid.epsg = epsg_of(dataset);
    if (facts.grid.epsg && GDALGetGeoTransform(dataset, t) == CE_None && t[1] > 0 && t[5] < 0 &&
        t[2] == 0 && t[4] == 0) {
        facts.grid.x0 = t[0], facts.grid.y0 = t[3], facts.grid.dx = t[1], facts.grid.dy = -t[5];
        facts.grid.width = facts.width, facts.grid.height = facts.height;
        facts.has_grid = true;
    }
    *ret_facts = facts;
    return true;
}

static bool fill(GDALDatasetH memory, const struct grid *grid, double nodata, const void *pixels,
                 GDALDataType type)
{
    AUTO(reference) OGRSpatialReferenceH srs = OSRNewSpatialReference(NULL);
    double t[6] = { grid->x0, grid->dx, 0, grid->y0, 0, -grid->dy };
    GDALRasterBandH band = GDALGetRasterBand(memory, 1);

    return OSRImportFromEPSG(srs, grid->epsg) == OGRERR_NONE &&
           GDALSetSpatialRef(memory, srs) == CE_None && GDALSetGeoTransform(memory, t) == CE_None &&
           GDALSetRasterNoDataValue(band, nodata) == CE_None &&
           GDALRasterIO(band, GF_Write, 0, 0, (int)grid->width, (int)grid->height, (void *)pixels,
                        (int)grid->width, (int)grid->height, type, 0, 0) == CE_None;
}

bool raster_write(const char *path, const struct grid *grid, enum pixel pixel, double nodata,
                  const void *pixels, bool nearest, struct err *err)
{
    GDALDataType type = pixel == PIXEL_U8 ? GDT_Byte : GDT_UInt16;
    GDALDriverH driver = (set_up(), GDALGetDriverByName("MEM"));
    AUTO(probed) GDALDatasetH memory = GDALCreate(driver, "", (int)grid->width, (int)grid->height, 1,
                                                  type, NULL);
    AUTO(probed) GDALDatasetH file = NULL;
    char *options[] = { "COMPRESS=DEFLATE", "PREDICTOR=YES", "BLOCKSIZE=512",
                        nearest ? "OVERVIEW_RESAMPLING=NEAREST" : "OVERVIEW_RESAMPLING=AVERAGE", NULL };

    CPLErrorReset();
    if (memory && fill(memory, grid, nodata, pixels, type))
        file = GDALCreateCopy(GDALGetDriverByName("COG"), path, memory, 1, options, NULL, NULL);
    return file || err_set(err, ERR_StorageFailure, "%s: cannot be written: %s", path,
                           CPLGetLastErrorMsg());
}

bool raster_corners(const struct grid *grid, double ret_corners[4][2], struct err *err)
{
    AUTO(reference) OGRSpatialReferenceH from = OSRNewSpatialReference(NULL);
    AUTO(reference) OGRSpatialReferenceH to = OSRNewSpatialReference(NULL);
    double right = grid->x0 + grid->dx * (double)grid->width;
    double bottom = grid->y0 - grid->dy * (double)grid->height;
    double x[] = { grid->x0, right, right, grid->x0 }, y[] = { grid->y0, grid->y0, bottom, bottom };
    OGRCoordinateTransformationH transform = NULL;
    bool good = false;

    if (OSRImportFromEPSG(from, grid->epsg) == OGRERR_NONE && OSRImportFromEPSG(to, 4326) == OGRERR_NONE) {
        OSRSetAxisMappingStrategy(from, OAMS_TRADITIONAL_GIS_ORDER);
        OSRSetAxisMappingStrategy(to, OAMS_TRADITIONAL_GIS_ORDER);
        transform = OCTNewCoordinateTransformation(from, to);
        good = transform && OCTTransform(transform, 4, x, y, NULL);
    }
    OCTDestroyCoordinateTransformation(transform);
    if (!good)
        return err_set(err, ERR_Internal, "EPSG:%d cannot be turned into degrees", grid->epsg);
    for (int i = 0; i < 4; i++)
        ret_corners[i][0] = x[i], ret_corners[i][1] = y[i];
    return true;
}
