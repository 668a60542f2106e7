/* Any order is a list of keys that ends with what tells all rows apart, so it is total and a page can
 * begin after a row whatever has come or gone since: datetime, id and collection. Where the id was asked
 * for, only the collection follows it: these two never change, so that an item whose datetime moves
 * between two pages keeps its place. Nulls are last forwards, first backwards.
 *
 * When all keys are columns without nulls and run one way, the cursor is one comparison of rows, which
 * an index answers. Otherwise it is "after by the first key, or equal in it and after by the next ...",
 * written for the cursor's values: whether each is null is known when the statement is put together. */
#include "store/order.h"
#include <string.h>

static const struct column {
    const char *name, *value, *cast;
    bool nullable;
} columns[] = {
    { "datetime", "i.datetime", "?::timestamptz", false },
    { "id", "i.id", "?::text COLLATE \"C\"", false },
    { "start_datetime", "i.start_at", "?::timestamptz", false },
    { "end_datetime", "i.end_at", "?::timestamptz", false },
    { "eo:cloud_cover", "i.cloud", "?::double precision", true },
    { "grid:code", "i.grid", "?::text COLLATE \"C\"", true },
    { "sat:relative_orbit", "i.orbit", "?::integer", true },
    { "sat:orbit_state", "i.orbit_state", "?::text COLLATE \"C\"", true },
    { "platform", "i.platform", "?::text COLLATE \"C\"", true },
    { "product:type", "i.product_type", "?::text COLLATE \"C\"", true },
};

/* Of properties without a column, by their type. */
static const struct { const char *value, *cast; } properties[CQL2_TYPES] = {
    [CQL2_TYPE_ANY] = { "nullif(j.p -> ?::text, 'null')", "?::jsonb" },
    [CQL2_TYPE_BOOLEAN] = { "item_boolean(j.p -> ?::text)", "?::boolean" },
    [CQL2_TYPE_NUMBER] = { "item_number(j.p -> ?::text)", "?::double precision" },
    [CQL2_TYPE_STRING] = { "item_string(j.p -> ?::text) COLLATE \"C\"", "?::text COLLATE \"C\"" },
    [CQL2_TYPE_TIMESTAMP] = { "cql2_time(item_string(j.p -> ?::text))", "?::timestamptz" },
};

static const struct column *column_of(const char *property)
{
    for (size_t i = 0; i < ARRAY_LEN(columns); i++)
        if (!strcmp(columns[i].name, property))
            return &columns[i];
    return NULL;
}

bool item_sort_is_column(const char *property)
{
    return !strcmp(property, "collection") || column_of(property);
}

static struct order_key *add_key(struct order *order, const char *value, const char *cast, bool descending,
                                 int sort)
{
    struct order_key *key = &order->keys[order->n_keys++];

    *key = (struct order_key){ .value = value, .cast = cast, .descending = descending, .sort = sort };
    return key;
}

static void add_sort(const struct item_sort *sort, int index, struct order *order)
{
    const struct column *column = column_of(sort->property);
    enum cql2_type type = sort->type < CQL2_TYPES && properties[sort->type].value ? sort->type
                                                                                  : CQL2_TYPE_ANY;
    struct order_key *key;

    if (!strcmp(sort->property, "collection")) {
        add_key(order, "(SELECT c.id FROM collections c WHERE c.number = i.collection)",
                "?::text COLLATE \"C\"", sort->descending, index);
    } else if (column) {
        key = add_key(order, column->value, column->cast, sort->descending, index);
        key->nullable = column->nullable;
    } else {
        key = add_key(order, properties[type].value, properties[type].cast, sort->descending, index);
        key->name = sort->property;
        key->nullable = true;
        order->needs_properties = true;
    }
}

static bool has_column(const struct order *order, const char *value)
{
    for (size_t i = 0; i < order->n_keys; i++)
        if (!strcmp(order->keys[i].value, value))
            return true;
    return false;
}

/* What breaks ties runs down, newest first, unless the order is one that an index has upwards. */
static void add_ties(struct order *order, bool down)
{
    static const struct { const char *value, *cast; bool may_change; } ties[] = {
        { "i.datetime", "?::timestamptz", true },
        { "i.id", "?::text COLLATE \"C\"", false },
        { "i.collection", "?::integer", false },
    };
    bool by_id = has_column(order, "i.id");

    for (size_t i = 0; i < ARRAY_LEN(ties); i++)
        if (!(by_id && ties[i].may_change) && !has_column(order, ties[i].value))
            add_key(order, ties[i].value, ties[i].cast, down, -1);
}

bool order_of(const struct item_search *search, bool one_collection, struct order *order, struct err *err)
{
    bool down = true;

    *order = (struct order){ 0 };
    if (search->n_sorts > SEARCH_MAX_SORTS)
        return err_set(err, ERR_InvalidParameter, "sortby: expected at most %d properties, found %zu",
                       SEARCH_MAX_SORTS, search->n_sorts);
    for (size_t i = 0; i < search->n_sorts; i++) {
        const char *property = search->sorts[i].property;
        bool again = false;

        for (size_t k = 0; k < i; k++)
            again |= !strcmp(search->sorts[k].property, property);
        if (again || (one_collection && !strcmp(property, "collection")))
            continue;
        add_sort(&search->sorts[i], (int)order->n_keys, order);
        if (!strcmp(property, "datetime") || !strcmp(property, "id"))
            down = search->sorts[i].descending;
    }
    add_ties(order, down);
    return true;
}

