/* Files that users bring, as documents that planning understands. They are hostile until shown otherwise: each
 * is opened as the one format that was named, none of which reads other files. */
#ifndef RASTER_UPLOADED_H
#define RASTER_UPLOADED_H

#include "base/err.h"
#include <jansson.h>

/* A GeoTIFF as a STAC item with one asset; `name` (its path as the user knows it) gives the date, if it has one
 * ("ndvi_2023-08-15.tif", "20230815T100201.tif"), and the name of a band that has none of its own. Without a date
 * the item has "sentier:undated". The caller owns it. Errors: FormatUnsuitable. */
bool uploaded_image(const char *path, const char *name, json_t **ret_item, struct err *err) MUST_USE;
/* The features of the first layer of a GeoPackage or FlatGeobuf file (GDAL's names) as a FeatureCollection in
 * degrees. The caller owns it. Errors: FormatUnsuitable. */
bool uploaded_features(const char *path, const char *format, json_t **ret_collection, struct err *err) MUST_USE;

#endif
