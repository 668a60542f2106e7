/* A block of the grid is one unit of work: its lattice, the positions of its pixels, the window of the image that they
 * lie in, and their values. Blocks do not depend on each other, so neither do results on the number of threads. */
#include "sar/geocode.h"
#include "base/crew.h"
#include "base/mem.h"
#include <math.h>
#include <pthread.h>
#include <string.h>

enum { SIDE = 1024 /* positions of a block, across */ };

struct geocoding {
    const struct geocode_want *want;
    struct grid fine; /* of positions: several to a pixel where the grid is coarse */
    size_t each;      /* positions across a pixel */
    size_t side, columns, rows; /* pixels of a block; blocks */
    struct flatten *flatten;    /* NULL: terrain is not flattened */
    pthread_mutex_t lock; /* of the report */
    struct geocode_report report;
};

/* What a thread works with. */
struct worker {
    struct crs *crs;
    void *reader;
    float *heights, *lines, *image_columns;
    double *t, *range;
    float *row, *sums, *counts; /* of one row of pixels */
    float *raw, *power; /* a window as it is read, and with what lies around it */
    size_t raw_size, power_size;
};

static void end(void *context, void *own)
{
    struct geocoding *g = context;
    struct worker *w = own;

    if (w->reader)
        g->want->input.end(g->want->input.context, w->reader);
    crs_close(w->crs);
    free(w->heights);
    free(w->lines);
    free(w->image_columns);
    free(w->t);
    free(w->range);
    free(w->row);
    free(w->sums);
    free(w->counts);
    free(w->raw);
    free(w->power);
    free(w);
}

static bool begin(void *context, void **ret_own, struct err *err)
{
    struct geocoding *g = context;
    struct worker *w = MEM_NEW(struct worker);

    w->crs = crs_open();
    w->heights = mem_array(SIDE, sizeof *w->heights);
    w->t = mem_array(SIDE, sizeof *w->t);
    w->range = mem_array(SIDE, sizeof *w->range);
    w->row = mem_array(SIDE, sizeof *w->row);
    w->sums = mem_array(SIDE, sizeof *w->sums);
    w->counts = mem_array(SIDE, sizeof *w->counts);
    w->lines = malloc((size_t)SIDE * SIDE * sizeof *w->lines);
    w->image_columns = malloc((size_t)SIDE * SIDE * sizeof *w->image_columns);
    if (!w->lines || !w->image_columns) {
        end(context, w);
        return err_set(err, ERR_MemoryExceeded, "No memory for the positions of a block.");
    }
    if (!g->want->input.begin(g->want->input.context, &w->reader, err)) {
        end(context, w);
        return false;
    }
    *ret_own = w;
    return true;
}

static bool have(float **buffer, size_t *size, size_t n, struct err *err)
{
    if (n <= *size)
        return true;
    free(*buffer);
    *size = 0;
    *buffer = malloc(n * sizeof **buffer);
    if (!*buffer)
        return err_set(err, ERR_MemoryExceeded, "No memory for a window of %zu pixels of an image.", n);
    *size = n;
    return true;
}

/* ---- the window of the image ---- */

/* The positions of a block, which count from an origin, and whole pixels around them all. Each row is looked at while it is at
 * hand. */
static bool find_positions(struct worker *w, const struct lattice *lattice, size_t width, size_t height, struct image_frame *ret)
{
    float left = INFINITY, right = -INFINITY, top = INFINITY, bottom = -INFINITY;
    double line, column;

    for (size_t y = 0; y < height; y++) {
        struct lattice_row row = { .heights = w->heights, .t = w->t, .range = w->range, .lines = w->lines + y * width,
                                   .columns = w->image_columns + y * width };

        lattice_row(lattice, y, &row);
        resample_extent(row.columns, width, &left, &right);
        resample_extent(row.lines, width, &top, &bottom);
    }
    if (!(left <= right))
        return false;
    lattice_origin(lattice, &line, &column);
    ret->line = (int64_t)(floorf(top) + line) - RESAMPLE_BORDER;
    ret->column = (int64_t)(floorf(left) + column) - RESAMPLE_BORDER;
    ret->width = (size_t)(floorf(right) - floorf(left)) + 2 * RESAMPLE_BORDER + 1;
    ret->height = (size_t)(floorf(bottom) - floorf(top)) + 2 * RESAMPLE_BORDER + 1;
    return true;
}

/* The frame with 0 where there is no image. */
static bool read_frame(const struct geocode_want *want, struct worker *w, const struct image_frame *f, struct err *err)
{
    int64_t left = f->column > 0 ? f->column : 0, top = f->line > 0 ? f->line : 0;
    int64_t right = f->column + (int64_t)f->width, bottom = f->line + (int64_t)f->height;
    struct sar_window window;

    right = right < want->view->samples ? right : want->view->samples;
    bottom = bottom < want->view->lines ? bottom : want->view->lines;
    if (!have(&w->power, &w->power_size, f->width * f->height, err))
        return false;
    if (left >= right || top >= bottom) {
        memset(w->power, 0, f->width * f->height * sizeof *w->power);
        return true;
    }
    window = (struct sar_window){ top, left, (size_t)(right - left), (size_t)(bottom - top) };
    if (window.width == f->width && window.height == f->height)
        return want->input.read(want->input.context, w->reader, &window, w->power, err);
    if (!have(&w->raw, &w->raw_size, window.width * window.height, err) ||
        !want->input.read(want->input.context, w->reader, &window, w->raw, err))
        return false;
    memset(w->power, 0, f->width * f->height * sizeof *w->power);
    for (size_t y = 0; y < window.height; y++)
        memcpy(w->power + ((size_t)(top - f->line) + y) * f->width + (size_t)(left - f->column),
               w->raw + y * window.width, window.width * sizeof *w->raw);
    return true;
}

