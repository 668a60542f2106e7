/* http/: addresses, routes and ranges, which are plain functions. */
#include "http/compress.h"
#include "http/range.h"
#include "http/table.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static bool nothing(struct request *rq, struct reply *reply, struct err *err)
{
    (void)rq, (void)reply, (void)err;
    return true;
}

static const struct route rows[] = {
    ROUTE(GET, "/", NOBODY, nothing, PLAIN),
    ROUTE(GET, "/stac/collections", NOBODY, nothing, STAC),
    ROUTE(GET, "/stac/collections/{id}", NOBODY, nothing, STAC),
    ROUTE(GET, "/stac/collections/special", NOBODY, nothing, STAC),
    ROUTE(POST, "/stac/collections/{id}", NOBODY, nothing, STAC),
    ROUTE(GET, "/openeo/jobs/{job}/results/{path*}", SIGNED, nothing, OPENEO),
    ROUTE(GET, "/openeo/{any*}", NOBODY, nothing, OPENEO),
    ROUTE(DELETE, "/openeo/jobs/{job}", USER, nothing, OPENEO),
    { .pattern = NULL },
};

static void addresses_are_taken_apart(void **state)
{
    static const struct { const char *target, *path; size_t segments; } good[] = {
        { "/", "/", 0 },          { "", "/", 0 },           { "/a/b", "/a/b", 2 },
        { "//a///b//", "/a/b/", 2 }, { "/a%2Fb", "/a/b", 1 }, { "/%C3%A9", "/\xc3\xa9", 1 },
        { "/a?x=/../", "/a", 1 }, { "http://h:1/a?b", "/a", 1 }, { "http://h", "/", 0 },
        { "/...", "/...", 1 },    { "/a+b", "/a+b", 1 },    { "*", "/*", 1 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        AUTO(arena) struct arena *arena = arena_new();
        struct url url;
        struct err err = { 0 };

        assert_true(url_parse(arena, good[i].target, &url, &err));
        assert_string_equal(url.path, good[i].path);
        assert_int_equal(url.n_segments, good[i].segments);
    }
}

static void bad_addresses_are_refused(void **state)
{
    static const char *const bad[] = {
        "/..", "/a/../b", "/.", "/%2e%2e", "/a%2f..%2fb", "/a%5c..", "/%00", "/a%", "/a%4", "/%zz",
        "/%ff", "/%c0%af", "/%ed%a0%80", "/%f4%90%80%80", "/a%0d%0ab", "/?x=%", "/?%ff=1", "/%7f",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        AUTO(arena) struct arena *arena = arena_new();
        struct url url;
        struct err err = { 0 };

        if (url_parse(arena, bad[i], &url, &err))
            fail_msg("%s was taken", bad[i]);
        assert_int_equal(err.code, ERR_BadRequest);
    }
}

static void queries_are_decoded(void **state)
{
    AUTO(arena) struct arena *arena = arena_new();
    struct url url;
    struct err err = { 0 };

    (void)state;
    assert_true(url_parse(arena, "/x?a=1+2&&b=%26%3D&c&a=3&=d#frag", &url, &err));
    assert_int_equal(url.n_query, 5);
    assert_string_equal(url_query(&url, "a"), "1 2");
    assert_string_equal(url_query(&url, "b"), "&=");
    assert_string_equal(url_query(&url, "c"), "");
    assert_string_equal(url_query(&url, ""), "d");
    assert_null(url_query(&url, "frag"));
}

static void rows_are_found(void **state)
{
    static const struct { enum method method; const char *path; int row; enum face face;
                          const char *methods, *value; } cases[] = {
        { GET, "/", 0, FACE_PLAIN, "GET, HEAD, OPTIONS", NULL },
        { HEAD, "/stac/collections/", 1, FACE_STAC, "GET, HEAD, OPTIONS", NULL },
        { GET, "/stac/collections/x%2Fy", 2, FACE_STAC, "GET, HEAD, POST, OPTIONS", "x/y" },
        { GET, "/stac/collections/special", 3, FACE_STAC, "GET, HEAD, POST, OPTIONS", NULL },
        { POST, "/stac/collections/special", 4, FACE_STAC, "GET, HEAD, POST, OPTIONS", "special" },
        { PUT, "/stac/collections/x", -1, FACE_STAC, "GET, HEAD, POST, OPTIONS", NULL },
        { GET, "/stac/none", -1, FACE_STAC, "OPTIONS", NULL },
        { GET, "/none", -1, FACE_PLAIN, "OPTIONS", NULL },
        { GET, "/openeo/jobs/1/results/a/b", 5, FACE_OPENEO, "GET, HEAD, OPTIONS", "1" },
        { GET, "/openeo/jobs/1/results", 5, FACE_OPENEO, "GET, HEAD, OPTIONS", "1" },
        { GET, "/openeo/jobs/1", 6, FACE_OPENEO, "GET, HEAD, DELETE, OPTIONS", "jobs/1" },
        { DELETE, "/openeo/jobs/1", 7, FACE_OPENEO, "GET, HEAD, DELETE, OPTIONS", "1" },
    };
    struct route_table *table = route_table_new(rows);

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        AUTO(arena) struct arena *arena = arena_new();
        struct url url;
        struct route_match match;
        struct err err = { 0 };
        char methods[ROUTE_METHODS_SIZE];

        assert_true(url_parse(arena, cases[i].path, &url, &err));
        route_find(table, cases[i].method, &url, arena, &match);
        assert_ptr_equal(match.route, cases[i].row < 0 ? NULL : &rows[cases[i].row]);
        assert_int_equal(match.face, cases[i].face);
        assert_string_equal(route_methods(match.allowed, methods), cases[i].methods);
        if (cases[i].value)
            assert_string_equal(match.variables[0].value, cases[i].value);
    }
    route_table_free(table);
}

