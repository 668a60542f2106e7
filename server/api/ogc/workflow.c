/* A request whose inputs are processes becomes a list of steps: every process of the tree is one (workflow_step.c), those
 * that give inputs before those that take them. A deployed workflow within is unfolded, so that all steps stand side by side. */
#include "api/ogc/workflow_step.h"
#include "base/text.h"
#include "json/js.h"
#include <string.h>

/* What a $output within a request names belongs to the request, or to the deployed workflow that has it. */
struct scope {
    json_t *exposed; /* {name: port} */
};

struct compiling {
    struct request *rq;
    json_t *steps, *descriptions; /* by key */
    json_t *inputs; /* {name: description} of $input, when a workflow is described; NULL: there are none any more */
    int64_t depth, remote; /* how deep it is in the tree; steps on other servers */
};

/* A process of the tree: what it can give, {output: port}, a port being {"step", "output", "description"}. */
struct node {
    json_t *ports;
    const char *first; /* what is taken when nothing is chosen */
};

static void node_drop(struct node *node)
{
    json_decref(node->ports);
}

static const char *const modifiers[] = { "filter", "properties", "sortBy", "aliases" };

static bool has_modifiers(const json_t *body)
{
    for (size_t i = 0; i < ARRAY_LEN(modifiers); i++)
        if (json_object_get(body, modifiers[i]))
            return true;
    return false;
}

bool ogc_workflow_is(const json_t *body)
{
    const char *name;
    json_t *value, *one;
    size_t i;

    if (has_modifiers(body))
        return true;
    json_object_foreach(json_object_get(body, "outputs"), name, value)
        if (json_object_get(value, "$output"))
            return true;
    json_object_foreach(json_object_get(body, "inputs"), name, value) {
        if (ogc_nested_in(value) || json_object_get(value, "$input"))
            return true;
        json_array_foreach(value, i, one)
            if (ogc_nested_in(one) || json_object_get(one, "$input"))
                return true;
    }
    return false;
}

static bool compile(struct compiling *c, struct scope *scope, const json_t *body, struct ogc_called *called, const char *pointer,
                    struct node *ret_node, struct err *err);

/* The output of a nested request that its receiver takes: the one that is asked for, else the first. */
static const char *chosen(const json_t *body, const struct node *node)
{
    const char *id;
    json_t *wish;

    json_object_foreach(json_object_get(body, "outputs"), id, wish)
        if (!json_object_get(wish, "$output"))
            return id;
    json_object_foreach(json_object_get(body, "outputs"), id, wish)
        return id;
    return node->first;
}

/* The step makes this output. */
static void need(struct compiling *c, const json_t *port)
{
    json_t *step = json_object_get(c->steps, js_text(port, "step"));

    json_object_set_new(json_object_get(json_object_get(step, "request"), "outputs"), js_text(port, "output"), json_object());
}

/* ---- steps ---- */

static const char *free_key(struct compiling *c, const char *id)
{
    const char *name = strrchr(id, '/') && strrchr(id, '/')[1] ? strrchr(id, '/') + 1 : id;
    const char *key = arena_printf(c->rq->arena, "%.80s", name);

    for (int i = 2; json_object_get(c->steps, key); i++)
        key = arena_printf(c->rq->arena, "%.80s-%d", name, i);
    return key;
}

static void fill_ports(const char *key, const json_t *description, struct node *node)
{
    const char *id;
    json_t *output;

    node->ports = json_object();
    json_object_foreach(json_object_get(description, "outputs"), id, output) {
        node->first = node->first ? node->first : id;
        json_object_set_new(node->ports, id, json_pack("{s:s, s:s, s:O}", "step", key, "output", id, "description", output));
    }
}

/* What stands beside a process changes its outputs, after what stands within. */
static void add_modifiers(const json_t *body, struct node *node)
{
    AUTO(json) json_t *own = json_object();
    json_t *port, *made, *list;
    const char *id;

    if (!has_modifiers(body))
        return;
    for (size_t i = 0; i < ARRAY_LEN(modifiers); i++)
        if (json_object_get(body, modifiers[i]))
            json_object_set(own, modifiers[i], json_object_get(body, modifiers[i]));
    json_object_foreach(node->ports, id, port) {
        list = json_object_get(port, "modifiers") ? json_copy(json_object_get(port, "modifiers")) : json_array();
        json_array_append(list, own);
        made = json_copy(port);
        json_object_set_new(made, "modifiers", list);
        json_object_set_new(node->ports, id, made);
    }
}

