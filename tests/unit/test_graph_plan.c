/* Plans: their shape where it matters, and the values of pixels, computed here from the definition
 * of the made-up scenes (tests/graph/double.h) without any graph. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/instant.h"
#include "tests/graph/double.h"
#include "tests/graph/quoted.h"

#define TILE "{'west':500000,'south':5099000,'east':501000,'north':5100000,'crs':32633}"
#define LOAD_(id, box, bands)                                                                      \
    "'" id "':{'process_id':'load_collection','arguments':{'id':'S2','spatial_extent':" box ","    \
    "'temporal_extent':['2023-08-01','2023-09-01'],'bands':" bands "}}"
#define LOAD(bands) LOAD_("load", TILE, bands)
#define NODE(id, process, arguments)                                                               \
    ",'" id "':{'process_id':'" process "','arguments':{" arguments "}}"
#define FROM(id) "'data':{'from_node':'" id "'}"
#define SAVE(from)                                                                                 \
    ",'save':{'process_id':'save_result','arguments':{" FROM(from) ",'format':'GTiff'},'result':true}"
#define GRAPH(nodes) "{'process_graph':{" nodes "}}"
#define CALLBACK(nodes) "{'process_graph':{" nodes "}}"
#define ONE(process, arguments)                                                                    \
    CALLBACK("'f':{'process_id':'" process "','arguments':{" arguments "},'result':true}")
#define REDUCER(process) "'dimension':'t','reducer':" ONE(process, "'data':{'from_parameter':'data'}")
/* clouds: SCL >= 8 */
#define CLOUDS                                                                                     \
    NODE("scl", "filter_bands", FROM("load") ",'bands':['SCL']")                                   \
    NODE("flat", "drop_dimension", FROM("scl") ",'name':'bands'")                                  \
    NODE("cloud", "apply", FROM("flat") ",'process':" ONE("gte", "'x':{'from_parameter':'x'},'y':8"))
#define NDVI_MASKED                                                                                \
    LOAD("['B04','B08','SCL']") CLOUDS NODE("ndvi", "ndvi", FROM("load"))                          \
    NODE("masked", "mask", FROM("ndvi") ",'mask':{'from_node':'cloud'}")

static struct double_catalog asked;

static struct plan *plan_mode_of(const char *text, enum plan_mode mode)
{
    AUTO(json) json_t *process = quoted(text);
    struct catalog catalog;
    struct plan *plan = NULL;
    struct err err = { 0 };
    const char *fault;

    asked = (struct double_catalog){ 0 };
    catalog = double_catalog(&asked);
    if (!graph_plan(process, NULL, "", &catalog, mode, &plan, &err))
        fail_msg("%s: %s: %s", text, err_name(err.code), err.message);
    fault = plan_fault(plan);
    if (fault) {
        plan_print(plan);
        fail_msg("%s: %s", text, fault);
    }
    return plan;
}

static struct plan *plan_of(const char *text)
{
    return plan_mode_of(text, PLAN_BATCH);
}

/* Overviews do for pictures and not for results; of classes, whatever they are for, there is no average. */
static void pictures_may_be_coarse(void **state)
{
    static const struct picture_wish wish = { .grid = { 3857, 1669800, 5780000, 150, 150, 256, 256 } };
    const char *text = GRAPH(NDVI_MASKED NODE("r", "reduce_dimension", FROM("masked") "," REDUCER("mean")) SAVE("r"));
    AUTO(json) json_t *process = quoted(text);

    (void)state;
    for (int is_picture = 0; is_picture < 2; is_picture++) {
        struct catalog catalog = double_catalog(&asked);
        AUTO(plan) struct plan *plan = NULL;
        struct err err = { 0 };
        size_t loads = 0;

        catalog.picture = is_picture ? &wish : NULL;
        assert_true(graph_plan(process, NULL, "", &catalog, PLAN_BATCH, &plan, &err));
        for (size_t i = 0; i < plan->n_nodes; i++) {
            const struct plan_node *node = plan->nodes[i];

            if (node->op != PLAN_LOAD)
                continue;
            loads++;
            assert_int_equal(node->coarse, is_picture);
            for (size_t k = 0; k < cube_planes(&node->schema); k++)
                assert_int_equal(node->load[k].measured, k % 3 != 2); /* B04, B08, SCL */
        }
        assert_int_equal(loads, 1);
    }
}

