/* Files to read from. A pool belongs to one thread: it keeps the latest files open and the latest
 * tiles decoded. Door: GDAL, and libdeflate and libzstd for tiled GeoTIFF. */
#ifndef RASTER_SOURCE_H
#define RASTER_SOURCE_H

#include "raster/access.h"
#include "raster/lanes.h"

struct source_pool;

/* Decoded tiles are kept up to tile_bytes (at least one tile). */
struct source_pool *source_pool_new(const struct raster_options *options, size_t tile_bytes);
void source_pool_free(struct source_pool *pool);
DEFINE_AUTO(source_pool, struct source_pool *, source_pool_free)

/* A block, say, is begun: its tiles are those that are used from now on. */
void source_pool_begin(struct source_pool *pool);
void source_pool_limit(struct source_pool *pool, size_t tile_bytes);

/* What was read so far: tiles that were decoded, and pixels, those of windows of files without tiles
 * included. lost: tiles that went while the work that used them was not done. */
struct source_count {
    uint64_t tiles, pixels, lost;
};
const struct source_count *source_pool_count(const struct source_pool *pool);
size_t source_pool_held(const struct source_pool *pool); /* bytes of decoded tiles */

/* One band of an open file, or of one of its overviews; borrowed from the pool until its next source_open(). */
struct source {
    struct source_file *file;
    const struct source_level *level;
    int band;
    struct grid grid; /* of what is read; epsg 0 when the file does not tell */
    int64_t width, height;
    struct pixel_kind kind; /* as the file has it */
};

bool source_open(struct source_pool *pool, const char *href, int band, struct source *ret_source,
                 struct err *err) MUST_USE;
/* Turns the source into its coarsest overview with pixels at most `factor` pixels wide; false, and the
 * source stays what it is, when there is none. */
bool source_coarsen(struct source_pool *pool, struct source *source, double factor);
/* The window (which lies within the file) in the file's own type, without gaps between rows. */
bool source_read(struct source_pool *pool, const struct source *source, int64_t x, int64_t y,
                 size_t width, size_t height, void *dst, struct err *err) MUST_USE;
/* Whether it is packed in a zip: then it has to be unpacked from its begin for each window, but for those that follow each other. */
bool source_is_packed(const struct source *source);
/* Windows (which lie within the file, and may lie over one another) of a packed one whose lines are in their order: unpacked once,
 * past GDAL. *ret_done is false, and nothing was done, where they are not. */
struct source_part {
    int64_t x, y;
    size_t width, height;
    void *pixels; /* in the file's own type, without gaps between rows */
};
bool source_unpack(struct source_pool *pool, const struct source *source, const struct source_part *parts, size_t n_parts,
                   bool *ret_done, struct err *err) MUST_USE;
/* For tests and the benchmark: only GDAL decodes; and whether it is passed by. */
void source_pool_use_gdal_only(struct source_pool *pool);
bool source_is_fast(const struct source *source);

#endif
