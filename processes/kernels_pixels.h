/* Work on tiles of pixels of type V in their native form, with C to compute in: statistics, the
 * predictor of TIFF, overviews, gaps. Included once for each type by kernels_pixels.c, which defines
 * V, C, BITS (the unsigned type of the same size), REAL (1 or 0), ADD_UP and NAME(x). */

#if REAL
#define NULL_PIXEL(v, nodata, check) ((void)(nodata), (void)(check), (v) != (v))
#else
#define NULL_PIXEL(v, nodata, check) ((check) & ((v) == (nodata)))
#endif

enum { NAME(LANES) = 16 };

/* 16 running values, so that the order of additions is fixed and yet fit for vector code. */
struct NAME(running) {
    V least[NAME(LANES)], most[NAME(LANES)];
    double sum[NAME(LANES)];
    int64_t valid[NAME(LANES)];
};

KERNEL void NAME(gather)(struct NAME(running) *restrict run, const V *restrict src, V nodata,
                         int check, size_t rounds)
{
    for (size_t r = 0; r < rounds; r++, src += NAME(LANES))
        for (int j = 0; j < NAME(LANES); j++) {
            V v = src[j];
            int null = NULL_PIXEL(v, nodata, check);
            V low = null ? run->least[j] : v, high = null ? run->most[j] : v;

            run->least[j] = low < run->least[j] ? low : run->least[j];
            run->most[j] = high > run->most[j] ? high : run->most[j];
            run->sum[j] += zero_where_double((double)v, null);
            run->valid[j] += !null;
        }
}

KERNEL void NAME(gather_squares)(double *restrict squares, const V *restrict src, double mean,
                                 V nodata, int check, size_t rounds)
{
    for (size_t r = 0; r < rounds; r++, src += NAME(LANES))
        for (int j = 0; j < NAME(LANES); j++) {
            V v = src[j];
            double off = (double)v - mean;

            squares[j] += zero_where_double(off * off, NULL_PIXEL(v, nodata, check));
        }
}

static V NAME(as_nodata)(double nodata, bool has_nodata, int *ret_check)
{
#if REAL
    (void)has_nodata, (void)nodata;
    *ret_check = 1;
    return (V)NAN;
#else
    bool fits = has_nodata && nodata >= (double)V_MIN && nodata <= (double)V_MAX;

    *ret_check = fits;
    return fits ? (V)nodata : 0;
#endif
}

static void NAME(measure)(const void *src_, size_t n, double nodata_, bool has_nodata,
                          struct tile_stats *ret_stats)
{
    const V *src = src_;
    size_t rounds = n / NAME(LANES), rest = n % NAME(LANES);
    struct NAME(running) run = { 0 };
    double squares[NAME(LANES)] = { 0 };
    struct tile_stats stats = { INFINITY, -INFINITY, 0, 0, 0 };
    int check;
    V nodata = NAME(as_nodata)(nodata_, has_nodata, &check), last[NAME(LANES)];

    for (int j = 0; j < NAME(LANES); j++) {
        run.least[j] = V_MAX;
        run.most[j] = V_MIN;
        last[j] = (size_t)j < rest ? src[rounds * NAME(LANES) + (size_t)j] : 0;
    }
    NAME(gather)(&run, src, nodata, check, rounds);
    for (size_t j = 0; j < rest; j++)
        if (!NULL_PIXEL(last[j], nodata, check)) {
            run.least[j] = last[j] < run.least[j] ? last[j] : run.least[j];
            run.most[j] = last[j] > run.most[j] ? last[j] : run.most[j];
            run.sum[j] += (double)last[j];
            run.valid[j]++;
        }
    for (int j = 0; j < NAME(LANES); j++) {
        stats.sum += run.sum[j];
        stats.valid += run.valid[j];
        if (run.valid[j] && (double)run.least[j] < stats.minimum)
            stats.minimum = (double)run.least[j];
        if (run.valid[j] && (double)run.most[j] > stats.maximum)
            stats.maximum = (double)run.most[j];
    }
    if (stats.valid) {
        double mean = stats.sum / (double)stats.valid;

        NAME(gather_squares)(squares, src, mean, nodata, check, rounds);
        for (size_t j = 0; j < rest; j++)
            if (!NULL_PIXEL(last[j], nodata, check))
                squares[j] += ((double)last[j] - mean) * ((double)last[j] - mean);
        for (int j = 0; j < NAME(LANES); j++)
            stats.squares += squares[j];
    }
    *ret_stats = stats;
}

KERNEL void NAME(predict_row)(BITS *restrict dst, const BITS *restrict src, size_t width)
{
    dst[0] = src[0];
    for (size_t x = 1; x < width; x++)
        dst[x] = (BITS)(src[x] - src[x - 1]);
}

static void NAME(predict)(void *restrict dst_, const void *restrict src_, size_t width, size_t rows)
{
    for (size_t y = 0; y < rows; y++)
        NAME(predict_row)((BITS *)dst_ + y * width, (const BITS *)src_ + y * width, width);
}