static double pixel(const struct plan *plan, uint32_t plane, int64_t x, int64_t y)
{
    return plan_pixel(plan->saves[0], plane, x, y, double_pixel);
}

static void assert_number(double got, double want)
{
    if (isnan(want) ? !isnan(got) : !(fabs(got - want) <= 1e-9 * fmax(1, fabs(want))))
        fail_msg("expected %.12g, got %.12g", want, got);
}

/* The scenes once more: a band on a date (of the western tile), at pixel x, y of 10 m. */
static const int days[] = { 10, 13, 15, 18, 20 };

static double truth(const char *name, size_t date, int64_t x, int64_t y)
{
    AUTO(mem) char *href = mem_printf("/data/S2_08%d/%s.tif", days[date], name);
    struct scene_band band = { .name = name, .href = href };
    bool coarse = !strcmp(name, "SCL");

    return double_pixel(&band, coarse ? x / 2 : x, coarse ? y / 2 : y);
}

static double ndvi(size_t date, int64_t x, int64_t y, bool masked)
{
    double nir = truth("B08", date, x, y), red = truth("B04", date, x, y);

    return masked && truth("SCL", date, x, y) >= 8 ? NAN : (nir - red) / (nir + red);
}

static int ascending(const void *a, const void *b)
{
    return (*(const double *)a > *(const double *)b) - (*(const double *)a < *(const double *)b);
}

/* What a reducer makes of the valid ones of five values. */
static double reduced(const char *reducer, const double *all)
{
    double v[5], sum = 0, product = 1, squares = 0;
    size_t n = 0;

    for (size_t i = 0; i < 5; i++)
        if (!isnan(all[i]))
            v[n++] = all[i];
    if (!strcmp(reducer, "count"))
        return (double)n;
    if (n == 0)
        return NAN;
    for (size_t i = 0; i < n; i++) {
        sum += v[i];
        product *= v[i];
    }
    for (size_t i = 0; i < n; i++)
        squares += (v[i] - sum / (double)n) * (v[i] - sum / (double)n);
    if (!strcmp(reducer, "first"))
        return v[0];
    if (!strcmp(reducer, "last"))
        return v[n - 1];
    qsort(v, n, sizeof *v, ascending);
    if (!strcmp(reducer, "sum"))
        return sum;
    if (!strcmp(reducer, "mean"))
        return sum / (double)n;
    if (!strcmp(reducer, "product"))
        return product;
    if (!strcmp(reducer, "min"))
        return v[0];
    if (!strcmp(reducer, "max"))
        return v[n - 1];
    if (!strcmp(reducer, "variance"))
        return squares / (double)(n - 1);
    if (!strcmp(reducer, "sd"))
        return sqrt(squares / (double)(n - 1));
    return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

static const struct program *first_program(const struct plan_node *node)
{
    return node->applications[0].program;
}

static void reducers_over_time(void **state)
{
    static const char *const names[] = { "mean", "median", "min", "max", "sum", "product", "count",
                                         "first", "last", "variance", "sd" };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        AUTO(mem) char *text = mem_printf(
            GRAPH(NDVI_MASKED NODE("r", "reduce_dimension", FROM("masked") "," REDUCER("%s")) SAVE("r")),
            names[i]);
        AUTO(plan) struct plan *plan = plan_of(text);
        const struct plan_node *last = plan->saves[0]->inputs[0];
        bool streams = strcmp(names[i], "median") != 0;

        for (int64_t y = 0; y < 12; y++) {
            for (int64_t x = 0; x < 12; x++) {
                double v[5];

                for (size_t t = 0; t < 5; t++)
                    v[t] = ndvi(t, x, y, true);
                assert_number(pixel(plan, 0, x, y), reduced(names[i], v));
            }
        }
        assert_int_equal(first_program(last)->n_folds, streams ? 1 : 0);
        assert_int_equal(plan->n_nodes, streams ? 3 : 4); /* load, (series), reduction, save */
        assert_int_equal(last->schema.pixel, PIXEL_F32);
    }
}

