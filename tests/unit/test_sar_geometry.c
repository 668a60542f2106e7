/* Range and Doppler against the products' own grids of geolocation, against numbers of another implementation, and
 * against what is known of circles. */
#include "json/js.h"
#include "sar/geodesy.h"
#include "sar/pass.h"
#include "sar/view.h"
#include "tests/sar/views.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* ---- without products ---- */

enum { STATES = 17 };
static const double radius = 7.07e6, rate = 1.06e-3; /* of a circle, rad/s */

static void circle(double t, struct sar_state *state)
{
    double a = rate * t;

    *state = (struct sar_state){ .t = t, .position = { radius * cos(a), 0, radius * sin(a) },
                                 .velocity = { -radius * rate * sin(a), 0, radius * rate * cos(a) } };
}

static void orbits_are_met_between_their_states(void **state)
{
    static const struct { size_t n; double within; } rows[] = { { STATES, 1e-5 }, { 8, 1e-5 }, { 5, 1e-3 }, { 4, 2e-2 } };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct sar_state states[STATES], truth;
        AUTO(orbit) struct orbit *orbit = NULL;
        struct orbit_point point;
        struct err err = { 0 };

        for (size_t k = 0; k < rows[i].n; k++)
            circle(10 * (double)k - 40, &states[k]);
        assert_true(orbit_new(states, rows[i].n, &orbit, &err));
        for (double t = -40; t <= 10 * (double)rows[i].n - 50; t += 0.7) {
            circle(t, &truth);
            assert_true(orbit_at(orbit, t, &point));
            for (int axis = 0; axis < 3; axis++) {
                assert_true(fabs(point.position[axis] - truth.position[axis]) < rows[i].within);
                assert_true(fabs(point.velocity[axis] - truth.velocity[axis]) < rows[i].within);
                assert_true(fabs(point.acceleration[axis] + rate * rate * truth.position[axis]) < rows[i].within);
            }
        }
        assert_true(orbit_at(orbit, -49.9, &point)); /* one spacing before the first one */
        assert_false(orbit_at(orbit, -50.1, &point));
        assert_false(orbit_at(orbit, 10 * (double)rows[i].n - 39.9, &point));
        assert_false(orbit_at(orbit, NAN, &point));
    }
}

static void absurd_orbits_are_refused(void **state)
{
    struct sar_state good[STATES], bad[STATES];
    struct orbit *orbit;
    struct err err = { 0 };

    (void)state;
    for (size_t k = 0; k < STATES; k++)
        circle(10 * (double)k, &good[k]);
    assert_false(orbit_new(good, 3, &orbit, &err));
    assert_non_null(strstr(err.message, "3 state vectors, expected at least 4"));
    for (int what = 0; what < 4; what++) {
        static const char *const messages[] = { "expected a time after", "m from the centre", "m/s, expected", "m from the centre" };

        memcpy(bad, good, sizeof bad);
        if (what == 0)
            bad[5].t = bad[4].t;
        else if (what == 1)
            bad[5].position[0] = 1e9;
        else if (what == 2)
            bad[5].velocity[2] = 0;
        else
            bad[5].position[2] = NAN;
        err_clear(&err);
        assert_false(orbit_new(bad, STATES, &orbit, &err));
        assert_non_null(strstr(err.message, "State vector 6"));
        assert_non_null(strstr(err.message, messages[what]));
    }
}

/* The satellite flies over the poles; a place beside its track is seen when it is abeam, and on one side only. */
static void only_the_right_is_seen(void **state)
{
    struct sar_state states[STATES];
    AUTO(orbit) struct orbit *orbit = NULL;
    struct doppler_fix fix;
    struct err err = { 0 };
    double point[3], angle = 33.3 * rate;

    (void)state;
    for (size_t k = 0; k < STATES; k++)
        circle(10 * (double)k, &states[k]);
    assert_true(orbit_new(states, STATES, &orbit, &err));
    for (int side = -1; side <= 1; side += 2) {
        double across = side * 5e5, out = 6.34e6;

        point[0] = out * cos(angle);
        point[1] = across; /* northwards along x, z: east, the right, is y */
        point[2] = out * sin(angle);
        assert_true(doppler_solve(orbit, point, 120, &fix) == (side > 0));
        if (side > 0) {
            assert_true(fabs(fix.t - 33.3) < 1e-8);
            assert_true(fabs(fix.range - hypot(radius - out, across)) < 1e-4);
        }
    }
}

