/* From products to tiles on the ground: one image of one product, geocoded (a frame), then the frames of a pass joined to
 * the file that users get. */
#ifndef SAR_ORTHO_H
#define SAR_ORTHO_H

#include "base/err.h"
#include "graph/cube.h"
#include "sar/speckle.h"
#include <jansson.h>

/* What is made of every image; texts are those of the request. */
struct ortho_options {
    const char *calibration; /* "sigma0", "beta0", "gamma0"; "gamma0-terrain": gamma0 of flattened terrain */
    const char *resampling;  /* "near", "bilinear", "cubic" */
    bool remove_noise, remove_border;
    const char *dem, *geoid; /* as the site has them */
    const char *orbits; /* a folder of orbit files; NULL: the annotation's own vectors */
    int threads;
    const char *allowed_paths; /* where products may lie; NULL: anywhere */
    const char *spool;         /* a folder for what is unpacked of a zip; NULL: that is kept in memory */
    void (*progress)(void *context, size_t done, size_t all);
    void *progress_context;
};

bool ortho_flattens(const char *calibration);

struct ortho_frame {
    const char *product; /* path of a folder or zip */
    const char *polarisation;
    struct grid grid;
    const char *before, *after; /* products of the same pass that are joined to it; NULL: none */
};

/* What the product says of itself, and what was done. */
struct ortho_facts {
    char processor[8]; /* "003.31"; "" when the product does not tell */
    bool noise_removed, border_removed;
    char noise_obstacle[200]; /* why noise was to be removed and was not; "" else */
    char orbit_file[100];     /* whose vectors were taken; "": the annotation's */
    int64_t valid;            /* pixels */
    size_t dem_gaps;          /* nodes of the DEM without a height */
    size_t dem_missing;       /* cells of one degree that its folder has no file for */
};
/* Writes grid.width x grid.height floats to `path`: linear power, 0 without data; where there is nothing the file has holes.
 * Errors: FileContentInvalid, SourceUnreadable, StorageFailure, MemoryExceeded. */
bool ortho_frame_make(const struct ortho_frame *frame, const struct ortho_options *options, const char *path,
                      struct ortho_facts *ret_facts, struct err *err) MUST_USE;

struct ortho_join {
    struct grid grid;
    size_t n_frames;
    const char *const *paths; /* of frames over the same grid, in the order of time */
    struct speckle_filter filter; /* SPECKLE_NONE: none */
    bool centibels;           /* int16 hundredths of a decibel, else float32 linear power */
    bool deflate;             /* else ZSTD */
    const char *band;         /* "VV" */
    const json_t *metadata;   /* {name: text} of the file */
    int threads;
};
struct ortho_joined {
    int64_t valid, size_bytes;
    double minimum, maximum, mean, stddev; /* of linear power; when valid > 0 */
};
/* A cloud-optimised GeoTIFF. A pixel is that of the first frame that has one. Errors: StorageFailure, MemoryExceeded. */
bool ortho_join(const struct ortho_join *join, const char *path, struct ortho_joined *ret_joined, struct err *err) MUST_USE;

/* Hundredths of a decibel as whole numbers; ORTHO_NO_CENTIBELS for NaN. */
enum { ORTHO_NO_CENTIBELS = INT16_MIN };
void ortho_centibels(const float *power, void *ret, size_t n);

#endif
