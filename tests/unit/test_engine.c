/* The engine on small plans by hand: what planes become where grids, types and no-data differ, the
 * files that come out as GDAL reads them, and parts that are damaged. */
#include "raster/cog.h"
#include "raster/foreign.h"
#include "raster/part.h"
#include "raster/schedule.h"
#include "raster/zip_file.h"
#include "tests/raster/files.h"
#include "tests/raster/plans.h"
#include <cpl_conv.h>
#include <cpl_string.h>
#include <cpl_vsi.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

enum { WIDTH = 1300, HEIGHT = 1100 };
static const struct grid whole = { 32633, 500000, 5100000, 10, 10, WIDTH, HEIGHT };

static const uint16_t first_output[] = { 1 }, zero_output[] = { 0 }, third_output[] = { 2 };
static const double hundred[] = { 100 };
/* is there data? 1 or 0 */
static const struct instruction is_gap_code[] = { { .op = LANE_IS_NODATA, .dst = 1 } };
static const struct program is_gap = { .n_inputs = 1, .n_registers = 2, .n_outputs = 1,
                                       .outputs = first_output, .code = is_gap_code, .n_code = 1 };
static const struct instruction add_code[] = { { .op = LANE_ADD, .dst = 2, .a = 0, .b = 1 } };
static const struct program add = { .n_inputs = 2, .n_registers = 3, .n_outputs = 1,
                                    .outputs = third_output, .code = add_code, .n_code = 1 };
static const struct program same_slice = { .n_inputs = 1, .n_registers = 1, .n_outputs = 1,
                                           .outputs = zero_output };
static const struct instruction percent_code[] = { { .op = LANE_CONSTANT, .dst = 1 },
                                                   { .op = LANE_DIVIDE, .dst = 2, .a = 0, .b = 1 } };
static const struct program percent = { .n_inputs = 1, .n_registers = 3, .n_outputs = 1,
                                        .outputs = third_output, .code = percent_code, .n_code = 2,
                                        .constants = hundred, .n_constants = 1 };

static int prepare(void **state)
{
    static const char *const options[] = { "TILED=YES", "COMPRESS=DEFLATE", NULL };

    (void)state;
    srand(5);
    raster_init();
    make_folder();
    write_file("a.tif", "GTiff", WIDTH, HEIGHT, 1, GDT_UInt16, 500000, 5100000, 10, options);
    write_file("b.tif", "GTiff", WIDTH, HEIGHT, 1, GDT_UInt16, 500000, 5100000, 10, options);
    write_file("small.tif", "GTiff", 40, 30, 1, GDT_Byte, 505000, 5095000, 10, options);
    return 0;
}

static struct plan_node *load(struct plan_maker *m, struct grid grid, const char *name)
{
    AUTO(mem) char *path = path_of(name);
    const char *paths[] = { path };

    return maker_load(m, maker_schema(m, grid, 0, 0, NULL, PIXEL_U16, 0), 1, paths, PIXEL_U16, 0);
}

static struct raster_result *evaluate(struct plan_maker *m, const struct raster_options *options)
{
    struct raster_options none = { 0 };
    struct raster_result *result = NULL;
    struct err err = { 0 };

    if (!raster_evaluate(maker_plan(m), options ? options : &none, folder, &result, &err))
        fail_msg("%s: %s", err_name(err.code), err.message);
    return result;
}

/* A result's band as doubles, its no-data as NaN. */
static double *read_result(const char *name, int band, int level, int *ret_width, int *ret_height)
{
    AUTO(mem) char *path = path_of(name);
    GDALDatasetH dataset = GDALOpen(path, GA_ReadOnly);
    GDALRasterBandH b = GDALGetRasterBand(dataset, band);
    int has = 0;
    double nodata = GDALGetRasterNoDataValue(b, &has), *pixels;

    if (level >= 0)
        b = GDALGetOverview(b, level);
    assert_non_null(b);
    *ret_width = GDALGetRasterBandXSize(b);
    *ret_height = GDALGetRasterBandYSize(b);
    pixels = mem_array((size_t)*ret_width * (size_t)*ret_height, sizeof *pixels);
    assert_int_equal(GDALRasterIO(b, GF_Read, 0, 0, *ret_width, *ret_height, pixels, *ret_width,
                                  *ret_height, GDT_Float64, 0, 0), CE_None);
    GDALClose(dataset);
    for (int i = 0; has && i < *ret_width * *ret_height; i++)
        pixels[i] = pixels[i] == nodata ? NAN : pixels[i];
    return pixels;
}

