/* A workflow is looked at anew whenever something has finished: sources that are known make steps ready, scatter
 * makes several instances of one, `when` leaves some out, a workflow as a step is looked at in the same way.
 * Nothing is kept between two looks but the outputs of what ran, by key: "step", "step/3" of a scatter,
 * "step/inner" of a workflow as a step. */
#include "base/text.h"
#include "cwl/cwl.h"
#include "json/js.h"
#include <string.h>

enum { MAX_INSTANCES = 10000, MAX_NESTING = 20 };

struct flow {
    const json_t *document, *done;
    json_t *ready;
    int nesting;
};

static bool look(struct flow *f, const json_t *process, const char *key, const char *name, const json_t *inputs,
                 json_t **ret_outputs, struct err *err);

/* ---- sources ---- */

/* *ret_known false: what it comes from has not run yet. */
static const json_t *source_value(const json_t *inputs, const json_t *results, const char *source, bool *ret_known)
{
    const char *slash = strchr(source, '/');
    const json_t *outputs;

    *ret_known = true;
    if (!slash)
        return json_object_get(inputs, source);
    AUTO(mem) char *step = mem_textn(source, (size_t)(slash - source));

    outputs = json_object_get(results, step);
    *ret_known = outputs != NULL;
    return json_object_get(outputs, slash + 1);
}

static void append_flat(json_t *list, const json_t *value)
{
    if (json_is_array(value))
        json_array_extend(list, (json_t *)value);
    else
        json_array_append(list, (json_t *)value);
}

/* Of several sources one list, by linkMerge; then pickValue chooses. */
static bool pick(const json_t *port, json_t **value, struct err *err)
{
    const char *how = js_text(port, "pickValue");
    AUTO(json) json_t *list = json_array();
    json_t *one;
    size_t i;

    if (!how)
        return true;
    json_array_foreach(*value, i, one)
        if (!json_is_null(one))
            json_array_append(list, one);
    if (!json_is_array(*value) && !json_is_null(*value))
        json_array_append(list, *value);
    if (!strcmp(how, "all_non_null")) {
        json_decref(*value);
        *value = json_incref(list);
        return true;
    }
    if (json_array_size(list) == 0 || (!strcmp(how, "the_only_non_null") && json_array_size(list) != 1))
        return err_set(err, ERR_CommandFailed, "pickValue %s: %zu values are not null", how, json_array_size(list));
    one = json_incref(json_array_get(list, 0));
    json_decref(*value);
    *value = one;
    return true;
}

static bool gather(const json_t *port, const char *member_name, const json_t *inputs, const json_t *results,
                   bool *ret_known, json_t **ret_value, struct err *err)
{
    const json_t *source = json_object_get(port, member_name), *one;
    const char *merge = js_text(port, "linkMerge");
    json_t *list;
    size_t i;

    *ret_known = true;
    *ret_value = NULL;
    if (json_is_string(source)) {
        one = source_value(inputs, results, json_string_value(source), ret_known);
        if (!*ret_known)
            return true;
        *ret_value = one ? json_deep_copy(one) : json_null();
        if (merge)
            *ret_value = !strcmp(merge, "merge_flattened") && json_is_array(*ret_value)
                             ? *ret_value
                             : json_pack("[o]", *ret_value);
        return pick(port, ret_value, err);
    }
    if (!source)
        return true;
    list = json_array();
    json_array_foreach(source, i, one)
    {
        const json_t *value = source_value(inputs, results, json_string_value(one), ret_known);

        if (!*ret_known) {
            json_decref(list);
            return true;
        }
        if (merge && !strcmp(merge, "merge_flattened"))
            append_flat(list, value ? value : json_null());
        else
            json_array_append(list, value ? (json_t *)value : json_null());
    }
    if (json_array_size(source) == 1 && !merge && !js_text(port, "pickValue")) {
        *ret_value = json_incref(json_array_get(list, 0));
        json_decref(list);
        return true;
    }
    *ret_value = list;
    return pick(port, ret_value, err);
}

static bool gather_inputs(const json_t *step, const json_t *inputs, const json_t *results, bool *ret_known,
                          json_t **ret_inputs, struct err *err)
{
    AUTO(json) json_t *gathered = json_object();
    const json_t *port;
    size_t i;

    *ret_known = true;
    json_array_foreach(json_object_get(step, "in"), i, port)
    {
        const json_t *fallback = json_object_get(port, "default");
        json_t *value = NULL;

        if (!gather(port, "source", inputs, results, ret_known, &value, err))
            return err_prefix(err, "%s/%s", js_text(step, "id"), js_text(port, "id"));
        if (!*ret_known)
            return true;
        if ((!value || json_is_null(value)) && fallback) {
            json_decref(value);
            value = json_deep_copy(fallback);
        }
        json_object_set_new(gathered, js_text(port, "id"), value ? value : json_null());
    }
    *ret_inputs = json_incref(gathered);
    return true;
}