/* Outputs of the request that a $output gives a name. */
static bool expose(struct compiling *c, struct scope *scope, const json_t *body, const struct node *node, const char *pointer,
                   struct err *err)
{
    const char *id;
    json_t *wish;

    json_object_foreach(json_object_get(body, "outputs"), id, wish) {
        const char *name = js_text(wish, "$output");
        const json_t *port = json_object_get(node->ports, id);

        if (!json_object_get(wish, "$output"))
            continue;
        if (!name || !text_is_plain_name(name, 100))
            return err_set(err, ERR_InvalidParameter, "%s/outputs/%.60s/$output: expected a name", pointer, id);
        if (json_object_get(scope->exposed, name))
            return err_set(err, ERR_InvalidParameter, "%s/outputs/%.60s/$output: there are two outputs '%s'", pointer, id, name);
        need(c, port);
        json_object_set(scope->exposed, name, (json_t *)port);
    }
    return true;
}

/* The output of another process of which an input is made. */
static bool follow(struct compiling *c, struct scope *scope, struct ogc_step *step, const struct ogc_reference *to, struct err *err)
{
    const struct ogc_called *receiver = step->called;
    AUTO(ogc_called) struct ogc_called called = { 0 };
    AUTO(node) struct node node = { 0 };
    const json_t *port;
    const char *id;

    if (!ogc_call(c->rq, js_text(to->body, "process"), receiver->kind ? receiver->id : NULL, &called, err)) {
        if (*err->message != '/')
            err_prefix(err, "/process");
        return ogc_within(to->pointer, err);
    }
    if (!compile(c, scope, to->body, &called, to->pointer, &node, err))
        return false;
    id = chosen(to->body, &node);
    port = id ? json_object_get(node.ports, id) : NULL;
    if (!port)
        return err_set(err, ERR_InvalidParameter, "%s: the process has no output that could be taken", to->pointer);
    if (!ogc_step_refer(step, to, id, port, err))
        return false;
    need(c, port);
    return true;
}

static bool compile_step(struct compiling *c, struct scope *scope, const json_t *body, struct ogc_called *called,
                         const char *pointer, struct node *node, struct err *err)
{
    AUTO(ogc_step) struct ogc_step step = { 0 };
    const char *key;
    json_t *made;

    if (!ogc_step_begin(c->rq, body, called, pointer, c->inputs, &step, err))
        return false;
    for (size_t i = 0; i < step.count; i++)
        if (!follow(c, scope, &step, &step.references[i], err))
            return false;
    if (!ogc_step_end(&step, &made, err))
        return false;
    key = free_key(c, called->id);
    json_object_set_new(c->steps, key, made);
    json_object_set(c->descriptions, key, called->description);
    fill_ports(key, called->description, node);
    add_modifiers(body, node);
    return expose(c, scope, body, node, pointer, err);
}

/* A deployed workflow: its request with the inputs put in; its outputs are what it exposes, and those of its own process. */
static bool compile_deployed(struct compiling *c, struct scope *scope, const json_t *body, struct ogc_called *called,
                             const char *pointer, struct node *node, struct err *err)
{
    const json_t *execute = json_object_get(called->unit, "execute");
    AUTO(mem) char *place = mem_printf("%s/inputs", pointer);
    AUTO(json) json_t *bound = NULL, *exposed = json_object(), *request = NULL;
    AUTO(ogc_called) struct ogc_called inner = { 0 };
    AUTO(node) struct node own = { 0 };
    struct scope inside = { exposed };
    const char *id;
    json_t *port;

    if (!ogc_outputs_read(body, called->description, &request, err))
        return ogc_within(pointer, err);
    if (!ogc_workflow_bind(execute, called->description, json_object_get(body, "inputs"), place, &bound, err) ||
        !ogc_call(c->rq, js_text(execute, "process"), NULL, &inner, err) ||
        !compile(c, &inside, bound, &inner, pointer, &own, err))
        return false;
    node->ports = json_object();
    json_object_foreach(json_object_get(called->description, "outputs"), id, port) {
        const json_t *found = json_object_get(exposed, id);

        json_object_set(node->ports, id, (json_t *)(found ? found : json_object_get(own.ports, id)));
        node->first = node->first ? node->first : id;
    }
    add_modifiers(body, node);
    return expose(c, scope, body, node, pointer, err);
}

