/* Files at places that GDAL writes to: folders, and stores that speak S3 (/vsis3/BUCKET/..). */
#ifndef RASTER_BUCKET_H
#define RASTER_BUCKET_H

#include "base/err.h"
#include <stddef.h>

/* How a store is reached, for all that lies below "/vsis3/BUCKET". `endpoint` is a URL; empty: Amazon's. */
struct bucket_access {
    const char *endpoint, *region, *key, *secret;
};
void bucket_allow(const char *root, const struct bucket_access *access);

/* A folder and those above it; stores have none. Errors of all: StorageFailure. */
bool bucket_make(const char *folder, struct err *err) MUST_USE;
bool bucket_put_file(const char *from, const char *to, struct err *err) MUST_USE;
bool bucket_put_text(const char *to, const char *text, size_t length, struct err *err) MUST_USE;
/* *ret_text is NULL when there is no such file; the caller frees. */
bool bucket_get_text(const char *path, char **ret_text, size_t *ret_length, struct err *err) MUST_USE;
/* All that lies there. Nothing is fine. */
bool bucket_remove(const char *folder, struct err *err) MUST_USE;

#endif