/* ---- blocks ---- */

static void shift(float *positions, size_t n, float by)
{
    for (size_t i = 0; i < n; i++)
        positions[i] += by;
}

/* A row of pixels, each the mean of the positions in it. */
static void average(const struct geocoding *g, struct worker *w, size_t pixels)
{
    for (size_t i = 0; i < pixels; i++)
        for (size_t k = 0; k < g->each; k++) {
            float value = w->row[i * g->each + k];

            w->sums[i] += isnan(value) ? 0 : value;
            w->counts[i] += isnan(value) ? 0 : 1;
        }
}

static size_t put_row(const float *values, float *pixels, size_t n)
{
    size_t filled = 0;

    for (size_t i = 0; i < n; i++) {
        bool take = isnan(pixels[i]) && !isnan(values[i]);

        pixels[i] = take ? values[i] : pixels[i];
        filled += take;
    }
    return filled;
}

/* down, right: from the origin of the positions to the frame's first pixel. */
static size_t put_block(const struct geocoding *g, struct worker *w, const struct window_rect *pixels,
                        const struct image_frame *f, float down, float right)
{
    struct resample_window window = { w->power, f->width };
    size_t width = pixels->width * g->each, filled = 0;

    for (size_t y = 0; y < pixels->height; y++) {
        float *to = g->want->pixels + (size_t)(pixels->y + (int64_t)y) * (size_t)g->want->grid.width + pixels->x;

        memset(w->sums, 0, pixels->width * sizeof *w->sums);
        memset(w->counts, 0, pixels->width * sizeof *w->counts);
        for (size_t k = 0; k < g->each; k++) {
            size_t at = (y * g->each + k) * width;

            shift(w->lines + at, width, down);
            shift(w->image_columns + at, width, right);
            resample_row(&window, g->want->method, w->image_columns + at, w->lines + at, width, w->row);
            if (g->each > 1)
                average(g, w, pixels->width);
        }
        for (size_t i = 0; g->each > 1 && i < pixels->width; i++)
            w->row[i] = w->counts[i] > 0 ? w->sums[i] / w->counts[i] : NAN;
        filled += put_row(w->row, to, pixels->width);
    }
    return filled;
}

static bool run_block(void *context, void *own, size_t unit, struct err *err)
{
    struct geocoding *g = context;
    const struct geocode_want *want = g->want;
    struct worker *w = own;
    int64_t x = (int64_t)(unit % g->columns * g->side), y = (int64_t)(unit / g->columns * g->side);
    int64_t each = (int64_t)g->each, side = (int64_t)g->side;
    struct window_rect pixels = { x, y, (size_t)(want->grid.width - x < side ? want->grid.width - x : side),
                                  (size_t)(want->grid.height - y < side ? want->grid.height - y : side) };
    struct lattice_want wish = { .view = want->view, .dem = want->dem, .grid = &g->fine,
                                 .window = { x * each, y * each, pixels.width * g->each, pixels.height * g->each } };
    AUTO(lattice) struct lattice *lattice = NULL;
    size_t filled;
    struct image_frame frame;
    double line, column;

    if (!lattice_new(&wish, w->crs, &lattice, err))
        return false;
    if (!lattice_meets_image(lattice))
        return true;
    if (!find_positions(w, lattice, wish.window.width, wish.window.height, &frame))
        return true;
    if (!read_frame(want, w, &frame, err))
        return false;
    if (g->flatten)
        flatten_apply(g->flatten, &frame, w->power);
    lattice_origin(lattice, &line, &column);
    filled = put_block(g, w, &pixels, &frame, (float)(line - (double)frame.line), (float)(column - (double)frame.column));
    pthread_mutex_lock(&g->lock);
    g->report.filled += filled;
    g->report.blocks_met++;
    pthread_mutex_unlock(&g->lock);
    return true;
}

static size_t positions_across(const struct geocode_want *want)
{
    double each = ceil(want->grid.dx / want->view->range_spacing - 0.01);

    return each < 1 ? 1 : each > SIDE / 16 ? SIDE / 16 : (size_t)each;
}

bool geocode(const struct geocode_want *want, struct geocode_report *ret_report, struct err *err)
{
    struct geocoding g = { .want = want, .fine = want->grid, .each = positions_across(want),
                           .lock = PTHREAD_MUTEX_INITIALIZER };
    struct crew_work work = { .threads = want->threads, .context = &g, .begin = begin, .end = end, .unit = run_block,
                              .progress = want->progress, .listener = want->listener };
    struct flatten_want terrain = { .view = want->view, .dem = want->dem, .area = want->flatten, .threads = want->threads };
    bool good;

    g.fine.dx /= (double)g.each;
    g.fine.dy /= (double)g.each;
    g.fine.width *= (int64_t)g.each;
    g.fine.height *= (int64_t)g.each;
    g.side = SIDE / g.each;
    g.columns = ((size_t)want->grid.width + g.side - 1) / g.side;
    g.rows = ((size_t)want->grid.height + g.side - 1) / g.side;
    work.units = g.columns * g.rows;
    terrain.grid = g.fine;
    good = (!want->flatten || flatten_new(&terrain, &g.flatten, err)) && crew_run(&work, err);
    flatten_free(g.flatten);
    *ret_report = g.report;
    pthread_mutex_destroy(&g.lock);
    return good;
}
