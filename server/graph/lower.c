/* Expressions to nodes. Planes that share work are made by one application; planes that are made
 * alike share one program. What reduces a series by folds becomes the streaming form: one slice
 * after the other, the series never held. Other reducers over a computed series (a median of
 * indices) get the series as planes of a node of its own, so that each date is finished before the
 * next is read. */
#include "graph/planner.h"
#include <stdio.h>
#include <string.h>

enum { SERIES = 3 }; /* elements from which on an array is a series worth a node */

struct plan_node *planner_node(struct planner *p, enum plan_op op, const char *id,
                               const char *pointer, const struct cube_schema *schema)
{
    struct plan_node *node = arena_alloc(p->arena, sizeof *node);

    node->id = id;
    node->pointer = pointer;
    node->op = op;
    node->index = p->n_nodes;
    node->schema = *schema;
    p->nodes = mem_grow(p->nodes, &p->node_capacity, p->n_nodes + 1, sizeof *p->nodes);
    p->nodes[p->n_nodes++] = node;
    return node;
}

/* A node while its applications are gathered. */
struct making {
    struct planner *p;
    const struct grid *grid;
    const struct plan_node **inputs;
    struct shift *shifts;
    size_t n_inputs, input_capacity, shift_capacity;
    struct application *applications;
    size_t n_applications, capacity;
};

static struct plane_ref refer(struct making *m, const struct expr *leaf)
{
    struct shift shift = { 0 };
    const struct plan_node *from;
    size_t i = 0;

    if (!leaf->source)
        return (struct plane_ref){ 0, -1 };
    from = leaf->source->node;
    if (!grid_same_lattice(&from->schema.grid, m->grid, &shift.x, &shift.y))
        abort(); /* cubes are brought to one lattice before they meet */
    while (i < m->n_inputs && !(m->inputs[i] == from && m->shifts[i].x == shift.x &&
                                m->shifts[i].y == shift.y))
        i++;
    if (i == m->n_inputs) {
        m->inputs = mem_grow(m->inputs, &m->input_capacity, i + 1, sizeof *m->inputs);
        m->shifts = mem_grow(m->shifts, &m->shift_capacity, i + 1, sizeof *m->shifts);
        m->inputs[i] = from;
        m->shifts[i] = shift;
        m->n_inputs++;
    }
    return (struct plane_ref){ (uint32_t)i, (int32_t)leaf->plane };
}

static void add_application(struct making *m, const struct program *program,
                            const struct expr *const *leaves, size_t n_leaves,
                            const uint32_t *planes, size_t n_planes)
{
    struct arena *arena = m->p->arena;
    struct plane_ref *arguments = arena_array(arena, n_leaves, sizeof *arguments);
    uint32_t *outputs = arena_array(arena, n_planes, sizeof *outputs);

    for (size_t i = 0; i < n_leaves; i++)
        arguments[i] = refer(m, leaves[i]);
    memcpy(outputs, planes, n_planes * sizeof *outputs);
    m->applications = mem_grow(m->applications, &m->capacity, m->n_applications + 1,
                               sizeof *m->applications);
    m->applications[m->n_applications++] = (struct application){ program, arguments, outputs };
}

/* Folds */
bool fold_of(const struct expr *e, enum fold_op *ret)
{
    static const struct {
        enum lane_op lane;
        enum fold_op fold;
    } folds[] = {
        { LANE_SUM, FOLD_SUM },     { LANE_MEAN, FOLD_MEAN },   { LANE_PRODUCT, FOLD_PRODUCT },
        { LANE_MIN, FOLD_MIN },     { LANE_MAX, FOLD_MAX },     { LANE_COUNT, FOLD_COUNT },
        { LANE_FIRST, FOLD_FIRST }, { LANE_LAST, FOLD_LAST },   { LANE_ANY, FOLD_ANY },
        { LANE_ALL, FOLD_ALL },     { LANE_VARIANCE, FOLD_VARIANCE }, { LANE_SD, FOLD_SD },
    };

    for (size_t i = 0; i < ARRAY_LEN(folds); i++) {
        if (folds[i].lane == e->op && e->n_arguments > 1) {
            *ret = folds[i].fold;
            return true;
        }
    }
    return false;
}

struct exprs {
    const struct expr **list;
    size_t n, capacity;
};

