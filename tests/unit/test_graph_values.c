/* Processes without a cube: our own examples, the examples of the definitions where these lie beside
 * the repository, and the same again through compiled programs, one pixel at a time. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "graph/value.h"
#include "tests/graph/double.h"
#include "tests/graph/quoted.h"

static json_t *evaluate(const json_t *arguments, const char *process, struct err *err)
{
    AUTO(json) json_t *graph =
        json_pack("{s:{s:{s:s, s:O, s:b}}}", "process_graph", "one", "process_id", process,
                  "arguments", arguments, "result", true);
    AUTO(plan) struct plan *plan = NULL;

    if (!graph_plan(graph, NULL, "", NULL, PLAN_BATCH, &plan, err))
        return NULL;
    return json_incref(plan->value);
}

static bool close_to(const json_t *a, const json_t *b)
{
    if (json_is_array(a) && json_is_array(b) && json_array_size(a) == json_array_size(b)) {
        for (size_t i = 0; i < json_array_size(a); i++)
            if (!close_to(json_array_get(a, i), json_array_get(b, i)))
                return false;
        return true;
    }
    if (json_is_number(a) && json_is_number(b)) {
        double x = json_number_value(a), y = json_number_value(b);

        return fabs(x - y) <= 1e-9 * fmax(1, fabs(y));
    }
    return json_equal(a, b);
}

static const struct {
    const char *process, *arguments, *result; /* result NULL: an error */
} rows[] = {
    { "add", "{'x':5,'y':2.5}", "7.5" },
    { "add", "{'x':1,'y':null}", "null" },
    { "divide", "{'x':1,'y':0}", "null" }, /* infinite: JSON has no such number */
    { "mod", "{'x':-27,'y':5}", "3" },
    { "mod", "{'x':27,'y':-5}", "-3" },
    { "power", "{'base':5,'p':-1}", "0.2" },
    { "power", "{'base':-2,'p':0.5}", "null" },
    { "log", "{'x':1024,'base':2}", "10" },
    { "log", "{'x':81,'base':3}", "4" },
    { "int", "{'x':-3.5}", "-3" },
    { "ceil", "{'x':-0.4}", "0" },
    { "round", "{'x':2.5}", "2" },
    { "round", "{'x':-3.5}", "-4" },
    { "round", "{'x':1234.5,'p':-2}", "1200" },
    { "round", "{'x':0.25,'p':1}", "0.2" },
    { "sgn", "{'x':-2}", "-1" },
    { "clip", "{'x':5,'min':1,'max':3}", "3" },
    { "clip", "{'x':5,'min':3,'max':1}", NULL },
    { "linear_scale_range", "{'x':5,'inputMin':10,'inputMax':0,'outputMin':0,'outputMax':100}", "50" },
    { "eq", "{'x':'ÄB','y':'äb','case_sensitive':false}", "true" },
    { "eq", "{'x':1,'y':true}", "false" },
    { "neq", "{'x':null,'y':1}", "null" },
    { "gte", "{'x':'a','y':'a'}", "true" },
    { "gt", "{'x':'b','y':'a'}", "false" },
    { "between", "{'x':3,'min':3,'max':5,'exclude_max':true}", "true" },
    { "between", "{'x':5,'min':3,'max':5,'exclude_max':true}", "false" },
    { "between", "{'x':4,'min':5,'max':3}", "false" },
    { "and", "{'x':false,'y':null}", "false" },
    { "and", "{'x':true,'y':null}", "null" },
    { "and", "{'x':1,'y':0}", NULL },
    { "or", "{'x':true,'y':null}", "true" },
    { "xor", "{'x':true,'y':false}", "true" },
    { "not", "{'x':null}", "null" },
    { "if", "{'value':null,'accept':1,'reject':2}", "2" },
    { "is_nodata", "{'x':null}", "true" },
    { "is_nodata", "{'x':'a'}", "false" },
    { "is_valid", "{'x':null}", "false" },
    { "is_nan", "{'x':1}", "false" },
    { "any", "{'data':[]}", "false" },
    { "all", "{'data':[]}", "true" },
    { "any", "{'data':[false,null],'ignore_nodata':false}", "null" },
    { "all", "{'data':[false,null],'ignore_nodata':false}", "false" },
    { "mean", "{'data':[1,null,3]}", "2" },
    { "mean", "{'data':[1,null],'ignore_nodata':false}", "null" },
    { "sum", "{'data':[]}", "null" },
    { "median", "{'data':[4,1,3,2]}", "2.5" },
    { "product", "{'data':[2,3,null]}", "6" },
    { "variance", "{'data':[-1,1,3,null]}", "4" },
    { "variance", "{'data':[3]}", "null" },
    { "sd", "{'data':[-1,1,3]}", "2" },
    { "first", "{'data':[null,7]}", "7" },
    { "first", "{'data':[null,7],'ignore_nodata':false}", "null" },
    { "last", "{'data':['a','b']}", "'b'" },
    { "count", "{'data':[1,null,'x',0]}", "3" },
    { "count", "{'data':[1,5,7],'condition':{'process_graph':{'a':{'process_id':'gt','arguments':"
               "{'x':{'from_parameter':'x'},'y':4},'result':true}}}}", "2" },
    { "count", "{'data':[1],'condition':false}", NULL },
    { "array_element", "{'data':[1,2],'index':2}", NULL },
    { "array_element", "{'data':[1,2],'index':2,'return_nodata':true}", "null" },
    { "array_element", "{'data':[1,2],'label':'a'}", NULL },
    { "array_element", "{'data':[1,2]}", NULL },
    { "array_create", "{'data':[1],'repeat':3}", "[1,1,1]" },
    { "array_create", "{'data':[1],'repeat':1000000}", NULL },
    { "array_concat", "{'array1':[1,'a'],'array2':[null]}", "[1,'a',null]" },
    { "tanh", "{'x':0}", "0" },
    { "artanh", "{'x':1}", "null" },
    { "arctan2", "{'y':1,'x':1}", "0.7853981633974483" },
    { "is_infinite", "{'x':1}", "false" },
    { "add", "{'x':[1,2],'y':[10,20]}", "[11,22]" },
    { "add", "{'x':[1,2],'y':[10]}", NULL },
    { "add", "{'x':'1','y':2}", NULL },
    { "add", "{'x':1}", NULL },
    { "add", "{'x':1,'y':2,'z':3}", NULL },
    { "constant", "{'x':{'a':[1,'b']}}", "{'a':[1,'b']}" },
    /* no-data, and arguments without a result */
    { "absolute", "{'x':-2.5}", "2.5" },
    { "absolute", "{'x':null}", "null" },
    { "ceil", "{'x':1.2}", "2" },
    { "ceil", "{'x':null}", "null" },
    { "floor", "{'x':-1.2}", "-2" },
    { "floor", "{'x':null}", "null" },
    { "int", "{'x':2.7}", "2" },
    { "int", "{'x':null}", "null" },
    { "round", "{'x':3.5}", "4" },
    { "round", "{'x':null}", "null" },
    { "sgn", "{'x':3}", "1" },
    { "sgn", "{'x':null}", "null" },
    { "sqrt", "{'x':2.25}", "1.5" },
    { "sqrt", "{'x':null}", "null" },
    { "exp", "{'p':0.5}", "1.6487212707001282" },
    { "exp", "{'p':null}", "null" },
    { "ln", "{'x':2.5}", "0.9162907318741551" },
    { "ln", "{'x':null}", "null" },
    { "sin", "{'x':0.5}", "0.479425538604203" },
    { "sin", "{'x':null}", "null" },
    { "cos", "{'x':0.5}", "0.8775825618903728" },
    { "cos", "{'x':null}", "null" },
    { "tan", "{'x':0.5}", "0.5463024898437905" },
    { "tan", "{'x':null}", "null" },
    { "arcsin", "{'x':0.5}", "0.5235987755982989" },
    { "arcsin", "{'x':null}", "null" },
    { "arccos", "{'x':0.5}", "1.0471975511965979" },
    { "arccos", "{'x':null}", "null" },
    { "arctan", "{'x':0.5}", "0.4636476090008061" },
    { "arctan", "{'x':null}", "null" },
    { "sinh", "{'x':0.5}", "0.5210953054937474" },
    { "sinh", "{'x':null}", "null" },
    { "cosh", "{'x':0.5}", "1.1276259652063807" },
    { "cosh", "{'x':null}", "null" },
    { "tanh", "{'x':0.5}", "0.46211715726000974" },
    { "tanh", "{'x':null}", "null" },
    { "arsinh", "{'x':0.5}", "0.48121182505960347" },
    { "arsinh", "{'x':null}", "null" },
    { "arcosh", "{'x':2}", "1.3169578969248166" },
    { "arcosh", "{'x':null}", "null" },
    { "artanh", "{'x':0.5}", "0.5493061443340548" },
    { "artanh", "{'x':null}", "null" },
    { "sqrt", "{'x':-1}", "null" },
    { "ln", "{'x':-1}", "null" },
    { "arcsin", "{'x':2}", "null" },
    { "arccos", "{'x':-2}", "null" },
    { "arcosh", "{'x':0.5}", "null" },
    { "artanh", "{'x':2}", "null" },
    { "subtract", "{'x':null,'y':2}", "null" },
    { "subtract", "{'x':2,'y':null}", "null" },
    { "multiply", "{'x':null,'y':2}", "null" },
    { "multiply", "{'x':2,'y':null}", "null" },
    { "divide", "{'x':null,'y':2}", "null" },
    { "divide", "{'x':2,'y':null}", "null" },
    { "mod", "{'x':null,'y':2}", "null" },
    { "mod", "{'x':2,'y':null}", "null" },
    { "normalized_difference", "{'x':null,'y':2}", "null" },
    { "normalized_difference", "{'x':2,'y':null}", "null" },
    { "mod", "{'x':5,'y':0}", "null" },
    { "divide", "{'x':0,'y':0}", "null" },
    { "normalized_difference", "{'x':0,'y':0}", "null" },
    { "normalized_difference", "{'x':5,'y':3}", "0.25" },
    { "power", "{'base':null,'p':2}", "null" },
    { "power", "{'base':2,'p':null}", "null" },
    { "log", "{'x':null,'base':2}", "null" },
    { "log", "{'x':0,'base':2}", "null" },
    { "arctan2", "{'y':null,'x':1}", "null" },
    { "arctan2", "{'y':1,'x':null}", "null" },
    { "clip", "{'x':null,'min':1,'max':3}", "null" },
    { "linear_scale_range", "{'x':null,'inputMin':0,'inputMax':1}", "null" },
    { "linear_scale_range", "{'x':7,'inputMin':0,'inputMax':5}", "1" },
    { "between", "{'x':null,'min':3,'max':5}", "null" },
    { "eq", "{'x':null,'y':1}", "null" },
    { "eq", "{'x':1,'y':null}", "null" },
    { "gt", "{'x':null,'y':1}", "null" },
    { "gt", "{'x':1,'y':null}", "null" },
    { "gte", "{'x':null,'y':1}", "null" },
    { "gte", "{'x':1,'y':null}", "null" },
    { "lt", "{'x':null,'y':1}", "null" },
    { "lt", "{'x':1,'y':null}", "null" },
    { "lte", "{'x':null,'y':1}", "null" },
    { "lte", "{'x':1,'y':null}", "null" },
    { "lt", "{'x':1,'y':1}", "false" },
    { "lte", "{'x':1,'y':1}", "true" },
    { "and", "{'x':null,'y':false}", "false" },
    { "or", "{'x':false,'y':null}", "null" },
    { "or", "{'x':null,'y':true}", "true" },
    { "xor", "{'x':null,'y':true}", "null" },
    { "xor", "{'x':true,'y':null}", "null" },
    { "is_nan", "{'x':null}", "false" },
    { "is_infinite", "{'x':null}", "false" },
    { "min", "{'data':[null,null]}", "null" },
    { "min", "{'data':[null,4,2],'ignore_nodata':false}", "null" },
    { "max", "{'data':[null,null]}", "null" },
    { "max", "{'data':[null,4,2],'ignore_nodata':false}", "null" },
    { "mean", "{'data':[null,null]}", "null" },
    { "mean", "{'data':[null,4,2],'ignore_nodata':false}", "null" },
    { "median", "{'data':[null,null]}", "null" },
    { "median", "{'data':[null,4,2],'ignore_nodata':false}", "null" },
    { "sum", "{'data':[null,null]}", "null" },
    { "sum", "{'data':[null,4,2],'ignore_nodata':false}", "null" },
    { "product", "{'data':[null,null]}", "null" },
    { "product", "{'data':[null,4,2],'ignore_nodata':false}", "null" },
    { "variance", "{'data':[null,null]}", "null" },
    { "variance", "{'data':[null,4,2],'ignore_nodata':false}", "null" },
    { "sd", "{'data':[null,null]}", "null" },
    { "sd", "{'data':[null,4,2],'ignore_nodata':false}", "null" },
    { "first", "{'data':[null,null]}", "null" },
    { "first", "{'data':[null,4,2],'ignore_nodata':false}", "null" },
    { "last", "{'data':[null,null]}", "null" },
    { "last", "{'data':[null,4,2],'ignore_nodata':false}", "2" },
    { "min", "{'data':[null,4,2]}", "2" },
    { "max", "{'data':[4,null,2]}", "4" },
    { "count", "{'data':[null,null]}", "0" },
    { "count", "{'data':[null,1],'condition':true}", "2" },
    { "any", "{'data':[null,null]}", "false" },
    { "all", "{'data':[null,null]}", "true" },
    { "array_contains", "{'data':[1,null],'value':1}", "true" },
    { "array_contains", "{'data':[1,null],'value':2}", "false" },
    { "array_element", "{'data':[null,2],'index':0}", "null" },
    /* arrays */
    { "array_append", "{'data':[],'value':null}", "[null]" },
    { "array_append", "{'data':[1],'value':2,'label':'a'}", NULL },
    { "array_modify", "{'data':[1,2],'values':[9],'index':2}", "[1,2,9]" },
    { "array_modify", "{'data':[1,2],'values':[9],'index':3}", NULL },
    { "array_labels", "{'data':['a','b',null]}", "[0,1,2]" },
    { "array_labels", "{'data':[]}", "[]" },
    { "array_find", "{'data':[1,null,1],'value':null}", "null" },
    { "array_find", "{'data':[true,1],'value':1}", "1" },
    { "array_find_label", "{'data':[1,2],'label':0}", "null" },
    { "array_create_labeled", "{'data':[1,2],'labels':['a']}", NULL },
    { "array_create_labeled", "{'data':[1,2],'labels':['a',1]}", "[1,2]" },
    { "array_interpolate_linear", "{'data':[]}", "[]" },
    { "array_interpolate_linear", "{'data':[null,null]}", "[null,null]" },
    { "array_interpolate_linear", "{'data':[1,null,null,7,null]}", "[1,3,5,7,null]" },
    { "sort", "{'data':['2023-01-02T00:00:00+02:00','2023-01-01',null],'asc':false}",
      "['2023-01-02T00:00:00+02:00','2023-01-01']" },
    { "sort", "{'data':[3,null,1],'nodata':false}", "[null,1,3]" },
    { "sort", "{'data':[1,'2023-01-01']}", NULL },
    { "sort", "{'data':['x']}", NULL },
    { "sort", "{'data':[]}", "[]" },
    { "order", "{'data':[2,1,2,1]}", "[1,3,0,2]" },
    { "order", "{'data':[2,1,2,1],'asc':false}", "[0,2,1,3]" },
    { "order", "{'data':[null,1,null],'asc':false,'nodata':true}", "[1,0,2]" },
    { "rearrange", "{'data':[1,2],'order':[2]}", NULL },
    { "rearrange", "{'data':[1,2],'order':[1,1,0]}", "[2,2,1]" },
    { "quantiles", "{'data':[1]}", NULL },
    { "quantiles", "{'data':[1],'probabilities':[0.5],'q':2}", NULL },
    { "quantiles", "{'data':[1],'probabilities':[0.5,0.2]}", NULL },
    { "quantiles", "{'data':[1,2],'q':2}", "[1.5]" },
    { "quantiles", "{'data':[5,null],'probabilities':[0,1]}", "[5,5]" },
    { "extrema", "{'data':[]}", "[null,null]" },
    { "cumsum", "{'data':[]}", "[]" },
    { "cumproduct", "{'data':[2,null,3]}", "[2,null,6]" },
    { "cummin", "{'data':[null,3,5,1],'ignore_nodata':true}", "[null,3,3,1]" },
    { "cummax", "{'data':[1,null,3],'ignore_nodata':false}", "[1,null,null]" },
    { "array_apply", "{'data':[5,7],'process':{'process_graph':{'a':{'process_id':'add','arguments':"
                     "{'x':{'from_parameter':'x'},'y':{'from_parameter':'index'}},'result':true}}}}",
      "[5,8]" },
    { "array_filter", "{'data':[5,null,2],'condition':{'process_graph':{'a':{'process_id':'gt',"
                      "'arguments':{'x':{'from_parameter':'x'},'y':3},'result':true}}}}", "[5]" },
    { "array_filter", "{'data':[5],'condition':{'process_graph':{'a':{'process_id':'add',"
                      "'arguments':{'x':{'from_parameter':'x'},'y':3},'result':true}}}}", NULL },
    /* texts and dates */
    { "text_contains", "{'data':'Straße','pattern':'AßE','case_sensitive':false}", "true" },
    { "text_contains", "{'data':'abc','pattern':''}", "true" },
    { "text_ends", "{'data':'abc','pattern':'abcd'}", "false" },
    { "text_find", "{'data':'Grüße aus Rom','pattern':'aus'}", "6" },
    { "text_find", "{'data':'ÄÖÜ','pattern':'ü','case_sensitive':false}", "2" },
    { "text_find", "{'data':'abc','pattern':'C'}", "null" },
    { "text_find", "{'data':null,'pattern':'C'}", "null" },
    { "text_ends", "{'data':'ÄÖÜ','pattern':'öü','case_sensitive':false}", "true" },
    { "text_concat", "{'data':[0.1,100000,1e21],'separator':null}", "'0.1null100000null1e+21'" },
    { "date_between", "{'x':'2023-01-01T00:30:00+01:00','min':'2022-12-31','max':'2023-01-01'}",
      "true" },
    { "date_between", "{'x':'2023-01-01','min':'2022-12-31','max':'2023-01-01','exclude_max':true}",
      "false" },
    { "date_between", "{'x':'10:00:00','min':'09:59:59','max':'10:00:00'}", "true" },
    { "date_between", "{'x':'10:00:00','min':'2022-12-31','max':'2023-01-01'}", NULL },
    { "date_between", "{'x':'now','min':'2022-12-31','max':'2023-01-01'}", NULL },
    { "date_shift", "{'date':'2020-03-31T10:00:00.5Z','value':-1,'unit':'month'}",
      "'2020-02-29T10:00:00.5Z'" },
    { "date_shift", "{'date':'2020-01-01T00:00:00.123456Z','value':1,'unit':'millisecond'}",
      "'2020-01-01T00:00:00.124456Z'" },
    { "date_shift", "{'date':'2016-12-31T23:59:60Z','value':0,'unit':'second'}",
      "'2017-01-01T00:00:00Z'" },
    { "date_shift", "{'date':'2016-12-31T23:59:60Z','value':1,'unit':'day'}",
      "'2017-01-01T23:59:59Z'" },
    { "date_shift", "{'date':'2020-01-15','value':-13,'unit':'month'}", "'2018-12-15'" },
    { "date_shift", "{'date':'2020-01-15','value':9000,'unit':'year'}", NULL },
    { "date_shift", "{'date':'2020-13-15','value':1,'unit':'year'}", NULL },
    { "date_difference", "{'date1':'2020-01-31','date2':'2020-03-31','unit':'month'}", "2" },
    { "date_difference", "{'date1':'2020-01-31','date2':'2020-02-15','unit':'month'}",
      "0.5172413793103449" },
    { "date_difference", "{'date1':'2020-02-29','date2':'2021-02-28','unit':'year'}", "1" },
    { "date_difference", "{'date1':'2021-03-01','date2':'2020-01-01','unit':'month'}", "-14" },
    { "date_difference", "{'date1':'2020-01-01','date2':'2020-01-08','unit':'week'}", "1" },
};

