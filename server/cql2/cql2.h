/* CQL2 (OGC 21-065r2): one tree from text or JSON, checked against what can be asked, written back
 * as either, and matched against an item. Its translation to SQL is store/cql2_sql.c. Trees live in
 * an arena and are not changed once checked.
 *
 * What an expression means, here and in SQL alike:
 *
 * - Logic is SQL's, with three values. A property that an item lacks, that is null, or whose value is
 *   not of the wanted type is unknown; so is every operator but AND, OR, NOT and IS NULL over unknown.
 * - Numbers are doubles. Division by zero, overflow, the root of a negative number and the like are
 *   unknown. a DIV b is trunc(a / b), a % b is a - b * trunc(a / b).
 * - Strings compare by code point. CASEI folds case fully, ACCENTI decomposes and drops the
 *   non-spacing marks but Japanese voicing (cql2/fold.c, and cql2_casei() and cql2_accenti() in SQL).
 * - LIKE: % and _ as in SQL, \ before either or itself; over the whole string.
 * - Times are microseconds in UTC. Where one is compared by = < BETWEEN IN ..., a date is its first
 *   microsecond. In T_ operators a date, also one in an item, is its whole day, and the property
 *   "datetime" is the item's interval: start_datetime and end_datetime, each the datetime where it is
 *   absent. (By itself "datetime" is the datetime, or the start where that is null.) Intervals hold
 *   both ends; ".." is infinitely far. Ends compare with three-valued logic like everything else.
 * - Geometries are planar, in degrees, and looked at in two dimensions. One that is not valid is made
 *   valid, and the parts of a collection are united. Of collections that have several dimensions even
 *   then only S_INTERSECTS and S_DISJOINT are known.
 * - Arrays are sets of JSON values; 1 and 1.0 are one value, a time is its text. An unknown element
 *   makes the operator unknown. */
#ifndef CQL2_CQL2_H
#define CQL2_CQL2_H

#include "base/mem.h"
#include "base/text.h"
#include "json/js.h"

enum { CQL2_MAX_BYTES = 100000, CQL2_MAX_DEPTH = 32, CQL2_MAX_NODES = 2000, CQL2_MAX_VERTICES = 20000 };

enum cql2_type { CQL2_TYPE_ANY, CQL2_TYPE_BOOLEAN, CQL2_TYPE_NUMBER, CQL2_TYPE_STRING, CQL2_TYPE_TIMESTAMP,
                 CQL2_TYPE_DATE, CQL2_TYPE_INTERVAL, CQL2_TYPE_GEOMETRY, CQL2_TYPE_ARRAY, CQL2_TYPES };

/* Leaves first, then every operator of the standard (cql2/ops.def). */
enum cql2_op {
    CQL2_PROPERTY, CQL2_STRING, CQL2_NUMBER, CQL2_BOOLEAN, CQL2_TIMESTAMP, CQL2_DATE, CQL2_OPEN,
    CQL2_GEOMETRY, CQL2_BBOX, CQL2_ARRAY, CQL2_INTERVAL, CQL2_FUNCTION,
#define OP(id, ...) CQL2_##id,
#include "cql2/ops.def"
#undef OP
    CQL2_OPS,
};

struct cql2_property { /* what can be asked: a queryable */
    const char *name;
    enum cql2_type type; /* ANY: values of several types, or unknown */
};

/* The functions that filters may call (cql2/functions.def). */
enum cql2_function_id {
#define FUNCTION(id, ...) CQL2_FN_##id,
#include "cql2/functions.def"
#undef FUNCTION
    CQL2_FUNCTIONS,
};

enum { CQL2_MAX_ARGS = 3 };

struct cql2_function {
    const char *name; /* compared without case */
    enum cql2_type result;
    size_t n_args;
    struct {
        enum cql2_type type;
        const char *title;
    } args[CQL2_MAX_ARGS];
    const char *description;
};
extern const struct cql2_function cql2_functions[CQL2_FUNCTIONS];