static void exprs_add(struct exprs *exprs, const struct expr *e)
{
    exprs->list = mem_grow(exprs->list, &exprs->capacity, exprs->n + 1, sizeof *exprs->list);
    exprs->list[exprs->n++] = e;
}

/* The folds below the outputs; false when an output needs a plane beside them. */
static bool find_folds(struct planner *p, const struct expr *const *outputs, size_t n,
                       struct exprs *folds)
{
    AUTO(mem) bool *seen = mem_array(expr_count(p->exprs), sizeof *seen);
    struct exprs stack = { 0 };
    bool ok = true;
    enum fold_op op;

    for (size_t i = 0; i < n; i++)
        exprs_add(&stack, outputs[i]);
    while (ok && stack.n) {
        const struct expr *e = stack.list[--stack.n];

        if (seen[e->id])
            continue;
        seen[e->id] = true;
        if (e->op == EXPR_LEAF) {
            ok = false;
        } else if (fold_of(e, &op)) {
            ok = folds->n == 0 || folds->list[0]->n_arguments == e->n_arguments;
            exprs_add(folds, e);
        } else {
            for (uint32_t k = e->n_arguments; k-- > 0;)
                exprs_add(&stack, e->arguments[k]);
        }
    }
    free(stack.list);
    return ok && folds->n > 0;
}

static bool any_wide(const struct expr *const *outputs, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (outputs[i]->wide)
            return true;
    return false;
}

/* All slices must be made by one and the same program, of at least one plane. */
static const struct program *compile_slices(struct planner *p, const struct exprs *folds,
                                            bool wide, struct exprs *leaves)
{
    AUTO(mem) const struct expr **slice = mem_array(folds->n, sizeof *slice);
    const struct program *program = NULL;
    size_t n_slices = folds->list[0]->n_arguments;

    for (size_t s = 0; s < n_slices; s++) {
        struct compiled compiled;

        for (size_t k = 0; k < folds->n; k++)
            slice[k] = folds->list[k]->arguments[s];
        program_compile(p, slice, folds->n, NULL, 0, wide, &compiled);
        if (compiled.n_leaves == 0 || (program && compiled.program != program) ||
            compiled.n_leaves * n_slices > UINT16_MAX)
            return NULL;
        program = compiled.program;
        for (size_t k = 0; k < compiled.n_leaves; k++)
            exprs_add(leaves, compiled.leaves[k]);
    }
    return program;
}

static bool can_stream(struct planner *p, const struct expr *const *outputs, size_t n,
                       struct exprs *folds, struct exprs *leaves, const struct program **ret_slice)
{
    *ret_slice = find_folds(p, outputs, n, folds)
                     ? compile_slices(p, folds, any_wide(outputs, n), leaves)
                     : NULL;
    return *ret_slice != NULL;
}

static bool try_streaming(struct making *m, const struct expr *const *outputs,
                          const uint32_t *planes, size_t n)
{
    struct planner *p = m->p;
    struct exprs folds = { 0 }, leaves = { 0 };
    struct program program = { .wide = any_wide(outputs, n), .n_outputs = (uint16_t)n };
    struct compiled last;
    bool ok = can_stream(p, outputs, n, &folds, &leaves, &program.slice);

    if (ok) {
        AUTO(mem) struct fold *list = mem_array(folds.n, sizeof *list);

        for (size_t i = 0; i < folds.n; i++) {
            fold_of(folds.list[i], &list[i].op);
            list[i].keep_nodata = folds.list[i]->keep_nodata;
        }
        program_compile(p, outputs, n, folds.list, folds.n, program.wide, &last);
        program.finish = last.program;
        program.folds = list;
        program.n_folds = folds.n;
        program.n_slices = folds.list[0]->n_arguments;
        program.n_inputs = (uint16_t)leaves.n;
        program.n_registers = program.slice->n_registers > program.finish->n_registers
                                  ? program.slice->n_registers
                                  : program.finish->n_registers;
        add_application(m, program_share(p, &program), leaves.list, leaves.n, planes, n);
    }
    free(folds.list);
    free(leaves.list);
    return ok;
}

/* Groups of planes that share work */
static size_t leader(size_t *group, size_t i)
{
    while (group[i] != i)
        i = group[i] = group[group[i]];
    return i;
}

