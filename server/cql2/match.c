/* An expression over one item, by walking the checked tree. Every value may be unknown; logic is
 * Kleene's. SQL evaluates the same tree by store/cql2_sql.c; a test with random expressions holds the
 * two together. */
#include "cql2/match.h"
#include "base/instant.h"
#include "cql2/synonyms.h"
#include <math.h>
#include <string.h>

static enum truth judge(struct match *match, const struct cql2_node *node);

static const struct value unknown = { .known = false };

static enum truth truth_of(bool holds)
{
    return holds ? YES : NO;
}

static enum truth negate(enum truth truth)
{
    return truth == UNKNOWN ? UNKNOWN : truth == YES ? NO : YES;
}

static enum truth both(enum truth a, enum truth b)
{
    return a == NO || b == NO ? NO : a == UNKNOWN || b == UNKNOWN ? UNKNOWN : YES;
}

static enum truth either(enum truth a, enum truth b)
{
    return negate(both(negate(a), negate(b)));
}

/* ---- values ---- */

struct value value_of_number(double number)
{
    return isfinite(number) ? (struct value){ .known = true, .number = number } : unknown;
}

struct value value_of_text(struct match *match, char *text_taken)
{
    struct value value = { .known = true, .text = arena_text(match->arena, text_taken) };

    free(text_taken);
    return value;
}

static struct value value_of_truth(enum truth truth)
{
    return (struct value){ .known = truth != UNKNOWN, .truth = truth == YES };
}

static struct value value_of_span(int64_t first_us, int64_t last_us)
{
    return (struct value){ true, .first = { true, first_us }, .last = { true, last_us } };
}

static const json_t *member_of(const struct match *match, const char *name)
{
    const json_t *properties = json_object_get(match->item, "properties"), *datetime;

    if (!strcmp(name, "id") || !strcmp(name, "collection") || !strcmp(name, "geometry"))
        return json_object_get(match->item, name);
    if (!strcmp(name, "datetime")) {
        datetime = json_object_get(properties, "datetime");
        return json_is_string(datetime) ? datetime : json_object_get(properties, "start_datetime");
    }
    return json_object_get(properties, name);
}

/* A date is a whole day, whatever the queryable says. */
static struct value time_of(const json_t *json)
{
    static const int64_t day_us = 86400000000;
    const char *text = json_string_value(json);
    int64_t us;

    if (!text || !instant_parse_us(text, &us))
        return unknown;
    return value_of_span(us, strlen(text) == 10 ? us + day_us - 1 : us);
}

/* The item's interval: what the property datetime is to temporal operators. */
static struct value item_interval(const struct match *match)
{
    const json_t *properties = json_object_get(match->item, "properties");
    struct value datetime = time_of(member_of(match, "datetime"));
    struct value start = time_of(json_object_get(properties, "start_datetime"));
    struct value end = time_of(json_object_get(properties, "end_datetime"));

    return (struct value){ true, .first = start.known ? start.first : datetime.first,
                           .last = end.known ? end.last : datetime.last };
}

static struct value geometry_of_text(struct match *match, const char *geojson)
{
    AUTO(json) json_t *geometry = json_loads(geojson, 0, NULL);

    return geometry_of_json(match, geometry);
}

/* What is no property of its own, an id, has no synonyms. */
static struct value text_of_property(struct match *match, const char *name, const json_t *json)
{
    const char *prefix = "", *text = json_string_value(json);

    if (!text)
        text = cql2_text_of(json_object_get(match->item, "properties"), name, &prefix);
    if (!text)
        return unknown;
    return (struct value){ .known = true, .text = *prefix ? arena_printf(match->arena, "%s%s", prefix, text) : text };
}

static struct value value_of_property(struct match *match, const struct cql2_node *node)
{
    const char *name = node->property->name;
    const json_t *json = member_of(match, name);

