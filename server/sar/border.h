/* What is not signal at the edges of an image: dark noise beside the swath that old processors left there, and lines at the
 * begin and the end of a pass that are only partly filled. Found on the raw numbers, before noise is taken from them; cut off
 * by writing 0, so that the geometry stays. */
#ifndef SAR_BORDER_H
#define SAR_BORDER_H

#include "sar/measurement.h"

/* Processors since 2.90 leave zeros beside the swath. `ipf` is the version times 100. */
enum { SAR_CLEAN_SIDES_SINCE = 290 };

struct sar_border_options {
    int64_t side_pixels;      /* cut on each side of an image of an old processor */
    bool adaptive;            /* instead, as far as it is dark there, line for line */
    int64_t azimuth_zeros;    /* more zeros in the line at `azimuth_probe` than this: the end is cut; 0: never */
    int64_t azimuth_probe;    /* lines from the end */
    int64_t azimuth_lines;    /* so many lines are cut */
};
extern const struct sar_border_options sar_border_defaults; /* 1000, no, 2000, 100, 1600 */

/* What is kept: of lines first_line to end_line - 1, and of line y pixels left[y] to right[y] - 1. */
struct sar_border {
    int64_t lines, samples, first_line, end_line;
    int32_t *left, *right;
};

/* Reads a line near each end, and with `adaptive` both edges of the lines of an old image; `part` (NULL: all of the image): nothing
 * that is of no concern for this window. `ipf` 0 (not known) counts as old. Errors: SourceUnreadable, MemoryExceeded. */
bool sar_border_find(struct sar_measurement *measurement, const struct sar_annotation *annotation, int ipf,
                     const struct sar_border_options *options, const struct sar_window *part, struct sar_border *ret_border,
                     struct err *err) MUST_USE;
/* The lines (at most two) that it reads as a whole: what a packed image is unpacked once for. */
size_t sar_border_lines(const struct sar_annotation *annotation, const struct sar_border_options *options,
                        const struct sar_window *part, struct sar_window ret_lines[static 2]);
void sar_border_done(struct sar_border *border);
/* Nothing is cut off. */
bool sar_border_is_empty(const struct sar_border *border);
/* Writes 0 to what is cut off, in the numbers of a window. */
void sar_border_apply(const struct sar_border *border, const struct sar_window *window, uint16_t *dn);

/* How many pixels at the begin of a row are dark: as long as the median of the next 25 is below 25. `step` -1: the row is read
 * from `dn` backwards. */
int32_t sar_border_dark(const uint16_t *dn, int step, size_t n);

#endif
