/* Collections as openEO shows them: the catalogue's STAC collections, with the dimensions of the
 * cube that load_collection makes of them. */
#include "api/common/build.h"
#include "api/openeo/openeo.h"
#include "api/stac/stac.h"
#include "base/text.h"
#include "graph/stac.h"
#include "store/collections.h"
#include "store/stac_text.h"
#include <string.h>

static const char *viewer(const struct request *rq)
{
    return rq->user ? rq->user->id : NULL;
}

static const char *links_text(struct request *rq, const char *id)
{
    const char *root = openeo_href(rq, "/");

    return arena_printf(rq->arena,
                        "{\"rel\":\"self\",\"href\":\"%scollections/%s\",\"type\":\"application/json\"},"
                        "{\"rel\":\"root\",\"href\":\"%s\",\"type\":\"application/json\"},"
                        "{\"rel\":\"parent\",\"href\":\"%scollections\",\"type\":\"application/json\"},"
                        "{\"rel\":\"" OGC_REL "queryables\",\"href\":\"%scollections/%s/queryables\","
                        "\"type\":\"" STAC_SCHEMA "\"},"
                        "{\"rel\":\"items\",\"href\":\"%s/stac/collections/%s/items\","
                        "\"type\":\"application/geo+json\"}",
                        root, id, root, root, root, id, rq->base_url, id);
}

static json_t *spatial(const json_t *bbox, const char *axis, size_t low, size_t high)
{
    return json_pack("{s:s, s:s, s:[O, O], s:i}", "type", "spatial", "axis", axis, "extent",
                     json_array_get(bbox, low), json_array_get(bbox, high), "reference_system",
                     4326);
}

static json_t *dimensions(const json_t *collection, const struct collection_info *info)
{
    const json_t *extent = json_object_get(collection, "extent");
    const json_t *bbox = json_array_get(
        json_object_get(json_object_get(extent, "spatial"), "bbox"), 0);
    json_t *interval = json_array_get(
        json_object_get(json_object_get(extent, "temporal"), "interval"), 0);
    size_t half = json_array_size(bbox) == 6 ? 3 : 2;
    json_t *bands = json_array(), *body = json_object();

    for (size_t i = 0; i < info->n_bands; i++)
        json_array_append_new(bands, json_string(info->band_names[i]));
    if (json_array_size(bbox) >= 4) {
        json_object_set_new(body, "x", spatial(bbox, "x", 0, half));
        json_object_set_new(body, "y", spatial(bbox, "y", 1, half + 1));
    }
    if (interval)
        json_object_set_new(body, "t",
                            json_pack("{s:s, s:O}", "type", "temporal", "extent", interval));
    if (json_array_size(bands) > 0)
        json_object_set_new(body, "bands",
                            json_pack("{s:s, s:O}", "type", "bands", "values", bands));
    json_decref(bands);
    return body;
}

static void complete(struct request *rq, json_t *collection)
{
    struct collection_info info = { 0 };
    struct err ignored = { 0 };

    if (!json_object_get(collection, "cube:dimensions") &&
        collection_info_from_stac(collection, rq->arena, &info, &ignored))
        json_object_set_new(collection, "cube:dimensions", dimensions(collection, &info));
    if (!json_object_get(collection, "summaries"))
        json_object_set_new(collection, "summaries", json_object());
}

static bool read_collection(struct request *rq, const char *id, const char *kept,
                            json_t **ret_collection, struct err *err)
{
    AUTO(text) struct text text = { 0 };

    stac_text_send(&text, kept, rq->base_url, links_text(rq, id));
    return js_parse(text.data, text.length, JS_DEFAULT_DEPTH, ret_collection, err);
}

/* GET /collections/{collection_id} */
bool openeo_collection_get(struct request *rq, struct reply *reply, struct err *err)
{
    const char *id = request_variable(rq, "collection_id"), *kept;
    json_t *body;

    if (!collection_text(rq->db, rq->arena, viewer(rq), id, &kept, err) ||
        !read_collection(rq, id, kept, &body, err))
        return false;
    complete(rq, body);
    return reply_json(reply, 200, body, NULL);
}

/* GET /collections/{collection_id}/queryables: what load_collection's `properties` may name. */
bool openeo_queryables_get(struct request *rq, struct reply *reply, struct err *err)
{
    const char *id = request_variable(rq, "collection_id");
    json_t *body;

    return stac_collection_queryables(rq, id, openeo_href(rq, "/collections/%s/queryables", id), &body, err) &&
           reply_json(reply, 200, body, STAC_SCHEMA);
}

/* GET /collections/{collection_id}/items: clients do not follow the link. */
bool openeo_items_get(struct request *rq, struct reply *reply, struct err *err)
{
    return stac_items_of(rq, reply, request_variable(rq, "collection_id"), err);
}

/* GET /collections: clients that do not page get all that one page may hold. */
bool openeo_collections_get(struct request *rq, struct reply *reply, struct err *err)
{
    struct collection_row *rows;
    json_t *list, *links;
    int64_t limit;
    size_t count;
    bool more;

    if (!request_query_integer(rq, "limit", 1, 10000, 10000, &limit, err) ||
        !collection_list(rq->db, rq->arena, viewer(rq), request_query(rq, "after"), limit + 1,
                         &rows, &count, err))
        return false;
    more = count > (size_t)limit;
    count -= more;
    list = json_array();
    links = json_array();
    for (size_t i = 0; i < count; i++) {
        struct err broken = { 0 };
        json_t *one;

        if (!read_collection(rq, rows[i].id, rows[i].text, &one, &broken))
            continue;
        complete(rq, one);
        json_object_del(one, "summaries"); /* the largest part; of lists the API wants them left out */
        json_array_append_new(list, one);
    }
    link_add(links, "self", href_with(rq, "f", NULL), "application/json", NULL);
    if (more)
        link_add(links, "next", href_with(rq, "after", rows[count - 1].id), "application/json",
                 NULL);
    return reply_json(reply, 200, json_pack("{s:o, s:o}", "collections", list, "links", links),
                      NULL);
}
