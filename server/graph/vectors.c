/* Vector cubes: made of GeoJSON, brought to another reference system, buffered, filtered. */
#include "graph/planner.h"
#include "graph/topology.h"
#include "json/geojson.h"
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

struct cube *vector_cube(const struct call *call, const struct geometries *geometries,
                         size_t n_more, const struct dimension *more, const bool *deferred)
{
    struct planner *p = call->planner;
    struct dimension *d = arena_array(p->arena, n_more + 1, sizeof *d);
    struct cube_schema schema = { .n_dimensions = n_more + 1, .dimensions = d,
                                  .grid = vector_grid(geometries), .geometries = geometries };
    struct cube *cube;

    d[0] = (struct dimension){ "geometry", DIM_GEOMETRY, 'g', geometries->count, NULL, NULL };
    if (n_more)
        memcpy(d + 1, more, n_more * sizeof *d);
    cube = cube_new(p, &schema);
    if (n_more && deferred)
        memcpy((bool *)cube->deferred + 1, deferred, n_more * sizeof *deferred);
    return cube;
}

/* ---- load_geojson ---- */

/* The numbers of properties, by plane and geometry. */
struct table {
    const struct call *call;
    const struct geometries *geometries;
    json_t **properties; /* of each feature; borrowed */
    struct dimension dimension;
    double *numbers;
    struct err *err;
};

static bool is_missing(const json_t *json)
{
    return !json || json_is_null(json);
}

static bool put(struct table *t, size_t label, size_t geometry, const char *name, const json_t *json)
{
    double *to = &t->numbers[label * t->geometries->count + geometry];

    *to = NAN;
    if (is_missing(json))
        return true;
    if (json_is_number(json) || json_is_boolean(json)) {
        *to = json_is_boolean(json) ? json_is_true(json) : json_number_value(json);
        return true;
    }
    return call_fail(t->call, t->err, ERR_FeatureUnsupported, "properties",
                     "Property '%.60s' of feature %zu is %s; values of a cube are numbers or booleans. "
                     "Other properties stay with the geometries.", name, geometry,
                     js_type_name(json));
}

static bool put_all(struct table *t, const struct value *names)
{
    struct arena *arena = t->call->planner->arena;
    size_t n = names->array.length;
    struct label *labels = arena_array(arena, n, sizeof *labels);

    t->numbers = arena_array(arena, n * t->geometries->count + 1, sizeof *t->numbers);
    for (size_t k = 0; k < n; k++) {
        labels[k].text = names->array.items[k].text;
        for (size_t i = 0; i < t->geometries->count; i++)
            if (!put(t, k, i, labels[k].text, json_object_get(t->properties[i], labels[k].text)))
                return false;
    }
    t->dimension.labels = labels;
    t->dimension.count = n;
    return true;
}

/* One property that is an array: its elements, as many as the longest one has. */
static bool put_array(struct table *t, const char *name, size_t length)
{
    struct arena *arena = t->call->planner->arena;
    struct label *labels = arena_array(arena, length, sizeof *labels);

    t->numbers = arena_array(arena, length * t->geometries->count + 1, sizeof *t->numbers);
    for (size_t k = 0; k < length; k++) {
        labels[k] = (struct label){ .is_number = true, .number = (double)k };
        for (size_t i = 0; i < t->geometries->count; i++) {
            const json_t *json = json_object_get(t->properties[i], name);

            if (!put(t, k, i, name, json_is_array(json) ? json_array_get(json, k) : k ? NULL : json))
                return false;
        }
    }
    t->dimension.labels = labels;
    t->dimension.count = length;
    return true;
}

static bool read_table(struct table *t, const struct value *names)
{
    size_t longest = 0;

    t->dimension = (struct dimension){ .name = "properties", .type = DIM_OTHER };
    if ((double)names->array.length * (double)t->geometries->count > MAX_VECTOR_VALUES)
        return call_fail(t->call, t->err, ERR_ProcessGraphComplexity, "properties",
                         "At most %d values are possible.", MAX_VECTOR_VALUES);
    for (size_t i = 0; names->array.length == 1 && i < t->geometries->count; i++) {
        size_t n = json_array_size(json_object_get(t->properties[i], names->array.items[0].text));

        longest = n > longest ? n : longest;
    }
    if ((double)longest * (double)t->geometries->count > MAX_VECTOR_VALUES || longest > MAX_PLANES)
        return call_fail(t->call, t->err, ERR_ProcessGraphComplexity, "properties",
                         "Arrays of %zu elements are too long.", longest);
    return longest ? put_array(t, names->array.items[0].text, longest) : put_all(t, names);
}

