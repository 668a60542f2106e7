/* Reads the nodes of one process graph: their processes and argument names, who needs whom, one
 * result, no cycle. Nodes come out in an order in which each follows its inputs; where that leaves a
 * choice it is the order of the JSON. Callbacks are graphs of their own, read when they are called. */
#include "graph/planner.h"
#include "json/js.h"
#include <string.h>

struct reading {
    struct planner *planner;
    const char *pointer; /* of the graph */
    const struct expansion *within;
    size_t n;
    struct node *nodes;  /* in the order of the JSON */
    struct graph ids;    /* of them: by_id alone */
    size_t *scratch, n_scratch, scratch_capacity; /* inputs of the node at hand */
    struct err *err;
};

bool json_is_reference(const json_t *json, const char *key)
{
    return json_is_string(json_object_get(json, key));
}

static bool refuse(struct reading *r, const char *id, const char *pointer, const char *detail)
{
    err_set(r->err, ERR_ProcessGraphInvalid, "The process graph is not valid: %s (%s%.100s%s%s)",
            detail, id ? "node '" : "", id ? id : "", id ? "', " : "", pointer);
    return planner_report(r->planner, r->err);
}

static int compare_nodes(const void *a, const void *b)
{
    return strcmp((*(const struct node *const *)a)->id, (*(const struct node *const *)b)->id);
}

static int compare_id(const void *id, const void *node)
{
    return strcmp(id, (*(const struct node *const *)node)->id);
}

static void index_nodes(struct planner *p, struct graph *graph, size_t n, const struct node *nodes)
{
    graph->n_nodes = n;
    graph->by_id = arena_array(p->arena, n, sizeof *graph->by_id);
    for (size_t i = 0; i < n; i++)
        graph->by_id[i] = &nodes[i];
    qsort(graph->by_id, n, sizeof *graph->by_id, compare_nodes);
}

const struct node *graph_node(const struct graph *graph, const char *id)
{
    const struct node *const *found =
        bsearch(id, graph->by_id, graph->n_nodes, sizeof *graph->by_id, compare_id);

    return found ? *found : NULL;
}

static bool note_reference(struct reading *r, struct node *node, const json_t *json,
                           const char *pointer)
{
    const char *id = js_text(json, "from_node");
    const struct node *found;

    if (json_object_size(json) != 1)
        return refuse(r, node->id, pointer, "a reference holds nothing but 'from_node'");
    if (!id)
        return refuse(r, node->id, pointer, "'from_node' is the id of a node, as a string");
    found = graph_node(&r->ids, id);
    if (!found) {
        AUTO(mem) char *detail = mem_printf("there is no node '%.100s' here", id);

        return refuse(r, node->id, pointer, detail);
    }
    r->scratch = mem_grow(r->scratch, &r->scratch_capacity, r->n_scratch + 1, sizeof *r->scratch);
    r->scratch[r->n_scratch++] = (size_t)(found - r->nodes);
    return true;
}

static bool scan(struct reading *r, struct node *node, const json_t *json, const char *pointer,
                 size_t depth)
{
    const char *key;
    json_t *member;
    size_t i;

    if (depth > JS_DEFAULT_DEPTH)
        return refuse(r, node->id, pointer, "the arguments are nested too deeply");
    if (json_is_array(json)) {
        json_array_foreach(json, i, member) {
            AUTO(mem) char *place = NULL;

            if (!json_is_object(member) && !json_is_array(member))
                continue;
            place = js_pointer_index(pointer, i);
            if (!scan(r, node, member, place, depth + 1))
                return false;
        }
        return true;
    }
    if (!json_is_object(json) || json_object_get(json, "process_graph"))
        return true;
    if (json_object_get(json, "from_node"))
        return note_reference(r, node, json, pointer);
    if (json_object_get(json, "from_parameter")) {
        if (json_object_size(json) != 1 || !json_is_reference(json, "from_parameter"))
            return refuse(r, node->id, pointer,
                          "a reference holds nothing but 'from_parameter' with a name");
        return true;
    }
    json_object_foreach((json_t *)json, key, member) {
        AUTO(mem) char *place = js_pointer(pointer, key);

        if (!scan(r, node, member, place, depth + 1))
            return false;
    }
    return true;
}

