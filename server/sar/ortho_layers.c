/* A band of rows of the tile is one piece of work, so that what is worked out beside the layer itself takes little memory. */
#include "sar/ortho_layers.h"
#include "raster/image.h"
#include "sar/geodesy.h"
#include "sar/layers.h"
#include "sar/ortho_source.h"
#include "sar/radiometry.h"
#include <math.h>
#include <string.h>

enum { ROWS = 1024 };

const struct ortho_layer_kind ortho_layers[ORTHO_LAYERS] = {
    [ORTHO_LIA] = { "local-incidence-angle", "LIA", "Angle between the line of sight and the normal of the terrain",
                    "local-incidence-angle", "deg", "100 * degree(LIA)", PIXEL_U16, 0, 0.01, false },
    [ORTHO_SIN_LIA] = { "sin-local-incidence-angle", "sin_LIA",
                        "Sine of the angle between the line of sight and the normal of the terrain in the plane of sight",
                        "local-incidence-angle", NULL, "sin(LIA)", PIXEL_F32, 0, 1, false },
    [ORTHO_IA] = { "incidence-angle", "IA", "Angle between the line of sight and the vertical of the ellipsoid",
                   "ellipsoid-incidence-angle", "deg", "100 * degree(IA)", PIXEL_U16, 0, 0.01, false },
    [ORTHO_MASK] = { "mask", "MASK", "Layover (1), shadow (2), no height in the elevation model (4)", "data-mask", NULL,
                     "layover + 2 * shadow + 4 * no height", PIXEL_U8, 255, 1, true },
};

bool ortho_layer_find(const char *name, enum ortho_layer *ret_layer)
{
    for (size_t i = 0; i < ORTHO_LAYERS; i++)
        if (!strcmp(name, ortho_layers[i].name)) {
            *ret_layer = (enum ortho_layer)i;
            return true;
        }
    return false;
}

/* ---- bands ---- */

/* What is worked out of a band. */
struct band {
    float *angles; /* which ones, the layer says */
    uint8_t *mask;
    size_t n;
};

struct making {
    const struct view *view;
    const struct dem *dem;
    const struct grid *grid;
    int threads;
    enum ortho_layer layer;
    void (*put)(enum ortho_layer layer, const struct band *band, float *pixels);
    const struct ortho_options *options; /* whose listener is told; NULL: nobody */
};

static bool make_band(const struct making *m, size_t first, struct band *band, float *pixels, struct err *err)
{
    struct layers_want want = { .view = m->view, .dem = m->dem, .grid = *m->grid, .threads = m->threads };

    want.grid.y0 -= want.grid.dy * (double)first;
    want.grid.height = want.grid.height - (int64_t)first < ROWS ? want.grid.height - (int64_t)first : ROWS;
    want.local = m->layer == ORTHO_LIA ? band->angles : NULL;
    want.projected = m->layer == ORTHO_SIN_LIA ? band->angles : NULL;
    want.incidence = m->layer == ORTHO_IA || m->layer == ORTHO_MASK ? band->angles : NULL;
    want.mask = band->mask;
    band->n = (size_t)(want.grid.width * want.grid.height);
    if (!layers_make(&want, err))
        return false;
    m->put(m->layer, band, pixels + first * (size_t)m->grid->width);
    return true;
}

static bool make_bands(const struct making *m, float *pixels, struct err *err)
{
    size_t width = (size_t)m->grid->width, height = (size_t)m->grid->height, rows = height < ROWS ? height : ROWS;
    AUTO(mem) float *angles = malloc(width * rows * sizeof *angles);
    AUTO(mem) uint8_t *mask = m->layer == ORTHO_MASK ? malloc(width * rows) : NULL;
    struct band band = { angles, mask, 0 };

    if (!angles || (m->layer == ORTHO_MASK && !mask))
        return err_set(err, ERR_MemoryExceeded, "No memory for the geometry of %zu rows of %zu pixels.", rows, width);
    for (size_t y = 0; y < height; y += ROWS) {
        if (!make_band(m, y, &band, pixels, err))
            return false;
        if (m->options && m->options->progress)
            m->options->progress(m->options->progress_context, y + rows < height ? y + rows : height, height);
    }
    return true;
}

static float sine(float degrees)
{
    return sinf(degrees * (float)GEODESY_RADIANS);
}

static void put_layer(enum ortho_layer layer, const struct band *band, float *pixels)
{
    for (size_t i = 0; i < band->n; i++) {
        float angle = band->angles[i];

        if (isnan(pixels[i]) && !isnan(angle))
            pixels[i] = layer == ORTHO_MASK ? (float)band->mask[i] : layer == ORTHO_SIN_LIA ? sine(angle) : angle;
    }
}

static void multiply(enum ortho_layer layer, const struct band *band, float *pixels)
{
    (void)layer;
    for (size_t i = 0; i < band->n; i++)
        if (pixels[i] > 0)
            pixels[i] = isnan(band->angles[i]) ? NAN : fmaxf(pixels[i] * sine(band->angles[i]), SAR_LEAST_POWER);
}

bool ortho_normlim(const struct view *view, const struct dem *dem, const struct grid *grid, int threads, float *pixels,
                   struct err *err)
{
    const struct making m = { view, dem, grid, threads, ORTHO_SIN_LIA, multiply, NULL };

    return make_bands(&m, pixels, err);
}

bool ortho_layer_add(const struct ortho_frame *frame, const struct ortho_options *options, enum ortho_layer layer,
                     float *pixels, struct ortho_facts *ret_facts, struct err *err)
{
    struct making m = { .grid = &frame->grid, .threads = options->threads, .layer = layer, .put = put_layer, .options = options };
    struct ortho_source image;
    AUTO(view) struct view *view = NULL;
    AUTO(dem) struct dem *dem = NULL;
    bool good;

    *ret_facts = (struct ortho_facts){ 0 };
    good = ortho_source_open(frame, options, &image, ret_facts, err) &&
           ortho_source_see(&image, layer == ORTHO_MASK, &view, &dem, ret_facts, err);
    m.view = view;
    m.dem = dem;
    good = good && make_bands(&m, pixels, err);
    ortho_source_done(&image);
    return good;
}

/* ---- files ---- */

static void hundredths(const float *degrees, void *ret, size_t n)
{
    uint16_t *to = ret;

    for (size_t i = 0; i < n; i++)
        to[i] = isnan(degrees[i]) ? 0 : (uint16_t)fmaxf(nearbyintf(100 * degrees[i]), 1);
}

static void bits(const float *bits, void *ret, size_t n)
{
    uint8_t *to = ret;

    for (size_t i = 0; i < n; i++)
        to[i] = isnan(bits[i]) ? UINT8_MAX : (uint8_t)bits[i];
}

bool ortho_layer_save(const struct ortho_file *file, enum ortho_layer layer, const float *pixels, const char *path,
                      struct ortho_saved *ret_saved, struct err *err)
{
    const struct ortho_layer_kind *kind = &ortho_layers[layer];
    struct image_save save = { .pixels = pixels, .kind = { kind->pixel, kind->nodata, true },
                               .convert = kind->pixel == PIXEL_U16 ? hundredths : kind->pixel == PIXEL_U8 ? bits : NULL,
                               .classes = kind->classes, .band = kind->name, .scale = kind->scale };

    return ortho_write(file, &save, path, ret_saved, err);
}
