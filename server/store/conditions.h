/* The conditions of a search as SQL: inside of search.c and aggregate.c. */
#ifndef STORE_CONDITIONS_H
#define STORE_CONDITIONS_H

#include "store/compose.h"
#include "store/cql2_sql.h"
#include "store/scope.h"
#include "store/search.h"

/* Runs the statement that `compose` writes for what the process knows about collections. Its first
 * column is the version of that, at least one row; when it is not the known one the statement is made
 * and run again, so that nobody sees what is not theirs and nobody misses what was shared a moment ago. */
typedef bool scoped_compose_fn(void *context, const struct known *known, const struct scope *scope,
                               struct composed *c, struct err *err);
bool scoped_query(struct db *db, struct arena *arena, const struct item_conditions *where,
                  scoped_compose_fn *compose, void *context, struct known **ret_known, PGresult **ret_rows,
                  struct err *err) MUST_USE;

/* True when they ask for more than collections. */
bool conditions_restrict(const struct item_conditions *where);
/* " FROM items i", of the ids when some are given, and j.p, the item's properties, parsed once for each item
 * that gets so far, when the conditions or the caller look at them. */
void conditions_compose_from(const struct item_conditions *where, const struct scope *scope,
                             bool needs_properties, struct arena *arena, struct composed *c);
/* " WHERE ..." */
void conditions_compose(const struct item_conditions *where, const struct known *known,
                        const struct scope *scope, struct arena *arena, struct composed *c);
/* The same in two steps, where nothing but collections, times and an area of this size is asked for:
 * " FROM items i WHERE ..." without the area, and " AND ..." with it, for a plan for all values. */
bool conditions_are_wide(const struct item_conditions *where, double square_degrees, struct arena *arena);
void conditions_compose_span(const struct item_conditions *where, const struct scope *scope, struct arena *arena,
                             struct composed *c);
void conditions_compose_area(const struct item_conditions *where, const struct scope *scope, struct arena *arena,
                             struct composed *c);
/* The properties of items that have a column, to a NULL name. */
extern const struct cql2_column item_columns[];

#endif
