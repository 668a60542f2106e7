/* Users' processes in graphs: what they give, what they see, and what is said when they are wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "tests/graph/double.h"
#include "tests/graph/quoted.h"

#define CALL(id, process, arguments)                                                               \
    "'" id "':{'process_id':'" process "','arguments':{" arguments "}}"
#define RESULT(id, process, arguments)                                                             \
    "'" id "':{'process_id':'" process "','arguments':{" arguments "},'result':true}"
#define OF(parameter) "{'from_parameter':'" parameter "'}"
#define FROM(node) "{'from_node':'" node "'}"
#define USER(parameters, nodes) "{'parameters':[" parameters "],'process_graph':{" nodes "}}"
#define NUMBER(name) "{'name':'" name "','schema':{'type':'number'}}"
#define GRAPH(nodes) "{'process_graph':{" nodes "}}"

static const char processes[] =
    "{'user':{"
    "'twice':" USER(NUMBER("x"), RESULT("a", "add", "'x':" OF("x") ",'y':" OF("x"))) ","
    "'four':" USER(NUMBER("x"), CALL("t", "twice", "'x':" OF("x")) "," RESULT("u", "twice", "'x':" FROM("t"))) ","
    "'mod':" USER(NUMBER("x") "," NUMBER("y"), RESULT("s", "subtract", "'x':" OF("x") ",'y':" OF("y"))) ","
    "'scale':" USER(NUMBER("x") ",{'name':'by','default':10,'optional':true,'schema':{'type':'number'}},"
                    "{'name':'more','optional':true,'schema':{}}",
                    RESULT("m", "multiply", "'x':" OF("x") ",'y':" OF("by"))) ","
    "'outside':" USER(NUMBER("x"), RESULT("a", "add", "'x':" OF("x") ",'y':" OF("hidden"))) ","
    "'each':" USER("{'name':'data','schema':{'type':'array'}},"
                   "{'name':'process','schema':{'type':'object','subtype':'process-graph'}}",
                   RESULT("m", "array_apply", "'data':" OF("data") ",'process':" OF("process"))) ","
    "'self':" USER("", RESULT("s", "self", "")) ","
    "'ping':" USER("", RESULT("s", "pong", "")) ","
    "'pong':" USER("", RESULT("s", "ping", "")) ","
    "'hidden_self':" USER("", RESULT("m", "array_apply",
                                     "'data':[1],'process':" GRAPH(RESULT("h", "hidden_self", "")))) ","
    "'wrong':" USER(NUMBER("x"), RESULT("root", "sqrt", "'x':'text'")) ","
    "'broken':" USER("", CALL("a", "pi", "")) ","
    "'bare':{'parameters':7,'process_graph':{" RESULT("p", "pi", "") "}},"
    "'odd':{'parameters':[{'name':'x','schema':{'type':[null,7],'pattern':'((a{99}){99}){99}'}}],"
           "'process_graph':{" RESULT("p", "pi", "") "}},"
    "'mean_index':" USER("{'name':'data','schema':{'type':'object','subtype':'raster-cube'}}",
        CALL("n", "ndvi", "'data':" OF("data") ",'nir':'B08','red':'B04'") ","
        RESULT("r", "reduce_dimension", "'data':" FROM("n") ",'dimension':'t','reducer':"
               GRAPH(RESULT("m", "mean", "'data':" OF("data"))))) ","
    "'saves':" USER("{'name':'data','schema':{'type':'object','subtype':'datacube'}}",
        RESULT("save", "save_result", "'data':" OF("data") ",'format':'COG'")) "},"
    "'@bob':{'half':" USER(NUMBER("x"), RESULT("d", "divide", "'x':" OF("x") ",'y':2")) ","
    "'quarter':" USER(NUMBER("x"), CALL("h", "half", "'x':" OF("x")) "," RESULT("i", "half", "'x':" FROM("h"))) ","
    "'peeps':" USER(NUMBER("x"), RESULT("t", "twice", "'x':" OF("x"))) "}}";

static json_t *stored(void)
{
    json_t *json = quoted(processes);

    assert_non_null(json);
    return json;
}

static struct plan *plan_of(const char *graph, struct double_catalog *state, struct err *err)
{
    AUTO(json) json_t *process = quoted(graph);
    struct catalog catalog = double_catalog(state);
    struct plan *plan = NULL;

    return graph_plan(process, NULL, "", &catalog, PLAN_BATCH, &plan, err) ? plan : NULL;
}

static void values(void **state)
{
    static const struct {
        const char *graph, *value;
    } rows[] = {
        { GRAPH(RESULT("a", "twice", "'x':3")), "6" },
        { GRAPH(RESULT("a", "four", "'x':3")), "12" },
        { GRAPH(RESULT("a", "mod", "'x':3,'y':1")), "2" }, /* the user's is preferred */
        { GRAPH("'a':{'process_id':'mod','namespace':'user','arguments':{'x':3,'y':1},'result':true}"), "2" },
        { GRAPH("'a':{'process_id':'mod','namespace':'backend','arguments':{'x':3,'y':1},'result':true}"), "0" },
        { GRAPH(RESULT("a", "scale", "'x':3")), "30" },
        { GRAPH(RESULT("a", "scale", "'x':3,'by':2,'more':'anything'")), "6" },
        { GRAPH("'a':{'process_id':'half','namespace':'@bob','arguments':{'x':3},'result':true}"), "1.5" },
        /* what 'half' means in bob's process is bob's */
        { GRAPH("'a':{'process_id':'quarter','namespace':'@bob','arguments':{'x':3},'result':true}"), "0.75" },
        /* a callback sees what is around it, not what is in the process that runs it */
        { GRAPH(RESULT("a", "each", "'data':[1,2],'process':" GRAPH(RESULT("t", "twice", "'x':" OF("x"))))),
          "[2,4]" },
        { GRAPH(RESULT("a", "array_apply", "'data':[1,2],'process':"
                       GRAPH(RESULT("e", "four", "'x':" OF("x"))))), "[4,8]" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(json) json_t *users = stored();
        AUTO(json) json_t *want = json_loads(rows[i].value, JSON_DECODE_ANY, NULL);
        struct double_catalog asked = { .processes = users };
        struct err err = { 0 };
        AUTO(plan) struct plan *plan = plan_of(rows[i].graph, &asked, &err);

        if (!plan)
            fail_msg("%s: %s", rows[i].graph, err.message);
        if (!json_equal(plan->value, want))
            fail_msg("%s: %s", rows[i].graph, json_dumps(plan->value, JSON_ENCODE_ANY));
    }
}

