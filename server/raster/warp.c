/* Projections are dear and smooth: the exact transformation is asked for at the nodes of a lattice,
 * every 32 pixels, and in between positions are linear. The error is measured at cell centres; where
 * it passes a hundredth of a pixel the whole window is done again with half the step. */
#include "raster/warp.h"
#include "base/mem.h"
#include <math.h>
#include <ogr_srs_api.h>
#include <string.h>

enum { MOST_TRANSFORMS = 16, FIRST_STEP = 32 };
static const double largest_error = 0.01; /* pixels */

struct transform {
    int from, to; /* EPSG */
    OGRCoordinateTransformationH handle;
};

struct warper {
    struct transform transforms[MOST_TRANSFORMS];
    size_t n_transforms;
};

struct warper *warper_new(void)
{
    return MEM_NEW(struct warper);
}

void warper_free(struct warper *warper)
{
    if (!warper)
        return;
    for (size_t i = 0; i < warper->n_transforms; i++)
        OCTDestroyCoordinateTransformation(warper->transforms[i].handle);
    free(warper);
}

static OGRSpatialReferenceH srs_new(int epsg)
{
    OGRSpatialReferenceH srs = OSRNewSpatialReference(NULL);

    OSRSetAxisMappingStrategy(srs, OAMS_TRADITIONAL_GIS_ORDER);
    if (OSRImportFromEPSG(srs, epsg) != OGRERR_NONE) {
        OSRDestroySpatialReference(srs);
        return NULL;
    }
    return srs;
}

static OGRCoordinateTransformationH transform_new(int from, int to)
{
    OGRSpatialReferenceH a = srs_new(from), b = srs_new(to);
    OGRCoordinateTransformationH handle = a && b ? OCTNewCoordinateTransformation(a, b) : NULL;

    if (a)
        OSRDestroySpatialReference(a);
    if (b)
        OSRDestroySpatialReference(b);
    return handle;
}

/* NULL handle in *ret_handle: the same CRS. */
static bool transform_get(struct warper *warper, int from, int to,
                          OGRCoordinateTransformationH *ret_handle, struct err *err)
{
    struct transform *slot;

    *ret_handle = NULL;
    if (from == to)
        return true;
    for (size_t i = 0; i < warper->n_transforms; i++)
        if (warper->transforms[i].from == from && warper->transforms[i].to == to) {
            *ret_handle = warper->transforms[i].handle;
            return true;
        }
    if (warper->n_transforms == MOST_TRANSFORMS)
        OCTDestroyCoordinateTransformation(warper->transforms[--warper->n_transforms].handle);
    slot = &warper->transforms[warper->n_transforms];
    *slot = (struct transform){ from, to, transform_new(from, to) };
    if (!slot->handle)
        return err_set(err, ERR_SourceUnreadable,
                       "Coordinates cannot be transformed from EPSG:%d to EPSG:%d.", from, to);
    warper->n_transforms++;
    *ret_handle = slot->handle;
    return true;
}

/* Positions in pixels of `from` of n points given in pixels of `to`; NaN where there is none. */
static void positions(OGRCoordinateTransformationH handle, const struct grid *from,
                      const struct grid *to, double *x, double *y, int *ok, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        x[i] = to->x0 + x[i] * to->dx;
        y[i] = to->y0 - y[i] * to->dy;
        ok[i] = 1;
    }
    if (handle)
        OCTTransformEx(handle, (int)n, x, y, NULL, ok);
    for (size_t i = 0; i < n; i++) {
        x[i] = ok[i] ? (x[i] - from->x0) / from->dx : NAN;
        y[i] = ok[i] ? (from->y0 - y[i]) / from->dy : NAN;
    }
}

struct lattice {
    size_t step, columns, rows; /* nodes */
    double *x, *y;
};

static double *cell_centres(const struct lattice *l, const struct window_rect *w, double **ret_y)
{
    size_t n = (l->columns - 1) * (l->rows - 1);
    double *x = mem_array(n, sizeof *x), *y = mem_array(n, sizeof *y);

    for (size_t r = 0; r + 1 < l->rows; r++)
        for (size_t c = 0; c + 1 < l->columns; c++) {
            x[r * (l->columns - 1) + c] = (double)w->x + 0.5 + ((double)c + 0.5) * (double)l->step;
            y[r * (l->columns - 1) + c] = (double)w->y + 0.5 + ((double)r + 0.5) * (double)l->step;
        }
    *ret_y = y;
    return x;
}

