/* The parameters datetime, bbox and intersects. Refusals name the parameter. */
#ifndef API_STAC_EXTENT_H
#define API_STAC_EXTENT_H

#include "base/err.h"
#include "base/mem.h"
#include <jansson.h>

enum { EXTENT_MAX_VERTICES = 10000 };

/* An instant or an interval as RFC 3339 and OGC API - Features have it; "" and ".." are open ends,
 * one of the two at most. */
bool extent_datetime(const char *text, const char *name, struct arena *arena, const char **ret_start,
                     const char **ret_end, struct err *err) MUST_USE;
/* "4 or 6 numbers, separated by commas" -> GeoJSON text; west > east crosses 180 degrees. */
bool extent_bbox(const char *text, const char *name, struct arena *arena, const char **ret_geometry,
                 struct err *err) MUST_USE;
bool extent_bbox_json(const json_t *array, struct arena *arena, const char **ret_geometry,
                      struct err *err) MUST_USE;
/* A GeoJSON geometry of any type -> its text, checked. */
bool extent_geometry(const char *text, struct arena *arena, const char **ret_geometry,
                     struct err *err) MUST_USE;
bool extent_geometry_json(const json_t *geometry, const char *pointer, struct arena *arena,
                          const char **ret_geometry, struct err *err) MUST_USE;

#endif
