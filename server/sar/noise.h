/* The thermal noise of one image, in units of DN^2, in both forms that products have: along range alone (processors before
 * 2.90), or along range times a factor along azimuth for each part of the image. */
#ifndef SAR_NOISE_H
#define SAR_NOISE_H

#include "base/err.h"
#include "base/mem.h"
#include <stdint.h>

struct sar_noise_range {
    int64_t line;
    size_t n_pixels, n_values;
    const double *pixels, *values;
};

/* Factors along lines, for a rectangle of the image. Ends are inclusive. */
struct sar_noise_azimuth {
    int64_t first_line, last_line, first_pixel, last_pixel;
    size_t n_lines, n_values;
    const double *lines, *values;
};

struct sar_noise {
    char polarisation[4], swath[4];
    size_t n_range, n_azimuth;
    struct sar_noise_range *range;     /* lines ascend */
    struct sar_noise_azimuth *azimuth; /* none in the older form */
    bool is_zero;                      /* all along range: there is nothing to remove */
};

/* Arrays lie in the arena. `name` is for messages. Errors: FileContentInvalid. */
bool sar_noise_read(const char *bytes, size_t size, const char *name, struct arena *arena, struct sar_noise *ret_noise,
                    struct err *err) MUST_USE;

/* Vectors of processors before 2.50 are in another scale, and are not to be used. `ipf` is the version times 100. */
enum { SAR_NOISE_SINCE = 250 };

#endif
