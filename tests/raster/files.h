/* Image files for tests, in a folder that goes away at the end: pixels of 0 (no-data) to 249. */
#ifndef TESTS_RASTER_FILES_H
#define TESTS_RASTER_FILES_H

#include "base/mem.h"
#include <gdal.h>
#include <math.h>
#include <ogr_srs_api.h>
#include <stdio.h>
#include <stdlib.h>

static char folder[] = "/tmp/test_raster.XXXXXX";

static inline char *path_of(const char *name)
{
    return mem_printf("%s/%s", folder, name);
}

static inline void make_folder(void)
{
    if (!mkdtemp(folder))
        abort();
}

static inline int remove_folder(void **state)
{
    AUTO(mem) char *command = mem_printf("rm -r '%s'", folder);

    (void)state;
    return system(command);
}

static inline void write_file(const char *name, const char *driver, int width, int height, int bands,
                       GDALDataType type, double x0, double y0, double d, const char *const *options)
{
    AUTO(mem) char *path = path_of(name);
    GDALDatasetH mem = GDALCreate(GDALGetDriverByName("MEM"), "", width, height, bands, type, NULL);
    double transform[6] = { x0, d, 0, y0, 0, -d };
    OGRSpatialReferenceH srs = OSRNewSpatialReference(NULL);
    AUTO(mem) double *pixels = mem_array((size_t)width * (size_t)height, sizeof *pixels);
    GDALDatasetH made;

    OSRImportFromEPSG(srs, 32633);
    GDALSetSpatialRef(mem, srs);
    OSRDestroySpatialReference(srs);
    GDALSetGeoTransform(mem, transform);
    for (int band = 1; band <= bands; band++) {
        for (int i = 0; i < width * height; i++) {
            int x = i % width, y = i / width;

            pixels[i] = (x * 3 + y * 5 + band * 11 + rand() % 9) % 250;
            if (rand() % 10 == 0 || (x > 40 && x < 90 && y > 50 && y < 120))
                pixels[i] = 0;
        }
        GDALSetRasterNoDataValue(GDALGetRasterBand(mem, band), 0);
        if (GDALRasterIO(GDALGetRasterBand(mem, band), GF_Write, 0, 0, width, height, pixels, width,
                         height, GDT_Float64, 0, 0) != CE_None)
            abort();
    }
    made = GDALCreateCopy(GDALGetDriverByName(driver), path, mem, FALSE, (char **)options, NULL,
                          NULL);
    if (!made)
        abort();
    GDALClose(made);
    GDALClose(mem);
}

static inline double *band_pixels_of(GDALRasterBandH band, int width, int height)
{
    double *pixels = mem_array((size_t)width * (size_t)height, sizeof *pixels);

    if (!band || GDALRasterIO(band, GF_Read, 0, 0, width, height, pixels, width, height, GDT_Float64, 0, 0) != CE_None)
        abort();
    for (int i = 0; i < width * height; i++)
        pixels[i] = pixels[i] == 0 ? NAN : pixels[i];
    return pixels;
}

/* The file's pixels as doubles, NaN for 0. */
static inline double *whole_file(const char *name, int width, int height)
{
    AUTO(mem) char *path = path_of(name);
    GDALDatasetH dataset = GDALOpen(path, GA_ReadOnly);
    double *pixels = band_pixels_of(GDALGetRasterBand(dataset, 1), width, height);

    GDALClose(dataset);
    return pixels;
}

static inline double *whole_overview(const char *name, int overview, int width, int height)
{
    AUTO(mem) char *path = path_of(name);
    GDALDatasetH dataset = GDALOpen(path, GA_ReadOnly);
    double *pixels = band_pixels_of(GDALGetOverview(GDALGetRasterBand(dataset, 1), overview), width, height);

    GDALClose(dataset);
    return pixels;
}

#endif
