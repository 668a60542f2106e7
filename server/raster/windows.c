/* Many small windows are read together, a large one in squares on the input's tiles. Pixels of a
 * window are mapped in strips, whose lanes are folded side by side; in the end the lanes are folded
 * into one. Where a fold does not do (quantiles), all values are kept and sorted. */
#include "raster/windows.h"
#include "base/mem.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { STRIP = 512, SQUARE = 1024, GROWING = 2 /* times what lists take that grow */ };

static const struct pixel_kind doubles = { PIXEL_F64, NAN, true };

/* One reduction in progress. */
struct tally {
    const struct reduction *how;
    struct fold_state state; /* of `lanes` lanes */
    size_t lanes, slices;
    struct tally *keeper; /* where all values are: itself, or an earlier one of the same values */
    double *kept;
    size_t n_kept, capacity;
    bool missing, sorted; /* missing: one that would be kept */
};

struct reducing {
    const struct around *around;
    const struct pixel_reducer *reducer;
    const struct lane_table *table;
    struct pixel_kind kind; /* of the input */
    struct tally *tallies;
    struct lane_plane *mapped; /* by output of map: a strip */
    uint8_t *ones;
};

size_t windows_bytes(const struct plan_node *node)
{
    const struct window_args *w = node->windows;
    const struct grid *from = &node->inputs[0]->schema.grid;
    double width = fmin((double)w->width, (double)from->width);
    double height = fmin((double)w->height, (double)from->height);
    double held = fmin((double)from->width, SQUARE) * fmin((double)from->height, SQUARE);
    size_t most = 0;

    for (size_t i = 0; i < cube_planes(&node->schema); i++) {
        size_t kept = 0;

        for (size_t k = 0; k < w->reducers[i]->n_reductions; k++)
            kept += !w->reducers[i]->reductions[k].folds;
        most = kept > most ? kept : most;
    }
    return (size_t)(2 * held * sizeof(double) +
                    fmin(width * height * (double)most, 1e15) * GROWING * sizeof(double));
}

size_t windows_memory(const struct plan_node *node, size_t plane)
{
    const struct pixel_reducer *r = node->windows->reducers[plane];
    size_t map = r->map ? lanes_memory(r->map) : 0, finish = lanes_memory(r->finish);

    return map > finish ? map : finish;
}

/* ---- one window ---- */

static void begin(struct reducing *r)
{
    for (size_t i = 0; i < r->reducer->n_reductions; i++) {
        r->tallies[i].lanes = r->tallies[i].slices = r->tallies[i].n_kept = 0;
        r->tallies[i].missing = r->tallies[i].sorted = false;
    }
}

static void keep(struct tally *t, const struct lane_plane *values, size_t n)
{
    t->kept = mem_grow(t->kept, &t->capacity, t->n_kept + n, sizeof *t->kept);
    for (size_t i = 0; i < n; i++) {
        double x = values->kind.pixel == PIXEL_F64 ? ((double *)values->data)[i]
                                                   : (double)((float *)values->data)[i];

        if (x == x)
            t->kept[t->n_kept++] = x;
        else
            t->missing = true;
    }
}

static void fold(const struct reducing *r, struct tally *t, const struct lane_plane *values, size_t n)
{
    const char *data = values->data;

    if (t->slices == 0)
        t->lanes = n;
    for (size_t at = 0; at < n; at += t->lanes)
        r->table->fold[t->how->fold](&t->state, data + at * r->table->lane_size, t->slices++,
                                     t->how->keep_nodata, n - at < t->lanes ? n - at : t->lanes);
}

