/* Every operator is a row of a table: a fixed fragment in which %1, %2 ... are its arguments. A literal
 * is a parameter. Properties are columns where there are any, so that indexes help, and are read out of
 * the item's own document otherwise, as the type that checking found; what has another type is NULL,
 * and NULL is SQL's own unknown. What could raise an error (division, overflow, a text that is no time)
 * goes through functions of sql/0004-search.sql that answer NULL instead.
 *
 * Where a condition only narrows (under nothing but AND and OR) what follows from it may stand beside it: that is how
 * conditions on intervals and on shapes come to use the indexes. */
#include "store/cql2_sql.h"
#include "store/collections.h"
#include <math.h>
#include <string.h>

enum { PARTS = 4 };

struct translation {
    const struct cql2_context *context;
    struct arena *arena;
    struct composed *statement;
    bool exact; /* under more than AND and OR: false and unknown are not the same */
};

static const char *const operators[CQL2_OPS] = {
    [CQL2_NOT] = "(NOT %1)",
    [CQL2_EQ] = "(%1 = %2)",   [CQL2_NE] = "(%1 <> %2)",
    [CQL2_LT] = "(%1 < %2)",   [CQL2_LE] = "(%1 <= %2)",
    [CQL2_GT] = "(%1 > %2)",   [CQL2_GE] = "(%1 >= %2)",
    [CQL2_IS_NULL] = "(%1 IS NULL)",
    [CQL2_LIKE] = "(%1 LIKE %2)",
    [CQL2_BETWEEN] = "(%1 BETWEEN %2 AND %3)",
    [CQL2_CASEI] = "(cql2_casei(%1) COLLATE \"C\")",
    [CQL2_ACCENTI] = "(cql2_accenti(%1) COLLATE \"C\")",
    [CQL2_ADD] = "cql2_add(%1, %2)", [CQL2_SUB] = "cql2_subtract(%1, %2)",
    [CQL2_MUL] = "cql2_multiply(%1, %2)", [CQL2_DIV] = "cql2_divide(%1, %2)",
    [CQL2_IDIV] = "cql2_div(%1, %2)", [CQL2_MOD] = "cql2_modulo(%1, %2)",
    [CQL2_POW] = "cql2_power(%1, %2)",
    [CQL2_S_INTERSECTS] = "ST_Intersects(%1, %2)",
    [CQL2_S_DISJOINT] = "(NOT ST_Intersects(%1, %2))",
    [CQL2_S_EQUALS] = "ST_Equals(cql2_relatable(%1), cql2_relatable(%2))",
    [CQL2_S_TOUCHES] = "ST_Touches(cql2_relatable(%1), cql2_relatable(%2))",
    [CQL2_S_WITHIN] = "ST_Within(cql2_relatable(%1), cql2_relatable(%2))",
    [CQL2_S_OVERLAPS] = "ST_Overlaps(cql2_relatable(%1), cql2_relatable(%2))",
    [CQL2_S_CROSSES] = "ST_Crosses(cql2_relatable(%1), cql2_relatable(%2))",
    [CQL2_S_CONTAINS] = "ST_Contains(cql2_relatable(%1), cql2_relatable(%2))",
    /* the start and the end of one, the start and the end of the other */
    [CQL2_T_AFTER] = "(%1 > %4)",
    [CQL2_T_BEFORE] = "(%2 < %3)",
    [CQL2_T_DISJOINT] = "(%1 > %4 OR %2 < %3)",
    [CQL2_T_INTERSECTS] = "(%1 <= %4 AND %2 >= %3)",
    [CQL2_T_EQUALS] = "(%1 = %3 AND %2 = %4)",
    [CQL2_T_CONTAINS] = "(%1 < %3 AND %2 > %4)",
    [CQL2_T_DURING] = "(%1 > %3 AND %2 < %4)",
    [CQL2_T_FINISHEDBY] = "(%1 < %3 AND %2 = %4)",
    [CQL2_T_FINISHES] = "(%1 > %3 AND %2 = %4)",
    [CQL2_T_MEETS] = "(%2 = %3)",
    [CQL2_T_METBY] = "(%1 = %4)",
    [CQL2_T_OVERLAPPEDBY] = "(%1 > %3 AND %1 < %4 AND %2 > %4)",
    [CQL2_T_OVERLAPS] = "(%1 < %3 AND %2 > %3 AND %2 < %4)",
    [CQL2_T_STARTEDBY] = "(%1 = %3 AND %2 > %4)",
    [CQL2_T_STARTS] = "(%1 = %3 AND %2 < %4)",
    [CQL2_A_EQUALS] = "(cql2_has_all(%1, %2) AND cql2_has_all(%2, %1))",
    [CQL2_A_CONTAINS] = "cql2_has_all(%1, %2)",
    [CQL2_A_CONTAINEDBY] = "cql2_has_all(%2, %1)",
    [CQL2_A_OVERLAPS] = "cql2_has_any(%1, %2)",
};

