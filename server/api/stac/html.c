/* The pages of the catalogue. Addresses come from the links of the JSON they are made of. */
#include "api/common/build.h"
#include "api/common/page.h"
#include "api/common/map.h"
#include "api/stac/language.h"
#include "api/stac/stac.h"
#include "json/js.h"
#include <string.h>

static const char *first_of(const char *a, const char *b)
{
    return *a ? a : b;
}

static const char *link_of(const json_t *object, const char *rel)
{
    json_t *link;
    size_t i;

    json_array_foreach(json_object_get(object, "links"), i, link)
        if (!strcmp(js_text_in(link, "rel"), rel))
            return js_text_in(link, "href");
    return NULL;
}

static void begin(struct text *page, struct request *rq, const char *title)
{
    AUTO(text) struct text base = { 0 };

    page_begin(page, rq, languages[language_of(rq)].code, title);
    text_printf(&base, "%s" STAC_ROOT, rq->base_url);
    page_add(page, "<nav><a href=\"%s\">%s</a> <a href=\"%s/collections\">%s</a>", base.data,
             say(rq, SAY_this_catalogue), base.data, say(rq, SAY_collections));
    page_add(page, " <a href=\"%s/api/stac?f=html\">%s</a></nav>\n", rq->base_url,
             say(rq, SAY_api_documentation));
}

static void add_link(struct text *page, const json_t *object, const char *rel, const char *text)
{
    const char *href = link_of(object, rel);

    if (href)
        page_add(page, "<a href=\"%s\">%s</a> ", href, text);
}

/* The form of a search; it asks for a page again. */
static void add_form(struct text *page, struct request *rq, const char *action)
{
    page_add(page, "<form class=\"card search\" action=\"%s\"><input type=\"hidden\" name=\"f\" value=\"html\">\n"
                   "<label>%s <input name=\"bbox\" placeholder=\"15.2,45.6,15.6,45.9\"></label>\n",
             action, say(rq, SAY_box));
    page_add(page, "<label>%s <input name=\"datetime\" placeholder=\"2023-08-01T00:00:00Z/..\"></label>\n",
             say(rq, SAY_period));
    page_add(page, "<label>%s <input name=\"filter\" placeholder=\"eo:cloud_cover &lt; 10\"></label>\n"
                   "<label>%s <input name=\"q\"></label>\n<p><button>%s</button></p>\n</form>\n",
             say(rq, SAY_filter), say(rq, SAY_words), say(rq, SAY_do_search));
}

/* ---- catalogue and collections ---- */

void html_landing(struct request *rq, const json_t *body, struct text *page)
{
    json_t *link;
    size_t i;

    begin(page, rq, js_text_in(body, "title"));
    page_add(page, "<p>%s</p>\n<p>", js_text_in(body, "description"));
    json_array_foreach(json_object_get(body, "links"), i, link)
        if (!strcmp(js_text_in(link, "rel"), "alternate") && *js_text_in(link, "hreflang"))
            page_add(page, "<a href=\"%s&amp;f=html\" lang=\"%s\">%s</a> ", js_text_in(link, "href"),
                     js_text_in(link, "hreflang"), js_text_in(link, "title"));
    text_add(page, "</p>\n");
    add_form(page, rq, link_of(body, "search"));
    page_add(page, "<h2>%s</h2>\n<ul class=\"grid\">\n", say(rq, SAY_collections));
    json_array_foreach(json_object_get(body, "links"), i, link)
        if (!strcmp(js_text_in(link, "rel"), "child"))
            page_add(page, "<li class=\"card\"><a href=\"%s\">%s</a></li>\n", js_text_in(link, "href"),
                     js_text_in(link, "title"));
    text_add(page, "</ul>\n");
    page_end(page);
}

static void add_pages(struct text *page, struct request *rq, const json_t *body)
{
    text_add(page, "<nav>");
    add_link(page, body, "prev", say(rq, SAY_previous));
    add_link(page, body, "next", say(rq, SAY_next));
    text_add(page, "</nav>\n");
}

void html_collections(struct request *rq, const json_t *body, struct text *page)
{
    const json_t *list = json_object_get(body, "collections");
    json_t *collection;
    size_t i;

    if (!list)
        list = json_object_get(body, "children");
    begin(page, rq, say(rq, SAY_collections));
    page_add(page, "<form class=\"card search\"><input type=\"hidden\" name=\"f\" value=\"html\">"
                   "<label>%s <input name=\"q\"></label><p><button>%s</button></p></form>\n",
             say(rq, SAY_words), say(rq, SAY_do_search));
    if (!json_array_size(list))
        page_add(page, "<p>%s</p>\n", say(rq, SAY_nothing));
    text_add(page, "<ul class=\"grid\">\n");
    json_array_foreach((json_t *)list, i, collection) {
        const char *id = js_text_in(collection, "id"), *href = link_of(collection, "self");

        page_add(page, "<li class=\"card\"><a href=\"%s\"><b>%s</b></a><br>%s</li>\n", href ? href : "",
                 first_of(js_text_in(collection, "title"), id), id);
    }
    text_add(page, "</ul>\n");
    add_pages(page, rq, body);
    page_end(page);
}

