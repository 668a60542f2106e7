/* Geometries by GEOS, which PostGIS uses too. What an item's geometry goes through before it is
 * stored (store/item_batch.c) it goes through here: made valid, with its parts of the highest
 * dimension united; drawn across 180 degrees, it is cut there. Geometries live as long as the match. */
#include "cql2/match.h"
#include "json/geojson.h"
#include <geos_c.h>

struct space {
    GEOSContextHandle_t geos;
    GEOSGeometry **kept;
    size_t count, capacity;
};

static struct space *space_of(struct match *match)
{
    if (!match->space) {
        match->space = MEM_NEW(struct space);
        match->space->geos = GEOS_init_r();
    }
    return match->space;
}

void space_free(struct space *space)
{
    if (!space)
        return;
    for (size_t i = 0; i < space->count; i++)
        GEOSGeom_destroy_r(space->geos, space->kept[i]);
    GEOS_finish_r(space->geos);
    free(space->kept);
    free(space);
}

/* NULL stays NULL. */
static GEOSGeometry *keep(struct space *space, GEOSGeometry *geometry)
{
    if (!geometry)
        return NULL;
    space->kept = mem_grow(space->kept, &space->capacity, space->count + 1, sizeof geometry);
    return space->kept[space->count++] = geometry;
}

static struct value value_of(GEOSGeometry *geometry)
{
    return (struct value){ .known = geometry != NULL, .geometry = geometry };
}

/* By WKB, which is two-dimensional; NULL for what is no geometry. */
static GEOSGeometry *read_geometry(struct space *space, const json_t *geometry)
{
    AUTO(text) struct text wkb = { 0 };
    struct err ignored = { 0 };

    if (!geojson_check(geometry, "", GEOJSON_MAX_VERTICES, &ignored))
        return NULL;
    geojson_add_wkb(&wkb, geometry);
    return keep(space, GEOSGeomFromWKB_buf_r(space->geos, (const unsigned char *)wkb.data, wkb.length));
}

static bool is_collection(struct space *space, const GEOSGeometry *geometry)
{
    return GEOSGeomTypeId_r(space->geos, geometry) == GEOS_GEOMETRYCOLLECTION;
}

static bool is_valid(struct space *space, const GEOSGeometry *geometry)
{
    return GEOSisValid_r(space->geos, geometry) == 1;
}

/* By structure: where parts overlap they are one, not a hole. */
static GEOSGeometry *repair(struct space *space, const GEOSGeometry *geometry)
{
    GEOSMakeValidParams *how = GEOSMakeValidParams_create_r(space->geos);
    GEOSGeometry *valid;

    GEOSMakeValidParams_setMethod_r(space->geos, how, GEOS_MAKE_VALID_STRUCTURE);
    GEOSMakeValidParams_setKeepCollapsed_r(space->geos, how, 1);
    valid = GEOSMakeValidWithParams_r(space->geos, geometry, how);
    GEOSMakeValidParams_destroy_r(space->geos, how);
    return keep(space, valid);
}

/* Valid, and the parts of a collection united: GEOS relates no areas of one that overlap. */
static GEOSGeometry *make_valid(struct space *space, GEOSGeometry *geometry)
{
    if (geometry && !is_valid(space, geometry))
        geometry = repair(space, geometry);
    if (geometry && is_collection(space, geometry))
        geometry = keep(space, GEOSUnaryUnion_r(space->geos, geometry));
    return geometry;
}

struct value geometry_of_json(struct match *match, const json_t *geometry)
{
    struct space *space = space_of(match);

    return value_of(make_valid(space, read_geometry(space, geometry)));
}

/* ---- collections ---- */

struct parts {
    struct space *space;
    const GEOSGeometry **list;
    size_t count, capacity;
};

static void take_apart(struct parts *parts, const GEOSGeometry *geometry)
{
    GEOSContextHandle_t geos = parts->space->geos;

    if (GEOSGeomTypeId_r(geos, geometry) < GEOS_MULTIPOINT) {
        parts->list = mem_grow(parts->list, &parts->capacity, parts->count + 1, sizeof *parts->list);
        parts->list[parts->count++] = geometry;
        return;
    }
    for (int i = 0; i < GEOSGetNumGeometries_r(geos, geometry); i++)
        take_apart(parts, GEOSGetGeometryN_r(geos, geometry, i));
}

/* The parts of a collection that have its highest dimension, as a multi-geometry. Whatever is no
 * collection stays as it is. */