/* ---- one instance ---- */

/* The step's and the workflow's requirements come after the process's own. */
static json_t *with_requirements(const json_t *process, const json_t *step, const json_t *workflow)
{
    static const char *const members[] = { "requirements", "hints" };
    const json_t *const from[] = { process, step, workflow };
    json_t *copy = json_copy((json_t *)process);

    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        json_t *all = json_array();

        for (size_t k = 0; k < ARRAY_LEN(from); k++)
            if (json_object_get(from[k], members[i]))
                json_array_extend(all, json_object_get(from[k], members[i]));
        json_object_set_new(copy, members[i], all);
    }
    return copy;
}

static bool take_contents(const json_t *port, json_t *value, struct err *err)
{
    const char *listing = js_text(port, "loadListing");
    json_t *one;
    size_t i;

    if (cwl_is_file(value)) {
        if (listing && !strcmp(js_text(value, "class"), "Directory") && strcmp(listing, "no_listing"))
            cwl_load_listing(value, !strcmp(listing, "deep_listing"));
        return strcmp(js_text(value, "class"), "File") || !json_is_true(json_object_get(port, "loadContents")) ||
               cwl_load_contents(value, err);
    }
    json_array_foreach(value, i, one)
        if (!take_contents(port, one, err))
            return false;
    return true;
}

static bool complete_file(void *context, json_t *file, struct err *err)
{
    (void)context;
    (void)err;
    cwl_file_complete(file);
    return true;
}

/* valueFrom of the ports, each seeing what the sources gave. */
static bool apply_values(const json_t *step, const struct cwl_scope *base, json_t *inputs, struct err *err)
{
    AUTO(json) json_t *before = NULL;
    struct cwl_scope scope = *base;
    const json_t *port;
    size_t i;

    if (!cwl_files_each(inputs, complete_file, NULL, err))
        return false;
    json_array_foreach(json_object_get(step, "in"), i, port)
        if (!take_contents(port, json_object_get(inputs, js_text(port, "id")), err))
            return err_prefix(err, "%s/%s", js_text(step, "id"), js_text(port, "id"));
    before = json_deep_copy(inputs);
    scope.inputs = before;
    json_array_foreach(json_object_get(step, "in"), i, port)
    {
        const json_t *from = json_object_get(port, "valueFrom");
        json_t *made;

        if (!from)
            continue;
        scope.self = json_object_get(before, js_text(port, "id"));
        if (!cwl_evaluate(&scope, from, &made, err))
            return err_prefix(err, "%s/%s", js_text(step, "id"), js_text(port, "id"));
        json_object_set_new(inputs, js_text(port, "id"), made);
    }
    return true;
}

static json_t *nothing_of(const json_t *step)
{
    json_t *outputs = json_object();
    const json_t *out;
    size_t i;

    json_array_foreach(json_object_get(step, "out"), i, out)
        json_object_set_new(outputs, json_string_value(out), json_null());
    return outputs;
}

static bool instance(struct flow *f, const json_t *workflow, const json_t *step, const char *key, const char *name,
                     const json_t *gathered, json_t **ret_outputs, struct err *err)
{
    AUTO(json) json_t *scope_process = with_requirements(workflow, step, NULL);
    const json_t *when = json_object_get(step, "when");
    AUTO(json) json_t *inputs = json_deep_copy(gathered), *process = NULL, *checked = NULL, *runs = NULL;
    struct cwl_scope scope = cwl_scope_of(scope_process, inputs, NULL);

    *ret_outputs = NULL;
    if (json_object_get(f->done, key)) { /* no need to look again */
        *ret_outputs = json_incref(json_object_get(f->done, key));
        return true;
    }
    process = with_requirements(cwl_process(f->document, js_text(step, "run")), step, workflow);
    if (!apply_values(step, &scope, inputs, err))
        return false;
    if (when) {
        scope.inputs = inputs;
        if (!cwl_evaluate(&scope, when, &runs, err))
            return err_prefix(err, "%s/when", key);
        if (!json_is_boolean(runs))
            return err_set(err, ERR_ExpressionFailed, "%s/when: expected true or false, found %s", key, js_type_name(runs));
        if (json_is_false(runs)) {
            *ret_outputs = nothing_of(step);
            return true;
        }
    }
    return cwl_inputs(process, inputs, &checked, err) ? look(f, process, key, name, checked, ret_outputs, err)
                                                      : err_prefix(err, "%s", key);
}

/* ---- scatter ---- */

struct scattering {
    struct flow *flow;
    const json_t *workflow, *step, *gathered;
    const char *key, *name;
    size_t count; /* of instances */
    bool all_known;
};