static const struct parameter *parameter_of(const struct process *process, const char *name)
{
    for (size_t i = 0; i < process->n_parameters; i++)
        if (!strcmp(process->parameters[i].name, name))
            return &process->parameters[i];
    return NULL;
}

/* Where a callback is expected an object is one, with or without "process_graph" around it. */
static bool is_callback(const struct node *node, const char *name, const json_t *json)
{
    const struct parameter *p = node->process ? parameter_of(node->process, name) : NULL;

    return p && p->is_callback && json_is_object(json) && !json_object_get(json, "from_node") &&
           !json_object_get(json, "from_parameter");
}

static bool check_argument_names(struct reading *r, struct node *node)
{
    const struct process *process = node->process;
    const char *name;
    json_t *argument;

    json_object_foreach((json_t *)node->arguments, name, argument) {
        AUTO(mem) char *arguments = NULL, *place = NULL;

        if (parameter_of(process, name))
            continue;
        arguments = mem_printf("%s/arguments", node->pointer);
        place = js_pointer(arguments, name);
        err_set(r->err, ERR_ProcessParameterUnsupported,
                "Process '%s' has no parameter '%.100s'. (node '%.100s', %s)", process->id, name,
                node->id, place);
        if (!planner_report(r->planner, r->err))
            return false;
    }
    for (size_t i = 0; i < process->n_parameters; i++) {
        const struct parameter *p = &process->parameters[i];

        if (p->optional || json_object_get(node->arguments, p->name))
            continue;
        err_set(r->err, ERR_ProcessParameterRequired,
                "Process '%s' requires parameter '%s'. (node '%.100s', %s/arguments)", process->id,
                p->name, node->id, node->pointer);
        if (!planner_report(r->planner, r->err))
            return false;
        node->process = NULL; /* no follow-up errors */
    }
    return true;
}

static bool read_inputs(struct reading *r, struct node *node)
{
    const char *name;
    json_t *argument;
    size_t *inputs;

    r->n_scratch = 0;
    json_object_foreach((json_t *)node->arguments, name, argument) {
        AUTO(mem) char *arguments = mem_printf("%s/arguments", node->pointer);
        AUTO(mem) char *place = js_pointer(arguments, name);

        if (!is_callback(node, name, argument) && !scan(r, node, argument, place, 0))
            return false;
    }
    inputs = arena_array(r->planner->arena, r->n_scratch, sizeof *inputs);
    if (r->n_scratch)
        memcpy(inputs, r->scratch, r->n_scratch * sizeof *inputs);
    node->inputs = inputs;
    node->n_inputs = r->n_scratch;
    return true;
}

/* run_udf is not there where nobody runs users' code. */
static const struct process *predefined(const struct reading *r, const char *id)
{
    const struct catalog *c = r->planner->catalog;

    if (!strcmp(id, "run_udf") && !(c && c->udf.versions && c->udf.versions(c->udf.context)))
        return NULL;
    return process_find(id);
}

/* Without a namespace a user's process is preferred to the predefined one of the same name. */
static bool find_process(struct reading *r, struct node *node, const char *space, const char *id)
{
    bool backend = space && !strcmp(space, "backend");
    const char *near;

    if (!backend &&
        !user_process_find(r->planner, node, space, id, r->within, &node->process, r->err))
        return false;
    if (!node->process && (backend || !space))
        node->process = predefined(r, id);
    else if (node->process && !space && process_find(id))
        planner_notice(r->planner, "info", node->id,
                       "Your process '%.100s' is taken, not the predefined one of this name "
                       "(namespace 'backend').", id);
    if (node->process)
        return true;
    near = backend || !space ? process_near(id) : NULL;
    return err_set(r->err, ERR_ProcessUnsupported,
                   "Process '%.100s' is not offered%s%.100s%s%s%s. (node '%.100s', %s)", id,
                   space ? " in namespace " : "", space ? space : "", near ? "; there is '" : "",
                   near ? near : "", near ? "'" : "", node->id, node->pointer);
}

