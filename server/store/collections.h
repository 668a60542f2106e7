/* Table collections: STAC collections as texts (store/stac_text.h). The only file with SQL on the
 * table is collections.c. */
#ifndef STORE_COLLECTIONS_H
#define STORE_COLLECTIONS_H

#include "base/mem.h"
#include "store/db.h"
#include <jansson.h>

/* Stores or replaces a collection. Checks what a STAC collection must have (id a plain name, type,
 * stac_version 1.x, description, license, extent, links). Errors: BadRequest with the place. */
bool collection_put(struct db *db, const json_t *collection, struct err *err) MUST_USE;

/* `viewer` is the user's id, NULL for nobody: private collections are as if they were not there.
 * The text lives in the arena. Errors: CollectionNotFound. */
bool collection_text(struct db *db, struct arena *arena, const char *viewer, const char *id,
                     const char **ret_text, struct err *err) MUST_USE;

struct collection_row {
    const char *id, *text;
    int64_t count; /* of items */
};
/* By id, after `after` (NULL: from the start), at most `limit`. */
bool collection_list(struct db *db, struct arena *arena, const char *viewer, const char *after,
                     int64_t limit, struct collection_row **ret_rows, size_t *ret_count,
                     struct err *err) MUST_USE;
bool collection_exists(struct db *db, const char *id, bool *ret_exists, struct err *err) MUST_USE;

/* The text of a PostgreSQL text[] literal in the arena. */
const char *store_array(struct arena *arena, size_t count, const char *const *texts);

#endif
