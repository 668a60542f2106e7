/* Bottom up: every node gets the type of its value; then its operator says what its arguments must be,
 * and want() holds each to it. What can be read in more than one way (a property of mixed types, a
 * string where a time belongs) is narrowed there, so that matching and SQL need not guess. */
#include "cql2/names.h"
#include "cql2/tree.h"
#include <string.h>
#include <strings.h>

struct check {
    struct builder builder;
    cql2_property_fn *find;
    void *context;
};

static bool check_node(struct check *check, struct cql2_node *node);

static bool is_time(enum cql2_type type)
{
    return type == CQL2_TYPE_TIMESTAMP || type == CQL2_TYPE_DATE;
}

static bool is_property(const struct cql2_node *node, const char *name)
{
    return node->op == CQL2_PROPERTY && !strcmp(node->property->name, name);
}

/* "the property eo:cloud_cover, a number", "a string". */
static const char *describe(struct check *check, const struct cql2_node *node)
{
    if (node->op == CQL2_PROPERTY)
        return arena_printf(check->builder.arena, "the property %.80s, %s", node->text,
                            cql2_type_name(node->property->type));
    if (node->op == CQL2_STRING)
        return arena_printf(check->builder.arena, "the string '%.40s'", node->text);
    if (node->op == CQL2_FUNCTION)
        return arena_printf(check->builder.arena, "%s(), %s", node->function->name,
                            cql2_type_name(node->function->result));
    return op_rows[node->op].result == CQL2_TYPE_BOOLEAN ? "a condition" : cql2_type_name(node->type);
}

static bool refuse(struct check *check, const struct cql2_node *node, const char *expected)
{
    AUTO(mem) char *message = mem_printf("%s: expected %s, found %s", *node->place ? node->place : "/",
                                         expected, describe(check, node));

    text_repair_utf8(message); /* names may be cut within a character */
    return err_set(check->builder.err, ERR_InvalidParameter, "%s", message);
}

static bool make_instant(struct check *check, struct cql2_node *node)
{
    struct cql2_node *instant;

    if (!build_instant(&check->builder, CQL2_INTERVAL, node->text, node->place, &instant))
        return false;
    if (instant->op == CQL2_OPEN)
        return refuse(check, node, "a time");
    *node = *instant;
    node->type = node->op == CQL2_DATE ? CQL2_TYPE_DATE : CQL2_TYPE_TIMESTAMP;
    return true;
}

/* Reads the node as a value of this type, if that can be. TIMESTAMP takes dates too. */
static bool want(struct check *check, struct cql2_node *node, enum cql2_type type)
{
    bool is_name = node->op == CQL2_PROPERTY, is_open = is_name && node->type == CQL2_TYPE_ANY;

    if (node->type == type || (type == CQL2_TYPE_TIMESTAMP && node->type == CQL2_TYPE_DATE))
        return true;
    if (type == CQL2_TYPE_TIMESTAMP && node->op == CQL2_STRING)
        return make_instant(check, node);
    if (type == CQL2_TYPE_NUMBER && node->loose && text_to_number(node->text, &node->number)) {
        node->op = CQL2_NUMBER;
        node->type = type;
        return true;
    }
    if (is_name && type == CQL2_TYPE_TIMESTAMP && node->type == CQL2_TYPE_STRING)
        is_open = true;
    if (is_name && type == CQL2_TYPE_STRING && is_time(node->type) && !is_property(node, "datetime"))
        is_open = true; /* times are texts in an item */
    if (!is_open || type == CQL2_TYPE_GEOMETRY || type == CQL2_TYPE_INTERVAL)
        return refuse(check, node, type == CQL2_TYPE_TIMESTAMP ? "a time" : cql2_type_name(type));
    node->type = type;
    return true;
}

static bool want_all(struct check *check, struct cql2_node *node, enum cql2_type type)
{
    for (size_t i = 0; i < node->n_args; i++)
        if (!want(check, node->args[i], type))
            return false;
    return true;
}

/* ---- operators ---- */

static bool check_conditions(struct check *check, struct cql2_node *node)
{
    for (size_t i = 0; i < node->n_args; i++)
        if (node->args[i]->type != CQL2_TYPE_BOOLEAN || node->args[i]->op == CQL2_PROPERTY)
            return refuse(check, node->args[i], "a condition");
    return true;
}

/* The type that decides how scalars compare: a time before a property's before any other. */
static enum cql2_type common_type(struct cql2_node *const *scalars, size_t count)
{
    enum cql2_type type = CQL2_TYPE_ANY;
    bool from_property = false;

    for (size_t i = 0; i < count; i++) {
        enum cql2_type own = scalars[i]->type;

        if (is_time(own))
            return CQL2_TYPE_TIMESTAMP;
        if (own != CQL2_TYPE_ANY && (type == CQL2_TYPE_ANY || (!from_property && scalars[i]->property))) {
            type = own;
            from_property = scalars[i]->property;
        }
    }
    return type;
}

