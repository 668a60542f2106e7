/* Processes of two cubes, or two bands: mask, merge_cubes, ndvi. Cubes on one lattice are joined by
 * place; a cube on another lattice is asked for again on the first one's pixels. */
#include "graph/planner.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

bool cube_planes_on(const struct call *call, const struct cube *cube, const struct grid *grid,
                      const struct expr *const **ret, struct err *err)
{
    struct planner *p = call->planner;
    size_t n = cube_planes(&cube->schema);
    const struct expr **planes;
    struct source *source;
    int64_t dx, dy;

    *ret = cube->planes;
    if (cube->schema.geometries && grid->epsg != cube->schema.grid.epsg)
        return call_fail(call, err, ERR_IncompatibleDataCubes, NULL,
                         "The cubes have other geometries.");
    if (p->mode != MODE_PLAN || grid_equal(&cube->schema.grid, grid))
        return true;
    if (!cube_has_grid(&cube->schema)) {
        if (cube->schema.grid.epsg == 0)
            *ret = cube_spread(call, cube, grid);
        return true;
    }
    planes = arena_array(p->arena, n, sizeof *planes);
    *ret = planes;
    if (!grid_same_lattice(&cube->schema.grid, grid, &dx, &dy))
        return cube_regrid(call, cube, grid, planes, err);
    if (dx >= 0 && dy >= 0 && dx + grid->width <= cube->schema.grid.width &&
        dy + grid->height <= cube->schema.grid.height) {
        *ret = cube->planes;
        return true;
    }
    source = arena_alloc(p->arena, sizeof *source);
    source->node = (struct plan_node *)lower_cube(p, cube);
    for (size_t i = 0; i < n; i++)
        planes[i] = expr_leaf(p->exprs, source, (uint32_t)i,
                              cell_with_nodata(cube->planes[i]->cell), cube->planes[i]->wide);
    return true;
}

/* Times are compared as instants, unless they were numbered. */
static bool equal_labels(const struct dimension *d, const struct label *a, const struct label *b)
{
    return d->type == DIM_TEMPORAL && !a->is_number && !b->is_number
               ? a->instant_ms == b->instant_ms
               : label_equal(a, b);
}

static bool same_labels(const struct dimension *a, const struct dimension *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (!equal_labels(a, &a->labels[i], &b->labels[i]))
            return false;
    return true;
}

/* mask. In CDSE's dialect one band of a mask stands for all bands of the data. */
static bool mask_for_all(const struct call *call, const struct cube *data, const struct dimension *m)
{
    size_t at = cube_find(data, m->name);

    return call->planner->catalog->dialect == DIALECT_CDSE && m->type == DIM_BANDS && m->count == 1 &&
           (at == SIZE_MAX || !same_labels(&data->schema.dimensions[at], m));
}

static bool check_mask(struct call *call, const struct cube *data, const struct cube *mask,
                       struct err *err)
{
    for (size_t i = 0; i < mask->schema.n_dimensions; i++) {
        const struct dimension *m = &mask->schema.dimensions[i], *d;
        size_t at = cube_find(data, m->name);

        if (!mask->deferred[i] && mask_for_all(call, data, m)) {
            planner_notice(call->planner, "warning", call->node->id,
                           "The mask has a dimension '%.60s' with one label, the data have others or "
                           "none; it was taken for all of them.", m->name);
            continue;
        }
        if (at == SIZE_MAX)
            return call_fail(call, err, ERR_IncompatibleDataCubes, "mask",
                             "The mask has a dimension '%.60s', the data have not.", m->name);
        d = &data->schema.dimensions[at];
        if (d->type != m->type)
            return call_fail(call, err, ERR_IncompatibleDataCubes, "mask",
                             "Dimension '%.60s' is of different types in mask and data.", m->name);
        if (!dimension_is_horizontal(d) && !data->deferred[at] && !mask->deferred[i] && !same_labels(d, m))
            return call_fail(call, err, ERR_IncompatibleDataCubes, "mask",
                             "The labels of dimension '%.60s' differ between mask (%zu) and data "
                             "(%zu).", m->name, m->count, d->count);
    }
    return true;
}

