/* A table of keywords, each with its function. A schema is compiled to the list of its keywords in the
 * table's order (so that a wrong type is told before a wrong length), with compiled patterns and the
 * schemas within, and a value is held against that list. */
#include "json/schema.h"
#include "base/instant.h"
#include "base/text.h"
#include "json/pattern.h"
#include <math.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

struct place;

/* What a keyword has within. */
enum holds { NOTHING, A_PATTERN, A_SCHEMA, A_LIST, NAMED };

struct keyword {
    const char *name;
    bool (*check)(const struct place *at, struct err *err);
    enum holds holds;
};

struct rule {
    const struct keyword *keyword;
    const json_t *json; /* what it says */
    regex_t *pattern;   /* NULL: none, or one that the C library cannot say */
    const char **names; /* of the schemas within, where they have some */
    struct js_schema **within;
    size_t n_within;
};

struct js_schema {
    const json_t *json;
    struct rule *rules;
    size_t n_rules;
};

struct place {
    const json_t *schema, *rule, *value; /* rule: what the keyword says */
    const struct rule *compiled;
    const char *pointer;
};

static const char *shown(const char *pointer)
{
    return *pointer ? pointer : "/";
}

static bool is_whole(const json_t *value)
{
    return json_is_integer(value) ||
           (json_is_real(value) && json_real_value(value) == trunc(json_real_value(value)));
}

static bool is_type(const json_t *value, const char *type)
{
    static const struct { const char *name; json_type type; } rows[] = {
        { "object", JSON_OBJECT }, { "array", JSON_ARRAY }, { "string", JSON_STRING },
        { "null", JSON_NULL },
    };

    if (!strcmp(type, "number"))
        return json_is_number(value);
    if (!strcmp(type, "integer"))
        return is_whole(value);
    if (!strcmp(type, "boolean"))
        return json_is_boolean(value);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (!strcmp(type, rows[i].name))
            return json_typeof(value) == rows[i].type;
    return false;
}

static bool check_type(const struct place *at, struct err *err)
{
    AUTO(text) struct text expected = { 0 };
    size_t i;
    json_t *type;

    if (json_is_null(at->value) && json_is_true(json_object_get(at->schema, "nullable")))
        return true;
    if (json_is_string(at->rule)) {
        if (is_type(at->value, json_string_value(at->rule)))
            return true;
        text_add(&expected, json_string_value(at->rule));
    }
    json_array_foreach(at->rule, i, type) {
        if (json_is_string(type) && is_type(at->value, json_string_value(type)))
            return true;
        if (json_is_string(type))
            text_printf(&expected, "%s%s", i ? " or " : "", json_string_value(type));
    }
    return err_set(err, ERR_InvalidParameter, "%s: expected type %s, found %s", shown(at->pointer),
                   expected.data ? expected.data : "?", js_type_name(at->value));
}

/* 1 and 1.0 are the same number. */
static bool equal(const json_t *a, const json_t *b)
{
    if (json_is_number(a) && json_is_number(b))
        return json_number_value(a) == json_number_value(b);
    return json_equal(a, b);
}

static bool check_enum(const struct place *at, struct err *err)
{
    AUTO(mem) char *allowed = js_canonical(at->rule), *found = js_canonical(at->value);
    size_t i;
    json_t *one;

    json_array_foreach(at->rule, i, one) {
        if (equal(one, at->value))
            return true;
    }
    return err_set(err, ERR_InvalidParameter, "%s: expected one of %.300s, found %.100s",
                   shown(at->pointer), allowed, found);
}

static bool check_const(const struct place *at, struct err *err)
{
    AUTO(mem) char *allowed = js_canonical(at->rule);

    return equal(at->rule, at->value) ||
           err_set(err, ERR_InvalidParameter, "%s: expected %.300s", shown(at->pointer), allowed);
}

static bool out_of_range(const struct place *at, const char *relation, struct err *err)
{
    return err_set(err, ERR_InvalidParameter, "%s: %.17g is not %s %.17g", shown(at->pointer),
                   json_number_value(at->value), relation, json_number_value(at->rule));
}

