/* Places: where an asset is, what is told of it in an item's text, the words of the staging command, and
 * folders as zips. */
#include "ingest/zip_folder.h"
#include "jobs/hook.h"
#include "store/places_text.h"
#include "store/place.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

static void assets_are_in_the_product(void **state)
{
    static const struct { const char *place, *asset, *path; } rows[] = {
        { "{\"href\":\"/t/x.zip\",\"assets\":{\"a\":\"./X.SAFE/a.jp2\"}}", "a", "/vsizip//t/x.zip/X.SAFE/a.jp2" },
        { "{\"href\":\"/t/X.SAFE\",\"assets\":{\"a\":\"./a.jp2\"}}", "a", "/t/X.SAFE/a.jp2" },
        { "{\"href\":\"/t/X.SAFE/\",\"assets\":{\"a\":\"./a.jp2\"}}", "a", "/t/X.SAFE/a.jp2" },
        { "{\"href\":\"/t/x.zip\",\"assets\":{\"a\":\"\"}}", "a", "/t/x.zip" },
        { "{\"href\":\"/t/x.zip\",\"staged\":\"/s/x.zip\",\"assets\":{\"a\":\"./b\"}}", "a", "/vsizip//s/x.zip/b" },
        { "{\"href\":\"/t/X\",\"staged\":\"/s/X\",\"assets\":{\"a\":\"/t/X/b\"}}", "a", "/s/X/b" },
        { "{\"href\":\"/t/X\",\"staged\":\"/s/X\",\"assets\":{\"a\":\"/t/Xb\"}}", "a", "/t/Xb" },
        { "{\"href\":\"s3://b/x.zip\",\"assets\":{\"a\":\"./b\"}}", "a", "s3://b/x.zip/b" },
        { "{\"assets\":{\"a\":\"/x/b\"}}", "a", "/x/b" },
        { "{\"assets\":{\"a\":\"./b\"}}", "a", NULL },
        { "{\"href\":\"/t/x\",\"assets\":{\"a\":\"./b\"}}", "c", NULL },
        { "{\"href\":\"/t/x\"}", "c", NULL },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(json) json_t *json = parsed(rows[i].place);
        struct place place = place_read(json);
        AUTO(mem) char *path = place_asset(&place, rows[i].asset);

        if (!path || !rows[i].path)
            assert_true(!path && !rows[i].path);
        else
            assert_string_equal(path, rows[i].path);
    }
}

static void products_are_found_by_their_assets(void **state)
{
    static const struct { const char *place, *path; } rows[] = {
        { "{\"href\":\"/t/x.zip\"}", "/t/x.zip" },
        { "{\"href\":\"/t/x.zip\",\"staged\":\"/s/x.zip\"}", "/s/x.zip" },
        { "{\"assets\":{\"a\":\"/vsizip//t/x.zip/X/a\",\"b\":\"/vsizip//t/x.zip/X/c/b\"}}", "/t/x.zip" },
        { "{\"assets\":{\"a\":\"/t/X.SAFE/G/a\",\"b\":\"/t/X.SAFE/G/b\"}}", "/t/X.SAFE" },
        { "{\"assets\":{\"a\":\"/t/x/a.tif\",\"b\":\"/t/x/y/b.tif\"}}", "/t/x" },
        { "{\"assets\":{\"a\":\"/t/xy/a.tif\",\"b\":\"/t/xz/b.tif\"}}", "/t" },
        { "{\"assets\":{\"a\":\"/t/x/a.tif\"}}", "/t/x" },
        { "{\"assets\":{\"a\":\"/a.tif\"}}", NULL },
        { "{\"assets\":{\"a\":\"https://h/a.tif\"}}", NULL },
        { "{}", NULL },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(json) json_t *json = parsed(rows[i].place);
        struct place place = place_read(json);
        AUTO(mem) char *path = place_product(&place);

        if (!path || !rows[i].path)
            assert_true(!path && !rows[i].path);
        else
            assert_string_equal(path, rows[i].path);
    }
}

#define ONLINE "{\"endpoint\":\"e\",\"kind\":\"http\",\"title\":\"E\",\"state\":\"o\",\"href\":\"https://e/x\"," \
    "\"scheme\":{\"type\":\"t\",\"platform\":\"https://e\"},\"assets\":{\"a\":\"./a\",\"q\\\"\":\"./q\"}}"
