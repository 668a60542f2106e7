/* What is fetched of a product that lies on another server: which files, where they come to lie, and what tells that they are right. */
#include "jobs/product_files.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include "json/js.h"

static json_t *parsed(const char *text)
{
    json_t *json = NULL;
    struct err err = { 0 };

    if (!js_parse(text, strlen(text), 64, &json, &err))
        fail_msg("%s: %s", err.message, text);
    return json;
}

/* "name<url name<url", in their order; "!" when it is refused. */
static char *listed(const char *id, const char *assets, const char *document)
{
    AUTO(json) json_t *item = json_pack("{s:s, s:o}", "id", id, "assets", parsed(assets)), *files = NULL;
    char *text = mem_text("");
    struct err err = { 0 };
    json_t *file;
    size_t i;

    if (!product_files(item, document, &files, &err)) {
        free(text);
        assert_int_equal(err.code, ERR_SourceUnreadable);
        return mem_text("!");
    }
    json_array_foreach(files, i, file) {
        char *more = mem_printf("%s%s%s<%s", text, i ? " " : "", json_string_value(json_object_get(file, "name")),
                                json_string_value(json_object_get(file, "url")));

        free(text);
        text = more;
    }
    return text;
}

static void files_of_products(void **state)
{
    static const struct { const char *id, *assets, *document, *files; } rows[] = {
        { "X", "{\"a\":{\"href\":\"https://h/p.zip\"}}", NULL, "X.zip<https://h/p.zip" },
        { "X", "{\"a\":{\"href\":\"https://h/p.ZIP?key=1\"}}", NULL, "X.zip<https://h/p.ZIP?key=1" },
        { "X.zip", "{\"a\":{\"href\":\"https://h/Products(1)/$value\",\"type\":\"application/zip\"}}", NULL, "X.zip<https://h/Products(1)/$value" },
        { "../X", "{\"a\":{\"href\":\"https://h/p.zip\"}}", NULL, "product.zip<https://h/p.zip" },
        { "X", "{\"q\":{\"href\":\"https://h/q.png\"},\"a\":{\"href\":\"p.zip\"}}", "https://h/c/item.json", "X.zip<https://h/c/p.zip" },
        { "X", "{\"a\":{\"href\":\"s3://b/p.zip\",\"type\":\"application/zip\",\"alternate\":{\"s\":{\"href\":\"s3://c\"},\"h\":{\"href\":\"https://h/p\"}}}}", NULL,
          "X.zip<https://h/p" },
        { "X", "{\"a\":{\"href\":\"s3://b/p.zip\"}}", NULL, "!" },
        { "X", "{\"a\":{\"href\":\"/etc/p.zip\"}}", NULL, "!" },
        { "X", "{\"a\":{\"href\":\"https://h/p.tif\"}}", NULL, "!" },
        { "X", "{}", NULL, "!" },
        { "X", "{\"m\":{\"href\":\"https://h/P.SAFE/manifest.safe\"},\"v\":{\"href\":\"https://h/P.SAFE/measurement/v.tiff?k\"},"
               "\"p\":{\"href\":\"https://h/P.SAFE/preview/q.png\"},\"c\":{\"href\":\"https://h/P.SAFE/annotation/calibration/c.xml\"}}", NULL,
          "P.SAFE/manifest.safe<https://h/P.SAFE/manifest.safe P.SAFE/measurement/v.tiff<https://h/P.SAFE/measurement/v.tiff?k "
          "P.SAFE/annotation/calibration/c.xml<https://h/P.SAFE/annotation/calibration/c.xml" },
        /* no way out of the folder, and nothing of another one */
        { "X", "{\"m\":{\"href\":\"https://h/P/manifest.safe\"},\"v\":{\"href\":\"https://h/P/measurement/v.tiff\"},"
               "\"a\":{\"href\":\"https://h/P/measurement/%2e%2e/%2e%2e/x\"},\"b\":{\"href\":\"https://h/P/measurement/../../x\"},"
               "\"c\":{\"href\":\"https://h/P/measurement/%2fetc\"},\"d\":{\"href\":\"https://h/Q/measurement/v.tiff\"}}", NULL,
          "P/manifest.safe<https://h/P/manifest.safe P/measurement/v.tiff<https://h/P/measurement/v.tiff" },
        { "X", "{\"m\":{\"href\":\"https://h/%2e%2e/manifest.safe\"},\"v\":{\"href\":\"https://h/%2e%2e/measurement/v.tiff\"}}", NULL,
          "X.SAFE/manifest.safe<https://h/%2e%2e/manifest.safe X.SAFE/measurement/v.tiff<https://h/%2e%2e/measurement/v.tiff" },
        { "X", "{\"m\":{\"href\":\"https://h/P.SAFE/manifest.safe\"}}", NULL, "!" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(mem) char *files = listed(rows[i].id, rows[i].assets, rows[i].document);

        assert_string_equal(files, rows[i].files);
    }
}

static void checksums_are_multihashes(void **state)
{
    static const struct { const char *told, *algorithm, *digits; } rows[] = {
        { "d50110d41d8cd98f00b204e9800998ecf8427e", "md5", "d41d8cd98f00b204e9800998ecf8427e" },
        { "1114DA39A3EE5E6B4B0D3255BFEF95601890AFD80709", "sha1", "da39a3ee5e6b4b0d3255bfef95601890afd80709" },
        { "1220e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "sha256",
          "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
        { "1220e3b0", NULL, NULL },
        { "d41d8cd98f00b204e9800998ecf8427e", NULL, NULL }, /* bare: of what kind? */
        { "", NULL, NULL },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(json) json_t *item = json_pack("{s:s, s:{s:{s:s, s:s}}}", "id", "X", "assets", "a", "href", "https://h/p.zip", "file:checksum",
                                            rows[i].told), *files = NULL;
        struct err err = { 0 };
        const json_t *checksum;

        assert_true(product_files(item, NULL, &files, &err));
        checksum = json_object_get(json_array_get(files, 0), "checksum");
        assert_int_equal(checksum != NULL, rows[i].algorithm != NULL);
        if (checksum) {
            assert_string_equal(json_string_value(json_object_get(checksum, "algorithm")), rows[i].algorithm);
            assert_string_equal(json_string_value(json_object_get(checksum, "digits")), rows[i].digits);
        }
    }
}

static void places_have_addresses(void **state)
{
    static const struct { const char *place, *url; } rows[] = {
        { "{\"href\":\"https://h/p\"}", "https://h/p" },
        { "{\"root\":\"s3://b/\",\"url\":\"https://h/\",\"href\":\"s3://b/p.zip\"}", "https://h/p.zip" },
        { "{\"href\":\"https://h/P\",\"assets\":{\"m\":\"./manifest.safe\",\"v\":\"./measurement/v.tiff\"}}", "https://h/P/manifest.safe" },
        { "{\"href\":\"s3://b/p.zip\"}", NULL },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(json) json_t *json = parsed(rows[i].place), *files = NULL;
        struct place place = place_read(json);
        struct err err = { 0 };

        assert_int_equal(product_files_at(&place, "X", &files, &err), rows[i].url != NULL);
        if (rows[i].url)
            assert_string_equal(json_string_value(json_object_get(json_array_get(files, 0), "url")), rows[i].url);
    }
}

static void tape_is_told_in_several_ways(void **state)
{
    static const struct { const char *item; bool tape; } rows[] = {
        { "{\"properties\":{\"order:status\":\"orderable\"}}", true },
        { "{\"properties\":{\"order:status\":\"succeeded\",\"storage:tier\":\"archive\"}}", false },
        { "{\"properties\":{\"storage:tier\":\"ARCHIVE\"}}", true },
        { "{\"properties\":{\"storage:tier\":\"hot\"}}", false },
        { "{\"properties\":{},\"assets\":{\"a\":{\"storage:tier\":\"glacier\"}}}", true },
        { "{}", false },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(json) json_t *item = parsed(rows[i].item);

        assert_int_equal(product_is_on_tape(item), rows[i].tape);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_of_products),
        cmocka_unit_test(checksums_are_multihashes),
        cmocka_unit_test(places_have_addresses),
        cmocka_unit_test(tape_is_told_in_several_ways),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