struct cql2_node {
    enum cql2_op op;
    /* Of its value, set by cql2_check(). A property has the type that it is read as here, which may
     * be narrower than what its queryable says: a value of another type is unknown. ANY is left where
     * nothing narrows it (x = y with both of mixed types, IS NULL): values of one JSON type compare,
     * others are unknown. */
    enum cql2_type type;
    const char *place;        /* "character 12" or "/filter/args/0": for messages */
    const char *text;         /* STRING: itself. PROPERTY, FUNCTION: the name. TIMESTAMP and DATE: RFC 3339
                                 in UTC. GEOMETRY and BBOX: GeoJSON without other members (a box that
                                 crosses 180 degrees is two polygons). */
    double number;            /* NUMBER */
    bool truth;               /* BOOLEAN */
    bool loose;               /* of STAC's query. STRING: a number in quotes is one where a number belongs;
                                 ARRAY after IN: may be held against an array */
    int64_t first_us, last_us; /* TIMESTAMP, DATE, OPEN: the ends of it, INT64_MIN and INT64_MAX when open */
    const struct cql2_property *property;   /* PROPERTY, after cql2_check() */
    const struct cql2_function *function;   /* FUNCTION, after cql2_check(); its id is the index */
    unsigned depth;          /* of the tree from here down */
    size_t n_args;
    struct cql2_node **args; /* BBOX: its 4 or 6 numbers. INTERVAL: two of TIMESTAMP, DATE, OPEN, PROPERTY,
                                FUNCTION. ARRAY: its elements. IN: the value and an ARRAY. */
};

/* ---- reading and writing ---- */

/* Errors: InvalidParameter saying "character 12: expected ..., found ...". */
bool cql2_parse_text(const char *text, size_t length, struct arena *arena, struct cql2_node **ret_tree,
                     struct err *err) MUST_USE;
/* `pointer`: where the expression lies in the request ("/filter"). */
bool cql2_parse_json(const json_t *json, const char *pointer, struct arena *arena,
                     struct cql2_node **ret_tree, struct err *err) MUST_USE;
/* Canonical: what either writer writes, either reader reads back as an equal tree. */
void cql2_write_text(const struct cql2_node *tree, struct text *out);
/* A literal of CQL2 text, quotes included. */
void cql2_write_string(const char *string, struct text *out);
json_t *cql2_to_json(const struct cql2_node *tree);
/* The same expression; places, types and what was found by checking do not count. */
bool cql2_equal(const struct cql2_node *a, const struct cql2_node *b);

/* Both hold; either may be NULL. */
struct cql2_node *cql2_and(struct arena *arena, struct cql2_node *a, struct cql2_node *b);
/* The `query` extension's object: {"eo:cloud_cover": {"lt": 10}, ...} (eq neq lt lte gt gte startsWith
 * endsWith contains in). An empty object gives NULL. */
bool cql2_from_query(const json_t *query, const char *pointer, struct arena *arena,
                     struct cql2_node **ret_tree, struct err *err) MUST_USE;

/* ---- checking ---- */

/* The queryable of this name, or NULL. `index` >= 0 asks for the one of this index instead (NULL past
 * the last), so that a refusal can name those that look alike. */
typedef const struct cql2_property *cql2_property_fn(void *context, const char *name, ptrdiff_t index);
/* Types, properties and functions: a tree that passes can be translated and matched. The whole must
 * be a condition. A string where a time is wanted becomes one. Errors: InvalidParameter naming the
 * place, what was found and what was expected. */
bool cql2_check(struct cql2_node *tree, cql2_property_fn *find, void *context, struct arena *arena,
                struct err *err) MUST_USE;
/* The same for an expression of any value but a geometry or an interval. */
bool cql2_check_value(struct cql2_node *tree, cql2_property_fn *find, void *context, struct arena *arena,
                      struct err *err) MUST_USE;
/* A property_fn over an array that ends with a NULL name: context is a `const struct cql2_property *`. */
cql2_property_fn cql2_property_in_table;
/* A property_fn that knows every name: id, collection, datetime and geometry with their types, all
 * others as ANY. The context is an arena. */
cql2_property_fn cql2_property_any;
/* Reads JSON and checks it against cql2_property_any. NULL, or null in JSON, gives NULL. */
bool cql2_compile(const json_t *json, const char *pointer, struct arena *arena, struct cql2_node **ret_tree,
                  struct err *err) MUST_USE;

const char *cql2_type_name(enum cql2_type type); /* "a number" */
/* The JSON value of a literal, an array of literals, or an interval of such (as an element of an
 * array is compared); NULL when it depends on the item. The caller owns it. */
json_t *cql2_constant(const struct cql2_node *node);

/* ---- matching ---- */

/* True only when the checked condition holds for the item. Properties: id, collection, geometry,
 * datetime, and the members of the item's "properties". Any thread. */
bool cql2_match(const struct cql2_node *tree, const json_t *item);

/* What the expression (cql2_check_value()) is for the item: NULL when it is unknown. The caller owns it. Any thread. */
json_t *cql2_value(const struct cql2_node *tree, const json_t *item);

/* CASEI and ACCENTI of UTF-8 text. The caller frees. */
char *cql2_casei(const char *text);
char *cql2_accenti(const char *text);

/* What the writers and the reader of operators ask. */
const char *cql2_op_name(enum cql2_op op); /* in JSON: "t_finishedBy"; NULL for leaves */

#endif