static const struct source *table_source(const struct table *t, const struct cube *cube)
{
    struct planner *p = t->call->planner;
    struct source *source = arena_alloc(p->arena, sizeof *source);
    struct cube_schema schema = cube->schema;

    schema.pixel = PIXEL_F64;
    schema.nodata = NAN;
    schema.has_nodata = true;
    source->node = planner_node(p, PLAN_TABLE, t->call->node->id, t->call->node->pointer, &schema);
    source->node->table = source->table = t->numbers;
    source->n_planes = cube_planes(&schema);
    return source;
}

/* Without properties the cube has geometries and no values: no-data for each. */
static bool finish_table(struct table *t, size_t n_planes, struct value *ret)
{
    struct planner *p = t->call->planner;
    const struct expr **planes = arena_array(p->arena, n_planes, sizeof *planes);
    struct cube *cube = vector_cube(t->call, t->geometries, t->numbers != NULL, &t->dimension, NULL);
    const struct source *source = t->numbers ? table_source(t, cube) : NULL;

    for (size_t i = 0; i < n_planes; i++)
        planes[i] = expr_leaf(p->exprs, source, (uint32_t)i, (struct cell){ PIXEL_F64, true, NAN },
                              true);
    cube->planes = planes;
    return cube_finish(t->call, cube, ret, t->err);
}

bool geojson_cube(const struct call *call, const char *parameter, const json_t *json,
                  const struct value *names, struct value *ret, struct err *err)
{
    struct table t = { .call = call, .err = err };
    const json_t *features = json_object_get(json, "features");
    AUTO(mem) json_t **properties = NULL;

    if (!geometries_of_json(call, parameter, json, &t.geometries, err))
        return false;
    if (!names || names->array.length == 0)
        return finish_table(&t, 1, ret);
    t.properties = properties = mem_array(t.geometries->count, sizeof *properties);
    for (size_t i = 0; i < t.geometries->count; i++)
        properties[i] =
            json_object_get(features ? json_array_get(features, i) : json, "properties");
    return read_table(&t, names) && finish_table(&t, t.dimension.count, ret);
}

static bool run_load_geojson(struct call *call, struct value *ret, struct err *err)
{
    AUTO(json) json_t *json = value_to_json(call_argument(call, "data"));

    return geojson_cube(call, "data", json, call_argument(call, "properties"), ret, err);
}

/* ---- other geometries for the same values ---- */

bool vector_check(const struct call *call, const struct cube *data, const char *parameter, struct err *err)
{
    return data->schema.geometries ||
           call_fail(call, err, ERR_ProcessParameterInvalid, parameter,
                     "a vector cube is needed, this one has no geometries.");
}

bool vector_with_geometries(const struct call *call, const struct cube *data, const struct geometries *to,
                            struct value *ret, struct err *err)
{
    struct cube *cube = cube_like(call->planner, data);

    cube->schema.geometries = to;
    return cube_finish(call, cube, ret, err);
}

static bool run_vector_reproject(struct call *call, struct value *ret, struct err *err)
{
    const struct cube *data = call->arguments[0].cube;
    const struct value *projection = call_argument(call, "projection");
    const char *dimension = call_text(call, "dimension");
    struct geometries named = { 0 };
    const struct geometries *to;
    char code[32];
    size_t at;

    if (!vector_check(call, data, "data", err))
        return false;
    at = dimension ? cube_find(data, dimension) : 0;
    if (dimension && (at == SIZE_MAX || data->schema.dimensions[at].type != DIM_GEOMETRY))
        return call_fail(call, err, ERR_DimensionNotAvailable, "dimension",
                         "There is no dimension of geometries called '%.100s'.", dimension);
    snprintf(code, sizeof code, "EPSG:%.0f", projection->kind == KIND_NUMBER ? projection->number : 0);
    if (!geometries_crs(call, "projection",
                        projection->kind == KIND_NUMBER ? code : projection->text, &named, err) ||
        !geometries_in(call, "data", data->schema.geometries, named.crs, named.geographic, &to, err))
        return false;
    return vector_with_geometries(call, data, to, ret, err);
}