static void NAME(undo_predict)(void *pixels_, size_t width, size_t rows)
{
    BITS *pixels = pixels_;

    for (size_t y = 0; y < rows; y++, pixels += width) {
        size_t x = ADD_UP(pixels, width);
        BITS sum = x ? pixels[x - 1] : 0; /* in a register: a running sum through memory costs a quarter of decoding */

        for (; x < width; x++)
            pixels[x] = sum = (BITS)(sum + pixels[x]);
    }
}

#if REAL
#define MEAN_PIXEL(sum, count) ((V)((sum) / (count)))
#else
#define MEAN_PIXEL(sum, count) ((V)(WIDE)C_FLOOR((sum) / (count) + (C)0.5))
#endif

static inline V NAME(mean4)(V a, V b, V c, V d, int n, V nodata, int check)
{
    int null_a = NULL_PIXEL(a, nodata, check), null_b = n < 2 || NULL_PIXEL(b, nodata, check);
    int null_c = n < 3 || NULL_PIXEL(c, nodata, check);
    int null_d = n < 4 || NULL_PIXEL(d, nodata, check);
    C sum = C_ZERO((C)a, null_a) + C_ZERO((C)b, null_b) + C_ZERO((C)c, null_c) +
            C_ZERO((C)d, null_d);
    int count = 4 - null_a - null_b - null_c - null_d;
    C divisor = (C)(count + (count == 0));
    V mean = MEAN_PIXEL(sum, divisor);

    return count == 0 ? nodata : mean;
}

KERNEL void NAME(half_row)(V *restrict dst, const V *restrict upper, const V *restrict lower,
                           V nodata, int check, size_t n)
{
    for (size_t x = 0; x < n; x++)
        dst[x] = NAME(mean4)(upper[2 * x], upper[2 * x + 1], lower[2 * x], lower[2 * x + 1], 4,
                             nodata, check);
}

static void NAME(half)(void *restrict dst_, size_t dst_pitch, const void *restrict src_,
                       size_t src_pitch, size_t width, size_t height, double nodata_,
                       bool has_nodata, bool nearest)
{
    int check;
    V nodata = NAME(as_nodata)(nodata_, has_nodata, &check);

    for (size_t y = 0; y < (height + 1) / 2; y++) {
        V *dst = (V *)dst_ + y * dst_pitch;
        const V *upper = (const V *)src_ + 2 * y * src_pitch, *lower = upper + src_pitch;
        bool alone = 2 * y + 1 == height; /* the last row of an odd height */

        if (nearest) {
            for (size_t x = 0; x < (width + 1) / 2; x++)
                dst[x] = upper[2 * x];
            continue;
        }
        if (!alone)
            NAME(half_row)(dst, upper, lower, nodata, check, width / 2);
        for (size_t x = 0; alone && x < width / 2; x++)
            dst[x] = NAME(mean4)(upper[2 * x], upper[2 * x + 1], 0, 0, 2, nodata, check);
        if (width % 2)
            dst[width / 2] = NAME(mean4)(upper[width - 1], alone ? 0 : lower[width - 1], 0, 0,
                                         alone ? 1 : 2, nodata, check);
    }
}

static void NAME(fill)(void *dst_, double value, size_t n)
{
    V *dst = dst_, v = (V)value;

    for (size_t i = 0; i < n; i++)
        dst[i] = v;
}

KERNEL size_t NAME(fill_gaps)(void *restrict dst_, const void *restrict src_, double nodata_,
                              size_t n)
{
    V *restrict dst = dst_;
    const V *restrict src = src_;
    size_t left = 0;
    int check;
    V nodata = NAME(as_nodata)(nodata_, true, &check);

    for (size_t i = 0; i < n; i++) {
        V v = NULL_PIXEL(dst[i], nodata, check) ? src[i] : dst[i];

        dst[i] = v;
        left += (size_t)NULL_PIXEL(v, nodata, check);
    }
    return left;
}

KERNEL size_t NAME(count_nodata)(const void *src_, double nodata_, size_t n)
{
    const V *src = src_;
    size_t count = 0;
    int check;
    V nodata = NAME(as_nodata)(nodata_, true, &check);

    for (size_t i = 0; i < n; i++)
        count += (size_t)NULL_PIXEL(src[i], nodata, check);
    return count;
}

static const struct pixel_table NAME(table) = {
    NAME(measure), NAME(predict), NAME(undo_predict), NAME(half),
    NAME(fill),    NAME(fill_gaps), NAME(count_nodata),
};

#undef NULL_PIXEL
#undef MEAN_PIXEL
#undef V
#undef V_MIN
#undef V_MAX
#undef C
#undef C_FLOOR
#undef C_ZERO
#undef WIDE
#undef BITS
#undef REAL
#undef NAME
