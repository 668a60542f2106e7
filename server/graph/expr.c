/* Hash-consing: one open table of pointers; equality of arguments is equality of pointers.
 *
 * The cell of an expression follows the rules for pixel types: operators that pass values on keep
 * the type of what they pass, comparisons and logic are booleans, all else is floating point. */
#include "graph/expr.h"
#include <math.h>
#include <string.h>

struct expr_table {
    struct arena *arena;
    const struct expr **slots;
    size_t n_slots, n_used;
};

static const enum lane_kind kinds[] = {
#define LANE(name, kind) [LANE_##name] = LANE_KIND_##kind,
#include "graph/lanes.def"
#undef LANE
};

enum lane_kind lane_kind(enum lane_op op)
{
    return kinds[op];
}

struct expr_table *expr_table_new(struct arena *arena)
{
    struct expr_table *table = MEM_NEW(struct expr_table);

    table->arena = arena;
    table->n_slots = 1024;
    table->slots = mem_array(table->n_slots, sizeof *table->slots);
    return table;
}

void expr_table_free(struct expr_table *table)
{
    if (!table)
        return;
    free(table->slots);
    free(table);
}

size_t expr_count(const struct expr_table *table)
{
    return table->n_used;
}

static uint64_t mix(uint64_t hash, uint64_t more)
{
    hash = (hash ^ more) * 0x9e3779b97f4a7c15u;
    return hash ^ hash >> 29;
}

static uint64_t number_bits(double number)
{
    uint64_t bits;

    memcpy(&bits, &number, sizeof bits);
    return bits;
}

static uint64_t hash_of(const struct expr *e)
{
    uint64_t hash = mix(e->op, e->keep_nodata + 2u * e->plane);

    hash = mix(hash, number_bits(e->number));
    hash = mix(hash, (uintptr_t)e->source);
    hash = mix(hash, e->cell.pixel == PIXEL_BOOL);
    for (uint32_t i = 0; i < e->n_numbers; i++)
        hash = mix(hash, number_bits(e->numbers[i]));
    for (uint32_t i = 0; i < e->n_arguments; i++)
        hash = mix(hash, e->arguments[i]->id);
    return hash;
}

static bool same(const struct expr *a, const struct expr *b)
{
    return a->op == b->op && a->keep_nodata == b->keep_nodata && a->plane == b->plane &&
           a->source == b->source && number_bits(a->number) == number_bits(b->number) &&
           (a->op == EXPR_LEAF ? cell_equal(a->cell, b->cell)
                               : expr_is_boolean(a) == expr_is_boolean(b)) &&
           a->n_arguments == b->n_arguments && a->n_outputs == b->n_outputs &&
           a->n_numbers == b->n_numbers &&
           (a->n_numbers == 0 ||
            !memcmp(a->numbers, b->numbers, a->n_numbers * sizeof *a->numbers)) &&
           (a->n_arguments == 0 ||
            !memcmp(a->arguments, b->arguments, a->n_arguments * sizeof *a->arguments));
}

static void grow(struct expr_table *table)
{
    const struct expr **old = table->slots;
    size_t n_old = table->n_slots;

    table->n_slots *= 2;
    table->slots = mem_array(table->n_slots, sizeof *table->slots);
    for (size_t i = 0; i < n_old; i++) {
        size_t at;

        if (!old[i])
            continue;
        for (at = hash_of(old[i]) & (table->n_slots - 1); table->slots[at];)
            at = (at + 1) & (table->n_slots - 1);
        table->slots[at] = old[i];
    }
    free(old);
}

static const struct expr *intern(struct expr_table *table, const struct expr *e)
{
    size_t at = hash_of(e) & (table->n_slots - 1);
    struct expr *born;

    for (; table->slots[at]; at = (at + 1) & (table->n_slots - 1))
        if (same(table->slots[at], e))
            return table->slots[at];
    born = arena_alloc(table->arena, sizeof *born);
    *born = *e;
    if (e->n_arguments) {
        const struct expr **arguments =
            arena_array(table->arena, e->n_arguments, sizeof *arguments);

        memcpy(arguments, e->arguments, e->n_arguments * sizeof *arguments);
        born->arguments = arguments;
    }
    if (e->n_numbers) {
        double *numbers = arena_array(table->arena, e->n_numbers, sizeof *numbers);

        memcpy(numbers, e->numbers, e->n_numbers * sizeof *numbers);
        born->numbers = numbers;
    }
    born->id = (uint32_t)table->n_used++;
    table->slots[at] = born;
    if (table->n_used * 2 > table->n_slots)
        grow(table);
    return born;
}

