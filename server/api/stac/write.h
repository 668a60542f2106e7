/* What the handlers that write to the catalogue share. */
#ifndef API_STAC_WRITE_H
#define API_STAC_WRITE_H

#include "api/stac/stac.h"
#include "store/items.h"
#include "store/shares.h"

/* items */
handler_fn stac_items_post, stac_item_put, stac_item_patch, stac_item_delete, stac_bulk_post;
/* collections */
handler_fn stac_collections_post, stac_collection_put, stac_collection_patch, stac_collection_delete;

/* Makes an object from a client one to be stored: `member` ("id", "collection") must be `expected` or
 * absent, and is set. Errors: BadRequest. */
bool write_name(json_t *object, const char *member, const char *expected, struct err *err) MUST_USE;
/* Takes what this service puts into items on their way out back: addresses of its own files, and what it
 * says of other places of theirs (`is_new`: nothing is known of what the item itself said). Errors:
 * BadRequest for marks that nobody else may write. */
bool write_take_back(struct request *rq, json_t *item, bool is_new, struct err *err) MUST_USE;

/* The entity tag of an answer that is made of a kept text: that of the text, with an addition when the
 * answer says more than the text. `more`: NULL or what it was made of beside. */
void write_tag(struct request *rq, struct reply *reply, const char *kept, const char *more);
/* If-Match without such additions; NULL: no such header. */
const char *write_if_match(struct request *rq);
/* If-None-Match: * */
bool write_if_absent(const struct request *rq);

/* The item or collection as it is now, as GET answers it. */
bool write_reply_item(struct request *rq, struct reply *reply, int status, const char *collection,
                      const char *id, struct err *err) MUST_USE;
bool write_reply_collection(struct request *rq, struct reply *reply, int status, const char *id,
                            struct err *err) MUST_USE;

/* Many at once (bulk.c): a FeatureCollection whose items are to be made. */
bool write_features(struct request *rq, struct reply *reply, json_t *collection, struct err *err) MUST_USE;
bool write_lines(struct request *rq, struct reply *reply, struct err *err) MUST_USE;

#endif
