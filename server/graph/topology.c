/* Our geometries become GEOS' and back by their coordinates. Door: geos_c.h. */
#include "graph/topology.h"
#include <geos_c.h>
#include <string.h>

enum { QUADRANT_SEGMENTS = 8 }; /* of a buffer's arcs, as PostGIS draws them */

static GEOSCoordSequence *sequence(GEOSContextHandle_t geos, const struct ring *ring)
{
    return GEOSCoordSeq_copyFromArrays_r(geos, ring->x, ring->y, NULL, NULL, (unsigned)ring->count);
}

static GEOSGeometry *polygon(GEOSContextHandle_t geos, const struct ring *rings, size_t n)
{
    AUTO(mem) GEOSGeometry **holes = mem_array(n, sizeof(GEOSGeometry *));
    GEOSGeometry *shell = GEOSGeom_createLinearRing_r(geos, sequence(geos, &rings[0]));

    for (size_t i = 1; i < n; i++)
        holes[i - 1] = GEOSGeom_createLinearRing_r(geos, sequence(geos, &rings[i]));
    return GEOSGeom_createPolygon_r(geos, shell, holes, (unsigned)(n - 1));
}

static GEOSGeometry *point(GEOSContextHandle_t geos, double x, double y)
{
    return GEOSGeom_createPointFromXY_r(geos, x, y);
}

/* The parts of a geometry; returns how many. */
static size_t make_parts(GEOSContextHandle_t geos, const struct geometry *g, GEOSGeometry **parts)
{
    size_t n = 0;

    for (size_t r = 0; r < g->n_rings;) {
        size_t end = r + 1;

        if (g->kind == GEOMETRY_POINTS)
            for (size_t i = 0; i < g->rings[r].count; i++)
                parts[n++] = point(geos, g->rings[r].x[i], g->rings[r].y[i]);
        if (g->kind == GEOMETRY_LINES)
            parts[n++] = GEOSGeom_createLineString_r(geos, sequence(geos, &g->rings[r]));
        while (g->kind == GEOMETRY_POLYGONS && end < g->n_rings && !g->rings[end].outer)
            end++;
        if (g->kind == GEOMETRY_POLYGONS)
            parts[n++] = polygon(geos, &g->rings[r], end - r);
        r = end;
    }
    return n;
}

/* Shells united, holes taken away: parts that overlap are one. */
static GEOSGeometry *made_valid(GEOSContextHandle_t geos, const GEOSGeometry *geometry)
{
    GEOSMakeValidParams *params = GEOSMakeValidParams_create_r(geos);
    GEOSGeometry *valid;

    GEOSMakeValidParams_setMethod_r(geos, params, GEOS_MAKE_VALID_STRUCTURE);
    GEOSMakeValidParams_setKeepCollapsed_r(geos, params, 0);
    valid = GEOSMakeValidWithParams_r(geos, geometry, params);
    GEOSMakeValidParams_destroy_r(geos, params);
    return valid;
}

static GEOSGeometry *to_geos(GEOSContextHandle_t geos, const struct geometry *g)
{
    static const int types[] = { GEOS_MULTIPOINT, GEOS_MULTILINESTRING, GEOS_MULTIPOLYGON };
    size_t most = g->n_rings + (g->kind == GEOMETRY_POINTS && g->n_rings ? g->rings[0].count : 0);
    AUTO(mem) GEOSGeometry **parts = mem_array(most + 1, sizeof(GEOSGeometry *));
    size_t n = make_parts(geos, g, parts);
    GEOSGeometry *made, *valid;

    made = n == 1 && !g->multi ? parts[0]
                               : GEOSGeom_createCollection_r(geos, types[g->kind], parts, (unsigned)n);
    if (!made || GEOSisValid_r(geos, made) == 1)
        return made;
    valid = made_valid(geos, made);
    GEOSGeom_destroy_r(geos, made);
    return valid;
}

/* ---- back ---- */

static struct ring from_sequence(GEOSContextHandle_t geos, struct arena *arena,
                                 const GEOSGeometry *line, bool outer)
{
    const GEOSCoordSequence *s = GEOSGeom_getCoordSeq_r(geos, line);
    unsigned n = 0;
    struct ring ring = { .outer = outer };

    GEOSCoordSeq_getSize_r(geos, s, &n);
    ring.count = n;
    ring.x = arena_array(arena, n, sizeof(double));
    ring.y = arena_array(arena, n, sizeof(double));
    for (unsigned i = 0; i < n; i++)
        GEOSCoordSeq_getXY_r(geos, s, i, &ring.x[i], &ring.y[i]);
    return ring;
}

