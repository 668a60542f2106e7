/* STAC's query extension: an object of properties, each with an object of operators that must all
 * hold. It becomes the tree that CQL2 would give; the three that look for a part of a string become
 * LIKE with the part's own wildcards escaped. */
#include "cql2/tree.h"
#include <string.h>

enum form { COMPARE, PART, LIST };

static const struct query_op {
    const char *name;
    enum form form;
    enum cql2_op op;
    const char *before, *after; /* PART: of the pattern */
} query_ops[] = {
    { "eq", COMPARE, CQL2_EQ, "", "" },   { "neq", COMPARE, CQL2_NE, "", "" },
    { "lt", COMPARE, CQL2_LT, "", "" },   { "lte", COMPARE, CQL2_LE, "", "" },
    { "gt", COMPARE, CQL2_GT, "", "" },   { "gte", COMPARE, CQL2_GE, "", "" },
    { "startsWith", PART, CQL2_LIKE, "", "%" },
    { "endsWith", PART, CQL2_LIKE, "%", "" },
    { "contains", PART, CQL2_LIKE, "%", "%" },
    { "in", LIST, CQL2_IN, "", "" },
};

static bool refuse(struct builder *builder, const json_t *value, const char *place, const char *expected)
{
    return err_set(builder->err, ERR_InvalidParameter, "%s: expected %s, found %s", place, expected,
                   js_type_name(value));
}

static bool read_scalar(struct builder *builder, const json_t *value, const char *place,
                        struct cql2_node **ret_node)
{
    if (json_is_number(value))
        return build_number(builder, json_number_value(value), place, ret_node);
    if (json_is_string(value)) {
        if (!build_text(builder, CQL2_STRING, json_string_value(value), place, ret_node))
            return false;
        (*ret_node)->loose = true;
        return true;
    }
    if (!json_is_boolean(value))
        return refuse(builder, value, place, "a string, a number or a boolean");
    if (!build(builder, CQL2_BOOLEAN, place, 0, NULL, ret_node))
        return false;
    (*ret_node)->truth = json_is_true(value);
    return true;
}

static bool read_part(struct builder *builder, const struct query_op *op, const json_t *value,
                      const char *place, struct cql2_node **ret_node)
{
    AUTO(text) struct text pattern = { 0 };

    if (!json_is_string(value))
        return refuse(builder, value, place, "a string");
    text_add(&pattern, op->before);
    for (const char *p = json_string_value(value); *p; p++) {
        text_add(&pattern, strchr("%_\\", *p) ? "\\" : "");
        text_addn(&pattern, p, 1);
    }
    text_add(&pattern, op->after);
    return build_text(builder, CQL2_STRING, pattern.data, place, ret_node);
}

static bool read_list(struct builder *builder, const json_t *value, const char *place,
                      struct cql2_node **ret_node)
{
    AUTO(node_list) struct node_list list = { 0 };
    size_t i;
    json_t *element;

    if (!json_is_array(value))
        return refuse(builder, value, place, "an array");
    json_array_foreach((json_t *)value, i, element) {
        struct cql2_node *node;

        if (!read_scalar(builder, element, arena_printf(builder->arena, "%s/%zu", place, i), &node))
            return false;
        node_list_add(&list, node);
    }
    if (!build(builder, CQL2_ARRAY, place, list.count, list.nodes, ret_node))
        return false;
    (*ret_node)->loose = true;
    return true;
}

static bool read_operation(struct builder *builder, const char *property, const char *name,
                           const json_t *value, const char *place, struct cql2_node **ret_node)
{
    const struct query_op *op = query_ops;
    struct cql2_node *args[2];
    bool null = json_is_null(value);

    while (op < query_ops + ARRAY_LEN(query_ops) && strcmp(op->name, name))
        op++;
    if (op == query_ops + ARRAY_LEN(query_ops))
        return err_set(builder->err, ERR_InvalidParameter,
                       "%s: expected eq, neq, lt, lte, gt, gte, startsWith, endsWith, contains or in, "
                       "found '%.60s'", place, name);
    if (!build_text(builder, CQL2_PROPERTY, property, place, &args[0]))
        return false;
    if (null && (op->op == CQL2_EQ || op->op == CQL2_NE))
        return build(builder, CQL2_IS_NULL, place, 1, args, ret_node) &&
               (op->op == CQL2_EQ || build(builder, CQL2_NOT, place, 1, ret_node, ret_node));
    if (!(op->form == COMPARE ? read_scalar(builder, value, place, &args[1])
          : op->form == PART  ? read_part(builder, op, value, place, &args[1])
                              : read_list(builder, value, place, &args[1])))
        return false;
    return build(builder, op->op, place, 2, args, ret_node);
}

bool cql2_from_query(const json_t *query, const char *pointer, struct arena *arena,
                     struct cql2_node **ret_tree, struct err *err)
{
    struct builder builder = { arena, err, 0, 0 };
    AUTO(node_list) struct node_list all = { 0 };
    const char *property, *name;
    json_t *operations, *value;

    if (!json_is_object(query))
        return refuse(&builder, query, pointer, "an object of properties");
    json_object_foreach((json_t *)query, property, operations) {
        AUTO(mem) char *inner = js_pointer(pointer, property);

        if (!*property)
            return err_set(err, ERR_InvalidParameter, "%s: expected the name of a property, found ''", inner);
        if (!json_is_object(operations) || !json_object_size(operations))
            return refuse(&builder, operations, inner, "an object of operators");
        json_object_foreach(operations, name, value) {
            AUTO(mem) char *place = js_pointer(inner, name);
            struct cql2_node *node;

            if (!read_operation(&builder, property, name, value, arena_text(arena, place), &node))
                return false;
            node_list_add(&all, node);
        }
    }
    *ret_tree = all.count ? all.nodes[0] : NULL;
    return all.count < 2 || build(&builder, CQL2_AND, pointer, all.count, all.nodes, ret_tree);
}
