/* Holds arguments against the JSON schemas of the descriptions: the keywords that these use, and
 * openEO's subtypes where they change what is allowed. A pixel fits where a number, or a boolean,
 * fits; an unknown value fits anywhere. */
#include "graph/planner.h"
#include "json/js.h"
#include <math.h>
#include <regex.h>
#include <string.h>

static bool is_whole(double number)
{
    return number == nearbyint(number) && fabs(number) <= 9007199254740992.0;
}

static bool type_fits(const char *type, const struct value *v)
{
    switch (v->kind) {
    case KIND_NULL: return !strcmp(type, "null");
    case KIND_BOOLEAN: return !strcmp(type, "boolean");
    case KIND_NUMBER:
        return !strcmp(type, "number") || (!strcmp(type, "integer") && is_whole(v->number));
    case KIND_STRING: return !strcmp(type, "string");
    case KIND_ARRAY: return !strcmp(type, "array");
    case KIND_LANE:
        if ((v->lane->op == LANE_CONSTANT && isnan(v->lane->number)) ||
            (v->lane->op == EXPR_LEAF && !v->lane->source))
            return strcmp(type, "object") && strcmp(type, "array"); /* no-data is of any other type */
        return !strcmp(type, expr_is_boolean(v->lane) ? "boolean" : "number") ||
               (!strcmp(type, "integer") && !expr_is_boolean(v->lane));
    case KIND_OBJECT:
    case KIND_CUBE:
    case KIND_CALLBACK:
    case KIND_STAC: return !strcmp(type, "object");
    case KIND_UNKNOWN: return true;
    }
    return false;
}

static bool any_type_fits(const json_t *types, const struct value *v)
{
    const json_t *type;
    size_t i;

    if (!types)
        return true;
    if (json_is_string(types))
        return type_fits(json_string_value(types), v);
    json_array_foreach(types, i, type)
        if (json_is_string(type) && type_fits(json_string_value(type), v))
            return true;
    return false;
}

/* Users' processes of older days say raster-cube. */
static bool is_cube_type(const char *subtype)
{
    static const char *const names[] = { "datacube", "raster-cube", "vector-cube" };

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (!strcmp(subtype, names[i]))
            return true;
    return false;
}

/* The object kinds: a cube is wanted just where the subtype says so. */
static bool subtype_fits(const json_t *schema, const struct value *v)
{
    const char *subtype = js_text(schema, "subtype");
    bool anything = !json_object_get(schema, "type");

    switch (v->kind) {
    case KIND_CUBE: return subtype && is_cube_type(subtype);
    case KIND_CALLBACK: return subtype && !strcmp(subtype, "process-graph");
    case KIND_STAC: return anything || (subtype && !strcmp(subtype, "stac"));
    case KIND_OBJECT:
        return !subtype || (!is_cube_type(subtype) && strcmp(subtype, "process-graph"));
    default: return true;
    }
}

/* The few patterns of the descriptions use \w, which POSIX lacks inside brackets. */
static void posix_pattern(const char *pattern, char *to, size_t size)
{
    size_t n = 0;
    bool bracket = false, dash = false;

    for (; *pattern && n + 16 < size; pattern++) {
        const char *piece = NULL;

        if (*pattern == '[') {
            bracket = true;
        } else if (*pattern == ']' && bracket) {
            bracket = false;
            if (dash)
                to[n++] = '-';
        } else if (*pattern == '\\' && pattern[1] == 'w') {
            piece = bracket ? "[:alnum:]_" : "[[:alnum:]_]";
            pattern++;
        } else if (*pattern == '\\' && bracket) {
            pattern++;
            if (*pattern == '-') {
                dash = true;
                continue;
            }
        }
        if (piece) {
            memcpy(to + n, piece, strlen(piece));
            n += strlen(piece);
        } else {
            to[n++] = *pattern;
        }
    }
    to[n] = '\0';
}

/* Users' processes bring patterns, too: repetitions within repetitions and references back would cost
 * memory and time without end, so such patterns are not held against anything. */
