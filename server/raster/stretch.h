/* The values between two percentiles of a series as 0..255. */
#ifndef RASTER_STRETCH_H
#define RASTER_STRETCH_H

#include <stddef.h>
#include <stdint.h>

struct stretch;
struct stretch *stretch_new(size_t n_bands, double low, double high, double gamma); /* percentiles */
void stretch_free(struct stretch *stretch);
/* No value lies beyond these; first of all, for each band. Infinities: the band has no values. */
void stretch_limits(struct stretch *stretch, size_t band, double least, double greatest);
/* More values, where `counts` is not 0. */
void stretch_count(struct stretch *stretch, size_t band, const float *values, const uint8_t *counts, size_t n);
void stretch_settle(struct stretch *stretch); /* when all are counted */
/* The values that became 0 and 255. */
void stretch_ends(const struct stretch *stretch, size_t band, double *ret_least, double *ret_greatest);
void stretch_run(const struct stretch *stretch, size_t band, float *values, size_t n);

#endif
