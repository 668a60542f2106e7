/* Patches are found in the window and a rim around it, one pixel less wide than a patch must be large: one
 * that reaches from the window to the end of the rim is large, whatever lies beyond. Labels are joined in one
 * pass by union and find. */
#include "raster/sieve.h"
#include "base/mem.h"
#include <math.h>

struct patch_map {
    size_t width, height;
    bool diagonal;
    double *values;
    uint32_t *label; /* of each pixel: another of its patch, itself when it is the first; by places */
    uint32_t *size;  /* at the first pixel of a patch */
};

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static struct window_rect with_rim(const struct plan_node *node, const struct window_rect *w)
{
    const struct grid *grid = &node->schema.grid;
    int64_t rim = (int64_t)node->sieve.size - 1;
    int64_t x = w->x > rim ? w->x - rim : 0, y = w->y > rim ? w->y - rim : 0;

    return (struct window_rect){ x, y, (size_t)(least(w->x + (int64_t)w->width + rim, grid->width) - x),
                                 (size_t)(least(w->y + (int64_t)w->height + rim, grid->height) - y) };
}

size_t sieve_bytes(const struct plan_node *node, size_t width, size_t height)
{
    size_t rim = 2 * (node->sieve.size - 1);

    return (width + rim) * (height + rim) * (2 * sizeof(double) + 2 * sizeof(uint32_t));
}

static uint32_t first_of(uint32_t *label, uint32_t i)
{
    while (label[i] != i)
        i = label[i] = label[label[i]];
    return i;
}

static bool is_set(const struct patch_map *m, size_t i)
{
    return !isnan(m->values[i]) && m->values[i] != 0;
}

static void join(struct patch_map *m, size_t i, size_t other)
{
    uint32_t a, b;

    if (!is_set(m, other))
        return;
    a = first_of(m->label, (uint32_t)i);
    b = first_of(m->label, (uint32_t)other);
    if (a == b)
        return;
    m->label[a > b ? a : b] = a > b ? b : a;
    m->size[a > b ? b : a] += m->size[a > b ? a : b];
}

static void find_patches(struct patch_map *m)
{
    for (size_t y = 0; y < m->height; y++)
        for (size_t x = 0; x < m->width; x++) {
            size_t i = y * m->width + x;

            m->label[i] = (uint32_t)i;
            m->size[i] = 1;
            if (!is_set(m, i))
                continue;
            if (x)
                join(m, i, i - 1);
            if (y)
                join(m, i, i - m->width);
            if (y && x && m->diagonal)
                join(m, i, i - m->width - 1);
            if (y && x + 1 < m->width && m->diagonal)
                join(m, i, i - m->width + 1);
        }
}

static void keep_line(struct patch_map *m, size_t from, size_t step, size_t n, uint32_t size)
{
    for (size_t i = from; n--; i += step)
        if (is_set(m, i))
            m->size[first_of(m->label, (uint32_t)i)] += size;
}

/* What goes on beyond a border of the map that is none of the grid is large enough. */
static void keep_cut(struct patch_map *m, const struct window_rect *wide, const struct grid *grid, uint32_t size)
{
    if (wide->x > 0)
        keep_line(m, 0, m->width, m->height, size);
    if (wide->x + (int64_t)m->width < grid->width)
        keep_line(m, m->width - 1, m->width, m->height, size);
    if (wide->y > 0)
        keep_line(m, 0, 1, m->width, size);
    if (wide->y + (int64_t)m->height < grid->height)
        keep_line(m, (m->height - 1) * m->width, 1, m->width, size);
}

static void write_kept(struct patch_map *m, const struct window_rect *wide, const struct window_rect *w,
                       uint32_t size, const struct lane_plane *out, size_t pitch)
{
    const struct pixel_kind doubles = { PIXEL_F64, NAN, true };

    for (size_t y = 0; y < w->height; y++) {
        size_t from = ((size_t)(w->y - wide->y) + y) * m->width + (size_t)(w->x - wide->x);

        for (size_t i = from; i < from + w->width; i++)
            if (is_set(m, i) && m->size[first_of(m->label, (uint32_t)i)] < size)
                m->values[i] = 0;
        lanes_convert(&(struct lane_plane){ m->values + from, doubles },
                      &(struct lane_plane){ (char *)out->data + y * pitch * pixel_size(out->kind.pixel), out->kind },
                      w->width);
    }
}

bool sieve_run(const struct around *a, const struct window_rect *w, const struct lane_plane *out,
               size_t pitch, struct err *err)
{
    struct window_rect wide = with_rim(a->node, w);
    struct pixel_kind kind = a->input->results[0].kind;
    size_t n = wide.width * wide.height;
    uint32_t size = (uint32_t)a->node->sieve.size;
    AUTO(mem) void *native = malloc(n * pixel_size(kind.pixel) + 1);
    AUTO(mem) double *values = malloc(n * sizeof *values + 1);
    AUTO(mem) uint32_t *label = malloc(n * sizeof *label + 1);
    AUTO(mem) uint32_t *sizes = malloc(n * sizeof *sizes + 1);
    struct patch_map map = { wide.width, wide.height, a->node->sieve.diagonal, values, label, sizes };

    if (!native || !values || !label || !sizes)
        return err_set(err, ERR_MemoryExceeded, "No memory for the patches of %zu pixels.", n);
    if (!a->read(a->context, a->input, &wide, native, err))
        return false;
    lanes_convert(&(struct lane_plane){ native, kind },
                  &(struct lane_plane){ values, { PIXEL_F64, NAN, true } }, n);
    find_patches(&map);
    keep_cut(&map, &wide, &a->node->schema.grid, size);
    write_kept(&map, &wide, w, size, out, pitch);
    return true;
}