static bool same(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

static void a_copy_is_the_file(void **state)
{
    struct plan_maker m;
    AUTO(mem) double *want = whole_file("a.tif", WIDTH, HEIGHT);
    AUTO(mem) double *got = NULL;
    AUTO(raster_result) struct raster_result *r = NULL;
    int width, height;

    (void)state;
    maker_init(&m);
    maker_save(&m, load(&m, whole, "a.tif"), "copy", "COG");
    r = evaluate(&m, NULL);
    assert_int_equal(r->n_files, 1);
    assert_string_equal(r->files[0].name, "copy.tif");
    assert_true(r->files[0].primary && r->files[0].n_bands == 1);
    got = read_result("copy.tif", 1, -1, &width, &height);
    assert_true(width == WIDTH && height == HEIGHT);
    for (int i = 0; i < WIDTH * HEIGHT; i++)
        assert_true(same(got[i], want[i]));
    arena_free(m.arena);
}

static char *file_of(const char *name, size_t *ret_size)
{
    AUTO(mem) char *path = path_of(name);
    FILE *f = fopen(path, "rb");
    char *bytes;

    assert_non_null(f);
    fseek(f, 0, SEEK_END);
    *ret_size = (size_t)ftell(f);
    rewind(f);
    bytes = mem_alloc(*ret_size);
    assert_int_equal(fread(bytes, 1, *ret_size, f), *ret_size);
    fclose(f);
    return bytes;
}

/* A cut of the file whose four blocks lie on four tiles and more each: every tile is decoded once, by
 * however many threads; the file is the same when the blocks are shared out, whichever way. */
static void cut_outs_decode_tiles_once(void **state)
{
    enum { LEFT = 70, TOP = 60, CUT_WIDTH = 1200, CUT_HEIGHT = 1030 };
    static const size_t splits[] = { 4, 0, 1, 2, 3 };
    struct grid cut = { 32633, 500000 + 10 * LEFT, 5100000 - 10 * TOP, 10, 10, CUT_WIDTH, CUT_HEIGHT };
    AUTO(mem) double *want = whole_file("a.tif", WIDTH, HEIGHT);
    AUTO(mem) double *got = NULL;
    AUTO(mem) char *bytes = NULL;
    struct plan_maker m;
    struct plan_node *node;
    int width, height;
    size_t size;

    (void)state;
    maker_init(&m);
    node = load(&m, cut, "a.tif");
    ((struct scene_band *)node->load[0].layers[0])->grid = whole;
    maker_save(&m, node, "cut", "COG");
    for (size_t i = 0; i < ARRAY_LEN(splits); i++) {
        char *paths[2] = { path_of("first.part"), path_of("second.part") };
        struct raster_reading reading = { 0 };
        struct raster_options options = { .threads = 1 + (int)i % 3, .reading = &reading };
        AUTO(raster_result) struct raster_result *r = NULL;
        struct err err = { 0 };
        size_t split = splits[i], other_size;
        AUTO(mem) char *other = NULL;

        if (split && !raster_compute(maker_plan(&m), &options, 0, split, paths[0], &err))
            fail_msg("%s", err.message);
        if (split < 4 && !raster_compute(maker_plan(&m), &options, split, 4, paths[split > 0], &err))
            fail_msg("%s", err.message);
        assert_true(raster_assemble(maker_plan(&m), &options, 1 + (split > 0 && split < 4),
                                    (const char *const *)paths, folder, &r, &err));
        if (split % 4 == 0) /* 5 x 5 tiles of 256 */
            assert_int_equal(reading.tiles, 25);
        other = file_of("cut.tif", &other_size);
        assert_true(i == 0 || (size == other_size && !memcmp(bytes, other, size)));
        if (i == 0) {
            bytes = other;
            size = other_size;
            other = NULL;
        }
        free(paths[0]);
        free(paths[1]);
    }
    got = read_result("cut.tif", 1, -1, &width, &height);
    assert_true(width == CUT_WIDTH && height == CUT_HEIGHT);
    for (int i = 0; i < CUT_WIDTH * CUT_HEIGHT; i++)
        assert_true(same(got[i], want[(TOP + i / CUT_WIDTH) * WIDTH + LEFT + i % CUT_WIDTH]));
    arena_free(m.arena);
}

/* A crop inside, a frame outside: what lies beyond a node's grid is no-data, not what its program
 * makes of no-data. */
static void planes_end_at_their_grid(void **state)
{
    struct plan_maker m;
    struct grid middle = { 32633, 503000, 5098000, 10, 10, 700, 500 };
    static const struct shift in[] = { { 300, 200 } }, out[] = { { -300, -200 } };
    AUTO(mem) double *a = whole_file("a.tif", WIDTH, HEIGHT);
    AUTO(mem) double *got = NULL;
    AUTO(raster_result) struct raster_result *r = NULL;
    const uint32_t zero = 0;
    const struct plane_ref ref = { 0, 0 };
    struct plan_node *gaps, *frame;
    int width, height;

    (void)state;
    maker_init(&m);
    gaps = maker_apply(&m, maker_schema(&m, middle, 0, 0, NULL, PIXEL_BOOL, 255),
                       load(&m, whole, "a.tif"), NULL, 1);
    gaps->shifts = in;
    maker_application(&m, gaps, 0, &is_gap, 1, &ref, 1, &zero);
    frame = maker_apply(&m, maker_schema(&m, whole, 0, 0, NULL, PIXEL_BOOL, 255), gaps, NULL, 1);
    frame->shifts = out;
    maker_application(&m, frame, 0, NULL, 1, &ref, 1, &zero);
    maker_save(&m, frame, "frame", "COG");
    r = evaluate(&m, NULL);
    got = read_result("frame.tif", 1, -1, &width, &height);
    for (int i = 0; i < WIDTH * HEIGHT; i++) {
        int x = i % WIDTH, y = i / WIDTH;
        bool inside = x >= 300 && x < 1000 && y >= 200 && y < 700;

        assert_true(same(got[i], inside ? (double)isnan(a[i]) : NAN));
    }
    arena_free(m.arena);
}

/* The same crop passed on without a program, and then widened: cut although nothing computes. */
static void passing_planes_are_cut(void **state)
{
    struct plan_maker m;
    struct grid middle = { 32633, 503000, 5098000, 10, 10, 700, 500 };
    static const struct shift in[] = { { 300, 200 } }, out[] = { { -300, -200 } };
    AUTO(mem) double *a = whole_file("a.tif", WIDTH, HEIGHT);
    AUTO(mem) double *got = NULL;
    AUTO(raster_result) struct raster_result *r = NULL;
    const uint32_t planes[] = { 0, 1 };
    const struct plane_ref refs[] = { { 0, 0 }, { 0, -1 } };
    struct plan_node *crop, *frame;
    int width, height;

    (void)state;
    maker_init(&m);
    crop = maker_apply(&m, maker_schema(&m, middle, 0, 0, NULL, PIXEL_U16, 0),
                       load(&m, whole, "a.tif"), NULL, 1);
    crop->shifts = in;
    maker_application(&m, crop, 0, NULL, 1, refs, 1, planes);
    frame = maker_apply(&m, maker_schema(&m, whole, 0, 2, NULL, PIXEL_I16, -7), crop, NULL, 2);
    frame->shifts = out;
    maker_application(&m, frame, 0, NULL, 1, refs, 1, planes);
    maker_application(&m, frame, 1, NULL, 1, refs + 1, 1, planes + 1);
    maker_save(&m, frame, "cut", "COG");
    r = evaluate(&m, NULL);
    assert_true(r->files[0].bands[1].valid_percent == 0);
    for (int band = 1; band <= 2; band++) {
        got = read_result("cut.tif", band, -1, &width, &height);
        for (int i = 0; i < WIDTH * HEIGHT; i++) {
            int x = i % WIDTH, y = i / WIDTH;
            bool inside = band == 1 && x >= 300 && x < 1000 && y >= 200 && y < 700;

            assert_true(same(got[i], inside ? a[i] : NAN));
        }
        if (band == 1)
            free(got);
    }
    arena_free(m.arena);
}

/* One value used by two programs and by a save of its own; a fold over both files. */
static struct plan_node *busy_plan(struct plan_maker *m)
{
    static const struct fold sum[] = { { FOLD_SUM, false } };
    struct program *streaming = arena_alloc(m->arena, sizeof *streaming);
    struct plan_node *a = load(m, whole, "a.tif"), *b = load(m, whole, "b.tif"), *sums, *folded;
    const uint32_t zero = 0;
    const struct plane_ref refs[] = { { 0, 0 }, { 1, 0 } };

    *streaming = (struct program){ .n_folds = 1, .n_slices = 2, .folds = sum,
                                   .slice = &same_slice, .finish = &same_slice, .n_outputs = 1,
                                   .outputs = zero_output };
    sums = maker_apply(m, maker_schema(m, whole, 0, 0, NULL, PIXEL_F32, NAN), a, b, 1);
    maker_application(m, sums, 0, &add, 2, refs, 1, &zero);
    folded = maker_apply(m, maker_schema(m, whole, 0, 0, NULL, PIXEL_F32, NAN), sums, b, 1);
    maker_application(m, folded, 0, streaming, 2, refs, 1, &zero);
    maker_save(m, sums, "sums", "GTiff");
    maker_save(m, folded, "folded", "COG");
    maker_save(m, a, "first", "COG");
    return folded;
}

static void check_busy(const char *where)
{
    AUTO(mem) double *a = whole_file("a.tif", WIDTH, HEIGHT);
    AUTO(mem) double *b = whole_file("b.tif", WIDTH, HEIGHT);
    int width, height;
    AUTO(mem) double *sums = read_result("sums.tif", 1, -1, &width, &height);
    AUTO(mem) double *folded = read_result("folded.tif", 1, -1, &width, &height);
    AUTO(mem) double *first = read_result("first.tif", 1, -1, &width, &height);

    for (int i = 0; i < WIDTH * HEIGHT; i++) {
        double sum = a[i] + b[i], all = isnan(sum) ? b[i] : isnan(b[i]) ? sum : sum + b[i];

        if (!same(sums[i], sum) || !same(folded[i], all) || !same(first[i], a[i]))
            fail_msg("%s: pixel %d is %g, %g, %g", where, i, sums[i], folded[i], first[i]);
    }
}

static void shared_values_live_as_long_as_needed(void **state)
{
    struct plan_maker m;
    struct raster_estimate whole_blocks, bands;
    struct err err = { 0 };
    struct raster_options options = { .threads = 2 };

    (void)state;
    maker_init(&m);
    busy_plan(&m);
    raster_result_free(evaluate(&m, &options));
    check_busy("whole blocks");
    assert_true(raster_estimate(maker_plan(&m), &options, &whole_blocks, &err));
    assert_int_equal(whole_blocks.blocks, 4);
    assert_int_equal(whole_blocks.pixels_in, 2 * WIDTH * HEIGHT); /* each file is read once */
    options.memory_bytes = 2 * (whole_blocks.memory_bytes - (size_t)(8 << 20));
    assert_true(raster_estimate(maker_plan(&m), &options, &bands, &err));
    assert_true(bands.memory_bytes < whole_blocks.memory_bytes);
    raster_result_free(evaluate(&m, &options));
    check_busy("bands of rows");
    options.memory_bytes = 1000000;
    assert_false(raster_estimate(maker_plan(&m), &options, &bands, &err));
    assert_int_equal(err.code, ERR_MemoryExceeded);
    assert_non_null(strstr(err.message, "MB"));
    arena_free(m.arena);
}

static void count_finished(void *context, size_t done, size_t blocks)
{
    assert_true(done <= blocks && blocks == 4);
    atomic_fetch_add((atomic_size_t *)context, 1);
}

/* Dates that share nothing are computed by several threads, block by block; those that do are not. */
static void threads_share_few_blocks(void **state)
{
    enum { DATES = 5 };
    char *paths[DATES] = { path_of("a.tif"), path_of("b.tif"), path_of("a.tif"), path_of("b.tif"), path_of("b.tif") };
    struct plan_maker m;
    AUTO(mem) char *want = NULL;
    size_t size;

    (void)state;
    maker_init(&m);
    maker_save(&m, maker_load(&m, maker_schema(&m, whole, 0, DATES, NULL, PIXEL_U16, 0), DATES, (const char *const *)paths,
                              PIXEL_U16, 0), "dates", "COG");
    for (int threads = 1; threads < 4; threads++) {
        atomic_size_t calls = 0;
        size_t other;
        struct raster_options options = { .threads = threads, .progress = count_finished, .progress_context = &calls };
        AUTO(mem) char *got = NULL;

        raster_result_free(evaluate(&m, &options));
        assert_int_equal(calls, 4);
        got = file_of("dates.tif", &other);
        assert_true(threads == 1 || (other == size && !memcmp(got, want, size)));
        if (threads == 1) {
            want = got;
            size = other;
            got = NULL;
        }
    }
    arena_free(m.arena);
    for (size_t i = 0; i < DATES; i++)
        free(paths[i]);
}

/* Pixels that are read of a file of 4096 pixels for one of a grid of `step` times their size. */
static double read_for(double step, bool overviews, bool measured, enum resampling method)
{
    const char *const paths[] = { "a.tif" };
    struct grid fine = { 32633, 0, 0, 10, 10, 4096, 4096 }, coarse = { 32633, 0, 0, 10 * step, 10 * step, (int64_t)(4096 / step), (int64_t)(4096 / step) };
    struct plan_maker m;
    struct raster_options options = { .threads = 1 };
    struct raster_estimate estimate;
    struct err err = { 0 };
    struct plan_node *load, *warp;
    struct scene_band *band;

    maker_init(&m);
    load = maker_load(&m, maker_schema(&m, fine, 0, 0, NULL, PIXEL_U16, 0), 1, paths, PIXEL_U16, 0);
    band = (struct scene_band *)load->load[0].layers[0];
    band->grid = fine;
    band->has_overviews = overviews;
    ((struct load_plane *)load->load)->measured = measured;
    warp = maker_node(&m, PLAN_WARP, maker_schema(&m, coarse, 0, 0, NULL, PIXEL_U16, 0), load, NULL);
    warp->resampling = method;
    maker_save(&m, warp, "coarse", "COG");
    assert_true(raster_estimate(maker_plan(&m), &options, &estimate, &err));
    arena_free(m.arena);
    return (double)estimate.pixels_in / ((double)coarse.width * (double)coarse.height);
}

static void estimates_know_of_overviews(void **state)
{
    (void)state;
    assert_true(read_for(4, true, true, RESAMPLE_AVERAGE) == 1);
    assert_true(read_for(8, true, true, RESAMPLE_BILINEAR) == 1);
    assert_true(read_for(32, true, true, RESAMPLE_AVERAGE) == 16); /* the smallest has 512 pixels */
    assert_true(fabs(read_for(6, true, true, RESAMPLE_AVERAGE) - 36.0 / 16) < 0.01);
    assert_true(read_for(4, false, true, RESAMPLE_AVERAGE) == 16);
    assert_true(read_for(4, true, false, RESAMPLE_AVERAGE) == 16);
    assert_true(read_for(4, true, true, RESAMPLE_NEAR) == 16);
    assert_true(read_for(1, true, true, RESAMPLE_AVERAGE) == 1);
}

static size_t legs_of(const struct plan *plan)
{
    AUTO(schedules) struct schedules *all = NULL;
    struct err err = { 0 };
    const struct schedule *s;

    assert_true(schedules_make(plan, &all, &err));
    s = &all->schedules[0];
    for (size_t i = 0, step = 0, planes = 0; i < s->n_legs; i++) {
        assert_true(s->legs[i].first == step && s->legs[i].emitted == planes);
        for (step = s->legs[i].first; step < s->legs[i].end; step++)
            planes += s->steps[step].op == STEP_EMIT;
    }
    assert_int_equal(s->legs[s->n_legs - 1].end, s->n_steps);
    return s->n_legs;
}

static void legs_share_no_plane(void **state)
{
    enum { DATES = 40 /* more than there is room for at first */ };
    char *paths[DATES];
    struct plan_maker m;

    (void)state;
    for (size_t i = 0; i < DATES; i++)
        paths[i] = path_of(i % 2 ? "b.tif" : "a.tif");
    maker_init(&m);
    busy_plan(&m);
    assert_int_equal(legs_of(maker_plan(&m)), 1);
    arena_free(m.arena);
    maker_init(&m);
    maker_save(&m, maker_load(&m, maker_schema(&m, whole, DATES, 0, NULL, PIXEL_U16, 0), DATES, (const char *const *)paths, PIXEL_U16, 0),
               "dates", "COG");
    assert_int_equal(legs_of(maker_plan(&m)), DATES);
    arena_free(m.arena);
    for (size_t i = 0; i < DATES; i++)
        free(paths[i]);
}

/* ---- pictures and numbers ---- */

static struct plan_node *small_plan(struct plan_maker *m, size_t n_bands, const char *format)
{
    struct grid grid = { 32633, 505000, 5095000, 10, 10, 40, 30 };
    struct plan_node *in = load(m, grid, "small.tif"), *bands;

    bands = maker_apply(m, maker_schema(m, grid, 0, n_bands, NULL, PIXEL_F32, NAN), in, NULL,
                        n_bands);
    for (uint32_t i = 0; i < n_bands; i++) {
        const struct plane_ref ref = { 0, 0 };

        maker_application(m, bands, i, i == 1 ? &percent : &same_slice, 1, &ref, 1, &i);
    }
    maker_save(m, bands, "small", format);
    return bands;
}

static void pictures_have_alpha(void **state)
{
    AUTO(mem) double *want = whole_file("small.tif", 40, 30);
    struct plan_maker m;
    AUTO(raster_result) struct raster_result *r = NULL;
    int width, height;
    AUTO(mem) double *red = NULL;
    AUTO(mem) double *green = NULL;
    AUTO(mem) double *alpha = NULL;

    (void)state;
    maker_init(&m);
    small_plan(&m, 3, "PNG");
    r = evaluate(&m, NULL);
    assert_string_equal(r->files[0].name, "small.png");
    red = read_result("small.png", 1, -1, &width, &height);
    green = read_result("small.png", 2, -1, &width, &height);
    alpha = read_result("small.png", 4, -1, &width, &height);
    for (int i = 0; i < 40 * 30; i++) {
        assert_true(alpha[i] == (isnan(want[i]) ? 0 : 255));
        assert_true(red[i] == (isnan(want[i]) ? 0 : want[i]));
        assert_true(green[i] == (isnan(want[i]) ? 0 : nearbyint(want[i] / 100)));
    }
    arena_free(m.arena);
}

static void json_is_nested_like_the_cube(void **state)
{
    AUTO(mem) double *want = whole_file("small.tif", 40, 30);
    AUTO(mem) char *path = path_of("small.json");
    struct plan_maker m;
    json_t *root, *data;

    (void)state;
    maker_init(&m);
    small_plan(&m, 2, "JSON");
    raster_result_free(evaluate(&m, NULL));
    root = json_load_file(path, 0, NULL);
    data = json_object_get(root, "data");
    assert_int_equal(json_array_size(json_object_get(root, "dims")), 3);
    assert_int_equal(json_array_size(data), 2);
    assert_int_equal(json_array_size(json_array_get(json_array_get(data, 1), 29)), 40);
    for (size_t i = 0; i < 40 * 30; i++) {
        json_t *a = json_array_get(json_array_get(json_array_get(data, 0), i / 40), i % 40);
        json_t *b = json_array_get(json_array_get(json_array_get(data, 1), i / 40), i % 40);

        if (isnan(want[i])) {
            assert_true(json_is_null(a) && json_is_null(b));
        } else {
            assert_true(json_number_value(a) == want[i]);
            assert_true(fabs(json_number_value(b) - want[i] / 100) < 1e-6);
        }
    }
    json_decref(root);
    arena_free(m.arena);
}

static void unfit_results_are_refused_early(void **state)
{
    struct plan_maker m;
    struct raster_options options = { 0 };
    struct raster_estimate estimate;
    struct err err = { 0 };

    (void)state;
    maker_init(&m);
    small_plan(&m, 2, "PNG");
    assert_false(raster_estimate(maker_plan(&m), &options, &estimate, &err));
    assert_string_equal(err.message, "/process_graph/node2: a PNG has 1, 3 or 4 bands, the cube has 2.");
    arena_free(m.arena);
}

static void interpreters_are_counted(void **state)
{
    enum { MB = 1 << 20 };
    static const struct { int task, threads, want; } rows[] = { /* 128 MB are the process's own, 500 a thread's */
        { 0, 8, 8 }, { 627, 1, 0 }, { 629, 1, 1 }, { 629, 4, 1 }, { 1200, 4, 2 }, { 4000, 2, 2 },
    };
    struct config *config;
    struct plan_node node = { .op = PLAN_UDF };
    const struct plan_node *nodes[] = { &node };
    struct plan plan = { .n_nodes = 1, .nodes = nodes };
    struct err err = { 0 };

    (void)state;
    assert_true(config_load(NULL, &config, &err));
    config->udf_memory = 300 * MB;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct raster_options o = { .threads = rows[i].threads, .memory_bytes = (size_t)rows[i].threads * 200 * MB,
                                    .task_bytes = (size_t)rows[i].task * MB, .config = config };

        err_clear(&err);
        if (foreign_fit(&plan, &o, &err) != (rows[i].want > 0) || (rows[i].want && o.threads != rows[i].want) ||
            (rows[i].want && o.memory_bytes != (size_t)rows[i].want * 200 * MB))
            fail_msg("row %zu: %d threads, %s", i, o.threads, err.message);
        if (!rows[i].want)
            assert_string_equal(err.message,
                                "The interpreter of a UDF may take 300 MB (udf.memory), buffers 200 MB (raster.block_budget) "
                                "and the process itself 128 MB; a task may take 627 MB (worker.memory).");
    }
    node.op = PLAN_LOAD;
    assert_int_equal(foreign_interpreter_bytes(&plan, &(struct raster_options){ .config = config }), 0);
    config_free(config);
}

