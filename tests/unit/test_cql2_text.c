/* CQL2: both readers, both writers and the checks. The standard's own examples, when $SENTIER_SPECS (or
 * ../shared/specs beside the sources) has them, must read, check, and come back equal through either
 * writer. */
#include "cql2/cql2.h"
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct cql2_node *read_text(struct arena *arena, const char *text, struct err *err)
{
    struct cql2_node *tree = NULL;

    return cql2_parse_text(text, strlen(text), arena, &tree, err) ? tree : NULL;
}

static struct cql2_node *read_json(struct arena *arena, const char *text, struct err *err)
{
    AUTO(json) json_t *json = NULL;
    struct cql2_node *tree = NULL;

    if (!js_parse(text, strlen(text), 128, &json, err))
        fail_msg("%s: %s", text, err->message);
    return cql2_parse_json(json, "/filter", arena, &tree, err) ? tree : NULL;
}

/* Through text and through JSON, each way round. */
static void comes_back(const struct cql2_node *tree, const char *what)
{
    AUTO(arena) struct arena *arena = arena_new();
    AUTO(text) struct text text = { 0 };
    AUTO(json) json_t *json = cql2_to_json(tree);
    AUTO(mem) char *dumped = json_dumps(json, JSON_ENCODE_ANY);
    struct cql2_node *again;
    struct err err = { 0 };

    cql2_write_text(tree, &text);
    again = read_text(arena, text.data, &err);
    if (!again || !cql2_equal(tree, again))
        fail_msg("%s: written as %s: %s", what, text.data, err.message);
    again = read_json(arena, dumped, &err);
    if (!again || !cql2_equal(tree, again))
        fail_msg("%s: written as %s: %s", what, dumped, err.message);
}

/* ---- the standard's examples ---- */

static char *read_example(const char *kind, const char *name, const char *suffix)
{
    const char *root = getenv("SENTIER_SPECS"), *sources = getenv("srcdir");
    AUTO(mem) char *path = root
        ? mem_printf("%s/stac/cql2/schema/examples/%s/%s.%s", root, kind, name, suffix)
        : mem_printf("%s/../shared/specs/stac/cql2/schema/examples/%s/%s.%s", sources ? sources : ".", kind, name, suffix);
    FILE *file = fopen(path, "r");
    char *content;
    size_t length;

    if (!file)
        return NULL;
    content = mem_alloc(100001);
    length = fread(content, 1, 100000, file);
    content[length] = '\0';
    fclose(file);
    return content;
}

static struct cql2_property of_examples[] = {
    { "geometry", CQL2_TYPE_GEOMETRY },    { "footprint", CQL2_TYPE_GEOMETRY },
    { "location", CQL2_TYPE_GEOMETRY },    { "road", CQL2_TYPE_GEOMETRY },
    { "updated", CQL2_TYPE_TIMESTAMP },    { "updated_at", CQL2_TYPE_TIMESTAMP },
    { "built", CQL2_TYPE_DATE },           { "starts_at", CQL2_TYPE_TIMESTAMP },
    { "ends_at", CQL2_TYPE_TIMESTAMP },    { "touchdown", CQL2_TYPE_TIMESTAMP },
    { "liftOff", CQL2_TYPE_TIMESTAMP },    { "event_time", CQL2_TYPE_TIMESTAMP },
    { "values", CQL2_TYPE_ARRAY },         { "layer:ids", CQL2_TYPE_ARRAY },
    { "floors", CQL2_TYPE_NUMBER },        { "swimming_pool", CQL2_TYPE_BOOLEAN },
    { "owner", CQL2_TYPE_STRING },         { "eo:cloud_cover", CQL2_TYPE_NUMBER },
    { NULL, CQL2_TYPE_ANY },
};

static const struct cql2_property *example_property(void *arena, const char *name, ptrdiff_t index)
{
    const struct cql2_property *known = cql2_property_in_table(of_examples, name, index);

    return known || index >= 0 ? known : cql2_property_any(arena, name, index);
}

