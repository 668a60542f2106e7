/* Orbit files: what a real one holds, which images it is for, and what is refused. */
#include "sar/eof.h"
#include "sar/orbit.h"
#include "tests/sar/given.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define NAME "S1A_OPER_AUX_RESORB_OPOD_20220918T093241_V20220918T053155_20220918T084925"

static bool read_file(const char *text, const char *name, struct arena *arena, struct sar_orbit_file *ret, struct err *err)
{
    return sar_orbit_file_read(text, strlen(text), name, arena, ret, err);
}

/* Of an image that was taken `after_s` after the file begins to be valid, for `length_s`. */
static struct sar_annotation image_at(const struct sar_orbit_file *file, double after_s, double length_s)
{
    struct sar_annotation a = { .mission = "S1A", .azimuth_interval = 1e-3 };

    a.first_line_ns = file->valid_from_ns + (int64_t)(after_s * 1e9);
    a.last_line_ns = a.first_line_ns + (int64_t)(length_s * 1e9);
    a.lines = (int64_t)(length_s * 1e3) + 1;
    return a;
}

static void vectors_are_read(void **state)
{
    AUTO(mem) char *text = given_document("orbits.EOF");
    AUTO(arena) struct arena *arena = arena_new();
    struct sar_orbit_file file;
    struct err err = { 0 };

    (void)state;
    if (!read_file(text, "/some/folder/" NAME ".EOF", arena, &file, &err))
        fail_msg("%s", err.message);
    assert_string_equal(file.name, NAME);
    assert_string_equal(file.mission, "Sentinel-1A");
    assert_string_equal(file.type, "AUX_RESORB");
    assert_int_equal(file.n_states, 13);
    assert_true(file.valid_from_ns == 1663479115000000000 && file.valid_to_ns == 1663490965000000000);
    assert_true(file.states[0].time_ns == 1663479115470319000 && file.states[0].position[0] == -7017370.359270);
    assert_true(file.states[1].velocity[2] == 7430.469393);
    assert_true(read_file(text, "orbits", arena, &file, &err)); /* a name need not tell */
}

static void damage_is_refused(void **state)
{
    static const struct { const char *old, *new, *message; } rows[] = {
        { "EARTH_FIXED", "TRUE_OF_DATE", "vectors are TRUE_OF_DATE in UTC, expected EARTH_FIXED in UTC" },
        { "<Time_Reference>UTC", "<Time_Reference>TAI", "EARTH_FIXED in TAI" },
        { "Validity_Start>UTC=2022-09-18T05", "Validity_Start>UTC=2022-09-18T04", "is valid at other times than its name says" },
        { "Validity_Start>UTC=2022", "Validity_Start>UTC=2023", "ceases to be valid before it begins" },
        { "Validity_Start>UTC=2022", "Validity_Start>2O22", "Validity_Start: expected a time of UTC" },
        { "-7017370.359270", "-17017370.359270", "OSV/X: expected a number from -8000000 to 8000000" },
        { "-7017370.359270", "-1", "OSV 1 is 91" },
        { "7430.427935", "430.427935", "expected 6900000 to 7300000 and 7000 to 8200" },
        { "<UTC>UTC=2022-09-18T05:32:05", "<UTC>UTC=2022-09-18T05:31:05", "OSV 2 is not later than the one before" },
        { "<Mission>Sentinel-1A</Mission>", "", "has no 'Earth_Explorer_Header/Fixed_Header/Mission'" },
        { "<Earth_Explorer_File>", "<!DOCTYPE e SYSTEM \"http://127.0.0.1/\"><Earth_Explorer_File>", "DOCTYPE" },
        { "</Earth_Explorer_File>", "", "no well-formed XML" },
    };
    AUTO(mem) char *text = given_document("orbits.EOF"), *few = mem_text(text);

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(mem) char *bad = given_changed(text, rows[i].old, rows[i].new);
        AUTO(arena) struct arena *arena = arena_new();
        struct sar_orbit_file file;
        struct err err = { 0 };

        if (read_file(bad, NAME ".EOF", arena, &file, &err) || err.code != ERR_FileContentInvalid || !strstr(err.message, rows[i].message))
            fail_msg("%s -> %s: %s", rows[i].old, rows[i].new, err.message);
    }
    for (int i = 0; i < 6; i++) {
        char *fewer = given_changed(few, "<OSV>", "<no>"), *still = given_changed(fewer, "</OSV>", "</no>");

        free(few);
        free(fewer);
        few = still;
    }
    AUTO(arena) struct arena *arena = arena_new();
    struct sar_orbit_file file;
    struct err err = { 0 };

    assert_false(read_file(few, NAME, arena, &file, &err));
    assert_true(strstr(err.message, "expected at least 8 elements Earth_Explorer_File/Data_Block/List_of_OSVs/OSV, found 7") != NULL);
}

