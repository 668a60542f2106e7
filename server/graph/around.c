/* Processes whose pixels come from pixels elsewhere: kernels and resampling. Each makes a node of its
 * own over the planes of its input; what follows sees its planes as it sees those of a load. */
#include "graph/planner.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

struct plan_node *node_over(const struct call *call, const struct cube *cube, struct cube *made,
                            enum plan_op op, const struct cell *cells, bool wide, bool scaled)
{
    struct planner *p = call->planner;
    size_t n = cube_planes(&cube->schema);
    const struct expr **planes = arena_array(p->arena, n, sizeof *planes);
    const struct plan_node **input = arena_alloc(p->arena, sizeof *input);
    struct source *source = arena_alloc(p->arena, sizeof *source);
    struct cell cell = cells[0];
    struct plan_node *node = NULL;

    for (size_t i = 1; i < n; i++)
        cell = cell_join(cell, cells[i]);
    made->schema.pixel = cell.pixel;
    made->schema.nodata = cell.nodata;
    made->schema.has_nodata = cell.has_nodata;
    if (p->mode == MODE_PLAN) {
        *input = lower_cube(p, cube);
        node = planner_node(p, op, call->node->id, call->node->pointer, &made->schema);
        node->n_inputs = 1;
        node->inputs = input;
        source->node = node;
    }
    for (size_t i = 0; i < n; i++)
        planes[i] = expr_leaf_of(p->exprs, node ? source : NULL, (uint32_t)i, cell, wide,
                                 scaled && cube->planes[i]->scaled);
    made->planes = planes;
    return node;
}

bool call_check_grid(const struct call *call, const struct cube *cube, const char *parameter,
                     struct err *err)
{
    return cube_has_grid(&cube->schema) ||
           call_fail(call, err, ERR_ProcessParameterInvalid, parameter,
                     "the cube has no x and y.");
}

bool call_check_place(const struct call *call, const struct grid *grid, struct err *err)
{
    return grid->epsg >= 0 ||
           call_fail(call, err, ERR_FeatureUnsupported, NULL,
                     "The pixels of a window have no coordinates; only apply_neighborhood itself knows them.");
}

const struct expr *const *cube_spread(const struct call *call, const struct cube *cube,
                                      const struct grid *grid)
{
    struct planner *p = call->planner;
    size_t n = cube_planes(&cube->schema);
    AUTO(mem) struct cell *cells = mem_array(n + 1, sizeof *cells);
    struct cube *spread = cube_like(p, cube);

    if (n == 0 || grid_equal(&cube->schema.grid, grid))
        return cube->planes;
    for (size_t i = 0; i < n; i++)
        cells[i] = cell_with_nodata(cube->planes[i]->cell);
    spread->schema.grid = *grid;
    node_over(call, cube, spread, PLAN_SPREAD, cells, expr_any_wide(cube->planes, cube_planes(&cube->schema)), true);
    return spread->planes;
}

/* ---- apply_kernel ---- */

static bool read_weights(const struct call *call, struct kernel_args *kernel, struct err *err)
{
    enum { MOST_WEIGHTS = 1 << 16 };
    const struct value *rows = call_argument(call, "kernel");
    double factor = call_number(call, "factor"), *weights;
    size_t height = rows->array.length, width = height ? rows->array.items[0].array.length : 0;

    if (height % 2 == 0 || width % 2 == 0)
        return call_fail(call, err, ERR_KernelDimensionsUneven, "kernel", "It has %zu x %zu.",
                         width, height);
    if (width > MOST_WEIGHTS / height)
        return call_fail(call, err, ERR_ProcessParameterInvalid, "kernel",
                         "it has %zu x %zu weights, at most %d are possible.", width, height,
                         MOST_WEIGHTS);
    weights = arena_array(call->planner->arena, width * height, sizeof *weights);
    for (size_t y = 0; y < height; y++) {
        const struct value *row = &rows->array.items[y];

        if (row->array.length != width)
            return call_fail(call, err, ERR_ProcessParameterInvalid, "kernel",
                             "row %zu has %zu weights, the first one %zu.", y, row->array.length,
                             width);
        for (size_t x = 0; x < width; x++) {
            if (row->array.items[x].kind != KIND_NUMBER)
                return call_fail(call, err, ERR_FeatureUnsupported, "kernel",
                                 "Weights cannot come from pixels.");
            weights[y * width + x] = row->array.items[x].number * factor;
        }
    }
    kernel->width = width;
    kernel->height = height;
    kernel->weights = weights;
    return true;
}

