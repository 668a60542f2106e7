/* The landing page, the conformance classes and the collections of the STAC API. */
#include "api/common/build.h"
#include "api/stac/stac.h"
#include "auth/auth.h"
#include "store/collections.h"
#include "store/stac_text.h"
#include <string.h>

enum { COLLECTIONS_PAGE = 1000 };

#define STAC_CLASS(name) "https://api.stacspec.org/v1.0.0/" name
#define OGC_CLASS(name) "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/" name
#define OPENAPI_MEDIA "application/vnd.oai.openapi+json;version=3.0"
static const char *const classes[] = {
    STAC_CLASS("core"),    STAC_CLASS("collections"), STAC_CLASS("ogcapi-features"),
    STAC_CLASS("item-search"), OGC_CLASS("core"),     OGC_CLASS("oas30"), OGC_CLASS("geojson"),
};

static json_t *conforms_to(void)
{
    json_t *list = json_array();

    for (size_t i = 0; i < ARRAY_LEN(classes); i++)
        json_array_append_new(list, json_string(classes[i]));
    return list;
}

bool stac_conformance_get(struct request *rq, struct reply *reply, struct err *err)
{
    (void)rq, (void)err;
    return reply_json(reply, 200, json_pack("{s:o}", "conformsTo", conforms_to()), NULL);
}

static void add_search_link(json_t *links, struct request *rq, const char *method)
{
    json_array_append_new(links, json_pack("{s:s,s:s,s:s,s:s,s:s}", "rel", "search", "href",
                                           href_of(rq, STAC_ROOT "/search"), "type", "application/geo+json",
                                           "title", "Search for items", "method", method));
}

bool stac_landing_get(struct request *rq, struct reply *reply, struct err *err)
{
    struct collection_row *rows;
    size_t count;
    json_t *links;

    if (!collection_list(rq->db, rq->arena, stac_viewer(rq), NULL, COLLECTIONS_PAGE, &rows, &count, err))
        return false;
    links = json_array();
    link_add(links, "self", href_of(rq, STAC_ROOT), "application/json", "This catalogue");
    link_add(links, "root", href_of(rq, STAC_ROOT), "application/json", "This catalogue");
    link_add(links, "conformance", href_of(rq, STAC_ROOT "/conformance"), "application/json",
             "Conformance classes");
    link_add(links, "data", href_of(rq, STAC_ROOT "/collections"), "application/json", "Collections");
    add_search_link(links, rq, "GET");
    add_search_link(links, rq, "POST");
    link_add(links, "service-desc", href_of(rq, "/api/stac"), OPENAPI_MEDIA, "API description");
    link_add(links, "service-doc", href_of(rq, "/?f=html"), "text/html", "API documentation");
    for (size_t i = 0; i < count; i++)
        link_add(links, "child", href_of(rq, STAC_ROOT "/collections/%s", rows[i].id),
                 "application/json", rows[i].id);
    return reply_json(reply, 200,
                      json_pack("{s:s,s:s,s:s,s:s,s:s,s:o,s:o}", "type", "Catalog", "stac_version", "1.0.0",
                                "id", "sentier", "title", "Sentier", "description",
                                "The catalogue of this Sentier server: Earth-observation scenes and "
                                "results.",
                                "conformsTo", conforms_to(), "links", links),
                      NULL);
}

static void send_collection(struct text *out, const struct request *rq, const char *id,
                            const char *kept)
{
    AUTO(text) struct text links = { 0 };

    stac_link(&links, rq, "self", "application/json", "collections", id, NULL);
    stac_link(&links, rq, "parent", "application/json", NULL);
    stac_link(&links, rq, "root", "application/json", NULL);
    stac_link(&links, rq, "items", "application/geo+json", "collections", id, "items", NULL);
    stac_text_send(out, kept, rq->base_url, links.data);
}

/* The token of a page is the sealed id of the last collection of the page before. */
static bool read_page(struct request *rq, int64_t *ret_limit, const char **ret_after,
                      struct err *err)
{
    const char *token = request_query(rq, "token"), *name, *value;
    AUTO(mem) char *after = NULL;
    struct err ignored = { 0 };

    for (size_t i = 0; request_query_at(rq, i, &name, &value); i++)
        if (strcmp(name, "limit") && strcmp(name, "token") && strcmp(name, "f"))
            return err_set(err, ERR_InvalidParameter, "%.60s: there is no such parameter", name);
    if (!request_query_integer(rq, "limit", 1, 10000, COLLECTIONS_PAGE, ret_limit, err))
        return false;
    if (token && !auth_unseal(token, &after, &ignored))
        return err_set(err, ERR_InvalidParameter, "token: was not given by this service");
    *ret_after = token ? arena_text(rq->arena, after) : NULL;
    return true;
}

bool stac_collections_get(struct request *rq, struct reply *reply, struct err *err)
{
    struct collection_row *rows;
    const char *after;
    int64_t limit;
    size_t count, size;
    AUTO(text) struct text body = { 0 };

    if (!read_page(rq, &limit, &after, err) ||
        !collection_list(rq->db, rq->arena, stac_viewer(rq), after, limit + 1, &rows, &count, err))
        return false;
    text_add(&body, "{\"collections\":[");
    for (size_t i = 0; i < count && i < (size_t)limit; i++) {
        if (i)
            text_add(&body, ",");
        send_collection(&body, rq, rows[i].id, rows[i].text);
    }
    text_add(&body, "],\"links\":[");
    stac_link(&body, rq, "self", "application/json", "collections", NULL);
    stac_link(&body, rq, "root", "application/json", NULL);
    stac_link(&body, rq, "parent", "application/json", NULL);
    if (count > (size_t)limit) {
        AUTO(mem) char *sealed = auth_seal(rows[limit - 1].id);

        text_printf(&body, ",{\"rel\":\"next\",\"type\":\"application/json\",\"href\":\"%s\"}",
                    href_with(rq, "token", sealed));
    }
    text_add(&body, "]}");
    size = body.length;
    return reply_bytes(reply, 200, text_take(&body), size, "application/json");
}

bool stac_collection_get(struct request *rq, struct reply *reply, struct err *err)
{
    const char *id = request_variable(rq, "collectionId"), *kept;
    AUTO(text) struct text body = { 0 };
    size_t size;

    if (!collection_text(rq->db, rq->arena, stac_viewer(rq), id, &kept, err))
        return false;
    send_collection(&body, rq, id, kept);
    size = body.length;
    return reply_bytes(reply, 200, text_take(&body), size, "application/json");
}
