/* Geometries: the labels of a vector cube's dimension of type geometry, and what masks and zones are
 * made of. Read-only once made; all of it lives in an arena.
 *
 * A vector cube is a cube whose planes are one row: column i belongs to geometry i. Its grid has no
 * place on Earth, only the number of its geometries (`vector_grid`), so cubes over the same geometries
 * lie on one lattice and all that works pixel by pixel works geometry by geometry. */
#ifndef GRAPH_GEOMETRIES_H
#define GRAPH_GEOMETRIES_H

#include "base/text.h"
#include "graph/cube.h"

enum geometry_kind { GEOMETRY_POINTS, GEOMETRY_LINES, GEOMETRY_POLYGONS };

/* A line, the points of a (multi)point, or a closed ring. */
struct ring {
    size_t count;
    double *x, *y;
    bool outer; /* of polygons: a new part begins; holes follow */
};

struct geometry {
    enum geometry_kind kind;
    bool multi;            /* written as a Multi.. type */
    size_t n_rings;        /* 0: empty */
    struct ring *rings;
    const char *id;         /* of its feature, as JSON text; NULL: none */
    const char *properties; /* of its feature: an object as JSON text, NULL: none */
};

struct geometries {
    int number;       /* of its rows: equal sets of one plan have equal numbers, from 0, and so has a set
                         whose geometries were made one by one of another's (reprojected, buffered) */
    const char *crs;  /* "EPSG:4326", or WKT */
    bool geographic;  /* its axes are degrees */
    size_t count;
    struct geometry *list;
};

/* The row of `count` cells that the planes of a cube over these geometries are. */
struct grid vector_grid(const struct geometries *geometries);
/* west, south, east, north; false for an empty geometry. */
bool geometry_bounds(const struct geometry *geometry, double ret_box[4]);
/* The pixels of a grid in the same reference system among which those of a geometry are: from `left`
 * and `top` to before `right` and `bottom`; all 0 when there is none. */
struct pixel_box {
    int64_t left, top, right, bottom;
};
/* `touched`: also pixels of polygons whose centres are not. */
struct pixel_box geometry_pixels(const struct geometry *geometry, const struct grid *grid, bool touched);
/* Of all of them; false when all are empty. */
bool geometries_bounds(const struct geometries *geometries, double ret_box[4]);
/* Appends a GeoJSON geometry in the coordinates it has; "null" when it is empty. */
void geometry_add_geojson(struct text *out, const struct geometry *geometry);

#endif
