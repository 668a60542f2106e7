/* Images whose numbers are their own columns or lines are geocoded: what comes out says where every pixel was taken from. */
#include "base/mem.h"
#include "json/js.h"
#include "raster/source.h"
#include "sar/geocode.h"
#include "sar/geoid.h"
#include "tests/sar/views.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* ---- images ---- */

struct coded {
    const char *path;
    struct raster_options options;
};

struct coded_reader {
    struct source_pool *pool;
    struct source source;
};

static bool coded_begin(void *context, void **ret_reader, struct err *err)
{
    struct coded *coded = context;
    struct coded_reader *reader = MEM_NEW(struct coded_reader);

    coded->options.trusted = true;
    reader->pool = source_pool_new(&coded->options, 64 << 20);
    *ret_reader = reader;
    return source_open(reader->pool, coded->path, 1, &reader->source, err);
}

static void coded_end(void *context, void *reader)
{
    (void)context;
    source_pool_free(((struct coded_reader *)reader)->pool);
    free(reader);
}

static bool coded_read(void *context, void *reader_, const struct sar_window *window, float *power, struct err *err)
{
    struct coded_reader *reader = reader_;
    AUTO(mem) float *pixels = NULL;

    (void)context;
    if (!sar_read_floats(reader->pool, &reader->source, window->pixel, window->line, window->width, window->height,
                         &pixels, err))
        return false;
    memcpy(power, pixels, window->width * window->height * sizeof *power);
    return true;
}

static struct geocode_input coded_input(struct coded *coded)
{
    return (struct geocode_input){ coded, coded_begin, coded_end, coded_read };
}

/* What cannot be read from a file: the column plus 40,000 times the line would not fit. */
static bool plane_begin(void *context, void **ret_reader, struct err *err)
{
    (void)err;
    *ret_reader = context;
    return true;
}

static void plane_end(void *context, void *reader)
{
    (void)context, (void)reader;
}

struct plane {
    double constant, per_line, per_column;
    int64_t hole_line, hole_column; /* the one pixel without data */
};

static bool plane_read(void *context, void *reader, const struct sar_window *w, float *power, struct err *err)
{
    const struct plane *p = context;

    (void)reader, (void)err;
    for (size_t i = 0; i < w->width * w->height; i++) {
        int64_t line = w->line + (int64_t)(i / w->width), column = w->pixel + (int64_t)(i % w->width);

        power[i] = (float)(p->constant + p->per_line * (double)line + p->per_column * (double)column);
        if (line == p->hole_line && column == p->hole_column)
            power[i] = 0;
    }
    return true;
}

/* ---- heights ---- */

static struct dem *flat_dem(double longitude, double latitude, double height)
{
    struct dem *dem = MEM_NEW(struct dem);

    *dem = (struct dem){ .epsg = 4326, .in_degrees = true, .dx = 0.01, .dy = 0.01, .width = 101, .height = 101,
                         .x0 = longitude - 0.5, .y0 = latitude + 0.5 };
    dem->heights = mem_array(dem->width * dem->height, sizeof *dem->heights);
    dem->voids = mem_array(dem->width, dem->height);
    for (size_t i = 0; i < dem->width * dem->height; i++)
        dem->heights[i] = (float)height;
    return dem;
}

/* 65 x 65 pixels around a place, of the UTM zone there. */
enum { SIDE = 65 };
static struct grid grid_around(double longitude, double latitude, double spacing)
{
    AUTO(crs) struct crs *crs = crs_open();
    struct grid grid = { .epsg = (latitude > 0 ? 32601 : 32701) + (int)((longitude + 180) / 6), .dx = spacing,
                         .dy = spacing, .width = SIDE, .height = SIDE };
    AUTO(mem) char *name = mem_printf("EPSG:%d", grid.epsg);

    assert_true(crs_transform(crs, "EPSG:4326", name, 1, &longitude, &latitude));
    grid.x0 = longitude - spacing * SIDE / 2;
    grid.y0 = latitude + spacing * SIDE / 2;
    return grid;
}

