/* Conditions on the metadata of scenes (CQL2 in JSON, as planning folds them) against one item. */
#ifndef GRAPH_MATCH_H
#define GRAPH_MATCH_H

#include <jansson.h>
#include <stdbool.h>

/* True when the condition holds for these properties of an item; NULL holds for all. Unknown (a
 * property that is missing) is not true. Operators: and or not = <> < <= > >= between isNull. */
bool match_properties(const json_t *condition, const json_t *properties);

#endif