static size_t count_rings(GEOSContextHandle_t geos, const GEOSGeometry *g)
{
    size_t n = 0;

    for (int i = 0; i < GEOSGetNumGeometries_r(geos, g); i++)
        n += 1 + (size_t)GEOSGetNumInteriorRings_r(geos, GEOSGetGeometryN_r(geos, g, i));
    return n;
}

/* Buffers are polygons or several of them. */
static void from_geos(GEOSContextHandle_t geos, struct arena *arena, const GEOSGeometry *g,
                      struct geometry *to)
{
    to->kind = GEOMETRY_POLYGONS;
    to->n_rings = 0;
    to->multi = GEOSGeomTypeId_r(geos, g) == GEOS_MULTIPOLYGON;
    if (GEOSisEmpty_r(geos, g))
        return;
    to->rings = arena_array(arena, count_rings(geos, g), sizeof *to->rings);
    for (int i = 0; i < GEOSGetNumGeometries_r(geos, g); i++) {
        const GEOSGeometry *part = GEOSGetGeometryN_r(geos, g, i);

        to->rings[to->n_rings++] =
            from_sequence(geos, arena, GEOSGetExteriorRing_r(geos, part), true);
        for (int k = 0; k < GEOSGetNumInteriorRings_r(geos, part); k++)
            to->rings[to->n_rings++] =
                from_sequence(geos, arena, GEOSGetInteriorRingN_r(geos, part, k), false);
    }
}

static bool failed(const struct call *call, const char *parameter, size_t i, struct err *err)
{
    return call_fail(call, err, ERR_ProcessParameterInvalid, parameter,
                     "geometry %zu is not valid and cannot be made so.", i);
}

static bool buffer_one(GEOSContextHandle_t geos, struct arena *arena, const struct geometry *from,
                       double distance, struct geometry *to)
{
    GEOSGeometry *g = to_geos(geos, from);
    GEOSGeometry *grown = g ? GEOSBuffer_r(geos, g, distance, QUADRANT_SEGMENTS) : NULL;

    *to = *from;
    if (grown)
        from_geos(geos, arena, grown, to);
    if (g)
        GEOSGeom_destroy_r(geos, g);
    if (grown)
        GEOSGeom_destroy_r(geos, grown);
    return grown != NULL;
}

bool topology_buffer(const struct call *call, const struct geometries *from, double distance,
                     const struct geometries **ret, struct err *err)
{
    struct arena *arena = call->planner->arena;
    struct geometries *to = arena_alloc(arena, sizeof *to);
    GEOSContextHandle_t geos = GEOS_init_r();
    bool ok = true;

    *to = *from;
    to->list = arena_array(arena, from->count, sizeof *to->list);
    for (size_t i = 0; ok && i < from->count; i++) {
        if (from->list[i].n_rings == 0)
            to->list[i] = from->list[i];
        else
            ok = buffer_one(geos, arena, &from->list[i], distance, &to->list[i]) ||
                 failed(call, "geometries", i, err);
    }
    GEOS_finish_r(geos);
    *ret = to;
    return ok;
}

/* ---- relations ---- */

static const struct relation {
    const char *name;
    char (*holds)(GEOSContextHandle_t geos, const GEOSGeometry *a, const GEOSGeometry *b);
} relations[] = {
    { "intersects", GEOSIntersects_r }, { "disjoint", GEOSDisjoint_r }, { "equals", GEOSEquals_r },
    { "touches", GEOSTouches_r },       { "crosses", GEOSCrosses_r },   { "overlaps", GEOSOverlaps_r },
    { "contains", GEOSContains_r },     { "within", GEOSWithin_r },
};

/* All of them as one; NULL when one cannot be made. */
static GEOSGeometry *united(GEOSContextHandle_t geos, const struct geometries *all)
{
    AUTO(mem) GEOSGeometry **list = mem_array(all->count + 1, sizeof(GEOSGeometry *));
    GEOSGeometry *collection, *one;
    bool whole = true;
    size_t n = 0;

    for (size_t i = 0; i < all->count; i++) {
        if (all->list[i].n_rings == 0)
            continue;
        list[n] = to_geos(geos, &all->list[i]);
        whole = whole && list[n];
        n += list[n] != NULL;
    }
    collection = GEOSGeom_createCollection_r(geos, GEOS_GEOMETRYCOLLECTION, list, (unsigned)n);
    one = collection && whole ? GEOSUnaryUnion_r(geos, collection) : NULL;
    if (collection)
        GEOSGeom_destroy_r(geos, collection);
    return one;
}

