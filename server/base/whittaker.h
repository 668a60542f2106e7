/* Whittaker's smoother: the curve that is near to the values and bends little. */
#ifndef BASE_WHITTAKER_H
#define BASE_WHITTAKER_H

#include <stddef.h>

enum { WHITTAKER_ROOM = 6 }; /* doubles for each value */

/* values[n] at places x[n], which rise or fall all the way; NaN are gaps. They become the curve from the
 * first to the last value, and stay as they are when there are fewer than three. lambda: what bends cost,
 * against the squares of the distances. rounds: how often values below the curve are halved in weight and
 * the curve is made anew, so that it follows the upper ones. */
void whittaker_smooth(const double *x, double *values, size_t n, double lambda, unsigned rounds,
                      double *room);

#endif