static bool check_scalars(struct check *check, struct cql2_node *const *scalars, size_t count)
{
    enum cql2_type type;

    for (size_t i = 0; i < count; i++)
        if (scalars[i]->type >= CQL2_TYPE_INTERVAL)
            return refuse(check, scalars[i], "a string, a number, a boolean or a time");
    type = common_type(scalars, count);
    for (size_t i = 0; i < count && type != CQL2_TYPE_ANY; i++)
        if (!want(check, scalars[i], type))
            return false;
    return true;
}

static bool check_list(struct check *check, struct cql2_node *node)
{
    const struct cql2_node *list = node->args[1];
    AUTO(node_list) struct node_list all = { 0 };

    /* STAC's query has one word for both: an array has one of the list in it */
    if (list->loose && node->args[0]->type == CQL2_TYPE_ARRAY) {
        node->op = CQL2_A_OVERLAPS;
        return want_all(check, node, CQL2_TYPE_ARRAY);
    }

    node_list_add(&all, node->args[0]);
    for (size_t i = 0; i < list->n_args; i++)
        node_list_add(&all, list->args[i]);
    return check_scalars(check, all.nodes, all.count);
}

static bool check_pattern(struct check *check, struct cql2_node *node)
{
    const struct cql2_node *pattern = node->args[1];
    size_t length, escapes = 0;

    if (!want(check, node->args[0], CQL2_TYPE_STRING))
        return false;
    while (pattern->op == CQL2_CASEI || pattern->op == CQL2_ACCENTI)
        pattern = pattern->args[0];
    if (pattern->op != CQL2_STRING)
        return refuse(check, pattern, "a pattern in quotes");
    length = strlen(pattern->text);
    while (escapes < length && pattern->text[length - 1 - escapes] == '\\')
        escapes++;
    if (escapes % 2)
        return err_set(check->builder.err, ERR_InvalidParameter,
                       "%s: expected a character after the last \\ of the pattern, found the end",
                       pattern->place);
    return true;
}

static bool check_times(struct check *check, struct cql2_node *node, bool intervals_only)
{
    for (size_t i = 0; i < node->n_args; i++) {
        struct cql2_node *arg = node->args[i];

        if (is_property(arg, "datetime"))
            arg->type = CQL2_TYPE_INTERVAL;
        if (arg->type == CQL2_TYPE_INTERVAL)
            continue;
        if (intervals_only)
            return refuse(check, arg, "an interval such as INTERVAL('2024-01-01', '..') or the "
                                      "property datetime");
        if (!want(check, arg, CQL2_TYPE_TIMESTAMP))
            return false;
    }
    return true;
}

static bool check_operands(struct check *check, struct cql2_node *node)
{
    switch (op_rows[node->op].operands) {
    case OF_CONDITIONS: return check_conditions(check, node);
    case OF_SCALARS: return check_scalars(check, node->args, node->n_args);
    case OF_ANYTHING:
        if (node->args[0]->op == CQL2_PROPERTY)
            node->args[0]->type = CQL2_TYPE_ANY;
        return true;
    case OF_PATTERN: return check_pattern(check, node);
    case OF_LIST: return check_list(check, node);
    case OF_STRINGS: return want_all(check, node, CQL2_TYPE_STRING);
    case OF_NUMBERS: return want_all(check, node, CQL2_TYPE_NUMBER);
    case OF_GEOMETRIES: return want_all(check, node, CQL2_TYPE_GEOMETRY);
    case OF_TIMES: return check_times(check, node, false);
    case OF_INTERVALS: return check_times(check, node, true);
    case OF_ARRAYS: return want_all(check, node, CQL2_TYPE_ARRAY);
    }
    return true;
}

/* ---- leaves ---- */

static const char *property_name(void *context, ptrdiff_t index)
{
    struct check *check = context;
    const struct cql2_property *property = check->find(check->context, NULL, index);

    return property ? property->name : NULL;
}

static bool check_property(struct check *check, struct cql2_node *node)
{
    node->property = check->find(check->context, node->text, -1);
    if (!node->property && text_begins(node->text, "properties."))
        node->property = check->find(check->context, node->text + strlen("properties."), -1);
    if (!node->property)
        return names_refuse(node->text, node->place, "a property that can be asked for", property_name, check,
                            check->builder.err);
    node->text = node->property->name;
    node->type = node->property->type;
    return true;
}

static const char *function_name(void *context, ptrdiff_t index)
{
    (void)context;
    return index < CQL2_FUNCTIONS ? cql2_functions[index].name : NULL;
}

