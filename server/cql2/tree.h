/* What the readers, the writers and the checks of cql2/ share: the rows of the operators and the
 * making of nodes within limits. */
#ifndef CQL2_TREE_H
#define CQL2_TREE_H

#include "cql2/cql2.h"

enum operands { /* what the arguments of an operator must be */
    OF_CONDITIONS, OF_SCALARS, OF_ANYTHING, OF_PATTERN, OF_LIST, OF_STRINGS, OF_NUMBERS, OF_GEOMETRIES,
    OF_TIMES, OF_INTERVALS, OF_ARRAYS,
};

struct op_row {
    const char *json, *text;
    size_t least, most;
    enum operands operands;
    enum cql2_type result;
};
extern const struct op_row op_rows[CQL2_OPS]; /* leaves have no names */

bool op_is_called(enum cql2_op op);     /* written NAME(a, b) in text */
bool op_is_arithmetic(enum cql2_op op); /* + - * / DIV % ^ */

/* Nodes of one expression. */
struct builder {
    struct arena *arena;
    struct err *err;
    size_t nodes, vertices;
};

/* A node whose arguments are copied. Errors: too many nodes, too deep. */
bool build(struct builder *builder, enum cql2_op op, const char *place, size_t n_args,
           struct cql2_node *const *args, struct cql2_node **ret_node);
bool build_number(struct builder *builder, double number, const char *place, struct cql2_node **ret_node);
bool build_text(struct builder *builder, enum cql2_op op, const char *text, const char *place,
                struct cql2_node **ret_node);
/* DATE, TIMESTAMP (RFC 3339; the zone becomes UTC), or either by its form with `op` CQL2_INTERVAL, where
 * ".." is OPEN. Errors: "place: expected ..., found ...". */
bool build_instant(struct builder *builder, enum cql2_op op, const char *text, const char *place,
                   struct cql2_node **ret_node);
/* Of two ends. Errors: an end is no time, or both are literals and the wrong way round. */
bool build_interval(struct builder *builder, const char *place, struct cql2_node *const *ends,
                    struct cql2_node **ret_node);
/* `numbers`: 4 or 6 as the standard orders them. */
bool build_bbox(struct builder *builder, const double *numbers, size_t count, const char *place,
                struct cql2_node **ret_node);

/* Errors: the geometry is not valid GeoJSON, has too many positions or some of 4 numbers. */
bool build_geometry(struct builder *builder, const json_t *geometry, const char *place,
                    struct cql2_node **ret_node);

/* A growing list of nodes on its way to become arguments. */
struct node_list {
    struct cql2_node **nodes;
    size_t count, capacity;
};
void node_list_add(struct node_list *list, struct cql2_node *node);
void node_list_drop(struct node_list *list); /* AUTO(node_list) */

/* BNF's identifier: a name that needs no quotes, were it no keyword. */
bool is_identifier(const char *name);
/* Number of bytes of the identifier that `text` starts with; 0 when it starts with none. */
size_t identifier_length(const char *text);
bool is_keyword(const char *name, size_t length);

/* A number as short as it reads back; no ".0". */
void add_number(struct text *out, double number);
/* GeoJSON text as WKT. */
void add_wkt(struct text *out, const char *geojson);

#endif
