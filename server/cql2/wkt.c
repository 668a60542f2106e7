/* WKT in CQL2: coordinates nest by type as in GeoJSON (json/geojson.c), so one table says how deep and
 * what the innermost list must hold. The Z is optional, as the standard wants: the positions tell.
 * A geometry is read straight into GeoJSON's text; it is written from that. */
#include "cql2/lexer.h"
#include "json/geojson.h"
#include "json/js.h"
#include <math.h>
#include <string.h>
#include <strings.h>

enum { MAX_COLLECTIONS = 4 }; /* in one another, as geojson_check() */

static const struct shape {
    const char *wkt, *geojson;
    int depth;    /* lists around a position */
    size_t least; /* positions of the innermost list */
} shapes[] = {
    { "POINT", "Point", 0, 1 },
    { "LINESTRING", "LineString", 1, 2 },
    { "POLYGON", "Polygon", 2, 4 },
    { "MULTIPOINT", "MultiPoint", 1, 1 },
    { "MULTILINESTRING", "MultiLineString", 2, 2 },
    { "MULTIPOLYGON", "MultiPolygon", 3, 4 },
    { "GEOMETRYCOLLECTION", "GeometryCollection", 0, 0 },
};

static const struct shape *find_shape(const char *name, bool is_wkt)
{
    for (size_t i = 0; i < ARRAY_LEN(shapes); i++)
        if (is_wkt ? !strcasecmp(shapes[i].wkt, name) : !strcmp(shapes[i].geojson, name))
            return &shapes[i];
    return NULL;
}

/* ---- reading ---- */

struct reading {
    struct lexer *lexer;
    struct text out;
    int dimensions; /* of the positions, which all have as many; 0: not yet known */
};

bool wkt_is_name(const struct lexer *lexer)
{
    const char *p = lexer->next;

    if (lexer->token != TOKEN_NAME || !find_shape(lexer->value, true))
        return false;
    p += strspn(p, " \t\r\n");
    if (p > lexer->next && (*p == 'Z' || *p == 'z'))
        p += 1 + strspn(p + 1, " \t\r\n");
    return *p == '(' || !strncasecmp(p, "EMPTY", 5);
}

static bool read_position(struct reading *r, double ret_position[3])
{
    static const double limits[] = { 360, 90, INFINITY };
    static const char *const expected[] = { "a longitude within -360 and 360",
                                            "a latitude within -90 and 90" };
    struct lexer *lexer = r->lexer;
    int count = 0;

    if (++lexer->builder.vertices > CQL2_MAX_VERTICES)
        return err_set(lexer->builder.err, ERR_InvalidParameter,
                       "character %zu: expected at most %d positions in all, found more", lexer->character,
                       CQL2_MAX_VERTICES);
    while (count < 3 && !lexer_is_symbol(lexer, ",") && !lexer_is_symbol(lexer, ")")) {
        struct lexer before = *lexer;

        if (!lexer_signed_number(lexer, &ret_position[count]))
            return false;
        if (ret_position[count] == 0)
            ret_position[count] = 0; /* no -0 */
        if (fabs(ret_position[count]) > limits[count])
            return lexer_refuse(&before, expected[count]);
        count++;
    }
    if (count < 2)
        return lexer_refuse(lexer, count ? "a latitude" : "a longitude and a latitude");
    if (r->dimensions && r->dimensions != count)
        return lexer_refuse(lexer, r->dimensions == 2 ? "two numbers in each position"
                                                      : "three numbers in each position");
    r->dimensions = count;
    text_add(&r->out, "[");
    for (int i = 0; i < count; i++) {
        text_add(&r->out, i ? "," : "");
        add_number(&r->out, ret_position[i]);
    }
    text_add(&r->out, "]");
    return true;
}

/* A position of a point or of a multipoint, whose parentheses may be left out. */
static bool read_point(struct reading *r, bool must_open)
{
    struct lexer *lexer = r->lexer;
    bool open = must_open || lexer_is_symbol(lexer, "(");
    double position[3];

    return (!open || lexer_expect(lexer, "(", "an opening (")) && read_position(r, position) &&
           (!open || lexer_expect(lexer, ")", "a number, a comma or a closing )"));
}

