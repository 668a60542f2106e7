/* Pictures made larger or smaller. */
#ifndef RASTER_SCALING_H
#define RASTER_SCALING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct scaling;
struct scaling *scaling_new(size_t from_width, size_t from_height, size_t width, size_t height);
void scaling_free(struct scaling *scaling);
/* NaN is no-data, in what is given and in what is made: a pixel is made of at least half of what it covers. */
void scaling_run(struct scaling *scaling, const float *from, float *to);
/* The pixel that a pixel's centre lies in. */
void scaling_nearest(const struct scaling *scaling, const float *from, float *to);

#endif
