/* What is wrong with a graph is said with its code, its node and its place, and said before the
 * catalogue is asked for scenes wherever that is possible. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "tests/graph/double.h"
#include "tests/graph/quoted.h"

#define LOAD                                                                                       \
    "'load':{'process_id':'load_collection','arguments':{'id':'S2','spatial_extent':null,"         \
    "'temporal_extent':null,'bands':['B04','B08','SCL']}}"
#define SAVE(from)                                                                                 \
    ",'save':{'process_id':'save_result','arguments':{'data':{'from_node':'" from "'},"            \
    "'format':'COG'},'result':true}"
#define GRAPH(nodes) "{'process_graph':{" nodes "}}"
#define NODE(id, process, arguments)                                                               \
    ",'" id "':{'process_id':'" process "','arguments':{" arguments "}}"
#define DATA "'data':{'from_node':'load'}"
/* load, one node n, save */
#define CHAIN(process, arguments) GRAPH(LOAD NODE("n", process, DATA "," arguments) SAVE("n"))
#define LOADING(id, space, time, bands)                                                            \
    GRAPH("'n':{'process_id':'load_collection','arguments':{'id':" id ",'spatial_extent':" space   \
          ",'temporal_extent':" time ",'bands':" bands "}}" SAVE("n"))
#define REDUCE(dimension, nodes)                                                                   \
    CHAIN("reduce_dimension", "'dimension':'" dimension "','reducer':{'process_graph':{" nodes "}}")
#define BOX(w, s, e, n) "{'west':" #w ",'south':" #s ",'east':" #e ",'north':" #n "}"

