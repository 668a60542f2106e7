/* Frames on the ground: the same from a folder and from a zip, and where another orbit puts them. */
#include "base/instant.h"
#include "raster/engine.h"
#include "sar/eof.h"
#include "sar/ortho.h"
#include "tests/sar/safe.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { SIDE = 120 };
#define ID ROME_5371
#define ANNOTATION "s1b-iw-grd-vv-20211223t051122-20211223t051147-030148-039993-001"

/* An orbit file with the annotation's own vectors, all later by `shift_s`. */
static void write_orbits(const char *folder, const struct sar_annotation *a, double shift_s)
{
    AUTO(mem) char *name = mem_printf("%s/S1B_OPER_AUX_POEORB_OPOD_20220112T000000_V20211222T225942_20211224T005942.EOF", folder);
    AUTO(text) struct text text = { 0 };

    text_printf(&text, "<Earth_Explorer_File><Earth_Explorer_Header><Fixed_Header><Mission>Sentinel-1B</Mission>"
                       "<File_Type>AUX_POEORB</File_Type><Validity_Period><Validity_Start>UTC=2021-12-22T22:59:42</Validity_Start>"
                       "<Validity_Stop>UTC=2021-12-24T00:59:42</Validity_Stop></Validity_Period></Fixed_Header><Variable_Header>"
                       "<Ref_Frame>EARTH_FIXED</Ref_Frame><Time_Reference>UTC</Time_Reference></Variable_Header>"
                       "</Earth_Explorer_Header><Data_Block><List_of_OSVs>");
    for (size_t i = 0; i < a->n_states; i++) {
        const struct sar_state *s = &a->states[i];
        int64_t us = (s->time_ns + (int64_t)(shift_s * 1e9)) / 1000;
        char time[INSTANT_TEXT_SIZE];

        instant_format_us(us, time);
        text_printf(&text, "<OSV><UTC>UTC=%.*s</UTC><X>%.6f</X><Y>%.6f</Y><Z>%.6f</Z><VX>%.6f</VX><VY>%.6f</VY><VZ>%.6f</VZ></OSV>",
                    (int)strcspn(time, "Z"), time, s->position[0], s->position[1], s->position[2], s->velocity[0], s->velocity[1],
                    s->velocity[2]);
    }
    text_add(&text, "</List_of_OSVs></Data_Block></Earth_Explorer_File>");
    safe_write_text(name, text.data);
}

/* Frees nothing of what it gives but the pixels, which the caller does. */
static float *frame_of(const char *product, const char *orbits, struct ortho_facts *facts)
{
    AUTO(mem) char *heights = given_sample("../dem/Rome-30m-DEM.tif"), *folder = orbits ? safe_path(orbits) : NULL;
    struct ortho_frame frame = { .product = product, .polarisation = "VV",
                                 .grid = { .epsg = 32633, .x0 = 290000, .y0 = 4645000, .dx = 10, .dy = 10, .width = SIDE, .height = SIDE } };
    struct ortho_options options = { .calibration = "beta0", .resampling = "bilinear", .dem = heights,
                                     .geoid = "/usr/share/proj/egm96_15.gtx", .orbits = folder, .threads = 2 };
    struct err err = { 0 };
    float *pixels = ortho_pixels_new(&frame.grid, &err);

    if (!pixels || !ortho_frame_add(&frame, &options, pixels, facts, &err))
        fail_msg("%s", err.message);
    assert_int_equal(facts->valid, SIDE * SIDE);
    return pixels;
}

static void unpack(const struct container *zip)
{
    struct err err = { 0 };

    for (size_t i = 0; i < zip->n_files; i++) {
        AUTO(mem) char *bytes = NULL;
        size_t size = 0;

        if (!container_read(zip, zip->files[i], 64 << 20, &bytes, &size, &err))
            fail_msg("%s", err.message);
        safe_write(zip->files[i], bytes, size);
    }
}

