/* Execute requests of OGC API - Processes: inputs to arguments, wanted outputs, pruned graphs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "api/common/notify.h"
#include "api/common/product.h"
#include "api/ogc/ogc.h"
#include "json/schema.h"
#include <string.h>

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

static const char description_text[] =
    "{'inputs':{"
    " 'name':{'minOccurs':0,'schema':{'type':'string','maxLength':5}},"
    " 'box':{'minOccurs':0,'schema':{'type':'object','required':['bbox'],'properties':"
    "        {'bbox':{'type':'array','minItems':4,'maxItems':4,'items':{'type':'number'}}}}},"
    " 'many':{'minOccurs':0,'maxOccurs':3,'schema':{'type':'number'}},"
    " 'must':{'schema':{'type':'number'}}},"
    " 'outputs':{'a':{'schema':{'contentMediaType':'image/tiff; application=geotiff'}},"
    "            'b':{'schema':{'type':'number'}}}}";
static const char graph_text[] =
    "{'parameters':[{'name':'box','schema':[{'type':'object','subtype':'bounding-box'}]}],"
    " 'process_graph':{'x':{'process_id':'load_collection'},"
    "  'a':{'process_id':'save_result','result':true},"
    "  'b':{'process_id':'save_result'}}}";

static const struct { const char *inputs, *arguments, *message; } input_rows[] = {
    { "{'must':1}", "{\"must\":1}", NULL },
    { "{'must':{'value':1}}", "{\"must\":1}", NULL },
    { "{'must':1,'name':'abc'}", "{\"must\":1,\"name\":\"abc\"}", NULL },
    { "{'must':1,'many':[1,{'value':2}]}", "{\"many\":[1,2],\"must\":1}", NULL },
    { "{'must':1,'many':4}", "{\"many\":[4],\"must\":1}", NULL },
    { "{'must':1,'box':{'bbox':[1,2,3,4]}}",
      "{\"box\":{\"east\":3.0,\"north\":4.0,\"south\":2.0,\"west\":1.0},\"must\":1}", NULL },
    { "{'must':1,'box':{'bbox':[2,1,4,3],'crs':'http://www.opengis.net/def/crs/EPSG/0/4326'}}",
      "{\"box\":{\"east\":3.0,\"north\":4.0,\"south\":2.0,\"west\":1.0},\"must\":1}", NULL },
    { "{'must':1,'box':{'bbox':[500000,1,600000,3],'crs':'http://www.opengis.net/def/crs/EPSG/0/32633'}}",
      "{\"box\":{\"crs\":32633,\"east\":600000.0,\"north\":3.0,\"south\":1.0,\"west\":500000.0},\"must\":1}", NULL },
    { "{}", NULL, "/inputs/must: is required and missing" },
    { "[]", NULL, "/inputs: expected an object, found an array" },
    { "{'must':'1'}", NULL, "/inputs/must: expected type number, found a string" },
    { "{'must':{'value':'1'}}", NULL, "/inputs/must/value: expected type number, found a string" },
    { "{'must':1,'other':2}", NULL, "/inputs/other: the process has no such input" },
    { "{'must':1,'name':'abcdef'}", NULL,
      "/inputs/name: expected at most 5 characters, found 6" },
    { "{'must':{'href':'http://localhost/x'}}", NULL,
      "/inputs/must: inputs by reference cannot be fetched here; send the value" },
    { "{'must':1,'many':[1,2,3,4]}", NULL, "/inputs/many: expected at most 3 values, found 4" },
    { "{'must':1,'many':[1,'x']}", NULL, "/inputs/many/1: expected type number, found a string" },
    { "{'must':1,'box':{'bbox':[1,4,3,2]}}", NULL,
      "/inputs/box/bbox: the south edge 4 is not below the north edge 2" },
    { "{'must':1,'box':{'bbox':[1,2,181,4]}}", NULL,
      "/inputs/box/bbox: 1, 2, 181, 4 is outside of -180..180 and -90..90 degrees" },
    { "{'must':1,'box':{'bbox':[1,2,3,4],'crs':'EPSG;4326'}}", NULL,
      "/inputs/box/crs: expected CRS84 or an EPSG code as a URI, found 'EPSG;4326'" },
};

static void inputs(void **state)
{
    AUTO(json) json_t *description = parse(description_text), *graph = parse(graph_text);

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(input_rows); i++) {
        AUTO(json) json_t *given = parse(input_rows[i].inputs), *arguments = NULL;
        struct err err = { 0 };
        bool good = ogc_inputs_read(given, description, graph, NULL, &arguments, &err);

        if (good != !input_rows[i].message)
            fail_msg("%s: %s", input_rows[i].inputs, err.message);
        if (good) {
            AUTO(mem) char *text = js_canonical(arguments);

            assert_string_equal(text, input_rows[i].arguments);
        } else {
            assert_string_equal(err.message, input_rows[i].message);
            assert_int_equal(err_status(err.code), 400);
        }
    }
}

static const struct { const char *body, *request, *message; } output_rows[] = {
    { "{}", "{\"outputs\":{\"a\":{},\"b\":{}}}", NULL },
    { "{'response':'raw','outputs':{'a':{'transmissionMode':'reference'}}}",
      "{\"outputs\":{\"a\":{\"transmissionMode\":\"reference\"}},\"response\":\"raw\"}", NULL },
    { "{'outputs':{'a':{'format':{'mediaType':'image/tiff'}}}}", "{\"outputs\":{\"a\":{}}}", NULL },
    { "{'outputs':{}}", "{\"outputs\":{}}", NULL },
    { "{'outputs':{'c':{}}}", NULL, "/outputs/c: the process has no such output" },
    { "{'outputs':{'a':{'transmissionMode':'pigeon'}}}", NULL,
      "/outputs/a/transmissionMode: expected one of value, reference, found 'pigeon'" },
    { "{'outputs':{'a':{'format':{'mediaType':'image/png'}}}}", NULL,
      "/outputs/a/format/mediaType: expected image/tiff; application=geotiff, found 'image/png'" },
    { "{'response':'xml'}", NULL, "/response: expected one of raw, document, found 'xml'" },
    { "{'outputs':[]}", NULL, "/outputs: expected an object, found an array" },
};

static void outputs(void **state)
{
    AUTO(json) json_t *description = parse(description_text);

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(output_rows); i++) {
        AUTO(json) json_t *body = parse(output_rows[i].body), *request = NULL;
        struct err err = { 0 };
        bool good = ogc_outputs_read(body, description, &request, &err);

        if (good != !output_rows[i].message)
            fail_msg("%s: %s", output_rows[i].body, err.message);
        if (good) {
            AUTO(mem) char *text = js_canonical(request);

            assert_string_equal(text, output_rows[i].request);
        } else {
            assert_string_equal(err.message, output_rows[i].message);
        }
    }
}

/* Without its sink, the result passes to one that was asked for. */
static void pruning(void **state)
{
    AUTO(json) json_t *description = parse(description_text), *graph = parse(graph_text);
    AUTO(json) json_t *request = parse("{'outputs':{'b':{}}}"), *all = parse("{'outputs':{'a':{},'b':{}}}");
    AUTO(json) json_t *before = json_deep_copy(graph), *same = ogc_outputs_prune(graph, description, all);
    AUTO(json) json_t *pruned = ogc_outputs_prune(graph, description, request);
    const json_t *nodes = json_object_get(pruned, "process_graph");

    (void)state;
    assert_ptr_equal(same, graph);
    assert_true(json_equal(graph, before)); /* others have it, too */
    assert_null(json_object_get(nodes, "a"));
    assert_non_null(json_object_get(nodes, "x"));
    assert_true(json_is_true(json_object_get(json_object_get(nodes, "b"), "result")));
}