/* Between values whose type only the data tells. */
static const char *const mixed[CQL2_OPS] = {
    [CQL2_EQ] = "(cql2_compare(%1, %2) = 0)",  [CQL2_NE] = "(cql2_compare(%1, %2) <> 0)",
    [CQL2_LT] = "(cql2_compare(%1, %2) < 0)",  [CQL2_LE] = "(cql2_compare(%1, %2) <= 0)",
    [CQL2_GT] = "(cql2_compare(%1, %2) > 0)",  [CQL2_GE] = "(cql2_compare(%1, %2) >= 0)",
    [CQL2_BETWEEN] = "(cql2_compare(%1, %2) >= 0 AND cql2_compare(%1, %3) <= 0)",
};

static const char *const functions[CQL2_FUNCTIONS] = {
    [CQL2_FN_lower] = "(lower(%1 COLLATE \"und-x-icu\") COLLATE \"C\")",
    [CQL2_FN_upper] = "(upper(%1 COLLATE \"und-x-icu\") COLLATE \"C\")",
    [CQL2_FN_trim] = "(btrim(%1) COLLATE \"C\")",
    [CQL2_FN_concat] = "((%1 || %2) COLLATE \"C\")",
    [CQL2_FN_length] = "(char_length(%1)::double precision)",
    [CQL2_FN_abs] = "abs(%1)",
    [CQL2_FN_ceil] = "ceil(%1)",
    [CQL2_FN_floor] = "floor(%1)",
    [CQL2_FN_round] = "round(%1)",
    [CQL2_FN_sqrt] = "cql2_sqrt(%1)",
    [CQL2_FN_year] = "(extract(year FROM %1 AT TIME ZONE 'UTC')::double precision)",
    [CQL2_FN_month] = "(extract(month FROM %1 AT TIME ZONE 'UTC')::double precision)",
    [CQL2_FN_day] = "(extract(day FROM %1 AT TIME ZONE 'UTC')::double precision)",
    [CQL2_FN_hour] = "(extract(hour FROM %1 AT TIME ZONE 'UTC')::double precision)",
    [CQL2_FN_doy] = "(extract(doy FROM %1 AT TIME ZONE 'UTC')::double precision)",
    [CQL2_FN_centroid] = "ST_Centroid(%1)",
    [CQL2_FN_size] = "(jsonb_array_length(%1)::double precision)",
};

/* A property read out of the document: %1 is the document, %2 the name. */
static const char *const readings[CQL2_TYPES] = {
    [CQL2_TYPE_ANY] = "nullif(%1 -> %2, 'null')",
    [CQL2_TYPE_BOOLEAN] = "item_boolean(%1 -> %2)",
    [CQL2_TYPE_NUMBER] = "item_number(%1 -> %2)",
    [CQL2_TYPE_STRING] = "(item_string(%1 -> %2) COLLATE \"C\")",
    [CQL2_TYPE_TIMESTAMP] = "cql2_time(item_string(%1 -> %2))",
    [CQL2_TYPE_DATE] = "cql2_time(item_string(%1 -> %2))",
    [CQL2_TYPE_INTERVAL] = "cql2_time(item_string(%1 -> %2))",
    [CQL2_TYPE_GEOMETRY] = "item_geometry(%1 -> %2)",
    [CQL2_TYPE_ARRAY] = "item_array(%1 -> %2)",
};

static const char *translate(struct translation *t, const struct cql2_node *n);

static const char *fill(struct translation *t, const char *fragment, const char *const parts[static PARTS])
{
    AUTO(text) struct text sql = { 0 };

    for (const char *c = fragment; *c; c++)
        if (*c == '%')
            text_add(&sql, parts[*++c - '1']);
        else
            text_addn(&sql, c, 1);
    return arena_text(t->arena, sql.data);
}