/* ---- parts ---- */

struct parts {
    struct plan_maker m;
    const struct plan *plan;
    struct raster_options options;
    char *paths[2];
};

static void make_parts(struct parts *p)
{
    struct err err = { 0 };

    maker_init(&p->m);
    busy_plan(&p->m);
    p->plan = maker_plan(&p->m);
    p->options = (struct raster_options){ 0 };
    for (size_t i = 0; i < 2; i++) {
        p->paths[i] = path_of(i ? "two.part" : "one.part");
        if (!raster_compute(p->plan, &p->options, i ? 3 : 0, i ? 4 : 3, p->paths[i], &err))
            fail_msg("%s", err.message);
    }
}

static void drop_parts(struct parts *p)
{
    free(p->paths[0]);
    free(p->paths[1]);
    arena_free(p->m.arena);
}

static void assemble_refuses(struct parts *p, size_t n, const char *const *paths,
                             const char *reason)
{
    struct raster_result *result = NULL;
    struct err err = { 0 };

    if (raster_assemble(p->plan, &p->options, n, paths, folder, &result, &err))
        fail_msg("assembled, although %s", reason);
    assert_int_equal(err.code, ERR_StorageFailure);
    if (!strstr(err.message, reason))
        fail_msg("'%s' should say '%s'", err.message, reason);
}

