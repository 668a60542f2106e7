/* CQL2's text by recursive descent; one function for each level of the standard's grammar, which binds
 * from loose to tight: OR, AND, NOT, comparison, + -, * / % DIV, ^, sign, operand. A parenthesis may
 * hold a condition or an arithmetic expression: which of them it is, cql2_check() decides by types.
 *
 * Where an argument of a function or an element of an array is all in parentheses, these make an
 * array: f((1)) has an array of one number, f((1) + 1) has a number. What is called like a function
 * (DATE, POINT, CASEI, ...) is a plain name where no parenthesis follows. */
#include "cql2/lexer.h"
#include <string.h>
#include <strings.h>

static bool read_or(struct lexer *lexer, struct cql2_node **ret_node);
static bool read_sum(struct lexer *lexer, struct cql2_node **ret_node);
static bool read_argument(struct lexer *lexer, struct cql2_node **ret_node);

/* ---- lists and calls ---- */

typedef bool read_fn(struct lexer *lexer, struct cql2_node **ret_node);

/* "(" element, element ")". */
static bool read_list(struct lexer *lexer, read_fn *read, struct node_list *list)
{
    if (!lexer_enter(lexer) || !lexer_expect(lexer, "(", "an opening ("))
        return false;
    while (!lexer_is_symbol(lexer, ")")) {
        struct cql2_node *node;

        if (list->count && !lexer_expect(lexer, ",", "a comma or a closing )"))
            return false;
        if (!read(lexer, &node))
            return false;
        node_list_add(list, node);
    }
    lexer->nesting--;
    return lexer_advance(lexer);
}

static bool read_array(struct lexer *lexer, struct cql2_node **ret_node)
{
    const char *place = lexer_place(lexer);
    AUTO(node_list) struct node_list list = { 0 };

    return read_list(lexer, read_argument, &list) &&
           build(&lexer->builder, CQL2_ARRAY, place, list.count, list.nodes, ret_node);
}

/* True when the parenthesis here closes at the end of the argument. */
static bool is_whole_argument(const struct lexer *lexer)
{
    struct lexer ahead = *lexer;
    struct err ignored = { 0 };
    size_t open = 0;

    ahead.builder.err = &ignored;
    do {
        open += lexer_is_symbol(&ahead, "(");
        open -= lexer_is_symbol(&ahead, ")");
        if (ahead.token == TOKEN_END || !lexer_advance(&ahead))
            return false;
    } while (open);
    return lexer_is_symbol(&ahead, ",") || lexer_is_symbol(&ahead, ")");
}

static bool read_argument(struct lexer *lexer, struct cql2_node **ret_node)
{
    if (lexer_is_symbol(lexer, "(") && is_whole_argument(lexer))
        return read_array(lexer, ret_node);
    return read_or(lexer, ret_node);
}

/* The operator that is called by the token's name; CQL2_OPS when there is none. */
static enum cql2_op called_op(const struct lexer *lexer)
{
    for (size_t op = 0; op < CQL2_OPS; op++)
        if (op_is_called(op) && !strcasecmp(op_rows[op].text, lexer->value))
            return op;
    return CQL2_OPS;
}

static bool read_operator_call(struct lexer *lexer, enum cql2_op op, struct cql2_node **ret_node)
{
    const struct op_row *row = &op_rows[op];
    const char *place = lexer_place(lexer);
    AUTO(node_list) struct node_list list = { 0 };

    if (!lexer_advance(lexer) ||
        !read_list(lexer, row->operands == OF_ARRAYS ? read_argument : read_sum, &list))
        return false;
    if (list.count != row->least)
        return err_set(lexer->builder.err, ERR_InvalidParameter,
                       "%s: expected %s with %zu argument%s, found %zu", place, row->text, row->least,
                       row->least == 1 ? "" : "s", list.count);
    return build(&lexer->builder, op, place, list.count, list.nodes, ret_node);
}

static bool read_function(struct lexer *lexer, struct cql2_node **ret_node)
{
    const char *place = lexer_place(lexer), *name = lexer->value;
    AUTO(node_list) struct node_list list = { 0 };

    if (!lexer_advance(lexer) || !read_list(lexer, read_argument, &list) ||
        !build(&lexer->builder, CQL2_FUNCTION, place, list.count, list.nodes, ret_node))
        return false;
    (*ret_node)->text = name;
    return true;
}

/* ---- literals ---- */

