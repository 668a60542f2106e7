/* A node: its arguments resolved and held against their schemas, the process run. walk.c has the order. */
#include "graph/planner.h"
#include "json/js.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Callbacks run once for each plane and say the same each time. */
static void append_once(json_t *list, json_t *entry_taken)
{
    json_t *old;
    size_t i;

    json_array_foreach(list, i, old) {
        if (json_equal(old, entry_taken)) {
            json_decref(entry_taken);
            return;
        }
    }
    json_array_append_new(list, entry_taken);
}

bool planner_report(struct planner *p, struct err *err)
{
    json_t *entry;

    if (p->mode != MODE_VALIDATE || json_array_size(p->errors) >= MAX_ERRORS)
        return false;
    entry = json_pack("{s:s, s:s}", "code", err_name(err->code), "message", err->message);
    if (entry)
        append_once(p->errors, entry);
    err_clear(err);
    return true;
}

void planner_log(struct planner *p, const char *level, const char *code, const char *node,
                 const char *message, json_t *data_taken)
{
    AUTO(json) json_t *data = data_taken;
    json_t *entry;

    if (p->mode != MODE_PLAN || json_array_size(p->notices) >= 200)
        return;
    entry = json_pack("{s:s, s:s, s:o}", "level", level, "message", message, "node",
                      js_text_or_null(node));
    if (!entry)
        return;
    if (code)
        json_object_set_new(entry, "code", json_string(code));
    if (data)
        json_object_set(entry, "data", data);
    append_once(p->notices, entry);
}

void planner_notice(struct planner *p, const char *level, const char *node, const char *format, ...)
{
    char message[600];
    va_list args;

    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    planner_log(p, level, NULL, node, message, NULL);
}

/* The sentence of a declared exception is the definition's, as its description gives it. */
static const char *sentence_of(const struct call *call, enum err_code code)
{
    const json_t *exceptions = json_object_get(call->process->description, "exceptions");

    return json_string_value(
        json_object_get(json_object_get(exceptions, err_name(code)), "message"));
}

bool call_fail(const struct call *call, struct err *err, enum err_code code, const char *parameter,
               const char *format, ...)
{
    char detail[600];
    const char *sentence = sentence_of(call, code);
    va_list args;
    char place[160] = "";

    va_start(args, format);
    vsnprintf(detail, sizeof detail, format, args);
    va_end(args);
    if (parameter)
        snprintf(place, sizeof place, "/arguments/%s", parameter);
    if (code == ERR_ProcessParameterInvalid && parameter)
        return err_set(err, code,
                       "The value passed for parameter '%s' in process '%s' is invalid: %s "
                       "(node '%.100s', %.300s%s)",
                       parameter, call->process->id, detail, call->node->id, call->node->pointer,
                       place);
    return err_set(err, code, "%s%s%s (node '%.100s', %.300s%s)", sentence ? sentence : "",
                   sentence && *detail ? " " : "", detail, call->node->id, call->node->pointer,
                   place);
}

bool call_raise(const struct call *call, struct err *err, enum err_code code,
                const char *parameter)
{
    return call_fail(call, err, code, parameter, "%s", "");
}

bool call_place(const struct call *call, const char *parameter, struct err *err)
{
    struct err told = *err;

    err_clear(err);
    return err_set(err, told.code, "%.800s (node '%.100s', %.300s/arguments/%s)", told.message,
                   call->node->id, call->node->pointer, parameter);
}

const struct value *call_argument(const struct call *call, const char *name)
{
    for (size_t i = 0; i < call->process->n_parameters; i++)
        if (!strcmp(call->process->parameters[i].name, name))
            return &call->arguments[i];
    return NULL;
}

double call_number(const struct call *call, const char *name)
{
    return call_argument(call, name)->number;
}

const char *call_text(const struct call *call, const char *name)
{
    const struct value *v = call_argument(call, name);

    return v->kind == KIND_STRING ? v->text : NULL;
}