/* The innermost list: positions, at least `least`; four make a ring, which must be closed. */
static bool read_positions(struct reading *r, size_t least)
{
    struct lexer *lexer = r->lexer;
    double first[3] = { 0 }, position[3] = { 0 };
    size_t count = 0;

    do {
        if (count && (!lexer_advance(lexer) || (text_add(&r->out, ","), false)))
            return false;
        if (least == 1 ? !read_point(r, false) : !read_position(r, position))
            return false;
        if (count++ == 0)
            memcpy(first, position, sizeof first);
    } while (lexer_is_symbol(lexer, ","));
    if (count < least)
        return lexer_refuse(lexer, least == 2 ? "a comma and a second position"
                                              : "a comma and a ring of at least 4 positions");
    if (least == 4 && memcmp(first, position, 2 * sizeof *first))
        return lexer_refuse(lexer, "a ring that ends where it starts");
    return true;
}

static bool read_lists(struct reading *r, int depth, size_t least)
{
    struct lexer *lexer = r->lexer;
    bool first = true;

    if (!lexer_expect(lexer, "(", "an opening ("))
        return false;
    text_add(&r->out, "[");
    if (depth == 1 && !read_positions(r, least))
        return false;
    while (depth > 1 && (first || lexer_is_symbol(lexer, ","))) {
        if (!first && !lexer_advance(lexer))
            return false;
        text_add(&r->out, first ? "" : ",");
        first = false;
        if (!read_lists(r, depth - 1, least))
            return false;
    }
    text_add(&r->out, "]");
    return lexer_expect(lexer, ")", "a number, a comma or a closing )");
}

static bool read_geometry(struct reading *r, int depth);

static bool read_members(struct reading *r, int depth)
{
    struct lexer *lexer = r->lexer;
    bool first = true;

    if (depth > MAX_COLLECTIONS)
        return lexer_refuse(lexer, "at most 4 collections in one another");
    if (!lexer_expect(lexer, "(", "an opening ("))
        return false;
    text_add(&r->out, ",\"geometries\":[");
    while (first || lexer_is_symbol(lexer, ",")) {
        if (!first && !lexer_advance(lexer))
            return false;
        text_add(&r->out, first ? "" : ",");
        first = false;
        if (!wkt_is_name(lexer))
            return lexer_refuse(lexer, "a geometry such as POINT(2 49)");
        if (!read_geometry(r, depth + 1))
            return false;
    }
    text_add(&r->out, "]}");
    return lexer_expect(lexer, ")", "a comma or a closing )");
}

static bool read_geometry(struct reading *r, int depth)
{
    struct lexer *lexer = r->lexer;
    const struct shape *shape = find_shape(lexer->value, true);
    bool has_z;

    text_printf(&r->out, "{\"type\":\"%s\"", shape->geojson);
    if (!lexer_advance(lexer))
        return false;
    has_z = lexer_is_keyword(lexer, "Z");
    if (has_z && !lexer_advance(lexer))
        return false;
    if (shape->least == 0)
        return read_members(r, depth);
    text_add(&r->out, ",\"coordinates\":");
    if (!(shape->depth ? read_lists(r, shape->depth, shape->least) : read_point(r, true)))
        return false;
    text_add(&r->out, "}");
    return true;
}

bool wkt_read(struct lexer *lexer, struct cql2_node **ret_node)
{
    const char *place = lexer_place(lexer);
    struct reading r = { .lexer = lexer };
    bool ok = read_geometry(&r, 1) &&
              build_text(&lexer->builder, CQL2_GEOMETRY, r.out.data, place, ret_node);

    text_drop(&r.out);
    return ok;
}

/* ---- writing ---- */

static void write_position(struct text *out, const json_t *position)
{
    for (size_t i = 0; i < json_array_size(position); i++) {
        text_add(out, i ? " " : "");
        add_number(out, json_number_value(json_array_get(position, i)));
    }
}

/* `depth` lists around positions; `wrapped`: each position has parentheses of its own. */
static void write_lists(struct text *out, const json_t *coordinates, int depth, bool wrapped)
{
    if (depth == 0 && !wrapped) {
        write_position(out, coordinates);
        return;
    }
    text_add(out, "(");
    if (depth == 0)
        write_position(out, coordinates);
    for (size_t i = 0; depth > 0 && i < json_array_size(coordinates); i++) {
        text_add(out, i ? "," : "");
        write_lists(out, json_array_get(coordinates, i), depth - 1, wrapped);
    }
    text_add(out, ")");
}