    switch (node->type) {
    case CQL2_TYPE_ANY:
        return json && !json_is_null(json) ? (struct value){ .known = true, .json = json } : unknown;
    case CQL2_TYPE_BOOLEAN:
        return json_is_boolean(json) ? (struct value){ .known = true, .truth = json_is_true(json) } : unknown;
    case CQL2_TYPE_NUMBER: return json_is_number(json) ? value_of_number(json_number_value(json)) : unknown;
    case CQL2_TYPE_STRING: return text_of_property(match, name, json);
    case CQL2_TYPE_TIMESTAMP:
    case CQL2_TYPE_DATE: return time_of(json);
    case CQL2_TYPE_INTERVAL: return item_interval(match);
    case CQL2_TYPE_GEOMETRY:
        return strcmp(name, "geometry") ? geometry_of_json(match, json) : geometry_of_item(match);
    case CQL2_TYPE_ARRAY:
        return json_is_array(json) ? (struct value){ .known = true, .json = json } : unknown;
    case CQL2_TYPES: break;
    }
    return unknown;
}

/* The ends may be known or not, each by itself. */
static struct value value_of_interval(struct match *match, const struct cql2_node *node)
{
    struct value start = evaluate(match, node->args[0]), end = evaluate(match, node->args[1]);

    return (struct value){ true, .first = start.first, .last = end.last };
}

/* ---- arithmetic ---- */

/* What PostgreSQL calls out of range has no value here either. */
static struct value arithmetic(enum cql2_op op, double a, double b)
{
    volatile double product; /* not to be fused with the subtraction */

    if ((op == CQL2_DIV || op == CQL2_IDIV || op == CQL2_MOD) && (b == 0 || (a / b == 0 && a != 0)))
        return unknown;
    switch (op) {
    case CQL2_ADD: return value_of_number(a + b);
    case CQL2_SUB: return value_of_number(a - b);
    case CQL2_MUL: return a * b == 0 && a != 0 && b != 0 ? unknown : value_of_number(a * b);
    case CQL2_DIV: return value_of_number(a / b);
    case CQL2_IDIV: return value_of_number(trunc(a / b));
    case CQL2_MOD:
        if (!isfinite(a / b))
            return unknown;
        product = b * trunc(a / b);
        return value_of_number(a - product);
    default: return pow(a, b) == 0 && a != 0 ? unknown : value_of_number(pow(a, b));
    }
}

static struct value value_of_arithmetic(struct match *match, const struct cql2_node *node)
{
    struct value a = evaluate(match, node->args[0]), b = evaluate(match, node->args[1]);

    return a.known && b.known ? arithmetic(node->op, a.number, b.number) : unknown;
}

static struct value value_of_folded(struct match *match, const struct cql2_node *node)
{
    struct value inner = evaluate(match, node->args[0]);

    if (!inner.known)
        return unknown;
    return value_of_text(match, (node->op == CQL2_CASEI ? cql2_casei : cql2_accenti)(inner.text));
}

/* ---- arrays ---- */

static json_t *json_of(const struct cql2_node *node, struct value value)
{
    if (!value.known)
        return NULL;
    if (value.json)
        return json_incref((json_t *)value.json);
    return value.text                       ? json_string(value.text)
           : node->type == CQL2_TYPE_NUMBER ? json_real(value.number)
                                            : json_boolean(value.truth);
}

static struct value value_of_array(struct match *match, const struct cql2_node *node)
{
    json_t *array = json_array();

    json_array_append_new(match->made, array);
    for (size_t i = 0; i < node->n_args; i++) {
        json_t *element = cql2_constant(node->args[i]);

        if (!element)
            element = json_of(node->args[i], evaluate(match, node->args[i]));
        if (!element)
            return unknown;
        json_array_append_new(array, element);
    }
    return (struct value){ .known = true, .json = array };
}

/* As the database compares JSON: numbers by value, members in any order. */
static bool same_json(const json_t *a, const json_t *b)
{
    const char *key;
    json_t *member;

    if (json_is_number(a) && json_is_number(b))
        return json_number_value(a) == json_number_value(b);
    if (json_is_array(a) && json_is_array(b)) {
        if (json_array_size(a) != json_array_size(b))
            return false;
        for (size_t i = 0; i < json_array_size(a); i++)
            if (!same_json(json_array_get(a, i), json_array_get(b, i)))
                return false;
        return true;
    }
    if (!json_is_object(a) || !json_is_object(b))
        return json_equal(a, b);
    if (json_object_size(a) != json_object_size(b))
        return false;
    json_object_foreach((json_t *)a, key, member)
        if (!json_object_get(b, key) || !same_json(member, json_object_get(b, key)))
            return false;
    return true;
}

static bool has_element(const json_t *array, const json_t *element)
{
    for (size_t i = 0; i < json_array_size(array); i++)
        if (same_json(json_array_get(array, i), element))
            return true;
    return false;
}