bool call_boolean(const struct call *call, const char *name)
{
    const struct value *v = call_argument(call, name);

    return v->kind == KIND_BOOLEAN && v->boolean;
}

/* References */
static const json_t *declared_parameter(const struct frame *frame, const char *name)
{
    const json_t *one;
    size_t i;

    json_array_foreach(frame->declared, i, one) {
        const char *its = js_text(one, "name");

        if (its && !strcmp(its, name))
            return one;
    }
    return NULL;
}

/* The nearest bound value wins; if no frame binds the name, the outermost declared default. */
static bool resolve_parameter(struct planner *p, const struct frame *frame, const char *name,
                              const char *pointer, struct value *ret, struct err *err)
{
    const json_t *declared = NULL, *one;
    bool expanded = frame->graph->within != NULL; /* a user's process sees its own parameters alone */

    for (; frame; frame = frame->outer) {
        for (size_t i = 0; i < frame->n_bound; i++) {
            if (!strcmp(frame->bound[i].name, name)) {
                *ret = frame->bound[i].value;
                return true;
            }
        }
        one = declared_parameter(frame, name);
        declared = one ? one : declared;
    }
    if (p->mode == MODE_VALIDATE && !expanded) {
        *ret = value_unknown();
        return true;
    }
    if (declared && (json_object_get(declared, "default") ||
                     json_is_true(json_object_get(declared, "optional")))) {
        *ret = value_of_json(p->arena, json_object_get(declared, "default"));
        return true;
    }
    return err_set(err, ERR_ProcessParameterRequired,
                   "The process graph refers to parameter '%.100s', which has no value. (%s)", name,
                   pointer);
}

static struct value resolve_node(const struct frame *frame, const char *id)
{
    const struct node *node = graph_node(frame->graph, id);

    /* a node that is not there was reported when the graph was read */
    return node ? frame->results[node - frame->graph->nodes] : value_unknown();
}

static bool resolve_array(struct planner *p, const struct frame *frame, const json_t *json,
                          const char *pointer, struct value *ret, struct err *err)
{
    size_t n = json_array_size(json);
    struct value *items = arena_array(p->arena, n, sizeof *items);

    for (size_t i = 0; i < n; i++)
        if (!frame_resolve(p, frame, json_array_get(json, i), pointer, &items[i], err))
            return false;
    *ret = (struct value){ .kind = KIND_ARRAY, .array = { .items = items, .length = n } };
    return true;
}

static bool resolve_object(struct planner *p, const struct frame *frame, const json_t *json,
                           const char *pointer, struct value *ret, struct err *err)
{
    struct value object = value_of_json(p->arena, json);
    struct value *values = arena_array(p->arena, object.object.count, sizeof *values);

    for (size_t i = 0; i < object.object.count; i++)
        if (!frame_resolve(p, frame, json_object_get(json, object.object.keys[i]), pointer,
                           &values[i], err))
            return false;
    object.object.values = values;
    *ret = object;
    return true;
}

static bool holds_reference(const json_t *json, size_t depth)
{
    const char *key;
    json_t *member;
    size_t i;

    if (depth > JS_DEFAULT_DEPTH)
        return false;
    if (json_object_get(json, "from_node") || json_object_get(json, "from_parameter") ||
        json_object_get(json, "process_graph"))
        return true;
    json_array_foreach(json, i, member)
        if (holds_reference(member, depth + 1))
            return true;
    json_object_foreach((json_t *)json, key, member) {
        if (holds_reference(member, depth + 1))
            return true;
    }
    return false;
}

/* An object with a process graph among plain values: a condition on a property. */
static bool resolve_callback(struct planner *p, const struct frame *frame, const json_t *json,
                             const char *pointer, const struct graph **graph, struct value *ret,
                             struct err *err)
{
    const json_t *nodes = json_object_get(json, "process_graph");
    AUTO(mem) char *place = nodes ? js_pointer(pointer, "process_graph") : mem_text(pointer);
    struct callback *callback = arena_alloc(p->arena, sizeof *callback);

