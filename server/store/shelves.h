/* Where items lie: the common shelf, and shelves with a partition a year (sql/0003-catalogue.sql tells
 * how readers and writers find them). */
#ifndef STORE_SHELVES_H
#define STORE_SHELVES_H

#include "store/db.h"
#include <stdatomic.h>

/* A collection with more items than this gets its own shelf. */
enum { SHELF_ABOVE = 100000 };

/* A condition: where the items of collection $1 lie. Known while a statement runs, so that plans made
 * for any collection look at its partitions alone. */
#define ON_ITS_SHELVES                                                                             \
    " AND shelf IN ((SELECT shelves[1] FROM collections WHERE number = $1::integer),"              \
    "               (SELECT shelves[2] FROM collections WHERE number = $1::integer))"

/* Gives a collection its own shelf, where its next items go; items that it has stay where they are
 * until items_settle(). Not within a transaction. */
bool shelf_make(struct db *db, int64_t collection, struct err *err) MUST_USE;
/* The partitions of these years of a collection with its own shelf; `years` is the text of an array,
 * NULL: none. Not within a transaction. */
bool shelf_make_years(struct db *db, int64_t collection, const char *years, struct err *err) MUST_USE;
/* Takes the shelf of a collection away with all that lies there: part of a transaction. Fails with
 * 55P03 when others hold the catalogue for longer than a moment. */
bool shelf_drop(struct db *db, int64_t collection, struct err *err) MUST_USE;
/* Gives collections that have outgrown the common shelf their own, and moves their items: at most so many
 * collections, until *stop (may be NULL). */
bool shelves_settle(struct db *db, int64_t most, const atomic_bool *stop, struct err *err) MUST_USE;
/* After many batches: all of them, and the queryables. */
bool items_settle(struct db *db, struct err *err) MUST_USE;
/* The partitions of this year and the next, of all shelves. */
bool shelves_make_ahead(struct db *db, const atomic_bool *stop, struct err *err) MUST_USE;
/* Removes shelves and items whose collection is gone with its owner. */
bool shelves_tidy(struct db *db, const atomic_bool *stop, struct err *err) MUST_USE;

#endif