#define TAPE "{\"endpoint\":\"t\",\"kind\":\"tape\",\"state\":\"f\",\"href\":\"/t/x\",\"assets\":{\"a\":\"./a\"}}"
#define EXTENSIONS(more) "\"stac_extensions\":[" more                                              \
    "\"https://stac-extensions.github.io/alternate-assets/v1.2.0/schema.json\""
#define STORAGE ",\"https://stac-extensions.github.io/storage/v2.0.0/schema.json\""
#define ORDER ",\"https://stac-extensions.github.io/order/v1.1.0/schema.json\""
#define SCHEMES "\"storage:schemes\":{\"e\":{\"type\":\"t\",\"platform\":\"https://e\"}"

/* Kept text, places, and the text to send, with \u0001 still in it. */
static void items_are_told_with_their_places(void **state)
{
    static const struct { const char *kept, *places, *sent; } rows[] = {
        { "{\"id\":\"i\",\"properties\":{},\"assets\":{}}", "{\"places\":[" TAPE "]}",
          "{\"id\":\"i\",\"properties\":{},\"assets\":{}," EXTENSIONS("") "]}" },
        { "{\"stac_extensions\":[\"x\"],\"properties\":{\"k\":1,\"order:status\":\"old\"},\"assets\":{\"a\":{\"href\":"
          "\"\\u0001/data/c/i/a/a\",\"type\":\"y\"},\"b\":{\"href\":\"b\"}}}",
          "{\"status\":\"orderable\",\"places\":[" TAPE "]}",
          "{" EXTENSIONS("\"x\",") ORDER "],\"properties\":{\"k\":1,\"order:status\":\"orderable\"},\"assets\":{\"a\":"
          "{\"type\":\"y\",\"href\":\"\\u0001/data/c/i/a/a?endpoint=t\",\"alternate:name\":\"t\"},\"b\":{\"href\":\"b\"}}}" },
        { "{ \"properties\" : { } , \"assets\" : { \"a\" : { \"href\" : \"https://own/a\" , \"n\" : [ \"}\\\"{\" ] } } }",
          "{\"status\":\"succeeded\",\"places\":[" ONLINE "," TAPE "]}",
          "{\"properties\":{\"order:status\":\"succeeded\"," SCHEMES "}},\"assets\":{\"a\":{\"n\":[ \"}\\\"{\" ],"
          "\"href\":\"https://e/x/a\",\"alternate:name\":\"E\",\"storage:refs\":[\"e\"],\"alternate\":{"
          "\"t\":{\"href\":\"\\u0001/data/c/i/a/a?endpoint=t\",\"alternate:name\":\"t\",\"order:status\":\"orderable\"},"
          "\"origin\":{\"href\":\"https://own/a\",\"alternate:name\":\"origin\"}}}}," EXTENSIONS("") STORAGE ORDER "]}" },
        { "{\"assets\":{\"a\":{\"href\":\"https://own/a\",\"alternate:name\":\"Own\",\"alternate\":{\"z\":{\"href\":\"z\"}}}}}",
          "{\"places\":[" TAPE "]}",
          "{\"assets\":{\"a\":{\"href\":\"https://own/a\",\"alternate:name\":\"Own\",\"alternate\":{\"t\":{\"href\":"
          "\"\\u0001/data/c/i/a/a?endpoint=t\",\"alternate:name\":\"t\",\"order:status\":\"orderable\"},\"z\":{\"href\":\"z\"}}}},"
          EXTENSIONS("") "]}" },
        { "{\"assets\":{\"a\":{\"href\":\"https://e/x/a\"}},\"properties\":{\"storage:schemes\":{\"m\":{\"type\":\"t\"}}}}",
          "{\"places\":[" ONLINE "]}",
          "{\"assets\":{\"a\":{\"href\":\"https://e/x/a\",\"alternate:name\":\"E\",\"storage:refs\":[\"e\"]}},\"properties\":{"
          SCHEMES ",\"m\":{\"type\":\"t\"}}}," EXTENSIONS("") STORAGE "]}" },
        { "{\"assets\":{\"q\\\"\":{\"href\":\"\\u0001/x\"}}}", "{\"places\":[" ONLINE "]}",
          "{\"assets\":{\"q\\\"\":{\"href\":\"https://e/x/q\",\"alternate:name\":\"E\",\"storage:refs\":[\"e\"]}},"
          EXTENSIONS("") STORAGE "]}" },
        { "{\"id\":\"i\"}", "{\"places\":[]}", "{\"id\":\"i\"}" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(text) struct text sent = { 0 };
        json_t *json;

        places_text_add(&sent, rows[i].kept, rows[i].places, "c", "i");
        assert_string_equal(sent.data, rows[i].sent);
        json = parsed(sent.data);
        json_decref(json);
    }
}

static void commands_are_words(void **state)
{
    static const struct hook_value values[] = { { "href", "/t/a b'c" }, { "item", "i" }, { "dash", "-rf" } };
    static const struct { const char *line; size_t n; const char *words[4]; const char *error; } rows[] = {
        { "cp {href} 'x y'\"z\"", 3, { "cp", "/t/a b'c", "x yz" }, NULL },
        { "  a  ", 1, { "a" }, NULL },
        { "--x={item}-{{", 1, { "--x=i-{" }, NULL },
        { "a ''", 2, { "a", "" }, NULL },
        { "", 0, { NULL }, NULL },
        { "a 'b", 0, { NULL }, "is not closed" },
        { "a {nothing}", 0, { NULL }, "{nothing}" },
        { "a {item", 0, { NULL }, "{item" },
        { "a x{dash}", 2, { "a", "x-rf" }, NULL },
        { "a '{dash}'", 0, { NULL }, "option" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err err = { 0 };
        char **words = NULL;
        bool good = hook_words(rows[i].line, values, ARRAY_LEN(values), &words, &err);

        assert_int_equal(good, !rows[i].error);
        if (!good) {
            assert_non_null(strstr(err.message, rows[i].error));
            continue;
        }
        for (size_t k = 0; k < rows[i].n; k++)
            assert_string_equal(words[k], rows[i].words[k]);
        assert_null(words[rows[i].n]);
        hook_words_free(words);
    }
}

/* A file of 5 GiB (of holes) has sizes, and those after it offsets, that do not fit 32 bits. */
static void large_folders_are_zips_of_the_size_foretold(void **state)
{
    char folder[] = "/tmp/sentier-zip-XXXXXX";
    static const struct { const char *name; off_t size; } files[] = { { "a", 5LL << 30 }, { "b", 3 }, { "c", 0 } };
    AUTO(zip_folder) struct zip_folder *zip = NULL;
    struct err err = { 0 };
    static char buffer[1 << 20];
    int64_t sum = 0;
    ssize_t got;

    (void)state;
    assert_non_null(mkdtemp(folder));
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        AUTO(mem) char *path = mem_printf("%s/%s", folder, files[i].name);
        FILE *file = fopen(path, "w");

        assert_int_equal(ftruncate(fileno(file), i ? files[i].size : 1000), 0);
        fclose(file);
    }
    assert_true(zip_folder_open(folder, &zip, &err));
    while ((got = zip_folder_read(zip, buffer, 7)) > 0)
        sum += got;
    assert_int_equal(got, 0);
    assert_int_equal(sum, zip_folder_size(zip));
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        AUTO(mem) char *path = mem_printf("%s/%s", folder, files[i].name);

        assert_int_equal(truncate(path, files[i].size), 0);
    }
    /* 5 GiB and 40 bytes a file more than what a small one takes, by the zip64 forms of the format */
    assert_int_equal(zip_folder_bytes(folder) - zip_folder_size(zip),
                     (5LL << 30) - 1000 + 20 + 8 /* a */ + 20 + 2 * 12 /* central */ + 56 + 20 /* end */);
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        AUTO(mem) char *path = mem_printf("%s/%s", folder, files[i].name);

        unlink(path);
    }
    rmdir(folder);
    assert_false(zip_folder_open(folder, &zip, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(assets_are_in_the_product),
        cmocka_unit_test(products_are_found_by_their_assets),
        cmocka_unit_test(items_are_told_with_their_places),
        cmocka_unit_test(commands_are_words),
        cmocka_unit_test(large_folders_are_zips_of_the_size_foretold),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