/* ---- against products ---- */

/* What the products' own processor found: where its records of ground range are the nearest ones. */
static void geolocation_grids_are_met(void **state)
{
    NEED_SAMPLES();
    static const struct {
        const char *product, *polarisation;
        double t, range, line, mean_line, column;
    } rows[] = {
        { MOZAMBIQUE_8255, "vv", 5e-6, 0.01, 0.25, 0.05, 0.02 },
        { MOZAMBIQUE_8255, "vh", 5e-6, 0.01, 0.25, 0.05, 0.02 },
        { ROME_5371, "vv", 5e-6, 0.01, 0.25, 0.05, 0.02 },
        { ALPS_ECC8, "vh", 5e-6, 0.01, 0.25, 0.05, 0.02 },
        { CEAB, "vv", 1e-3, 5, 0.7, 0.5, 5 }, /* IPF 2.36 did not agree with itself */
        { NEXT_3768, "vv", 1e-3, 5, 0.7, 0.5, 5 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(arena) struct arena *arena = arena_new();
        AUTO(view) struct view *view = NULL;
        struct sar_annotation a;
        double t = 0, range = 0, line = 0, sum = 0, column = 0;

        assert_true(given_annotation(rows[i].product, rows[i].polarisation, arena, &a));
        view = given_view(&a, GROUND_RANGE_NEAREST);
        for (size_t k = 0; k < a.n_grid; k++) {
            const struct sar_grid_point *p = &a.grid[k];
            struct view_place place;

            assert_true(view_find(view, p->latitude, p->longitude, p->height, &place));
            t = fmax(t, fabs(place.t - p->t));
            range = fmax(range, fabs(place.range - p->slant_range_time * LIGHT_SPEED / 2));
            line = fmax(line, fabs(place.line - p->line));
            sum += place.line - p->line;
            column = fmax(column, fabs(place.column - p->pixel));
        }
        sum /= (double)a.n_grid;
        print_message("%.32s %s: t %.1e s, range %.4f m, line %.3f (mean %.3f), column %.4f, %zu terms\n", rows[i].product,
                      rows[i].polarisation, t, range, line, sum, column, view->ground_range->n_terms);
        assert_true(t <= rows[i].t && range <= rows[i].range);
        assert_true(line <= rows[i].line && fabs(sum) <= rows[i].mean_line && column <= rows[i].column);
    }
}

static double number(const json_t *json, const char *name)
{
    return json_number_value(json_object_get(json, name));
}

static void check_product(const json_t *product)
{
    AUTO(mem) char *id = mem_text(json_string_value(json_object_get(product, "product")));
    AUTO(arena) struct arena *arena = arena_new();
    AUTO(view) struct view *linear = NULL, *nearest = NULL;
    struct sar_annotation a;
    json_t *point;
    size_t i;

    *strrchr(id, '.') = '\0';
    assert_true(given_annotation(id, strstr(id, "ECC8") ? "vh" : json_string_value(json_object_get(product, "pol")), arena, &a));
    linear = given_view(&a, GROUND_RANGE_LINEAR);
    nearest = given_view(&a, GROUND_RANGE_NEAREST);
    json_array_foreach(json_object_get(product, "geocoding"), i, point)
    {
        struct view_place place;
        double lat = number(point, "lat"), lon = number(point, "lon"), h = number(point, "h_ellipsoid");

        assert_true(view_find(linear, lat, lon, h, &place));
        assert_true(fabs(place.t - number(point, "t_rel_first_line")) < 1e-6);
        assert_true(fabs(place.range - number(point, "slant_range")) < 1e-3);
        assert_true(fabs(place.line - number(point, "line")) < 1e-3);
        assert_true(fabs(place.column - number(point, "pixel_linear")) < 3e-4);
        assert_true(view_find(nearest, lat, lon, h, &place));
        assert_true(fabs(place.column - number(point, "pixel_nearest")) < 3e-4);
    }
}

static void places_are_those_expected(void **state)
{
    NEED_SAMPLES();
    AUTO(mem) char *path = given_sample("expected_values.json");
    AUTO(json) json_t *products = NULL;
    struct err err = { 0 };
    json_t *product;
    size_t i;

    (void)state;
    assert_non_null(path);
    assert_true(js_read_file(path, &products, &err));
    json_array_foreach(products, i, product)
        check_product(product);
}

/* How far places at the border of two frames lie apart in lines and columns. */
static void compare_frames(const struct sar_annotation *a, const struct sar_annotation *b, double *ret_lines, double *ret_columns)
{
    AUTO(view) struct view *first = given_view(a, GROUND_RANGE_LINEAR), *second = given_view(b, GROUND_RANGE_LINEAR);
    size_t seen = 0;

    *ret_lines = *ret_columns = 0;
    for (size_t i = 0; i < b->n_grid; i++) {
        const struct sar_grid_point *p = &b->grid[i];
        struct view_place above, below;

        if (p->line > 0)
            continue;
        assert_true(view_find(second, p->latitude, p->longitude, p->height, &below));
        if (!view_find(first, p->latitude, p->longitude, p->height, &above)) /* the second one is 11 columns wider */
            continue;
        seen++;
        *ret_lines = fmax(*ret_lines, fabs(above.line - below.line - (double)a->lines));
        *ret_columns = fmax(*ret_columns, fabs(above.column - below.column));
    }
    assert_true(seen >= 20);
}

/* The first line of a frame follows the last one of the frame before it as lines follow each other. Each frame has
 * state vectors of its own, those of these old products differ by 1.2 m, a tenth of a line; and conversions up to 0.7 s before its
 * end. Frames that know of each other put places into the same line and column. */
static void frames_of_a_pass_join(void **state)
{
    NEED_SAMPLES();
    AUTO(arena) struct arena *arena = arena_new();
    struct sar_annotation a, b, other, first, second;
    double apart, lines, columns;

    (void)state;
    assert_true(given_annotation(CEAB, "vv", arena, &a) && given_annotation(NEXT_3768, "vv", arena, &b) &&
                given_annotation(ROME_5371, "vv", arena, &other));
    apart = (double)(b.first_line_ns - a.first_line_ns) / 1e9 / a.azimuth_interval - (double)a.lines;
    assert_true(fabs(apart) < 0.05);
    compare_frames(&a, &b, &lines, &columns);
    assert_true(lines < 0.15 && columns > 0.5);
    first = a;
    second = b;
    assert_false(sar_pass_continue(&first, &other, arena) || sar_pass_continue(&first, &a, arena));
    assert_true(sar_pass_continue(&first, &b, arena) && sar_pass_continue(&second, &a, arena));
    compare_frames(&first, &second, &lines, &columns);
    printf("%s and the next: %.4f lines, %.4f columns apart\n", CEAB, lines, columns);
    assert_true(lines < 0.01 && columns < 0.01);
}

/* An orbit of another day reaches the image nowhere. */
static void orbits_that_do_not_reach_are_refused(void **state)
{
    NEED_SAMPLES();
    AUTO(arena) struct arena *arena = arena_new();
    struct sar_annotation a;
    struct view *view;
    struct err err = { 0 };

    (void)state;
    assert_true(given_annotation(ROME_5371, "vv", arena, &a));
    for (size_t i = 0; i < a.n_states; i++)
        a.states[i].t += 5400;
    assert_false(view_new(&a, NULL, 0, GROUND_RANGE_LINEAR, &view, &err));
    assert_non_null(strstr(err.message, "s after the first line, the image goes from 0 to 25.0 s"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(orbits_are_met_between_their_states),
        cmocka_unit_test(absurd_orbits_are_refused),
        cmocka_unit_test(only_the_right_is_seen),
        cmocka_unit_test(geolocation_grids_are_met),
        cmocka_unit_test(places_are_those_expected),
        cmocka_unit_test(frames_of_a_pass_join),
        cmocka_unit_test(orbits_that_do_not_reach_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
