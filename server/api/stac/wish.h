/* What a client wants to be told of, as he says it: the parameters of a search that choose items. */
#ifndef API_STAC_WISH_H
#define API_STAC_WISH_H

#include "feed/interest.h"
#include "http/request.h"

struct wish {
    struct interest interest; /* in the request's arena */
    json_t *condition;        /* the same as CQL2 JSON; NULL: none */
};
void wish_drop(struct wish *wish); /* AUTO(wish) struct wish wish = { 0 }; */

/* From the query string: collections, bbox, intersects, datetime, filter, filter-lang, query. `others` (NULL
 * ends) are parameters that the caller reads. */
bool wish_of_query(struct request *rq, const char *const *others, struct wish *ret_wish,
                   struct err *err) MUST_USE;
/* The same members of an object; others are refused. */
bool wish_of_json(struct request *rq, const json_t *members, struct wish *ret_wish,
                  struct err *err) MUST_USE;

#endif
