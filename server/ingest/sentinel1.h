/* Sentinel-1 GRD products in SAFE. */
#ifndef INGEST_SENTINEL1_H
#define INGEST_SENTINEL1_H

#include "ingest/container.h"
#include <jansson.h>

/* The item of the product whose manifest is `manifest` ("X.SAFE/manifest.safe") in the container,
 * with hrefs as GDAL opens them. New reference. Errors: FileContentInvalid, also for products that
 * are not GRD. */
bool sentinel1_item(const struct container *container, const char *manifest, json_t **ret_item,
                    struct err *err) MUST_USE;

#endif