static void programs_are_shared(void **state)
{
    AUTO(plan) struct plan *plan = plan_of(
        GRAPH(NDVI_MASKED NODE("r", "reduce_dimension", FROM("masked") "," REDUCER("median")) SAVE("r")));
    const struct plan_node *series = plan->nodes[1];

    (void)state;
    assert_int_equal(series->n_applications, 5);
    for (size_t i = 0; i < 5; i++) {
        assert_ptr_equal(series->applications[i].program, first_program(series));
        assert_int_equal(series->applications[i].program->n_inputs, 3);
    }
}

#define COMPOSITE                                                                                  \
    LOAD("['B04','B08','SCL']") CLOUDS                                                             \
    NODE("masked", "mask", FROM("load") ",'mask':{'from_node':'cloud'}")                           \
    NODE("two", "filter_bands", FROM("masked") ",'bands':['B04','B08']")                           \
    NODE("composite", "reduce_dimension", FROM("two") "," REDUCER("median"))

static void sinks_share_work(void **state)
{
    AUTO(plan) struct plan *plan = plan_of(
        GRAPH(COMPOSITE NODE("index", "ndvi", FROM("composite"))
              NODE("cdf", "save_result", FROM("composite") ",'format':'netcdf'")
              NODE("tif", "save_result", FROM("composite") ",'format':'GTIFF'") SAVE("index")));
    size_t loads = 0, series = 0;

    (void)state;
    for (size_t i = 0; i < plan->n_nodes; i++) {
        loads += plan->nodes[i]->op == PLAN_LOAD;
        series += plan->nodes[i]->op == PLAN_APPLY && cube_planes(&plan->nodes[i]->schema) == 10;
    }
    assert_int_equal(loads, 1);
    assert_int_equal(series, 1);
    assert_int_equal(plan->n_saves, 3);
    assert_ptr_equal(plan->saves[0]->inputs[0], plan->saves[1]->inputs[0]);
    assert_string_equal(plan->saves[0]->save.format, "netCDF");
    assert_true(plan->saves[2]->save.primary && !plan->saves[0]->save.primary);
    for (int64_t x = 0; x < 10; x++) {
        double red[5], nir[5];

        for (size_t t = 0; t < 5; t++) {
            bool cloud = truth("SCL", t, x, 3) >= 8;

            red[t] = cloud ? NAN : truth("B04", t, x, 3);
            nir[t] = cloud ? NAN : truth("B08", t, x, 3);
        }
        assert_number(plan_pixel(plan->saves[0], 0, x, 3, double_pixel), reduced("median", red));
        assert_number(plan_pixel(plan->saves[2], 0, x, 3, double_pixel),
                      (reduced("median", nir) - reduced("median", red)) /
                          (reduced("median", nir) + reduced("median", red)));
    }
    /* a median keeps the units of its band, an index has none */
    assert_number(plan->saves[0]->schema.dimensions[2].bands[0].scale, 0.0001);
}

static void mixed_reducers(void **state)
{
    AUTO(plan) struct plan *plan = plan_of(GRAPH(
        LOAD("['B04']") NODE("r", "reduce_dimension", FROM("load") ",'dimension':'t','reducer':"
        CALLBACK("'a':{'process_id':'max','arguments':{'data':{'from_parameter':'data'}}},"
                 "'b':{'process_id':'min','arguments':{'data':{'from_parameter':'data'}}},"
                 "'c':{'process_id':'subtract','arguments':{'x':{'from_node':'a'},'y':{'from_node':'b'}},"
                 "'result':true}")) SAVE("r")));
    const struct program *p = first_program(plan->saves[0]->inputs[0]);

    (void)state;
    assert_int_equal(p->n_folds, 2);
    assert_int_equal(p->n_slices, 5);
    assert_int_equal(p->slice->n_inputs, 1);
    assert_number(pixel(plan, 0, 4, 4), truth("B04", 4, 4, 4) - truth("B04", 0, 4, 4));
}

