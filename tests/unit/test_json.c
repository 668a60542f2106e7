/* json/: messages name the place, what was found and what was expected. */
#include "json/js.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

struct input {
    const char *title, *mode;
    double budget;
    int64_t count;
    bool flag;
    json_t *process, *list;
};

static const char *const modes[] = { "sync", "async", NULL };
static const struct js_field fields[] = {
    JS_STRING(struct input, title, .optional = true, .nullable = true, .max_len = 8,
              .fallback = "none"),
    JS_STRING(struct input, mode, .optional = true, .choice = modes),
    JS_NUMBER(struct input, budget, 0, 100, .optional = true, .fallback_number = 7),
    JS_INTEGER(struct input, count, 1, 10, .optional = true, .fallback_number = 3),
    JS_BOOLEAN(struct input, flag, .optional = true),
    JS_OBJECT(struct input, process),
    JS_ARRAY(struct input, list, .optional = true, .max_len = 2),
    JS_END,
};

static void refusals_are_exact(void **state)
{
    static const struct { const char *json, *message; } rows[] = {
        { "{\"process\":[]}", "/process: expected an object, found an array" },
        { "{}", "/process: is required and missing" },
        { "{\"process\":{},\"budget\":-3}", "/budget: -3 is outside [0, 100]" },
        { "{\"process\":{},\"count\":2.5}", "/count: expected an integer, found a number" },
        { "{\"process\":{},\"count\":99}", "/count: 99 is outside [1, 10]" },
        { "{\"process\":{},\"title\":\"123456789\"}", "/title: expected at most 8 bytes, found 9" },
        { "{\"process\":{},\"mode\":\"x\"}", "/mode: expected one of sync, async, found 'x'" },
        { "{\"process\":{},\"list\":[1,2,3]}", "/list: expected at most 2 elements, found 3" },
        { "{\"process\":{},\"a/b\":1}", "/a~1b: there is no such member here" },
        { "[]", "/: expected an object, found an array" },
        { "{\"process\":null}", "/process: expected an object, found null" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(json) json_t *json = NULL;
        struct err err = { 0 };
        struct input in;

        assert_true(js_parse(rows[i].json, strlen(rows[i].json), 64, &json, &err));
        assert_false(js_read(json, "", fields, JS_REFUSE_UNKNOWN, &in, &err));
        assert_string_equal(err.message, rows[i].message);
        assert_int_equal(err_status(err.code), 400);
    }
}

static void what_is_absent_gets_its_fallback(void **state)
{
    static const char text[] = "{\"process\":{},\"title\":null,\"count\":4.0}";
    AUTO(json) json_t *json = NULL;
    struct err err = { 0 };
    struct input in;

    (void)state;
    assert_true(js_parse(text, strlen(text), 64, &json, &err));
    assert_true(js_read(json, "", fields, JS_REFUSE_UNKNOWN, &in, &err));
    assert_string_equal(in.title, "none");
    assert_null(in.mode);
    assert_float_equal(in.budget, 7, 0);
    assert_int_equal(in.count, 4);
    assert_false(in.flag);
    assert_null(in.list);
}

static void broken_json_is_refused_with_its_place(void **state)
{
    static const struct { const char *json, *part; } rows[] = {
        { "", "found an empty body" },
        { "{\"a\":", "line 1" },
        { "{\"a\":1,\"a\":2}", "duplicate" },
        { "[[[[[", "nested deeper than 4 levels at byte 4" },
        { "\xff", "line 1" },
        { "{} x", "end of file expected" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(json) json_t *json = NULL;
        struct err err = { 0 };

        assert_false(js_parse(rows[i].json, strlen(rows[i].json), 4, &json, &err));
        assert_non_null(strstr(err.message, rows[i].part));
    }
}

static void brackets_in_strings_do_not_nest(void **state)
{
    static const char text[] = "{\"a\":\"[[[[[\\\"[[[[\"}";
    AUTO(json) json_t *json = NULL;
    struct err err = { 0 };

    (void)state;
    assert_true(js_parse(text, strlen(text), 2, &json, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refusals_are_exact),
        cmocka_unit_test(what_is_absent_gets_its_fallback),
        cmocka_unit_test(broken_json_is_refused_with_its_place),
        cmocka_unit_test(brackets_in_strings_do_not_nest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
