/* Angles, shadow, layover and flattened terrain: against flat ground, against rays that are followed step by step through
 * the Alps, and against an image that is simulated there. */
#include "base/mem.h"
#include "raster/engine.h"
#include "sar/facets.h"
#include "sar/geocode.h"
#include "sar/geodesy.h"
#include "sar/layers.h"
#include "tests/sar/views.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* ---- the Alps ---- */

enum { SIDE = 400 };
struct alps {
    struct arena *arena;
    struct sar_annotation annotation;
    struct view *view;
    struct dem *dem;
    struct crs *crs;
    struct grid grid;
    float incidence[SIDE * SIDE], local[SIDE * SIDE], projected[SIDE * SIDE];
    uint8_t mask[SIDE * SIDE];
};
static struct alps *alps; /* NULL: the samples are not there */

static int find_alps(void **state)
{
    AUTO(mem) char *path = given_alps();
    struct dem_options options = { .path = path, .geoid = DEM_GEOID, .threads = 2, .margin = 14000 };
    struct err err = { 0 };

    (void)state;
    if (!path)
        return 0;
    alps = MEM_NEW(struct alps);
    alps->arena = arena_new();
    alps->crs = crs_open();
    alps->grid = (struct grid){ 32632, 633700, 5186400, 10, 10, SIDE, SIDE };
    if (!given_annotation(ALPS_ECC8, "vh", alps->arena, &alps->annotation))
        return -1;
    alps->view = given_view(&alps->annotation, GROUND_RANGE_LINEAR);
    if (!dem_read(&options, &alps->grid, &alps->dem, &err)) {
        fprintf(stderr, "%s\n", err.message);
        return -1;
    }
    return 0;
}

static int leave_alps(void **state)
{
    (void)state;
    if (!alps)
        return 0;
    view_free(alps->view);
    dem_free(alps->dem);
    crs_close(alps->crs);
    arena_free(alps->arena);
    free(alps);
    return 0;
}

static void place_of_pixel(int pixel, double *latitude, double *longitude, double *height)
{
    double x = alps->grid.x0 + alps->grid.dx * (pixel % SIDE + 0.5), y = alps->grid.y0 - alps->grid.dy * (pixel / SIDE + 0.5);
    double column, row;
    struct err err = { 0 };

    assert_true(dem_places(alps->dem, alps->crs, alps->grid.epsg, 1, &x, &y, &column, &row, &err));
    *longitude = x;
    *latitude = y;
    *height = dem_height(alps->dem, column, row);
}

/* How high a point lies above the terrain, and above the ellipsoid. */
static double above_terrain(const double point[3], double *ret_height)
{
    double longitude = atan2(point[1], point[0]), across = hypot(point[0], point[1]), latitude, n, column, row;

    latitude = atan2(point[2], across * (1 - GEODESY_E2));
    for (int i = 0; i < 4; i++) {
        n = GEODESY_A / sqrt(1 - GEODESY_E2 * sin(latitude) * sin(latitude));
        latitude = atan2(point[2] + GEODESY_E2 * n * sin(latitude), across);
    }
    n = GEODESY_A / sqrt(1 - GEODESY_E2 * sin(latitude) * sin(latitude));
    *ret_height = across / cos(latitude) - n;
    column = (longitude / GEODESY_RADIANS - alps->dem->x0) / alps->dem->dx;
    row = (alps->dem->y0 - latitude / GEODESY_RADIANS) / alps->dem->dy;
    return *ret_height - dem_height(alps->dem, column, row);
}

static const double top = 7000, bottom = -1500, near_by = 20, step = 4; /* m */

/* Up along the ray to the satellite: does the terrain cross it? */
static bool is_hidden(const double point[3], const double sight[3])
{
    double height = 0;

    for (double s = near_by; height < top; s += step) {
        double q[3] = { point[0] + s * sight[0], point[1] + s * sight[1], point[2] + s * sight[2] };

        if (above_terrain(q, &height) < 0)
            return true;
    }
    return false;
}