void cube_labels(const struct cube_schema *schema, size_t plane, size_t *labels)
{
    for (size_t i = schema->n_dimensions; i-- > 0;) {
        const struct dimension *d = &schema->dimensions[i];

        labels[i] = 0;
        if (dimension_is_horizontal(d))
            continue;
        labels[i] = plane % d->count;
        plane /= d->count;
    }
}

static size_t mask_plane(const struct cube *data, const struct cube *mask, const size_t *labels)
{
    size_t plane = 0;

    for (size_t i = 0; i < mask->schema.n_dimensions; i++) {
        const struct dimension *m = &mask->schema.dimensions[i];
        size_t at = cube_find(data, m->name);
        size_t label = at == SIZE_MAX ? 0 : labels[at];

        if (!dimension_is_horizontal(m))
            plane = plane * m->count + (label < m->count ? label : m->count - 1);
    }
    return plane;
}

static bool run_mask(struct call *call, struct value *ret, struct err *err)
{
    struct planner *p = call->planner;
    const struct cube *data = call->arguments[0].cube, *mask = call->arguments[1].cube;
    const struct value *replacement = call_argument(call, "replacement");
    struct cube *cube = cube_like(p, data);
    size_t n = cube_planes(&data->schema);
    AUTO(mem) size_t *labels = mem_array(data->schema.n_dimensions, sizeof *labels);
    const struct expr **planes = arena_array(p->arena, n, sizeof *planes);
    const struct expr *const *mask_planes;

    if (replacement->kind == KIND_STRING)
        return call_fail(call, err, ERR_ProcessParameterInvalid, "replacement",
                         "a pixel cannot hold a string.");
    if (!check_mask(call, data, mask, err) ||
        !cube_planes_on(call, mask, &data->schema.grid, &mask_planes, err))
        return false;
    for (size_t i = 0; i < n; i++) {
        const struct expr *m;

        cube_labels(&data->schema, i, labels);
        m = mask_planes[mask_plane(data, mask, labels)];
        planes[i] = replacement->kind == KIND_NULL
                        ? expr_binary(p->exprs, LANE_MASK, data->planes[i], m)
                        : expr_ternary(p->exprs, LANE_MASK_WITH, data->planes[i], m,
                                       lane_of(p, replacement));
    }
    cube->planes = planes;
    return cube_finish(call, cube, ret, err);
}

/* ndvi */
static bool find_band(struct call *call, const struct dimension *d, const char *parameter,
                      enum err_code code, size_t *ret, struct err *err)
{
    const char *name = call_text(call, parameter);
    AUTO(mem) size_t *found = mem_array(d->count, sizeof *found);
    size_t n = bands_match(d, name, found);

    if (n != 1)
        return call_fail(call, err, code, parameter, "%s band is called '%.60s'.",
                         n ? "More than one" : "No", name);
    *ret = found[0];
    return true;
}

static void append_band(struct planner *p, struct cube *cube, size_t i, const char *name)
{
    struct dimension *d = cube_edit(cube, i);
    struct label *labels = arena_array(p->arena, d->count + 1, sizeof *labels);
    struct band_info *bands = arena_array(p->arena, d->count + 1, sizeof *bands);

    memcpy(labels, d->labels, d->count * sizeof *labels);
    if (d->bands)
        memcpy(bands, d->bands, d->count * sizeof *bands);
    labels[d->count].text = name;
    bands[d->count] = (struct band_info){ .center_wavelength = NAN, .scale = 1 };
    d->labels = labels;
    d->bands = bands;
    d->count++;
}

bool call_bands(const struct call *call, const struct cube *data, size_t *ret_index, struct err *err)
{
    size_t n = 0;

    for (size_t i = 0; i < data->schema.n_dimensions; i++) {
        if (data->schema.dimensions[i].type != DIM_BANDS)
            continue;
        *ret_index = i;
        n++;
    }
    return n == 1 || call_fail(call, err, ERR_DimensionAmbiguous, "data",
                               "The cube has %zu dimensions of that type.", n);
}