static void keeping_time(void **state)
{
    /* a departure from the median of the series, for each date */
    AUTO(plan) struct plan *plan = plan_of(GRAPH(
        NDVI_MASKED NODE("r", "apply_dimension", FROM("masked") ",'dimension':'t','process':"
        CALLBACK("'m':{'process_id':'median','arguments':{'data':{'from_parameter':'data'}}},"
                 "'d':{'process_id':'subtract','arguments':{'x':{'from_parameter':'data'},"
                 "'y':{'from_node':'m'}},'result':true}")) SAVE("r")));
    const struct dimension *t = cube_dimension(&plan->saves[0]->schema, "t");
    double v[5];

    (void)state;
    assert_int_equal(t->count, 5);
    assert_string_equal(t->labels[0].text, "2023-08-10T10:00:31Z");
    for (int64_t x = 0; x < 8; x++) {
        for (size_t i = 0; i < 5; i++)
            v[i] = ndvi(i, x, 1, true);
        for (uint32_t i = 0; i < 5; i++)
            assert_number(pixel(plan, i, x, 1), v[i] - reduced("median", v));
    }
}

static void merging(void **state)
{
    /* other bands: put together; other dates: gaps are no-data; no time: repeated */
    AUTO(plan) struct plan *bands = plan_of(GRAPH(
        LOAD("['B04','B08']") NODE("i", "ndvi", FROM("load") ",'target_band':'I'")
        NODE("i1", "filter_bands", FROM("i") ",'bands':['I']")
        NODE("m", "merge_cubes", "'cube1':{'from_node':'load'},'cube2':{'from_node':'i1'}") SAVE("m")));
    AUTO(plan) struct plan *dates = plan_of(GRAPH(
        LOAD("['B04']") NODE("a", "filter_temporal", FROM("load") ",'extent':['2023-08-14',null]")
        NODE("b", "filter_temporal", FROM("load") ",'extent':[null,'2023-08-14']")
        NODE("m", "merge_cubes", "'cube1':{'from_node':'a'},'cube2':{'from_node':'b'}") SAVE("m")));
    AUTO(plan) struct plan *repeated = plan_of(GRAPH(
        LOAD("['B04']") NODE("r", "reduce_dimension", FROM("load") "," REDUCER("mean"))
        NODE("m", "merge_cubes", "'cube1':{'from_node':'load'},'cube2':{'from_node':'r'},"
             "'overlap_resolver':" ONE("subtract", "'x':{'from_parameter':'x'},'y':{'from_parameter':'y'}"))
        SAVE("m")));
    double mean = 0;

    (void)state;
    assert_int_equal(cube_planes(&bands->saves[0]->schema), 15);
    assert_number(pixel(bands, 3 * 2 + 2, 7, 7), ndvi(2, 7, 7, false));
    assert_number(pixel(bands, 3 * 2 + 1, 7, 7), truth("B08", 2, 7, 7));
    for (uint32_t t = 0; t < 5; t++) {
        assert_number(pixel(dates, t, 9, 2), truth("B04", t, 9, 2));
        mean += truth("B04", t, 9, 2) / 5;
    }
    assert_int_equal(dates->saves[0]->schema.pixel, PIXEL_U16);
    for (uint32_t t = 0; t < 5; t++)
        assert_number(pixel(repeated, t, 9, 2), truth("B04", t, 9, 2) - mean);
}

#define WEST "{'west':500000,'south':5099000,'east':500600,'north':5100000,'crs':32633}"
#define EAST "{'west':500400,'south':5099000,'east':501000,'north':5100000,'crs':32633}"

static void merging_beside(void **state)
{
    AUTO(plan) struct plan *plan = plan_of(GRAPH(
        LOAD("['B04']") NODE("a", "filter_bbox", FROM("load") ",'extent':" WEST)
        NODE("b", "filter_bbox", FROM("load") ",'extent':" EAST)
        NODE("m", "merge_cubes", "'cube1':{'from_node':'a'},'cube2':{'from_node':'b'},"
             "'overlap_resolver':" ONE("add", "'x':{'from_parameter':'x'},'y':{'from_parameter':'y'}"))
        SAVE("m")));

    (void)state;
    assert_int_equal(plan->saves[0]->schema.grid.width, 100);
    for (int64_t x = 0; x < 100; x += 3)
        assert_number(pixel(plan, 0, x, 4), truth("B04", 0, x, 4) * (x >= 40 && x < 60 ? 2 : 1));
}