static void find_groups(struct planner *p, const struct expr *const *planes, size_t n,
                        size_t *group)
{
    AUTO(mem) size_t *owner = mem_array(expr_count(p->exprs), sizeof *owner); /* plane + 1 */
    struct exprs stack = { 0 };

    for (size_t i = 0; i < n; i++) {
        group[i] = i;
        exprs_add(&stack, planes[i]);
        while (stack.n) {
            const struct expr *e = stack.list[--stack.n];
            size_t a, b;

            if (e->op == EXPR_LEAF || e->op == LANE_CONSTANT)
                continue;
            if (owner[e->id]) {
                a = leader(group, i);
                b = leader(group, owner[e->id] - 1);
                group[a > b ? a : b] = a < b ? a : b;
                continue;
            }
            owner[e->id] = i + 1;
            for (uint32_t k = 0; k < e->n_arguments; k++)
                exprs_add(&stack, e->arguments[k]);
        }
    }
    free(stack.list);
    for (size_t i = 0; i < n; i++)
        group[i] = leader(group, i);
}

/* Series that get a node of their own: elements, more than leaves and alike, of arrays that are not
 * folded. */
static bool is_series(struct planner *p, const struct expr *e)
{
    const struct program *program = NULL;

    if (lane_kind((enum lane_op)e->op) < LANE_KIND_ARRAY || e->n_arguments < SERIES)
        return false;
    for (uint32_t i = 0; i < e->n_arguments; i++) {
        struct compiled compiled;

        if (e->arguments[i]->op == EXPR_LEAF || e->arguments[i]->op == LANE_CONSTANT)
            return false;
        program_compile(p, &e->arguments[i], 1, NULL, 0, e->arguments[i]->wide, &compiled);
        if (compiled.n_leaves == 0 || (program && compiled.program != program))
            return false;
        program = compiled.program;
    }
    return true;
}

static void find_series(struct planner *p, const struct expr *const *planes, size_t n,
                        struct exprs *series)
{
    AUTO(mem) bool *seen = mem_array(expr_count(p->exprs), sizeof *seen);
    AUTO(mem) bool *taken = mem_array(expr_count(p->exprs), sizeof *taken);
    struct exprs stack = { 0 };

    for (size_t i = n; i-- > 0;)
        exprs_add(&stack, planes[i]);
    while (stack.n) {
        const struct expr *e = stack.list[--stack.n];
        bool found;

        if (seen[e->id] || e->op == EXPR_LEAF)
            continue;
        seen[e->id] = true;
        found = is_series(p, e);
        for (uint32_t k = 0; found && k < e->n_arguments; k++) {
            if (!taken[e->arguments[k]->id])
                exprs_add(series, e->arguments[k]);
            taken[e->arguments[k]->id] = true;
        }
        for (uint32_t k = e->n_arguments; !found && k-- > 0;)
            exprs_add(&stack, e->arguments[k]);
    }
    free(stack.list);
}

static const struct plan_node *lower_planes(struct planner *p, const struct cube_schema *schema,
                                            const char *id, const char *pointer,
                                            const struct expr *const *planes);

/* A cube schema for planes that are nobody's labels. */
static struct cube_schema series_schema(struct planner *p, const struct cube_schema *like,
                                        const struct exprs *series)
{
    struct cube_schema schema = { .grid = like->grid };
    struct dimension *d = arena_array(p->arena, 3, sizeof *d);
    struct label *labels = arena_array(p->arena, series->n, sizeof *labels);
    struct cell cell = series->list[0]->cell;

    for (size_t i = 0; i < series->n; i++) {
        labels[i] = (struct label){ .is_number = true, .number = (double)i };
        cell = cell_join(cell, series->list[i]->cell);
    }
    d[0] = (struct dimension){ "x", DIM_SPATIAL, 'x', (size_t)like->grid.width, NULL, NULL };
    d[1] = (struct dimension){ "y", DIM_SPATIAL, 'y', (size_t)like->grid.height, NULL, NULL };
    d[2] = (struct dimension){ "series", DIM_OTHER, 0, series->n, labels, NULL };
    schema.dimensions = d;
    schema.n_dimensions = 3;
    schema.pixel = cell.pixel;
    schema.nodata = cell.nodata;
    schema.has_nodata = cell.has_nodata;
    return schema;
}