static bool pattern_is_cheap(const char *pattern)
{
    double repeats = 1;

    for (const char *c = pattern; *c; c++) {
        if (*c == '\\' && c[1] >= '1' && c[1] <= '9')
            return false;
        if (*c == '{') {
            const char *comma = c + 1 + strspn(c + 1, "0123456789");
            double most = strtod(*comma == ',' && comma[1] != '}' ? comma + 1 : c + 1, NULL);

            repeats *= most > 1 ? most : 1;
        }
    }
    return repeats <= 1000;
}

static bool pattern_fits(const char *pattern, const char *text)
{
    char posix[200];
    regex_t compiled;
    bool fits;

    if (!pattern_is_cheap(pattern))
        return true;
    posix_pattern(pattern, posix, sizeof posix);
    if (regcomp(&compiled, posix, REG_EXTENDED | REG_NOSUB) != 0)
        return true;
    fits = regexec(&compiled, text, 0, NULL, 0) == 0;
    regfree(&compiled);
    return fits;
}

static bool number_fits(const json_t *schema, double number)
{
    const json_t *least = json_object_get(schema, "minimum");
    const json_t *most = json_object_get(schema, "maximum");
    const json_t *above = json_object_get(schema, "minimumExclusive");

    return !(least && number < json_number_value(least)) &&
           !(most && number > json_number_value(most)) &&
           !(above && !(number > json_number_value(above)));
}

static bool array_fits(const json_t *schema, const struct value *v)
{
    const json_t *items = json_object_get(schema, "items");
    const json_t *least = json_object_get(schema, "minItems");
    const json_t *most = json_object_get(schema, "maxItems");
    const char *subtype = js_text(schema, "subtype");
    /* two equal dates have an error of their own */
    bool unique = json_is_true(json_object_get(schema, "uniqueItems")) && v->array.length < 10000 &&
                  !(subtype && !strcmp(subtype, "temporal-interval"));

    if (v->deferred)
        return true;
    if ((least && v->array.length < (size_t)json_integer_value(least)) ||
        (most && v->array.length > (size_t)json_integer_value(most)))
        return false;
    for (size_t i = 0; items && i < v->array.length; i++) {
        if (!schema_matches(items, &v->array.items[i]))
            return false;
        if (unique)
            for (size_t k = 0; k < i; k++)
                if (value_equal(&v->array.items[i], &v->array.items[k]))
                    return false;
    }
    return true;
}

static bool enum_fits(const json_t *schema, const struct value *v)
{
    const json_t *choices = json_object_get(schema, "enum"), *choice;
    const json_t *fixed = json_object_get(schema, "const");
    size_t i;

    if (fixed && json_is_boolean(fixed) && v->kind == KIND_BOOLEAN &&
        v->boolean != json_is_true(fixed))
        return false;
    if (!choices || v->kind != KIND_STRING)
        return true;
    json_array_foreach(choices, i, choice)
        if (json_is_string(choice) && !strcmp(json_string_value(choice), v->text))
            return true;
    return false;
}

static bool any_fits(const json_t *schemas, const struct value *v)
{
    const json_t *one;
    size_t i;

    json_array_foreach(schemas, i, one)
        if (schema_matches(one, v))
            return true;
    return false;
}

/* "additionalProperties": false, as options of methods have it: no other members than those that are named. */
static bool members_fit(const json_t *schema, const struct value *v)
{
    const json_t *named = json_object_get(schema, "properties");

    for (size_t i = 0; json_is_false(json_object_get(schema, "additionalProperties")) && i < v->object.count; i++)
        if (!json_object_get(named, v->object.keys[i]))
            return false;
    return true;
}

/* Beyond the definition, the id of a collection may be the address of one elsewhere (graph/load.c). */
static bool is_address(const json_t *schema, const char *text)
{
    const char *subtype = js_text(schema, "subtype");

    return subtype && !strcmp(subtype, "collection-id") && strstr(text, "://");
}

