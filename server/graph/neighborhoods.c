/* apply_neighborhood: a callback on the cube that lies under a window. Labels are chosen here, so each
 * group of them is a cube of its own. Windows in x and y lie side by side; the callback is called for one
 * of each size (those at the right and lower border may be smaller), over the planes of a patch: a grid
 * without a place, whose pixels raster/ finds while it makes the window. Where nothing that the callback
 * does looks at other pixels, what it makes is made of the cube itself, without windows. */
#include "graph/neighborhoods.h"
#include <math.h>
#include <string.h>

/* ---- patches ---- */

static struct cell data_cell(const struct cube *data, bool *ret_wide)
{
    struct cell cell = { PIXEL_F32, true, NAN };

    for (size_t i = 0; i < cube_planes(&data->schema); i++) {
        struct cell own = cell_with_nodata(data->planes[i]->cell);

        cell = i ? cell_join(cell, own) : own;
        *ret_wide |= data->planes[i]->wide;
    }
    return cell;
}

/* What windows of one size are computed on; epsg below 0 says that the grid lies nowhere. */
static void add_patch(struct hood *h, struct patched *patch, int64_t width, int64_t height, int epsg)
{
    struct planner *p = h->call->planner;
    const struct grid *grid = &h->data->schema.grid;
    size_t n = cube_planes(&h->data->schema);
    struct cube *cube = cube_like(p, h->data);
    bool wide = false;
    struct cell cell = data_cell(h->data, &wide);

    patch->grid = (struct grid){ epsg, 0, 0, grid->dx, grid->dy, width + 2 * h->windows.left,
                                 height + 2 * h->windows.top };
    patch->leaves = arena_array(p->arena, n, sizeof *patch->leaves);
    patch->source = arena_alloc(p->arena, sizeof *patch->source);
    cube_set_grid(cube, &patch->grid);
    cube->schema.pixel = cell.pixel;
    cube->schema.nodata = cell.nodata;
    cube->schema.has_nodata = cell.has_nodata;
    if (p->mode == MODE_PLAN) {
        patch->source->node =
            planner_node(p, PLAN_PATCH, h->call->node->id, h->call->node->pointer, &cube->schema);
        patch->source->node->n_inputs = 1;
        patch->source->node->inputs = h->input;
        p->patch_nodes = mem_grow(p->patch_nodes, &p->patch_capacity, p->n_patch_nodes + 1, sizeof *p->patch_nodes);
        p->patch_nodes[p->n_patch_nodes++] = patch->source->node;
    }
    for (size_t i = 0; i < n; i++)
        patch->leaves[i] = expr_leaf_of(p->exprs, p->mode == MODE_PLAN ? patch->source : NULL, (uint32_t)i,
                                        cell, wide, h->data->planes[i]->scaled);
}

static int64_t pixels_along(const struct hood *h, char axis, int64_t count, int64_t *ret_overlap)
{
    for (size_t i = 0; i < h->data->schema.n_dimensions; i++) {
        const struct cut *c = &h->cuts[i];

        if (h->data->schema.dimensions[i].axis != axis)
            continue;
        *ret_overlap = (int64_t)c->overlap;
        return c->is_set && c->size >= 1 && c->size < (double)count ? (int64_t)c->size : count;
    }
    return count;
}

static bool add_patches(struct hood *h)
{
    enum { MOST_PATCH = 1 << 28 };
    struct planner *p = h->call->planner;
    const struct grid *grid = &h->data->schema.grid;
    struct patch_args *w = &h->windows;
    int epsg = -(int)++p->n_patches;

    w->width = pixels_along(h, 'x', grid->width, &w->left);
    w->height = pixels_along(h, 'y', grid->height, &w->top);
    if ((double)(w->width + 2 * w->left) * (double)(w->height + 2 * w->top) > MOST_PATCH)
        return call_fail(h->call, h->err, ERR_ProcessGraphComplexity, "size",
                         "A window would have more than %d pixels.", MOST_PATCH);
    h->input = arena_alloc(p->arena, sizeof *h->input);
    if (p->mode == MODE_PLAN)
        *h->input = lower_cube(p, h->data);
    for (int last_x = 0; last_x < 2; last_x++)
        for (int last_y = 0; last_y < 2; last_y++) {
            int64_t width = last_x ? grid->width % w->width : w->width;
            int64_t height = last_y ? grid->height % w->height : w->height;

            w->sizes[last_x][last_y].is_there = width > 0 && height > 0;
            if (width > 0 && height > 0)
                add_patch(h, &h->patches[last_x][last_y], width, height, epsg);
        }
    return true;
}

