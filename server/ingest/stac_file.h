/* Files of STAC: one item or collection, a FeatureCollection, a list {"collections": []}, or one JSON
 * object a line. */
#ifndef INGEST_STAC_FILE_H
#define INGEST_STAC_FILE_H

#include "base/err.h"
#include <jansson.h>

/* Told of each object with its place ("items.ndjson:3", "page.json/features/2"). False stops. */
typedef bool stac_object_fn(void *context, json_t *object, const char *place, struct err *err);

/* "-" is standard input. Lines that are no JSON are told to `bad_line`. */
bool stac_file_read(const char *path, stac_object_fn *object,
                    void (*bad_line)(void *context, const char *place, const struct err *problem),
                    void *context, struct err *err) MUST_USE;

#endif
