/* From the numbers of an image to backscatter: float32 linear power, 0 where there is no data. What is data is at least
 * 1e-7, so that nothing that noise was taken from becomes no data. Read-only once made: threads share it. */
#ifndef SAR_RADIOMETRY_H
#define SAR_RADIOMETRY_H

#include "sar/calibration.h"
#include "sar/noise.h"
#include <stddef.h>
#include <stdint.h>

#define SAR_LEAST_POWER 1e-7f

struct sar_radiometry;

/* Of an image with rows of `samples`. `noise` NULL: none is removed. Neither is needed afterwards. Errors: MemoryExceeded. */
bool sar_radiometry_new(const struct sar_calibration *calibration, const struct sar_noise *noise,
                        enum sar_quantity quantity, int64_t samples, struct sar_radiometry **ret_radiometry,
                        struct err *err) MUST_USE;
void sar_radiometry_free(struct sar_radiometry *radiometry);
DEFINE_AUTO(sar_radiometry, struct sar_radiometry *, sar_radiometry_free)

/* A window of the image: its first line and pixel (pixels of it lie in the image, lines may lie beyond). Rows of `dn` and of
 * `power` follow each other without gaps. */
struct sar_window {
    int64_t line, pixel;
    size_t width, height;
};
void sar_radiometry_block(const struct sar_radiometry *radiometry, const struct sar_window *window, const uint16_t *dn,
                          float *power);

/* For single places: A of the quantity, and the noise in units of DN^2 (0: none is removed). */
double sar_radiometry_gain(const struct sar_radiometry *radiometry, int64_t line, int64_t pixel);
double sar_radiometry_noise(const struct sar_radiometry *radiometry, int64_t line, int64_t pixel);

#endif
