/* The door of raster/: a plan in, files out. Work is cut in blocks (tiles of the output); blocks
 * are independent, so that threads and tasks may share them in any way, and the bytes of a result do
 * not depend on how. */
#ifndef RASTER_ENGINE_H
#define RASTER_ENGINE_H

#include "base/err.h"
#include "config/config.h"
#include "graph/plan.h"

/* Tiles of files that were decoded, each as often as it was; pixels of these and of windows of files
 * without tiles. */
struct raster_reading {
    uint64_t tiles, pixels;
};

struct raster_options {
    int threads;               /* of this call */
    size_t memory_bytes;       /* buffers, all threads together */
    size_t task_bytes;         /* that the process may have, interpreters of users' code included; 0: no end */
    const char *scratch;       /* a folder for spools of this call */
    const char *allowed_paths; /* colon-separated folders that local assets must lie in; NULL: any */
    bool archives;             /* also "/vsizip//folder/x.zip/member" of a zip in an allowed folder */
    const char *allowed_hosts; /* blank-separated; NULL or "": no HTTP; "*": any */
    bool trusted;              /* names come from the operator: GDAL opens what it can, by any name */
    /* Told after each block, from any thread; NULL: nobody listens. */
    void (*progress)(void *context, size_t blocks_done, size_t blocks_all);
    void *progress_context;
    struct raster_reading *reading; /* added to when a call ends; NULL: nobody asks */
    const struct config *config; /* how users' code is run, and what it may take; NULL: it is not */
    /* Lines of users' code, from any thread; code, node and data may be NULL; NULL: nobody listens. */
    void (*tell)(void *context, const char *level, const char *code, const char *node, const char *message,
                 const json_t *data);
    void *tell_context;
};

struct raster_estimate {
    size_t blocks;
    int64_t pixels_in, pixels_out; /* of all bands and dates */
    int64_t bytes_in, bytes_out;   /* decoded */
    size_t memory_bytes;           /* of one thread, with its interpreter */
    double seconds;                /* on one core */
};

/* Once per process, before threads: drivers and GDAL's settings. */
void raster_init(void);
/* What was read of the network is read anew from here on. */
void raster_forget(void);

/* No pixel is read. Errors: MemoryExceeded with the numbers. */
bool raster_estimate(const struct plan *plan, const struct raster_options *options,
                     struct raster_estimate *ret_estimate, struct err *err) MUST_USE;

/* Computes all blocks of a plan of one cube of pixels, and keeps nothing but what `survey` is to tell. */
bool raster_survey(const struct plan *plan, const struct raster_options *options, struct survey *survey,
                   struct err *err) MUST_USE;

/* Computes blocks [first, end) of the plan (0 <= first < end <= estimate.blocks) into one part file,
 * which is synced and complete when true is returned. Errors: SourceUnreadable naming the asset. */
bool raster_compute(const struct plan *plan, const struct raster_options *options, size_t first,
                    size_t end, const char *part_path, struct err *err) MUST_USE;

struct raster_band_stats {
    const char *name;
    double minimum, maximum, mean, stddev, valid_percent; /* of valid pixels, full resolution */
};

struct raster_file {
    const char *name;       /* file name in the folder */
    const char *save;       /* the save node's id */
    const char *media_type; /* "image/tiff; application=geotiff; profile=cloud-optimized" */
    const char *title;
    int64_t size_bytes;
    int64_t instant_ms;     /* of its t label, INSTANT_MIN when it has none */
    bool primary;
    bool has_grid;
    struct grid grid;
    enum pixel pixel;
    double nodata;
    bool has_nodata;
    size_t n_bands;
    const struct raster_band_stats *bands; /* n_bands, empty for JSON */
};

struct raster_result {
    struct arena *arena;
    size_t n_files;
    const struct raster_file *files; /* the primary save's first */
};
void raster_result_free(struct raster_result *result);
DEFINE_AUTO(raster_result, struct raster_result *, raster_result_free)

/* Makes the final files in `folder` (which exists) from part files that together hold every block
 * once, in any order. Files are synced. */
bool raster_assemble(const struct plan *plan, const struct raster_options *options, size_t n_parts,
                     const char *const *part_paths, const char *folder,
                     struct raster_result **ret_result, struct err *err) MUST_USE;

/* "image/png" of "PNG"; NULL: there is no such format. */
const char *raster_media_type(const char *format);

/* West, south, east, north in degrees (west > east across 180 degrees); false when the CRS is not
 * known or does not reach there. */
bool raster_degrees(const struct grid *grid, double ret_bbox[static 4]);

/* In its middle: how many metres a pixel is wide on the ground, and how far up is turned clockwise from the north. False as above. */
bool raster_bearing(const struct grid *grid, double *ret_metres, double *ret_bearing);

/* compute and assemble in one breath. */
bool raster_evaluate(const struct plan *plan, const struct raster_options *options,
                     const char *folder, struct raster_result **ret_result,
                     struct err *err) MUST_USE;

#endif
