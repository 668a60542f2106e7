/* What comes as text becomes the JSON that the schema of the input asks for. What it then is, valid
 * or not, is judged where all execute requests are (ogc/inputs.c). A list may also come as several
 * inputs of one name. */
#include "api/wps/wps.h"
#include "json/js.h"
#include <math.h>
#include <string.h>
#include <strings.h>

static bool has_type(const json_t *schema, const char *type)
{
    const char *found = js_text(schema, "type");

    return found && !strcmp(found, type);
}

static bool is_box(const json_t *schema)
{
    const char *format = js_text(schema, "format");
    const json_t *list = json_object_get(schema, "allOf");

    return (format && !strcmp(format, "ogc-bbox")) ||
           js_text(json_object_get(json_object_get(schema, "properties"), "bbox"), "type") ||
           (list && is_box(json_array_get(list, 0)));
}

const char *wps_media_of(const json_t *schema)
{
    const json_t *branches = json_object_get(schema, "oneOf");
    const char *media = js_text(schema, "contentMediaType");

    if (!media && branches)
        media = js_text(json_array_get(branches, 0), "contentMediaType");
    return media ? media : "application/json";
}

enum wps_kind wps_kind_of(const json_t *schema)
{
    static const char *const literals[] = {"string", "number", "integer", "boolean"};

    if (is_box(schema))
        return WPS_BOX;
    if (js_text(schema, "contentMediaType") || js_text(schema, "contentEncoding"))
        return WPS_COMPLEX;
    for (size_t i = 0; i < ARRAY_LEN(literals); i++)
        if (has_type(schema, literals[i]))
            return WPS_LITERAL;
    return js_text(schema, "type") || !json_object_get(schema, "enum") ? WPS_COMPLEX : WPS_LITERAL;
}

/* ---- texts ---- */

static json_t *number_of(const char *text, bool whole)
{
    double number;

    if (!text_to_number(text, &number))
        return NULL;
    return whole || (number == floor(number) && fabs(number) < 9e15 && !strpbrk(text, ".eE"))
               ? number == floor(number) && fabs(number) < 9e15 ? json_integer((json_int_t)number)
                                                                : NULL
               : json_real(number);
}

static json_t *boolean_of(const char *text)
{
    if (!strcasecmp(text, "true") || !strcmp(text, "1"))
        return json_true();
    return !strcasecmp(text, "false") || !strcmp(text, "0") ? json_false() : NULL;
}

static json_t *parsed(const char *text)
{
    struct err ignored = {0};
    json_t *value = NULL;

    return js_parse(text, strlen(text), JS_DEFAULT_DEPTH, &value, &ignored) ? value : NULL;
}

/* A text that does not read as its type stays one, so that the message is that of any wrong value.
 */
static json_t *literal_of(const json_t *schema, const char *text)
{
    json_t *value = NULL;

    if (has_type(schema, "number") || has_type(schema, "integer"))
        value = number_of(text, has_type(schema, "integer"));
    else if (has_type(schema, "boolean"))
        value = boolean_of(text);
    else if (!has_type(schema, "string") && !json_object_get(schema, "enum"))
        value = parsed(text);
    return value ? value : json_string(text);
}

/* ---- bounding boxes ---- */

/* "1 2" or "1,2" */
static size_t numbers_of(const char *text, json_t *list, const char **ret_rest)
{
    size_t count = 0;

    while (*text) {
        char *end;
        double number;

        text += strspn(text, " ,\t\r\n");
        number = strtod(text, &end);
        if (end == text || !strchr(" ,\t\r\n", *end))
            break;
        json_array_append_new(list, json_real(number));
        count++;
        text = end;
    }
    *ret_rest = text;
    return count;
}

/* The text of keys and values: "minx,miny,maxx,maxy,crs". The name of the system may be
 * "EPSG:4326". */