static bool run_ndvi(struct call *call, struct value *ret, struct err *err)
{
    struct planner *p = call->planner;
    const struct cube *data = call->arguments[0].cube;
    const char *target = call_text(call, "target_band");
    struct cube *cube = cube_like(p, data);
    const struct dimension *d;
    size_t i = 0, nir = 0, red = 0, stride, n, width, found;
    const struct expr **planes;

    if (!call_bands(call, data, &i, err))
        return false;
    d = &data->schema.dimensions[i];
    if (!data->deferred[i] &&
        (!find_band(call, d, "nir", ERR_NirBandAmbiguous, &nir, err) ||
         !find_band(call, d, "red", ERR_RedBandAmbiguous, &red, err)))
        return false;
    for (found = 0; target && found < d->count; found++)
        if (!d->labels[found].is_number && !strcmp(d->labels[found].text, target))
            return call_fail(call, err, ERR_BandExists, "target_band", "It is '%.60s'.", target);
    stride = cube_stride(&data->schema, i);
    n = d->count ? cube_planes(&data->schema) / d->count : 0;
    width = target ? d->count + 1 : 1;
    planes = arena_array(p->arena, n * width, sizeof *planes);
    for (size_t line = 0; line < n; line++) {
        size_t from = line / stride * stride * d->count + line % stride;
        size_t to = line / stride * stride * width + line % stride;

        for (size_t k = 0; k + 1 < width; k++)
            planes[to + k * stride] = data->planes[from + k * stride];
        planes[to + (width - 1) * stride] =
            expr_binary(p->exprs, LANE_NORMALIZED_DIFFERENCE, data->planes[from + nir * stride],
                        data->planes[from + red * stride]);
    }
    if (target) {
        append_band(p, cube, i, arena_text(p->arena, target));
    } else {
        cube_remove(cube, i);
    }
    cube->planes = planes;
    return cube_finish(call, cube, ret, err);
}

/* merge_cubes: for each dimension of the result, which label of either cube a label is. */
struct joint {
    size_t in1, in2;         /* the dimension in each cube; SIZE_MAX: it lacks it */
    size_t *label1, *label2; /* [count of the result]; SIZE_MAX: not there; NULL: broadcast */
};

struct merge {
    struct call *call;
    const struct cube *cube1, *cube2;
    struct cube *cube;
    struct joint *joints;
    bool overlap, deferred;
    const struct expr *const *planes1, *const *planes2;
    const struct expr *inside1, *inside2; /* 1 within a cube's grid; NULL: the grids are equal */
};

static size_t find_label(const struct dimension *d, const struct label *label)
{
    for (size_t i = 0; i < d->count; i++)
        if (equal_labels(d, &d->labels[i], label))
            return i;
    return SIZE_MAX;
}

struct united {
    struct label label;
    struct band_info band;
    size_t in1, in2;
};

static int by_instant(const void *a, const void *b)
{
    const struct united *x = a, *y = b;

    if (x->label.is_number && y->label.is_number)
        return (x->label.number > y->label.number) - (x->label.number < y->label.number);
    return (x->label.instant_ms > y->label.instant_ms) - (x->label.instant_ms < y->label.instant_ms);
}

static const struct band_info no_band = { .center_wavelength = NAN, .scale = 1 };

/* Labels of cube1, then those that only cube2 has; times are sorted. Returns whether any is shared. */
static bool unite_labels(struct planner *p, const struct dimension *a, const struct dimension *b,
                         struct dimension *to, struct joint *joint)
{
    AUTO(mem) struct united *all = mem_array(a->count + b->count, sizeof *all);
    struct label *labels = arena_array(p->arena, a->count + b->count, sizeof *labels);
    struct band_info *bands = arena_array(p->arena, a->count + b->count, sizeof *bands);
    size_t n = 0;
    bool shared = false;

