/* Three shapes need no look at their values. A small area holds few items, whatever else is asked: the
 * index on places finds them all, then they are sorted. Without an area, the newest first: the index on
 * datetime is in that order. Equality with columns: PostgreSQL knows how many values a column has.
 *
 * Everything else is planned for its values where PostgreSQL thinks that this pays: a large area is read
 * in the order of time where it is full of items and from the index on places where it is empty. */
#include "store/shape.h"
#include "store/conditions.h"
#include <string.h>

static bool is_column(const char *property)
{
    for (const struct cql2_column *c = item_columns; c->name; c++)
        if (!strcmp(c->name, property))
            return true;
    return false;
}

static bool is_value(const struct cql2_node *n)
{
    return n->op == CQL2_STRING || n->op == CQL2_NUMBER;
}

static bool is_equality(const struct cql2_node *n)
{
    if (n->op == CQL2_EQ)
        return n->args[0]->op == CQL2_PROPERTY && is_column(n->args[0]->text) && is_value(n->args[1]);
    for (size_t i = 0; n->op == CQL2_AND && i < n->n_args; i++)
        if (!is_equality(n->args[i]))
            return false;
    return n->op == CQL2_AND;
}

bool shape_is_plain(const struct item_search *s)
{
    const struct item_conditions *w = &s->where;

    if (w->geometry)
        return true; /* if it is small: compose_area() sees */
    return s->n_sorts == 0 && !w->words && (!w->filter || is_equality(w->filter));
}
