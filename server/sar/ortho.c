/* A frame: what the product says of the image is read whole, then its numbers window by window while blocks of the grid are
 * computed. Calibration and noise come before resampling, since the mean of powers is what is physical. */
#include "sar/ortho.h"
#include "base/mem.h"
#include "sar/border.h"
#include "sar/eof.h"
#include "sar/extent.h"
#include "sar/geocode.h"
#include "sar/measurement.h"
#include "sar/ortho_image.h"
#include "sar/pass.h"
#include "sar/product.h"
#include "sar/relief.h"
#include <stdio.h>
#include <string.h>

enum { DEM_MARGIN = 1000 /* metres */ };

struct image {
    const struct ortho_frame *frame;
    const struct ortho_options *options;
    struct arena *arena;
    struct sar_product *product;
    const struct sar_image *image;
    struct sar_annotation annotation;
    struct sar_radiometry *radiometry;
    struct sar_border border; /* what is cut off; all 0: nothing */
    struct sar_measurement *kept; /* for all threads; NULL: each has its own */
};

bool ortho_flattens(const char *calibration)
{
    return !strcmp(calibration, "gamma0-terrain");
}

static void image_drop(struct image *i)
{
    sar_border_done(&i->border);
    sar_measurement_free(i->kept);
    sar_radiometry_free(i->radiometry);
    sar_product_free(i->product);
    arena_free(i->arena);
}

/* ---- what the product says ---- */

static bool choose_noise(struct image *i, struct sar_noise *noise, bool *ret_use, struct ortho_facts *facts, struct err *err)
{
    const char *obstacle;

    *ret_use = false;
    if (!i->options->remove_noise)
        return true;
    obstacle = sar_image_noise_obstacle(i->product, i->image);
    if (obstacle) {
        snprintf(facts->noise_obstacle, sizeof facts->noise_obstacle, "%s", obstacle);
        return true;
    }
    if (!sar_image_noise(i->product, i->image, i->arena, noise, err))
        return false;
    *ret_use = facts->noise_removed = true;
    return true;
}

static bool join_neighbour(struct image *i, const char *path, struct err *err)
{
    AUTO(sar_product) struct sar_product *product = NULL;
    const struct sar_image *image;
    struct sar_annotation neighbour;

    if (!path)
        return true;
    if (!sar_product_open(path, &product, err))
        return false;
    image = sar_product_image(product, i->frame->polarisation);
    if (!image)
        return true;
    if (!sar_image_annotation(product, image, i->arena, &neighbour, err))
        return false;
    sar_pass_continue(&i->annotation, &neighbour, i->arena);
    return true;
}

static bool choose_orbit(struct image *i, struct ortho_facts *facts, struct err *err)
{
    struct sar_orbit_file file;
    bool found;

    if (!i->options->orbits)
        return true;
    if (!sar_orbit_file_find(i->options->orbits, &i->annotation, i->arena, &file, &found, err))
        return false;
    if (!found)
        return true;
    snprintf(facts->orbit_file, sizeof facts->orbit_file, "%s", file.name);
    return sar_orbit_file_apply(&file, i->arena, &i->annotation, err);
}

static bool image_open(const struct ortho_frame *frame, const struct ortho_options *options, struct image *i,
                       struct ortho_facts *facts, struct err *err)
{
    enum sar_quantity quantity = SAR_BETA0; /* what terrain is flattened in */
    struct sar_calibration calibration;
    struct sar_noise noise;
    bool use_noise;

    *i = (struct image){ .frame = frame, .options = options, .arena = arena_new() };
    if (!ortho_flattens(options->calibration) && !sar_quantity_find(options->calibration, &quantity))
        return err_set(err, ERR_InvalidParameter, "There is no calibration '%s'", options->calibration);
    if (!sar_product_open(frame->product, &i->product, err))
        return false;
    i->image = sar_product_image(i->product, frame->polarisation);
    if (!i->image)
        return err_set(err, ERR_FileContentInvalid, "%s has no image in %s", i->product->id, frame->polarisation);
    if (i->product->ipf > 0)
        snprintf(facts->processor, sizeof facts->processor, "%03d.%02d", (int)((unsigned)i->product->ipf / 100 % 1000), (int)((unsigned)i->product->ipf % 100));
    if (!sar_image_annotation(i->product, i->image, i->arena, &i->annotation, err) ||
        !sar_image_calibration(i->product, i->image, i->arena, &calibration, err) ||
        !choose_noise(i, &noise, &use_noise, facts, err) || !join_neighbour(i, frame->before, err) ||
        !join_neighbour(i, frame->after, err) || !choose_orbit(i, facts, err))
        return false;
    return sar_radiometry_new(&calibration, use_noise ? &noise : NULL, quantity, i->annotation.samples, &i->radiometry, err);
}

/* ---- its pixels, for geocode() ---- */

struct reader {
    struct sar_measurement *measurement;
    uint16_t *numbers;
    size_t room;
};

static void end(void *context, void *own)
{
    struct reader *r = own;

    (void)context;
    sar_measurement_free(r->measurement);
    free(r->numbers);
    free(r);
}

