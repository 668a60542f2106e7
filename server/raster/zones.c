/* The pixels of a block that belong to a geometry are gathered as doubles, one statistic after the other
 * is taken of them, and those of all geometries of the block are one piece of the part for each column.
 * Quantiles need all values at once: these go to the part as they are, and the assembly takes them one
 * column at a time, so that it holds one date of one band and never the series. */
#include "raster/zones.h"
#include "base/mem.h"
#include "raster/cells.h"
#include "raster/coverage.h"
#include "raster/rasterize.h"
#include "raster/zone_states.h"
#include <math.h>
#include <string.h>

/* ---- which tiles ---- */

static void grow_tile(struct window_rect *tile, const struct pixel_box *box, int64_t x, int64_t y)
{
    int64_t left = box->left > x ? box->left : x, top = box->top > y ? box->top : y;
    int64_t right = box->right < x + BASE_TILE ? box->right : x + BASE_TILE;
    int64_t bottom = box->bottom < y + BASE_TILE ? box->bottom : y + BASE_TILE;

    if (tile->width > 0) {
        right = right > tile->x + (int64_t)tile->width ? right : tile->x + (int64_t)tile->width;
        bottom = bottom > tile->y + (int64_t)tile->height ? bottom : tile->y + (int64_t)tile->height;
        left = left < tile->x ? left : tile->x;
        top = top < tile->y ? top : tile->y;
    }
    *tile = (struct window_rect){ left, top, (size_t)(right - left), (size_t)(bottom - top) };
}

/* Those of one node. */
static void grow_tiles(struct window_rect *all, const struct tiling *t, const struct plan_node *zones,
                       const struct schedule *s)
{
    const struct geometries *geometries = zones->geometries;

    for (size_t i = 0; i < geometries->count; i++) {
        struct pixel_box box = geometry_pixels(&geometries->list[i], &s->grid, zones->weighted);

        if (box.left == box.right)
            continue;
        for (int64_t r = (box.top - t->y) / BASE_TILE; r <= (box.bottom - 1 - t->y) / BASE_TILE; r++)
            for (int64_t c = (box.left - t->x) / BASE_TILE; c <= (box.right - 1 - t->x) / BASE_TILE; c++)
                grow_tile(&all[(size_t)r * t->columns + (size_t)c], &box, t->x + c * BASE_TILE,
                          t->y + r * BASE_TILE);
    }
}

size_t zones_tiles(const struct plan *plan, const struct schedule *s, struct window_rect **ret_tiles)
{
    struct tiling tiling = tiling_of(plan, &s->grid); /* a tile on four of the files' has each decoded four times */
    size_t n_all = tiling.columns * tiling.rows, n = 0;
    struct window_rect *all = mem_array(n_all, sizeof *all);

    for (size_t i = 0; i < s->n_outputs; i++)
        grow_tiles(all, &tiling, s->outputs[i], s);
    for (size_t i = 0; i < n_all; i++)
        if (all[i].width > 0)
            all[n++] = all[i];
    *ret_tiles = all;
    return n;
}

/* ---- blocks ---- */

/* A piece is a head, then for each geometry this, a state for each reduction of the column, and values
 * where quantiles are among them. */
struct zone_entry {
    uint32_t geometry, n_values;
};

struct zone_pixels {
    uint32_t geometry;
    size_t first, end; /* runs */
    size_t n;          /* pixels */
    size_t weight;     /* the first of theirs */
};

struct zone_work {
    const struct plan_node *zones; /* that the runs are of */
    struct window_rect tile;
    struct pixel_runs runs;
    struct pixel_weights weights;
    struct zone_pixels *list;
    size_t n, capacity;
    double *pixels;
    size_t n_pixels; /* room */
};

struct zone_work *zone_work_new(void)
{
    return MEM_NEW(struct zone_work);
}

void zone_work_free(struct zone_work *w)
{
    if (!w)
        return;
    free(w->runs.list);
    free(w->weights.list);
    free(w->list);
    free(w->pixels);
    free(w);
}

static void pixels_under(const struct plan_node *zones, size_t geometry, const struct window_rect *window,
                         struct pixel_runs *runs, struct pixel_weights *weights)
{
    const struct geometry *g = &zones->geometries->list[geometry];

    if (zones->weighted)
        coverage(g, &zones->inputs[0]->schema.grid, window, runs, weights);
    else
        rasterize(g, &zones->inputs[0]->schema.grid, window, runs);
}

static void find_pixels(struct zone_work *w, const struct plan_node *zones,
                        const struct window_rect *tile)
{
    if (w->zones == zones && !memcmp(&w->tile, tile, sizeof *tile))
        return;
    w->zones = zones;
    w->tile = *tile;
    w->n = w->runs.n = w->weights.n = 0;
    for (size_t i = 0; i < zones->geometries->count; i++) {
        struct zone_pixels p = { .geometry = (uint32_t)i, .first = w->runs.n, .weight = w->weights.n };

        pixels_under(zones, i, tile, &w->runs, &w->weights);
        p.end = w->runs.n;
        for (size_t k = p.first; k < p.end; k++)
            p.n += w->runs.list[k].to - w->runs.list[k].from;
        if (p.n == 0)
            continue;
        w->list = mem_grow(w->list, &w->capacity, w->n + 1, sizeof *w->list);
        w->list[w->n++] = p;
    }
}