/* Along the arc of the same range in the plane of the same time: is there other ground? */
static bool is_folded(const double point[3], const struct orbit_point *s)
{
    double d[3], axis[3], turned[3], range, speed = vector_length(s->velocity), height;

    vector_minus(point, s->position, d);
    range = vector_length(d);
    for (int i = 0; i < 3; i++)
        axis[i] = s->velocity[i] / speed;
    vector_cross(axis, d, turned);
    for (int way = -1; way <= 1; way += 2) {
        double start = 0, first;

        above_terrain(point, &start);
        height = start;
        for (double a = near_by; height < top && height > bottom; a += step) {
            double angle = way * a / range, q[3];

            for (int i = 0; i < 3; i++)
                q[i] = s->position[i] + d[i] * cos(angle) + turned[i] * sin(angle);
            first = above_terrain(q, &height);
            if (height > start ? first < 0 : first > 0) /* going up one leaves the ground, going down one is in it */
                return true;
        }
    }
    return false;
}

/* Whether a bit has a value somewhere within some pixels. */
static bool occurs_near(int pixel, uint8_t bit, bool value, int within)
{
    for (int y = -within; y <= within; y++)
        for (int x = -within; x <= within; x++)
            if (!!(alps->mask[pixel + y * SIDE + x] & bit) == value)
                return true;
    return false;
}

static void stretch_heights(float by)
{
    struct dem *d = alps->dem;

    d->lowest = INFINITY;
    d->highest = -INFINITY;
    for (size_t i = 0; i < d->width * d->height; i++) {
        d->heights[i] = 1000 + (d->heights[i] - 1000) * by;
        d->lowest = fminf(d->lowest, d->heights[i]);
        d->highest = fmaxf(d->highest, d->heights[i]);
    }
}

static void compare_masks(int least_folded, int least_hidden)
{
    struct layers_want want;
    struct err err = { 0 };
    int found[2] = { 0 }, wrong[2] = { 0 }, far[2] = { 0 }, tried = 0;

    want = (struct layers_want){ .view = alps->view, .dem = alps->dem, .grid = alps->grid, .threads = 2,
                                 .incidence = alps->incidence, .local = alps->local, .projected = alps->projected,
                                 .mask = alps->mask };
    if (!layers_make(&want, &err))
        fail_msg("%s", err.message);
    for (int pixel = 3 * SIDE + 3; pixel < SIDE * (SIDE - 3); pixel += 151) {
        double lat, lon, height, point[3], sight[3];
        struct view_place place;
        struct orbit_point s;
        bool truth[2];

        if (pixel % SIDE < 3 || pixel % SIDE >= SIDE - 3)
            continue;
        place_of_pixel(pixel, &lat, &lon, &height);
        geodesy_place(lat, lon, height, point);
        assert_true(view_find(alps->view, lat, lon, height, &place) && view_sight(alps->view, point, place.t, sight));
        assert_true(orbit_at(alps->view->orbit, place.t, &s));
        truth[0] = is_folded(point, &s);
        truth[1] = is_hidden(point, sight);
        tried++;
        for (int k = 0; k < 2; k++) {
            uint8_t bit = k == 0 ? SHADOW_LAYOVER : SHADOW_SHADOW;

            found[k] += truth[k];
            wrong[k] += !!(alps->mask[pixel] & bit) != truth[k];
            far[k] += !occurs_near(pixel, bit, truth[k], 2);
        }
    }
    print_message("%d pixels: layover %d, wrong %d, more than 2 pixels from its edge %d; shadow %d, wrong %d, %d\n", tried,
                  found[0], wrong[0], far[0], found[1], wrong[1], far[1]);
    assert_true(found[0] >= least_folded && found[1] >= least_hidden);
    for (int k = 0; k < 2; k++) {
        assert_true(wrong[k] * 50 < tried); /* 2 %, all of them at edges */
        assert_true(far[k] * 1000 < tried);
    }
}

/* The Alps, and Alps of half as much and of twice their height. */
static void masks_are_what_rays_meet(void **state)
{
    (void)state;
    if (!alps)
        skip();
    stretch_heights(2);
    compare_masks(200, 10);
    stretch_heights(0.75f);
    compare_masks(40, 1);
    stretch_heights(1 / 1.5f);
    compare_masks(1, 0);
}

