/* GET and POST /stac/search and the items of a collection: one page of items as it lies in the
 * database, with links put in on the way out. An answer is one statement and one buffer; items are
 * parsed only for clients that ask for some of their fields. */
#include "api/common/build.h"
#include "api/stac/stac.h"
#include "api/stac/write.h"
#include "json/js_text.h"
#include "store/items.h"
#include "store/places_text.h"
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

enum { COLLECTIONS_PAGE = 1000, LINKS_BYTES = 800 /* about what is added to an item */ };

const char *stac_viewer(const struct request *rq)
{
    return rq->user ? rq->user->id : NULL;
}

void stac_link(struct text *out, const struct request *rq, const char *rel, const char *type, ...)
{
    va_list parts;
    const char *part;

    if (out->length && !strchr("[,", out->data[out->length - 1]))
        text_add(out, ",");
    text_printf(out, "{\"rel\":\"%s\",\"type\":\"%s\",\"href\":\"%s" STAC_ROOT, rel, type, rq->base_url);
    va_start(parts, type);
    while ((part = va_arg(parts, const char *))) {
        text_add(out, "/");
        text_add_url(out, part, "");
    }
    va_end(parts);
    text_add(out, "\"}");
}

/* ---- items ---- */

void item_links_drop(struct item_links *links)
{
    text_drop(&links->before);
    text_drop(&links->after);
}

static void make_links(struct item_links *links, const struct request *rq, const char *collection)
{
    text_clear(&links->before);
    text_clear(&links->after);
    links->collection = collection;
    text_printf(&links->before, "{\"rel\":\"self\",\"type\":\"" STAC_GEOJSON "\",\"href\":\"%s" STAC_ROOT
                                "/collections/", rq->base_url);
    text_add_url(&links->before, collection, "");
    text_add(&links->before, "/items/");
    text_add(&links->after, "\"},");
    stac_link(&links->after, rq, "parent", "application/json", "collections", collection, NULL);
    stac_link(&links->after, rq, "collection", "application/json", "collections", collection, NULL);
    stac_link(&links->after, rq, "root", "application/json", NULL);
}

void stac_add_item(struct text *out, const struct request *rq, const struct item_row *row,
                   struct item_links *links)
{
    AUTO(text) struct text whole = { 0 };

    if (!links->collection || strcmp(links->collection, row->collection))
        make_links(links, rq, row->collection);
    text_addn(&whole, links->before.data, links->before.length);
    text_add_url(&whole, row->id, "");
    text_addn(&whole, links->after.data, links->after.length);
    places_text_send(out, row->text, row->places, row->collection, row->id, rq->base_url, whole.data);
}

/* Only what is asked for of the item that begins at `begin`. */
static bool cut_to_fields(struct text *out, size_t begin, const struct fields *fields, struct err *err)
{
    AUTO(json) json_t *item = NULL;

    if (!js_parse(out->data + begin, out->length - begin, JS_DEFAULT_DEPTH, &item, err))
        return false;
    fields_apply(fields, item);
    out->length = begin;
    js_text_add(out, item);
    return true;
}

/* ---- links of a page ---- */

/* The body of the next request is given whole: not every client merges it into its last one. */
static void add_page_link(json_t *links, struct request *rq, const char *rel, const char *token)
{
    json_t *body;

    if (rq->method != POST) {
        link_add(links, rel, href_with(rq, "token", token), STAC_GEOJSON, NULL);
        return;
    }
    body = json_copy(rq->body);
    json_object_set_new(body, "token", json_string(token));
    json_array_append_new(links, json_pack("{s:s,s:s,s:s,s:s,s:b,s:o}", "rel", rel, "href",
                                           href_of(rq, STAC_ROOT "/search"), "type", STAC_GEOJSON,
                                           "method", "POST", "merge", 0, "body", body));
}

static json_t *page_links(struct request *rq, const struct search_params *params,
                          const struct item_page *page, const char *collection)
{
    json_t *links = json_array();
    bool next = page->backwards ? page->count > 0 : page->more;
    bool prev = page->backwards ? page->more : params->search.after && page->count > 0;

    link_add(links, "root", href_of(rq, STAC_ROOT), "application/json", NULL);
    link_add(links, "self", href_with(rq, "", NULL), STAC_GEOJSON, NULL);
    if (rq->method != POST)
        link_add(links, "alternate", href_with(rq, "f", "html"), "text/html", NULL);
    if (collection)
        link_add(links, "collection", href_of(rq, STAC_ROOT "/collections/%s", collection),
                 "application/json", NULL);
    if (next)
        add_page_link(links, rq, "next",
                      params_token(params, item_page_cursor(page, page->count - 1, rq->arena), false));
    if (prev)
        add_page_link(links, rq, "prev",
                      params_token(params, item_page_cursor(page, 0, rq->arena), true));
    return links;
}

/* ---- one page ---- */

static void item_page_drop(struct item_page *page)
{
    item_page_done(page);
}

static const char *const how_counted[] = {
    [COUNT_NONE] = "exact", [COUNT_EXACT] = "exact", [COUNT_CAPPED] = "at_least",
    [COUNT_ESTIMATED] = "estimated",
};

