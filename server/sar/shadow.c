/* The ground is walked along lines of one azimuth time, away from the satellite, in steps of half a pixel. What is seen
 * under an angle that was passed before lies in the shadow; where the slant range does not exceed what was reached
 * before, or is found again further on, two places share it. The lines run over the window at some angle: a raster of
 * them (line, step) lies over it, and where each has the other is nearly linear and exact every few pixels. */
#include "sar/shadow.h"
#include "base/mem.h"
#include <math.h>
#include <string.h>

enum { EVERY = 16 /* pixels between exact places */ };
static const double steps = 2; /* in a pixel */

struct scan {
    const struct relief *relief;
    double x, y;       /* of line 0, step 0 in the window */
    double u[2], v[2]; /* of a step, and of a line */
    double t, t_step;  /* of line 0, and between lines */
    double height;     /* for which times are taken */
    size_t lines, length;
    uint8_t *flags;    /* [lines][length] */
};

static double time_at(const struct scan *s, double x, double y)
{
    double t, range;

    lattice_at(s->relief->lattice, x, y, s->height, &t, &range);
    return t;
}

/* The frame of lines around the window, a little wider, for lines are curved a little. */
static void make_scan(struct scan *s)
{
    const struct relief *r = s->relief;
    double width = (double)r->window.width - 1, height = (double)r->window.height - 1;
    double corners[4][2] = { { 0, 0 }, { width, 0 }, { 0, height }, { width, height } };
    double low[2] = { INFINITY, INFINITY }, high[2] = { -INFINITY, -INFINITY };
    double cx = width / 2, cy = height / 2, t = time_at(s, cx, cy);

    s->u[0] = r->to_range[0] / steps;
    s->u[1] = r->to_range[1] / steps;
    s->v[0] = -r->to_range[1];
    s->v[1] = r->to_range[0];
    for (int i = 0; i < 4; i++) {
        double x = corners[i][0] - cx, y = corners[i][1] - cy;
        double along = (x * s->u[0] + y * s->u[1]) * steps * steps, across = x * s->v[0] + y * s->v[1];

        low[0] = fmin(low[0], along);
        high[0] = fmax(high[0], along);
        low[1] = fmin(low[1], across);
        high[1] = fmax(high[1], across);
    }
    s->t_step = (time_at(s, cx + s->v[0], cy + s->v[1]) - time_at(s, cx - s->v[0], cy - s->v[1])) / 2;
    s->lines = (size_t)(high[1] - low[1]) + 4;
    s->length = (size_t)(high[0] - low[0]) + 4;
    s->x = cx + (floor(low[0]) - 1) * s->u[0] + (floor(low[1]) - 1) * s->v[0];
    s->y = cy + (floor(low[0]) - 1) * s->u[1] + (floor(low[1]) - 1) * s->v[1];
    s->t = t + (floor(low[1]) - 1) * s->t_step;
}

/* Where a step of a line lies: moved across until its time is the line's. */
static void place_of(const struct scan *s, size_t line, size_t step, double *ret_x, double *ret_y)
{
    double x = s->x + (double)step * s->u[0] + (double)line * s->v[0];
    double y = s->y + (double)step * s->u[1] + (double)line * s->v[1], wanted = s->t + (double)line * s->t_step;

    for (int i = 0; i < 2; i++) {
        double off = (wanted - time_at(s, x, y)) / s->t_step;

        x += off * s->v[0];
        y += off * s->v[1];
    }
    *ret_x = x;
    *ret_y = y;
}

static float between(const float *values, size_t width, double x, double y)
{
    size_t ix = (size_t)x, iy = (size_t)y;
    float fx = (float)(x - (double)ix), fy = (float)(y - (double)iy);
    const float *p = values + iy * width + ix;
    float upper = p[0] + (p[1] - p[0]) * fx, lower = p[width] + (p[width + 1] - p[width]) * fx;

    return upper + (lower - upper) * fy;
}

/* Ranges and looks along a line, NaN outside the window. */
static void walk(const struct scan *s, size_t line, float *range, float *look)
{
    const struct relief *r = s->relief;
    double right = (double)r->window.width - 1, bottom = (double)r->window.height - 1, x0, y0, x1, y1;

    place_of(s, line, 0, &x1, &y1);
    for (size_t from = 0; from < s->length; from += EVERY) {
        x0 = x1;
        y0 = y1;
        place_of(s, line, from + EVERY, &x1, &y1);
        for (size_t i = 0; i < EVERY && from + i < s->length; i++) {
            double f = (double)i / EVERY, x = x0 + (x1 - x0) * f, y = y0 + (y1 - y0) * f;
            bool within = x >= 0 && y >= 0 && x < right && y < bottom;

            range[from + i] = within ? between(r->range, r->window.width, x, y) : NAN;
            look[from + i] = within ? between(r->look, r->window.width, x, y) : NAN;
        }
    }
}

