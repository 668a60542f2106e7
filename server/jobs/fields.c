/* The filter is evaluated as that of any search; sorting is stable, nulls last. */
#include "jobs/fields.h"
#include "cql2/cql2.h"
#include "json/js.h"
#include <stdlib.h>
#include <string.h>

enum { MOST_KEYS = 16 };

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

/* A property of the result: one of the feature's, or computed. */
struct field {
    const char *name, *source;
    struct cql2_node *tree; /* NULL: `source` as it is */
};

struct fields {
    struct arena *arena;
    struct field *list;
    size_t count, capacity;
    bool all; /* nothing is selected: every property stays */
};

static void fields_drop(struct fields *fields)
{
    free(fields->list);
    arena_free(fields->arena);
}

/* What is no plain name is an expression; names have "eo:" and dashes. */
static bool is_name(const char *text)
{
    return *text && !strpbrk(text, " +*/^%()<>=,'\"");
}

static bool read_expression(struct fields *fields, const json_t *wish, const char *place, struct cql2_node **ret_tree, struct err *err)
{
    const char *text = json_string_value(wish);

    if (!(text ? cql2_parse_text(text, strlen(text), fields->arena, ret_tree, err) || err_prefix(err, "%s", place)
               : cql2_parse_json(wish, place, fields->arena, ret_tree, err)))
        return false;
    return cql2_check_value(*ret_tree, cql2_property_any, fields->arena, fields->arena, err) || (text && err_prefix(err, "%s", place));
}

/* `wish`: a name, an expression, or {"expression", "expressionLang"}. */
static bool add_field(struct fields *fields, const char *name, const json_t *wish, const char *pointer, struct err *err)
{
    AUTO(mem) char *place = js_pointer(pointer, name);
    const json_t *expression = json_object_get(wish, "expression") ? json_object_get(wish, "expression") : wish;
    const char *text = json_string_value(expression);
    struct field field = { .name = arena_text(fields->arena, name) };

    if (!text && !json_is_object(expression))
        return err_set(err, ERR_InvalidParameter, "%s: expected a name or an expression in CQL2, found %s", place, js_type_name(expression));
    if (text && expression == wish && is_name(text))
        field.source = arena_text(fields->arena, text);
    else if (!read_expression(fields, expression, place, &field.tree, err))
        return false;
    fields->list = mem_grow(fields->list, &fields->capacity, fields->count + 1, sizeof *fields->list);
    fields->list[fields->count++] = field;
    return true;
}

static bool read_list(struct fields *fields, const json_t *wish, const json_t *aliases, const char *pointer, struct err *err)
{
    AUTO(mem) char *place = js_pointer(pointer, "properties"), *others = js_pointer(pointer, "aliases");
    const json_t *one;
    size_t i;

    json_array_foreach((json_t *)wish, i, one) {
        const char *name = json_string_value(one);
        const json_t *alias = name ? json_object_get(aliases, name) : NULL;

        if (!name)
            return err_set(err, ERR_InvalidParameter, "%s/%zu: expected the name of a property, found %s", place, i, js_type_name(one));
        if (!add_field(fields, name, alias ? alias : one, alias ? others : place, err))
            return false;
    }
    return true;
}

static bool read_fields(const json_t *modifiers, const char *pointer, struct fields *fields, struct err *err)
{
    const json_t *wish = json_object_get(modifiers, "properties"), *aliases = json_object_get(modifiers, "aliases");
    AUTO(mem) char *place = js_pointer(pointer, "properties"), *others = js_pointer(pointer, "aliases");
    const char *name;
    json_t *one;

    fields->all = !wish;
    if (json_is_array(wish))
        return read_list(fields, wish, aliases, pointer, err);
    if (wish && !json_is_object(wish))
        return err_set(err, ERR_InvalidParameter, "%s: expected names of properties, found %s", place, js_type_name(wish));
    json_object_foreach((json_t *)wish, name, one)
        if (!add_field(fields, name, one, place, err))
            return false;
    json_object_foreach((json_t *)(wish ? NULL : aliases), name, one) /* of all properties: these beside the others */
        if (!add_field(fields, name, one, others, err))
            return false;
    return true;
}

/* NULL when there is none; the caller owns it. */
static json_t *compute(const struct field *field, const json_t *feature)
{
    if (field->tree)
        return cql2_value(field->tree, feature);
    return json_incref(json_object_get(json_object_get(feature, "properties"), field->source));
}

static void select_properties(json_t *features, const struct fields *fields)
{
    json_t *feature;
    size_t i;

    if (fields->all && !fields->count)
        return;
    json_array_foreach(features, i, feature) {
        json_t *kept = fields->all && json_object_get(feature, "properties") ? json_copy(json_object_get(feature, "properties")) : json_object();

        if (!json_is_object(feature)) {
            json_decref(kept);
            continue;
        }
        for (size_t k = 0; k < fields->count; k++) {
            json_t *value = compute(&fields->list[k], feature);

            if (value)
                json_object_set_new(kept, fields->list[k].name, value);
        }
        json_object_set_new(feature, "properties", kept);
    }
}

/* ---- order ---- */

struct sort_key {
    const char *name;
    bool descending;
    const struct field *field; /* what the name stands for when features have no such property; NULL: nothing */
    struct cql2_node *tree;    /* an expression; NULL: the name */
};