static void own_examples(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(json) json_t *arguments = quoted(rows[i].arguments);
        AUTO(json) json_t *want = rows[i].result ? quoted(rows[i].result) : NULL;
        struct err err = { 0 };
        AUTO(json) json_t *got = evaluate(arguments, rows[i].process, &err);

        if (want ? !got || !close_to(got, want) : got || err.code == ERR_None) {
            AUTO(mem) char *text = got ? json_dumps(got, JSON_ENCODE_ANY) : NULL;

            fail_msg("%s %s: expected %s, got %s (%s)", rows[i].process, rows[i].arguments,
                     rows[i].result ? rows[i].result : "an error", text ? text : "nothing",
                     err.message);
        }
    }
}

/* Examples of the definitions */
static json_t *definition_of(const char *id)
{
    static const char *const folders[] = { "", "proposals/" };
    const char *root = getenv("SENTIER_SPECS");

    for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
        AUTO(mem) char *path = root ? mem_printf("%s/openeo/processes/%s%s.json", root, folders[i], id)
                                    : mem_printf("%s/../shared/specs/openeo/processes/%s%s.json",
                                                 getenv("srcdir") ? getenv("srcdir") : ".",
                                                 folders[i], id);
        json_t *json = json_load_file(path, 0, NULL);

        if (json)
            return json;
    }
    return NULL;
}

