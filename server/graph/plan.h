/* The plan: what graph/ hands to raster/. Read-only once graph_plan() has returned it; all of it
 * lives in the plan's arena.
 *
 * All meaning of cubes (labels, joins, broadcasts, callbacks) is settled here. What is left for
 * raster/ is a graph of nodes that make planes from planes over a window of a grid. */
#ifndef GRAPH_PLAN_H
#define GRAPH_PLAN_H

#include "base/err.h"
#include "base/mem.h"
#include "graph/catalog.h"
#include "graph/cube.h"
#include "graph/geometries.h"
#include "graph/program.h"
#include <jansson.h>

enum plan_op {
    PLAN_LOAD,  /* planes from files */
    PLAN_APPLY, /* planes from planes of the same pixel, by programs */
    PLAN_KERNEL, /* each plane from the same plane of the input, and the pixels around */
    PLAN_SIEVE,  /* the same plane of the input without its small patches */
    PLAN_WARP,  /* each plane from the same plane of the input, which lies on another grid */
    PLAN_WINDOWS, /* each pixel from a window of pixels of the same plane of the input */
    PLAN_SPREAD,  /* each pixel is the only pixel of the same plane of the input */
    PLAN_PATCH,   /* the planes of its input under the window that is being made, as a grid of its own */
    PLAN_PATCHES, /* planes put together of windows, in each of which nodes of its own make them */
    PLAN_UDF,   /* all planes from all planes of the input under a part of the grid, by users' code */
    PLAN_SAVE,  /* a sink: files */
    PLAN_MASK,  /* one plane: true where a pixel belongs to one of `geometries` */
    PLAN_ZONES, /* statistics of the planes of its input under each of `geometries` */
    PLAN_TABLE, /* one number for each geometry, as they were given */
};

/* What lies beyond the border of the grid (openEO's names). */
enum border { BORDER_CONSTANT, BORDER_REPLICATE, BORDER_REFLECT, BORDER_REFLECT_PIXEL, BORDER_WRAP };

/* Weighted sums. The first row of weights lies north of the pixel, the first column west. */
struct kernel_args {
    size_t width, height;   /* odd */
    const double *weights;  /* row-major */
    const double *row, *column; /* weights[y][x] is column[y] * row[x]; NULL: no such pair exists */
    enum border border;
    double constant;        /* BORDER_CONSTANT */
    double replacement;     /* of pixels that are no-data or infinite */
};

/* Patches of pixels that are neither 0 nor no-data become 0 when they have fewer than `size`. */
struct sieve_args {
    size_t size;
    bool diagonal; /* pixels that share but a corner are neighbours, too */
};

/* As gdalwarp names them. */
enum resampling { RESAMPLE_NEAR, RESAMPLE_BILINEAR, RESAMPLE_CUBIC, RESAMPLE_CUBICSPLINE,
                  RESAMPLE_LANCZOS, RESAMPLE_AVERAGE, RESAMPLE_MODE, RESAMPLE_MAX, RESAMPLE_MIN,
                  RESAMPLE_MED, RESAMPLE_Q1, RESAMPLE_Q3, RESAMPLE_RMS, RESAMPLE_SUM };

/* What is made of all pixels of a window, whatever their order: `map` is done with each of them, its
 * outputs are reduced to a number each, and `finish` makes one of these. */
struct reduction {
    uint32_t input; /* output of `map` */
    bool folds;     /* by `fold`; else the value with the probability (type 7) of all of them */
    bool keep_nodata;
    enum fold_op fold;
    double probability;
};
struct pixel_reducer {
    const struct program *map; /* NULL without reductions */
    const bool *is_presence;   /* [map->n_inputs]: true for 1, false for the pixel */
    size_t n_reductions;
    const struct reduction *reductions;
    const struct program *finish; /* inputs: the reductions */
};

/* Pixel (x, y) is made of the input's pixels from (x * width + left, y * height + top) on, those
 * beyond its grid being no-data. */
struct window_args {
    int64_t width, height, left, top;
    const struct pixel_reducer *const *reducers; /* by plane */
};

/* Windows lie side by side from the grid's upper left corner on; the last ones are as large as the grid
 * leaves them. In each its planes are those of an input, which is made over patches: of the window and
 * what lies `left` and `top` pixels around it. There is an input for each size of windows. */
struct patch_args {
    int64_t width, height, left, top;
    struct patch_size {
        bool is_there;
        uint32_t input;
        const struct plan_node *patch; /* PLAN_PATCH: the place of the window is its */
    } sizes[2][2]; /* [the last column][the last row] */
    bool together; /* all planes of a window are made at once */
};

/* Users' code (graph/udf.c, udf/udf.h). */
struct udf_args {
    const char *request; /* JSON: the code, the axes of the input and of the result */
    int64_t side;        /* of the squares of the grid that it is given; 0: all of it at once */
    bool wide;           /* it is given doubles */
    const struct plan_node *patch; /* PLAN_PATCH: the grid is that of windows; else NULL */
};

struct plane_ref {
    uint32_t input; /* which of the node's inputs */
    int32_t plane;  /* its plane; -1: all no-data */
};

