/* Expressions to straight-line code. Instructions come out in post-order, so operands are ready; a
 * register is free after the last use of its value. Array operators want their elements side by
 * side: an element that is computed for one array is computed into its place there, others are
 * copied. Registers of inputs are never written, so that they may be the blocks themselves. */
#include "graph/planner.h"
#include <stdint.h>
#include <string.h>

enum { MAX_REGISTERS = 60000, NOWHERE = UINT32_MAX };

struct compiler {
    struct planner *p;
    const struct expr **order; /* all that is computed, operands first */
    size_t n_order, order_capacity;
    const struct expr **leaves;
    size_t n_leaves, leaf_capacity;
    struct slot {
        uint32_t place;        /* register, once there is one */
        uint32_t uses;         /* operands to come, and outputs */
        uint32_t home, index;  /* the array (index in order) whose element it is born as */
        uint32_t block;        /* arrays: first register of their elements */
        uint8_t seen;
    } *slots;                  /* by position: leaves first, see `at` */
    uint32_t *at;              /* expression id -> slot + 1; shared scratch of the planner's size */
    size_t n_slots, slot_capacity;
    uint8_t *used;             /* registers */
    size_t n_used, n_registers;
    struct instruction *code;
    size_t n_code, code_capacity;
    double *constants;
    size_t n_constants, constant_capacity;
};

static struct slot *slot_of(struct compiler *c, const struct expr *e)
{
    if (!c->at[e->id]) {
        c->slots = mem_grow(c->slots, &c->slot_capacity, c->n_slots + 1, sizeof *c->slots);
        c->slots[c->n_slots] = (struct slot){ .place = NOWHERE, .home = NOWHERE, .block = NOWHERE };
        c->at[e->id] = (uint32_t)++c->n_slots;
    }
    return &c->slots[c->at[e->id] - 1];
}

static void add_leaf(struct compiler *c, const struct expr *e)
{
    c->leaves = mem_grow(c->leaves, &c->leaf_capacity, c->n_leaves + 1, sizeof *c->leaves);
    slot_of(c, e)->place = (uint32_t)c->n_leaves;
    c->leaves[c->n_leaves++] = e;
}

static void add_order(struct compiler *c, const struct expr *e)
{
    c->order = mem_grow(c->order, &c->order_capacity, c->n_order + 1, sizeof *c->order);
    c->order[c->n_order++] = e;
}

/* Post-order with a stack of our own: expressions may be as deep as graphs are long. */
static void visit(struct compiler *c, const struct expr *root)
{
    struct step {
        const struct expr *e;
        uint32_t next;
    } *stack = NULL;
    size_t n = 0, capacity = 0;

    stack = mem_grow(stack, &capacity, 1, sizeof *stack);
    stack[n++] = (struct step){ root, 0 };
    while (n) {
        struct step *top = &stack[n - 1];
        const struct expr *e = top->e;

        if (top->next == 0 && slot_of(c, e)->seen) {
            n--;
            continue;
        }
        if (e->op == EXPR_LEAF) {
            slot_of(c, e)->seen = 1;
            add_leaf(c, e);
            n--;
            continue;
        }
        if (top->next == e->n_arguments) {
            slot_of(c, e)->seen = 1;
            add_order(c, e);
            n--;
            continue;
        }
        e = e->arguments[top->next++];
        stack = mem_grow(stack, &capacity, n + 1, sizeof *stack);
        stack[n++] = (struct step){ e, 0 };
    }
    free(stack);
}

/* Elements that need no copy: they are side by side already. */
static bool side_by_side(struct compiler *c, const struct expr *e)
{
    uint32_t first = slot_of(c, e->arguments[0])->place;

    if (first == NOWHERE)
        return false;
    for (uint32_t i = 1; i < e->n_arguments; i++)
        if (slot_of(c, e->arguments[i])->place != first + i)
            return false;
    return true;
}

static bool is_array(const struct expr *e)
{
    return lane_kind((enum lane_op)e->op) >= LANE_KIND_ARRAY;
}

static void count_uses(struct compiler *c, const struct expr *const *outputs, size_t n_outputs)
{
    for (size_t i = 0; i < n_outputs; i++)
        slot_of(c, outputs[i])->uses++;
    for (size_t i = 0; i < c->n_order; i++) {
        const struct expr *e = c->order[i];

        for (uint32_t k = 0; k < e->n_arguments; k++)
            slot_of(c, e->arguments[k])->uses++;
        if (!is_array(e) || side_by_side(c, e))
            continue;
        for (uint32_t k = 0; k < e->n_arguments; k++) {
            struct slot *s = slot_of(c, e->arguments[k]);

            if (s->place == NOWHERE && s->home == NOWHERE) {
                s->home = (uint32_t)i;
                s->index = k;
            }
        }
    }
}