/* n more pixels; data NULL: n without data. */
static void feed(struct reducing *r, const void *data, size_t n)
{
    const struct pixel_reducer *reducer = r->reducer;
    const struct pixel_kind presence = { PIXEL_BOOL, 255, true };
    size_t size = pixel_size(r->kind.pixel);

    for (size_t at = 0, length; reducer->map && at < n; at += length) {
        struct lane_plane inputs[2];

        length = n - at < STRIP ? n - at : STRIP;
        for (size_t i = 0; i < reducer->map->n_inputs; i++)
            inputs[i] = reducer->is_presence[i]
                            ? (struct lane_plane){ r->ones, presence }
                            : (struct lane_plane){ data ? (char *)data + at * size : NULL, r->kind };
        lanes_run(r->around->machine, reducer->map, inputs, r->mapped, length);
        for (size_t i = 0; i < reducer->n_reductions; i++) {
            struct tally *t = &r->tallies[i];

            if (t->how->folds)
                fold(r, t, &r->mapped[t->how->input], length);
            else if (t->keeper == t)
                keep(t, &r->mapped[t->how->input], length);
        }
    }
}

static double lane_at(const struct reducing *r, const void *lanes, size_t i)
{
    return r->table == &lanes_double ? ((const double *)lanes)[i]
                                     : (double)((const float *)lanes)[i];
}

/* Means and squared distances of two parts of a series are those of the whole (Chan). */
static void join_spread(struct fold_state *s, size_t i)
{
    double seen = s->seen[0] + s->seen[i], off = s->sum[i] - s->sum[0];

    if (s->seen[i] > 0) {
        s->squares[0] += s->squares[i] + off * off * s->seen[0] * s->seen[i] / seen;
        s->sum[0] += off * s->seen[i] / seen;
    } else {
        s->squares[0] += s->squares[i]; /* NaN when no-data counts */
    }
    s->seen[0] = seen;
}

static void join_lane(const struct reducing *r, struct tally *t, size_t i)
{
    struct fold_state *s = &t->state;

    switch (t->how->fold) {
    case FOLD_SUM:
    case FOLD_MEAN: s->sum[0] += s->sum[i]; s->seen[0] += s->seen[i]; break;
    case FOLD_PRODUCT: s->sum[0] *= s->sum[i]; s->seen[0] += s->seen[i]; break;
    case FOLD_VARIANCE:
    case FOLD_SD: join_spread(s, i); break;
    default:
        r->table->fold[t->how->fold](s, (char *)s->value + i * r->table->lane_size, 1,
                                     t->how->keep_nodata, 1);
    }
}