static void flip(const char *path, long at)
{
    FILE *f = fopen(path, "r+b");
    int c;

    fseek(f, at, at < 0 ? SEEK_END : SEEK_SET);
    c = fgetc(f);
    fseek(f, -1, SEEK_CUR);
    fputc(c ^ 0x10, f);
    fclose(f);
}

static void parts_join_in_any_order(void **state)
{
    struct parts p;
    struct raster_result *result = NULL;
    struct err err = { 0 };
    const char *paths[2];

    (void)state;
    make_parts(&p);
    paths[0] = p.paths[1];
    paths[1] = p.paths[0];
    assert_true(raster_assemble(p.plan, &p.options, 2, paths, folder, &result, &err));
    raster_result_free(result);
    check_busy("two parts");
    drop_parts(&p);
}

static void damaged_parts_are_refused(void **state)
{
    static const struct {
        long at;
        const char *reason;
    } rows[] = { { 3, "no complete part" },    { 9, "another version" }, { 20, "header is damaged" },
                 { 40, "header is damaged" },  { 5000, "is damaged" },   { -30, "index is damaged" } };
    struct parts p;
    const char *paths[3];
    AUTO(mem) char *bad = path_of("bad.part");
    AUTO(mem) char *copy = NULL;

    (void)state;
    make_parts(&p);
    copy = mem_printf("cp '%s' '%s'", p.paths[0], bad);
    paths[0] = bad;
    paths[1] = p.paths[1];
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (system(copy) != 0)
            fail();
        flip(bad, rows[i].at);
        assemble_refuses(&p, 2, paths, rows[i].reason);
    }
    if (system(copy) != 0 || truncate(bad, 300000) != 0)
        fail();
    assemble_refuses(&p, 2, paths, "its end is missing");
    if (truncate(bad, 10) != 0)
        fail();
    assemble_refuses(&p, 2, paths, "too short");
    paths[0] = p.paths[0];
    assemble_refuses(&p, 1, paths, "is in none of the 1 parts");
    paths[2] = p.paths[0];
    assemble_refuses(&p, 3, paths, "is in two parts");
    ((struct plan_node *)p.plan->saves[0])->save.name = "other";
    assemble_refuses(&p, 2, paths, "it belongs to another plan");
    drop_parts(&p);
}