static bool lattice_fits(OGRCoordinateTransformationH handle, const struct grid *from,
                         const struct grid *to, const struct lattice *l,
                         const struct window_rect *w)
{
    size_t cells = l->columns - 1, n = cells * (l->rows - 1);
    AUTO(mem) double *y = NULL;
    AUTO(mem) double *x = cell_centres(l, w, &y);
    AUTO(mem) int *ok = mem_array(n, sizeof *ok);

    positions(handle, from, to, x, y, ok, n);
    for (size_t i = 0; i < n; i++) {
        size_t at = i / cells * l->columns + i % cells;
        double mx = (l->x[at] + l->x[at + 1] + l->x[at + l->columns] + l->x[at + l->columns + 1]) / 4;
        double my = (l->y[at] + l->y[at + 1] + l->y[at + l->columns] + l->y[at + l->columns + 1]) / 4;

        if (isnan(mx) != isnan(x[i]) || fabs(mx - x[i]) > largest_error ||
            fabs(my - y[i]) > largest_error)
            return false;
    }
    return true;
}

static void lattice_make(OGRCoordinateTransformationH handle, const struct grid *from,
                         const struct grid *to, const struct window_rect *w, size_t step,
                         struct lattice *ret)
{
    size_t n;
    AUTO(mem) int *ok = NULL;

    *ret = (struct lattice){ .step = step,
                             .columns = (w->width - 1 + step - 1) / step + 1 + (w->width == 1),
                             .rows = (w->height - 1 + step - 1) / step + 1 + (w->height == 1) };
    n = ret->columns * ret->rows;
    ret->x = mem_array(n, sizeof(double));
    ret->y = mem_array(n, sizeof(double));
    ok = mem_array(n, sizeof *ok);
    for (size_t i = 0; i < n; i++) { /* nodes are pixel centres */
        ret->x[i] = (double)w->x + 0.5 + (double)(i % ret->columns * step);
        ret->y[i] = (double)w->y + 0.5 + (double)(i / ret->columns * step);
    }
    positions(handle, from, to, ret->x, ret->y, ok, n);
}

static void lattice_done(struct lattice *l)
{
    free(l->x);
    free(l->y);
}

static void use(struct window_rect *used, int64_t *right, int64_t *bottom, int64_t x, int64_t y)
{
    used->x = x < used->x ? x : used->x;
    used->y = y < used->y ? y : used->y;
    *right = x >= *right ? x + 1 : *right;
    *bottom = y >= *bottom ? y + 1 : *bottom;
}

static void index_pixels(const struct lattice *l, const struct grid *from,
                         const struct window_rect *w, int64_t *index, struct window_rect *ret_used)
{
    struct window_rect used = { INT64_MAX, INT64_MAX, 0, 0 };
    int64_t right = 0, bottom = 0;

    for (size_t i = 0; i < w->width * w->height; i++) {
        size_t px = i % w->width, py = i / w->width, c = px / l->step, r = py / l->step;
        double gx = (double)(px % l->step) / (double)l->step;
        double gy = (double)(py % l->step) / (double)l->step;
        size_t at = r * l->columns + c, below = r + 1 < l->rows ? at + l->columns : at;
        size_t next = c + 1 < l->columns ? 1 : 0;
        double x = (l->x[at] * (1 - gx) + l->x[at + next] * gx) * (1 - gy) +
                   (l->x[below] * (1 - gx) + l->x[below + next] * gx) * gy;
        double y = (l->y[at] * (1 - gx) + l->y[at + next] * gx) * (1 - gy) +
                   (l->y[below] * (1 - gx) + l->y[below + next] * gx) * gy;

        index[i] = -1;
        if (x >= 0 && y >= 0 && x < (double)from->width && y < (double)from->height) {
            index[i] = (int64_t)x + (int64_t)y * from->width;
            use(&used, &right, &bottom, (int64_t)x, (int64_t)y);
        }
    }
    if (right > 0) {
        used.width = (size_t)(right - used.x);
        used.height = (size_t)(bottom - used.y);
    } else {
        used = (struct window_rect){ 0 };
    }
    *ret_used = used;
}

bool warp_nearest(struct warper *warper, const struct grid *from, const struct grid *to,
                  const struct window_rect *window, int64_t *index, struct window_rect *ret_used,
                  struct err *err)
{
    OGRCoordinateTransformationH handle;
    struct lattice lattice;

    if (!transform_get(warper, to->epsg, from->epsg, &handle, err))
        return false;
    for (size_t step = FIRST_STEP;; step /= 2) {
        lattice_make(handle, from, to, window, step, &lattice);
        if (step == 1 || lattice_fits(handle, from, to, &lattice, window))
            break;
        lattice_done(&lattice);
    }
    index_pixels(&lattice, from, window, index, ret_used);
    lattice_done(&lattice);
    return true;
}
