/* The calibration of one image: by what DN^2 is divided, at some pixels of some lines. */
#ifndef SAR_CALIBRATION_H
#define SAR_CALIBRATION_H

#include "base/err.h"
#include "base/mem.h"
#include <stdint.h>

enum sar_quantity { SAR_SIGMA0, SAR_BETA0, SAR_GAMMA0, SAR_TABLES, SAR_INTENSITY = SAR_TABLES /* DN^2: A is 1 */, SAR_QUANTITIES };

/* Of one line, which may lie before the image or beyond it. */
struct sar_calibration_vector {
    int64_t line;
    size_t n_pixels, n_values[SAR_TABLES];
    const double *pixels;                /* ascending */
    const double *values[SAR_TABLES]; /* A, positive */
};

struct sar_calibration {
    char polarisation[4], swath[4];
    size_t n_vectors;
    struct sar_calibration_vector *vectors; /* lines ascend */
};

/* Arrays lie in the arena. `name` is for messages. Errors: FileContentInvalid. */
bool sar_calibration_read(const char *bytes, size_t size, const char *name, struct arena *arena,
                          struct sar_calibration *ret_calibration, struct err *err) MUST_USE;

const char *sar_quantity_name(enum sar_quantity quantity); /* "sigma0" */
/* By openEO's names: "sigma0-ellipsoid", "beta0", "gamma0-ellipsoid", and by the bare ones; "intensity". */
bool sar_quantity_find(const char *name, enum sar_quantity *ret_quantity) MUST_USE;

#endif
