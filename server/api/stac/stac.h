/* The STAC API: landing, collections, items, search, and the files behind local assets. */
#ifndef API_STAC_STAC_H
#define API_STAC_STAC_H

#include "api/stac/params.h"
#include "base/text.h"
#include "cql2/cql2.h"
#include "http/route.h"
#include "json/js.h"
#include "store/collections.h"
#include "store/places.h"
#include "store/search.h"

#define STAC_ROOT "/stac"
#define STAC_GEOJSON "application/geo+json"
#define STAC_SCHEMA "application/schema+json"
#define STAC_OPENAPI "application/vnd.oai.openapi+json;version=3.0"

handler_fn stac_landing_get, stac_conformance_get;
handler_fn stac_collections_get, stac_collection_get, stac_children_get;
handler_fn stac_browse_get, stac_browse_period_get; /* catalogues of a collection's items */
handler_fn stac_collection_children_get, stac_browse_children_get, stac_browse_period_children_get;
handler_fn stac_items_get, stac_item_get;
handler_fn stac_search_get, stac_search_post;
handler_fn stac_queryables_get, stac_sortables_get; /* of all, and of one collection */
handler_fn stac_collection_queryables_get, stac_collection_sortables_get;
/* The same of one collection for another face; the document is to have the address `href`. */
bool stac_items_of(struct request *rq, struct reply *reply, const char *id, struct err *err) MUST_USE;
bool stac_collection_queryables(struct request *rq, const char *id, const char *href, json_t **ret_document,
                                struct err *err) MUST_USE;
handler_fn stac_searched_queryables_get, stac_searched_sortables_get; /* of the collections themselves */
handler_fn stac_functions_get;
handler_fn stac_aggregations_get, stac_aggregate_get, stac_aggregate_post;
handler_fn stac_collection_aggregations_get, stac_collection_aggregate_get;
handler_fn stac_data_get; /* /data/{collection}/{item}/{asset}/{file} */

/* Orders the product of list->places[i], which is not online, and answers 202. */
bool data_order(struct request *rq, struct reply *reply, const struct place_list *list, size_t i,
                const char *item, struct err *err) MUST_USE;
/* For the landing page: the classes of conformance.c. */
json_t *stac_conforms_to(void);

/* The caller's id for the store's question who looks; NULL for nobody. */
const char *stac_viewer(const struct request *rq);
/* Appends {"rel","href","type"}; the href is base_url and the parts, each percent-encoded after a
 * slash (NULL ends). A comma is put before when `out` does not end with one or with a bracket. */
void stac_link(struct text *out, const struct request *rq, const char *rel, const char *type,
               ...) __attribute__((sentinel));

/* The links that items of one collection share, made once a page. Zeroed at first. */
struct item_links {
    const char *collection;
    struct text before, after; /* the item's id, percent-encoded, stands between */
};
void item_links_drop(struct item_links *links); /* AUTO(item_links) */
/* Appends an item as it is sent. */
void stac_add_item(struct text *out, const struct request *rq, const struct item_row *row,
                   struct item_links *links);
/* Appends a collection as it is sent. */
void stac_add_collection(struct text *out, const struct request *rq, const char *id, const char *kept);

/* Reads the parameters of a query string, or the body, and settles them. `collection`: the only one
 * that is searched, NULL for all. */
bool stac_read(struct request *rq, enum params_where where, const char *collection,
               struct search_params *ret_params, struct err *err) MUST_USE;
/* Refuses every parameter but `f`, `language` and those named (NULL ends). */
bool stac_only(struct request *rq, const char *const *names, struct err *err) MUST_USE;
/* Checks the filter and the order against what the collections of the search have. */
bool stac_check(struct request *rq, struct search_params *params, struct err *err) MUST_USE;

/* A page for people, made of the JSON that a program would get. */
typedef void stac_page_fn(struct request *rq, const json_t *body, struct text *out);
stac_page_fn html_landing, html_collections, html_collection, html_items, html_item, html_catalogue,
    html_schema, html_plain;
/* Answers with the JSON in `body`, or with its page when the client likes HTML best. */
bool stac_send(struct request *rq, struct reply *reply, struct text *body, const char *media,
               stac_page_fn *page, struct err *err) MUST_USE;
bool stac_send_json(struct request *rq, struct reply *reply, json_t *body_taken, const char *media,
                    stac_page_fn *page, struct err *err) MUST_USE;

#endif