static void run(const struct geocode_want *want, struct geocode_report *ret_report)
{
    struct err err = { 0 };

    for (int64_t i = 0; i < want->grid.width * want->grid.height; i++)
        want->pixels[i] = NAN;
    if (!geocode(want, ret_report, &err))
        fail_msg("%s", err.message);
}

/* ---- tests ---- */

static double number(const json_t *json, const char *name)
{
    return json_number_value(json_object_get(json, name));
}

/* The places of expected_values.json are the middle pixels of small grids on flat ground of their height. */
static void coded_images_come_back(void **state)
{
    NEED_SAMPLES();
    static const struct { const char *product, *polarisation, *path, *want; } rows[] = {
        { ROME_5371, "vv", "/vsizip/%s/" ROME_5371 ".SAFE/measurement/s1b-iw-grd-vv-20211223t051122-20211223t051147-030148-039993-001.tiff", "pixel_linear" },
        { ROME_5371, "vv", "S1B_20211223_vv_rowcoded.tiff", "line" },
        { ALPS_ECC8, "vh", "/vsizip/%s/" ALPS_ECC8 ".SAFE/measurement/s1b-iw-grd-vh-20210401t052623-20210401t052648-026269-032297-002.tiff", "pixel_linear" },
    };
    AUTO(mem) char *expected = given_sample("expected_values.json");
    AUTO(json) json_t *products = NULL;
    struct err err = { 0 };

    (void)state;
    assert_non_null(expected);
    assert_true(js_read_file(expected, &products, &err));
    for (size_t r = 0; r < ARRAY_LEN(rows); r++) {
        AUTO(arena) struct arena *arena = arena_new();
        AUTO(mem) char *zip = given_product(rows[r].product), *sample = given_sample(rows[r].path), *path = NULL;
        AUTO(view) struct view *view = NULL;
        struct sar_annotation a;
        struct coded coded = { 0 };
        json_t *product, *point;
        size_t i, k, seen = 0;

        assert_true(given_annotation(rows[r].product, rows[r].polarisation, arena, &a));
        view = given_view(&a, GROUND_RANGE_LINEAR);
        path = sample ? mem_text(sample) : mem_printf(rows[r].path, zip);
        coded.path = path;
        json_array_foreach(products, i, product)
        {
            if (!strstr(json_string_value(json_object_get(product, "product")), rows[r].product))
                continue;
            json_array_foreach(json_object_get(product, "geocoding"), k, point)
            {
                double lon = number(point, "lon"), lat = number(point, "lat");
                AUTO(dem) struct dem *dem = flat_dem(lon, lat, number(point, "h_ellipsoid"));
                float pixels[SIDE * SIDE];
                struct geocode_want want = { .view = view, .dem = dem, .grid = grid_around(lon, lat, 10),
                                             .input = coded_input(&coded), .method = RESAMPLE_SAR_BILINEAR, .pixels = pixels };
                struct geocode_report report;

                run(&want, &report);
                assert_int_equal(report.filled, SIDE * SIDE);
                print_message("%s: %.4f, expected %.4f\n", rows[r].want, pixels[SIDE / 2 * SIDE + SIDE / 2],
                              number(point, rows[r].want));
                assert_true(fabs(pixels[SIDE / 2 * SIDE + SIDE / 2] - number(point, rows[r].want)) < 0.02);
                seen++;
            }
        }
        assert_true(seen >= 3);
    }
}