/* The first interval is the whole. */
static void add_period(struct text *page, struct request *rq, const json_t *extent)
{
    const json_t *interval = json_array_get(
        json_object_get(json_object_get(extent, "temporal"), "interval"), 0);
    const char *from = json_string_value(json_array_get(interval, 0)),
               *until = json_string_value(json_array_get(interval, 1));

    page_add(page, "<dt>%s</dt><dd>%s / %s</dd>\n", say(rq, SAY_period), from ? from : "..",
             until ? until : say(rq, SAY_open_end));
}

static void add_member(struct text *page, const char *title, const json_t *value)
{
    if (!value || json_is_null(value))
        return;
    page_add(page, "<dt>%s</dt><dd>", title);
    page_add_json(page, value);
    text_add(page, "</dd>\n");
}

void html_collection(struct request *rq, const json_t *body, struct text *page)
{
    const json_t *extent = json_object_get(body, "extent"),
                 *boxes = json_object_get(json_object_get(extent, "spatial"), "bbox");
    const char *id = js_text_in(body, "id"), *title = first_of(js_text_in(body, "title"), id),
               *items = link_of(body, "items");
    struct map_area area = { .bbox = json_array_get(boxes, 0), .href = items ? items : "", .title = title };

    begin(page, rq, title);
    page_add(page, "<p class=\"description\">%s</p>\n<nav>", js_text_in(body, "description"));
    add_link(page, body, "items", say(rq, SAY_items));
    add_link(page, body, "child", say(rq, SAY_browse));
    add_link(page, body, OGC_REL "queryables", say(rq, SAY_queryables));
    add_link(page, body, "http://www.opengis.net/def/rel/ogc/1.0/sortables", say(rq, SAY_sortables));
    text_add(page, "</nav>\n");
    map_add(page, say(rq, SAY_extent), &area, 1);
    if (items)
        add_form(page, rq, items);
    text_add(page, "<dl class=\"card\">\n");
    page_add(page, "<dt>Id</dt><dd><code>%s</code></dd>\n", id);
    add_period(page, rq, extent);
    add_member(page, say(rq, SAY_license), json_object_get(body, "license"));
    add_member(page, say(rq, SAY_keywords), json_object_get(body, "keywords"));
    add_member(page, say(rq, SAY_providers), json_object_get(body, "providers"));
    add_member(page, say(rq, SAY_properties), json_object_get(body, "summaries"));
    add_member(page, say(rq, SAY_assets), json_object_get(body, "assets"));
    text_add(page, "</dl>\n");
    page_end(page);
}

void html_catalogue(struct request *rq, const json_t *body, struct text *page)
{
    json_t *link;
    size_t i;

    begin(page, rq, js_text_in(body, "title"));
    page_add(page, "<p>%s</p>\n<nav>", js_text_in(body, "description"));
    add_link(page, body, "parent", "..");
    text_add(page, "</nav>\n<ul class=\"grid\">\n");
    json_array_foreach(json_object_get(body, "links"), i, link)
        if (!strcmp(js_text_in(link, "rel"), "child") || !strcmp(js_text_in(link, "rel"), "item"))
            page_add(page, "<li class=\"card\"><a href=\"%s\">%s</a></li>\n", js_text_in(link, "href"),
                     js_text_in(link, "title"));
    text_add(page, "</ul>\n");
    page_end(page);
}

/* ---- items ---- */

static bool has_role(const json_t *asset, const char *role)
{
    json_t *value;
    size_t i;

    json_array_foreach(json_object_get(asset, "roles"), i, value)
        if (json_is_string(value) && !strcmp(json_string_value(value), role))
            return true;
    return false;
}

/* A picture that browsers show. */
static const char *picture_of(const json_t *item)
{
    const char *key, *href = NULL;
    json_t *asset;

    json_object_foreach(json_object_get(item, "assets"), key, asset) {
        const char *type = js_text_in(asset, "type"), *at = js_text_in(asset, "href");
        bool shown = text_begins(type, "image/jpeg") || text_begins(type, "image/png") ||
                     text_begins(type, "image/webp");

        if (!text_begins(at, "http") || !(shown || has_role(asset, "thumbnail")))
            continue;
        if (has_role(asset, "thumbnail") || !strcmp(key, "thumbnail"))
            return at;
        if (!href && has_role(asset, "overview"))
            href = at;
    }
    return href;
}

static const char *when_of(const json_t *item)
{
    const json_t *properties = json_object_get(item, "properties");

    return first_of(js_text_in(properties, "datetime"), js_text_in(properties, "start_datetime"));
}

