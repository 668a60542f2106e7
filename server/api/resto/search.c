/* search.json and single features. */
#include "api/common/build.h"
#include "api/resto/resto.h"
#include "auth/auth.h"
#include "base/instant.h"
#include "base/text.h"
#include "store/places.h"
#include <inttypes.h>
#include <string.h>

#define OPENSEARCH "application/opensearchdescription+xml"

static const char *viewer(const struct request *rq)
{
    return rq->user ? rq->user->id : NULL;
}

/* The places of all items of a page, {collection: {item: [...]}}: a question for each collection. */
static bool load_places(struct request *rq, const struct item_page *page, json_t **ret_places,
                        struct err *err)
{
    AUTO(json) json_t *all = json_object();
    const char **ids = arena_array(rq->arena, page->count + 1, sizeof *ids);

    for (size_t i = 0; i < page->count; i++) {
        struct item_row first = item_page_row(page, i);
        size_t n = 0;
        json_t *some;

        if (json_object_get(all, first.collection))
            continue;
        for (size_t k = i; k < page->count; k++) {
            struct item_row row = item_page_row(page, k);

            if (row.collection_number == first.collection_number)
                ids[n++] = row.id;
        }
        if (!places_of_items(rq->db, viewer(rq), rq->config->catalog_site, first.collection_number, n, ids,
                             &some, err))
            return false;
        json_object_set_new(all, first.collection, some);
    }
    *ret_places = all;
    all = NULL;
    return true;
}

static json_t *feature_of(struct request *rq, const char *name, const struct item_row *row,
                          const json_t *places, struct err *err)
{
    return resto_feature(rq, name, row, json_object_get(json_object_get(places, row->collection), row->id),
                         err);
}

static bool add_features(struct request *rq, const char *name, const struct item_page *page,
                         json_t *features, struct err *err)
{
    AUTO(json) json_t *places = NULL;

    if (!load_places(rq, page, &places, err))
        return false;
    for (size_t i = 0; i < page->count; i++) {
        struct item_row row = item_page_row(page, i);
        json_t *feature = feature_of(rq, name, &row, places, err);

        if (!feature)
            return err_prefix(err, "item '%s'", row.id);
        json_array_append_new(features, feature);
    }
    return true;
}

/* ---- the answer ---- */

static void add_link(json_t *links, const char *rel, const char *type, const char *href)
{
    json_array_append_new(links, json_pack("{s:s, s:s, s:s, s:s}", "rel", rel, "type", type, "title", rel,
                                           "href", href));
}

/* The address of another page; `token` (NULL: none) spares the database counting up to it. */
static const char *page_href(struct request *rq, int64_t page, const char *token)
{
    AUTO(text) struct text url = { 0 };
    const char *name, *value;

    text_printf(&url, "%s%s?", rq->base_url, rq->path);
    for (size_t i = 0; request_query_at(rq, i, &name, &value); i++) {
        if (!strcmp(name, "page") || !strcmp(name, "index") || !strcmp(name, "token"))
            continue;
        text_add_url(&url, name, "");
        text_add(&url, "=");
        text_add_url(&url, value, "");
        text_add(&url, "&");
    }
    text_printf(&url, "page=%" PRId64, page);
    if (token) {
        text_add(&url, "&token=");
        text_add_url(&url, token, "");
    }
    return arena_text(rq->arena, url.data);
}

static json_t *links_of(struct request *rq, const char *name, const struct resto_query *q,
                        const struct item_page *page)
{
    json_t *links = json_array();

    add_link(links, "self", "application/json", href_with(rq, "", NULL));
    add_link(links, "search", OPENSEARCH, href_of(rq, RESTO_ROOT "/api/collections/%s/describe.xml", name));
    if (page->more) {
        const struct item_cursor *end = item_page_cursor(page, page->count - 1, rq->arena);
        AUTO(mem) char *text = mem_printf("resto %" PRId64 " %s\n%s", end->collection, end->datetime, end->id);
        AUTO(mem) char *token = auth_seal(text);

        add_link(links, "next", "application/json", page_href(rq, q->page + 1, token));
    }
    if (page->matched > 0 && page->counted == COUNT_EXACT)
        add_link(links, "last", "application/json",
                 page_href(rq, (page->matched + q->records - 1) / q->records, NULL));
    return links;
}

static json_t *summary_of(struct request *rq, const char *name, const struct resto_query *q,
                          const struct item_page *page, int64_t began)
{
    char id[ID_UUID_SIZE];
    AUTO(json) json_t *links = links_of(rq, name, q, page);
    int64_t start = q->search.after ? (q->page - 1) * q->records : q->search.offset;
    int64_t total = page->matched >= 0 ? page->matched : start + (int64_t)page->count;
    const char *words = request_query(rq, "q");

    resto_id(name, "", 0, id);
    return json_pack("{s:s, s:s, s:I, s:b, s:I, s:I, s:I, s:{s:O, s:O, s:{s:s}, s:f}, s:O}", "title", "", "id",
                     id, "totalResults", (json_int_t)total, "exactCount",
                     page->matched >= 0 && page->counted == COUNT_EXACT, "startIndex",
                     (json_int_t)(start + 1), "itemsPerPage", (json_int_t)page->count, "totalItemsPerPage",
                     (json_int_t)q->records, "query", "searchFilters", q->filters, "ignored", q->ignored,
                     "analysis", "query", words ? words : "", "processingTime",
                     (double)(instant_monotonic() - began) / 1000, "links", links);
}

static bool search(struct request *rq, struct reply *reply, struct resto_query *q, struct err *err)
{
    const char *name = request_variable(rq, "collection");
    AUTO(json) json_t *features = json_array();
    int64_t began = instant_monotonic();
    struct item_page page = { 0 };
    bool good;

    if (!resto_read_query(rq, q, err) ||
        !resto_collections(rq, name, &q->search.where.collections, &q->search.where.n_collections, err))
        return false;
    if (q->search.where.n_collections == 0) /* nothing of ours is meant, not everything */
        page.counted = COUNT_EXACT;
    else if (!items_search(rq->db, rq->arena, &q->search, &page, err))
        return false;
    good = add_features(rq, name, &page, features, err);
    if (good)
        reply_json(reply, 200,
                   json_pack("{s:s, s:o, s:O}", "type", "FeatureCollection", "properties",
                             summary_of(rq, name, q, &page, began), "features", features),
                   "application/json");
    if (q->search.where.n_collections)
        item_page_done(&page);
    return good;
}

bool resto_search_get(struct request *rq, struct reply *reply, struct err *err)
{
    struct resto_query query = { 0 };
    bool good = search(rq, reply, &query, err);

    resto_query_done(&query);
    return good;
}

bool resto_feature_get(struct request *rq, struct reply *reply, struct err *err)
{
    const char *name = request_variable(rq, "collection");
    AUTO(json) json_t *places = NULL;
    struct item_page page;
    struct item_row row;
    json_t *feature = NULL;
    size_t i;

    if (!resto_find(rq, name, request_variable(rq, "id"), &page, &i, err))
        return false;
    row = item_page_row(&page, i);
    if (places_of_items(rq->db, viewer(rq), rq->config->catalog_site, row.collection_number, 1, &row.id,
                        &places, err))
        feature = resto_feature(rq, name, &row, json_object_get(places, row.id), err);
    item_page_done(&page);
    return feature && reply_json(reply, 200, feature, "application/json");
}
