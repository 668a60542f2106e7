/* What `?response=landingPage` leads to: a few collections of outputs as a dataset of OGC API - Common, with a landing page and a
 * list of its own. Its id is theirs with commas between, so that nothing is stored of it. */
#include "api/common/build.h"
#include "api/ogc/collections.h"
#include "api/ogc/html.h"
#include "json/js.h"
#include <string.h>

enum { MOST = 20 };

/* Summaries of the collections of the path. Errors: CollectionNotFound. */
static bool load(struct request *rq, json_t **ret_list, struct err *err)
{
    char *rest = arena_text(rq->arena, request_variable(rq, "datasetId")), *save;
    AUTO(json) json_t *list = json_array();

    for (const char *id = strtok_r(rest, ",", &save); id; id = strtok_r(NULL, ",", &save)) {
        AUTO(virtual_collection) struct virtual_collection row = { 0 };

        if (json_array_size(list) == MOST)
            return err_set(err, ERR_CollectionNotFound, "A dataset has at most %d collections.", MOST);
        if (!virtual_collection_load(rq->db, rq->arena, rq->user->id, id, &row, err))
            return false;
        json_array_append_new(list, ogc_collection_summary(rq, &row));
    }
    if (!json_array_size(list))
        return err_set(err, ERR_CollectionNotFound, "The dataset has no collections.");
    *ret_list = json_incref(list);
    return true;
}

/* GET /ogc/datasets/{datasetId} */
bool ogc_dataset_get(struct request *rq, struct reply *reply, struct err *err)
{
    const char *id = request_variable(rq, "datasetId");
    AUTO(json) json_t *list = NULL;
    json_t *links, *one;
    size_t i;

    if (!OGC_QUERY(rq, err) || !load(rq, &list, err))
        return false;
    links = json_array();
    ogc_link_both(rq, links, href_of(rq, OGC_ROOT "/datasets/%s", id), "This document");
    link_add(links, "data", href_of(rq, OGC_ROOT "/datasets/%s/collections", id), "application/json", "Its collections");
    link_add(links, OGC_REL "data", href_of(rq, OGC_ROOT "/datasets/%s/collections", id), "application/json", "Its collections");
    link_add(links, "service-desc", href_of(rq, "/api/ogc"), "application/vnd.oai.openapi+json;version=3.0", "The API in OpenAPI");
    link_add(links, "service-doc", href_of(rq, "/api/ogc?f=html"), "text/html", "The API as a page");
    link_add(links, OGC_REL "conformance", href_of(rq, OGC_ROOT "/conformance"), "application/json", "Conformance classes");
    json_array_foreach(list, i, one)
        link_add(links, "child", href_of(rq, OGC_ROOT "/collections/%s", js_text(one, "id")), "application/json",
                 js_text(one, "title"));
    return ogc_answer(rq, reply, 200, json_pack("{s:O, s:s, s:o}", "title", json_object_get(json_array_get(list, 0), "title"), "description",
                                                "Outputs of one request, computed where and when they are asked for.", "links", links),
                      html_ogc_landing, err);
}

/* GET /ogc/datasets/{datasetId}/collections */
bool ogc_dataset_collections_get(struct request *rq, struct reply *reply, struct err *err)
{
    json_t *links, *list;

    if (!OGC_QUERY(rq, err) || !load(rq, &list, err))
        return false;
    links = json_array();
    ogc_link_both(rq, links, href_of(rq, OGC_ROOT "/datasets/%s/collections", request_variable(rq, "datasetId")), "This document");
    return ogc_answer(rq, reply, 200, json_pack("{s:o, s:o}", "collections", list, "links", links), html_ogc_collections, err);
}