static const double *pixels_of(struct zone_work *w, const struct zone_pixels *p,
                               const struct lane_plane *plane)
{
    size_t size = pixel_size(plane->kind.pixel), n = 0;
    bool marked = plane->kind.has_nodata || plane->kind.pixel >= PIXEL_F32;

    if (p->n > w->n_pixels) {
        free(w->pixels);
        w->pixels = mem_array(p->n, sizeof *w->pixels);
        w->n_pixels = p->n;
    }
    for (size_t k = p->first; k < p->end; k++) {
        const struct pixel_run *run = &w->runs.list[k];
        const char *from = (const char *)plane->data + (run->row * w->tile.width + run->from) * size;

        lanes_double.load[plane->kind.pixel](w->pixels + n, from, plane->kind.nodata, marked,
                                             run->to - run->from);
        n += run->to - run->from;
    }
    return w->pixels;
}

static bool wants_values(const struct plan_node *zones, size_t column)
{
    for (size_t i = 0; i < zones->n_reductions; i++)
        if (zones->reductions[i].column == column && zones->reductions[i].op == ZONE_QUANTILE)
            return true;
    return false;
}

/* Of each pixel, where quantiles are found: its value, and its weight where pixels have one. */
static size_t numbers_of(const struct plan_node *zones)
{
    return zones->weighted ? 2 : 1;
}

static void add_states(struct text *out, const struct plan_node *zones, size_t column,
                       const double *x, const double *weights, size_t n)
{
    for (size_t i = 0; i < zones->n_reductions; i++) {
        struct zone_state state;

        if (zones->reductions[i].column != column)
            continue;
        state = zone_state_of(&zones->reductions[i], x, weights, n);
        text_addn(out, &state, sizeof state);
    }
}

bool zones_emit(struct zone_work *w, const struct plan_node *zones, const struct window_rect *tile,
                struct part_entry entry, const struct lane_plane *plane, struct part_writer *part,
                struct err *err)
{
    size_t column = entry.plane % zones->n_columns;
    bool values = wants_values(zones, column);
    AUTO(text) struct text out = { 0 };

    find_pixels(w, zones, tile);
    for (size_t i = 0; i < w->n; i++) {
        const struct zone_pixels *p = &w->list[i];
        const double *x = pixels_of(w, p, plane);
        const double *weights = zones->weighted ? w->weights.list + p->weight : NULL;
        struct zone_entry head = { .geometry = p->geometry };

        for (size_t k = 0; values && k < p->n; k++)
            head.n_values += x[k] == x[k];
        text_addn(&out, &head, sizeof head);
        add_states(&out, zones, column, x, weights, p->n);
        for (size_t k = 0; values && k < p->n; k++) {
            if (x[k] != x[k])
                continue;
            text_addn(&out, &x[k], sizeof *x);
            if (weights)
                text_addn(&out, &weights[k], sizeof *weights);
        }
    }
    if (out.length > UINT32_MAX)
        return err_set(err, ERR_MemoryExceeded,
                       "%s: the values of the geometries of one block take %zu MB; at most 4096 are "
                       "possible.", zones->pointer, out.length >> 20);
    entry.piece = PIECE_BASE;
    return part_add(part, &entry, out.data ? out.data : "", out.length, err);
}

/* ---- assembly ---- */

size_t zones_memory(const struct plan_node *zones)
{
    enum { ROWS = 256 }; /* at once: shares are found on all pixels around a geometry */
    const struct grid *grid = &zones->inputs[0]->schema.grid;
    struct pixel_runs runs = { 0 };
    struct pixel_weights weights = { 0 };
    size_t pixels = 0;
    bool values = false;

    for (size_t column = 0; column < zones->n_columns; column++)
        values |= wants_values(zones, column);
    for (size_t i = 0; values && i < zones->geometries->count; i++) {
        struct pixel_box box = geometry_pixels(&zones->geometries->list[i], grid, zones->weighted);

        for (int64_t y = box.top; y < box.bottom; y += ROWS) {
            int64_t left = box.bottom - y;

            runs.n = weights.n = 0;
            pixels_under(zones, i,
                         &(struct window_rect){ box.left, y, (size_t)(box.right - box.left),
                                                (size_t)(left < ROWS ? left : ROWS) },
                         &runs, &weights);
            for (size_t k = 0; k < runs.n; k++)
                pixels += runs.list[k].to - runs.list[k].from;
        }
    }
    free(runs.list);
    free(weights.list);
    return pixels * numbers_of(zones) * sizeof(double);
}

