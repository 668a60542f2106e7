/* Files of STAC: one item or collection, a FeatureCollection, a list {"collections": []}, or one JSON
 * object a line. */
#ifndef INGEST_STAC_FILE_H
#define INGEST_STAC_FILE_H

#include "base/err.h"
#include <jansson.h>
#include <stdint.h>

struct stac_mark { /* how far a file of lines was read */
    int64_t bytes, lines;
};

struct stac_place { /* of an object; borrowed */
    const char *name;  /* "items.ndjson:3", "page.json/features/2" */
    const char *text;  /* the line that it is; NULL when it is a part of a document */
    struct stac_mark end; /* of the line; 0 of a part of a document */
};

/* Told of each object. False stops. */
typedef bool stac_object_fn(void *context, json_t *object, const struct stac_place *place,
                            struct err *err);

/* "-" is standard input. Lines that are no JSON are told to `bad_line`. `begin` is where to go on in a file
 * of lines that was read in part; NULL: at its beginning. */
bool stac_file_read(const char *path, const struct stac_mark *begin, stac_object_fn *object,
                    void (*bad_line)(void *context, const char *place, const struct err *problem),
                    void *context, struct err *err) MUST_USE;

#endif
