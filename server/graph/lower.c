/* Expressions to nodes. Planes that share work are made by one application; planes that are made alike share one program. */
#include "graph/lower.h"
#include <stdio.h>
#include <string.h>

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

void making_add(struct making *m, const struct program *program, const struct expr *const *leaves, size_t n_leaves,
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

void exprs_add(struct exprs *exprs, const struct expr *e)
{
    exprs->list = mem_grow(exprs->list, &exprs->capacity, exprs->n + 1, sizeof *exprs->list);
    exprs->list[exprs->n++] = e;
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
        making_add(m, NULL, g->exprs, 1, g->planes, 1);
        return;
    }
    program_compile(m->p, g->exprs, g->n, NULL, 0, expr_any_wide(g->exprs, g->n), &compiled);
    making_add(m, compiled.program, compiled.leaves, compiled.n_leaves, g->planes, g->n);
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
        if (group[i] != i)
            continue;
        gather(group, planes, n, i, &g);
        if (!can_stream(p, g.exprs, g.n))
            for (size_t k = 0; k < g.n; k++)
                ret[n_rest++] = g.exprs[k];
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

const struct plan_node *lower_planes(struct planner *p, const struct cube_schema *schema, const char *id, const char *pointer,
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

        moves_apply(p, &moves, all.list + first, n);
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
