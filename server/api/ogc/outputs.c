/* Which outputs a request asks for, and how it wants them. */
#include "api/ogc/ogc.h"
#include "json/js.h"
#include "raster/engine.h"
#include <string.h>
#include <strings.h>

static const char *const responses[] = { "raw", "document", NULL };
static const char *const transmissions[] = { "value", "reference", NULL };

struct output_wish {
    const char *transmissionMode;
    json_t *format;
};
static const struct js_field wish_fields[] = {
    JS_STRING(struct output_wish, transmissionMode, .optional = true, .choice = transmissions),
    JS_OBJECT(struct output_wish, format, .optional = true),
    JS_END,
};

/* "image/tiff" asks for any kind of it; a full media type must be the one that is made. */
static bool media_fits(const char *asked, const char *made)
{
    size_t base = strcspn(made, "; ");

    return !strcasecmp(asked, made) || (strlen(asked) == base && !strncasecmp(asked, made, base));
}

static const char *media_of(const json_t *schema)
{
    const char *media = js_text(schema, "contentMediaType");

    return media ? media : "application/json";
}

static const char *media_asked(const json_t *format)
{
    return js_text(format, "mediaType");
}

static bool check_format(const json_t *format, const json_t *output, const char *pointer,
                         struct err *err)
{
    const json_t *schema = json_object_get(output, "schema"), *branches = json_object_get(schema, "oneOf");
    AUTO(json) json_t *one = branches ? NULL : json_pack("[O]", schema);
    AUTO(text) struct text made = { 0 };
    const char *asked = media_asked(format);
    json_t *branch;
    size_t i;

    if (!asked)
        return true;
    json_array_foreach((json_t *)(branches ? branches : one), i, branch) {
        if (media_fits(asked, media_of(branch)))
            return true;
        text_printf(&made, "%s%s", i ? ", " : "", media_of(branch));
    }
    return err_set(err, ERR_InvalidParameter, "%s/format/mediaType: expected %s, found '%.100s'",
                   pointer, made.length ? made.data : media_of(NULL), asked);
}

static bool read_wish(const json_t *known, const char *id, const json_t *value, json_t *chosen,
                      struct err *err)
{
    const json_t *output = json_object_get(known, id);
    AUTO(mem) char *pointer = js_pointer("/outputs", id);
    struct output_wish wish;
    json_t *kept;

    if (!output)
        return err_set(err, ERR_NoSuchOutput, "%s: the process has no such output", pointer);
    if (!js_read(value, pointer, wish_fields, JS_IGNORE_UNKNOWN, &wish, err) ||
        !check_format(wish.format, output, pointer, err))
        return false;
    kept = json_object();
    if (wish.transmissionMode)
        json_object_set_new(kept, "transmissionMode", json_string(wish.transmissionMode));
    json_object_set_new(chosen, id, kept);
    return true;
}

struct execute_request {
    const char *response, *id, *mode, *title, *description, *process, *schema;
    json_t *inputs, *outputs, *subscriber;
    json_t *filter, *properties, *sortBy, *aliases; /* of what is given to another process */
};
/* What may stand in a request: the members of 1.0 and of 2.0, and those by which clients of older drafts and jobs say
 * the same twice. */
static const struct js_field execute_fields[] = {
    JS_ANY(struct execute_request, inputs, .optional = true),
    JS_STRING(struct execute_request, response, .optional = true, .choice = responses),
    JS_OBJECT(struct execute_request, outputs, .optional = true),
    JS_OBJECT(struct execute_request, subscriber, .optional = true),
    JS_STRING(struct execute_request, process, .optional = true),
    JS_ANY(struct execute_request, filter, .optional = true),
    JS_ANY(struct execute_request, properties, .optional = true),
    JS_ANY(struct execute_request, sortBy, .optional = true),
    JS_ANY(struct execute_request, aliases, .optional = true),
    JS_STRING(struct execute_request, id, .optional = true),
    JS_STRING(struct execute_request, mode, .optional = true),
    JS_STRING(struct execute_request, title, .optional = true, .max_len = 1000),
    JS_STRING(struct execute_request, description, .optional = true, .max_len = 10000),
    { .name = "$schema", .type = JS_TYPE_STRING, .offset = offsetof(struct execute_request, schema), .optional = true },
    JS_END,
};

/* What an output is made of may be optional inputs ("needs" of its description): the first that is not given. */
static const char *lacking(const json_t *output, const json_t *inputs)
{
    const json_t *one;
    size_t i;

    json_array_foreach(json_object_get(output, "needs"), i, one)
        if (!json_object_get(inputs, json_string_value(one)))
            return json_string_value(one);
    return NULL;
}

bool ogc_outputs_read(const json_t *body, const json_t *description, json_t **ret_request,
                      struct err *err)
{
    const json_t *known = json_object_get(description, "outputs");
    AUTO(json) json_t *chosen = json_object(), *request = json_object();
    struct execute_request in;
    const char *id;
    json_t *value;

