/* A kernel asks for its window and a rim around it. Where the rim passes the border of the grid, each
 * row and column is that of some row or column inside, or a constant: runs of neighbours are read as
 * windows. A warp asks for what lies under its window; windows under which too much lies are halved. */
#include "raster/around.h"
#include "base/mem.h"
#include "raster/foreign.h"
#include "raster/patches.h"
#include "raster/sieve.h"
#include "raster/windows.h"
#include <math.h>
#include <string.h>

enum { MOST_INPUT = 5 << 19 /* pixels under a warped window */, HARD_LIMIT = 1 << 26 };

/* What lies under a window: as it is, and twice as it is computed with. */
static size_t warp_bytes(const struct cube_schema *from)
{
    double all = (double)from->grid.width * (double)from->grid.height;
    size_t own = pixel_size(from->pixel);

    return (size_t)fmin(all, MOST_INPUT) * (own + 2 * (own > sizeof(float) || from->pixel == PIXEL_I32 ||
                                                               from->pixel == PIXEL_U32
                                                           ? sizeof(double)
                                                           : sizeof(float)));
}

size_t around_bytes(const struct plan_node *node, size_t width, size_t height)
{
    size_t pixels = width * height;

    if (node->op == PLAN_WINDOWS)
        return windows_bytes(node);
    if (node->op == PLAN_SPREAD)
        return sizeof(double);
    if (node->op == PLAN_PATCH || node->op == PLAN_PATCHES)
        return patches_bytes(node, width, height);
    if (node->op == PLAN_UDF)
        return foreign_bytes(node);
    if (node->op == PLAN_SIEVE)
        return sieve_bytes(node, width, height);
    if (node->op == PLAN_WARP)
        return pixels * 2 * sizeof(double) + warp_bytes(&node->inputs[0]->schema);
    pixels = (width + node->kernel->width) * (height + node->kernel->height); /* as they are, and as numbers */
    return 2 * pixels * sizeof(double) + (node->kernel->height + 1) * width * sizeof(double);
}

static void *pixels_new(size_t count, size_t size, struct err *err)
{
    void *pixels = malloc(count * size + 1);

    if (!pixels)
        err_set(err, ERR_MemoryExceeded, "No memory for %zu bytes of pixels.", count * size);
    return pixels;
}

/* A window of the input as doubles (or floats), what is not finite as NaN. */
static bool read_numbers(const struct around *a, const struct window_rect *w, enum pixel pixel,
                         void *dst, struct err *err)
{
    size_t n = w->width * w->height;
    struct pixel_kind kind = a->coarse ? a->coarse->kind : a->input->results[0].kind;
    AUTO(mem) void *native = pixels_new(n, pixel_size(kind.pixel), err);

    if (!native || !(a->coarse ? load_plane(a->loader, a->coarse, w, native, err)
                               : a->read(a->context, a->input, w, native, err)))
        return false;
    lanes_convert(&(struct lane_plane){ native, kind },
                  &(struct lane_plane){ dst, { pixel, NAN, true } }, n);
    if (kind.pixel != PIXEL_F32 && kind.pixel != PIXEL_F64)
        return true; /* whole numbers are finite */
    if (pixel == PIXEL_F64)
        for (size_t i = 0; i < n; i++)
            ((double *)dst)[i] = isfinite(((double *)dst)[i]) ? ((double *)dst)[i] : NAN;
    else
        for (size_t i = 0; i < n; i++)
            ((float *)dst)[i] = isfinite(((float *)dst)[i]) ? ((float *)dst)[i] : NAN;
    return true;
}

/* ---- kernels ---- */

/* Which row or column inside one beyond the border is; -1: the constant. */
static int64_t mapped(int64_t at, int64_t size, enum border border)
{
    int64_t period;

    if (at >= 0 && at < size)
        return at;
    switch (border) {
    case BORDER_REPLICATE: return at < 0 ? 0 : size - 1;
    case BORDER_WRAP: return (at % size + size) % size;
    case BORDER_REFLECT:
        period = 2 * size;
        at = (at % period + period) % period;
        return at < size ? at : period - 1 - at;
    case BORDER_REFLECT_PIXEL:
        period = size > 1 ? 2 * (size - 1) : 1;
        at = (at % period + period) % period;
        return at < size ? at : period - at;
    default: return -1;
    }
}