static bool scatter_one(struct scattering *s, json_t *inputs, json_t **ret_outputs, struct err *err)
{
    AUTO(mem) char *key = mem_printf("%s/%zu", s->key, s->count);
    AUTO(mem) char *name = mem_printf("%s %zu", s->name, s->count + 1);

    if (++s->count > MAX_INSTANCES)
        return err_set(err, ERR_ProcessGraphComplexity, "%s: more than %d instances", s->key, MAX_INSTANCES);
    if (!instance(s->flow, s->workflow, s->step, key, name, inputs, ret_outputs, err))
        return false;
    s->all_known &= *ret_outputs != NULL;
    return true;
}

/* Lists of outputs, nested as deep as ports are crossed from `port` on. *ret_tree: arrays of outputs. */
static bool cross(struct scattering *s, size_t port, bool flat, json_t *inputs, json_t *tree, struct err *err)
{
    const json_t *ports = json_object_get(s->step, "scatter");
    const char *id = json_string_value(json_array_get(ports, port));
    const json_t *values = json_object_get(s->gathered, id);
    bool last = port + 1 == json_array_size(ports);
    json_t *one;
    size_t i;

    json_array_foreach(values, i, one)
    {
        AUTO(json) json_t *inner = json_copy(inputs);
        json_t *made = NULL, *below = flat || last ? NULL : json_array();

        json_object_set(inner, id, one);
        if (last) {
            if (!scatter_one(s, inner, &made, err))
                return false;
            json_array_append_new(tree, made ? made : json_null());
            continue;
        }
        if (below)
            json_array_append_new(tree, below);
        if (!cross(s, port + 1, flat, inner, below ? below : tree, err))
            return false;
    }
    return true;
}

static bool dot(struct scattering *s, json_t *tree, struct err *err)
{
    const json_t *ports = json_object_get(s->step, "scatter"), *port;
    size_t n = json_array_size(json_object_get(s->gathered, json_string_value(json_array_get(ports, 0)))), k;

    for (size_t i = 0; i < n; i++) {
        AUTO(json) json_t *inner = json_copy((json_t *)s->gathered);
        json_t *made = NULL;

        json_array_foreach(ports, k, port)
        {
            const json_t *values = json_object_get(s->gathered, json_string_value(port));

            if (json_array_size(values) != n)
                return err_set(err, ERR_InvalidParameter, "%s: dotproduct: %s has %zu values, the first has %zu", s->key,
                               json_string_value(port), json_array_size(values), n);
            json_object_set(inner, json_string_value(port), json_array_get(values, i));
        }
        if (!scatter_one(s, inner, &made, err))
            return false;
        json_array_append_new(tree, made ? made : json_null());
    }
    return true;
}

/* The same tree of one output. */
static json_t *tree_of(const json_t *tree, const char *output)
{
    json_t *list = json_array(), *one;
    size_t i;

    json_array_foreach(tree, i, one)
    {
        const json_t *value = json_object_get(one, output);

        json_array_append_new(list, json_is_array(one) ? tree_of(one, output)
                                                       : value ? json_deep_copy(value) : json_null());
    }
    return list;
}

static bool scatter(struct flow *f, const json_t *workflow, const json_t *step, const char *key, const char *name,
                    const json_t *gathered, json_t **ret_outputs, struct err *err)
{
    struct scattering s = { f, workflow, step, gathered, key, name, 0, true };
    const json_t *ports = json_object_get(step, "scatter"), *one;
    const char *method = js_text(step, "scatterMethod");
    AUTO(json) json_t *tree = json_array(), *inputs = json_copy((json_t *)gathered);
    size_t i;
    bool good;

    json_array_foreach(ports, i, one)
        if (!json_is_array(json_object_get(gathered, json_string_value(one))))
            return err_set(err, ERR_InvalidParameter, "%s: scatter over '%.100s': expected an array, found %s", key,
                           json_string_value(one), js_type_name(json_object_get(gathered, json_string_value(one))));
    if (json_array_size(ports) > 1 && !method)
        return err_set(err, ERR_BadRequest, "%s: scatter over several inputs needs a scatterMethod", key);
    if (json_array_size(ports) == 1 || !strcmp(method, "dotproduct"))
        good = dot(&s, tree, err);
    else
        good = cross(&s, 0, !strcmp(method, "flat_crossproduct"), inputs, tree, err);
    if (!good || !s.all_known)
        return good;
    *ret_outputs = json_object();
    json_array_foreach(json_object_get(step, "out"), i, one)
        json_object_set_new(*ret_outputs, json_string_value(one), tree_of(tree, json_string_value(one)));
    return true;
}

/* ---- workflows ---- */

