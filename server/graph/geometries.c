/* GeoJSON to geometries and back. A document is checked whole before anything is made of it; what is
 * kept are coordinates, and ids and properties as text. */
#include "graph/planner.h"
#include "json/geojson.h"
#include "json/js.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

struct grid vector_grid(const struct geometries *geometries)
{
    return (struct grid){ .epsg = -1 - geometries->number, .dx = 1, .dy = 1,
                          .width = (int64_t)geometries->count, .height = 1 };
}

bool geometry_bounds(const struct geometry *g, double box[4])
{
    box[0] = box[1] = INFINITY;
    box[2] = box[3] = -INFINITY;
    for (size_t r = 0; r < g->n_rings; r++) {
        for (size_t i = 0; i < g->rings[r].count; i++) {
            box[0] = fmin(box[0], g->rings[r].x[i]);
            box[1] = fmin(box[1], g->rings[r].y[i]);
            box[2] = fmax(box[2], g->rings[r].x[i]);
            box[3] = fmax(box[3], g->rings[r].y[i]);
        }
    }
    return g->n_rings > 0;
}

bool geometries_bounds(const struct geometries *geometries, double box[4])
{
    bool any = false;

    for (size_t i = 0; i < geometries->count; i++) {
        double one[4];

        if (!geometry_bounds(&geometries->list[i], one))
            continue;
        box[0] = any ? fmin(box[0], one[0]) : one[0];
        box[1] = any ? fmin(box[1], one[1]) : one[1];
        box[2] = any ? fmax(box[2], one[2]) : one[2];
        box[3] = any ? fmax(box[3], one[3]) : one[3];
        any = true;
    }
    return any;
}

/* ---- out ---- */

static void add_ring(struct text *out, const struct ring *ring)
{
    char x[32], y[32];

    text_add(out, "[");
    for (size_t i = 0; i < ring->count; i++) {
        number_text(ring->x[i], x);
        number_text(ring->y[i], y);
        text_printf(out, "%s[%s,%s]", i ? "," : "", x, y);
    }
    text_add(out, "]");
}

static void add_polygons(struct text *out, const struct geometry *g)
{
    text_add(out, g->multi ? "[" : "");
    for (size_t r = 0; r < g->n_rings; r++) {
        if (g->rings[r].outer)
            text_add(out, r ? "],[" : "[");
        else
            text_add(out, ",");
        add_ring(out, &g->rings[r]);
    }
    text_add(out, g->multi ? "]]" : "]");
}

void geometry_add_geojson(struct text *out, const struct geometry *g)
{
    static const char *const names[] = { "Point", "LineString", "Polygon" };
    struct text points = { 0 };

    if (g->n_rings == 0) {
        text_add(out, "null");
        return;
    }
    text_printf(out, "{\"type\":\"%s%s\",\"coordinates\":", g->multi ? "Multi" : "", names[g->kind]);
    if (g->kind == GEOMETRY_POLYGONS) {
        add_polygons(out, g);
    } else if (g->kind == GEOMETRY_POINTS && !g->multi) {
        add_ring(&points, &g->rings[0]);
        text_addn(out, points.data + 1, points.length - 2); /* the position alone */
        text_drop(&points);
    } else if (g->kind == GEOMETRY_LINES && g->multi) {
        for (size_t r = 0; r < g->n_rings; r++) {
            text_add(out, r ? "," : "[");
            add_ring(out, &g->rings[r]);
        }
        text_add(out, "]");
    } else {
        add_ring(out, &g->rings[0]);
    }
    text_add(out, "}");
}

/* ---- in ---- */

struct reading {
    const struct call *call;
    const char *parameter;
    struct arena *arena;
    size_t vertices;
    bool degrees;
    struct err *err;
};

static struct ring read_ring(struct reading *r, const json_t *positions, bool outer)
{
    size_t n = json_array_size(positions);
    struct ring ring = { n, arena_array(r->arena, n, sizeof(double)),
                         arena_array(r->arena, n, sizeof(double)), outer };