static uint32_t take_registers(struct compiler *c, size_t n)
{
    size_t run = 0, i = c->n_leaves;

    for (; i < MAX_REGISTERS && run < n; i++) {
        c->used = mem_grow(c->used, &c->n_used, i + 1, 1);
        run = c->used[i] ? 0 : run + 1;
    }
    if (run < n) {
        c->p->too_large = true;
        return 0;
    }
    memset(c->used + i - n, 1, n);
    if (i > c->n_registers)
        c->n_registers = i;
    return (uint32_t)(i - n);
}

static void drop_use(struct compiler *c, const struct expr *e)
{
    struct slot *s = slot_of(c, e);

    if (--s->uses == 0 && s->place >= c->n_leaves)
        memset(c->used + s->place, 0, e->n_outputs ? e->n_outputs : 1);
}

static void emit(struct compiler *c, struct instruction instruction)
{
    c->code = mem_grow(c->code, &c->code_capacity, c->n_code + 1, sizeof *c->code);
    c->code[c->n_code++] = instruction;
}

static uint32_t block_of(struct compiler *c, const struct expr *array)
{
    struct slot *s = slot_of(c, array);

    if (s->block == NOWHERE)
        s->block = take_registers(c, array->n_arguments);
    return s->block;
}

/* Where the value of e is to be made. */
static uint32_t destination(struct compiler *c, const struct expr *e)
{
    struct slot *s = slot_of(c, e);
    uint32_t place;

    if (s->home == NOWHERE)
        place = take_registers(c, e->n_outputs ? e->n_outputs : 1);
    else
        place = block_of(c, c->order[s->home]) + s->index;
    slot_of(c, e)->place = place;
    return place;
}

static uint32_t constants_index(struct compiler *c, const double *numbers, size_t n)
{
    c->constants = mem_grow(c->constants, &c->constant_capacity, c->n_constants + n,
                            sizeof *c->constants);
    for (size_t i = 0; i < n; i++)
        c->constants[c->n_constants + i] = numbers[i];
    c->n_constants += n;
    return (uint32_t)(c->n_constants - n);
}

static void emit_array(struct compiler *c, const struct expr *e)
{
    bool in_place = side_by_side(c, e) && slot_of(c, e)->block == NOWHERE;
    uint32_t first = in_place ? slot_of(c, e->arguments[0])->place : block_of(c, e), dst;

    for (uint32_t i = 0; !in_place && i < e->n_arguments; i++) {
        uint32_t from = slot_of(c, e->arguments[i])->place;

        if (from != first + i)
            emit(c, (struct instruction){ .op = LANE_COPY, .dst = (uint16_t)(first + i),
                                          .a = (uint16_t)from });
    }
    dst = destination(c, e);
    emit(c, (struct instruction){ .op = e->op, .dst = (uint16_t)dst, .a = (uint16_t)first,
                                  .b = e->keep_nodata, .c = (uint16_t)e->n_outputs,
                                  .length = (uint16_t)e->n_arguments,
                                  .constant = constants_index(c, e->numbers, e->n_numbers) });
    for (uint32_t i = 0; !in_place && i < e->n_arguments; i++)
        if (slot_of(c, e->arguments[i])->place != first + i)
            c->used[first + i] = 0; /* the copies */
}

static void emit_expr(struct compiler *c, const struct expr *e)
{
    struct instruction instruction = { .op = e->op };
    uint16_t *operands[] = { &instruction.a, &instruction.b, &instruction.c };

    if (is_array(e)) {
        emit_array(c, e);
    } else {
        for (uint32_t i = 0; i < e->n_arguments; i++)
            *operands[i] = (uint16_t)slot_of(c, e->arguments[i])->place;
        if (e->op == LANE_CONSTANT)
            instruction.constant = constants_index(c, &e->number, 1);
        if (e->op == LANE_COPY)
            instruction.a = (uint16_t)(instruction.a + e->plane);
        instruction.dst = (uint16_t)destination(c, e);
        emit(c, instruction);
    }
    for (uint32_t i = 0; i < e->n_arguments; i++)
        drop_use(c, e->arguments[i]);
}

/* Sharing */
struct programs {
    const struct program **list;
    size_t n, capacity;
    uint32_t *at; /* scratch of the compiler, by expression id; all zero between calls */
    size_t n_at;
};

static struct programs *programs_of(struct planner *p)
{
    if (!p->programs)
        p->programs = MEM_NEW(struct programs);
    return p->programs;
}

void programs_free(struct programs *programs)
{
    if (!programs)
        return;
    free(programs->list);
    free(programs->at);
    free(programs);
}

