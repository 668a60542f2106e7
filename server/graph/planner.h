/* The inside of graph/: what its files share. Nothing outside the room includes this.
 *
 * One walk serves checking, validation and planning. Nodes are evaluated in topological order; the
 * value of a node may be a cube, whose planes are expressions (expr.h). In checking, dimensions
 * whose labels only the catalogue knows are deferred: they have one stand-in label, and questions
 * about their labels wait for planning. */
#ifndef GRAPH_PLANNER_H
#define GRAPH_PLANNER_H

#include "base/err.h"
#include "graph/catalog.h"
#include "graph/crs.h"
#include "graph/expr.h"
#include "graph/geometries.h"
#include "graph/graph.h"
#include "graph/plan.h"
#include "graph/value.h"

enum {
    MAX_PARAMETERS = PROCESS_MAX_PARAMETERS,
    MAX_DEPTH = 32,           /* frames: callbacks in callbacks, users' processes in others */
    MAX_NODES = 20000,        /* of all graphs together */
    MAX_CALLS = 4000000,      /* node evaluations: callbacks run once for each plane */
    MAX_EXPRESSIONS = 4000000,
    MAX_ARRAY = 100000,       /* elements of a constant array */
    MAX_PLANES = 100000,      /* of one cube */
    MAX_ERRORS = 100,
    MAX_GEOMETRIES = 100000,  /* of a vector cube */
    MAX_VERTICES = 1000000,   /* of all its geometries */
    MAX_VECTOR_VALUES = 20000000, /* of a vector cube: geometries times planes */
};

/* A predefined process: its description, read once, and the function that does it. */
struct parameter {
    const char *name;
    const json_t *schema, *fallback; /* fallback NULL: there is none */
    bool optional, is_callback;
};
struct call;
typedef bool run_fn(struct call *call, struct value *ret, struct err *err);
struct operation {
    const char *id;
    run_fn *run;
    bool pointwise;  /* on whole arrays it works element by element */
    bool effect;     /* runs although nobody uses its result */
    bool any;        /* its arguments of any type may be cubes */
    bool wraps;      /* a single value is taken for an array of one */
    uint16_t lane;   /* for table-driven operations */
    double (*unary)(double), (*binary)(double, double);
};
struct process {
    const char *id, *text;
    const json_t *description;
    size_t n_parameters;
    struct parameter parameters[MAX_PARAMETERS];
    const struct operation *operation;
    const struct graph *graph; /* of a user's process; NULL: predefined */
};
const struct process *process_find(const char *id); /* NULL when there is none */
const char *process_near(const char *id); /* one that is spelled alike, or NULL */
bool schema_is_callback(const json_t *schema); /* a process graph may be given */
extern const struct operation scalar_operations[], logic_operations[], array_operations[], arrange_operations[],
    series_operations[], text_operations[], date_operations[], cube_operations[],
    label_operations[], trim_operations[], shape_operations[], time_operations[], climate_operations[],
    combine_operations[], cloud_operations[], radar_operations[], around_operations[], reduce_operations[], mask_operations[],
    zone_operations[], vector_operations[], neighborhood_operations[], curve_operations[], rice_operations[], point_operations[], polygon_operations[], udf_operations[],
    io_operations[]; /* id NULL ends */

/* A process graph as written: nodes in an order in which each comes after its inputs. */
struct graph;
struct node {
    const char *id, *pointer;
    const struct process *process; /* NULL: unknown, and reported */
    const json_t *arguments;       /* NULL: none */
    bool is_result, live;          /* live: reaches the result or an effect */
    unsigned n_inspected;          /* what inspect has told */
    size_t n_inputs;
    const size_t *inputs;          /* nodes of the same graph */
    const struct graph *callbacks[MAX_PARAMETERS]; /* read when first needed */
};
struct graph {
    size_t n_nodes, result;
    struct node *nodes;
    const struct node **by_id; /* sorted */
    const struct expansion *within; /* the user's process that it was written in; NULL: the request */
    bool has_effect;
};

