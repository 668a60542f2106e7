/* Places on the ground along lines of an image. */
#ifndef SAR_GROUND_LINES_H
#define SAR_GROUND_LINES_H

#include "sar/view.h"

/* Rows of places that the satellite is abeam of at the times of lines, at one height above the ellipsoid. In a row they
 * are evenly spaced: arcs are metres along a sphere from the point under the satellite. */
struct ground_lines {
    const struct view *view;
    double height;
    double first_line, line_step;
    double first_arc, arc_step;
    size_t rows, columns;
};
/* [rows][columns] each; NaN where the orbit is not known. */
void ground_lines_places(const struct ground_lines *want, double *longitudes, double *latitudes);

/* How far along the ground a place at a slant range lies; NaN where the orbit is not known or nothing lies. */
double ground_lines_arc(const struct view *view, double t, double height, double range);

#endif
