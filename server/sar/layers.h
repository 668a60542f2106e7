/* Layers of the geometry in which an image sees a grid. */
#ifndef SAR_LAYERS_H
#define SAR_LAYERS_H

#include "sar/shadow.h"

struct layers_want {
    const struct view *view;
    const struct dem *dem;
    struct grid grid;
    int threads;
    void (*progress)(void *listener, size_t done, size_t all); /* from any thread; NULL: nobody listens */
    void *listener;
    /* grid.width x grid.height each; NULL: not wanted. Angles in degrees, NaN outside the image. */
    float *incidence;  /* between the line of sight and the vertical of the ellipsoid */
    float *local;      /* between the line of sight and the normal of the terrain */
    float *projected;  /* the same for the normal projected into the plane of sight and vertical: beta0 times its sine
                        * is what S1Tiling calls NORMLIM */
    uint8_t *mask;     /* bits of enum shadow_bit; 0 outside the image */
};
bool layers_make(const struct layers_want *want, struct err *err) MUST_USE;

#endif