static bool read_instant(struct lexer *lexer, enum cql2_op op, struct cql2_node **ret_node)
{
    const char *place = lexer_place(lexer);

    if (!lexer_advance(lexer) || !lexer_advance(lexer)) /* the name, the parenthesis */
        return false;
    if (lexer->token != TOKEN_STRING)
        return lexer_refuse(lexer, op == CQL2_DATE ? "a date in single quotes" : "a time in single quotes");
    if (!build_instant(&lexer->builder, op, lexer->value, lexer_place(lexer), ret_node))
        return false;
    (*ret_node)->place = place;
    return lexer_advance(lexer) && lexer_expect(lexer, ")", "a closing )");
}

static bool read_interval_end(struct lexer *lexer, struct cql2_node **ret_node)
{
    if (lexer->token == TOKEN_STRING)
        return build_instant(&lexer->builder, CQL2_INTERVAL, lexer->value, lexer_place(lexer), ret_node) &&
               lexer_advance(lexer);
    return read_sum(lexer, ret_node);
}

static bool read_interval(struct lexer *lexer, struct cql2_node **ret_node)
{
    const char *place = lexer_place(lexer);
    AUTO(node_list) struct node_list list = { 0 };

    if (!lexer_advance(lexer) || !read_list(lexer, read_interval_end, &list))
        return false;
    if (list.count != 2)
        return err_set(lexer->builder.err, ERR_InvalidParameter,
                       "%s: expected INTERVAL with a start and an end, found %zu arguments", place,
                       list.count);
    return build_interval(&lexer->builder, place, list.nodes, ret_node);
}

static bool read_bbox(struct lexer *lexer, struct cql2_node **ret_node)
{
    const char *place = lexer_place(lexer);
    double numbers[6];
    size_t count = 0;

    if (!lexer_advance(lexer) || !lexer_expect(lexer, "(", "an opening ("))
        return false;
    do {
        if ((count && !lexer_advance(lexer)) || !lexer_signed_number(lexer, &numbers[count++]))
            return false;
    } while (count < 6 && lexer_is_symbol(lexer, ","));
    if (count != 4 && count != 6)
        return err_set(lexer->builder.err, ERR_InvalidParameter,
                       "%s: expected BBOX with 4 or 6 numbers, found %zu", place, count);
    return lexer_expect(lexer, ")", "a closing )") &&
           build_bbox(&lexer->builder, numbers, count, place, ret_node);
}

/* ---- operands ---- */

static bool read_named(struct lexer *lexer, struct cql2_node **ret_node)
{
    static const char *const reserved[] = { "AND",  "OR",      "NOT", "IS", "NULL",
                                            "LIKE", "BETWEEN", "IN",  "DIV" };
    const char *place = lexer_place(lexer);
    bool called = lexer_sees(lexer, '('), truth = lexer_is_keyword(lexer, "TRUE");
    enum cql2_op op = called_op(lexer);

    for (size_t i = 0; i < ARRAY_LEN(reserved); i++)
        if (lexer_is_keyword(lexer, reserved[i]))
            return lexer_refuse(lexer, "a property, a value or a function");
    if (truth || lexer_is_keyword(lexer, "FALSE")) {
        if (!build(&lexer->builder, CQL2_BOOLEAN, place, 0, NULL, ret_node))
            return false;
        (*ret_node)->truth = truth;
        return lexer_advance(lexer);
    }
    if (wkt_is_name(lexer))
        return wkt_read(lexer, ret_node);
    if (!called)
        return build_text(&lexer->builder, CQL2_PROPERTY, lexer->value, place, ret_node) &&
               lexer_advance(lexer);
    if (lexer_is_keyword(lexer, "DATE") || lexer_is_keyword(lexer, "TIMESTAMP"))
        return read_instant(lexer, lexer_is_keyword(lexer, "DATE") ? CQL2_DATE : CQL2_TIMESTAMP, ret_node);
    if (lexer_is_keyword(lexer, "INTERVAL"))
        return read_interval(lexer, ret_node);
    if (lexer_is_keyword(lexer, "BBOX"))
        return read_bbox(lexer, ret_node);
    return op < CQL2_OPS ? read_operator_call(lexer, op, ret_node) : read_function(lexer, ret_node);
}

static bool read_operand(struct lexer *lexer, struct cql2_node **ret_node)
{
    const char *place = lexer_place(lexer);

    switch (lexer->token) {
    case TOKEN_NAME: return read_named(lexer, ret_node);
    case TOKEN_QUOTED:
    case TOKEN_STRING:
        if (lexer->token == TOKEN_QUOTED && !*lexer->value)
            return lexer_refuse(lexer, "the name of a property between the quotes");
        return build_text(&lexer->builder, lexer->token == TOKEN_STRING ? CQL2_STRING : CQL2_PROPERTY,
                          lexer->value, place, ret_node) && lexer_advance(lexer);
    case TOKEN_NUMBER:
        return build_number(&lexer->builder, lexer->number, place, ret_node) && lexer_advance(lexer);
    default:
        if (!lexer_is_symbol(lexer, "("))
            return lexer_refuse(lexer, "a property, a value or a function");
        if (!lexer_enter(lexer) || !lexer_advance(lexer) || !read_or(lexer, ret_node) ||
            !lexer_expect(lexer, ")", "an operator or a closing )"))
            return false;
        lexer->nesting--;
        return true;
    }
}

