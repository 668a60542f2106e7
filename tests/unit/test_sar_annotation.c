/* Annotations: what real ones hold, and every way in which a damaged one is refused. */
#include "sar/annotation.h"
#include "tests/sar/given.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <time.h>

#include <cmocka.h>

static bool read_text(const char *text, struct arena *arena, struct sar_annotation *ret_annotation, struct err *err)
{
    return sar_annotation_read(text, strlen(text), "a.xml", arena, ret_annotation, err);
}

static void what_is_written_is_read(void **state)
{
    AUTO(mem) char *text = given_document("annotation_331.xml");
    AUTO(arena) struct arena *arena = arena_new();
    struct sar_annotation a;
    struct err err = { 0 };

    (void)state;
    if (!read_text(text, arena, &a, &err))
        fail_msg("%s", err.message);
    assert_string_equal(a.mission, "S1A");
    assert_string_equal(a.mode, "IW");
    assert_string_equal(a.polarisation, "VV");
    assert_false(a.ascending);
    assert_int_equal(a.absolute_orbit, 36201);
    assert_true(a.first_line_ns == 1611026213799379000); /* 2021-01-19T03:16:53.799379 */
    assert_int_equal(a.lines, 16854);
    assert_int_equal(a.samples, 25931);
    assert_true(a.range_spacing == 10 && a.azimuth_interval == 1.483282101543731e-03);
    assert_int_equal(a.n_states, 8);
    assert_true(fabs(a.states[3].t - 2.165428) < 1e-9); /* 03:16:55.964807 */
    assert_true(a.states[3].position[0] == 5.269872640740000e+06 && a.states[3].velocity[2] == -7.039373952000000e+03);
    assert_int_equal(a.n_ground_ranges, 4);
    assert_true(a.ground_ranges[0].n_srgr == 9 && a.ground_ranges[0].srgr[8] == -8.964937432907975e-39);
    assert_true(fabs(a.ground_ranges[0].t - -1.910456) < 1e-9);
    assert_int_equal(a.n_grid, 5);
    assert_true(a.grid[0].latitude == -1.769892962456625e+01 && a.grid[0].elevation == 2.703192574994542e+01);
}

static void damage_is_refused_with_its_place(void **state)
{
    static const struct { const char *old, *new, *message; } rows[] = {
        { "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n",
          "<?xml version=\"1.0\"?>\n<!DOCTYPE p [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;\">]>\n",
          "document type (DOCTYPE)" },
        { "<numberOfLines>16854", "<numberOfLines>0",
          "product/imageAnnotation/imageInformation/numberOfLines: expected a whole number from 2 to 1000000, found '0'" },
        { "<numberOfLines>16854", "<numberOfLines>16900", "by its times the last line is line 16853.00, but there are 16900 lines" },
        { "<numberOfLines>16854", "<numberOfLines>16854.5", "expected a whole number" },
        { "<numberOfSamples>25931", "<numberOfSamples>999999999999", "from 2 to 200000, found '999999999999'" },
        { "<rangePixelSpacing>1.0", "<rangePixelSpacing>nan1.0", "expected a number from 0.5 to 500, found 'nan1.0" },
        { "<azimuthTimeInterval>1", "<azimuthTimeInterval>-1", "azimuthTimeInterval: expected a number from 1e-05" },
        { "<azimuthTimeInterval>1.483282101543731e-03</azimuthTimeInterval>", "",
          "product: has no 'imageAnnotation/imageInformation/azimuthTimeInterval'" },
        { "<productFirstLineUtcTime>2021", "<productFirstLineUtcTime>20x1", "expected a time of UTC" },
        { "<productFirstLineUtcTime>2021-01", "<productFirstLineUtcTime>1021-01", "expected a time of UTC" },
        { "<missionId>S1A", "<missionId>S2A", "the mission is 'S2A'" },
        { "<missionId>S1A", "<missionId>S1A-and-more", "expected a word of 1 to 3 letters" },
        { "<missionId>S1A", "<missionId><b/>S1A", "missionId/b: an element where text was expected" },
        { "<polarisation>VV", "<polarisation>XY", "the polarisation is 'XY'" },
        { "<pass>Descending", "<pass>Sideways", "the pass is 'Sideways'" },
        { "<x>5.292093505162000e+06", "<x>0", "orbit 1 is 4702" },
        { "<z>-7.111505356000000e+03", "<z>0", "orbit 1 has a speed of 26" },
        { "<time>2021-01-19T03:16:35", "<time>2021-01-19T03:16:25", "" },
        { "<time>2021-01-19T03:16:35", "<time>2021-01-19T03:16:15", "orbit 2 is not later than the one before" },
        { "<time>2021-01-19T03:16:25.964807</time>", "", "product/generalAnnotation/orbitList/orbit: has no 'time'" },
        { "<time>2021-01-19T03:16:25.964807</time>", "<time>2021-01-19T03:16:25</time><time>2021-01-19T03:16:26</time>",
          "orbit/time: stands twice" },
        { "3.906194909359328e-02 ", "", "srgrCoefficients: says that it holds 9 numbers, but 8 stand there" },
        { "3.906194909359328e-02 ", "1 3.906194909359328e-02 ", "srgrCoefficients: holds more than 9 numbers" },
        { "3.906194909359328e-02 ", "0x1p3 ", "srgrCoefficients: expected numbers from -100000000 to 100000000, found '0x1p3'" },
        { "3.906194909359328e-02 ", "1e400 ", "found '1e400'" },
        { "<sr0>8.01", "<sr0>8.01e30", "sr0: expected a number" },
        { "<latitude>-1.769892962456625e+01", "<latitude>91", "latitude: expected a number from -90 to 90, found '91'" },
        { "</orbitList>", "", "no well-formed XML" },
        { "<product>", "<produkt><product>", "no well-formed XML" },
    };
    AUTO(mem) char *text = given_document("annotation_331.xml");

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(mem) char *bad = given_changed(text, rows[i].old, rows[i].new);
        AUTO(arena) struct arena *arena = arena_new();
        struct sar_annotation a;
        struct err err = { 0 };

        if (read_text(bad, arena, &a, &err) != (rows[i].message[0] == '\0') || !strstr(err.message, rows[i].message))
            fail_msg("%s -> %s: %s", rows[i].old, rows[i].new, err.message);
    }
}