/* ---- windows ---- */

/* Chunk number n of all combinations: one of each dimension. */
static void combination(const struct hood *h, size_t n, const struct chunk **ret)
{
    for (size_t i = h->data->schema.n_dimensions; i-- > 0;) {
        if (dimension_is_horizontal(&h->data->schema.dimensions[i]))
            continue;
        ret[i] = &h->cuts[i].chunks[n % h->cuts[i].n_chunks];
        n /= h->cuts[i].n_chunks;
    }
}

/* A plane of the window's cube: that of the data, or SIZE_MAX beyond its labels. */
static size_t plane_of_data(const struct hood *h, const struct chunk *const *chunks, const size_t *labels,
                            bool core)
{
    size_t plane = 0;

    for (size_t i = 0; i < h->data->schema.n_dimensions; i++) {
        size_t member;

        if (dimension_is_horizontal(&h->data->schema.dimensions[i]))
            continue;
        member = core ? chunks[i]->first + labels[i] : chunks[i]->members[labels[i]];
        if (member == SIZE_MAX)
            return SIZE_MAX;
        plane = plane * h->data->schema.dimensions[i].count + member;
    }
    return plane;
}

static const struct band_info *chunk_bands(struct planner *p, const struct dimension *d, const struct chunk *c)
{
    struct band_info *bands = arena_array(p->arena, c->n, sizeof *bands);

    if (!d->bands)
        return NULL;
    for (size_t k = 0; k < c->n; k++)
        bands[k] = c->members[k] == SIZE_MAX ? (struct band_info){ .center_wavelength = NAN, .scale = 1 }
                                             : d->bands[c->members[k]];
    return bands;
}

static const struct cube *window_cube(struct hood *h, const struct chunk *const *chunks,
                                      const struct patched *patch)
{
    struct planner *p = h->call->planner;
    struct cube *cube = cube_like(p, h->data);
    AUTO(mem) size_t *labels = mem_array(cube->schema.n_dimensions + 1, sizeof *labels);
    const struct expr **planes;
    struct value v;

    for (size_t i = 0; i < cube->schema.n_dimensions; i++) {
        struct dimension *d = cube_edit(cube, i);

        if (dimension_is_horizontal(d))
            continue;
        d->bands = chunk_bands(p, d, chunks[i]);
        d->count = chunks[i]->n;
        d->labels = chunks[i]->labels;
    }
    cube_set_grid(cube, &patch->grid);
    planes = arena_array(p->arena, cube_planes(&cube->schema), sizeof *planes);
    for (size_t k = 0; k < cube_planes(&cube->schema); k++) {
        size_t plane;

        cube_labels(&cube->schema, k, labels);
        plane = plane_of_data(h, chunks, labels, false);
        planes[k] = plane == SIZE_MAX
                        ? expr_leaf(p->exprs, NULL, 0, cell_with_nodata(h->data->planes[0]->cell), false)
                        : patch->leaves[plane];
    }
    cube->planes = planes;
    return cube_finish(h->call, cube, &v, h->err) ? v.cube : NULL;
}

static bool same_dimension(const struct cube *a, const struct cube *b, size_t i)
{
    const struct dimension *x = &a->schema.dimensions[i], *y = &b->schema.dimensions[i];

    if (strcmp(x->name, y->name) || x->type != y->type || x->axis != y->axis)
        return false;
    if (a->deferred[i] || b->deferred[i])
        return true;
    for (size_t k = 0; x->count == y->count && !dimension_is_horizontal(x) && k < x->count; k++)
        if (!label_equal(&x->labels[k], &y->labels[k]))
            return false;
    return x->count == y->count;
}

