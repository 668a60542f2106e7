/* Both writers. In text every operand whose operator binds looser than the one around it gets
 * parentheses, and so does a chain inside a chain of the same operator (a AND (b AND c)), because the
 * tree tells them apart. NOT stands before its operand: NOT x LIKE 'a%'. Names in quotes only where
 * they must be. */
#include "cql2/tree.h"
#include <math.h>
#include <string.h>

/* ---- text ---- */

enum binding { BIND_OR = 1, BIND_AND, BIND_NOT, BIND_PREDICATE, BIND_SUM, BIND_TERM, BIND_POWER,
               BIND_OPERAND };

static enum binding binding_of(const struct cql2_node *node)
{
    switch (node->op) {
    case CQL2_OR: return BIND_OR;
    case CQL2_AND: return BIND_AND;
    case CQL2_NOT: return BIND_NOT;
    case CQL2_ADD:
    case CQL2_SUB: return BIND_SUM;
    case CQL2_MUL:
    case CQL2_DIV:
    case CQL2_IDIV:
    case CQL2_MOD: return BIND_TERM;
    case CQL2_POW: return BIND_POWER;
    default:
        return node->op >= CQL2_EQ && node->op <= CQL2_IN ? BIND_PREDICATE : BIND_OPERAND;
    }
}

static void write_node(const struct cql2_node *node, struct text *out);

/* In parentheses when it binds less than `least`. */
static void write_operand(const struct cql2_node *node, enum binding least, struct text *out)
{
    bool wrap = binding_of(node) < least;

    text_add(out, wrap ? "(" : "");
    write_node(node, out);
    text_add(out, wrap ? ")" : "");
}

void cql2_write_string(const char *string, struct text *out)
{
    static const char controls[] = "\a\b\t\n\v\f\r", names[] = "abtnvfr";

    text_add(out, "'");
    for (const char *p = string; *p; p++) {
        const char *control = strchr(controls, *p);

        if (*p == '\'' || *p == '\\')
            text_addn(out, (char[]){ *p, *p }, 2);
        else if (control)
            text_addn(out, (char[]){ '\\', names[control - controls] }, 2);
        else
            text_addn(out, p, 1);
    }
    text_add(out, "'");
}

static void write_name(const char *name, struct text *out)
{
    if (is_identifier(name) && !is_keyword(name, strlen(name))) {
        text_add(out, name);
        return;
    }
    text_add(out, "\"");
    for (const char *p = name; *p; p++) {
        text_add(out, *p == '"' ? "\"" : "");
        text_addn(out, p, 1);
    }
    text_add(out, "\"");
}

/* Arguments of functions, operands of A_ and elements may be conditions; others need parentheses for
 * them, which there would make an array. */
static void write_list(const struct cql2_node *node, enum binding least, struct text *out)
{
    text_add(out, "(");
    for (size_t i = 0; i < node->n_args; i++) {
        text_add(out, i ? ", " : "");
        write_operand(node->args[i], least, out);
    }
    text_add(out, ")");
}

static void write_end(const struct cql2_node *node, struct text *out)
{
    if (node->op == CQL2_OPEN)
        text_add(out, "'..'");
    else if (node->op == CQL2_DATE || node->op == CQL2_TIMESTAMP)
        cql2_write_string(node->text, out);
    else
        write_node(node, out);
}

static void write_predicate(const struct cql2_node *node, struct text *out)
{
    write_operand(node->args[0], BIND_SUM, out);
    text_printf(out, " %s", op_rows[node->op].text);
    if (node->op == CQL2_IS_NULL)
        return;
    text_add(out, " ");
    if (node->op == CQL2_IN) {
        write_list(node->args[1], BIND_SUM, out);
        return;
    }
    write_operand(node->args[1], BIND_SUM, out);
    if (node->op == CQL2_BETWEEN) {
        text_add(out, " AND ");
        write_operand(node->args[2], BIND_SUM, out);
    }
}

/* Operators between two or more operands; the left one of arithmetic may bind as it does itself. */
static void write_infix(const struct cql2_node *node, struct text *out)
{
    enum binding own = binding_of(node);

    for (size_t i = 0; i < node->n_args; i++) {
        if (i)
            text_printf(out, " %s ", op_rows[node->op].text);
        write_operand(node->args[i], i == 0 && (own == BIND_SUM || own == BIND_TERM) ? own : own + 1, out);
    }
}

