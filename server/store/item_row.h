/* From an item to a row of table items, as binary COPY wants it. */
#ifndef STORE_ITEM_ROW_H
#define STORE_ITEM_ROW_H

#include "base/err.h"
#include "base/text.h"
#include <jansson.h>
#include <stdint.h>

/* The columns that item_row_add() writes, in this order. */
#define ITEM_ROW_COLUMNS                                                                           \
    "shelf, collection, datetime, id, start_at, end_at, geom, cloud, grid, orbit, orbit_state,"    \
    " platform, product_type, polarizations, updated, body"

struct item_row_place { /* in the bytes of a row */
    size_t begin, length;
    size_t geometry, geometry_length; /* the geometry's field with its length word */
    size_t body;   /* the kept text, up to the end */
    bool doubtful; /* the database must look at the geometry: it may be invalid, or ... */
    bool wrap;     /* ... it is drawn straight across 180 degrees */
    int32_t year;       /* of its datetime */
    int64_t longest_us; /* distance of its start or end from its datetime */
};

/* Appends the row of an item that item_check() has passed; `text` as in struct item_input. Errors: BadRequest (stac_text_keep()). */
bool item_row_add(struct text *rows, const json_t *item, const char *text,
                  struct item_row_place *ret_place, struct err *err) MUST_USE;
/* Shelf and collection are known last. */
void item_row_set_shelf(char *row, int32_t shelf, int32_t collection);

#endif
