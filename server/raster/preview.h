/* Small pictures of GeoTIFFs, for pages. */
#ifndef RASTER_PREVIEW_H
#define RASTER_PREVIEW_H

#include "base/err.h"
#include "base/text.h"

enum { PREVIEW_SIDE = 512, /* at most; pixels of the picture */
       PREVIEW_READ = 16 << 20 /* most pixels of an image without overviews */ };

/* A PNG, added to `png`: three bands (those that are named after red, green and blue, or else the first of three or four) as
 * colours, else the first one in grey; transparent where there is no data. `box` (west, south, east, north in degrees; NULL: the file as
 * it is): what lies there, rows along parallels. Errors: SourceUnreadable. */
bool raster_preview(const char *path, const double *box, struct text *png, struct err *err) MUST_USE;

#endif
