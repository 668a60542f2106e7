/* The fast door: tiles of a local GeoTIFF decoded without libtiff, 1.5 times as fast. GDAL has
 * opened the file and tells where the tiles lie; whatever looks unusual is left to GDAL. */
#ifndef RASTER_TIFF_DOOR_H
#define RASTER_TIFF_DOOR_H

#include "base/auto.h"
#include <gdal.h>
#include <stdbool.h>
#include <stddef.h>

struct tiff_door; /* one open file */
struct tiff_tools; /* decompressors of one thread */

struct tiff_tools *tiff_tools_new(void);
void tiff_tools_free(struct tiff_tools *tools);

/* Of the image in a GeoTIFF, or of an overview in it: its dataset and first band. NULL when the file is
 * none for the fast door (also remote ones). */
struct tiff_door *tiff_door_open(const char *path, GDALDatasetH dataset, GDALRasterBandH band);
void tiff_door_free(struct tiff_door *door);

enum tiff_answer { TIFF_DECODED, TIFF_ABSENT /* a sparse tile */, TIFF_ASK_GDAL };
/* Decodes tile (x, y) of a band into width * height pixels. */
enum tiff_answer tiff_door_tile(struct tiff_door *door, struct tiff_tools *tools,
                                GDALRasterBandH band, int x, int y, void *dst);

#endif