static bool look_step(struct flow *f, const json_t *workflow, const json_t *step, const char *prefix,
                      const json_t *inputs, json_t *results, struct err *err)
{
    const char *id = js_text(step, "id");
    AUTO(mem) char *key = *prefix ? mem_printf("%s/%s", prefix, id) : mem_text(id);
    AUTO(json) json_t *gathered = NULL;
    json_t *outputs = NULL;
    bool known;

    if (!gather_inputs(step, inputs, results, &known, &gathered, err))
        return false;
    if (!known)
        return true;
    if (!(json_array_size(json_object_get(step, "scatter")) > 0
              ? scatter(f, workflow, step, key, key, gathered, &outputs, err)
              : instance(f, workflow, step, key, key, gathered, &outputs, err)))
        return false;
    if (outputs)
        json_object_set_new(results, id, outputs);
    return true;
}

static bool outputs_of(const json_t *workflow, const json_t *inputs, const json_t *results, json_t **ret_outputs,
                       struct err *err)
{
    AUTO(json) json_t *outputs = json_object();
    const json_t *one;
    size_t i;

    json_array_foreach(json_object_get(workflow, "outputs"), i, one)
    {
        json_t *value = NULL;
        bool known;

        if (!gather(one, "outputSource", inputs, results, &known, &value, err))
            return err_prefix(err, "/outputs/%s", js_text(one, "id"));
        if (!known)
            return err_set(err, ERR_BadRequest, "/outputs/%s: comes from a step that is not there", js_text(one, "id"));
        value = value ? value : json_null();
        json_object_set_new(outputs, js_text(one, "id"), value);
        if (!cwl_fits(json_object_get(one, "type"), value)) {
            AUTO(mem) char *expected = cwl_type_text(json_object_get(one, "type"));

            return err_set(err, ERR_CommandFailed, "/outputs/%s: expected %s, found %s", js_text(one, "id"), expected,
                           js_type_name(value));
        }
    }
    *ret_outputs = json_incref(outputs);
    return true;
}

static bool look_workflow(struct flow *f, const json_t *workflow, const char *key, const json_t *inputs,
                          json_t **ret_outputs, struct err *err)
{
    const json_t *steps = json_object_get(workflow, "steps"), *step;
    AUTO(json) json_t *results = json_object();
    size_t i, before, waiting = json_array_size(f->ready);

    do { /* steps stand in any order: what is left out or done makes others ready */
        before = json_object_size(results);
        json_array_foreach(steps, i, step)
            if (!json_object_get(results, js_text(step, "id")) && !look_step(f, workflow, step, key, inputs, results, err))
                return false;
    } while (json_object_size(results) > before && json_object_size(results) < json_array_size(steps));
    if (json_object_size(results) == json_array_size(steps))
        return outputs_of(workflow, inputs, results, ret_outputs, err);
    if (json_array_size(f->ready) == waiting && f->nesting == 1)
        return err_set(err, ERR_BadRequest, "The steps of the workflow wait for each other, or for what is not there.");
    return true;
}

static bool is_waiting(const json_t *ready, const char *key)
{
    const json_t *one;
    size_t i;

    json_array_foreach(ready, i, one)
        if (!strcmp(js_text(one, "key"), key))
            return true;
    return false;
}

/* *ret_outputs stays NULL while there is something to do. */
static bool look(struct flow *f, const json_t *process, const char *key, const char *name, const json_t *inputs,
                 json_t **ret_outputs, struct err *err)
{
    bool good = true;

    *ret_outputs = NULL;
    if (strcmp(js_text(process, "class"), "Workflow")) {
        if (json_object_get(f->done, key))
            *ret_outputs = json_incref(json_object_get(f->done, key));
        else if (!is_waiting(f->ready, key))
            json_array_append_new(f->ready, json_pack("{s:s, s:s, s:O, s:O}", "key", key, "name", name, "process",
                                                      process, "inputs", inputs));
        return true;
    }
    if (f->nesting == MAX_NESTING)
        return err_set(err, ERR_BadRequest, "%s: workflows are nested too deeply", key);
    f->nesting++;
    good = look_workflow(f, process, key, inputs, ret_outputs, err);
    f->nesting--;
    return good;
}

bool cwl_next(const json_t *document, const json_t *inputs, const json_t *done, json_t **ret_ready,
              json_t **ret_outputs, struct err *err)
{
    const json_t *process = cwl_main(document);
    bool is_workflow = !strcmp(js_text(process, "class"), "Workflow");
    AUTO(json) json_t *ready = json_array();
    struct flow f = { document, done, ready, 0 };

    *ret_outputs = NULL;
    if (!look(&f, process, is_workflow ? "" : "main", is_workflow ? "" : "main", inputs, ret_outputs, err))
        return false;
    *ret_ready = json_incref(ready);
    return true;
}