/* Positions that follow each other, up or down. */
static size_t run_length(const int64_t *map, size_t from, size_t n)
{
    size_t to = from + 1;
    int64_t step = to < n ? map[to] - map[from] : 0;

    if (map[from] < 0) {
        while (to < n && map[to] < 0)
            to++;
        return to - from;
    }
    if (to == n || map[to] < 0 || (step != 1 && step != -1 && step != 0))
        return 1;
    while (to < n && map[to] >= 0 && map[to] - map[to - 1] == step)
        to++;
    return to - from;
}

struct rim {
    size_t width, height;
    int64_t *x, *y; /* by column and row: where in the grid; -1: the constant */
    bool wide;      /* values are doubles, else floats */
    size_t size;    /* of a value */
    void *values;
};

static void *value_at(const struct rim *rim, size_t x, size_t y)
{
    return (char *)rim->values + (y * rim->width + x) * rim->size;
}

static void replace_gaps(const struct rim *rim, void *values, size_t n, double replacement)
{
    double *doubles = values;
    float *floats = values;

    for (size_t i = 0; rim->wide && i < n; i++)
        doubles[i] = doubles[i] != doubles[i] ? replacement : doubles[i];
    for (size_t i = 0; !rim->wide && i < n; i++)
        floats[i] = floats[i] != floats[i] ? (float)replacement : floats[i];
}

/* Whole rows one below the other, as most blocks have them: they need not be put together. */
static bool are_whole_rows(const struct rim *rim, size_t nx, size_t y, size_t ny)
{
    return nx == rim->width && rim->x[nx - 1] - rim->x[0] == (int64_t)nx - 1 &&
           rim->y[y + ny - 1] - rim->y[y] == (int64_t)ny - 1;
}

static bool read_run(const struct around *a, struct rim *rim, size_t x, size_t nx, size_t y,
                     size_t ny, struct err *err)
{
    int64_t x0 = rim->x[x] < rim->x[x + nx - 1] ? rim->x[x] : rim->x[x + nx - 1];
    int64_t y0 = rim->y[y] < rim->y[y + ny - 1] ? rim->y[y] : rim->y[y + ny - 1];
    int64_t x1 = rim->x[x] + rim->x[x + nx - 1] - x0, y1 = rim->y[y] + rim->y[y + ny - 1] - y0;
    struct window_rect w = { x0, y0, (size_t)(x1 - x0) + 1, (size_t)(y1 - y0) + 1 };
    bool whole = are_whole_rows(rim, nx, y, ny);
    AUTO(mem) void *apart = whole ? NULL : pixels_new(w.width * w.height, rim->size, err);
    void *values = whole ? value_at(rim, 0, y) : apart;

    if (!values || !read_numbers(a, &w, rim->wide ? PIXEL_F64 : PIXEL_F32, values, err))
        return false;
    replace_gaps(rim, values, w.width * w.height, a->node->kernel->replacement);
    for (size_t r = 0; !whole && r < ny; r++) {
        const char *from = (const char *)values + (size_t)(rim->y[y + r] - y0) * w.width * rim->size;

        if (rim->x[x + nx - 1] - x0 == (int64_t)nx - 1) {
            memcpy(value_at(rim, x, y + r), from, nx * rim->size);
            continue;
        }
        for (size_t c = 0; c < nx; c++)
            memcpy(value_at(rim, x + c, y + r), from + (size_t)(rim->x[x + c] - x0) * rim->size, rim->size);
    }
    return true;
}

static bool read_rim(const struct around *a, struct rim *rim, struct err *err)
{
    size_t nx, ny;

    for (size_t y = 0; y < rim->height; y += ny) {
        ny = run_length(rim->y, y, rim->height);
        for (size_t x = 0; x < rim->width; x += nx) {
            nx = run_length(rim->x, x, rim->width);
            if (rim->x[x] >= 0 && rim->y[y] >= 0) {
                if (!read_run(a, rim, x, nx, y, ny, err))
                    return false;
                continue;
            }
            for (size_t r = y; r < y + ny; r++)
                pixel_tables[rim->wide ? PIXEL_F64 : PIXEL_F32]->fill(value_at(rim, x, r), a->node->kernel->constant, nx);
        }
    }
    return true;
}

/* What is added up for a row, and by which weights; those of 0 are left out. */
struct taps {
    const void **at;
    double *weights;
    size_t n;
};

