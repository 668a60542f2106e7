/* An image that is in memory whole, written as a cloud-optimised GeoTIFF with the codec and layout of all results. */
#ifndef RASTER_IMAGE_H
#define RASTER_IMAGE_H

#include "graph/cube.h"
#include "raster/encode.h"
#include <jansson.h>

struct image_save {
    struct grid grid;
    const float *pixels; /* rows of grid.width; NaN where there is no data */
    struct pixel_kind kind; /* of the file: its no-data value stands for NaN */
    /* What the file has for n pixels (NULL: the very numbers). Overviews are means of the pixels in memory, then
     * converted. */
    void (*convert)(const float *pixels, void *ret, size_t n);
    bool classes;           /* overviews have one of the pixels instead */
    const char *band;       /* its name */
    double scale, offset;   /* of what the file has; 1, 0: none */
    const json_t *metadata; /* {name: text} for the file, TIFFTAG_... among them; NULL: none */
    enum codec codec;
    int level, threads;
};
/* Writes and syncs. *ret_stats are of the pixels in memory; *ret_size of the file. Errors: StorageFailure, MemoryExceeded. */
bool image_save(const struct image_save *image, const char *path, struct tile_stats *ret_stats, int64_t *ret_size,
                struct err *err) MUST_USE;

#endif