static const struct {
    const char *graph, *code, *message;
    bool at_planning; /* not found before the scenes are known */
} rows[] = {
    { "[]", "ProcessInvalid", "expected an object, found an array", 0 },
    { "{}", "ProcessGraphMissing", "process_graph", 0 },
    { "{'process_graph':[]}", "ProcessGraphInvalid", "expected an object of nodes", 0 },
    { "{'process_graph':{}}", "ProcessGraphInvalid", "an empty one", 0 },
    { GRAPH("'a':1"), "ProcessGraphInvalid", "a node is an object (node 'a', /process_graph/a)", 0 },
    { GRAPH("'a':{}"), "ProcessGraphInvalid", "process_id", 0 },
    { GRAPH("'a':{'process_id':'nope','arguments':{},'result':true}"), "ProcessUnsupported",
      "Process 'nope' is not offered. (node 'a', /process_graph/a)", 0 },
    { GRAPH("'a':{'process_id':'pi','namespace':'user','arguments':{},'result':true}"),
      "ProcessUnsupported", "in namespace user", 0 },
    { GRAPH("'a':{'process_id':'pi','arguments':{}}"), "ProcessGraphInvalid",
      "no node is marked as the result", 0 },
    { GRAPH("'a':{'process_id':'pi','result':true},'b':{'process_id':'e','result':true}"),
      "ProcessGraphInvalid", "both 'a' and 'b'", 0 },
    { GRAPH("'a':{'process_id':'absolute','arguments':{'x':{'from_node':'b'}},'result':true},"
            "'b':{'process_id':'sqrt','arguments':{'x':{'from_node':'a'}}}"),
      "ProcessGraphInvalid", "in a cycle: a <- b <- a", 0 },
    { GRAPH("'a':{'process_id':'absolute','arguments':{'x':{'from_node':'a'}},'result':true}"),
      "ProcessGraphInvalid", "cycle: a <- a", 0 },
    { GRAPH("'a':{'process_id':'absolute','arguments':{'x':{'from_node':'z'}},'result':true}"),
      "ProcessGraphInvalid", "there is no node 'z' here (node 'a', /process_graph/a/arguments/x)", 0 },
    { GRAPH("'a':{'process_id':'absolute','arguments':{'x':{'from_node':'a','y':1}},'result':true}"),
      "ProcessGraphInvalid", "nothing but 'from_node'", 0 },
    { GRAPH("'a':{'process_id':'absolute','arguments':{'x':{'from_parameter':'p'}},'result':true}"),
      "ProcessParameterRequired", "parameter 'p'", 0 },
    { GRAPH("'a':{'process_id':'absolute','arguments':{},'result':true}"),
      "ProcessParameterRequired", "requires parameter 'x'", 0 },
    { GRAPH("'a':{'process_id':'absolute','arguments':{'x':1,'z':2},'result':true}"),
      "ProcessParameterUnsupported", "no parameter 'z'", 0 },
    { GRAPH("'a':{'process_id':'absolute','arguments':{'x':'1'},'result':true}"),
      "ProcessParameterInvalid",
      "parameter 'x' in process 'absolute' is invalid: expected a number or null, found the string "
      "'1'. (node 'a', /process_graph/a/arguments/x)", 0 },
    { LOADING("'NOPE'", "null", "null", "null"), "CollectionNotFound", "NOPE", 0 },
    { LOADING("'S2'", "null", "null", "['B99']"), "ProcessParameterInvalid",
      "has no band 'B99'; it has B02, B03, B04, B08, SCL", 0 },
    { LOADING("'a b'", "null", "null", "null"), "ProcessParameterInvalid", "like", 0 },
    { LOADING("'S2'", "null", "['2023-09-01','2023-08-01']", "null"), "TemporalExtentEmpty",
      "'2023-09-01' to '2023-08-01'", 0 },
    { LOADING("'S2'", "null", "['2023-08-01','2023-08-01']", "null"), "TemporalExtentEmpty",
      "'2023-08-01' to '2023-08-01'", 0 },
    { LOADING("'S2'", "null", "['yesterday',null]", "null"), "ProcessParameterInvalid",
      "found the string 'yesterday'", 0 },
    { LOADING("'S2'", "null", "['2023-08-01']", "null"), "ProcessParameterInvalid", "array of 2", 0 },
    { LOADING("'S2'", "null", "[null,null]", "null"), "ProcessParameterInvalid",
      "start and end cannot both be null", 0 },
    { LOADING("'S2'", BOX(1, 5, 2, 4), "null", "null"), "ProcessParameterInvalid",
      "south (5) lies north of north (4)", 0 },
    { LOADING("'S2'", BOX(1, -95, 2, 4), "null", "null"), "ProcessParameterInvalid", "latitudes", 0 },
    { LOADING("'S2'", BOX('1', 1, 2, 4), "null", "null"), "ProcessParameterInvalid",
      "'west' is the string '1'", 0 },
    { LOADING("'S2'", "{'west':1,'south':1,'east':2}", "null", "null"), "ProcessParameterInvalid",
      "no 'north'", 0 },
    { LOADING("'S2'", "{'west':1,'south':1,'east':2,'north':2,'crs':999999}", "null", "null"),
      "ProcessParameterInvalid", "not known", 0 },
    { LOADING("'S2'", "{'type':'Point','coordinates':[1,2]}", "null", "null"), "FeatureUnsupported",
      "no geometries", 0 },
    { LOADING("'S2'", BOX(100, 10, 101, 11), "null", "null"), "NoDataAvailable", "S2", 1 },
    { LOADING("'S2'", BOX(179, 46, -179, 47), "null", "null"), "NoDataAvailable", "S2", 1 },
    { LOADING("'S2'", BOX(15.005, 46.05, 15.005, 46.05), "null", "null"), "NoDataAvailable",
      "resolution is 10 by 10", 1 },
    { LOADING("'EMPTY'", "null", "null", "null"), "NoDataAvailable", "EMPTY", 1 },
    { LOADING("'NOGRID'", "null", "null", "null"), "SourceUnreadable", "S2B_0810", 1 },
    { CHAIN("absolute", "'x':1"), "ProcessParameterUnsupported", "", 0 },
    { GRAPH(LOAD NODE("n", "absolute", "'x':{'from_node':'load'}") SAVE("n")),
      "ProcessParameterInvalid", "found a cube (x, y, t, bands); to compute with the pixels", 0 },
    { REDUCE("time", "'m':{'process_id':'mean','arguments':{'data':{'from_parameter':'data'}},"
             "'result':true}"),
      "DimensionNotAvailable", "no dimension 'time'; the cube has x, y, t, bands", 0 },
    { REDUCE("x", "'m':{'process_id':'mean','arguments':{'data':{'from_parameter':'data'}},"
             "'result':true}"), "FeatureUnsupported", "along 'x'", 0 },
    { REDUCE("bands", "'m':{'process_id':'array_element','arguments':{'data':{'from_parameter':"
             "'data'},'index':7},'result':true}"),
      "ArrayElementNotAvailable", "has 3 elements: B04, B08, SCL", 0 },
    { REDUCE("t", "'m':{'process_id':'array_element','arguments':{'data':{'from_parameter':"
             "'data'},'index':7},'result':true}"),
      "ArrayElementNotAvailable", "has 5 elements: 2023-08-10T10:00:31Z", 1 },
    { REDUCE("bands", "'m':{'process_id':'array_element','arguments':{'data':{'from_parameter':"
             "'data'},'label':'B05'},'result':true}"), "ArrayElementNotAvailable", "'B05'", 0 },
    { REDUCE("bands", "'m':{'process_id':'array_create','arguments':{'data':{'from_parameter':"
             "'data'}},'result':true}"), "ProcessParameterInvalid",
      "the callback gives an array of 3 elements", 0 },
    { REDUCE("bands", "'m':{'process_id':'and','arguments':{'x':true,'y':{'from_node':'f'}},"
             "'result':true},'f':{'process_id':'first','arguments':{'data':{'from_parameter':'data'}}}"),
      "ProcessParameterInvalid", "found a number of a cube", 0 },
    { CHAIN("reduce_dimension", "'dimension':'t','reducer':5"), "ProcessParameterInvalid",
      "expected a process graph, found the number 5", 0 },
    { CHAIN("ndvi", "'nir':'B99'"), "NirBandAmbiguous", "No band is called 'B99'", 0 },
    { CHAIN("ndvi", "'target_band':'SCL'"), "BandExists", "SCL", 0 },
    { GRAPH(LOAD NODE("b", "filter_bands", DATA ",'bands':['SCL']")
            NODE("n", "ndvi", "'data':{'from_node':'b'}") SAVE("n")), "NirBandAmbiguous", "", 0 },
    { GRAPH(LOAD NODE("i", "ndvi", DATA) NODE("n", "ndvi", "'data':{'from_node':'i'}") SAVE("n")),
      "DimensionAmbiguous", "0 dimensions", 0 },
    { CHAIN("cloud_detection", "'method':'Fmask'"), "FeatureUnsupported", "The method 'Fmask' is not offered; 'Sen2Cor' is.", 0 },
    { CHAIN("cloud_detection", "'method':null,'options':{'dilate':1}"), "ProcessParameterInvalid",
      "expected an object without members", 0 },
    { CHAIN("cloud_detection", "'options':{}"), "ProcessParameterRequired", "method", 0 },
    { GRAPH(LOAD NODE("b", "filter_bands", DATA ",'bands':['B04']")
            NODE("n", "cloud_detection", "'data':{'from_node':'b'},'method':null") SAVE("n")), "ProcessParameterInvalid",
      "The cube has the bands B04, expected the band SCL", 0 },
    { GRAPH(LOAD NODE("i", "ndvi", DATA ",'red':'B04'") NODE("n", "cloud_detection", "'data':{'from_node':'i'},'method':'Sen2Cor'")
            SAVE("n")), "DimensionAmbiguous", "0 dimensions", 0 },
    { CHAIN("filter_bands", "'bands':[]"), "BandFilterParameterMissing", "", 0 },
    { CHAIN("filter_bands", "'bands':['B99']"), "DataCubeEmpty", "'bands' has no labels", 0 },
    { GRAPH(LOAD ",'n':{'process_id':'filter_bands','arguments':{" DATA ",'bands':['B99']},'result':true}"),
      "DataCubeEmpty", "(node 'n', /process_graph/n/arguments/data)", 0 },
    { GRAPH(LOAD NODE("n", "reduce_dimensions", DATA) SAVE("n")), "ProcessUnsupported",
      "is not offered; there is 'reduce_dimension'. (node 'n', /process_graph/n)", 0 },
    { LOADING("'nowhere'", "null", "null", "null"), "CollectionNotFound",
      "(node 'n', /process_graph/n/arguments/id)", 0 },
    { CHAIN("filter_temporal", "'extent':['2023-08-02','2023-08-01']"), "TemporalExtentEmpty", "", 0 },
    { CHAIN("filter_temporal", "'extent':['2023-08-02',null],'dimension':'z'"),
      "DimensionNotAvailable", "'z'", 0 },
    { CHAIN("filter_temporal", "'extent':['2030-08-02',null]"), "NoDataAvailable", "", 1 },
    { CHAIN("filter_bbox", "'extent':" BOX(0, 0, 1, 1)), "NoDataAvailable", "", 1 },
    { CHAIN("add_dimension", "'name':'t','label':'a'"), "DimensionExists", "", 0 },
    { CHAIN("add_dimension", "'name':'z','label':'a','type':'geometry'"), "ProcessParameterInvalid", "", 0 },
    { CHAIN("drop_dimension", "'name':'bands'"), "DimensionLabelCountMismatch", "3 labels", 0 },
    { CHAIN("drop_dimension", "'name':'q'"), "DimensionNotAvailable", "", 0 },
    { CHAIN("rename_dimension", "'source':'t','target':'bands'"), "DimensionExists", "", 0 },
    { CHAIN("rename_labels", "'dimension':'bands','target':['a']"), "LabelsNotEnumerated", "", 0 },
    { CHAIN("rename_labels", "'dimension':'bands','target':['a'],'source':['B04','B08']"),
      "LabelMismatch", "1", 0 },
    { CHAIN("rename_labels", "'dimension':'bands','target':['a'],'source':['q']"),
      "LabelNotAvailable", "'q'", 0 },
    { CHAIN("rename_labels", "'dimension':'bands','target':['SCL'],'source':['B04']"),
      "LabelExists", "'SCL'", 0 },
    { GRAPH(LOAD NODE("n", "merge_cubes", "'cube1':{'from_node':'load'},'cube2':{'from_node':'load'}")
            SAVE("n")), "OverlapResolverMissing", "", 1 },
    { GRAPH(LOAD NODE("r", "rename_labels", DATA ",'dimension':'bands','source':['B04'],'target':['Z']")
            NODE("n", "mask", "'data':{'from_node':'r'},'mask':{'from_node':'load'}") SAVE("n")),
      "IncompatibleDataCubes", "labels of dimension 'bands' differ", 0 },
    { GRAPH(LOAD ",'save':{'process_id':'save_result','arguments':{" DATA ",'format':'XLS'},"
            "'result':true}"), "FormatUnsuitable", "there are COG, GTiff, PNG, JPEG, GIF, WebP, ", 0 },
    { GRAPH(LOAD ",'save':{'process_id':'save_result','arguments':{" DATA ",'format':'XLS'},"
            "'result':true}"), "FormatUnsuitable", ", netCDF, Zarr, JSON, CSV, GeoJSON and Accuracy", 0 },
    { GRAPH(LOAD ",'save':{'process_id':'save_result','arguments':{" DATA ",'format':'COG',"
            "'options':{'compression':'lzma'}},'result':true}"), "ProcessParameterInvalid",
      "expected deflate, zstd or none", 0 },
    { GRAPH(LOAD ",'save':{'process_id':'save_result','arguments':{" DATA ",'format':'JSON',"
            "'options':{'x':1}},'result':true}"), "ProcessParameterInvalid", "has no options", 0 },
    { GRAPH(LOAD ",'save':{'process_id':'save_result','arguments':{" DATA ",'format':'PNG',"
            "'options':{'colormap':{'1':[0,0,0]}}},'result':true}"), "FormatUnsuitable",
      "With a colormap PNG is of 1 band, the cube has 3", 0 },
    { GRAPH(LOAD ",'save':{'process_id':'save_result','arguments':{" DATA ",'format':'COG',"
            "'options':{'dtype':'uint8','nodata':300}},'result':true}"), "ProcessParameterInvalid",
      "cannot hold this number", 0 },
};