static void angles_are_those_of_vectors(void **state)
{
    (void)state;
    if (!alps)
        skip();
    for (int pixel = SIDE + 1; pixel < SIDE * (SIDE - 1); pixel += 977) {
        double lat, lon, height, point[3], sight[3], corners[4][3], east[3], south[3], normal[3], side[3], length;
        static const int around[] = { 1, -1, SIDE, -SIDE };
        struct view_place place;
        struct geodesy_axes axes;

        if (pixel % SIDE < 1 || pixel % SIDE >= SIDE - 1)
            continue;
        for (int k = 0; k < 4; k++) {
            place_of_pixel(pixel + around[k], &lat, &lon, &height);
            geodesy_place(lat, lon, height, corners[k]);
        }
        place_of_pixel(pixel, &lat, &lon, &height);
        geodesy_place(lat, lon, height, point);
        axes = geodesy_axes(lat, lon);
        assert_true(view_find(alps->view, lat, lon, height, &place) && view_sight(alps->view, point, place.t, sight));
        vector_minus(corners[0], corners[1], east);
        vector_minus(corners[2], corners[3], south);
        vector_cross(south, east, normal);
        length = vector_length(normal);
        assert_true(fabs(alps->incidence[pixel] - acos(vector_dot(sight, axes.up)) / GEODESY_RADIANS) < 0.002);
        assert_true(fabs(alps->local[pixel] - acos(vector_dot(normal, sight) / length) / GEODESY_RADIANS) < 0.1);
        vector_cross(sight, axes.up, side);
        length = vector_dot(normal, side) / vector_dot(side, side);
        for (int i = 0; i < 3; i++)
            normal[i] -= length * side[i];
        assert_true(fabs(alps->projected[pixel] -
                         acos(vector_dot(normal, sight) / vector_length(normal)) / GEODESY_RADIANS) < 0.1);
    }
}

/* ---- terrain flattening ---- */

struct simulated {
    int64_t line, column;
    size_t width, height;
    float *beta; /* NULL: everywhere 0.25 */
};

static bool simulated_begin(void *context, void **ret_reader, struct err *err)
{
    (void)err;
    *ret_reader = context;
    return true;
}

static void simulated_end(void *context, void *reader)
{
    (void)context, (void)reader;
}

static bool simulated_read(void *context, void *reader, const struct sar_window *w, float *power, struct err *err)
{
    const struct simulated *s = context;

    (void)reader, (void)err;
    for (size_t i = 0; i < w->width * w->height; i++) {
        int64_t y = w->line + (int64_t)(i / w->width) - s->line, x = w->pixel + (int64_t)(i % w->width) - s->column;
        bool within = x >= 0 && y >= 0 && x < (int64_t)s->width && y < (int64_t)s->height;

        power[i] = !s->beta ? 0.25f : within ? s->beta[y * (int64_t)s->width + x] : 0;
    }
    return true;
}

static double decibels(double power)
{
    return 10 * log10(power);
}

