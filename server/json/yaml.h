/* YAML as JSON. Door: yaml.h (libyaml). */
#ifndef JSON_YAML_H
#define JSON_YAML_H

#include "json/js.h"

/* Reads one document of YAML 1.2's core schema, of which JSON is a part: at most `max_depth` levels, no
 * duplicate keys, keys are scalars; aliases are copies that count against a bound. The caller owns
 * *ret_json. Errors: BadRequest with line and column. */
bool yaml_parse(const char *bytes, size_t length, size_t max_depth, json_t **ret_json, struct err *err) MUST_USE;

#endif