    if (p->depth >= MAX_DEPTH)
        return err_set(err, ERR_ProcessGraphInvalid,
                       "The process graph is not valid: callbacks are nested deeper than %d (%s)",
                       MAX_DEPTH, pointer);
    if (!*graph && !graph_read(p, nodes ? nodes : json, arena_text(p->arena, place),
                               frame->graph->within, graph, err))
        return false;
    callback->graph = *graph;
    callback->frame = frame;
    *ret = (struct value){ .kind = KIND_CALLBACK, .callback = callback };
    return true;
}

bool frame_resolve(struct planner *p, const struct frame *frame, const json_t *json,
                   const char *pointer, struct value *ret, struct err *err)
{
    const struct graph *graph = NULL;

    if (!json_is_object(json) && !json_is_array(json)) {
        *ret = value_of_json(p->arena, json);
        return true;
    }
    if (!holds_reference(json, 0)) {
        *ret = value_of_json(p->arena, json);
        return true;
    }
    if (json_is_array(json))
        return resolve_array(p, frame, json, pointer, ret, err);
    if (json_is_reference(json, "from_parameter"))
        return resolve_parameter(p, frame, js_text(json, "from_parameter"),
                                 pointer, ret, err);
    if (json_is_reference(json, "from_node")) {
        *ret = resolve_node(frame, js_text(json, "from_node"));
        return true;
    }
    if (json_object_get(json, "process_graph"))
        return resolve_callback(p, frame, json, pointer, &graph, ret, err);
    return resolve_object(p, frame, json, pointer, ret, err);
}

/* Arguments */
static bool resolve_argument(struct planner *p, const struct frame *frame, struct node *node,
                             size_t i, struct value *ret, struct err *err)
{
    const struct parameter *parameter = &node->process->parameters[i];
    const json_t *json = json_object_get(node->arguments, parameter->name);
    char pointer[400];

    if (!json) {
        *ret = value_of_json(p->arena, parameter->fallback);
        return true;
    }
    snprintf(pointer, sizeof pointer, "%.300s/arguments/%s", node->pointer, parameter->name);
    if (parameter->is_callback && json_is_object(json) && !json_object_get(json, "from_node") &&
        !json_object_get(json, "from_parameter"))
        return resolve_callback(p, frame, json, pointer, &node->callbacks[i], ret, err);
    return frame_resolve(p, frame, json, pointer, ret, err);
}

static bool is_of_any_type(const struct parameter *parameter)
{
    return !json_object_get(parameter->schema, "type") && !json_is_array(parameter->schema);
}

/* An argument that is not given and has no default is "not set", whatever its schema. */
static bool argument_fits(const struct call *call, size_t i, struct err *err)
{
    const struct parameter *parameter = &call->process->parameters[i];
    const struct value *v = &call->arguments[i];
    AUTO(text) struct text expected = { 0 };
    AUTO(text) struct text found = { 0 };

    if (!json_object_get(call->node->arguments, parameter->name))
        return true;
    if (call->process->graph && is_of_any_type(parameter))
        return true; /* the user said nothing of the type */
    if (schema_matches(parameter->schema, v) || (call->operation->any && is_of_any_type(parameter)))
        return true;
    if (call->operation->pointwise && v->kind == KIND_NULL)
        return true; /* as no-data, which any pixel may be */
    /* pointwise processes take whole arrays, and limits of numbers are the operator's matter */
    if (call->operation->pointwise && (v->kind == KIND_ARRAY || v->kind == KIND_NUMBER)) {
        struct value first = v->kind == KIND_ARRAY && v->array.length ? v->array.items[0] : *v;
        struct value one = value_number(1);

        if (first.kind != KIND_NUMBER ? schema_matches(parameter->schema, &first)
                                      : schema_matches(parameter->schema, &one))
            return true;
    }
    schema_describe(parameter->schema, &expected);
    value_describe(v, &found);
    return call_fail(call, err, ERR_ProcessParameterInvalid, parameter->name,
                     "expected %.250s, found %.150s%s.", expected.data, found.data,
                     v->kind == KIND_CUBE ? "; to compute with the pixels of a cube use apply or "
                                            "reduce_dimension" : "");
}