static void flat_ground_stays_what_it_was(void **state)
{
    NEED_SAMPLES();
    AUTO(arena) struct arena *arena = arena_new();
    AUTO(view) struct view *view = NULL;
    AUTO(dem) struct dem *dem = MEM_NEW(struct dem);
    struct sar_annotation a;
    struct grid grid = { 32633, 0, 0, 10, 10, 200, 200 };
    struct simulated one = { 0 };
    AUTO(mem) float *pixels = mem_array(200 * 200, sizeof *pixels), *incidence = mem_array(200 * 200, sizeof *incidence);
    static const double corners[][2] = { { 290000, 4690000 }, { 350000, 4640000 }, { 460000, 4640000 } }; /* far to near */

    (void)state;
    *dem = (struct dem){ .epsg = 4326, .in_degrees = true, .x0 = 10, .y0 = 45, .dx = 0.01, .dy = 0.01, .width = 700,
                         .height = 500, .lowest = 50, .highest = 50 };
    dem->heights = mem_array(dem->width * dem->height, sizeof *dem->heights);
    dem->voids = mem_array(dem->width, dem->height);
    for (size_t i = 0; i < dem->width * dem->height; i++)
        dem->heights[i] = 50;
    assert_true(given_annotation(ROME_5371, "vv", arena, &a));
    view = given_view(&a, GROUND_RANGE_LINEAR);
    for (size_t k = 0; k < 2 * ARRAY_LEN(corners); k++) {
        struct geocode_want want = { .view = view, .dem = dem, .method = RESAMPLE_SAR_BILINEAR, .threads = 2,
                                     .input = { &one, simulated_begin, simulated_end, simulated_read }, .pixels = pixels };
        struct layers_want layers = { .view = view, .dem = dem, .threads = 2, .incidence = incidence };
        struct geocode_report report;
        struct err err = { 0 };
        double most = 0, sum = 0;

        grid.x0 = corners[k / 2][0];
        grid.y0 = corners[k / 2][1];
        want.flatten = k % 2 ? FLATTEN_SIGMA0 : FLATTEN_GAMMA0;
        want.grid = layers.grid = grid;
        for (int i = 0; i < 200 * 200; i++)
            pixels[i] = NAN;
        assert_true(geocode(&want, &report, &err) && layers_make(&layers, &err));
        assert_int_equal(report.filled, 200 * 200);
        for (int i = 0; i < 200 * 200; i++) {
            double angle = incidence[i] * GEODESY_RADIANS, off = decibels(pixels[i] / (0.25 * (k % 2 ? sin(angle) : tan(angle))));

            sum += off;
            most = fmax(most, fabs(off));
        }
        print_message("%s, %.1f degrees: mean %.4f dB, at most %.4f dB\n", k % 2 ? "sigma0" : "gamma0", incidence[100], sum / (200 * 200), most);
        assert_true(most < 0.05);
    }
}

/* Two facets between two rows of samples, each of them 1 m across the line of sight and 1.25 m along the ground. */
static void facets_between(const float columns[static 3], float line, enum flatten_area area, float *sums, int width, int height)
{
    float zero[3] = { 0 }, lines[3] = { line, line, line }, at[3], up[3] = { 0.8f, 0.8f, 0.8f };
    float x[3] = { -0.6f, -0.6f, -0.6f }, scale[3] = { 1.25f, 1.25f, 1.25f }, room[FACET_ROOM * 3];
    float grows[3] = { 0, 10, 20 }; /* towards larger angles at the satellite */
    struct facet_samples row = { zero, lines, at, x, zero, up, scale };
    struct facet_pair pair = { row, row, 3, 10, 1, area, room };
    struct facet_sums to = { sums, width, height, 0, 0 };

    for (int i = 0; i < 3; i++) {
        at[i] = columns[i];
        up[i] -= grows[i] * 1e-4f;
    }
    facets_add(&pair, &to);
}

static double total(const float *sums, int n)
{
    double sum = 0;

    for (int i = 0; i < n; i++) {
        assert_true(isfinite(sums[i]));
        sum += sums[i];
    }
    return sum;
}

