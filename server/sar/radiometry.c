/* Every vector of a table becomes a dense row of floats once: what is left for a pixel is to go linearly from one row to the
 * next (A itself is interpolated, not its square), to square and to divide. The factor of noise along azimuth is the same
 * for all pixels of a row in a part of the image: rows are done in segments between these parts. */
#include "sar/radiometry.h"
#include "base/mem.h"
#include "processes/kernels.h"
#include "sar/lut.h"
#include <math.h>

/* Dense rows at some lines, ascending. */
struct rows {
    size_t n;
    double *lines;
    float *values; /* n * width */
};

struct part {
    int64_t first_line, last_line, first_pixel, last_pixel;
    size_t n;
    double *lines, *factors;
};

struct sar_radiometry {
    int64_t samples;
    struct rows gain, noise; /* no rows of noise: none is removed */
    size_t n_parts;
    struct part *parts;
    struct arena *arena;
};

void sar_radiometry_free(struct sar_radiometry *r)
{
    if (!r)
        return;
    free(r->gain.values);
    free(r->noise.values);
    arena_free(r->arena);
    free(r);
}

static bool rows_new(struct sar_radiometry *r, size_t n, struct rows *rows, struct err *err)
{
    size_t bytes = n * (size_t)r->samples * sizeof(float);

    rows->values = malloc(bytes);
    if (!rows->values)
        return err_set(err, ERR_MemoryExceeded, "No memory for %zu bytes of calibration.", bytes);
    rows->lines = arena_array(r->arena, n, sizeof *rows->lines);
    rows->n = n;
    return true;
}

static double *copy_of(struct arena *arena, const double *values, size_t n)
{
    double *copy = arena_array(arena, n, sizeof *copy);

    memcpy(copy, values, n * sizeof *copy);
    return copy;
}

static bool add_noise(struct sar_radiometry *r, const struct sar_noise *noise, struct err *err)
{
    if (!rows_new(r, noise->n_range, &r->noise, err))
        return false;
    for (size_t i = 0; i < noise->n_range; i++) {
        const struct sar_noise_range *v = &noise->range[i];

        r->noise.lines[i] = (double)v->line;
        sar_lut_expand(v->pixels, v->values, v->n_pixels, r->samples, r->noise.values + i * (size_t)r->samples);
    }
    r->n_parts = noise->n_azimuth;
    r->parts = arena_array(r->arena, r->n_parts ? r->n_parts : 1, sizeof *r->parts);
    for (size_t i = 0; i < r->n_parts; i++) {
        const struct sar_noise_azimuth *a = &noise->azimuth[i];

        r->parts[i] = (struct part){ .first_line = a->first_line, .last_line = a->last_line,
                                     .first_pixel = a->first_pixel, .last_pixel = a->last_pixel, .n = a->n_lines,
                                     .lines = copy_of(r->arena, a->lines, a->n_lines),
                                     .factors = copy_of(r->arena, a->values, a->n_lines) };
    }
    return true;
}

static bool add_gain(struct sar_radiometry *r, const struct sar_calibration *calibration, enum sar_quantity quantity,
                     struct err *err)
{
    size_t n = quantity == SAR_INTENSITY ? 1 : calibration->n_vectors;

    if (!rows_new(r, n, &r->gain, err))
        return false;
    for (int64_t x = 0; quantity == SAR_INTENSITY && x < r->samples; x++)
        r->gain.values[x] = 1;
    for (size_t i = 0; quantity != SAR_INTENSITY && i < n; i++) {
        const struct sar_calibration_vector *v = &calibration->vectors[i];

        r->gain.lines[i] = (double)v->line;
        sar_lut_expand(v->pixels, v->values[quantity], v->n_pixels, r->samples, r->gain.values + i * (size_t)r->samples);
    }
    return true;
}

bool sar_radiometry_new(const struct sar_calibration *calibration, const struct sar_noise *noise,
                        enum sar_quantity quantity, int64_t samples, struct sar_radiometry **ret_radiometry,
                        struct err *err)
{
    AUTO(sar_radiometry) struct sar_radiometry *r = MEM_NEW(struct sar_radiometry);

    r->arena = arena_new();
    r->samples = samples;
    if (!add_gain(r, calibration, quantity, err) || (noise && !noise->is_zero && !add_noise(r, noise, err)))
        return false;
    *ret_radiometry = r;
    r = NULL;
    return true;
}

/* The two rows around a line, and how far it is from the first to the second. */
struct between {
    const float *low, *high;
    float weight;
};