static bool check_minimum(const struct place *at, struct err *err)
{
    bool open = json_is_true(json_object_get(at->schema, "exclusiveMinimum"));
    double x = json_number_value(at->value), least = json_number_value(at->rule);

    if (!json_is_number(at->value) || x > least || (!open && x == least))
        return true;
    return out_of_range(at, open ? ">" : ">=", err);
}

static bool check_maximum(const struct place *at, struct err *err)
{
    bool open = json_is_true(json_object_get(at->schema, "exclusiveMaximum"));
    double x = json_number_value(at->value), most = json_number_value(at->rule);

    if (!json_is_number(at->value) || x < most || (!open && x == most))
        return true;
    return out_of_range(at, open ? "<" : "<=", err);
}

static bool check_above(const struct place *at, struct err *err)
{
    if (!json_is_number(at->rule) || !json_is_number(at->value) ||
        json_number_value(at->value) > json_number_value(at->rule))
        return true;
    return out_of_range(at, ">", err);
}

static bool check_below(const struct place *at, struct err *err)
{
    if (!json_is_number(at->rule) || !json_is_number(at->value) ||
        json_number_value(at->value) < json_number_value(at->rule))
        return true;
    return out_of_range(at, "<", err);
}

static bool check_multiple(const struct place *at, struct err *err)
{
    double unit = json_number_value(at->rule), n;

    if (!json_is_number(at->value) || unit <= 0)
        return true;
    n = json_number_value(at->value) / unit;
    return fabs(n - nearbyint(n)) < 1e-9 || out_of_range(at, "a multiple of", err);
}

/* Characters of UTF-8, not bytes. */
static json_int_t length_of(const json_t *value)
{
    json_int_t n = 0;

    if (json_is_array(value))
        return (json_int_t)json_array_size(value);
    if (json_is_object(value))
        return (json_int_t)json_object_size(value);
    for (const char *c = json_string_value(value); c && *c; c++)
        n += (*c & 0xC0) != 0x80;
    return n;
}

static bool check_length(const struct place *at, bool least, const char *unit, struct err *err)
{
    json_int_t n = length_of(at->value), bound = (json_int_t)json_number_value(at->rule);

    if (least ? n >= bound : n <= bound)
        return true;
    return err_set(err, ERR_InvalidParameter,
                   "%s: expected at %s %" JSON_INTEGER_FORMAT " %s, found %" JSON_INTEGER_FORMAT,
                   shown(at->pointer), least ? "least" : "most", bound, unit, n);
}

static bool check_min_length(const struct place *at, struct err *err)
{
    return !json_is_string(at->value) || check_length(at, true, "characters", err);
}

static bool check_max_length(const struct place *at, struct err *err)
{
    return !json_is_string(at->value) || check_length(at, false, "characters", err);
}

static bool check_min_items(const struct place *at, struct err *err)
{
    return !json_is_array(at->value) || check_length(at, true, "elements", err);
}

static bool check_max_items(const struct place *at, struct err *err)
{
    return !json_is_array(at->value) || check_length(at, false, "elements", err);
}

static bool check_unique(const struct place *at, struct err *err)
{
    size_t i, k;
    json_t *a;

    if (!json_is_true(at->rule) || !json_is_array(at->value))
        return true;
    json_array_foreach(at->value, i, a) {
        for (k = 0; k < i; k++)
            if (equal(a, json_array_get(at->value, k)))
                return err_set(err, ERR_InvalidParameter, "%s/%zu: is the same as element %zu",
                               at->pointer, i, k);
    }
    return true;
}

/* A pattern that the C library cannot say is an annotation. */
static bool check_pattern(const struct place *at, struct err *err)
{
    if (!json_is_string(at->value) || !at->compiled->pattern ||
        regexec(at->compiled->pattern, json_string_value(at->value), 0, NULL, 0) == 0)
        return true;
    return err_set(err, ERR_InvalidParameter, "%s: '%.100s' does not match %.100s",
                   shown(at->pointer), json_string_value(at->value),
                   json_string_value(at->rule));
}

static bool check_format(const struct place *at, struct err *err)
{
    const char *format = json_string_value(at->rule), *text = json_string_value(at->value);
    int64_t instant;

    if (!format || !text)
        return true;
    if (!strcmp(format, "date-time") && !instant_parse_date(text, &instant))
        return err_set(err, ERR_InvalidParameter,
                       "%s: expected an RFC 3339 date-time, found '%.60s'", shown(at->pointer),
                       text);
    if (!strcmp(format, "date") && (strlen(text) != 10 || !instant_parse_date(text, &instant)))
        return err_set(err, ERR_InvalidParameter, "%s: expected a date, found '%.60s'",
                       shown(at->pointer), text);
    return true;
}