static void their_examples(void **state)
{
    size_t n = 0;

    (void)state;
    for (size_t i = 0; i < process_count(); i++) {
        AUTO(json) json_t *definition = definition_of(process_id(i));
        json_t *example;
        size_t k;

        json_array_foreach(json_object_get(definition, "examples"), k, example) {
            const json_t *arguments = json_object_get(example, "arguments");
            const json_t *want = json_object_get(example, "returns");
            struct err err = { 0 };
            AUTO(json) json_t *got = NULL;

            /* one lacks the length that its result needs: the default is followed */
            if (!want || (!strcmp(process_id(i), "array_modify") && k == 3))
                continue;
            got = evaluate(arguments, process_id(i), &err);
            if (!got || !close_to(got, want)) {
                AUTO(mem) char *asked = json_dumps(example, JSON_ENCODE_ANY);
                AUTO(mem) char *text = got ? json_dumps(got, JSON_ENCODE_ANY) : NULL;

                fail_msg("%s %s: got %s (%s)", process_id(i), asked, text ? text : "nothing",
                         err.message);
            }
            n++;
        }
    }
    if (n == 0)
        skip();
}

/* The same through a program: the first argument is a pixel. */
static double the_pixel;

static double constant_pixel(const struct scene_band *band, int64_t column, int64_t row)
{
    (void)band, (void)column, (void)row;
    return the_pixel;
}

