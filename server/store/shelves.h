/* Where items lie: the common shelf, and shelves with a partition a year (sql/0003-catalogue.sql tells
 * how readers and writers find them). */
#ifndef STORE_SHELVES_H
#define STORE_SHELVES_H

#include "store/db.h"

/* Gives a collection its own shelf, where its next items go; items that it has stay where they are
 * until items_settle(). Not within a transaction. */
bool shelf_make(struct db *db, int64_t collection, struct err *err) MUST_USE;
/* The partitions of these years of a collection with its own shelf; `years` is the text of an array,
 * NULL: none. Not within a transaction. */
bool shelf_make_years(struct db *db, int64_t collection, const char *years, struct err *err) MUST_USE;
/* Gives collections that have outgrown the common shelf their own, and moves their items. After many
 * batches. */
bool items_settle(struct db *db, struct err *err) MUST_USE;

#endif
