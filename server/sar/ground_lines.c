/* A place is where three surfaces meet: the plane that the satellite crosses at a right angle, the sphere of its range, and
 * the ellipsoid blown up by the height. Newton's method, begun on the sphere along which arcs are counted, needs three
 * steps. That the blown-up ellipsoid is not quite of one height, by centimetres, does not matter: only the place is
 * taken. */
#include "sar/ground_lines.h"
#include "sar/geodesy.h"

enum { STEPS = 4 };

/* The satellite, and the sphere under it. */
struct stand {
    struct orbit_point orbit;
    double altitude, radius; /* of satellite and ground, from the centre */
    double up[3], right[3];
};

static bool find_stand(const struct view *view, double t, double height, struct stand *ret)
{
    const double *s = ret->orbit.position;
    double length, sine;

    if (!orbit_at(view->orbit, t, &ret->orbit))
        return false;
    ret->altitude = vector_length(s);
    sine = s[2] / ret->altitude;
    ret->radius = GEODESY_A * (1 - GEODESY_F * sine * sine) + height;
    vector_cross(ret->orbit.velocity, s, ret->right);
    length = vector_length(ret->right);
    for (int i = 0; i < 3; i++) {
        ret->up[i] = s[i] / ret->altitude;
        ret->right[i] /= length;
    }
    return true;
}

/* Solves the three equations row . step = off. */
static void solve(const double rows[3][3], const double off[3], double step[3])
{
    double a[3], b[3], c[3], determinant;

    vector_cross(rows[1], rows[2], a);
    vector_cross(rows[2], rows[0], b);
    vector_cross(rows[0], rows[1], c);
    determinant = vector_dot(rows[0], a);
    for (int i = 0; i < 3; i++)
        step[i] = (off[0] * a[i] + off[1] * b[i] + off[2] * c[i]) / determinant;
}

static void find_place(const struct stand *s, double height, double arc, double *longitude, double *latitude)
{
    double angle = arc / s->radius, sine = sin(angle), cosine = cos(angle), p[3], across = GEODESY_A + height;
    double range2 = s->altitude * s->altitude + s->radius * s->radius - 2 * s->altitude * s->radius * cosine;
    double along = GEODESY_A * (1 - GEODESY_F) + height, weights[3] = { 1 / across, 1 / across, across / (along * along) };

    for (int i = 0; i < 3; i++)
        p[i] = s->radius * (cosine * s->up[i] + sine * s->right[i]);
    for (int k = 0; k < STEPS; k++) {
        double rows[3][3], off[3], step[3];

        vector_minus(p, s->orbit.position, rows[0]);
        off[0] = (range2 - vector_dot(rows[0], rows[0])) / 2;
        off[1] = -vector_dot(rows[0], s->orbit.velocity);
        for (int i = 0; i < 3; i++) {
            rows[1][i] = s->orbit.velocity[i];
            rows[2][i] = p[i] * weights[i];
        }
        off[2] = (across - vector_dot(rows[2], p)) / 2;
        solve(rows, off, step);
        for (int i = 0; i < 3; i++)
            p[i] += step[i];
    }
    geodesy_degrees(p, latitude, longitude);
}

void ground_lines_places(const struct ground_lines *want, double *longitudes, double *latitudes)
{
    for (size_t r = 0; r < want->rows; r++) {
        double t = (want->first_line + want->line_step * (double)r) * want->view->azimuth_interval;
        struct stand stand;
        bool known = find_stand(want->view, t, want->height, &stand);

        for (size_t c = 0; c < want->columns; c++) {
            size_t at = r * want->columns + c;

            longitudes[at] = latitudes[at] = NAN;
            if (known)
                find_place(&stand, want->height, want->first_arc + want->arc_step * (double)c, &longitudes[at], &latitudes[at]);
        }
    }
}

double ground_lines_arc(const struct view *view, double t, double height, double range)
{
    struct stand s;

    if (!find_stand(view, t, height, &s))
        return NAN;
    return s.radius * acos((s.altitude * s.altitude + s.radius * s.radius - range * range) / (2 * s.altitude * s.radius));
}
