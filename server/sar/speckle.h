/* Speckle filters on linear power. 0 and NaN are pixels without data: they are in no window and stay as they are. */
#ifndef SAR_SPECKLE_H
#define SAR_SPECKLE_H

#include "base/auto.h"
#include <stdbool.h>
#include <stddef.h>

enum speckle_kind { SPECKLE_NONE, SPECKLE_LEE, SPECKLE_KUAN, SPECKLE_FROST, SPECKLE_GAMMA_MAP };
const char *speckle_name(enum speckle_kind kind); /* "none", "lee", "kuan", "frost", "gammamap" */
bool speckle_find(const char *name, enum speckle_kind *ret_kind) MUST_USE;

struct speckle_filter {
    enum speckle_kind kind;
    int radius;     /* of the window: 2 is 5 x 5 pixels; at most SPECKLE_MOST_RADIUS */
    double looks;   /* the equivalent number of looks: 4.4 for IW GRDH */
    double damping; /* of Frost's weights */
};
enum { SPECKLE_MOST_RADIUS = 15 };
#define SPECKLE_FILTER_DEFAULT { .kind = SPECKLE_LEE, .radius = 2, .looks = 4.4, .damping = 1 }

/* A part of an image, which is what is read: `width` x `height` pixels in rows without gaps. What is asked for
 * begins `left` and `top` pixels inside; where an image goes on, `radius` pixels more are to be read at each side, and
 * then a pixel's value does not depend on how the image was cut. */
struct speckle_part {
    const float *pixels;
    size_t width, height;
    size_t left, top, ret_width, ret_height; /* of what is asked for */
};
/* `ret` has ret_width x ret_height pixels. No valid pixel becomes less than 1e-7. */
void speckle_run(const struct speckle_filter *filter, const struct speckle_part *part, float *ret);

#endif