/* What clients write although the definition has arrays alone. */
static void wrap_argument(struct call *call, size_t i)
{
    struct value *v = &call->arguments[i], *one;

    if (!call->operation->wraps || (v->kind != KIND_NUMBER && v->kind != KIND_LANE && v->kind != KIND_BOOLEAN &&
                                    v->kind != KIND_STRING))
        return;
    one = arena_alloc(call->planner->arena, sizeof *one);
    *one = *v;
    *v = (struct value){ .kind = KIND_ARRAY, .array = { .items = one, .length = 1 } };
    planner_notice(call->planner, "info", call->node->id, "A single value is taken for the array '%s'.",
                   call->process->parameters[i].name);
}

/* A cube of geometries is wanted, and nothing else. */
static bool wants_geometries(const json_t *schema)
{
    const json_t *first = json_array_get(json_object_get(schema, "dimensions"), 0);
    const char *type = js_text(first, "type");

    return type && !strcmp(type, "geometry");
}

/* Clients write GeoJSON where geometries are meant, also where the definition has vector cubes alone. */
static bool take_geojson(struct call *call, size_t i, struct err *err)
{
    const struct parameter *parameter = &call->process->parameters[i];
    struct value *v = &call->arguments[i];
    AUTO(json) json_t *json = NULL;

    if (v->kind != KIND_OBJECT || !value_member(v, "type") || !wants_geometries(parameter->schema))
        return true;
    json = value_to_json(v);
    if (!geojson_cube(call, parameter->name, json, NULL, v, err))
        return false;
    planner_notice(call->planner, "info", call->node->id, "GeoJSON is taken for the vector cube '%s'.", parameter->name);
    return true;
}

bool node_run(struct planner *p, const struct frame *frame, struct node *node, struct value *ret, struct err *err)
{
    struct call call = { .planner = p, .process = node->process, .node = node, .frame = frame };
    bool unknown = false, wrong = false;

    if (++p->n_calls > MAX_CALLS || expr_count(p->exprs) > MAX_EXPRESSIONS)
        return err_set(err, ERR_ProcessGraphComplexity,
                       "The process graph is too large to plan: more than %d evaluations of nodes",
                       MAX_CALLS);
    *ret = value_unknown();
    if (!node->process)
        return true;
    call.operation = node->process->operation;
    for (size_t i = 0; i < node->process->n_parameters; i++) {
        bool good = resolve_argument(p, frame, node, i, &call.arguments[i], err);

        if (good)
            wrap_argument(&call, i);
        if (!good || !take_geojson(&call, i, err) || !argument_fits(&call, i, err)) {
            if (!planner_report(p, err))
                return false;
            wrong = true; /* others may be, too */
        }
        unknown |= value_has(&call.arguments[i], KIND_UNKNOWN);
    }
    if (wrong || (unknown && !node->process->graph))
        return true;
    if (!call.operation->run(&call, ret, err)) {
        *ret = value_unknown();
        return planner_report(p, err);
    }
    return true;
}

bool callback_call(struct planner *p, const struct callback *callback,
                   const struct binding *bindings, size_t n, struct value *ret, struct err *err)
{
    AUTO(mem) struct value *results =
        mem_array(callback->graph->n_nodes, sizeof *results);
    struct frame frame = { .outer = callback->frame, .graph = callback->graph, .results = results,
                           .n_bound = n, .bound = bindings };
    struct udf_scope *outer = p->udf_scope;
    bool ok;

    p->depth++;
    p->udf_scope = p->next_udf_scope; /* callbacks in this one are no longer of lines of that cube */
    p->next_udf_scope = NULL;
    ok = frame_run(p, &frame, ret, err);
    p->udf_scope = outer;
    p->depth--;
    return ok;
}