/* A sign before a number is part of it; before anything else it is a product with -1. */
static bool read_factor(struct lexer *lexer, struct cql2_node **ret_node)
{
    const char *place = lexer_place(lexer);
    struct cql2_node *args[2];
    bool negative = lexer_is_symbol(lexer, "-");

    if (!negative && !lexer_is_symbol(lexer, "+"))
        return read_operand(lexer, ret_node);
    if (!lexer_advance(lexer))
        return false;
    if (lexer->token == TOKEN_NUMBER)
        return build_number(&lexer->builder, negative ? -lexer->number : lexer->number, place, ret_node) &&
               lexer_advance(lexer);
    if (!negative)
        return lexer_refuse(lexer, "a number");
    return build_number(&lexer->builder, -1, place, &args[0]) && read_operand(lexer, &args[1]) &&
           build(&lexer->builder, CQL2_MUL, place, 2, args, ret_node);
}

/* ---- arithmetic ---- */

static enum cql2_op arithmetic_op(const struct lexer *lexer, enum cql2_op first, enum cql2_op last)
{
    for (size_t op = first; op <= last; op++)
        if (op == CQL2_IDIV ? lexer_is_keyword(lexer, "DIV") : lexer_is_symbol(lexer, op_rows[op].text))
            return op;
    return CQL2_OPS;
}

static bool read_power(struct lexer *lexer, struct cql2_node **ret_node)
{
    struct cql2_node *args[2];

    if (!read_factor(lexer, &args[0]))
        return false;
    *ret_node = args[0];
    if (!lexer_is_symbol(lexer, "^"))
        return true;
    if (!lexer_advance(lexer) || !read_factor(lexer, &args[1]) ||
        !build(&lexer->builder, CQL2_POW, args[0]->place, 2, args, ret_node))
        return false;
    return !lexer_is_symbol(lexer, "^") ||
           lexer_refuse(lexer, "parentheses that say which ^ comes first");
}

static bool read_chain(struct lexer *lexer, read_fn *read, enum cql2_op first, enum cql2_op last,
                       struct cql2_node **ret_node)
{
    struct cql2_node *args[2];
    enum cql2_op op;

    if (!read(lexer, &args[0]))
        return false;
    while ((op = arithmetic_op(lexer, first, last)) < CQL2_OPS) {
        if (!lexer_advance(lexer) || !read(lexer, &args[1]) ||
            !build(&lexer->builder, op, args[0]->place, 2, args, &args[0]))
            return false;
    }
    *ret_node = args[0];
    return true;
}

static bool read_term(struct lexer *lexer, struct cql2_node **ret_node)
{
    return read_chain(lexer, read_power, CQL2_MUL, CQL2_MOD, ret_node);
}

static bool read_sum(struct lexer *lexer, struct cql2_node **ret_node)
{
    return read_chain(lexer, read_term, CQL2_ADD, CQL2_SUB, ret_node);
}

/* ---- predicates ---- */

static bool read_in(struct lexer *lexer, struct cql2_node *value, struct cql2_node **ret_node)
{
    const char *place = lexer_place(lexer);
    AUTO(node_list) struct node_list list = { 0 };
    struct cql2_node *args[2] = { value };

    return read_list(lexer, read_sum, &list) &&
           build(&lexer->builder, CQL2_ARRAY, place, list.count, list.nodes, &args[1]) &&
           build(&lexer->builder, CQL2_IN, value->place, 2, args, ret_node);
}

static bool read_between(struct lexer *lexer, struct cql2_node *value, struct cql2_node **ret_node)
{
    struct cql2_node *args[3] = { value };

    if (!read_sum(lexer, &args[1]))
        return false;
    if (!lexer_is_keyword(lexer, "AND"))
        return lexer_refuse(lexer, "AND and the upper end of BETWEEN");
    return lexer_advance(lexer) && read_sum(lexer, &args[2]) &&
           build(&lexer->builder, CQL2_BETWEEN, value->place, 3, args, ret_node);
}

