/* Expressions made again over other leaves. The part of the table that one expression reaches is
 * listed once, operands first, so that filling costs as much as the expression is large. */
#include "graph/planner.h"
#include <string.h>

struct template {
    size_t n, capacity;
    struct line {
        const struct expr *e;
        size_t *arguments; /* lines */
    } *lines;
};

static void add_line(struct template *t, const struct expr *e, const size_t *at)
{
    struct line line = { e, mem_array(e->n_arguments, sizeof *line.arguments) };

    for (uint32_t k = 0; k < e->n_arguments; k++)
        line.arguments[k] = at[e->arguments[k]->id] - 1;
    t->lines = mem_grow(t->lines, &t->capacity, t->n + 1, sizeof *t->lines);
    t->lines[t->n++] = line;
}

/* The stack is ours because expressions may be deep. */
struct template *template_new(struct planner *p, const struct expr *root)
{
    struct template *t = MEM_NEW(struct template);
    AUTO(mem) size_t *at = mem_array(expr_count(p->exprs), sizeof *at); /* line + 1 */
    AUTO(mem) const struct expr **stack = NULL;
    size_t n = 0, capacity = 0;

    stack = mem_grow(stack, &capacity, 1, sizeof *stack);
    stack[n++] = root;
    while (n) {
        const struct expr *e = stack[n - 1];
        size_t before = n;

        stack = mem_grow(stack, &capacity, n + e->n_arguments, sizeof *stack);
        for (uint32_t k = 0; !at[e->id] && k < e->n_arguments; k++)
            if (!at[e->arguments[k]->id])
                stack[n++] = e->arguments[k];
        if (n > before)
            continue;
        n--;
        if (at[e->id])
            continue;
        add_line(t, e, at);
        at[e->id] = t->n;
    }
    return t;
}

const struct expr *template_fill(struct planner *p, const struct template *t,
                                 const struct source *source, const struct expr *const *planes)
{
    AUTO(mem) const struct expr **now = mem_array(t->n, sizeof *now);
    AUTO(mem) const struct expr **arguments = NULL;
    size_t capacity = 0;

    for (size_t i = 0; i < t->n; i++) {
        const struct expr *e = t->lines[i].e;

        if (e->op == EXPR_LEAF) {
            now[i] = e->source == source && planes[e->plane] ? planes[e->plane] : e;
            continue;
        }
        arguments = mem_grow(arguments, &capacity, e->n_arguments + 1, sizeof *arguments);
        for (uint32_t k = 0; k < e->n_arguments; k++)
            arguments[k] = now[t->lines[i].arguments[k]];
        now[i] = expr_with(p->exprs, e, arguments);
    }
    return now[t->n - 1];
}

size_t template_lines(const struct template *t)
{
    return t->n;
}

const struct expr *template_line(const struct template *t, size_t i)
{
    return t->lines[i].e;
}

size_t template_argument(const struct template *t, size_t i, size_t k)
{
    return t->lines[i].arguments[k];
}

void template_free(struct template *t)
{
    if (!t)
        return;
    for (size_t i = 0; i < t->n; i++)
        free(t->lines[i].arguments);
    free(t->lines);
    free(t);
}
