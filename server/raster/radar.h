/* The door between raster/ and sar/: raster/ asks for windows of planes whose layers are images of a side-looking radar; sar/
 * makes them, and knows products, orbits and elevation models. */
#ifndef RASTER_RADAR_H
#define RASTER_RADAR_H

#include "base/text.h"
#include "raster/load.h"

/* What all threads of a call share. */
struct radar;

enum {
    RADAR_SIDE = 1024,            /* what is made at once: squares that lie fixed on the grid */
    RADAR_WORK_BYTES = 48 << 20,  /* of a thread that makes one */
    RADAR_RELIEF_BYTES = 160 << 20, /* the same where the ground far around is looked at */
    RADAR_IMAGE_BYTES = 12 << 20, /* of an image that is open */
};

/* image_bytes: of images that are kept open; piece_bytes: of squares; makers: threads that make squares at once, others wait.
 * Errors: FeatureUnsupported where the site has no elevation model. */
bool radar_new(const struct raster_options *options, size_t image_bytes, size_t piece_bytes, size_t makers,
               struct radar **ret_radar, struct err *err) MUST_USE;
void radar_free(struct radar *radar);
DEFINE_AUTO(radar, struct radar *, radar_free)
/* What a thread takes while it makes a square of the plane. */
static inline size_t radar_work_bytes(const struct load_plane *plane)
{
    bool far = plane->layer == RADAR_MASK || plane->layer == RADAR_AREA ||
               (plane->layer == RADAR_BACKSCATTER && text_ends(plane->radar->coefficient, "-terrain"));

    return far ? RADAR_RELIEF_BYTES : RADAR_WORK_BYTES;
}
/* A window of the plane (float32, NaN is no-data), which may reach beyond its grid. From any thread. Errors: SourceUnreadable,
 * FileContentInvalid, StorageFailure, MemoryExceeded. */
bool radar_read(struct radar *radar, const struct load_want *want, const struct window_rect *window, float *dst,
                struct err *err) MUST_USE;
/* How many pixels were made so far. */
uint64_t radar_pixels(const struct radar *radar);

#endif
