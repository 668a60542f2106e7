/* Sides: fixed, or where it is not dark any more, each line for itself; then each line takes the most inward edge of the 101
 * around it, since single lines are misled by bright noise. Ends: a pass that begins or ends over the sea or at a coast has lines
 * that are filled in part, which the number of zeros in one line tells. */
#include "sar/border.h"
#include <string.h>

enum { DARK = 25, AHEAD = 25, MOST_CUT = 2500, AROUND = 50, STRIP_LINES = 256 };

const struct sar_border_options sar_border_defaults = {
    .side_pixels = 1000, .azimuth_zeros = 2000, .azimuth_probe = 100, .azimuth_lines = 1600
};

void sar_border_done(struct sar_border *border)
{
    free(border->left);
    free(border->right);
    *border = (struct sar_border){ 0 };
}

/* The median of an odd number is below DARK when more than half of them are: counted while the window moves on. */
int32_t sar_border_dark(const uint16_t *dn, int step, size_t n)
{
    size_t dark = 0, most = n >= AHEAD ? n - AHEAD : 0;

    if (n < AHEAD)
        return 0;
    for (int i = 0; i < AHEAD; i++)
        dark += dn[i * step] < DARK;
    for (size_t edge = 0; edge < most; edge++) {
        if (dark <= AHEAD / 2)
            return (int32_t)edge;
        dark -= dn[(ptrdiff_t)edge * step] < DARK;
        dark += dn[(ptrdiff_t)(edge + AHEAD) * step] < DARK;
    }
    return (int32_t)most;
}

/* Into `smooth`: the largest of the values up to AROUND places away. */
static void running_maximum(const int32_t *values, int64_t n, int32_t *smooth)
{
    for (int64_t y = 0; y < n; y++) {
        int64_t first = y > AROUND ? y - AROUND : 0, end = y + AROUND + 1 < n ? y + AROUND + 1 : n;

        smooth[y] = values[first];
        for (int64_t i = first + 1; i < end; i++)
            smooth[y] = values[i] > smooth[y] ? values[i] : smooth[y];
    }
}

/* How far it is dark at both sides of each line of a part, and of those that these are smoothed with. */
static bool measure_edges(struct sar_measurement *m, const struct sar_border *b, const struct sar_window *part, int32_t *left,
                          int32_t *right, struct err *err)
{
    int64_t first = part->line > AROUND ? part->line - AROUND : 0, end = part->line + (int64_t)part->height + AROUND;
    size_t width = b->samples / 2 < MOST_CUT + AHEAD ? (size_t)(b->samples / 2) : MOST_CUT + AHEAD;
    AUTO(mem) uint16_t *dn = mem_array(width * STRIP_LINES, sizeof *dn);

    end = end < b->lines ? end : b->lines;
    for (int64_t line = first; line < end; line += STRIP_LINES) {
        size_t height = end - line < STRIP_LINES ? (size_t)(end - line) : STRIP_LINES;

        if (!sar_measurement_read(m, &(struct sar_window){ line, 0, width, height }, dn, err))
            return false;
        for (size_t y = 0; y < height; y++)
            left[line + (int64_t)y] = sar_border_dark(dn + y * width, 1, width);
        if (!sar_measurement_read(m, &(struct sar_window){ line, b->samples - (int64_t)width, width, height }, dn, err))
            return false;
        for (size_t y = 0; y < height; y++)
            right[line + (int64_t)y] = sar_border_dark(dn + (y + 1) * width - 1, -1, width);
    }
    return true;
}

static bool adapt_sides(struct sar_measurement *m, struct sar_border *b, const struct sar_window *part, struct err *err)
{
    AUTO(mem) int32_t *left = mem_array((size_t)b->lines, sizeof *left), *right = mem_array((size_t)b->lines, sizeof *right);

    if (!measure_edges(m, b, part, left, right, err))
        return false;
    running_maximum(left, b->lines, b->left);
    running_maximum(right, b->lines, b->right);
    for (int64_t y = 0; y < b->lines; y++)
        b->right[y] = (int32_t)b->samples - b->right[y];
    return true;
}

static void cut_sides(struct sar_border *b, int64_t pixels)
{
    for (int64_t y = 0; y < b->lines; y++) {
        b->left[y] = (int32_t)pixels;
        b->right[y] = (int32_t)(b->samples - pixels);
    }
}

