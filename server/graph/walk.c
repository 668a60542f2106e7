/* The order in which the nodes of a graph are run: each after its inputs. Where an `if` chooses between what nodes make, its
 * condition comes first, and cubes that only the other branch needs are not made: they may be of a file that was not named. */
#include "graph/planner.h"
#include "json/js.h"
#include <string.h>

static bool is_if(const struct node *node)
{
    return node->process && !strcmp(node->process->id, "if");
}

static bool refers_to(const json_t *json, const char *id, size_t depth)
{
    const char *from = js_text(json, "from_node"), *key;
    json_t *member;
    size_t i;

    if (from || depth > JS_DEFAULT_DEPTH || json_object_get(json, "process_graph"))
        return from && !strcmp(from, id);
    json_array_foreach(json, i, member)
        if (refers_to(member, id, depth + 1))
            return true;
    json_object_foreach((json_t *)json, key, member) {
        if (refers_to(member, id, depth + 1))
            return true;
    }
    return false;
}

/* Which of its arguments an `if` has no use for, once its condition is a constant; NULL: none. A condition that is not known
 * yet (before the catalogue was asked, or of a pixel) leaves both. */
static const char *not_taken(struct planner *p, const struct frame *frame, const struct node *node)
{
    struct err ignored = { 0 };
    struct value condition;

    if (!frame_resolve(p, frame, json_object_get(node->arguments, "value"), "", &condition, &ignored))
        return NULL;
    if (condition.kind == KIND_BOOLEAN && condition.boolean)
        return "reject";
    return condition.kind == KIND_BOOLEAN || condition.kind == KIND_NULL ? "accept" : NULL;
}

/* An input that the node waits for: of an `if` first the condition, then the branch that is taken. SIZE_MAX: none. */
static size_t next_input(struct planner *p, const struct frame *frame, const struct node *node, const bool *done)
{
    bool decides = is_if(node);
    const struct graph *graph = frame->graph;
    const char *condition = NULL, *skipped, *name;
    json_t *argument;

    if (decides)
        condition = js_text(json_object_get(node->arguments, "value"), "from_node");
    for (size_t i = 0; i < node->n_inputs; i++)
        if (!done[node->inputs[i]] && (!decides || (condition && !strcmp(graph->nodes[node->inputs[i]].id, condition))))
            return node->inputs[i];
    if (!decides)
        return SIZE_MAX;
    skipped = not_taken(p, frame, node);
    json_object_foreach((json_t *)node->arguments, name, argument) {
        if (skipped && !strcmp(name, skipped))
            continue;
        for (size_t i = 0; i < node->n_inputs; i++)
            if (!done[node->inputs[i]] && refers_to(argument, graph->nodes[node->inputs[i]].id, 0))
                return node->inputs[i];
    }
    return SIZE_MAX;
}

/* A node and what it needs, these first. */
static bool run_with_inputs(struct planner *p, struct frame *frame, size_t root, bool *done, size_t *stack, struct err *err)
{
    size_t n = 0;

    stack[n++] = root;
    while (n) {
        size_t i = stack[n - 1], input = next_input(p, frame, &frame->graph->nodes[i], done);

        if (input != SIZE_MAX) {
            stack[n++] = input;
            continue;
        }
        n--;
        done[i] = true;
        if (!node_run(p, frame, &frame->graph->nodes[i], &frame->results[i], err))
            return false;
    }
    return true;
}

static bool is_cube(const json_t *schema)
{
    const char *subtype = js_text(schema, "subtype");

    return subtype && !strcmp(subtype, "datacube");
}

static bool makes_cube(const struct node *node)
{
    const json_t *returns = node->process ? json_object_get(node->process->description, "returns") : NULL;
    const json_t *schema = json_object_get(returns, "schema"), *one;
    size_t i;

    json_array_foreach(schema, i, one)
        if (is_cube(one))
            return true;
    return is_cube(schema);
}

static bool all_done(const struct node *node, const bool *done)
{
    for (size_t i = 0; i < node->n_inputs; i++)
        if (!done[node->inputs[i]])
            return false;
    return true;
}

/* Numbers and texts of a branch that is not taken, where they can be made: a wrong one is told in any case. */
static bool run_values(struct planner *p, struct frame *frame, bool *done, struct err *err)
{
    const struct graph *graph = frame->graph;

    for (size_t i = 0; i < graph->n_nodes; i++) {
        struct node *node = &graph->nodes[i];

        if (done[i] || makes_cube(node) || !all_done(node, done) || (p->mode == MODE_PLAN && !node->live))
            continue;
        done[i] = true;
        if (!node_run(p, frame, node, &frame->results[i], err))
            return false;
    }
    return true;
}

/* Cubes that only a branch that is not taken needs are not made; effects always are. */
static bool run_needed(struct planner *p, struct frame *frame, struct err *err)
{
    const struct graph *graph = frame->graph;
    AUTO(mem) bool *done = mem_array(graph->n_nodes, sizeof *done);
    AUTO(mem) bool *used = mem_array(graph->n_nodes, sizeof *used);
    AUTO(mem) size_t *stack = mem_array(graph->n_nodes, sizeof *stack);

    for (size_t i = 0; i < graph->n_nodes; i++)
        for (size_t k = 0; k < graph->nodes[i].n_inputs; k++)
            used[graph->nodes[i].inputs[k]] |= p->mode != MODE_PLAN || graph->nodes[i].live;
    for (size_t i = 0; i < graph->n_nodes; i++) {
        const struct node *node = &graph->nodes[i];

        if (done[i] || (used[i] && !node_has_effect(node)) || (p->mode == MODE_PLAN && !node->live))
            continue;
        if (!run_with_inputs(p, frame, i, done, stack, err))
            return false;
    }
    return run_values(p, frame, done, err);
}

static bool run_all(struct planner *p, struct frame *frame, struct err *err)
{
    const struct graph *graph = frame->graph;

    for (size_t i = 0; i < graph->n_nodes; i++) {
        struct node *node = &graph->nodes[i];

        if (p->mode == MODE_PLAN && !node->live)
            continue;
        if (!node_run(p, frame, node, &frame->results[i], err))
            return false;
    }
    return true;
}

static bool has_if(const struct graph *graph)
{
    for (size_t i = 0; i < graph->n_nodes; i++)
        if (is_if(&graph->nodes[i]))
            return true;
    return false;
}

/* Callbacks run for each plane; what they decide is mostly decided by pixels, and all of them is run. */
bool frame_run(struct planner *p, struct frame *frame, struct value *ret, struct err *err)
{
    const struct graph *graph = frame->graph;
    bool lazy = !frame->outer && p->mode != MODE_VALIDATE && has_if(graph);

    for (size_t i = 0; i < graph->n_nodes; i++)
        frame->results[i] = lazy ? value_null() : value_unknown(); /* null: what is never run, and never looked at */
    if (!(lazy ? run_needed(p, frame, err) : run_all(p, frame, err)))
        return false;
    *ret = graph->result == SIZE_MAX ? value_unknown() : frame->results[graph->result];
    return true;
}