struct sorting {
    struct sort_key keys[MOST_KEYS];
    size_t count;
};

struct row {
    json_t *feature, *values; /* values: an array by key, null where there is none */
    size_t place;
};

/* The caller owns it. */
static json_t *value_of(const json_t *feature, const struct sort_key *key)
{
    json_t *value = key->tree ? cql2_value(key->tree, feature) : json_object_get(json_object_get(feature, "properties"), key->name);

    if (key->tree)
        return value ? value : json_null();
    if (!value && !strcmp(key->name, "id"))
        value = json_object_get(feature, "id");
    if (!value && key->field)
        value = compute(key->field, feature);
    else
        json_incref(value);
    return value ? value : json_null();
}

static json_t *values_of(const json_t *feature, const struct sorting *sorting)
{
    json_t *values = json_array();

    for (size_t i = 0; i < sorting->count; i++)
        json_array_append_new(values, value_of(feature, &sorting->keys[i]));
    return values;
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
        const json_t *x = json_array_get(a->values, i), *y = json_array_get(b->values, i);
        bool no_x = json_is_null(x), no_y = json_is_null(y);
        int order = no_x || no_y ? no_x - no_y : compare_values(x, y) * (sorting->keys[i].descending ? -1 : 1);

        if (order)
            return order;
    }
    return (a->place > b->place) - (a->place < b->place);
}

/* "+name", "-name", "name", an expression in their place, or {"field", "direction"} as STAC has it. */
static bool read_key(const json_t *wish, struct fields *fields, const char *place, struct sort_key *ret, struct err *err)
{
    const char *text = json_is_object(wish) ? js_text(wish, "field") : json_string_value(wish), *direction = js_text(wish, "direction");

    if (!text || !text[*text == '+' || *text == '-'])
        return err_set(err, ERR_InvalidParameter, "%s: expected the name of a property with + or - before it", place);
    *ret = (struct sort_key){ .name = arena_text(fields->arena, text + (*text == '+' || *text == '-')),
                              .descending = *text == '-' || (direction && !strcmp(direction, "desc")) };
    for (size_t k = 0; k < fields->count; k++)
        if (!strcmp(fields->list[k].name, ret->name))
            ret->field = &fields->list[k];
    if (ret->field || is_name(ret->name) || json_is_object(wish))
        return true;
    AUTO(json) json_t *expression = json_string(ret->name);

    return read_expression(fields, expression, place, &ret->tree, err);
}

static json_t *split(const char *text)
{
    json_t *list = json_array();

    for (size_t length; length = strcspn(text, ","), true; text += length + 1) {
        json_array_append_new(list, json_stringn(text, length));
        if (!text[length])
            return list;
    }
}

/* An array, or a text with commas between them. */
static bool read_order(const json_t *wish, struct fields *fields, const char *pointer, struct sorting *sorting, struct err *err)
{
    AUTO(mem) char *place = js_pointer(pointer, "sortBy");
    AUTO(json) json_t *list = json_is_string(wish) ? split(json_string_value(wish)) : json_incref((json_t *)wish);
    const json_t *one;
    size_t i;

    if (!json_is_array(list) || json_array_size(list) > MOST_KEYS)
        return err_set(err, ERR_InvalidParameter, "%s: expected an array of at most %d names of properties", place, MOST_KEYS);
    json_array_foreach(list, i, one) {
        AUTO(mem) char *at = mem_printf("%s/%zu", place, i);

        if (!read_key(one, fields, at, &sorting->keys[sorting->count++], err))
            return false;
    }
    return true;
}

static bool sort(json_t *features, const json_t *wish, struct fields *fields, const char *pointer, struct err *err)
{
    AUTO(mem) struct row *rows = NULL;
    struct sorting sorting = { .count = 0 };
    json_t *feature;
    size_t i, n = json_array_size(features);

    if (!wish)
        return true;
    if (!read_order(wish, fields, pointer, &sorting, err))
        return false;
    rows = mem_array(n + 1, sizeof *rows);
    json_array_foreach(features, i, feature)
        rows[i] = (struct row){ json_incref(feature), values_of(feature, &sorting), i };
    qsort_r(rows, n, sizeof *rows, compare, &sorting);
    json_array_clear(features);
    for (i = 0; i < n; i++) {
        json_array_append_new(features, rows[i].feature);
        json_decref(rows[i].values);
    }
    return true;
}

bool fields_modify(json_t *value, const json_t *modifiers, const char *pointer, struct err *err)
{
    json_t *features = json_is_array(value) ? value : json_object_get(value, "features");

    AUTO(fields) struct fields fields = { .arena = arena_new() };

    if (!json_is_array(features))
        return err_set(err, ERR_InvalidParameter, "%s: filter, properties and sortBy are for features, and there are none", pointer);
    if (!read_fields(modifiers, pointer, &fields, err) || !filter(features, json_object_get(modifiers, "filter"), pointer, err) ||
        !sort(features, json_object_get(modifiers, "sortBy"), &fields, pointer, err))
        return false;
    select_properties(features, &fields);
    if (features != value) {
        json_object_del(value, "numberMatched");
        json_object_set_new(value, "numberReturned", json_integer((json_int_t)json_array_size(features)));
    }
    return true;
}
