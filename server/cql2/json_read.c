/* CQL2's JSON. An object is told by the member that it must have; members beyond those of its kind
 * are refused, because to overlook one could change what the filter means. */
#include "cql2/tree.h"
#include <string.h>
#include <strings.h>

struct reader {
    struct builder builder;
    int depth; /* of objects and arrays around the value */
};

static bool read_value(struct reader *reader, const json_t *json, const char *pointer,
                       struct cql2_node **ret_node);

static const char *below(struct reader *reader, const char *pointer, const char *member)
{
    AUTO(mem) char *joined = js_pointer(pointer, member);

    return arena_text(reader->builder.arena, joined);
}

static const char *at(struct reader *reader, const char *pointer, size_t index)
{
    return arena_printf(reader->builder.arena, "%s/%zu", pointer, index);
}

static bool refuse(struct reader *reader, const json_t *value, const char *pointer, const char *expected)
{
    return err_set(reader->builder.err, ERR_InvalidParameter, "%s: expected %s, found %s", pointer, expected,
                   js_type_name(value));
}

static bool read_elements(struct reader *reader, const json_t *array, const char *pointer,
                          struct node_list *list)
{
    size_t i;
    json_t *element;

    json_array_foreach((json_t *)array, i, element) {
        struct cql2_node *node;

        if (!read_value(reader, element, at(reader, pointer, i), &node))
            return false;
        node_list_add(list, node);
    }
    return true;
}

static bool read_array(struct reader *reader, const json_t *json, const char *pointer,
                       struct cql2_node **ret_node)
{
    AUTO(node_list) struct node_list list = { 0 };

    return read_elements(reader, json, pointer, &list) &&
           build(&reader->builder, CQL2_ARRAY, pointer, list.count, list.nodes, ret_node);
}

/* ---- operators ---- */

/* Arrays stand only where the text can have them: as operands of A_ and as the list of IN. */
static bool check_arrays(struct reader *reader, enum cql2_op op, const json_t *args, const char *pointer)
{
    size_t i;
    json_t *arg;

    if (op_rows[op].operands == OF_ARRAYS)
        return true;
    if (op == CQL2_IN && !json_is_array(json_array_get(args, 1)))
        return refuse(reader, json_array_get(args, 1), at(reader, pointer, 1), "an array");
    json_array_foreach((json_t *)args, i, arg) {
        size_t inner;
        json_t *element;

        if (json_is_array(arg) && !(op == CQL2_IN && i == 1))
            return refuse(reader, arg, at(reader, pointer, i), "a single value");
        json_array_foreach(arg, inner, element)
            if (json_is_array(element))
                return refuse(reader, element, at(reader, at(reader, pointer, i), inner), "a single value");
    }
    return true;
}

/* Drafts of CQL2, which clients still write, had the ends of BETWEEN in an array of their own. The
 * caller frees. */
static json_t *flat_args(enum cql2_op op, const json_t *args)
{
    json_t *ends = json_array_get(args, 1);

    if (op != CQL2_BETWEEN || json_array_size(args) != 2 || json_array_size(ends) != 2)
        return json_incref((json_t *)args);
    return json_pack("[O,O,O]", json_array_get(args, 0), json_array_get(ends, 0), json_array_get(ends, 1));
}

static bool read_operator(struct reader *reader, enum cql2_op op, const json_t *given, const char *pointer,
                          struct cql2_node **ret_node)
{
    const struct op_row *row = &op_rows[op];
    AUTO(json) json_t *args = flat_args(op, given);
    AUTO(node_list) struct node_list list = { 0 };
    size_t count = json_array_size(args);
    const char *place = below(reader, pointer, "args");

    /* programs that write filters, STAC Browser for one, join even a single condition */
    if (row->operands == OF_CONDITIONS && row->least == 2 && count == 1)
        return read_value(reader, json_array_get(args, 0), at(reader, place, 0), ret_node);
    if (count < row->least || count > row->most)
        return err_set(reader->builder.err, ERR_InvalidParameter,
                       "%s: expected %s%zu argument%s of %s, found %zu", place, row->most > row->least ? "at least " : "", row->least,
                       row->least == 1 ? "" : "s", row->json, count);
    return check_arrays(reader, op, args, place) && read_elements(reader, args, place, &list) &&
           build(&reader->builder, op, pointer, list.count, list.nodes, ret_node);
}

