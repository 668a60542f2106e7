/* One image as it is seen from the ground: from a place to the line and column that show it. Read-only once made. */
#ifndef SAR_VIEW_H
#define SAR_VIEW_H

#include "sar/doppler.h"
#include "sar/ground_range.h"

struct view {
    struct orbit *orbit;
    struct ground_range *ground_range;
    double azimuth_interval; /* s between lines */
    double azimuth_spacing, range_spacing; /* m */
    int64_t lines, samples;
    double middle; /* s: when the middle line was taken */
};

/* `states` take the place of the annotation's where they are given (NULL: those); their times are seconds after its
 * first line. Errors: FileContentInvalid. */
bool view_new(const struct sar_annotation *annotation, const struct sar_state *states, size_t n_states,
              enum ground_range_mode mode, struct view **ret_view, struct err *err) MUST_USE;
void view_free(struct view *view);
DEFINE_AUTO(view, struct view *, view_free)

struct view_place {
    double t, range, line, column;
};
/* Exactly, for single places. False where the image does not reach by two lines or columns. */
bool view_find(const struct view *view, double latitude, double longitude, double height,
               struct view_place *ret_place) MUST_USE;
/* The unit vector from a place to the satellite when it looked there, earth-fixed. */
bool view_sight(const struct view *view, const double point[static 3], double t, double ret_sight[static 3]) MUST_USE;

enum { VIEW_MARGIN = 2 /* lines and columns outside the image that are answered */ };

#endif