static bool run_vector_buffer(struct call *call, struct value *ret, struct err *err)
{
    const struct cube *data = call->arguments[0].cube;
    double distance = call_number(call, "distance");
    struct planner *p = call->planner;
    const struct geometries *to;

    if (!vector_check(call, data, "geometries", err))
        return false;
    if (!isfinite(distance) || distance == 0)
        return call_fail(call, err, ERR_ProcessParameterInvalid, "distance",
                         "expected a finite number other than 0.");
    if (!p->crs)
        p->crs = crs_open();
    if (!crs_in_metres(p->crs, data->schema.geometries->crs))
        return call_fail(call, err, ERR_UnitMismatch, "distance", "The geometries are in %.80s.",
                         data->schema.geometries->crs);
    return topology_buffer(call, data->schema.geometries, distance, &to, err) &&
           vector_with_geometries(call, data, to, ret, err);
}

/* ---- fewer geometries ---- */

static const struct geometries *pick_geometries(struct planner *p, const struct geometries *from,
                                                const size_t *rows, size_t n)
{
    struct geometries *to = arena_alloc(p->arena, sizeof *to);

    *to = *from;
    to->count = n;
    to->list = arena_array(p->arena, n, sizeof *to->list);
    for (size_t i = 0; i < n; i++)
        to->list[i] = from->list[rows[i]];
    return to;
}

/* The source for some of its rows: numbers are picked, statistics asked for fewer geometries. */
static struct source *pick_source(const struct call *call, const struct source *source,
                                  const struct cube_schema *schema, const size_t *rows)
{
    struct planner *p = call->planner;
    struct source *made = arena_alloc(p->arena, sizeof *made);
    size_t n = schema->geometries->count, old;
    double *numbers;

    if (source->zones) {
        struct zones *zones = arena_alloc(p->arena, sizeof *zones);

        *zones = *source->zones;
        zones->geometries = pick_geometries(p, zones->geometries, rows, n);
        zones->grid = schema->grid;
        zones->next = p->zones;
        zones->source.zones = zones;
        p->zones = zones;
        return &zones->source;
    }
    *made = *source;
    old = (size_t)source->node->schema.grid.width;
    made->node = planner_node(p, PLAN_TABLE, call->node->id, call->node->pointer, &source->node->schema);
    numbers = arena_array(p->arena, source->n_planes * n + 1, sizeof *numbers);
    for (size_t k = 0; k < source->n_planes * n; k++)
        numbers[k] = source->table[k / n * old + rows[k % n]];
    made->node->table = made->table = numbers;
    made->node->schema.grid = schema->grid;
    made->node->schema.geometries = schema->geometries;
    return made;
}

/* The sources below expressions, each once. */
struct sources {
    const struct source **list;
    size_t n, capacity;
};

static void find_sources(const struct template *t, struct sources *all)
{
    for (size_t i = 0; i < template_lines(t); i++) {
        const struct expr *e = template_line(t, i);
        size_t k = 0;

        if (e->op != EXPR_LEAF || !e->source)
            continue;
        while (k < all->n && all->list[k] != e->source)
            k++;
        if (k < all->n)
            continue;
        all->list = mem_grow(all->list, &all->capacity, k + 1, sizeof *all->list);
        all->list[all->n++] = e->source;
    }
}

/* e with the leaves of `from` over `to`. */
static const struct expr *over_source(struct planner *p, const struct expr *e,
                                      const struct source *from, const struct source *to)
{
    AUTO(template) struct template *t = template_new(p, e);
    AUTO(mem) const struct expr **leaves = mem_array(from->n_planes, sizeof *leaves);

    for (size_t i = 0; i < template_lines(t); i++) {
        const struct expr *leaf = template_line(t, i);

        if (leaf->op == EXPR_LEAF && leaf->source == from)
            leaves[leaf->plane] = expr_leaf(p->exprs, to, leaf->plane, leaf->cell, leaf->wide);
    }
    return template_fill(p, t, from, leaves);
}

