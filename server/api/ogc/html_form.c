/* The form of a process. It asks for the execution by GET (kvp.c), so that a page without scripts can send it. */
#include "api/common/build.h"
#include "api/common/page.h"
#include "api/ogc/html.h"
#include "json/js.h"
#include "json/js_text.h"
#include <string.h>

/* NAME="VALUE" of a number or a text, when the schema has it. */
static void add_attribute(struct text *page, const char *attribute, const json_t *value)
{
    AUTO(text) struct text plain = { 0 };

    if (!value)
        return;
    if (!json_is_string(value))
        js_text_add(&plain, value);
    page_add(page, " %s=\"%s\"", attribute, plain.data ? plain.data : json_string_value(value));
}

static void add_choice(struct text *page, const char *name, const json_t *schema, bool required)
{
    const json_t *usual = json_object_get(schema, "default");
    json_t *one;
    size_t i;

    page_add(page, "<select name=\"%s\">", name);
    if (!required && !usual)
        text_add(page, "<option value=\"\"></option>");
    json_array_foreach(json_object_get(schema, "enum"), i, one) {
        AUTO(text) struct text plain = { 0 };
        const char *text = json_string_value(one);

        if (!text) {
            js_text_add(&plain, one);
            text = plain.data;
        }
        page_add(page, "<option value=\"%s\"%s>%s</option>", text, usual && json_equal(usual, one) ? " selected" : "", text);
    }
    text_add(page, "</select>");
}

static void add_number(struct text *page, const char *name, const json_t *schema, bool whole, bool required)
{
    page_add(page, "<input type=\"number\" name=\"%s\" step=\"%s\"%s", name, whole ? "1" : "any", required ? " required" : "");
    add_attribute(page, "min", json_object_get(schema, "minimum"));
    add_attribute(page, "max", json_object_get(schema, "maximum"));
    add_attribute(page, "value", json_object_get(schema, "default"));
    text_add(page, ">");
}

/* A list with commas, as the form takes it. */
static void add_plain(struct text *out, const json_t *value)
{
    json_t *one;
    size_t i;

    if (json_is_string(value))
        text_add(out, json_string_value(value));
    else if (!json_is_array(value))
        js_text_add(out, value);
    json_array_foreach((json_t *)value, i, one) {
        text_add(out, i ? "," : "");
        if (json_is_string(one))
            text_add(out, json_string_value(one));
        else
            js_text_add(out, one);
    }
}

static void add_text(struct text *page, const char *name, const json_t *schema, const char *hint, bool required)
{
    const json_t *usual = json_object_get(schema, "default");
    const json_t *example = json_array_get(json_object_get(schema, "examples"), 0);
    AUTO(text) struct text list = { 0 }, shown = { 0 };

    if (usual)
        add_plain(&list, usual);
    if (example && !json_is_object(example)) {
        add_plain(&shown, example);
        hint = shown.data;
    }
    page_add(page, "<input name=\"%s\" placeholder=\"%s\"%s", name, hint, required ? " required" : "");
    add_attribute(page, "maxlength", json_object_get(schema, "maxLength"));
    if (usual)
        page_add(page, " value=\"%s\"", list.length ? list.data : "");
    text_add(page, ">");
}

static const char *hint_of(const json_t *schema)
{
    const char *type = js_text_in(schema, "type");
    const json_t *items = json_object_get(schema, "items");

    if (!strcmp(js_text_in(schema, "format"), "date-time"))
        return "2023-08-01T00:00:00Z";
    if (!strcmp(type, "array"))
        return strcmp(js_text_in(items, "format"), "date-time") ? "1, 2, 3" : "2023-08-01, 2023-09-01";
    return strcmp(type, "object") ? "" : "{ }";
}

static void add_box(struct text *page, const char *name, bool required)
{
    page_add(page, "<input name=\"%s\" placeholder=\"15.2,45.6,15.3,45.7\"%s></label>\n", name, required ? " required" : "");
    page_add(page, "<label>Its coordinate reference system <small class=\"message\">Degrees of longitude and latitude, if left out.</small> <input name=\"%s[crs]\" "
                   "placeholder=\"http://www.opengis.net/def/crs/OGC/1.3/CRS84\">", name);
}

static void add_field(struct text *page, const char *name, const json_t *input)
{
    const json_t *schema = json_object_get(input, "schema"), *least = json_object_get(input, "minOccurs");
    const char *type = js_text_in(schema, "type"), *title = js_text_in(input, "title");
    bool required = !least || json_number_value(least) > 0;

    page_add(page, "<label>%s%s", *title ? title : name, required ? " *" : "");
    page_add(page, "<small class=\"message\">%s</small> ", js_text_in(input, "description"));
    if (json_object_get(schema, "enum"))
        add_choice(page, name, schema, required);
    else if ((!strcmp(type, "number") || !strcmp(type, "integer")) && !json_object_get(input, "maxOccurs"))
        add_number(page, name, schema, !strcmp(type, "integer"), required);
    else if (!strcmp(type, "boolean"))
        page_add(page, "<select name=\"%s\"><option value=\"\"></option><option>true</option><option>false</option></select>", name);
    else if (json_object_get(json_object_get(schema, "properties"), "bbox"))
        add_box(page, name, required);
    else
        add_text(page, name, schema, hint_of(schema), required);
    text_add(page, "</label>\n");
}

void html_ogc_form(struct request *rq, const json_t *process, struct text *page)
{
    const char *name;
    json_t *one;

    page_add(page, "<form class=\"card process\" action=\"%s\">\n<input type=\"hidden\" name=\"response[f]\" value=\"html\">\n",
             href_of(rq, OGC_ROOT "/processes/%s/execution", js_text_in(process, "id")));
    json_object_foreach(json_object_get(process, "inputs"), name, one)
        add_field(page, name, one);
    text_add(page, "<fieldset><legend>Outputs (none chosen: all)</legend>\n");
    json_object_foreach(json_object_get(process, "outputs"), name, one)
        page_add(page, "<label><input type=\"checkbox\" name=\"%s[include]\" value=\"true\"> %s</label>\n", name,
                 *js_text_in(one, "title") ? js_text_in(one, "title") : name);
    text_add(page, "</fieldset>\n<label>How <small class=\"message\"></small> <select name=\"response[prefer]\"><option value=\"respond-async\">as a job</option>"
                   "<option value=\"respond-sync\">wait for the results</option></select></label>\n"
                   "<p><button>Run</button></p>\n</form>\n");
}
