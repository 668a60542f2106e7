/* How far the geoid lies above the ellipsoid: a raster over the whole Earth, kept in memory. */
#ifndef SAR_GEOID_H
#define SAR_GEOID_H

#include "raster/source.h"

struct geoid;
bool geoid_read(const char *path, struct geoid **ret_geoid, struct err *err) MUST_USE;
void geoid_free(struct geoid *geoid);
DEFINE_AUTO(geoid, struct geoid *, geoid_free)
/* Metres, bilinear; NULL has the geoid nowhere but on the ellipsoid. */
double geoid_height(const struct geoid *geoid, double longitude, double latitude);

/* One band of a raster as floats, NaN where there is no data; `width` x `height` pixels from (x, y), which lie
 * within it. The caller frees. */
bool sar_read_floats(struct source_pool *pool, const struct source *source, int64_t x, int64_t y, size_t width,
                     size_t height, float **ret_pixels, struct err *err) MUST_USE;

#endif
