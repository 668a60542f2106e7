/* The STAC API: landing, collections, items, search, and the files behind local assets. */
#ifndef API_STAC_STAC_H
#define API_STAC_STAC_H

#include "base/text.h"
#include "http/route.h"
#include "store/places.h"
#include "store/search.h"

#define STAC_ROOT "/stac"

handler_fn stac_landing_get, stac_conformance_get;
handler_fn stac_collections_get, stac_collection_get;
handler_fn stac_items_get, stac_item_get;
handler_fn stac_search_get, stac_search_post;
handler_fn stac_data_get; /* /data/{collection}/{item}/{asset}/{file} */

/* Orders the product of list->places[i], which is not online, and answers 202. */
bool data_order(struct request *rq, struct reply *reply, const struct place_list *list, size_t i,
                const char *item, struct err *err) MUST_USE;
/* The caller's id for the store's question who looks; NULL for nobody. */
const char *stac_viewer(const struct request *rq);
/* Appends {"rel","href","type"}; the href is base_url and the parts, each percent-encoded after a
 * slash (NULL ends). A comma is put before when `out` does not end with one or with a bracket. */
void stac_link(struct text *out, const struct request *rq, const char *rel, const char *type,
               ...) __attribute__((sentinel));

#endif
