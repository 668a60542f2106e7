/* A pool of sources (raster/source.h) with this one file reads and keeps decoded tiles. Whether a file that is not packed has an
 * end is tried when it is opened, so that a damaged product is refused before hours are spent on it. Once a part is kept in memory, threads meet at a lock where they want
 * what lies outside of it, which only pixels at its very edge do. */
#include "sar/measurement.h"
#include "raster/disk.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { TILE_BYTES = 64 << 20, STRIPE_LINES = 128 };

struct sar_measurement {
    struct raster_options options;
    struct source_pool *pool;
    struct source source;
    const char *name; /* in the product's arena */
    char *allowed_paths;
    bool sequential;
    pthread_mutex_t lock; /* of the pool */
    struct kept {
        struct sar_window part;
        size_t bytes;
        uint16_t *dn; /* NULL: it is not in memory */
        int spool;    /* a file that holds it; -1: none does */
    } kept[SAR_MOST_PARTS];
    size_t n_kept;
};

static void drop_kept(struct sar_measurement *m)
{
    for (size_t i = 0; i < m->n_kept; i++) {
        free(m->kept[i].dn);
        if (m->kept[i].spool >= 0)
            close(m->kept[i].spool);
    }
    m->n_kept = 0;
}

void sar_measurement_free(struct sar_measurement *m)
{
    if (!m)
        return;
    source_pool_free(m->pool);
    pthread_mutex_destroy(&m->lock);
    drop_kept(m);
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

    pthread_mutex_init(&m->lock, NULL);
    m->allowed_paths = mem_text(allowed_paths);
    m->options = (struct raster_options){ .threads = 1, .allowed_paths = m->allowed_paths, .archives = true };
    m->name = image->measurement;
    m->pool = source_pool_new(&m->options, TILE_BYTES);
    if (!source_open(m->pool, container_href(product->container, image->measurement, arena), 1, &m->source, err) ||
        !check(m, annotation, err))
        return err_prefix(err, "%s", product->id);
    m->sequential = source_is_packed(&m->source);
    if (!try_end(m, err))
        return err_prefix(err, "%s", product->id);
    *ret_measurement = m;
    m = NULL;
    return true;
}

bool sar_measurement_is_sequential(const struct sar_measurement *measurement)
{
    return measurement->sequential;
}

static bool lies_in(const struct sar_window *window, const struct sar_window *part)
{
    return window->line >= part->line && window->pixel >= part->pixel &&
           window->line + (int64_t)window->height <= part->line + (int64_t)part->height &&
           window->pixel + (int64_t)window->width <= part->pixel + (int64_t)part->width;
}

/* A window in a part that is kept. */
static bool read_kept(const struct sar_measurement *m, const struct kept *kept, const struct sar_window *w, uint16_t *dn,
                      struct err *err)
{
    for (size_t y = 0; y < w->height; y++) {
        size_t at = ((size_t)(w->line - kept->part.line) + y) * kept->part.width + (size_t)(w->pixel - kept->part.pixel);

        if (kept->dn)
            memcpy(dn + y * w->width, kept->dn + at, w->width * sizeof *dn);
        else if (!disk_read(kept->spool, m->name, dn + y * w->width, w->width * sizeof *dn, at * sizeof *dn, err))
            return false;
    }
    return true;
}

/* A window in the image. */
static bool read_inside(struct sar_measurement *m, const struct sar_window *w, uint16_t *dn, struct err *err)
{
    bool good;

    for (size_t i = 0; i < m->n_kept; i++)
        if (lies_in(w, &m->kept[i].part))
            return read_kept(m, &m->kept[i], w, dn, err);
    pthread_mutex_lock(&m->lock);
    good = source_read(m->pool, &m->source, w->pixel, w->line, w->width, w->height, dn, err);
    pthread_mutex_unlock(&m->lock);
    return good;
}

