/* The door: checking, validating, planning. Planning checks first, without asking for scenes, so
 * that a wrong graph costs the catalogue nothing; then it walks again with the scenes. */
#include "graph/udf.h"
#include "json/js.h"
#include <string.h>

static void planner_init(struct planner *p, enum planner_mode mode, enum plan_mode target,
                         const struct catalog *catalog)
{
    *p = (struct planner){ .arena = arena_new(), .catalog = catalog, .mode = mode,
                           .target = target, .scenes = json_object(), .notices = json_array(),
                           .errors = json_array() };
    p->exprs = expr_table_new(p->arena);
}

/* All but the arena and the JSON, which a plan may have taken. */
static void planner_done(struct planner *p)
{
    expr_table_free(p->exprs);
    programs_free(p->programs);
    crs_close(p->crs);
    free(p->nodes);
    free(p->geometries);
    free(p->patch_nodes);
    free(p->sinks);
    json_decref(p->scenes);
    json_decref(p->notices);
    json_decref(p->exports);
    json_decref(p->errors);
    json_decref(p->process_ids);
    arena_free(p->arena);
}

/* Arguments of the request against the parameters that the process declares. */
static const json_t *find_declared(const json_t *declared, const char *name)
{
    const json_t *one;
    size_t i;

    json_array_foreach(declared, i, one) {
        const char *its = js_text(one, "name");

        if (its && !strcmp(its, name))
            return one;
    }
    return NULL;
}

static bool bind_arguments(struct planner *p, const json_t *arguments, const char *pointer,
                           struct frame *frame, struct err *err)
{
    struct binding *bound = arena_array(p->arena, json_object_size(arguments), sizeof *bound);
    const char *name;
    json_t *argument;

    frame->bound = bound;
    json_object_foreach((json_t *)arguments, name, argument) {
        const json_t *declared = find_declared(frame->declared, name);
        const json_t *schema = json_object_get(declared, "schema");
        struct value value = value_of_json(p->arena, argument);
        AUTO(text) struct text expected = { 0 };
        AUTO(text) struct text found = { 0 };

        if (frame->declared && !declared)
            return err_set(err, ERR_ProcessParameterUnsupported,
                           "The process has no parameter '%.100s'. (%s)", name, pointer);
        if (schema && !schema_matches(schema, &value)) {
            schema_describe(schema, &expected);
            value_describe(&value, &found);
            return err_set(err, ERR_ProcessParameterInvalid,
                           "The value passed for parameter '%.100s' is invalid: expected %.200s, "
                           "found %.150s. (%s)", name, expected.data, found.data, pointer);
        }
        bound[frame->n_bound++] = (struct binding){ arena_text(p->arena, name), value };
    }
    return true;
}

static bool read_process(struct planner *p, const json_t *process, const json_t *arguments,
                         const char *pointer, struct frame *frame, struct err *err)
{
    const json_t *graph = json_object_get(process, "process_graph");
    const json_t *parameters = json_object_get(process, "parameters");
    AUTO(mem) char *place = js_pointer(pointer, "process_graph");

    if (!json_is_object(process))
        return err_set(err, ERR_ProcessInvalid,
                       "The process is not valid: expected an object, found %s (%s)",
                       js_type_name(process), *pointer ? pointer : "/");
    if (!graph || json_is_null(graph))
        return err_set(err, ERR_ProcessGraphMissing,
                       "The process has no member 'process_graph' (%s)", *pointer ? pointer : "/");
    if (parameters && !json_is_null(parameters) && !json_is_array(parameters))
        return err_set(err, ERR_ProcessInvalid,
                       "The process is not valid: 'parameters' is an array (%s/parameters)",
                       pointer);
    frame->declared = json_is_array(parameters) ? parameters : NULL;
    if (!bind_arguments(p, arguments, pointer, frame, err) ||
        !graph_read(p, graph, arena_text(p->arena, place), NULL, &frame->graph, err))
        return false;
    frame->results = arena_array(p->arena, frame->graph->n_nodes, sizeof *frame->results);
    return true;
}

