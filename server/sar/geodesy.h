/* The ellipsoid WGS84, and the little vector arithmetic on it. */
#ifndef SAR_GEODESY_H
#define SAR_GEODESY_H

#include <math.h>

#define GEODESY_A 6378137.0
#define GEODESY_F (1 / 298.257223563)
#define GEODESY_E2 (GEODESY_F * (2 - GEODESY_F))
#define GEODESY_RADIANS 0.017453292519943295 /* in a degree */
#define LIGHT_SPEED 299792458.0              /* m/s */

/* Earth-fixed position of a place, degrees and metres above the ellipsoid. */
void geodesy_place(double latitude, double longitude, double height, double ret_point[static 3]);
/* The place over or under which a point lies. */
void geodesy_degrees(const double point[static 3], double *ret_latitude, double *ret_longitude);
/* Unit vectors to the east, to the north and up. */
struct geodesy_axes {
    double east[3], north[3], up[3];
};
struct geodesy_axes geodesy_axes(double latitude, double longitude);

static inline double vector_dot(const double a[3], const double b[3])
{
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

static inline void vector_minus(const double a[3], const double b[3], double ret[3])
{
    for (int i = 0; i < 3; i++)
        ret[i] = a[i] - b[i];
}

static inline void vector_cross(const double a[3], const double b[3], double ret[3])
{
    ret[0] = a[1] * b[2] - a[2] * b[1];
    ret[1] = a[2] * b[0] - a[0] * b[2];
    ret[2] = a[0] * b[1] - a[1] * b[0];
}

static inline double vector_length(const double a[3])
{
    return sqrt(vector_dot(a, a));
}

#endif