/* `context` says the same for clients of before OGC API - Features. */
static void add_counts(struct text *body, const struct search_params *params, const struct item_page *page)
{
    text_printf(body, "],\"numberReturned\":%zu", page->count);
    if (page->matched >= 0)
        text_printf(body, ",\"numberMatched\":%" PRId64 ",\"numberMatchedRelation\":\"%s\"", page->matched,
                    how_counted[page->counted]);
    text_printf(body, ",\"context\":{\"returned\":%zu,\"limit\":%" PRId64, page->count,
                params->search.limit);
    if (page->matched >= 0)
        text_printf(body, ",\"matched\":%" PRId64, page->matched);
    text_add(body, "}");
}

static bool add_page(struct request *rq, const struct search_params *params, const struct item_page *page,
                     const char *collection, struct text *body, struct err *err)
{
    AUTO(item_links) struct item_links shared = { 0 };
    AUTO(json) json_t *links = NULL;

    text_reserve(body, item_page_bytes(page) + (page->count + 2) * LINKS_BYTES);
    text_add(body, "{\"type\":\"FeatureCollection\",\"features\":[");
    for (size_t i = 0; i < page->count; i++) {
        struct item_row row = item_page_row(page, i);
        size_t begin;

        if (i)
            text_add(body, ",");
        begin = body->length;
        stac_add_item(body, rq, &row, &shared);
        if (params->fields && !cut_to_fields(body, begin, params->fields, err))
            return false;
    }
    add_counts(body, params, page);
    text_add(body, ",\"links\":");
    links = page_links(rq, params, page, collection);
    js_text_add(body, links);
    text_add(body, "}");
    return true;
}

/* Clients that want to know how many there are ask for a page of one item or none. */
static void choose_count(const struct request *rq, struct search_params *params)
{
    static const struct { const char *name; enum item_count count; } settings[] = {
        { "none", COUNT_NONE }, { "exact", COUNT_EXACT }, { "capped", COUNT_CAPPED },
        { "estimated", COUNT_ESTIMATED },
    };

    params->search.count_limit = rq->config->catalog_count_limit;
    if (params->has_count)
        return;
    params->search.count = params->search.limit <= 1 && !params->search.after ? COUNT_CAPPED : COUNT_NONE;
    for (size_t i = 0; i < ARRAY_LEN(settings); i++)
        if (!strcmp(rq->config->catalog_count, settings[i].name))
            params->search.count = settings[i].count;
}

static bool answer(struct request *rq, struct reply *reply, struct search_params *params,
                   const char *collection, struct err *err)
{
    AUTO(text) struct text body = { 0 };
    AUTO(item_page) struct item_page page = { 0 };
    const char *unused;

    choose_count(rq, params);
    if (!stac_check(rq, params, err) || !items_search(rq->db, rq->arena, &params->search, &page, err))
        return false;
    /* no items may be no collection */
    if (collection && page.count == 0 &&
        !collection_text(rq->db, rq->arena, stac_viewer(rq), collection, &unused, err))
        return false;
    return add_page(rq, params, &page, collection, &body, err) &&
           stac_send(rq, reply, &body, STAC_GEOJSON, html_items, err);
}

/* ---- handlers ---- */

bool stac_read(struct request *rq, enum params_where where, const char *collection,
               struct search_params *ret_params, struct err *err)
{
    int64_t page = where == PARAMS_COLLECTIONS ? COLLECTIONS_PAGE : rq->config->catalog_page;
    const char *name, *value, *f = request_query(rq, "f");
    bool is_form = f && !strcmp(f, "html");

    params_init(ret_params, where, page, rq->config->catalog_max_page, rq->arena);
    ret_params->search.where.viewer = stac_viewer(rq);
    if (collection) {
        const char **only = arena_array(rq->arena, 1, sizeof *only);

        *only = collection;
        ret_params->search.where.collections = only;
        ret_params->search.where.n_collections = 1;
    }
    if (rq->method == POST)
        return params_from_json(ret_params, rq->body, err) && params_finish(ret_params, err);
    for (size_t i = 0; request_query_at(rq, i, &name, &value); i++) {
        if (is_form && !(value && *value))
            continue; /* a field that was not filled in */
        if (!params_from_query(ret_params, name, value ? value : "", err))
            return false;
    }
    return params_finish(ret_params, err);
}

bool stac_search_get(struct request *rq, struct reply *reply, struct err *err)
{
    struct search_params params;

    return stac_read(rq, PARAMS_SEARCH, NULL, &params, err) && answer(rq, reply, &params, NULL, err);
}

bool stac_search_post(struct request *rq, struct reply *reply, struct err *err)
{
    return stac_search_get(rq, reply, err);
}

bool stac_items_of(struct request *rq, struct reply *reply, const char *id, struct err *err)
{
    struct search_params params;

    return stac_read(rq, PARAMS_ITEMS, id, &params, err) && answer(rq, reply, &params, id, err);
}

bool stac_items_get(struct request *rq, struct reply *reply, struct err *err)
{
    return stac_items_of(rq, reply, request_variable(rq, "collectionId"), err);
}

bool stac_item_get(struct request *rq, struct reply *reply, struct err *err)
{
    AUTO(item_links) struct item_links links = { 0 };
    AUTO(text) struct text body = { 0 };
    struct item_row row = { .collection = request_variable(rq, "collectionId"),
                            .id = request_variable(rq, "itemId") };

    if (!stac_only(rq, NULL, err) ||
        !item_load(rq->db, rq->arena, stac_viewer(rq), row.collection, row.id, &row.text, &row.places, err))
        return false;
    stac_add_item(&body, rq, &row, &links);
    write_tag(rq, reply, row.text, row.places);
    return stac_send(rq, reply, &body, STAC_GEOJSON, html_item, err);
}
