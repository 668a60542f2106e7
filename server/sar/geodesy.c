/* Textbook formulas. */
#include "sar/geodesy.h"

void geodesy_place(double latitude, double longitude, double height, double ret_point[static 3])
{
    double sin_lat = sin(latitude * GEODESY_RADIANS), cos_lat = cos(latitude * GEODESY_RADIANS);
    double across = GEODESY_A / sqrt(1 - GEODESY_E2 * sin_lat * sin_lat); /* radius of curvature */

    ret_point[0] = (across + height) * cos_lat * cos(longitude * GEODESY_RADIANS);
    ret_point[1] = (across + height) * cos_lat * sin(longitude * GEODESY_RADIANS);
    ret_point[2] = (across * (1 - GEODESY_E2) + height) * sin_lat;
}

struct geodesy_axes geodesy_axes(double latitude, double longitude)
{
    double sin_lat = sin(latitude * GEODESY_RADIANS), cos_lat = cos(latitude * GEODESY_RADIANS);
    double sin_lon = sin(longitude * GEODESY_RADIANS), cos_lon = cos(longitude * GEODESY_RADIANS);

    return (struct geodesy_axes){ .east = { -sin_lon, cos_lon, 0 },
                                  .north = { -sin_lat * cos_lon, -sin_lat * sin_lon, cos_lat },
                                  .up = { cos_lat * cos_lon, cos_lat * sin_lon, sin_lat } };
}
