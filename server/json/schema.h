/* Checks a value against a JSON Schema: the part of the language that descriptions of inputs use
 * (type, enum, const, bounds, lengths, pattern, format, items, properties, required,
 * additionalProperties, uniqueItems, oneOf, anyOf, allOf, not). Unknown keywords are annotations. */
#ifndef JSON_SCHEMA_H
#define JSON_SCHEMA_H

#include "json/js.h"

/* A schema made ready for many values. It borrows the JSON, which must neither change nor go before it does; any
 * number of threads may use it. */
struct js_schema;
struct js_schema *js_schema_compile(const json_t *schema);
void js_schema_free(struct js_schema *compiled);
DEFINE_AUTO(js_schema, struct js_schema *, js_schema_free)
/* Errors: InvalidParameter with the JSON pointer of the value that does not fit. */
bool js_schema_fits(const struct js_schema *compiled, const json_t *value, const char *pointer,
                    struct err *err) MUST_USE;
/* The same for a schema that is asked once. */
bool js_schema_check(const json_t *schema, const json_t *value, const char *pointer,
                     struct err *err) MUST_USE;

#endif
