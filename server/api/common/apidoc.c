/* Each operation with its parameters, its body and its answers; references are followed one step where
 * their target is short (parameters, answers), and named where it is a schema. */
#include "api/common/apidoc.h"
#include "api/common/page.h"
#include "json/js.h"
#include <ctype.h>
#include <string.h>

/* "#/components/parameters/limit" -> what stands there. */
static const json_t *resolve(const json_t *document, const json_t *value)
{
    const char *ref = js_text(value, "$ref");
    const json_t *at = document;

    if (!ref || !text_begins(ref, "#/"))
        return value;
    AUTO(mem) char *copy = mem_text(ref + 2);
    for (char *rest = copy, *name; at && (name = strsep(&rest, "/"));)
        at = json_object_get(at, name);
    return at ? at : value;
}

static void add_type(struct text *out, const json_t *schema)
{
    const char *ref = js_text_in(schema, "$ref"), *slash = strrchr(ref, '/');
    const json_t *items = json_object_get(schema, "items");

    if (slash)
        page_add(out, "<a href=\"#schema-%s\">%s</a>", slash + 1, slash + 1);
    else if (items)
        text_add(out, "array of "), add_type(out, items);
    else
        page_add(out, "%s", *js_text_in(schema, "type") ? js_text_in(schema, "type") : "any");
    if (*js_text_in(schema, "format"))
        page_add(out, " (%s)", js_text_in(schema, "format"));
}

static void add_limits(struct text *out, const json_t *schema)
{
    static const struct { const char *name, *words; } limits[] = {
        { "enum", "one of" },      { "default", "default" },  { "minimum", "at least" },
        { "maximum", "at most" }, { "minItems", "at least" }, { "maxItems", "at most" },
        { "pattern", "pattern" },
    };

    for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
        const json_t *value = json_object_get(schema, limits[i].name);

        if (!value)
            continue;
        page_add(out, "; %s ", limits[i].words);
        page_add_json(out, value);
    }
}

static void add_row(struct text *out, const char *name, const char *where, bool required,
                    const json_t *schema, const char *description)
{
    page_add(out, "<tr><td><code>%s</code>%s</td><td>%s</td><td>", name, required ? " *" : "", where);
    add_type(out, schema);
    add_limits(out, schema);
    page_add(out, "</td><td>%s</td></tr>\n", description);
}

static bool is_required(const json_t *schema, const char *name)
{
    const json_t *list = json_object_get(schema, "required");
    json_t *value;
    size_t i;

    json_array_foreach((json_t *)list, i, value)
        if (!strcmp(json_string_value(value), name))
            return true;
    return false;
}

static void add_members(struct text *out, const json_t *schema, const char *where)
{
    const char *name;
    json_t *member;

    json_object_foreach(json_object_get(schema, "properties"), name, member)
        add_row(out, name, where, is_required(schema, name), member, js_text_in(member, "description"));
}

static void add_parameters(struct text *out, const json_t *document, const json_t *operation)
{
    const json_t *list = json_object_get(operation, "parameters"),
                 *body = resolve(document, json_object_get(operation, "requestBody")),
                 *schema = json_object_get(
                     json_object_get(json_object_get(body, "content"), "application/json"), "schema");
    json_t *reference;
    size_t i;

    if (!json_array_size(list) && !schema)
        return;
    text_add(out, "<table>\n");
    json_array_foreach((json_t *)list, i, reference) {
        const json_t *parameter = resolve(document, reference);

        add_row(out, js_text_in(parameter, "name"), js_text_in(parameter, "in"),
                json_is_true(json_object_get(parameter, "required")), json_object_get(parameter, "schema"),
                js_text_in(parameter, "description"));
    }
    if (schema)
        add_members(out, resolve(document, schema), "body");
    text_add(out, "</table>\n");
}

static void add_answers(struct text *out, const json_t *document, const json_t *operation)
{
    const char *status, *media;
    json_t *reference, *content;

    text_add(out, "<ul class=\"inside\">\n");
    json_object_foreach(json_object_get(operation, "responses"), status, reference) {
        const json_t *answer = resolve(document, reference);

        page_add(out, "<li><b>%s</b> %s", status, js_text_in(answer, "description"));
        json_object_foreach(json_object_get(answer, "content"), media, content) {
            page_add(out, " <code>%s</code> ", media);
            if (json_object_get(content, "schema"))
                add_type(out, json_object_get(content, "schema"));
        }
        text_add(out, "</li>\n");
    }
    text_add(out, "</ul>\n");
}

static void add_operation(struct text *out, const json_t *document, const char *root, const char *path,
                          const char *method, const json_t *operation)
{
    AUTO(mem) char *verb = mem_text(method);
    bool open = json_array_size(json_object_get(operation, "security")) == 1;

    for (char *c = verb; *c; c++)
        *c = (char)toupper((unsigned char)*c);
    page_add(out, "<section class=\"card\" id=\"%s\">\n<h2><code>%s %s%s</code></h2>\n<p>%s. %s%s</p>\n",
             js_text_in(operation, "operationId"), verb, root, strcmp(path, "/") ? path : "",
             js_text_in(operation, "summary"), js_text_in(operation, "description"),
             open ? "" : " (with log-in)");
    add_parameters(out, document, operation);
    add_answers(out, document, operation);
    text_add(out, "</section>\n");
}

static void add_schemas(struct text *out, const json_t *document)
{
    const char *name;
    json_t *schema;

    text_add(out, "<h1>Schemas</h1>\n");
    json_object_foreach(json_object_get(json_object_get(document, "components"), "schemas"), name, schema) {
        page_add(out, "<section class=\"card\" id=\"schema-%s\"><h2>%s</h2><p>%s</p>\n", name, name,
                 js_text_in(schema, "description"));
        if (json_object_size(json_object_get(schema, "properties"))) {
            text_add(out, "<table>\n");
            add_members(out, schema, "");
            text_add(out, "</table>\n");
        }
        text_add(out, "</section>\n");
    }
}

void apidoc_page(const struct request *rq, const json_t *document, struct text *out)
{
    const json_t *info = json_object_get(document, "info");
    const json_t *servers = json_object_get(document, "servers"), *own;
    const char *path, *method;
    json_t *item, *operation;

    page_begin(out, rq, "en", js_text_in(info, "title"));
    page_add(out, "<p>%s</p>\n<p><a href=\"?f=json\">OpenAPI 3.0</a></p>\n", js_text_in(info, "description"));
    json_object_foreach(json_object_get(document, "paths"), path, item) {
        own = json_object_get(item, "servers"); /* of this path alone */
        json_object_foreach(item, method, operation)
            if (json_is_object(operation))
                add_operation(out, document, js_text_in(json_array_get(own ? own : servers, 0), "url"), path,
                              method, operation);
    }
    add_schemas(out, document);
    page_end(out);
}
