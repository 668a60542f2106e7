/* What gathers a batch of items (item_batch.c) and what writes it (item_batch_write.c) share. */
#ifndef STORE_ITEM_BATCH_ROWS_H
#define STORE_ITEM_BATCH_ROWS_H

#include "base/mem.h"
#include "store/item_batch.h"
#include "store/item_row.h"

struct batch_row {
    const char *collection, *id; /* in the arena */
    struct item_row_place place;
    size_t tag;
    const char *repaired; /* the geometry in hexadecimal; NULL: as it is in the row; in the arena */
    size_t group;
    bool dropped;         /* a later one has its id, or it cannot be stored */
    bool replaces;        /* an item of its id is there */
    bool same;            /* ... with the same text */
    bool has_files;
};

struct batch_group { /* the rows of one collection */
    const char *id;
    int64_t number, shelf, count;
    size_t kept, replaced;
    int64_t longest_us;
};

struct item_batch {
    struct arena *arena;
    struct property_news *news; /* of what can be asked for */
    struct text bytes;
    struct batch_row *rows;
    size_t count, capacity;
    struct batch_group *groups;
    size_t n_groups, group_capacity;
    struct text places; /* JSON array for places_put_local(); not closed yet */
};

/* What a transaction needs. */
struct storing {
    struct item_batch *batch;
    const struct item_write *how;
    bool again;        /* a collection got its own shelf in between */
    size_t stored;
};

/* A row that cannot be stored is dropped, and whoever asked for that is told. */
void batch_refuse_row(const struct storing *s, size_t index, const struct err *problem);
/* Numbers, shelves and counts of the collections as they are now; 0 where there is none. */
bool batch_load_groups(struct db *db, struct item_batch *b, struct err *err) MUST_USE;
/* The transaction; s->again says that it must begin anew, from batch_load_groups() on. */
bool batch_write(struct db *db, void *storing, struct err *err) MUST_USE;

#endif