static struct cell float_cell(bool wide)
{
    return (struct cell){ wide ? PIXEL_F64 : PIXEL_F32, true, NAN };
}

static struct cell boolean_cell(void)
{
    return (struct cell){ PIXEL_BOOL, true, 255 };
}

const struct expr *expr_leaf_of(struct expr_table *table, const struct source *source,
                                uint32_t plane, struct cell cell, bool wide, bool scaled)
{
    return intern(table, &(struct expr){ .op = EXPR_LEAF, .source = source, .plane = plane,
                                         .cell = cell, .wide = wide, .scaled = scaled });
}

const struct expr *expr_leaf(struct expr_table *table, const struct source *source, uint32_t plane,
                             struct cell cell, bool wide)
{
    return expr_leaf_of(table, source, plane, cell, wide, true);
}

const struct expr *expr_constant(struct expr_table *table, double number)
{
    return intern(table, &(struct expr){ .op = LANE_CONSTANT, .number = isnan(number) ? NAN : number,
                                         .cell = float_cell(false) });
}

const struct expr *expr_boolean(struct expr_table *table, bool value)
{
    return intern(table, &(struct expr){ .op = LANE_CONSTANT, .number = value,
                                         .cell = boolean_cell() });
}

/* Types */
static const struct range {
    double least, greatest;
} ranges[] = {
    [PIXEL_U8] = { 0, 255 },
    [PIXEL_I8] = { -128, 127 },
    [PIXEL_U16] = { 0, 65535 },
    [PIXEL_I16] = { -32768, 32767 },
    [PIXEL_U32] = { 0, 4294967295.0 },
    [PIXEL_I32] = { -2147483648.0, 2147483647.0 },
};

static bool is_integer_type(enum pixel pixel)
{
    return pixel < PIXEL_F32;
}

bool cell_equal(struct cell a, struct cell b)
{
    return a.pixel == b.pixel && a.has_nodata == b.has_nodata &&
           (!a.has_nodata || a.nodata == b.nodata || (isnan(a.nodata) && isnan(b.nodata)));
}

/* The next type whose minimum no value of this one has. */
static struct cell widened(enum pixel pixel)
{
    switch (pixel) {
    case PIXEL_U8:
    case PIXEL_I8: return (struct cell){ PIXEL_I16, true, ranges[PIXEL_I16].least };
    case PIXEL_U16:
    case PIXEL_I16: return (struct cell){ PIXEL_I32, true, ranges[PIXEL_I32].least };
    default: return float_cell(true);
    }
}

struct cell cell_with_nodata(struct cell cell)
{
    return cell.has_nodata ? cell : widened(cell.pixel);
}

/* The smallest integer type that holds two of them; F64 when there is none. */
static enum pixel joined_integers(enum pixel a, enum pixel b)
{
    static const enum pixel order[] = { PIXEL_U8,  PIXEL_I8,  PIXEL_U16,
                                        PIXEL_I16, PIXEL_U32, PIXEL_I32 };

    for (size_t i = 0; i < ARRAY_LEN(order); i++) {
        const struct range *r = &ranges[order[i]];

        if (r->least <= fmin(ranges[a].least, ranges[b].least) &&
            r->greatest >= fmax(ranges[a].greatest, ranges[b].greatest))
            return order[i];
    }
    return PIXEL_F64;
}

/* Could a valid value of `cell` be this number? */
static bool may_hold(struct cell cell, double number)
{
    return pixel_holds(cell.pixel, number) &&
           !(cell.has_nodata && cell.nodata == number);
}

static struct cell join_integers(struct cell a, struct cell b)
{
    struct cell joined = { joined_integers(a.pixel, b.pixel), a.has_nodata, a.nodata };

