/* A layer meets the node's grid in one of three ways. On the same lattice its window is copied. On a
 * divisor of it (20 m under 10 m, edges agreeing) each pixel is replicated, which is exact. All else
 * goes through warp.c, in pieces whose source windows stay small. A later layer is only read while
 * pixels without data are left. */
#include "raster/load.h"
#include "base/mem.h"
#include "raster/radar.h"
#include "raster/warp.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LARGEST_WINDOW = 4 << 20 /* source pixels of one warped piece */ };

/* A scale that passes the overview's by less is the same. */
static const double almost = 0.05;

/* Memory of one purpose, which grows. */
struct scratch {
    void *data;
    size_t size_bytes;
};

struct loader {
    struct source_pool *pool;
    struct warper *warper;
    struct radar *radar;
    struct scratch raw;     /* as the file has it */
    struct scratch layer;   /* a further layer on the node's grid */
    struct scratch native;  /* `raw` in the node's type */
    struct scratch index;
};

struct loader *loader_new(const struct raster_options *options, struct radar *radar, size_t tile_bytes)
{
    struct loader *loader = MEM_NEW(struct loader);

    loader->radar = radar;
    loader->pool = source_pool_new(options, tile_bytes);
    loader->warper = warper_new();
    return loader;
}

void loader_free(struct loader *loader)
{
    if (!loader)
        return;
    source_pool_free(loader->pool);
    warper_free(loader->warper);
    free(loader->raw.data);
    free(loader->layer.data);
    free(loader->native.data);
    free(loader->index.data);
    free(loader);
}

struct source_pool *loader_pool(struct loader *loader)
{
    return loader->pool;
}

struct warper *loader_warper(struct loader *loader)
{
    return loader->warper;
}

static void *scratch_need(struct scratch *scratch, size_t size, struct err *err)
{
    if (size <= scratch->size_bytes)
        return scratch->data;
    free(scratch->data);
    scratch->data = malloc(size);
    scratch->size_bytes = scratch->data ? size : 0;
    if (!scratch->data)
        err_set(err, ERR_MemoryExceeded, "No memory for a window of %zu bytes.", size);
    return scratch->data;
}

/* One layer, opened: what of it is asked for and what its pixels mean. */
struct layer {
    const struct scene_band *band;
    struct source source;
    struct grid grid;
    struct pixel_kind kind;
};

static void layer_coarsen(struct loader *loader, struct layer *layer, double factor)
{
    double width = (double)layer->grid.width, height = (double)layer->grid.height;

    if (!source_coarsen(loader->pool, &layer->source, factor))
        return;
    layer->grid.width = layer->source.width;
    layer->grid.height = layer->source.height;
    layer->grid.dx *= width / (double)layer->grid.width;
    layer->grid.dy *= height / (double)layer->grid.height;
}

/* How wide a pixel of `to` is in pixels of the layer, in the layer's middle: the narrower side. */
static bool pixels_under(struct loader *loader, const struct layer *layer, const struct grid *to, double *ret,
                         struct err *err)
{
    double x, y;

    if (!warp_scale(loader->warper, to, &layer->grid, &x, &y, err))
        return false;
    *ret = fmin(1 / x, 1 / y);
    return true;
}

static bool layer_open(struct loader *loader, const struct scene_band *band,
                       struct layer *ret_layer, struct err *err)
{
    struct layer layer = { .band = band };

    if (!source_open(loader->pool, band->href, band->index, &layer.source, err))
        return false;
    layer.kind = layer.source.kind;
    if (band->has_nodata && pixel_holds(layer.kind.pixel, band->nodata)) {
        layer.kind.has_nodata = true;
        layer.kind.nodata = band->nodata;
    }
    layer.grid = band->grid.width > 0 ? band->grid : layer.source.grid;
    if (layer.grid.width == 0 || layer.grid.epsg == 0)
        return err_set(err, ERR_SourceUnreadable,
                       "The asset '%s' has no north-up georeference with an EPSG code, and the "
                       "catalogue names none.", band->href);
    if (layer.grid.width != layer.source.width || layer.grid.height != layer.source.height)
        return err_set(err, ERR_SourceUnreadable,
                       "The asset '%s' has %lld x %lld pixels, the catalogue says %lld x %lld.",
                       band->href, (long long)layer.source.width, (long long)layer.source.height,
                       (long long)layer.grid.width, (long long)layer.grid.height);
    *ret_layer = layer;
    return true;
}

