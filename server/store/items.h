/* Table items: STAC items as texts beside the columns that searches ask for. SQL on it is in items.c and
 * item_batch.c (writing), item_load.c (one item) and search.c (many: store/search.h); where the bytes of
 * their assets lie is in store/places.h. */
#ifndef STORE_ITEMS_H
#define STORE_ITEMS_H

#include "base/mem.h"
#include "store/collections.h"
#include "store/db.h"
#include "store/stac_text.h"
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
    const char *text; /* what it was parsed from, when it was not changed since; NULL: written anew */
    size_t n_locations; /* local files behind its assets */
    const struct item_location *locations;
};

/* Told of each item that cannot be stored; `index` in the batch. */
typedef void item_problem_fn(void *context, size_t index, const struct err *problem);

enum item_mode {
    ITEM_UPSERT,  /* stored, whether or not its id is there */
    ITEM_INSERT,  /* Conflict when the id is there */
    ITEM_REPLACE, /* ItemNotFound when it is not */
};

struct item_write { /* how items are written; all zero: upsert, all or nothing */
    enum item_mode mode;
    bool skip_bad;          /* those that cannot be stored are left out; else one spoils the batch */
    bool skip_same;         /* an item whose text is there already is not written again, nor told of */
    bool keep_locations;    /* what is known of files stays; else it is replaced by the input's */
    const char *if_match;   /* of a batch of one: value of If-Match; NULL: none */
    int64_t expected;       /* how many more will follow in other batches: large collections are given
                               their own shelf ahead */
    item_problem_fn *problem; /* may be NULL */
    /* More statements for the same transaction, at its beginning and before its end; may be NULL. */
    bool (*before)(struct db *db, void *context, struct err *err);
    bool (*within)(struct db *db, void *context, struct err *err);
    void *context;          /* of all three */
};

/* Stores a batch in one transaction, which also writes `changes`. Items that cannot be stored are told
 * to `problem`; when there is one and `skip_bad` is false, nothing is stored and the answer is false
 * with the first problem. Of two with the same id and collection the later is kept. */
bool items_put(struct db *db, const struct item_input *items, size_t count,
               const struct item_write *how, size_t *ret_stored, struct err *err) MUST_USE;

/* One item from a client; what is known of its files stays. The caller has seen that the client may
 * write to the collection. *ret_etag is that of the text as it is kept now. Errors: BadRequest,
 * CollectionNotFound and ... */
/* ... Conflict when it is there. */
bool item_create(struct db *db, const json_t *item, char ret_etag[static STAC_ETAG_SIZE],
                 struct err *err) MUST_USE;
/* ... ItemNotFound, PreconditionFailed. `if_match`: value of the header, NULL when there is none. */
bool item_replace(struct db *db, const json_t *item, const char *if_match,
                  char ret_etag[static STAC_ETAG_SIZE], struct err *err) MUST_USE;
/* JSON merge patch (RFC 7396). Errors also: PropertyNotEditable for id and collection. */
bool item_patch(struct db *db, const char *collection, const char *id, const json_t *patch,
                const char *if_match, char ret_etag[static STAC_ETAG_SIZE], struct err *err) MUST_USE;
/* With its places. */
bool item_delete(struct db *db, const char *collection, const char *id, const char *if_match,
                 struct err *err) MUST_USE;

/* ---- reading ---- */

/* Errors: CollectionNotFound, ItemNotFound. */
bool item_load(struct db *db, struct arena *arena, const char *viewer, const char *collection,
               const char *id, const char **ret_text, const char **ret_places, struct err *err) MUST_USE;

#endif