static void one_by_one(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(json) json_t *process = quoted(rows[i].graph);
        struct double_catalog asked = { 0 };
        struct catalog catalog = double_catalog(&asked);
        struct plan *plan = NULL;
        struct err err = { 0 };
        bool ok = graph_check(process, NULL, "", &catalog, &err);

        assert_int_equal(asked.n_scenes, 0);
        if (ok != rows[i].at_planning)
            fail_msg("%s: checked %s: %s", rows[i].graph, ok ? "well" : "badly", err.message);
        if (ok)
            ok = graph_plan(process, NULL, "", &catalog, PLAN_BATCH, &plan, &err);
        plan_free(ok ? plan : NULL);
        if (ok || strcmp(err_name(err.code), rows[i].code) || !strstr(err.message, rows[i].message))
            fail_msg("%s:\nexpected %s with '%s'\ngot %s: %s", rows[i].graph, rows[i].code,
                     rows[i].message, ok ? "a plan" : err_name(err.code), err.message);
    }
}

static void validation_collects(void **state)
{
    AUTO(json) json_t *process = quoted(
        GRAPH("'a':{'process_id':'nope','arguments':{}},"
              "'b':{'process_id':'absolute','arguments':{'x':{'from_node':'a'}}},"
              "'c':{'process_id':'absolute','arguments':{'x':'text'}},"
              "'d':{'process_id':'add','arguments':{'x':{'from_node':'c'},'y':{'from_parameter':'p'}},"
              "'result':true},"
              "'e':{'process_id':'load_collection','arguments':{'id':'S2','spatial_extent':null,"
              "'temporal_extent':['2023-09-01','2023-08-01']}}"));
    struct double_catalog asked = { 0 };
    struct catalog catalog = double_catalog(&asked);
    AUTO(json) json_t *errors = NULL;
    struct err err = { 0 };

    (void)state;
    assert_true(graph_validate(process, &catalog, &errors, &err));
    assert_int_equal(json_array_size(errors), 3); /* no follow-up errors, no unbound parameters */
    assert_string_equal(json_string_value(json_object_get(json_array_get(errors, 0), "code")),
                        "ProcessUnsupported");
    assert_string_equal(json_string_value(json_object_get(json_array_get(errors, 1), "code")),
                        "ProcessParameterInvalid");
    assert_string_equal(json_string_value(json_object_get(json_array_get(errors, 2), "code")),
                        "TemporalExtentEmpty");
}

