/* For tests of graph/: a catalogue without a database, and a plain evaluator of plans, one pixel at
 * a time in double. */
#ifndef TESTS_GRAPH_DOUBLE_H
#define TESTS_GRAPH_DOUBLE_H

#include "graph/graph.h"

/* Collection "S2": bands B02 B03 B04 B08 (10 m, uint16, no-data 0) and SCL (20 m, uint8, no-data 0) of
 * five dates on one tile of 100 x 100 pixels of 10 m in EPSG:32633, upper left 500000, 5100000; on the
 * third date a second tile to the east (its columns 90..189). "S3": the same without a description
 * of its bands. "EMPTY": no scenes. "NOGRID": scenes without grids. */
struct double_catalog {
    size_t n_collection, n_scenes; /* how often it was asked */
    struct scene_query last;       /* copied shallowly */
    json_t *udf_axes;              /* what a UDF says of its result; borrowed, NULL: as it was given */
    json_t *processes;             /* of users: {namespace: {id: process}}; borrowed, NULL: none */
};
struct catalog double_catalog(struct double_catalog *state);

/* What the pixel of a file is, at the centre of its own pixel (column, row); NaN for no-data. */
typedef double pixel_fn(const struct scene_band *band, int64_t column, int64_t row);
/* DN made of date, band, column and row; SCL is 4, or 9 where (column + row + date) % 3 == 0. */
double double_pixel(const struct scene_band *band, int64_t column, int64_t row);

/* The value of plane `plane` of a node at pixel (x, y) of its grid; NaN for no-data. */
double plan_pixel(const struct plan_node *node, uint32_t plane, int64_t x, int64_t y,
                  pixel_fn *pixel);
/* A plan as text, for looking at. */
void plan_print(const struct plan *plan);
/* Breaks of the contract of plan.h and program.h; NULL when there is none. */
const char *plan_fault(const struct plan *plan);

#endif
