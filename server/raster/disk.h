/* Files of ours, with errors that name them. */
#ifndef RASTER_DISK_H
#define RASTER_DISK_H

#include "base/err.h"
#include <stddef.h>
#include <stdint.h>

/* StorageFailure: "Could not <doing> '<path>': <errno in words>." */
bool disk_failed(const char *doing, const char *path, struct err *err);
bool disk_write(int file, const char *path, const void *data, size_t size, uint64_t offset,
                struct err *err) MUST_USE;
/* False with a message when the file ends before. */
bool disk_read(int file, const char *path, void *data, size_t size, uint64_t offset,
               struct err *err) MUST_USE;
/* The file's bytes and its name are on disk when true is returned. */
bool disk_sync(int file, const char *path, struct err *err) MUST_USE;

#endif