/* Comparisons with NaN are false: what is outside changes nothing. */
static void flag_line(const float *range, const float *look, size_t n, uint8_t *flags)
{
    float farthest = -INFINITY, widest = -INFINITY, nearest = INFINITY;

    for (size_t i = 0; i < n; i++) {
        flags[i] = 0;
        flags[i] |= range[i] <= farthest ? SHADOW_LAYOVER : 0;
        flags[i] |= look[i] <= widest ? SHADOW_SHADOW : 0;
        farthest = range[i] > farthest ? range[i] : farthest;
        widest = look[i] > widest ? look[i] : widest;
    }
    for (size_t i = n; i-- > 0;) {
        flags[i] |= range[i] >= nearest ? SHADOW_LAYOVER : 0;
        nearest = range[i] < nearest ? range[i] : nearest;
    }
}

/* The line and step of a pixel. */
static void step_of(const struct scan *s, double x, double y, double *ret_line, double *ret_step)
{
    double dx = x - s->x, dy = y - s->y;

    *ret_line = (time_at(s, x, y) - s->t) / s->t_step;
    *ret_step = (dx * s->u[0] + dy * s->u[1]) * steps * steps;
}

static void put_cell(const struct scan *s, size_t left, size_t top, uint8_t *mask)
{
    const struct relief *r = s->relief;
    double line[4], step[4];

    for (size_t k = 0; k < 4; k++)
        step_of(s, (double)(left + k % 2 * EVERY), (double)(top + k / 2 * EVERY), &line[k], &step[k]);
    for (size_t y = 0; y < EVERY && top + y < r->window.height; y++)
        for (size_t x = 0; x < EVERY && left + x < r->window.width; x++) {
            double fx = (double)x / EVERY, fy = (double)y / EVERY;
            double at_line = (line[0] * (1 - fx) + line[1] * fx) * (1 - fy) + (line[2] * (1 - fx) + line[3] * fx) * fy;
            double at_step = (step[0] * (1 - fx) + step[1] * fx) * (1 - fy) + (step[2] * (1 - fx) + step[3] * fx) * fy;

            if (at_line >= 0 && at_step >= 0 && at_line + 0.5 < (double)s->lines && at_step + 0.5 < (double)s->length)
                mask[(top + y) * r->window.width + left + x] =
                    s->flags[(size_t)(at_line + 0.5) * s->length + (size_t)(at_step + 0.5)];
        }
}

/* Slopes that turn away from the radar lie in their own shadow, however small they are. */
static void add_slopes(const struct relief *r, uint8_t *mask)
{
    size_t width = r->window.width;
    AUTO(mem) float *east = mem_array(width, sizeof *east), *north = mem_array(width, sizeof *north);

    for (size_t y = 1; y + 1 < r->window.height; y++) {
        relief_slopes(r, y, 1, width - 2, east, north);
        for (size_t x = 1; x + 1 < width; x++) {
            size_t at = y * width + x;
            float facing = r->sight_up[at] * r->scale[at] - east[x - 1] * r->sight_x[at] - north[x - 1] * r->sight_y[at];

            mask[at] |= facing <= 0 ? SHADOW_SHADOW : 0;
        }
    }
}

bool shadow_mask(const struct relief *r, uint8_t **ret_mask, struct err *err)
{
    struct scan s = { .relief = r };
    AUTO(mem) uint8_t *mask = calloc(r->window.width, r->window.height), *flags = NULL;
    AUTO(mem) float *range = NULL, *look = NULL;

    s.height = r->heights[r->window.height / 2 * r->window.width + r->window.width / 2];
    make_scan(&s);
    if (!mask || isnan(s.t_step) || s.t_step == 0 || isnan(s.t)) { /* outside the orbit's reach: nothing is seen */
        *ret_mask = mask;
        mask = NULL;
        return *ret_mask || err_set(err, ERR_MemoryExceeded, "No memory for a mask.");
    }
    s.flags = flags = malloc(s.lines * s.length);
    if (!flags)
        return err_set(err, ERR_MemoryExceeded, "No memory for a mask of %zu x %zu steps.", s.lines, s.length);
    range = mem_array(s.length + EVERY, sizeof *range);
    look = mem_array(s.length + EVERY, sizeof *look);
    for (size_t line = 0; line < s.lines; line++) {
        walk(&s, line, range, look);
        flag_line(range, look, s.length, flags + line * s.length);
    }
    for (size_t y = 0; y < r->window.height; y += EVERY)
        for (size_t x = 0; x < r->window.width; x += EVERY)
            put_cell(&s, x, y, mask);
    add_slopes(r, mask);
    *ret_mask = mask;
    mask = NULL;
    return true;
}