struct binding {
    const char *name;
    struct value value;
};
struct frame {
    const struct frame *outer; /* where the callback was written; NULL: the root */
    const struct graph *graph;
    struct value *results;     /* [graph->n_nodes] */
    size_t n_bound;
    const struct binding *bound;
    const json_t *declared;    /* "parameters" of the root, or NULL */
};
struct callback {
    const struct graph *graph;
    const struct frame *frame;
};

struct cube {
    struct cube_schema schema;
    const bool *deferred;              /* [n_dimensions]: labels not known yet */
    bool grid_deferred;
    const struct expr *const *planes;  /* [cube_planes(&schema)] */
    const char *id, *pointer;          /* of the node that made it */
};

/* A result that is to be written. Nodes are made when all are known, so that they share work. */
struct sink {
    const struct node *node;
    const struct cube *cube;
    struct save_args args;
};

struct load;
struct source {
    struct plan_node *node;
    const struct load *load; /* NULL for computed planes */
    const struct geometries *mask; /* PLAN_MASK: can be made on any grid */
    const struct zones *zones;     /* PLAN_ZONES */
    const double *table;           /* PLAN_TABLE */
    size_t n_planes;               /* of the last two */
};

enum planner_mode { MODE_CHECK, MODE_VALIDATE, MODE_PLAN };
struct planner {
    struct arena *arena;
    const struct catalog *catalog;
    enum planner_mode mode;
    enum plan_mode target;
    struct expr_table *exprs;
    struct crs *crs; /* opened when first needed */
    size_t n_graph_nodes, n_calls, depth;
    /* Users' code (udf.h): what the callback that runs belongs to, what the next one to be called does, and how
     * many nodes there are. */
    struct udf_scope *udf_scope, *next_udf_scope;
    size_t n_udfs;
    bool udf_keeps; /* what a function makes of a cube has the same dimensions: in apply_polygon */
    struct late_udf *late_udfs, **last_late_udf; /* over rows of geometries: made when these are */
    int n_patches; /* apply_neighborhood: grids without a place, which have EPSG codes below 0 */
    const struct plan_node **patch_nodes; /* their PLAN_PATCH */
    size_t n_patch_nodes, patch_capacity;
    struct plan_node **nodes;
    size_t n_nodes, node_capacity;
    const struct geometries **geometries; /* sets that differ */
    size_t n_geometries, geometry_capacity;
    struct zones *zones; /* aggregations over geometries, the latest first */
    struct sink *sinks; /* what save_result asked for, in order */
    size_t n_sinks, sink_capacity;
    struct load *loads;
    struct programs *programs;
    /* trim_cube: how many there were, and what is planned; surveying is the number (from 1) of the one whose
     * cube alone the plan is to make; 0: the plan is of all. */
    size_t n_trims, surveying;
    bool is_survey; /* that cube is there */
    const struct asked {
        const json_t *process, *arguments;
        const char *pointer;
    } *asked;
    bool too_large;          /* a program needs more registers than there are */
    json_t *scenes, *notices, *errors, *exports;
    json_t *process_ids; /* {"user": {"evi": true}}: of the namespaces that were asked for */
};

struct call {
    struct planner *planner;
    const struct process *process;
    const struct operation *operation;
    const struct node *node;
    const struct frame *frame;
    struct value arguments[MAX_PARAMETERS];
};

/* user.c: users' processes, expanded where they are called. */
struct expansion {
    const struct expansion *outer; /* the process that calls this one */
    const char *space, *id;
    size_t depth;
};
/* What a node's namespace and id mean inside `within`: a process whose graph is read for this call, or
 * NULL when no user has it. `space` NULL: none was named. */
bool user_process_find(struct planner *p, const struct node *node, const char *space, const char *id,
                       const struct expansion *within, const struct process **ret_process,
                       struct err *err) MUST_USE;
bool node_has_effect(const struct node *node);

/* read.c */
bool graph_read(struct planner *p, const json_t *json, const char *pointer,
                const struct expansion *within, const struct graph **ret_graph,
                struct err *err) MUST_USE;
/* NULL when there is none. */
const struct node *graph_node(const struct graph *graph, const char *id);
bool json_is_reference(const json_t *json, const char *key);

