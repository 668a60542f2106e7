/* Users' processes: a node that calls one is done by the graph of that process, read anew for each
 * call, so that messages name the place of the call and every node keeps what it learnt there. The
 * graph sees the parameters of its process and nothing around the call; a callback that is handed in
 * keeps the place where it was written. The chain of expansions finds processes that call themselves,
 * and the limits of nodes and depth hold for all that is expanded.
 *
 * What "user" means depends on where it stands: in a request it is who asks, in a process that another
 * user shares it is that user, and in one that was fetched from a URL it is the document there. */
#include "graph/planner.h"
#include "json/js.h"
#include <string.h>

bool node_has_effect(const struct node *node)
{
    if (!node->process)
        return false;
    return node->process->graph ? node->process->graph->has_effect
                                : node->process->operation->effect;
}

/* The frame of the body: all parameters are bound, those that were left out to their defaults. */
static bool run_user_process(struct call *call, struct value *ret, struct err *err)
{
    struct planner *p = call->planner;
    const struct process *process = call->process;
    AUTO(mem) struct value *results = mem_array(process->graph->n_nodes, sizeof *results);
    struct binding *bound = arena_array(p->arena, process->n_parameters, sizeof *bound);
    struct frame frame = { .graph = process->graph, .results = results, .bound = bound,
                           .n_bound = process->n_parameters };
    bool ok;

    for (size_t i = 0; i < process->n_parameters; i++)
        bound[i] = (struct binding){ process->parameters[i].name, call->arguments[i] };
    p->depth++;
    ok = frame_run(p, &frame, ret, err);
    p->depth--;
    return ok;
}

static const struct operation user_operation = { .id = "", .run = run_user_process };

static bool refuse(const struct node *node, const char *id, const char *detail, struct err *err)
{
    return err_set(err, ERR_ProcessInvalid, "The process '%.100s' is not valid: %s (node '%.100s', %s)",
                   id, detail, node->id, node->pointer);
}

static bool read_parameters(const struct node *node, const char *id, const json_t *json,
                            struct process *process, struct err *err)
{
    const json_t *list = json_object_get(json, "parameters"), *one;
    size_t i;

    if (list && !json_is_null(list) && !json_is_array(list))
        return refuse(node, id, "'parameters' is an array", err);
    if (json_array_size(list) > MAX_PARAMETERS) {
        AUTO(mem) char *detail = mem_printf("it has %zu parameters, at most %d are possible",
                                            json_array_size(list), MAX_PARAMETERS);

        return refuse(node, id, detail, err);
    }
    json_array_foreach(list, i, one) {
        struct parameter *parameter = &process->parameters[process->n_parameters++];

        parameter->name = js_text(one, "name");
        if (!parameter->name)
            return refuse(node, id, "each of 'parameters' is an object with a 'name'", err);
        parameter->schema = json_object_get(one, "schema");
        parameter->fallback = json_object_get(one, "default");
        parameter->optional = json_is_true(json_object_get(one, "optional")) || parameter->fallback;
        parameter->is_callback = schema_is_callback(parameter->schema);
    }
    return true;
}

/* A process that is being expanded may not be needed again inside. */
static bool check_recursion(const struct node *node, const struct expansion *e, struct err *err)
{
    AUTO(text) struct text path = { 0 };

    if (e->depth > MAX_DEPTH)
        return err_set(err, ERR_ProcessGraphInvalid,
                       "The process graph is not valid: users' processes call each other deeper than %d "
                       "(node '%.100s', %.600s)", MAX_DEPTH, node->id, node->pointer);
    text_printf(&path, "%.60s", e->id);
    for (const struct expansion *outer = e->outer; outer; outer = outer->outer) {
        text_printf(&path, " <- %.60s", outer->id);
        if (!strcmp(outer->id, e->id) && !strcmp(outer->space, e->space))
            return err_set(err, ERR_ProcessGraphInvalid,
                           "The process graph is not valid: users' processes call each other in a "
                           "cycle: %.600s (node '%.100s', %.600s)", path.data, node->id, node->pointer);
    }
    return true;
}

/* In validation a body that cannot be read was reported; what it gives is unknown. */
static bool expand(struct planner *p, const struct node *node, struct expansion *e, const json_t *json,
                   const struct process **ret_process, struct err *err)
{
    struct process *process = arena_alloc(p->arena, sizeof *process);
    const char *pointer = arena_printf(p->arena, "%.500s > %.100s/process_graph", node->pointer, e->id);

    /* never taken for a predefined process of the same name */
    process->id = arena_printf(p->arena, "%s:%s", e->space, e->id);
    process->description = json;
    process->operation = &user_operation;
    if (!check_recursion(node, e, err) || !read_parameters(node, e->id, json, process, err) ||
        !graph_read(p, json_object_get(json, "process_graph"), pointer, e, &process->graph, err))
        return false;
    *ret_process = process;
    return true;
}

static bool find_remote(struct planner *p, const char *url, const char *id, bool asked, const json_t **ret_json,
                        struct err *err)
{
    if (!catalog_remote_process(p, url, id, ret_json, err))
        return false;
    return *ret_json || !asked ||
           err_set(err, ERR_ProcessNamespaceInvalid,
                   "The value passed for namespace '%.300s' in process '%.100s' is invalid: the document there has no "
                   "process of this id", url, id);
}

bool user_process_find(struct planner *p, const struct node *node, const char *space, const char *id,
                       const struct expansion *within, const struct process **ret_process,
                       struct err *err)
{
    struct expansion *e = arena_alloc(p->arena, sizeof *e);
    bool asked = space && strcmp(space, "user");
    const json_t *json;

    if (!asked)
        space = within ? within->space : "user";
    if (strstr(space, "://") ? !find_remote(p, space, id, asked, &json, err)
                             : !catalog_process(p, space, id, &json, err))
        return false;
    if (!json)
        return true;
    *e = (struct expansion){ .outer = within, .space = arena_text(p->arena, space),
                             .id = arena_text(p->arena, id), .depth = within ? within->depth + 1 : 1 };
    return expand(p, node, e, json, ret_process, err);
}