static const char *parameter(struct translation *t, struct db_arg value, const char *type)
{
    return arena_printf(t->arena, "$%d::%s", compose_arg(t->statement, value), type);
}

/* ---- leaves ---- */

static const char *instant(struct translation *t, int64_t us)
{
    return parameter(t, db_text(compose_instant(t->arena, us)), "timestamptz");
}

static const struct cql2_column *column_of(const struct cql2_context *context, const struct cql2_node *n)
{
    const struct cql2_property *property = n->property;

    for (const struct cql2_column *c = context->columns; property && c->name; c++)
        if (!strcmp(c->name, property->name) &&
            (n->type == c->type || (n->type == CQL2_TYPE_DATE && c->type == CQL2_TYPE_TIMESTAMP)))
            return c;
    return NULL;
}

/* Whether it is there can be seen in its column when all its values are of the column's type. */
static const struct cql2_column *presence_of(const struct cql2_context *context, const struct cql2_node *n)
{
    struct cql2_node as_stored = *n;

    if (n->op != CQL2_PROPERTY || !n->property)
        return NULL;
    as_stored.type = n->property->type;
    return column_of(context, &as_stored);
}

static const char *property(struct translation *t, const struct cql2_node *n)
{
    const struct cql2_column *column = column_of(t->context, n);

    if (column)
        return column->integer ? arena_printf(t->arena, "(%s)::double precision", column->sql) : column->sql;
    return fill(t, readings[n->type],
                (const char *[PARTS]){ t->context->document, parameter(t, db_text(n->text), "text") });
}

static const char *geometry(struct translation *t, const struct cql2_node *n)
{
    int number = compose_arg(t->statement, db_text(n->text));

    t->statement->plan = DB_PLAN_OWN;
    return arena_printf(t->arena, "cql2_valid(ST_Force2D(ST_SetSRID(ST_GeomFromGeoJSON($%d::text), 4326)))",
                        number);
}

static const char *json_value(struct translation *t, const struct cql2_node *n)
{
    AUTO(json) json_t *constant = cql2_constant(n);
    AUTO(mem) char *text = constant ? json_dumps(constant, JSON_ENCODE_ANY) : NULL;

    if (text)
        return parameter(t, db_text(arena_text(t->arena, text)), "jsonb");
    if (n->op == CQL2_PROPERTY)
        return fill(t, readings[CQL2_TYPE_ANY],
                    (const char *[PARTS]){ t->context->document, parameter(t, db_text(n->text), "text") });
    return arena_printf(t->arena, "to_jsonb(%s)", translate(t, n));
}

static const char *array(struct translation *t, const struct cql2_node *n)
{
    AUTO(json) json_t *constant = cql2_constant(n);
    AUTO(text) struct text sql = { 0 };

    if (constant)
        return json_value(t, n);
    text_add(&sql, "cql2_array(");
    for (size_t i = 0; i < n->n_args; i++) {
        text_add(&sql, i ? ", " : "");
        text_add(&sql, json_value(t, n->args[i]));
    }
    text_add(&sql, ")");
    return arena_text(t->arena, sql.data);
}

/* ---- operators ---- */

static const char *operation(struct translation *t, const struct cql2_node *n, const char *fragment)
{
    const char *parts[PARTS] = { 0 };

    for (size_t i = 0; i < n->n_args && i < PARTS; i++)
        parts[i] = translate(t, n->args[i]);
    return fill(t, fragment, parts);
}

static const char *logic(struct translation *t, const struct cql2_node *n)
{
    AUTO(text) struct text sql = { 0 };

    for (size_t i = 0; i < n->n_args; i++) {
        text_add(&sql, !i ? "(" : n->op == CQL2_AND ? " AND " : " OR ");
        text_add(&sql, translate(t, n->args[i]));
    }
    text_add(&sql, ")");
    return arena_text(t->arena, sql.data);
}

static bool is_collection(const struct translation *t, const struct cql2_node *n)
{
    return t->context->known && n->op == CQL2_PROPERTY && !strcmp(n->text, "collection");
}

static bool is_small_integer(double number)
{
    return fabs(number) < 2e9 && number == trunc(number);
}