bool topology_relate(const struct call *call, const struct geometries *candidates,
                     const struct geometries *base, const char *name, bool *ret, struct err *err)
{
    const struct relation *relation = relations;
    GEOSContextHandle_t geos = GEOS_init_r();
    GEOSGeometry *other = united(geos, base);
    bool ok = other != NULL || failed(call, "geometries", 0, err);

    while (strcmp(relation->name, name)) /* the schema has checked it */
        relation++;
    for (size_t i = 0; ok && i < candidates->count; i++) {
        GEOSGeometry *one;
        char holds;

        if (candidates->list[i].n_rings == 0)
            continue;
        one = to_geos(geos, &candidates->list[i]);
        holds = one ? relation->holds(geos, one, other) : 2;
        ret[i] = holds == 1;
        ok = holds != 2 || failed(call, "data", i, err);
        if (one)
            GEOSGeom_destroy_r(geos, one);
    }
    if (other)
        GEOSGeom_destroy_r(geos, other);
    GEOS_finish_r(geos);
    return ok;
}

/* ---- areas ---- */

struct topology_area {
    GEOSContextHandle_t geos;
    GEOSGeometry *geometry;
    const GEOSPreparedGeometry *prepared;
};

void topology_area_free(struct topology_area *area)
{
    if (!area)
        return;
    if (area->prepared)
        GEOSPreparedGeom_destroy_r(area->geos, area->prepared);
    if (area->geometry)
        GEOSGeom_destroy_r(area->geos, area->geometry);
    GEOS_finish_r(area->geos);
    free(area);
}

struct topology_area *topology_area_new(const struct ring *rings, size_t n)
{
    const struct geometry one = { .kind = GEOMETRY_POLYGONS, .n_rings = n, .rings = (struct ring *)rings };
    struct topology_area *area = MEM_NEW(struct topology_area);

    area->geos = GEOS_init_r();
    area->geometry = to_geos(area->geos, &one);
    area->prepared = area->geometry ? GEOSPrepare_r(area->geos, area->geometry) : NULL;
    if (area->prepared)
        return area;
    topology_area_free(area);
    return NULL;
}

typedef char point_relation(GEOSContextHandle_t geos, const GEOSPreparedGeometry *area, const GEOSGeometry *point);

static bool relates(const struct topology_area *area, double x, double y, point_relation *relation)
{
    GEOSGeometry *p = point(area->geos, x, y);
    char holds = p ? relation(area->geos, area->prepared, p) : 0;

    if (p)
        GEOSGeom_destroy_r(area->geos, p);
    return holds == 1;
}

bool topology_area_contains(const struct topology_area *area, double x, double y)
{
    return relates(area, x, y, GEOSPreparedContains_r);
}

bool topology_area_meets(const struct topology_area *area, double x, double y)
{
    return relates(area, x, y, GEOSPreparedIntersects_r);
}

bool topology_areas_box(const struct topology_area *a, const struct topology_area *b, double box[4])
{
    GEOSGeometry *common = NULL;
    bool found;

    if (GEOSPreparedIntersects_r(a->geos, a->prepared, b->geometry) != 1 ||
        GEOSRelatePattern_r(a->geos, a->geometry, b->geometry, "T********") != 1)
        return false;
    common = GEOSIntersection_r(a->geos, a->geometry, b->geometry);
    found = common && !GEOSisEmpty_r(a->geos, common) && GEOSGeom_getXMin_r(a->geos, common, &box[0]) &&
            GEOSGeom_getYMin_r(a->geos, common, &box[1]) && GEOSGeom_getXMax_r(a->geos, common, &box[2]) &&
            GEOSGeom_getYMax_r(a->geos, common, &box[3]);
    if (common)
        GEOSGeom_destroy_r(a->geos, common);
    return found;
}

bool topology_area_some_point(const struct topology_area *area, double *ret_x, double *ret_y)
{
    GEOSGeometry *p = GEOSPointOnSurface_r(area->geos, area->geometry);
    bool found = p && !GEOSisEmpty_r(area->geos, p) && GEOSGeomGetX_r(area->geos, p, ret_x) == 1 &&
                 GEOSGeomGetY_r(area->geos, p, ret_y) == 1;

    if (p)
        GEOSGeom_destroy_r(area->geos, p);
    return found;
}

double topology_area_size(const struct topology_area *area)
{
    double size = 0;

    return GEOSArea_r(area->geos, area->geometry, &size) == 1 ? size : 0;
}