    if (!js_read(body, "", execute_fields, JS_REFUSE_UNKNOWN, &in, err))
        return false;
    json_object_foreach((json_t *)(in.outputs ? in.outputs : known), id, value) {
        AUTO(json) json_t *nothing = json_object();
        const char *input = lacking(json_object_get(known, id), in.inputs);

        if (input && !in.outputs)
            continue;
        if (input)
            return err_set(err, ERR_InvalidParameter, "/outputs/%.200s: it is made from the input '%s', which is not given", id, input);
        if (!read_wish(known, id, in.outputs ? value : nothing, chosen, err))
            return false;
    }
    if (in.response)
        json_object_set_new(request, "response", json_string(in.response));
    json_object_set(request, "outputs", chosen);
    *ret_request = json_incref(request);
    return true;
}

/* The first format that the process offers whose files are of the media type. */
static const char *format_for(const json_t *offered, const char *asked)
{
    json_t *one;
    size_t i;

    json_array_foreach((json_t *)offered, i, one) {
        const char *media = raster_media_type(json_string_value(one));

        if (media && media_fits(asked, media))
            return json_string_value(one);
    }
    return NULL;
}

static bool choose_format(const json_t *offered, const char *id, const char *asked, json_t *arguments, struct err *err)
{
    const char *given = js_text(arguments, "format"), *format = format_for(offered, asked);
    const char *media = given ? raster_media_type(given) : NULL;

    if (!format || (media && media_fits(asked, media)))
        return true;
    if (given)
        return err_set(err, ERR_InvalidParameter, "/outputs/%s/format/mediaType: '%.100s' is asked for, and %s by the input 'format'",
                       id, asked, given);
    json_object_set_new(arguments, "format", json_string(format));
    return true;
}

bool ogc_outputs_choose(const json_t *body, const json_t *description, json_t *arguments, struct err *err)
{
    const json_t *offered = json_object_get(json_object_get(json_object_get(json_object_get(description, "inputs"), "format"),
                                                            "schema"), "enum");
    const char *id;
    json_t *wish;

    json_object_foreach(json_object_get(body, "outputs"), id, wish) {
        const json_t *output = json_object_get(json_object_get(description, "outputs"), id);
        const char *asked = media_asked(json_object_get(wish, "format"));

        if (asked && json_object_get(json_object_get(output, "schema"), "oneOf") &&
            !choose_format(offered, id, asked, arguments, err))
            return false;
    }
    return true;
}

static bool is_sink(const json_t *node)
{
    const char *process = js_text(node, "process_id");

    return process && !strcmp(process, "save_result");
}

/* Marks what the arguments are made of; nodes of callbacks are other nodes. */
static void mark_sources(const json_t *nodes, const json_t *argument, json_t *used)
{
    const json_t *from = json_object_get(argument, "from_node"), *one;
    const char *id = json_string_value(from), *key;
    size_t i;

    json_array_foreach(argument, i, one)
        mark_sources(nodes, one, used);
    if (id && !json_object_get(used, id)) {
        json_object_set_new(used, id, json_true());
        mark_sources(nodes, json_object_get(json_object_get(nodes, id), "arguments"), used);
    }
    json_object_foreach((json_t *)argument, key, one)
        if (strcmp(key, "process_graph"))
            mark_sources(nodes, one, used);
}

/* Of the nodes that fed sinks which are gone: those that nothing else is made of. */
static void drop_unused(json_t *nodes, const json_t *fed)
{
    AUTO(json) json_t *used = json_object();
    const char *id;
    json_t *node;
    void *next;

    json_object_foreach(nodes, id, node)
        if (!json_object_get(fed, id) || json_is_true(json_object_get(node, "result")))
            mark_sources(nodes, json_object_get(node, "arguments"), used);
    json_object_foreach_safe(nodes, next, id, node)
        if (json_object_get(fed, id) && !json_object_get(used, id) && !json_is_true(json_object_get(node, "result")))
            json_object_del(nodes, id);
}

/* Is there a sink that nobody asked for? */
static bool has_idle_sink(const json_t *graph, const json_t *description, const json_t *asked)
{
    const char *id;
    json_t *output;

    json_object_foreach(json_object_get(description, "outputs"), id, output)
        if (!json_object_get(asked, id) && is_sink(json_object_get(json_object_get(graph, "process_graph"), id)))
            return true;
    return false;
}

json_t *ogc_outputs_prune(json_t *graph, const json_t *description, const json_t *request)
{
    const json_t *asked = json_object_get(request, "outputs");
    json_t *copy, *nodes, *value, *heir = NULL;
    AUTO(json) json_t *fed = json_object();
    bool lost = false;
    const char *id;

    if (json_object_size(asked) == 0 || !has_idle_sink(graph, description, asked))
        return json_incref(graph);
    copy = json_deep_copy(graph);
    nodes = json_object_get(copy, "process_graph");
    json_object_foreach(json_object_get(description, "outputs"), id, value) {
        json_t *node = json_object_get(nodes, id);

        if (!is_sink(node))
            continue;
        if (json_object_get(asked, id)) {
            heir = node;
            continue;
        }
        mark_sources(nodes, json_object_get(node, "arguments"), fed);
        lost |= json_is_true(json_object_get(node, "result"));
        json_object_del(nodes, id);
    }
    if (lost && heir)
        json_object_set_new(heir, "result", json_true());
    drop_unused(nodes, fed);
    return copy;
}