static void images_outside_are_refused(void **state)
{
    static const struct { double after_s, length_s; const char *mission, *message; } rows[] = {
        { 20, 25, "S1A", NULL },
        { 1, 25, "S1A", NULL },
        { 0.2, 25, "S1A", "is valid from 2022-09-18T05:31:55Z to 2022-09-18T08:49:25Z, but the image was taken from" },
        { -30, 25, "S1A", "is valid from" },
        { 11840, 25, "S1A", "is valid from" },
        { 20, 25, "S1B", "is of Sentinel-1A, but the image was taken by S1B" },
        { 5000, 25, "S1A", "has 0 vectors around the image" },
        { 80, 100, "S1A", "has 12 vectors around the image, expected at least 8, before and after" },
    };
    AUTO(mem) char *text = given_document("orbits.EOF");
    AUTO(arena) struct arena *arena = arena_new();
    struct sar_orbit_file file;
    struct err err = { 0 };

    (void)state;
    assert_true(read_file(text, NAME, arena, &file, &err));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct sar_annotation a = image_at(&file, rows[i].after_s, rows[i].length_s);

        strcpy(a.mission, rows[i].mission);
        err_clear(&err);
        if (sar_orbit_file_apply(&file, arena, &a, &err) != !rows[i].message)
            fail_msg("row %zu: %s", i, err.message);
        if (rows[i].message && !strstr(err.message, rows[i].message))
            fail_msg("row %zu: %s", i, err.message);
        if (!rows[i].message)
            assert_true(sar_orbit_file_covers(&file, &a) && a.n_states >= 8 && a.states[0].t <= 0 &&
                        a.states[a.n_states - 1].t >= rows[i].length_s);
    }
}

