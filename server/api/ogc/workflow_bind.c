/* A deployed workflow is a request with $input in it. When it is run, what is given takes the places of these; where a
 * modifier stands beside a $input, it is added to what is given. */
#include "api/ogc/workflow.h"
#include "json/js.h"
#include <string.h>

/* What is no plain value: its kind is found out where it is used. */
static bool is_named(const json_t *value)
{
    return js_text(value, "href") || js_text(value, "collection") || js_text(value, "process") || js_text(value, "$input");
}

/* The plain values among the inputs fit, and nothing is missing or unknown. */
static bool check_inputs(const json_t *description, const json_t *inputs, const char *pointer, struct err *err)
{
    AUTO(json) json_t *relaxed = json_deep_copy(description), *values = json_object(), *checked = NULL;
    char message[sizeof err->message];
    const char *name;
    json_t *value, *one;
    size_t i;

    json_object_foreach((json_t *)inputs, name, value) {
        json_t *input = json_object_get(json_object_get(relaxed, "inputs"), name);
        bool named = is_named(value);

        json_array_foreach(value, i, one)
            named |= is_named(one);
        if (input && named)
            json_object_set_new(input, "minOccurs", json_integer(0));
        else
            json_object_set(values, name, value);
    }
    if (ogc_inputs_read(values, relaxed, NULL, NULL, &checked, err))
        return true;
    snprintf(message, sizeof message, "%s", err->message);
    if (!strncmp(message, "/inputs", 7))
        snprintf(err->message, sizeof err->message, "%.300s%.800s", pointer, message + 7);
    return false;
}

static json_t *put_in(const json_t *value, const json_t *inputs, int depth);

/* {"$input": name, modifiers}: NULL when it is not given. */
static json_t *given(const json_t *value, const json_t *inputs)
{
    const json_t *found = json_object_get(inputs, js_text(value, "$input"));
    json_t *made, *modifier;
    const char *name;

    if (!found)
        return NULL;
    if (!json_is_object(found) || json_object_size(value) == 1)
        return json_deep_copy(found);
    made = json_deep_copy(found);
    json_object_foreach((json_t *)value, name, modifier)
        if (strcmp(name, "$input") && !json_object_get(made, name))
            json_object_set(made, name, modifier);
    return made;
}

static json_t *put_in_list(const json_t *list, const json_t *inputs, int depth)
{
    json_t *made = json_array(), *one, *value;
    size_t i;

    json_array_foreach((json_t *)list, i, one) {
        value = js_text(one, "$input") ? given(one, inputs) : put_in(one, inputs, depth + 1);
        if (value && json_is_array(value) && js_text(one, "$input")) { /* several values in the place of one */
            json_array_extend(made, value);
            json_decref(value);
        } else if (value) {
            json_array_append_new(made, value);
        }
    }
    return made;
}

static json_t *put_in(const json_t *value, const json_t *inputs, int depth)
{
    json_t *made, *one;
    const char *name;

    if (depth > JS_DEFAULT_DEPTH || (!json_is_object(value) && !json_is_array(value)))
        return json_deep_copy(value);
    if (json_is_array(value))
        return put_in_list(value, inputs, depth);
    if (js_text(value, "$input"))
        return given(value, inputs);
    made = json_object();
    json_object_foreach((json_t *)value, name, one) {
        json_t *inside = put_in(one, inputs, depth + 1);

        if (inside)
            json_object_set_new(made, name, inside);
    }
    return made;
}

bool ogc_workflow_bind(const json_t *body, const json_t *description, const json_t *inputs, const char *pointer,
                       json_t **ret_body, struct err *err)
{
    if (inputs && !json_is_object(inputs))
        return err_set(err, ERR_InvalidParameter, "%s: expected an object, found %s", pointer, js_type_name(inputs));
    if (!check_inputs(description, inputs, pointer, err))
        return false;
    *ret_body = put_in(body, inputs, 0);
    return true;
}
