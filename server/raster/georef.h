/* The TIFF tags of which GDAL is the master: CRS, position, no-data value, band metadata. */
#ifndef RASTER_GEOREF_H
#define RASTER_GEOREF_H

#include "base/mem.h"
#include "raster/lanes.h"
#include <jansson.h>

/* What GDAL is told about a band. */
struct georef_band {
    const char *name;
    double scale, offset;
    bool has_stats;
    double minimum, maximum, mean, stddev, valid_percent;
};

struct tiff_tag {
    uint16_t id, type;
    uint64_t count;
    const void *data; /* little endian */
    size_t size_bytes;
};

/* `metadata`: {name: text} of the file, NULL: none; those called TIFFTAG_IMAGEDESCRIPTION, _SOFTWARE and _DATETIME are tags of
 * their own. Tags 270, 305, 306, 33550, 33922, 34264, 34735-34737, 42112, 42113 as far as there are any; in the arena. */
bool georef_tags(struct arena *arena, const struct grid *grid, const struct pixel_kind *kind,
                 size_t n_bands, const struct georef_band *bands, const json_t *metadata, size_t *ret_count,
                 struct tiff_tag **ret_tags, struct err *err) MUST_USE;

#endif