/* Expressions that have planes of their own by now. */
struct moves {
    struct move {
        const struct expr *from, *to;
    } *list;
    size_t n, capacity;
};

static void moves_add(struct moves *moves, const struct expr *from, const struct expr *to)
{
    moves->list = mem_grow(moves->list, &moves->capacity, moves->n + 1, sizeof *moves->list);
    moves->list[moves->n++] = (struct move){ from, to };
}

/* Rebuilds planes over what was moved. The stack is ours because expressions may be deep. */
static void rebuild(struct planner *p, const struct moves *moves, const struct expr **planes,
                    size_t n)
{
    AUTO(mem) const struct expr **now = mem_array(expr_count(p->exprs), sizeof *now);
    struct exprs stack = { 0 };

    for (size_t i = 0; i < moves->n; i++)
        now[moves->list[i].from->id] = moves->list[i].to;
    for (size_t i = 0; i < n; i++) {
        exprs_add(&stack, planes[i]);
        while (stack.n) {
            const struct expr *e = stack.list[stack.n - 1];
            AUTO(mem) const struct expr **arguments = NULL;
            bool ready = true;

            for (uint32_t k = 0; !now[e->id] && k < e->n_arguments; k++) {
                if (now[e->arguments[k]->id])
                    continue;
                exprs_add(&stack, e->arguments[k]);
                ready = false;
            }
            if (!ready)
                continue;
            stack.n--;
            if (now[e->id])
                continue;
            arguments = mem_array(e->n_arguments, sizeof *arguments);
            for (uint32_t k = 0; k < e->n_arguments; k++)
                arguments[k] = now[e->arguments[k]->id];
            now[e->id] = expr_with(p->exprs, e, arguments);
        }
        planes[i] = now[planes[i]->id];
    }
    free(stack.list);
}

/* Moves those of one pixel type out of the list. */
static void take_alike(struct exprs *series, struct exprs *alike)
{
    size_t left = 0;
    struct cell cell = series->list[0]->cell;

    alike->n = 0;
    for (size_t i = 0; i < series->n; i++) {
        if (cell_equal(series->list[i]->cell, cell))
            exprs_add(alike, series->list[i]);
        else
            series->list[left++] = series->list[i];
    }
    series->n = left;
}

/* Gives series below `some` a node, one for each pixel type, and rebuilds `all` planes over it. */
static void split_series(struct planner *p, const struct cube_schema *schema, const char *id,
                         const char *pointer, const struct expr *const *some, size_t n_some,
                         const struct expr **all, size_t n_all)
{
    struct exprs series = { 0 }, alike = { 0 };
    struct moves moves = { 0 };

    find_series(p, some, n_some, &series);
    while (series.n) {
        struct source *source = arena_alloc(p->arena, sizeof *source);
        struct cube_schema its;

        take_alike(&series, &alike);
        its = series_schema(p, schema, &alike);
        source->node = (struct plan_node *)lower_planes(p, &its, id, pointer, alike.list);
        for (size_t i = 0; i < alike.n; i++)
            moves_add(&moves, alike.list[i],
                      expr_leaf(p->exprs, source, (uint32_t)i, alike.list[i]->cell,
                                alike.list[i]->wide));
    }
    if (moves.n)
        rebuild(p, &moves, all, n_all);
    free(series.list);
    free(alike.list);
    free(moves.list);
}

/* Applications for the planes of one group, members[] in ascending order. */
struct members {
    const struct expr **exprs;
    uint32_t *planes;
    size_t n;
};

static void gather(const size_t *group, const struct expr *const *planes, size_t n, size_t g,
                   struct members *ret)
{
    ret->n = 0;
    for (size_t i = g; i < n; i++) {
        if (group[i] != g)
            continue;
        ret->exprs[ret->n] = planes[i];
        ret->planes[ret->n++] = (uint32_t)i;
    }
}

static void apply_group(struct making *m, const struct members *g)
{
    struct compiled compiled;

    if (g->n == 1 && g->exprs[0]->op == EXPR_LEAF) {
        add_application(m, NULL, g->exprs, 1, g->planes, 1);
        return;
    }
    program_compile(m->p, g->exprs, g->n, NULL, 0, any_wide(g->exprs, g->n), &compiled);
    add_application(m, compiled.program, compiled.leaves, compiled.n_leaves, g->planes, g->n);
}

