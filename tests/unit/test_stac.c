/* graph/stac.c: bands, grids and radiometry of STAC 1.0 and 1.1 items. */
#include "graph/stac.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>
#include "json/js.h"

static const char item_10[] =
    "{\"type\":\"Feature\",\"stac_version\":\"1.0.0\",\"id\":\"S2A_1\",\"collection\":\"s2\","
    "\"bbox\":[15,45,16,46],\"geometry\":null,\"properties\":{\"datetime\":\"2023-08-15T09:58:11.662Z\","
    "\"platform\":\"sentinel-2a\",\"proj:epsg\":32633,\"earthsearch:boa_offset_applied\":true,"
    "\"s2:datatake_id\":\"GS2A_20230815T095031_042547_N05.09\"},\"assets\":{"
    "\"visual\":{\"href\":\"TCI.tif\",\"roles\":[\"visual\"],\"eo:bands\":[{\"name\":\"red\"}]},"
    "\"coarse\":{\"href\":\"c.tif\",\"type\":\"image/tiff; application=geotiff\",\"gsd\":60,"
    "\"eo:bands\":[{\"name\":\"red\"}]},"
    "\"red\":{\"href\":\"B04.tif\",\"type\":\"image/tiff; application=geotiff\",\"roles\":[\"data\"],"
    "\"eo:bands\":[{\"name\":\"red\",\"common_name\":\"red\",\"center_wavelength\":0.665}],"
    "\"proj:shape\":[20,10],\"proj:transform\":[10,0,499980,0,-10,5100000],"
    "\"raster:bands\":[{\"nodata\":0,\"data_type\":\"uint16\",\"scale\":0.0001,\"offset\":-0.1}]},"
    "\"scl\":{\"href\":\"SCL.tif\",\"type\":\"image/tiff; application=geotiff; profile=cloud-optimized\",\"roles\":[\"data\"],"
    "\"raster:bands\":[{\"nodata\":0,\"data_type\":\"uint8\"}]},"
    "\"thumbnail\":{\"href\":\"t.jpg\",\"type\":\"image/jpeg\",\"roles\":[\"thumbnail\"]}}}";

static const char item_11[] =
    "{\"type\":\"Feature\",\"stac_version\":\"1.1.0\",\"id\":\"X\",\"collection\":\"c\",\"geometry\":null,"
    "\"properties\":{\"datetime\":null,\"start_datetime\":\"2024-01-01T00:00:00Z\","
    "\"end_datetime\":\"2024-01-02T00:00:00Z\",\"proj:code\":\"EPSG:4326\"},\"assets\":{\"data\":{"
    "\"href\":\"x.tif\",\"roles\":[\"data\"],\"proj:shape\":[2,4],\"proj:bbox\":[0,0,4,2],"
    "\"data_type\":\"float32\",\"nodata\":\"nan\",\"bands\":[{\"name\":\"VV\",\"eo:common_name\":\"vv\"},"
    "{\"name\":\"VH\",\"raster:scale\":2}]}}}";

static json_t *parsed(const char *text)
{
    json_t *json = NULL;
    struct err err = { 0 };

    assert_true(js_parse(text, strlen(text), 64, &json, &err));
    return json;
}

static void bands_of_stac_1_0(void **state)
{
    AUTO(arena) struct arena *arena = arena_new();
    AUTO(json) json_t *item = parsed(item_10);
    struct scene scene;
    struct err err = { 0 };
    const struct scene_band *red;

    (void)state;
    assert_true(scene_from_stac(item, 2, (const char *const[]){ "scl", "red" }, arena, &scene, &err));
    assert_int_equal(scene.n_bands, 2);
    assert_int_equal(scene.orbit, 42547);
    assert_true(scene.bands[0].info.categorical && scene.bands[0].has_overviews && !scene.bands[1].has_overviews);
    assert_int_equal(scene.bands[0].pixel, PIXEL_U8);
    red = &scene.bands[1];
    assert_string_equal(red->href, "B04.tif"); /* the finest of three */
    assert_int_equal(red->grid.epsg, 32633);
    assert_int_equal(red->grid.width, 10);
    assert_int_equal(red->grid.height, 20);
    assert_true(red->grid.dy == 10 && red->grid.x0 == 499980 && red->grid.y0 == 5100000);
    assert_true(red->has_nodata && red->nodata == 0);
    assert_true(red->info.scale == 0.0001 && red->info.offset == 0); /* applied to the pixels */
    assert_true(red->info.center_wavelength == 0.665);
}

static void bands_of_stac_1_1(void **state)
{
    AUTO(arena) struct arena *arena = arena_new();
    AUTO(json) json_t *item = parsed(item_11);
    struct scene scene;
    struct err err = { 0 };

    (void)state;
    assert_true(scene_from_stac(item, 0, NULL, arena, &scene, &err));
    assert_int_equal(scene.n_bands, 2);
    assert_string_equal(scene.bands[1].name, "VH");
    assert_int_equal(scene.bands[1].index, 2);
    assert_true(scene.bands[1].info.scale == 2);
    assert_string_equal(scene.bands[0].info.common_name, "vv");
    assert_true(scene.bands[0].has_nodata && isnan(scene.bands[0].nodata));
    assert_true(scene.bands[0].grid.dx == 1 && scene.bands[0].grid.y0 == 2);
    assert_int_equal(scene.bands[0].grid.epsg, 4326);
}

static void refusals_name_the_place(void **state)
{
    static const struct { const char *item, *message; } rows[] = {
        { "{}", "/id: expected a string, found nothing" },
        { "{\"id\":\"a\"}", "/properties: expected an object, found nothing" },
        { "{\"id\":\"a\",\"properties\":{}}", "/assets: expected an object, found nothing" },
        { "{\"id\":\"a\",\"properties\":{\"datetime\":\"2023-08-15\"},\"assets\":{}}",
          "/properties/datetime: expected an RFC 3339 date and time, found '2023-08-15'" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(arena) struct arena *arena = arena_new();
        AUTO(json) json_t *item = parsed(rows[i].item);
        struct scene scene;
        struct err err = { 0 };

        assert_false(scene_from_stac(item, 0, NULL, arena, &scene, &err));
        assert_string_equal(err.message, rows[i].message);
    }
}

static void collection_of_cube_dimensions(void **state)
{
    AUTO(arena) struct arena *arena = arena_new();
    AUTO(json) json_t *collection = parsed(
        "{\"id\":\"s2\",\"cube:dimensions\":{\"bands\":{\"type\":\"bands\",\"values\":[\"B08\",\"B04\",\"SCL\"]}},"
        "\"summaries\":{\"constellation\":[\"sentinel-2\"],\"eo:bands\":[{\"name\":\"B04\",\"common_name\":\"red\"},"
        "{\"name\":\"B08\",\"common_name\":\"nir\",\"center_wavelength\":0.842}]}}");
    struct collection_info info;
    struct err err = { 0 };

    (void)state;
    assert_true(collection_info_from_stac(collection, arena, &info, &err));
    assert_int_equal(info.n_bands, 3);
    assert_string_equal(info.band_names[0], "B08");
    assert_string_equal(info.bands[0].common_name, "nir");
    assert_true(info.bands[0].center_wavelength == 0.842);
    assert_true(info.bands[2].categorical && !info.bands[1].categorical);
    assert_true(info.overpass);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bands_of_stac_1_0),
        cmocka_unit_test(bands_of_stac_1_1),
        cmocka_unit_test(refusals_name_the_place),
        cmocka_unit_test(collection_of_cube_dimensions),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
