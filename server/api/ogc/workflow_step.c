/* One process of a workflow as a step: its plain inputs are checked as those of any request, and where an input is another
 * process, the step says which output it takes, from which step, and in what form (jobs/perform_workflow.c puts it there
 * when it is known). */
#include "api/ogc/workflow_step.h"
#include "api/common/product.h"
#include "api/common/run.h"
#include "base/text.h"
#include "cwl/cwl.h"
#include "json/js.h"
#include <string.h>

void ogc_step_drop(struct ogc_step *step)
{
    json_decref(step->plain);
    json_decref(step->from);
    json_decref(step->description);
    json_decref(step->open);
    free(step->references);
}

bool ogc_within(const char *pointer, struct err *err)
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

static bool is_process(const json_t *value)
{
    return json_is_string(json_object_get(value, "process")) && !json_object_get(value, "process_graph");
}

const json_t *ogc_nested_in(const json_t *value)
{
    const json_t *held = json_object_get(value, "value");

    return is_process(value) ? value : is_process(held) ? held : NULL;
}

/* ---- references ---- */

static const json_t *cwl_type(const json_t *unit, const char *name)
{
    const json_t *one;
    size_t i;

    json_array_foreach(json_object_get(cwl_main(json_object_get(unit, "cwl")), "inputs"), i, one)
        if (!strcmp(js_text(one, "id"), name))
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
    const char *format = js_text(schema, "format");

    return (format && !strncmp(format, "uri", 3)) || ogc_graph_wants(unit, name, "uri") || ogc_graph_wants(unit, name, "url") ||
           ogc_graph_wants(unit, name, "collection-id");
}

/* In what form a step takes what another one gave. */
static const char *form_of(const struct ogc_step *s, const char *name, const json_t *schema)
{
    const char *encoding = js_text(schema, "contentEncoding");

    if (s->called->kind)
        return "remote";
    if (json_object_get(s->called->unit, "cwl"))
        return names_type(cwl_type(s->called->unit, name), "File") ? "file" : "value";
    if (wants_address(s->called->unit, name, schema))
        return "address";
    return encoding && strcmp(encoding, "utf-8") ? "bytes" : "value";
}

static bool check_form(const struct ogc_step *s, const char *name, const char *pointer, struct err *err)
{
    if (!s->called->kind && json_object_get(s->called->unit, "cwl") && names_type(cwl_type(s->called->unit, name), "Directory"))
        return err_set(err, ERR_InvalidParameter, "%s: a folder of STAC cannot be the output of another process; send its address", pointer);
    if (!s->called->kind && ogc_graph_wants(s->called->unit, name, "bounding-box"))
        return err_set(err, ERR_InvalidParameter, "%s: the area of this process cannot be the output of another one; send it", pointer);
    return true;
}

/* What another process gives is known later. */
static void note(struct ogc_step *s, const struct ogc_reference *reference)
{
    s->references = mem_grow(s->references, &s->capacity, s->count + 1, sizeof *s->references);
    s->references[s->count] = *reference;
    s->references[s->count++].pointer = arena_text(s->rq->arena, reference->pointer);
}

static bool takes_list(const struct ogc_step *s, const char *name, const json_t *description)
{
    const json_t *most = json_object_get(description, "maxOccurs"), *type = cwl_type(s->called->unit, name);

    return (most && !(json_is_number(most) && json_number_value(most) <= 1)) || (type && json_object_get(type, "items"));
}

/* A $input of a workflow that is described has the description of the input that it stands for. */
static bool leave_open(struct ogc_step *s, const char *name, const json_t *value, json_t *description, const char *pointer,
                       struct err *err)
{
    const char *outer = js_text(value, "$input");
    json_t *inputs = s->inputs, *before = outer ? json_object_get(inputs, outer) : NULL, *made;

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
static bool take_list(struct ogc_step *s, const char *name, const json_t *list, const json_t *description, const char *pointer,
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
        } else if (!ogc_nested_in(one))
            json_array_append(kept, one);
        else
            note(s, &(struct ogc_reference){ name, place, own_list || (items && cwl_type(s->called->unit, name)) ? items : schema,
                                             ogc_nested_in(one), (int64_t)i, false });
    }
    if (json_array_size(kept) == 0)
        json_object_del(s->plain, name);
    return true;
}

static bool take_input(struct ogc_step *s, const char *name, const json_t *value, struct err *err)
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
        has_list |= ogc_nested_in(one) || json_object_get(one, "$input");
    if (!has_list && !ogc_nested_in(value)) {
        json_object_set(s->plain, name, (json_t *)value);
        return true;
    }
    if (!description)
        return err_set(err, ERR_InvalidParameter, "%s: the process has no such input", pointer);
    json_object_set_new(description, "minOccurs", json_integer(0));
    if (has_list)
        return take_list(s, name, value, description, pointer, err);
    note(s, &(struct ogc_reference){ name, pointer, schema, ogc_nested_in(value), -1, takes_list(s, name, description) });
    return true;
}

/* ---- plain inputs ---- */

/* Types of inputs that another step gives may be missing for now. */
static json_t *relaxed_unit(const struct ogc_step *s)
{
    json_t *unit = json_deep_copy(s->called->unit), *one;
    const json_t *from;
    size_t i, k;

    json_array_foreach(s->from, k, from)
        json_array_foreach(json_object_get(cwl_main(json_object_get(unit, "cwl")), "inputs"), i, one)
            if (!strcmp(js_text(one, "id"), json_string_value(json_array_get(json_object_get(from, "at"), 0))))
                json_object_set_new(s->open, js_text(one, "id"), json_true());
    json_array_foreach(json_object_get(cwl_main(json_object_get(unit, "cwl")), "inputs"), i, one)
        if (json_object_get(s->open, js_text(one, "id")) && !json_object_get(s->plain, js_text(one, "id")))
            json_object_set_new(one, "type", json_pack("[s, O]", "null", json_object_get(one, "type")));
    return unit;
}

