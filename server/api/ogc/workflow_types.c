/* Schemas of outputs against schemas of inputs, before anything runs. What cannot be told from schemas is found out
 * when the value is there: so only what fits in no way is refused. */
#include "api/ogc/workflow.h"
#include "base/text.h"
#include "json/js.h"
#include <string.h>
#include <strings.h>

/* The alternatives of a schema; one that has none is the only one. The caller owns the list. */
static json_t *branches_of(const json_t *schema)
{
    static const char *const words[] = { "oneOf", "anyOf" };

    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (json_array_size(json_object_get(schema, words[i])))
            return json_incref(json_object_get(schema, words[i]));
    if (json_array_size(json_object_get(schema, "allOf")) == 1)
        return json_incref(json_object_get(schema, "allOf"));
    return json_pack("[O]", schema);
}

/* Bytes in a file, whatever JSON Schema calls it. */
static bool is_file(const json_t *schema)
{
    const char *encoding = js_text(schema, "contentEncoding"), *media = js_text(schema, "contentMediaType");

    return (encoding && strcmp(encoding, "utf-8")) || (media && !strstr(media, "json") && strncmp(media, "text/", 5));
}

static bool has_type(const json_t *schema, const char *type)
{
    const json_t *own = json_object_get(schema, "type"), *one;
    size_t i;

    if (json_is_string(own))
        return !strcmp(json_string_value(own), type);
    json_array_foreach((json_t *)own, i, one)
        if (!strcmp(json_string_value(one) ? json_string_value(one) : "", type))
            return true;
    return !own && json_object_size(schema) == 0;
}

/* "image/tiff; application=geotiff" is a kind of image/tiff, and of image/tiff with other parameters. */
static bool same_media(const char *a, const char *b)
{
    size_t n = strcspn(a, "; ");

    return n == strcspn(b, "; ") && !strncasecmp(a, b, n);
}

static bool is_address(const json_t *schema)
{
    const char *format = js_text(schema, "format");

    return has_type(schema, "string") && format && !strncmp(format, "uri", 3);
}

static bool fits(const json_t *output, const json_t *input)
{
    static const char *const types[] = { "string", "number", "integer", "boolean", "object", "array", "null" };
    const char *made = js_text(output, "contentMediaType"), *wanted = js_text(input, "contentMediaType");
    bool typed = json_object_get(output, "type") && json_object_get(input, "type");

    if (made && strstr(made, "octet-stream")) /* nothing is known of it */
        return true;
    if (is_file(output)) /* by reference, by its bytes, or read when it is JSON */
        return is_address(input) || (is_file(input) ? !made || !wanted || same_media(made, wanted)
                                                    : !typed || (made && strstr(made, "json") && !has_type(input, "string")));
    if (has_type(output, "string") && is_file(input))
        return !made || !wanted || same_media(made, wanted);
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (has_type(output, types[i]) && (has_type(input, types[i]) || (!strcmp(types[i], "integer") && has_type(input, "number")) ||
                                           (!strcmp(types[i], "number") && has_type(input, "integer"))))
            return true;
    return !typed;
}

static void describe(const json_t *schema, struct text *out)
{
    AUTO(json) json_t *branches = branches_of(schema);
    const json_t *branch;
    size_t i;

    json_array_foreach(branches, i, branch) {
        const json_t *type = json_object_get(branch, "type");
        const char *media = js_text(branch, "contentMediaType");

        text_add(out, i ? " or " : "");
        if (media)
            text_add(out, media);
        else if (is_address(branch))
            text_add(out, "an address");
        else if (is_file(branch))
            text_add(out, "a file");
        else
            text_add(out, json_is_string(type) ? json_string_value(type) : "a value");
    }
}

bool ogc_workflow_fits(const json_t *output, const json_t *input, const char *output_name, const char *pointer,
                       struct err *err)
{
    AUTO(json) json_t *made = branches_of(output), *wanted = branches_of(input);
    AUTO(text) struct text expected = { 0 }, found = { 0 };
    const json_t *one, *other;
    size_t i, k;

    json_array_foreach(made, i, one)
        json_array_foreach(wanted, k, other)
            if (fits(one, other))
                return true;
    describe(input, &expected);
    describe(output, &found);
    return err_set(err, ERR_InvalidParameter, "%s: expected %s, but the output %s is %s", pointer, expected.data, output_name,
                   found.data);
}
