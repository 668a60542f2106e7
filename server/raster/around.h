/* Planes made of the pixels around, or of those of another grid. */
#ifndef RASTER_AROUND_H
#define RASTER_AROUND_H

#include "raster/schedule.h"
#include "raster/warp.h"

struct around {
    const struct plan_node *node;
    const struct schedule *input; /* makes its input */
    struct warper *warper;
    /* A window of the input, within its grid, in its own type. */
    bool (*read)(void *context, const struct schedule *input, const struct window_rect *window,
                 void *dst, struct err *err);
    void *context;
};

/* The most pixels of the input that a window of the node asks for at once. */
size_t around_pixels(const struct plan_node *node, size_t width, size_t height);
/* The window may reach beyond the node's grid; what lies there is left as it is. */
bool around_run(const struct around *around, const struct window_rect *window,
                const struct lane_plane *out, struct err *err) MUST_USE;

#endif
