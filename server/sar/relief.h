/* The ground under a window of a grid and far enough around it, as one image sees it: what slopes, shadows and folds are
 * worked out from. */
#ifndef SAR_RELIEF_H
#define SAR_RELIEF_H

#include "sar/lattice.h"

struct relief {
    struct lattice *lattice;
    struct window_rect window; /* of the grid: what was asked for and what lies around it */
    size_t left, top;          /* where what was asked for begins in it */
    double dx, dy;             /* of pixels, m */
    double origin_line, origin_column;
    double to_range[2]; /* columns and rows of the grid for one pixel further from the satellite, on flat ground */
    bool seen;          /* any of it may lie in the image */
    /* Of pixels of the window; NaN where the image does not reach (heights: never). */
    float *heights, *lines, *columns; /* the latter two less the origin */
    float *sight_x, *sight_y, *sight_up, *scale; /* see lattice.h */
    float *range; /* slant range less that of the middle, m */
    float *look;  /* grows with the angle at the satellite between the point under it and the place; m */
};

/* `around`: metres in the direction of range that are wanted, too; 0: a pixel at each side. with_scan: also range and
 * look. */
struct relief_want {
    const struct view *view;
    const struct dem *dem;
    const struct grid *grid;
    struct window_rect window;
    double around;
    bool with_scan;
};
bool relief_new(const struct relief_want *want, struct crs *crs, struct relief **ret_relief, struct err *err) MUST_USE;
void relief_free(struct relief *relief);
DEFINE_AUTO(relief, struct relief *, relief_free)

/* As far as terrain can hide or fold onto other terrain near a window; at most RELIEF_MOST. */
#define RELIEF_MOST 12000.0 /* m */
/* Metres along the ground for one in height: how far the top of a hill is seen before its place at the smallest angle
 * of incidence; a shadow at the largest one is shorter. */
#define RELIEF_FOLD 1.9
bool relief_reach(const struct dem *dem, const struct grid *grid, const struct window_rect *window, struct crs *crs,
                  double *ret_metres, struct err *err) MUST_USE;

/* Slopes of a row that does not lie at an edge of the relief's window: rise to the east and to the north of the grid. */
void relief_slopes(const struct relief *relief, size_t row, size_t first, size_t n, float *east, float *north);

#endif