static struct between rows_at(const struct rows *rows, int64_t samples, int64_t line, int64_t pixel)
{
    size_t low = 0, high;
    struct between b = { 0 };

    while (low + 1 < rows->n && rows->lines[low + 1] <= (double)line)
        low++;
    high = low + 1 < rows->n ? low + 1 : low;
    if (high > low && (double)line > rows->lines[low])
        b.weight = (float)(((double)line - rows->lines[low]) / (rows->lines[high] - rows->lines[low]));
    b.low = rows->values + low * (size_t)samples + pixel;
    b.high = rows->values + high * (size_t)samples + pixel;
    return b;
}

/* The factor of the noise at a pixel, and the pixel where it ends to be that. */
static double factor_at(const struct sar_radiometry *r, int64_t line, int64_t pixel, int64_t *ret_end)
{
    int64_t end = r->samples;

    for (size_t i = 0; i < r->n_parts; i++) {
        const struct part *p = &r->parts[i];

        if (line < p->first_line || line > p->last_line || pixel > p->last_pixel)
            continue;
        if (pixel < p->first_pixel) {
            end = p->first_pixel < end ? p->first_pixel : end;
            continue;
        }
        *ret_end = p->last_pixel + 1 < end ? p->last_pixel + 1 : end;
        return sar_lut_at(p->lines, p->factors, p->n, (double)line);
    }
    *ret_end = end;
    return 1;
}

KERNEL void calibrate(size_t n, const uint16_t *restrict dn, const float *restrict low, const float *restrict high,
                      float weight, float *restrict power)
{
    for (size_t i = 0; i < n; i++) {
        float d = dn[i], a = low[i] + weight * (high[i] - low[i]), v = d * d / (a * a);

        v = v > SAR_LEAST_POWER ? v : SAR_LEAST_POWER;
        power[i] = d > 0 ? v : 0;
    }
}

KERNEL void calibrate_denoise(size_t n, const uint16_t *restrict dn, const float *restrict low,
                              const float *restrict high, float weight, const float *restrict noise_low,
                              const float *restrict noise_high, float noise_weight, float factor,
                              float *restrict power)
{
    for (size_t i = 0; i < n; i++) {
        float d = dn[i], a = low[i] + weight * (high[i] - low[i]);
        float noise = factor * (noise_low[i] + noise_weight * (noise_high[i] - noise_low[i]));
        float v = (d * d - noise) / (a * a);

        v = v > SAR_LEAST_POWER ? v : SAR_LEAST_POWER;
        power[i] = d > 0 ? v : 0;
    }
}

static void denoise_row(const struct sar_radiometry *r, int64_t line, int64_t pixel, size_t width, const uint16_t *dn,
                        const struct between *gain, float *power)
{
    struct between noise = rows_at(&r->noise, r->samples, line, pixel);

    for (size_t x = 0; x < width;) {
        int64_t end;
        float factor = (float)factor_at(r, line, pixel + (int64_t)x, &end);
        size_t n = (size_t)(end - pixel) < width ? (size_t)(end - pixel) - x : width - x;

        calibrate_denoise(n, dn + x, gain->low + x, gain->high + x, gain->weight, noise.low + x, noise.high + x,
                          noise.weight, factor, power + x);
        x += n;
    }
}

void sar_radiometry_block(const struct sar_radiometry *r, const struct sar_window *window, const uint16_t *dn,
                          float *power)
{
    for (size_t y = 0; y < window->height; y++, dn += window->width, power += window->width) {
        int64_t line = window->line + (int64_t)y;
        struct between gain = rows_at(&r->gain, r->samples, line, window->pixel);

        if (r->noise.n)
            denoise_row(r, line, window->pixel, window->width, dn, &gain, power);
        else
            calibrate(window->width, dn, gain.low, gain.high, gain.weight, power);
    }
}

double sar_radiometry_gain(const struct sar_radiometry *r, int64_t line, int64_t pixel)
{
    struct between b = rows_at(&r->gain, r->samples, line, pixel);

    return *b.low + (double)b.weight * (*b.high - *b.low);
}

double sar_radiometry_noise(const struct sar_radiometry *r, int64_t line, int64_t pixel)
{
    struct between b;
    int64_t end;

    if (!r->noise.n)
        return 0;
    b = rows_at(&r->noise, r->samples, line, pixel);
    return (*b.low + (double)b.weight * (*b.high - *b.low)) * factor_at(r, line, pixel, &end);
}
