/* base/: time, text, errors, identifiers, arenas. */
#include "base/err.h"
#include "base/format.h"
#include "base/id.h"
#include "base/instant.h"
#include "base/mem.h"
#include "base/text.h"
#include <inttypes.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void instants_are_rfc_3339(void **state)
{
    static const struct { const char *text; bool good; int64_t ms; const char *back; } rows[] = {
        { "1970-01-01T00:00:00Z", true, 0, "1970-01-01T00:00:00Z" },
        { "2023-08-15T10:06:01.024Z", true, 1692093961024, "2023-08-15T10:06:01.024Z" },
        { "2023-08-15t12:06:01+02:00", true, 1692093961000, "2023-08-15T10:06:01Z" },
        { "1969-12-31T23:59:59.5z", true, -500, "1969-12-31T23:59:59.500Z" },
        { "2016-12-31T23:59:60Z", true, 1483228800000, "2017-01-01T00:00:00Z" },
        { "2024-02-29T00:00:00Z", true, 1709164800000, "2024-02-29T00:00:00Z" },
        { "0001-01-01T00:00:00Z", true, -62135596800000, "0001-01-01T00:00:00Z" },
        { "2023-02-29T00:00:00Z", false, 0, NULL }, { "2023-08-15", false, 0, NULL },
        { "2023-08-15T10:06:01", false, 0, NULL },  { "2023-13-01T00:00:00Z", false, 0, NULL },
        { "2023-08-15T24:00:00Z", false, 0, NULL }, { "2023-08-15T10:06:01Zx", false, 0, NULL },
        { "0000-12-31T23:59:59Z", false, 0, NULL }, { "0001-01-01T00:00:00+00:01", false, 0, NULL },
        { "9999-12-31T23:59:59-00:01", false, 0, NULL },
        { "2023-08-15T10:06:01.Z", false, 0, NULL }, { "", false, 0, NULL },
        { "2023-8-15T10:06:01Z", false, 0, NULL },  { "2023-08-15T10:06:01+24:00", false, 0, NULL },
    };
    char text[INSTANT_TEXT_SIZE];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int64_t ms = 0;

        assert_int_equal(instant_parse(rows[i].text, &ms), rows[i].good);
        if (rows[i].good) {
            assert_int_equal(ms, rows[i].ms);
            assert_string_equal(instant_format(ms, text), rows[i].back);
        }
    }
}

static void calendar_goes_round(void **state)
{
    (void)state;
    for (int64_t day = -1000000; day < 1000000; day += 37) {
        int64_t year;
        int month, date;

        instant_civil(day, &year, &month, &date);
        assert_int_equal(instant_days(year, month, date), day);
    }
}

static void dates_alone_are_midnight(void **state)
{
    int64_t ms;

    (void)state;
    assert_true(instant_parse_date("2023-08-15", &ms));
    assert_int_equal(ms, 1692057600000);
    assert_false(instant_parse_date("2023-08-15T", &ms));
    assert_false(instant_parse_date("2023-08", &ms));
}

static void names_are_plain(void **state)
{
    static const char *const good[] = { "a", "S2A_33TWL_20230815_0_L2A", "x.y~z-1" };
    static const char *const bad[] = { "", ".", "..", "a/b", "a b", "\xc3\xa4", "a%2f", "a\\b" };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        assert_true(text_is_plain_name(good[i], 64));
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(text_is_plain_name(bad[i], 64));
    assert_false(text_is_plain_name("abc", 2));
}

static void urls_decode_and_encode(void **state)
{
    char a[] = "a%20b+c%2Fd", b[] = "a+b", c[] = "%00", d[] = "%2", e[] = "%zz";
    AUTO(text) struct text out = { 0 };

    (void)state;
    assert_true(text_url_decode(a, false));
    assert_string_equal(a, "a b+c/d");
    assert_true(text_url_decode(b, true));
    assert_string_equal(b, "a b");
    assert_false(text_url_decode(c, false));
    assert_false(text_url_decode(d, false));
    assert_false(text_url_decode(e, false));
    text_add_url(&out, "a b/ä", "/");
    assert_string_equal(out.data, "a%20b/%C3%A4");
}

static void numbers_are_whole_texts(void **state)
{
    double number;

    (void)state;
    assert_true(text_to_number("-1.5e3", &number));
    assert_float_equal(number, -1500, 0);
    assert_false(text_to_number("1 ", &number));
    assert_false(text_to_number("0x10", &number));
    assert_false(text_to_number("nan", &number));
    assert_false(text_to_number("1e999", &number));
    assert_false(text_to_number("", &number));
    assert_false(text_to_number("-", &number));
}

static void messages_are_utf8_wherever_they_are_cut(void **state)
{
    struct err err = { 0 };
    char many[2000];

    (void)state;
    err_set(&err, ERR_BadRequest, "found '%.2s'", "a\xc3\xa9");
    assert_string_equal(err.message, "found 'a?'");
    err_prefix(&err, "%.3s", "\xe2\x82\xac");
    assert_string_equal(err.message, "\xe2\x82\xac: found 'a?'");
    err_clear(&err);
    for (size_t i = 0; i < sizeof many - 2; i += 2)
        memcpy(many + i, "\xc3\xa9", 3);
    err_set(&err, ERR_BadRequest, "x%s", many);
    assert_true(text_is_utf8(err.message));
}

