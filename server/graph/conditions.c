/* Conditions on the metadata of scenes, as load_collection takes them, become one CQL2 expression
 * in JSON: comparisons of the value with constants, joined by and, or, not. */
#include "graph/planner.h"
#include "json/js.h"
#include <string.h>

static const struct {
    const char *process, *op;
} operators[] = {
    { "eq", "=" }, { "neq", "<>" }, { "lt", "<" }, { "lte", "<=" }, { "gt", ">" }, { "gte", ">=" },
    { "between", "between" }, { "and", "and" }, { "or", "or" }, { "not", "not" },
    { "is_nodata", "isNull" },
};

struct condition {
    struct call *call;
    const char *property;
    const struct callback *callback;
    size_t depth;
};

enum { CONDITION_DEPTH = 64 };

static json_t *node_to_cql2(struct condition *c, size_t index, struct err *err);

static json_t *argument_to_cql2(struct condition *c, const struct node *node,
                                const char *name, struct err *err)
{
    const json_t *json = json_object_get(node->arguments, name);
    const char *parameter = js_text(json, "from_parameter");
    const char *from = js_text(json, "from_node");
    struct value v;

    if (parameter && !strcmp(parameter, "value"))
        return json_pack("{s:s}", "property", c->property);
    for (size_t i = 0; from && i < node->n_inputs; i++)
        if (!strcmp(c->callback->graph->nodes[node->inputs[i]].id, from))
            return node_to_cql2(c, node->inputs[i], err);
    if (!frame_resolve(c->call->planner, c->callback->frame, json, node->pointer, &v, err))
        return NULL;
    if (v.kind == KIND_NUMBER || v.kind == KIND_STRING || v.kind == KIND_BOOLEAN)
        return value_to_json(&v);
    call_fail(c->call, err, ERR_FeatureUnsupported, "properties",
              "The condition on '%.60s' compares with something that is no number, text or boolean.",
              c->property);
    return NULL;
}

/* Texts are compared without case by casei() on both sides. */
static json_t *without_case(json_t *operand)
{
    return json_pack("{s:s, s:[o]}", "op", "casei", "args", operand);
}

static json_t *comparison(struct condition *c, const struct node *node, const char *op,
                          struct err *err)
{
    bool ignore_case = json_is_false(json_object_get(node->arguments, "case_sensitive"));
    json_t *args = json_array();

    for (size_t i = 0; i < node->process->n_parameters; i++) {
        const char *name = node->process->parameters[i].name;
        json_t *arg;

        if (!strcmp(name, "case_sensitive") || !strcmp(name, "exclude_max") ||
            !json_object_get(node->arguments, name))
            continue;
        arg = strcmp(name, "delta") ? argument_to_cql2(c, node, name, err) : NULL;
        if (!arg) {
            json_decref(args);
            if (err->code == ERR_None)
                call_fail(c->call, err, ERR_FeatureUnsupported, "properties",
                          "'delta' is not offered in conditions on metadata.");
            return NULL;
        }
        if (ignore_case && !strcmp(node->process->id, "eq") &&
            (json_is_string(arg) || json_object_get(arg, "property")))
            arg = without_case(arg);
        json_array_append_new(args, arg);
    }
    return json_pack("{s:s, s:o}", "op", op, "args", args);
}

static json_t *node_to_cql2(struct condition *c, size_t index, struct err *err)
{
    const struct node *node = &c->callback->graph->nodes[index];
    json_t *all;

    if (++c->depth > CONDITION_DEPTH) {
        call_fail(c->call, err, ERR_ProcessGraphComplexity, "properties",
                  "The condition on '%.60s' is nested deeper than %d.", c->property,
                  CONDITION_DEPTH);
        return NULL;
    }
    for (size_t i = 0; node->process && i < ARRAY_LEN(operators); i++) {
        if (strcmp(operators[i].process, node->process->id))
            continue;
        all = comparison(c, node, operators[i].op, err);
        if (all && json_is_true(json_object_get(node->arguments, "exclude_max")))
            all = json_pack("{s:s, s:[o, {s:s, s:[O, O]}]}", "op", "and", "args", all, "op", "<",
                            "args", json_array_get(json_object_get(all, "args"), 0),
                            json_array_get(json_object_get(all, "args"), 2));
        c->depth--;
        return all;
    }
    call_fail(c->call, err, ERR_FeatureUnsupported, "properties",
              "Process '%.60s' is not offered in conditions on metadata.",
              node->process ? node->process->id : "?");
    return NULL;
}

bool properties_to_cql2(struct call *call, const struct value *properties, json_t **ret,
                        struct err *err)
{
    AUTO(json) json_t *args = json_array();

    for (size_t i = 0; i < properties->object.count; i++) {
        struct condition c = { .call = call, .property = properties->object.keys[i] };
        json_t *one;

        if (properties->object.values[i].kind != KIND_CALLBACK)
            return call_fail(call, err, ERR_ProcessParameterInvalid, "properties",
                             "the condition on '%.60s' is no process graph.", c.property);
        c.callback = properties->object.values[i].callback;
        if (c.callback->graph->result == SIZE_MAX)
            continue;
        one = node_to_cql2(&c, c.callback->graph->result, err);
        if (!one)
            return false;
        json_array_append_new(args, one);
    }
    if (json_array_size(args) == 0)
        return true;
    if (json_array_size(args) == 1)
        *ret = json_incref(json_array_get(args, 0));
    else
        *ret = json_pack("{s:s, s:O}", "op", "and", "args", args);
    return true;
}