static bool read_function(struct reader *reader, const char *name, const json_t *args, const char *pointer,
                          struct cql2_node **ret_node)
{
    AUTO(node_list) struct node_list list = { 0 };

    if (!is_identifier(name) || is_keyword(name, strlen(name)))
        return err_set(reader->builder.err, ERR_InvalidParameter,
                       "%s: expected an operator or the name of a function, found '%.60s'",
                       below(reader, pointer, "op"), name);
    if (!read_elements(reader, args, below(reader, pointer, "args"), &list) ||
        !build(&reader->builder, CQL2_FUNCTION, pointer, list.count, list.nodes, ret_node))
        return false;
    (*ret_node)->text = arena_text(reader->builder.arena, name);
    return true;
}

static bool read_op(struct reader *reader, const json_t *json, const char *pointer,
                    struct cql2_node **ret_node)
{
    const json_t *name = json_object_get(json, "op"), *args = json_object_get(json, "args");

    if (!json_is_string(name))
        return refuse(reader, name, below(reader, pointer, "op"), "a string");
    if (!json_is_array(args))
        return refuse(reader, args, below(reader, pointer, "args"), "an array");
    for (size_t op = 0; op < CQL2_OPS; op++)
        if (op_rows[op].json && !strcasecmp(op_rows[op].json, json_string_value(name)))
            return read_operator(reader, op, args, pointer, ret_node);
    return read_function(reader, json_string_value(name), args, pointer, ret_node);
}

/* ---- literals and properties ---- */

static bool read_property(struct reader *reader, const json_t *json, const char *pointer,
                          struct cql2_node **ret_node)
{
    const json_t *name = json_object_get(json, "property");

    if (!json_is_string(name) || !*json_string_value(name))
        return refuse(reader, name, below(reader, pointer, "property"), "the name of a property");
    return build_text(&reader->builder, CQL2_PROPERTY, json_string_value(name), pointer, ret_node);
}

static bool read_instant(struct reader *reader, enum cql2_op op, const json_t *text, const char *pointer,
                         struct cql2_node **ret_node)
{
    if (!json_is_string(text))
        return refuse(reader, text, pointer, op == CQL2_DATE ? "a date" : op == CQL2_TIMESTAMP ? "a time"
                                                                              : "a date, a time or '..'");
    return build_instant(&reader->builder, op, json_string_value(text), pointer, ret_node);
}

static bool read_date(struct reader *reader, const json_t *json, const char *pointer,
                      struct cql2_node **ret_node)
{
    return read_instant(reader, CQL2_DATE, json_object_get(json, "date"), below(reader, pointer, "date"),
                        ret_node);
}

static bool read_timestamp(struct reader *reader, const json_t *json, const char *pointer,
                           struct cql2_node **ret_node)
{
    return read_instant(reader, CQL2_TIMESTAMP, json_object_get(json, "timestamp"),
                        below(reader, pointer, "timestamp"), ret_node);
}

static bool read_interval(struct reader *reader, const json_t *json, const char *pointer,
                          struct cql2_node **ret_node)
{
    const json_t *ends = json_object_get(json, "interval");
    const char *place = below(reader, pointer, "interval");
    struct cql2_node *nodes[2];

    if (json_array_size(ends) != 2)
        return refuse(reader, ends, place, "an array of a start and an end");
    for (size_t i = 0; i < 2; i++) {
        const json_t *end = json_array_get(ends, i);
        const char *end_place = at(reader, place, i);

        if (!(json_is_object(end)
                  ? read_value(reader, end, end_place, &nodes[i])
                  : read_instant(reader, CQL2_INTERVAL, end, end_place, &nodes[i])))
            return false;
    }
    return build_interval(&reader->builder, place, nodes, ret_node);
}

static bool read_bbox(struct reader *reader, const json_t *json, const char *pointer,
                      struct cql2_node **ret_node)
{
    const json_t *numbers = json_object_get(json, "bbox");
    const char *place = below(reader, pointer, "bbox");
    size_t count = json_array_size(numbers);
    double values[6];