/* What goes to another server is checked and sent as it is; its references are that server's to fetch. */
static bool read_remote(struct ogc_step *s, json_t **ret_arguments, struct err *err)
{
    AUTO(json) json_t *values = json_object(), *checked = NULL;
    const char *name;
    json_t *value;

    json_object_foreach(s->plain, name, value) {
        json_t *description = json_object_get(json_object_get(s->description, "inputs"), name);

        if (description && (js_text(value, "href") || js_text(value, "collection")))
            json_object_set_new(description, "minOccurs", json_integer(0));
        else
            json_object_set(values, name, value);
    }
    if (!ogc_inputs_read(values, s->description, NULL, NULL, &checked, err))
        return ogc_within(s->pointer, err);
    *ret_arguments = json_copy(s->plain);
    return true;
}

static bool read_plain(struct ogc_step *s, json_t **ret_arguments, struct err *err)
{
    struct request *rq = s->rq;
    struct ogc_source source = { .config = rq->config, .base_url = rq->base_url };
    const json_t *unit = s->called->unit;

    if (s->called->kind)
        return read_remote(s, ret_arguments, err);
    if (json_object_get(unit, "cwl")) {
        AUTO(json) json_t *relaxed = relaxed_unit(s);

        return ogc_package_inputs(s->plain, relaxed, ret_arguments, err) || ogc_within(s->pointer, err);
    }
    return (ogc_inputs_read(s->plain, s->description, unit, &source, ret_arguments, err) &&
            product_fill(rq, unit, *ret_arguments, err)) ||
           ogc_within(s->pointer, err);
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

/* ---- the whole ---- */

/* A description whose inputs can be made optional; what their schemas are stays shared. */
static json_t *own_inputs(const json_t *description)
{
    json_t *copy = json_copy((json_t *)description), *inputs = json_object(), *input;
    const char *name;

    json_object_foreach(json_object_get(description, "inputs"), name, input)
        json_object_set_new(inputs, name, json_copy(input));
    json_object_set_new(copy, "inputs", inputs);
    return copy;
}

bool ogc_step_begin(struct request *rq, const json_t *body, const struct ogc_called *called, const char *pointer, json_t *inputs,
                    struct ogc_step *ret, struct err *err)
{
    AUTO(json) json_t *request = NULL;
    const char *name;
    json_t *value;

    *ret = (struct ogc_step){ .rq = rq, .called = called, .pointer = pointer, .inputs = inputs, .plain = json_object(),
                              .from = json_array(), .description = own_inputs(called->description), .open = json_object() };
    if (!ogc_outputs_read(body, called->description, &request, err))
        return ogc_within(pointer, err);
    json_object_foreach(json_object_get(body, "inputs"), name, value)
        if (!take_input(ret, name, value, err))
            return false;
    return true;
}

bool ogc_step_refer(struct ogc_step *s, const struct ogc_reference *to, const char *id, const json_t *port, struct err *err)
{
    AUTO(json) json_t *address = json_pack("{s:s, s:s}", "type", "string", "format", "uri");
    json_t *at = json_pack("[s]", to->name), *modifiers = json_object_get(port, "modifiers");
    const char *form;

    if (to->place >= 0)
        json_array_append_new(at, json_integer(to->place));
    form = form_of(s, to->name, to->schema);
    json_array_append_new(s->from, json_pack("{s:o, s:O, s:O, s:s, s:O, s:b, s:s, s:O*}", "at", at, "step", json_object_get(port, "step"),
                                             "output", json_object_get(port, "output"), "as", form, "schema", to->schema, "many",
                                             to->many, "pointer", to->pointer, "modifiers", modifiers));
    return check_form(s, to->name, to->pointer, err) &&
           (!strcmp(form, "file") || modifiers ||
            ogc_workflow_fits(json_object_get(json_object_get(port, "description"), "schema"),
                               strcmp(form, "address") ? to->schema : address, id, to->pointer, err));
}

/* Is it a process graph of which all inputs are known? */
static bool can_be_checked(const struct ogc_step *s)
{
    return !s->called->kind && json_object_get(s->called->unit, "process_graph") && json_array_size(s->from) == 0 &&
           json_object_size(s->open) == 0;
}

bool ogc_step_end(struct ogc_step *s, json_t **ret_step, struct err *err)
{
    const struct ogc_called *called = s->called;
    const char *title = js_text(called->description, "title");
    AUTO(json) json_t *arguments = NULL;

    if (!read_plain(s, &arguments, err))
        return false;
    if (can_be_checked(s) && !run_check(s->rq, called->unit, arguments, "", DIALECT_OPENEO, err))
        return ogc_within(s->pointer, err);
    leave_places(s->from, arguments);
    *ret_step = json_pack("{s:s, s:s, s:O, s:{s:{}}, s:O}", "title", title ? title : called->id, "process", called->id,
                          "arguments", arguments, "request", "outputs", "from", s->from);
    if (called->kind)
        json_object_set_new(*ret_step, "kind", json_string(called->kind));
    else
        json_object_set_new(*ret_step, "unit", json_deep_copy(called->unit));
    return true;
}
