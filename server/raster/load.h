/* Planes of a load node: layers of files brought onto the node's grid. */
#ifndef RASTER_LOAD_H
#define RASTER_LOAD_H

#include "raster/source.h"

/* A window of a node's grid; it may reach beyond the grid. */
struct window_rect {
    int64_t x, y;
    size_t width, height;
};

/* Buffers of a thread that grow as needed. `radar`: for images of a radar (raster/radar.h); NULL: there are none. */
struct loader;
struct radar;
struct loader *loader_new(const struct raster_options *options, struct radar *radar, size_t tile_bytes);
void loader_free(struct loader *loader);
DEFINE_AUTO(loader, struct loader *, loader_free)
struct source_pool *loader_pool(struct loader *loader);
struct warper;
struct warper *loader_warper(struct loader *loader);

/* A plane on some grid. */
struct load_want {
    const struct load_plane *plane;
    struct grid grid;
    struct pixel_kind kind;
    const struct grid *until; /* overviews whose pixels are no coarser than this grid's may be read; NULL: none */
};
/* As the node has it. */
struct load_want load_want_of(const struct plan_node *node, size_t plane);
/* True when the file's pixels are some whole number of the node's wide, edges agreeing: then a pixel is the
 * same whatever window it is read in. False also when the catalogue does not know the file's grid. */
bool load_divides(const struct grid *file, const struct grid *node);
/* Fills dst (of want->kind) with the plane's pixels; first valid layer wins. */
bool load_plane(struct loader *loader, const struct load_want *want, const struct window_rect *window,
                void *dst, struct err *err) MUST_USE;
/* Puts the plane onto the grid of the overviews that are read for want->until, cut to the pixels whose
 * centres lie in the box (west, south, east, north); false in *ret_is_coarse where its files share none. */
bool load_coarsen(struct loader *loader, struct load_want *want, const double box[4], bool *ret_is_coarse,
                  struct err *err) MUST_USE;

#endif