bool schema_matches(const json_t *schema, const struct value *v)
{
    const json_t *any = json_object_get(schema, "anyOf");
    const char *pattern = js_text(schema, "pattern");

    if (json_is_array(schema))
        return any_fits(schema, v);
    if (v->kind == KIND_UNKNOWN)
        return true;
    if (any && !any_fits(any, v))
        return false;
    if (!any_type_fits(json_object_get(schema, "type"), v) || !subtype_fits(schema, v) ||
        !enum_fits(schema, v))
        return false;
    if (v->kind == KIND_NUMBER)
        return number_fits(schema, v->number);
    if (v->kind == KIND_STRING)
        return !pattern || is_address(schema, v->text) || pattern_fits(pattern, v->text);
    if (v->kind == KIND_OBJECT)
        return members_fit(schema, v);
    return v->kind != KIND_ARRAY || array_fits(schema, v);
}

static const char *type_noun(const json_t *schema, const char *type)
{
    const char *subtype = js_text(schema, "subtype");

    if (!strcmp(type, "object") && subtype && is_cube_type(subtype))
        return "a cube";
    if (!strcmp(type, "object") && subtype && !strcmp(subtype, "process-graph"))
        return "a process graph";
    if (!strcmp(type, "object"))
        return "an object";
    if (!strcmp(type, "array"))
        return "an array";
    if (!strcmp(type, "integer"))
        return "an integer";
    if (!strcmp(type, "number"))
        return "a number";
    if (!strcmp(type, "string"))
        return "a string";
    return !strcmp(type, "boolean") ? "a boolean" : "null";
}

static void add_members(const json_t *schema, struct text *text)
{
    json_t *named = json_object_get(schema, "properties"), *member;
    const char *name, *before = " with the members ";

    json_object_foreach(named, name, member) {
        text_printf(text, "%s'%s'", before, name);
        before = ", ";
    }
    if (!json_object_size(named))
        text_add(text, " without members");
}

static void add_limits(const json_t *schema, struct text *text)
{
    const json_t *least = json_object_get(schema, "minItems"), *items, *choices, *choice;
    const json_t *most = json_object_get(schema, "maxItems");
    size_t i;

    if (least && most && json_equal(least, most))
        text_printf(text, " of %d", (int)json_integer_value(least));
    else if (least)
        text_printf(text, " of at least %d", (int)json_integer_value(least));
    items = json_object_get(schema, "items");
    if (json_object_size(items)) {
        text_add(text, " (each ");
        schema_describe(items, text);
        text_add(text, ")");
    }
    least = json_object_get(schema, "minimum");
    if (json_is_number(least))
        text_printf(text, " of at least %g", json_number_value(least));
    if (json_is_number(json_object_get(schema, "minimumExclusive")))
        text_add(text, " above 0");
    if (json_is_boolean(json_object_get(schema, "const")))
        text_add(text, json_is_true(json_object_get(schema, "const")) ? " true" : " false");
    if (js_text(schema, "pattern"))
        text_printf(text, " like %s", js_text(schema, "pattern"));
    if (json_is_false(json_object_get(schema, "additionalProperties")))
        add_members(schema, text);
    choices = json_object_get(schema, "enum");
    json_array_foreach(choices, i, choice)
        if (json_is_string(choice))
            text_printf(text, "%s'%s'", i ? ", " : " of ", json_string_value(choice));
}

void schema_describe(const json_t *schema, struct text *text)
{
    const json_t *types = json_object_get(schema, "type"), *type, *one;
    const json_t *any = json_is_array(schema) ? schema : json_object_get(schema, "anyOf");
    size_t i;

    if (any) {
        json_array_foreach(any, i, one) {
            text_add(text, i ? " or " : "");
            schema_describe(one, text);
        }
        return;
    }
    if (json_is_string(types))
        text_add(text, type_noun(schema, json_string_value(types)));
    json_array_foreach(types, i, type) {
        text_add(text, i ? " or " : "");
        text_add(text, json_is_string(type) ? type_noun(schema, json_string_value(type)) : "?");
    }
    if (!types)
        text_add(text, "any value");
    add_limits(schema, text);
}