static double folded(const struct reducing *r, struct tally *t)
{
    double count = 0, end[1];

    if (t->how->fold == FOLD_COUNT) {
        for (size_t i = 0; i < t->lanes; i++)
            count += lane_at(r, t->state.value, i);
        return count;
    }
    for (size_t i = 1; i < t->lanes; i++)
        join_lane(r, t, i);
    r->table->finish[t->how->fold](end, &t->state, 1);
    return lane_at(r, end, 0);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Type 7, of the two values that decide it. */
static double quantile(const struct reduction *how, struct tally *t)
{
    double at = (double)(t->n_kept - 1) * how->probability, part = at - floor(at), result;
    double pair[2], scratch[2 * 2 + 4];
    struct array_call call = { .a = pair, .stride = 1, .length = 2, .outputs = 1,
                               .constants = &part, .scratch = scratch };
    size_t low = (size_t)at;

    if (t->n_kept == 0 || (t->missing && how->keep_nodata))
        return NAN;
    if (!t->sorted)
        qsort(t->kept, t->n_kept, sizeof *t->kept, compare);
    t->sorted = true;
    pair[0] = t->kept[low];
    pair[1] = t->kept[low + 1 < t->n_kept ? low + 1 : low];
    lanes_double.arrays[LANE_QUANTILE](&result, &call, 1);
    return result;
}

static void finish(struct reducing *r, const struct lane_plane *out, size_t at)
{
    size_t n = r->reducer->n_reductions;
    AUTO(mem) double *numbers = mem_array(n, sizeof *numbers);
    AUTO(mem) struct lane_plane *inputs = mem_array(n, sizeof *inputs);
    struct lane_plane pixel = { (char *)out->data + at * pixel_size(out->kind.pixel), out->kind };

    for (size_t i = 0; i < n; i++) {
        struct tally *t = &r->tallies[i];

        numbers[i] = t->how->folds ? folded(r, t) : quantile(t->how, t->keeper);
        inputs[i] = (struct lane_plane){ &numbers[i], doubles };
    }
    lanes_run(r->around->machine, r->reducer->finish, inputs, &pixel, 1);
}

/* ---- reading ---- */

struct box {
    int64_t left, top, right, bottom;
};

static struct box box_meet(struct box a, struct box b)
{
    return (struct box){ a.left > b.left ? a.left : b.left, a.top > b.top ? a.top : b.top,
                         a.right < b.right ? a.right : b.right,
                         a.bottom < b.bottom ? a.bottom : b.bottom };
}

static bool box_is_empty(struct box b)
{
    return b.left >= b.right || b.top >= b.bottom;
}

static size_t box_pixels(struct box b)
{
    return box_is_empty(b) ? 0 : (size_t)(b.right - b.left) * (size_t)(b.bottom - b.top);
}

static struct box grid_box(const struct grid *grid)
{
    return (struct box){ 0, 0, grid->width, grid->height };
}

static struct box window_box(const struct window_args *w, int64_t x, int64_t y, int64_t nx,
                             int64_t ny)
{
    int64_t left = x * w->width + w->left, top = y * w->height + w->top;

    return (struct box){ left, top, left + nx * w->width, top + ny * w->height };
}

static void *read_box(const struct reducing *r, struct box b, struct err *err)
{
    const struct around *a = r->around;
    struct window_rect w = { b.left, b.top, (size_t)(b.right - b.left), (size_t)(b.bottom - b.top) };
    AUTO(mem) void *pixels = malloc(box_pixels(b) * pixel_size(r->kind.pixel) + 1);
    void *made = pixels;

    if (!pixels) {
        err_set(err, ERR_MemoryExceeded, "No memory for %zu pixels.", box_pixels(b));
        return NULL;
    }
    if (!a->read(a->context, a->input, &w, pixels, err))
        return NULL;
    pixels = NULL;
    return made;
}

static bool large_window(struct reducing *r, struct box window, struct err *err)
{
    struct box inside = box_meet(window, grid_box(&r->around->node->inputs[0]->schema.grid));

    for (int64_t y = inside.top / SQUARE * SQUARE; y < inside.bottom; y += SQUARE)
        for (int64_t x = inside.left / SQUARE * SQUARE; x < inside.right; x += SQUARE) {
            struct box square = box_meet(inside, (struct box){ x, y, x + SQUARE, y + SQUARE });
            AUTO(mem) void *pixels = NULL;

            if (box_is_empty(square))
                continue;
            pixels = read_box(r, square, err);
            if (!pixels)
                return false;
            feed(r, pixels, box_pixels(square));
        }
    feed(r, NULL, box_pixels(window) - box_pixels(inside));
    return true;
}

/* One window out of what was read for several. */
static void small_window(struct reducing *r, struct box window, struct box read, const char *pixels,
                         char *together)
{
    struct box inside = box_meet(window, read);
    size_t size = pixel_size(r->kind.pixel), row = 0, width = (size_t)(read.right - read.left);

    if (!box_is_empty(inside)) {
        row = (size_t)(inside.right - inside.left) * size;
        for (int64_t y = inside.top; y < inside.bottom; y++)
            memcpy(together + (size_t)(y - inside.top) * row,
                   pixels + ((size_t)(y - read.top) * width + (size_t)(inside.left - read.left)) * size,
                   row);
        feed(r, together, box_pixels(inside));
    }
    feed(r, NULL, box_pixels(window) - box_pixels(inside));
}

/* nx * ny windows from (x, y) on, of which `first` is the first's place in `out`. */
static bool some_windows(struct reducing *r, const struct window_rect *part,
                         const struct lane_plane *out, size_t first, size_t pitch, struct err *err)
{
    const struct window_args *w = r->around->node->windows;
    const struct grid *from = &r->around->node->inputs[0]->schema.grid;
    struct box all = window_box(w, part->x, part->y, (int64_t)part->width, (int64_t)part->height);
    struct box inside = box_meet(all, grid_box(from));
    bool large = w->width > SQUARE || w->height > SQUARE;
    AUTO(mem) void *pixels = NULL;
    AUTO(mem) void *together = NULL;

    if (!large && !box_is_empty(inside)) {
        pixels = read_box(r, inside, err);
        together = malloc((size_t)(w->width * w->height) * pixel_size(r->kind.pixel));
        if (!pixels)
            return false;
        if (!together)
            return err_set(err, ERR_MemoryExceeded, "No memory for a window.");
    }
    for (size_t y = 0; y < part->height; y++)
        for (size_t x = 0; x < part->width; x++) {
            struct box one = window_box(w, part->x + (int64_t)x, part->y + (int64_t)y, 1, 1);

            begin(r);
            if (!large)
                small_window(r, one, inside, pixels, together);
            else if (!large_window(r, one, err))
                return false;
            finish(r, out, first + y * pitch + x);
        }
    return true;
}

static bool all_windows(struct reducing *r, const struct window_rect *w,
                        const struct lane_plane *out, size_t pitch, struct err *err)
{
    const struct window_args *args = r->around->node->windows;
    size_t nx = args->width < SQUARE ? (size_t)(SQUARE / args->width) : 1;
    size_t ny = args->height < SQUARE ? (size_t)(SQUARE / args->height) : 1;

    for (size_t y = 0; y < w->height; y += ny)
        for (size_t x = 0; x < w->width; x += nx) {
            struct window_rect part = { w->x + (int64_t)x, w->y + (int64_t)y,
                                        w->width - x < nx ? w->width - x : nx,
                                        w->height - y < ny ? w->height - y : ny };

            if (!some_windows(r, &part, out, y * pitch + x, pitch, err))
                return false;
        }
    return true;
}

/* ---- buffers ---- */

static void take_buffers(struct reducing *r)
{
    size_t outputs = r->reducer->map ? r->reducer->map->n_outputs : 0;
    enum pixel pixel = r->table == &lanes_double ? PIXEL_F64 : PIXEL_F32;

    r->tallies = mem_array(r->reducer->n_reductions, sizeof *r->tallies);
    r->mapped = mem_array(outputs, sizeof *r->mapped);
    r->ones = mem_array(STRIP, 1);
    memset(r->ones, 1, STRIP);
    for (size_t i = 0; i < outputs; i++)
        r->mapped[i] = (struct lane_plane){ mem_array(STRIP, sizeof(double)), { pixel, NAN, true } };
    for (size_t i = 0; i < r->reducer->n_reductions; i++) {
        struct tally *t = &r->tallies[i];

        t->how = &r->reducer->reductions[i];
        t->keeper = r->tallies;
        while (t->keeper != t && (t->keeper->how->folds || t->keeper->how->input != t->how->input))
            t->keeper++;
        t->state = (struct fold_state){ mem_array(STRIP, sizeof(double)), mem_array(STRIP, sizeof(double)),
                                        mem_array(STRIP, sizeof(double)), mem_array(STRIP, sizeof(double)) };
    }
}

static void drop_buffers(struct reducing *r)
{
    for (size_t i = 0; r->reducer->map && i < r->reducer->map->n_outputs; i++)
        free(r->mapped[i].data);
    for (size_t i = 0; i < r->reducer->n_reductions; i++) {
        free(r->tallies[i].state.value);
        free(r->tallies[i].state.sum);
        free(r->tallies[i].state.seen);
        free(r->tallies[i].state.squares);
        free(r->tallies[i].kept);
    }
    free(r->tallies);
    free(r->mapped);
    free(r->ones);
}

bool windows_run(const struct around *a, const struct window_rect *window,
                 const struct lane_plane *out, size_t pitch, struct err *err)
{
    struct reducing r = { .around = a, .reducer = a->node->windows->reducers[a->plane],
                          .kind = a->input->results[0].kind };
    bool ok;

    r.table = r.reducer->map && r.reducer->map->wide ? &lanes_double : &lanes_float;
    take_buffers(&r);
    ok = all_windows(&r, window, out, pitch, err);
    drop_buffers(&r);
    return ok;
}
