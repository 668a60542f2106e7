/* Cubes in one file (netCDF, Zarr) that users bring. */
#ifndef JOBS_UNPACKED_H
#define JOBS_UNPACKED_H

#include "jobs/url.h"

/* A FeatureCollection of items as uploaded_image() makes them, one for each image in the file at `path`; `name` is what
 * the user calls it. The images stay in the reader's folder. The caller owns it. Errors: FormatUnsuitable; EstimateComplexity
 * (the reader has no folder). */
bool unpacked_images(const struct url_reader *reader, const char *path, const char *name, const char *format,
                     json_t **ret_collection, struct err *err) MUST_USE;

#endif