/* A request is small, what it asks for need not be: deployed workflows are unfolded wherever they stand. */
static bool check_budget(struct compiling *c, const struct ogc_called *called, const char *pointer, struct err *err)
{
    const struct config *config = c->rq->config;

    if (c->depth >= config->workflows_depth)
        return err_set(err, ERR_InvalidParameter, "%s: processes are nested more than %lld deep", pointer, (long long)config->workflows_depth);
    if ((int64_t)json_object_size(c->steps) >= config->workflows_steps)
        return err_set(err, ERR_InvalidParameter, "%s: a workflow has at most %lld processes", pointer, (long long)config->workflows_steps);
    c->remote += called->kind != NULL;
    return c->remote <= config->workflows_remote ||
           err_set(err, ERR_InvalidParameter, "%s: a workflow has at most %lld processes of other servers", pointer,
                   (long long)config->workflows_remote);
}

static bool compile(struct compiling *c, struct scope *scope, const json_t *body, struct ogc_called *called, const char *pointer,
                    struct node *node, struct err *err)
{
    bool good = check_budget(c, called, pointer, err);

    if (!good)
        return false;
    c->depth++;
    good = json_object_get(called->unit, "execute") ? compile_deployed(c, scope, body, called, pointer, node, err)
                                                    : compile_step(c, scope, body, called, pointer, node, err);
    c->depth--;
    return good;
}

/* ---- the whole ---- */

/* What the job gives: outputs of the request's own process that are asked for (all, when none is named), and what is exposed. */
static json_t *results_of(struct compiling *c, const json_t *body, const struct node *node, const json_t *exposed)
{
    const json_t *asked = json_object_get(body, "outputs");
    json_t *results = json_object(), *port;
    const char *id;

    json_object_foreach(node->ports, id, port)
        if (!asked || (json_object_get(asked, id) && !json_object_get(json_object_get(asked, id), "$output")))
            json_object_set(results, id, port);
    json_object_foreach((json_t *)exposed, id, port)
        json_object_set(results, id, port);
    json_object_foreach(results, id, port)
        need(c, port);
    return results;
}

static void finish_steps(struct compiling *c)
{
    const char *key;
    json_t *step;

    json_object_foreach(c->steps, key, step)
        if (json_object_get(json_object_get(step, "unit"), "process_graph"))
            json_object_set_new(step, "unit", ogc_outputs_prune(json_object_get(step, "unit"), json_object_get(c->descriptions, key),
                                                                json_object_get(step, "request")));
}

bool ogc_workflow_read(struct request *rq, const json_t *body, struct ogc_called *called, json_t **ret_workflow,
                       struct err *err)
{
    AUTO(json) json_t *steps = json_object(), *descriptions = json_object(), *exposed = json_object(), *results = NULL;
    struct compiling c = { rq, steps, descriptions, NULL, 0, 0 };
    struct scope scope = { exposed };
    AUTO(node) struct node node = { 0 };

    if (!compile(&c, &scope, body, called, "", &node, err))
        return false;
    results = results_of(&c, body, &node, exposed);
    finish_steps(&c);
    *ret_workflow = json_pack("{s:{s:O, s:O}}", "workflow", "steps", steps, "outputs", results);
    return true;
}

bool ogc_workflow_describe(struct request *rq, const json_t *body, json_t **ret_description, struct err *err)
{
    AUTO(json) json_t *steps = json_object(), *descriptions = json_object(), *exposed = json_object(), *results = NULL;
    AUTO(json) json_t *inputs = json_object();
    struct compiling c = { rq, steps, descriptions, inputs, 0, 0 };
    struct scope scope = { exposed };
    AUTO(ogc_called) struct ogc_called called = { 0 };
    AUTO(node) struct node node = { 0 };
    json_t *outputs, *port;
    const char *id;

    if (!ogc_call(rq, js_text(body, "process"), NULL, &called, err) || !compile(&c, &scope, body, &called, "", &node, err))
        return false;
    results = results_of(&c, body, &node, exposed);
    outputs = json_object();
    json_object_foreach(results, id, port)
        json_object_set(outputs, id, json_object_get(port, "description"));
    *ret_description = json_pack("{s:O, s:o}", "inputs", inputs, "outputs", outputs);
    return true;
}
