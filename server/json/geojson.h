/* GeoJSON geometries: checked before anything else sees them. */
#ifndef JSON_GEOJSON_H
#define JSON_GEOJSON_H

#include "base/text.h"
#include "json/js.h"

enum { GEOJSON_MAX_VERTICES = 100000 };

/* True for any of the seven types (GeometryCollection at most 4 deep): positions are 2 to 4 finite
 * numbers within +-360 and +-90 degrees, lines have 2 positions, rings 4 and are closed. Errors:
 * BadRequest with `pointer` before the place. */
bool geojson_check(const json_t *geometry, const char *pointer, size_t max_vertices,
                   struct err *err) MUST_USE;
/* The same for a geometry in any reference system: coordinates need only be finite. */
bool geojson_check_plane(const json_t *geometry, const char *pointer, size_t max_vertices,
                         struct err *err) MUST_USE;
/* west, south, east, north of a checked geometry, plainly (no crossing of 180 degrees). */
void geojson_bounds(const json_t *geometry, double ret_bbox[4]);
/* Appends a checked geometry as WKB with its SRID (EWKB, little-endian), without heights. */
void geojson_add_wkb(struct text *out, const json_t *geometry);
/* True when a checked geometry is valid by the rules of simple features beyond doubt: points, lines of
 * two positions that differ, polygons of one small ring whose sides do not meet. Of others one cannot say
 * without a geometry library. */
bool geojson_is_surely_valid(const json_t *geometry);
/* True for a checked geometry that is drawn straight across 180 degrees: its bbox (NULL: none) says that it
 * crosses, its longitudes span the globe. */
bool geojson_is_wrapped(const json_t *geometry, const json_t *bbox);
/* Whether a box (west, south, east, north; west > east across 180 degrees) and the "bbox" of a document
 * share a place; true for anything that is no bbox. */
bool geojson_box_meets(const double box[4], const json_t *bbox);
/* Appends the polygon of west, south, east, north as GeoJSON; two polygons when west > east. */
void geojson_add_box(struct text *out, const double bbox[4]);

#endif
