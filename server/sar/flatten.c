/* The image is the measure, not the grid: ground is sampled along the image's own lines, from near to far, and every sample
 * once. So shadows are found by walking along a row, no terrain is worked out again for the block beside it, and a facet's
 * neighbours in the image are its neighbours in memory. A strip of lines is one unit of work and needs two rows of samples
 * at a time. Its factors, 5 bits of exponent and 11 of mantissa each, stay for as much of it as the grid needs.
 *
 * Beta0 times the area of a pixel in the slant plane, over that of the ground in it across the line of sight, is gamma0 of
 * the terrain; over that of the ground itself it is sigma0. Samples lie as far apart along the flight as lines do, so that distance cancels. */
#include "sar/flatten.h"
#include "base/crew.h"
#include "base/mem.h"
#include "processes/kernels.h"
#include "sar/facets.h"
#include "sar/geodesy.h"
#include "sar/ground_lines.h"
#include "sar/relief.h"

enum { STRIP = 128 /* lines */, BEYOND = 2 /* lines of ground more than heights move it */, STEP_COLUMNS = 32 };
static const double survey_spacing = 1000, sample_spacing = 10; /* m */
static const double height_step = 1000; /* m: grids beside each other are mostly laid out alike, and sampled at the same places */
static const float least_part = 0.05f; /* of a pixel's own area: less is not seen */
/* Metres along the flight for one in height: planes at a right angle to the flight are not quite upright. */
static const double lean = 0.01;

struct strip {
    int64_t left, right; /* columns that are wanted; none: left >= right */
    uint16_t *codes;
};

struct flatten {
    struct flatten_want want;
    double height; /* that places are laid out for */
    size_t n;
    struct strip *strips;
};

void flatten_free(struct flatten *f)
{
    for (size_t i = 0; f && i < f->n; i++)
        free(f->strips[i].codes);
    if (f)
        free(f->strips);
    free(f);
}

/* ---- what the grid needs ---- */

static void need(struct flatten *f, double line, double column, double lines, double columns)
{
    const struct view *v = f->want.view;
    int64_t first = (int64_t)floor((line - lines) / STRIP), last = (int64_t)floor((line + lines) / STRIP);

    for (int64_t i = first > 0 ? first : 0; i <= last && i < (int64_t)f->n; i++) {
        struct strip *s = &f->strips[i];

        s->left = (int64_t)fmin((double)s->left, fmax(column - columns, 0));
        s->right = (int64_t)fmax((double)s->right, fmin(column + columns + 1, (double)v->samples));
    }
}

/* Points of the grid are looked for in the image, at the least and the largest height. Between them positions change by what
 * lies between neighbours, so that much is added around. */
static bool find_needs(struct flatten *f, struct err *err)
{
    const struct flatten_want *want = &f->want;
    const struct view *v = want->view;
    AUTO(crs) struct crs *crs = crs_open();
    struct lattice_want wish = { .view = v, .dem = want->dem, .grid = &want->grid, .spacing = survey_spacing,
                                 .window = { 0, 0, (size_t)want->grid.width, (size_t)want->grid.height } };
    AUTO(lattice) struct lattice *lattice = NULL;
    double step = fmax(nearbyint(survey_spacing / want->grid.dx), 2), around = 1.5 * step * want->grid.dx;
    double lines = around / v->azimuth_spacing + BEYOND, columns = around / v->range_spacing + BEYOND;

    if (!lattice_new(&wish, crs, &lattice, err))
        return false;
    for (double y = 0; y < (double)want->grid.height + step; y += step)
        for (double x = 0; x < (double)want->grid.width + step; x += step)
            for (int k = 0; k < 2; k++) {
                double t, range, column;

                lattice_at(lattice, x, y, k == 0 ? want->dem->lowest : want->dem->highest, &t, &range);
                column = isnan(t) ? NAN : ground_range_column(v->ground_range, t, range);
                if (!isnan(column))
                    need(f, t / v->azimuth_interval, column, lines, columns);
            }
    return true;
}

/* ---- the ground of a strip ---- */

struct ground {
    struct lattice *lattice;
    size_t width, rows; /* samples */
    size_t parts;       /* rows of samples for a line */
    double apart;       /* m between them */
    int64_t line, beyond; /* the first one of the strip; lines more on both sides of it */
};

static void ground_drop(struct ground *g)
{
    lattice_free(g->lattice);
}

/* Metres between two rows of places, over so many rows of samples. */
static double distance(const struct lattice_ground *g, size_t from, size_t to)
{
    double a[3], b[3], off[3];

    geodesy_place(g->latitudes[from], g->longitudes[from], 0, a);
    geodesy_place(g->latitudes[to], g->longitudes[to], 0, b);
    vector_minus(a, b, off);
    return vector_length(off) / (double)g->step;
}

