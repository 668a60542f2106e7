/* Filters after a load that count as its own arguments: those that reach it through nodes with which
 * they commute. Filters of one path intersect; several paths unite; a path without a filter asks for
 * everything. What a filter does at its own place stays as it is: asking for less here only saves
 * work (and lets the bands choose the resolution). */
#include "graph/udf.h"
#include "base/instant.h"
#include "json/js.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

static const struct demand everything = { .known = true, .start = INSTANT_MIN, .end = INSTANT_MAX };

/* An argument that is written down or comes from a parameter; nodes are not evaluated yet. */
static bool constant_argument(struct call *call, const struct node *node, const char *name,
                              struct value *ret)
{
    const json_t *json = json_object_get(node->arguments, name);
    struct err ignored = { 0 };

    for (size_t i = 0; i < node->n_inputs; i++)
        if (json_object_get(json, "from_node"))
            return false;
    return json && frame_resolve(call->planner, call->frame, json, "", ret, &ignored) &&
           !value_has(ret, KIND_UNKNOWN);
}

static void through_bbox(struct call *call, const struct node *node, struct demand *d)
{
    struct call filter = *call;
    struct err ignored = { 0 };
    struct value extent;

    filter.node = node;
    filter.process = node->process;
    if (d->n_extents < ARRAY_LEN(d->extents) && constant_argument(call, node, "extent", &extent) &&
        extent.kind == KIND_OBJECT &&
        extent_read(&filter, "extent", &extent, &d->extents[d->n_extents], &ignored))
        d->n_extents++;
}

static void through_time(struct call *call, const struct node *node, struct demand *d)
{
    struct call filter = *call;
    struct err ignored = { 0 };
    struct value extent;
    int64_t start, end;

    filter.node = node;
    filter.process = node->process;
    if (!constant_argument(call, node, "extent", &extent) ||
        !call_interval(&filter, "extent", &extent, &start, &end, &ignored))
        return;
    d->start = start > d->start ? start : d->start;
    d->end = end < d->end ? end : d->end;
}

static void through_bands(struct call *call, const struct node *node, struct demand *d)
{
    struct value names;

    if (json_object_get(node->arguments, "wavelengths") ||
        !constant_argument(call, node, "bands", &names) || names.kind != KIND_ARRAY ||
        names.array.length == 0)
        return;
    d->bands = arena_array(call->planner->arena, names.array.length, sizeof *d->bands);
    d->n_bands = 0;
    for (size_t i = 0; i < names.array.length; i++)
        if (names.array.items[i].kind == KIND_STRING)
            d->bands[d->n_bands++] = names.array.items[i].text;
}

/* The geometries of an argument: written down, or those of a load_geojson where they are. */
static const struct geometries *constant_geometries(struct call *call, const struct node *node,
                                                    const char *name)
{
    const json_t *json = json_object_get(node->arguments, name);
    const char *from = js_text(json, "from_node");
    const struct node *origin = from ? graph_node(call->frame->graph, from) : NULL;
    struct call reading = *call;
    struct err ignored = { 0 };
    struct value value;
    const struct geometries *geometries;

    if (origin && origin->process &&
        (!strcmp(origin->process->id, "load_geojson") || !strcmp(origin->process->id, "vector_reproject")))
        return constant_geometries(call, origin, "data");
    if (from || !constant_argument(call, node, name, &value) || value.kind != KIND_OBJECT)
        return NULL;
    reading.node = node;
    reading.process = node->process;
    return geometries_of_value(&reading, name, &value, &geometries, &ignored) ? geometries : NULL;
}

/* Pixels may belong to points and lines that are not quite in their box, and a part of one (not `whole`) to
 * a polygon: one may be a kilometre wide. */
static double around(const struct geometries *geometries, bool whole)
{
    for (size_t i = 0; i < geometries->count; i++)
        if (!whole || geometries->list[i].kind != GEOMETRY_POLYGONS)
            return geometries->geographic ? 0.01 : 1000;
    return 0;
}

/* Geometries ask for what is under them, whatever boxes come after. */
static void through_geometries(struct call *call, const struct node *node, struct demand *d)
{
    struct value context;
    bool whole = !constant_argument(call, node, "context", &context) || !context_weighs(&context);
    const struct geometries *geometries = constant_geometries(call, node, "geometries");
    struct extent *e = &d->extents[0];
    double box[4], more;

    d->n_extents = 0;
    if (!geometries || !geometries_bounds(geometries, box))
        return;
    more = around(geometries, whole);
    *e = (struct extent){ .west = box[0] - more, .south = box[1] - more, .east = box[2] + more,
                          .north = box[3] + more, .crs = geometries->crs,
                          .geographic = geometries->geographic, .narrows = true };
    sscanf(e->crs, "EPSG:%d", &e->epsg);
    if (!e->geographic || (fabs(e->west) <= 180 && fabs(e->east) <= 180 && e->south >= -90 && e->north <= 90))
        d->n_extents = 1;
}

static void any_bands(struct demand *d)
{
    d->n_bands = 0;
}

static void any_time(struct demand *d)
{
    d->start = INSTANT_MIN;
    d->end = INSTANT_MAX;
}