/* A facet lies evenly between its edges; what is outside the image is not walked through. */
static void facets_end_at_the_image(void **state)
{
    static const struct { float columns[3], line; double inside; } rows[] = {
        { { 0.5f, 2, 3.5f }, 1, 2 },          /* all of both */
        { { 3.5f, 2, 0.5f }, 1, 2 },          /* folded over */
        { { -1.5f, 0.5f, 1.5f }, 1, 1.5 },    /* the first half outside */
        { { 0.5f, 1.5f, 2e9f }, 1, 1 },       /* jumps away */
        { { -1e30f, 1e30f, -1e30f }, 1, 0 },  /* through the image and back */
        { { -1e30f, -2e30f, -1e9f }, 1, 0 },
        { { 0.5f, NAN, 3.5f }, 1, 0 },
        { { 0.5f, 2, 3.5f }, -0.5f, 1 },      /* half of a line outside */
        { { 0.5f, 2, 3.5f }, 2.25f, 1.5 },
        { { 0.5f, 2, 3.5f }, 1e30f, 0 },
        { { 0.5f, 2, 3.5f }, -1e30f, 0 },
        { { 0.5f, 2, 3.5f }, NAN, 0 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        float sums[3 * 5] = { 0 }, surface[3 * 5] = { 0 };

        facets_between(rows[i].columns, rows[i].line, FLATTEN_GAMMA0, sums, 5, 3);
        facets_between(rows[i].columns, rows[i].line, FLATTEN_SIGMA0, surface, 5, 3);
        if (fabs(total(sums, 15) - rows[i].inside) > 0.01 || fabs(total(surface, 15) / 1.25 - rows[i].inside) > 0.01)
            fail_msg("row %zu: %g and %g lie inside, expected %g", i, total(sums, 15), total(surface, 15), rows[i].inside);
        if (i == 0) {
            static const float even[5] = { 0, 2 / 3.f, 2 / 3.f, 2 / 3.f, 0 };

            for (int x = 0; x < 5; x++)
                assert_true(fabsf(sums[5 + x] - even[x]) < 0.01f);
        }
    }
}

/* Heights from the deepest sea to above the Himalaya from one node to the next one. */
static void absurd_ground_ends(void **state)
{
    AUTO(mem) float *pixels = NULL, *kept = NULL;
    struct simulated one = { 0 };
    struct geocode_report report;
    struct err err = { 0 };
    struct geocode_want want;
    size_t n;

    (void)state;
    if (!alps)
        skip();
    n = alps->dem->width * alps->dem->height;
    pixels = mem_array(SIDE * SIDE, sizeof *pixels);
    kept = mem_array(n, sizeof *kept);
    memcpy(kept, alps->dem->heights, n * sizeof *kept);
    for (size_t i = 0; i < n; i++)
        alps->dem->heights[i] = (i * 2654435761u >> 7) % 3 == 0 ? 8800 : -11000;
    alps->dem->lowest = -11000;
    alps->dem->highest = 8800;
    for (int i = 0; i < SIDE * SIDE; i++)
        pixels[i] = NAN;
    want = (struct geocode_want){ .view = alps->view, .dem = alps->dem, .grid = alps->grid, .method = RESAMPLE_SAR_BILINEAR,
                                  .input = { &one, simulated_begin, simulated_end, simulated_read }, .flatten = FLATTEN_GAMMA0,
                                  .threads = 2, .pixels = pixels };
    if (!geocode(&want, &report, &err))
        fail_msg("%s", err.message);
    assert_true(report.filled > 0);
    for (int i = 0; i < SIDE * SIDE; i++)
        assert_true(isnan(pixels[i]) || (pixels[i] > 0 && pixels[i] < 100));
    memcpy(alps->dem->heights, kept, n * sizeof *kept);
    stretch_heights(1);
}

/* Backscatter of ground that is everywhere the same, from samples of the terrain 2.5 m apart. */
static void simulate(struct simulated *s)
{
    enum { FINE = 4, AROUND = 160 };
    struct grid fine = alps->grid;
    struct lattice_want want = { .view = alps->view, .dem = alps->dem, .grid = &fine, .with_sight = true,
                                 .window = { -AROUND * FINE, -AROUND * FINE, (SIDE + 2 * AROUND) * FINE, (SIDE + 2 * AROUND) * FINE } };
    size_t width = want.window.width;
    AUTO(mem) float *rooms = mem_array(8 * width, sizeof *rooms);
    AUTO(mem) double *t = mem_array(width, sizeof *t), *range = mem_array(width, sizeof *range);
    struct lattice_row row = { rooms, t, range, rooms + width, rooms + 2 * width, rooms + 3 * width, rooms + 4 * width,
                               rooms + 5 * width, rooms + 6 * width };
    AUTO(lattice) struct lattice *lattice = NULL;
    struct err err = { 0 };
    double line, column;
    float *before = rooms + 7 * width;

    fine.dx = fine.dy = 2.5;
    assert_true(lattice_new(&want, alps->crs, &lattice, &err));
    lattice_origin(lattice, &line, &column);
    *s = (struct simulated){ .line = (int64_t)line - 700, .column = (int64_t)column - 700, .width = 1400, .height = 1400 };
    s->beta = mem_array(s->width * s->height, sizeof *s->beta);
    for (size_t y = 0; y < want.window.height; y++) {
        lattice_row(lattice, y, &row);
        for (size_t x = 1; y > 0 && x < width; x++) {
            double east = (row.heights[x] - row.heights[x - 1]) / 2.5, north = (before[x] - row.heights[x]) / 2.5;
            double k = row.scale[x], area = 6.25 * k * (k * row.sight_up[x] - east * row.sight_x[x] - north * row.sight_y[x]);
            int64_t at_line = (int64_t)floor(row.lines[x] + line + 0.5) - s->line;
            int64_t at_column = (int64_t)floor(row.columns[x] + column + 0.5) - s->column;

            if (area > 0 && at_line >= 0 && at_column >= 0 && at_line < 1400 && at_column < 1400)
                s->beta[at_line * 1400 + at_column] +=
                    (float)(0.1 * area / (alps->view->azimuth_spacing * ground_range_step(alps->view->ground_range, t[x], range[x])));
        }
        memcpy(before, row.heights, width * sizeof *before);
    }
}

/* Ground of one kind looks bright on slopes that face the radar and dark on those turned away; flattened it looks the same. */
static void slopes_come_closer(void **state)
{
    struct simulated simulated;
    static float plain[SIDE * SIDE], flat[SIDE * SIDE];
    double sums[2][3] = { 0 }, squares[2] = { 0 };
    size_t counts[3] = { 0 }, n = 0;

    (void)state;
    if (!alps)
        skip();
    simulate(&simulated);
    for (int k = 0; k < 2; k++) {
        struct geocode_want want = { .view = alps->view, .dem = alps->dem, .grid = alps->grid, .method = RESAMPLE_SAR_BILINEAR,
                                     .input = { &simulated, simulated_begin, simulated_end, simulated_read },
                                     .flatten = k == 1 ? FLATTEN_GAMMA0 : FLATTEN_NOTHING, .threads = 2, .pixels = k == 1 ? flat : plain };
        struct geocode_report report;
        struct err err = { 0 };

        for (int i = 0; i < SIDE * SIDE; i++)
            want.pixels[i] = NAN;
        if (!geocode(&want, &report, &err))
            fail_msg("%s", err.message);
    }
    for (int i = 0; i < SIDE * SIDE; i++) {
        float facing = alps->incidence[i] - alps->local[i]; /* degrees */
        int kind = facing > 15 ? 0 : facing < -15 ? 2 : 1;
        double ellipsoid = decibels(plain[i] * tan(alps->incidence[i] * GEODESY_RADIANS)), terrain = decibels(flat[i]);

        if (alps->mask[i] || isnan(plain[i]) || isnan(flat[i]))
            continue;
        counts[kind]++;
        n++;
        sums[0][kind] += ellipsoid;
        sums[1][kind] += terrain;
        squares[0] += (ellipsoid + 10) * (ellipsoid + 10);
        squares[1] += (terrain + 10) * (terrain + 10);
    }
    for (int k = 0; k < 2; k++)
        print_message("gamma0 of the %s, true -10 dB: facing %.2f, level %.2f, turned away %.2f dB; off by %.2f dB (rms)\n",
                      k == 0 ? "ellipsoid" : "terrain", sums[k][0] / (double)counts[0], sums[k][1] / (double)counts[1],
                      sums[k][2] / (double)counts[2], sqrt(squares[k] / (double)n));
    assert_true(counts[0] > 1000 && counts[2] > 1000);
    assert_true(sums[0][0] / (double)counts[0] - sums[0][2] / (double)counts[2] > 3);
    assert_true(fabs(sums[1][0] / (double)counts[0] - sums[1][2] / (double)counts[2]) < 0.1);
    assert_true(squares[1] * 100 < squares[0]);
    assert_true(fabs(sums[1][0] / (double)counts[0] + 10) < 0.2 && fabs(sums[1][2] / (double)counts[2] + 10) < 0.2); /* the truth */
    free(simulated.beta);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(masks_are_what_rays_meet),
        cmocka_unit_test(angles_are_those_of_vectors),
        cmocka_unit_test(flat_ground_stays_what_it_was),
        cmocka_unit_test(facets_end_at_the_image),
        cmocka_unit_test(absurd_ground_ends),
        cmocka_unit_test(slopes_come_closer),
    };

    raster_init();
    return cmocka_run_group_tests(tests, find_alps, leave_alps);
}