static void check_example(struct arena *arena, struct cql2_node *tree, const char *name)
{
    struct err err = { 0 };

    if (!cql2_check(tree, example_property, arena, arena, &err) &&
        !strstr(err.message, "expected a function of this service, found '"))
        fail_msg("%s: %s", name, err.message);
}

static void the_example(const char *name)
{
    AUTO(arena) struct arena *arena = arena_new();
    AUTO(mem) char *text = read_example("text", name, "txt");
    AUTO(mem) char *json = read_example("json", name, "json");
    struct cql2_node *from_text, *from_json;
    struct err err = { 0 };

    from_text = read_text(arena, text, &err);
    if (!from_text)
        fail_msg("%s: %s", name, err.message);
    comes_back(from_text, name);
    if (json) {
        from_json = read_json(arena, json, &err);
        if (!from_json)
            fail_msg("%s: %s", name, err.message);
        comes_back(from_json, name);
        if (!cql2_equal(from_text, from_json))
            fail_msg("%s: text and JSON give different trees", name);
        check_example(arena, from_json, name);
    }
    check_example(arena, from_text, name);
}

static void examples_of_the_standard(void **state)
{
    const char *root = getenv("SENTIER_SPECS"), *sources = getenv("srcdir");
    AUTO(mem) char *path = root ? mem_printf("%s/stac/cql2/schema/examples/text", root)
                                : mem_printf("%s/../shared/specs/stac/cql2/schema/examples/text", sources ? sources : ".");
    DIR *folder = opendir(path);
    size_t count = 0;

    (void)state;
    if (!folder)
        skip();
    for (struct dirent *entry; (entry = readdir(folder));) {
        char *dot = strrchr(entry->d_name, '.');

        if (!dot || strcmp(dot, ".txt"))
            continue;
        *dot = '\0';
        the_example(entry->d_name);
        count++;
    }
    closedir(folder);
    assert_true(count >= 120);
}