static size_t count_within(const json_t *a, const json_t *b)
{
    size_t count = 0;

    for (size_t i = 0; i < json_array_size(a); i++)
        count += has_element(b, json_array_get(a, i));
    return count;
}

static enum truth judge_arrays(struct match *match, const struct cql2_node *node)
{
    struct value a = evaluate(match, node->args[0]), b = evaluate(match, node->args[1]);
    bool a_within, b_within;

    if (!a.known || !b.known)
        return UNKNOWN;
    a_within = count_within(a.json, b.json) == json_array_size(a.json);
    b_within = count_within(b.json, a.json) == json_array_size(b.json);
    switch (node->op) {
    case CQL2_A_EQUALS: return truth_of(a_within && b_within);
    case CQL2_A_CONTAINS: return truth_of(b_within);
    case CQL2_A_CONTAINEDBY: return truth_of(a_within);
    default: return truth_of(count_within(a.json, b.json) > 0);
    }
}

/* ---- comparison ---- */

enum { INCOMPARABLE = 2 };

static int order_of_numbers(double a, double b)
{
    return (a > b) - (a < b);
}

static int order_of_json(const json_t *a, const json_t *b)
{
    if (json_is_number(a) && json_is_number(b))
        return order_of_numbers(json_number_value(a), json_number_value(b));
    if (json_is_boolean(a) && json_is_boolean(b))
        return json_is_true(a) - json_is_true(b);
    if (json_is_string(a) && json_is_string(b)) {
        int order = strcmp(json_string_value(a), json_string_value(b));

        return (order > 0) - (order < 0);
    }
    return INCOMPARABLE;
}

/* UTF-8 bytes order as code points do. */
static int order_of(const struct cql2_node *node, struct value a, struct value b)
{
    int order;

    if (!a.known || !b.known)
        return INCOMPARABLE;
    switch (node->type) {
    case CQL2_TYPE_ANY: return order_of_json(a.json, b.json);
    case CQL2_TYPE_BOOLEAN: return a.truth - b.truth;
    case CQL2_TYPE_NUMBER: return order_of_numbers(a.number, b.number);
    case CQL2_TYPE_TIMESTAMP:
    case CQL2_TYPE_DATE: return (a.first.us > b.first.us) - (a.first.us < b.first.us);
    default:
        order = strcmp(a.text, b.text);
        return (order > 0) - (order < 0);
    }
}

static enum truth judge_order(enum cql2_op op, int order)
{
    if (order == INCOMPARABLE)
        return UNKNOWN;
    switch (op) {
    case CQL2_EQ: return truth_of(order == 0);
    case CQL2_NE: return truth_of(order != 0);
    case CQL2_LT: return truth_of(order < 0);
    case CQL2_LE: return truth_of(order <= 0);
    case CQL2_GT: return truth_of(order > 0);
    default: return truth_of(order >= 0);
    }
}

static enum truth compare(struct match *match, enum cql2_op op, const struct cql2_node *a,
                          const struct cql2_node *b)
{
    return judge_order(op, order_of(a, evaluate(match, a), evaluate(match, b)));
}

static enum truth judge_in(struct match *match, const struct cql2_node *node)
{
    const struct cql2_node *list = node->args[1];
    enum truth truth = NO;

    for (size_t i = 0; i < list->n_args && truth != YES; i++)
        truth = either(truth, compare(match, CQL2_EQ, node->args[0], list->args[i]));
    return truth;
}

static size_t character_length(const char *text)
{
    uint32_t point;
    size_t length = text_decode(text, &point);

    return length ? length : 1;
}

/* Greedy: after a mismatch the text behind the last % is tried one character further on. */
static bool is_like(const char *text, const char *pattern)
{
    const char *retry_text = NULL, *retry_pattern = NULL;

    while (*text || *pattern) {
        bool escaped = *pattern == '\\' && pattern[1] && strchr("%_\\", pattern[1]);
        const char *wanted = pattern + escaped;
        size_t length = *wanted ? character_length(wanted) : 0;

        if (*pattern == '%') {
            retry_text = text;
            retry_pattern = ++pattern;
        } else if (*text && *pattern == '_') {
            text += character_length(text);
            pattern++;
        } else if (*text && length && !strncmp(text, wanted, length)) {
            text += length;
            pattern = wanted + length;
        } else {
            if (!retry_text || !*retry_text)
                return false;
            retry_text += character_length(retry_text);
            text = retry_text;
            pattern = retry_pattern;
        }
    }
    return true;
}