/* ---- writing it ---- */

static void compose_value(const struct order_key *key, struct composed *c)
{
    if (key->name)
        compose(c, key->value, compose_arg(c, db_text(key->name)));
    else
        compose(c, key->value);
}

void order_compose_values(const struct order *order, struct composed *c)
{
    for (size_t i = 0; i < order->n_keys; i++) {
        text_add(&c->sql, ", ");
        compose_value(&order->keys[i], c);
        text_printf(&c->sql, " AS k%zu", i);
    }
}

void order_compose(const struct order *order, bool backwards, struct composed *c)
{
    for (size_t i = 0; i < order->n_keys; i++) {
        const struct order_key *key = &order->keys[i];
        bool down = key->descending != backwards;

        text_printf(&c->sql, "%sk%zu%s", i ? ", " : " ORDER BY ", i, down ? " DESC" : "");
        if (key->nullable) /* PostgreSQL's own way is last upwards, first downwards */
            text_add(&c->sql, backwards ? " NULLS FIRST" : " NULLS LAST");
    }
}

static struct db_arg cursor_value(const struct order_key *key, const struct item_cursor *cursor)
{
    if (key->sort >= 0)
        return db_text(cursor->values[key->sort]);
    if (!strcmp(key->value, "i.datetime"))
        return db_text(cursor->datetime);
    return !strcmp(key->value, "i.collection") ? db_int(cursor->collection) : db_text(cursor->id);
}

static bool is_row(const struct order *order)
{
    for (size_t i = 0; i < order->n_keys; i++)
        if (order->keys[i].nullable || order->keys[i].descending != order->keys[0].descending ||
            order->keys[i].value[0] != 'i')
            return false;
    return true;
}

static void compose_row(const struct order *order, const struct item_cursor *after, bool backwards,
                        struct composed *c)
{
    text_add(&c->sql, " AND (");
    for (size_t i = 0; i < order->n_keys; i++) {
        text_add(&c->sql, i ? ", " : "");
        compose_value(&order->keys[i], c);
    }
    text_add(&c->sql, order->keys[0].descending != backwards ? ") < (" : ") > (");
    for (size_t i = 0; i < order->n_keys; i++) {
        text_add(&c->sql, i ? ", " : "");
        compose(c, order->keys[i].cast, compose_arg(c, cursor_value(&order->keys[i], after)));
    }
    text_add(&c->sql, ")");
}

/* "Comes after the cursor by this key"; `value` is 0 when the cursor's is null. */
static void compose_after(const struct order_key *key, bool backwards, int value, struct composed *c)
{
    bool down = key->descending != backwards;

    if (!value && !backwards) { /* nothing comes after the nulls */
        text_add(&c->sql, "false");
        return;
    }
    if (!value) {
        text_add(&c->sql, "(");
        compose_value(key, c);
        text_add(&c->sql, ") IS NOT NULL");
        return;
    }
    text_add(&c->sql, "(");
    compose_value(key, c);
    text_add(&c->sql, down ? " < " : " > ");
    compose(c, key->cast, value);
    if (key->nullable && !backwards) {
        text_add(&c->sql, " OR (");
        compose_value(key, c);
        text_add(&c->sql, ") IS NULL");
    }
    text_add(&c->sql, ")");
}

static void compose_equal(const struct order_key *key, int value, struct composed *c)
{
    compose_value(key, c);
    if (!value) {
        text_add(&c->sql, " IS NULL");
        return;
    }
    text_add(&c->sql, " = ");
    compose(c, key->cast, value);
}

/* after(1) OR (equal(1) AND (after(2) OR (equal(2) AND ...))) */
static void compose_nested(const struct order *order, const struct item_cursor *after, bool backwards,
                           struct composed *c)
{
    for (size_t i = 0; i < order->n_keys; i++) {
        const struct order_key *key = &order->keys[i];
        struct db_arg value = cursor_value(key, after);
        int number = value.text || value.small[0] ? compose_arg(c, value) : 0;
        bool last = i + 1 == order->n_keys;

        if (i == 0 && number && !key->nullable) { /* what an index on the first key can use */
            text_add(&c->sql, " AND ");
            compose_value(key, c);
            text_add(&c->sql, key->descending != backwards ? " <= " : " >= ");
            compose(c, key->cast, number);
        }
        text_add(&c->sql, i ? "(" : " AND (");
        compose_after(key, backwards, number, c);
        if (last)
            break;
        text_add(&c->sql, " OR (");
        compose_equal(key, number, c);
        text_add(&c->sql, " AND ");
    }
    text_add(&c->sql, ")");
    for (size_t i = 1; i < order->n_keys; i++)
        text_add(&c->sql, "))");
}

void order_compose_cursor(const struct order *order, const struct item_cursor *after, bool backwards,
                          struct composed *c)
{
    if (after && is_row(order))
        compose_row(order, after, backwards, c);
    else if (after)
        compose_nested(order, after, backwards, c);
}