/* A kernel like Gauss's is a column times a row: two short sums instead of a long one. */
static void separate(struct arena *arena, struct kernel_args *k)
{
    size_t n = k->width * k->height, pivot = 0;
    double *row, *column;

    for (size_t i = 1; i < n; i++)
        if (fabs(k->weights[i]) > fabs(k->weights[pivot]))
            pivot = i;
    if (k->weights[pivot] == 0 || k->width < 3 || k->height < 3)
        return;
    row = arena_array(arena, k->width, sizeof *row);
    column = arena_array(arena, k->height, sizeof *column);
    for (size_t x = 0; x < k->width; x++)
        row[x] = k->weights[pivot / k->width * k->width + x];
    for (size_t y = 0; y < k->height; y++)
        column[y] = k->weights[y * k->width + pivot % k->width] / k->weights[pivot];
    for (size_t i = 0; i < n; i++)
        if (fabs(column[i / k->width] * row[i % k->width] - k->weights[i]) >
            1e-15 * fabs(k->weights[pivot]))
            return;
    k->row = row;
    k->column = column;
}

static void read_border(const struct call *call, struct kernel_args *kernel)
{
    static const char *const names[] = {
        [BORDER_REPLICATE] = "replicate", [BORDER_REFLECT] = "reflect",
        [BORDER_REFLECT_PIXEL] = "reflect_pixel", [BORDER_WRAP] = "wrap",
    };
    const struct value *border = call_argument(call, "border");

    if (border->kind == KIND_NUMBER)
        kernel->constant = border->number;
    for (size_t i = BORDER_REPLICATE; border->kind == KIND_STRING && i < ARRAY_LEN(names); i++)
        if (!strcmp(names[i], border->text))
            kernel->border = (enum border)i;
}

static bool run_apply_kernel(struct call *call, struct value *ret, struct err *err)
{
    const struct cube *data = call->arguments[0].cube;
    struct planner *p = call->planner;
    struct kernel_args *kernel = arena_alloc(p->arena, sizeof *kernel);
    size_t n = cube_planes(&data->schema);
    bool wide = expr_any_wide(data->planes, cube_planes(&data->schema));
    struct cell *cells = arena_array(p->arena, n + 1, sizeof *cells);
    struct cube *cube = cube_like(p, data);
    struct plan_node *node;
    static const char *const numbers[] = { "factor", "border", "replace_invalid" };

    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        if (call_argument(call, numbers[i])->kind == KIND_LANE)
            return call_fail(call, err, ERR_FeatureUnsupported, numbers[i],
                             "It cannot come from pixels.");
    if (!call_check_grid(call, data, "data", err) || !read_weights(call, kernel, err))
        return false;
    separate(p->arena, kernel);
    read_border(call, kernel);
    kernel->replacement = call_number(call, "replace_invalid");
    for (size_t i = 0; i < n + 1; i++)
        cells[i] = (struct cell){ wide ? PIXEL_F64 : PIXEL_F32, true, NAN };
    node = node_over(call, data, cube, PLAN_KERNEL, cells, wide, false);
    if (node)
        node->kernel = kernel;
    return cube_finish(call, cube, ret, err);
}

/* ---- slope ---- */

enum { HORN = 3 };

/* How much heights rise to the east, or to the north, by the eight pixels around (Horn 1981, doi:10.1109/PROC.1981.11918). Gaps
 * make gaps. */
static const struct cube *rise_of(const struct call *call, const struct cube *data, bool north, const struct cell *cells, bool wide)
{
    static const double across[HORN] = { -1, 0, 1 }, along[HORN] = { 1, 2, 1 };
    struct planner *p = call->planner;
    struct kernel_args *kernel = arena_alloc(p->arena, sizeof *kernel);
    double *weights = arena_array(p->arena, (size_t)HORN * HORN, sizeof *weights);
    const struct grid *grid = &data->schema.grid;
    struct cube *made = cube_like(p, data);
    struct plan_node *node = node_over(call, data, made, PLAN_KERNEL, cells, wide, false);

    for (int i = 0; i < HORN * HORN; i++)
        weights[i] = (north ? -across[i / HORN] * along[i % HORN] : along[i / HORN] * across[i % HORN]) / 8 / (north ? grid->dy : grid->dx);
    *kernel = (struct kernel_args){ .width = HORN, .height = HORN, .weights = weights, .border = BORDER_REPLICATE, .replacement = NAN };
    separate(p->arena, kernel);
    if (node)
        node->kernel = kernel;
    return made;
}