static enum truth judge_like(struct match *match, const struct cql2_node *node)
{
    struct value text = evaluate(match, node->args[0]), pattern = evaluate(match, node->args[1]);

    return text.known && pattern.known ? truth_of(is_like(text.text, pattern.text)) : UNKNOWN;
}

/* ---- time ---- */

enum side { A_FIRST, A_LAST, B_FIRST, B_LAST };

/* Each operator is up to three comparisons of ends that must all hold. */
static const struct span_rule {
    enum cql2_op op;
    struct { enum side left; enum cql2_op op; enum side right; } rules[3];
} span_rules[] = {
    { CQL2_T_AFTER, { { A_FIRST, CQL2_GT, B_LAST } } },
    { CQL2_T_BEFORE, { { A_LAST, CQL2_LT, B_FIRST } } },
    { CQL2_T_INTERSECTS, { { A_FIRST, CQL2_LE, B_LAST }, { A_LAST, CQL2_GE, B_FIRST } } },
    { CQL2_T_EQUALS, { { A_FIRST, CQL2_EQ, B_FIRST }, { A_LAST, CQL2_EQ, B_LAST } } },
    { CQL2_T_CONTAINS, { { A_FIRST, CQL2_LT, B_FIRST }, { A_LAST, CQL2_GT, B_LAST } } },
    { CQL2_T_DURING, { { A_FIRST, CQL2_GT, B_FIRST }, { A_LAST, CQL2_LT, B_LAST } } },
    { CQL2_T_FINISHEDBY, { { A_FIRST, CQL2_LT, B_FIRST }, { A_LAST, CQL2_EQ, B_LAST } } },
    { CQL2_T_FINISHES, { { A_FIRST, CQL2_GT, B_FIRST }, { A_LAST, CQL2_EQ, B_LAST } } },
    { CQL2_T_MEETS, { { A_LAST, CQL2_EQ, B_FIRST } } },
    { CQL2_T_METBY, { { A_FIRST, CQL2_EQ, B_LAST } } },
    { CQL2_T_OVERLAPS,
      { { A_FIRST, CQL2_LT, B_FIRST }, { A_LAST, CQL2_GT, B_FIRST }, { A_LAST, CQL2_LT, B_LAST } } },
    { CQL2_T_OVERLAPPEDBY,
      { { A_FIRST, CQL2_GT, B_FIRST }, { A_FIRST, CQL2_LT, B_LAST }, { A_LAST, CQL2_GT, B_LAST } } },
    { CQL2_T_STARTS, { { A_FIRST, CQL2_EQ, B_FIRST }, { A_LAST, CQL2_LT, B_LAST } } },
    { CQL2_T_STARTEDBY, { { A_FIRST, CQL2_EQ, B_FIRST }, { A_LAST, CQL2_GT, B_LAST } } },
};

static enum truth judge_spans(enum cql2_op op, struct value a, struct value b)
{
    const struct bound ends[] = { [A_FIRST] = a.first, [A_LAST] = a.last,
                                  [B_FIRST] = b.first, [B_LAST] = b.last };
    const struct span_rule *rule = span_rules;
    enum truth truth = YES;

    if (op == CQL2_T_DISJOINT)
        return negate(judge_spans(CQL2_T_INTERSECTS, a, b));
    while (rule->op != op)
        rule++;
    for (size_t i = 0; i < 3 && rule->rules[i].op; i++) {
        struct bound left = ends[rule->rules[i].left], right = ends[rule->rules[i].right];
        int order = left.known && right.known ? (left.us > right.us) - (left.us < right.us) : INCOMPARABLE;

        truth = both(truth, judge_order(rule->rules[i].op, order));
    }
    return truth;
}

/* ---- the tree ---- */

static enum truth judge_list(struct match *match, const struct cql2_node *node)
{
    enum truth truth = judge(match, node->args[0]), decisive = node->op == CQL2_AND ? NO : YES;

    for (size_t i = 1; i < node->n_args && truth != decisive; i++)
        truth = (node->op == CQL2_AND ? both : either)(truth, judge(match, node->args[i]));
    return truth;
}

static enum truth judge_null(struct match *match, const struct cql2_node *arg)
{
    struct value value = evaluate(match, arg);

