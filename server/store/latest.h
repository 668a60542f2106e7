/* The items of a collection that came or changed last. */
#ifndef STORE_LATEST_H
#define STORE_LATEST_H

#include "base/mem.h"
#include "store/db.h"

struct latest_item {
    const char *id, *text, *geometry; /* as it is kept; GeoJSON or NULL */
    const char *places;               /* item_row.places */
    int64_t updated;
};
/* At most `limit`, the last first, as `viewer` (a user's id, NULL: nobody) sees them; `geometry` (GeoJSON), `start` and `end` (RFC 3339) may be NULL. The caller
 * has seen that the collection may be read. */
bool latest_items(struct db *db, struct arena *arena, const char *viewer, const char *collection,
                  const char *geometry, const char *start, const char *end, int64_t limit, struct latest_item **ret_items,
                  size_t *ret_count, struct err *err) MUST_USE;

#endif