static const struct expr *steepness(struct expr_table *t, const struct expr *east, const struct expr *north)
{
    const struct expr *squares = expr_binary(t, LANE_ADD, expr_binary(t, LANE_MULTIPLY, east, east),
                                             expr_binary(t, LANE_MULTIPLY, north, north));

    return expr_binary(t, LANE_MULTIPLY, expr_unary(t, LANE_ARCTAN, expr_unary(t, LANE_SQRT, squares)), expr_constant(t, 180 / M_PI));
}

static bool check_metres(const struct call *call, const struct grid *grid, struct err *err)
{
    struct planner *p = call->planner;
    char code[32];
    bool geographic = false;

    if (p->mode != MODE_PLAN)
        return true;
    if (!call_check_place(call, grid, err))
        return false;
    if (!p->crs)
        p->crs = crs_open();
    snprintf(code, sizeof code, "EPSG:%d", grid->epsg);
    return (crs_known(p->crs, code, &geographic) && !geographic) ||
           call_fail(call, err, ERR_ProcessParameterInvalid, "data",
                     "the pixels are in degrees (%s); expected a grid that counts metres, as resample_spatial makes it.", code);
}

static bool run_slope(struct call *call, struct value *ret, struct err *err)
{
    const struct cube *data = call->arguments[0].cube;
    struct planner *p = call->planner;
    size_t n = cube_planes(&data->schema);
    bool wide = expr_any_wide(data->planes, n);
    struct cell *cells = arena_array(p->arena, n + 1, sizeof *cells);
    const struct expr **planes = arena_array(p->arena, n, sizeof *planes);
    struct cube *cube = cube_like(p, data);
    const struct cube *east, *north;

    if (!call_check_grid(call, data, "data", err) || !check_metres(call, &data->schema.grid, err))
        return false;
    for (size_t i = 0; i < n + 1; i++)
        cells[i] = (struct cell){ wide ? PIXEL_F64 : PIXEL_F32, true, NAN };
    east = rise_of(call, data, false, cells, wide);
    north = rise_of(call, data, true, cells, wide);
    for (size_t i = 0; i < n; i++)
        planes[i] = steepness(p->exprs, east->planes[i], north->planes[i]);
    cube->planes = planes;
    return cube_finish(call, cube, ret, err);
}

/* ---- sieve ---- */

static bool run_sieve(struct call *call, struct value *ret, struct err *err)
{
    const struct cube *data = call->arguments[0].cube;
    const struct value *size = call_argument(call, "size"), *neighbors = call_argument(call, "neighbors");
    size_t n = cube_planes(&data->schema);
    struct cell *cells = arena_array(call->planner->arena, n + 1, sizeof *cells);
    struct cube *cube = cube_like(call->planner, data);
    struct plan_node *node;

    if (size->kind == KIND_LANE || neighbors->kind == KIND_LANE)
        return call_fail(call, err, ERR_FeatureUnsupported, size->kind == KIND_LANE ? "size" : "neighbors",
                         "It cannot come from pixels.");
    if (!call_check_grid(call, data, "data", err))
        return false;
    for (size_t i = 0; i < n; i++)
        cells[i] = data->planes[i]->cell;
    node = node_over(call, data, cube, PLAN_SIEVE, cells, expr_any_wide(data->planes, cube_planes(&data->schema)), true);
    if (node)
        node->sieve = (struct sieve_args){ (size_t)size->number, neighbors->number == 8 };
    return cube_finish(call, cube, ret, err);
}

/* ---- resampling ---- */

static bool read_method(const struct call *call, enum resampling *ret, struct err *err)
{
    static const char *const names[] = {
        [RESAMPLE_NEAR] = "near",       [RESAMPLE_BILINEAR] = "bilinear",
        [RESAMPLE_CUBIC] = "cubic",     [RESAMPLE_CUBICSPLINE] = "cubicspline",
        [RESAMPLE_LANCZOS] = "lanczos", [RESAMPLE_AVERAGE] = "average",
        [RESAMPLE_MODE] = "mode",       [RESAMPLE_MAX] = "max",
        [RESAMPLE_MIN] = "min",         [RESAMPLE_MED] = "med",
        [RESAMPLE_Q1] = "q1",           [RESAMPLE_Q3] = "q3",
        [RESAMPLE_RMS] = "rms",         [RESAMPLE_SUM] = "sum",
    };
    const char *name = call_text(call, "method");
    size_t i = 0;

    while (i < ARRAY_LEN(names) && strcmp(names[i], name))
        i++;
    if (i == ARRAY_LEN(names))
        return call_fail(call, err, ERR_FeatureUnsupported, "method",
                         "The method '%s' is not offered; 'average' is.", name);
    *ret = (enum resampling)i;
    return true;
}

