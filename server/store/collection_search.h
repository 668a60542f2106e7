/* Searching collections by their own extents, words and members. */
#ifndef STORE_COLLECTION_SEARCH_H
#define STORE_COLLECTION_SEARCH_H

#include "store/collections.h"
#include "store/queryables.h"
#include "store/search.h"

struct collection_sort {
    const char *property; /* a sortable one of collection_queryables() */
    bool descending;
};

struct collection_query {
    const char *viewer;
    const char *start, *end;        /* RFC 3339; NULL: open. One of its intervals must meet it */
    const char *geometry;           /* GeoJSON text that one of its boxes must intersect */
    const struct cql2_node *filter; /* checked with collection_queryables() */
    const struct cql2_node *words;  /* as in struct item_conditions; id, title, description, keywords */
    size_t n_sorts;                 /* 0: by id, which also breaks ties */
    const struct collection_sort *sorts;
    const struct item_cursor *after; /* NULL: the first page. Of a cursor, values and id are used */
    bool backwards;
    int64_t limit;
};

struct collection_page {
    PGresult *rows;
    size_t count;
    bool more, backwards;
    int64_t matched;  /* all that match, exact */
};
/* Errors: InvalidParameter for a sort that there is not. */
bool collections_search(struct db *db, struct arena *arena, const struct collection_query *query,
                        struct collection_page *ret_page, struct err *err) MUST_USE;
/* Valid as long as the page. */
struct collection_row collection_page_row(const struct collection_page *page, size_t i);
const struct item_cursor *collection_page_cursor(const struct collection_page *page, size_t i,
                                                 struct arena *arena);
void collection_page_done(struct collection_page *page);

/* What a filter over collections may name. Static; a context of queryable_find(). */
const struct queryable_list *collection_queryables(void);

#endif