static bool read_like(struct lexer *lexer, struct cql2_node *value, struct cql2_node **ret_node)
{
    struct cql2_node *args[2] = { value };

    return read_sum(lexer, &args[1]) &&
           build(&lexer->builder, CQL2_LIKE, value->place, 2, args, ret_node);
}

static bool negate(struct lexer *lexer, bool negated, struct cql2_node **node)
{
    return !negated || build(&lexer->builder, CQL2_NOT, (*node)->place, 1, node, node);
}

static bool read_is_null(struct lexer *lexer, struct cql2_node *value, struct cql2_node **ret_node)
{
    bool negated;

    if (!lexer_advance(lexer))
        return false;
    negated = lexer_is_keyword(lexer, "NOT");
    if (negated && !lexer_advance(lexer))
        return false;
    if (!lexer_is_keyword(lexer, "NULL"))
        return lexer_refuse(lexer, negated ? "NULL" : "NULL or NOT NULL");
    return lexer_advance(lexer) &&
           build(&lexer->builder, CQL2_IS_NULL, value->place, 1, &value, ret_node) &&
           negate(lexer, negated, ret_node);
}

static bool read_predicate(struct lexer *lexer, struct cql2_node **ret_node)
{
    struct cql2_node *args[2];
    bool negated;

    if (!read_sum(lexer, &args[0]))
        return false;
    for (size_t op = CQL2_EQ; op <= CQL2_GE; op++)
        if (lexer_is_symbol(lexer, op_rows[op].text))
            return lexer_advance(lexer) && read_sum(lexer, &args[1]) &&
                   build(&lexer->builder, op, args[0]->place, 2, args, ret_node);
    if (lexer_is_keyword(lexer, "IS"))
        return read_is_null(lexer, args[0], ret_node);
    negated = lexer_is_keyword(lexer, "NOT");
    if (negated && !lexer_advance(lexer))
        return false;
    for (size_t i = 0; i < 3; i++) {
        static const enum cql2_op ops[] = { CQL2_LIKE, CQL2_BETWEEN, CQL2_IN };
        static bool (*const readers[])(struct lexer *, struct cql2_node *, struct cql2_node **) = {
            read_like, read_between, read_in,
        };

        if (lexer_is_keyword(lexer, op_rows[ops[i]].text))
            return lexer_advance(lexer) && readers[i](lexer, args[0], ret_node) &&
                   negate(lexer, negated, ret_node);
    }
    *ret_node = args[0];
    return !negated || lexer_refuse(lexer, "LIKE, BETWEEN or IN");
}

static bool read_not(struct lexer *lexer, struct cql2_node **ret_node)
{
    const char *place = lexer_place(lexer);
    struct cql2_node *node;

    if (!lexer_is_keyword(lexer, "NOT"))
        return read_predicate(lexer, ret_node);
    if (!lexer_enter(lexer) || !lexer_advance(lexer) || !read_not(lexer, &node))
        return false;
    lexer->nesting--;
    return build(&lexer->builder, CQL2_NOT, place, 1, &node, ret_node);
}

static bool read_joined(struct lexer *lexer, enum cql2_op op, read_fn *read, struct cql2_node **ret_node)
{
    AUTO(node_list) struct node_list list = { 0 };

    do {
        if ((list.count && !lexer_advance(lexer)) || !read(lexer, ret_node))
            return false;
        node_list_add(&list, *ret_node);
    } while (lexer_is_keyword(lexer, op_rows[op].text));
    return list.count == 1 ||
           build(&lexer->builder, op, list.nodes[0]->place, list.count, list.nodes, ret_node);
}

static bool read_and(struct lexer *lexer, struct cql2_node **ret_node)
{
    return read_joined(lexer, CQL2_AND, read_not, ret_node);
}

static bool read_or(struct lexer *lexer, struct cql2_node **ret_node)
{
    return read_joined(lexer, CQL2_OR, read_and, ret_node);
}

bool cql2_parse_text(const char *text, size_t length, struct arena *arena, struct cql2_node **ret_tree,
                     struct err *err)
{
    struct lexer lexer = { .builder = { arena, err, 0, 0 } };
    AUTO(mem) char *copy = NULL;

    if (length > CQL2_MAX_BYTES)
        return err_set(err, ERR_InvalidParameter, "expected an expression of at most %d bytes, found %zu",
                       CQL2_MAX_BYTES, length);
    copy = mem_textn(text, length);
    if (strlen(copy) != length || !text_is_utf8(copy))
        return err_set(err, ERR_InvalidParameter, "expected an expression in UTF-8, found other bytes");
    return lexer_start(&lexer, copy) && read_or(&lexer, ret_tree) &&
           (lexer.token == TOKEN_END || lexer_refuse(&lexer, "an operator, AND, OR or the end"));
}