/* True when the layer's pixels are k x k pixels of the node, edges agreeing; then pixel (0, 0) of
 * the layer begins at (*ret_x, *ret_y) of the node. */
static bool divides(const struct grid *layer, const struct grid *node, int64_t *ret_k,
                    int64_t *ret_x, int64_t *ret_y)
{
    double k = nearbyint(layer->dx / node->dx);
    double x = (layer->x0 - node->x0) / node->dx, y = (node->y0 - layer->y0) / node->dy;
    double drift = k > 0 ? fabs(layer->dx / node->dx - k) * (double)layer->width +
                               fabs(layer->dy / node->dy - k) * (double)layer->height
                         : INFINITY;

    if (layer->epsg != node->epsg || k < 1 || drift > 0.05 || fabs(x - nearbyint(x)) > 0.05 ||
        fabs(y - nearbyint(y)) > 0.05)
        return false;
    *ret_k = (int64_t)k;
    *ret_x = (int64_t)nearbyint(x);
    *ret_y = (int64_t)nearbyint(y);
    return true;
}

bool load_divides(const struct grid *file, const struct grid *node)
{
    int64_t k, x, y;

    return file->width > 0 && divides(file, node, &k, &x, &y);
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

struct span {
    int64_t from, to;
};

/* The pixels of the layer that lie under node pixels start .. start + n - 1. */
static struct span under(int64_t start, size_t n, int64_t origin, int64_t k, int64_t limit)
{
    struct span span = { floor_div(start - origin, k),
                         floor_div(start + (int64_t)n - 1 - origin, k) + 1 };

    span.from = span.from < 0 ? 0 : span.from;
    span.to = span.to > limit ? limit : span.to;
    return span;
}

static void copy_pixels(char *dst, const char *src, size_t n, size_t size)
{
    memcpy(dst, src, n * size);
}

/* n pixels, each k times, the first one `skip` times less. */
static void repeat_pixels(char *dst, const char *src, size_t n, int64_t k, int64_t skip,
                          size_t size)
{
    int64_t at = skip;

#define REPEAT(type)                                                                               \
    for (size_t i = 0; i < n; i++) {                                                               \
        ((type *)dst)[i] = *(const type *)src;                                                     \
        if (++at == k) {                                                                           \
            at = 0;                                                                                \
            src += sizeof(type);                                                                   \
        }                                                                                          \
    }
    switch (size) {
    case 1: REPEAT(uint8_t) break;
    case 2: REPEAT(uint16_t) break;
    case 4: REPEAT(uint32_t) break;
    default: REPEAT(uint64_t) break;
    }
#undef REPEAT
}

/* A window of the layer in the node's type: in dst, or when it is NULL in memory of the loader.
 * Pixels are converted before they are placed: a file without a no-data value has none to mark the
 * pixels around it. */
static void *read_native(struct loader *loader, const struct layer *layer,
                         const struct pixel_kind *kind, const struct window_rect *w, void *dst,
                         struct err *err)
{
    size_t n = w->width * w->height, size = n * pixel_size(layer->kind.pixel);
    bool same = pixel_kind_equal(kind, &layer->kind) ||
                (kind->pixel == layer->kind.pixel && !layer->kind.has_nodata);
    void *raw = same && dst ? dst : scratch_need(&loader->raw, size, err);

    if (!raw || !source_read(loader->pool, &layer->source, w->x, w->y, w->width, w->height, raw,
                             err))
        return NULL;
    if (same)
        return raw;
    if (!dst)
        dst = scratch_need(&loader->native, n * pixel_size(kind->pixel), err);
    if (dst)
        lanes_convert(&(struct lane_plane){ raw, layer->kind },
                      &(struct lane_plane){ dst, *kind }, n);
    return dst;
}

/* The window of the layer, gaps outside of the file; the lattices agree. */
static bool read_divided(struct loader *loader, const struct layer *layer,
                         const struct pixel_kind *kind, const struct window_rect *w, int64_t k,
                         int64_t x0, int64_t y0, char *dst, struct err *err)
{
    struct span cols = under(w->x, w->width, x0, k, layer->source.width);
    struct span rows = under(w->y, w->height, y0, k, layer->source.height);
    size_t size = pixel_size(kind->pixel), width, height;
    int64_t left, top, right, bottom;
    struct window_rect part;
    const char *raw;

    if (cols.from >= cols.to || rows.from >= rows.to) {
        pixel_tables[kind->pixel]->fill(dst, pixel_kind_gap(kind), w->width * w->height);
        return true;
    }
    width = (size_t)(cols.to - cols.from);
    height = (size_t)(rows.to - rows.from);
    part = (struct window_rect){ cols.from, rows.from, width, height };
    if (k == 1 && width == w->width && height == w->height)
        return read_native(loader, layer, kind, &part, dst, err) != NULL;
    raw = read_native(loader, layer, kind, &part, NULL, err);
    if (!raw)
        return false;
    /* the part of the window that the file covers */
    left = cols.from * k + x0 > w->x ? cols.from * k + x0 : w->x;
    top = rows.from * k + y0 > w->y ? rows.from * k + y0 : w->y;
    right = cols.to * k + x0;
    bottom = rows.to * k + y0;
    right = right < w->x + (int64_t)w->width ? right : w->x + (int64_t)w->width;
    bottom = bottom < w->y + (int64_t)w->height ? bottom : w->y + (int64_t)w->height;
    if (right - left < (int64_t)w->width || bottom - top < (int64_t)w->height)
        pixel_tables[kind->pixel]->fill(dst, pixel_kind_gap(kind), w->width * w->height);
    for (int64_t y = top; y < bottom; y++) {
        char *row = dst + (size_t)((y - w->y) * (int64_t)w->width + left - w->x) * size;
        int64_t source_y = floor_div(y - y0, k) - rows.from;
        int64_t source_x = floor_div(left - x0, k) - cols.from;
        const char *from = raw + (size_t)(source_y * (int64_t)width + source_x) * size;

        if (k > 1 && y > top && floor_div(y - 1 - y0, k) - rows.from == source_y)
            copy_pixels(row, row - w->width * size, (size_t)(right - left), size);
        else if (k > 1)
            repeat_pixels(row, from, (size_t)(right - left), k,
                          left - x0 - floor_div(left - x0, k) * k, size);
        else
            copy_pixels(row, from, (size_t)(right - left), size);
    }
    return true;
}

static void gather(void *dst, const void *raw, const int64_t *index, const struct window_rect *used,
                   int64_t file_width, size_t n, size_t pitch, size_t columns, size_t size)
{
    for (size_t i = 0; i < n; i++) {
        size_t to = i / columns * pitch + i % columns;
        int64_t x, y;

        if (index[i] < 0)
            continue;
        x = index[i] % file_width - used->x;
        y = index[i] / file_width - used->y;
        memcpy((char *)dst + to * size,
               (const char *)raw + ((size_t)y * used->width + (size_t)x) * size, size);
    }
}

/* dst is filled with gaps already; `pitch` pixels lie from row to row. */
static bool read_warped(struct loader *loader, const struct layer *layer,
                        const struct load_want *want, const struct window_rect *w, char *dst,
                        size_t pitch, struct err *err)
{
    size_t size = pixel_size(want->kind.pixel), n = w->width * w->height;
    struct window_rect used, half = *w, rest = *w;
    int64_t *index = scratch_need(&loader->index, n * sizeof *index, err);
    const void *raw;

    if (!index || !warp_nearest(loader->warper, &layer->grid, &want->grid, w, index, &used, err))
        return false;
    if (used.width == 0)
        return true;
    if (used.width * used.height > LARGEST_WINDOW && n > 1) {
        bool wide = w->width > w->height;

        half.width = wide ? w->width / 2 : w->width;
        half.height = wide ? w->height : w->height / 2;
        rest.x += wide ? (int64_t)half.width : 0;
        rest.y += wide ? 0 : (int64_t)half.height;
        rest.width -= wide ? half.width : 0;
        rest.height -= wide ? 0 : half.height;
        return read_warped(loader, layer, want, &half, dst, pitch, err) &&
               read_warped(loader, layer, want, &rest,
                           dst + (wide ? half.width : half.height * pitch) * size, pitch, err);
    }
    raw = read_native(loader, layer, &want->kind, &used, NULL, err);
    if (!raw)
        return false;
    gather(dst, raw, index, &used, layer->grid.width, n, pitch, w->width, size);
    return true;
}

/* The layer as it is read for pixels of want->until: where these are coarser, so is what is read, if the
 * numbers are some that may be averaged and the file has an overview. */
static bool layer_for(struct loader *loader, const struct scene_band *band, const struct load_want *want,
                      struct layer *ret_layer, struct err *err)
{
    double factor;

    if (!layer_open(loader, band, ret_layer, err))
        return false;
    if (!want->until || !want->plane->measured)
        return true;
    if (!pixels_under(loader, ret_layer, want->until, &factor, err))
        return false;
    layer_coarsen(loader, ret_layer, factor + almost);
    return true;
}

static bool read_layer(struct loader *loader, const struct scene_band *band, const struct load_want *want,
                       const struct window_rect *w, void *dst, struct err *err)
{
    struct layer layer;
    int64_t k, x, y;

    if (!layer_for(loader, band, want, &layer, err))
        return false;
    if (divides(&layer.grid, &want->grid, &k, &x, &y))
        return read_divided(loader, &layer, &want->kind, w, k, x, y, dst, err);
    pixel_tables[want->kind.pixel]->fill(dst, pixel_kind_gap(&want->kind), w->width * w->height);
    return read_warped(loader, &layer, want, w, dst, w->width, err);
}

/* Cubes of images are floats, unless they have been told to be doubles. */
static bool read_radar(struct loader *loader, const struct load_want *want, const struct window_rect *w, void *dst,
                       struct err *err)
{
    const struct pixel_kind made = { PIXEL_F32, NAN, true };
    bool same = pixel_kind_equal(&want->kind, &made);
    float *pixels = same ? dst : scratch_need(&loader->native, w->width * w->height * sizeof *pixels, err);

    if (!pixels || !radar_read(loader->radar, want, w, pixels, err))
        return false;
    if (!same)
        lanes_convert(&(struct lane_plane){ pixels, made }, &(struct lane_plane){ dst, want->kind }, w->width * w->height);
    return true;
}

bool load_plane(struct loader *loader, const struct load_want *want, const struct window_rect *window,
                void *dst, struct err *err)
{
    const struct load_plane *load = want->plane;
    const struct pixel_table *table = pixel_tables[want->kind.pixel];
    size_t n = window->width * window->height, left = n;

    if (load->n_layers == 0)
        table->fill(dst, pixel_kind_gap(&want->kind), n);
    else if (load->radar)
        return read_radar(loader, want, window, dst, err);
    for (size_t i = 0; i < load->n_layers && left > 0; i++) {
        void *layer = dst;

        if (i > 0 && !(layer = scratch_need(&loader->layer, n * pixel_size(want->kind.pixel), err)))
            return false;
        if (!read_layer(loader, load->layers[i], want, window, layer, err))
            return false;
        if (load->n_layers == 1 || !want->kind.has_nodata)
            break; /* nothing can be filled */
        left = i > 0 ? table->fill_gaps(dst, layer, want->kind.nodata, n)
                     : table->count_nodata(dst, want->kind.nodata, n);
    }
    return true;
}

struct load_want load_want_of(const struct plan_node *node, size_t plane)
{
    return (struct load_want){ .plane = &node->load[plane], .grid = node->schema.grid,
                               .kind = pixel_kind_of(&node->schema),
                               .until = node->coarse ? &node->schema.grid : NULL };
}

/* Pixels of the lattice whose centres lie in the box. */
static bool lattice_within(const struct grid *lattice, const double box[4], struct grid *ret)
{
    double left = ceil((box[0] - lattice->x0) / lattice->dx - 0.5);
    double right = floor((box[2] - lattice->x0) / lattice->dx - 0.5);
    double top = ceil((lattice->y0 - box[3]) / lattice->dy - 0.5);
    double bottom = floor((lattice->y0 - box[1]) / lattice->dy - 0.5);

    *ret = *lattice;
    ret->x0 += left * lattice->dx;
    ret->y0 -= top * lattice->dy;
    ret->width = (int64_t)(right - left) + 1;
    ret->height = (int64_t)(bottom - top) + 1;
    return right >= left && bottom >= top;
}

bool load_coarsen(struct loader *loader, struct load_want *want, const double box[4], bool *ret_is_coarse,
                  struct err *err)
{
    const struct grid fine = want->grid;
    struct layer layer;
    int64_t k, x, y;

    *ret_is_coarse = false;
    if (want->plane->radar)
        return true;
    for (size_t i = 0; i < want->plane->n_layers; i++) {
        if (!layer_for(loader, want->plane->layers[i], want, &layer, err))
            return false;
        if (layer.grid.epsg != fine.epsg || layer.grid.dx <= fine.dx * (1 + almost))
            return true;
        if (i == 0 && !lattice_within(&layer.grid, box, &want->grid))
            return true;
        if (!divides(&layer.grid, &want->grid, &k, &x, &y) || k != 1)
            return true;
    }
    *ret_is_coarse = want->plane->n_layers > 0;
    return true;
}
