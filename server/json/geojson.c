/* A geometry's coordinates nest by type: a point is a position, a line is a list of them, and so on
 * up to lists of lists of rings. One table tells how deep and what the innermost list must hold. */
#include "json/geojson.h"
#include "json/js.h"
#include <math.h>
#include <string.h>

enum list_kind { PLAIN, LINE, RING };

static const struct shape {
    const char *type;
    int depth; /* lists around a position */
    enum list_kind kind;
} shapes[] = {
    { "Point", 0, PLAIN },   { "MultiPoint", 1, PLAIN },    { "LineString", 1, LINE },
    { "Polygon", 2, RING },  { "MultiLineString", 2, LINE }, { "MultiPolygon", 3, RING },
};

enum { LISTS_MAX = 3 };

struct check {
    size_t vertices, max_vertices;
    bool degrees;             /* coordinates are longitudes and latitudes */
    const char *coordinates;  /* pointer of the geometry's coordinates */
    size_t path[LISTS_MAX];   /* the place in them; written out only when something is wrong */
    int lists;
    struct err *err;
};

static char *place_of(const struct check *check)
{
    struct text place = { 0 };

    text_add(&place, check->coordinates);
    for (int i = 0; i < check->lists; i++)
        text_printf(&place, "/%zu", check->path[i]);
    return text_take(&place);
}

static bool refuse(struct check *check, const char *expected)
{
    AUTO(mem) char *place = place_of(check);

    return err_set(check->err, ERR_BadRequest, "%s: expected %s", place, expected);
}

/* Metres of a projection are what is found most. */
static bool refuse_number(struct check *check, double found, const char *expected)
{
    AUTO(mem) char *place = place_of(check);

    return err_set(check->err, ERR_BadRequest, "%s: expected %s, found %.10g", place, expected, found);
}

static bool refuse_type(struct check *check, const json_t *value, const char *expected)
{
    AUTO(mem) char *place = place_of(check);

    return js_refuse(value, place, expected, check->err);
}

static bool check_position(struct check *check, const json_t *position)
{
    size_t n = json_array_size(position);

    if (!json_is_array(position))
        return refuse_type(check, position, "a position");
    if (n < 2 || n > 4)
        return refuse(check, "a position of 2 to 4 numbers");
    for (size_t i = 0; i < n; i++) {
        const json_t *value = json_array_get(position, i);

        if (!json_is_number(value))
            return refuse_type(check, value, "a position of numbers");
        if (i < 2 && check->degrees && !(fabs(json_number_value(value)) <= (i ? 90 : 360)))
            return refuse_number(check, json_number_value(value),
                                 i ? "a latitude in [-90, 90]" : "a longitude in [-360, 360]");
    }
    if (++check->vertices > check->max_vertices)
        return err_set(check->err, ERR_BadRequest, "%s: the geometry has more than %zu positions",
                       check->coordinates, check->max_vertices);
    return true;
}

static bool check_length(struct check *check, const json_t *list, enum list_kind kind)
{
    size_t n = json_array_size(list);

    if (kind == LINE && n < 2)
        return refuse(check, "a line of at least 2 positions");
    if (kind == RING && n < 4)
        return refuse(check, "a ring of at least 4 positions");
    for (size_t i = 0; kind == RING && i < 2; i++) {
        const json_t *first = json_array_get(json_array_get(list, 0), i);
        const json_t *last = json_array_get(json_array_get(list, n - 1), i);

        if (json_number_value(first) != json_number_value(last))
            return refuse(check, "a closed ring (the last position equals the first)");
    }
    return true;
}

static bool check_coordinates(struct check *check, const json_t *list, int depth, enum list_kind kind)
{
    if (depth == 0)
        return check_position(check, list);
    if (!json_is_array(list))
        return refuse_type(check, list, "an array");
    if (json_array_size(list) == 0)
        return refuse(check, "at least one element");
    check->lists++;
    for (size_t i = 0; i < json_array_size(list); i++) {
        check->path[check->lists - 1] = i;
        if (!check_coordinates(check, json_array_get(list, i), depth - 1, kind))
            return false;
    }
    check->lists--;
    return depth > 1 || check_length(check, list, kind);
}

static const struct shape *shape_of(const char *type)
{
    for (size_t i = 0; type && i < ARRAY_LEN(shapes); i++)
        if (!strcmp(shapes[i].type, type))
            return &shapes[i];
    return NULL;
}

