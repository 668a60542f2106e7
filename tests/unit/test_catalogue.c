/* The catalogue's parts that need no database: kept texts, numbers, geometries,
 * footprints, numbers by chance. */
#include "ingest/parts.h"
#include "json/geojson.h"
#include "json/js_text.h"
#include "store/catalog.h"
#include "store/stac_text.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static json_t *parsed(const char *text)
{
    json_t *json = NULL;
    struct err err = { 0 };

    if (!js_parse(text, strlen(text), 64, &json, &err))
        fail_msg("%s: %s", text, err.message);
    return json;
}

static void numbers_are_short_and_exact(void **state)
{
    static const char text[] = "[0.1,1.0,-0.0,1e300,5e-324,0.30000000000000004,20.12345678901234,"
                               "123456789012,\"\\u0001\\\"\\\\\xc3\xa9\\n\",{\"b\":null,\"a\":true}]";
    AUTO(json) json_t *json = parsed(text);
    AUTO(json) json_t *again = NULL;
    AUTO(text) struct text out = { 0 };

    (void)state;
    js_text_add(&out, json);
    assert_string_equal(out.data, "[0.1,1.0,-0.0,1e+300,4.94065645841247e-324,0.30000000000000004,"
                                  "20.12345678901234,123456789012,\"\\u0001\\\"\\\\\xc3\xa9\\n\","
                                  "{\"b\":null,\"a\":true}]");
    again = parsed(out.data);
    assert_true(json_equal(json, again));
}

static void what_is_kept_is_sent_with_addresses_and_links(void **state)
{
    AUTO(json) json_t *item = parsed(
        "{\"type\":\"Feature\",\"id\":\"a\",\"links\":[{\"rel\":\"self\",\"href\":\"x\"},{\"rel\":\"license\",\"href\":\"y\"}],"
        "\"title\":\"\\\\u0001 \\\\\\\\u0002 \\u0003\",\"assets\":{\"b\":{\"href\":\"\\u0001/data/b\"}}}");
    AUTO(text) struct text kept = { 0 }, sent = { 0 };
    AUTO(json) json_t *back = NULL;
    struct err err = { 0 };

    (void)state;
    assert_true(stac_text_keep(item, NULL, &kept, &err));
    stac_text_send(&sent, kept.data, "http://h", "{\"rel\":\"self\"}");
    assert_string_equal(sent.data,
                        "{\"type\":\"Feature\",\"id\":\"a\",\"title\":\"\\\\u0001 \\\\\\\\u0002 \\u0003\",\"assets\":{\"b\":{\"href\":"
                        "\"http://h/data/b\"}},\"links\":[{\"rel\":\"self\"},{\"rel\":\"license\",\"href\":\"y\"}]}");
    assert_true(stac_text_parse(kept.data, &back, &err));
    assert_int_equal(json_array_size(json_object_get(back, "links")), 1);
}

static void marks_are_refused(void **state)
{
    static const char *const bad[] = {
        "{\"title\":\"\\u0001\"}", "{\"a\":[\"x\\u0002\"]}", "{\"k\\u0001\":1}",
        "{\"assets\":{\"b\":{\"href\":\"x\\u0001\"}}}", "{\"assets\":{\"b\":{\"title\":\"\\u0001\"}}}",
        "{\"type\":\"Feature\",\"assets\":{\"b\":{\"c\":{\"href\":\"\\u0001x\"}}}}",
        "{\"type\":\"Collection\",\"assets\":{\"b\":{\"href\":\"\\u0001x\"}}}",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        AUTO(json) json_t *item = parsed(bad[i]);
        AUTO(text) struct text kept = { 0 };
        struct err err = { 0 };

        assert_false(stac_text_keep(item, NULL, &kept, &err));
        assert_non_null(strstr(err.message, "control character"));
    }
}