    for (size_t i = 0; i < a->count; i++, n++) {
        all[n] = (struct united){ a->labels[i], a->bands ? a->bands[i] : no_band, i,
                                  find_label(b, &a->labels[i]) };
        shared |= all[n].in2 != SIZE_MAX;
    }
    for (size_t i = 0; i < b->count; i++)
        if (find_label(a, &b->labels[i]) == SIZE_MAX)
            all[n++] = (struct united){ b->labels[i], b->bands ? b->bands[i] : no_band, SIZE_MAX,
                                        i };
    if (to->type == DIM_TEMPORAL)
        qsort(all, n, sizeof *all, by_instant);
    joint->label1 = arena_array(p->arena, n, sizeof *joint->label1);
    joint->label2 = arena_array(p->arena, n, sizeof *joint->label2);
    for (size_t i = 0; i < n; i++) {
        labels[i] = all[i].label;
        bands[i] = all[i].band;
        joint->label1[i] = all[i].in1;
        joint->label2[i] = all[i].in2;
    }
    to->count = n;
    to->labels = labels;
    to->bands = a->bands || b->bands ? bands : NULL;
    return shared;
}

static bool join_dimensions(struct merge *m, struct err *err)
{
    struct planner *p = m->call->planner;
    const struct cube *a = m->cube1, *b = m->cube2;
    size_t n = a->schema.n_dimensions + b->schema.n_dimensions;
    struct dimension *all = arena_array(p->arena, n, sizeof *all);
    struct cube_schema schema = a->schema;

    memcpy(all, a->schema.dimensions, a->schema.n_dimensions * sizeof *all);
    schema.dimensions = all;
    m->joints = arena_array(p->arena, n, sizeof *m->joints);
    for (size_t i = 0; i < a->schema.n_dimensions; i++)
        m->joints[i] = (struct joint){ .in1 = i, .in2 = cube_find(b, all[i].name) };
    for (size_t i = 0; i < b->schema.n_dimensions; i++) {
        if (cube_find(a, b->schema.dimensions[i].name) != SIZE_MAX)
            continue;
        m->joints[schema.n_dimensions] = (struct joint){ .in1 = SIZE_MAX, .in2 = i };
        all[schema.n_dimensions++] = b->schema.dimensions[i];
    }
    m->overlap = true;
    if ((cube_has_grid(&a->schema) && b->schema.geometries) ||
        (a->schema.geometries && cube_has_grid(&b->schema)))
        return call_fail(m->call, err, ERR_ProcessParameterInvalid, "cube2",
                         "a raster cube and a vector cube cannot be merged.");
    for (size_t i = 0; i < schema.n_dimensions; i++) {
        struct joint *j = &m->joints[i];
        const struct dimension *other;

        if (j->in1 == SIZE_MAX || j->in2 == SIZE_MAX)
            continue;
        other = &b->schema.dimensions[j->in2];
        if (other->type != all[i].type || other->axis != all[i].axis)
            return call_fail(m->call, err, ERR_ProcessParameterInvalid, "cube2",
                             "dimension '%.60s' is of another type than in cube1.", other->name);
        if (other->type == DIM_GEOMETRY &&
            !geometries_equal(a->schema.geometries, b->schema.geometries))
            return call_fail(m->call, err, ERR_ProcessParameterInvalid, "cube2",
                             "its geometries are not those of cube1; cubes over other geometries cannot "
                             "be merged.");
        if (dimension_is_horizontal(other))
            continue;
        if (a->deferred[j->in1] || b->deferred[j->in2])
            m->deferred = true;
        else if (!unite_labels(p, &a->schema.dimensions[j->in1], other, &all[i], j))
            m->overlap = false;
    }
    m->cube = cube_new(p, &schema);
    m->cube->grid_deferred =
        cube_has_grid(&a->schema) ? a->grid_deferred : b->grid_deferred;
    m->cube->schema.geometries = a->schema.geometries ? a->schema.geometries : b->schema.geometries;
    for (size_t i = 0; i < schema.n_dimensions; i++) {
        const struct joint *j = &m->joints[i];

        ((bool *)m->cube->deferred)[i] = (j->in1 != SIZE_MAX && a->deferred[j->in1]) ||
                                         (j->in2 != SIZE_MAX && b->deferred[j->in2]);
    }
    return true;
}

