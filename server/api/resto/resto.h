/* The face of PEPS (resto 2.x OpenSearch): the same catalogue as features that its users' scripts know.
 * Feature ids say when and which: see id.c. */
#ifndef API_RESTO_RESTO_H
#define API_RESTO_RESTO_H

#include "http/route.h"
#include "store/place.h"
#include "store/search.h"

#define RESTO_ROOT "/resto"

handler_fn resto_search_get, resto_describe_get, resto_feature_get, resto_download_get;

/* ---- collections.c ---- */

/* The ids of our collections that make up resto's `name` (resto.collections), among those that the viewer
 * may see; *ret_known false: there is no such name. */
bool resto_collections(struct request *rq, const char *name, const char *const **ret_ids, size_t *ret_count,
                       struct err *err) MUST_USE;

/* The value of `name` in a setting like "NAME=VALUE NAME=VALUE", in the arena; NULL: there is none. */
const char *resto_named(struct arena *arena, const char *setting, const char *name);

/* ---- params.c ---- */

struct resto_query {
    struct item_search search;
    int64_t page, records;
    json_t *filters; /* as they were understood; the caller drops it */
    json_t *ignored; /* parameters that mean nothing here; as well */
};
/* Errors: InvalidParameter naming the parameter. */
bool resto_read_query(struct request *rq, struct resto_query *ret_query, struct err *err) MUST_USE;
void resto_query_done(struct resto_query *query);
/* A condition on the values of an item in CQL2 text from one parameter; false: no such parameter. */
bool resto_condition(const char *name, const char *value, struct text *out, bool *ret_known,
                     struct err *err) MUST_USE;

/* ---- id.c ---- */

void resto_id(const char *collection, const char *item, int64_t ms, char ret_id[static ID_UUID_SIZE]);
int64_t resto_row_ms(const struct item_row *row);
/* The page holds the item in row *ret_row; the caller ends it. Errors: ItemNotFound. */
bool resto_find(struct request *rq, const char *name, const char *id, struct item_page *ret_page,
                size_t *ret_row, struct err *err) MUST_USE;

/* ---- feature.c ---- */

enum resto_storage { RESTO_DISK, RESTO_STAGING, RESTO_TAPE, RESTO_UNKNOWN };
struct resto_product { /* what a download of the item would give */
    enum resto_storage storage;
    int64_t size_bytes; /* -1: unknown */
};
/* `places`: JSON array of place objects, the best first; NULL: none. */
struct resto_product resto_product(const json_t *places);
json_t *resto_feature(struct request *rq, const char *name, const struct item_row *row,
                      const json_t *places, struct err *err);

#endif
