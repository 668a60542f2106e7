/* Types of CWL as JSON Schema, and values of execute requests as those of CWL. Files come by reference, and are
 * fetched by the worker; or as texts. */
#include "api/ogc/package_types.h"
#include "base/text.h"
#include "cwl/cwl.h"
#include "json/js.h"
#include <string.h>

/* ---- schemas ---- */

static json_t *schema_of_word(const char *word, bool is_output)
{
    static const struct { const char *word, *type; } rows[] = {
        { "boolean", "boolean" }, { "int", "integer" },  { "long", "integer" },
        { "float", "number" },    { "double", "number" }, { "string", "string" },
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (!strcmp(word, rows[i].word))
            return json_pack("{s:s}", "type", rows[i].type);
    if (!strcmp(word, "Any"))
        return json_object();
    if (is_output)
        return json_pack("{s:s, s:s, s:s}", "type", "string", "contentEncoding", "binary", "contentMediaType",
                         "application/octet-stream");
    return json_pack("{s:s, s:s, s:s}", "type", "string", "format", "uri", "description",
                     !strcmp(word, "Directory") ? "Address of a STAC item, collection or catalogue, by value or by reference"
                                                : "Address of a file, by value or by reference");
}

json_t *ogc_schema_of_type(const json_t *type, bool is_output)
{
    const char *kind = js_text(type, "type"), *word = json_string_value(type);
    json_t *properties, *required, *branches;
    const json_t *one;
    size_t i;

    if (word)
        return schema_of_word(word, is_output);
    if (kind && !strcmp(kind, "enum"))
        return json_pack("{s:s, s:O}", "type", "string", "enum", json_object_get(type, "symbols"));
    if (kind && !strcmp(kind, "array"))
        return json_pack("{s:s, s:o}", "type", "array", "items", ogc_schema_of_type(json_object_get(type, "items"), is_output));
    if (kind && !strcmp(kind, "record")) {
        properties = json_object();
        required = json_array();
        json_array_foreach(json_object_get(type, "fields"), i, one)
        {
            json_object_set_new(properties, js_text(one, "name"), ogc_schema_of_type(json_object_get(one, "type"), is_output));
            if (!cwl_fits(json_object_get(one, "type"), json_null()))
                json_array_append(required, json_object_get(one, "name"));
        }
        return json_pack("{s:s, s:o, s:o}", "type", "object", "properties", properties, "required", required);
    }
    branches = json_array();
    json_array_foreach(type, i, one)
        if (!json_is_string(one) || strcmp(json_string_value(one), "null"))
            json_array_append_new(branches, ogc_schema_of_type(one, is_output));
    if (json_array_size(branches) != 1)
        return json_pack("{s:o}", "oneOf", branches);
    properties = json_incref(json_array_get(branches, 0));
    json_decref(branches);
    return properties;
}

/* ---- values ---- */

static bool is_qualified(const json_t *value)
{
    return json_object_get(value, "value") && !json_object_get(value, "class") && !json_object_get(value, "href");
}

static bool file_of(const char *class_name, const json_t *value, const char *pointer, json_t **ret_value, struct err *err)
{
    const char *address = json_is_string(value) ? json_string_value(value) : js_text(value, "href");
    const char *contents = js_text(value, "contents");

    if (!address)
        address = js_text(value, "location") ? js_text(value, "location") : js_text(value, "path");
    if (address && (text_begins(address, "http://") || text_begins(address, "https://"))) {
        *ret_value = json_pack("{s:s, s:s}", "class", class_name, "location", address);
        if (js_text(value, "basename"))
            json_object_set(*ret_value, "basename", json_object_get(value, "basename"));
        if (json_is_array(json_object_get(value, "secondaryFiles")))
            json_object_set(*ret_value, "secondaryFiles", json_object_get(value, "secondaryFiles"));
        return true;
    }
    if (!address && is_qualified(value))
        contents = js_text(value, "value");
    if (!address && contents && !strcmp(class_name, "File")) {
        *ret_value = json_pack("{s:s, s:s, s:s}", "class", "File", "contents", contents, "basename",
                               js_text(value, "basename") ? js_text(value, "basename") : "input");
        return true;
    }
    return err_set(err, ERR_InvalidParameter, "%s: expected {\"href\"} or the address (http, https) of a %s%s, found %.200s", pointer,
                   strcmp(class_name, "File") ? "STAC document" : "file", strcmp(class_name, "File") ? "" : ", or {\"value\": text}",
                   address ? address : js_type_name(value));
}

static bool convert(const json_t *type, const json_t *value, const char *pointer, json_t **ret_value, struct err *err);

static bool convert_array(const json_t *type, const json_t *value, const char *pointer, json_t **ret_value,
                          struct err *err)
{
    AUTO(json) json_t *list = json_array(), *one = json_is_array(value) ? NULL : json_pack("[O]", value);
    json_t *item, *made;
    size_t i;

    json_array_foreach((json_t *)(one ? one : value), i, item)
    {
        AUTO(mem) char *place = js_pointer_index(pointer, i);

        if (!convert(json_object_get(type, "items"), item, place, &made, err))
            return false;
        json_array_append_new(list, made);
    }
    *ret_value = json_incref(list);
    return true;
}

static bool convert_record(const json_t *type, const json_t *value, const char *pointer, json_t **ret_value,
                           struct err *err)
{
    AUTO(json) json_t *record = json_copy((json_t *)value);
    const json_t *field;
    json_t *made;
    size_t i;

    json_array_foreach(json_object_get(type, "fields"), i, field)
    {
        const char *name = js_text(field, "name");
        AUTO(mem) char *place = js_pointer(pointer, name);

        if (!json_object_get(value, name))
            continue;
        if (!convert(json_object_get(field, "type"), json_object_get(value, name), place, &made, err))
            return false;
        json_object_set_new(record, name, made);
    }
    *ret_value = json_incref(record);
    return true;
}

static bool convert(const json_t *type, const json_t *value, const char *pointer, json_t **ret_value, struct err *err)
{
    const char *kind = js_text(type, "type"), *word = json_string_value(type);
    struct err first = { 0 };
    const json_t *one;
    size_t i;

    if (json_is_array(type)) { /* the first that it can be */
        json_array_foreach(type, i, one)
        {
            struct err why = { 0 };
            json_t *made;

            if (!convert(one, value, pointer, &made, &why)) {
                first = first.code ? first : why;
                continue;
            }
            if (cwl_fits(one, made)) {
                *ret_value = made;
                return true;
            }
            json_decref(made);
        }
        if (first.code)
            return err_set(err, first.code, "%s", first.message);
    }
    if (word && (!strcmp(word, "File") || !strcmp(word, "Directory") || !strcmp(word, "stdin")))
        return file_of(strcmp(word, "Directory") ? "File" : "Directory", value, pointer, ret_value, err);
    if (is_qualified(value) && !(kind && !strcmp(kind, "record") && cwl_fits(type, value)))
        return convert(type, json_object_get(value, "value"), pointer, ret_value, err);
    if (kind && !strcmp(kind, "array"))
        return convert_array(type, value, pointer, ret_value, err);
    if (kind && !strcmp(kind, "record") && json_is_object(value))
        return convert_record(type, value, pointer, ret_value, err);
    *ret_value = json_deep_copy(value);
    return true;
}

/* What "Any" lets through is checked, too: a request names no file of this machine. */
static bool refuse_local(void *context, json_t *file, struct err *err)
{
    const char *location = js_text(file, "location") ? js_text(file, "location") : js_text(file, "path");

    (void)context;
    return !location || text_begins(location, "http://") || text_begins(location, "https://") ||
           err_set(err, ERR_InvalidParameter, "/inputs: '%.200s' is no address (http, https) of a file", location);
}

bool ogc_package_inputs(const json_t *inputs, const json_t *unit, json_t **ret_arguments, struct err *err)
{
    const json_t *process = cwl_main(json_object_get(unit, "cwl")), *one;
    AUTO(json) json_t *arguments = json_object(), *checked = NULL;
    const char *name;
    json_t *value, *made;
    size_t i;

    if (inputs && !json_is_object(inputs))
        return err_set(err, ERR_InvalidParameter, "/inputs: expected an object, found %s", js_type_name(inputs));
    json_object_foreach((json_t *)inputs, name, value)
    {
        AUTO(mem) char *pointer = js_pointer("/inputs", name);
        const json_t *type = NULL;

        json_array_foreach(json_object_get(process, "inputs"), i, one)
            if (!strcmp(js_text(one, "id"), name))
                type = json_object_get(one, "type");
        if (!type)
            return err_set(err, ERR_InvalidParameter, "%s: the process has no such input", pointer);
        if (!convert(type, value, pointer, &made, err))
            return false;
        json_object_set_new(arguments, name, made);
    }
    if (!cwl_files_each(arguments, refuse_local, NULL, err) || !cwl_inputs(process, arguments, &checked, err))
        return false;
    *ret_arguments = json_incref(arguments);
    return true;
}
