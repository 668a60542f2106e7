/* Cells are made where no pixel depends on the window it is computed in: all files lie on the grid's
 * lattice (or a divisor of it), and nothing but kernels looks at other pixels. They are taken in strips so
 * narrow that the blocks in the making fit into memory; at a strip's sides tiles are decoded for both. */
#include "raster/cells.h"
#include "base/mem.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The first file on the grid's lattice. */
static const struct grid *file_grid(const struct plan *plan, const struct grid *grid)
{
    for (size_t i = 0; i < plan->n_nodes; i++) {
        const struct plan_node *node = plan->nodes[i];
        const struct grid *file;

        if (node->op != PLAN_LOAD || cube_planes(&node->schema) == 0 || node->load[0].n_layers == 0)
            continue;
        file = &node->load[0].layers[0]->grid;
        if (file->width > 0 && file->epsg == grid->epsg && file->dx == grid->dx && file->dy == grid->dy)
            return file;
    }
    return grid;
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

struct tiling tiling_of(const struct plan *plan, const struct grid *grid)
{
    const struct grid *file = file_grid(plan, grid);
    int64_t x = llround((file->x0 - grid->x0) / grid->dx), y = llround((grid->y0 - file->y0) / grid->dy);
    int64_t column = floor_div(-x, BASE_TILE), row = floor_div(-y, BASE_TILE);
    struct tiling t = { .x = x + column * BASE_TILE, .y = y + row * BASE_TILE,
                        .odd_column = column & 1, .odd_row = row & 1 };

    t.columns = (size_t)((grid->width - t.x + BASE_TILE - 1) / BASE_TILE);
    t.rows = (size_t)((grid->height - t.y + BASE_TILE - 1) / BASE_TILE);
    return t;
}

/* ---- whether, and how ---- */

static bool on_lattice(const struct plan_node *load)
{
    for (size_t plane = 0; plane < cube_planes(&load->schema); plane++)
        for (size_t i = 0; i < load->load[plane].n_layers; i++)
            if (!load_divides(&load->load[plane].layers[i]->grid, &load->schema.grid))
                return false;
    return !load->coarse;
}

static bool same_in_any_window(const struct schedule *s)
{
    for (size_t i = 0; i < s->n_steps; i++) {
        const struct step *step = &s->steps[i];

        if (step->op == STEP_AROUND &&
            ((step->node->op != PLAN_KERNEL && step->node->op != PLAN_SIEVE) || !same_in_any_window(step->inputs[0])))
            return false;
        if (step->op == STEP_READ && step->node->op == PLAN_LOAD && !on_lattice(step->node))
            return false;
    }
    return true;
}

size_t cells_width(const struct plan *plan, const struct schedule *s, size_t threads, size_t most_bytes,
                   size_t *ret_bytes)
{
    struct tiling t = tiling_of(plan, &s->grid);
    size_t block = s->emitted_bytes * s->tile_width * s->tile_height, width = s->tile_columns;
    /* the blocks below a row of cells, one more at each end, and those under the cells of slow threads */
    size_t others = 2 + 4 * threads;

    *ret_bytes = 0;
    if (s->tiles || s->blocks < 2 || (t.x == 0 && t.y == 0) || block == 0 ||
        !same_in_any_window(s))
        return 0;
    if (most_bytes / block <= others)
        return 0;
    if (width > most_bytes / block - others)
        width = most_bytes / block - others;
    *ret_bytes = (width + others < s->blocks ? width + others : s->blocks) * block;
    return width;
}

/* ---- units ---- */

static void add_unit(struct cells *cells, size_t *capacity, const struct unit *unit)
{
    cells->units = mem_grow(cells->units, capacity, cells->n_units + 1, sizeof *cells->units);
    cells->units[cells->n_units++] = *unit;
}

/* Squares of 2 x 2 follow each other: they lie on one tile of a band of half the resolution, which is
 * decoded once when one thread does all four. */
static uint64_t square_order(uint64_t column, uint64_t row)
{
    return (row / 2) << 24 | (column / 2) << 2 | (row % 2) << 1 | column % 2;
}

/* In so many parts. */
static void add_block(struct cells *cells, size_t *capacity, const struct schedules *all, size_t block, size_t parts,
                      atomic_size_t *unfinished)
{
    size_t tile;
    const struct schedule *s = schedule_of(all, block, &tile);
    struct window_rect rect = schedule_tile(s, tile);
    uint64_t order = square_order((uint64_t)rect.x / BASE_TILE, (uint64_t)rect.y / BASE_TILE);

    *unfinished = parts;
    cells->in_parts |= parts > 1;
    for (size_t i = 0; i < parts; i++)
        add_unit(cells, capacity,
                 &(struct unit){ .block = block, .first_leg = s->n_legs * i / parts,
                                 .end_leg = s->n_legs * (i + 1) / parts, .unfinished = unfinished,
                                 .order = (uint64_t)(s - all->schedules) << 54 | order });
}

/* Of few blocks one thread would have more than another. */
static size_t parts_of_blocks(const struct schedule *s, size_t blocks, size_t threads)
{
    enum { UNITS = 16 /* for each thread */ };
    size_t parts = threads > 1 ? (UNITS * threads + blocks - 1) / blocks : 1;

    return parts < s->n_legs ? parts : s->n_legs;
}

struct span {
    int64_t from, to;
};

static struct span overlap(int64_t a, int64_t b, int64_t from, int64_t to)
{
    return (struct span){ a > from ? a : from, b < to ? b : to };
}

static bool is_wanted(const struct stage *stage, const struct window_rect *cell)
{
    size_t columns = stage->schedule->tile_columns;

    for (int64_t y = cell->y / BASE_TILE; y * BASE_TILE < cell->y + (int64_t)cell->height; y++)
        for (int64_t x = cell->x / BASE_TILE; x * BASE_TILE < cell->x + (int64_t)cell->width; x++) {
            size_t block = (size_t)y * columns + (size_t)x;

            if (block >= stage->first && block < stage->end)
                return true;
        }
    return false;
}

/* The cells of one strip: of columns from .. to of the grid's pixels. */
static void add_strip(struct cells *cells, size_t *capacity, struct stage *stage, const struct tiling *t,
                      struct span strip, uint64_t order)
{
    const struct schedule *s = stage->schedule;
    int64_t top = (int64_t)(stage->first / s->tile_columns) * BASE_TILE;
    int64_t bottom = (int64_t)((stage->end - 1) / s->tile_columns + 1) * BASE_TILE;

    bottom = bottom < s->grid.height ? bottom : s->grid.height;
    for (size_t row = 0; row < t->rows; row++)
        for (size_t column = 0; column < t->columns; column++) {
            int64_t left = t->x + (int64_t)column * BASE_TILE, upper = t->y + (int64_t)row * BASE_TILE;
            struct span x = overlap(left, left + BASE_TILE, strip.from, strip.to);
            struct span y = overlap(upper, upper + BASE_TILE, top, bottom);
            struct unit unit = { .stage = stage,
                                 .end_leg = s->n_legs,
                                 .order = order | square_order(column + t->odd_column, row + t->odd_row) };

            if (x.from >= x.to || y.from >= y.to)
                continue;
            unit.cell = (struct window_rect){ x.from, y.from, (size_t)(x.to - x.from), (size_t)(y.to - y.from) };
            if (is_wanted(stage, &unit.cell))
                add_unit(cells, capacity, &unit);
        }
}

static void add_cells(struct cells *cells, size_t *capacity, struct stage *stage, const struct tiling *t,
                      size_t width, uint64_t order)
{
    const struct schedule *s = stage->schedule;

    for (size_t column = 0; column < s->tile_columns; column += width) {
        int64_t right = (int64_t)(column + width) * BASE_TILE;
        struct span strip = { (int64_t)column * BASE_TILE, right < s->grid.width ? right : s->grid.width };

        add_strip(cells, capacity, stage, t, strip, order | (uint64_t)column << 40);
    }
}

static void stage_init(struct stage *stage, const struct schedule *s, size_t before, size_t first, size_t end)
{
    size_t n = end - first;

    *stage = (struct stage){ .schedule = s, .before = before, .first = first, .end = end };
    stage->planes = mem_array(n * s->emitted, sizeof *stage->planes);
    stage->unfinished = mem_array(n, sizeof *stage->unfinished);
    for (size_t i = 0; i < n; i++) {
        struct window_rect rect = schedule_tile(s, first + i);

        stage->unfinished[i] = s->emitted;
        for (size_t k = 0; k < s->emitted; k++)
            stage->planes[i * s->emitted + k].missing = rect.width * rect.height;
    }
    pthread_mutex_init(&stage->lock, NULL);
}

static int by_order(const void *a, const void *b)
{
    const struct unit *x = a, *y = b;

    return x->order != y->order ? (x->order > y->order) - (x->order < y->order)
                                : (x->first_leg > y->first_leg) - (x->first_leg < y->first_leg);
}

struct cells *cells_new(const struct plan *plan, const struct schedules *all, size_t first, size_t end,
                        size_t threads, size_t most_bytes)
{
    struct cells *cells = MEM_NEW(struct cells);
    size_t capacity = 0, before = 0, bytes;

    cells->stages = mem_array(all->count, sizeof *cells->stages);
    cells->unfinished = mem_array(end - first, sizeof *cells->unfinished);
    for (size_t i = 0; i < all->count; before += all->schedules[i++].blocks) {
        const struct schedule *s = &all->schedules[i];
        size_t from = first > before ? first - before : 0, width;
        size_t to = end < before + s->blocks ? end - before : s->blocks;
        struct tiling tiling = tiling_of(plan, &s->grid);

        if (end <= before || from >= to)
            continue;
        width = to - from > 1 ? cells_width(plan, s, threads, most_bytes, &bytes) : 0;
        for (size_t tile = from; width == 0 && tile < to; tile++)
            add_block(cells, &capacity, all, before + tile, parts_of_blocks(s, to - from, threads),
                      &cells->unfinished[before + tile - first]);
        if (width == 0)
            continue;
        stage_init(&cells->stages[cells->n_stages], s, before, from, to);
        add_cells(cells, &capacity, &cells->stages[cells->n_stages++], &tiling, width, (uint64_t)i << 54);
    }
    qsort(cells->units, cells->n_units, sizeof *cells->units, by_order);
    return cells;
}

static unsigned edges_at(int64_t from, size_t size, int64_t end)
{
    return from <= 0 || from + (int64_t)size >= end;
}

void cells_edges_first(struct cells *cells, const struct schedules *all)
{
    enum { ABOVE_ORDER = 60 };

    for (size_t i = 0; i < cells->n_units; i++) {
        struct unit *unit = &cells->units[i];
        size_t tile;
        const struct schedule *s = unit->stage ? unit->stage->schedule : schedule_of(all, unit->block, &tile);
        struct window_rect w = unit->stage ? unit->cell : schedule_tile(s, tile);
        uint64_t edges = edges_at(w.x, w.width, s->grid.width) + edges_at(w.y, w.height, s->grid.height);

        unit->order |= (2 - edges) << ABOVE_ORDER;
    }
    qsort(cells->units, cells->n_units, sizeof *cells->units, by_order);
}

void cells_free(struct cells *cells)
{
    if (!cells)
        return;
    for (size_t i = 0; i < cells->n_stages; i++) {
        struct stage *stage = &cells->stages[i];

        for (size_t k = 0; k < (stage->end - stage->first) * stage->schedule->emitted; k++)
            free(stage->planes[k].pixels);
        free(stage->planes);
        free(stage->unfinished);
        pthread_mutex_destroy(&stage->lock);
    }
    free(cells->stages);
    free(cells->unfinished);
    free(cells->units);
    free(cells);
}

/* ---- blocks ---- */

/* The memory of a plane, made by the first piece. */
static void *plane_of(struct stage *stage, struct gathered *plane, size_t bytes, struct err *err)
{
    pthread_mutex_lock(&stage->lock);
    if (!plane->pixels)
        plane->pixels = malloc(bytes);
    pthread_mutex_unlock(&stage->lock);
    if (!plane->pixels)
        err_set(err, ERR_MemoryExceeded, "No memory for %zu bytes of pixels.", bytes);
    return plane->pixels;
}

bool stage_put(struct stage *stage, size_t block, size_t number, const struct window_rect *piece,
               const void *pixels, size_t size, void **ret_whole, bool *ret_finished, struct err *err)
{
    struct window_rect rect = schedule_tile(stage->schedule, block);
    struct gathered *plane = &stage->planes[(block - stage->first) * stage->schedule->emitted + number];
    struct span x = overlap(piece->x, piece->x + (int64_t)piece->width, rect.x, rect.x + (int64_t)rect.width);
    struct span y = overlap(piece->y, piece->y + (int64_t)piece->height, rect.y, rect.y + (int64_t)rect.height);
    size_t width = (size_t)(x.to - x.from);
    char *to = plane_of(stage, plane, rect.width * rect.height * size, err);

    *ret_whole = NULL;
    *ret_finished = false;
    if (!to)
        return false;
    for (int64_t row = y.from; row < y.to; row++)
        memcpy(to + ((size_t)(row - rect.y) * rect.width + (size_t)(x.from - rect.x)) * size,
               (const char *)pixels +
                   ((size_t)(row - piece->y) * piece->width + (size_t)(x.from - piece->x)) * size,
               width * size);
    pthread_mutex_lock(&stage->lock);
    plane->missing -= width * (size_t)(y.to - y.from);
    if (plane->missing == 0) {
        *ret_whole = plane->pixels;
        plane->pixels = NULL;
        *ret_finished = --stage->unfinished[block - stage->first] == 0;
    }
    pthread_mutex_unlock(&stage->lock);
    return true;
}