/* eval.c */
bool node_run(struct planner *p, const struct frame *frame, struct node *node, struct value *ret, struct err *err) MUST_USE;
/* walk.c */
bool frame_run(struct planner *p, struct frame *frame, struct value *ret, struct err *err) MUST_USE;
/* eval.c */
bool frame_resolve(struct planner *p, const struct frame *frame, const json_t *json,
                   const char *pointer, struct value *ret, struct err *err) MUST_USE;
bool callback_call(struct planner *p, const struct callback *callback,
                   const struct binding *bindings, size_t n, struct value *ret,
                   struct err *err) MUST_USE;
const struct value *call_argument(const struct call *call, const char *name);
double call_number(const struct call *call, const char *name);
const char *call_text(const struct call *call, const char *name); /* NULL for null */
bool call_boolean(const struct call *call, const char *name);
/* Refuses: the sentence of the code, the detail, the node and its pointer. parameter may be NULL. */
bool call_fail(const struct call *call, struct err *err, enum err_code code, const char *parameter,
               const char *format, ...) PRINTF_LIKE(5, 6);
/* The same with nothing to add to the sentence. */
bool call_raise(const struct call *call, struct err *err, enum err_code code,
                const char *parameter);
/* Adds the place to what somebody else said. False. */
bool call_place(const struct call *call, const char *parameter, struct err *err);
void planner_notice(struct planner *p, const char *level, const char *node, const char *format, ...)
    PRINTF_LIKE(4, 5);
/* For the user's log, with what was looked at; code may be NULL. */
void planner_log(struct planner *p, const char *level, const char *code, const char *node,
                 const char *message, json_t *data_taken);
/* In validation the error is noted and true is returned: go on. */
bool planner_report(struct planner *p, struct err *err);

/* schema.c */
bool schema_matches(const json_t *schema, const struct value *value);
void schema_describe(const json_t *schema, struct text *text);

/* scalar.c */
const struct expr *lane_of(struct planner *p, const struct value *value); /* null is no-data */
run_fn run_pointwise;
/* logic.c: what eq() says of two values with its defaults. */
struct value values_equal(const struct call *call, const struct value *x, const struct value *y);
/* texts.c: lower case; the caller frees. */
char *text_folded(const char *text);

/* dates.c: "P1M3D": months by the calendar, then days and less. False when it is none, or not more than nothing. */
struct duration {
    int64_t months, ms;
};
bool duration_parse(const char *text, struct duration *ret) MUST_USE;
int64_t duration_add(int64_t ms, const struct duration *duration, int64_t times);
/* "06:30:00" */
bool time_of_day_parse(const char *text, int64_t *ret_ms) MUST_USE;

/* ragged.c: arrays with pixels in them. An element that a pixel has not is not no-data: it does not
 * count, has no position, and reducers never see it. */
bool array_has_lanes(const struct value *array); /* or is ragged */
/* 1 where element i is there. */
const struct expr *array_presence(struct planner *p, const struct value *array, size_t i);
/* Element i as a pixel, no-data where it is not there. */
const struct expr *array_lane(struct planner *p, const struct value *array, size_t i);
/* The position of element i among those that are there: a number, or a pixel. */
struct value array_position(struct planner *p, const struct value *array, size_t i);
/* All elements as array_lane() gives them; the caller frees. */
const struct expr **array_lanes(struct planner *p, const struct value *array);
/* Not ragged any more: the elements that are there come first, no-data fills the rest. The labels
 * are gone when elements moved. */
struct value array_compact(struct planner *p, const struct value *array);
/* An array of pixels; `keep`: those with presence[i] (NULL: all). */
struct value array_of_lanes(struct planner *p, const struct expr *const *lanes, size_t n,
                            const struct expr *const *presence);
/* Elements must be scalars where pixels are among them. */
bool array_check_scalars(const struct call *call, const char *parameter,
                         const struct value *array, struct err *err) MUST_USE;
size_t array_find_label(const struct value *array, const struct value *label); /* or SIZE_MAX */
/* Runs a callback on element i: x, index, label and context are bound. */
bool array_call(struct call *call, const char *callback, const struct value *array, size_t i,
                struct value *ret, struct err *err) MUST_USE;

