/* Cloud-optimised GeoTIFFs from tiles that are packed already. */
#ifndef RASTER_COG_H
#define RASTER_COG_H

#include "raster/encode.h"
#include "raster/georef.h"
#include <jansson.h>

/* A packed tile: in memory, or a piece of a part. */
struct cog_tile {
    uint32_t size;
    const void *data;
    const struct part *part;
    const struct part_entry *entry;
};

struct cog_level {
    int64_t width, height;
    size_t side, columns, rows; /* of tiles */
    struct cog_tile *tiles;     /* [band][row][column] */
};

struct cog {
    struct grid grid;
    struct file_style style;
    size_t n_bands;
    const struct georef_band *bands;
    size_t n_levels; /* the first is the raster, the others its overviews */
    struct cog_level *levels;
    const json_t *metadata; /* {name: text} of the file; NULL: none */
    uint64_t big_above; /* offsets take 8 bytes when the file would be larger; 0: above 4 GB */
};

/* The dimensions of all levels, tiles zeroed; in the arena. */
void cog_levels(struct arena *arena, struct cog *cog);
/* Writes and syncs the file. */
bool cog_write(const struct cog *cog, const char *path, int64_t *ret_size,
               struct err *err) MUST_USE;

#endif