static bool check_result(struct hood *h, const struct cube *window, const struct value *v)
{
    AUTO(text) struct text found = { 0 };
    bool same = v->kind == KIND_CUBE && v->cube->schema.n_dimensions == window->schema.n_dimensions &&
                (window->grid_deferred || grid_equal(&v->cube->schema.grid, &window->schema.grid));

    for (size_t i = 0; same && i < window->schema.n_dimensions; i++)
        same = same_dimension(window, v->cube, i);
    if (same)
        return true;
    value_describe(v, &found);
    return call_fail(h->call, h->err, ERR_DataCubePropertiesImmutable, "process",
                     "The callback gives %s%s.", found.data,
                     v->kind == KIND_CUBE ? " whose dimensions, labels or pixels are not those of the window" : "");
}

static bool call_window(struct hood *h, const struct value *data, struct value *ret)
{
    struct binding bindings[] = { { "data", *data }, { "context", *call_argument(h->call, "context") } };

    if (!callback_call(h->call->planner, call_argument(h->call, "process")->callback, bindings,
                       ARRAY_LEN(bindings), ret, h->err))
        return false;
    h->unknown |= value_has(ret, KIND_UNKNOWN);
    return true;
}

/* The results of a window without its overlap. */
static const struct cube *core_of(struct hood *h, const struct chunk *const *chunks, const struct cube *cube)
{
    struct planner *p = h->call->planner;
    struct value v;

    for (size_t i = 0; i < cube->schema.n_dimensions; i++) {
        size_t *kept;

        if (dimension_is_horizontal(&cube->schema.dimensions[i]) || chunks[i]->core == chunks[i]->n)
            continue;
        kept = arena_array(p->arena, chunks[i]->core, sizeof *kept);
        for (size_t k = 0; k < chunks[i]->core; k++)
            kept[k] = chunks[i]->before + k;
        cube = cube_pick(p, cube, i, chunks[i]->core, kept);
    }
    return cube_finish(h->call, cube_like(p, cube), &v, h->err) ? v.cube : NULL;
}

/* Nothing but pixels of the same place is looked at. */
static bool is_plain(struct hood *h, const struct cube *cube, const struct source *patch)
{
    for (size_t k = 0; k < cube_planes(&cube->schema); k++) {
        AUTO(template) struct template *t = template_new(h->call->planner, cube->planes[k]);

        for (size_t i = 0; i < template_lines(t); i++) {
            const struct expr *e = template_line(t, i);

            if (e->op == EXPR_LEAF && e->source && e->source != patch)
                return false;
        }
    }
    return true;
}

static void put(struct hood *h, const struct chunk *const *chunks, const struct cube *core, size_t k,
                const struct expr *plane)
{
    AUTO(mem) size_t *labels = mem_array(core->schema.n_dimensions + 1, sizeof *labels);

    cube_labels(&core->schema, k, labels);
    h->planes[plane_of_data(h, chunks, labels, true)] = plane;
}

static void put_plain(struct hood *h, const struct chunk *const *chunks, const struct cube *core,
                      const struct source *patch)
{
    struct planner *p = h->call->planner;

    for (size_t k = 0; k < cube_planes(&core->schema); k++) {
        AUTO(template) struct template *t = template_new(p, core->planes[k]);

        put(h, chunks, core, k, template_fill(p, t, patch, h->data->planes));
    }
}