/* Methods that take one of the values keep the type, the others compute. */
static struct cell resampled_cell(const struct expr *plane, enum resampling method)
{
    switch (method) {
    case RESAMPLE_NEAR:
    case RESAMPLE_MODE:
    case RESAMPLE_MIN:
    case RESAMPLE_MAX:
    case RESAMPLE_MED: return cell_with_nodata(plane->cell);
    default:
        return (struct cell){ plane->wide ? PIXEL_F64 : PIXEL_F32, true, NAN };
    }
}

void cube_set_grid(struct cube *cube, const struct grid *grid)
{
    cube->schema.grid = *grid;
    for (size_t i = 0; i < cube->schema.n_dimensions; i++) {
        struct dimension *d = cube_edit(cube, i);

        if (dimension_is_horizontal(d))
            d->count = (size_t)(d->axis == 'x' ? grid->width : grid->height);
    }
}

static bool resample(struct call *call, const struct cube *data, const struct grid *grid,
                     struct value *ret, struct err *err)
{
    struct planner *p = call->planner;
    enum resampling method = RESAMPLE_NEAR;
    size_t n = cube_planes(&data->schema);
    struct cell *cells = arena_array(p->arena, n + 1, sizeof *cells);
    struct cube *cube = cube_like(p, data);
    const struct expr *const *planes;
    struct plan_node *node;
    int64_t dx, dy;

    if (!read_method(call, &method, err))
        return false;
    cells[0] = (struct cell){ PIXEL_F32, true, NAN };
    for (size_t i = 0; i < n; i++)
        cells[i] = resampled_cell(data->planes[i], method);
    if (p->mode == MODE_PLAN && grid_same_lattice(&data->schema.grid, grid, &dx, &dy)) {
        if (!cube_planes_on(call, data, grid, &planes, err)) /* each pixel is what it was */
            return false;
        cube_set_grid(cube, grid);
        cube->planes = planes;
        return cube_finish(call, cube, ret, err);
    }
    cube_set_grid(cube, grid);
    node = node_over(call, data, cube, PLAN_WARP, cells, expr_any_wide(data->planes, cube_planes(&data->schema)), true);
    if (node)
        node->resampling = method;
    return cube_finish(call, cube, ret, err);
}

/* How far one pixel reaches in another CRS, in the middle of the grid, to three digits. */
static bool native_resolution(const struct call *call, const struct grid *grid, const char *to,
                              double *ret, struct err *err)
{
    struct planner *p = call->planner;
    double cx = grid->x0 + (double)grid->width / 2 * grid->dx;
    double cy = grid->y0 - (double)grid->height / 2 * grid->dy;
    double x[] = { cx - grid->dx / 2, cx + grid->dx / 2, cx, cx };
    double y[] = { cy, cy, cy - grid->dy / 2, cy + grid->dy / 2 };
    char from[32], text[40];

    snprintf(from, sizeof from, "EPSG:%d", grid->epsg);
    if (!crs_transform(p->crs, from, to, 4, x, y) || !isfinite(x[0] + x[1] + x[2] + x[3]))
        return call_fail(call, err, ERR_ProcessParameterInvalid, "projection",
                         "the middle of the cube cannot be transformed to %s.", to);
    snprintf(text, sizeof text, "%.3g",
             (hypot(x[1] - x[0], y[1] - y[0]) + hypot(x[3] - x[2], y[3] - y[2])) / 2);
    *ret = strtod(text, NULL);
    return true;
}

static bool read_projection(const struct call *call, int *ret_epsg, struct err *err)
{
    struct planner *p = call->planner;
    const struct value *projection = call_argument(call, "projection");
    char code[32];
    bool geographic;

    if (!p->crs)
        p->crs = crs_open();
    if (projection->kind == KIND_NULL)
        return true;
    if (!call_check_place(call, &call->arguments[0].cube->schema.grid, err))
        return false;
    if (projection->kind == KIND_STRING) {
        *ret_epsg = crs_epsg(p->crs, projection->text);
        return *ret_epsg > 0 ||
               call_fail(call, err, ERR_FeatureUnsupported, "projection",
                         "Only coordinate reference systems with an EPSG code are offered.");
    }
    if (projection->kind != KIND_NUMBER || projection->number > 1e6)
        return call_fail(call, err, ERR_ProcessParameterInvalid, "projection",
                         "expected an EPSG code.");
    *ret_epsg = (int)projection->number;
    snprintf(code, sizeof code, "EPSG:%d", *ret_epsg);
    return crs_known(p->crs, code, &geographic) ||
           call_fail(call, err, ERR_ProcessParameterInvalid, "projection", "%s is not known.", code);
}