/* Does the line have so many zeros that the end beside it is cut off? */
static bool is_partly_filled(struct sar_measurement *m, const struct sar_border *b, int64_t line, int64_t most_zeros,
                             bool *ret_cut, struct err *err)
{
    AUTO(mem) uint16_t *dn = mem_array((size_t)b->samples, sizeof *dn);
    int64_t zeros = 0;

    if (!sar_measurement_read(m, &(struct sar_window){ line, 0, (size_t)b->samples, 1 }, dn, err))
        return false;
    for (int64_t x = 0; x < b->samples; x++)
        zeros += dn[x] == 0;
    *ret_cut = zeros > most_zeros;
    return true;
}

/* The line that tells of the begin, or of the end; -1: the part does not come near, or it is never asked. */
static int64_t probe_of(const struct sar_border_options *o, const struct sar_window *part, int64_t lines, bool end)
{
    bool near = end ? part->line + (int64_t)part->height > lines - o->azimuth_lines : part->line < o->azimuth_lines;

    if (o->azimuth_zeros <= 0 || o->azimuth_probe >= lines || !near)
        return -1;
    return end ? lines - 1 - o->azimuth_probe : o->azimuth_probe;
}

size_t sar_border_lines(const struct sar_annotation *annotation, const struct sar_border_options *options,
                        const struct sar_window *part, struct sar_window ret_lines[static 2])
{
    size_t n = 0;

    for (int end = 0; end < 2; end++) {
        int64_t line = probe_of(options, part, annotation->lines, end);

        if (line >= 0)
            ret_lines[n++] = (struct sar_window){ line, 0, (size_t)annotation->samples, 1 };
    }
    return n;
}

static bool cut_ends(struct sar_measurement *m, struct sar_border *b, const struct sar_border_options *o,
                     const struct sar_window *part, struct err *err)
{
    int64_t first = probe_of(o, part, b->lines, false), last = probe_of(o, part, b->lines, true);
    bool begin = false, end = false;

    if (first >= 0 && !is_partly_filled(m, b, first, o->azimuth_zeros, &begin, err))
        return false;
    if (last >= 0 && !is_partly_filled(m, b, last, o->azimuth_zeros, &end, err))
        return false;
    if (begin)
        b->first_line = o->azimuth_lines < b->lines ? o->azimuth_lines : b->lines;
    if (end)
        b->end_line = o->azimuth_lines < b->lines ? b->lines - o->azimuth_lines : 0;
    return true;
}

bool sar_border_find(struct sar_measurement *m, const struct sar_annotation *annotation, int ipf,
                     const struct sar_border_options *options, const struct sar_window *part, struct sar_border *ret_border,
                     struct err *err)
{
    const struct sar_window all = { 0, 0, (size_t)annotation->samples, (size_t)annotation->lines };
    struct sar_border b = { .lines = annotation->lines, .samples = annotation->samples, .end_line = annotation->lines };
    bool good = true;

    b.left = mem_array((size_t)b.lines, sizeof *b.left);
    b.right = mem_array((size_t)b.lines, sizeof *b.right);
    cut_sides(&b, ipf < SAR_CLEAN_SIDES_SINCE && !options->adaptive ? options->side_pixels : 0);
    if (ipf < SAR_CLEAN_SIDES_SINCE && options->adaptive)
        good = adapt_sides(m, &b, part ? part : &all, err);
    if (!good || !cut_ends(m, &b, options, part ? part : &all, err)) {
        sar_border_done(&b);
        return false;
    }
    *ret_border = b;
    return true;
}

bool sar_border_is_empty(const struct sar_border *b)
{
    if (b->first_line > 0 || b->end_line < b->lines)
        return false;
    for (int64_t y = 0; y < b->lines; y++)
        if (b->left[y] > 0 || b->right[y] < b->samples)
            return false;
    return true;
}

void sar_border_apply(const struct sar_border *b, const struct sar_window *window, uint16_t *dn)
{
    int64_t width = (int64_t)window->width;

    for (size_t y = 0; y < window->height; y++, dn += width) {
        int64_t line = window->line + (int64_t)y, left = 0, right = width;

        if (line < 0 || line >= b->lines)
            continue;
        left = b->left[line] - window->pixel;
        right = b->right[line] - window->pixel;
        if (line < b->first_line || line >= b->end_line || left >= width || right <= 0 || left >= right) {
            memset(dn, 0, window->width * sizeof *dn);
            continue;
        }
        if (left > 0)
            memset(dn, 0, (size_t)left * sizeof *dn);
        if (right < width)
            memset(dn + right, 0, (size_t)(width - right) * sizeof *dn);
    }
}