static bool read_node(struct reading *r, struct node *node, const json_t *json)
{
    const char *id = js_text(json, "process_id");
    const json_t *space = json_object_get(json, "namespace"), *result;
    const json_t *arguments = json_object_get(json, "arguments");

    if (!json_is_object(json))
        return refuse(r, node->id, node->pointer, "a node is an object");
    if (!id)
        return refuse(r, node->id, node->pointer, "a node names its process in 'process_id'");
    if (json_is_array(arguments) && !json_array_size(arguments)) { /* R and PHP know one empty list */
        planner_notice(r->planner, "info", node->id, "'arguments' is an empty array: taken for an empty object.");
        arguments = NULL;
    }
    if (arguments && !json_is_object(arguments))
        return refuse(r, node->id, node->pointer, "'arguments' is an object");
    result = json_object_get(json, "result");
    if (result && !json_is_boolean(result))
        return refuse(r, node->id, node->pointer, "'result' is true or false");
    node->is_result = json_is_true(result);
    node->arguments = arguments;
    if (space && !json_is_null(space) && !json_is_string(space))
        return refuse(r, node->id, node->pointer, "'namespace' is a string or null");
    if (!find_process(r, node, json_string_value(space), id)) /* without a reason: it was reported */
        return r->err->code == ERR_None || planner_report(r->planner, r->err);
    return check_argument_names(r, node);
}

static bool read_nodes(struct reading *r, const json_t *json)
{
    struct planner *p = r->planner;
    const char *id;
    json_t *member;
    size_t i = 0;

    r->n = json_object_size(json);
    p->n_graph_nodes += r->n;
    if (p->n_graph_nodes > MAX_NODES) {
        err_set(r->err, ERR_ProcessGraphInvalid,
                "The process graph is not valid: it has more than %d nodes (%s)", MAX_NODES,
                r->pointer);
        return false;
    }
    r->nodes = arena_array(p->arena, r->n, sizeof *r->nodes);
    json_object_foreach((json_t *)json, id, member) {
        AUTO(mem) char *pointer = js_pointer(r->pointer, id);

        r->nodes[i].id = arena_text(p->arena, id);
        r->nodes[i++].pointer = arena_text(p->arena, pointer);
    }
    index_nodes(p, &r->ids, r->n, r->nodes);
    i = 0;
    json_object_foreach((json_t *)json, id, member) {
        if (!read_node(r, &r->nodes[i++], member))
            return false;
    }
    for (i = 0; i < r->n; i++)
        if (!read_inputs(r, &r->nodes[i]))
            return false;
    return true;
}

static bool refuse_cycle(struct reading *r, const size_t *path, size_t depth, size_t back)
{
    AUTO(text) struct text detail = { 0 };
    size_t start = depth;

    while (start > 0 && path[start - 1] != back)
        start--;
    text_add(&detail, "the nodes need each other in a cycle: ");
    for (size_t i = start ? start - 1 : 0; i < depth && detail.length < 600; i++)
        text_printf(&detail, "%.60s <- ", r->nodes[path[i]].id);
    text_printf(&detail, "%.60s", r->nodes[back].id);
    r->nodes[path[depth - 1]].process = NULL; /* what closes the cycle is unknown, the others go on */
    return refuse(r, r->nodes[back].id, r->nodes[back].pointer, detail.data);
}

