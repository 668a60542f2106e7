/* The filter is evaluated as that of any search; sorting is stable, nulls last. */
#include "jobs/fields.h"
#include "cql2/cql2.h"
#include <stdlib.h>
#include <string.h>

enum { MOST_KEYS = 16 };

static const char *member(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

static bool read_filter(const json_t *filter, const char *pointer, struct arena *arena, struct cql2_node **ret_tree,
                        struct err *err)
{
    const char *text = json_string_value(filter);

    if (!text)
        return cql2_compile(filter, pointer, arena, ret_tree, err);
    return (cql2_parse_text(text, strlen(text), arena, ret_tree, err) && cql2_check(*ret_tree, cql2_property_any, arena, arena, err)) ||
           err_prefix(err, "%s", pointer);
}

static bool filter(json_t *features, const json_t *wish, const char *pointer, struct err *err)
{
    AUTO(arena) struct arena *arena = arena_new();
    AUTO(mem) char *place = js_pointer(pointer, "filter");
    AUTO(json) json_t *kept = json_array();
    struct cql2_node *tree = NULL;
    json_t *feature;
    size_t i;

    if (!wish)
        return true;
    if (!read_filter(wish, place, arena, &tree, err))
        return false;
    json_array_foreach(features, i, feature)
        if (!tree || cql2_match(tree, feature))
            json_array_append(kept, feature);
    json_array_clear(features);
    json_array_extend(features, kept);
    return true;
}

/* ---- properties ---- */

/* {new name: name} of what is kept; NULL: everything. */
static bool read_properties(const json_t *modifiers, const char *pointer, json_t **ret_names, struct err *err)
{
    const json_t *wish = json_object_get(modifiers, "properties"), *aliases = json_object_get(modifiers, "aliases");
    AUTO(mem) char *place = js_pointer(pointer, "properties");
    AUTO(json) json_t *names = json_object();
    const char *name;
    json_t *one;
    size_t i;

    *ret_names = NULL;
    if (!wish)
        return true;
    if (!json_is_array(wish) && !json_is_object(wish))
        return err_set(err, ERR_InvalidParameter, "%s: expected names of properties, found %s", place, js_type_name(wish));
    json_array_foreach((json_t *)wish, i, one) {
        const char *alias = json_is_string(one) ? member(aliases, json_string_value(one)) : NULL;

        if (!json_is_string(one))
            return err_set(err, ERR_InvalidParameter, "%s/%zu: expected the name of a property, found %s", place, i, js_type_name(one));
        json_object_set_new(names, json_string_value(one), alias ? json_string(alias) : json_incref(one));
    }
    json_object_foreach((json_t *)(json_is_object(wish) ? wish : NULL), name, one)
        json_object_set(names, name, one);
    json_object_foreach(names, name, one)
        if (!json_is_string(one) || strpbrk(json_string_value(one), " +*/()<>=,"))
            return err_set(err, ERR_InvalidParameter, "%s/%.60s: expected the name of a property; expressions are not computed here", place, name);
    *ret_names = json_incref(names);
    return true;
}

static bool select_properties(json_t *features, const json_t *modifiers, const char *pointer, struct err *err)
{
    AUTO(json) json_t *names = NULL;
    json_t *feature, *source;
    const char *name;
    size_t i;

    if (!read_properties(modifiers, pointer, &names, err))
        return false;
    json_array_foreach(features, i, feature) {
        const json_t *old = json_object_get(feature, "properties");
        json_t *kept;

        if (!names || !json_is_object(feature))
            continue;
        kept = json_object();
        json_object_foreach(names, name, source) {
            json_t *value = json_object_get(old, json_string_value(source));

            if (value)
                json_object_set(kept, name, value);
        }
        json_object_set_new(feature, "properties", kept);
    }
    return true;
}

/* ---- order ---- */

struct sort_key {
    const char *name;
    bool descending;
};

struct sorting {
    struct sort_key keys[MOST_KEYS];
    size_t count;
};

struct row {
    json_t *feature;
    size_t place;
};

static const json_t *value_of(const json_t *feature, const char *name)
{
    const json_t *value = json_object_get(json_object_get(feature, "properties"), name);

    return value ? value : !strcmp(name, "id") ? json_object_get(feature, name) : NULL;
}

static int compare_values(const json_t *a, const json_t *b)
{
    double x = json_number_value(a), y = json_number_value(b);

    if (json_is_number(a) && json_is_number(b))
        return (x > y) - (x < y);
    if (json_is_string(a) && json_is_string(b))
        return strcmp(json_string_value(a), json_string_value(b));
    if (json_is_boolean(a) && json_is_boolean(b))
        return json_is_true(a) - json_is_true(b);
    return (int)json_typeof(a) - (int)json_typeof(b);
}

static int compare(const void *left, const void *right, void *arg)
{
    const struct row *a = left, *b = right;
    const struct sorting *sorting = arg;

    for (size_t i = 0; i < sorting->count; i++) {
        const json_t *x = value_of(a->feature, sorting->keys[i].name), *y = value_of(b->feature, sorting->keys[i].name);
        bool no_x = !x || json_is_null(x), no_y = !y || json_is_null(y);
        int order = no_x || no_y ? no_x - no_y : compare_values(x, y) * (sorting->keys[i].descending ? -1 : 1);

        if (order)
            return order;
    }
    return (a->place > b->place) - (a->place < b->place);
}

/* "+name", "-name", "name", or {"field", "direction"} as STAC has it. */
static bool read_order(const json_t *wish, const char *pointer, struct sorting *sorting, struct err *err)
{
    AUTO(mem) char *place = js_pointer(pointer, "sortBy");
    const json_t *one;
    size_t i;

    if (!json_is_array(wish) || json_array_size(wish) > MOST_KEYS)
        return err_set(err, ERR_InvalidParameter, "%s: expected an array of at most %d names of properties", place, MOST_KEYS);
    json_array_foreach((json_t *)wish, i, one) {
        const char *text = json_is_object(one) ? member(one, "field") : json_string_value(one), *direction = member(one, "direction");

        if (!text || !*text)
            return err_set(err, ERR_InvalidParameter, "%s/%zu: expected the name of a property with + or - before it", place, i);
        sorting->keys[sorting->count++] = (struct sort_key){ text + (*text == '+' || *text == '-'),
                                                             *text == '-' || (direction && !strcmp(direction, "desc")) };
    }
    return true;
}

static bool sort(json_t *features, const json_t *wish, const char *pointer, struct err *err)
{
    AUTO(mem) struct row *rows = NULL;
    struct sorting sorting = { .count = 0 };
    json_t *feature;
    size_t i, n = json_array_size(features);

    if (!wish)
        return true;
    if (!read_order(wish, pointer, &sorting, err))
        return false;
    rows = mem_array(n + 1, sizeof *rows);
    json_array_foreach(features, i, feature)
        rows[i] = (struct row){ json_incref(feature), i };
    qsort_r(rows, n, sizeof *rows, compare, &sorting);
    json_array_clear(features);
    for (i = 0; i < n; i++)
        json_array_append_new(features, rows[i].feature);
    return true;
}

bool fields_modify(json_t *value, const json_t *modifiers, const char *pointer, struct err *err)
{
    json_t *features = json_is_array(value) ? value : json_object_get(value, "features");

    if (!json_is_array(features))
        return err_set(err, ERR_InvalidParameter, "%s: filter, properties and sortBy are for features, and there are none", pointer);
    if (!filter(features, json_object_get(modifiers, "filter"), pointer, err) ||
        !sort(features, json_object_get(modifiers, "sortBy"), pointer, err) || !select_properties(features, modifiers, pointer, err))
        return false;
    if (features != value) {
        json_object_del(value, "numberMatched");
        json_object_set_new(value, "numberReturned", json_integer((json_int_t)json_array_size(features)));
    }
    return true;
}