/* A node that puts the windows of all sizes together. */
static void put_windows(struct hood *h, const struct chunk *const *chunks, const struct cube *const cores[4])
{
    struct planner *p = h->call->planner;
    const struct cube *some = cores[0] ? cores[0] : cores[1] ? cores[1] : cores[2] ? cores[2] : cores[3];
    struct cube *made = cube_like(p, some);
    const struct plan_node **inputs = arena_array(p->arena, 4, sizeof *inputs);
    struct patch_args *args = arena_alloc(p->arena, sizeof *args);
    struct source *source = arena_alloc(p->arena, sizeof *source);
    struct cell cell = { some->schema.pixel, true, NAN };
    struct plan_node *node;
    uint32_t n = 0;
    bool first = true;

    *args = h->windows;
    for (size_t i = 0; i < 4; i++) {
        struct cell own;

        if (!cores[i])
            continue;
        own = cell_with_nodata((struct cell){ cores[i]->schema.pixel, cores[i]->schema.has_nodata,
                                              cores[i]->schema.nodata });
        cell = first ? own : cell_join(cell, own);
        first = false;
        args->sizes[i / 2][i % 2].patch = h->patches[i / 2][i % 2].source->node;
        args->sizes[i / 2][i % 2].input = n;
        inputs[n++] = lower_cube(p, cores[i]);
    }
    cube_set_grid(made, &h->data->schema.grid);
    made->schema.pixel = cell.pixel;
    made->schema.nodata = cell.nodata;
    made->schema.has_nodata = cell.has_nodata;
    node = planner_node(p, PLAN_PATCHES, h->call->node->id, h->call->node->pointer, &made->schema);
    node->patches = args;
    node->inputs = inputs;
    node->n_inputs = n;
    source->node = node;
    for (size_t k = 0; k < cube_planes(&made->schema); k++)
        put(h, chunks, made, k, expr_leaf_of(p->exprs, source, (uint32_t)k, cell, some->planes[k]->wide,
                                             some->planes[k]->scaled));
}

static bool run_windows(struct hood *h, const struct chunk *const *chunks)
{
    const struct cube *cores[4] = { NULL };
    size_t n_udfs = h->call->planner->n_udfs;

    for (size_t i = 0; i < 4; i++) {
        const struct patched *patch = &h->patches[i / 2][i % 2];
        struct value window = { .kind = KIND_CUBE }, v;

        if (!patch->source)
            continue;
        window.cube = window_cube(h, chunks, patch);
        if (!window.cube || !call_window(h, &window, &v))
            return false;
        if (h->unknown)
            return true;
        if (!check_result(h, window.cube, &v))
            return false;
        cores[i] = core_of(h, chunks, v.cube);
        if (is_plain(h, cores[i], patch->source)) {
            put_plain(h, chunks, cores[i], patch->source);
            return true;
        }
    }
    h->windows.together = h->call->planner->n_udfs > n_udfs; /* code makes all planes of a window at once */
    put_windows(h, chunks, cores);
    return true;
}

static bool for_windows(struct hood *h, bool (*run)(struct hood *, const struct chunk *const *))
{
    AUTO(mem) const struct chunk **chunks = mem_array(h->data->schema.n_dimensions + 1, sizeof *chunks);
    size_t n = 1;

    for (size_t i = 0; i < h->data->schema.n_dimensions; i++)
        if (!dimension_is_horizontal(&h->data->schema.dimensions[i]))
            n *= h->cuts[i].n_chunks;
    for (size_t k = 0; k < n && !h->unknown; k++) {
        combination(h, k, chunks);
        if (!run(h, chunks))
            return false;
    }
    return true;
}

/* ---- windows of one dimension ---- */

/* The dimension along which windows are an array; SIZE_MAX: they are cubes. */
static bool array_dimension(const struct hood *h, size_t *ret)
{
    const struct cube_schema *s = &h->data->schema;
    size_t n = 0, some = SIZE_MAX;

    *ret = SIZE_MAX;
    for (size_t i = 0; i < s->n_dimensions; i++) {
        if (hood_window_length(h, i) > 1) {
            *ret = i;
            n++;
        }
        if (some == SIZE_MAX && !dimension_is_horizontal(&s->dimensions[i]))
            some = i;
    }
    if (n == 0)
        *ret = some;
    if (n != 1)
        *ret = n ? SIZE_MAX : *ret;
    if (n == 1 && dimension_is_horizontal(&s->dimensions[*ret]))
        return call_fail(h->call, h->err, ERR_FeatureUnsupported, "size",
                         "Arrays along '%.60s' are not offered; windows of more than one pixel along both x "
                         "and y are.", s->dimensions[*ret].name);
    return true;
}

