/* Table items: STAC items as texts beside the columns that searches ask for, and table locations:
 * where the bytes of their assets lie. SQL on them is in items.c (writing) and search.c (reading). */
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

struct item_cursor { /* where a page ended */
    const char *datetime, *id;
    int64_t collection;
};

struct item_search {
    struct collection_scope scope;
    size_t n_ids;
    const char *const *ids;
    const char *start, *end;  /* RFC 3339; NULL: open. An item's interval must meet [start, end] */
    const char *geometry;     /* GeoJSON text that items must intersect; NULL: anywhere */
    const struct item_cursor *after; /* NULL: the first page */
    bool backwards;           /* the page before `after` */
    int64_t limit;
    int64_t timeout_ms;       /* of searches that may be long; 0: none */
};

struct item_row {
    const char *text, *id, *collection, *datetime; /* valid as long as the page */
    int64_t collection_number;
};
struct item_page {
    PGresult *rows;
    size_t count;
    bool more; /* there is another page in the same direction */
    bool backwards;
};
void item_page_done(struct item_page *page);

/* Newest first: (datetime, id, collection) descending, also when paging backwards. */
bool items_search(struct db *db, struct arena *arena, const struct item_search *search,
                  struct item_page *ret_page, struct err *err) MUST_USE;
struct item_row item_page_row(const struct item_page *page, size_t i);

/* Errors: CollectionNotFound, ItemNotFound. */
bool item_load(struct db *db, struct arena *arena, const char *viewer, const char *collection,
               const char *id, const char **ret_text, struct err *err) MUST_USE;
/* The local file of an asset. Errors: FileNotFound. */
bool item_asset_location(struct db *db, struct arena *arena, const char *viewer,
                         const char *collection, const char *item, const char *asset,
                         struct item_location *ret_location, struct err *err) MUST_USE;
/* All local files of the items of a page, whose items are of one collection: an object
 * {item: {asset: href}}. */
bool item_locations(struct db *db, const struct item_page *page, json_t **ret_locations,
                    struct err *err) MUST_USE;

#endif