    if (joined.pixel == PIXEL_F64)
        return float_cell(true);
    if (!a.has_nodata && b.has_nodata) {
        joined.has_nodata = true;
        joined.nodata = b.nodata;
        return may_hold(a, b.nodata) ? widened(joined.pixel) : joined;
    }
    return a.has_nodata && may_hold(b, a.nodata) ? widened(joined.pixel) : joined;
}

struct cell cell_join(struct cell a, struct cell b)
{
    if (cell_equal(a, b))
        return a;
    if (a.pixel == PIXEL_BOOL) /* beside a number a boolean is 0 or 1 */
        a = (struct cell){ PIXEL_U8, true, 255 };
    if (b.pixel == PIXEL_BOOL)
        b = (struct cell){ PIXEL_U8, true, 255 };
    if (is_integer_type(a.pixel) && is_integer_type(b.pixel))
        return join_integers(a, b);
    return float_cell(a.pixel == PIXEL_F64 || b.pixel == PIXEL_F64 || a.pixel == PIXEL_I32 ||
                      a.pixel == PIXEL_U32 || b.pixel == PIXEL_I32 || b.pixel == PIXEL_U32);
}

/* A constant fits in an integer type when it is one of its valid values. */
static struct cell join_expressions(const struct expr *a, const struct expr *b)
{
    const struct expr *c = a->op == LANE_CONSTANT ? a : b, *other = c == a ? b : a;

    if (c->op != LANE_CONSTANT || other->op == LANE_CONSTANT || expr_is_boolean(c))
        return cell_join(a->cell, b->cell);
    if (isnan(c->number))
        return cell_with_nodata(other->cell);
    if (is_integer_type(other->cell.pixel) && c->number == nearbyint(c->number) &&
        may_hold(other->cell, c->number))
        return other->cell;
    return cell_join(a->cell, b->cell);
}

/* Constants come last: they take the type of the others where they fit. */
static struct cell join_range(const struct expr *const *arguments, size_t n)
{
    struct expr joined = *arguments[0];
    bool any = false;

    for (size_t i = 0; i < n; i++) {
        if (arguments[i]->op == LANE_CONSTANT)
            continue;
        joined.cell = any ? cell_join(joined.cell, arguments[i]->cell) : arguments[i]->cell;
        joined.op = EXPR_LEAF;
        any = true;
    }
    for (size_t i = 0; i < n; i++)
        if (arguments[i]->op == LANE_CONSTANT)
            joined.cell = join_expressions(&joined, arguments[i]);
    return joined.cell;
}

static struct cell result_cell(enum lane_op op, size_t n, const struct expr *const *a, bool wide)
{
    switch (op) {
    case LANE_NOT:
    case LANE_IS_NODATA ... LANE_IS_INFINITE:
    case LANE_EQ ... LANE_XOR:
    case LANE_EQ_WITHIN:
    case LANE_ANY:
    case LANE_ALL: return boolean_cell();
    case LANE_COPY: return a[0]->cell;
    case LANE_MASK: return cell_with_nodata(a[0]->cell);
    case LANE_MASK_WITH: return join_expressions(a[0], a[2]);
    case LANE_SELECT: return join_expressions(a[1], a[2]);
    case LANE_MIN:
    case LANE_MAX:
    case LANE_FIRST:
    case LANE_LAST: return join_range(a, n);
    case LANE_SORT: return cell_with_nodata(join_range(a, n));
    default: return float_cell(wide);
    }
}

/* Operators that give one of their operands, or a mean of them, keep the units; an operand that is
 * constant no-data has none to lose. */
static bool keeps_units(enum lane_op op, size_t n, const struct expr *const *arguments)
{
    size_t first = op == LANE_SELECT;

    switch (op) {
    case LANE_MASK: n = 1; break;
    case LANE_COPY:
    case LANE_SELECT:
    case LANE_MEAN:
    case LANE_MEDIAN:
    case LANE_MIN ... LANE_MAX:
    case LANE_FIRST ... LANE_LAST:
    case LANE_SORT:
    case LANE_GATHER:
    case LANE_QUANTILE:
    case LANE_INTERPOLATE:
    case LANE_CUMMIN ... LANE_CUMMAX: break;
    default: return false;
    }
    for (size_t i = first; i < n; i++)
        if (!arguments[i]->scaled &&
            !(arguments[i]->op == LANE_CONSTANT && isnan(arguments[i]->number)))
            return false;
    return true;
}

