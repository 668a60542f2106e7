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
    struct plan_node *node;
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
static bool fold_of(const struct expr *e, enum fold_op *ret)
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

static bool try_streaming(struct making *m, const struct expr *const *outputs,
                          const uint32_t *planes, size_t n)
{
    struct planner *p = m->p;
    struct exprs folds = { 0 }, leaves = { 0 };
    struct program program = { .wide = any_wide(outputs, n), .n_outputs = (uint16_t)n };
    struct compiled last;
    bool ok = find_folds(p, outputs, n, &folds);

    program.slice = ok ? compile_slices(p, &folds, program.wide, &leaves) : NULL;
    if (program.slice) {
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
    return program.slice != NULL;
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

/* Rebuilds the planes over the series' node. */
static void replace(struct planner *p, const struct exprs *series, const struct source *source,
                    const struct expr **planes, size_t n)
{
    size_t n_old = expr_count(p->exprs);
    AUTO(mem) const struct expr **now = mem_array(n_old, sizeof *now);
    struct exprs stack = { 0 };

    for (size_t i = 0; i < series->n; i++)
        now[series->list[i]->id] =
            expr_leaf(p->exprs, source, (uint32_t)i, series->list[i]->cell, series->list[i]->wide);
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

static void split_series(struct making *m, const struct expr **planes, size_t n)
{
    struct planner *p = m->p;
    struct exprs series = { 0 };
    struct cube_schema schema;
    struct source *source;

    find_series(p, planes, n, &series);
    if (series.n) {
        schema = series_schema(p, &m->node->schema, &series);
        source = arena_alloc(p->arena, sizeof *source);
        source->node = (struct plan_node *)lower_planes(p, &schema, m->node->id, m->node->pointer,
                                                        series.list);
        replace(p, &series, source, planes, n);
    }
    free(series.list);
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

/* Streams what can be streamed; the rest is split at its series, grouped again and compiled. */
static void make_applications(struct making *m, const struct expr *const *planes, size_t n)
{
    struct planner *p = m->p;
    AUTO(mem) const struct expr **rest = mem_array(n, sizeof *rest);
    AUTO(mem) uint32_t *rest_planes = mem_array(n, sizeof *rest_planes);
    AUTO(mem) size_t *group = mem_array(n, sizeof *group);
    AUTO(mem) const struct expr **member_exprs = mem_array(n, sizeof *member_exprs);
    AUTO(mem) uint32_t *member_planes = mem_array(n, sizeof *member_planes);
    struct members g = { member_exprs, member_planes, 0 };
    size_t n_rest = 0;

    find_groups(p, planes, n, group);
    for (size_t i = 0; i < n; i++) {
        if (group[i] != i)
            continue;
        gather(group, planes, n, i, &g);
        if (try_streaming(m, g.exprs, g.planes, g.n))
            continue;
        for (size_t k = 0; k < g.n; k++) {
            rest[n_rest] = g.exprs[k];
            rest_planes[n_rest++] = g.planes[k];
        }
    }
    split_series(m, rest, n_rest);
    find_groups(p, rest, n_rest, group);
    for (size_t i = 0; i < n_rest; i++) {
        if (group[i] != i)
            continue;
        gather(group, rest, n_rest, i, &g);
        for (size_t k = 0; k < g.n; k++)
            g.planes[k] = rest_planes[g.planes[k]];
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

static const struct plan_node *lower_planes(struct planner *p, const struct cube_schema *schema,
                                            const char *id, const char *pointer,
                                            const struct expr *const *planes)
{
    size_t n = cube_planes(schema);
    const struct plan_node *there = existing(schema, planes, n);
    struct plan_node node = { .id = id, .pointer = pointer, .schema = *schema };
    struct making m = { .p = p, .node = &node, .grid = &schema->grid };
    struct plan_node *made;
    bool shifted = false;

    if (there)
        return there;
    make_applications(&m, planes, n);
    made = planner_node(p, PLAN_APPLY, id, pointer, schema); /* after its inputs */
    made->n_inputs = m.n_inputs;
    made->n_applications = m.n_applications;
    for (size_t i = 0; i < m.n_inputs; i++)
        shifted |= m.shifts[i].x || m.shifts[i].y;
    {
        const struct plan_node **inputs = arena_array(p->arena, m.n_inputs, sizeof *inputs);
        struct shift *shifts = arena_array(p->arena, m.n_inputs, sizeof *shifts);
        struct application *list = arena_array(p->arena, m.n_applications, sizeof *list);

        if (m.n_inputs) {
            memcpy(inputs, m.inputs, m.n_inputs * sizeof *inputs);
            memcpy(shifts, m.shifts, m.n_inputs * sizeof *shifts);
        }
        if (m.n_applications)
            memcpy(list, m.applications, m.n_applications * sizeof *list);
        made->inputs = inputs;
        made->shifts = shifted ? shifts : NULL;
        made->applications = list;
    }
    free(m.inputs);
    free(m.shifts);
    free(m.applications);
    return made;
}

/* Cubes that were lowered: two sinks of one cube share its node. */
struct lowered {
    struct lowered *next;
    const struct cube *cube;
    const struct plan_node *node;
};

static bool same_cube(const struct cube *a, const struct cube *b)
{
    if (a->planes != b->planes || !grid_equal(&a->schema.grid, &b->schema.grid) ||
        a->schema.pixel != b->schema.pixel || a->schema.n_dimensions != b->schema.n_dimensions)
        return false;
    for (size_t i = 0; i < a->schema.n_dimensions; i++) {
        const struct dimension *x = &a->schema.dimensions[i], *y = &b->schema.dimensions[i];

        if (strcmp(x->name, y->name) || x->count != y->count || x->labels != y->labels)
            return false;
    }
    return true;
}

const struct plan_node *lower_cube(struct planner *p, const struct cube *cube)
{
    struct lowered *entry;

    for (entry = p->lowered; entry; entry = entry->next)
        if (same_cube(entry->cube, cube))
            return entry->node;
    entry = arena_alloc(p->arena, sizeof *entry);
    entry->cube = cube;
    entry->node = lower_planes(p, &cube->schema, cube->id, cube->pointer, cube->planes);
    entry->next = p->lowered;
    p->lowered = entry;
    return entry->node;
}
