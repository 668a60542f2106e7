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

/* Bowring's formula: exact to a millimetre as far as satellites fly. */
void geodesy_degrees(const double point[static 3], double *ret_latitude, double *ret_longitude)
{
    double across = hypot(point[0], point[1]), b = GEODESY_A * (1 - GEODESY_F);
    double reduced = atan2(point[2] * GEODESY_A, across * b), sine = sin(reduced), cosine = cos(reduced);

    *ret_latitude = atan2(point[2] + GEODESY_E2 / (1 - GEODESY_E2) * b * sine * sine * sine,
                          across - GEODESY_E2 * GEODESY_A * cosine * cosine * cosine) / GEODESY_RADIANS;
    *ret_longitude = atan2(point[1], point[0]) / GEODESY_RADIANS;
}

struct geodesy_axes geodesy_axes(double latitude, double longitude)
{
    double sin_lat = sin(latitude * GEODESY_RADIANS), cos_lat = cos(latitude * GEODESY_RADIANS);
    double sin_lon = sin(longitude * GEODESY_RADIANS), cos_lon = cos(longitude * GEODESY_RADIANS);

    return (struct geodesy_axes){ .east = { -sin_lon, cos_lon, 0 },
                                  .north = { -sin_lat * cos_lon, -sin_lat * sin_lon, cos_lat },
                                  .up = { cos_lat * cos_lon, cos_lat * sin_lon, sin_lat } };
}