/* Variants of one example say the same in other words. */
static void variants_of_examples(void **state)
{
    static const char *const same[][2] = {
        { "example36", "example36-alt01" }, { "example38", "example38-alt01" }, { "example40", "example40-alt01" },
        { "example42", "example42-alt01" }, { "example43", "example43-alt01" }, { "example44", "example44-alt01" },
        { "example46", "example46-alt01" }, { "example49", "example49-alt01" }, { "example54", "example54-alt01" },
        { "example55", "example55-alt01" }, { "example85", "example85-alt01" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(same); i++) {
        AUTO(arena) struct arena *arena = arena_new();
        AUTO(mem) char *a = read_example("text", same[i][0], "txt");
        AUTO(mem) char *b = read_example("text", same[i][1], "txt");
        struct err err = { 0 };

        if (!a || !b)
            skip();
        if (!cql2_equal(read_text(arena, a, &err), read_text(arena, b, &err)))
            fail_msg("%s and its variant differ", same[i][0]);
    }
}

/* ---- the canonical forms ---- */

static void what_is_written(void **state)
{
    static const struct { const char *text, *canonical, *json; } rows[] = {
        { "a=1", "a = 1", "{\"op\":\"=\",\"args\":[{\"property\":\"a\"},1]}" },
        { "a = .5 and b=5. AND c = 1E3", "a = 0.5 AND b = 5 AND c = 1000", NULL },
        { "(a = 1 and b = 2) and c = 3", "(a = 1 AND b = 2) AND c = 3", NULL },
        { "a = 1 and b = 2 or not c = 3", "a = 1 AND b = 2 OR NOT c = 3", NULL },
        { "a = 1 and (b = 2 or c = 3)", "a = 1 AND (b = 2 OR c = 3)", NULL },
        { "not (a = 1 and b = 2)", "NOT (a = 1 AND b = 2)", NULL },
        { "not not a = 1", "NOT NOT a = 1", NULL },
        { "a - (b - c) - d = 2 * (3 + e) ^ 2", "a - (b - c) - d = 2 * (3 + e) ^ 2", NULL },
        { "(a ^ b) ^ c = a ^ (b ^ c)", "(a ^ b) ^ c = a ^ (b ^ c)", NULL },
        { "a % 2 * 3 DiV 4 = - b", "a % 2 * 3 DIV 4 = -1 * b", NULL },
        { "a = -1 ^ 2", "a = -1 ^ 2",
          "{\"op\":\"=\",\"args\":[{\"property\":\"a\"},{\"op\":\"^\",\"args\":[-1,2]}]}" },
        { "a-1=-1", "a - 1 = -1", NULL },
        { "a + -1 = +1", "a + -1 = 1", NULL },
        { "a = 0.1 + 1e-7 + 123456789012345680000", "a = 0.1 + 1e-07 + 1.2345678901234568e+20", NULL },
        { "a = -0.0", "a = 0", NULL },
        { "a = 'it''s \\'x\\' \\\\ \\t\\n'", "a = 'it''s ''x'' \\\\ \\t\\n'", NULL },
        { "a like '10\\% \\_'", "a LIKE '10\\\\% \\\\_'",
          "{\"op\":\"like\",\"args\":[{\"property\":\"a\"},\"10\\\\% \\\\_\"]}" },
        { "\"eo:cloud_cover\" < 1", "eo:cloud_cover < 1", NULL },
        { "\"a b\" = 1 AND \"date\" = 2 AND \"x\"\"y\" = 3 AND \"s2-tile\" = 4",
          "\"a b\" = 1 AND \"date\" = 2 AND \"x\"\"y\" = 3 AND \"s2-tile\" = 4", NULL },
        { "date = 1 and point = 2 and z.é = 3", "\"date\" = 1 AND \"point\" = 2 AND z.é = 3", NULL },
        { "a is null and b IS not NULL", "a IS NULL AND NOT b IS NULL", NULL },
        { "a not in (1,'x',true)", "NOT a IN (1, 'x', TRUE)", NULL },
        { "a in ()", "a IN ()", NULL },
        { "a between 1+1 and 2*b and c = 1", "a BETWEEN 1 + 1 AND 2 * b AND c = 1", NULL },
        { "(a > 1) is null", "(a > 1) IS NULL", NULL },
        { "(a > 1) = (b > 1)", "(a > 1) = (b > 1)", NULL },
        { "casei(accenti(a)) like casei('x%')", "CASEI(ACCENTI(a)) LIKE CASEI('x%')", NULL },
        { "t = timestamp('2024-02-29t12:00:00.120+01:00')", "t = TIMESTAMP('2024-02-29T11:00:00.12Z')",
          "{\"op\":\"=\",\"args\":[{\"property\":\"t\"},{\"timestamp\":\"2024-02-29T11:00:00.12Z\"}]}" },
        { "T_AFTER(t, Date('2024-02-29'))", "T_AFTER(t, DATE('2024-02-29'))", NULL },
        { "t_finishedby(t, interval('..',b))", "T_FINISHEDBY(t, INTERVAL('..', b))",
          "{\"op\":\"t_finishedBy\",\"args\":[{\"property\":\"t\"},{\"interval\":[\"..\",{\"property\":\"b\"}]}]}" },
        { "t_during(t, interval(f(a),'2024-01-01'))", "T_DURING(t, INTERVAL(f(a), '2024-01-01'))", NULL },
        { "s_within(g, bbox(170,-10,-170,10))", "S_WITHIN(g, BBOX(170, -10, -170, 10))",
          "{\"op\":\"s_within\",\"args\":[{\"property\":\"g\"},{\"bbox\":[170,-10,-170,10]}]}" },
        { "s_intersects(g,point z(1.50 2 -3))", "S_INTERSECTS(g, POINT Z(1.5 2 -3))",
          "{\"op\":\"s_intersects\",\"args\":[{\"property\":\"g\"},{\"type\":\"Point\",\"coordinates\":[1.5,2,-3]}]}" },
        { "s_intersects(g,POINT Z(1 2))", "S_INTERSECTS(g, POINT(1 2))", NULL },
        { "s_intersects(g,MULTIPOINT(1 2,(3 4)))", "S_INTERSECTS(g, MULTIPOINT((1 2),(3 4)))", NULL },
        { "s_intersects(g,LINESTRING(1 2 0,3 4 0))", "S_INTERSECTS(g, LINESTRING Z(1 2 0,3 4 0))", NULL },
        { "s_intersects(g,GEOMETRYCOLLECTION(POINT(1 2),GEOMETRYCOLLECTION(MULTIPOLYGON(((0 0,1 0,1 1,0 0))))))",
          "S_INTERSECTS(g, GEOMETRYCOLLECTION(POINT(1 2),GEOMETRYCOLLECTION(MULTIPOLYGON(((0 0,1 0,1 1,0 0))))))", NULL },
        { "a_contains(a, ('x'))", "A_CONTAINS(a, ('x'))",
          "{\"op\":\"a_contains\",\"args\":[{\"property\":\"a\"},[\"x\"]]}" },
        { "a_equals((), ((1), (2,3), 'x', (1)+1))", "A_EQUALS((), ((1), (2, 3), 'x', 1 + 1))",
          "{\"op\":\"a_equals\",\"args\":[[],[[1],[2,3],\"x\",{\"op\":\"+\",\"args\":[1,1]}]]}" },
        { "f() and g((a+b)*2, (1), a > 1)", "f() AND g((a + b) * 2, (1), a > 1)", NULL },
        { "true and FALSE", "TRUE AND FALSE", NULL },
        { "s_intersects((a < 1), bbox(0,-0,1,1))", "S_INTERSECTS((a < 1), BBOX(0, 0, 1, 1))", NULL },
        { "a_contains(a, b < 1)", "A_CONTAINS(a, b < 1)", NULL },
        { "a in ((b < 1), 2)", "a IN ((b < 1), 2)", NULL },
        { "\ta\u00a0=\r\n1\u3000", "a = 1", NULL },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(arena) struct arena *arena = arena_new();
        AUTO(text) struct text text = { 0 };
        AUTO(json) json_t *json = NULL;
        struct err err = { 0 };
        struct cql2_node *tree = read_text(arena, rows[i].text, &err);

        if (!tree)
            fail_msg("%s: %s", rows[i].text, err.message);
        cql2_write_text(tree, &text);
        assert_string_equal(text.data, rows[i].canonical);
        comes_back(tree, rows[i].text);
        json = cql2_to_json(tree);
        if (rows[i].json) {
            AUTO(json) json_t *want = json_loads(rows[i].json, 0, NULL);

            assert_non_null(want);
            if (!json_equal(json, want))
                fail_msg("%s: written as %s", rows[i].text, json_dumps(json, 0));
        }
    }
}

/* ---- refusals ---- */

static struct cql2_property table[] = {
    { "id", CQL2_TYPE_STRING },           { "datetime", CQL2_TYPE_TIMESTAMP },
    { "created", CQL2_TYPE_TIMESTAMP },   { "geometry", CQL2_TYPE_GEOMETRY },
    { "eo:cloud_cover", CQL2_TYPE_NUMBER }, { "platform", CQL2_TYPE_STRING },
    { "flag", CQL2_TYPE_BOOLEAN },        { "instruments", CQL2_TYPE_ARRAY },
    { "mixed", CQL2_TYPE_ANY },           { NULL, CQL2_TYPE_ANY },
};

static void refusals_of_text_name_the_place(void **state)
{
    static const struct { const char *text, *message; } rows[] = {
        { "", "character 1: expected a property, a value or a function, found the end" },
        { "eo:cloud_cover <", "character 17: expected a property, a value or a function, found the end" },
        { "eo:cloud_cover 10", "character 16: expected an operator, AND, OR or the end, found 10" },
        { "eo:cloud_cover < 10 AND", "character 24: expected a property, a value or a function, found the end" },
        { "eo:cloud_cover == 10", "character 17: expected a property, a value or a function, found =" },
        { "eo:cloud_cover != 10", "character 16: expected a name, a value or an operator, found !" },
        { "id = 'x", "character 8: expected a closing ', found the end" },
        { "\"id = 'x'", "character 10: expected a closing \", found the end" },
        { "(id = 'x'", "character 10: expected an operator or a closing ), found the end" },
        { "id = 'x')", "character 9: expected an operator, AND, OR or the end, found )" },
        { "é = 'ü' AND ! = 1", "character 13: expected a name, a value or an operator, found !" },
        { "id NOT 'x'", "character 8: expected LIKE, BETWEEN or IN, found 'x'" },
        { "id IS 'x'", "character 7: expected NULL or NOT NULL, found 'x'" },
        { "eo:cloud_cover BETWEEN 1 OR 2", "character 26: expected AND and the upper end of BETWEEN, found OR" },
        { "id IN 'x'", "character 7: expected an opening (, found 'x'" },
        { "id IN ('x' 'y')", "character 12: expected a comma or a closing ), found 'y'" },
        { "eo:cloud_cover ^ 2 ^ 3 = 1",
          "character 20: expected parentheses that say which ^ comes first, found ^" },
        { "eo:cloud_cover = 1e999",
          "character 18: expected a number that a double can hold, found a greater one" },
        { "datetime > DATE('2023-02-29')",
          "character 17: expected a date such as '2024-02-29', found '2023-02-29'" },
        { "datetime > TIMESTAMP('2023-02-28')",
          "character 22: expected a time such as '2024-02-29T12:00:00Z', found '2023-02-28'" },
        { "datetime > TIMESTAMP('2023-02-28T25:00:00Z')",
          "character 22: expected a time such as '2024-02-29T12:00:00Z', found '2023-02-28T25:00:00Z'" },
        { "datetime > DATE(2023)", "character 17: expected a date in single quotes, found 2023" },
        { "T_DURING(datetime, INTERVAL('2024-01-02', '2024-01-01'))",
          "character 20: expected an interval that starts before it ends, found 2024-01-02 after 2024-01-01" },
        { "T_DURING(datetime, INTERVAL('2024-01-02'))",
          "character 20: expected INTERVAL with a start and an end, found 1 arguments" },
        { "T_DURING(datetime, INTERVAL('x', '..'))",
          "character 29: expected a date such as '2024-02-29', a time such as '2024-02-29T12:00:00Z' or '..', found 'x'" },
        { "T_DURING(datetime)", "character 1: expected T_DURING with 2 arguments, found 1" },
        { "S_INTERSECTS(geometry, POINT(1))", "character 31: expected a latitude, found )" },
        { "S_INTERSECTS(geometry, POINT(1 95))",
          "character 32: expected a latitude within -90 and 90, found 95" },
        { "S_INTERSECTS(geometry, POINT(1 2 3 4))",
          "character 36: expected a number, a comma or a closing ), found 4" },
        { "S_INTERSECTS(geometry, POINT EMPTY)", "character 30: expected an opening (, found EMPTY" },
        { "S_INTERSECTS(geometry, LINESTRING(1 2))",
          "character 38: expected a comma and a second position, found )" },
        { "S_INTERSECTS(geometry, POLYGON((0 0,1 0,1 1,0 1)))",
          "character 48: expected a ring that ends where it starts, found )" },
        { "S_INTERSECTS(geometry, POLYGON((0 0,1 0,0 0)))",
          "character 44: expected a comma and a ring of at least 4 positions, found )" },
        { "S_INTERSECTS(geometry, LINESTRING(1 2,3 4 5))",
          "character 44: expected two numbers in each position, found )" },
        { "S_INTERSECTS(geometry, GEOMETRYCOLLECTION(CIRCLE(1 2)))",
          "character 43: expected a geometry such as POINT(2 49), found CIRCLE" },
        { "S_INTERSECTS(geometry, BBOX(1,2,3))", "character 24: expected BBOX with 4 or 6 numbers, found 3" },
        { "S_INTERSECTS(geometry, BBOX(1,5,3,4))",
          "character 24: expected the south below the north, found 5 above 4" },
        { "CASEI(id, 'x') = 'x'", "character 1: expected CASEI with 1 argument, found 2" },
        { "eo:cloud_cover", "character 1: expected a condition, found the property eo:cloud_cover, a number" },
        { "flag AND id = 'x'", "character 1: expected a condition, found the property flag, a boolean" },
        { "id = 'x' AND 5", "character 14: expected a condition, found a number" },
        { "id = 5", "character 6: expected a string, found a number" },
        { "5 = id", "character 1: expected a string, found a number" },
        { "eo:cloud_cover IN (1, 'x')", "character 23: expected a number, found the string 'x'" },
        { "eo:cloud_cover = platform",
          "character 18: expected a number, found the property platform, a string" },
        { "id + 1 = 2", "character 1: expected a number, found the property id, a string" },
        { "geometry = 'x'", "character 1: expected a string, a number, a boolean or a time, found the property geometry, a geometry" },
        { "datetime > 'yesterday'",
          "character 12: expected a date such as '2024-02-29', a time such as '2024-02-29T12:00:00Z' or '..', found 'yesterday'" },
        { "datetime > 5", "character 12: expected a time, found a number" },
        { "T_DURING(created, INTERVAL('2024-01-01', '..'))",
          "character 10: expected an interval such as INTERVAL('2024-01-01', '..') or the property datetime, found the property created, a timestamp" },
        { "T_DURING(datetime, DATE('2024-01-01'))",
          "character 20: expected an interval such as INTERVAL('2024-01-01', '..') or the property datetime, found a date" },
        { "S_INTERSECTS(mixed, POINT(1 2))",
          "character 14: expected a geometry, found the property mixed, a value of any type" },
        { "A_CONTAINS(instruments, 'x')", "character 25: expected an array, found the string 'x'" },
        { "A_CONTAINS(id, ('x'))", "character 12: expected an array, found the property id, a string" },
        { "id LIKE platform", "character 9: expected a pattern in quotes, found the property platform, a string" },
        { "id LIKE 'x\\'", "character 13: expected a closing ', found the end" },
        { "id LIKE 'x\\\\'", "character 9: expected a character after the last \\ of the pattern, found the end" },
        { "cloud_cover > 1",
          "character 1: expected a property that can be asked for, found 'cloud_cover'; there is 'eo:cloud_cover'" },
        { "id = 'x' AND Platfrom = 'x'",
          "character 14: expected a property that can be asked for, found 'Platfrom'; there is 'platform'" },
        { "xyzzy = 1", "character 1: expected a property that can be asked for, found 'xyzzy'" },
        { "uper(id) = 'X'", "character 1: expected a function of this service, found 'uper'; there is 'upper'" },
        { "upper() = 'X'", "character 1: expected upper() with 1 argument, found 0" },
        { "abs(id) = 1", "character 5: expected a number, found the property id, a string" },
        { "lower(id)", "character 1: expected a condition, found lower(), a string" },
        { "(id = 'x') + 1 = 2", "character 2: expected a number, found a condition" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(arena) struct arena *arena = arena_new();
        struct err err = { 0 };
        struct cql2_node *tree = read_text(arena, rows[i].text, &err);

        if (tree && cql2_check(tree, cql2_property_in_table, table, arena, &err))
            fail_msg("%s was accepted", rows[i].text);
        assert_string_equal(err.message, rows[i].message);
        assert_int_equal(err.code, ERR_InvalidParameter);
    }
}

static void refusals_of_json_name_the_place(void **state)
{
    static const struct { const char *json, *message; } rows[] = {
        { "[]", "/filter: expected a condition, found an array" },
        { "{}", "/filter: expected an object with op, property, timestamp, date, interval, bbox or the type of a "
                "geometry, found none of these" },
        { "{\"op\":1}", "/filter/op: expected a string, found a number" },
        { "{\"op\":\"=\"}", "/filter/args: expected an array, found nothing" },
        { "{\"op\":\"=\",\"args\":[1]}", "/filter/args: expected 2 arguments of =, found 1" },
        { "{\"op\":\"and\",\"args\":[]}", "/filter/args: expected at least 2 arguments of and, found 0" },
        { "{\"op\":\"==\",\"args\":[1,1]}", "/filter/op: expected an operator or the name of a function, found '=='" },
        { "{\"op\":\"=\",\"args\":[{\"property\":\"id\"},null]}",
          "/filter/args/1: expected a value (isNull asks for what is missing), found null" },
        { "{\"op\":\"=\",\"args\":[{\"property\":5},1]}", "/filter/args/0/property: expected the name of a property, found a number" },
        { "{\"op\":\"=\",\"args\":[{\"property\":\"id\",\"x\":1},1]}",
          "/filter/args/0/x: expected no such member beside property" },
        { "{\"op\":\"=\",\"args\":[{\"date\":\"2024-2-3\"},1]}",
          "/filter/args/0/date: expected a date such as '2024-02-29', found '2024-2-3'" },
        { "{\"op\":\"in\",\"args\":[{\"property\":\"id\"},\"x\"]}", "/filter/args/1: expected an array, found a string" },
        { "{\"op\":\"in\",\"args\":[[],[]]}", "/filter/args/0: expected a single value, found an array" },
        { "{\"op\":\"s_intersects\",\"args\":[{\"property\":\"geometry\"},{\"type\":\"Pint\",\"coordinates\":[1,2]}]}",
          "/filter/args/1/type: expected a type of GeoJSON geometry, found 'Pint'" },
        { "{\"op\":\"s_intersects\",\"args\":[{\"property\":\"geometry\"},{\"type\":\"Point\",\"coordinates\":[1,2,3,4]}]}",
          "/filter/args/1: expected positions of 2 numbers, or all of 3, found others" },
        { "{\"op\":\"s_intersects\",\"args\":[{\"property\":\"geometry\"},{\"bbox\":[1,2,3]}]}",
          "/filter/args/1/bbox: expected an array of 4 or 6 numbers, found an array" },
        { "{\"op\":\"t_after\",\"args\":[{\"property\":\"datetime\"},{\"interval\":[1,2]}]}",
          "/filter/args/1/interval/0: expected a date, a time or '..', found a number" },
        { "{\"op\":\"and\",\"args\":[true,{\"op\":\"<\",\"args\":[{\"property\":\"eo:cloud\"},1]}]}",
          "/filter/args/1/args/0: expected a property that can be asked for, found 'eo:cloud'" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(arena) struct arena *arena = arena_new();
        struct err err = { 0 };
        struct cql2_node *tree = read_json(arena, rows[i].json, &err);

        if (tree && cql2_check(tree, cql2_property_in_table, table, arena, &err))
            fail_msg("%s was accepted", rows[i].json);
        assert_string_equal(err.message, rows[i].message);
    }
}

static void add_times(struct text *text, const char *part, size_t count)
{
    for (size_t i = 0; i < count; i++)
        text_add(text, part);
}

static void limits_are_kept(void **state)
{
    static const struct { const char *head, *part; size_t count; const char *tail, *message; } rows[] = {
        { "a = 1", " ", CQL2_MAX_BYTES, "", "expected an expression of at most 100000 bytes, found 100005" },
        { "a = 1", " AND a = 1", 700, "", "expected an expression of at most 2000 parts, found more" },
        { "a = 1", " + 1", CQL2_MAX_DEPTH, "", "expected an expression at most 32 levels deep, found more" },
        { "", "NOT ", 40, "a = 1", "expected an expression at most 32 levels deep, found more" },
        { "", "(", 65, "a = 1", "character 65: expected at most 64 parentheses in one another, found more" },
        { "", "abs(", 40, "a", NULL },
        { "S_INTERSECTS(g, MULTIPOINT(1 2", ",1 2", CQL2_MAX_VERTICES, "))", "expected at most 20000 positions in all, found more" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(arena) struct arena *arena = arena_new();
        AUTO(text) struct text text = { 0 };
        struct err err = { 0 };

        text_add(&text, rows[i].head);
        add_times(&text, rows[i].part, rows[i].count);
        text_add(&text, rows[i].tail);
        assert_null(read_text(arena, text.data, &err));
        if (rows[i].message && !strstr(err.message, rows[i].message))
            fail_msg("%s, not %s", err.message, rows[i].message);
    }
}

static void other_bytes_are_refused(void **state)
{
    AUTO(arena) struct arena *arena = arena_new();
    struct cql2_node *tree;
    struct err err = { 0 };

    (void)state;
    assert_false(cql2_parse_text("a = '\xff'", 8, arena, &tree, &err));
    assert_string_equal(err.message, "expected an expression in UTF-8, found other bytes");
    err_clear(&err);
    assert_false(cql2_parse_text("a = '\0'", 7, arena, &tree, &err));
    assert_string_equal(err.message, "expected an expression in UTF-8, found other bytes");
}

/* ---- the query extension ---- */

static void queries_become_filters(void **state)
{
    static const struct { const char *query, *text; } rows[] = {
        { "{\"eo:cloud_cover\":{\"lt\":10,\"gte\":2}}", "eo:cloud_cover < 10 AND eo:cloud_cover >= 2" },
        { "{\"a\":{\"eq\":true},\"b\":{\"neq\":\"x\"}}", "a = TRUE AND b <> 'x'" },
        { "{\"a\":{\"startsWith\":\"10%_\\\\\"}}", "a LIKE '10\\\\%\\\\_\\\\\\\\%'" },
        { "{\"a\":{\"endsWith\":\"x\",\"contains\":\"y\"}}", "a LIKE '%x' AND a LIKE '%y%'" },
        { "{\"a\":{\"in\":[1,\"x\"]}}", "a IN (1, 'x')" },
        { "{\"a\":{\"lte\":1},\"b\":{\"gt\":2}}", "a <= 1 AND b > 2" },
        { "{\"a\":{\"eq\":null},\"b\":{\"neq\":null}}", "a IS NULL AND NOT b IS NULL" },
        { "{}", "" },
    };
    static const struct { const char *query, *message; } bad[] = {
        { "[]", "/query: expected an object of properties, found an array" },
        { "{\"a\":1}", "/query/a: expected an object of operators, found a number" },
        { "{\"a\":{\"like\":1}}", "/query/a/like: expected eq, neq, lt, lte, gt, gte, startsWith, endsWith, contains or in, found 'like'" },
        { "{\"a\":{\"lt\":[]}}", "/query/a/lt: expected a string, a number or a boolean, found an array" },
        { "{\"a\":{\"contains\":1}}", "/query/a/contains: expected a string, found a number" },
        { "{\"a/b\":{\"in\":[null]}}", "/query/a~1b/in/0: expected a string, a number or a boolean, found null" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(arena) struct arena *arena = arena_new();
        AUTO(json) json_t *query = json_loads(rows[i].query, 0, NULL);
        AUTO(text) struct text text = { 0 };
        struct cql2_node *tree;
        struct err err = { 0 };

        assert_true(cql2_from_query(query, "/query", arena, &tree, &err));
        if (tree)
            cql2_write_text(tree, &text);
        assert_string_equal(text.data ? text.data : "", rows[i].text);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        AUTO(arena) struct arena *arena = arena_new();
        AUTO(json) json_t *query = json_loads(bad[i].query, 0, NULL);
        struct cql2_node *tree;
        struct err err = { 0 };

        assert_false(cql2_from_query(query, "/query", arena, &tree, &err));
        assert_string_equal(err.message, bad[i].message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(examples_of_the_standard),
        cmocka_unit_test(variants_of_examples),
        cmocka_unit_test(what_is_written),
        cmocka_unit_test(refusals_of_text_name_the_place),
        cmocka_unit_test(refusals_of_json_name_the_place),
        cmocka_unit_test(limits_are_kept),
        cmocka_unit_test(other_bytes_are_refused),
        cmocka_unit_test(queries_become_filters),
    };

    return cmocka_run_group_tests_name("cql2_text", tests, NULL, NULL);
}