/* From before the first column that is wanted to beyond the last one, as far as terrain hides or folds. */
static bool find_arcs(const struct flatten *f, const struct strip *strip, int64_t line, double *ret_first, double *ret_last)
{
    const struct view *v = f->want.view;
    double t = ((double)line + STRIP / 2.) * v->azimuth_interval, heights = f->want.dem->highest - f->want.dem->lowest;
    double off = fabs(f->height - (f->want.dem->highest + f->want.dem->lowest) / 2);
    double around = fmin((heights + off) * RELIEF_FOLD, RELIEF_MOST - survey_spacing) + survey_spacing;

    *ret_first = ground_lines_arc(v, t, f->height, ground_range_at(v->ground_range, t, (double)strip->left)) - around;
    *ret_last = ground_lines_arc(v, t, f->height, ground_range_at(v->ground_range, t, (double)strip->right)) + around;
    return *ret_first < *ret_last;
}

static bool lay_out(const struct flatten *f, const struct strip *strip, int64_t line, struct crs *crs, struct ground *ret,
                    bool *ret_any, struct err *err)
{
    const struct view *v = f->want.view;
    double first, last, sample = v->range_spacing / fmax(1, nearbyint(v->range_spacing / sample_spacing));
    double parts = fmax(1, nearbyint(v->azimuth_spacing / sample_spacing));
    struct lattice_ground nodes = { .step = (size_t)fmax(2, nearbyint(LATTICE_SPACING / sample)) };
    double step = (double)nodes.step * sample;
    struct ground_lines lines = { .view = v, .height = f->height, .arc_step = step };
    struct lattice_want wish = { .view = v, .dem = f->want.dem, .ground = &nodes, .with_sight = true };
    AUTO(mem) double *longitudes = NULL, *latitudes = NULL;

    *ret_any = find_arcs(f, strip, line, &first, &last);
    if (!*ret_any)
        return true;
    ret->line = line;
    ret->beyond = (int64_t)ceil((f->want.dem->highest - f->want.dem->lowest) / 2 * lean / v->azimuth_spacing) + BEYOND;
    ret->parts = (size_t)parts;
    ret->rows = (size_t)(STRIP + 2 * ret->beyond) * ret->parts + 1;
    lines.first_line = (double)(line - ret->beyond) - 0.5;
    lines.line_step = (double)nodes.step / parts;
    lines.first_arc = floor(first / step) * step;
    lines.columns = nodes.columns = (size_t)ceil((last - lines.first_arc) / step) + 1;
    lines.rows = nodes.rows = (ret->rows - 1 + nodes.step - 1) / nodes.step + 1;
    ret->width = (nodes.columns - 1) * nodes.step;
    nodes.longitudes = longitudes = mem_array(nodes.rows * nodes.columns, sizeof *longitudes);
    nodes.latitudes = latitudes = mem_array(nodes.rows * nodes.columns, sizeof *latitudes);
    ground_lines_places(&lines, longitudes, latitudes);
    ret->apart = distance(&nodes, nodes.columns / 2, nodes.columns + nodes.columns / 2);
    wish.window = (struct window_rect){ 0, 0, ret->width, ret->rows };
    return lattice_new(&wish, crs, &ret->lattice, err);
}

/* ---- factors of a strip ---- */

static struct facet_samples samples_at(float *room, size_t n)
{
    return (struct facet_samples){ room, room + n, room + 2 * n, room + 3 * n, room + 4 * n, room + 5 * n, room + 6 * n };
}

static bool add_ground(const struct ground *g, enum flatten_area area, int64_t left, float *areas, size_t columns,
                       struct err *err)
{
    enum { ARRAYS = 7 };
    size_t n = g->width;
    AUTO(mem) float *room = malloc((2 * ARRAYS + FACET_ROOM) * n * sizeof *room);
    AUTO(mem) double *t = mem_array(n, sizeof *t), *range = mem_array(n, sizeof *range);
    struct facet_sums to = { .areas = areas, .width = (int)columns, .height = STRIP };
    double line, column;

    if (!room)
        return err_set(err, ERR_MemoryExceeded, "No memory for %zu samples of the ground.", n);
    lattice_origin(g->lattice, &line, &column);
    to.line = (float)(line - (double)g->line);
    to.column = (float)(column - (double)left);
    for (size_t y = 0; y < g->rows; y++) {
        struct facet_samples here = samples_at(room + (y + 1) % 2 * ARRAYS * n, n), next = samples_at(room + y % 2 * ARRAYS * n, n);
        struct lattice_row row = { next.heights, t, range, next.lines, next.columns, next.sight_x, next.sight_y,
                                   next.sight_up, next.scale };
        struct facet_pair pair = { here, next, (int)n, (float)g->apart, 1 / (float)g->parts, area, room + 2 * ARRAYS * n };

        lattice_row(g->lattice, y, &row);
        if (y > 0)
            facets_add(&pair, &to);
    }
    return true;
}

/* Slant ranges that columns of the image are apart; they change little along a strip. */
static void find_steps(const struct view *v, const struct strip *strip, int64_t line, float *steps)
{
    double t = ((double)line + STRIP / 2.) * v->azimuth_interval;
    float next = 0;

    for (int64_t x = strip->left; x < strip->right; x++) {
        if ((x - strip->left) % STEP_COLUMNS == 0) {
            double range = ground_range_at(v->ground_range, t, (double)x + STEP_COLUMNS / 2.);

            next = (float)ground_range_step(v->ground_range, t, range);
        }
        steps[x - strip->left] = next;
    }
}