/* A cube that is not saved will be: what cannot be is known now. */
static bool check_result(struct planner *p, const struct frame *frame, const struct value *result,
                         struct err *err)
{
    return result->kind != KIND_CUBE ||
           save_implicit(p, &frame->graph->nodes[frame->graph->result], result->cube, err);
}

/* What is fetched from URLs goes into `urls` (NULL: nobody wants it again). */
static bool check(const json_t *process, const json_t *arguments, const char *pointer,
                  const struct catalog *catalog, json_t *urls, struct err *err)
{
    struct planner p;
    struct frame frame = { 0 };
    struct value result;
    bool ok;

    planner_init(&p, MODE_CHECK, PLAN_BATCH, catalog);
    if (urls)
        json_object_set(p.scenes, "urls", urls);
    ok = read_process(&p, process, arguments, pointer, &frame, err) &&
         frame_run(&p, &frame, &result, err) && check_result(&p, &frame, &result, err);
    planner_done(&p);
    return ok;
}

bool graph_check(const json_t *process, const json_t *arguments, const char *pointer,
                 const struct catalog *catalog, struct err *err)
{
    return check(process, arguments, pointer, catalog, NULL, err);
}

bool graph_validate(const json_t *process, const struct catalog *catalog, json_t **ret_errors,
                    struct err *err)
{
    struct planner p;
    struct frame frame = { 0 };
    struct value result;

    planner_init(&p, MODE_VALIDATE, PLAN_BATCH, catalog);
    if (!read_process(&p, process, NULL, "", &frame, err) || !frame_run(&p, &frame, &result, err) ||
        !check_result(&p, &frame, &result, err)) {
        if (!frame.graph && (err->code == ERR_ProcessInvalid || err->code == ERR_ProcessGraphMissing)) {
            planner_done(&p);
            return false;
        }
        if (json_array_size(p.errors) < MAX_ERRORS && err->code != ERR_None)
            planner_report(&p, err);
        err_clear(err);
    }
    *ret_errors = json_incref(p.errors);
    planner_done(&p);
    return true;
}

/* Finishing a plan */
static void mark_needed(const struct plan_node *node, bool *needed, const struct plan_node **stack)
{
    size_t n = 0;

    stack[n++] = node;
    needed[node->index] = true;
    while (n) {
        node = stack[--n];
        for (size_t i = 0; i < node->n_inputs; i++) {
            if (needed[node->inputs[i]->index])
                continue;
            needed[node->inputs[i]->index] = true;
            stack[n++] = node->inputs[i];
        }
    }
}

/* Nodes of cubes of pixels: those to be written, and the columns of zones, which share their work. */
static void lower_rasters(struct planner *p, const struct plan_node **inputs)
{
    size_t n = 0;
    AUTO(mem) const struct cube **cubes = NULL;
    AUTO(mem) const struct plan_node **nodes = NULL;
    const struct plan_node **columns;

    for (struct zones *z = p->zones; z; z = z->next)
        n++;
    columns = arena_array(p->arena, n, sizeof *columns);
    cubes = mem_array(n + p->n_sinks, sizeof *cubes);
    nodes = mem_array(n + p->n_sinks, sizeof *nodes);
    n = 0;
    for (struct zones *z = p->zones; z; z = z->next)
        cubes[n++] = z->columns;
    for (size_t i = 0; i < p->n_sinks; i++)
        if (!p->sinks[i].cube->schema.geometries)
            cubes[n++] = p->sinks[i].cube;
    lower_cubes(p, n, cubes, nodes);
    n = 0;
    for (struct zones *z = p->zones; z; z = z->next, n++)
        columns[n] = nodes[n];
    for (size_t i = 0; i < p->n_sinks; i++)
        if (!p->sinks[i].cube->schema.geometries)
            inputs[i] = nodes[n++];
    zones_lower(p, columns);
}

