/* Checks a value against a JSON Schema: the part of the language that descriptions of inputs use
 * (type, enum, const, bounds, lengths, pattern, format, items, properties, required,
 * additionalProperties, uniqueItems, oneOf, anyOf, allOf, not). Unknown keywords are annotations. */
#ifndef JSON_SCHEMA_H
#define JSON_SCHEMA_H

#include "json/js.h"

/* Errors: InvalidParameter with the JSON pointer of the value that does not fit. */
bool js_schema_check(const json_t *schema, const json_t *value, const char *pointer,
                     struct err *err) MUST_USE;

#endif