enum { MANTISSA = 11, CUT = 23 - MANTISSA, LEAST_EXPONENT = 127 - 16 };
static const float least_factor = 2e-5f, most_factor = 6e4f; /* that codes tell */

KERNEL void encode(const float *restrict areas, const float *restrict steps, int n, uint16_t *restrict codes)
{
    for (int i = 0; i < n; i++) {
        float seen = areas[i] / steps[i], factor = 1 / seen;
        uint32_t code;

        factor = factor > least_factor ? factor : least_factor;
        factor = factor < most_factor ? factor : most_factor;
        code = ((bits_of_float(factor) + (1u << (CUT - 1))) >> CUT) - ((uint32_t)LEAST_EXPONENT << MANTISSA);
        codes[i] = (uint16_t)(code & -(uint32_t)(seen >= least_part));
    }
}

KERNEL void multiply(const uint16_t *restrict codes, int n, float *restrict power)
{
    for (int i = 0; i < n; i++) {
        uint32_t code = codes[i], bits = (code + ((uint32_t)LEAST_EXPONENT << MANTISSA)) << CUT;

        power[i] *= float_of_bits(bits & -(uint32_t)(code > 0));
    }
}

static bool make_strip(void *context, void *crs, size_t unit, struct err *err)
{
    struct flatten *f = context;
    struct strip *s = &f->strips[unit];
    int64_t line = (int64_t)unit * STRIP;
    size_t width = s->left < s->right ? (size_t)(s->right - s->left) : 0;
    AUTO(ground) struct ground ground = { 0 };
    AUTO(mem) float *areas = NULL, *steps = NULL;
    bool any;

    if (!width)
        return true;
    if (!lay_out(f, s, line, crs, &ground, &any, err))
        return false;
    areas = any ? calloc(width * STRIP, sizeof *areas) : NULL;
    s->codes = calloc(width * STRIP, sizeof *s->codes);
    if (!s->codes || (any && !areas))
        return err_set(err, ERR_MemoryExceeded, "No memory for the terrain of %d lines of %zu pixels.", STRIP, width);
    if (!any)
        return true;
    if (!add_ground(&ground, f->want.area, s->left, areas, width, err))
        return false;
    steps = mem_array(width, sizeof *steps);
    find_steps(f->want.view, s, line, steps);
    for (size_t y = 0; y < STRIP; y++)
        encode(areas + y * width, steps, (int)width, s->codes + y * width);
    return true;
}

/* ---- the map ---- */

static bool begin(void *flatten, void **ret_own, struct err *err)
{
    (void)flatten, (void)err;
    *ret_own = crs_open();
    return true;
}

static void end(void *flatten, void *own)
{
    (void)flatten;
    crs_close(own);
}

bool flatten_new(const struct flatten_want *want, struct flatten **ret_flatten, struct err *err)
{
    AUTO(flatten) struct flatten *f = MEM_NEW(struct flatten);
    struct crew_work work = { .threads = want->threads, .context = f, .begin = begin, .end = end, .unit = make_strip };

    f->want = *want;
    f->height = nearbyint(((double)want->dem->lowest + want->dem->highest) / 2 / height_step) * height_step;
    work.units = f->n = (size_t)((want->view->lines + STRIP - 1) / STRIP);
    f->strips = mem_array(f->n, sizeof *f->strips);
    for (size_t i = 0; i < f->n; i++)
        f->strips[i].left = want->view->samples;
    if (!find_needs(f, err) || !crew_run(&work, err))
        return false;
    *ret_flatten = f;
    f = NULL;
    return true;
}

/* A row of pixels, of which columns `left` to `right` are known. */
static void apply_row(const struct strip *s, size_t y, const struct image_frame *frame, float *power)
{
    int64_t width = s->right - s->left, end = frame->column + (int64_t)frame->width;
    int64_t left = frame->column > s->left ? frame->column : s->left, right = end < s->right ? end : s->right;

    left = s->codes && left < right ? left : end;
    right = left < end ? right : end;
    for (int64_t x = frame->column; x < left; x++)
        power[x - frame->column] = 0;
    if (left < right)
        multiply(s->codes + (int64_t)y * width + (left - s->left), (int)(right - left), power + (left - frame->column));
    for (int64_t x = right; x < end; x++)
        power[x - frame->column] = 0;
}

void flatten_apply(const struct flatten *f, const struct image_frame *frame, float *power)
{
    for (size_t y = 0; y < frame->height; y++) {
        int64_t line = frame->line + (int64_t)y;
        float *row = power + y * frame->width;

        if (line >= 0 && line < f->want.view->lines)
            apply_row(&f->strips[line / STRIP], (size_t)(line % STRIP), frame, row);
        else
            memset(row, 0, frame->width * sizeof *row);
    }
}
