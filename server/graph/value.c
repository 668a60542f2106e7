/* Tagged values of plan time. */
#include "graph/value.h"
#include "graph/planner.h"
#include "json/js.h"
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static struct value array_of_json(struct arena *arena, const json_t *json)
{
    struct value value = { .kind = KIND_ARRAY };
    struct value *items = arena_array(arena, json_array_size(json), sizeof *items);
    const json_t *item;
    size_t i;

    json_array_foreach(json, i, item)
        items[i] = value_of_json(arena, item);
    value.array.items = items;
    value.array.length = json_array_size(json);
    return value;
}

static struct value object_of_json(struct arena *arena, const json_t *json)
{
    size_t n = json_object_size(json), i = 0;
    const char **keys = arena_array(arena, n, sizeof *keys), *key;
    struct value *values = arena_array(arena, n, sizeof *values);
    struct value value = { .kind = KIND_OBJECT };
    json_t *member;

    json_object_foreach((json_t *)json, key, member) {
        keys[i] = arena_text(arena, key);
        values[i++] = value_of_json(arena, member);
    }
    value.object.keys = keys;
    value.object.values = values;
    value.object.count = n;
    return value;
}

struct value value_of_json(struct arena *arena, const json_t *json)
{
    switch (json ? json_typeof(json) : JSON_NULL) {
    case JSON_OBJECT: return object_of_json(arena, json);
    case JSON_ARRAY: return array_of_json(arena, json);
    case JSON_STRING: return value_text(arena_text(arena, json_string_value(json)));
    case JSON_INTEGER:
    case JSON_REAL: return value_number(json_number_value(json));
    case JSON_TRUE: return value_boolean(true);
    case JSON_FALSE: return value_boolean(false);
    default: return value_null();
    }
}

static json_t *number_to_json(double number)
{
    if (!isfinite(number))
        return json_null();
    if (number == nearbyint(number) && fabs(number) < 9007199254740992.0)
        return json_integer((json_int_t)number);
    return json_real(number);
}

json_t *value_to_json(const struct value *value)
{
    json_t *json;

    switch (value->kind) {
    case KIND_NULL: return json_null();
    case KIND_BOOLEAN: return json_boolean(value->boolean);
    case KIND_NUMBER: return number_to_json(value->number);
    case KIND_STRING: return json_string(value->text);
    case KIND_ARRAY:
        json = json_array();
        for (size_t i = 0; i < value->array.length; i++)
            json_array_append_new(json, value_to_json(&value->array.items[i]));
        return json;
    case KIND_OBJECT:
        json = json_object();
        for (size_t i = 0; i < value->object.count; i++)
            json_object_set_new(json, value->object.keys[i],
                                value_to_json(&value->object.values[i]));
        return json;
    default: return NULL;
    }
}

bool value_has(const struct value *value, enum kind kind)
{
    if (value->kind == kind)
        return true;
    if (value->kind == KIND_ARRAY)
        for (size_t i = 0; i < value->array.length; i++)
            if (value_has(&value->array.items[i], kind))
                return true;
    if (value->kind == KIND_OBJECT)
        for (size_t i = 0; i < value->object.count; i++)
            if (value_has(&value->object.values[i], kind))
                return true;
    return false;
}

const struct value *value_member(const struct value *object, const char *key)
{
    if (object->kind == KIND_OBJECT)
        for (size_t i = 0; i < object->object.count; i++)
            if (!strcmp(object->object.keys[i], key))
                return &object->object.values[i];
    return NULL;
}

bool value_equal(const struct value *a, const struct value *b)
{
    if (a->kind != b->kind)
        return false;
    switch (a->kind) {
    case KIND_NULL: return true;
    case KIND_BOOLEAN: return a->boolean == b->boolean;
    case KIND_NUMBER: return a->number == b->number;
    case KIND_STRING: return !strcmp(a->text, b->text);
    case KIND_LANE: return a->lane == b->lane;
    case KIND_ARRAY:
        if (a->array.length != b->array.length)
            return false;
        for (size_t i = 0; i < a->array.length; i++)
            if (!value_equal(&a->array.items[i], &b->array.items[i]))
                return false;
        return true;
    default: return false;
    }
}

bool value_is_scalar(const struct value *value)
{
    return value->kind == KIND_NULL || value->kind == KIND_BOOLEAN || value->kind == KIND_NUMBER ||
           value->kind == KIND_LANE;
}

static void describe_cube(const struct cube *cube, struct text *text)
{
    text_add(text, "a cube (");
    for (size_t i = 0; i < cube->schema.n_dimensions; i++)
        text_printf(text, "%s%.60s", i ? ", " : "", cube->schema.dimensions[i].name);
    text_add(text, ")");
}

void value_describe(const struct value *value, struct text *text)
{
    char number[32];

    switch (value->kind) {
    case KIND_NULL: text_add(text, "null"); break;
    case KIND_BOOLEAN: text_printf(text, "the boolean %s", value->boolean ? "true" : "false"); break;
    case KIND_NUMBER:
        number_text(value->number, number);
        text_printf(text, "the number %s", number);
        break;
    case KIND_STRING: text_printf(text, "the string '%.60s'", value->text); break;
    case KIND_ARRAY: text_printf(text, "an array of %zu elements", value->array.length); break;
    case KIND_OBJECT: text_add(text, "an object"); break;
    case KIND_LANE:
        text_add(text, expr_is_boolean(value->lane) ? "a boolean of a cube" : "a number of a cube");
        break;
    case KIND_CUBE: describe_cube(value->cube, text); break;
    case KIND_CALLBACK: text_add(text, "a process graph"); break;
    case KIND_STAC: text_add(text, "a saved result"); break;
    case KIND_UNKNOWN: text_add(text, "an unknown value"); break;
    }
}

static int digits_before(const char *text, const char *end)
{
    int n = 0;

    while (text < end)
        n += isdigit((unsigned char)*text++) != 0;
    return n;
}

/* 15 digits of a number are those of the shortest text and noughts, which are left out, if 15 are enough: all decimals of so many
 * digits are found again in a double, unless it is denormal. */
void number_text(double number, char buffer[static 32])
{
    for (int most = isnormal(number) ? 15 : 1; most <= 17; most++) {
        const char *e;
        int digits, exponent;

        snprintf(buffer, 32, "%.*g", most, number);
        if (strtod(buffer, NULL) != number)
            continue;
        e = strchr(buffer, 'e');
        if (!e || fabs(number) >= 1e21 || fabs(number) < 1e-6)
            return;
        digits = digits_before(buffer, e);
        exponent = (int)floor(log10(fabs(number))); /* 1000000000000000 rather than 1e+15 */
        snprintf(buffer, 32, "%.*f", digits - 1 > exponent ? digits - 1 - exponent : 0, number);
        return;
    }
}

bool label_equal(const struct label *a, const struct label *b)
{
    if (a->is_number != b->is_number)
        return false;
    return a->is_number ? a->number == b->number : !strcmp(a->text, b->text);
}

void label_text(const struct label *label, char *buffer, size_t size)
{
    char number[32];

    if (label->is_number)
        number_text(label->number, number);
    snprintf(buffer, size, "%.100s", label->is_number ? number : label->text);
}