/* cubes.c and its neighbours */
struct cube *cube_new(struct planner *p, const struct cube_schema *schema); /* planes are NULL */
struct cube *cube_like(struct planner *p, const struct cube *cube); /* same dimensions */
/* Settles the pixel type from the planes. Errors: too many planes. */
bool cube_finish(const struct call *call, struct cube *cube, struct value *ret, struct err *err);
size_t cube_find(const struct cube *cube, const char *name); /* SIZE_MAX when there is none */
struct dimension *cube_edit(struct cube *cube, size_t i);    /* of a cube that is being made */
void cube_remove(struct cube *cube, size_t i); /* a dimension; the planes stay */
/* Label numbers of a plane, one for each dimension. */
void cube_labels(const struct cube_schema *schema, size_t plane, size_t *ret_labels);
/* How many lines there are along dimension i, and the planes of one (all other labels fixed) as an
 * array. */
size_t cube_lines(const struct cube *cube, size_t i);
struct value cube_line(struct planner *p, const struct cube *cube, size_t i, size_t line);
/* The value that a callback gave for one cell. */
bool call_cell(struct call *call, const char *parameter, const struct value *v,
               const struct expr **ret, struct err *err) MUST_USE;
/* How many planes apart two neighbours along dimension i are; 0 for x and y. */
size_t cube_stride(const struct cube_schema *schema, size_t i);
/* The dimension a parameter names. Errors: DimensionNotAvailable; x and y are unsupported. */
bool call_dimension(const struct call *call, const struct cube *cube, const char *parameter,
                    size_t *ret_index, struct err *err) MUST_USE;
/* combine.c: the one dimension of type bands. Errors: DimensionAmbiguous. */
bool call_bands(const struct call *call, const struct cube *data, size_t *ret_index, struct err *err) MUST_USE;
/* The label `labels` keep, in that order, of dimension i. */
struct cube *cube_pick(struct planner *p, const struct cube *cube, size_t i, size_t n,
                       const size_t *labels);
/* Bands that a name means: the label, else all with that common name. Returns how many. */
size_t bands_match(const struct dimension *bands, const char *name, size_t *ret_indices);
bool cube_crop(struct planner *p, const struct cube *cube, const struct value *extent,
               struct cube **ret, const struct call *call, struct err *err) MUST_USE;
bool cube_clip_time(const struct call *call, const struct cube *cube, size_t i, int64_t start,
                    int64_t end, struct cube **ret);
/* The planes of a cube on another lattice, by nearest neighbour. */
bool cube_regrid(const struct call *call, const struct cube *cube, const struct grid *grid,
                 const struct expr **ret_planes, struct err *err) MUST_USE;
/* The cube as a picture shows it: what was loaded is read for this grid, which is exact where pixels are made
 * of pixels alone; what lies beyond the cube's edge is no-data. */
bool cube_onto(const struct call *call, const struct cube *cube, const struct grid *grid,
               const struct cube **ret, struct err *err) MUST_USE;
/* The planes of `cube` for use on `grid`: beyond the cube's own edge they are no-data. */
bool cube_planes_on(const struct call *call, const struct cube *cube, const struct grid *grid,
                    const struct expr *const **ret, struct err *err) MUST_USE;
/* An interval argument. Errors: TemporalExtentEmpty, ProcessParameterInvalid. */
bool call_interval(const struct call *call, const char *parameter, const struct value *value,
                   int64_t *ret_start, int64_t *ret_end, struct err *err) MUST_USE;

/* extent.c */
struct extent {
    double west, south, east, north;
    const char *crs; /* "EPSG:4326" or WKT */
    bool geographic; /* degrees on WGS 84 */
    int epsg;        /* 0 for WKT */
    bool narrows;    /* asks for no pixels beyond those that are there */
};
/* Errors: ProcessParameterInvalid naming the member. */
bool extent_read(const struct call *call, const char *parameter, const struct value *value,
                 struct extent *ret, struct err *err) MUST_USE;
/* In degrees: west south east north; west > east crosses 180 degrees. */
bool extent_degrees(struct planner *p, const struct extent *extent, double ret_box[4],
                    struct err *err) MUST_USE;
/* The envelope in the CRS of the grid. */
bool extent_in(struct planner *p, const struct extent *extent, int epsg, double ret_box[4],
               struct err *err) MUST_USE;
