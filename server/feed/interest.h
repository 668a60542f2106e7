/* What somebody wants to be told of: collections, and a condition on items. Subscriptions, streams and
 * the list of changes have it alike. */
#ifndef FEED_INTEREST_H
#define FEED_INTEREST_H

#include "cql2/cql2.h"
#include "store/changes.h"

struct interest {
    const char *viewer; /* user id; NULL: nobody */
    size_t n_collections; /* 0: all */
    const char *const *collections;
    const struct cql2_node *condition; /* checked; NULL: none */
};

/* Reads and checks a condition; it may name any property. */
bool interest_condition(const json_t *json, struct arena *arena, const struct cql2_node **ret_condition,
                        struct err *err) MUST_USE;
/* May and should it be told? That an item is gone is told whatever the condition: it cannot be looked
 * at any more. Changes of a collection itself meet no condition. */
bool interest_meets(const struct interest *interest, struct change *change);

#endif
