/* What an argument or a result is while a graph is planned. A pixel is KIND_LANE, an expression; so
 * one walk over a callback serves both: with constants it computes, with lanes it compiles. */
#ifndef GRAPH_VALUE_H
#define GRAPH_VALUE_H

#include "base/mem.h"
#include "base/text.h"
#include "graph/cube.h"
#include "graph/expr.h"
#include <jansson.h>

enum kind { KIND_NULL, KIND_BOOLEAN, KIND_NUMBER, KIND_STRING, KIND_ARRAY, KIND_OBJECT, KIND_LANE,
            KIND_CUBE, KIND_CALLBACK, KIND_STAC,
            KIND_UNKNOWN /* of an unbound parameter, or of a node that has an error */ };

struct cube;
struct callback;

struct value {
    enum kind kind;
    bool deferred; /* KIND_ARRAY: length and labels are not known before the catalogue was asked */
    union {
        bool boolean;
        double number;
        const char *text;
        struct {
            const struct value *items;
            const struct label *labels; /* NULL: not labelled */
            /* Ragged arrays: 1 where a pixel has the element, 0 where not; NULL: all have all. */
            const struct expr *const *presence;
            size_t length;
        } array;
        struct {
            const char *const *keys;
            const struct value *values;
            size_t count;
        } object;
        const struct expr *lane;
        const struct cube *cube;
        const struct callback *callback;
        size_t sink; /* KIND_STAC: the planner's sink with this number less one; 0: not made yet */
    };
};

static inline struct value value_null(void)
{
    return (struct value){ .kind = KIND_NULL };
}
static inline struct value value_number(double number)
{
    return (struct value){ .kind = KIND_NUMBER, .number = number };
}
static inline struct value value_boolean(bool boolean)
{
    return (struct value){ .kind = KIND_BOOLEAN, .boolean = boolean };
}
static inline struct value value_text(const char *text)
{
    return (struct value){ .kind = KIND_STRING, .text = text };
}
static inline struct value value_lane(const struct expr *lane)
{
    return (struct value){ .kind = KIND_LANE, .lane = lane };
}
static inline struct value value_unknown(void)
{
    return (struct value){ .kind = KIND_UNKNOWN };
}

/* A JSON value without references, copied into the arena. */
struct value value_of_json(struct arena *arena, const json_t *json);
/* NaN and infinities, which JSON lacks, become null. The caller owns the result; NULL for cubes,
 * callbacks and lanes. */
json_t *value_to_json(const struct value *value);
bool value_has(const struct value *value, enum kind kind); /* anywhere inside */
const struct value *value_member(const struct value *object, const char *key); /* or NULL */
bool value_equal(const struct value *a, const struct value *b);
/* "the number 3", "a string 'abc'", "a cube (x, y, t)": for messages. */
void value_describe(const struct value *value, struct text *text);
bool value_is_scalar(const struct value *value); /* null, boolean, number, lane */

/* Shortest text of a number that reads back as itself. */
void number_text(double number, char buffer[static 32]);
bool label_equal(const struct label *a, const struct label *b);
void label_text(const struct label *label, char *buffer, size_t size);

#endif
