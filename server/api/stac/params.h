/* Parameters of a search, from a query string or a JSON body. Refusals name the parameter. */
#ifndef API_STAC_PARAMS_H
#define API_STAC_PARAMS_H

#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "store/search.h"

enum { PARAMS_MAX_LIST = 1000, PARAMS_MAX_VERTICES = 10000 };

struct search_params {
    size_t n_ids, n_collections;
    const char *const *ids, *const *collections;
    const char *start, *end; /* NULL: open */
    const char *geometry;    /* GeoJSON text, NULL: anywhere */
    int64_t limit;
    struct item_cursor cursor;
    bool has_cursor, backwards;
};

/* An instant or an interval as RFC 3339 and OGC API - Features have it; "" and ".." are open ends,
 * one of the two at most. */
bool params_datetime(const char *text, const char *name, struct arena *arena, const char **ret_start,
                     const char **ret_end, struct err *err) MUST_USE;
/* "4 or 6 numbers, separated by commas" -> GeoJSON text; west > east crosses 180 degrees. */
bool params_bbox(const char *text, const char *name, struct arena *arena, const char **ret_geometry,
                 struct err *err) MUST_USE;

/* Reads one parameter of a query string; *ret_known tells whether there is such a parameter. */
bool params_from_query(const char *name, const char *value, int64_t max_limit, struct arena *arena,
                       struct search_params *params, bool *ret_known, struct err *err) MUST_USE;
/* Reads a whole body. */
bool params_from_json(const json_t *body, int64_t max_limit, struct arena *arena,
                      struct search_params *params, struct err *err) MUST_USE;

/* The opaque token of a page that starts after (or, backwards, ends before) an item. In the arena. */
const char *params_token(const struct item_row *row, bool backwards, struct arena *arena);

#endif