static bool check_items(const struct place *at, struct err *err)
{
    size_t i;
    json_t *item;

    if (!json_is_array(at->value) || !json_is_object(at->rule))
        return true;
    json_array_foreach(at->value, i, item) {
        AUTO(mem) char *pointer = js_pointer_index(at->pointer, i);

        if (!js_schema_fits(at->compiled->within[0], item, pointer, err))
            return false;
    }
    return true;
}

static bool check_required(const struct place *at, struct err *err)
{
    size_t i;
    json_t *name;

    if (!json_is_object(at->value))
        return true;
    json_array_foreach(at->rule, i, name) {
        if (!json_is_string(name))
            continue; /* no name of a member */
        AUTO(mem) char *pointer = js_pointer(at->pointer, json_string_value(name));

        if (!json_object_get(at->value, json_string_value(name)))
            return err_set(err, ERR_InvalidParameter, "%s: is required and missing", pointer);
    }
    return true;
}

static bool check_properties(const struct place *at, struct err *err)
{
    for (size_t i = 0; i < at->compiled->n_within; i++) {
        const char *name = at->compiled->names[i];
        const json_t *member = json_object_get(at->value, name);
        AUTO(mem) char *pointer = member ? js_pointer(at->pointer, name) : NULL;

        if (member && !js_schema_fits(at->compiled->within[i], member, pointer, err))
            return false;
    }
    return true;
}

static bool check_additional(const struct place *at, struct err *err)
{
    const json_t *known = json_object_get(at->schema, "properties");
    const char *name;
    json_t *member;

    if (!json_is_object(at->value) || json_is_true(at->rule))
        return true;
    json_object_foreach((json_t *)at->value, name, member) {
        AUTO(mem) char *pointer = js_pointer(at->pointer, name);

        if (json_object_get(known, name))
            continue;
        if (json_is_false(at->rule))
            return err_set(err, ERR_InvalidParameter, "%s: there is no such member here", pointer);
        if (!js_schema_fits(at->compiled->within[0], member, pointer, err))
            return false;
    }
    return true;
}

/* How many branches fit; *ret_first is the error of the first branch, which is the usual one. */
static size_t count_fits(const struct place *at, struct err *ret_first)
{
    size_t fits = 0;

    for (size_t i = 0; i < at->compiled->n_within; i++) {
        struct err err = { 0 };

        if (js_schema_fits(at->compiled->within[i], at->value, at->pointer, &err))
            fits++;
        else if (ret_first->code == ERR_None)
            *ret_first = err;
    }
    return fits;
}

/* Published schemas say oneOf where several branches fit a string (a value and its base64 form), so
 * that one fitting branch is enough here, too. */
static bool check_any(const struct place *at, struct err *err)
{
    struct err first = { 0 };

    if (count_fits(at, &first) > 0)
        return true;
    return err_set(err, ERR_InvalidParameter, "%s: fits none of %zu alternatives; the first: %s",
                   shown(at->pointer), json_array_size(at->rule), first.message);
}

static bool check_all(const struct place *at, struct err *err)
{
    for (size_t i = 0; i < at->compiled->n_within; i++) {
        if (!js_schema_fits(at->compiled->within[i], at->value, at->pointer, err))
            return false;
    }
    return true;
}

static bool check_not(const struct place *at, struct err *err)
{
    struct err ignored = { 0 };

    return !js_schema_fits(at->compiled->within[0], at->value, at->pointer, &ignored) ||
           err_set(err, ERR_InvalidParameter, "%s: has a form that is excluded",
                   shown(at->pointer));
}