    for (size_t i = 0; i < n; i++) {
        const json_t *position = json_array_get(positions, i);

        ring.x[i] = json_number_value(json_array_get(position, 0));
        ring.y[i] = json_number_value(json_array_get(position, 1));
    }
    r->vertices += n;
    return ring;
}

static void add_rings(struct reading *r, struct geometry *g, const json_t *lists, bool polygon)
{
    const json_t *list;
    size_t i;

    json_array_foreach(lists, i, list)
        g->rings[g->n_rings++] = read_ring(r, list, polygon && i == 0);
}

static size_t count_lists(const json_t *coordinates, bool polygons)
{
    const json_t *part;
    size_t i, n = 0;

    json_array_foreach(coordinates, i, part)
        n += polygons ? json_array_size(part) : 1;
    return n;
}

/* Coordinates of a checked geometry. */
static void read_coordinates(struct reading *r, const char *type, const json_t *coordinates,
                             struct geometry *g)
{
    g->multi = text_begins(type, "Multi");
    type += g->multi ? strlen("Multi") : 0;
    g->kind = !strcmp(type, "Point") ? GEOMETRY_POINTS
              : !strcmp(type, "LineString") ? GEOMETRY_LINES : GEOMETRY_POLYGONS;
    g->rings = arena_array(r->arena,
                           1 + count_lists(coordinates, g->kind == GEOMETRY_POLYGONS && g->multi),
                           sizeof *g->rings);
    if (g->kind == GEOMETRY_POINTS && !g->multi) {
        AUTO(json) json_t *one = json_pack("[O]", coordinates);

        g->rings[g->n_rings++] = read_ring(r, one, false);
    } else if (g->kind == GEOMETRY_POINTS || (g->kind == GEOMETRY_LINES && !g->multi)) {
        g->rings[g->n_rings++] = read_ring(r, coordinates, false);
    } else if (g->kind == GEOMETRY_LINES || !g->multi) {
        add_rings(r, g, coordinates, g->kind == GEOMETRY_POLYGONS);
    } else {
        const json_t *part;
        size_t i;

        json_array_foreach(coordinates, i, part)
            add_rings(r, g, part, true);
    }
}

static bool is_empty(const json_t *geometry)
{
    const json_t *coordinates = json_object_get(geometry, "coordinates");

    return !geometry || json_is_null(geometry) ||
           (json_is_array(coordinates) && json_array_size(coordinates) == 0);
}

static bool read_geometry(struct reading *r, const json_t *geometry, const char *pointer,
                          struct geometry *g)
{
    const char *type = js_text(geometry, "type");
    struct err bad = { 0 };

    if (is_empty(geometry))
        return true;
    if (type && !strcmp(type, "GeometryCollection"))
        return call_fail(r->call, r->err, ERR_ProcessParameterInvalid, r->parameter,
                         "%s: a GeometryCollection cannot be used; give a FeatureCollection, or a "
                         "geometry of one type.", *pointer ? pointer : "/");
    if (!(r->degrees ? geojson_check : geojson_check_plane)(geometry, pointer,
                                                            MAX_VERTICES - r->vertices, &bad))
        return call_fail(r->call, r->err, ERR_ProcessParameterInvalid, r->parameter, "%.500s.",
                         bad.message);
    read_coordinates(r, type, json_object_get(geometry, "coordinates"), g);
    return true;
}

static char *json_kept(struct arena *arena, const json_t *json)
{
    AUTO(mem) char *text = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(17));

    return text ? arena_text(arena, text) : NULL;
}

static bool read_feature(struct reading *r, const json_t *feature, const char *pointer,
                         struct geometry *g)
{
    const char *type = js_text(feature, "type");
    const json_t *properties = json_object_get(feature, "properties");
    const json_t *id = json_object_get(feature, "id");
    AUTO(mem) char *place = js_pointer(pointer, "geometry");

    if (!type || strcmp(type, "Feature"))
        return call_fail(r->call, r->err, ERR_ProcessParameterInvalid, r->parameter,
                         "%s/type: expected 'Feature', found %s%.40s%s.", pointer, type ? "'" : "",
                         type ? type : js_type_name(json_object_get(feature, "type")),
                         type ? "'" : "");
    if (!read_geometry(r, json_object_get(feature, "geometry"), place, g))
        return false;
    if (json_object_size(properties))
        g->properties = json_kept(r->arena, properties);
    if (json_is_string(id) || json_is_number(id))
        g->id = json_kept(r->arena, id);
    return true;
}

