/* Table changes: what happened to items and collections, in an order in which nothing is missed
 * (sql/0005-changes.sql). */
#ifndef STORE_CHANGES_H
#define STORE_CHANGES_H

#include "base/mem.h"
#include "store/db.h"
#include <jansson.h>

/* NOTIFY: something changed. */
#define CATALOG_CHANNEL "catalog"

struct change {
    int64_t seq, at;
    const char *kind;       /* "create", "update" or "delete" */
    const char *collection; /* its id */
    const char *item;       /* NULL: the collection itself */
    const char *text;       /* what it is now, as it is kept; NULL: gone since */
    bool public;            /* who may be told: everybody, */
    const char *owner;      /* the owner (NULL: the service's own), */
    const char *readers;    /* and those whom it is shared with: ids with blanks between */
    int64_t number;         /* of the collection; 0: gone since */
    const char *places;     /* of the item, as nobody in particular sees them (item_row.places) */
    bool places_differ;     /* others may see more of them */
    json_t *json; /* of `text`, once somebody has asked; changes_done() drops it */
};

struct changes {
    struct arena *arena;
    size_t count;
    struct change *all;
    int64_t last;   /* to go on with: of the last row, or what was asked for when there is none */
    bool more;      /* there are rows after these */
    bool unsettled; /* rows of transactions that may still run: ask again soon */
};

/* After change `since` (CHANGES_FIRST: the oldest that is kept), at most `limit`. Errors: ChangesGone when
 * changes after `since` were removed, InvalidParameter for one that is not there yet. */
enum { CHANGES_FIRST = -1 };
bool changes_read(struct db *db, int64_t since, int64_t limit, struct changes *ret_changes,
                  struct err *err) MUST_USE;
void changes_done(struct changes *changes);
/* The last change that may be told now; 0: none. */
bool changes_last(struct db *db, int64_t *ret_seq, struct err *err) MUST_USE;

/* `viewer` is a user's id, NULL: nobody. */
bool change_may_be_told(const struct change *change, const char *viewer);
/* The places of the item as the viewer sees them; NULL: nothing is to be told. The caller frees. */
bool change_places(struct db *db, const struct change *change, const char *viewer, char **ret_places,
                   struct err *err) MUST_USE;
/* The STAC object that it is about now; NULL: gone since. Borrowed. */
const json_t *change_json(struct change *change);

/* Removes what is older than this, but never a part of a transaction. */
bool changes_prune(struct db *db, int64_t keep_seconds, int64_t *ret_count, struct err *err) MUST_USE;

#endif
