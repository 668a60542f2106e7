/* A geometry's coordinates nest by type: a point is a position, a line is a list of them, and so on
 * up to lists of lists of rings. One table tells how deep and what the innermost list must hold. */
#include "json/geojson.h"
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

struct check {
    size_t vertices, max_vertices;
    struct err *err;
};

static bool refuse(struct check *check, const char *pointer, const char *expected)
{
    return err_set(check->err, ERR_BadRequest, "%s: expected %s", pointer, expected);
}

static bool check_position(struct check *check, const json_t *position, const char *pointer)
{
    size_t n = json_array_size(position);

    if (!json_is_array(position))
        return js_refuse(position, pointer, "a position", check->err);
    if (n < 2 || n > 4)
        return refuse(check, pointer, "a position of 2 to 4 numbers");
    for (size_t i = 0; i < n; i++) {
        const json_t *value = json_array_get(position, i);

        if (!json_is_number(value))
            return js_refuse(value, pointer, "a position of numbers", check->err);
        if (i < 2 && !(fabs(json_number_value(value)) <= (i ? 90 : 360)))
            return refuse(check, pointer, i ? "a latitude in [-90, 90]" : "a longitude in [-360, 360]");
    }
    if (++check->vertices > check->max_vertices)
        return err_set(check->err, ERR_BadRequest, "%s: the geometry has more than %zu positions",
                       pointer, check->max_vertices);
    return true;
}

static bool check_length(struct check *check, const json_t *list, enum list_kind kind,
                         const char *pointer)
{
    size_t n = json_array_size(list);

    if (kind == LINE && n < 2)
        return refuse(check, pointer, "a line of at least 2 positions");
    if (kind == RING && n < 4)
        return refuse(check, pointer, "a ring of at least 4 positions");
    for (size_t i = 0; kind == RING && i < 2; i++) {
        const json_t *first = json_array_get(json_array_get(list, 0), i);
        const json_t *last = json_array_get(json_array_get(list, n - 1), i);

        if (json_number_value(first) != json_number_value(last))
            return refuse(check, pointer, "a closed ring (the last position equals the first)");
    }
    return true;
}

static bool check_coordinates(struct check *check, const json_t *list, int depth,
                              enum list_kind kind, const char *pointer)
{
    if (depth == 0)
        return check_position(check, list, pointer);
    if (!json_is_array(list))
        return js_refuse(list, pointer, "an array", check->err);
    if (json_array_size(list) == 0)
        return refuse(check, pointer, "at least one element");
    for (size_t i = 0; i < json_array_size(list); i++) {
        AUTO(mem) char *place = js_pointer_index(pointer, i);

        if (!check_coordinates(check, json_array_get(list, i), depth - 1, kind, place))
            return false;
    }
    return depth > 1 || check_length(check, list, kind, pointer);
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
    const char *type = json_string_value(json_object_get(geometry, "type"));
    const struct shape *shape = shape_of(type);

    if (!json_is_object(geometry))
        return js_refuse(geometry, pointer, "a GeoJSON geometry", check->err);
    if (type && !strcmp(type, "GeometryCollection") && depth < 4) {
        const json_t *parts = json_object_get(geometry, "geometries");
        AUTO(mem) char *place = js_pointer(pointer, "geometries");

        if (!json_array_size(parts))
            return refuse(check, place, "an array with at least one geometry");
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

    return check_coordinates(check, json_object_get(geometry, "coordinates"), shape->depth,
                             shape->kind, place);
}

bool geojson_check(const json_t *geometry, const char *pointer, size_t max_vertices,
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
