/* The door between raster/ and processes/: what arithmetic on blocks looks like. raster/ moves
 * pixels and calls these tables; processes/ fills them and knows no files.
 *
 * A lane is a pixel, a register a strip of lanes: floats, or doubles when the program is wide.
 * No-data is NaN, booleans are 1, 0 and NaN. No two arguments of a kernel overlap. */
#ifndef RASTER_BLOCK_H
#define RASTER_BLOCK_H

#include "graph/cube.h"
#include "graph/program.h"

/* dst = f(a, b, c); operands that the operator lacks are ignored. */
typedef void lane_kernel(void *restrict dst, const void *restrict a, const void *restrict b,
                         const void *restrict c, size_t n);
/* `length` registers, `stride` lanes apart. `keep`: see lanes.def. Operators of the kind SEVERAL
 * write `outputs` registers, as far apart, the others one. `scratch` has room for
 * (2 * length + 4) * stride doubles; a stride is 64 lanes at least. */
struct array_call {
    const void *a;
    size_t stride, length;
    bool keep;
    size_t outputs;
    const double *constants;
    void *scratch;
};
typedef void array_kernel(void *restrict dst, const struct array_call *call, size_t n);

/* Pixels of a plane to lanes and back. Rounding is half to even, clamped to the type. Without a
 * no-data value (has_nodata false) every pixel is valid, and NaN lanes are stored as 0. */
typedef void load_kernel(void *restrict dst, const void *restrict src, double nodata,
                         bool has_nodata, size_t n);
typedef void store_kernel(void *restrict dst, const void *restrict src, double nodata,
                          bool has_nodata, size_t n);

/* One slice into the state of a fold. slice is the number of the slice; the first begins the state.
 * FOLD_MIN, MAX, FIRST, LAST, ANY, ALL and COUNT keep `value`; the others keep `sum` and `seen` (how
 * many were valid), FOLD_VARIANCE and SD also `squares`. */
struct fold_state {
    void *value; /* lanes */
    double *sum, *seen, *squares;
};
typedef void fold_kernel(const struct fold_state *state, const void *restrict a, size_t slice,
                         bool keep, size_t n);
typedef void finish_kernel(void *restrict dst, const struct fold_state *state, size_t n);

enum { PIXEL_TYPES = PIXEL_BOOL + 1, FOLD_OPS = FOLD_SD + 1 };

struct lane_table {
    size_t lane_size;
    lane_kernel *lanes[LANE_OPS];   /* UNARY BINARY TERNARY; NULL for the others */
    array_kernel *arrays[LANE_OPS]; /* ARRAY SEVERAL */
    load_kernel *load[PIXEL_TYPES];
    store_kernel *store[PIXEL_TYPES];
    fold_kernel *fold[FOLD_OPS];
    finish_kernel *finish[FOLD_OPS];
    void (*fill)(void *dst, double value, size_t n);
};
extern const struct lane_table lanes_float, lanes_double;

/* What is known of the valid pixels of a tile. */
struct tile_stats {
    double minimum, maximum, sum, squares; /* squares: of the distances to the tile's mean */
    int64_t valid;
};

/* Tiles in their native type, row-major without gaps between rows.
 * measure: statistics; NaN and no-data are not valid.
 * predict: TIFF's horizontal differencing (predictor 2) of `rows` rows of `width`.
 * half: the mean of the valid pixels of each 2 x 2 square (integers: rounded half up), no-data when
 * there are none; nearest: its first pixel. width and height are of src and may be odd; dst has
 * (width + 1) / 2 pixels a row, `dst_pitch` pixels apart. */
struct pixel_table {
    void (*measure)(const void *src, size_t n, double nodata, bool has_nodata,
                    struct tile_stats *ret_stats);
    void (*predict)(void *restrict dst, const void *restrict src, size_t width, size_t rows);
    void (*undo_predict)(void *pixels, size_t width, size_t rows);
    void (*half)(void *restrict dst, size_t dst_pitch, const void *restrict src, size_t src_pitch,
                 size_t width, size_t height, double nodata, bool has_nodata, bool nearest);
    void (*fill)(void *dst, double value, size_t n);
    /* dst[i] = src[i] where dst[i] is no-data; returns how many no-data pixels remain */
    size_t (*fill_gaps)(void *restrict dst, const void *restrict src, double nodata, size_t n);
    size_t (*count_nodata)(const void *src, double nodata, size_t n);
};
/* Of the numbers that are no NaN; *ret_seen: how many these are. */
double sum_of_valid(const double *x, size_t n, size_t *ret_seen);
/* sums[i]: of weights[t] * taps[t][i], in the order of the taps, all of them floats (wide: doubles). */
void weigh_taps(bool wide, void *restrict sums, const void *const *taps, const double *weights, size_t n_taps,
                size_t n);
/* dst[i]: what lies at (x[i], y[i]) of a window of floats (wide: doubles), no-data being NaN, for positions and
 * result alike. */
void bilinear_row(bool wide, void *restrict dst, const void *restrict src, size_t width, size_t height,
                  const double *restrict x, const double *restrict y, size_t n);
extern const struct pixel_table *const pixel_tables[PIXEL_TYPES];

#endif
