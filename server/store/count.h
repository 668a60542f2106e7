/* How many items a search matches: inside of search.c. */
#ifndef STORE_COUNT_H
#define STORE_COUNT_H

#include "store/scope.h"
#include "store/search.h"

/* By search->count, which is not COUNT_NONE. */
bool items_count(struct db *db, struct arena *arena, const struct item_search *search,
                 const struct known *known, int64_t *ret_matched, struct err *err) MUST_USE;

#endif
