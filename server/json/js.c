/* Typed reading. The depth is counted on the bytes before jansson sees them, because jansson's own
 * limit is fixed when it is built. */
#include "json/js.h"
#include "base/text.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

static bool check_depth(const char *bytes, size_t length, size_t max_depth, struct err *err)
{
    size_t depth = 0;
    bool in_string = false;

    for (size_t i = 0; i < length; i++) {
        char c = bytes[i];

        if (in_string) {
            if (c == '\\')
                i++;
            else if (c == '"')
                in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{' || c == '[') {
            if (++depth > max_depth)
                return err_set(err, ERR_BadRequest,
                               "The JSON is nested deeper than %zu levels at byte %zu", max_depth,
                               i);
        } else if ((c == '}' || c == ']') && depth > 0) {
            depth--;
        }
    }
    return true;
}

bool js_parse(const char *bytes, size_t length, size_t max_depth, json_t **ret_json,
              struct err *err)
{
    json_error_t where;
    json_t *json;

    if (length == 0)
        return err_set(err, ERR_BadRequest, "Expected JSON, found an empty body");
    if (!check_depth(bytes, length, max_depth, err))
        return false;
    json = json_loadb(bytes, length, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &where);
    if (!json)
        return err_set(err, ERR_BadRequest, "Invalid JSON at line %d, column %d: %s", where.line,
                       where.column, where.text);
    *ret_json = json;
    return true;
}

bool js_read_file(const char *path, json_t **ret_json, struct err *err)
{
    json_error_t where;
    json_t *json = json_load_file(path, JSON_REJECT_DUPLICATES, &where);

    if (!json && where.line < 1)
        return err_set(err, ERR_FileNotFound, "%s: %s", path, where.text);
    if (!json)
        return err_set(err, ERR_BadRequest, "%s, line %d, column %d: %s", path, where.line,
                       where.column, where.text);
    *ret_json = json;
    return true;
}

const char *js_type_name(const json_t *value)
{
    if (!value)
        return "nothing";
    switch (json_typeof(value)) {
    case JSON_OBJECT: return "an object";
    case JSON_ARRAY: return "an array";
    case JSON_STRING: return "a string";
    case JSON_INTEGER:
    case JSON_REAL: return "a number";
    case JSON_TRUE:
    case JSON_FALSE: return "a boolean";
    case JSON_NULL: return "null";
    }
    return "an unknown value";
}

bool js_refuse(const json_t *value, const char *pointer, const char *expected, struct err *err)
{
    return err_set(err, ERR_BadRequest, "%s: expected %s, found %s", *pointer ? pointer : "/",
                   expected, js_type_name(value));
}

char *js_pointer(const char *parent, const char *token)
{
    struct text pointer = { 0 };

    text_add(&pointer, parent);
    text_add(&pointer, "/");
    for (; *token; token++) {
        if (*token == '~')
            text_add(&pointer, "~0");
        else if (*token == '/')
            text_add(&pointer, "~1");
        else
            text_addn(&pointer, token, 1);
    }
    return text_take(&pointer);
}

char *js_pointer_index(const char *parent, size_t index)
{
    return mem_printf("%s/%zu", parent, index);
}

char *js_canonical(const json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY |
                                       JSON_REAL_PRECISION(17));

    return text ? text : mem_text("null");
}

json_t *js_text_or_null(const char *text)
{
    return text ? json_string(text) : json_null();
}

static const char *const type_names[] = {
    [JS_TYPE_STRING] = "a string",   [JS_TYPE_NUMBER] = "a number", [JS_TYPE_INTEGER] = "an integer",
    [JS_TYPE_BOOLEAN] = "a boolean", [JS_TYPE_OBJECT] = "an object", [JS_TYPE_ARRAY] = "an array",
    [JS_TYPE_ANY] = "a value",
};

static bool has_type(const json_t *value, enum js_type type)
{
    switch (type) {
    case JS_TYPE_STRING: return json_is_string(value);
    case JS_TYPE_NUMBER: return json_is_number(value);
    case JS_TYPE_INTEGER: /* 3.0 is an integer in JSON Schema */
        return json_is_integer(value) ||
               (json_is_real(value) && json_real_value(value) == trunc(json_real_value(value)) &&
                fabs(json_real_value(value)) <= 9007199254740992.0);
    case JS_TYPE_BOOLEAN: return json_is_boolean(value);
    case JS_TYPE_OBJECT: return json_is_object(value);
    case JS_TYPE_ARRAY: return json_is_array(value);
    case JS_TYPE_ANY: return value != NULL;
    }
    return false;
}

static bool read_text(const json_t *value, const char *pointer, const struct js_field *f,
                      const char **ret_text, struct err *err)
{
    const char *text = json_string_value(value);

    if (f->max_len && json_string_length(value) > f->max_len)
        return err_set(err, ERR_BadRequest, "%s: expected at most %zu bytes, found %zu", pointer,
                       f->max_len, json_string_length(value));
    if (f->choice) {
        AUTO(text) struct text allowed = { 0 };

        for (const char *const *c = f->choice; *c; c++) {
            if (!strcmp(*c, text)) {
                *ret_text = text;
                return true;
            }
            text_printf(&allowed, "%s%s", allowed.length ? ", " : "", *c);
        }
        return err_set(err, ERR_BadRequest, "%s: expected one of %s, found '%.60s'", pointer,
                       allowed.data, text);
    }
    *ret_text = text;
    return true;
}

static bool check_range(double number, const char *pointer, const struct js_field *f,
                        struct err *err)
{
    if (f->max > f->min && !(number >= f->min && number <= f->max))
        return err_set(err, ERR_BadRequest, "%s: %.17g is outside [%g, %g]", pointer, number,
                       f->min, f->max);
    return true;
}

static void set_fallback(const struct js_field *f, char *target)
{
    switch (f->type) {
    case JS_TYPE_STRING: *(const char **)target = f->fallback; break;
    case JS_TYPE_NUMBER: *(double *)target = f->fallback_number; break;
    case JS_TYPE_INTEGER: *(int64_t *)target = (int64_t)f->fallback_number; break;
    case JS_TYPE_BOOLEAN: *(bool *)target = f->fallback_number != 0; break;
    default: *(json_t **)target = NULL;
    }
}

static bool read_field(const json_t *value, const char *pointer, const struct js_field *f,
                       char *target, struct err *err)
{
    if (!has_type(value, f->type))
        return js_refuse(value, pointer, type_names[f->type], err);
    switch (f->type) {
    case JS_TYPE_STRING: return read_text(value, pointer, f, (const char **)target, err);
    case JS_TYPE_NUMBER:
        *(double *)target = json_number_value(value);
        return check_range(json_number_value(value), pointer, f, err);
    case JS_TYPE_INTEGER:
        *(int64_t *)target = json_is_integer(value) ? json_integer_value(value)
                                                    : (int64_t)json_real_value(value);
        return check_range(json_number_value(value), pointer, f, err);
    case JS_TYPE_BOOLEAN: *(bool *)target = json_is_true(value); return true;
    default:
        if (f->type == JS_TYPE_ARRAY && f->max_len && json_array_size(value) > f->max_len)
            return err_set(err, ERR_BadRequest, "%s: expected at most %zu elements, found %zu",
                           pointer, f->max_len, json_array_size(value));
        *(const json_t **)target = value;
        return true;
    }
}

static bool refuse_unknown(const json_t *object, const char *pointer, const struct js_field *fields,
                           struct err *err)
{
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)object, key, value) {
        const struct js_field *f = fields;

        while (f->name && strcmp(f->name, key))
            f++;
        if (!f->name) {
            AUTO(mem) char *place = js_pointer(pointer, key);

            return err_set(err, ERR_BadRequest, "%s: there is no such member here", place);
        }
    }
    return true;
}

bool js_read(const json_t *object, const char *pointer, const struct js_field *fields,
             enum js_unknown unknown, void *target, struct err *err)
{
    if (!json_is_object(object))
        return js_refuse(object, pointer, "an object", err);
    if (unknown == JS_REFUSE_UNKNOWN && !refuse_unknown(object, pointer, fields, err))
        return false;
    for (const struct js_field *f = fields; f->name; f++) {
        const json_t *value = json_object_get(object, f->name);
        AUTO(mem) char *place = js_pointer(pointer, f->name);
        char *member = (char *)target + f->offset;

        if (!value && !f->optional)
            return err_set(err, ERR_BadRequest, "%s: is required and missing", place);
        if (!value || (f->nullable && json_is_null(value)))
            set_fallback(f, member);
        else if (!read_field(value, place, f, member, err))
            return false;
    }
    return true;
}
