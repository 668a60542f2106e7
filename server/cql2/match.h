/* What the files of matching share: values while an expression is evaluated. */
#ifndef CQL2_MATCH_H
#define CQL2_MATCH_H

#include "cql2/cql2.h"

typedef struct GEOSGeom_t *geometry_handle; /* GEOS's, without its header */

enum truth { NO, YES, UNKNOWN };

struct value {
    bool known;
    bool truth;              /* BOOLEAN */
    double number;           /* NUMBER */
    const char *text;        /* STRING */
    struct bound {
        bool known;
        int64_t us;
    } first, last;           /* TIMESTAMP (both the same), DATE, INTERVAL (one may be known alone) */
    geometry_handle geometry; /* GEOMETRY */
    const json_t *json;      /* ARRAY, and ANY */
};

struct match {
    const json_t *item;
    struct arena *arena;   /* of texts */
    struct space *space;   /* GEOS for this match; NULL until it is needed */
    json_t *made;          /* an array of JSON values that were made on the way */
};

struct value evaluate(struct match *match, const struct cql2_node *node);
struct value value_of_number(double number); /* unknown unless finite */
struct value value_of_text(struct match *match, char *text_taken);

struct value call_function(struct match *match, const struct cql2_node *node); /* cql2/call.c */

/* ---- cql2/space.c ---- */
struct value geometry_of_json(struct match *match, const json_t *geometry); /* a literal, or a property */
struct value geometry_of_item(struct match *match);                        /* its own */
struct value geometry_centroid(struct match *match, struct value geometry);
enum truth geometries_relate(struct match *match, enum cql2_op op, struct value a, struct value b);
void space_free(struct space *space);

/* ---- cql2/fold.c: as ICU's root locale has them. The caller frees ---- */
char *text_lower(const char *text);
char *text_upper(const char *text);

#endif