    if (count != 4 && count != 6)
        return refuse(reader, numbers, place, "an array of 4 or 6 numbers");
    for (size_t i = 0; i < count; i++) {
        if (!json_is_number(json_array_get(numbers, i)))
            return refuse(reader, json_array_get(numbers, i), at(reader, place, i), "a number");
        values[i] = json_number_value(json_array_get(numbers, i));
    }
    return build_bbox(&reader->builder, values, count, place, ret_node);
}

static bool read_geometry(struct reader *reader, const json_t *json, const char *pointer,
                          struct cql2_node **ret_node)
{
    return build_geometry(&reader->builder, json, pointer, ret_node);
}

/* ---- values ---- */

static const struct kind {
    const char *member;
    const char *others[3]; /* that may stand beside it */
    bool (*read)(struct reader *, const json_t *, const char *, struct cql2_node **);
} kinds[] = {
    { "op", { "args" }, read_op },
    { "property", { NULL }, read_property },
    { "timestamp", { NULL }, read_timestamp },
    { "date", { NULL }, read_date },
    { "interval", { NULL }, read_interval },
    { "type", { "coordinates", "geometries", "bbox" }, read_geometry },
    { "bbox", { NULL }, read_bbox },
};

static bool belongs(const struct kind *kind, const char *member)
{
    if (!strcmp(kind->member, member))
        return true;
    for (size_t i = 0; i < ARRAY_LEN(kind->others) && kind->others[i]; i++)
        if (!strcmp(kind->others[i], member))
            return true;
    return false;
}

static bool read_object(struct reader *reader, const json_t *json, const char *pointer,
                        struct cql2_node **ret_node)
{
    const struct kind *kind = kinds;
    const char *member;
    json_t *value;

    while (kind < kinds + ARRAY_LEN(kinds) && !json_object_get(json, kind->member))
        kind++;
    if (kind == kinds + ARRAY_LEN(kinds))
        return err_set(reader->builder.err, ERR_InvalidParameter,
                       "%s: expected an object with op, property, timestamp, date, interval, bbox or the "
                       "type of a geometry, found none of these", *pointer ? pointer : "/");
    json_object_foreach((json_t *)json, member, value)
        if (!belongs(kind, member))
            return err_set(reader->builder.err, ERR_InvalidParameter,
                           "%s: expected no such member beside %s", below(reader, pointer, member),
                           kind->member);
    return kind->read(reader, json, pointer, ret_node);
}

static bool read_nested(struct reader *reader, const json_t *json, const char *pointer,
                        struct cql2_node **ret_node)
{
    switch (json_typeof(json)) {
    case JSON_OBJECT: return read_object(reader, json, pointer, ret_node);
    case JSON_ARRAY: return read_array(reader, json, pointer, ret_node);
    case JSON_STRING:
        return build_text(&reader->builder, CQL2_STRING, json_string_value(json), pointer, ret_node);
    case JSON_INTEGER:
    case JSON_REAL: return build_number(&reader->builder, json_number_value(json), pointer, ret_node);
    case JSON_TRUE:
    case JSON_FALSE:
        if (!build(&reader->builder, CQL2_BOOLEAN, pointer, 0, NULL, ret_node))
            return false;
        (*ret_node)->truth = json_is_true(json);
        return true;
    case JSON_NULL: break;
    }
    return refuse(reader, json, pointer, "a value (isNull asks for what is missing)");
}

static bool read_value(struct reader *reader, const json_t *json, const char *pointer,
                       struct cql2_node **ret_node)
{
    bool ok;

    if (++reader->depth > CQL2_MAX_DEPTH)
        return err_set(reader->builder.err, ERR_InvalidParameter,
                       "%s: expected an expression at most %d levels deep, found more", pointer,
                       CQL2_MAX_DEPTH);
    ok = read_nested(reader, json, pointer, ret_node);
    reader->depth--;
    return ok;
}

bool cql2_parse_json(const json_t *json, const char *pointer, struct arena *arena,
                     struct cql2_node **ret_tree, struct err *err)
{
    struct reader reader = { .builder = { arena, err, 0, 0 } };

    if (json_is_array(json))
        return refuse(&reader, json, pointer, "a condition");
    return read_value(&reader, json, pointer, ret_tree);
}
