#include "feed/interest.h"
#include <string.h>

bool interest_condition(const json_t *json, struct arena *arena, const struct cql2_node **ret_condition,
                        struct err *err)
{
    struct cql2_node *tree;

    if (!cql2_parse_json(json, "/condition", arena, &tree, err) ||
        !cql2_check(tree, cql2_property_any, arena, arena, err))
        return false;
    *ret_condition = tree;
    return true;
}

static bool is_of(const struct interest *interest, const char *collection)
{
    for (size_t i = 0; i < interest->n_collections; i++)
        if (!strcmp(interest->collections[i], collection))
            return true;
    return interest->n_collections == 0;
}

bool interest_meets(const struct interest *interest, struct change *change)
{
    if (!change_may_be_told(change, interest->viewer) || !is_of(interest, change->collection))
        return false;
    if (!interest->condition || !strcmp(change->kind, "delete"))
        return true;
    return change->item && change_json(change) && cql2_match(interest->condition, change_json(change));
}