static bool check_geometry(struct check *check, const json_t *geometry, const char *pointer, int depth)
{
    const char *type = js_text(geometry, "type");
    const struct shape *shape = shape_of(type);

    if (!json_is_object(geometry))
        return js_refuse(geometry, pointer, "a GeoJSON geometry", check->err);
    if (type && !strcmp(type, "GeometryCollection") && depth < 4) {
        const json_t *parts = json_object_get(geometry, "geometries");
        AUTO(mem) char *place = js_pointer(pointer, "geometries");

        if (!json_array_size(parts))
            return err_set(check->err, ERR_BadRequest,
                           "%s: expected an array with at least one geometry", place);
        for (size_t i = 0; i < json_array_size(parts); i++) {
            AUTO(mem) char *part = js_pointer_index(place, i);

            if (!check_geometry(check, json_array_get(parts, i), part, depth + 1))
                return false;
        }
        return true;
    }
    if (!shape) {
        AUTO(mem) char *place = js_pointer(pointer, "type");

        return err_set(check->err, ERR_BadRequest,
                       "%s: expected a type of GeoJSON geometry, found '%.40s'", place,
                       type ? type : js_type_name(json_object_get(geometry, "type")));
    }
    AUTO(mem) char *place = js_pointer(pointer, "coordinates");

    check->coordinates = place;
    check->lists = 0;
    return check_coordinates(check, json_object_get(geometry, "coordinates"), shape->depth, shape->kind);
}

bool geojson_check(const json_t *geometry, const char *pointer, size_t max_vertices,
                   struct err *err)
{
    struct check check = { .max_vertices = max_vertices, .degrees = true, .err = err };

    return check_geometry(&check, geometry, pointer, 0);
}

bool geojson_check_plane(const json_t *geometry, const char *pointer, size_t max_vertices,
                         struct err *err)
{
    struct check check = { .max_vertices = max_vertices, .err = err };

    return check_geometry(&check, geometry, pointer, 0);
}

static void bounds(const json_t *value, double box[4])
{
    if (json_is_array(value) && json_is_number(json_array_get(value, 0))) {
        double x = json_number_value(json_array_get(value, 0));
        double y = json_number_value(json_array_get(value, 1));

        box[0] = fmin(box[0], x), box[1] = fmin(box[1], y);
        box[2] = fmax(box[2], x), box[3] = fmax(box[3], y);
        return;
    }
    for (size_t i = 0; i < json_array_size(value); i++) {
        const json_t *part = json_array_get(value, i);

        if (json_is_object(part))
            bounds(json_object_get(part, json_object_get(part, "geometries") ? "geometries"
                                                                             : "coordinates"), box);
        else
            bounds(part, box);
    }
}

void geojson_bounds(const json_t *geometry, double ret_bbox[4])
{
    const json_t *inside = json_object_get(geometry, "coordinates");

    ret_bbox[0] = ret_bbox[1] = INFINITY;
    ret_bbox[2] = ret_bbox[3] = -INFINITY;
    bounds(inside ? inside : json_object_get(geometry, "geometries"), ret_bbox);
}

static void add_ring(struct text *out, double west, double south, double east, double north)
{
    text_printf(out, "[[[%.17g,%.17g],[%.17g,%.17g],[%.17g,%.17g],[%.17g,%.17g],[%.17g,%.17g]]]", west,
                south, east, south, east, north, west, north, west, south);
}

bool geojson_is_wrapped(const json_t *geometry, const json_t *bbox)
{
    const char *type = js_text(geometry, "type");
    size_t n = json_array_size(bbox);
    double box[4];

    if (!type || n < 4 ||
        json_number_value(json_array_get(bbox, 0)) <= json_number_value(json_array_get(bbox, n / 2)))
        return false;
    geojson_bounds(geometry, box);
    return box[2] - box[0] > 180 && strcmp(type, "MultiPolygon");
}

void geojson_add_box(struct text *out, const double bbox[4])
{
    bool crosses = bbox[0] > bbox[2];

    text_printf(out, "{\"type\":\"%s\",\"coordinates\":", crosses ? "MultiPolygon" : "Polygon");
    if (crosses) {
        text_add(out, "[");
        add_ring(out, bbox[0], bbox[1], 180, bbox[3]);
        text_add(out, ",");
        add_ring(out, -180, bbox[1], bbox[2], bbox[3]);
        text_add(out, "]");
    } else {
        add_ring(out, bbox[0], bbox[1], bbox[2], bbox[3]);
    }
    text_add(out, "}");
}

bool geojson_box_meets(const double box[4], const json_t *bbox)
{
    size_t n = json_array_size(bbox);
    double west = json_number_value(json_array_get(bbox, 0)), east = json_number_value(json_array_get(bbox, n / 2));

    if (n != 4 && n != 6)
        return true;
    if (json_number_value(json_array_get(bbox, 1)) > box[3] ||
        json_number_value(json_array_get(bbox, n / 2 + 1)) < box[1])
        return false;
    if (west > east || box[0] > box[2]) /* either crosses 180 degrees */
        return (west > east && box[0] > box[2]) || west <= box[2] || east >= box[0];
    return west <= box[2] && east >= box[0];
}
