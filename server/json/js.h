/* Typed reading of JSON: a table of fields says what an object may hold, and a refusal names the
 * place: "/process/process_graph/ndvi1/arguments/nir: expected a string, found an array". */
#ifndef JSON_JS_H
#define JSON_JS_H

#include "base/err.h"
#include "base/mem.h"
#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

DEFINE_AUTO(json, json_t *, json_decref)

enum { JS_DEFAULT_DEPTH = 64 };

/* Parses UTF-8 bytes that came from outside: at most `max_depth` levels, no duplicate keys, no NUL
 * in strings, any value at the root. The caller owns *ret_json. Errors: BadRequest with line and
 * column. */
bool js_parse(const char *bytes, size_t length, size_t max_depth, json_t **ret_json,
              struct err *err) MUST_USE;
bool js_read_file(const char *path, json_t **ret_json, struct err *err) MUST_USE;

enum js_type { JS_TYPE_STRING, JS_TYPE_NUMBER, JS_TYPE_INTEGER, JS_TYPE_BOOLEAN, JS_TYPE_OBJECT,
               JS_TYPE_ARRAY, JS_TYPE_ANY };

/* One member of an object. Strings and containers are borrowed from the document. */
struct js_field {
    const char *name; /* NULL ends the table */
    enum js_type type;
    size_t offset;
    bool optional, nullable;
    const char *fallback;      /* strings */
    double fallback_number;    /* numbers, integers, booleans */
    size_t max_len;            /* strings (bytes) and arrays; 0: no limit */
    double min, max;           /* numbers and integers, when max > min */
    const char *const *choice; /* strings: one of these, NULL ends */
};

#define JS_STRING(type_, member, ...)                                                               \
    { .name = #member, .type = JS_TYPE_STRING, .offset = offsetof(type_, member), __VA_ARGS__ }
#define JS_NUMBER(type_, member, least, most, ...)                                                 \
    { .name = #member, .type = JS_TYPE_NUMBER, .offset = offsetof(type_, member), .min = least,    \
      .max = most, __VA_ARGS__ }
#define JS_INTEGER(type_, member, least, most, ...) /* into int64_t */                             \
    { .name = #member, .type = JS_TYPE_INTEGER, .offset = offsetof(type_, member), .min = least,   \
      .max = most, __VA_ARGS__ }
#define JS_BOOLEAN(type_, member, ...)                                                             \
    { .name = #member, .type = JS_TYPE_BOOLEAN, .offset = offsetof(type_, member), __VA_ARGS__ }
#define JS_OBJECT(type_, member, ...)                                                              \
    { .name = #member, .type = JS_TYPE_OBJECT, .offset = offsetof(type_, member), __VA_ARGS__ }
#define JS_ARRAY(type_, member, ...)                                                               \
    { .name = #member, .type = JS_TYPE_ARRAY, .offset = offsetof(type_, member), __VA_ARGS__ }
#define JS_ANY(type_, member, ...)                                                                 \
    { .name = #member, .type = JS_TYPE_ANY, .offset = offsetof(type_, member), __VA_ARGS__ }
/* clang-format off */
#define JS_END { .name = NULL }
/* clang-format on */

enum js_unknown { JS_IGNORE_UNKNOWN, JS_REFUSE_UNKNOWN };

/* Reads `object` into the struct at `target`. `pointer` is the JSON pointer of the object ("" for a
 * whole body). Absent optional members get their fallback (NULL, 0, false). */
bool js_read(const json_t *object, const char *pointer, const struct js_field *fields,
             enum js_unknown unknown, void *target, struct err *err) MUST_USE;

/* The text of a member, borrowed; NULL where there is none. */
static inline const char *js_text(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}
/* The same, but "" where there is none. */
static inline const char *js_text_in(const json_t *object, const char *name)
{
    const char *text = js_text(object, name);

    return text ? text : "";
}

const char *js_type_name(const json_t *value); /* "an array", "a string", "null", "nothing" */
/* err_set(BadRequest, "pointer: expected X, found Y") */
bool js_refuse(const json_t *value, const char *pointer, const char *expected, struct err *err);
/* Appends "/token" to a pointer with ~0 and ~1 escapes; the caller frees. */
char *js_pointer(const char *parent, const char *token);
char *js_pointer_index(const char *parent, size_t index);
/* A canonical text of a value (sorted keys, no blanks): equality and hashes. The caller frees. */
char *js_canonical(const json_t *value);
/* A copy of the text as a JSON string, or NULL as JSON null. */
json_t *js_text_or_null(const char *text);

#endif