static void an_end_in_the_middle_is_refused(void **state)
{
    AUTO(mem) char *text = given_document("annotation_331.xml");
    size_t size = strlen(text);

    (void)state;
    for (size_t cut = 0; cut + 12 < size; cut += 97) {
        AUTO(arena) struct arena *arena = arena_new();
        struct sar_annotation a;
        struct err err = { 0 };

        assert_false(sar_annotation_read(text, cut, "a.xml", arena, &a, &err));
        assert_int_equal(err.code, ERR_FileContentInvalid);
    }
}

/* Three generations of the processor: 2.36, 3.31, 3.40. */
static void real_annotations_are_read(void **state)
{
    NEED_SAMPLES();
    static const struct { const char *product, *name; int64_t lines, samples; size_t states, ground_ranges; } rows[] = {
        { CEAB, "s1a-iw-grd-vh-20150222t170725-20150222t170750-004739-005dd8-002", 16685, 25357, 0, 0 },
        { NEXT_3768, "s1a-iw-grd-vv-20150222t170750-20150222t170815-004739-005dd8-001", 16685, 25368, 0, 0 },
        { MOZAMBIQUE_8255, "s1a-iw-grd-vv-20210119t031653-20210119t031718-036201-043ed0-001", 16854, 25931, 17, 28 },
        { ROME_5371, "s1b-iw-grd-vv-20211223t051122-20211223t051147-030148-039993-001", 16705, 26102, 0, 0 },
        { ALPS_ECC8, "s1b-iw-grd-vh-20210401t052623-20210401t052648-026269-032297-002", 0, 0, 0, 0 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(mem) char *path = given_product(rows[i].product);
        AUTO(mem) char *member = mem_printf("%s.SAFE/annotation/%s.xml", rows[i].product, rows[i].name), *bytes = NULL;
        AUTO(container) struct container *container = NULL;
        AUTO(arena) struct arena *arena = arena_new();
        struct sar_annotation a;
        struct err err = { 0 };
        size_t size = 0;
        clock_t start;

        assert_non_null(path);
        if (!container_open(path, &container, &err) ||
            !container_read(container, member, 64 << 20, &bytes, &size, &err))
            fail_msg("%s", err.message);
        start = clock();
        if (!sar_annotation_read(bytes, size, member, arena, &a, &err))
            fail_msg("%s", err.message);
        print_message("%s: %.1f ms of CPU, %zu states, %zu ground ranges, %zu points\n", rows[i].name,
                      (double)(clock() - start) * 1e3 / CLOCKS_PER_SEC, a.n_states, a.n_ground_ranges, a.n_grid);
        assert_true(rows[i].lines == 0 || (a.lines == rows[i].lines && a.samples == rows[i].samples));
        assert_true(rows[i].states == 0 || a.n_states == rows[i].states);
        assert_true(rows[i].ground_ranges == 0 || a.n_ground_ranges == rows[i].ground_ranges);
        assert_int_equal(a.n_grid % 21, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(damage_is_refused_with_its_place),
        cmocka_unit_test(an_end_in_the_middle_is_refused),
        cmocka_unit_test(real_annotations_are_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