/* The planes that no stream can make. Returns how many. */
static size_t unstreamable(struct planner *p, const struct expr *const *planes, size_t n,
                           const struct expr **ret)
{
    AUTO(mem) size_t *group = mem_array(n, sizeof *group);
    AUTO(mem) const struct expr **exprs = mem_array(n, sizeof *exprs);
    AUTO(mem) uint32_t *numbers = mem_array(n, sizeof *numbers);
    struct members g = { exprs, numbers, 0 };
    size_t n_rest = 0;

    find_groups(p, planes, n, group);
    for (size_t i = 0; i < n; i++) {
        struct exprs folds = { 0 }, leaves = { 0 };
        const struct program *slice;

        if (group[i] != i)
            continue;
        gather(group, planes, n, i, &g);
        if (!can_stream(p, g.exprs, g.n, &folds, &leaves, &slice))
            for (size_t k = 0; k < g.n; k++)
                ret[n_rest++] = g.exprs[k];
        free(folds.list);
        free(leaves.list);
    }
    return n_rest;
}

static void make_applications(struct making *m, const struct expr *const *planes, size_t n)
{
    AUTO(mem) size_t *group = mem_array(n, sizeof *group);
    AUTO(mem) const struct expr **exprs = mem_array(n, sizeof *exprs);
    AUTO(mem) uint32_t *numbers = mem_array(n, sizeof *numbers);
    struct members g = { exprs, numbers, 0 };

    find_groups(m->p, planes, n, group);
    for (size_t i = 0; i < n; i++) {
        if (group[i] != i)
            continue;
        gather(group, planes, n, i, &g);
        if (!try_streaming(m, g.exprs, g.planes, g.n))
            apply_group(m, &g);
    }
}

/* The planes of a node that is there already, in its order and on its grid: that node. */
static const struct plan_node *existing(const struct cube_schema *schema,
                                        const struct expr *const *planes, size_t n)
{
    const struct plan_node *node;

    if (n == 0 || planes[0]->op != EXPR_LEAF || !planes[0]->source)
        return NULL;
    node = planes[0]->source->node;
    if (cube_planes(&node->schema) != n || !grid_equal(&node->schema.grid, &schema->grid) ||
        node->schema.pixel != schema->pixel)
        return NULL;
    for (size_t i = 0; i < n; i++)
        if (planes[i]->op != EXPR_LEAF || planes[i]->source != planes[0]->source ||
            planes[i]->plane != i)
            return NULL;
    return node;
}

static void finish_node(struct making *m, struct plan_node *made)
{
    struct arena *arena = m->p->arena;
    const struct plan_node **inputs = arena_array(arena, m->n_inputs, sizeof *inputs);
    struct shift *shifts = arena_array(arena, m->n_inputs, sizeof *shifts);
    struct application *list = arena_array(arena, m->n_applications, sizeof *list);
    bool shifted = false;

    for (size_t i = 0; i < m->n_inputs; i++) {
        inputs[i] = m->inputs[i];
        shifts[i] = m->shifts[i];
        shifted |= shifts[i].x || shifts[i].y;
    }
    for (size_t i = 0; i < m->n_applications; i++)
        list[i] = m->applications[i];
    made->n_inputs = m->n_inputs;
    made->inputs = inputs;
    made->shifts = shifted ? shifts : NULL;
    made->n_applications = m->n_applications;
    made->applications = list;
    free(m->inputs);
    free(m->shifts);
    free(m->applications);
}

static const struct plan_node *lower_planes(struct planner *p, const struct cube_schema *schema,
                                            const char *id, const char *pointer,
                                            const struct expr *const *wanted)
{
    size_t n = cube_planes(schema), n_rest;
    AUTO(mem) const struct expr **planes = mem_array(n, sizeof *planes);
    AUTO(mem) const struct expr **rest = mem_array(n, sizeof *rest);
    struct making m = { .p = p, .grid = &schema->grid };
    const struct plan_node *there;
    struct plan_node *made;

    for (size_t i = 0; i < n; i++)
        planes[i] = wanted[i];
    n_rest = unstreamable(p, planes, n, rest);
    split_series(p, schema, id, pointer, rest, n_rest, planes, n);
    there = existing(schema, planes, n);
    if (there)
        return there;
    make_applications(&m, planes, n);
    made = planner_node(p, PLAN_APPLY, id, pointer, schema); /* after its inputs */
    finish_node(&m, made);
    return made;
}