static const struct keyword keywords[] = {
    { "type", check_type, NOTHING },
    { "enum", check_enum, NOTHING },
    { "const", check_const, NOTHING },
    { "minimum", check_minimum, NOTHING },
    { "maximum", check_maximum, NOTHING },
    { "exclusiveMinimum", check_above, NOTHING },
    { "exclusiveMaximum", check_below, NOTHING },
    { "multipleOf", check_multiple, NOTHING },
    { "minLength", check_min_length, NOTHING },
    { "maxLength", check_max_length, NOTHING },
    { "minItems", check_min_items, NOTHING },
    { "maxItems", check_max_items, NOTHING },
    { "uniqueItems", check_unique, NOTHING },
    { "pattern", check_pattern, A_PATTERN },
    { "format", check_format, NOTHING },
    { "required", check_required, NOTHING },
    { "properties", check_properties, NAMED },
    { "additionalProperties", check_additional, A_SCHEMA },
    { "items", check_items, A_SCHEMA },
    { "allOf", check_all, A_LIST },
    { "anyOf", check_any, A_LIST },
    { "oneOf", check_any, A_LIST },
    { "not", check_not, A_SCHEMA },
};

static regex_t *compile_pattern(const json_t *rule)
{
    AUTO(mem) char *posix = json_is_string(rule) ? pattern_posix(json_string_value(rule)) : NULL;
    regex_t *pattern = posix ? mem_alloc(sizeof *pattern) : NULL;

    if (!pattern || regcomp(pattern, posix, REG_EXTENDED | REG_NOSUB) == 0)
        return pattern;
    free(pattern);
    return NULL;
}

static void compile_list(struct rule *rule)
{
    json_t *one;
    size_t i;

    rule->within = mem_array(json_array_size(rule->json), sizeof *rule->within);
    json_array_foreach((json_t *)rule->json, i, one)
        rule->within[rule->n_within++] = js_schema_compile(one);
}

static void compile_named(struct rule *rule)
{
    const char *name;
    json_t *one;

    rule->within = mem_array(json_object_size(rule->json), sizeof *rule->within);
    rule->names = mem_array(json_object_size(rule->json), sizeof *rule->names);
    json_object_foreach((json_t *)rule->json, name, one) {
        rule->names[rule->n_within] = name;
        rule->within[rule->n_within++] = js_schema_compile(one);
    }
}

static void compile_rule(struct rule *rule)
{
    switch (rule->keyword->holds) {
    case NOTHING: return;
    case A_PATTERN: rule->pattern = compile_pattern(rule->json); return;
    case A_LIST: compile_list(rule); return;
    case NAMED: compile_named(rule); return;
    case A_SCHEMA:
        rule->within = mem_array(1, sizeof *rule->within);
        rule->within[rule->n_within++] = js_schema_compile(rule->json);
    }
}

struct js_schema *js_schema_compile(const json_t *schema)
{
    struct js_schema *compiled = mem_alloc(sizeof *compiled);
    struct rule rules[ARRAY_LEN(keywords)];
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_LEN(keywords); i++) {
        const json_t *json = json_object_get(schema, keywords[i].name);

        if (!json)
            continue;
        rules[n] = (struct rule){ .keyword = &keywords[i], .json = json };
        compile_rule(&rules[n++]);
    }
    *compiled = (struct js_schema){ .json = schema, .rules = mem_array(n, sizeof *rules), .n_rules = n };
    if (n)
        memcpy(compiled->rules, rules, n * sizeof *rules);
    return compiled;
}

void js_schema_free(struct js_schema *compiled)
{
    for (size_t i = 0; compiled && i < compiled->n_rules; i++) {
        struct rule *rule = &compiled->rules[i];

        for (size_t k = 0; k < rule->n_within; k++)
            js_schema_free(rule->within[k]);
        if (rule->pattern)
            regfree(rule->pattern);
        free(rule->pattern);
        free(rule->names);
        free(rule->within);
    }
    if (compiled)
        free(compiled->rules);
    free(compiled);
}

bool js_schema_fits(const struct js_schema *compiled, const json_t *value, const char *pointer, struct err *err)
{
    for (size_t i = 0; i < compiled->n_rules; i++) {
        const struct rule *rule = &compiled->rules[i];
        const struct place at = { compiled->json, rule->json, value, rule, pointer };

        if (!rule->keyword->check(&at, err))
            return false;
    }
    return true;
}

bool js_schema_check(const json_t *schema, const json_t *value, const char *pointer,
                     struct err *err)
{
    AUTO(js_schema) struct js_schema *compiled = js_schema_compile(schema);

    return js_schema_fits(compiled, value, pointer, err);
}