/* 1 in every pixel of a grid; beyond its edge no-data, as of any node. */
static const struct expr *inside(struct planner *p, const struct cube *cube)
{
    struct cube *ones = cube_like(p, cube);
    const struct expr **plane = arena_alloc(p->arena, sizeof *plane);
    struct source *source = arena_alloc(p->arena, sizeof *source);
    size_t n = 0;

    for (size_t i = 0; i < ones->schema.n_dimensions; i++)
        if (dimension_is_horizontal(&ones->schema.dimensions[i]))
            *cube_edit(ones, n++) = ones->schema.dimensions[i];
    ones->schema.n_dimensions = n;
    ones->schema.pixel = PIXEL_BOOL;
    ones->schema.has_nodata = true;
    ones->schema.nodata = 255;
    plane[0] = expr_boolean(p->exprs, true);
    ones->planes = plane;
    source->node = (struct plan_node *)lower_cube(p, ones);
    return expr_unary(p->exprs, LANE_IS_VALID,
                      expr_leaf(p->exprs, source, 0, (struct cell){ PIXEL_BOOL, true, 255 }, false));
}

static struct grid united_grid(const struct grid *a, const struct grid *b, int64_t dx, int64_t dy)
{
    struct grid grid = *a;
    int64_t left = dx < 0 ? dx : 0, top = dy < 0 ? dy : 0;
    int64_t right = dx + b->width > a->width ? dx + b->width : a->width;
    int64_t bottom = dy + b->height > a->height ? dy + b->height : a->height;

    grid.x0 += (double)left * grid.dx;
    grid.y0 -= (double)top * grid.dy;
    grid.width = right - left;
    grid.height = bottom - top;
    return grid;
}

static bool join_grids(struct merge *m, struct err *err)
{
    struct planner *p = m->call->planner;
    struct grid a = m->cube1->schema.grid, b = m->cube2->schema.grid, grid = a;
    int64_t dx, dy;

    if (!cube_has_grid(&m->cube1->schema) && !m->cube1->schema.geometries)
        grid = a = b;
    if (!cube_has_grid(&m->cube2->schema) && !m->cube2->schema.geometries)
        b = a;
    if (p->mode == MODE_PLAN && !grid_equal(&a, &b) && grid_same_lattice(&a, &b, &dx, &dy)) {
        grid = united_grid(&a, &b, dx, dy);
        if (dx >= a.width || dy >= a.height || dx + b.width <= 0 || dy + b.height <= 0)
            m->overlap = false;
        m->inside1 = grid_equal(&a, &grid) ? expr_boolean(p->exprs, true)
                                           : inside(p, m->cube1);
        m->inside2 = grid_equal(&b, &grid) ? expr_boolean(p->exprs, true)
                                           : inside(p, m->cube2);
    }
    m->cube->schema.grid = grid;
    for (size_t i = 0; i < m->cube->schema.n_dimensions; i++) {
        struct dimension *d = cube_edit(m->cube, i);

        if (p->mode == MODE_PLAN && dimension_is_horizontal(d))
            d->count = (size_t)(d->axis == 'y' ? grid.height : grid.width);
    }
    return cube_planes_on(m->call, m->cube1, &grid, &m->planes1, err) &&
           cube_planes_on(m->call, m->cube2, &grid, &m->planes2, err);
}

/* The plane of a cube for labels of the result, or NULL where it has none. */
static const struct expr *plane_of(const struct merge *m, bool second, const size_t *labels)
{
    const struct cube *cube = second ? m->cube2 : m->cube1;
    const struct expr *const *planes = second ? m->planes2 : m->planes1;
    size_t plane = 0;

    for (size_t i = 0; i < cube->schema.n_dimensions; i++) {
        const struct dimension *d = &cube->schema.dimensions[i];
        size_t k = 0, label;

        if (dimension_is_horizontal(d))
            continue;
        while ((second ? m->joints[k].in2 : m->joints[k].in1) != i)
            k++;
        label = labels[k];
        if (m->joints[k].label1)
            label = second ? m->joints[k].label2[label] : m->joints[k].label1[label];
        if (label == SIZE_MAX)
            return NULL;
        plane = plane * d->count + (label < d->count ? label : d->count - 1);
    }
    return planes[plane];
}