/* Cuts a grid to the pixels whose centres lie in the envelope: width or height may become 0. */
void grid_cut(struct grid *grid, const double box[4]);

/* demand.c: the filters that reach a load through nodes that they commute with */
struct demand {
    bool known;       /* false: nobody wants anything yet */
    size_t n_extents; /* all of them hold */
    struct extent extents[4];
    int64_t start, end;
    size_t n_bands; /* 0: all */
    const char **bands;
};
void demand_find(struct call *load, struct demand *ret);

/* load.c and catalogue.c */
run_fn run_load_collection, run_load_stac, run_load_uploaded_files, run_load_url;
/* `coarse`: overviews will do. */
const struct source *load_on_grid(struct planner *p, const struct source *source,
                                  const struct grid *grid, bool coarse);
/* False: that load cannot be brought onto such a grid, and what it makes on its own has to be warped. */
bool load_reads_onto(struct planner *p, const struct source *source, const struct grid *grid);
/* radar.c: refuses images of a radar that are left as they are. */
bool radar_check(const struct plan *plan, struct err *err) MUST_USE;
/* The scenes whose files a node reads (none unless it is a load), into ret (may be NULL). */
size_t load_scenes(const struct planner *p, const struct plan_node *node,
                   const struct scene **ret);
bool catalog_ask(struct planner *p, const struct scene_query *query, struct scene_list *ret,
                 struct err *err) MUST_USE;
/* Whether a user has this process in the namespace; NULL when not. What is found is kept with the scenes,
 * so that tasks and retries see the same, and lives as long as these. */
bool catalog_process(struct planner *p, const char *space, const char *id, const json_t **ret_process,
                     struct err *err) MUST_USE;
/* The process that the document at a URL is, or that its list has; NULL when it has none of this id. Errors:
 * ProcessNamespaceInvalid with the reason. */
bool catalog_remote_process(struct planner *p, const char *url, const char *id, const json_t **ret_process,
                            struct err *err) MUST_USE;
bool catalog_describe(struct planner *p, const char *id, const struct collection_info **ret,
                      struct err *err) MUST_USE;
/* The JSON at a URL, fetched once for the plan and all that is made of it; lives as long as the plan. */
bool catalog_fetch(struct planner *p, const char *url, const json_t **ret, struct err *err) MUST_USE;
/* What load_stac finds behind a URL, kept likewise (graph/catalog.h). */
bool catalog_stac(struct planner *p, const char *url, const struct scene_query *query, const json_t **ret,
                  struct err *err) MUST_USE;
/* A file of the user, kept likewise. */
bool catalog_uploaded(struct planner *p, const char *path, const char *format, const json_t **ret,
                      struct err *err) MUST_USE;
/* stac_scenes.c: the scenes of what was found that meet the query. */
bool stac_scenes(struct planner *p, const json_t *found, const struct scene_query *query, struct scene_list *ret,
                 struct err *err) MUST_USE;
/* The names that its "cube:dimensions" give to x, y, t and bands. */
void stac_rename(struct planner *p, const json_t *found, struct cube *cube);
/* A number by chance, which tasks and retries of a job see again. */
uint64_t catalog_chance(struct planner *p, const struct node *node);
/* The code of a UDF at a URL or in a user's file; what the UDF says of its result. Kept likewise. Errors: FileNotFound,
 * Unreachable, UdfFailed. */
bool catalog_udf_code(struct planner *p, const char *udf, const char **ret_code, struct err *err) MUST_USE;
bool catalog_udf_probe(struct planner *p, const struct node *node, const char *request, json_t **ret_axes,
                       struct err *err) MUST_USE;
/* What a survey told, by its key; NULL when it was not made yet. */
json_t *catalog_surveyed(struct planner *p, const char *key);
void catalog_note_survey(struct planner *p, const char *key, json_t *told_taken);
bool properties_to_cql2(struct call *call, const struct value *properties, json_t **ret,
                        struct err *err) MUST_USE;

/* lattice.c: the grid of a load */
struct lattice_input {
    size_t n_scenes;
    const struct scene *scenes;
    size_t n_bands;
    const char *const *bands; /* names, as loaded */
    size_t n_extents;
    const struct extent *extents;
};
bool lattice_choose(const struct call *call, const struct lattice_input *in, struct grid *ret,
                    struct err *err) MUST_USE;