/* A part line after line, where it cannot be unpacked in one go. */
static bool read_stripes(struct sar_measurement *m, const struct source_part *part, struct err *err)
{
    uint16_t *dn = part->pixels;

    for (size_t y = 0; y < part->height; y += STRIPE_LINES) {
        size_t lines = part->height - y < STRIPE_LINES ? part->height - y : STRIPE_LINES;
        struct sar_window stripe = { part->y + (int64_t)y, part->x, part->width, lines };

        if (!read_inside(m, &stripe, dn + y * part->width, err))
            return false;
    }
    return true;
}

static bool fill(struct sar_measurement *m, const struct source_part *parts, size_t n, struct err *err)
{
    bool done;

    if (!source_unpack(m->pool, &m->source, parts, n, &done, err))
        return false;
    for (size_t i = 0; !done && i < n; i++)
        if (!read_stripes(m, &parts[i], err))
            return false;
    return true;
}

static bool open_spool(const char *folder, int *ret_file, struct err *err)
{
    AUTO(mem) char *path = mem_printf("%s/image-XXXXXX", folder);

    *ret_file = mkostemp(path, O_CLOEXEC);
    if (*ret_file < 0)
        return disk_failed("create", path, err);
    unlink(path);
    return true;
}

/* Room for a part: memory, or a file that is mapped while it is filled (its blocks are there before, so that a full disk is told
 * here). */
static bool make_room(const struct sar_measurement *m, const struct sar_window *part, const char *spool, struct kept *kept,
                      struct source_part *ret_room, struct err *err)
{
    size_t bytes = part->width * part->height * sizeof(uint16_t);
    void *pixels;

    *kept = (struct kept){ .part = *part, .bytes = bytes, .spool = -1 };
    if (spool && !open_spool(spool, &kept->spool, err))
        return false;
    if (spool && (errno = posix_fallocate(kept->spool, 0, (off_t)bytes)) != 0) {
        close(kept->spool);
        return disk_failed("write to", spool, err);
    }
    pixels = spool ? mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, kept->spool, 0) : malloc(bytes);
    if (!pixels || pixels == MAP_FAILED) {
        if (spool)
            close(kept->spool);
        return err_set(err, ERR_MemoryExceeded, "No memory for %zu x %zu pixels of %s", part->width, part->height, m->name);
    }
    *ret_room = (struct source_part){ part->pixel, part->line, part->width, part->height, pixels };
    return true;
}

bool sar_measurement_keep(struct sar_measurement *m, const struct sar_window *parts, size_t n_parts, const char *spool, struct err *err)
{
    struct source_part rooms[SAR_MOST_PARTS];
    struct kept kept[SAR_MOST_PARTS];
    bool good = true;
    size_t n = 0;

    drop_kept(m);
    for (size_t i = 0; good && i < n_parts && n < SAR_MOST_PARTS; i++) {
        if (parts[i].width == 0 || parts[i].height == 0)
            continue;
        good = make_room(m, &parts[i], parts[i].height > 1 ? spool : NULL, &kept[n], &rooms[n], err);
        n += good;
    }
    good = good && (n == 0 || fill(m, rooms, n, err));
    for (size_t i = 0; i < n; i++) {
        if (kept[i].spool < 0)
            kept[i].dn = rooms[i].pixels;
        else
            munmap(rooms[i].pixels, kept[i].bytes);
        m->kept[i] = kept[i];
    }
    m->n_kept = n;
    if (!good)
        drop_kept(m);
    return good;
}

/* The part of a window that lies in the image is read to where the window would begin without gaps, and its rows are moved to
 * their places from the last to the first. */
static bool read_clipped(struct sar_measurement *m, const struct sar_window *window, uint16_t *dn, struct err *err)
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
    if (!read_inside(m, &(struct sar_window){ y0, x0, width, height }, dn, err))
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
        return read_inside(m, window, dn, err);
    return read_clipped(m, window, dn, err);
}