static void add_tap(struct taps *taps, const void *at, double weight)
{
    if (weight == 0)
        return;
    taps->at[taps->n] = at;
    taps->weights[taps->n++] = weight;
}

/* Where weights are a column times a row, rows are summed first, then columns: of the sums of rows as many are held
 * as the kernel is high. */
static void weigh(const struct kernel_args *k, const struct rim *rim, const struct window_rect *w, struct taps *taps,
                  char *row_sums, void *sums, const struct lane_plane *out, size_t pitch)
{
    struct pixel_kind numbers = { rim->wide ? PIXEL_F64 : PIXEL_F32, NAN, true };
    size_t row_bytes = w->width * rim->size;

    for (size_t below = 0; below < rim->height; below++) {
        size_t y = below + 1 - k->height;

        taps->n = 0;
        for (size_t i = 0; k->row && i < k->width; i++)
            add_tap(taps, value_at(rim, i, below), k->row[i]);
        if (k->row)
            weigh_taps(rim->wide, row_sums + below % k->height * row_bytes, taps->at, taps->weights, taps->n, w->width);
        if (below + 1 < k->height)
            continue;
        taps->n = 0;
        for (size_t j = 0; j < k->height; j++) {
            if (k->row)
                add_tap(taps, row_sums + (y + j) % k->height * row_bytes, k->column[j]);
            for (size_t i = 0; !k->row && i < k->width; i++)
                add_tap(taps, value_at(rim, i, y + j), k->weights[j * k->width + i]);
        }
        weigh_taps(rim->wide, sums, taps->at, taps->weights, taps->n, w->width);
        lanes_convert(&(struct lane_plane){ sums, numbers },
                      &(struct lane_plane){ (char *)out->data +
                                                y * pitch * pixel_size(out->kind.pixel),
                                            out->kind }, w->width);
    }
}

static bool are_whole(const double *numbers, size_t n, double times)
{
    bool whole = true;

    for (size_t i = 0; i < n; i++)
        whole &= times * numbers[i] == nearbyint(times * numbers[i]);
    return whole;
}

/* The sum of their sizes in halves, quarters, ... of which all are whole numbers; INFINITY: there are none down to `finest`. */
static double sum_of_whole(const double *numbers, size_t n, double finest)
{
    double times = 1, sum = 0;

    while (times < finest && !are_whole(numbers, n, times))
        times *= 2;
    if (!are_whole(numbers, n, times))
        return INFINITY;
    for (size_t i = 0; i < n; i++)
        sum += fabs(times * numbers[i]);
    return sum;
}

/* Small whole numbers, as classes and masks are, and weights like sixteenths: floats hold all sums of them. */
static bool floats_will_do(const struct kernel_args *k, enum pixel pixel)
{
    enum { FINEST = 256 };
    static const double largest[] = { [PIXEL_U8] = UINT8_MAX, [PIXEL_I8] = -INT8_MIN, [PIXEL_U16] = UINT16_MAX,
                                      [PIXEL_I16] = -INT16_MIN, [PIXEL_BOOL] = 1 };
    double most = (size_t)pixel < ARRAY_LEN(largest) ? largest[pixel] : 0, others[] = { k->replacement, k->constant };
    double weights = k->row ? sum_of_whole(k->row, k->width, FINEST) * sum_of_whole(k->column, k->height, FINEST)
                            : sum_of_whole(k->weights, k->width * k->height, FINEST);

    return most > 0 && (most + sum_of_whole(others, 2, 1)) * weights <= 1 << 24;
}

