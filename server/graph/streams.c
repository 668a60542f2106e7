/* What reduces a series by folds becomes the streaming form: one slice after the other, the series never held. All slices
 * must be made by one program. */
#include "graph/lower.h"
#include <string.h>

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

static bool find_stream(struct planner *p, const struct expr *const *outputs, size_t n,
                        struct exprs *folds, struct exprs *leaves, const struct program **ret_slice)
{
    *ret_slice = find_folds(p, outputs, n, folds)
                     ? compile_slices(p, folds, expr_any_wide(outputs, n), leaves)
                     : NULL;
    return *ret_slice != NULL;
}

bool can_stream(struct planner *p, const struct expr *const *outputs, size_t n)
{
    struct exprs folds = { 0 }, leaves = { 0 };
    const struct program *slice;
    bool ok = find_stream(p, outputs, n, &folds, &leaves, &slice);

    free(folds.list);
    free(leaves.list);
    return ok;
}

bool try_streaming(struct making *m, const struct expr *const *outputs, const uint32_t *planes, size_t n)
{
    struct planner *p = m->p;
    struct exprs folds = { 0 }, leaves = { 0 };
    struct program program = { .wide = expr_any_wide(outputs, n), .n_outputs = (uint16_t)n };
    struct compiled last;
    bool ok = find_stream(p, outputs, n, &folds, &leaves, &program.slice);

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
        making_add(m, program_share(p, &program), leaves.list, leaves.n, planes, n);
    }
    free(folds.list);
    free(leaves.list);
    return ok;
}