/* One run of a program: n_inputs plane arguments make n_outputs planes of the node.
 * program NULL: the plane passes as it is (one argument, one output). */
struct application {
    const struct program *program;
    const struct plane_ref *arguments; /* [program ? program's inputs (all slices) : 1] */
    const uint32_t *planes;            /* [program ? program->n_outputs : 1], planes of this node */
};

/* What is made of images of a side-looking radar. */
enum radar_layer { RADAR_BACKSCATTER, RADAR_MASK, RADAR_AREA, RADAR_LOCAL_ANGLE, RADAR_ELLIPSOID_ANGLE };
struct radar_args {
    const char *coefficient; /* openEO's name, "intensity" for its null; NULL: nobody said what is to be made of them */
    bool remove_noise;
    const char *elevation_model; /* the site's name for it */
};

/* Where a plane of a load comes from: layers of scenes; the first valid pixel wins. Files on the
 * plane's lattice or a divisor of it (20 m on 10 m) are replicated by nearest; others are warped by
 * nearest. */
struct load_plane {
    size_t n_layers;
    const struct scene_band *const *layers;
    bool measured; /* numbers whose averages mean something, as far as is known: no classes, no flags */
    const struct radar_args *radar; /* the layers are images of a radar, in the order of time; NULL: they lie on grids */
    enum radar_layer layer;         /* what is made of them */
};

/* A statistic of a column, over all pixels of a geometry. */
enum zone_op { ZONE_SUM, ZONE_MEAN, ZONE_PRODUCT, ZONE_MIN, ZONE_MAX, ZONE_COUNT /* of ones */,
               ZONE_FIRST, ZONE_LAST, ZONE_ANY, ZONE_ALL, ZONE_VARIANCE, ZONE_SD,
               ZONE_QUANTILE /* needs all values at once */ };
struct zone_reduction {
    enum zone_op op;
    bool keep_nodata;   /* ignore_nodata: false */
    double probability; /* ZONE_QUANTILE; the median is 0.5 */
    size_t column;
};

struct shift {
    int64_t x, y;
};

struct save_args {
    const char *name;   /* the id of the node: stem of the file names */
    const char *format; /* "COG", "GTiff", "PNG", "JSON" */
    const json_t *options; /* checked; NULL when none */
    bool primary;       /* the result node's */
};

struct plan_node {
    const char *id, *pointer; /* for messages: "reduce1", "/process_graph/reduce1" */
    enum plan_op op;
    size_t index;             /* in plan->nodes; inputs have smaller ones */
    struct cube_schema schema;
    size_t n_inputs;
    const struct plan_node *const *inputs;
    /* Pixel (x, y) of this node is pixel (x + shift_x, y + shift_y) of input i (same lattice). Out
     * of the input's grid is no-data. NULL: no shift. */
    const struct shift *shifts;

    size_t n_applications; /* PLAN_APPLY */
    const struct application *applications;
    const struct load_plane *load; /* PLAN_LOAD: [cube_planes(&schema)] */
    bool coarse;                   /* PLAN_LOAD: a picture, which overviews will do for */
    const struct kernel_args *kernel; /* PLAN_KERNEL */
    struct sieve_args sieve;       /* PLAN_SIEVE */
    enum resampling resampling;    /* PLAN_WARP */
    const struct window_args *windows; /* PLAN_WINDOWS */
    const struct patch_args *patches; /* PLAN_PATCHES */
    const struct udf_args *udf;    /* PLAN_UDF */
    struct shift patch;            /* PLAN_PATCH: how far it reaches beyond its window */
    struct save_args save;         /* PLAN_SAVE: one input, same schema */

    const struct geometries *geometries; /* PLAN_MASK, PLAN_ZONES: in the CRS of the pixels */
    /* PLAN_ZONES: plane i * n_reductions + r is reduction r over columns i * n_columns .. of the
     * input. The planes of the node are rows of geometries (graph/geometries.h). */
    size_t n_columns, n_reductions;
    const struct zone_reduction *reductions;
    bool weighted; /* PLAN_ZONES: pixels count by the share of them that a polygon covers */
    const double *table; /* PLAN_TABLE: [planes][geometries]; NaN is no-data */
};

struct plan {
    struct arena *arena;
    size_t n_nodes;
    const struct plan_node *const *nodes; /* topological order */
    size_t n_saves;
    const struct plan_node *const *saves;
    size_t n_zones; /* PLAN_ZONES among the nodes */
    const struct plan_node *const *zones;
    json_t *value;    /* the result when it is not a cube; then there are no saves (owned) */
    json_t *scenes;   /* what the catalogue answered: catalog_replay() takes it (owned) */
    json_t *exports;  /* [{"node": of a save, "workspace", "merge": text or null}], or NULL (owned) */
    json_t *notices;  /* [{"level","message","node"}]: for the user's log (owned) */
    size_t n_sources; /* distinct scenes: derived_from */
    const struct scene *const *sources;
};

void plan_free(struct plan *plan);
DEFINE_AUTO(plan, struct plan *, plan_free)

#endif
