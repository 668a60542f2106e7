/* Whether one plan serves a search whatever its values are: inside of search.c. */
#ifndef STORE_SHAPE_H
#define STORE_SHAPE_H

#include "store/search.h"

/* True when the text of the statement alone decides which index is right, so that it needs no planning
 * for its values: planning for dozens of partitions takes longer than finding a page. */
bool shape_is_plain(const struct item_search *search);

#endif
