/* Made-up scenes in the form of Sentinel-2 L2A, for machines without real ones. */
#ifndef INGEST_SYNTHESIZE_H
#define INGEST_SYNTHESIZE_H

#include "base/err.h"
#include <stdint.h>

#define SYNTHETIC_COLLECTION "sentinel-2-l2a-synthetic"

struct synthesis {
    int64_t dates; /* 1 .. 100 */
    int64_t size;  /* pixels of 10 m on a side, even, 64 .. 10980 */
    int64_t seed;  /* the same seed gives the same pixels */
};

/* Writes one folder a date (B02, B03, B04, B08, SCL as COGs and a STAC item) below `folder` (made
 * when missing) and truth.json: {"collection", "title", "scenes", "expected": {"B02": [mean,
 * tolerance], .., "ndvi", "valid_percent"}}: statistics of the median over valid dates, which equals
 * the ground. Errors: StorageFailure. */
bool synthesize(const char *folder, const struct synthesis *how, struct err *err) MUST_USE;

#endif
