/* CQL2: what expressions mean for an item, by cql2_match(): each is asked for, its negation, and whether
 * it is neither. */
#include "cql2/cql2.h"
#include "../cql2_meanings.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static bool holds(const char *text, const json_t *item)
{
    AUTO(arena) struct arena *arena = arena_new();
    struct cql2_node *tree;
    struct err err = { 0 };

    if (!cql2_parse_text(text, strlen(text), arena, &tree, &err) ||
        !cql2_check(tree, cql2_property_in_table, meanings_properties, arena, &err))
        fail_msg("%s: %s", text, err.message);
    return cql2_match(tree, item);
}

static char meaning(const char *text, const json_t *item)
{
    AUTO(mem) char *negated = mem_printf("NOT (%s)", text);
    AUTO(mem) char *unknown = mem_printf("(%s) IS NULL", text);
    bool yes = holds(text, item), no = holds(negated, item), neither = holds(unknown, item);

    assert_int_equal(yes + no + neither, 1);
    return yes ? 'T' : no ? 'F' : 'U';
}

static void mean(const struct meaning *rows, size_t count, const char *item)
{
    AUTO(json) json_t *json = json_loads(item, 0, NULL);

    assert_non_null(json);
    for (size_t i = 0; i < count; i++) {
        char got = meaning(rows[i].text, json);

        if (got != rows[i].want)
            fail_msg("%s: %c, expected %c", rows[i].text, got, rows[i].want);
    }
}

static void expressions_mean_what_they_should(void **state)
{
    (void)state;
    mean(meanings, ARRAY_LEN(meanings), meanings_item);
}

static void datetime_may_be_an_interval(void **state)
{
    static const char item[] =
        "{\"id\":\"a\",\"geometry\":null,\"properties\":{\"datetime\":null,\"start_datetime\":\"2024-01-01T00:00:00Z\","
        "\"end_datetime\":\"2024-12-31T00:00:00Z\"}}";
    static const struct meaning rows[] = {
        { 'T', "datetime = TIMESTAMP('2024-01-01T00:00:00Z')" },
        { 'F', "datetime IS NULL" },
        { 'T', "T_INTERSECTS(datetime, DATE('2024-06-01'))" },
        { 'T', "T_CONTAINS(datetime, INTERVAL('2024-06-01', '2024-06-02'))" },
        { 'F', "T_AFTER(datetime, DATE('2024-06-01'))" },
        { 'T', "geometry IS NULL" },
        { 'U', "S_INTERSECTS(geometry, POINT(1 2))" },
        { 'U', "S_DISJOINT(geometry, POINT(1 2))" },
    };

    (void)state;
    mean(rows, ARRAY_LEN(rows), item);
}

static void geometries_across_180_degrees(void **state)
{
    static const char item[] =
        "{\"id\":\"a\",\"bbox\":[170,-10,-170,10],\"properties\":{\"datetime\":\"2024-01-01T00:00:00Z\"},"
        "\"geometry\":{\"type\":\"Polygon\",\"coordinates\":[[[170,-10],[-170,-10],[-170,10],[170,10],[170,-10]]]}}";
    static const struct meaning rows[] = {
        { 'T', "S_INTERSECTS(geometry, POINT(175 0))" },
        { 'T', "S_INTERSECTS(geometry, POINT(-175 0))" },
        { 'F', "S_INTERSECTS(geometry, POINT(0 0))" },
        { 'T', "S_WITHIN(geometry, BBOX(160,-20,-160,20))" },
    };

    (void)state;
    mean(rows, ARRAY_LEN(rows), item);
}

/* What planning folds the conditions of load_collection to: names without a table. */
static void conditions_on_any_properties(void **state)
{
    static const struct { const char *condition; bool holds; } rows[] = {
        { "{\"op\":\"<=\",\"args\":[{\"property\":\"cloud\"},20]}", true },
        { "{\"op\":\"<\",\"args\":[{\"property\":\"cloud\"},20]}", false },
        { "{\"op\":\"=\",\"args\":[{\"property\":\"none\"},20]}", false },
        { "{\"op\":\"not\",\"args\":[{\"op\":\"=\",\"args\":[{\"property\":\"none\"},20]}]}", false },
        { "{\"op\":\"isNull\",\"args\":[{\"property\":\"none\"}]}", true },
        { "{\"op\":\"between\",\"args\":[{\"property\":\"cloud\"},10,20]}", true },
        { "{\"op\":\"=\",\"args\":[{\"op\":\"casei\",\"args\":[{\"property\":\"platform\"}]},"
          "{\"op\":\"casei\",\"args\":[\"SENTINEL-2A\"]}]}", true },
        { "{\"op\":\"=\",\"args\":[{\"property\":\"platform\"},\"SENTINEL-2A\"]}", false },
        { "{\"op\":\"<>\",\"args\":[{\"property\":\"platform\"},3]}", false },
    };
    AUTO(json) json_t *item = json_loads("{\"id\":\"a\",\"properties\":{\"cloud\":20,\"platform\":\"sentinel-2a\"}}", 0, NULL);

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(arena) struct arena *arena = arena_new();
        AUTO(json) json_t *condition = json_loads(rows[i].condition, JSON_DECODE_ANY, NULL);
        struct cql2_node *tree;
        struct err err = { 0 };

        if (!cql2_compile(condition, "/properties", arena, &tree, &err))
            fail_msg("%s: %s", rows[i].condition, err.message);
        if (cql2_match(tree, item) != rows[i].holds)
            fail_msg("%s", rows[i].condition);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(expressions_mean_what_they_should),
        cmocka_unit_test(datetime_may_be_an_interval),
        cmocka_unit_test(geometries_across_180_degrees),
        cmocka_unit_test(conditions_on_any_properties),
    };

    return cmocka_run_group_tests_name("cql2_match", tests, NULL, NULL);
}