bool vector_rows(const struct call *call, const struct cube *data, const size_t *rows, size_t n, struct value *ret,
                 struct err *err)
{
    struct planner *p = call->planner;
    struct cube *cube = cube_like(p, data);
    size_t n_planes = cube_planes(&data->schema);
    const struct expr **planes = arena_array(p->arena, n_planes, sizeof *planes);
    struct sources all = { 0 };

    cube->schema.geometries = geometries_keep(
        p, (struct geometries *)pick_geometries(p, data->schema.geometries, rows, n));
    cube->schema.grid = vector_grid(cube->schema.geometries);
    for (size_t i = 0; i < cube->schema.n_dimensions; i++)
        if (cube->schema.dimensions[i].type == DIM_GEOMETRY)
            cube_edit(cube, i)->count = n;
    for (size_t i = 0; i < n_planes; i++) {
        AUTO(template) struct template *t = template_new(p, data->planes[i]);

        planes[i] = data->planes[i];
        find_sources(t, &all);
    }
    for (size_t s = 0; s < all.n; s++) {
        if (all.list[s]->zones || all.list[s]->table)
            continue;
        free(all.list);
        return call_fail(call, err, ERR_FeatureUnsupported, "data",
                         "Geometries are chosen before a user's function is run on their values.");
    }
    for (size_t s = 0; s < all.n; s++) {
        const struct source *to = pick_source(call, all.list[s], &cube->schema, rows);

        for (size_t i = 0; i < n_planes; i++)
            planes[i] = over_source(p, planes[i], all.list[s], to);
    }
    free(all.list);
    cube->planes = planes;
    if (n == 0)
        planner_notice(p, "warning", call->node->id, "No geometry is left.");
    return cube_finish(call, cube, ret, err);
}

static bool run_filter_vector(struct call *call, struct value *ret, struct err *err)
{
    const struct cube *data = call->arguments[0].cube;
    const struct geometries *base, *here;
    AUTO(mem) bool *related = NULL;
    AUTO(mem) size_t *rows = NULL;
    size_t n = 0;

    if (!vector_check(call, data, "data", err) ||
        !geometries_of_value(call, "geometries", call_argument(call, "geometries"), &base, err))
        return false;
    here = data->schema.geometries;
    if (!geometries_in(call, "geometries", base, here->crs, here->geographic, &base, err))
        return false;
    related = mem_array(here->count, sizeof *related);
    rows = mem_array(here->count, sizeof *rows);
    if (!topology_relate(call, here, base, call_text(call, "relation"), related, err))
        return false;
    for (size_t i = 0; i < here->count; i++)
        if (related[i])
            rows[n++] = i;
    return vector_rows(call, data, rows, n, ret, err);
}

static bool is_within(const double box[4], const struct extent *e)
{
    bool east_of = box[0] >= e->west, west_of = box[2] <= e->east;

    return box[1] >= e->south && box[3] <= e->north &&
           (e->west > e->east ? east_of || west_of : east_of && west_of);
}

/* filter_bbox: geometries that lie fully within the box. */
bool vector_filter_bbox(struct call *call, const struct cube *data, const struct value *extent_value,
                        struct value *ret, struct err *err)
{
    const struct geometries *here = data->schema.geometries, *inside;
    AUTO(mem) size_t *rows = mem_array(here->count, sizeof *rows);
    struct extent extent;
    double box[4];
    size_t n = 0;

    if (!extent_read(call, "extent", extent_value, &extent, err) ||
        !geometries_in(call, "data", here, extent.crs, extent.geographic, &inside, err))
        return false;
    for (size_t i = 0; i < here->count; i++)
        if (geometry_bounds(&inside->list[i], box) && is_within(box, &extent))
            rows[n++] = i;
    return vector_rows(call, data, rows, n, ret, err);
}

const struct operation vector_operations[] = {
    { .id = "load_geojson", .run = run_load_geojson },
    { .id = "load_url", .run = run_load_url },
    { .id = "vector_reproject", .run = run_vector_reproject },
    { .id = "vector_buffer", .run = run_vector_buffer },
    { .id = "filter_vector", .run = run_filter_vector },
    { .id = NULL },
};
