/* Every plane of a node is a value: what makes it, where it lies, and how often it is wanted are found
 * before the first step is made. */
#include "raster/maker.h"

struct value *value_at(struct maker *m, const struct plan_node *node, size_t plane)
{
    return &m->values[m->first[node->index] + plane];
}

bool place(struct maker *m, const struct plan_node *node, int64_t x, int64_t y)
{
    if (m->placed[node->index]) {
        if (m->shift_x[node->index] != x || m->shift_y[node->index] != y)
            return err_set(m->err, ERR_Internal, "Node '%s' is wanted at two places of one grid.",
                           node->id);
        return true;
    }
    m->placed[node->index] = true;
    m->shift_x[node->index] = x;
    m->shift_y[node->index] = y;
    if (is_around(node) || node->op == PLAN_ZONES)
        return true; /* what is below has places of its own */
    for (size_t i = 0; i < node->n_inputs; i++)
        if (!place(m, node->inputs[i], x + (node->shifts ? node->shifts[i].x : 0),
                   y + (node->shifts ? node->shifts[i].y : 0)))
            return false;
    return true;
}

/* True when, within the group's grid, the node reaches as far as its input does: then a plane that
 * passes needs no cutting. */
static bool reaches(const struct maker *m, const struct plan_node *node,
                    const struct plan_node *input)
{
    const struct grid *all = &m->schedule->grid, *a = &node->schema.grid, *b = &input->schema.grid;
    int64_t ax = -m->shift_x[node->index], ay = -m->shift_y[node->index];
    int64_t bx = -m->shift_x[input->index], by = -m->shift_y[input->index];
    int64_t left = bx > 0 ? bx : 0, top = by > 0 ? by : 0;
    int64_t right = bx + b->width < all->width ? bx + b->width : all->width;
    int64_t bottom = by + b->height < all->height ? by + b->height : all->height;

    return left >= right || top >= bottom ||
           (ax <= left && ay <= top && ax + a->width >= right && ay + a->height >= bottom);
}

bool passes(const struct maker *m, const struct plan_node *node,
                   const struct plan_node *input)
{
    struct pixel_kind a = pixel_kind_of(&node->schema), b = pixel_kind_of(&input->schema);

    return (pixel_kind_equal(&a, &b) || (a.pixel == b.pixel && !b.has_nodata)) &&
           reaches(m, node, input);
}

size_t outputs_of(const struct application *application)
{
    return application->program ? application->program->n_outputs : 1;
}

size_t arguments_of(const struct application *application)
{
    const struct program *p = application->program;

    return !p ? 1 : p->n_folds > 0 ? p->n_slices * p->slice->n_inputs : p->n_inputs;
}

static bool index_node(struct maker *m, const struct plan_node *node)
{
    for (size_t a = 0; a < node->n_applications; a++) {
        const struct application *application = &node->applications[a];

        for (size_t k = 0; k < outputs_of(application); k++) {
            struct value *value;

            if (application->planes[k] >= cube_planes(&node->schema))
                return err_set(m->err, ERR_Internal, "Node '%s' makes a plane that it lacks.",
                               node->id);
            value = value_at(m, node, application->planes[k]);
            value->application = (uint32_t)a;
            value->output = (uint32_t)k;
        }
    }
    return true;
}

static void index_values(struct maker *m)
{
    size_t total = 0;

    m->first = arena_array(m->arena, m->plan->n_nodes, sizeof *m->first);
    for (size_t i = 0; i < m->plan->n_nodes; i++) {
        m->first[i] = (uint32_t)total;
        total += cube_planes(&m->plan->nodes[i]->schema);
    }
    m->values = mem_array(total, sizeof *m->values);
    for (size_t i = 0; i < total; i++)
        m->values[i] = (struct value){ .slot = NO_SLOT, .application = UINT32_MAX };
}

bool index_nodes(struct maker *m)
{
    index_values(m);
    for (size_t i = 0; i < m->plan->n_nodes; i++)
        if (m->plan->nodes[i]->op == PLAN_APPLY && !index_node(m, m->plan->nodes[i]))
            return false;
    return true;
}

static void count_argument(struct maker *m, const struct plan_node *node,
                           const struct plane_ref *ref)
{
    if (ref->plane >= 0)
        count_value(m, node->inputs[ref->input], (size_t)ref->plane);
}

/* The outputs of one application are made together: its arguments are counted once. */
static bool first_visit(struct maker *m, const struct plan_node *node,
                        const struct application *application)
{
    bool first = true;

    for (size_t k = 0; k < outputs_of(application); k++) {
        struct value *value = value_at(m, node, application->planes[k]);

        first = first && !value->counted;
        value->counted = true;
    }
    return first;
}

void count_value(struct maker *m, const struct plan_node *node, size_t plane)
{
    struct value *value = value_at(m, node, plane);
    const struct application *application;

    value->uses++;
    if (node->op != PLAN_APPLY || value->application == UINT32_MAX)
        return;
    application = &node->applications[value->application];
    if (!first_visit(m, node, application))
        return;
    for (size_t i = 0; i < arguments_of(application); i++)
        count_argument(m, node, &application->arguments[i]);
}