/* Each error of a node, and of others beside a cycle. */
static void validation_goes_on(void **state)
{
    static const char *const places[] = {
        "/process_graph/a/arguments/q)",  "/process_graph/a/arguments/z)", "/process_graph/b/arguments)",
        "/process_graph/b/arguments)",    "/process_graph/c)",             "/process_graph/e/arguments/x)",
        "/process_graph/e/arguments/y)",
    };
    AUTO(json) json_t *process = quoted(
        GRAPH("'a':{'process_id':'add','arguments':{'x':1,'y':2,'q':3,'z':4}},"
              "'b':{'process_id':'add','arguments':{}},"
              "'c':{'process_id':'add','arguments':{'x':{'from_node':'d'},'y':1}},"
              "'d':{'process_id':'add','arguments':{'x':{'from_node':'c'},'y':1}},"
              "'e':{'process_id':'add','arguments':{'x':'one','y':[]},'result':true}"));
    AUTO(json) json_t *errors = NULL;
    struct err err = { 0 };

    (void)state;
    assert_true(graph_validate(process, NULL, &errors, &err));
    if (json_array_size(errors) != ARRAY_LEN(places))
        fail_msg("%s", json_dumps(errors, JSON_INDENT(1)));
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        const char *message =
            json_string_value(json_object_get(json_array_get(errors, i), "message"));

        if (!strstr(message, places[i]))
            fail_msg("expected %s\nfound %s", places[i], message);
    }
}