static bool run_array(struct hood *h, const struct chunk *const *chunks, size_t along)
{
    struct planner *p = h->call->planner;
    const struct chunk *c = chunks[along];
    AUTO(mem) size_t *labels = mem_array(h->data->schema.n_dimensions + 1, sizeof *labels);
    struct value *items = arena_array(p->arena, c->n, sizeof *items), v;
    struct value data = { .kind = KIND_ARRAY, .deferred = h->data->deferred[along],
                          .array = { .items = items, .labels = c->labels, .length = c->n } };

    for (size_t k = 0; k < c->n; k++) {
        size_t plane;

        labels[along] = k;
        plane = plane_of_data(h, chunks, labels, false);
        items[k] = plane == SIZE_MAX ? value_null() : value_lane(h->data->planes[plane]);
    }
    if (!call_window(h, &data, &v))
        return false;
    if (h->unknown)
        return true;
    if (v.kind == KIND_ARRAY && v.array.presence)
        v = array_compact(p, &v);
    if (v.kind != KIND_ARRAY || (v.array.length != c->n && !data.deferred))
        return call_fail(h->call, h->err, ERR_DataCubePropertiesImmutable, "process",
                         "The callback gives %s, expected an array of %zu values.",
                         v.kind == KIND_ARRAY ? arena_printf(p->arena, "an array of %zu", v.array.length)
                                              : "no array", c->n);
    for (size_t k = 0; k < c->core && k < v.array.length; k++) {
        labels[along] = k;
        if (!call_cell(h->call, "process", &v.array.items[k + c->before],
                       &h->planes[plane_of_data(h, chunks, labels, true)], h->err))
            return false;
    }
    return true;
}

static bool run_arrays(struct hood *h, const struct chunk *const *chunks)
{
    size_t along;

    return array_dimension(h, &along) && run_array(h, chunks, along);
}

/* ---- the process ---- */

static bool run_hood(struct hood *h, struct value *ret)
{
    struct planner *p = h->call->planner;
    const struct cube_schema *s = &h->data->schema;
    struct cube *cube = cube_like(p, h->data);
    size_t along, n = cube_planes(s);

    *ret = value_unknown();
    if (!hood_read_cuts(h))
        return false;
    if (h->unknown)
        return true;
    if (!array_dimension(h, &along))
        return false;
    for (size_t i = 0; i < s->n_dimensions; i++)
        if (!dimension_is_horizontal(&s->dimensions[i]) && !hood_cut_dimension(h, i))
            return false;
    h->planes = arena_array(p->arena, n + 1, sizeof *h->planes);
    for (size_t i = 0; i < n; i++)
        h->planes[i] = h->data->planes[i];
    if (n && along == SIZE_MAX && !add_patches(h))
        return false;
    if (n && !for_windows(h, along == SIZE_MAX ? run_windows : run_arrays))
        return false;
    cube->planes = h->planes;
    return h->unknown || cube_finish(h->call, cube, ret, h->err);
}

static bool run_apply_neighborhood(struct call *call, struct value *ret, struct err *err)
{
    const struct cube *data = call->arguments[0].cube;
    struct hood h = { .call = call, .data = data, .err = err };
    bool ok;

    if (!call_check_grid(call, data, "data", err))
        return false;
    h.cuts = mem_array(data->schema.n_dimensions, sizeof *h.cuts);
    ok = run_hood(&h, ret);
    for (size_t i = 0; i < data->schema.n_dimensions; i++)
        free(h.cuts[i].chunks);
    free(h.cuts);
    return ok;
}

const struct operation neighborhood_operations[] = {
    { .id = "apply_neighborhood", .run = run_apply_neighborhood },
    { .id = NULL },
};
