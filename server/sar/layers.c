/* Block by block, each with as much terrain around it as its shadows need. */
#include "sar/layers.h"
#include "base/crew.h"
#include "base/mem.h"
#include "processes/kernels.h"
#include "sar/geodesy.h"

enum { SIDE = 1024, EVERY = 16 };

struct making {
    const struct layers_want *want;
    size_t columns, rows; /* blocks */
};

static bool begin(void *making, void **ret_own, struct err *err)
{
    (void)making, (void)err;
    *ret_own = crs_open();
    return true;
}

static void end(void *making, void *own)
{
    (void)making;
    crs_close(own);
}

struct angle_row {
    const float *sight_x, *sight_y, *sight_up, *scale, *lines, *east, *north;
    int n;
};

static float *at_or(float *layer, size_t at, float *unwanted)
{
    return layer ? layer + at : unwanted;
}

static float degrees(float cosine)
{
    return acosf(cosine > 1 ? 1 : cosine < -1 ? -1 : cosine) * (float)(1 / GEODESY_RADIANS);
}

static void angles(const struct angle_row *row, float *incidence, float *local, float *projected)
{
    for (int i = 0; i < row->n; i++) {
        float x = row->sight_x[i], y = row->sight_y[i], up = row->sight_up[i], level = sqrtf(x * x + y * y);
        float nx = -row->east[i] / row->scale[i], ny = -row->north[i] / row->scale[i];
        float length = sqrtf(nx * nx + ny * ny + 1), dot = nx * x + ny * y + up, along = (nx * x + ny * y) / level;
        float none = isnan(row->lines[i]) ? NAN : 0;

        incidence[i] = degrees(up) + none;
        local[i] = degrees(dot / length) + none;
        projected[i] = degrees(dot / sqrtf(along * along + 1)) + none;
    }
}

static void put_angles(const struct layers_want *want, const struct relief *r, const struct window_rect *block)
{
    float east[SIDE], north[SIDE], unwanted[SIDE];

    for (size_t y = 0; y < block->height; y++) {
        size_t from = (r->top + y) * r->window.width + r->left;
        size_t to = (size_t)(block->y + (int64_t)y) * (size_t)want->grid.width + (size_t)block->x;
        struct angle_row row = { r->sight_x + from, r->sight_y + from, r->sight_up + from, r->scale + from,
                                 r->lines + from, east, north, (int)block->width };

        relief_slopes(r, r->top + y, r->left, block->width, east, north);
        angles(&row, at_or(want->incidence, to, unwanted), at_or(want->local, to, unwanted),
               at_or(want->projected, to, unwanted));
    }
}

/* Whether any of the four nodes of the DEM around a place is void. */
static bool is_void(const struct dem *dem, double column, double row)
{
    size_t x = (size_t)fmin(fmax(column, 0), (double)dem->width - 2), y = (size_t)fmin(fmax(row, 0), (double)dem->height - 2);
    const uint8_t *p = dem->voids + y * dem->width + x;

    return p[0] | p[1] | p[dem->width] | p[dem->width + 1];
}

/* Places in the DEM are asked for every few pixels. */
static bool put_voids(const struct layers_want *want, const struct window_rect *block, struct crs *crs, struct err *err)
{
    enum { NODES = SIDE / EVERY + 1 };
    double x[NODES * NODES], y[NODES * NODES], column[NODES * NODES], row[NODES * NODES];
    const struct grid *g = &want->grid;

    for (size_t i = 0; i < NODES * NODES; i++) {
        x[i] = g->x0 + g->dx * ((double)block->x + (double)(i % NODES * EVERY) + 0.5);
        y[i] = g->y0 - g->dy * ((double)block->y + (double)(i / NODES * EVERY) + 0.5);
    }
    if (!dem_places(want->dem, crs, g->epsg, NODES * NODES, x, y, column, row, err))
        return false;
    for (size_t i = 0; i < block->width * block->height; i++) {
        size_t px = i % block->width, py = i / block->width, at = py / EVERY * NODES + px / EVERY;
        double fx = (double)(px % EVERY) / EVERY, fy = (double)(py % EVERY) / EVERY;
        double c = (column[at] * (1 - fx) + column[at + 1] * fx) * (1 - fy) +
                   (column[at + NODES] * (1 - fx) + column[at + NODES + 1] * fx) * fy;
        double r = (row[at] * (1 - fx) + row[at + 1] * fx) * (1 - fy) +
                   (row[at + NODES] * (1 - fx) + row[at + NODES + 1] * fx) * fy;

        if (isnan(c) || is_void(want->dem, c, r))
            want->mask[(size_t)(block->y + (int64_t)py) * (size_t)g->width + (size_t)block->x + px] |= SHADOW_NO_HEIGHT;
    }
    return true;
}

static bool put_mask(const struct layers_want *want, const struct relief *r, const struct window_rect *block,
                     struct crs *crs, struct err *err)
{
    AUTO(mem) uint8_t *mask = NULL;

    if (!shadow_mask(r, &mask, err))
        return false;
    for (size_t y = 0; y < block->height; y++)
        for (size_t x = 0; x < block->width; x++) {
            size_t from = (r->top + y) * r->window.width + r->left + x;

            want->mask[(size_t)(block->y + (int64_t)y) * (size_t)want->grid.width + (size_t)block->x + x] =
                isnan(r->lines[from]) ? 0 : mask[from];
        }
    return want->dem->n_voids == 0 || put_voids(want, block, crs, err);
}

static void put_nothing(const struct layers_want *want, const struct window_rect *block)
{
    float *const layers[] = { want->incidence, want->local, want->projected };

    for (size_t y = 0; y < block->height; y++) {
        size_t at = (size_t)(block->y + (int64_t)y) * (size_t)want->grid.width + (size_t)block->x;

        for (size_t i = 0; i < ARRAY_LEN(layers); i++)
            for (size_t x = 0; layers[i] && x < block->width; x++)
                layers[i][at + x] = NAN;
        if (want->mask)
            memset(want->mask + at, 0, block->width);
    }
}

static bool run_block(void *context, void *crs, size_t unit, struct err *err)
{
    const struct making *m = context;
    const struct layers_want *want = m->want;
    int64_t x = (int64_t)(unit % m->columns * SIDE), y = (int64_t)(unit / m->columns * SIDE);
    struct window_rect block = { x, y, (size_t)(want->grid.width - x < SIDE ? want->grid.width - x : SIDE),
                                 (size_t)(want->grid.height - y < SIDE ? want->grid.height - y : SIDE) };
    struct relief_want wish = { .view = want->view, .dem = want->dem, .grid = &want->grid, .window = block,
                                .with_scan = want->mask != NULL };
    AUTO(relief) struct relief *relief = NULL;

    if (want->mask && !relief_reach(want->dem, &want->grid, &block, crs, &wish.around, err))
        return false;
    if (!relief_new(&wish, crs, &relief, err))
        return false;
    if (!relief->seen) {
        put_nothing(want, &block);
        return true;
    }
    put_angles(want, relief, &block);
    return !want->mask || put_mask(want, relief, &block, crs, err);
}

bool layers_make(const struct layers_want *want, struct err *err)
{
    struct making m = { want, ((size_t)want->grid.width + SIDE - 1) / SIDE, ((size_t)want->grid.height + SIDE - 1) / SIDE };
    const struct crew_work work = { .units = m.columns * m.rows, .threads = want->threads, .context = &m, .begin = begin,
                                    .end = end, .unit = run_block, .progress = want->progress, .listener = want->listener };

    return crew_run(&work, err);
}
