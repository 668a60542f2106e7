/* The annotation of one image (one polarisation, one swath) of a Sentinel-1 Level-1 product: when and where each line was
 * taken, the orbit, the conversion of slant to ground range, the grid of geolocation. Times are whole nanoseconds of UTC
 * since 1970, and beside them doubles: seconds after the first line, in which everything is computed, since a second since
 * 1970 in a double is known to 0.1 us only. Every number is checked to be one that a Sentinel-1 can have. */
#ifndef SAR_ANNOTATION_H
#define SAR_ANNOTATION_H

#include "base/err.h"
#include "base/mem.h"
#include <stdint.h>

/* A state vector, earth-fixed, in metres and metres a second. */
struct sar_state {
    int64_t time_ns;
    double t; /* seconds after the first line */
    double position[3], velocity[3];
};

/* Polynomials of one time: ground = sum srgr[j] (slant - sr0)^j, slant = sum grsr[j] (ground - gr0)^j, in metres. */
enum { SAR_POLYNOMIAL = 9 };
struct sar_ground_range {
    int64_t time_ns;
    double t;
    double sr0, gr0;
    double srgr[SAR_POLYNOMIAL], grsr[SAR_POLYNOMIAL];
    int n_srgr, n_grsr;
};

/* A point of the product's own geolocation: for footprints and for checks. Angles in degrees, height over the
 * ellipsoid. */
struct sar_grid_point {
    int64_t time_ns;
    double t, slant_range_time, line, pixel, latitude, longitude, height, incidence, elevation;
};

struct sar_annotation {
    char mission[4];      /* "S1A" */
    char product_type[4]; /* "GRD" */
    char mode[4];         /* "IW", "EW", "SM" */
    char swath[4];        /* "IW", "S3" */
    char polarisation[4]; /* "VV" */
    char pass[16];        /* "Ascending" */
    bool ascending;
    int64_t absolute_orbit;
    int64_t first_line_ns, last_line_ns;
    double azimuth_interval; /* seconds between lines */
    double azimuth_frequency;
    int64_t lines, samples;
    double range_spacing, azimuth_spacing; /* metres; of samples on the ground, of lines */
    double slant_range_time;               /* of the first sample, both ways, seconds */
    size_t n_states, n_ground_ranges, n_grid;
    struct sar_state *states;               /* in order of time, at least 4 */
    struct sar_ground_range *ground_ranges; /* in order of time; none in a product that is not in ground range */
    struct sar_grid_point *grid;            /* as the product lists them: line by line */
};

/* Arrays lie in the arena. `name` is for messages. Errors: FileContentInvalid. */
bool sar_annotation_read(const char *bytes, size_t size, const char *name, struct arena *arena,
                         struct sar_annotation *ret_annotation, struct err *err) MUST_USE;
/* Of a moment, in the seconds of this annotation. */
double sar_annotation_seconds(const struct sar_annotation *annotation, int64_t time_ns);

#endif