const struct plan_node *lower_cube(struct planner *p, const struct cube *cube)
{
    return lower_planes(p, &cube->schema, cube->id, cube->pointer, cube->planes);
}

/* Cubes of one grid: the series of all of them get one node; then each cube is lowered over those
 * before it, the simpler ones first, so that an index of a composite is made from the composite. */
struct batch {
    size_t n;
    const struct cube **cubes;
    const struct plan_node ***nodes; /* where each answer goes */
};

static uint32_t last_id(const struct cube *cube)
{
    uint32_t last = 0;

    for (size_t i = 0; i < cube_planes(&cube->schema); i++)
        last = cube->planes[i]->id > last ? cube->planes[i]->id : last;
    return last;
}

static void simplest_first(struct batch *b)
{
    for (size_t i = 1; i < b->n; i++) {
        for (size_t k = i; k > 0 && last_id(b->cubes[k]) < last_id(b->cubes[k - 1]); k--) {
            const struct cube *cube = b->cubes[k];
            const struct plan_node **node = b->nodes[k];

            b->cubes[k] = b->cubes[k - 1];
            b->nodes[k] = b->nodes[k - 1];
            b->cubes[k - 1] = cube;
            b->nodes[k - 1] = node;
        }
    }
}

static void note_planes(struct planner *p, const struct cube *cube, const struct plan_node *node,
                        const struct expr *const *planes, struct moves *moves)
{
    struct source *source = arena_alloc(p->arena, sizeof *source);
    const struct cube_schema *s = &node->schema;

    source->node = (struct plan_node *)node;
    for (size_t i = 0; i < cube_planes(&cube->schema); i++)
        if (planes[i]->op != EXPR_LEAF && planes[i]->op != LANE_CONSTANT)
            moves_add(moves, planes[i],
                      expr_leaf(p->exprs, source, (uint32_t)i,
                                (struct cell){ s->pixel, s->has_nodata, s->nodata },
                                planes[i]->wide));
}

static void lower_batch(struct planner *p, struct batch *b)
{
    struct exprs all = { 0 };
    struct moves moves = { 0 };
    AUTO(mem) const struct expr **rest = NULL;
    size_t first = 0, n_rest = 0;

    simplest_first(b);
    for (size_t i = 0; i < b->n; i++)
        for (size_t k = 0; k < cube_planes(&b->cubes[i]->schema); k++)
            exprs_add(&all, b->cubes[i]->planes[k]);
    rest = mem_array(all.n, sizeof *rest);
    for (size_t i = 0; i < b->n; i++)
        n_rest += unstreamable(p, b->cubes[i]->planes, cube_planes(&b->cubes[i]->schema),
                               rest + n_rest);
    split_series(p, &b->cubes[0]->schema, b->cubes[0]->id, b->cubes[0]->pointer, rest, n_rest,
                 all.list, all.n);
    for (size_t i = 0; i < b->n; i++) {
        const struct cube *cube = b->cubes[i];
        size_t n = cube_planes(&cube->schema);

        rebuild(p, &moves, all.list + first, n);
        *b->nodes[i] = lower_planes(p, &cube->schema, cube->id, cube->pointer, all.list + first);
        note_planes(p, cube, *b->nodes[i], all.list + first, &moves);
        first += n;
    }
    free(all.list);
    free(moves.list);
}

void lower_cubes(struct planner *p, size_t n, const struct cube *const *cubes,
                 const struct plan_node **ret_nodes)
{
    AUTO(mem) bool *done = mem_array(n, sizeof *done);
    AUTO(mem) const struct cube **list = mem_array(n, sizeof *list);
    AUTO(mem) const struct plan_node ***nodes = mem_array(n, sizeof *nodes);

    for (size_t i = 0; i < n; i++) {
        struct batch b = { 0, list, nodes };

        for (size_t k = i; k < n; k++) {
            if (done[k] || !grid_equal(&cubes[i]->schema.grid, &cubes[k]->schema.grid))
                continue;
            done[k] = true;
            list[b.n] = cubes[k];
            nodes[b.n++] = &ret_nodes[k];
        }
        if (b.n)
            lower_batch(p, &b);
    }
}