static json_t *box_of(const struct wps_input *input)
{
    json_t *list = json_array(), *box = json_pack("{s:o}", "bbox", list);
    const char *rest = "", *crs = input->crs;
    size_t length;

    if (input->text) {
        numbers_of(input->text, list, &rest);
        crs = *rest ? rest : crs;
    } else {
        numbers_of(input->lower, list, &rest);
        numbers_of(input->upper, list, &rest);
    }
    length = crs ? strcspn(crs, ", ") : 0;
    if (length && !strncasecmp(crs, "EPSG:", 5) && strspn(crs + 5, "0123456789") + 5 == length) {
        AUTO(mem)
        char *uri =
            mem_printf("http://www.opengis.net/def/crs/EPSG/0/%.*s", (int)(length - 5), crs + 5);

        json_object_set_new(box, "crs", json_string(uri));
    } else if (length) {
        json_object_set_new(box, "crs", json_stringn(crs, length));
    }
    return box;
}

/* ---- inputs ---- */

static json_t *reference_of(const struct wps_input *input)
{
    json_t *reference = json_pack("{s:s}", "href", input->href);

    if (input->media)
        json_object_set_new(reference, "type", json_string(input->media));
    if (input->body)
        json_object_set_new(reference, "body", json_string(input->body));
    return reference;
}

static bool check_method(const struct wps_input *input, struct wps_problem *problem,
                         struct err *err)
{
    if (!input->href || !input->method || !strcasecmp(input->method, input->body ? "POST" : "GET"))
        return true;
    return wps_refuse(problem, "InvalidParameterValue", input->id, err,
                      "%.100s: a reference with method %.20s %s", input->id, input->method,
                      input->body ? "has no body" : "needs a body");
}

/* Commands take a file by its address, or what is in it. */
static bool is_file(const json_t *schema)
{
    const char *format = js_text(schema, "format");

    return format && !strcmp(format, "uri");
}

static json_t *value_of(const struct wps_input *input, const json_t *schema)
{
    bool list = has_type(schema, "array");
    json_t *value;

    if (input->href)
        return reference_of(input);
    if (wps_kind_of(schema) == WPS_BOX && !(input->text && strchr(input->text, '{')))
        return box_of(input);
    if (!input->text)
        return json_null();
    value = list ? parsed(input->text) : NULL;
    if (json_is_array(value))
        return value;
    json_decref(value);
    if (list)
        return literal_of(json_object_get(schema, "items"), input->text);
    value = wps_kind_of(schema) == WPS_COMPLEX && !has_type(schema, "string")
                ? parsed(input->text)
                : literal_of(schema, input->text);
    if (!value)
        value = json_string(input->text);
    /* so that neither an object's members are taken for what qualifies a value, nor the text of a file for its address */
    if (json_is_object(value) || (is_file(schema) && json_is_string(value) && !text_is_remote(input->text)))
        value = json_pack("{s:o}", "value", value);
    return value;
}

static bool has_many(const json_t *description)
{
    const json_t *most = json_object_get(description, "maxOccurs");

    return most && (!json_is_number(most) || json_number_value(most) > 1);
}

/* A second value of one name makes a list of the first. */
static void put(json_t *inputs, const char *id, json_t *value, bool many)
{
    json_t *before = json_object_get(inputs, id);

    if (before && json_is_array(before)) {
        json_array_append_new(before, value);
    } else if (before) {
        json_object_set_new(inputs, id, json_pack("[O, o]", before, value));
    } else {
        json_object_set_new(inputs, id,
                            many && !json_is_array(value) ? json_pack("[o]", value) : value);
    }
}

bool wps_inputs(const struct wps_request *wps, const json_t *description, json_t **ret_inputs,
                struct wps_problem *problem, struct err *err)
{
    const json_t *known = json_object_get(description, "inputs");
    AUTO(json) json_t *inputs = json_object();

    for (size_t i = 0; i < wps->n_inputs; i++) {
        const struct wps_input *input = &wps->inputs[i];
        const json_t *one = json_object_get(known, input->id),
                     *schema = json_object_get(one, "schema");

        if (!one)
            return wps_refuse(problem,
                              wps->version == OWS_2_0 ? "NoSuchInput" : "InvalidParameterValue",
                              input->id, err, "The process has no input '%.100s'", input->id);
        if (!check_method(input, problem, err))
            return false;
        put(inputs, input->id, value_of(input, schema), has_many(one) || has_type(schema, "array"));
    }
    *ret_inputs = json_incref(inputs);
    return true;
}
