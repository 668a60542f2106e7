/* Between two states position and velocity are the polynomials through the eight nearest states, worked out
 * once around the middle of the interval and divided by its length, where their coefficients shrink fast. The
 * acceleration is the derivative of the velocity's. */
#include "sar/orbit.h"
#include "base/mem.h"
#include <math.h>
#include <string.h>

enum { POINTS = 8, LEAST_STATES = 4, AXES = 3 };

/* Nothing that takes these pictures is elsewhere, or moves otherwise. */
static const double lowest = 6.5e6, highest = 9e6;    /* m from the centre of the Earth */
static const double slowest = 5e3, fastest = 1e4;     /* m/s */

struct piece {
    double middle, per_second; /* u = (t - middle) * per_second */
    double position[AXES][POINTS], velocity[AXES][POINTS]; /* coefficients of powers of u */
};

struct orbit {
    double first, last, spacing; /* of the states; the spacing is the mean one */
    size_t n_pieces;
    double *ends; /* of the pieces */
    struct piece *pieces;
};

/* The polynomial through (u[i], values[i]), by divided differences. */
static void fit(const double *u, const double *values, size_t n, double *coefficients)
{
    double d[POINTS];

    memcpy(d, values, n * sizeof *d);
    for (size_t k = 1; k < n; k++)
        for (size_t i = n; i-- > k;)
            d[i] = (d[i] - d[i - 1]) / (u[i] - u[i - k]);
    memset(coefficients, 0, POINTS * sizeof *coefficients);
    for (size_t i = n; i-- > 0;) { /* what there is times (u - u[i]), plus d[i] */
        for (size_t k = n - 1; k > 0; k--)
            coefficients[k] = coefficients[k - 1] - u[i] * coefficients[k];
        coefficients[0] = d[i] - u[i] * coefficients[0];
    }
}

static void fit_piece(const struct sar_state *states, size_t n, size_t interval, struct piece *piece)
{
    size_t points = n < POINTS ? n : POINTS, first = interval + 1 > points / 2 ? interval + 1 - points / 2 : 0;
    double u[POINTS], position[POINTS], velocity[POINTS];

    if (first + points > n)
        first = n - points;
    piece->middle = (states[interval].t + states[interval + 1].t) / 2;
    piece->per_second = 1 / (states[interval + 1].t - states[interval].t);
    for (size_t i = 0; i < points; i++)
        u[i] = (states[first + i].t - piece->middle) * piece->per_second;
    for (size_t axis = 0; axis < AXES; axis++) {
        for (size_t i = 0; i < points; i++) {
            position[i] = states[first + i].position[axis];
            velocity[i] = states[first + i].velocity[axis];
        }
        fit(u, position, points, piece->position[axis]);
        fit(u, velocity, points, piece->velocity[axis]);
    }
}

static double length(const double v[3])
{
    return sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);
}

static bool check_state(const struct sar_state *states, size_t i, struct err *err)
{
    double radius = length(states[i].position), speed = length(states[i].velocity);

    if (!isfinite(states[i].t) || (i > 0 && states[i].t <= states[i - 1].t))
        return err_set(err, ERR_FileContentInvalid,
                       "State vector %zu of the orbit is at %g s, expected a time after %g s.", i + 1, states[i].t,
                       i > 0 ? states[i - 1].t : -INFINITY);
    if (!(radius >= lowest && radius <= highest))
        return err_set(err, ERR_FileContentInvalid,
                       "State vector %zu of the orbit is %.0f m from the centre of the Earth, expected %.0f to %.0f.",
                       i + 1, radius, lowest, highest);
    if (!(speed >= slowest && speed <= fastest))
        return err_set(err, ERR_FileContentInvalid,
                       "State vector %zu of the orbit has %.0f m/s, expected %.0f to %.0f.", i + 1, speed, slowest,
                       fastest);
    return true;
}

bool orbit_new(const struct sar_state *states, size_t n, struct orbit **ret_orbit, struct err *err)
{
    struct orbit *orbit;

    if (n < LEAST_STATES)
        return err_set(err, ERR_FileContentInvalid, "The orbit has %zu state vectors, expected at least %d.", n,
                       LEAST_STATES);
    for (size_t i = 0; i < n; i++)
        if (!check_state(states, i, err))
            return false;
    orbit = MEM_NEW(struct orbit);
    orbit->first = states[0].t;
    orbit->last = states[n - 1].t;
    orbit->n_pieces = n - 1;
    orbit->spacing = (orbit->last - orbit->first) / (double)orbit->n_pieces;
    orbit->ends = mem_array(orbit->n_pieces, sizeof *orbit->ends);
    orbit->pieces = mem_array(orbit->n_pieces, sizeof *orbit->pieces);
    for (size_t i = 0; i < orbit->n_pieces; i++) {
        orbit->ends[i] = states[i + 1].t;
        fit_piece(states, n, i, &orbit->pieces[i]);
    }
    *ret_orbit = orbit;
    return true;
}

void orbit_free(struct orbit *orbit)
{
    if (!orbit)
        return;
    free(orbit->ends);
    free(orbit->pieces);
    free(orbit);
}

void orbit_span(const struct orbit *orbit, double *ret_first, double *ret_last)
{
    *ret_first = orbit->first - orbit->spacing;
    *ret_last = orbit->last + orbit->spacing;
}

/* States are nearly always equally far apart: the first guess is right. */
static const struct piece *piece_of(const struct orbit *orbit, double t)
{
    double guess = (t - orbit->first) / orbit->spacing;
    size_t i = guess > 0 ? (size_t)guess : 0;

    i = i < orbit->n_pieces ? i : orbit->n_pieces - 1;
    while (i > 0 && t < orbit->ends[i - 1])
        i--;
    while (i + 1 < orbit->n_pieces && t > orbit->ends[i])
        i++;
    return &orbit->pieces[i];
}

bool orbit_at(const struct orbit *orbit, double t, struct orbit_point *ret_point)
{
    const struct piece *piece;
    double u;

    if (!(t >= orbit->first - orbit->spacing && t <= orbit->last + orbit->spacing))
        return false;
    piece = piece_of(orbit, t);
    u = (t - piece->middle) * piece->per_second;
    for (size_t axis = 0; axis < AXES; axis++) {
        const double *p = piece->position[axis], *v = piece->velocity[axis];
        double position = p[POINTS - 1], velocity = v[POINTS - 1], change = 0;

        for (size_t k = POINTS - 1; k-- > 0;) {
            position = position * u + p[k];
            change = change * u + velocity;
            velocity = velocity * u + v[k];
        }
        ret_point->position[axis] = position;
        ret_point->velocity[axis] = velocity;
        ret_point->acceleration[axis] = change * piece->per_second;
    }
    return true;
}