struct gathering {
    const struct pieces *pieces;
    const struct plan_node *zones;
    size_t save;               /* as pieces number it */
    size_t n_states;           /* reductions of the column */
    struct zone_state *states; /* [geometries][n_states] */
    double **values;           /* by geometry */
    size_t *n_values, *room;
};

static bool take_piece(struct gathering *g, const char *piece, size_t size, size_t column,
                       struct err *err)
{
    const struct plan_node *zones = g->zones;
    size_t at = 0, each = numbers_of(zones) * sizeof(double);

    while (at < size) {
        struct zone_entry head;
        size_t k = 0;

        if (size - at < sizeof head)
            break;
        memcpy(&head, piece + at, sizeof head);
        at += sizeof head;
        if (head.geometry >= zones->geometries->count ||
            (size - at) / sizeof(double) < g->n_states * 4 + head.n_values * numbers_of(zones))
            break;
        for (size_t i = 0; i < zones->n_reductions; i++) {
            struct zone_state state;

            if (zones->reductions[i].column != column)
                continue;
            memcpy(&state, piece + at, sizeof state);
            zone_state_join(&zones->reductions[i], &g->states[head.geometry * g->n_states + k++],
                            &state);
            at += sizeof state;
        }
        g->values[head.geometry] =
            mem_grow(g->values[head.geometry], &g->room[head.geometry],
                     g->n_values[head.geometry] + head.n_values, each);
        if (head.n_values)
            memcpy((char *)g->values[head.geometry] + g->n_values[head.geometry] * each, piece + at,
                   head.n_values * each);
        g->n_values[head.geometry] += head.n_values;
        at += head.n_values * each;
    }
    return at == size || err_set(err, ERR_StorageFailure, "%s: a piece of its part is broken.",
                                 zones->pointer);
}

static double result_of(const struct gathering *g, const struct zone_reduction *r, size_t geometry,
                        size_t state)
{
    const struct zone_state *s = &g->states[geometry * g->n_states + state];

    if (r->op != ZONE_QUANTILE)
        return zone_state_finish(r, s);
    if (r->keep_nodata && s->seen < s->total)
        return NAN;
    if (g->zones->weighted)
        return zone_weighted_quantile((double(*)[2])g->values[geometry], g->n_values[geometry], r->probability);
    return zone_quantile(g->values[geometry], g->n_values[geometry], r->probability);
}

static bool gather_column(struct gathering *g, size_t plane, double *table, struct err *err)
{
    const struct plan_node *zones = g->zones;
    size_t column = plane % zones->n_columns, count = zones->geometries->count, k = 0;
    double *to = table + plane / zones->n_columns * zones->n_reductions * count;

    g->n_states = 0;
    for (size_t i = 0; i < zones->n_reductions; i++)
        g->n_states += zones->reductions[i].column == column;
    memset(g->states, 0, count * g->n_states * sizeof *g->states);
    memset(g->n_values, 0, count * sizeof *g->n_values);
    for (size_t tile = 0; tile < pieces_schedule(g->pieces, g->save)->blocks; tile++) {
        const struct piece_ref *ref = pieces_get(g->pieces, g->save, plane, tile, PIECE_BASE);
        AUTO(mem) char *piece = mem_alloc(ref->entry->size + 1);

        if (!part_read(ref->part, ref->entry, piece, err) ||
            !take_piece(g, piece, ref->entry->size, column, err))
            return false;
    }
    for (size_t i = 0; i < zones->n_reductions; i++) {
        if (zones->reductions[i].column != column)
            continue;
        for (size_t geometry = 0; geometry < count; geometry++)
            to[i * count + geometry] = result_of(g, &zones->reductions[i], geometry, k);
        k++;
    }
    return true;
}

bool zones_gather(const struct pieces *pieces, size_t number, double **ret_table, struct err *err)
{
    const struct plan_node *zones = pieces->plan->zones[number];
    size_t count = zones->geometries->count, planes = output_planes(zones);
    struct gathering g = { .pieces = pieces, .zones = zones, .save = pieces->plan->n_saves + number };
    AUTO(mem) struct zone_state *states =
        mem_array(count * zones->n_reductions, sizeof *states);
    AUTO(mem) double **values = mem_array(count, sizeof *values);
    AUTO(mem) size_t *n_values = mem_array(count, sizeof *n_values), *room = mem_array(count, sizeof *room);
    AUTO(mem) double *table =
        mem_array(planes / zones->n_columns * zones->n_reductions * count, sizeof *table);
    bool ok = true;

    g.states = states;
    g.values = values;
    g.n_values = n_values;
    g.room = room;
    for (size_t plane = 0; ok && plane < planes; plane++)
        ok = gather_column(&g, plane, table, err);
    for (size_t i = 0; i < count; i++)
        free(values[i]);
    if (!ok)
        return false;
    *ret_table = table;
    table = NULL;
    return true;
}