static json_t *pixel_graph(const char *process, const json_t *arguments, const char *first)
{
    json_t *graph = quoted(
        "{'process_graph':{'load':{'process_id':'load_collection','arguments':{'id':'S2',"
        "'spatial_extent':null,'temporal_extent':null,'bands':['B04']}},"
        "'apply':{'process_id':'apply','arguments':{'data':{'from_node':'load'},'process':"
        "{'process_graph':{'f':{'process_id':'x','arguments':{},'result':true}}}}},"
        "'save':{'process_id':'save_result','arguments':{'data':{'from_node':'apply'},"
        "'format':'GTiff'},'result':true}}}");
    json_t *apply = json_object_get(json_object_get(graph, "process_graph"), "apply");
    json_t *process_json = json_object_get(json_object_get(apply, "arguments"), "process");
    json_t *f = json_object_get(json_object_get(process_json, "process_graph"), "f");
    AUTO(json) json_t *changed = json_deep_copy(arguments);

    json_object_set_new(changed, first, json_pack("{s:s}", "from_parameter", "x"));
    json_object_set(f, "arguments", changed);
    json_object_set_new(f, "process_id", json_string(process));
    return graph;
}

static bool is_scalar_example(const json_t *arguments, const char **ret_first)
{
    const char *name;
    json_t *argument;

    *ret_first = NULL;
    json_object_foreach((json_t *)arguments, name, argument) {
        if (!*ret_first)
            *ret_first = name;
        if (!json_is_number(argument) && !json_is_null(argument) && !json_is_boolean(argument))
            return false;
    }
    return *ret_first && !json_is_boolean(json_object_get(arguments, *ret_first));
}