static void methods_keep_planes_and_pass_holes_by(void **state)
{
    NEED_SAMPLES();
    static const struct { enum resample_method method; double within; size_t least_gaps, most_gaps; } rows[] = {
        { RESAMPLE_SAR_NEAREST, 0.51, 1, 2 }, { RESAMPLE_SAR_BILINEAR, 0.01, 0, 3 }, { RESAMPLE_SAR_BICUBIC, 0.01, 0, 4 },
    };
    AUTO(arena) struct arena *arena = arena_new();
    AUTO(view) struct view *view = NULL;
    AUTO(dem) struct dem *dem = flat_dem(12.5, 42, 95);
    AUTO(crs) struct crs *crs = crs_open();
    struct sar_annotation a;
    struct view_place middle;

    (void)state;
    assert_true(given_annotation(ROME_5371, "vv", arena, &a));
    view = given_view(&a, GROUND_RANGE_LINEAR);
    assert_true(view_find(view, 42, 12.5, 95, &middle));
    for (size_t r = 0; r < ARRAY_LEN(rows); r++) {
        float pixels[SIDE * SIDE];
        struct plane plane = { -middle.column + 100, 0, 1, (int64_t)middle.line - 5, (int64_t)middle.column + 7 };
        struct geocode_want want = { .view = view, .dem = dem, .grid = grid_around(12.5, 42, 10), .method = rows[r].method,
                                     .input = { &plane, plane_begin, plane_end, plane_read }, .pixels = pixels };
        struct geocode_report report;
        double most = 0;

        run(&want, &report);
        for (int i = 0; i < SIDE * SIDE; i++) {
            double x = want.grid.x0 + 10 * (i % SIDE + 0.5), y = want.grid.y0 - 10 * (i / SIDE + 0.5);
            struct view_place place;

            if (isnan(pixels[i]))
                continue;
            assert_true(crs_transform(crs, "EPSG:32633", "EPSG:4326", 1, &x, &y));
            assert_true(view_find(view, y, x, 95, &place));
            if (fabs(place.line - (double)plane.hole_line) > 2.1 || fabs(place.column - (double)plane.hole_column) > 2.1)
                most = fmax(most, fabs(pixels[i] - (place.column - middle.column + 100)));
        }
        print_message("%s: %.4f, %zu gaps\n", resample_method_name(rows[r].method), most, SIDE * SIDE - report.filled);
        assert_true(most < rows[r].within);
        assert_in_range(SIDE * SIDE - report.filled, rows[r].least_gaps, rows[r].most_gaps);
    }
}

/* The mean of what lies in a pixel, to which all positions in it count alike. */
static void coarse_pixels_are_means(void **state)
{
    NEED_SAMPLES();
    AUTO(arena) struct arena *arena = arena_new();
    AUTO(view) struct view *view = NULL;
    AUTO(dem) struct dem *dem = flat_dem(12.5, 42, 95);
    static float fine[SIDE * SIDE], coarse[SIDE * SIDE];
    struct sar_annotation a;
    struct plane plane = { 1, 3, 1, -1, -1 };
    struct geocode_report report;
    struct geocode_want want = { .dem = dem, .method = RESAMPLE_SAR_BILINEAR, .input = { &plane, plane_begin, plane_end, plane_read } };

    (void)state;
    assert_true(given_annotation(ROME_5371, "vv", arena, &a));
    want.view = view = given_view(&a, GROUND_RANGE_LINEAR);
    want.grid = grid_around(12.5, 42, 10);
    want.pixels = fine;
    run(&want, &report);
    want.grid.dx = want.grid.dy = 30; /* 3 x 3 pixels of the same grid */
    want.grid.width = want.grid.height = SIDE / 3;
    want.pixels = coarse;
    run(&want, &report);
    for (int i = 0; i < SIDE / 3 * (SIDE / 3); i++) {
        double sum = 0;

        for (int k = 0; k < 9; k++)
            sum += fine[(i / (SIDE / 3) * 3 + k / 3) * SIDE + i % (SIDE / 3) * 3 + k % 3];
        assert_true(fabs(coarse[i] - sum / 9) < 0.02);
    }
}