/* Which filters pass a process on the way to its input `argument`. */
static const struct rule {
    const char *process, *argument;
    bool bbox, time, bands;
} rules[] = {
    { "filter_bbox", "data", true, true, true },
    { "filter_temporal", "data", true, true, true },
    { "filter_bands", "data", true, true, true },
    { "apply", "data", true, true, true },
    { "mask", "data", true, true, true },
    { "mask", "mask", true, true, false },
    { "ndvi", "data", true, true, false },
    { "cloud_detection", "data", true, true, false },
    { "sar_backscatter", "data", true, true, false },
    { "ard_normalized_radar_backscatter", "data", true, true, false },
    { "reduce_dimension", "data", true, true, true },
    { "apply_dimension", "data", true, true, true },
    { "merge_cubes", "cube1", true, false, false },
    { "merge_cubes", "cube2", true, false, false },
    { "rename_labels", "data", true, false, false },
    { "apply_kernel", "data", false, true, true },
    { "resample_spatial", "data", false, true, true },
    { "resample_cube_spatial", "data", false, true, true },
    { "aggregate_spatial", "data", true, true, true },
    { "filter_spatial", "data", true, true, true },
    { "mask_polygon", "data", true, true, true },
    { "inspect", "data", true, true, true },
    { "filter_labels", "data", true, true, true },
    { "aggregate_temporal", "data", true, false, true },
    { "aggregate_temporal_period", "data", true, false, true },
    { "climatological_normal", "data", true, false, true },
    { "anomaly", "data", true, true, false },
    { "anomaly", "normals", true, false, false },
    { "resample_cube_temporal", "data", true, false, true },
    { "rename_dimension", "data", true, false, false },
    { "add_dimension", "data", true, false, false },
    { "drop_dimension", "data", true, true, false },
    { "if", "accept", true, true, true },
    { "if", "reject", true, true, true },
};

/* Users' code sees whole cubes, whatever the process is that calls it. */
static bool has_udf(const struct node *node)
{
    return udf_is_called(json_object_get(node->arguments, "process")) ||
           udf_is_called(json_object_get(node->arguments, "reducer"));
}

static void through(struct call *call, const struct node *node, const char *argument,
                    struct demand *d)
{
    const char *id = node->process ? node->process->id : "", *along;
    const struct rule *rule = NULL;

    for (size_t i = 0; i < ARRAY_LEN(rules); i++)
        if (!strcmp(rules[i].process, id) && !strcmp(rules[i].argument, argument))
            rule = &rules[i];
    if (!rule) {
        *d = everything;
        return;
    }
    along = js_text(node->arguments, "dimension");
    if (!rule->bbox)
        d->n_extents = 0;
    if (has_udf(node)) {
        any_time(d);
        any_bands(d);
    }
    /* a callback along a dimension needs all its labels; "t" and "bands" are the names of loads */
    if (!rule->time || (strstr(id, "_dimension") && (!along || strcmp(along, "bands"))))
        any_time(d);
    if (!rule->bands || (strstr(id, "_dimension") && (!along || strcmp(along, "t"))))
        any_bands(d);
    if (!strcmp(id, "filter_bbox"))
        through_bbox(call, node, d);
    else if (!strcmp(id, "aggregate_spatial") || !strcmp(id, "filter_spatial"))
        through_geometries(call, node, d);
    else if (!strcmp(id, "filter_temporal"))
        through_time(call, node, d);
    else if (!strcmp(id, "filter_bands"))
        through_bands(call, node, d);
}

static bool same_extents(const struct demand *a, const struct demand *b)
{
    if (a->n_extents != b->n_extents)
        return false;
    for (size_t i = 0; i < a->n_extents; i++) {
        const struct extent *x = &a->extents[i], *y = &b->extents[i];

        if (x->west != y->west || x->south != y->south || x->east != y->east ||
            x->north != y->north || strcmp(x->crs, y->crs))
            return false;
    }
    return true;
}

static bool same_bands(const struct demand *a, const struct demand *b)
{
    if (a->n_bands != b->n_bands)
        return false;
    for (size_t i = 0; i < a->n_bands; i++)
        if (strcmp(a->bands[i], b->bands[i]))
            return false;
    return true;
}

static void unite(struct demand *all, const struct demand *more)
{
    if (!all->known) {
        *all = *more;
        return;
    }
    if (!same_extents(all, more))
        all->n_extents = 0;
    if (!same_bands(all, more))
        any_bands(all);
    all->start = more->start < all->start ? more->start : all->start;
    all->end = more->end > all->end ? more->end : all->end;
}

static size_t input_named(const struct graph *graph, const struct node *node, const char *id)
{
    for (size_t i = 0; id && i < node->n_inputs; i++)
        if (!strcmp(graph->nodes[node->inputs[i]].id, id))
            return node->inputs[i];
    return SIZE_MAX;
}

/* Backwards: when a node's turn comes all its consumers have told what they want of it. */
void demand_find(struct call *load, struct demand *ret)
{
    const struct graph *graph = load->frame->graph;
    AUTO(mem) struct demand *demands = mem_array(graph->n_nodes, sizeof *demands);
    size_t self = (size_t)(load->node - graph->nodes);

    for (size_t i = graph->n_nodes; i-- > self;) {
        const struct node *node = &graph->nodes[i];
        const char *name;
        json_t *argument;

        if (!node->live)
            continue;
        /* what inspect tells is what is there, whatever that is */
        if (node->is_result || (node->process && node->process->operation->effect &&
                                strcmp(node->process->id, "inspect")))
            unite(&demands[i], &everything);
        json_object_foreach((json_t *)node->arguments, name, argument) {
            size_t input = input_named(graph, node,
                                       js_text(argument, "from_node"));
            struct demand d = demands[i];

            if (input == SIZE_MAX || !d.known)
                continue;
            through(load, node, name, &d);
            unite(&demands[input], &d);
        }
    }
    *ret = demands[self];
}
