/* Free text as a condition in SQL: inside of conditions.c and collection_search.c. */
#ifndef STORE_WORDS_H
#define STORE_WORDS_H

#include "cql2/cql2.h"
#include "store/compose.h"

/* A tree of AND, OR and NOT over STRING leaves, each of which must occur in `texts`, a fragment whose
 * value is folded (cql2_casei). In the arena. */
const char *words_sql(const struct cql2_node *tree, const char *texts, struct arena *arena,
                      struct composed *statement);

#endif