static void validation_ends(void **state)
{
    AUTO(json) json_t *nodes = json_object(), *process = NULL;
    AUTO(json) json_t *errors = NULL;
    struct err err = { 0 };
    char id[16];

    (void)state;
    for (int i = 0; i < 300; i++) {
        snprintf(id, sizeof id, "n%d", i);
        json_object_set_new(nodes, id, json_pack("{s:s, s:{}}", "process_id", id, "arguments"));
    }
    process = json_pack("{s:O}", "process_graph", nodes);
    assert_true(graph_validate(process, NULL, &errors, &err));
    assert_int_equal(json_array_size(errors), 100);
}

static void limits(void **state)
{
    AUTO(json) json_t *nodes = json_object(), *process = NULL;
    struct err err = { 0 };
    char id[16], before[16] = "";
    struct plan *plan;

    (void)state;
    for (int i = 0; i < 19000; i++) { /* a long chain is no trouble */
        json_t *x;

        snprintf(id, sizeof id, "n%d", i);
        x = *before ? json_pack("{s:s}", "from_node", before) : json_integer(1);
        json_object_set_new(nodes, id, json_pack("{s:s, s:{s:o, s:i}, s:b}", "process_id", "add",
                                                 "arguments", "x", x, "y", 1, "result", i == 18999));
        strcpy(before, id);
    }
    process = json_pack("{s:O}", "process_graph", nodes);
    assert_true(graph_plan(process, NULL, "", NULL, PLAN_BATCH, &plan, &err));
    assert_int_equal(json_integer_value(plan->value), 19001);
    plan_free(plan);
    for (int i = 0; i < 2000; i++) {
        snprintf(id, sizeof id, "m%d", i);
        json_object_set_new(nodes, id, json_pack("{s:s}", "process_id", "pi"));
    }
    assert_false(graph_check(process, NULL, "", NULL, &err));
    assert_int_equal(err.code, ERR_ProcessGraphInvalid);
    assert_non_null(strstr(err.message, "more than 20000 nodes"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_by_one),
        cmocka_unit_test(validation_collects), cmocka_unit_test(validation_goes_on),
        cmocka_unit_test(validation_ends),
        cmocka_unit_test(limits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
