/* JSON Schema: rows of schema, value, and the message (NULL: it fits). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "json/schema.h"
#include <string.h>

static const struct { const char *schema, *value, *message; } rows[] = {
    { "{}", "17", NULL },
    { "{'type':'string'}", "'x'", NULL },
    { "{'type':'string'}", "1", "/v: expected type string, found a number" },
    { "{'type':['string','null']}", "null", NULL },
    { "{'type':['string','null']}", "[]", "/v: expected type string or null, found an array" },
    { "{'type':'string','nullable':true}", "null", NULL },
    { "{'type':'integer'}", "3.0", NULL },
    { "{'type':'integer'}", "3.5", "/v: expected type integer, found a number" },
    { "{'enum':[1,'a']}", "1.0", NULL },
    { "{'enum':[1,'a']}", "'b'", "/v: expected one of [1,\"a\"], found \"b\"" },
    { "{'const':{'a':1}}", "{'a':1}", NULL },
    { "{'minimum':0,'maximum':10}", "10", NULL },
    { "{'minimum':0}", "-1", "/v: -1 is not >= 0" },
    { "{'maximum':10}", "11", "/v: 11 is not <= 10" },
    { "{'minimum':0,'exclusiveMinimum':true}", "0", "/v: 0 is not > 0" },
    { "{'exclusiveMaximum':5}", "5", "/v: 5 is not < 5" },
    { "{'multipleOf':5}", "12", "/v: 12 is not a multiple of 5" },
    { "{'minLength':2}", "'\xC3\xA9'", "/v: expected at least 2 characters, found 1" },
    { "{'maxLength':1}", "'\xC3\xA9'", NULL },
    { "{'pattern':'^[a-z]+$'}", "'A'", "/v: 'A' does not match ^[a-z]+$" },
    { "{'pattern':'^\\\\d{2}:\\\\d{2}$'}", "'12:30'", NULL },
    { "{'pattern':'^\\\\d{2}:\\\\d{2}$'}", "'ab:30'", "/v: 'ab:30' does not match ^\\d{2}:\\d{2}$" },
    { "{'pattern':'^(?:https?:\\\\/\\\\/)?[\\\\w.-]+$'}", "'https://a-b.c_d'", NULL },
    { "{'pattern':'^[\\\\w.-]+$'}", "'a b'", "/v: 'a b' does not match ^[\\w.-]+$" },
    { "{'pattern':'^[^\\\\s\\\\]]+?$'}", "'a-b'", NULL },
    { "{'pattern':'^[^\\\\s\\\\]]+?$'}", "'a]b'", "/v: 'a]b' does not match ^[^\\s\\]]+?$" },
    { "{'pattern':'^[\\\\d-x]$'}", "'-'", NULL },
    { "{'pattern':'^[\\\\^-]$'}", "'a'", "/v: 'a' does not match ^[\\^-]$" },
    { "{'pattern':'^[\\\\^-]$'}", "'^'", NULL },
    { "{'pattern':'\\\\D\\\\.'}", "'1.'", "/v: '1.' does not match \\D\\." },
    { "{'pattern':'^(?!x)'}", "'x'", NULL }, /* what cannot be said is an annotation */
    { "{'format':'date-time'}", "'2023-08-01T00:00:00Z'", NULL },
    { "{'format':'date-time'}", "'yesterday'",
      "/v: expected an RFC 3339 date-time, found 'yesterday'" },
    { "{'minItems':1}", "[]", "/v: expected at least 1 elements, found 0" },
    { "{'maxItems':1}", "[1,2]", "/v: expected at most 1 elements, found 2" },
    { "{'uniqueItems':true}", "[1,2,1]", "/v/2: is the same as element 0" },
    { "{'items':{'type':'number'}}", "[1,'2']", "/v/1: expected type number, found a string" },
    { "{'required':['a']}", "{}", "/v/a: is required and missing" },
    { "{'properties':{'a':{'type':'number'}}}", "{'a':true}",
      "/v/a: expected type number, found a boolean" },
    { "{'properties':{'a':{}},'additionalProperties':false}", "{'b/c':1}",
      "/v/b~1c: there is no such member here" },
    { "{'additionalProperties':{'type':'number'}}", "{'b':'x'}",
      "/v/b: expected type number, found a string" },
    { "{'oneOf':[{'type':'string'},{'type':'string','minLength':3}]}", "'abcd'", NULL },
    { "{'anyOf':[{'type':'string'},{'type':'number'}]}", "[]",
      "/v: fits none of 2 alternatives; the first: /v: expected type string, found an array" },
    { "{'allOf':[{'minimum':1},{'maximum':2}]}", "3", "/v: 3 is not <= 2" },
    { "{'not':{'type':'null'}}", "null", "/v: has a form that is excluded" },
};

/* JSON with ' for ". */
static json_t *parse(const char *text)
{
    AUTO(mem) char *copy = mem_text(text);
    json_t *json;

    for (char *c = copy; *c; c++)
        if (*c == '\'')
            *c = '"';
    json = json_loads(copy, JSON_DECODE_ANY, NULL);
    assert_non_null(json);
    return json;
}

static void keywords(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(json) json_t *schema = parse(rows[i].schema), *value = parse(rows[i].value);
        struct err err = { 0 };
        bool fits = js_schema_check(schema, value, "/v", &err);

        if (fits != !rows[i].message || (!fits && strcmp(err.message, rows[i].message)))
            fail_msg("%s, %s: '%s'", rows[i].schema, rows[i].value, err.message);
        if (!fits)
            assert_int_equal(err.code, ERR_InvalidParameter);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(keywords) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
