/* Parameters of searches, from a query string or a JSON body. Refusals name the parameter. */
#ifndef API_STAC_PARAMS_H
#define API_STAC_PARAMS_H

#include "api/stac/fields.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "cql2/cql2.h"
#include "store/search.h"
#include <jansson.h>

enum { PARAMS_MAX_LIST = 1000, PARAMS_MAX_OPTIONS = 32 };

/* Where a parameter may stand; PARAMS_BODY: in a body of POST /search and /aggregate. */
enum params_where {
    PARAMS_SEARCH = 1,      /* /search */
    PARAMS_ITEMS = 2,       /* /collections/{collectionId}/items */
    PARAMS_COLLECTIONS = 4, /* /collections and /children */
    PARAMS_AGGREGATE = 8,   /* /aggregate, and of a collection */
    PARAMS_COLLECTION_AGGREGATE = 16,
};

struct search_params {
    enum params_where where;
    struct arena *arena;
    int64_t max_limit;
    struct item_search search;   /* what was read; but its filter, which is to be checked first */
    const struct fields *fields; /* NULL: all */
    struct cql2_node *filter;    /* of `filter` and `query`, not yet checked; NULL: none */
    bool has_count;
    size_t n_aggregations;
    const char *const *aggregations;
    size_t n_options; /* "NAME_interval" and "NAME_precision" of aggregations */
    struct params_option { const char *name, *value; } options[PARAMS_MAX_OPTIONS];
    char digest[17];             /* of conditions and order */
    /* noted until all is read */
    const char *filter_text, *filter_lang, *query_text, *token;
    const json_t *filter_json, *query_json;
    bool filter_in_body;
};

/* `limit` is the default. What is read lives in the arena. */
void params_init(struct search_params *params, enum params_where where, int64_t limit, int64_t max_limit,
                 struct arena *arena);
/* One parameter of a query string; unknown ones are refused with those that are spelled alike. */
bool params_from_query(struct search_params *params, const char *name, const char *value,
                       struct err *err) MUST_USE;
/* A whole body. */
bool params_from_json(struct search_params *params, const json_t *body, struct err *err) MUST_USE;
/* After the last parameter: what only all of them together tell. */
bool params_finish(struct search_params *params, struct err *err) MUST_USE;

/* The opaque token of the page after (or, backwards, before) a row: it is good for searches with the
 * same conditions and order alone. In the arena. */
const char *params_token(const struct search_params *params, const struct item_cursor *cursor,
                         bool backwards);
/* What params_finish() ends with: notes params->digest; reads params->token into the search. */
void params_digest(struct search_params *params);
bool params_read_token(struct search_params *params, struct err *err) MUST_USE;

#endif
