/* The order of a search and where a page begins: inside of search.c and collection_search.c. */
#ifndef STORE_ORDER_H
#define STORE_ORDER_H

#include "store/compose.h"
#include "store/search.h"

enum { ORDER_MAX_KEYS = SEARCH_MAX_SORTS + 3 };

struct order_key {
    const char *value;   /* a fragment over the row (item i, its properties j.p); '?' is the name's parameter */
    const char *cast;    /* of the cursor's text */
    const char *name;    /* of a property that has no column; NULL: has one */
    bool nullable, descending;
    int sort;            /* where its value is in the cursor; -1: a tie-breaker, in its key */
};

struct order {
    size_t n_keys;
    struct order_key keys[ORDER_MAX_KEYS];
    bool needs_properties; /* j.p */
};

/* The asked sorts and what breaks their ties. `one_collection`: there is no other. */
bool order_of(const struct item_search *search, bool one_collection, struct order *ret_order,
              struct err *err) MUST_USE;
/* ", value AS k0, value AS k1": what the cursor of a row is made of. */
void order_compose_values(const struct order *order, struct composed *c);
/* " AND ..." that leaves what comes after the cursor (before, when backwards). */
void order_compose_cursor(const struct order *order, const struct item_cursor *after, bool backwards,
                          struct composed *c);
/* " ORDER BY k0, ..." of the row `s` or of the item. */
void order_compose(const struct order *order, bool backwards, struct composed *c);

#endif
