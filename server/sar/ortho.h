/* From products to tiles on the ground: one image of one product, geocoded (a frame), then the frames of a pass as the file
 * that users get. */
#ifndef SAR_ORTHO_H
#define SAR_ORTHO_H

#include "base/err.h"
#include "graph/cube.h"
#include "sar/facets.h"
#include "sar/speckle.h"
#include <jansson.h>

/* What is made of every image; texts are those of the request. */
struct ortho_options {
    const char *calibration; /* "sigma0", "beta0", "gamma0"; "gamma0-terrain", "sigma0-terrain"; "sigma0-normlim"; "intensity" */
    const char *resampling;  /* "near", "bilinear", "cubic" */
    bool remove_noise, remove_border;
    bool adaptive_border; /* of old images, as far as it is dark */
    const char *dem, *geoid; /* as the site has them */
    const char *orbits; /* a folder of orbit files; NULL: the annotation's own vectors */
    int threads;
    const char *allowed_paths; /* where products may lie; NULL: anywhere */
    const char *spool;         /* a folder for what is unpacked of a zip; NULL: that is kept in memory */
    void (*progress)(void *context, size_t done, size_t all);
    void *progress_context;
};

enum flatten_area ortho_flattens(const char *calibration);

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
/* An image of the grid in memory: linear power, NaN without data. NULL without memory (MemoryExceeded). The caller frees. */
float *ortho_pixels_new(const struct grid *grid, struct err *err) MUST_USE;
/* Geocodes an image to where `pixels` have no data: frames of a pass, in the order of time, become one image.
 * Errors: FileContentInvalid, SourceUnreadable, MemoryExceeded. */
bool ortho_frame_add(const struct ortho_frame *frame, const struct ortho_options *options, float *pixels,
                     struct ortho_facts *ret_facts, struct err *err) MUST_USE;
/* The same from one process to another: floats, with holes where there is nothing. Errors: StorageFailure, MemoryExceeded. */
bool ortho_frame_write(const float *pixels, const struct grid *grid, const char *path, struct err *err) MUST_USE;
bool ortho_frame_read(const char *path, const struct grid *grid, float *pixels, struct err *err) MUST_USE;

/* What becomes of an image. */
struct ortho_file {
    struct grid grid;
    struct speckle_filter filter; /* SPECKLE_NONE: none */
    bool centibels;           /* int16 hundredths of a decibel, else float32 linear power */
    bool deflate;             /* else ZSTD */
    const char *band;         /* "VV" */
    const json_t *metadata;   /* {name: text} of the file */
    int threads;
};
struct ortho_saved {
    int64_t valid, size_bytes;
    double minimum, maximum, mean, stddev; /* of linear power; when valid > 0 */
};
/* A cloud-optimised GeoTIFF; *pixels are filtered. Errors: StorageFailure, MemoryExceeded. */
bool ortho_save(const struct ortho_file *file, float **pixels, const char *path, struct ortho_saved *ret_saved,
                struct err *err) MUST_USE;
/* The common end of ortho_save() and ortho_layer_save(): grid, metadata and packing of `save` become the file's. */
struct image_save;
bool ortho_write(const struct ortho_file *file, struct image_save *save, const char *path, struct ortho_saved *ret_saved,
                 struct err *err) MUST_USE;

/* Hundredths of a decibel as whole numbers; ORTHO_NO_CENTIBELS for NaN. */
enum { ORTHO_NO_CENTIBELS = INT16_MIN };
void ortho_centibels(const float *power, void *ret, size_t n);

#endif