/* Depth first with a stack of our own, because a chain may be as long as the limit of nodes. */
static bool sort(struct reading *r, size_t *order)
{
    enum { NEW, OPEN, DONE };
    AUTO(mem) char *state = mem_alloc(r->n);
    AUTO(mem) size_t *path = mem_array(r->n, sizeof *path), *next = mem_array(r->n, sizeof *next);
    size_t n_done = 0;

    for (size_t i = 0; i < r->n; i++) {
        size_t depth = 0;

        if (state[i] != NEW)
            continue;
        path[depth++] = i;
        state[i] = OPEN;
        while (depth) {
            size_t at = path[depth - 1];
            const struct node *node = &r->nodes[at];

            if (next[at] == node->n_inputs) {
                state[at] = DONE;
                order[at] = n_done++;
                depth--;
                continue;
            }
            at = node->inputs[next[at]++];
            if (state[at] == OPEN && !refuse_cycle(r, path, depth, at))
                return false;
            if (state[at] == NEW) {
                state[at] = OPEN;
                path[depth++] = at;
            }
        }
    }
    return true;
}

static void put_in_order(struct reading *r, const size_t *order, struct graph *graph)
{
    graph->n_nodes = r->n;
    graph->nodes = arena_array(r->planner->arena, r->n, sizeof *graph->nodes);
    for (size_t i = 0; i < r->n; i++) {
        struct node *node = &graph->nodes[order[i]];
        size_t *inputs;

        *node = r->nodes[i];
        inputs = arena_array(r->planner->arena, node->n_inputs, sizeof *inputs);
        for (size_t k = 0; k < node->n_inputs; k++)
            inputs[k] = order[node->inputs[k]];
        node->inputs = inputs;
    }
    index_nodes(r->planner, graph, r->n, graph->nodes);
}

static bool find_result(struct reading *r, struct graph *graph)
{
    const char *first = NULL;

    graph->result = SIZE_MAX;
    for (size_t i = 0; i < graph->n_nodes; i++) {
        const struct node *node = &graph->nodes[i];
        AUTO(mem) char *detail = NULL;

        if (!node->is_result)
            continue;
        if (graph->result == SIZE_MAX) {
            graph->result = i;
            first = node->id;
            continue;
        }
        detail = mem_printf("both '%.100s' and '%.100s' are marked as the result", first, node->id);
        return refuse(r, NULL, r->pointer, detail);
    }
    return graph->result != SIZE_MAX ||
           refuse(r, NULL, r->pointer, "no node is marked as the result ('result': true)");
}

/* What the result and the effects need, backwards. */
static void mark_live(struct planner *p, struct graph *graph)
{
    for (size_t i = graph->n_nodes; i-- > 0;) {
        struct node *node = &graph->nodes[i];
        bool effect = node_has_effect(node);

        graph->has_effect |= effect;
        if (node->is_result || (effect && (p->mode != MODE_PLAN || p->target == PLAN_BATCH)))
            node->live = true;
        if (node->live)
            for (size_t k = 0; k < node->n_inputs; k++)
                graph->nodes[node->inputs[k]].live = true;
    }
}

bool graph_read(struct planner *p, const json_t *json, const char *pointer,
                const struct expansion *within, const struct graph **ret_graph, struct err *err)
{
    struct reading r = { .planner = p, .pointer = pointer, .within = within, .err = err };
    struct graph *graph = arena_alloc(p->arena, sizeof *graph);
    AUTO(mem) size_t *order = NULL;
    bool ok;

    graph->within = within;
    if (!json_is_object(json) || json_object_size(json) == 0)
        return err_set(err, ERR_ProcessGraphInvalid,
                       "The process graph is not valid: expected an object of nodes, found %s (%s)",
                       json_is_object(json) ? "an empty one" : js_type_name(json), pointer);
    ok = read_nodes(&r, json);
    free(r.scratch);
    if (!ok)
        return false;
    order = mem_array(r.n, sizeof *order);
    if (!sort(&r, order))
        return false;
    put_in_order(&r, order, graph);
    if (!find_result(&r, graph))
        return false;
    mark_live(p, graph);
    *ret_graph = graph;
    return true;
}