static bool run_kernel(const struct around *a, const struct window_rect *w,
                       const struct lane_plane *out, size_t pitch, struct err *err)
{
    const struct kernel_args *k = a->node->kernel;
    const struct grid *grid = &a->node->schema.grid;
    struct rim rim = { .width = w->width + k->width - 1, .height = w->height + k->height - 1,
                       .wide = !floats_will_do(k, (a->coarse ? a->coarse->kind : a->input->results[0].kind).pixel) };
    size_t size = rim.wide ? sizeof(double) : sizeof(float), most = k->row ? k->width + k->height : k->width * k->height;
    AUTO(mem) int64_t *x = mem_array(rim.width, sizeof *x);
    AUTO(mem) int64_t *y = mem_array(rim.height, sizeof *y);
    AUTO(mem) void *values = pixels_new(rim.width * rim.height, size, err);
    AUTO(mem) void *row_sums = pixels_new(k->row ? w->width * k->height : 0, size, err);
    AUTO(mem) void *sums = mem_array(w->width, size);
    AUTO(mem) const void **at = mem_array(most, sizeof *at);
    AUTO(mem) double *weights = mem_array(most, sizeof *weights);

    if (!values || !row_sums)
        return false;
    for (size_t i = 0; i < rim.width; i++)
        x[i] = mapped(w->x + (int64_t)i - (int64_t)(k->width / 2), grid->width, k->border);
    for (size_t i = 0; i < rim.height; i++)
        y[i] = mapped(w->y + (int64_t)i - (int64_t)(k->height / 2), grid->height, k->border);
    rim.size = size;
    rim.x = x;
    rim.y = y;
    rim.values = values;
    if (!read_rim(a, &rim, err))
        return false;
    weigh(k, &rim, w, &(struct taps){ at, weights, 0 }, row_sums, sums, out, pitch);
    return true;
}

/* ---- warps ---- */

/* Of methods that sum with weights the sum over an overview is that over its pixels, but for where some
 * of these are missing; all others want each pixel. */
static bool is_sum_of_weights(enum resampling method)
{
    return (method >= RESAMPLE_BILINEAR && method <= RESAMPLE_LANCZOS) || method == RESAMPLE_AVERAGE;
}

static void cut_box(double box[4], const struct grid *g)
{
    box[0] = fmax(box[0], g->x0);
    box[1] = fmax(box[1], g->y0 - (double)g->height * g->dy);
    box[2] = fmin(box[2], g->x0 + (double)g->width * g->dx);
    box[3] = fmin(box[3], g->y0);
}

const struct plan_node *around_loaded(const struct plan_node *node, size_t *plane, double box[4])
{
    if (!is_sum_of_weights(node->resampling))
        return NULL;
    node = node->inputs[0];
    while (node->op == PLAN_APPLY) {
        const struct application *a = node->applications, *end = a + node->n_applications;

        while (a < end && (a->program || a->planes[0] != *plane))
            a++;
        if (a == end || a->arguments[0].plane < 0)
            return NULL;
        cut_box(box, &node->schema.grid);
        *plane = (size_t)a->arguments[0].plane;
        node = node->inputs[a->arguments[0].input];
    }
    cut_box(box, &node->schema.grid);
    return node->op == PLAN_LOAD ? node : NULL;
}

/* What was loaded and nothing else is read from overviews that are fine enough, as gdalwarp does. */
static bool coarser_input(const struct around *a, struct load_want *want, bool *ret_is_coarse, struct err *err)
{
    double box[4] = { -INFINITY, -INFINITY, INFINITY, INFINITY };
    size_t plane = a->plane;
    const struct plan_node *load = around_loaded(a->node, &plane, box);

    *ret_is_coarse = false;
    if (!load)
        return true;
    *want = load_want_of(load, plane);
    want->until = &a->node->schema.grid;
    return load_coarsen(a->loader, want, box, ret_is_coarse, err);
}

/* How far a method looks around a position, in pixels of whichever grid is coarser. Those that take what lies
 * under a pixel look no further: what is more is for edges of the window that are not straight in the source. */
static double reach(enum resampling method)
{
    switch (method) {
    case RESAMPLE_LANCZOS: return 3;
    case RESAMPLE_CUBIC:
    case RESAMPLE_CUBICSPLINE: return 2;
    case RESAMPLE_NEAR:
    case RESAMPLE_BILINEAR: return 1;
    default: return 0.125;
    }
}

static bool gather_nearest(const struct around *a, const struct window_rect *w,
                           const struct lane_plane *out, size_t pitch, struct window_rect *used,
                           struct err *err)
{
    const struct grid *from = &a->node->inputs[0]->schema.grid;
    size_t n = w->width * w->height, size = pixel_size(out->kind.pixel);
    AUTO(mem) int64_t *index = pixels_new(n, sizeof *index, err);
    AUTO(mem) void *native = NULL;
    AUTO(mem) void *typed = NULL;