/* Then those of vector cubes, over the zones. */
static void lower_vectors(struct planner *p, const struct plan_node **inputs)
{
    AUTO(mem) const struct cube **cubes = mem_array(p->n_sinks, sizeof *cubes);
    AUTO(mem) const struct plan_node **nodes = mem_array(p->n_sinks, sizeof *nodes);
    size_t n = 0;

    udf_lower_late(p);
    for (size_t i = 0; i < p->n_sinks; i++)
        if (p->sinks[i].cube->schema.geometries)
            cubes[n++] = p->sinks[i].cube;
    lower_cubes(p, n, cubes, nodes);
    n = 0;
    for (size_t i = 0; i < p->n_sinks; i++)
        if (p->sinks[i].cube->schema.geometries)
            inputs[i] = nodes[n++];
}

/* The sinks' nodes, and all that they need, in the order of making, which is topological. */
static const struct plan_node **make_saves(struct planner *p)
{
    const struct plan_node **saves = arena_array(p->arena, p->n_sinks, sizeof *saves);
    const struct plan_node **inputs = arena_array(p->arena, p->n_sinks, sizeof *inputs);

    lower_rasters(p, inputs);
    lower_vectors(p, inputs);
    for (size_t i = 0; i < p->n_sinks; i++) {
        const struct node *node = p->sinks[i].node;
        struct plan_node *save = planner_node(p, PLAN_SAVE, node->id, node->pointer,
                                              &p->sinks[i].cube->schema);

        save->n_inputs = 1;
        save->inputs = &inputs[i];
        save->save = p->sinks[i].args;
        saves[i] = save;
    }
    return saves;
}

static void take_zones(struct planner *p, struct plan *plan)
{
    const struct plan_node **zones = arena_array(p->arena, plan->n_nodes, sizeof *zones);

    for (size_t i = 0; i < plan->n_nodes; i++)
        if (plan->nodes[i]->op == PLAN_ZONES)
            zones[plan->n_zones++] = plan->nodes[i];
    plan->zones = zones;
}

static void take_nodes(struct planner *p, struct plan *plan)
{
    const struct plan_node **saves = make_saves(p);
    AUTO(mem) bool *needed = mem_array(p->n_nodes, sizeof *needed);
    AUTO(mem) const struct plan_node **stack = mem_array(p->n_nodes, sizeof *stack);
    const struct plan_node **nodes = arena_array(p->arena, p->n_nodes, sizeof *nodes);

    for (size_t i = 0; i < p->n_sinks; i++)
        mark_needed(saves[i], needed, stack);
    for (size_t i = 0; i < p->n_nodes; i++)
        if (needed[i])
            nodes[plan->n_nodes++] = p->nodes[i];
    for (size_t i = 0; i < plan->n_nodes; i++)
        ((struct plan_node *)nodes[i])->index = i;
    plan->nodes = nodes;
    plan->saves = saves;
    plan->n_saves = p->n_sinks;
    take_zones(p, plan);
}

static void take_sources(struct planner *p, struct plan *plan)
{
    const struct scene **sources;
    size_t n = 0;

    for (size_t i = 0; i < plan->n_nodes; i++)
        n += load_scenes(p, plan->nodes[i], NULL);
    sources = arena_array(p->arena, n, sizeof *sources);
    for (size_t i = 0; i < plan->n_nodes; i++) {
        AUTO(mem) const struct scene **some =
            mem_array(load_scenes(p, plan->nodes[i], NULL), sizeof *some);
        size_t m = load_scenes(p, plan->nodes[i], some);

        for (size_t k = 0; k < m; k++) {
            size_t s = 0;

            if (!*some[k]->collection) /* of load_stac */
                continue;

            while (s < plan->n_sources && (strcmp(sources[s]->id, some[k]->id) ||
                                           strcmp(sources[s]->collection, some[k]->collection)))
                s++;
            if (s == plan->n_sources)
                sources[plan->n_sources++] = some[k];
        }
    }
    plan->sources = sources;
}

static bool take_result(struct planner *p, const struct frame *frame, const struct value *result,
                        struct plan *plan, struct err *err)
{
    const struct node *node = &frame->graph->nodes[frame->graph->result];

