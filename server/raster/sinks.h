/* Writers of whole files from the pieces of a plan. */
#ifndef RASTER_SINKS_H
#define RASTER_SINKS_H

#include "raster/cog.h"
#include "raster/pieces.h"

/* One file to write: some planes of a save are its bands. */
struct sink_file {
    const struct pieces *pieces;
    const struct plan_node *save;
    size_t number; /* of the save in the plan */
    struct file_style style;
    struct encoder *encoder;
    const char *path;
    size_t n_bands;
    const size_t *planes;
    const struct georef_band *bands; /* names and statistics */
};

bool sink_cog(const struct sink_file *file, int64_t *ret_size, struct err *err) MUST_USE;
bool sink_picture(const struct sink_file *file, int64_t *ret_size, struct err *err) MUST_USE;
bool sink_film(const struct sink_file *file, int64_t *ret_size, struct err *err) MUST_USE;
bool sink_netcdf(const struct sink_file *file, int64_t *ret_size, struct err *err) MUST_USE;
bool sink_zarr(const struct sink_file *file, int64_t *ret_size, struct err *err) MUST_USE;
bool sink_csv(const struct sink_file *file, int64_t *ret_size, struct err *err) MUST_USE;
bool sink_json(const struct sink_file *file, int64_t *ret_size, struct err *err) MUST_USE;

/* The whole plane of a band, width x height pixels of file->style.kind; the caller frees. */
bool sink_plane(const struct sink_file *file, size_t band, void **ret_pixels,
                struct err *err) MUST_USE;
/* A pixel of such a plane, NaN where there is no data. */
double sink_value(const struct pixel_kind *kind, const void *pixels, size_t i);
/* In quotes where CSV needs them. */
struct text;
void csv_add_field(struct text *out, const char *field);
/* Writes and syncs a small file. */
bool sink_write(const char *path, const void *data, size_t size, struct err *err) MUST_USE;

#endif