static void cropping(void **state)
{
    /* two paths with different boxes: one load of everything, shifted windows */
    AUTO(plan) struct plan *plan = plan_of(GRAPH(
        LOAD("['B04']") NODE("a", "filter_bbox", FROM("load") ",'extent':" EAST)
        NODE("other", "save_result", FROM("load") ",'format':'COG'") SAVE("a")));
    const struct plan_node *save = plan->saves[1];

    (void)state;
    assert_int_equal(save->schema.grid.width, 60);
    assert_number(save->schema.grid.x0, 500400);
    assert_number(plan_pixel(save, 2, 5, 6, double_pixel), truth("B04", 2, 45, 6));
    assert_int_equal(save->inputs[0]->shifts[0].x, 40);
}

static void filters_reach_the_load(void **state)
{
    AUTO(plan) struct plan *plan = plan_of(GRAPH(
        LOAD_("load", "null", "null") NODE("b", "filter_bands", FROM("load") ",'bands':['red','SCL']")
        NODE("x", "filter_bbox", FROM("b") ",'extent':" WEST)
        NODE("t", "filter_temporal", FROM("x") ",'extent':['2023-08-12','2023-08-19']") SAVE("t")));
    int64_t start;

    (void)state;
    assert_int_equal(asked.last.n_bands, 2);
    assert_string_equal(asked.last.bands[0], "B04");
    assert_true(instant_parse_date("2023-08-12", &start));
    assert_int_equal(asked.last.start, start);
    assert_true(asked.last.has_bbox);
    assert_int_equal(plan->n_nodes, 2); /* load and save: nothing is left to do */
    assert_int_equal(plan->nodes[0]->schema.grid.width, 60);
    assert_int_equal(cube_planes(&plan->nodes[0]->schema), 6);
    assert_int_equal(asked.n_scenes, 1);
}

static void coarse_bands_alone(void **state)
{
    AUTO(plan) struct plan *alone = plan_of(GRAPH(LOAD("['SCL']") SAVE("load")));
    /* a mask loaded by itself lies on 20 m; it is asked for again on 10 m */
    AUTO(plan) struct plan *mask = plan_of(GRAPH(
        LOAD("['B04']") "," LOAD_("s", TILE, "['SCL']") NODE("one", "drop_dimension", FROM("s") ",'name':'bands'")
        NODE("c", "apply", FROM("one") ",'process':" ONE("gte", "'x':{'from_parameter':'x'},'y':8"))
        NODE("m", "mask", FROM("load") ",'mask':{'from_node':'c'}") SAVE("m")));

    (void)state;
    assert_number(alone->saves[0]->schema.grid.dx, 20);
    assert_int_equal(alone->saves[0]->schema.pixel, PIXEL_U8);
    for (int64_t x = 0; x < 10; x++)
        assert_number(pixel(mask, 1, x, 5),
                      truth("SCL", 1, x, 5) >= 8 ? NAN : truth("B04", 1, x, 5));
    assert_int_equal(mask->saves[0]->schema.pixel, PIXEL_U16);
    assert_int_equal(asked.n_scenes, 2);
}

static void one_pass_is_one_label(void **state)
{
    AUTO(plan) struct plan *plan = plan_of(GRAPH(LOAD_("load", "null", "['B04']") SAVE("load")));
    const struct plan_node *load = plan->nodes[0];

    (void)state;
    assert_int_equal(cube_dimension(&load->schema, "t")->count, 5);
    assert_int_equal(load->load[2].n_layers, 2);
    assert_int_equal(load->schema.grid.width, 190);
    assert_int_equal(plan->n_sources, 6);
    assert_number(pixel(plan, 2, 150, 10), 1000 * 4 + 150 + 0 + 0 + 5000);
    assert_number(pixel(plan, 1, 150, 10), NAN);
}