static void frames_are_those_of_product_and_orbit(void **state)
{
    NEED_SAMPLES();
    AUTO(mem) char *zip = given_product(ID), *folder = safe_path(ID ".SAFE"), *member = mem_printf(ID ".SAFE/annotation/" ANNOTATION ".xml");
    AUTO(container) struct container *container = NULL;
    AUTO(arena) struct arena *arena = arena_new();
    AUTO(mem) char *bytes = NULL;
    AUTO(mem) float *packed = NULL, *plain = NULL, *same = NULL, *later = NULL;
    struct sar_annotation a;
    struct ortho_facts facts;
    struct err err = { 0 };
    size_t size = 0;

    (void)state;
    assert_non_null(zip);
    if (!container_open(zip, &container, &err) || !container_read(container, member, 64 << 20, &bytes, &size, &err) ||
        !sar_annotation_read(bytes, size, member, arena, &a, &err))
        fail_msg("%s", err.message);
    unpack(container);
    safe_write_text("none/readme", "");
    write_orbits("same", &a, 0);
    write_orbits("later", &a, 0.05);
    packed = frame_of(zip, NULL, &facts);
    assert_string_equal(facts.orbit_file, "");
    plain = frame_of(folder, "none", &facts);
    assert_string_equal(facts.orbit_file, "");
    assert_memory_equal(packed, plain, SIDE * SIDE * sizeof *plain);
    same = frame_of(folder, "same", &facts);
    assert_string_equal(facts.orbit_file, "S1B_OPER_AUX_POEORB_OPOD_20220112T000000_V20211222T225942_20211224T005942");
    later = frame_of(zip, "later", &facts);
    for (size_t i = 0; i < SIDE * SIDE; i++) {
        /* the numbers are columns: the square root of the power is their measure */
        double column = sqrt(packed[i]) * 473.9733, again = sqrt(same[i]) * 473.9733, moved = sqrt(later[i]) * 473.9733;

        assert_true(column > 10000 && column < 26102);
        assert_true(fabs(again - column) < 0.01); /* vectors to the microsecond and micrometre */
        assert_true(fabs(moved - column) > 0.001 && fabs(moved - column) < 50); /* 350 m along the track: a little across */
    }
}

/* A file has what was in memory, and of the disk hardly more than is there. */
static void frames_in_files_take_what_they_have(void **state)
{
    const struct grid grid = { .dx = 10, .dy = 10, .width = 10980, .height = 300 };
    const size_t n = (size_t)(grid.width * grid.height);
    AUTO(mem) char *path = safe_path("frame.raw");
    AUTO(mem) float *pixels = NULL, *again = NULL;
    struct err err = { 0 };
    size_t valid = 0;
    struct stat st;

    (void)state;
    pixels = ortho_pixels_new(&grid, &err);
    again = ortho_pixels_new(&grid, &err);
    assert_true(pixels && again);
    for (size_t i = 0; i < n; i++) { /* a slanted edge: from column 0 to 5000 of the last row, and a gap of rows */
        size_t x = i % (size_t)grid.width, y = i / (size_t)grid.width;

        if (x * 300 < y * 5000 && (y < 200 || y >= 250) && x != 7) {
            pixels[i] = (float)(i + 1);
            valid++;
        }
    }
    if (!ortho_frame_write(pixels, &grid, path, &err) || !ortho_frame_read(path, &grid, again, &err))
        fail_msg("%s", err.message);
    for (size_t i = 0; i < n; i++)
        assert_true(isnan(pixels[i]) ? isnan(again[i]) : pixels[i] == again[i]);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_size, n * sizeof *pixels);
    assert_true((size_t)st.st_blocks * 512 <= valid * sizeof *pixels + 300 * 2 * 4096);
    again[5] = 1; /* what was there stays */
    pixels[5] = 2;
    if (!ortho_frame_write(pixels, &grid, path, &err) || !ortho_frame_read(path, &grid, again, &err))
        fail_msg("%s", err.message);
    assert_true(again[5] == 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(frames_are_those_of_product_and_orbit),
                                        cmocka_unit_test(frames_in_files_take_what_they_have) };

    raster_init();
    return cmocka_run_group_tests(tests, safe_begin, safe_end);
}
