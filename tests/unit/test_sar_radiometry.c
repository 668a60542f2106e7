/* Calibration and noise: the tables, the numbers that were computed elsewhere from real products (expected_values.json),
 * and the rules for what is not data. */
#include "json/js.h"
#include "sar/radiometry.h"
#include "tests/sar/given.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static bool read_calibration(const char *text, struct arena *arena, struct sar_calibration *ret, struct err *err)
{
    return sar_calibration_read(text, strlen(text), "c.xml", arena, ret, err);
}

static bool read_noise(const char *text, struct arena *arena, struct sar_noise *ret, struct err *err)
{
    return sar_noise_read(text, strlen(text), "n.xml", arena, ret, err);
}

struct damage {
    const char *document, *old, *new, *message;
};

static void damaged_tables_are_refused(void **state)
{
    static const struct damage rows[] = {
        { "calibration_331.xml", "<line>0<", "<line>99999999<", "line: expected a whole number" },
        { "calibration_331.xml", "<line>0<", "<line>8764<", "calibrationVector 2 is of line 8764, expected one after 8764" },
        { "calibration_331.xml", ">0 5160", ">0 -1", "calibrationVector 1: position -1 comes after 0" },
        { "calibration_331.xml", "<sigmaNought count=\"6\">6.657139e+02", "<sigmaNought count=\"6\">0",
          "sigmaNought: expected numbers from 0.001 to 10000000, found '0'" },
        { "calibration_331.xml", "<sigmaNought count=\"6\">6.657139e+02", "<sigmaNought count=\"5\">",
          "calibrationVector 1 has 6 positions and 5 values" },
        { "calibration_331.xml", "<gamma count=\"6\">", "<gamma count=\"60\">", "says that it holds 60 numbers, but 6 stand" },
        { "calibration_331.xml", "<betaNought count=\"6\">4.740000e+02", "<betaNought count=\"6\">nan", "found 'nan'" },
        { "calibration_331.xml", "<calibration>", "<!DOCTYPE calibration SYSTEM \"file:///etc/passwd\"><calibration>", "DOCTYPE" },
        { "noise_331.xml", "<noiseRangeLut count=\"6\">2.359446e+03", "<noiseRangeLut count=\"6\">-1",
          "noiseRangeLut: expected numbers from 0" },
        { "noise_331.xml", "<lastRangeSample>8742", "<lastRangeSample>-1", "noiseAzimuthVector 1 ends before it begins" },
        { "noise_331.xml", "<firstRangeSample>0</firstRangeSample>", "", "has no 'firstRangeSample'" },
        { "noise_331.xml", "</noise>", "<noiseVectorList><noiseVector><line>0</line><pixel>0</pixel><noiseLut>1</noiseLut>"
          "</noiseVector></noiseVectorList></noise>", "expected either noiseVector or noiseRangeVector elements, found 1 and 3" },
        { "noise_236.xml", "noiseVectorList", "noises", "" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(mem) char *text = given_document(rows[i].document);
        AUTO(mem) char *bad = given_changed(text, rows[i].old, rows[i].new);
        AUTO(arena) struct arena *arena = arena_new();
        struct sar_calibration calibration;
        struct sar_noise noise;
        struct err err = { 0 };

        if (rows[i].document[0] == 'c' ? read_calibration(bad, arena, &calibration, &err)
                                       : read_noise(bad, arena, &noise, &err))
            fail_msg("%s -> %s was taken", rows[i].old, rows[i].new);
        if (err.code != ERR_FileContentInvalid || !strstr(err.message, rows[i].message))
            fail_msg("%s -> %s: %s", rows[i].old, rows[i].new, err.message);
    }
}

/* Tables of two lines and two pixels, whose values in between are known by heart. */
static const char two_by_two[] =
    "<calibration><adsHeader><polarisation>VV</polarisation><swath>IW</swath></adsHeader><calibrationVectorList>"
    "<calibrationVector><line>-10</line><pixel>0 10</pixel><sigmaNought>100 200</sigmaNought><betaNought>10 10</betaNought>"
    "<gamma>50 50</gamma></calibrationVector>"
    "<calibrationVector><line>10</line><pixel>0 5 20</pixel><sigmaNought>300 300 300</sigmaNought>"
    "<betaNought>10 10 10</betaNought><gamma>50 50 50</gamma></calibrationVector></calibrationVectorList></calibration>";
static const char noise_of_parts[] =
    "<noise><adsHeader><polarisation>VV</polarisation><swath>IW</swath></adsHeader><noiseRangeVectorList><noiseRangeVector>"
    "<line>0</line><pixel>0 30</pixel><noiseRangeLut>100 400</noiseRangeLut></noiseRangeVector></noiseRangeVectorList>"
    "<noiseAzimuthVectorList>"
    "<noiseAzimuthVector><firstAzimuthLine>0</firstAzimuthLine><firstRangeSample>0</firstRangeSample><lastAzimuthLine>9"
    "</lastAzimuthLine><lastRangeSample>9</lastRangeSample><line>0 10</line><noiseAzimuthLut>1 2</noiseAzimuthLut></noiseAzimuthVector>"
    "<noiseAzimuthVector><firstAzimuthLine>0</firstAzimuthLine><firstRangeSample>20</firstRangeSample><lastAzimuthLine>9"
    "</lastAzimuthLine><lastRangeSample>29</lastRangeSample><line>5</line><noiseAzimuthLut>3</noiseAzimuthLut></noiseAzimuthVector>"
    "</noiseAzimuthVectorList></noise>";

static struct sar_radiometry *made(const char *noise_text, enum sar_quantity quantity)
{
    AUTO(arena) struct arena *arena = arena_new();
    struct sar_calibration calibration;
    struct sar_noise noise;
    struct sar_radiometry *radiometry = NULL;
    struct err err = { 0 };

    if (!read_calibration(two_by_two, arena, &calibration, &err) || (noise_text && !read_noise(noise_text, arena, &noise, &err)) ||
        !sar_radiometry_new(&calibration, noise_text ? &noise : NULL, quantity, 40, &radiometry, &err))
        fail_msg("%s", err.message);
    return radiometry;
}

static void gains_lie_between_their_vectors(void **state)
{
    static const struct { int64_t line, pixel; double gain; } rows[] = {
        { -10, 0, 100 }, { -10, 5, 150 }, { -10, 39, 200 }, { -50, 5, 150 }, { 10, 17, 300 }, { 99, 39, 300 },
        { 0, 0, 200 },   { 0, 5, 225 },   { 5, 10, 275 },
    };
    AUTO(sar_radiometry) struct sar_radiometry *r = made(NULL, SAR_SIGMA0);

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (fabs(sar_radiometry_gain(r, rows[i].line, rows[i].pixel) - rows[i].gain) > 1e-9)
            fail_msg("%lld, %lld: %.10g", (long long)rows[i].line, (long long)rows[i].pixel,
                     sar_radiometry_gain(r, rows[i].line, rows[i].pixel));
}

static void noise_has_its_factor_where_a_part_is(void **state)
{
    static const struct { int64_t line, pixel; double noise; } rows[] = {
        { 0, 0, 100 }, { 5, 0, 150 }, { 9, 9, 190 * 1.9 }, { 5, 10, 200 }, { 5, 19, 290 }, { 5, 20, 900 }, { 5, 29, 1170 },
        { 5, 30, 400 }, { 10, 0, 100 }, { -1, 25, 350 },
    };
    AUTO(sar_radiometry) struct sar_radiometry *r = made(noise_of_parts, SAR_BETA0);
    uint16_t dn[40];
    float power[40];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_true(fabs(sar_radiometry_noise(r, rows[i].line, rows[i].pixel) - rows[i].noise) < 1e-4);
    for (size_t x = 0; x < 40; x++)
        dn[x] = 50;
    sar_radiometry_block(r, &(struct sar_window){ 5, 0, 40, 1 }, dn, power);
    for (size_t x = 0; x < 40; x++) /* segments of a row are those of single pixels */
        assert_true(fabs(power[x] - (2500 - sar_radiometry_noise(r, 5, (int64_t)x)) / 100) < 1e-5);
}

static void no_data_is_0_and_data_never(void **state)
{
    AUTO(sar_radiometry) struct sar_radiometry *plain = made(NULL, SAR_GAMMA0), *clean = made(noise_of_parts, SAR_GAMMA0);
    uint16_t dn[40] = { 0, 1, 9, 10, 11, 65535 };
    float power[40];

    (void)state;
    sar_radiometry_block(clean, &(struct sar_window){ 20, 0, 40, 1 }, dn, power); /* noise 100 and 10 for each pixel */
    assert_true(power[0] == 0 && power[39] == 0);
    assert_true(power[1] == 1e-7f && power[2] == 1e-7f && power[3] == 1e-7f && power[4] == 1e-7f);
    assert_true(fabs(power[5] / ((65535.0 * 65535 - 150) / 2500) - 1) < 2e-7);
    sar_radiometry_block(plain, &(struct sar_window){ 20, 0, 40, 1 }, dn, power);
    assert_true(power[0] == 0 && fabs(power[1] * 2500 - 1) < 2e-7);
    sar_radiometry_free(clean);
    clean = made("<noise><adsHeader><polarisation>VV</polarisation><swath>IW</swath></adsHeader><noiseVectorList><noiseVector>"
                 "<line>0</line><pixel>0</pixel><noiseLut>0</noiseLut></noiseVector></noiseVectorList></noise>", SAR_GAMMA0);
    assert_true(sar_radiometry_noise(clean, 0, 0) == 0); /* tables of zeros are as good as none */
}

struct tables {
    struct arena *arena;
    struct sar_calibration calibration;
    struct sar_noise noise;
};

static bool read_tables(const char *product, const char *pol, struct tables *tables)
{
    AUTO(mem) char *path = given_product(product);
    AUTO(container) struct container *container = NULL;
    struct err err = { 0 };
    int found = 0;

    if (!path)
        return false;
    if (!container_open(path, &container, &err))
        fail_msg("%s", err.message);
    for (size_t i = 0; i < container->n_files; i++) {
        const char *name = container->files[i];
        AUTO(mem) char *part = mem_printf("-grd-%s-", pol), *bytes = NULL;
        size_t size = 0;
        bool good = true;

        if (!strstr(name, "/calibration/") || !strstr(name, part))
            continue;
        if (!container_read(container, name, 64 << 20, &bytes, &size, &err))
            fail_msg("%s", err.message);
        if (strstr(name, "/calibration-"))
            good = sar_calibration_read(bytes, size, name, tables->arena, &tables->calibration, &err);
        else
            good = sar_noise_read(bytes, size, name, tables->arena, &tables->noise, &err);
        if (!good)
            fail_msg("%s", err.message);
        found++;
    }
    return found == 2;
}

static double expected(const json_t *row, const char *name)
{
    assert_true(json_is_number(json_object_get(row, name)));
    return json_number_value(json_object_get(row, name));
}

static void compare(const char *what, double got, double want)
{
    if (fabs(got - want) > 1e-6 * fabs(want))
        fail_msg("%s: %.10g, expected %.10g", what, got, want);
}

static void check_point(struct sar_radiometry *const *r, const json_t *row)
{
    int64_t line = (int64_t)expected(row, "line"), pixel = (int64_t)expected(row, "pixel");
    struct sar_window window = { line, pixel, 1, 1 };
    uint16_t dn = 300;
    float power;

    compare("A sigma", sar_radiometry_gain(r[0], line, pixel), expected(row, "A_sigma"));
    compare("A gamma", sar_radiometry_gain(r[2], line, pixel), expected(row, "A_gamma"));
    compare("A beta", sar_radiometry_gain(r[3], line, pixel), expected(row, "A_beta"));
    compare("noise", sar_radiometry_noise(r[1], line, pixel), expected(row, "noise"));
    sar_radiometry_block(r[0], &window, &dn, &power);
    compare("sigma0", power, expected(row, "sigma0"));
    sar_radiometry_block(r[1], &window, &dn, &power);
    compare("sigma0 without noise", power, expected(row, "sigma0_denoised"));
    sar_radiometry_block(r[2], &window, &dn, &power);
    compare("gamma0 without noise", power, expected(row, "gamma0_denoised"));
}

static void real_products_give_expected_values(void **state)
{
    NEED_SAMPLES();
    AUTO(mem) char *path = given_sample("expected_values.json");
    AUTO(json) json_t *all = NULL;
    const json_t *product, *row;
    size_t i, k, points = 0;
    struct err err = { 0 };

    (void)state;
    assert_non_null(path);
    if (!js_read_file(path, &all, &err))
        fail_msg("%s", err.message);
    json_array_foreach(all, i, product) {
        const char *name = json_string_value(json_object_get(product, "product"));
        AUTO(mem) char *id = mem_textn(name, strlen(name) - strlen(".SAFE"));
        AUTO(arena) struct arena *arena = arena_new();
        struct tables t = { .arena = arena };
        AUTO(sar_radiometry) struct sar_radiometry *r0 = NULL, *r1 = NULL, *r2 = NULL, *r3 = NULL;

        if (!json_object_get(product, "radiometry_DN300"))
            continue;
        assert_true(read_tables(id, json_string_value(json_object_get(product, "pol")), &t));
        assert_true(sar_radiometry_new(&t.calibration, NULL, SAR_SIGMA0, 27000, &r0, &err) &&
                    sar_radiometry_new(&t.calibration, &t.noise, SAR_SIGMA0, 27000, &r1, &err) &&
                    sar_radiometry_new(&t.calibration, &t.noise, SAR_GAMMA0, 27000, &r2, &err) &&
                    sar_radiometry_new(&t.calibration, NULL, SAR_BETA0, 27000, &r3, &err));
        json_array_foreach(json_object_get(product, "radiometry_DN300"), k, row) {
            check_point((struct sar_radiometry *const[]){ r0, r1, r2, r3 }, row);
            points++;
        }
    }
    assert_true(points > 40);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(damaged_tables_are_refused),
        cmocka_unit_test(gains_lie_between_their_vectors),
        cmocka_unit_test(noise_has_its_factor_where_a_part_is),
        cmocka_unit_test(no_data_is_0_and_data_never),
        cmocka_unit_test(real_products_give_expected_values),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
