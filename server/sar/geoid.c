/* Grids have nodes on both poles; east and west they meet. */
#include "sar/geoid.h"
#include "base/mem.h"
#include <math.h>

enum { LARGEST_SIDE = 50000 };

struct geoid {
    struct grid grid;
    float *heights;
};

bool sar_read_floats(struct source_pool *pool, const struct source *source, int64_t x, int64_t y, size_t width,
                     size_t height, float **ret_pixels, struct err *err)
{
    size_t n = width * height;
    AUTO(mem) void *native = malloc(n * pixel_size(source->kind.pixel) + 1);
    AUTO(mem) float *floats = malloc((n + 1) * sizeof *floats);
    struct lane_plane from = { native, source->kind }, to = { floats, { PIXEL_F32, NAN, true } };

    if (!native || !floats)
        return err_set(err, ERR_MemoryExceeded, "No memory for %zu x %zu pixels.", width, height);
    if (!source_read(pool, source, x, y, width, height, native, err))
        return false;
    lanes_convert(&from, &to, n);
    *ret_pixels = floats;
    floats = NULL;
    return true;
}

bool geoid_read(const char *path, struct geoid **ret_geoid, struct err *err)
{
    const struct raster_options options = { .trusted = true };
    AUTO(source_pool) struct source_pool *pool = source_pool_new(&options, 0);
    AUTO(geoid) struct geoid *geoid = MEM_NEW(struct geoid);
    struct source source;

    if (!source_open(pool, path, 1, &source, err))
        return err_prefix(err, "the geoid");
    geoid->grid = source.grid;
    if (source.grid.dx <= 0 || fabs(source.grid.dx * (double)source.width - 360) > 2 * source.grid.dx ||
        source.grid.dy * (double)source.height < 180 || source.width > LARGEST_SIDE || source.height > LARGEST_SIDE)
        return err_set(err, ERR_FileContentInvalid, "The geoid '%s' does not go round the Earth in degrees.", path);
    if (!sar_read_floats(pool, &source, 0, 0, (size_t)source.width, (size_t)source.height, &geoid->heights, err))
        return false;
    for (int64_t i = 0; i < source.width * source.height; i++)
        if (!(fabsf(geoid->heights[i]) < 200))
            return err_set(err, ERR_FileContentInvalid, "The geoid '%s' is damaged: it is %g m high in places.", path,
                           geoid->heights[i]);
    *ret_geoid = geoid;
    geoid = NULL;
    return true;
}

void geoid_free(struct geoid *geoid)
{
    if (!geoid)
        return;
    free(geoid->heights);
    free(geoid);
}

double geoid_height(const struct geoid *geoid, double longitude, double latitude)
{
    const struct grid *g;
    double x, y, fx, fy, upper, lower;
    int64_t column, row, next, below;

    if (!geoid)
        return 0;
    g = &geoid->grid;
    x = (longitude - g->x0) / g->dx - 0.5;
    y = fmin(fmax((g->y0 - latitude) / g->dy - 0.5, 0), (double)g->height - 1);
    x -= floor(x / (360 / g->dx)) * (360 / g->dx);
    column = (int64_t)x;
    row = (int64_t)y;
    fx = x - (double)column;
    fy = y - (double)row;
    column %= g->width;
    next = (column + 1) % g->width;
    below = row + 1 < g->height ? row + 1 : row;
    upper = geoid->heights[row * g->width + column] * (1 - fx) + geoid->heights[row * g->width + next] * fx;
    lower = geoid->heights[below * g->width + column] * (1 - fx) + geoid->heights[below * g->width + next] * fx;
    return upper * (1 - fy) + lower * fy;
}