static void the_first_error_stays(void **state)
{
    struct err err = { 0 };

    (void)state;
    assert_false(err_set(&err, ERR_JobNotFound, "The job '%s' does not exist.", "x"));
    assert_false(err_set(&err, ERR_Internal, "later"));
    assert_int_equal(err.code, ERR_JobNotFound);
    assert_int_equal(err_status(err.code), 404);
    assert_string_equal(err_name(err.code), "JobNotFound");
    assert_false(err_prefix(&err, "%s", "/jobs"));
    assert_string_equal(err.message, "/jobs: The job 'x' does not exist.");
    assert_int_equal(err_find("DimensionNotAvailable"), ERR_DimensionNotAvailable);
    assert_int_equal(err_find("NoSuchThing"), ERR_Internal);
}

static void identifiers_differ(void **state)
{
    char a[ID_UUID_SIZE], b[ID_UUID_SIZE], c[ID_SECRET_SIZE];

    (void)state;
    id_uuid(a);
    id_uuid(b);
    id_secret(c);
    assert_string_not_equal(a, b);
    assert_true(id_is_uuid(a));
    assert_false(id_is_uuid("not-a-uuid"));
    assert_int_equal(strlen(c), ID_SECRET_SIZE - 1);
    assert_true(id_token63() > 0);
}

static void arenas_hold_many_sizes(void **state)
{
    AUTO(arena) struct arena *arena = arena_new();
    char *first = arena_text(arena, "first"), *big;

    (void)state;
    for (size_t i = 1; i < 3000; i++)
        memset(arena_alloc(arena, i), 0xff, i);
    big = arena_array(arena, 100000, 3);
    for (size_t i = 0; i < 300000; i++)
        assert_int_equal(big[i], 0);
    assert_string_equal(first, "first");
    assert_string_equal(arena_printf(arena, "%d-%s", 7, "x"), "7-x");
}

static void names_spelled_alike(void **state)
{
    static const struct { const char *a, *b; bool near; } rows[] = {
        { "limt", "limit", true },      { "LIMIT", "limit", true },   { "colections", "collections", true },
        { "sort", "sortby", true },     { "bbox", "bbox", true },     { "page", "token", false },
        { "ids", "id", true },          { "ab", "cd", false },        { "", "q", false },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_int_equal(text_is_near(rows[i].a, rows[i].b), rows[i].near);
}

static void same_as_libc(size_t size, const char *format, ...)
{
    char ours[64], libc[64];
    va_list args;
    int length, expected;

    memset(ours, '#', sizeof ours);
    memset(libc, '#', sizeof libc);
    va_start(args, format);
    length = format_text(ours, size, format, args);
    va_end(args);
    va_start(args, format);
    expected = vsnprintf(libc, size, format, args);
    va_end(args);
    assert_int_equal(length, expected);
    assert_memory_equal(ours, libc, sizeof ours);
}

static void formats_are_those_of_libc(void **state)
{
    (void)state;
    for (size_t size = 0; size <= 32; size++) {
        same_as_libc(size, "");
        same_as_libc(size, "plain, 100%%");
        same_as_libc(size, "%s/%s", "", "collections");
        same_as_libc(size, "%d %u%c", INT_MIN, UINT_MAX, 'x');
        same_as_libc(size, "%ld|%lld", LONG_MIN, LLONG_MAX);
        same_as_libc(size, "%lu|%llu|%zu", ULONG_MAX, 0ull, (size_t)7);
        same_as_libc(size, "%" PRId64 "%" PRIu64, INT64_MIN, UINT64_MAX);
        same_as_libc(size, "%s %5d|%-3s|%.2s", "a", 12, "b", "cde");
        same_as_libc(size, "%d %02X %.17g %lc", 1, 10, 0.1, L'x');
    }
}

static void times_of_products_are_nanoseconds(void **state)
{
    static const struct { const char *text; int64_t ns; } rows[] = {
        { "2021-01-19T03:16:53.799379", 1611026213799379000 }, { "2021-01-19T03:16:53.799379Z", 1611026213799379000 },
        { "1970-01-01T00:00:00", 0 },                          { "1970-01-01T00:00:00.0000000019", 1 },
        { "2021-01-19T04:16:53.5+01:00", 1611026213500000000 },
        { "2199-12-31T23:59:59.999999999", 7258118399999999999 },
    };
    static const char *const bad[] = { "", "2021", "2021-01-19", "2021-01-19T03:16:53.", "2021-01-19T03:16:53.5x", "2021-13-19T03:16:53",
                                       "1969-12-31T23:59:59", "2200-01-01T00:00:00", "2021-01-19T03:16:53.1.2",
                                       "2021-01-19T03:16:53.00000000000000000000000000000000000000000000000001zzzzzzzzzzzzzz" };
    int64_t ns;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_true(instant_parse_utc_ns(rows[i].text, &ns) && ns == rows[i].ns);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(instant_parse_utc_ns(bad[i], &ns));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_spelled_alike),
        cmocka_unit_test(instants_are_rfc_3339), cmocka_unit_test(times_of_products_are_nanoseconds),  cmocka_unit_test(calendar_goes_round),
        cmocka_unit_test(dates_alone_are_midnight), cmocka_unit_test(names_are_plain),
        cmocka_unit_test(urls_decode_and_encode), cmocka_unit_test(numbers_are_whole_texts),
        cmocka_unit_test(messages_are_utf8_wherever_they_are_cut),
        cmocka_unit_test(the_first_error_stays),  cmocka_unit_test(identifiers_differ),
        cmocka_unit_test(arenas_hold_many_sizes), cmocka_unit_test(formats_are_those_of_libc),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