    if (arg->type == CQL2_TYPE_INTERVAL)
        return truth_of(!value.first.known || !value.last.known);
    if (!value.known && arg->op == CQL2_PROPERTY && arg->property->type == CQL2_TYPE_STRING)
        value = text_of_property(match, arg->property->name, NULL); /* under another name */
    return truth_of(!value.known);
}

static enum truth judge(struct match *match, const struct cql2_node *node)
{
    struct value value;

    switch (node->op) {
    case CQL2_AND:
    case CQL2_OR: return judge_list(match, node);
    case CQL2_NOT: return negate(judge(match, node->args[0]));
    case CQL2_EQ ... CQL2_GE: return compare(match, node->op, node->args[0], node->args[1]);
    case CQL2_IS_NULL: return judge_null(match, node->args[0]);
    case CQL2_LIKE: return judge_like(match, node);
    case CQL2_BETWEEN:
        return both(compare(match, CQL2_GE, node->args[0], node->args[1]),
                    compare(match, CQL2_LE, node->args[0], node->args[2]));
    case CQL2_IN: return judge_in(match, node);
    case CQL2_S_INTERSECTS ... CQL2_S_CONTAINS:
        return geometries_relate(match, node->op, evaluate(match, node->args[0]),
                                 evaluate(match, node->args[1]));
    case CQL2_T_AFTER ... CQL2_T_STARTS:
        return judge_spans(node->op, evaluate(match, node->args[0]), evaluate(match, node->args[1]));
    case CQL2_A_EQUALS ... CQL2_A_OVERLAPS: return judge_arrays(match, node);
    default:
        value = evaluate(match, node);
        return value.known ? truth_of(value.truth) : UNKNOWN;
    }
}

struct value evaluate(struct match *match, const struct cql2_node *node)
{
    switch (node->op) {
    case CQL2_PROPERTY: return value_of_property(match, node);
    case CQL2_STRING: return (struct value){ .known = true, .text = node->text };
    case CQL2_NUMBER: return (struct value){ .known = true, .number = node->number };
    case CQL2_BOOLEAN: return (struct value){ .known = true, .truth = node->truth };
    case CQL2_TIMESTAMP:
    case CQL2_DATE:
    case CQL2_OPEN: return value_of_span(node->first_us, node->last_us);
    case CQL2_GEOMETRY:
    case CQL2_BBOX: return geometry_of_text(match, node->text);
    case CQL2_ARRAY: return value_of_array(match, node);
    case CQL2_INTERVAL: return value_of_interval(match, node);
    case CQL2_FUNCTION: return call_function(match, node);
    case CQL2_CASEI:
    case CQL2_ACCENTI: return value_of_folded(match, node);
    case CQL2_ADD ... CQL2_POW: return value_of_arithmetic(match, node);
    default: return value_of_truth(judge(match, node));
    }
}

bool cql2_match(const struct cql2_node *tree, const json_t *item)
{
    struct match match = { .item = item, .arena = arena_new(), .made = json_array() };
    bool holds = judge(&match, tree) == YES;

    space_free(match.space);
    json_decref(match.made);
    arena_free(match.arena);
    return holds;
}

/* Whole numbers as such: a sum of counts is a count. */
static json_t *json_of_number(double number)
{
    return number == nearbyint(number) && fabs(number) < 1e15 ? json_integer((json_int_t)number) : json_real(number);
}

static json_t *value_json(struct match *match, const struct cql2_node *tree)
{
    struct value value;

    if (tree->op == CQL2_PROPERTY) /* as the item has it */
        return json_deep_copy(member_of(match, tree->property->name));
    if (tree->type == CQL2_TYPE_TIMESTAMP || tree->type == CQL2_TYPE_DATE)
        return tree->text ? json_string(tree->text) : NULL;
    value = evaluate(match, tree);
    if (!value.known)
        return NULL;
    if (tree->type == CQL2_TYPE_NUMBER)
        return json_of_number(value.number);
    return value.json ? json_deep_copy(value.json) : json_of(tree, value);
}

json_t *cql2_value(const struct cql2_node *tree, const json_t *item)
{
    struct match match = { .item = item, .arena = arena_new(), .made = json_array() };
    json_t *made = value_json(&match, tree);

    space_free(match.space);
    json_decref(match.made);
    arena_free(match.arena);
    return made;
}
