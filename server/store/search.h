/* Searching items: one statement and one round trip a page, keyset pages both ways in any order.
 * (Writing is store/items.h.) Who may see what comes from store/scope.h; what can be asked and sorted
 * by from store/queryables.h; counts and histograms over the same conditions are store/aggregate.h. */
#ifndef STORE_SEARCH_H
#define STORE_SEARCH_H

#include "base/mem.h"
#include "cql2/cql2.h"
#include "store/db.h"
#include <jansson.h>

enum { SEARCH_MAX_SORTS = 8, SEARCH_MAX_LIMIT = 10000, SEARCH_MAX_OFFSET = 1000000 };

struct item_sort {
    const char *property; /* "datetime", "id", "collection" or a sortable's name ("eo:cloud_cover") */
    enum cql2_type type;  /* as its queryable says; not looked at for columns of their own */
    bool descending;      /* nulls come last both ways */
};

struct item_cursor { /* where a page ended: the values that were sorted by (NULL: null), then its key */
    const char *values[SEARCH_MAX_SORTS];
    const char *datetime, *id;
    int64_t collection;
};

enum item_count { /* how numberMatched was or is to be found */
    COUNT_NONE,      /* only when it costs nothing */
    COUNT_EXACT,
    COUNT_CAPPED,    /* exact up to catalog.count_limit, "at least" above */
    COUNT_ESTIMATED, /* the planner's guess */
};

/* What items must meet; used by searches, counts and aggregations alike. */
struct item_conditions {
    const char *viewer;             /* user id; NULL: nobody */
    size_t n_collections;           /* 0: all that the viewer may see; unknown ones match nothing */
    const char *const *collections;
    size_t n_ids;
    const char *const *ids;
    const char *start, *end;        /* RFC 3339; NULL: open. An item's interval must meet [start, end] */
    const char *geometry;           /* GeoJSON text that items must intersect; NULL: anywhere */
    const struct cql2_node *filter; /* checked; NULL: none */
    const struct cql2_node *words;  /* free text: a tree of AND, OR and NOT over STRING leaves, each of
                                       which must occur in the item's texts; NULL: none */
};

struct item_search {
    struct item_conditions where;
    size_t n_sorts;                 /* 0: newest first. Ties: newest first, then id and collection */
    const struct item_sort *sorts;
    const struct item_cursor *after; /* NULL: the first page */
    bool backwards;                 /* the page before `after` */
    int64_t limit;                  /* 1 .. SEARCH_MAX_LIMIT */
    int64_t offset;                 /* rows left out first, for old protocols that number their pages; at
                                       most SEARCH_MAX_OFFSET */
    enum item_count count;
    int64_t count_limit;            /* of COUNT_CAPPED: catalog.count_limit */
};

struct item_row { /* valid as long as the page */
    const char *text;       /* the kept text (store/stac_text.h) */
    const char *id, *collection, *datetime;
    int64_t collection_number;
    const char *places;     /* JSON of the item's locations and states; NULL: none */
};
struct known;
struct item_page {
    PGresult *rows;
    struct known *known;     /* collections as they were for these rows (store/scope.h) */
    size_t count;
    bool more;               /* there is another page in the same direction */
    bool backwards;
    int64_t matched;         /* -1: not known */
    enum item_count counted; /* EXACT, CAPPED (`matched` or more) or ESTIMATED when matched >= 0 */
};

/* In the order asked for, also when paging backwards. Errors: QueryTimeout when the statement takes
 * longer than the connection allows. */
bool items_search(struct db *db, struct arena *arena, const struct item_search *search,
                  struct item_page *ret_page, struct err *err) MUST_USE;
struct item_row item_page_row(const struct item_page *page, size_t i);
/* The cursor of a row of the page, for a token. In the arena. */
size_t item_page_bytes(const struct item_page *page); /* of the texts of its items */
const struct item_cursor *item_page_cursor(const struct item_page *page, size_t i, struct arena *arena);
void item_page_done(struct item_page *page);

/* True when this property can be sorted by without knowing its type ("datetime", "eo:cloud_cover"). */
bool item_sort_is_column(const char *property);

#endif
