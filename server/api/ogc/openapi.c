/* The OpenAPI document of this face, with an operation for each process that there is: its inputs and outputs with their
 * schemas, in the part of JSON Schema that OpenAPI 3.0 knows. */
#include "api/ogc/openapi.h"
#include "api/ogc/ogc.h"
#include "json/js.h"
#include <string.h>

/* Keywords that mean the same there. */
static const char *const kept[] = {
    "title", "description", "multipleOf", "maximum", "minimum", "maxLength", "minLength", "pattern", "maxItems", "minItems",
    "uniqueItems", "maxProperties", "minProperties", "required", "enum", "format", "default", "nullable",
};

static json_t *schema_of(const json_t *schema);

static void put_list(json_t *out, const json_t *schema, const char *name)
{
    const json_t *list = json_object_get(schema, name);
    json_t *made, *one;
    size_t i;

    if (!json_array_size(list))
        return;
    made = json_array();
    json_array_foreach((json_t *)list, i, one)
        json_array_append_new(made, schema_of(one));
    json_object_set_new(out, name, made);
}

static void put_properties(json_t *out, const json_t *schema)
{
    const json_t *properties = json_object_get(schema, "properties"), *others = json_object_get(schema, "additionalProperties");
    json_t *made = json_object(), *one;
    const char *name;

    json_object_foreach((json_t *)properties, name, one)
        json_object_set_new(made, name, schema_of(one));
    json_object_set_new(out, "properties", made);
    if (json_is_boolean(others))
        json_object_set(out, "additionalProperties", (json_t *)others);
    else if (json_is_object(others))
        json_object_set_new(out, "additionalProperties", schema_of(others));
}

/* A list of types is alternatives. */
static void put_type(json_t *out, const json_t *schema)
{
    const json_t *type = json_object_get(schema, "type"), *items = json_object_get(schema, "items");
    json_t *made, *one;
    size_t i;

    if (json_is_string(type))
        json_object_set(out, "type", (json_t *)type);
    if (json_is_string(type) && !strcmp(json_string_value(type), "array"))
        json_object_set_new(out, "items", json_is_object(items) ? schema_of(items) : json_object());
    if (!json_array_size(type))
        return;
    made = json_array();
    json_array_foreach((json_t *)type, i, one) {
        if (!strcmp(json_string_value(one), "null"))
            json_object_set_new(out, "nullable", json_true());
        else if (!strcmp(json_string_value(one), "array"))
            json_array_append_new(made, json_pack("{s:s, s:{}}", "type", "array", "items"));
        else
            json_array_append_new(made, json_pack("{s:O}", "type", one));
    }
    json_object_set_new(out, "anyOf", made);
}

static void put_open_bound(json_t *out, const json_t *schema, const char *exclusive, const char *bound)
{
    const json_t *value = json_object_get(schema, exclusive);

    if (json_is_number(value)) {
        json_object_set(out, bound, (json_t *)value);
        json_object_set_new(out, exclusive, json_true());
    } else if (json_is_boolean(value)) {
        json_object_set(out, exclusive, (json_t *)value);
    }
}

static json_t *schema_of(const json_t *schema)
{
    const char *encoding = js_text(schema, "contentEncoding");
    json_t *out = json_object();

    for (size_t i = 0; i < ARRAY_LEN(kept); i++)
        if (json_object_get(schema, kept[i]))
            json_object_set(out, kept[i], json_object_get(schema, kept[i]));
    if (encoding && !strcmp(encoding, "base64"))
        json_object_set_new(out, "format", json_string("byte"));
    if (json_object_get(schema, "const"))
        json_object_set_new(out, "enum", json_pack("[O]", json_object_get(schema, "const")));
    put_type(out, schema);
    put_open_bound(out, schema, "exclusiveMinimum", "minimum");
    put_open_bound(out, schema, "exclusiveMaximum", "maximum");
    if (json_object_get(schema, "properties"))
        put_properties(out, schema);
    put_list(out, schema, "allOf");
    put_list(out, schema, "anyOf");
    put_list(out, schema, "oneOf");
    if (json_object_get(schema, "not"))
        json_object_set_new(out, "not", schema_of(json_object_get(schema, "not")));
    return out;
}