static void geometries_are_checked(void **state)
{
    static const struct { const char *geometry, *message; } rows[] = {
        { "{\"type\":\"Point\",\"coordinates\":[1,2]}", NULL },
        { "{\"type\":\"MultiPolygon\",\"coordinates\":[[[[0,0],[1,0],[1,1],[0,0]]]]}", NULL },
        { "{\"type\":\"Point\",\"coordinates\":[1]}", "/g/coordinates: expected a position of 2 to 4 numbers" },
        { "{\"type\":\"LineString\",\"coordinates\":[[0,0]]}", "/g/coordinates: expected a line of at least 2 positions" },
        { "{\"type\":\"Polygon\",\"coordinates\":[[[0,0],[1,0],[1,1],[0,1]]]}", "/g/coordinates/0: expected a closed ring (the last position equals the first)" },
        { "{\"type\":\"Polygon\",\"coordinates\":[]}", "/g/coordinates: expected at least one element" },
        { "{\"type\":\"GeometryCollection\",\"geometries\":[{\"type\":\"Point\"}]}", "/g/geometries/0/coordinates: expected a position, found nothing" },
        { "{\"type\":\"Point\",\"coordinates\":[1,\"x\"]}", "/g/coordinates: expected a position of numbers, found a string" },
        { "7", "/g: expected a GeoJSON geometry, found a number" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(json) json_t *geometry = parsed(rows[i].geometry);
        struct err err = { 0 };

        assert_int_equal(geojson_check(geometry, "/g", 100, &err), rows[i].message == NULL);
        assert_string_equal(err.message, rows[i].message ? rows[i].message : "");
    }
}

static void footprints_are_cut_at_180_degrees(void **state)
{
    struct ring ring = { .n = 4, .at = { { 179, -17 }, { -179, -17 }, { -179, -16 }, { 179, -16 } } };
    double bbox[4];
    AUTO(json) json_t *geometry = footprint_geometry(&ring, bbox);
    AUTO(text) struct text text = { 0 };

    (void)state;
    js_text_add(&text, geometry);
    assert_string_equal(text.data,
                        "{\"type\":\"MultiPolygon\",\"coordinates\":[[[[179.0,-17.0],[180.0,-17.0],[180.0,-16.0],"
                        "[179.0,-16.0],[179.0,-17.0]]],[[[-180.0,-17.0],[-179.0,-17.0],[-179.0,-16.0],"
                        "[-180.0,-16.0],[-180.0,-17.0]]]]}");
    assert_true(bbox[0] == 179 && bbox[2] == -179 && bbox[1] == -17 && bbox[3] == -16);
}

static uint64_t number_of(const char *job, int run, const char *key)
{
    struct catalog_viewer viewer = { .job = job, .run = run };
    struct catalog catalog = catalog_store(&viewer);
    uint64_t number;

    assert_true(catalog.chance(catalog.context, key, &number));
    assert_true(number >> 63 == 0);
    return number;
}

/* A planning task that is tried again draws the same numbers; another run, job or node draws others. */
static void chance_is_of_a_run(void **state)
{
    static const char job[] = "0b9c1d9e-1f5c-4b7e-8d4c-3f1f4f5c6d7e", other[] = "0b9c1d9e-1f5c-4b7e-8d4c-3f1f4f5c6d7f";
    uint64_t number = number_of(job, 1, "/process_graph/a"), ignored;
    struct catalog_viewer nobody = { 0 };
    struct catalog catalog = catalog_store(&nobody);
    uint64_t all = 0;

    (void)state;
    assert_true(number_of(job, 1, "/process_graph/a") == number);
    assert_true(number_of(job, 2, "/process_graph/a") != number && number_of(other, 1, "/process_graph/a") != number &&
                number_of(job, 1, "/process_graph/b") != number);
    for (int run = 0; run < 64; run++)
        all |= number_of(job, run, "/process_graph/a") ^ number;
    assert_true(all == UINT64_MAX >> 1); /* every bit changes */
    assert_false(catalog.chance(catalog.context, "/process_graph/a", &ignored));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_short_and_exact),
        cmocka_unit_test(what_is_kept_is_sent_with_addresses_and_links),
        cmocka_unit_test(marks_are_refused),
        cmocka_unit_test(geometries_are_checked),
        cmocka_unit_test(footprints_are_cut_at_180_degrees),
        cmocka_unit_test(chance_is_of_a_run),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