static bool check_function(struct check *check, struct cql2_node *node)
{
    const struct cql2_function *function = NULL;

    for (size_t i = 0; i < CQL2_FUNCTIONS; i++)
        if (!strcasecmp(cql2_functions[i].name, node->text))
            function = &cql2_functions[i];
    if (!function)
        return names_refuse(node->text, node->place, "a function of this service", function_name, NULL,
                            check->builder.err);
    if (node->n_args != function->n_args)
        return err_set(check->builder.err, ERR_InvalidParameter,
                       "%s: expected %s() with %zu argument%s, found %zu", node->place, function->name, function->n_args, function->n_args == 1 ? "" : "s",
                       node->n_args);
    for (size_t i = 0; i < node->n_args; i++)
        if (!want(check, node->args[i], function->args[i].type))
            return false;
    node->function = function;
    node->type = function->result;
    return true;
}

/* Elements are JSON values: properties as they stand in the item, constants, and what has a value. */
static bool check_array(struct check *check, struct cql2_node *node)
{
    for (size_t i = 0; i < node->n_args; i++) {
        struct cql2_node *element = node->args[i];
        AUTO(json) json_t *constant = cql2_constant(element);

        if (element->op == CQL2_PROPERTY && element->type != CQL2_TYPE_GEOMETRY)
            element->type = CQL2_TYPE_ANY;
        if (!constant && element->type > CQL2_TYPE_STRING)
            return refuse(check, element, "a string, a number, a boolean, a property or a constant");
    }
    node->type = CQL2_TYPE_ARRAY;
    return true;
}

static bool check_node(struct check *check, struct cql2_node *node)
{
    static const enum cql2_type types[CQL2_OPS] = {
        [CQL2_STRING] = CQL2_TYPE_STRING,     [CQL2_NUMBER] = CQL2_TYPE_NUMBER,
        [CQL2_BOOLEAN] = CQL2_TYPE_BOOLEAN,   [CQL2_TIMESTAMP] = CQL2_TYPE_TIMESTAMP,
        [CQL2_DATE] = CQL2_TYPE_DATE,         [CQL2_OPEN] = CQL2_TYPE_TIMESTAMP,
        [CQL2_GEOMETRY] = CQL2_TYPE_GEOMETRY, [CQL2_BBOX] = CQL2_TYPE_GEOMETRY,
        [CQL2_INTERVAL] = CQL2_TYPE_INTERVAL,
    };

    node->type = types[node->op];
    for (size_t i = 0; i < node->n_args; i++)
        if (!check_node(check, node->args[i]))
            return false;
    switch (node->op) {
    case CQL2_PROPERTY: return check_property(check, node);
    case CQL2_FUNCTION: return check_function(check, node);
    case CQL2_ARRAY: return check_array(check, node);
    case CQL2_INTERVAL: return want_all(check, node, CQL2_TYPE_TIMESTAMP);
    default: break;
    }
    if (!op_rows[node->op].json)
        return true;
    node->type = op_rows[node->op].result;
    return check_operands(check, node);
}

bool cql2_check(struct cql2_node *tree, cql2_property_fn *find, void *context, struct arena *arena,
                struct err *err)
{
    struct check check = { { arena, err, 0, 0 }, find, context };

    if (!check_node(&check, tree))
        return false;
    return (tree->type == CQL2_TYPE_BOOLEAN && tree->op != CQL2_PROPERTY) ||
           refuse(&check, tree, "a condition");
}

bool cql2_check_value(struct cql2_node *tree, cql2_property_fn *find, void *context, struct arena *arena,
                      struct err *err)
{
    struct check check = { { arena, err, 0, 0 }, find, context };

    if (!check_node(&check, tree))
        return false;
    return (tree->type != CQL2_TYPE_GEOMETRY && tree->type != CQL2_TYPE_INTERVAL) ||
           refuse(&check, tree, "a number, a text, a time, an array or a condition");
}

/* ---- what can be asked ---- */

const struct cql2_property *cql2_property_in_table(void *context, const char *name, ptrdiff_t index)
{
    const struct cql2_property *table = context;

    for (ptrdiff_t i = 0; table[i].name; i++)
        if (index >= 0 ? i == index : !strcmp(table[i].name, name))
            return &table[i];
    return NULL;
}

const struct cql2_property *cql2_property_any(void *context, const char *name, ptrdiff_t index)
{
    static const struct cql2_property known[] = {
        { "id", CQL2_TYPE_STRING },
        { "collection", CQL2_TYPE_STRING },
        { "datetime", CQL2_TYPE_TIMESTAMP },
        { "geometry", CQL2_TYPE_GEOMETRY },
        { NULL, CQL2_TYPE_ANY },
    };
    const struct cql2_property *found = cql2_property_in_table((void *)known, name, index);
    struct cql2_property *made;

    if (found || index >= 0)
        return found;
    made = arena_alloc(context, sizeof *made);
    made->name = arena_text(context, name);
    return made;
}

bool cql2_compile(const json_t *json, const char *pointer, struct arena *arena, struct cql2_node **ret_tree,
                  struct err *err)
{
    *ret_tree = NULL;
    if (!json || json_is_null(json))
        return true;
    return cql2_parse_json(json, pointer, arena, ret_tree, err) &&
           cql2_check(*ret_tree, cql2_property_any, arena, arena, err);
}