static double pixel_of(const json_t *json)
{
    return json_is_boolean(json) ? json_is_true(json) : json_is_number(json) ? json_number_value(json)
                                                                             : NAN;
}

static void programs_agree_with_values(void **state)
{
    static const char *const apart[] = { /* null and NaN differ by design; or not of numbers */
        "constant", "is_nan", "is_nodata", "if", "array_create", "and", "or", "xor", "not",
    };
    size_t n = 0;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(json) json_t *arguments = quoted(rows[i].arguments);
        struct double_catalog catalog_state = { 0 };
        struct catalog catalog = double_catalog(&catalog_state);
        const char *first = NULL;
        AUTO(plan) struct plan *plan = NULL;
        AUTO(json) json_t *graph = NULL, *want = NULL;
        struct err err = { 0 };
        bool skipped = !rows[i].result || !is_scalar_example(arguments, &first);
        double got;

        for (size_t k = 0; k < ARRAY_LEN(apart); k++)
            skipped |= !strcmp(apart[k], rows[i].process);
        if (skipped)
            continue;
        want = quoted(rows[i].result);
        graph = pixel_graph(rows[i].process, arguments, first);
        the_pixel = pixel_of(json_object_get(arguments, first));
        if (!graph_plan(graph, NULL, "", &catalog, PLAN_BATCH, &plan, &err))
            fail_msg("%s %s: %s", rows[i].process, rows[i].arguments, err.message);
        assert_null(plan_fault(plan));
        got = plan_pixel(plan->saves[0], 0, 5, 5, constant_pixel);
        if (!strcmp(rows[i].process, "eq") && json_is_boolean(json_object_get(arguments, "y")))
            continue;
        if (isfinite(got) ? fabs(got - pixel_of(want)) > 1e-9 : !isnan(pixel_of(want)))
            fail_msg("%s %s: expected %g, got %g", rows[i].process, rows[i].arguments,
                     pixel_of(want), got);
        n++;
    }
    assert_true(n > 15);
}