    if (!index || !warp_nearest(a->warper, from, &a->node->schema.grid, w, index, used, err))
        return false;
    if (used->width == 0 || (used->width * used->height > MOST_INPUT && n > 1))
        return true; /* nothing to do, or too much at once */
    native = pixels_new(used->width * used->height, pixel_size(a->input->results[0].kind.pixel), err);
    typed = pixels_new(used->width * used->height, size, err);
    if (!native || !typed || !a->read(a->context, a->input, used, native, err))
        return false;
    lanes_convert(&(struct lane_plane){ native, a->input->results[0].kind },
                  &(struct lane_plane){ typed, out->kind }, used->width * used->height);
    for (size_t i = 0; i < n; i++) {
        int64_t x = index[i] % from->width - used->x, y = index[i] / from->width - used->y;

        if (index[i] >= 0)
            memcpy((char *)out->data + (i / w->width * pitch + i % w->width) * size,
                   (char *)typed + ((size_t)y * used->width + (size_t)x) * size, size);
    }
    return true;
}

/* The window as numbers: */
static void *read_wide(const struct around *a, const struct window_rect *used, bool wide, struct err *err)
{
    AUTO(mem) void *pixels = pixels_new(used->width * used->height, wide ? sizeof(double) : sizeof(float), err);
    void *made = pixels;

    if (!pixels || !read_numbers(a, used, wide ? PIXEL_F64 : PIXEL_F32, pixels, err))
        return NULL;
    pixels = NULL;
    return made;
}

/* The same with a rim of no-data around it: GDAL treats pixels at the edge of its source in ways of
 * its own. A pixel of the result that reaches from one edge to the other, give or take two of its size, it takes for one across
 * 180 degrees. */
static void *read_rimmed(const struct around *a, const struct window_rect *used, size_t rim,
                         bool wide, struct window_rect *ret_rimmed, struct err *err)
{
    size_t size = wide ? sizeof(double) : sizeof(float), row = used->width * size;
    size_t width = used->width + 2 * rim, height = used->height + 2 * rim;
    enum pixel pixel = wide ? PIXEL_F64 : PIXEL_F32;
    AUTO(mem) char *inside = pixels_new(used->width * used->height, size, err);
    char *all = pixels_new(width * height, size, err);

    if (!inside || !all || !read_numbers(a, used, pixel, inside, err)) {
        free(all);
        return NULL;
    }
    pixel_tables[pixel]->fill(all, NAN, width * height);
    for (size_t y = 0; y < used->height; y++)
        memcpy(all + ((y + rim) * width + rim) * size, inside + y * row, row);
    *ret_rimmed = (struct window_rect){ used->x - (int64_t)rim, used->y - (int64_t)rim, width,
                                        height };
    return all;
}

static bool resample(const struct around *a, const struct window_rect *w,
                     const struct lane_plane *out, size_t pitch, struct window_rect *used,
                     struct err *err)
{
    const struct grid *to = &a->node->schema.grid;
    const struct grid *from = a->coarse ? &a->coarse->grid : &a->node->inputs[0]->schema.grid;
    enum pixel input = a->input->results[0].kind.pixel;
    bool wide = input == PIXEL_F64 || input == PIXEL_I32 || input == PIXEL_U32;
    size_t n = w->width * w->height, size = wide ? sizeof(double) : sizeof(float);
    double x, y, margin;
    struct window_rect rimmed;
    AUTO(mem) void *pixels = NULL;
    AUTO(mem) char *made = pixels_new(n, size, err);

    if (!made || !warp_scale(a->warper, from, to, &x, &y, err))
        return false;
    margin = reach(a->node->resampling) * fmax(1, fmax(x, y)) + 2;
    if (!warp_source(a->warper, from, to, w, margin, used, err))
        return false;
    if (used->width == 0 || (used->width * used->height > MOST_INPUT && n > 1))
        return true;
    if (used->width * used->height > HARD_LIMIT)
        return err_set(err, ERR_MemoryExceeded,
                       "%s: one pixel of the result would be made of more than %d pixels.",
                       a->node->pointer, HARD_LIMIT);
    rimmed = *used;
    pixels = warp_is_interpolation(a->node->resampling, x, y)
                 ? read_wide(a, used, wide, err)
                 : read_rimmed(a, used, (size_t)fmax(margin, 2 * fmax(1, x) + 2), wide, &rimmed, err);
    if (!pixels ||
        !warp_resample(a->warper, from, to, a->node->resampling, wide, &rimmed, pixels, w, made,
                       err))
        return false;
    for (size_t row = 0; row < w->height; row++)
        lanes_convert(
            &(struct lane_plane){ made + row * w->width * size,
                                  { wide ? PIXEL_F64 : PIXEL_F32, NAN, true } },
            &(struct lane_plane){ (char *)out->data + row * pitch * pixel_size(out->kind.pixel),
                                  out->kind }, w->width);
    return true;
}