/* ---- a process ---- */

static json_t *reference(const char *name)
{
    return json_pack("{s:o}", "$ref", json_sprintf("#/components/schemas/%s", name));
}

static json_t *input_of(const json_t *input)
{
    json_t *value = schema_of(json_object_get(input, "schema")), *any, *list;
    const json_t *most = json_object_get(input, "maxOccurs");

    if (json_object_get(input, "description") && !json_object_get(value, "description"))
        json_object_set(value, "description", json_object_get(input, "description"));
    any = json_pack("{s:[o, o, o, o]}", "anyOf", value, reference("qualified"), reference("reference"), reference("collection"));
    if (!most || (json_is_number(most) && json_number_value(most) <= 1))
        return any;
    list = json_pack("{s:s, s:o}", "type", "array", "items", any);
    if (json_is_integer(most))
        json_object_set(list, "maxItems", (json_t *)most);
    return json_pack("{s:[o, O]}", "anyOf", list, any);
}

static json_t *body_of(const json_t *description)
{
    json_t *inputs = json_object(), *outputs = json_object(), *required = json_array(), *one, *all;
    const char *name;

    json_object_foreach(json_object_get(description, "inputs"), name, one) {
        const json_t *least = json_object_get(one, "minOccurs");

        json_object_set_new(inputs, name, input_of(one));
        if (!least || json_number_value(least) > 0)
            json_array_append_new(required, json_string(name));
    }
    json_object_foreach(json_object_get(description, "outputs"), name, one)
        json_object_set_new(outputs, name, reference("output"));
    all = json_pack("{s:s, s:o, s:b}", "type", "object", "properties", inputs, "additionalProperties", 0);
    if (json_array_size(required))
        json_object_set(all, "required", required);
    one = json_pack("{s:s, s:{s:o, s:{s:s, s:o, s:b}, s:{s:s, s:[s,s]}}}", "type", "object", "properties", "inputs", all, "outputs", "type",
                    "object", "properties", outputs, "additionalProperties", 0, "response", "type", "string", "enum", "raw", "document");
    json_object_set_new(json_object_get(one, "properties"), "subscriber", reference("subscriber"));
    if (json_array_size(required))
        json_object_set_new(one, "required", json_pack("[s]", "inputs"));
    json_decref(required);
    return one;
}

static void add_process(json_t *document, const struct ogc_process *process)
{
    AUTO(json) json_t *description = ogc_process_description(process);
    AUTO(mem) char *path = mem_printf("/processes/%s/execution", process->id), *operation_id = mem_printf("execute-%s", process->id);
    json_t *paths = json_object_get(document, "paths");
    const json_t *any = json_object_get(json_object_get(paths, "/processes/{processId}/execution"), "post");
    json_t *operation = json_deep_copy(any), *parameters = json_object_get(operation, "parameters");

    for (size_t i = json_array_size(parameters); i-- > 0;) {
        const char *ref = js_text(json_array_get(parameters, i), "$ref");

        if (ref && !strcmp(ref, "#/components/parameters/processId"))
            json_array_remove(parameters, i);
    }
    json_object_set_new(operation, "operationId", json_string(operation_id));
    json_object_set(operation, "summary", json_object_get(description, "title"));
    json_object_set(operation, "description", json_object_get(description, "description"));
    json_object_set_new(operation, "requestBody",
                        json_pack("{s:b, s:{s:{s:o}}}", "required", 1, "content", "application/json", "schema", body_of(description)));
    json_object_set_new(paths, path, json_pack("{s:o}", "post", operation));
}

void ogc_document_add(json_t *document)
{
    const struct ogc_process *process;

    for (size_t i = 0; (process = ogc_process_at(i)); i++)
        add_process(document, process);
}