static bool read_resolution(const struct call *call, double ret[2], struct err *err)
{
    const struct value *v = call_argument(call, "resolution");

    for (size_t i = 0; i < 2; i++) {
        const struct value *one = v->kind == KIND_ARRAY ? &v->array.items[i] : v;

        if (one->kind != KIND_NUMBER)
            return call_fail(call, err, ERR_ProcessParameterInvalid, "resolution",
                             "expected a number.");
        ret[i] = one->number;
    }
    return true;
}

/* One corner of the extent stays; at the opposite sides whole pixels reach beyond. */
static void cover(const double box[4], const char *align, struct grid *grid)
{
    grid->width = (int64_t)fmax(ceil((box[2] - box[0]) / grid->dx - 1e-6), 1);
    grid->height = (int64_t)fmax(ceil((box[3] - box[1]) / grid->dy - 1e-6), 1);
    grid->x0 = strstr(align, "left") ? box[0] : box[2] - (double)grid->width * grid->dx;
    grid->y0 = strstr(align, "upper") ? box[3] : box[1] + (double)grid->height * grid->dy;
}

static bool resampled_grid(const struct call *call, const struct grid *old, struct grid *ret,
                           struct err *err)
{
    double resolution[2] = { 0 }, native = 0, box[4];
    struct extent extent = { .west = old->x0, .north = old->y0, .epsg = old->epsg,
                             .east = old->x0 + (double)old->width * old->dx,
                             .south = old->y0 - (double)old->height * old->dy };
    char from[32], code[32];

    *ret = *old;
    if (!read_projection(call, &ret->epsg, err) || !read_resolution(call, resolution, err))
        return false;
    if (resolution[0] == 0 && resolution[1] == 0 &&
        call_argument(call, "projection")->kind == KIND_NULL)
        return call_fail(call, err, ERR_ProcessParameterInvalid, "resolution",
                         "a resolution or a projection is needed.");
    if (call->planner->mode != MODE_PLAN)
        return true;
    if (ret->epsg != old->epsg && (resolution[0] == 0 || resolution[1] == 0)) {
        snprintf(code, sizeof code, "EPSG:%d", ret->epsg);
        if (!native_resolution(call, old, code, &native, err))
            return false;
        ret->dx = ret->dy = native;
    }
    ret->dx = resolution[0] > 0 ? resolution[0] : ret->dx;
    ret->dy = resolution[1] > 0 ? resolution[1] : ret->dy;
    snprintf(from, sizeof from, "EPSG:%d", old->epsg);
    extent.crs = from;
    memcpy(box, (double[]){ extent.west, extent.south, extent.east, extent.north }, sizeof box);
    if (ret->epsg != old->epsg && !extent_in(call->planner, &extent, ret->epsg, box, err))
        return err_prefix(err, "%s", call->node->pointer);
    cover(box, call_text(call, "align"), ret);
    return grid_is_sound(ret) ||
           call_fail(call, err, ERR_ProcessParameterInvalid, "resolution",
                     "%g x %g makes no grid.", ret->dx, ret->dy);
}

static bool run_resample_spatial(struct call *call, struct value *ret, struct err *err)
{
    const struct cube *data = call->arguments[0].cube;
    struct grid grid;

    return call_check_grid(call, data, "data", err) &&
           resampled_grid(call, &data->schema.grid, &grid, err) &&
           resample(call, data, &grid, ret, err);
}

static bool run_resample_cube_spatial(struct call *call, struct value *ret, struct err *err)
{
    const struct cube *data = call->arguments[0].cube, *target = call->arguments[1].cube;

    if (!call_check_grid(call, data, "data", err) || !call_check_grid(call, target, "target", err) ||
        !resample(call, data, &target->schema.grid, ret, err))
        return false;
    ((struct cube *)ret->cube)->grid_deferred = data->grid_deferred || target->grid_deferred;
    return true;
}

const struct operation around_operations[] = {
    { .id = "apply_kernel", .run = run_apply_kernel },
    { .id = "sieve", .run = run_sieve },
    { .id = "slope", .run = run_slope },
    { .id = "resample_spatial", .run = run_resample_spatial },
    { .id = "resample_cube_spatial", .run = run_resample_cube_spatial },
    { .id = NULL },
};
