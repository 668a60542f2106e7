/* Which outputs a request asks for, and how it wants them. */
#include "api/ogc/ogc.h"
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

static bool check_format(const json_t *format, const json_t *output, const char *pointer,
                         struct err *err)
{
    const char *asked = json_string_value(json_object_get(format, "mediaType"));
    const char *made = json_string_value(
        json_object_get(json_object_get(output, "schema"), "contentMediaType"));

    made = made ? made : "application/json";
    if (!asked || media_fits(asked, made))
        return true;
    return err_set(err, ERR_InvalidParameter, "%s/format/mediaType: expected %s, found '%.100s'",
                   pointer, made, asked);
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
};
/* What may stand in a request: the members of 1.0 and of 2.0, and those by which clients of older drafts and jobs say
 * the same twice. */
static const struct js_field execute_fields[] = {
    JS_ANY(struct execute_request, inputs, .optional = true),
    JS_STRING(struct execute_request, response, .optional = true, .choice = responses),
    JS_OBJECT(struct execute_request, outputs, .optional = true),
    JS_OBJECT(struct execute_request, subscriber, .optional = true),
    JS_STRING(struct execute_request, process, .optional = true),
    JS_STRING(struct execute_request, id, .optional = true),
    JS_STRING(struct execute_request, mode, .optional = true),
    JS_STRING(struct execute_request, title, .optional = true, .max_len = 1000),
    JS_STRING(struct execute_request, description, .optional = true, .max_len = 10000),
    { .name = "$schema", .type = JS_TYPE_STRING, .offset = offsetof(struct execute_request, schema), .optional = true },
    JS_END,
};

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

        if (!read_wish(known, id, in.outputs ? value : nothing, chosen, err))
            return false;
    }
    if (in.response)
        json_object_set_new(request, "response", json_string(in.response));
    json_object_set(request, "outputs", chosen);
    *ret_request = json_incref(request);
    return true;
}

static bool is_sink(const json_t *node)
{
    const char *process = json_string_value(json_object_get(node, "process_id"));

    return process && !strcmp(process, "save_result");
}

void ogc_outputs_prune(json_t *graph, const json_t *description, const json_t *request)
{
    const json_t *asked = json_object_get(request, "outputs");
    json_t *nodes = json_object_get(graph, "process_graph"), *value, *heir = NULL;
    bool lost = false;
    const char *id;

    if (json_object_size(asked) == 0)
        return;
    json_object_foreach(json_object_get(description, "outputs"), id, value) {
        json_t *node = json_object_get(nodes, id);

        if (!is_sink(node))
            continue;
        if (json_object_get(asked, id)) {
            heir = node;
            continue;
        }
        lost |= json_is_true(json_object_get(node, "result"));
        json_object_del(nodes, id);
    }
    if (lost && heir)
        json_object_set_new(heir, "result", json_true());
}