static bool has_height(const json_t *geometry)
{
    const json_t *member = json_array_get(json_object_get(geometry, "geometries"), 0);
    const json_t *inner = json_object_get(geometry, "coordinates");

    if (member)
        return has_height(member);
    while (json_is_array(json_array_get(inner, 0)))
        inner = json_array_get(inner, 0);
    return json_array_size(inner) == 3;
}

static void write_geometry(struct text *out, const json_t *geometry)
{
    const struct shape *shape = find_shape(js_text(geometry, "type"), false);
    const json_t *members = json_object_get(geometry, "geometries");

    text_printf(out, "%s%s", shape->wkt, has_height(geometry) ? " Z" : "");
    if (shape->least) {
        write_lists(out, json_object_get(geometry, "coordinates"), shape->depth, shape->least == 1);
        return;
    }
    for (size_t i = 0; i < json_array_size(members); i++) {
        text_add(out, i ? "," : "(");
        write_geometry(out, json_array_get(members, i));
    }
    text_add(out, ")");
}

void add_wkt(struct text *out, const char *geojson)
{
    AUTO(json) json_t *geometry = json_loads(geojson, 0, NULL);

    write_geometry(out, geometry);
}

/* ---- GeoJSON ---- */

static void add_coordinates(struct text *out, const json_t *coordinates)
{
    if (!json_is_array(coordinates)) {
        add_number(out, json_number_value(coordinates));
        return;
    }
    text_add(out, "[");
    for (size_t i = 0; i < json_array_size(coordinates); i++) {
        text_add(out, i ? "," : "");
        add_coordinates(out, json_array_get(coordinates, i));
    }
    text_add(out, "]");
}

/* The member that holds the geometry; others are of no account. */
static const json_t *content(const json_t *geometry)
{
    const char *type = js_text(geometry, "type");

    return json_object_get(geometry, strcmp(type, "GeometryCollection") ? "coordinates" : "geometries");
}

/* A checked geometry as canonical text: type and coordinates or geometries alone. */
static void add_geometry(struct text *out, const json_t *geometry)
{
    const json_t *members = content(geometry);

    text_printf(out, "{\"type\":\"%s\",", js_text(geometry, "type"));
    if (json_is_object(json_array_get(members, 0))) {
        text_add(out, "\"geometries\":[");
        for (size_t i = 0; i < json_array_size(members); i++) {
            text_add(out, i ? "," : "");
            add_geometry(out, json_array_get(members, i));
        }
        text_add(out, "]}");
    } else {
        text_add(out, "\"coordinates\":");
        add_coordinates(out, members);
        text_add(out, "}");
    }
}

/* Counts positions and holds them to 2 or 3 numbers, the same in all. */
static bool check_positions(const json_t *value, size_t *dimensions, size_t *vertices)
{
    size_t count = json_array_size(value), i;
    json_t *member;

    if (json_is_object(value))
        return check_positions(content(value), dimensions, vertices);
    if (json_is_number(json_array_get(value, 0))) {
        ++*vertices;
        if (*dimensions == 0)
            *dimensions = count;
        return count == *dimensions && count <= 3;
    }
    json_array_foreach((json_t *)value, i, member)
        if (!check_positions(member, dimensions, vertices))
            return false;
    return true;
}

bool build_geometry(struct builder *builder, const json_t *geometry, const char *place,
                    struct cql2_node **ret_node)
{
    AUTO(text) struct text out = { 0 };
    struct err problem = { 0 };
    size_t dimensions = 0;

    if (!geojson_check(geometry, place, CQL2_MAX_VERTICES - builder->vertices, &problem))
        return err_set(builder->err, ERR_InvalidParameter, "%s", problem.message);
    if (!check_positions(geometry, &dimensions, &builder->vertices))
        return err_set(builder->err, ERR_InvalidParameter,
                       "%s: expected positions of 2 numbers, or all of 3, found others", place);
    add_geometry(&out, geometry);
    return build_text(builder, CQL2_GEOMETRY, out.data, place, ret_node);
}
