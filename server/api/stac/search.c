/* GET and POST /stac/search and the items of a collection: one page of items as it lies in the
 * database, with links put in on the way out. */
#include "api/common/build.h"
#include "api/stac/params.h"
#include "api/stac/stac.h"
#include "json/js_text.h"
#include "store/items.h"
#include "store/places_text.h"
#include <stdarg.h>
#include <string.h>

#define GEOJSON "application/geo+json"

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

static void add_item(struct text *out, const struct request *rq, const struct item_row *row)
{
    AUTO(text) struct text links = { 0 };

    stac_link(&links, rq, "self", GEOJSON, "collections", row->collection, "items", row->id, NULL);
    stac_link(&links, rq, "parent", "application/json", "collections", row->collection, NULL);
    stac_link(&links, rq, "collection", "application/json", "collections", row->collection, NULL);
    stac_link(&links, rq, "root", "application/json", NULL);
    places_text_send(out, row->text, row->places, row->collection, row->id, rq->base_url, links.data);
}

/* ---- links of a page ---- */

static void add_page_link(json_t *links, struct request *rq, const char *rel, const char *token)
{
    if (rq->method != POST) {
        link_add(links, rel, href_with(rq, "token", token), GEOJSON, NULL);
        return;
    }
    json_array_append_new(links, json_pack("{s:s,s:s,s:s,s:s,s:b,s:{s:s}}", "rel", rel, "href",
                                           href_of(rq, STAC_ROOT "/search"), "type", GEOJSON, "method",
                                           "POST", "merge", 1, "body", "token", token));
}

static json_t *page_links(struct request *rq, const struct search_params *params,
                          const struct item_page *page, const char *collection)
{
    json_t *links = json_array();
    bool next = page->backwards ? page->count > 0 : page->more;
    bool prev = page->backwards ? page->more : params->has_cursor && page->count > 0;

    link_add(links, "root", href_of(rq, STAC_ROOT), "application/json", NULL);
    link_add(links, "self", href_with(rq, "", NULL), GEOJSON, NULL);
    if (collection)
        link_add(links, "collection", href_of(rq, STAC_ROOT "/collections/%s", collection),
                 "application/json", NULL);
    if (next) {
        struct item_row last = item_page_row(page, page->count - 1);

        add_page_link(links, rq, "next", params_token(&last, false, rq->arena));
    }
    if (prev) {
        struct item_row first = item_page_row(page, 0);

        add_page_link(links, rq, "prev", params_token(&first, true, rq->arena));
    }
    return links;
}

static bool answer(struct request *rq, struct reply *reply, const struct search_params *params,
                   const char *collection, struct err *err)
{
    struct item_search search = {
        .where = { .viewer = stac_viewer(rq), .n_collections = params->n_collections,
                   .collections = params->collections, .n_ids = params->n_ids, .ids = params->ids,
                   .start = params->start, .end = params->end, .geometry = params->geometry },
        .after = params->has_cursor ? &params->cursor : NULL, .backwards = params->backwards,
        .limit = params->limit,
    };
    AUTO(text) struct text body = { 0 };
    AUTO(json) json_t *links = NULL;
    struct item_page page;
    size_t size;

    if (!items_search(rq->db, rq->arena, &search, &page, err))
        return false;
    text_add(&body, "{\"type\":\"FeatureCollection\",\"features\":[");
    for (size_t i = 0; i < page.count; i++) {
        struct item_row row = item_page_row(&page, i);

        if (i)
            text_add(&body, ",");
        add_item(&body, rq, &row);
    }
    text_printf(&body, "],\"numberReturned\":%zu,\"links\":", page.count);
    links = page_links(rq, params, &page, collection);
    js_text_add(&body, links);
    text_add(&body, "}");
    item_page_done(&page);
    size = body.length;
    return reply_bytes(reply, 200, text_take(&body), size, GEOJSON);
}

/* ---- handlers ---- */

/* `only` names the parameters that this address takes beside bbox, datetime, limit and token. */
static bool read_query(struct request *rq, bool whole_catalogue, struct search_params *params,
                       struct err *err)
{
    static const char *const searches[] = { "ids", "collections", "intersects" };
    const char *name, *value;

    params->limit = rq->config->catalog_page;
    for (size_t i = 0; request_query_at(rq, i, &name, &value); i++) {
        bool known = true;

        if (!strcmp(name, "f"))
            continue;
        for (size_t k = 0; !whole_catalogue && k < ARRAY_LEN(searches); k++)
            known &= strcmp(name, searches[k]) != 0;
        if (known && !params_from_query(name, value ? value : "", rq->config->catalog_max_page,
                                        rq->arena, params, &known, err))
            return false;
        if (!known)
            return err_set(err, ERR_InvalidParameter, "%.60s: there is no such parameter", name);
    }
    return true;
}

bool stac_search_get(struct request *rq, struct reply *reply, struct err *err)
{
    struct search_params params = { 0 };

    return read_query(rq, true, &params, err) && answer(rq, reply, &params, NULL, err);
}

bool stac_search_post(struct request *rq, struct reply *reply, struct err *err)
{
    struct search_params params = { .limit = rq->config->catalog_page };

    return params_from_json(rq->body, rq->config->catalog_max_page, rq->arena, &params, err) &&
           answer(rq, reply, &params, NULL, err);
}

bool stac_items_get(struct request *rq, struct reply *reply, struct err *err)
{
    const char *id = request_variable(rq, "collectionId"), *unused;
    struct search_params params = { 0 };

    if (!collection_text(rq->db, rq->arena, stac_viewer(rq), id, &unused, err) ||
        !read_query(rq, false, &params, err))
        return false;
    params.n_collections = 1;
    params.collections = &id;
    return answer(rq, reply, &params, id, err);
}

bool stac_item_get(struct request *rq, struct reply *reply, struct err *err)
{
    AUTO(text) struct text body = { 0 };
    struct item_row row = { .collection = request_variable(rq, "collectionId"),
                            .id = request_variable(rq, "itemId") };
    size_t size;

    if (!item_load(rq->db, rq->arena, stac_viewer(rq), row.collection, row.id, &row.text,
                   &row.places, err))
        return false;
    add_item(&body, rq, &row);
    size = body.length;
    return reply_bytes(reply, 200, text_take(&body), size, GEOJSON);
}
