/* Sentinel-2 products: SAFE of L1C and L2A, and the names of bands. */
#ifndef INGEST_SENTINEL2_H
#define INGEST_SENTINEL2_H

#include "ingest/container.h"
#include <jansson.h>

/* The item of the product whose metadata is `metadata` ("X.SAFE/MTD_MSIL2A.xml") in the container,
 * with hrefs as GDAL opens them. New reference. */
bool sentinel2_item(const struct container *container, const char *metadata, json_t **ret_item,
                    struct err *err) MUST_USE;

struct sentinel2_band {
    const char *name;   /* "B04" */
    const char *common; /* NULL when STAC has none */
    const char *other;  /* what Earth Search calls it: "nir08" */
    double wavelength, width; /* micrometre */
    int gsd;
};
extern const struct sentinel2_band sentinel2_bands[]; /* B01 .. B12 in the order of band_id */
enum { SENTINEL2_BANDS = 13 };

/* eo:bands of one band. New reference. */
json_t *sentinel2_eo_bands(const struct sentinel2_band *band);
/* classification:classes of the scene classification. New reference. */
json_t *sentinel2_scl_classes(void);

/* Renames the assets of a foreign Sentinel-2 item (Earth Search's "red", "scl") to B04, SCL ...,
 * drops second encodings of the same band, and sets the offset to what is true of the pixels. */
void sentinel2_normalise(json_t *item);

#endif