static void write_called(const struct cql2_node *node, struct text *out)
{
    switch (node->op) {
    case CQL2_DATE:
    case CQL2_TIMESTAMP:
        text_printf(out, "%s('%s')", node->op == CQL2_DATE ? "DATE" : "TIMESTAMP", node->text);
        break;
    case CQL2_INTERVAL:
        text_add(out, "INTERVAL(");
        write_end(node->args[0], out);
        text_add(out, ", ");
        write_end(node->args[1], out);
        text_add(out, ")");
        break;
    case CQL2_BBOX:
    case CQL2_FUNCTION:
        text_add(out, node->op == CQL2_BBOX ? "BBOX" : node->text);
        write_list(node, BIND_OR, out);
        break;
    default:
        text_add(out, op_rows[node->op].text);
        write_list(node, op_rows[node->op].operands == OF_ARRAYS ? BIND_OR : BIND_SUM, out);
    }
}

static void write_node(const struct cql2_node *node, struct text *out)
{
    switch (node->op) {
    case CQL2_PROPERTY: write_name(node->text, out); break;
    case CQL2_STRING: cql2_write_string(node->text, out); break;
    case CQL2_NUMBER: add_number(out, node->number); break;
    case CQL2_BOOLEAN: text_add(out, node->truth ? "TRUE" : "FALSE"); break;
    case CQL2_GEOMETRY: add_wkt(out, node->text); break;
    case CQL2_ARRAY: write_list(node, BIND_OR, out); break;
    case CQL2_NOT:
        text_add(out, "NOT ");
        write_operand(node->args[0], BIND_NOT, out);
        break;
    default:
        if (binding_of(node) == BIND_OPERAND)
            write_called(node, out);
        else if (binding_of(node) == BIND_PREDICATE)
            write_predicate(node, out);
        else
            write_infix(node, out);
    }
}

void cql2_write_text(const struct cql2_node *tree, struct text *out)
{
    write_node(tree, out);
}

/* ---- JSON ---- */

static json_t *number_to_json(double number)
{
    return fabs(number) < 1e15 && number == trunc(number) ? json_integer((json_int_t)number)
                                                          : json_real(number);
}

static json_t *args_to_json(const struct cql2_node *node)
{
    json_t *array = json_array();

    for (size_t i = 0; i < node->n_args; i++)
        json_array_append_new(array, cql2_to_json(node->args[i]));
    return array;
}

static json_t *end_to_json(const struct cql2_node *node)
{
    if (node->op == CQL2_OPEN)
        return json_string("..");
    return node->op == CQL2_DATE || node->op == CQL2_TIMESTAMP ? json_string(node->text) : cql2_to_json(node);
}

json_t *cql2_to_json(const struct cql2_node *node)
{
    switch (node->op) {
    case CQL2_PROPERTY: return json_pack("{s:s}", "property", node->text);
    case CQL2_STRING: return json_string(node->text);
    case CQL2_NUMBER: return number_to_json(node->number);
    case CQL2_BOOLEAN: return json_boolean(node->truth);
    case CQL2_TIMESTAMP: return json_pack("{s:s}", "timestamp", node->text);
    case CQL2_DATE: return json_pack("{s:s}", "date", node->text);
    case CQL2_OPEN: return json_string("..");
    case CQL2_GEOMETRY: return json_loads(node->text, 0, NULL);
    case CQL2_BBOX: return json_pack("{s:o}", "bbox", args_to_json(node));
    case CQL2_ARRAY: return args_to_json(node);
    case CQL2_INTERVAL:
        return json_pack("{s:[o,o]}", "interval", end_to_json(node->args[0]), end_to_json(node->args[1]));
    case CQL2_FUNCTION: return json_pack("{s:s,s:o}", "op", node->text, "args", args_to_json(node));
    default: return json_pack("{s:s,s:o}", "op", op_rows[node->op].json, "args", args_to_json(node));
    }
}

json_t *cql2_constant(const struct cql2_node *node)
{
    AUTO(json) json_t *array = NULL;

    switch (node->op) {
    case CQL2_STRING:
    case CQL2_NUMBER:
    case CQL2_BOOLEAN:
    case CQL2_GEOMETRY: return cql2_to_json(node);
    case CQL2_TIMESTAMP:
    case CQL2_DATE:
    case CQL2_OPEN: return end_to_json(node);
    case CQL2_BBOX: return json_loads(node->text, 0, NULL);
    case CQL2_ARRAY:
    case CQL2_INTERVAL: break;
    default: return NULL;
    }
    array = json_array();
    for (size_t i = 0; i < node->n_args; i++) {
        json_t *element = cql2_constant(node->args[i]);

        if (!element)
            return NULL;
        json_array_append_new(array, element);
    }
    return json_incref(array);
}