static bool begin(void *context, void **ret_own, struct err *err)
{
    const struct image *i = context;
    struct reader *r = MEM_NEW(struct reader);

    if (!i->kept &&
        !sar_measurement_open(i->product, i->image, &i->annotation, i->options->allowed_paths, &r->measurement, err)) {
        end(context, r);
        return false;
    }
    *ret_own = r;
    return true;
}

static bool read_power(void *context, void *own, const struct sar_window *window, float *power, struct err *err)
{
    const struct image *i = context;
    struct reader *r = own;
    size_t n = window->width * window->height;

    if (n > r->room) {
        free(r->numbers);
        r->room = 0;
        r->numbers = malloc(n * sizeof *r->numbers);
        if (!r->numbers)
            return err_set(err, ERR_MemoryExceeded, "No memory for a window of %zu pixels of an image.", n);
        r->room = n;
    }
    if (!sar_measurement_read(i->kept ? i->kept : r->measurement, window, r->numbers, err))
        return false;
    if (i->options->remove_border)
        sar_border_apply(&i->border, window, r->numbers);
    sar_radiometry_block(i->radiometry, window, r->numbers, power);
    return true;
}

/* ---- a frame ---- */

/* What the grid needs of an image in a zip is unpacked once; and what is to be cut off there is found. */
static bool prepare(struct image *i, const struct view *view, const struct dem *dem, struct ortho_facts *facts, struct err *err)
{
    AUTO(sar_measurement) struct sar_measurement *measurement = NULL;
    AUTO(crs) struct crs *crs = crs_open();
    struct sar_window part;
    bool sequential;

    if (!sar_extent(view, dem, &i->frame->grid, crs, &part, err) ||
        !sar_measurement_open(i->product, i->image, &i->annotation, i->options->allowed_paths, &measurement, err))
        return false;
    sequential = sar_measurement_is_sequential(measurement);
    if (sequential && !sar_measurement_keep(measurement, &part, i->options->spool, err))
        return false;
    if (i->options->remove_border && !sar_border_find(measurement, &i->annotation, i->product->ipf, &sar_border_defaults, &part,
                                                      &i->border, err))
        return false;
    facts->border_removed = i->options->remove_border;
    if (sequential) {
        i->kept = measurement;
        measurement = NULL;
    }
    return true;
}

static bool make(struct image *i, float *pixels, struct ortho_facts *facts, struct err *err)
{
    bool flatten = ortho_flattens(i->options->calibration);
    const struct dem_options heights = { .path = i->options->dem, .geoid = i->options->geoid,
                                         .margin = DEM_MARGIN + (flatten ? (int)RELIEF_MOST : 0), .threads = i->options->threads };
    struct geocode_want want = { .grid = i->frame->grid, .input = { i, begin, end, read_power }, .flatten = flatten,
                                 .threads = i->options->threads, .progress = i->options->progress,
                                 .listener = i->options->progress_context, .pixels = pixels };
    AUTO(view) struct view *view = NULL;
    AUTO(dem) struct dem *dem = NULL;
    struct geocode_report report;

    if (!resample_method_find(i->options->resampling, &want.method))
        return err_set(err, ERR_InvalidParameter, "There is no resampling '%s'", i->options->resampling);
    if (!view_new(&i->annotation, NULL, 0, GROUND_RANGE_LINEAR, &view, err) ||
        !dem_read(&heights, &i->frame->grid, &dem, err) || !prepare(i, view, dem, facts, err))
        return false;
    want.view = view;
    want.dem = dem;
    if (!geocode(&want, &report, err))
        return false;
    facts->valid = (int64_t)report.filled;
    facts->dem_gaps = dem->n_voids;
    facts->dem_missing = dem->missing;
    return true;
}

bool ortho_frame_add(const struct ortho_frame *frame, const struct ortho_options *options, float *pixels,
                     struct ortho_facts *ret_facts, struct err *err)
{
    AUTO(image) struct image image = { 0 };

    *ret_facts = (struct ortho_facts){ 0 };
    return image_open(frame, options, &image, ret_facts, err) && make(&image, pixels, ret_facts, err);
}

/* ---- an image for others ---- */

struct ortho_image {
    struct image image;
    struct view *view;
};

/* The ground is nowhere on land lower or higher above the ellipsoid. */
static const struct dem any_ground = { .lowest = -500, .highest = 9000 };

bool ortho_image_open(const struct ortho_frame *frame, const struct ortho_options *options, struct ortho_image **ret_image,
                      struct ortho_facts *ret_facts, struct err *err)
{
    AUTO(ortho_image) struct ortho_image *o = MEM_NEW(struct ortho_image);

    *ret_facts = (struct ortho_facts){ 0 };
    if (!image_open(frame, options, &o->image, ret_facts, err) ||
        !view_new(&o->image.annotation, NULL, 0, GROUND_RANGE_LINEAR, &o->view, err) ||
        !prepare(&o->image, o->view, &any_ground, ret_facts, err))
        return false;
    *ret_image = o;
    o = NULL;
    return true;
}

void ortho_image_free(struct ortho_image *o)
{
    if (!o)
        return;
    view_free(o->view);
    image_drop(&o->image);
    free(o);
}

const struct view *ortho_image_view(const struct ortho_image *o)
{
    return o->view;
}

struct geocode_input ortho_image_input(const struct ortho_image *o)
{
    return (struct geocode_input){ (void *)&o->image, begin, end, read_power };
}
