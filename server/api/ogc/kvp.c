/* An execute request as parameters of an address: NAME=value, NAME[href]=, NAME[crs]=, OUTPUT[include]=true, response[f]=,
 * response[prefer]=. Names of inputs have any case. A value is read by the schema of its input: numbers and truth values
 * as such, lists with commas, objects and nested lists as JSON. */
#include "api/ogc/ogc.h"
#include "base/text.h"
#include "json/js.h"
#include <string.h>
#include <strings.h>

struct kvp {
    struct request *rq;
    const json_t *inputs, *outputs;
    json_t *given, *wanted;
};

/* The key of `known` that is `name` but for case, when nothing else follows than `suffix`. */
static const char *key_of(const json_t *known, const char *name, const char *suffix)
{
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)known, key, value) {
        size_t n = strlen(key);

        if (!strncasecmp(name, key, n) && !strcasecmp(name + n, suffix))
            return key;
    }
    return NULL;
}

static const char *type_of(const json_t *schema)
{
    const char *type = js_text(schema, "type");

    return type ? type : "";
}

static json_t *parse(const char *text)
{
    struct err ignored = { 0 };
    json_t *value = NULL;

    return js_parse(text, strlen(text), JS_DEFAULT_DEPTH, &value, &ignored) ? value : NULL;
}

static json_t *value_of(const json_t *schema, const char *text);

static json_t *list_of(const json_t *items, const char *text)
{
    json_t *list = json_array();
    AUTO(mem) char *copy = mem_text(text);
    char *rest = copy, *one;

    while (*copy && (one = strsep(&rest, ",")))
        json_array_append_new(list, value_of(items, one));
    return list;
}

/* What does not read as its type stays a text: the check against the schema then says what is wrong with it. */
static json_t *value_of(const json_t *schema, const char *text)
{
    const char *type = type_of(schema);
    json_t *value = NULL, *branch;
    double number;
    size_t i;

    if (*text == '{' || *text == '[')
        value = parse(text);
    if (value)
        return value;
    if (!strcmp(type, "number") || !strcmp(type, "integer"))
        return text_to_number(text, &number) ? parse(text) : json_string(text);
    if (!strcmp(type, "boolean") && (!strcmp(text, "true") || !strcmp(text, "false")))
        return json_boolean(*text == 't');
    if (!strcmp(type, "array"))
        return list_of(json_object_get(schema, "items"), text);
    if (json_object_get(json_object_get(schema, "properties"), "bbox"))
        return json_pack("{s:o}", "bbox", list_of(json_object_get(json_object_get(json_object_get(schema, "properties"), "bbox"), "items"), text));
    json_array_foreach(json_object_get(schema, "oneOf"), i, branch)
        if (strcmp(type_of(branch), "string") && (!strcmp(type_of(branch), "number") || !strcmp(type_of(branch), "integer")) &&
            text_to_number(text, &number))
            return parse(text);
    return json_string(text);
}

static bool occurs_often(const json_t *description)
{
    const json_t *most = json_object_get(description, "maxOccurs");

    return json_is_string(most) || json_integer_value(most) > 1;
}

static void add_value(struct kvp *kvp, const char *key, const char *text)
{
    const json_t *description = json_object_get(kvp->inputs, key), *schema = json_object_get(description, "schema");
    json_t *old = json_object_get(kvp->given, key);

    if (!occurs_often(description)) {
        json_object_set_new(kvp->given, key, value_of(schema, text));
        return;
    }
    AUTO(json) json_t *more = list_of(schema, text);
    if (!old)
        json_object_set(kvp->given, key, more);
    else
        json_array_extend(old, more);
}

static void add_member(struct kvp *kvp, const char *key, const char *member, const char *text)
{
    json_t *value = json_object_get(kvp->given, key);

    if (!json_is_object(value)) {
        value = json_object();
        json_object_set_new(kvp->given, key, value);
    }
    json_object_set_new(value, member, json_string(text));
}

/* A form sends what was left empty as well. */
static bool is_left_out(const struct kvp *kvp, const char *key, const char *text)
{
    const json_t *least = json_object_get(json_object_get(kvp->inputs, key), "minOccurs");

    return !*text && least && json_number_value(least) == 0;
}

static bool read_parameter(struct kvp *kvp, const char *name, const char *text, struct err *err)
{
    static const char *const members[] = { "href", "type", "crs" };
    const char *key = key_of(kvp->inputs, name, "");

    if (key) {
        if (!is_left_out(kvp, key, text))
            add_value(kvp, key, text);
        return true;
    }
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        char suffix[8] = "[";

        strcat(strcat(suffix, members[i]), "]");
        if ((key = key_of(kvp->inputs, name, suffix))) {
            if (*text)
                add_member(kvp, key, members[i], text);
            return true;
        }
    }
    if ((key = key_of(kvp->outputs, name, "[include]"))) {
        if (!strcmp(text, "true"))
            json_object_set_new(kvp->wanted, key, json_object());
        return true;
    }
    if (!strcmp(name, "f") || !strcmp(name, "response[f]") || !strcmp(name, "response[prefer]") || !strcmp(name, "profile"))
        return true;
    return err_set(err, ERR_InvalidParameter, "%.60s: the process has no such input", name);
}

bool ogc_kvp_read(struct request *rq, json_t **ret_body, struct err *err)
{
    const char *id = request_variable(rq, "processId"), *site = request_header(rq, "Sec-Fetch-Site"), *name, *text;
    AUTO(json) json_t *description = NULL, *given = json_object(), *wanted = json_object();
    struct kvp kvp = { .rq = rq, .given = given, .wanted = wanted };

    if (!ogc_describe(rq, id, &description, err))
        return false;
    kvp.inputs = json_object_get(description, "inputs");
    kvp.outputs = json_object_get(description, "outputs");
    if (site && strcmp(site, "same-origin") && strcmp(site, "none"))
        return err_set(err, ERR_PermissionsInsufficient, "A page of another site cannot run a process by a link.");
    for (size_t i = 0; request_query_at(rq, i, &name, &text); i++)
        if (!read_parameter(&kvp, name, text ? text : "", err))
            return false;
    *ret_body = json_pack("{s:O}", "inputs", given);
    if (json_object_size(wanted))
        json_object_set(*ret_body, "outputs", wanted);
    return true;
}
