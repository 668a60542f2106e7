/* A request whose inputs are processes becomes a list of steps. Every process of the tree is one: its plain inputs are
 * checked as those of any request, and where an input is another process, the step says which output it takes, from
 * which step, and in what form (jobs/perform_workflow.c puts it there when it is known). A deployed workflow within is
 * unfolded, so that all steps stand side by side. */
#include "api/ogc/workflow.h"
#include "api/common/product.h"
#include "api/common/run.h"
#include "base/text.h"
#include "cwl/cwl.h"
#include "jobs/remote.h"
#include <string.h>

enum { MOST_NESTING = 20 };

/* What a $output within a request names belongs to the request, or to the deployed workflow that has it. */
struct scope {
    json_t *exposed; /* {name: port} */
};

struct compiling {
    struct request *rq;
    json_t *steps, *descriptions; /* by key */
    json_t *inputs; /* {name: description} of $input, when a workflow is described; NULL: there are none any more */
    int depth;
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

static const char *member(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

/* Puts the pointer of what holds it before a message that begins with a pointer. */
static bool within(const char *pointer, struct err *err)
{
    char message[sizeof err->message];

    if (*pointer && *err->message == '/') {
        snprintf(message, sizeof message, "%s", err->message);
        snprintf(err->message, sizeof err->message, "%s%.900s", pointer, message);
    } else if (*pointer) {
        err_prefix(err, "%s", pointer);
    }
    return false;
}

/* ---- which processes ---- */

void ogc_called_drop(struct ogc_called *called)
{
    json_decref(called->description);
    json_decref(called->unit);
}

const char *ogc_own_id(struct request *rq, const char *uri)
{
    static const char root[] = OGC_ROOT "/processes/";
    const char *at = uri;

    if (text_begins(uri, rq->base_url))
        at += strlen(rq->base_url);
    if (text_begins(at, root))
        at += sizeof root - 1;
    return strchr(at, '/') ? NULL : at;
}

static bool call_here(struct request *rq, const char *id, struct ogc_called *called, struct err *err)
{
    called->id = arena_text(rq->arena, id);
    if (!(called->process = ogc_process_find(id)))
        return !ogc_process_is_missing(id, err) && ogc_deployed_find(rq, id, &called->process, &called->description, &called->unit, err);
    called->description = ogc_process_description(called->process);
    called->unit = ogc_process_graph(called->process);
    return true;
}

bool ogc_call(struct request *rq, const char *uri, const char *base, struct ogc_called *called, struct err *err)
{
    const char *id, *slash = base ? strrchr(base, '/') : NULL;

    if (slash && !strchr(uri, '/')) /* beside the process that receives it */
        uri = arena_printf(rq->arena, "%.*s/%s", (int)(slash - base), base, uri);
    if ((id = ogc_own_id(rq, uri)))
        return call_here(rq, id, called, err);
    called->id = arena_text(rq->arena, uri);
    called->kind = remote_kind(rq->config, uri);
    if (!called->kind)
        return err_set(err, ERR_InvalidParameter,
                       "/process: expected a process of this service or of a server that this site may call, found '%.200s'", uri);
    return remote_describe(rq->config, uri, &called->description, err);
}

/* ---- what is nested ---- */

static bool is_process(const json_t *value)
{
    return json_is_string(json_object_get(value, "process")) && !json_object_get(value, "process_graph");
}

/* {"process"}, or {"value": {"process"}}; NULL: something else. */
static const json_t *nested_in(const json_t *value)
{
    const json_t *held = json_object_get(value, "value");

    return is_process(value) ? value : is_process(held) ? held : NULL;
}

bool ogc_workflow_is(const json_t *body)
{
    const char *name;
    json_t *value, *one;
    size_t i;

    json_object_foreach(json_object_get(body, "outputs"), name, value)
        if (json_object_get(value, "$output"))
            return true;
    json_object_foreach(json_object_get(body, "inputs"), name, value) {
        if (nested_in(value) || json_object_get(value, "$input"))
            return true;
        json_array_foreach(value, i, one)
            if (nested_in(one) || json_object_get(one, "$input"))
                return true;
    }
    return false;
}

/* ---- references ---- */

struct stepping {
    struct compiling *c;
    struct scope *scope;
    const struct ogc_called *called;
    const char *pointer; /* of the request for it */
    json_t *plain, *from; /* inputs that are no processes; references to outputs of others */
    json_t *description;  /* with the inputs that others give made optional */
    json_t *open;         /* {name: true}: inputs that a $input stands for */
};

static const json_t *cwl_type(const json_t *unit, const char *name)
{
    const json_t *one;
    size_t i;

    json_array_foreach(json_object_get(cwl_main(json_object_get(unit, "cwl")), "inputs"), i, one)
        if (!strcmp(member(one, "id"), name))
            return json_object_get(one, "type");
    return NULL;
}

static bool names_type(const json_t *type, const char *word)
{
    const json_t *one;
    size_t i;

    if (json_is_string(type))
        return !strcmp(json_string_value(type), word);
    json_array_foreach((json_t *)type, i, one)
        if (names_type(one, word))
            return true;
    return names_type(json_object_get(type, "items") ? json_object_get(type, "items") : json_null(), word);
}

static bool wants_address(const json_t *unit, const char *name, const json_t *schema)
{
    const char *format = member(schema, "format");

    return (format && !strncmp(format, "uri", 3)) || ogc_graph_wants(unit, name, "uri") || ogc_graph_wants(unit, name, "url") ||
           ogc_graph_wants(unit, name, "collection-id");
}

/* In what form a step takes what another one gave. */
static const char *form_of(const struct stepping *s, const char *name, const json_t *schema)
{
    const char *encoding = member(schema, "contentEncoding");

    if (s->called->kind)
        return "remote";
    if (json_object_get(s->called->unit, "cwl"))
        return names_type(cwl_type(s->called->unit, name), "File") ? "file" : "value";
    if (wants_address(s->called->unit, name, schema))
        return "address";
    return encoding && strcmp(encoding, "utf-8") ? "bytes" : "value";
}

static bool check_form(const struct stepping *s, const char *name, const char *pointer, struct err *err)
{
    if (!s->called->kind && json_object_get(s->called->unit, "cwl") && names_type(cwl_type(s->called->unit, name), "Directory"))
        return err_set(err, ERR_InvalidParameter, "%s: a folder of STAC cannot be the output of another process; send its address", pointer);
    if (!s->called->kind && ogc_graph_wants(s->called->unit, name, "bounding-box"))
        return err_set(err, ERR_InvalidParameter, "%s: the area of this process cannot be the output of another one; send it", pointer);
    return true;
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
    json_t *step = json_object_get(c->steps, member(port, "step"));

    json_object_set_new(json_object_get(json_object_get(step, "request"), "outputs"), member(port, "output"), json_object());
}

static json_t *modifiers_of(const json_t *body)
{
    static const char *const names[] = { "filter", "properties", "sortBy", "aliases" };
    json_t *modifiers = json_object();

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (json_object_get(body, names[i]))
            json_object_set(modifiers, names[i], json_object_get(body, names[i]));
    return modifiers;
}

/* Notes that the value at `at` of the step's arguments is an output of the process that `value` names. */
static bool refer(struct stepping *s, const char *name, const json_t *schema, const json_t *value, json_t *at_taken,
                  bool many, const char *pointer, struct err *err)
{
    AUTO(json) json_t *at = at_taken;
    AUTO(ogc_called) struct ogc_called called = { 0 };
    AUTO(node) struct node node = { 0 };
    const json_t *body = nested_in(value), *port;
    AUTO(json) json_t *modifiers = modifiers_of(body);
    const char *id, *form;

    if (!ogc_call(s->c->rq, member(body, "process"), s->called->kind ? s->called->id : NULL, &called, err)) {
        if (*err->message != '/')
            err_prefix(err, "/process");
        return within(pointer, err);
    }
    if (!compile(s->c, s->scope, body, &called, pointer, &node, err) || !check_form(s, name, pointer, err))
        return false;
    id = chosen(body, &node);
    port = id ? json_object_get(node.ports, id) : NULL;
    if (!port)
        return err_set(err, ERR_InvalidParameter, "%s: the process has no output that could be taken", pointer);
    form = form_of(s, name, schema);
    if (strcmp(form, "file") && json_object_size(modifiers) == 0 &&
        !ogc_workflow_fits(json_object_get(json_object_get(port, "description"), "schema"), schema, id, pointer, err))
        return false;
    need(s->c, port);
    json_array_append_new(s->from, json_pack("{s:O, s:O, s:O, s:s, s:O, s:b, s:s, s:O}", "at", at, "step", json_object_get(port, "step"),
                                             "output", json_object_get(port, "output"), "as", form, "schema", schema, "many", many,
                                             "pointer", pointer, "modifiers", modifiers));
    return true;
}

static bool takes_list(const struct stepping *s, const char *name, const json_t *description)
{
    const json_t *most = json_object_get(description, "maxOccurs"), *type = cwl_type(s->called->unit, name);

    return (most && !(json_is_number(most) && json_number_value(most) <= 1)) || (type && json_object_get(type, "items"));
}

/* A $input of a workflow that is described has the description of the input that it stands for. */
static bool leave_open(struct stepping *s, const char *name, const json_t *value, json_t *description, const char *pointer,
                       struct err *err)
{
    const char *outer = member(value, "$input");
    json_t *inputs = s->c->inputs, *before = outer ? json_object_get(inputs, outer) : NULL, *made;

    if (!inputs || !outer)
        return err_set(err, ERR_InvalidParameter, "%s/$input: %s", pointer,
                       inputs ? "expected a name" : "stands for an input of a deployed workflow; this request is none");
    if (!description)
        return err_set(err, ERR_InvalidParameter, "%s: the process has no such input", pointer);
    if (before && !ogc_workflow_fits(json_object_get(before, "schema"), json_object_get(description, "schema"), outer, pointer, err))
        return false;
    json_object_set_new(s->open, name, json_true());
    if (!before) {
        made = json_deep_copy(description);
        if (!json_is_string(json_object_get(made, "title")))
            json_object_set_new(made, "title", json_string(outer));
        json_object_set_new(inputs, outer, made);
    }
    json_object_set_new(description, "minOccurs", json_integer(0));
    return true;
}

/* An input with several values, of which some are processes: these leave a place. */
static bool take_list(struct stepping *s, const char *name, const json_t *list, const json_t *description, const char *pointer,
                      struct err *err)
{
    const json_t *schema = json_object_get(description, "schema"), *items = json_object_get(schema, "items");
    bool own_list = !takes_list(s, name, description) && json_is_object(items);
    json_t *kept = json_array(), *one;
    size_t i;

    json_object_set_new(s->plain, name, kept);
    json_array_foreach((json_t *)list, i, one) {
        AUTO(mem) char *place = js_pointer_index(pointer, i);

        if (json_object_get(one, "$input")) {
            if (!leave_open(s, name, one, (json_t *)description, place, err))
                return false;
        } else if (!nested_in(one))
            json_array_append(kept, one);
        else if (!refer(s, name, own_list || (items && cwl_type(s->called->unit, name)) ? items : schema, one, json_pack("[s, I]", name, (json_int_t)i),
                        false, place, err))
            return false;
    }
    if (json_array_size(kept) == 0)
        json_object_del(s->plain, name);
    return true;
}

static bool take_input(struct stepping *s, const char *name, const json_t *value, struct err *err)
{
    json_t *description = json_object_get(json_object_get(s->description, "inputs"), name);
    AUTO(mem) char *inputs = mem_printf("%s/inputs", s->pointer), *pointer = js_pointer(inputs, name);
    const json_t *schema = json_object_get(description, "schema");
    bool has_list = false;
    json_t *one;
    size_t i;

    if (json_object_get(value, "$input"))
        return leave_open(s, name, value, description, pointer, err);
    json_array_foreach((json_t *)value, i, one)
        has_list |= nested_in(one) || json_object_get(one, "$input");
    if (!has_list && !nested_in(value)) {
        json_object_set(s->plain, name, (json_t *)value);
        return true;
    }
    if (!description)
        return err_set(err, ERR_InvalidParameter, "%s: the process has no such input", pointer);
    json_object_set_new(description, "minOccurs", json_integer(0));
    if (has_list)
        return take_list(s, name, value, description, pointer, err);
    return refer(s, name, schema, value, json_pack("[s]", name), takes_list(s, name, description), pointer, err);
}

/* ---- plain inputs ---- */

/* Types of inputs that another step gives may be missing for now. */
static json_t *relaxed_unit(const struct stepping *s)
{
    json_t *unit = json_deep_copy(s->called->unit), *one;
    const json_t *from;
    size_t i, k;

    json_array_foreach(s->from, k, from)
        json_array_foreach(json_object_get(cwl_main(json_object_get(unit, "cwl")), "inputs"), i, one)
            if (!strcmp(member(one, "id"), json_string_value(json_array_get(json_object_get(from, "at"), 0))))
                json_object_set_new(s->open, member(one, "id"), json_true());
    json_array_foreach(json_object_get(cwl_main(json_object_get(unit, "cwl")), "inputs"), i, one)
        if (json_object_get(s->open, member(one, "id")) && !json_object_get(s->plain, member(one, "id")))
            json_object_set_new(one, "type", json_pack("[s, O]", "null", json_object_get(one, "type")));
    return unit;
}

/* What goes to another server is checked and sent as it is; its references are that server's to fetch. */
static bool read_remote(struct stepping *s, json_t **ret_arguments, struct err *err)
{
    AUTO(json) json_t *values = json_object(), *checked = NULL;
    const char *name;
    json_t *value;

    json_object_foreach(s->plain, name, value) {
        json_t *description = json_object_get(json_object_get(s->description, "inputs"), name);

        if (description && (member(value, "href") || member(value, "collection")))
            json_object_set_new(description, "minOccurs", json_integer(0));
        else
            json_object_set(values, name, value);
    }
    if (!ogc_inputs_read(values, s->description, NULL, NULL, &checked, err))
        return within(s->pointer, err);
    *ret_arguments = json_copy(s->plain);
    return true;
}

static bool read_plain(struct stepping *s, json_t **ret_arguments, struct err *err)
{
    struct request *rq = s->c->rq;
    struct ogc_source source = { .config = rq->config, .base_url = rq->base_url };
    const json_t *unit = s->called->unit;

    if (s->called->kind)
        return read_remote(s, ret_arguments, err);
    if (json_object_get(unit, "cwl")) {
        AUTO(json) json_t *relaxed = relaxed_unit(s);

        return ogc_package_inputs(s->plain, relaxed, ret_arguments, err) || within(s->pointer, err);
    }
    return (ogc_inputs_read(s->plain, s->description, unit, &source, ret_arguments, err) &&
            product_fill(rq, unit, *ret_arguments, err)) ||
           within(s->pointer, err);
}

/* Lists get their places for what is still to come. */
static void leave_places(const json_t *from, json_t *arguments)
{
    const json_t *one;
    size_t i;

    json_array_foreach((json_t *)from, i, one) {
        const json_t *at = json_object_get(one, "at");
        const char *name = json_string_value(json_array_get(at, 0));
        json_t *list = json_object_get(arguments, name);

        if (json_array_size(at) < 2) {
            json_object_del(arguments, name);
            continue;
        }
        if (!json_is_array(list)) {
            list = json_array();
            json_object_set_new(arguments, name, list);
        }
        json_array_insert_new(list, (size_t)json_integer_value(json_array_get(at, 1)), json_null());
    }
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

/* Outputs of the request that a $output gives a name. */
static bool expose(struct compiling *c, struct scope *scope, const json_t *body, const struct node *node, const char *pointer,
                   struct err *err)
{
    const char *id;
    json_t *wish;

    json_object_foreach(json_object_get(body, "outputs"), id, wish) {
        const char *name = member(wish, "$output");
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

static bool add_step(struct stepping *s, const json_t *body, const char **ret_key, struct err *err)
{
    struct compiling *c = s->c;
    AUTO(json) json_t *arguments = NULL, *request = NULL;
    const struct ogc_called *called = s->called;
    const char *name, *title = member(called->description, "title");
    json_t *value;

    if (!ogc_outputs_read(body, called->description, &request, err))
        return within(s->pointer, err);
    json_object_foreach(json_object_get(body, "inputs"), name, value)
        if (!take_input(s, name, value, err))
            return false;
    if (!read_plain(s, &arguments, err))
        return false;
    if (!called->kind && !json_object_get(called->unit, "cwl") && !json_object_get(called->unit, "chain") && json_array_size(s->from) == 0 &&
        json_object_size(s->open) == 0 && !run_check(c->rq, called->unit, arguments, "", DIALECT_OPENEO, err))
        return within(s->pointer, err);
    leave_places(s->from, arguments);
    *ret_key = free_key(c, called->id);
    json_object_set_new(c->steps, *ret_key,
                        json_pack("{s:s, s:s, s:O, s:{s:{}}, s:O}", "title", title ? title : called->id, "process", called->id,
                                  "arguments", arguments, "request", "outputs", "from", s->from));
    value = json_object_get(c->steps, *ret_key);
    if (called->kind)
        json_object_set_new(value, "kind", json_string(called->kind));
    else
        json_object_set_new(value, "unit", json_deep_copy(called->unit));
    json_object_set(c->descriptions, *ret_key, called->description);
    return true;
}

static bool compile_step(struct compiling *c, struct scope *scope, const json_t *body, struct ogc_called *called,
                         const char *pointer, struct node *node, struct err *err)
{
    AUTO(json) json_t *plain = json_object(), *from = json_array(), *description = json_deep_copy(called->description);
    AUTO(json) json_t *open = json_object();
    struct stepping s = { c, scope, called, pointer, plain, from, description, open };
    const char *key;

    if (!add_step(&s, body, &key, err))
        return false;
    fill_ports(key, called->description, node);
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
        return within(pointer, err);
    if (!ogc_workflow_bind(execute, called->description, json_object_get(body, "inputs"), place, &bound, err) ||
        !ogc_call(c->rq, member(execute, "process"), NULL, &inner, err) ||
        !compile(c, &inside, bound, &inner, pointer, &own, err))
        return false;
    node->ports = json_object();
    json_object_foreach(json_object_get(called->description, "outputs"), id, port) {
        const json_t *found = json_object_get(exposed, id);

        json_object_set(node->ports, id, (json_t *)(found ? found : json_object_get(own.ports, id)));
        node->first = node->first ? node->first : id;
    }
    return expose(c, scope, body, node, pointer, err);
}

static bool compile(struct compiling *c, struct scope *scope, const json_t *body, struct ogc_called *called, const char *pointer,
                    struct node *node, struct err *err)
{
    bool good;

    if (c->depth >= MOST_NESTING)
        return err_set(err, ERR_InvalidParameter, "%s: processes are nested more than %d deep", pointer, MOST_NESTING);
    if ((int64_t)json_object_size(c->steps) >= c->rq->config->workflows_steps)
        return err_set(err, ERR_InvalidParameter, "%s: a workflow has at most %lld processes", pointer,
                       (long long)c->rq->config->workflows_steps);
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
            ogc_outputs_prune(json_object_get(step, "unit"), json_object_get(c->descriptions, key), json_object_get(step, "request"));
}

bool ogc_workflow_read(struct request *rq, const json_t *body, struct ogc_called *called, json_t **ret_workflow,
                       struct err *err)
{
    AUTO(json) json_t *steps = json_object(), *descriptions = json_object(), *exposed = json_object(), *results = NULL;
    struct compiling c = { rq, steps, descriptions, NULL, 0 };
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
    struct compiling c = { rq, steps, descriptions, inputs, 0 };
    struct scope scope = { exposed };
    AUTO(ogc_called) struct ogc_called called = { 0 };
    AUTO(node) struct node node = { 0 };
    json_t *outputs, *port;
    const char *id;

    if (!ogc_call(rq, member(body, "process"), NULL, &called, err) || !compile(&c, &scope, body, &called, "", &node, err))
        return false;
    results = results_of(&c, body, &node, exposed);
    outputs = json_object();
    json_object_foreach(results, id, port)
        json_object_set(outputs, id, json_object_get(port, "description"));
    *ret_description = json_pack("{s:O, s:o}", "inputs", inputs, "outputs", outputs);
    return true;
}