static bool read_features(struct reading *r, const json_t *json, struct geometries *all)
{
    const json_t *features = json_object_get(json, "features"), *feature;
    size_t i;

    if (!json_is_array(features))
        return call_fail(r->call, r->err, ERR_ProcessParameterInvalid, r->parameter,
                         "/features: expected an array, found %s.", js_type_name(features));
    if (json_array_size(features) > MAX_GEOMETRIES)
        return call_fail(r->call, r->err, ERR_ProcessParameterInvalid, r->parameter,
                         "/features: at most %d features are possible, found %zu.", MAX_GEOMETRIES,
                         json_array_size(features));
    all->list = arena_array(r->arena, json_array_size(features), sizeof *all->list);
    json_array_foreach(features, i, feature) {
        AUTO(mem) char *pointer = js_pointer_index("/features", i);

        if (!read_feature(r, feature, pointer, &all->list[all->count++]))
            return false;
    }
    return true;
}

/* "urn:ogc:def:crs:EPSG::32633" is another way to write EPSG:32633, "..:OGC:1.3:CRS84" to say nothing. */
static bool read_crs(struct reading *r, const json_t *json, struct geometries *all)
{
    struct planner *p = r->call->planner;
    const char *name = json_string_value(
        json_object_get(json_object_get(json_object_get(json, "crs"), "properties"), "name"));
    const char *code = name ? strstr(name, ":EPSG:") : NULL;

    all->crs = "EPSG:4326";
    all->geographic = true;
    if (!name || text_ends(name, ":CRS84") || text_ends(name, ":EPSG::4326"))
        return true;
    if (text_begins(name, "urn:ogc:def:crs:") && code)
        name = arena_printf(p->arena, "EPSG:%.10s", strrchr(code, ':') + 1);
    return geometries_crs(r->call, r->parameter, name, all, r->err);
}

bool geometries_crs(const struct call *call, const char *parameter, const char *name,
                    struct geometries *all, struct err *err)
{
    struct planner *p = call->planner;
    int epsg;

    if (!p->crs)
        p->crs = crs_open();
    if (!crs_known(p->crs, name, &all->geographic))
        return call_fail(call, err, ERR_ProcessParameterInvalid, parameter,
                         "the reference system '%.80s' is not known.", name);
    epsg = crs_epsg(p->crs, name);
    all->crs = epsg ? arena_printf(p->arena, "EPSG:%d", epsg) : arena_text(p->arena, name);
    return true;
}

/* Equal sets have one number: cubes over them lie on one lattice. */
static bool same_geometry(const struct geometry *a, const struct geometry *b)
{
    if (a->kind != b->kind || a->multi != b->multi || a->n_rings != b->n_rings)
        return false;
    for (size_t r = 0; r < a->n_rings; r++) {
        const struct ring *x = &a->rings[r], *y = &b->rings[r];

        if (x->count != y->count || x->outer != y->outer ||
            memcmp(x->x, y->x, x->count * sizeof(double)) ||
            memcmp(x->y, y->y, x->count * sizeof(double)))
            return false;
    }
    return true;
}

bool geometries_equal(const struct geometries *a, const struct geometries *b)
{
    if (a->count != b->count || strcmp(a->crs, b->crs))
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (!same_geometry(&a->list[i], &b->list[i]))
            return false;
    return true;
}

const struct geometries *geometries_keep(struct planner *p, struct geometries *made)
{
    made->number = (int)p->n_geometries;
    for (size_t i = 0; i < p->n_geometries; i++) {
        if (geometries_equal(p->geometries[i], made)) {
            made->number = p->geometries[i]->number;
            return made; /* ids and properties may be others */
        }
    }
    p->geometries = mem_grow(p->geometries, &p->geometry_capacity, p->n_geometries + 1,
                             sizeof *p->geometries);
    return p->geometries[p->n_geometries++] = made;
}

