/* Geometries in the binary form that PostGIS reads without parsing text, and a quick test of validity
 * for footprints, which are nearly always one small ring. The test decides by signs of areas and says
 * no whenever rounding could have turned one. */
#include "json/geojson.h"
#include "json/js.h"
#include <math.h>
#include <stdint.h>
#include <string.h>

enum { SRID = 4326, HAS_SRID = 0x20000000, SMALL_RING = 64 };

static const char *const types[] = { "Point", "LineString", "Polygon", "MultiPoint", "MultiLineString",
                                     "MultiPolygon", "GeometryCollection" };

/* 1.. as WKB numbers them; 0: none of these. */
static uint32_t type_number(const json_t *geometry)
{
    const char *type = js_text(geometry, "type");

    for (uint32_t i = 0; type && i < ARRAY_LEN(types); i++)
        if (!strcmp(types[i], type))
            return i + 1;
    return 0;
}

static void add_number(struct text *out, uint32_t number)
{
    const unsigned char bytes[4] = { (unsigned char)number, (unsigned char)(number >> 8),
                                     (unsigned char)(number >> 16), (unsigned char)(number >> 24) };

    text_addn(out, bytes, sizeof bytes);
}

static void add_double(struct text *out, double number)
{
    uint64_t bits;

    memcpy(&bits, &number, sizeof bits);
    add_number(out, (uint32_t)bits);
    add_number(out, (uint32_t)(bits >> 32));
}

static void add_head(struct text *out, uint32_t type, bool outermost)
{
    text_addn(out, "\001", 1);
    add_number(out, outermost ? type | HAS_SRID : type);
    if (outermost)
        add_number(out, SRID);
}

static void add_position(struct text *out, const json_t *position)
{
    add_double(out, json_number_value(json_array_get(position, 0)));
    add_double(out, json_number_value(json_array_get(position, 1)));
}

/* `depth` lists around positions, each with its length before it. */
static void add_lists(struct text *out, const json_t *list, int depth)
{
    if (depth == 0) {
        add_position(out, list);
        return;
    }
    add_number(out, (uint32_t)json_array_size(list));
    for (size_t i = 0; i < json_array_size(list); i++)
        add_lists(out, json_array_get(list, i), depth - 1);
}

static void add_geometry(struct text *out, const json_t *geometry, bool outermost)
{
    uint32_t type = type_number(geometry);
    const json_t *parts = json_object_get(geometry, type == 7 ? "geometries" : "coordinates");

    add_head(out, type, outermost);
    if (type <= 3) {
        add_lists(out, parts, (int)type - 1);
        return;
    }
    add_number(out, (uint32_t)json_array_size(parts));
    for (size_t i = 0; i < json_array_size(parts); i++) {
        if (type == 7) {
            add_geometry(out, json_array_get(parts, i), false);
        } else {
            add_head(out, type - 3, false);
            add_lists(out, json_array_get(parts, i), (int)type - 4);
        }
    }
}

void geojson_add_wkb(struct text *out, const json_t *geometry)
{
    add_geometry(out, geometry, true);
}

/* ---- validity ---- */

struct point {
    double x, y;
};

/* The side of a line on which a point lies: 1, -1, or 0 when it is too near to tell. The bound is the
 * largest error that the products and their difference can have. */
static int side(struct point a, struct point b, struct point p)
{
    double left = (a.x - p.x) * (b.y - p.y), right = (a.y - p.y) * (b.x - p.x);
    double area = left - right, bound = 4e-16 * (fabs(left) + fabs(right));

    return area > bound ? 1 : area < -bound ? -1 : 0;
}

/* True only when the two segments have no point in common beyond doubt. */
static bool apart(struct point a, struct point b, struct point c, struct point d)
{
    int of_c = side(a, b, c), of_d = side(a, b, d), of_a = side(c, d, a), of_b = side(c, d, b);

    if (fmax(a.x, b.x) < fmin(c.x, d.x) || fmax(c.x, d.x) < fmin(a.x, b.x) ||
        fmax(a.y, b.y) < fmin(c.y, d.y) || fmax(c.y, d.y) < fmin(a.y, b.y))
        return true;
    return (of_c && of_c == of_d) || (of_a && of_a == of_b);
}

/* Neighbouring sides must turn, others must not meet. */
static bool is_simple(const struct point *ring, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (side(ring[i], ring[(i + 1) % n], ring[(i + 2) % n]) == 0)
            return false;
        for (size_t k = i + 2; k < n; k++)
            if ((k + 1) % n != i && !apart(ring[i], ring[i + 1], ring[k], ring[(k + 1) % n]))
                return false;
    }
    return true;
}

static struct point point_of(const json_t *position)
{
    return (struct point){ json_number_value(json_array_get(position, 0)),
                           json_number_value(json_array_get(position, 1)) };
}

static bool line_is_valid(const json_t *line)
{
    struct point a = point_of(json_array_get(line, 0)), b = point_of(json_array_get(line, 1));

    return json_array_size(line) == 2 && (a.x != b.x || a.y != b.y);
}

static bool ring_is_valid(const json_t *ring)
{
    struct point points[SMALL_RING];
    size_t n = json_array_size(ring) - 1; /* the last is the first again */

    if (n < 3 || n > SMALL_RING)
        return false;
    for (size_t i = 0; i < n; i++)
        points[i] = point_of(json_array_get(ring, i));
    return is_simple(points, n);
}

bool geojson_is_surely_valid(const json_t *geometry)
{
    const json_t *coordinates = json_object_get(geometry, "coordinates");

    switch (type_number(geometry)) {
    case 1:
    case 4: return true;
    case 2: return line_is_valid(coordinates);
    case 3: return json_array_size(coordinates) == 1 && ring_is_valid(json_array_get(coordinates, 0));
    default: return false;
    }
}