/* What is asked of collections and of columns of integers in a form that their indexes know. */
static const char *simple_equality(struct translation *t, const struct cql2_node *n)
{
    bool turned = n->args[1]->op == CQL2_PROPERTY;
    const struct cql2_node *name = n->args[turned], *value = n->args[!turned];
    const struct cql2_column *column = name->op == CQL2_PROPERTY ? column_of(t->context, name) : NULL;

    if (value->op == CQL2_STRING && is_collection(t, name)) {
        const struct known_collection *c = known_by_id(t->context->known, value->text);

        return arena_printf(t->arena, "(i.collection = %s)",
                            parameter(t, db_int(c ? c->number : -1), "integer"));
    }
    if (value->op == CQL2_NUMBER && column && column->integer && is_small_integer(value->number))
        return arena_printf(t->arena, "(%s = %s)", column->sql,
                            parameter(t, db_int((int64_t)value->number), "integer"));
    return NULL;
}

static const char *comparison(struct translation *t, const struct cql2_node *n)
{
    const char *simple = n->op == CQL2_EQ ? simple_equality(t, n) : NULL;

    if (simple)
        return simple;
    return operation(t, n, n->args[0]->type == CQL2_TYPE_ANY ? mixed[n->op] : operators[n->op]);
}

static bool all_are(const struct cql2_node *list, enum cql2_op op)
{
    for (size_t i = 0; i < list->n_args; i++)
        if (list->args[i]->op != op)
            return false;
    return true;
}

static const char *list_of_strings(struct translation *t, const struct cql2_node *list)
{
    const char **texts = arena_array(t->arena, list->n_args + 1, sizeof *texts);

    for (size_t i = 0; i < list->n_args; i++)
        texts[i] = list->args[i]->text;
    return parameter(t, db_text(store_array(t->arena, list->n_args, texts)), "text[]");
}

static const char *list_of_numbers(struct translation *t, const struct cql2_node *list, const char *type)
{
    AUTO(text) struct text array = { 0 };

    for (size_t i = 0; i < list->n_args; i++)
        text_printf(&array, "%s%.17g", i ? "," : "{", list->args[i]->number);
    text_add(&array, "}");
    return parameter(t, db_text(arena_text(t->arena, array.data)), type);
}

static const char *list_of_collections(struct translation *t, const struct cql2_node *list)
{
    AUTO(text) struct text array = { 0 };

    for (size_t i = 0; i < list->n_args; i++) {
        const struct known_collection *c = known_by_id(t->context->known, list->args[i]->text);

        text_printf(&array, "%s%lld", i ? "," : "{", c ? (long long)c->number : -1);
    }
    text_add(&array, "}");
    return parameter(t, db_text(arena_text(t->arena, array.data)), "integer[]");
}

static bool all_small_integers(const struct cql2_node *list)
{
    for (size_t i = 0; i < list->n_args; i++)
        if (list->args[i]->op != CQL2_NUMBER || !is_small_integer(list->args[i]->number))
            return false;
    return true;
}

static const char *membership(struct translation *t, const struct cql2_node *n)
{
    const struct cql2_node *value = n->args[0], *list = n->args[1];
    const struct cql2_column *column = value->op == CQL2_PROPERTY ? column_of(t->context, value) : NULL;
    AUTO(text) struct text sql = { 0 };

    if (list->n_args && all_are(list, CQL2_STRING)) {
        if (is_collection(t, value))
            return arena_printf(t->arena, "(i.collection = ANY(%s))", list_of_collections(t, list));
        return arena_printf(t->arena, "(%s = ANY(%s))", translate(t, value), list_of_strings(t, list));
    }
    if (list->n_args && column && column->integer && all_small_integers(list))
        return arena_printf(t->arena, "(%s = ANY(%s))", column->sql,
                            list_of_numbers(t, list, "integer[]"));
    if (list->n_args && all_are(list, CQL2_NUMBER))
        return arena_printf(t->arena, "(%s = ANY(%s))", translate(t, value),
                            list_of_numbers(t, list, "double precision[]"));
    text_add(&sql, "(");
    for (size_t i = 0; i < list->n_args; i++) {
        const char *parts[PARTS] = { translate(t, value), translate(t, list->args[i]) };

        text_add(&sql, i ? " OR " : "");
        text_add(&sql, fill(t, value->type == CQL2_TYPE_ANY ? mixed[CQL2_EQ] : operators[CQL2_EQ], parts));
    }
    text_add(&sql, list->n_args ? ")" : "false)");
    return arena_text(t->arena, sql.data);
}

