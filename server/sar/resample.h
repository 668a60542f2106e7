/* Values of an image at positions between its pixels: loops over a row. */
#ifndef SAR_RESAMPLE_H
#define SAR_RESAMPLE_H

#include <stdbool.h>
#include <stddef.h>

/* Bicubic: Keys's kernel with a = -0.5. */
enum resample_method { RESAMPLE_SAR_NEAREST, RESAMPLE_SAR_BILINEAR, RESAMPLE_SAR_BICUBIC, RESAMPLE_SAR_METHODS };
const char *resample_method_name(enum resample_method method); /* "near", "bilinear", "cubic" */
bool resample_method_find(const char *name, enum resample_method *ret_method);

/* A window of an image, with at least RESAMPLE_BORDER pixels around every position; power of 0 is no data. */
enum { RESAMPLE_BORDER = 2 };
struct resample_window {
    const float *power;
    size_t width;
};
/* n positions (columns and rows of the window, from the centre of its first pixel; NaN: none); NaN where there is no
 * data: for the nearest pixel when it has none, else where pixels with less than half of the weight have some. */
void resample_row(const struct resample_window *window, enum resample_method method, const float *columns,
                  const float *rows, size_t n, float *values);

/* The least and the largest of n positions; NaN is passed by. Without any, *least stays above *most. */
void resample_extent(const float *positions, size_t n, float *least, float *most);

#endif