/* program.c: expressions to programs */
struct compiled {
    const struct program *program;
    size_t n_leaves;
    const struct expr **leaves; /* in the order of the program's inputs; in the arena */
};
/* Compiles outputs over leaves. `given` are inputs although they are no leaves (results of folds);
 * with them there must be no other leaf. Equal programs are one object. */
void program_compile(struct planner *p, const struct expr *const *outputs, size_t n_outputs,
                     const struct expr *const *given, size_t n_given, bool wide,
                     struct compiled *ret);
const struct program *program_share(struct planner *p, const struct program *program);
void programs_free(struct programs *programs);

/* plan.c: the plan of the cube that the trim_cube of this number is given, from what the catalogue has answered so
 * far. */
bool plan_for_survey(const struct planner *p, size_t number, struct plan **ret_plan, struct err *err) MUST_USE;
/* save.c: the cube that such a plan makes. */
void save_for_survey(const struct call *call, const struct cube *cube);

/* lower.c: expressions to nodes */
struct plan_node *planner_node(struct planner *p, enum plan_op op, const char *id,
                               const char *pointer, const struct cube_schema *schema);
/* The node that makes the planes of a cube. */
const struct plan_node *lower_cube(struct planner *p, const struct cube *cube);
/* The nodes of several cubes; what they share is made once. */
void lower_cubes(struct planner *p, size_t n, const struct cube *const *cubes,
                 const struct plan_node **ret_nodes);

bool fold_of(const struct expr *e, enum fold_op *ret); /* false: it is no fold */

/* around.c: a node over the planes of `cube`, which makes those of `made`: on its grid, of the types
 * that hold `cells`. NULL while checking. */
struct plan_node *node_over(const struct call *call, const struct cube *cube, struct cube *made,
                            enum plan_op op, const struct cell *cells, bool wide, bool scaled);
/* Refuses what needs coordinates, for the grids of windows. */
bool call_check_place(const struct call *call, const struct grid *grid, struct err *err) MUST_USE;
/* The grid of a cube that has x and y. */
void cube_set_grid(struct cube *cube, const struct grid *grid);
bool call_check_grid(const struct call *call, const struct cube *cube, const char *parameter,
                     struct err *err) MUST_USE;
/* Cubes without x and y have planes of one pixel; for use on `grid` it is spread. */
const struct expr *const *cube_spread(const struct call *call, const struct cube *cube,
                                      const struct grid *grid);

/* geometries.c */
/* GeoJSON of any kind but GeometryCollection. Errors: ProcessParameterInvalid with the place. */
bool geometries_of_json(const struct call *call, const char *parameter, const json_t *json,
                        const struct geometries **ret, struct err *err) MUST_USE;
/* The same of an argument, which may also be a vector cube. */
bool geometries_of_value(const struct call *call, const char *parameter, const struct value *value,
                         const struct geometries **ret, struct err *err) MUST_USE;
bool geometries_equal(const struct geometries *a, const struct geometries *b);
/* Gives a set of other geometries its number. */
const struct geometries *geometries_keep(struct planner *p, struct geometries *made);
/* Sets the reference system that a name, code or WKT means. */
bool geometries_crs(const struct call *call, const char *parameter, const char *name,
                    struct geometries *all, struct err *err) MUST_USE;
/* The same geometries, one by one, in another reference system. */
bool geometries_in(const struct call *call, const char *parameter, const struct geometries *from,
                   const char *crs, bool geographic, const struct geometries **ret,
                   struct err *err) MUST_USE;

/* masks.c */
/* Geometries in the reference system of a grid. */
bool geometries_on(const struct call *call, const char *parameter, const struct geometries *from,
                   const struct grid *grid, const struct geometries **ret, struct err *err) MUST_USE;
/* 1 where a pixel of the cube belongs to a geometry. */
bool mask_expr(const struct call *call, const struct geometries *geometries, const struct cube *data,
               const struct expr **ret, struct err *err) MUST_USE;