static bool is_parameter(const json_t *graph, const char *name)
{
    const json_t *parameter;
    size_t i;

    json_array_foreach(json_object_get(graph, "parameters"), i, parameter)
        if (!strcmp(json_string_value(json_object_get(parameter, "name")), name))
            return true;
    /* what the service itself reads */
    return !strcmp(name, PRODUCT_TITLE) || !strcmp(name, NOTIFY_MAIL) || !strcmp(name, "restoration");
}

static void fits(const char *process, const char *name, const json_t *schema, const json_t *value)
{
    struct err err = { 0 };

    if (value && !js_schema_check(schema, value, "", &err))
        fail_msg("%s: %s: %s", process, name, err.message);
}

/* What is built in can be read, its defaults and examples fit its own schemas, and every input is a parameter. */
static void built_in(void **state)
{
    const struct ogc_process *process;

    (void)state;
    for (size_t i = 0; (process = ogc_process_at(i)); i++) {
        AUTO(json) json_t *description = ogc_process_description(process), *graph = ogc_process_graph(process);
        const char *name;
        json_t *input;

        assert_ptr_equal(ogc_process_find(process->id), process);
        assert_string_equal(json_string_value(json_object_get(description, "id")), process->id);
        json_object_foreach(json_object_get(description, "inputs"), name, input) {
            const json_t *schema = json_object_get(input, "schema"), *example;
            size_t k;

            assert_true(is_parameter(graph, name));
            assert_non_null(ogc_schema_find(schema));
            fits(process->id, name, schema, json_object_get(schema, "default"));
            json_array_foreach(json_object_get(schema, "examples"), k, example)
                fits(process->id, name, schema, example);
        }
    }
    assert_null(ogc_process_find("../echo"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(inputs),
        cmocka_unit_test(outputs),
        cmocka_unit_test(pruning),
        cmocka_unit_test(built_in),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