#define SAME_ARRAY(a, b, member, n)                                                                \
    ((a)->n == (b)->n && ((a)->n == 0 || !memcmp((a)->member, (b)->member,                         \
                                                 (a)->n * sizeof *(a)->member)))

static bool same_folds(const struct program *a, const struct program *b)
{
    if (a->n_folds != b->n_folds)
        return false;
    for (size_t i = 0; i < a->n_folds; i++)
        if (a->folds[i].op != b->folds[i].op || a->folds[i].keep_nodata != b->folds[i].keep_nodata)
            return false;
    return true;
}

static bool same_program(const struct program *a, const struct program *b)
{
    return a->wide == b->wide && a->n_inputs == b->n_inputs && a->n_registers == b->n_registers &&
           a->n_slices == b->n_slices && a->slice == b->slice && a->finish == b->finish &&
           a->n_outputs == b->n_outputs && (!a->outputs) == (!b->outputs) &&
           (!a->outputs || SAME_ARRAY(a, b, outputs, n_outputs)) &&
           SAME_ARRAY(a, b, code, n_code) && SAME_ARRAY(a, b, constants, n_constants) &&
           same_folds(a, b);
}

static const void *arena_copy(struct arena *arena, const void *from, size_t n, size_t size)
{
    void *copy;

    if (!from)
        return NULL;
    copy = arena_array(arena, n, size);
    if (n)
        memcpy(copy, from, n * size);
    return copy;
}

const struct program *program_share(struct planner *p, const struct program *program)
{
    struct programs *all = programs_of(p);
    struct program *kept;

    for (size_t i = all->n; i-- > 0;)
        if (same_program(all->list[i], program))
            return all->list[i];
    kept = arena_alloc(p->arena, sizeof *kept);
    *kept = *program;
    kept->outputs = arena_copy(p->arena, program->outputs, program->n_outputs,
                               sizeof *program->outputs);
    kept->code = arena_copy(p->arena, program->code, program->n_code, sizeof *program->code);
    kept->constants = arena_copy(p->arena, program->constants, program->n_constants,
                                 sizeof *program->constants);
    kept->folds = arena_copy(p->arena, program->folds, program->n_folds, sizeof *program->folds);
    all->list = mem_grow(all->list, &all->capacity, all->n + 1, sizeof *all->list);
    all->list[all->n++] = kept;
    return kept;
}

static void finish(struct compiler *c, const struct expr *const *outputs, size_t n_outputs,
                   bool wide, struct compiled *ret)
{
    AUTO(mem) uint16_t *registers = mem_array(n_outputs, sizeof *registers);
    struct program program = { .wide = wide, .n_inputs = (uint16_t)c->n_leaves,
                               .n_registers = (uint16_t)c->n_registers,
                               .n_outputs = (uint16_t)n_outputs, .outputs = registers,
                               .code = c->code, .n_code = c->n_code, .constants = c->constants,
                               .n_constants = c->n_constants };

    if (c->n_leaves > MAX_REGISTERS || n_outputs > MAX_REGISTERS)
        c->p->too_large = true;
    for (size_t i = 0; i < n_outputs; i++)
        registers[i] = (uint16_t)slot_of(c, outputs[i])->place;
    ret->program = program_share(c->p, &program);
    ret->n_leaves = c->n_leaves;
    ret->leaves = (const struct expr **)arena_copy(c->p->arena, c->leaves, c->n_leaves,
                                                   sizeof *c->leaves);
}

void program_compile(struct planner *p, const struct expr *const *outputs, size_t n_outputs,
                     const struct expr *const *given, size_t n_given, bool wide,
                     struct compiled *ret)
{
    struct programs *all = programs_of(p);
    struct compiler c = { .p = p };

    all->at = mem_grow(all->at, &all->n_at, expr_count(p->exprs), sizeof *all->at);
    c.at = all->at;
    for (size_t i = 0; i < n_given; i++) {
        add_leaf(&c, given[i]);
        slot_of(&c, given[i])->seen = 1;
    }
    for (size_t i = 0; i < n_outputs; i++)
        visit(&c, outputs[i]);
    c.n_registers = c.n_leaves;
    count_uses(&c, outputs, n_outputs);
    for (size_t i = 0; i < c.n_order && !p->too_large; i++)
        emit_expr(&c, c.order[i]);
    finish(&c, outputs, n_outputs, wide, ret);
    for (size_t i = 0; i < c.n_order; i++)
        all->at[c.order[i]->id] = 0;
    for (size_t i = 0; i < c.n_leaves; i++)
        all->at[c.leaves[i]->id] = 0;
    free(c.order);
    free(c.leaves);
    free(c.slots);
    free(c.used);
    free(c.code);
    free(c.constants);
}