static bool warp_window(const struct around *a, const struct window_rect *w,
                        const struct lane_plane *out, size_t pitch, struct err *err)
{
    size_t size = pixel_size(out->kind.pixel);
    struct window_rect used, half = *w, rest = *w;
    bool wide = w->width > w->height;
    struct lane_plane other = *out;

    for (size_t row = 0; row < w->height; row++)
        pixel_tables[out->kind.pixel]->fill((char *)out->data + row * pitch * size,
                                            pixel_kind_gap(&out->kind), w->width);
    if (!(a->node->resampling == RESAMPLE_NEAR ? gather_nearest : resample)(a, w, out, pitch, &used,
                                                                            err))
        return false;
    if (used.width * used.height <= MOST_INPUT || w->width * w->height == 1)
        return true;
    half.width = wide ? w->width / 2 : w->width;
    half.height = wide ? w->height : w->height / 2;
    rest.x += wide ? (int64_t)half.width : 0;
    rest.y += wide ? 0 : (int64_t)half.height;
    rest.width -= wide ? half.width : 0;
    rest.height -= wide ? 0 : half.height;
    other.data = (char *)out->data + (wide ? half.width : half.height * pitch) * size;
    return warp_window(a, &half, out, pitch, err) && warp_window(a, &rest, &other, pitch, err);
}

static bool run_warp(const struct around *a, const struct window_rect *w,
                     const struct lane_plane *out, size_t pitch, struct err *err)
{
    struct around mine = *a;
    struct load_want want;
    bool is_coarse;

    if (!coarser_input(a, &want, &is_coarse, err))
        return false;
    if (is_coarse)
        mine.coarse = &want;
    return warp_window(&mine, w, out, pitch, err);
}

/* ---- one pixel ---- */

static bool run_spread(const struct around *a, const struct window_rect *w,
                       const struct lane_plane *out, size_t pitch, struct err *err)
{
    static const struct window_rect only = { 0, 0, 1, 1 };
    size_t size = pixel_size(out->kind.pixel);
    double native, typed; /* room for any pixel */

    if (!a->read(a->context, a->input, &only, &native, err))
        return false;
    lanes_convert(&(struct lane_plane){ &native, a->input->results[0].kind },
                  &(struct lane_plane){ &typed, out->kind }, 1);
    for (size_t y = 0; y < w->height; y++)
        for (size_t x = 0; x < w->width; x++)
            memcpy((char *)out->data + (y * pitch + x) * size, &typed, size);
    return true;
}

bool around_run(const struct around *a, const struct window_rect *window,
                const struct lane_plane *outs, struct err *err)
{
    const struct grid *grid = &a->node->schema.grid;
    int64_t left = window->x < 0 ? 0 : window->x, top = window->y < 0 ? 0 : window->y;
    int64_t right = window->x + (int64_t)window->width, bottom = window->y + (int64_t)window->height;
    struct window_rect w;
    AUTO(mem) struct lane_plane *parts = mem_array(a->step->n_outs, sizeof *parts);
    bool (*run)(const struct around *, const struct window_rect *, const struct lane_plane *, size_t,
                struct err *) = a->node->op == PLAN_KERNEL    ? run_kernel
                                : a->node->op == PLAN_WINDOWS ? windows_run
                                : a->node->op == PLAN_SPREAD  ? run_spread
                                : a->node->op == PLAN_PATCH   ? patch_run
                                : a->node->op == PLAN_PATCHES ? patches_run
                                : a->node->op == PLAN_UDF     ? foreign_run
                                : a->node->op == PLAN_SIEVE   ? sieve_run
                                                              : run_warp;

    right = right < grid->width ? right : grid->width;
    bottom = bottom < grid->height ? bottom : grid->height;
    w = (struct window_rect){ left, top, (size_t)(right - left), (size_t)(bottom - top) };
    for (size_t i = 0; i < a->step->n_outs; i++) {
        parts[i] = outs[i];
        parts[i].data = (char *)outs[i].data + ((size_t)(top - window->y) * window->width +
                                                (size_t)(left - window->x)) *
                                                   pixel_size(outs[i].kind.pixel);
    }
    return run(a, &w, parts, window->width, err);
}