static void errors(void **state)
{
    static const struct {
        const char *graph, *code, *message;
    } rows[] = {
        { GRAPH(RESULT("a", "self", "")), "ProcessGraphInvalid", "in a cycle: self <- self" },
        { GRAPH(RESULT("a", "ping", "")), "ProcessGraphInvalid", "in a cycle: ping <- pong <- ping" },
        { GRAPH(RESULT("a", "hidden_self", "")), "ProcessGraphInvalid", "hidden_self <- hidden_self" },
        { GRAPH(RESULT("a", "twice", "")), "ProcessParameterRequired", "'user:twice' requires parameter 'x'" },
        { GRAPH(RESULT("a", "twice", "'x':1,'z':1")), "ProcessParameterUnsupported", "no parameter 'z'" },
        { GRAPH(RESULT("a", "twice", "'x':'one'")), "ProcessParameterInvalid",
          "expected a number, found the string 'one'. (node 'a', /process_graph/a/arguments/x)" },
        { GRAPH(RESULT("a", "wrong", "'x':1")), "ProcessParameterInvalid",
          "(node 'root', /process_graph/a > wrong/process_graph/root/arguments/x)" },
        { GRAPH(RESULT("a", "broken", "")), "ProcessGraphInvalid",
          "(/process_graph/a > broken/process_graph)" },
        { GRAPH(RESULT("a", "bare", "")), "ProcessInvalid", "'parameters' is an array" },
        { GRAPH(RESULT("a", "odd", "'x':'a'")), "ProcessParameterInvalid", "" },
        { GRAPH(RESULT("a", "outside", "'x':1")), "ProcessParameterRequired", "parameter 'hidden'" },
        { "{'parameters':[{'name':'hidden','default':1}],'process_graph':{"
          RESULT("a", "outside", "'x':1") "}}", "ProcessParameterRequired", "parameter 'hidden'" },
        { GRAPH("'a':{'process_id':'twice','namespace':'@bob','arguments':{'x':1},'result':true}"),
          "ProcessUnsupported", "in namespace @bob" },
        /* bob's processes do not meet those of who asks */
        { GRAPH("'a':{'process_id':'peeps','namespace':'@bob','arguments':{'x':1},'result':true}"),
          "ProcessUnsupported", "/process_graph/a > peeps/process_graph/t" },
        { GRAPH("'a':{'process_id':'pi','namespace':7,'result':true}"), "ProcessGraphInvalid", "'namespace'" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(json) json_t *users = stored();
        struct double_catalog asked = { .processes = users };
        AUTO(json) json_t *process = quoted(rows[i].graph), *found = NULL;
        struct catalog catalog = double_catalog(&asked);
        struct err err = { 0 };
        const json_t *first;

        if (graph_check(process, NULL, "", &catalog, &err) || strcmp(err_name(err.code), rows[i].code) ||
            !strstr(err.message, rows[i].message))
            fail_msg("%s:\nexpected %s with '%s'\ngot %s: %s", rows[i].graph, rows[i].code,
                     rows[i].message, err_name(err.code), err.message);
        err_clear(&err);
        assert_true(graph_validate(process, &catalog, &found, &err));
        first = json_array_get(found, 0);
        if (json_array_size(found) != 1 ||
            strcmp(json_string_value(json_object_get(first, "code")), rows[i].code))
            fail_msg("%s: %s", rows[i].graph, json_dumps(found, 0));
    }
}

#define LOAD                                                                                       \
    "'load':{'process_id':'load_collection','arguments':{'id':'S2','spatial_extent':null,"         \
    "'temporal_extent':null}}"

/* The same pixels as the same nodes written out, also for a task that plans again from what the first
 * one was told, when the process is gone. */
static void cubes(void **state)
{
    const char *called = GRAPH(LOAD "," RESULT("m", "mean_index", "'data':" FROM("load")));
    const char *written = GRAPH(LOAD ","
        CALL("n", "ndvi", "'data':" FROM("load") ",'nir':'B08','red':'B04'") ","
        RESULT("r", "reduce_dimension", "'data':" FROM("n") ",'dimension':'t','reducer':"
               GRAPH(RESULT("m", "mean", "'data':" OF("data")))));
    AUTO(json) json_t *users = stored(), *process = quoted(called), *told = NULL;
    struct double_catalog asked = { .processes = users }, none = { 0 };
    struct err err = { 0 };
    AUTO(plan) struct plan *one = plan_of(called, &asked, &err);
    AUTO(plan) struct plan *two = plan_of(written, &none, &err);
    AUTO(plan) struct plan *again = NULL;
    struct catalog catalog;
    double pixel;

    (void)state;
    if (!one || !two)
        fail_msg("%s", err.message);
    pixel = plan_pixel(two->saves[0], 0, 7, 8, double_pixel);
    assert_true(pixel > -1 && pixel < 1);
    assert_true(plan_pixel(one->saves[0], 0, 7, 8, double_pixel) == pixel);
    told = json_deep_copy(one->scenes);
    catalog = catalog_replay(told);
    if (!graph_plan(process, NULL, "", &catalog, PLAN_BATCH, &again, &err))
        fail_msg("%s", err.message);
    assert_true(plan_pixel(again->saves[0], 0, 7, 8, double_pixel) == pixel);
}

/* Effects of a user's process are effects of the node that calls it, each with a file of its own. */
static void effects(void **state)
{
    const char *graph = GRAPH(LOAD "," CALL("one", "saves", "'data':" FROM("load")) ","
                              CALL("two", "saves", "'data':" FROM("load")) ","
                              RESULT("p", "pi", ""));
    AUTO(json) json_t *users = stored();
    struct double_catalog asked = { .processes = users };
    struct err err = { 0 };
    AUTO(plan) struct plan *plan = plan_of(graph, &asked, &err);

    (void)state;
    if (!plan)
        fail_msg("%s", err.message);
    assert_int_equal(plan->n_saves, 2);
    assert_string_not_equal(plan->saves[0]->save.name, plan->saves[1]->save.name);
}

/* A chain of processes that is too deep, and calls that multiply, end with a message. */
static void limits(void **state)
{
    AUTO(json) json_t *user = json_object(), *users = json_pack("{s:O}", "user", user);
    struct double_catalog asked = { .processes = users };
    struct err err = { 0 };
    struct plan *plan;

    (void)state;
    for (int i = 0; i < 100; i++) {
        AUTO(mem) char *id = mem_printf("deep%d", i), *next = mem_printf("deep%d", i + 1);
        AUTO(mem) char *wide = mem_printf("wide%d", i), *wider = mem_printf("wide%d", i + 1);
        json_t *nodes = json_object();

        json_object_set_new(user, id, json_pack("{s:{s:{s:s, s:b}}}", "process_graph", "n", "process_id",
                                                next, "result", 1));
        for (int k = 0; k < 10; k++) {
            AUTO(mem) char *node = mem_printf("n%d", k);

            json_object_set_new(nodes, node, json_pack("{s:s, s:b}", "process_id", i < 99 ? wider : "pi",
                                                       "result", k == 0));
        }
        json_object_set_new(user, wide, json_pack("{s:o}", "process_graph", nodes));
    }
    plan = plan_of(GRAPH(RESULT("a", "deep0", "")), &asked, &err);
    assert_null(plan);
    assert_int_equal(err.code, ERR_ProcessGraphInvalid);
    assert_non_null(strstr(err.message, "deeper than 32"));
    err_clear(&err);
    plan = plan_of(GRAPH(RESULT("a", "wide90", "")), &asked, &err);
    assert_null(plan);
    assert_non_null(strstr(err.message, "more than 20000 nodes"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values), cmocka_unit_test(errors),  cmocka_unit_test(cubes),
        cmocka_unit_test(effects), cmocka_unit_test(limits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
