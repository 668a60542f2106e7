/* Planes made of other pixels than those of the same place. */
#ifndef RASTER_AROUND_H
#define RASTER_AROUND_H

#include "raster/schedule.h"
#include "raster/warp.h"

struct around {
    const struct plan_node *node;
    const struct step *step;
    size_t plane;                 /* of the node */
    const struct schedule *input; /* makes its input */
    const struct lane_machine *machine;
    struct loader *loader;
    struct warper *warper;
    /* A window of the input, within its grid, in its own type. */
    bool (*read)(void *context, const struct schedule *input, const struct window_rect *window,
                 void *dst, struct err *err);
    /* The same of all planes that the schedule makes. */
    bool (*read_all)(void *context, const struct schedule *input, const struct window_rect *window,
                     void *const *dsts, struct err *err);
    void *context;
    struct patch_places *places;
    const struct load_want *coarse; /* read this instead of the input; NULL: the input */
    struct foreign *foreign;
};

/* The most bytes that a window of the node takes at once. */
size_t around_bytes(const struct plan_node *node, size_t width, size_t height);
/* The load whose plane is read for that of a node, from overviews where it has some that are fine enough: nothing but filters stand
 * in between, which cut the box (west, south, east, north). NULL: there is none, or all pixels are wanted. */
const struct plan_node *around_loaded(const struct plan_node *node, size_t *plane, double box[4]);
/* outs: those of the step. The window may reach beyond the node's grid; what lies there is left as it is. */
bool around_run(const struct around *around, const struct window_rect *window,
                const struct lane_plane *outs, struct err *err) MUST_USE;

#endif