/* A backslash before anything but %, _ or itself is one; alone at the end PostgreSQL would refuse it. */
static const char *pattern(struct translation *t, const char *given)
{
    AUTO(text) struct text text = { 0 };

    for (const char *c = given; *c; c++) {
        text_addn(&text, c, 1);
        if (*c == '\\' && c[1] && strchr("%_\\", c[1]))
            text_addn(&text, ++c, 1);
        else if (*c == '\\')
            text_add(&text, "\\");
    }
    return parameter(t, db_text(arena_text(t->arena, text.length ? text.data : "")), "text");
}

/* A pattern may be folded, too. */
static const char *pattern_of(struct translation *t, const struct cql2_node *n)
{
    if (n->op == CQL2_CASEI || n->op == CQL2_ACCENTI)
        return fill(t, operators[n->op], (const char *[PARTS]){ pattern_of(t, n->args[0]) });
    return n->op == CQL2_STRING ? pattern(t, n->text) : translate(t, n);
}

static const char *likeness(struct translation *t, const struct cql2_node *n)
{
    const char *value = translate(t, n->args[0]);

    return fill(t, operators[CQL2_LIKE], (const char *[PARTS]){ value, pattern_of(t, n->args[1]) });
}

/* ---- times ---- */

static bool is_item_time(const struct cql2_node *n)
{
    return n->op == CQL2_PROPERTY && !strcmp(n->text, "datetime");
}

static const char *start_of(struct translation *t, const struct cql2_node *n)
{
    if (n->op == CQL2_INTERVAL)
        return start_of(t, n->args[0]);
    if (n->op == CQL2_PROPERTY)
        return is_item_time(n) ? t->context->start : property(t, n);
    return translate(t, n);
}

static const char *end_of(struct translation *t, const struct cql2_node *n)
{
    switch (n->op) {
    case CQL2_INTERVAL:
        return end_of(t, n->args[1]);
    case CQL2_TIMESTAMP:
    case CQL2_DATE:
    case CQL2_OPEN:
        return instant(t, n->last_us);
    case CQL2_PROPERTY:
        if (is_item_time(n))
            return t->context->end;
        return fill(t, "item_last(%1 -> %2, %3)",
                    (const char *[PARTS]){ t->context->document, parameter(t, db_text(n->text), "text"),
                                           property(t, n) });
    default:
        return translate(t, n);
    }
}

/* Does the operator only hold between intervals that meet? */
static bool needs_meeting(enum cql2_op op)
{
    return op != CQL2_T_AFTER && op != CQL2_T_BEFORE && op != CQL2_T_DISJOINT;
}

static bool is_fixed(const struct cql2_node *n)
{
    for (size_t i = 0; i < n->n_args; i++)
        if (!is_fixed(n->args[i]))
            return false;
    return n->op != CQL2_PROPERTY && n->op != CQL2_FUNCTION;
}

static int64_t first_of(const struct cql2_node *fixed)
{
    return fixed->op == CQL2_INTERVAL ? fixed->args[0]->first_us : fixed->first_us;
}

static int64_t last_of(const struct cql2_node *fixed)
{
    return fixed->op == CQL2_INTERVAL ? fixed->args[1]->last_us : fixed->last_us;
}

/* What follows for the item's datetime, which indexes and partitions know, from meeting a fixed
 * interval. */
static const char *near(struct translation *t, const struct cql2_node *fixed)
{
    int64_t first = first_of(fixed), last = last_of(fixed), longest = t->context->longest_us;

    return arena_printf(t->arena, "i.datetime >= %s AND i.datetime <= %s",
                        instant(t, first == INT64_MIN ? first : first - longest),
                        instant(t, last == INT64_MAX ? last : last + longest));
}

