/* Table items: STAC items as texts beside the columns that searches ask for, and table locations:
 * where the bytes of their assets lie. SQL on them is in items.c (writing), item_load.c (one item) and
 * search.c (many: store/search.h). */
#ifndef STORE_ITEMS_H
#define STORE_ITEMS_H

#include "base/mem.h"
#include "store/collections.h"
#include "store/db.h"
#include <jansson.h>

enum { ITEM_ID_MAX = 512, ITEM_BATCH = 1000 };

/* Checks what the catalogue relies on: type, stac_version 1.x, id, collection, geometry, bbox,
 * datetimes, assets. Errors: BadRequest naming the place in the item. */
bool item_check(const json_t *item, struct err *err) MUST_USE;

/* ---- writing ---- */

struct item_location {
    const char *asset, *href, *media_type;
};

struct item_input {
    const json_t *item;
    size_t n_locations; /* local files behind its assets */
    const struct item_location *locations;
};

/* Told of each item that cannot be stored; `index` in the batch. */
typedef void item_problem_fn(void *context, size_t index, const struct err *problem);

/* Stores or replaces a batch in one transaction. Items that cannot be stored are told to `problem`;
 * when there is one and `skip_bad` is false, nothing is stored. Of two with the same id and
 * collection the later is kept. */
bool items_put(struct db *db, const struct item_input *items, size_t count, bool skip_bad,
               item_problem_fn *problem, void *context, size_t *ret_stored,
               struct err *err) MUST_USE;

/* ---- reading ---- */

/* Errors: CollectionNotFound, ItemNotFound. */
bool item_load(struct db *db, struct arena *arena, const char *viewer, const char *collection,
               const char *id, const char **ret_text, struct err *err) MUST_USE;
/* The local file of an asset. Errors: FileNotFound. */
bool item_asset_location(struct db *db, struct arena *arena, const char *viewer,
                         const char *collection, const char *item, const char *asset,
                         struct item_location *ret_location, struct err *err) MUST_USE;

#endif