/* With a DEM that was read for just this grid: its side is no multiple of a cell's. */
static void the_last_columns_have_heights(void **state)
{
    NEED_SAMPLES();
    AUTO(mem) char *path = given_alps();
    AUTO(arena) struct arena *arena = arena_new();
    AUTO(view) struct view *view = NULL;
    AUTO(dem) struct dem *dem = NULL;
    struct sar_annotation a;
    float pixels[SIDE * SIDE];
    struct plane plane = { 1, 0, 0, -1, -1 };
    struct dem_options options = { .path = path, .geoid = DEM_GEOID };
    struct geocode_want want = { .grid = { 32632, 633700, 5186400, 10, 10, SIDE, SIDE }, .method = RESAMPLE_SAR_NEAREST,
                                 .input = { &plane, plane_begin, plane_end, plane_read }, .pixels = pixels };
    struct geocode_report report;
    struct err err = { 0 };

    (void)state;
    assert_non_null(path);
    assert_true(given_annotation(ALPS_ECC8, "vh", arena, &a));
    want.view = view = given_view(&a, GROUND_RANGE_LINEAR);
    assert_true(dem_read(&options, &want.grid, &dem, &err));
    want.dem = dem;
    run(&want, &report);
    assert_int_equal(report.filled, SIDE * SIDE);
}

/* In high mountains, against Newton's method for every pixel. */
static void compare_lattices(const char *path)
{
    static const struct { double spacing, line, column; } rows[] = { { 160, 0.0003, 0.002 }, { 320, 0.0005, 0.004 } };
    AUTO(arena) struct arena *arena = arena_new();
    AUTO(view) struct view *view = NULL;
    AUTO(dem) struct dem *dem = NULL;
    AUTO(crs) struct crs *crs = crs_open();
    struct sar_annotation a;
    struct grid grid = { 32632, 625000, 5190000, 10, 10, 1500, 1400 };
    struct dem_options options = { .path = path, .geoid = DEM_GEOID, .threads = 2 };
    struct err err = { 0 };

    assert_true(given_annotation(ALPS_ECC8, "vh", arena, &a));
    view = given_view(&a, GROUND_RANGE_LINEAR);
    if (!dem_read(&options, &grid, &dem, &err))
        fail_msg("%s", err.message);
    print_message("heights %.0f to %.0f m\n", dem->lowest, dem->highest);
    for (size_t r = 0; r < ARRAY_LEN(rows); r++) {
        struct lattice_want want = { .view = view, .dem = dem, .grid = &grid, .spacing = rows[r].spacing,
                                     .window = { 0, 0, 1024, 1024 } };
        AUTO(lattice) struct lattice *lattice = NULL;
        float heights[1024], lines[1024], columns[1024];
        double t[1024], range[1024], line = 0, column = 0, origin_line, origin_column;

        assert_true(lattice_new(&want, crs, &lattice, &err));
        lattice_origin(lattice, &origin_line, &origin_column);
        for (size_t y = 0; y < 1024; y += 37) {
            struct lattice_row row = { .heights = heights, .t = t, .range = range, .lines = lines, .columns = columns };

            lattice_row(lattice, y, &row);
            for (size_t x = 0; x < 1024; x += 5) {
                double lon = grid.x0 + 10 * ((double)x + 0.5), lat = grid.y0 - 10 * ((double)y + 0.5), c, rw;
                struct view_place place;

                assert_true(dem_places(dem, crs, grid.epsg, 1, &lon, &lat, &c, &rw, &err));
                assert_true(fabs(heights[x] - dem_height(dem, c, rw)) < 0.02);
                assert_true(view_find(view, lat, lon, heights[x], &place));
                line = fmax(line, fabs(place.line - lines[x] - origin_line));
                column = fmax(column, fabs(place.column - columns[x] - origin_column));
            }
        }
        print_message("nodes %.0f m apart: line %.5f, column %.5f\n", rows[r].spacing, line, column);
        assert_true(line < rows[r].line && column < rows[r].column);
    }
}

static void lattices_are_exact_enough(void **state)
{
    char *path = given_alps();

    (void)state;
    if (!path)
        skip(); /* jumps: nothing may be held */
    compare_lattices(path);
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(coded_images_come_back),
        cmocka_unit_test(methods_keep_planes_and_pass_holes_by),
        cmocka_unit_test(coarse_pixels_are_means),
        cmocka_unit_test(the_last_columns_have_heights),
        cmocka_unit_test(lattices_are_exact_enough),
    };

    raster_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