/* Descriptions against definitions: all but the words, and in schemas these, too, as the official suite compares them. */
static bool is_words(const char *key)
{
    static const char *const words[] = { "description", "title", "examples", "summary", "links",
                                         "process_graph", "message", NULL };

    for (size_t i = 0; words[i]; i++)
        if (!strcmp(words[i], key))
            return true;
    return false;
}

static json_t *without_words(const json_t *json)
{
    json_t *bare, *member;
    const char *key;
    size_t i;

    if (json_is_array(json)) {
        bare = json_array();
        json_array_foreach(json, i, member)
            json_array_append_new(bare, without_words(member));
        return bare;
    }
    if (!json_is_object(json))
        return json_deep_copy(json);
    bare = json_object();
    json_object_foreach((json_t *)json, key, member) {
        if (!is_words(key))
            json_object_set_new(bare, key, !strcmp(key, "schema") ? json_deep_copy(member) : without_words(member));
    }
    return bare;
}

static void descriptions_follow_definitions(void **state)
{
    size_t n = 0;

    (void)state;
    for (size_t i = 0; i < process_count(); i++) {
        AUTO(json) json_t *definition = definition_of(process_id(i));
        AUTO(json) json_t *ours = json_loads(process_text(i), 0, NULL);
        AUTO(json) json_t *a = NULL, *b = NULL;

        assert_non_null(ours);
        assert_string_equal(json_string_value(json_object_get(ours, "id")), process_id(i));
        assert_ptr_equal(process_text_of(process_id(i)), process_text(i));
        if (i)
            assert_true(strcmp(process_id(i - 1), process_id(i)) < 0);
        if (!definition)
            continue;
        a = without_words(definition);
        b = without_words(ours);
        if (!json_equal(a, b)) {
            AUTO(mem) char *x = json_dumps(a, JSON_SORT_KEYS), *y = json_dumps(b, JSON_SORT_KEYS);

            fail_msg("%s\ndefined:   %s\ndescribed: %s", process_id(i), x, y);
        }
        n++;
    }
    assert_null(process_text_of("no_such_process"));
    if (n == 0)
        skip();
}

