/* A frame: what the product says of the image is read whole, then its numbers window by window while blocks of the grid are
 * computed. Calibration and noise come before resampling, since the mean of powers is what is physical. */
#include "sar/ortho.h"
#include "sar/border.h"
#include "sar/extent.h"
#include "sar/geocode.h"
#include "sar/measurement.h"
#include "sar/ortho_image.h"
#include "sar/ortho_layers.h"
#include "sar/ortho_source.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

struct image {
    struct ortho_source of;
    const struct ortho_options *options;
    struct sar_radiometry *radiometry;
    struct sar_border border; /* what is cut off; all 0: nothing */
    struct sar_measurement *kept; /* for all threads; NULL: each has its own */
};

enum flatten_area ortho_flattens(const char *calibration)
{
    return !strcmp(calibration, "gamma0-terrain")   ? FLATTEN_GAMMA0
           : !strcmp(calibration, "sigma0-terrain") ? FLATTEN_SIGMA0
                                                    : FLATTEN_NOTHING;
}

static bool is_normlim(const char *calibration)
{
    return !strcmp(calibration, "sigma0-normlim");
}

static void image_drop(struct image *i)
{
    sar_border_done(&i->border);
    sar_measurement_free(i->kept);
    sar_radiometry_free(i->radiometry);
    ortho_source_done(&i->of);
}

/* ---- what the product says ---- */

static bool choose_noise(struct image *i, struct sar_noise *noise, bool *ret_use, struct ortho_facts *facts, struct err *err)
{
    const char *obstacle;

    *ret_use = false;
    if (!i->options->remove_noise)
        return true;
    obstacle = sar_image_noise_obstacle(i->of.product, i->of.image);
    if (obstacle) {
        snprintf(facts->noise_obstacle, sizeof facts->noise_obstacle, "%s", obstacle);
        return true;
    }
    if (!sar_image_noise(i->of.product, i->of.image, i->of.arena, noise, err))
        return false;
    *ret_use = facts->noise_removed = true;
    return true;
}

static bool image_open(const struct ortho_frame *frame, const struct ortho_options *options, struct image *i,
                       struct ortho_facts *facts, struct err *err)
{
    enum sar_quantity quantity = SAR_BETA0; /* what terrain is accounted for in */
    struct sar_calibration calibration;
    struct sar_noise noise;
    bool use_noise;

    i->options = options;
    if (!ortho_flattens(options->calibration) && !is_normlim(options->calibration) &&
        !sar_quantity_find(options->calibration, &quantity))
        return err_set(err, ERR_InvalidParameter, "There is no calibration '%s'", options->calibration);
    if (!ortho_source_open(frame, options, &i->of, facts, err) ||
        !sar_image_calibration(i->of.product, i->of.image, i->of.arena, &calibration, err) ||
        !choose_noise(i, &noise, &use_noise, facts, err))
        return false;
    return sar_radiometry_new(&calibration, use_noise ? &noise : NULL, quantity, i->of.annotation.samples, &i->radiometry, err);
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
        !sar_measurement_open(i->of.product, i->of.image, &i->of.annotation, i->options->allowed_paths, &r->measurement, err)) {
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
    struct sar_border_options border = sar_border_defaults;
    struct sar_window parts[SAR_MOST_PARTS], *part = &parts[0];
    size_t n = 1;
    bool sequential;

    border.adaptive = i->options->adaptive_border;
    if (!sar_extent(view, dem, &i->of.frame->grid, crs, part, err) ||
        !sar_measurement_open(i->of.product, i->of.image, &i->of.annotation, i->options->allowed_paths, &measurement, err))
        return false;
    sequential = sar_measurement_is_sequential(measurement);
    if (i->options->remove_border)
        n += sar_border_lines(&i->of.annotation, &border, part, parts + 1);
    if (sequential && !sar_measurement_keep(measurement, parts, n, i->options->spool, err))
        return false;
    if (i->options->remove_border &&
        !sar_border_find(measurement, &i->of.annotation, i->of.product->ipf, &border, part, &i->border, err))
        return false;
    facts->border_removed = i->options->remove_border;
    if (sequential) {
        i->kept = measurement;
        measurement = NULL;
    }
    return true;
}

/* What other frames gave is to be told from what this one gives: power is never less than 0. */
static void mark_others(float *pixels, size_t n)
{
    for (size_t i = 0; i < n; i++)
        pixels[i] = -pixels[i];
}

static void unmark_others(float *pixels, size_t n)
{
    for (size_t i = 0; i < n; i++)
        pixels[i] = fabsf(pixels[i]);
}

static bool make(struct image *i, float *pixels, struct ortho_facts *facts, struct err *err)
{
    enum flatten_area flatten = ortho_flattens(i->options->calibration);
    bool normlim = is_normlim(i->options->calibration), good;
    struct geocode_want want = { .grid = i->of.frame->grid, .input = { i, begin, end, read_power }, .flatten = flatten,
                                 .threads = i->options->threads, .progress = i->options->progress,
                                 .listener = i->options->progress_context, .pixels = pixels };
    AUTO(view) struct view *view = NULL;
    AUTO(dem) struct dem *dem = NULL;
    struct geocode_report report;
    size_t n = (size_t)(want.grid.width * want.grid.height);

    if (!resample_method_find(i->options->resampling, &want.method))
        return err_set(err, ERR_InvalidParameter, "There is no resampling '%s'", i->options->resampling);
    if (!ortho_source_see(&i->of, flatten, &view, &dem, facts, err) || !prepare(i, view, dem, facts, err))
        return false;
    want.view = view;
    want.dem = dem;
    if (normlim)
        mark_others(pixels, n);
    good = geocode(&want, &report, err) &&
           (!normlim || ortho_normlim(view, dem, &want.grid, want.threads, pixels, err));
    if (normlim)
        unmark_others(pixels, n);
    facts->valid = (int64_t)report.filled;
    return good;
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
        !view_new(&o->image.of.annotation, NULL, 0, GROUND_RANGE_LINEAR, &o->view, err) ||
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