static void an_unreadable_asset_leaves_no_part(void **state)
{
    struct plan_maker m;
    struct raster_options options = { .threads = 2 };
    struct err err = { 0 };
    AUTO(mem) char *path = path_of("none.part");

    (void)state;
    maker_init(&m);
    maker_save(&m, load(&m, whole, "missing.tif"), "x", "COG");
    assert_false(raster_compute(maker_plan(&m), &options, 0, 4, path, &err));
    assert_int_equal(err.code, ERR_SourceUnreadable);
    assert_non_null(strstr(err.message, "missing.tif"));
    assert_int_not_equal(access(path, F_OK), 0);
    arena_free(m.arena);
}

/* ---- the file itself ---- */

static void large_files_have_long_offsets(void **state)
{
    AUTO(arena) struct arena *arena = arena_new();
    AUTO(encoder) struct encoder *encoder = NULL;
    struct georef_band bands[] = { { .name = "one", .scale = 0.5, .offset = 2 },
                                   { .name = "two", .scale = 1 } };
    struct cog cog = { .grid = { 4326, 10, 50, 0.1, 0.1, 1100, 700 },
                       .style = { .overviews = true, .codec = CODEC_ZSTD, .level = 1, .predictor = true,
                                  .kind = { PIXEL_I16, -1, true } },
                       .n_bands = 2, .bands = bands, .big_above = 1 };
    AUTO(mem) int16_t *tile = mem_array((size_t)BASE_TILE * BASE_TILE, sizeof *tile);
    AUTO(mem) char *path = path_of("big-offsets.tif");
    AUTO(mem) double *got = NULL;
    struct err err = { 0 };
    int64_t size;
    struct stat st;
    int width, height;
    char head[4] = { 0 };
    FILE *f;

    (void)state;
    assert_true(encoder_new(&encoder, &err));
    cog_levels(arena, &cog);
    assert_int_equal(cog.n_levels, 3);
    for (size_t l = 0; l < cog.n_levels; l++)
        for (size_t t = 0; t < 2 * cog.levels[l].columns * cog.levels[l].rows; t++) {
            const void *data;
            size_t packed;

            for (size_t i = 0; i < cog.levels[l].side * cog.levels[l].side; i++)
                tile[i] = (int16_t)(1000 * l + 100 * t + i % 100);
            assert_true(encoder_pack(encoder, &cog.style, tile, cog.levels[l].side, &data, &packed,
                                     &err));
            cog.levels[l].tiles[t].size = (uint32_t)packed;
            cog.levels[l].tiles[t].data = memcpy(arena_alloc(arena, packed), data, packed);
        }
    assert_true(cog_write(&cog, path, &size, &err));
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_size, size);
    f = fopen(path, "rb");
    assert_int_equal(fread(head, 1, 4, f), 4);
    fclose(f);
    assert_int_equal(head[2], 43);
    got = read_result("big-offsets.tif", 2, 0, &width, &height);
    assert_true(width == 550 && height == 350);
    /* tiles of overview 1: band 2 begins with tile 2 of 512 x 512 */
    assert_true(got[0] == 1000 + 200 && got[513] == 1000 + 300 + 1);
}

