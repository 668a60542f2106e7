/* The conditions of a search as SQL: inside of search.c and aggregate.c. */
#ifndef STORE_CONDITIONS_H
#define STORE_CONDITIONS_H

#include "store/compose.h"
#include "store/scope.h"
#include "store/search.h"

/* True when they ask for more than collections. */
bool conditions_restrict(const struct item_conditions *where);
/* True when j.p, the item's properties, is needed to tell. */
bool conditions_need_properties(const struct item_conditions *where);
/* " FROM items i": and the properties, parsed once for each item that gets so far. */
void conditions_compose_from(bool needs_properties, struct composed *c);
/* " WHERE ..." */
void conditions_compose(const struct item_conditions *where, const struct scope *scope, struct arena *arena,
                        struct composed *c);

#endif
