/* Newton's method on the product of velocity and line of sight, which is zero then. */
#include "sar/doppler.h"
#include "sar/geodesy.h"

enum { MOST_STEPS = 20 };
static const double good_enough = 1e-8; /* s: 0.07 mm along the track, nothing across it */

static double within(double t, double first, double last)
{
    return t < first ? first : t > last ? last : t;
}

bool doppler_solve(const struct orbit *orbit, const double point[static 3], double guess,
                   struct doppler_fix *ret_fix)
{
    double first, last, t, sight[3], left[3];
    struct orbit_point s;

    orbit_span(orbit, &first, &last);
    t = within(guess, first, last);
    for (int i = 0; i < MOST_STEPS; i++) {
        double step;

        if (!orbit_at(orbit, t, &s)) /* also for a time that is no number */
            return false;
        vector_minus(point, s.position, sight);
        step = vector_dot(sight, s.velocity) /
               (vector_dot(sight, s.acceleration) - vector_dot(s.velocity, s.velocity));
        t -= step;
        if (!(fabs(step) < good_enough))
            continue;
        vector_cross(s.position, s.velocity, left);
        *ret_fix = (struct doppler_fix){ t, vector_length(sight) };
        return vector_dot(left, sight) < 0;
    }
    return false;
}
