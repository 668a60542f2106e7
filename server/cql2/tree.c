/* Nodes are made by build(), which holds the limits: every node counts, and each knows how deep the
 * tree below it is, so that whatever one reader accepts the other accepts too once it is rewritten. */
#include "cql2/tree.h"
#include "base/instant.h"
#include "json/geojson.h"
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

const struct op_row op_rows[CQL2_OPS] = {
#define OP(id, json_, text_, least_, most_, operands_, result_)                                    \
    [CQL2_##id] = { json_, text_, least_, most_, OF_##operands_, CQL2_TYPE_##result_ },
#include "cql2/ops.def"
#undef OP
};

const struct cql2_function cql2_functions[CQL2_FUNCTIONS] = {
#define ARGS(...) { __VA_ARGS__ }
#define FUNCTION(id, result_, n_args_, args_, description_)                                        \
    [CQL2_FN_##id] = { #id, CQL2_TYPE_##result_, n_args_, args_, description_ },
#include "cql2/functions.def"
#undef FUNCTION
#undef ARGS
};

const char *cql2_op_name(enum cql2_op op)
{
    return op_rows[op].json;
}

const char *cql2_type_name(enum cql2_type type)
{
    static const char *const names[CQL2_TYPES] = {
        [CQL2_TYPE_ANY] = "a value of any type", [CQL2_TYPE_BOOLEAN] = "a boolean",
        [CQL2_TYPE_NUMBER] = "a number",         [CQL2_TYPE_STRING] = "a string",
        [CQL2_TYPE_TIMESTAMP] = "a timestamp",   [CQL2_TYPE_DATE] = "a date",
        [CQL2_TYPE_INTERVAL] = "an interval",    [CQL2_TYPE_GEOMETRY] = "a geometry",
        [CQL2_TYPE_ARRAY] = "an array",
    };

    return names[type];
}

bool op_is_called(enum cql2_op op)
{
    return op == CQL2_CASEI || op == CQL2_ACCENTI || op >= CQL2_S_INTERSECTS;
}

bool op_is_arithmetic(enum cql2_op op)
{
    return op >= CQL2_ADD && op <= CQL2_POW;
}

/* ---- making ---- */

bool build(struct builder *builder, enum cql2_op op, const char *place, size_t n_args,
           struct cql2_node *const *args, struct cql2_node **ret_node)
{
    struct cql2_node *node;

    if (++builder->nodes > CQL2_MAX_NODES)
        return err_set(builder->err, ERR_InvalidParameter,
                       "%s: expected an expression of at most %d parts, found more", place,
                       CQL2_MAX_NODES);
    node = arena_alloc(builder->arena, sizeof *node);
    node->op = op;
    node->place = place;
    node->n_args = n_args;
    node->args = arena_array(builder->arena, n_args, sizeof(struct cql2_node *));
    node->depth = 1;
    for (size_t i = 0; i < n_args; i++) {
        node->args[i] = args[i];
        if (args[i]->depth >= node->depth)
            node->depth = args[i]->depth + 1;
    }
    if (node->depth > CQL2_MAX_DEPTH)
        return err_set(builder->err, ERR_InvalidParameter,
                       "%s: expected an expression at most %d levels deep, found more", place,
                       CQL2_MAX_DEPTH);
    *ret_node = node;
    return true;
}

bool build_number(struct builder *builder, double number, const char *place, struct cql2_node **ret_node)
{
    if (!build(builder, CQL2_NUMBER, place, 0, NULL, ret_node))
        return false;
    (*ret_node)->number = number == 0 ? 0 : number; /* -0 is 0 */
    return true;
}

bool build_text(struct builder *builder, enum cql2_op op, const char *text, const char *place,
                struct cql2_node **ret_node)
{
    if (!build(builder, op, place, 0, NULL, ret_node))
        return false;
    (*ret_node)->text = arena_text(builder->arena, text);
    return true;
}

static bool build_open(struct builder *builder, const char *place, struct cql2_node **ret_node)
{
    if (!build(builder, CQL2_OPEN, place, 0, NULL, ret_node))
        return false;
    (*ret_node)->first_us = INT64_MIN;
    (*ret_node)->last_us = INT64_MAX;
    return true;
}

bool build_instant(struct builder *builder, enum cql2_op op, const char *text, const char *place,
                   struct cql2_node **ret_node)
{
    static const int64_t day_us = 86400000000;
    static const char *const expected[CQL2_OPS] = {
        [CQL2_DATE] = "a date such as '2024-02-29'",
        [CQL2_TIMESTAMP] = "a time such as '2024-02-29T12:00:00Z'",
        [CQL2_INTERVAL] = "a date such as '2024-02-29', a time such as '2024-02-29T12:00:00Z' or '..'",
    };
    bool is_date = strlen(text) == 10;
    char formatted[INSTANT_TEXT_SIZE];
    int64_t us;

    if (op == CQL2_INTERVAL && !strcmp(text, ".."))
        return build_open(builder, place, ret_node);
    if (!(is_date ? op != CQL2_TIMESTAMP : op != CQL2_DATE) || !instant_parse_us(text, &us))
        return err_set(builder->err, ERR_InvalidParameter, "%s: expected %s, found '%.60s'", place,
                       expected[op], text);
    if (!build_text(builder, is_date ? CQL2_DATE : CQL2_TIMESTAMP,
                    is_date ? text : instant_format_us(us, formatted), place, ret_node))
        return false;
    (*ret_node)->first_us = us;
    (*ret_node)->last_us = is_date ? us + day_us - 1 : us;
    return true;
}

bool build_interval(struct builder *builder, const char *place, struct cql2_node *const *ends,
                    struct cql2_node **ret_node)
{
    bool literal = true;

    for (int i = 0; i < 2; i++) {
        enum cql2_op op = ends[i]->op;

        if (op != CQL2_TIMESTAMP && op != CQL2_DATE && op != CQL2_OPEN && op != CQL2_PROPERTY &&
            op != CQL2_FUNCTION)
            return err_set(builder->err, ERR_InvalidParameter,
                           "%s: expected a date, a time, '..', a property or a function as an end of the "
                           "interval, found another expression", ends[i]->place);
        literal = literal && (op == CQL2_TIMESTAMP || op == CQL2_DATE || op == CQL2_OPEN);
    }
    if (literal && ends[0]->first_us > ends[1]->last_us)
        return err_set(builder->err, ERR_InvalidParameter,
                       "%s: expected an interval that starts before it ends, found %s after %s", place,
                       ends[0]->text, ends[1]->text);
    return build(builder, CQL2_INTERVAL, place, 2, ends, ret_node);
}

void node_list_add(struct node_list *list, struct cql2_node *node)
{
    list->nodes = mem_grow(list->nodes, &list->capacity, list->count + 1, sizeof node);
    list->nodes[list->count++] = node;
}

void node_list_drop(struct node_list *list)
{
    free(list->nodes);
}

struct cql2_node *cql2_and(struct arena *arena, struct cql2_node *a, struct cql2_node *b)
{
    struct cql2_node *both;

    if (!a || !b)
        return a ? a : b;
    both = arena_alloc(arena, sizeof *both);
    both->op = CQL2_AND;
    both->type = CQL2_TYPE_BOOLEAN;
    both->place = a->place;
    both->n_args = 2;
    both->args = arena_array(arena, 2, sizeof a);
    both->args[0] = a;
    both->args[1] = b;
    both->depth = 1 + (a->depth > b->depth ? a->depth : b->depth);
    return both;
}

bool cql2_equal(const struct cql2_node *a, const struct cql2_node *b)
{
    if (a->op != b->op || a->n_args != b->n_args || !a->text != !b->text ||
        (a->text && strcmp(a->text, b->text)) || a->number != b->number || a->truth != b->truth)
        return false;
    for (size_t i = 0; i < a->n_args; i++)
        if (!cql2_equal(a->args[i], b->args[i]))
            return false;
    return true;
}

/* ---- names ---- */

/* Rows of the BNF's identifierStart; then what only may follow. */
static const struct range { uint32_t first, last; } starts[] = {
    { ':', ':' },         { '_', '_' },         { 'A', 'Z' },         { 'a', 'z' },
    { 0xC0, 0xD6 },       { 0xD8, 0xF6 },       { 0xF8, 0x2FF },      { 0x370, 0x37D },
    { 0x37F, 0x1FFE },    { 0x200C, 0x200D },   { 0x2070, 0x218F },   { 0x2C00, 0x2FEF },
    { 0x3001, 0xD7FF },   { 0xF900, 0xFDCF },   { 0xFDF0, 0xFFFD },   { 0x10000, 0xEFFFF },
}, parts[] = { { '.', '.' }, { '0', '9' }, { 0x300, 0x36F }, { 0x203F, 0x2040 } };

static bool in_ranges(const struct range *ranges, size_t count, uint32_t c)
{
    for (size_t i = 0; i < count; i++)
        if (c >= ranges[i].first && c <= ranges[i].last)
            return true;
    return false;
}

size_t identifier_length(const char *text)
{
    const char *p = text;

    while (*p) {
        uint32_t c;
        size_t length = text_decode(p, &c);

        if (length == 0 || (!in_ranges(starts, ARRAY_LEN(starts), c) &&
                            (p == text || !in_ranges(parts, ARRAY_LEN(parts), c))))
            break;
        p += length;
    }
    return (size_t)(p - text);
}

bool is_identifier(const char *name)
{
    return *name && identifier_length(name) == strlen(name);
}

bool is_keyword(const char *name, size_t length)
{
    static const char *const others[] = {
        "BBOX", "DATE", "FALSE", "GEOMETRYCOLLECTION", "INTERVAL", "IS", "LINESTRING",
        "MULTILINESTRING", "MULTIPOINT", "MULTIPOLYGON", "NULL", "POINT", "POLYGON", "TIMESTAMP",
        "TRUE",
    };

    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        if (strlen(others[i]) == length && !strncasecmp(others[i], name, length))
            return true;
    for (size_t op = 0; op < CQL2_OPS; op++)
        if (op_rows[op].text && strlen(op_rows[op].text) == length &&
            !strncasecmp(op_rows[op].text, name, length))
            return true;
    return false;
}

/* ---- boxes and numbers ---- */

void add_number(struct text *out, double number)
{
    char digits[32];

    for (int precision = 15; precision <= 17; precision++) {
        snprintf(digits, sizeof digits, "%.*g", precision, number == 0 ? 0 : number);
        if (strtod(digits, NULL) == number)
            break;
    }
    text_add(out, digits);
}

bool build_bbox(struct builder *builder, const double *numbers, size_t count, const char *place,
                struct cql2_node **ret_node)
{
    /* + 0: -0 is 0 */
    double west = numbers[0] + 0, south = numbers[1] + 0;
    double east = numbers[count / 2] + 0, north = numbers[count / 2 + 1] + 0;
    AUTO(text) struct text out = { 0 };
    struct cql2_node *args[6];

    if (fabs(west) > 180 || fabs(east) > 180 || fabs(south) > 90 || fabs(north) > 90)
        return err_set(builder->err, ERR_InvalidParameter,
                       "%s: expected longitudes within -180 and 180 and latitudes within -90 and 90, "
                       "found %g, %g, %g, %g", place, west, south, east, north);
    if (south > north)
        return err_set(builder->err, ERR_InvalidParameter,
                       "%s: expected the south below the north, found %g above %g", place, south, north);
    if (count == 6 && numbers[2] > numbers[5])
        return err_set(builder->err, ERR_InvalidParameter,
                       "%s: expected the bottom below the top, found %g above %g", place, numbers[2],
                       numbers[5]);
    for (size_t i = 0; i < count; i++)
        if (!build_number(builder, numbers[i], place, &args[i]))
            return false;
    geojson_add_box(&out, (double[]){ west, south, east, north });
    if (!build(builder, CQL2_BBOX, place, count, args, ret_node))
        return false;
    (*ret_node)->text = arena_text(builder->arena, out.data);
    return true;
}