static void add_count(struct text *page, struct request *rq, const json_t *body)
{
    const json_t *matched = json_object_get(body, "numberMatched");
    const char *how = js_text_in(body, "numberMatchedRelation");

    if (!matched)
        return;
    text_printf(page, "<p>%" JSON_INTEGER_FORMAT " ", json_integer_value(matched));
    page_add(page, "%s</p>\n", say(rq, !strcmp(how, "exact")      ? SAY_found_exact
                                       : !strcmp(how, "at_least") ? SAY_found_least
                                                                  : SAY_found_about));
}

void html_items(struct request *rq, const json_t *body, struct text *page)
{
    const json_t *features = json_object_get(body, "features");
    size_t count = json_array_size(features), i;
    struct map_area *areas = arena_array(rq->arena, count + 1, sizeof *areas);
    json_t *item;

    begin(page, rq, say(rq, SAY_items));
    add_form(page, rq, "");
    json_array_foreach((json_t *)features, i, item) {
        const char *self = link_of(item, "self");

        areas[i] = (struct map_area){ .geometry = json_object_get(item, "geometry"), .bbox = json_object_get(item, "bbox"),
                                      .href = self ? self : "", .title = js_text_in(item, "id") };
    }
    map_add(page, say(rq, SAY_footprints), areas, count);
    add_count(page, rq, body);
    if (count == 0)
        page_add(page, "<p>%s</p>\n", say(rq, SAY_nothing));
    add_pages(page, rq, body);
    text_add(page, "<ul class=\"grid\">\n");
    json_array_foreach((json_t *)features, i, item) {
        const char *picture = picture_of(item);

        text_add(page, "<li class=\"card\">");
        if (picture)
            page_add(page, "<img src=\"%s\" alt=\"\" loading=\"lazy\">", picture);
        page_add(page, "<a href=\"%s\">%s</a><br><time>%s</time> %s</li>\n", areas[i].href,
                 js_text_in(item, "id"), when_of(item), js_text_in(item, "collection"));
    }
    text_add(page, "</ul>\n");
    add_pages(page, rq, body);
    page_end(page);
}

static void add_assets(struct text *page, struct request *rq, const json_t *assets)
{
    const char *key;
    json_t *asset;

    page_add(page, "<h2>%s</h2>\n<table>\n", say(rq, SAY_assets));
    json_object_foreach((json_t *)assets, key, asset) {
        text_add(page, "<tr><td>");
        page_add_link(page, js_text_in(asset, "href"), key);
        page_add(page, "</td><td>%s</td><td>%s</td><td>", js_text_in(asset, "title"), js_text_in(asset, "type"));
        if (json_object_get(asset, "roles"))
            page_add_json(page, json_object_get(asset, "roles"));
        text_add(page, "</td></tr>\n");
    }
    text_add(page, "</table>\n");
}

void html_item(struct request *rq, const json_t *body, struct text *page)
{
    const char *picture = picture_of(body), *self = link_of(body, "self"), *key;
    struct map_area area = { .geometry = json_object_get(body, "geometry"), .bbox = json_object_get(body, "bbox"),
                             .href = self ? self : "", .title = js_text_in(body, "id") };
    json_t *value;

    begin(page, rq, js_text_in(body, "id"));
    text_add(page, "<nav>");
    add_link(page, body, "collection", js_text_in(body, "collection"));
    page_add(page, "<a href=\"%s?f=json\">JSON</a></nav>\n", area.href);
    map_add(page, say(rq, SAY_footprint), &area, 1);
    if (picture)
        page_add(page, "<p><img class=\"thumbnail\" src=\"%s\" alt=\"\"></p>\n", picture);
    add_assets(page, rq, json_object_get(body, "assets"));
    page_add(page, "<h2>%s</h2>\n<dl class=\"card\">\n", say(rq, SAY_properties));
    json_object_foreach(json_object_get(body, "properties"), key, value)
        add_member(page, key, value);
    text_add(page, "</dl>\n");
    page_end(page);
}

/* ---- all else ---- */

void html_schema(struct request *rq, const json_t *body, struct text *page)
{
    const char *name;
    json_t *schema;

    begin(page, rq, js_text_in(body, "title"));
    text_add(page, "<table>\n");
    json_object_foreach(json_object_get(body, "properties"), name, schema) {
        page_add(page, "<tr><td><code>%s</code></td><td>%s</td><td>%s</td><td>", name,
                 js_text_in(schema, "title"), first_of(js_text_in(schema, "type"), js_text_in(schema, "format")));
        if (json_object_get(schema, "enum"))
            page_add_json(page, json_object_get(schema, "enum"));
        text_add(page, "</td></tr>\n");
    }
    text_add(page, "</table>\n");
    page_end(page);
}

void html_plain(struct request *rq, const json_t *body, struct text *page)
{
    begin(page, rq, rq->path);
    page_add_json(page, body);
    page_end(page);
}