    if (result->kind == KIND_CUBE)
        return save_implicit(p, node, result->cube, err);
    if (result->kind == KIND_STAC)
        return true;
    plan->value = p->n_sinks ? NULL : value_to_json(result);
    if (p->n_sinks)
        planner_notice(p, "warning", node->id,
                       "The result is no cube; the files of save_result are delivered instead.");
    return plan->value || p->n_sinks ||
           err_set(err, ERR_ProcessGraphInvalid,
                   "The process graph is not valid: its result is neither a cube nor a value "
                   "(node '%.100s', %s)", node->id, node->pointer);
}

/* Makes the sinks' nodes; the plan takes over what the planner holds. */
static bool deliver(struct planner *p, struct plan *plan, struct plan **ret_plan, struct err *err)
{
    take_nodes(p, plan);
    if (!radar_check(plan, err)) {
        json_decref(plan->value);
        return false;
    }
    if (p->too_large) {
        json_decref(plan->value);
        return err_set(err, ERR_ProcessGraphComplexity,
                       "A callback is too large: it needs more values at once than are possible");
    }
    take_sources(p, plan);
    plan->arena = p->arena;
    plan->scenes = p->scenes;
    plan->notices = p->notices;
    plan->exports = p->exports;
    p->arena = NULL;
    p->scenes = p->notices = p->exports = NULL;
    *ret_plan = plan;
    return true;
}

static bool finish(struct planner *p, const struct frame *frame, const struct value *result,
                   struct plan **ret_plan, struct err *err)
{
    struct plan *plan = arena_alloc(p->arena, sizeof *plan);

    for (size_t i = 0; p->target == PLAN_SYNC && i < frame->graph->n_nodes; i++)
        if (!frame->graph->nodes[i].live && node_has_effect(&frame->graph->nodes[i]))
            planner_notice(p, "warning", frame->graph->nodes[i].id,
                           "Only the result node's output is made here; this one is skipped.");
    return take_result(p, frame, result, plan, err) && deliver(p, plan, ret_plan, err);
}

bool graph_plan(const json_t *process, const json_t *arguments, const char *pointer,
                const struct catalog *catalog, enum plan_mode mode, struct plan **ret_plan,
                struct err *err)
{
    struct planner p;
    struct frame frame = { 0 };
    struct value result;
    const struct asked asked = { process, arguments, pointer };
    AUTO(json) json_t *urls = json_object();
    bool ok;

    if (!check(process, arguments, pointer, catalog, urls, err))
        return false;
    planner_init(&p, MODE_PLAN, mode, catalog);
    p.asked = &asked;
    if (json_object_size(urls))
        json_object_set(p.scenes, "urls", urls);
    ok = read_process(&p, process, arguments, pointer, &frame, err) &&
         frame_run(&p, &frame, &result, err) && finish(&p, &frame, &result, ret_plan, err);
    planner_done(&p);
    return ok;
}

/* The same walk again, to where it stands now: so that the plan is of the cube alone, and what the walk at large
 * made for others stays as it is. */
bool plan_for_survey(const struct planner *outer, size_t number, struct plan **ret_plan, struct err *err)
{
    const struct asked *asked = outer->asked;
    struct catalog catalog = catalog_replay(outer->scenes);
    struct planner p;
    struct frame frame = { 0 };
    struct value unused;
    bool ok;

    catalog.dialect = outer->catalog->dialect;
    catalog.picture = outer->catalog->picture;
    planner_init(&p, MODE_PLAN, outer->target, &catalog);
    p.asked = asked;
    p.surveying = number;
    ok = read_process(&p, asked->process, asked->arguments, asked->pointer, &frame, err) &&
         frame_run(&p, &frame, &unused, err);
    if (p.is_survey) {
        err_clear(err);
        json_decref(p.exports);
        p.exports = NULL;
        ok = deliver(&p, arena_alloc(p.arena, sizeof(struct plan)), ret_plan, err);
    } else if (ok) {
        ok = err_set(err, ERR_Internal, "The walk did not come to the cube to be looked at again.");
    }
    planner_done(&p);
    return ok;
}

void plan_free(struct plan *plan)
{
    struct arena *arena;

    if (!plan)
        return;
    arena = plan->arena;
    json_decref(plan->value);
    json_decref(plan->scenes);
    json_decref(plan->notices);
    json_decref(plan->exports);
    arena_free(arena);
}
