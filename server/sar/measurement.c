/* A pool of sources (raster/source.h) with this one file reads and keeps decoded tiles. Whether a file that is not packed has an
 * end is tried when it is opened, so that a damaged product is refused before hours are spent on it. */
#include "sar/measurement.h"
#include <string.h>

enum { TILE_BYTES = 64 << 20 };

struct sar_measurement {
    struct raster_options options;
    struct source_pool *pool;
    struct source source;
    const char *name; /* in the product's arena */
    char *allowed_paths;
    bool sequential;
};

void sar_measurement_free(struct sar_measurement *m)
{
    if (!m)
        return;
    source_pool_free(m->pool);
    free(m->allowed_paths);
    free(m);
}

static bool check(struct sar_measurement *m, const struct sar_annotation *annotation, struct err *err)
{
    if (m->source.kind.pixel != PIXEL_U16)
        return err_set(err, ERR_FileContentInvalid, "%s: the pixels are not unsigned numbers of 16 bits", m->name);
    if (m->source.width != annotation->samples || m->source.height != annotation->lines)
        return err_set(err, ERR_FileContentInvalid,
                       "%s: has %lld lines of %lld samples, but the annotation tells of %lld lines of %lld samples", m->name,
                       (long long)m->source.height, (long long)m->source.width, (long long)annotation->lines,
                       (long long)annotation->samples);
    return true;
}

static bool try_end(struct sar_measurement *m, struct err *err)
{
    uint16_t last;

    return m->sequential ||
           source_read(m->pool, &m->source, m->source.width - 1, m->source.height - 1, 1, 1, &last, err);
}

bool sar_measurement_open(const struct sar_product *product, const struct sar_image *image,
                          const struct sar_annotation *annotation, const char *allowed_paths,
                          struct sar_measurement **ret_measurement, struct err *err)
{
    AUTO(sar_measurement) struct sar_measurement *m = MEM_NEW(struct sar_measurement);
    AUTO(arena) struct arena *arena = arena_new();

    m->allowed_paths = mem_text(allowed_paths);
    m->options = (struct raster_options){ .threads = 1, .allowed_paths = m->allowed_paths, .archives = true };
    m->name = image->measurement;
    m->sequential = product->container->zip;
    m->pool = source_pool_new(&m->options, TILE_BYTES);
    if (!source_open(m->pool, container_href(product->container, image->measurement, arena), 1, &m->source, err) ||
        !check(m, annotation, err) || !try_end(m, err))
        return err_prefix(err, "%s", product->id);
    *ret_measurement = m;
    m = NULL;
    return true;
}

bool sar_measurement_is_sequential(const struct sar_measurement *measurement)
{
    return measurement->sequential;
}

/* The part of a window that lies in the image is read to where the window would begin without gaps, and its rows are moved to
 * their places from the last to the first. */
static bool read_part(struct sar_measurement *m, const struct sar_window *window, uint16_t *dn, struct err *err)
{
    int64_t x0 = window->pixel > 0 ? window->pixel : 0, y0 = window->line > 0 ? window->line : 0;
    int64_t x1 = window->pixel + (int64_t)window->width, y1 = window->line + (int64_t)window->height;
    size_t width, height, left = (size_t)(x0 - window->pixel), top = (size_t)(y0 - window->line);

    x1 = x1 < m->source.width ? x1 : m->source.width;
    y1 = y1 < m->source.height ? y1 : m->source.height;
    if (x0 >= x1 || y0 >= y1) {
        memset(dn, 0, window->width * window->height * sizeof *dn);
        return true;
    }
    width = (size_t)(x1 - x0);
    height = (size_t)(y1 - y0);
    if (!source_read(m->pool, &m->source, x0, y0, width, height, dn, err))
        return false;
    for (size_t y = window->height; y-- > 0;) {
        uint16_t *row = dn + y * window->width;

        if (y < top || y >= top + height) {
            memset(row, 0, window->width * sizeof *row);
            continue;
        }
        memmove(row + left, dn + (y - top) * width, width * sizeof *row);
        memset(row, 0, left * sizeof *row);
        memset(row + left + width, 0, (window->width - left - width) * sizeof *row);
    }
    return true;
}

bool sar_measurement_read(struct sar_measurement *m, const struct sar_window *window, uint16_t *dn, struct err *err)
{
    if (window->pixel >= 0 && window->line >= 0 && window->pixel + (int64_t)window->width <= m->source.width &&
        window->line + (int64_t)window->height <= m->source.height)
        return source_read(m->pool, &m->source, window->pixel, window->line, window->width, window->height, dn, err);
    return read_part(m, window, dn, err);
}