static void assert_member(const char *zip, const char *member, const char *want)
{
    AUTO(mem) char *name = mem_printf("/vsizip/%s/%s", zip, member);
    VSILFILE *file = VSIFOpenL(name, "rb");
    char got[16] = "";

    if (!file)
        fail_msg("%s is not in the archive", member);
    VSIFReadL(got, 1, sizeof got - 1, file);
    VSIFCloseL(file);
    assert_string_equal(got, want);
}

/* More members than 16 bits count, behind more bytes than 32 bits do (a hole in the file stands for them):
 * GDAL's reader finds each. */
static void large_archives_have_a_long_directory(void **state)
{
    enum { MEMBERS = 66000 };
    AUTO(mem) char *path = path_of("large.zip"), *inside = NULL;
    struct zip_file zip;
    struct err err = { 0 };
    int64_t size;
    char **names;

    (void)state;
    assert_true(zip_create(&zip, path, &err));
    for (int i = 0; i < MEMBERS; i++) {
        char name[16], data[16];

        snprintf(name, sizeof name, "d/%d", i);
        snprintf(data, sizeof data, "<%d>", i);
        if (!zip_add(&zip, name, data, strlen(data), &err))
            fail_msg("%s", err.message);
        zip.at += i == 0 ? (uint64_t)5 << 30 : 0;
    }
    assert_true(zip_finish(&zip, &size, &err));
    assert_true(size > (int64_t)5 << 30);
    zip_done(&zip);
    assert_member(path, "d/65534", "<65534>");
    assert_member(path, "d/65999", "<65999>");
    inside = mem_printf("/vsizip/%s/d", path);
    names = VSIReadDir(inside);
    assert_int_equal(CSLCount(names), MEMBERS);
    CSLDestroy(names);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_copy_is_the_file),
        cmocka_unit_test(cut_outs_decode_tiles_once),
        cmocka_unit_test(planes_end_at_their_grid),
        cmocka_unit_test(passing_planes_are_cut),
        cmocka_unit_test(shared_values_live_as_long_as_needed),
        cmocka_unit_test(threads_share_few_blocks),
        cmocka_unit_test(legs_share_no_plane),
        cmocka_unit_test(estimates_know_of_overviews),
        cmocka_unit_test(pictures_have_alpha),
        cmocka_unit_test(json_is_nested_like_the_cube),
        cmocka_unit_test(unfit_results_are_refused_early),
        cmocka_unit_test(interpreters_are_counted),
        cmocka_unit_test(parts_join_in_any_order),
        cmocka_unit_test(damaged_parts_are_refused),
        cmocka_unit_test(an_unreadable_asset_leaves_no_part),
        cmocka_unit_test(large_files_have_long_offsets),
        cmocka_unit_test(large_archives_have_a_long_directory),
    };

    return cmocka_run_group_tests(tests, prepare, remove_folder);
}
