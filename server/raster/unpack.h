/* Cubes that come as one file of many variables (netCDF, Zarr), taken apart into images. */
#ifndef RASTER_UNPACK_H
#define RASTER_UNPACK_H

#include "base/err.h"

/* Every variable of the file that lies over x and y becomes GeoTIFFs in `folder`, one for each combination of its other
 * labels; a time is in the file's name, all else in the band's. `format` is GDAL's driver: "netCDF", or "Zarr" for a zip
 * of a store. Errors: FormatUnsuitable, StorageFailure.
 *
 * The libraries behind this follow whatever such a file points at, and were not written for hostile ones: files of
 * strangers are unpacked by `sentier unpack` in a sandbox (jobs/unpacked.h), never in a process that owns anything. */
bool unpack_cube(const char *path, const char *format, const char *folder, struct err *err) MUST_USE;

#endif
