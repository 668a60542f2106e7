/* The door of ingest/: folders and archives in, STAC items out. Nothing here knows a database. */
#ifndef INGEST_IMPORT_H
#define INGEST_IMPORT_H

#include "base/err.h"
#include "ingest/container.h"
#include <jansson.h>

struct import_sink {
    void *context;
    /* An item with hrefs as GDAL opens them (borrowed). `place` says where it came from. False stops. */
    bool (*item)(void *context, json_t *item, const char *place, struct err *err);
    /* A product that cannot be read; the others are. */
    void (*problem)(void *context, const struct err *problem);
    /* Told before each product. */
    void (*progress)(void *context, size_t done, size_t all);
};

/* Finds the products in a folder or a zip: SAFE of Sentinel-2 (L1C, L2A) and Sentinel-1 (GRD), zips
 * of these, and images with a STAC item beside them. `collection` replaces the items' own when it is
 * not NULL. *ret_found counts products, read or not. */
bool import_path(const char *path, const char *collection, const struct import_sink *sink,
                 size_t *ret_found, struct err *err) MUST_USE;

/* A STAC item beside its images: local files win over what the item says. New reference.
 * Errors: FileContentInvalid; FileNotFound when none of its assets is there. */
bool cog_folder_item(const struct container *container, const char *json_file, json_t **ret_item,
                     struct err *err) MUST_USE;

/* A collection as its items tell it: extent, summaries, dimensions and item_assets grow with each. */
json_t *collection_new(const json_t *item); /* new reference, not yet widened */
bool collection_widen(json_t *collection, const json_t *item); /* true when it says more now */
/* Widens a made collection by another. */
void collection_unite(json_t *into, const json_t *from);

#endif