static bool resolve_overlap(struct merge *m, const struct expr *x, const struct expr *y,
                            struct value *ret, struct err *err)
{
    const struct value *resolver = call_argument(m->call, "overlap_resolver");
    struct binding bindings[] = { { "x", value_lane(x) },
                                  { "y", value_lane(y) },
                                  { "context", *call_argument(m->call, "context") } };

    if (resolver->kind != KIND_CALLBACK) {
        *ret = value_lane(x);
        return true;
    }
    if (!callback_call(m->call->planner, resolver->callback, bindings, ARRAY_LEN(bindings), ret,
                       err))
        return false;
    return value_is_scalar(ret) || ret->kind == KIND_UNKNOWN ||
           call_fail(m->call, err, ERR_ProcessParameterInvalid, "overlap_resolver",
                     "the callback must give a number, boolean or null.");
}

static bool merged_plane(struct merge *m, const size_t *labels, struct value *ret, struct err *err)
{
    struct expr_table *t = m->call->planner->exprs;
    const struct expr *x = plane_of(m, false, labels), *y = plane_of(m, true, labels), *one;

    if (!x || !y) {
        *ret = x || y ? value_lane(x ? x : y) : value_null();
        return true;
    }
    if (m->overlap && !resolve_overlap(m, x, y, ret, err))
        return false;
    if (ret->kind == KIND_UNKNOWN || !m->inside1)
        return true;
    one = expr_ternary(t, LANE_SELECT, m->inside1, x, y);
    *ret = value_lane(!m->overlap ? one
                                  : expr_ternary(t, LANE_SELECT,
                                                 expr_binary(t, LANE_AND, m->inside1, m->inside2),
                                                 lane_of(m->call->planner, ret), one));
    return true;
}

/* The type of what is missing is that of what is there. */
static struct cell any_cell(const struct merge *m)
{
    const struct cube *cube = cube_planes(&m->cube1->schema) ? m->cube1 : m->cube2;

    return cube_planes(&cube->schema) ? cube->planes[0]->cell
                                      : (struct cell){ PIXEL_F32, true, NAN };
}

static bool run_merge_cubes(struct call *call, struct value *ret, struct err *err)
{
    struct planner *p = call->planner;
    struct merge m = { .call = call, .cube1 = call->arguments[0].cube,
                       .cube2 = call->arguments[1].cube };
    const struct expr **planes;
    AUTO(mem) size_t *labels = NULL;
    size_t n;

    if (!join_dimensions(&m, err) || !join_grids(&m, err))
        return false;
    n = cube_planes(&m.cube->schema);
    if (n > MAX_PLANES)
        return call_fail(call, err, ERR_ProcessGraphComplexity, NULL,
                         "The cube would have %zu planes; at most %d are possible.", n, MAX_PLANES);
    if (m.overlap && !m.deferred && p->mode == MODE_PLAN &&
        call_argument(call, "overlap_resolver")->kind != KIND_CALLBACK)
        return call_raise(call, err, ERR_OverlapResolverMissing, "overlap_resolver");
    planes = arena_array(p->arena, n, sizeof *planes);
    labels = mem_array(m.cube->schema.n_dimensions, sizeof *labels);
    for (size_t i = 0; i < n; i++) {
        struct value v = value_null();

        cube_labels(&m.cube->schema, i, labels);
        if (!merged_plane(&m, labels, &v, err))
            return false;
        if (v.kind == KIND_UNKNOWN) {
            *ret = v;
            return true;
        }
        planes[i] = v.kind == KIND_NULL
                        ? expr_leaf(p->exprs, NULL, 0, cell_with_nodata(any_cell(&m)), false)
                        : lane_of(p, &v);
    }
    m.cube->planes = planes;
    return cube_finish(call, m.cube, ret, err);
}

const struct operation combine_operations[] = {
    { .id = "mask", .run = run_mask },
    { .id = "ndvi", .run = run_ndvi },
    { .id = "merge_cubes", .run = run_merge_cubes },
    { .id = NULL },
};
