/* Small plans by hand, for tests of the engine without graph/. All of a plan is in its arena. */
#ifndef TESTS_RASTER_PLANS_H
#define TESTS_RASTER_PLANS_H

#include "raster/engine.h"
#include <math.h>
#include <string.h>

struct plan_maker {
    struct plan plan;
    struct plan_node **nodes;
    const struct plan_node **saves;
    struct arena *arena;
};

static inline void maker_init(struct plan_maker *m)
{
    memset(m, 0, sizeof *m);
    m->arena = arena_new();
    m->nodes = arena_array(m->arena, 64, sizeof *m->nodes);
    m->saves = arena_array(m->arena, 16, sizeof *m->saves);
}

static inline const struct plan *maker_plan(struct plan_maker *m)
{
    m->plan.nodes = (const struct plan_node *const *)m->nodes;
    m->plan.saves = m->saves;
    m->plan.arena = m->arena;
    return &m->plan;
}

/* x, y, then t and bands where their count is not 0. */
static inline struct cube_schema maker_schema(struct plan_maker *m, struct grid grid, size_t n_t,
                                              size_t n_bands, const char *const *bands,
                                              enum pixel pixel, double nodata)
{
    struct dimension *d = arena_array(m->arena, 4, sizeof *d);
    struct label *t = arena_array(m->arena, n_t + 1, sizeof *t);
    struct label *b = arena_array(m->arena, n_bands + 1, sizeof *b);
    size_t n = 2;

    d[0] = (struct dimension){ .name = "x", .axis = 'x', .count = (size_t)grid.width };
    d[1] = (struct dimension){ .name = "y", .axis = 'y', .count = (size_t)grid.height };
    for (size_t i = 0; i < n_t; i++) {
        t[i].text = arena_printf(m->arena, "2023-08-%02zuT10:02:01Z", i + 1);
        t[i].instant_ms = 1690884121000 + (int64_t)i * 86400000;
    }
    for (size_t i = 0; i < n_bands; i++)
        b[i].text = bands ? bands[i] : arena_printf(m->arena, "B%zu", i + 1);
    if (n_t)
        d[n++] = (struct dimension){ .name = "t", .type = DIM_TEMPORAL, .count = n_t, .labels = t };
    if (n_bands)
        d[n++] = (struct dimension){ .name = "bands", .type = DIM_BANDS, .count = n_bands,
                                     .labels = b };
    return (struct cube_schema){ .n_dimensions = n, .dimensions = d, .grid = grid, .pixel = pixel,
                                 .nodata = nodata, .has_nodata = true };
}

static inline struct plan_node *maker_node(struct plan_maker *m, enum plan_op op,
                                           struct cube_schema schema,
                                           const struct plan_node *input,
                                           const struct plan_node *second)
{
    struct plan_node *node = arena_alloc(m->arena, sizeof *node);
    const struct plan_node **inputs = arena_array(m->arena, 2, sizeof *inputs);

    inputs[0] = input;
    inputs[1] = second;
    node->index = m->plan.n_nodes;
    node->id = arena_printf(m->arena, "node%zu", node->index);
    node->pointer = arena_printf(m->arena, "/process_graph/node%zu", node->index);
    node->op = op;
    node->schema = schema;
    node->inputs = inputs;
    node->n_inputs = (size_t)(input != NULL) + (second != NULL);
    m->nodes[m->plan.n_nodes++] = node;
    return node;
}

/* One file, band 1, for each plane. */
static inline struct plan_node *maker_load(struct plan_maker *m, struct cube_schema schema,
                                           size_t n, const char *const *paths, enum pixel pixel,
                                           double nodata)
{
    struct plan_node *node = maker_node(m, PLAN_LOAD, schema, NULL, NULL);
    struct load_plane *load = arena_array(m->arena, n, sizeof *load);

    for (size_t i = 0; i < n; i++) {
        struct scene_band *band = arena_alloc(m->arena, sizeof *band);
        const struct scene_band **layers = arena_array(m->arena, 1, sizeof *layers);

        *band = (struct scene_band){ .name = "band", .href = arena_text(m->arena, paths[i]),
                                     .index = 1, .pixel = pixel, .nodata = nodata,
                                     .has_nodata = true };
        layers[0] = band;
        load[i] = (struct load_plane){ 1, layers, .measured = true };
    }
    node->load = load;
    return node;
}

static inline struct plan_node *maker_save(struct plan_maker *m, const struct plan_node *input,
                                           const char *name, const char *format)
{
    struct plan_node *node = maker_node(m, PLAN_SAVE, input->schema, input, NULL);

    node->id = name;
    node->save = (struct save_args){ .name = name, .format = format,
                                     .primary = m->plan.n_saves == 0 };
    m->saves[m->plan.n_saves++] = node;
    return node;
}

/* An apply node with room for n applications. */
static inline struct plan_node *maker_apply(struct plan_maker *m, struct cube_schema schema,
                                            const struct plan_node *input,
                                            const struct plan_node *second, size_t n)
{
    struct plan_node *node = maker_node(m, PLAN_APPLY, schema, input, second);

    node->applications = arena_array(m->arena, n, sizeof *node->applications);
    node->n_applications = n;
    return node;
}

static inline void maker_application(struct plan_maker *m, struct plan_node *node, size_t number,
                                     const struct program *program, size_t n_arguments,
                                     const struct plane_ref *arguments, size_t n_planes,
                                     const uint32_t *planes)
{
    struct plane_ref *refs = arena_array(m->arena, n_arguments, sizeof *refs);
    uint32_t *made = arena_array(m->arena, n_planes, sizeof *made);

    memcpy(refs, arguments, n_arguments * sizeof *refs);
    memcpy(made, planes, n_planes * sizeof *made);
    ((struct application *)node->applications)[number] =
        (struct application){ program, refs, made };
}

#endif