const struct expr *expr_make(struct expr_table *table, enum lane_op op, size_t n,
                             const struct expr *const *arguments, bool keep_nodata)
{
    struct expr e = { .op = (uint16_t)op, .keep_nodata = keep_nodata, .n_arguments = (uint32_t)n,
                      .arguments = arguments, .wide = op == LANE_ROUND_TO };

    if (op == LANE_MASK && arguments[0]->op == LANE_CONSTANT && isnan(arguments[0]->number))
        return arguments[0]; /* no-data stays no-data, of any type */
    for (size_t i = 0; i < n; i++)
        e.wide |= arguments[i]->wide;
    e.cell = result_cell(op, n, arguments, e.wide);
    e.scaled = keeps_units(op, n, arguments);
    return intern(table, &e);
}

void expr_several(struct expr_table *table, enum lane_op op, size_t n,
                  const struct expr *const *arguments, bool keep, size_t n_numbers,
                  const double *numbers, size_t n_outputs, const struct expr **ret)
{
    struct expr e = { .op = (uint16_t)op, .keep_nodata = keep, .n_arguments = (uint32_t)n,
                      .arguments = arguments, .n_numbers = (uint32_t)n_numbers,
                      .numbers = numbers, .n_outputs = (uint32_t)n_outputs };
    size_t n_items = op == LANE_GATHER ? n - n_outputs : n; /* positions have no say in the type */
    const struct expr *all;

    e.wide = op == LANE_FIT;
    for (size_t i = 0; i < n; i++)
        e.wide |= arguments[i]->wide;
    e.cell = op == LANE_GATHER ? cell_with_nodata(join_range(arguments, n_items))
                               : result_cell(op, n, arguments, e.wide);
    e.scaled = keeps_units(op, n_items, arguments);
    all = intern(table, &e);
    for (size_t k = 0; k < n_outputs; k++)
        ret[k] = intern(table, &(struct expr){ .op = LANE_COPY, .plane = (uint32_t)k,
                                               .n_arguments = 1, .arguments = &all,
                                               .cell = all->cell, .wide = all->wide,
                                               .scaled = all->scaled });
}

const struct expr *expr_unary(struct expr_table *table, enum lane_op op, const struct expr *a)
{
    return expr_make(table, op, 1, &a, false);
}

const struct expr *expr_binary(struct expr_table *table, enum lane_op op, const struct expr *a,
                               const struct expr *b)
{
    return expr_make(table, op, 2, (const struct expr *[]){ a, b }, false);
}

const struct expr *expr_ternary(struct expr_table *table, enum lane_op op, const struct expr *a,
                                const struct expr *b, const struct expr *c)
{
    return expr_make(table, op, 3, (const struct expr *[]){ a, b, c }, false);
}

const struct expr *expr_with(struct expr_table *table, const struct expr *e,
                             const struct expr *const *arguments)
{
    struct expr copy;
    AUTO(mem) const struct expr **all = NULL;

    if (e->op == EXPR_LEAF || e->op == LANE_CONSTANT)
        return e;
    if (e->op == LANE_COPY) {
        copy = *e;
        copy.arguments = arguments;
        copy.cell = arguments[0]->cell;
        copy.wide = arguments[0]->wide;
        copy.scaled = arguments[0]->scaled;
        return intern(table, &copy);
    }
    if (e->n_outputs > 0) {
        all = mem_array(e->n_outputs, sizeof *all);
        expr_several(table, (enum lane_op)e->op, e->n_arguments, arguments, e->keep_nodata,
                     e->n_numbers, e->numbers, e->n_outputs, all);
        return all[0]->arguments[0];
    }
    return expr_make(table, (enum lane_op)e->op, e->n_arguments, arguments, e->keep_nodata);
}

bool expr_any_wide(const struct expr *const *exprs, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (exprs[i]->wide)
            return true;
    return false;
}
