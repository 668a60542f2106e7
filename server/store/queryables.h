/* What can be asked of and sorted by in collections: from the data. Names and types are recorded when
 * items are written (properties_*), values and ranges from a sample when a collection settles. */
#ifndef STORE_QUERYABLES_H
#define STORE_QUERYABLES_H

#include "base/mem.h"
#include "cql2/cql2.h"
#include "store/db.h"
#include <stdatomic.h>
#include <jansson.h>

struct queryable {
    struct cql2_property property;  /* name and type; ANY when values of several types were seen */
    bool sortable, is_array;
    const char *title;
    const char *schema;             /* $ref to the field's schema in its STAC extension; NULL: unknown */
    size_t n_values;                /* an enumeration when the data has few texts */
    const char *const *values;
    bool has_range;                 /* numbers */
    double least, most;
};

/* The queryables of these collections (n 0: all that the viewer may see): the union, with STAC's core
 * fields always; by name. From what the process knows, without asking the database, unless `fresh`:
 * check a filter with what is known, and only when it is refused load again fresh and look again.
 * Collections that the viewer may not see or that there are not add nothing. Lives in the arena. */
bool queryables_load(struct db *db, struct arena *arena, const char *viewer, size_t n_collections,
                     const char *const *collections, bool fresh, struct queryable **ret_queryables,
                     size_t *ret_count, struct err *err) MUST_USE;
/* The same without titles, schemas, values and ranges: all that filters and orders are checked with. */
bool queryables_names(struct db *db, struct arena *arena, const char *viewer, size_t n_collections,
                      const char *const *collections, bool fresh, struct queryable **ret_queryables,
                      size_t *ret_count, struct err *err) MUST_USE;
struct queryable_list {
    size_t count;
    const struct queryable *all;
};
/* A cql2_property_fn over a struct queryable_list, sorted by name. */
cql2_property_fn queryable_find;

/* ---- recording, by whoever writes items ---- */

struct property_news; /* what a batch has that the process did not know yet: mostly nothing */
struct property_news *property_news_new(void);
void property_news_free(struct property_news *news);
void property_news_clear(struct property_news *news);
/* Looks at the properties of one item; cheap when nothing is new. */
void property_news_add(struct property_news *news, const json_t *item);
/* Writes the news, after the batch was committed; no statement when there are none. */
bool property_news_store(struct db *db, struct property_news *news, struct err *err) MUST_USE;
/* Values and ranges of collections of which a fifth was written or deleted since the last time, from a
 * sample; at most so many collections, until *stop (may be NULL). */
bool queryables_refresh(struct db *db, int64_t most, const atomic_bool *stop, struct err *err) MUST_USE;

#endif
