/* Values are counted in bins between the least and the greatest one. A gamma would cost a power for each pixel; it is looked
 * up in a table, fine enough for bytes. */
#include "raster/stretch.h"
#include "base/mem.h"
#include <math.h>
#include <stdlib.h>

enum { BINS = 1 << 16, MOST_BANDS = 3, STEPS = 4096 };

struct stretch {
    size_t n_bands;
    double low, high; /* percentiles */
    struct {
        double least, greatest, step;
        uint32_t *bins;
        float low, factor;
    } bands[MOST_BANDS];
    float curve[STEPS + 1];
};

struct stretch *stretch_new(size_t n_bands, double low, double high, double gamma)
{
    struct stretch *s = MEM_NEW(struct stretch);

    s->n_bands = n_bands < MOST_BANDS ? n_bands : MOST_BANDS;
    s->low = low;
    s->high = high;
    for (size_t i = 0; i < s->n_bands; i++)
        s->bands[i].bins = mem_array(BINS, sizeof *s->bands[i].bins);
    for (size_t i = 0; i <= STEPS; i++)
        s->curve[i] = (float)(255 * pow((double)i / STEPS, 1 / gamma));
    return s;
}

void stretch_free(struct stretch *s)
{
    for (size_t i = 0; s && i < s->n_bands; i++)
        free(s->bands[i].bins);
    free(s);
}

void stretch_limits(struct stretch *s, size_t band, double least, double greatest)
{
    s->bands[band].least = isfinite(least) ? least : 0;
    s->bands[band].greatest = isfinite(greatest) && greatest > s->bands[band].least ? greatest : s->bands[band].least + 1;
    s->bands[band].step = (s->bands[band].greatest - s->bands[band].least) / (BINS - 1);
}

void stretch_count(struct stretch *s, size_t band, const float *values, const uint8_t *counts, size_t n)
{
    double least = s->bands[band].least, per_step = 1 / s->bands[band].step;

    for (size_t i = 0; i < n; i++)
        if (counts[i]) {
            double bin = ((double)values[i] - least) * per_step;

            s->bands[band].bins[bin <= 0 ? 0 : bin >= BINS - 1 ? BINS - 1 : (size_t)(bin + 0.5)]++;
        }
}

static double value_at(const struct stretch *s, size_t band, double percentile)
{
    const uint32_t *bins = s->bands[band].bins;
    double all = 0, wanted, seen = 0;
    size_t i = 0;

    for (size_t k = 0; k < BINS; k++)
        all += bins[k];
    wanted = all * percentile / 100;
    while (i < BINS - 1 && seen + bins[i] < wanted)
        seen += bins[i++];
    while (i < BINS - 1 && !bins[i]) /* at 0 % the first that is there */
        i++;
    return s->bands[band].least + (double)i * s->bands[band].step;
}

void stretch_settle(struct stretch *s)
{
    for (size_t i = 0; i < s->n_bands; i++) {
        double low = value_at(s, i, s->low), high = value_at(s, i, s->high);

        if (!(high > low))
            high = low + s->bands[i].step;
        s->bands[i].low = (float)low;
        s->bands[i].factor = (float)(STEPS / (high - low));
    }
}

void stretch_ends(const struct stretch *s, size_t band, double *ret_least, double *ret_greatest)
{
    *ret_least = (double)s->bands[band].low;
    *ret_greatest = *ret_least + STEPS / (double)s->bands[band].factor;
}

void stretch_run(const struct stretch *s, size_t band, float *values, size_t n)
{
    float low = s->bands[band].low, factor = s->bands[band].factor;

    for (size_t i = 0; i < n; i++) {
        float at = (values[i] - low) * factor;

        if (!isnan(at))
            values[i] = s->curve[at <= 0 ? 0 : at >= STEPS ? STEPS : (int)(at + 0.5f)];
    }
}