static void pixel_types(void **state)
{
    static const struct {
        const char *process;
        enum pixel pixel;
    } rows[] = {
        { ONE("add", "'x':{'from_parameter':'x'},'y':1"), PIXEL_F32 },
        { ONE("gt", "'x':{'from_parameter':'x'},'y':1"), PIXEL_BOOL },
        { ONE("if", "'value':true,'accept':{'from_parameter':'x'}"), PIXEL_U16 },
        { CALLBACK("'a':{'process_id':'gt','arguments':{'x':{'from_parameter':'x'},'y':9}},"
                   "'b':{'process_id':'if','arguments':{'value':{'from_node':'a'},'accept':"
                   "{'from_parameter':'x'},'reject':7},'result':true}"), PIXEL_U16 },
        { CALLBACK("'a':{'process_id':'gt','arguments':{'x':{'from_parameter':'x'},'y':9}},"
                   "'b':{'process_id':'if','arguments':{'value':{'from_node':'a'},'accept':"
                   "{'from_parameter':'x'},'reject':-1},'result':true}"), PIXEL_F32 },
        { ONE("constant", "'x':3"), PIXEL_F32 },
        { ONE("constant", "'x':null"), PIXEL_F32 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(mem) char *text = mem_printf(
            GRAPH(LOAD("['B04']") NODE("a", "apply", FROM("load") ",'process':%s") SAVE("a")),
            rows[i].process);
        AUTO(plan) struct plan *plan = plan_of(text);

        assert_int_equal(plan->saves[0]->schema.pixel, rows[i].pixel);
    }
}

static void options(void **state)
{
    AUTO(plan) struct plan *plan = plan_of(GRAPH(
        LOAD("['B04','B08']") NODE("i", "ndvi", FROM("load") ",'target_band':'I'")
        NODE("o", "filter_bands", FROM("i") ",'bands':['I']")
        ",'a/../b':{'process_id':'save_result','arguments':{" FROM("o") ",'format':'COG','options':"
        "{'Compression':'ZSTD','datatype':'int16','scale':0.0001}},'result':true}"));
    const struct plan_node *save = plan->saves[0];

    (void)state;
    assert_int_equal(save->schema.pixel, PIXEL_I16);
    assert_number(save->schema.nodata, -32768);
    assert_number(cube_dimension(&save->schema, "bands")->bands[0].scale, 0.0001);
    assert_number(pixel(plan, 0, 3, 3), nearbyint(ndvi(0, 3, 3, false) / 0.0001));
    assert_string_equal(save->save.name, "a____b");
    assert_string_equal(json_string_value(json_object_get(save->save.options, "compression")), "ZSTD");
}

static void structure(void **state)
{
    AUTO(plan) struct plan *plan = plan_of(GRAPH(
        LOAD("['B04','B08']")
        NODE("r", "rename_labels", FROM("load") ",'dimension':'bands','source':['B04','B08'],'target':['B08','B04']")
        NODE("n", "rename_dimension", FROM("r") ",'source':'bands','target':'spectral'")
        NODE("a", "add_dimension", FROM("n") ",'name':'kind','label':'x'")
        NODE("f", "filter_bands", FROM("a") ",'bands':['B08']")
        NODE("e", "reduce_dimension", FROM("f") ",'dimension':'spectral','reducer':"
             ONE("array_element", "'data':{'from_parameter':'data'},'label':'B08'")) SAVE("e")));
    const struct cube_schema *s = &plan->saves[0]->schema;

    (void)state;
    assert_int_equal(s->n_dimensions, 4);
    assert_string_equal(s->dimensions[3].name, "kind");
    assert_number(pixel(plan, 1, 2, 2), truth("B04", 1, 2, 2)); /* the names were swapped */
}

static void replaying(void **state)
{
    const char *text = GRAPH(NDVI_MASKED NODE("r", "reduce_dimension", FROM("masked") "," REDUCER("median"))
                             SAVE("r"));
    AUTO(plan) struct plan *plan = plan_of(text), *again = NULL;
    AUTO(json) json_t *process = quoted(text), *scenes = NULL;
    AUTO(mem) char *written = json_dumps(plan->scenes, 0);
    struct catalog catalog;
    struct err err = { 0 };

    (void)state;
    scenes = json_loads(written, 0, NULL); /* through the database and back */
    catalog = catalog_replay(scenes);
    if (!graph_plan(process, NULL, "", &catalog, PLAN_BATCH, &again, &err))
        fail_msg("%s", err.message);
    assert_int_equal(again->n_nodes, plan->n_nodes);
    assert_true(grid_equal(&again->nodes[0]->schema.grid, &plan->nodes[0]->schema.grid));
    assert_number(pixel(again, 0, 3, 4), pixel(plan, 0, 3, 4));
    assert_true(json_equal(again->scenes, scenes));
}

/* The double's survey holds every other plane and all but the last row and column, of what it is asked about. */
static void trimming(void **state)
{
    const char *text = GRAPH(LOAD("['B02','B04','B08']") NODE("other", "save_result", FROM("load") ",'format':'COG'")
                             NODE("t", "trim_cube", FROM("load")) NODE("again", "trim_cube", FROM("t")) SAVE("again"));
    AUTO(plan) struct plan *plan = plan_of(text), *replayed = NULL;
    AUTO(json) json_t *process = quoted(text), *scenes = json_deep_copy(plan->scenes);
    const struct cube_schema *whole = &plan->saves[0]->schema, *s = &plan->saves[1]->schema;
    struct catalog catalog = catalog_replay(scenes);
    struct err err = { 0 };

    (void)state;
    assert_int_equal(plan->n_saves, 2);
    assert_int_equal(s->grid.width, whole->grid.width - 2); /* twice */
    assert_int_equal(s->grid.height, whole->grid.height - 2);
    assert_int_equal(json_object_size(json_object_get(scenes, "surveys")), 2);
    if (!graph_plan(process, NULL, "", &catalog, PLAN_BATCH, &replayed, &err))
        fail_msg("%s", err.message);
    assert_true(grid_equal(&replayed->saves[1]->schema.grid, &s->grid));
    assert_int_equal(cube_planes(&replayed->saves[1]->schema), cube_planes(s));
    assert_true(json_equal(replayed->scenes, scenes));
    json_object_del(scenes, "surveys");
    assert_false(graph_plan(process, NULL, "", &catalog, PLAN_BATCH, &replayed, &err));
    assert_int_equal(err.code, ERR_EstimateComplexity);
}

static void results_of_other_kinds(void **state)
{
    AUTO(plan) struct plan *value = plan_of(
        GRAPH("'a':{'process_id':'add','arguments':{'x':{'from_node':'b'},'y':2},'result':true},"
              "'b':{'process_id':'sum','arguments':{'data':[1,{'from_node':'c'}]}},"
              "'c':{'process_id':'constant','arguments':{'x':40}}"));
    AUTO(plan) struct plan *unsaved = plan_of(
        GRAPH(LOAD("['B04']") NODE("s", "save_result", FROM("load") ",'format':'COG'")
              ",'m':{'process_id':'reduce_dimension','arguments':{" FROM("load") "," REDUCER("max")
              "},'result':true}"));
    AUTO(plan) struct plan *sync = plan_mode_of(
        GRAPH(LOAD("['B04']") NODE("s", "save_result", FROM("load") ",'format':'COG'") SAVE("load")),
        PLAN_SYNC);

    (void)state;
    assert_int_equal(json_integer_value(value->value), 43);
    assert_int_equal(value->n_saves, 0);
    assert_int_equal(unsaved->n_saves, 2);
    assert_string_equal(unsaved->saves[1]->save.format, "GTiff");
    assert_true(unsaved->saves[1]->save.primary);
    assert_int_equal(sync->n_saves, 1);
    assert_string_equal(json_string_value(json_object_get(json_array_get(sync->notices, 0), "node")), "s");
}

static void arguments_and_scopes(void **state)
{
    AUTO(json) json_t *process = quoted(
        "{'parameters':[{'name':'limit','schema':{'type':'number'},'optional':true,'default':5},"
        "{'name':'box','schema':{'type':'object'}}],'process_graph':{"
        LOAD_("load", "{'from_parameter':'box'}", "['B04']")
        NODE("a", "apply", FROM("load") ",'context':3,'process':"
             CALLBACK("'p':{'process_id':'add','arguments':{'x':{'from_parameter':'x'},"
                      "'y':{'from_parameter':'limit'}}},"
                      "'q':{'process_id':'add','arguments':{'x':{'from_node':'p'},"
                      "'y':{'from_parameter':'context'}},'result':true}")) SAVE("a") "}}");
    AUTO(json) json_t *arguments = quoted("{'box':" TILE "}"), *wrong = quoted("{'box':1}");
    AUTO(json) json_t *more = quoted("{'box':" TILE ",'limit':100}"), *none = quoted("{'z':1}");
    AUTO(plan) struct plan *one = NULL, *two = NULL;
    struct catalog catalog = double_catalog(&asked);
    struct plan *refused;
    struct err err = { 0 };

    (void)state;
    assert_true(graph_plan(process, arguments, "", &catalog, PLAN_BATCH, &one, &err));
    assert_number(pixel(one, 0, 1, 1), truth("B04", 0, 1, 1) + 8);
    assert_true(graph_plan(process, more, "", &catalog, PLAN_BATCH, &two, &err));
    assert_number(pixel(two, 0, 1, 1), truth("B04", 0, 1, 1) + 103);
    assert_false(graph_plan(process, wrong, "/inputs", &catalog, PLAN_BATCH, &refused, &err));
    assert_int_equal(err.code, ERR_ProcessParameterInvalid);
    err_clear(&err);
    assert_false(graph_plan(process, none, "", &catalog, PLAN_BATCH, &refused, &err));
    assert_int_equal(err.code, ERR_ProcessParameterUnsupported);
    err_clear(&err);
    assert_false(graph_check(process, NULL, "", &catalog, &err));
    assert_int_equal(err.code, ERR_ProcessParameterRequired);
}

static void conditions_on_metadata(void **state)
{
    AUTO(plan) struct plan *plan = plan_of(GRAPH(
        "'load':{'process_id':'load_collection','arguments':{'id':'S2','spatial_extent':null,"
        "'temporal_extent':null,'bands':['B04'],'properties':{'eo:cloud_cover':"
        ONE("between", "'x':{'from_parameter':'value'},'min':0,'max':50") ",'platform':"
        ONE("eq", "'x':{'from_parameter':'value'},'y':'sentinel-2a'") "}}}" SAVE("load")));
    const char *key = json_object_iter_key(json_object_iter(json_object_get(plan->scenes, "queries")));

    (void)state;
    assert_non_null(strstr(key, "{\"args\":[{\"args\":[{\"property\":\"eo:cloud_cover\"},0,50],"
                                "\"op\":\"between\"},{\"args\":[{\"property\":\"platform\"},"
                                "\"sentinel-2a\"],\"op\":\"=\"}],\"op\":\"and\"}"));
}

static void undescribed_collection(void **state)
{
    AUTO(plan) struct plan *plan = plan_of(GRAPH(
        "'load':{'process_id':'load_collection','arguments':{'id':'S3','spatial_extent':null,"
        "'temporal_extent':null}}" NODE("i", "ndvi", FROM("load")) SAVE("i")));

    (void)state;
    assert_number(pixel(plan, 0, 1, 1), ndvi(0, 1, 1, false));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reducers_over_time),
        cmocka_unit_test(programs_are_shared),
        cmocka_unit_test(sinks_share_work),
        cmocka_unit_test(mixed_reducers),
        cmocka_unit_test(keeping_time),
        cmocka_unit_test(merging),
        cmocka_unit_test(merging_beside),
        cmocka_unit_test(cropping),
        cmocka_unit_test(filters_reach_the_load),
        cmocka_unit_test(coarse_bands_alone),
        cmocka_unit_test(one_pass_is_one_label),
        cmocka_unit_test(pixel_types),
        cmocka_unit_test(options),
        cmocka_unit_test(structure),
        cmocka_unit_test(replaying),
        cmocka_unit_test(trimming),
        cmocka_unit_test(results_of_other_kinds),
        cmocka_unit_test(arguments_and_scopes),
        cmocka_unit_test(pictures_may_be_coarse),
        cmocka_unit_test(conditions_on_metadata),
        cmocka_unit_test(undescribed_collection),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
