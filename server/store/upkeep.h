/* Keeps the catalogue in shape while it is used: collections that have grown get their own shelf, years
 * are made ahead, values and ranges of queryables follow the items, and what collections left behind
 * that went with their owners is removed. */
#ifndef STORE_UPKEEP_H
#define STORE_UPKEEP_H

#include "store/db.h"
#include <stdatomic.h>

/* One round, bounded, until *stop (may be NULL); nothing when somebody else is at it. */
bool upkeep_round(struct db *db, const atomic_bool *stop, struct err *err) MUST_USE;

struct upkeep;

/* A thread that makes a round every `seconds`. */
struct upkeep *upkeep_start(const char *database_url, int64_t seconds);
/* Ends it: a statement that is under way comes to its end first. NULL is fine. */
void upkeep_stop(struct upkeep *upkeep);

#endif
