/* Which collections there are and who may see them, as this process knows it. What is known carries
 * the version of table catalog_version; each statement that relies on it returns the version that was
 * true for it, so that a change is never missed: known_is() tells, known_refresh() reads again. */
#ifndef STORE_SCOPE_H
#define STORE_SCOPE_H

#include "base/mem.h"
#include "store/db.h"

struct known_collection {
    int64_t number;
    const char *id;
    bool public;
    const char *owner;        /* user id; NULL: the service's own */
    size_t n_readers;         /* users it is shared with */
    const char *const *readers;
    int64_t longest_ms;       /* largest distance of a start or an end from its datetime */
    size_t n_shelves;         /* where its items lie (items.shelf) */
    const int64_t *shelves;
    bool places;              /* items of it have locations or states */
};

struct known; /* never changes once made; counted references */
/* What is known, read when nothing is. */
bool known_get(struct db *db, struct known **ret_known, struct err *err) MUST_USE;
/* Read again, unless another thread has just done so: newer than `old`, which stays the caller's. */
bool known_refresh(struct db *db, const struct known *old, struct known **ret_known,
                   struct err *err) MUST_USE;
bool known_is(const struct known *known, int64_t version);
void known_free(struct known *known);
DEFINE_AUTO(known, struct known *, known_free)

const struct known_collection *known_by_id(const struct known *known, const char *id);
const struct known_collection *known_by_number(const struct known *known, int64_t number);
bool known_may_see(const struct known_collection *collection, const char *viewer);

/* The collections that a viewer may see among `ids` (n 0: all there are). */
struct scope {
    size_t count;          /* 0: nothing can match */
    const struct known_collection **collections; /* in the arena, by id */
    bool all;              /* there are no others */
    bool places;           /* of one of them */
    int64_t longest_ms;    /* over them */
    size_t n_shelves;
    const int64_t *shelves;
    const char *numbers;   /* text of a PostgreSQL integer[] in the arena */
};
struct scope known_scope(const struct known *known, struct arena *arena, const char *viewer,
                         size_t n_ids, const char *const *ids);

#endif