bool geometries_of_json(const struct call *call, const char *parameter, const json_t *json,
                        const struct geometries **ret, struct err *err)
{
    struct planner *p = call->planner;
    struct geometries *all = arena_alloc(p->arena, sizeof *all);
    const char *type = js_text(json, "type");
    struct reading r = { .call = call, .parameter = parameter, .arena = p->arena, .err = err };
    bool ok;

    if (!json_is_object(json) || !type)
        return call_fail(call, err, ERR_ProcessParameterInvalid, parameter,
                         "expected GeoJSON, found %s%s.", js_type_name(json),
                         json_is_object(json) ? " without a 'type'" : "");
    if (!read_crs(&r, json, all))
        return false;
    r.degrees = !strcmp(all->crs, "EPSG:4326");
    if (!strcmp(type, "FeatureCollection")) {
        ok = read_features(&r, json, all);
    } else {
        all->list = arena_alloc(p->arena, sizeof *all->list);
        all->count = 1;
        ok = !strcmp(type, "Feature") ? read_feature(&r, json, "", all->list)
                                      : read_geometry(&r, json, "", all->list);
    }
    if (ok)
        *ret = geometries_keep(p, all);
    return ok;
}

bool geometries_of_value(const struct call *call, const char *parameter, const struct value *value,
                         const struct geometries **ret, struct err *err)
{
    AUTO(json) json_t *json = NULL;
    AUTO(text) struct text found = { 0 };

    if (value->kind == KIND_CUBE && value->cube->schema.geometries) {
        *ret = value->cube->schema.geometries;
        return true;
    }
    if (value->kind != KIND_OBJECT) {
        value_describe(value, &found);
        return call_fail(call, err, ERR_ProcessParameterInvalid, parameter,
                         "expected a vector cube or GeoJSON, found %.150s.", found.data);
    }
    json = value_to_json(value);
    return geometries_of_json(call, parameter, json, ret, err);
}

/* ---- other reference systems ---- */

static void copy_rings(struct arena *arena, const struct geometry *from, struct geometry *to)
{
    *to = *from;
    to->rings = arena_array(arena, from->n_rings, sizeof *to->rings);
    for (size_t r = 0; r < from->n_rings; r++) {
        const struct ring *ring = &from->rings[r];

        to->rings[r] = *ring;
        to->rings[r].x = arena_array(arena, ring->count, sizeof(double));
        to->rings[r].y = arena_array(arena, ring->count, sizeof(double));
        memcpy(to->rings[r].x, ring->x, ring->count * sizeof(double));
        memcpy(to->rings[r].y, ring->y, ring->count * sizeof(double));
    }
}

static bool move_geometry(struct crs *crs, const char *from, const char *to, struct geometry *g)
{
    for (size_t r = 0; r < g->n_rings; r++) {
        struct ring *ring = &g->rings[r];

        if (!crs_transform(crs, from, to, ring->count, ring->x, ring->y))
            return false;
        for (size_t i = 0; i < ring->count; i++)
            if (!isfinite(ring->x[i]) || !isfinite(ring->y[i]))
                return false;
    }
    return true;
}

bool geometries_in(const struct call *call, const char *parameter, const struct geometries *from,
                   const char *crs, bool geographic, const struct geometries **ret, struct err *err)
{
    struct planner *p = call->planner;
    struct geometries *to;

    *ret = from;
    if (!strcmp(from->crs, crs))
        return true;
    if (!p->crs)
        p->crs = crs_open();
    to = arena_alloc(p->arena, sizeof *to);
    *to = *from;
    to->crs = arena_text(p->arena, crs);
    to->geographic = geographic;
    to->list = arena_array(p->arena, from->count, sizeof *to->list);
    for (size_t i = 0; i < from->count; i++) {
        copy_rings(p->arena, &from->list[i], &to->list[i]);
        if (!move_geometry(p->crs, from->crs, crs, &to->list[i]))
            return call_fail(call, err, ERR_ProcessParameterInvalid, parameter,
                             "geometry %zu cannot be brought from %.60s to %.60s.", i, from->crs,
                             crs);
    }
    *ret = to;
    return true;
}
