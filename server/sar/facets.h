/* The ground between two rows of samples, as the radar sees it: how much lies in each pixel of an image. */
#ifndef SAR_FACETS_H
#define SAR_FACETS_H

#include <stddef.h>

/* Samples along a line of the image, away from the satellite; see struct lattice_row. NaN is passed by. */
struct facet_samples {
    float *heights, *lines, *columns, *sight_x, *sight_y, *sight_up, *scale;
};

/* Where areas are added up: the centre of its first pixel is (0, 0) for lines and columns of samples that `line` and `column`
 * were added to. */
struct facet_sums {
    float *areas;
    int width, height;
    float line, column;
};

/* Which area counts: what of it faces the radar, or all of what is seen. */
enum flatten_area { FLATTEN_NOTHING, FLATTEN_GAMMA0, FLATTEN_SIGMA0 };

struct facet_pair {
    struct facet_samples here, next; /* next: further along the flight */
    int samples;
    float apart; /* metres between the rows */
    float part;  /* of a line between the rows: 1, or less where lines are far apart */
    enum flatten_area area;
    float *room; /* FACET_ROOM * samples */
};
enum { FACET_ROOM = 4 };

/* Adds metres of ground (across the line of sight, if not its surface) for each line of it: the area over the distance of
 * lines. */
void facets_add(const struct facet_pair *pair, const struct facet_sums *to);

#endif