static void ranges_are_read(void **state)
{
    static const struct { const char *header; int64_t size; enum range_result result; size_t count;
                          int64_t first, last; } cases[] = {
        { NULL, 10, RANGE_WHOLE, 0, 0, 0 },         { "bytes=0-0", 10, RANGE_PARTS, 1, 0, 0 },
        { "bytes=5-", 10, RANGE_PARTS, 1, 5, 9 },   { "bytes=-3", 10, RANGE_PARTS, 1, 7, 9 },
        { "bytes=-30", 10, RANGE_PARTS, 1, 0, 9 },  { "bytes=9-20", 10, RANGE_PARTS, 1, 9, 9 },
        { "bytes=10-", 10, RANGE_OUTSIDE, 0, 0, 0 }, { "bytes=-0", 10, RANGE_OUTSIDE, 0, 0, 0 },
        { "bytes=0-", 0, RANGE_OUTSIDE, 0, 0, 0 },  { "bytes=-1", 0, RANGE_OUTSIDE, 0, 0, 0 },
        { "bytes=3-2", 10, RANGE_WHOLE, 0, 0, 0 },  { "bytes=a-2", 10, RANGE_WHOLE, 0, 0, 0 },
        { "bytes=1-2,20-30", 10, RANGE_PARTS, 1, 1, 2 }, { "bytes= 1-2 , 4-5", 10, RANGE_PARTS, 2, 1, 2 },
        { "bytes=1-2,", 10, RANGE_WHOLE, 0, 0, 0 }, { "bytes=0-,0-", 10, RANGE_WHOLE, 0, 0, 0 },
        { "Bytes=0-1", 10, RANGE_PARTS, 1, 0, 1 },  { "bytes 0-1", 10, RANGE_WHOLE, 0, 0, 0 },
        { "bytes=18446744073709551616-", 10, RANGE_OUTSIDE, 0, 0, 0 },
        { "bytes=0-99999999999999999999999", 10, RANGE_PARTS, 1, 0, 9 },
        { "bytes=--1", 10, RANGE_WHOLE, 0, 0, 0 },  { "bytes=", 10, RANGE_WHOLE, 0, 0, 0 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct range ranges[RANGE_MAX];
        size_t count;

        assert_int_equal(range_parse(cases[i].header, cases[i].size, ranges, &count), cases[i].result);
        if (cases[i].result == RANGE_PARTS) {
            assert_int_equal(count, cases[i].count);
            assert_int_equal(ranges[0].first, cases[i].first);
            assert_int_equal(ranges[0].last, cases[i].last);
        }
    }
}

static void encodings_are_chosen(void **state)
{
    (void)state;
    assert_true(compress_accepted("gzip"));
    assert_true(compress_accepted("br, GZIP;q=0.5"));
    assert_true(compress_accepted("*"));
    assert_false(compress_accepted("gzip;q=0, *"));
    assert_false(compress_accepted("br, gzip; q=0.0"));
    assert_false(compress_accepted("gzipped"));
    assert_false(compress_accepted(""));
    assert_false(compress_accepted(NULL));
    assert_true(compress_pays("application/geo+json"));
    assert_false(compress_pays("image/tiff"));
    assert_false(compress_pays(NULL));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_taken_apart), cmocka_unit_test(bad_addresses_are_refused),
        cmocka_unit_test(queries_are_decoded),       cmocka_unit_test(rows_are_found),
        cmocka_unit_test(ranges_are_read),           cmocka_unit_test(encodings_are_chosen),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