static void the_best_of_a_folder_is_found(void **state)
{
#define DAY "_V20220918T053155_20220918T084925.EOF"
    static const struct { const char *name, *found; } rows[] = { /* each is laid beside those before */
        { "readme", NULL },
        { "S1B_OPER_AUX_RESORB_OPOD_20220918T093241" DAY, NULL },
        { "S1A_OPER_AUX_RESORB_OPOD_20220918T093241_V20220917T053155_20220917T084925.EOF", NULL },
        { "S1A_OPER_AUX_RESORB_OPOD_20220918T093241" DAY ".part", NULL },
        { "S1A_OPER_AUX_RESORB_OPOD_20220918T093241" DAY, "S1A_OPER_AUX_RESORB_OPOD_20220918T093241" },
        { "S1A_OPER_AUX_RESORB_OPOD_20220918T083241" DAY, "S1A_OPER_AUX_RESORB_OPOD_20220918T093241" },
        { "S1A_OPER_AUX_POEORB_OPOD_20220901T000000" DAY, "S1A_OPER_AUX_POEORB_OPOD_20220901T000000" },
        { "S1A_OPER_AUX_RESORB_OPOD_20221018T093241" DAY, "S1A_OPER_AUX_POEORB_OPOD_20220901T000000" },
        { "S1A_OPER_AUX_POEORB_OPOD_20220902T000000" DAY, "S1A_OPER_AUX_POEORB_OPOD_20220902T000000" },
    };
    AUTO(mem) char *text = given_document("orbits.EOF");
    AUTO(arena) struct arena *arena = arena_new();
    char folder[] = "/tmp/test_orbits.XXXXXX";
    struct sar_orbit_file file;
    struct sar_annotation a;
    struct err err = { 0 };
    bool found;

    (void)state;
    assert_true(read_file(text, NAME, arena, &file, &err) && mkdtemp(folder));
    a = image_at(&file, 20, 25);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(mem) char *path = mem_printf("%s/%s", folder, rows[i].name);
        FILE *to = fopen(path, "w");

        assert_true(to && fputs(text, to) >= 0 && fclose(to) == 0);
        if (!sar_orbit_file_find(folder, &a, arena, &file, &found, &err))
            fail_msg("%s", err.message);
        if (found != !!rows[i].found || (found && !text_begins(file.name, rows[i].found)))
            fail_msg("with %s: %s", rows[i].name, found ? file.name : "none");
    }
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(mem) char *path = mem_printf("%s/%s", folder, rows[i].name);

        assert_int_equal(unlink(path), 0);
    }
    assert_int_equal(rmdir(folder), 0);
    assert_false(sar_orbit_file_find(folder, &a, arena, &file, &found, &err));
    assert_int_equal(err.code, ERR_FileNotFound);
}

/* The annotation of a real image of that day has an orbit of its own, which is known to some centimetres. */
static void a_real_file_agrees_with_an_annotation(void **state)
{
    NEED_SAMPLES();
    AUTO(mem) char *path = given_sample("orbit_and_slc_20220918/" NAME ".EOF");
    AUTO(mem) char *packed = given_sample("orbit_and_slc_20220918/s1a-iw3-slc-vv-20220918t074921-20220918t074946-045056-056232-006.xml.gz");
    AUTO(mem) char *command = NULL;
    AUTO(text) struct text xml = { 0 };
    AUTO(arena) struct arena *arena = arena_new();
    AUTO(orbit) struct orbit *orbit = NULL;
    struct sar_annotation own, better;
    struct sar_orbit_file file;
    struct orbit_point point;
    struct err err = { 0 };
    double worst = 0;
    char buffer[65536];
    FILE *pipe;

    (void)state;
    assert_true(path && packed);
    command = mem_printf("zcat '%s'", packed);
    pipe = popen(command, "r");
    assert_non_null(pipe);
    for (size_t got; (got = fread(buffer, 1, sizeof buffer, pipe)) > 0;)
        text_addn(&xml, buffer, got);
    assert_int_equal(pclose(pipe), 0);
    if (!sar_annotation_read(xml.data, xml.length, "slc", arena, &own, &err) || !sar_orbit_file_open(path, arena, &file, &err))
        fail_msg("%s", err.message);
    assert_int_equal(file.n_states, 1186);
    better = own;
    if (!sar_orbit_file_apply(&file, arena, &better, &err) || !orbit_new(better.states, better.n_states, &orbit, &err))
        fail_msg("%s", err.message);
    assert_true(better.n_states >= 20 && better.n_states <= 24);
    for (size_t i = 0; i < own.n_states; i++) {
        if (own.states[i].t < -80 || own.states[i].t > 100)
            continue;
        assert_true(orbit_at(orbit, own.states[i].t, &point));
        for (int k = 0; k < 3; k++)
            worst = fmax(worst, fabs(point.position[k] - own.states[i].position[k]));
    }
    print_message("largest difference %.4f m\n", worst);
    assert_true(worst > 0 && worst < 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_are_read),
        cmocka_unit_test(damage_is_refused),
        cmocka_unit_test(images_outside_are_refused),
        cmocka_unit_test(the_best_of_a_folder_is_found),
        cmocka_unit_test(a_real_file_agrees_with_an_annotation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