static GEOSGeometry *highest(struct space *space, GEOSGeometry *geometry)
{
    static const int multi[] = { GEOS_MULTIPOINT, GEOS_MULTILINESTRING, GEOS_MULTIPOLYGON };
    GEOSContextHandle_t geos = space->geos;
    struct parts parts = { .space = space };
    GEOSGeometry **copies;
    unsigned count = 0;
    int most;

    if (!geometry || !is_collection(space, geometry))
        return geometry;
    take_apart(&parts, geometry);
    copies = mem_array(parts.count, sizeof *copies);
    most = GEOSGeom_getDimensions_r(geos, geometry);
    for (size_t i = 0; i < parts.count; i++)
        if (GEOSGeom_getDimensions_r(geos, parts.list[i]) == most)
            copies[count++] = GEOSGeom_clone_r(geos, parts.list[i]);
    geometry = count ? keep(space, GEOSGeom_createCollection_r(geos, multi[most], copies, count)) : NULL;
    free(copies);
    free(parts.list);
    return geometry;
}

/* ---- the item's ---- */

struct move {
    bool shift;     /* longitudes below 0 go east around the globe; else all go west by 360 */
};

static int move_point(double *x, double *y, void *user)
{
    const struct move *move = user;

    (void)y;
    *x += !move->shift ? -360 : *x < 0 ? 360 : 0;
    return 1;
}

static GEOSGeometry *moved(struct space *space, const GEOSGeometry *geometry, bool shift)
{
    struct move move = { shift };

    return geometry ? keep(space, GEOSGeom_transformXY_r(space->geos, geometry, move_point, &move)) : NULL;
}

/* Drawn straight across 180 degrees: goes around the globe, is cut, and what is beyond comes back. */
static GEOSGeometry *cut_at_180(struct space *space, const GEOSGeometry *geometry)
{
    GEOSGeometry *east = moved(space, geometry, true), *near, *far;

    if (!east)
        return NULL;
    near = keep(space, GEOSClipByRect_r(space->geos, east, -360, -91, 180, 91));
    far = moved(space, keep(space, GEOSClipByRect_r(space->geos, east, 180, -91, 720, 91)), false);
    return near && far ? keep(space, GEOSUnion_r(space->geos, near, far)) : NULL;
}

struct value geometry_of_item(struct match *match)
{
    const json_t *geometry = json_object_get(match->item, "geometry");
    struct space *space = space_of(match);
    GEOSGeometry *read = read_geometry(space, geometry);

    if (!read)
        return value_of(NULL);
    if (!is_valid(space, read))
        return value_of(highest(space, make_valid(space, read)));
    return value_of(geojson_is_wrapped(geometry, json_object_get(match->item, "bbox"))
                        ? cut_at_180(space, read)
                        : make_valid(space, read));
}

/* ---- relations ---- */

struct value geometry_centroid(struct match *match, struct value geometry)
{
    struct space *space = space_of(match);

    return value_of(keep(space, GEOSGetCentroid_r(space->geos, geometry.geometry)));
}

enum truth geometries_relate(struct match *match, enum cql2_op op, struct value a, struct value b)
{
    typedef char relation_fn(GEOSContextHandle_t, const GEOSGeometry *, const GEOSGeometry *);
    static relation_fn *const relations[CQL2_OPS] = {
        [CQL2_S_INTERSECTS] = GEOSIntersects_r, [CQL2_S_DISJOINT] = GEOSIntersects_r,
        [CQL2_S_EQUALS] = GEOSEquals_r,         [CQL2_S_TOUCHES] = GEOSTouches_r,
        [CQL2_S_WITHIN] = GEOSWithin_r,         [CQL2_S_OVERLAPS] = GEOSOverlaps_r,
        [CQL2_S_CROSSES] = GEOSCrosses_r,       [CQL2_S_CONTAINS] = GEOSContains_r,
    };
    struct space *space = space_of(match);
    char answer;

    if (!a.known || !b.known)
        return UNKNOWN;
    if (op != CQL2_S_INTERSECTS && op != CQL2_S_DISJOINT &&
        (is_collection(space, a.geometry) || is_collection(space, b.geometry)))
        return UNKNOWN; /* of several dimensions: DE-9IM is not defined for it */
    answer = relations[op](space->geos, a.geometry, b.geometry);
    return answer == 2 ? UNKNOWN : answer == (op != CQL2_S_DISJOINT) ? YES : NO;
}