/* Digits from the first to the last that is not 0. */
static size_t significant(const char *text)
{
    size_t n = 0, noughts = 0;

    for (; *text && *text != 'e'; text++) {
        if (*text < '0' || *text > '9')
            continue;
        noughts = *text == '0' ? noughts + 1 : 0;
        n += n > 0 || *text != '0';
    }
    return n - (n ? noughts : 0);
}

/* No text with fewer digits reads back as the number. */
static void numbers_have_their_shortest_text(void **state)
{
    static const double chosen[] = { 0, -0.0, 1, 0.1, 100000, 1e15, 123456789012345680.0, 1e20, 1e21, 1e-5, 2.5e-6, 1e-7, 5e-324, 0.1 + 0.2,
                                     1.7976931348623157e308, -273.15 };
    uint64_t bits = 88172645463325252u;

    (void)state;
    for (size_t i = 0; i < 20000; i++) {
        char text[32], fewer[32];
        double number;

        bits ^= bits << 13;
        bits ^= bits >> 7;
        bits ^= bits << 17;
        memcpy(&number, &bits, sizeof number);
        if (i < ARRAY_LEN(chosen))
            number = chosen[i];
        else if (i % 2) /* few digits */
            number = (double)(bits % 100000) / (double)(1 + bits % 1000);
        else if (!isfinite(number))
            continue;
        number_text(number, text);
        assert_true(strtod(text, NULL) == number);
        for (int digits = 0; digits < 17; digits++) {
            snprintf(fewer, sizeof fewer, "%.*e", digits, number);
            if (strtod(fewer, NULL) == number)
                break;
        }
        if (number != 0 && (fabs(number) < 1e15 || fabs(number) >= 1e21) /* else all digits of a whole number */ &&
            significant(text) > significant(fewer))
            fail_msg("%s has more digits than %s", text, fewer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(own_examples),
        cmocka_unit_test(their_examples),
        cmocka_unit_test(programs_agree_with_values),
        cmocka_unit_test(descriptions_follow_definitions),
        cmocka_unit_test(numbers_have_their_shortest_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
