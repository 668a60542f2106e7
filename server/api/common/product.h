/* A product by its name, as users of PEPS and GEODES have it. */
#ifndef API_COMMON_PRODUCT_H
#define API_COMMON_PRODUCT_H

#include "http/request.h"
#include <jansson.h>

/* The item of the catalogue that a name means: that of this id, with or without an ending like
 * .SAFE or .zip, among what the caller may see. `place` is where the name stood, for messages.
 * Errors: InvalidParameter: there is none, or there are several (which are named). */
struct catalogue_product {
    const char *collection, *item; /* the arena's */
    json_t *bbox;                  /* [west, south, east, north] */
    const char *start,
        *end; /* RFC 3339: the first moment that it covers, and the first that it does not */
};
bool product_find(struct request *rq, const char *name, const char *place,
                  struct catalogue_product *ret_product, struct err *err) MUST_USE;
void product_done(struct catalogue_product *product); /* frees the bbox */

/* An execute request with the input PRODUCT_TITLE: the arguments that the process has and the
 * request has not (collection, bbox, datetime) become those of the product. With an input
 * "restoration" that is not true, a product that would have to be fetched from tape is refused.
 * Errors: InvalidParameter. */
#define PRODUCT_TITLE "product-title"
bool product_fill(struct request *rq, const json_t *graph, json_t *arguments,
                  struct err *err) MUST_USE;

#endif
