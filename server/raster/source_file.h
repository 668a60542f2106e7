/* An open file of a pool: for source.c and source_zip.c alone. */
#ifndef RASTER_SOURCE_FILE_H
#define RASTER_SOURCE_FILE_H

#include "raster/source.h"
#include "raster/zip_place.h"
#include <gdal.h>

enum { MOST_OVERVIEWS = 16 };

/* The image itself, or one of its overviews. */
struct source_level {
    bool is_known;
    int overview; /* GDAL's number; -1: the image */
    int64_t width, height;
    struct tiff_door *door;
    bool by_tiles;
    int tile_width, tile_height;
    uint64_t serial;
};

struct source_file {
    char *href, *name, *zip; /* zip: that a TIFF lies in; NULL: in none */
    struct zip_place place;  /* there */
    GDALDatasetH dataset;
    struct source_level levels[1 + MOST_OVERVIEWS]; /* the image, then overviews as GDAL counts them */
    struct grid grid;
    uint64_t used;
};

/* The band of an image, or of one of its overviews. */
GDALRasterBandH source_file_band(const struct source_file *file, const struct source_level *level, int band);
/* One band in strips of a few lines that are not packed. */
bool source_file_is_plain(GDALDatasetH dataset);
/* Sets zip and place where `name` is in a zip; what is stored there as it is gets the name of that part of the zip. */
void source_file_find(struct source_file *file);
void source_pool_add_pixels(struct source_pool *pool, uint64_t pixels); /* to what was read */

#endif
