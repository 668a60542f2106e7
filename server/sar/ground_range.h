/* From slant range to columns of an image in ground range. Read-only once made. */
#ifndef SAR_GROUND_RANGE_H
#define SAR_GROUND_RANGE_H

#include "base/err.h"
#include "sar/annotation.h"
#include <stddef.h>
#include <stdint.h>

/* Polynomials are given for some moments. Between them ground ranges are interpolated; the product's own
 * geolocation grid was made with the nearest one. */
enum ground_range_mode { GROUND_RANGE_LINEAR, GROUND_RANGE_NEAREST };

enum { GROUND_RANGE_TERMS = 9 };

/* Between two records: column = base(x) + w * change(x), x = (range - centre) * per_metre,
 * w = (t - t0) * per_second within 0 .. 1 (nearest: 0 or 1). */
struct ground_range_piece {
    double t0, per_second;
    double base[GROUND_RANGE_TERMS], change[GROUND_RANGE_TERMS];
    double nearest_range[2], farthest_range[2]; /* of the image, for w = 0 and 1 */
};

struct ground_range {
    enum ground_range_mode mode;
    double centre, per_metre;
    size_t n_terms; /* of all polynomials; those of higher order are too small to matter */
    size_t n_pieces;
    struct ground_range_piece *pieces;
};

/* Errors: FileContentInvalid. */
bool ground_range_new(const struct sar_ground_range *records, size_t n, double range_spacing, int64_t samples,
                      enum ground_range_mode mode, struct ground_range **ret, struct err *err) MUST_USE;
void ground_range_free(struct ground_range *ground_range);
DEFINE_AUTO(ground_range, struct ground_range *, ground_range_free)

size_t ground_range_piece_at(const struct ground_range *ground_range, double t);
/* The column, whose centre is a whole number; NaN more than two columns outside the image. */
double ground_range_column(const struct ground_range *ground_range, double t, double range);
/* The slant range that a column of the image shows. */
double ground_range_at(const struct ground_range *ground_range, double t, double column);
/* Metres of slant range for a column there. */
double ground_range_step(const struct ground_range *ground_range, double t, double range);

#endif