/* Refuses points and lines. */
bool polygons_check(const struct call *call, const char *parameter, const struct geometries *geometries,
                    struct err *err) MUST_USE;
/* Some pixels of the cube's grid, of a cube that is being made. */
void cube_cut(struct cube *cube, const struct pixel_box *box);
/* A plane that is true where a pixel belongs to one of the geometries. */
bool mask_on_grid(const struct call *call, const struct geometries *geometries,
                  const struct grid *grid, const struct source **ret, struct err *err) MUST_USE;

/* zones.c: statistics of the pixels under geometries */
struct zones {
    struct zones *next;
    const struct cube *columns;  /* what is reduced, n_columns planes for each plane of the result */
    const struct geometries *geometries; /* in the reference system of the columns' grid */
    size_t n_columns, n_reductions, n_planes;
    const struct zone_reduction *reductions;
    bool weighted;                       /* pixels count by the share of them that is covered */
    struct grid grid;                    /* the rows of geometries */
    struct source source;
};
/* What the context of aggregate_spatial asks for: {"partial_pixels": true}. */
bool context_weighs(const struct value *context);
/* The nodes of all zones of the plan over the nodes of their columns. */
void zones_lower(struct planner *p, const struct plan_node *const *columns);

/* vectors.c */
/* A cube with the dimension "geometry" and `more` others; its planes are NULL. */
struct cube *vector_cube(const struct call *call, const struct geometries *geometries,
                         size_t n_more, const struct dimension *more, const bool *deferred);

bool vector_check(const struct call *call, const struct cube *data, const char *parameter, struct err *err) MUST_USE;
/* The cube with `to` in the places of its geometries: one by one the same rows. */
bool vector_with_geometries(const struct call *call, const struct cube *data, const struct geometries *to,
                            struct value *ret, struct err *err) MUST_USE;
/* Some of its rows, in this order; any may come several times. */
bool vector_rows(const struct call *call, const struct cube *data, const size_t *rows, size_t n, struct value *ret,
                 struct err *err) MUST_USE;

/* GeoJSON as a cube; `names`: properties that become values, NULL or empty: none. */
bool geojson_cube(const struct call *call, const char *parameter, const json_t *json,
                  const struct value *names, struct value *ret, struct err *err) MUST_USE;
bool vector_filter_bbox(struct call *call, const struct cube *data, const struct value *extent,
                        struct value *ret, struct err *err) MUST_USE;

/* reducers.c: callbacks over arrays whose length differs from geometry to geometry */
struct zone_reducer {
    size_t n_results;                    /* of the callback: 1, or the length of its array */
    bool is_array;
    const struct label *labels;          /* of that array, NULL: none */
    const struct expr **results;         /* over leaves of `made`: plane r is reduction r */
    const struct source *made;
    size_t n_reductions;
    const struct zone_reduction *reductions;
    size_t n_columns;
    const struct expr **columns;         /* over leaves of `pixel`: plane 0 */
    const struct source *pixel;
    size_t total;                        /* a reduction: how many pixels there are; or SIZE_MAX */
    size_t valid;                        /* those with data; SIZE_MAX when not asked */
};
/* `like`: what a pixel is. Unknown: *ret_unknown. */
bool reducer_read(struct call *call, const struct expr *like, bool with_counts,
                  struct zone_reducer *ret, bool *ret_unknown, struct err *err) MUST_USE;

/* template.c: an expression to be made again over other leaves */
struct template;
struct template *template_new(struct planner *p, const struct expr *e);
/* With planes[i] instead of plane i of `source`, where that is not NULL. */
const struct expr *template_fill(struct planner *p, const struct template *t,
                                 const struct source *source, const struct expr *const *planes);
/* Its parts, operands first and the whole last; an argument is the number of a part. */
size_t template_lines(const struct template *t);
const struct expr *template_line(const struct template *t, size_t i);
size_t template_argument(const struct template *t, size_t i, size_t k);
void template_free(struct template *t);
DEFINE_AUTO(template, struct template *, template_free)

/* save.c */
run_fn run_save_result, run_export_workspace; /* the latter: exports.c */
bool save_implicit(struct planner *p, const struct node *node, const struct cube *cube,
                   struct err *err) MUST_USE;

#endif
