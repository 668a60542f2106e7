/* The conditions of a search as SQL: inside of search.c and aggregate.c. */
#ifndef STORE_CONDITIONS_H
#define STORE_CONDITIONS_H

#include "store/compose.h"
#include "store/cql2_sql.h"
#include "store/scope.h"
#include "store/search.h"

/* True when they ask for more than collections. */
bool conditions_restrict(const struct item_conditions *where);
/* " FROM items i": and j.p, the item's properties, parsed once for each item that gets so far, when the
 * conditions or the caller look at them. */
void conditions_compose_from(const struct item_conditions *where, bool needs_properties, struct composed *c);
/* " WHERE ..." */
void conditions_compose(const struct item_conditions *where, const struct known *known,
                        const struct scope *scope, struct arena *arena, struct composed *c);
/* The properties of items that have a column, to a NULL name. */
extern const struct cql2_column item_columns[];

#endif