/* Only the ends that the operator looks at are written: no parameter may stand unused. */
static const char *temporal(struct translation *t, const struct cql2_node *n)
{
    const char *fragment = operators[n->op], *parts[PARTS] = { 0 }, *sql;
    bool first_is_item = is_item_time(n->args[0]);

    for (int i = 0; i < PARTS; i++) {
        const char mark[] = { '%', (char)('1' + i), '\0' };

        if (strstr(fragment, mark))
            parts[i] = i % 2 ? end_of(t, n->args[i / 2]) : start_of(t, n->args[i / 2]);
    }
    sql = fill(t, fragment, parts);
    if (t->exact || !t->context->longest_us || !needs_meeting(n->op) ||
        first_is_item == is_item_time(n->args[1]) || !is_fixed(n->args[first_is_item]))
        return sql;
    return arena_printf(t->arena, "(%s AND %s)", sql, near(t, n->args[first_is_item]));
}

/* ---- shapes ---- */

/* An index knows which boxes meet; every operator but S_DISJOINT asks for that at least. */
static const char *spatial(struct translation *t, const struct cql2_node *n)
{
    const char *parts[PARTS] = { translate(t, n->args[0]), translate(t, n->args[1]) };
    const char *sql = fill(t, operators[n->op], parts);

    if (t->exact || n->op == CQL2_S_INTERSECTS || n->op == CQL2_S_DISJOINT)
        return sql;
    return arena_printf(t->arena, "(%s && %s AND %s)", parts[0], parts[1], sql);
}

static const char *presence(struct translation *t, const struct cql2_node *n)
{
    const struct cql2_column *column = presence_of(t->context, n->args[0]);

    if (n->args[0]->op == CQL2_INTERVAL)
        return fill(t, "(%1 IS NULL OR %2 IS NULL)",
                    (const char *[PARTS]){ start_of(t, n->args[0]), end_of(t, n->args[0]) });
    return column ? arena_printf(t->arena, "(%s IS NULL)", column->sql)
                  : operation(t, n, operators[CQL2_IS_NULL]);
}

static bool is_temporal(enum cql2_op op)
{
    return op >= CQL2_T_AFTER && op <= CQL2_T_STARTS;
}

static bool is_spatial(enum cql2_op op)
{
    return op >= CQL2_S_INTERSECTS && op <= CQL2_S_CONTAINS;
}

static const char *translate_node(struct translation *t, const struct cql2_node *n)
{
    switch (n->op) {
    case CQL2_PROPERTY:
        return property(t, n);
    case CQL2_STRING:
        return parameter(t, db_text(n->text), "text");
    case CQL2_NUMBER:
        return parameter(t, db_double(n->number), "double precision");
    case CQL2_BOOLEAN:
        return n->truth ? "true" : "false";
    case CQL2_TIMESTAMP:
    case CQL2_DATE:
    case CQL2_OPEN:
        return instant(t, n->first_us);
    case CQL2_GEOMETRY:
    case CQL2_BBOX:
        return geometry(t, n);
    case CQL2_ARRAY:
        return array(t, n);
    case CQL2_FUNCTION:
        return operation(t, n, functions[n->function - cql2_functions]);
    case CQL2_AND:
    case CQL2_OR:
        return logic(t, n);
    case CQL2_IS_NULL:
        return presence(t, n);
    case CQL2_IN:
        return membership(t, n);
    case CQL2_LIKE:
        return likeness(t, n);
    default:
        return is_temporal(n->op)  ? temporal(t, n)
               : is_spatial(n->op) ? spatial(t, n)
               : mixed[n->op]                                              ? comparison(t, n)
                                                                           : operation(t, n, operators[n->op]);
    }
}

static const char *translate(struct translation *t, const struct cql2_node *n)
{
    bool exact = t->exact;
    const char *sql;

    t->exact = exact || !(n->op == CQL2_AND || n->op == CQL2_OR || is_temporal(n->op) || is_spatial(n->op));
    sql = translate_node(t, n);
    t->exact = exact;
    return sql;
}

const char *cql2_sql(const struct cql2_node *tree, const struct cql2_context *context, struct arena *arena,
                     struct composed *statement)
{
    struct translation t = { .context = context, .arena = arena, .statement = statement };

    return translate(&t, tree);
}

bool cql2_needs_document(const struct cql2_node *n, const struct cql2_context *context)
{
    if (n->op == CQL2_IS_NULL && presence_of(context, n->args[0]))
        return false;
    if (n->op == CQL2_PROPERTY)
        return !column_of(context, n);
    for (size_t i = 0; i < n->n_args; i++)
        if (cql2_needs_document(n->args[i], context))
            return true;
    return false;
}
