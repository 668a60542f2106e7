/* Planes of a load node: layers of files brought onto the node's grid. */
#ifndef RASTER_LOAD_H
#define RASTER_LOAD_H

#include "raster/source.h"

/* A window of a node's grid; it may reach beyond the grid. */
struct window_rect {
    int64_t x, y;
    size_t width, height;
};

/* Buffers of a thread that grow as needed. */
struct loader;
struct loader *loader_new(const struct raster_options *options, size_t tile_bytes);
void loader_free(struct loader *loader);
DEFINE_AUTO(loader, struct loader *, loader_free)
struct source_pool *loader_pool(struct loader *loader);
struct warper;
struct warper *loader_warper(struct loader *loader);

/* Fills dst (of the node's pixel type) with the plane's pixels; first valid layer wins. */
bool load_plane(struct loader *loader, const struct plan_node *node, size_t plane,
                const struct window_rect *window, void *dst, struct err *err) MUST_USE;

#endif
