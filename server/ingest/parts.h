/* Parts that the readers of products share: footprints, members of items, assets. */
#ifndef INGEST_PARTS_H
#define INGEST_PARTS_H

#include "ingest/container.h"
#include "json/js.h"

enum { RING_MAX = 1000 };

struct ring {
    size_t n;
    double at[RING_MAX][2]; /* longitude, latitude; not closed */
};

/* A Polygon, or a MultiPolygon cut at 180 degrees when the ring crosses it; counter-clockwise. The
 * bbox then has west > east. New reference. */
json_t *footprint_geometry(const struct ring *ring, double ret_bbox[4]);

/* Sets geometry and bbox from positions as metadata write them, latitude first: "lat,lon lat,lon ..."
 * or "lat lon lat lon ...". False when there are fewer than three, or one is not on the globe. */
bool item_put_footprint(json_t *item, const char *positions);

/* Members are left out rather than null. */
void item_put_text(json_t *object, const char *key, const char *text);
void item_put_number(json_t *object, const char *key, double number); /* NaN: left out */
json_t *item_text_list(const char *first, ...) __attribute__((sentinel)); /* ends with NULL */
void item_put_bbox(json_t *item, const double bbox[4]);

/* A new item with its constant members; `properties` and `assets` are empty objects. */
json_t *item_new(const char *id, const char *collection, const char *const *extensions);
/* Adds the asset of a file of the container and returns it (borrowed). */
json_t *item_add_asset(json_t *item, const struct container *container, const char *file,
                       const char *key, const char *title, const char *type, const char *role);
/* Sets created and updated to now. */
void item_stamp(json_t *item);

#endif
