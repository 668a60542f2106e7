/* Projections are dear and smooth: the exact transformation is asked for at the nodes of a lattice,
 * every 32 pixels, and in between positions are linear. The error is measured at cell centres; where
 * it passes a hundredth of a pixel the whole window is done again with half the step. All other methods take
 * positions from a mesh (mesh.h): bilinear ones, where pixels do not become larger, by kernels of ours, the rest by
 * GDAL. */
#include "raster/warp.h"
#include "base/mem.h"
#include "raster/mesh.h"
#include <cpl_conv.h>
#include <cpl_error.h>
#include <cpl_string.h>
#include <gdal.h>
#include <gdalwarper.h>
#include <math.h>
#include <ogr_srs_api.h>
#include <stdio.h>
#include <string.h>

enum { MOST_TRANSFORMS = 16, FIRST_STEP = 32 };
static const double largest_error = 0.01; /* pixels */

struct transform {
    int from, to; /* EPSG */
    OGRCoordinateTransformationH handle;
};

struct warper {
    struct transform transforms[MOST_TRANSFORMS];
    size_t n_transforms, oldest;
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
    *ret_handle = transform_new(from, to);
    if (!*ret_handle)
        return err_set(err, ERR_SourceUnreadable,
                       "Coordinates cannot be transformed from EPSG:%d to EPSG:%d.", from, to);
    if (warper->n_transforms < MOST_TRANSFORMS) {
        slot = &warper->transforms[warper->n_transforms++];
    } else { /* in turn, so that the last few stay */
        slot = &warper->transforms[warper->oldest++ % MOST_TRANSFORMS];
        OCTDestroyCoordinateTransformation(slot->handle);
    }
    *slot = (struct transform){ from, to, *ret_handle };
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

/* ---- GDAL's methods ---- */

/* Points of a window's rows and columns of pixel edges, every few pixels and at its ends. */
bool warp_source(struct warper *warper, const struct grid *from, const struct grid *to,
                 const struct window_rect *w, double margin, struct window_rect *ret_used,
                 struct err *err)
{
    enum { STEP = 16 };
    size_t columns = w->width / STEP + 2, rows = w->height / STEP + 2, n = columns * rows;
    AUTO(mem) double *x = mem_array(n, sizeof *x), *y = mem_array(n, sizeof *y);
    AUTO(mem) int *ok = mem_array(n, sizeof *ok);
    double left = INFINITY, right = -INFINITY, top = INFINITY, bottom = -INFINITY;
    OGRCoordinateTransformationH handle;

    if (!transform_get(warper, to->epsg, from->epsg, &handle, err))
        return false;
    for (size_t i = 0; i < n; i++) {
        x[i] = (double)w->x + fmin((double)(i % columns * STEP), (double)w->width);
        y[i] = (double)w->y + fmin((double)(i / columns * STEP), (double)w->height);
    }
    positions(handle, from, to, x, y, ok, n);
    for (size_t i = 0; i < n; i++) {
        left = fmin(left, x[i]); /* fmin and fmax pass NaN by */
        right = fmax(right, x[i]);
        top = fmin(top, y[i]);
        bottom = fmax(bottom, y[i]);
    }
    left = fmax(floor(left - margin), 0);
    top = fmax(floor(top - margin), 0);
    right = fmin(ceil(right + margin), (double)from->width);
    bottom = fmin(ceil(bottom + margin), (double)from->height);
    *ret_used = (struct window_rect){ 0 };
    if (left < right && top < bottom)
        *ret_used = (struct window_rect){ (int64_t)left, (int64_t)top, (size_t)(right - left),
                                          (size_t)(bottom - top) };
    return true;
}

/* As gdalwarp has it: a scale that is nearly a whole number is one. */
static double whole_if_near(double scale)
{
    double whole = nearbyint(scale);

    return whole >= 1 && fabs(scale - whole) < 0.05 ? whole : scale;
}

bool warp_scale(struct warper *warper, const struct grid *from, const struct grid *to,
                double *ret_x, double *ret_y, struct err *err)
{
    double cx = (double)to->width / 2, cy = (double)to->height / 2;
    double x[] = { cx - 0.5, cx + 0.5, cx, cx }, y[] = { cy, cy, cy - 0.5, cy + 0.5 };
    OGRCoordinateTransformationH handle;
    int ok[4];

    if (!transform_get(warper, to->epsg, from->epsg, &handle, err))
        return false;
    positions(handle, from, to, x, y, ok, 4);
    *ret_x = hypot(x[1] - x[0], x[3] - x[2]);
    *ret_y = hypot(y[1] - y[0], y[3] - y[2]);
    if (!(*ret_x > 0 && *ret_y > 0)) /* the middle is nowhere */
        *ret_x = *ret_y = 1;
    *ret_x = whole_if_near(*ret_x);
    *ret_y = whole_if_near(*ret_y);
    return true;
}

/* GDAL asks for positions of pixels of one window in the other. They are found on the whole grids and
 * rounded to binary fractions, so that they are the same whatever the windows. */
struct exact {
    OGRCoordinateTransformationH to_source, to_result;
    const struct grid *source_grid, *result_grid;
    const struct window_rect *source, *result;
    const struct mesh *mesh; /* of positions in the source; NULL: exact ones cost no more */
};

static void places_in_source(const void *exact_, double *x, double *y, size_t n)
{
    const struct exact *e = exact_;
    AUTO(mem) int *ok = mem_array(n, sizeof *ok);

    positions(e->to_source, e->source_grid, e->result_grid, x, y, ok, n);
}

static int exact_positions(void *exact_, int to_source, int n, double *x, double *y, double *z,
                           int *success)
{
    static const double fine = 1 << 20;
    const struct exact *e = exact_;
    const struct window_rect *in = to_source ? e->result : e->source;
    const struct window_rect *out = to_source ? e->source : e->result;

    (void)z;
    for (int i = 0; i < n; i++) {
        x[i] += (double)in->x;
        y[i] += (double)in->y;
    }
    if (to_source && e->mesh)
        mesh_places(e->mesh, x, y, (size_t)n);
    else
        positions(to_source ? e->to_source : e->to_result,
                  to_source ? e->source_grid : e->result_grid,
                  to_source ? e->result_grid : e->source_grid, x, y, success, (size_t)n);
    for (int i = 0; i < n; i++) {
        success[i] = isfinite(x[i]) && isfinite(y[i]);
        /* edges that agree do so but for rounding: a sliver of a pixel would count as one */
        x[i] = success[i] ? nearbyint(x[i] * fine) / fine - (double)out->x : HUGE_VAL;
        y[i] = success[i] ? nearbyint(y[i] * fine) / fine - (double)out->y : HUGE_VAL;
    }
    return 1;
}

/* Adding this and taking it away again rounds to such fractions. */
static const double rounding = 0x1.8p32;

/* Positions in the source's window of the pixels of a row of the result's. */
static void row_positions(const struct exact *e, size_t row, double *x, double *y)
{
    size_t n = e->result->width;
    double left = (double)e->result->x + 0.5, top = (double)e->result->y + (double)row + 0.5;

    if (e->mesh) {
        mesh_row(e->mesh, left, top, x, y, n);
    } else {
        for (size_t i = 0; i < n; i++) {
            x[i] = left + (double)i;
            y[i] = top;
        }
        places_in_source(e, x, y, n);
    }
    for (size_t i = 0; i < n; i++) {
        x[i] = x[i] + rounding - rounding - (double)e->source->x;
        y[i] = y[i] + rounding - rounding - (double)e->source->y;
    }
}

/* Where pixels are no smaller than those of the source. */
static void resample_bilinear(const struct exact *exact, bool wide, const void *pixels, void *dst)
{
    size_t n = exact->result->width, size = wide ? sizeof(double) : sizeof(float);
    AUTO(mem) double *x = mem_array(n, sizeof *x), *y = mem_array(n, sizeof *y);

    for (size_t row = 0; row < exact->result->height; row++) {
        row_positions(exact, row, x, y);
        bilinear_row(wide, (char *)dst + row * n * size, pixels, exact->source->width, exact->source->height, x, y, n);
    }
}

static void dataset_drop_(GDALDatasetH *dataset)
{
    if (*dataset)
        GDALClose(*dataset);
}

static GDALDatasetH memory_dataset(const struct window_rect *w, bool wide, const void *pixels)
{
    char pointer[64], option[80];
    char *options[] = { option, NULL };
    GDALDatasetH dataset = GDALCreate(GDALGetDriverByName("MEM"), "", (int)w->width, (int)w->height,
                                      0, wide ? GDT_Float64 : GDT_Float32, NULL);

    pointer[CPLPrintPointer(pointer, (void *)pixels, sizeof pointer - 1)] = '\0';
    snprintf(option, sizeof option, "DATAPOINTER=%s", pointer);
    if (dataset && GDALAddBand(dataset, wide ? GDT_Float64 : GDT_Float32, options) != CE_None) {
        GDALClose(dataset);
        return NULL;
    }
    return dataset;
}

static GDALResampleAlg algorithm(enum resampling method)
{
    static const GDALResampleAlg algorithms[] = {
        [RESAMPLE_NEAR] = GRA_NearestNeighbour, [RESAMPLE_BILINEAR] = GRA_Bilinear,
        [RESAMPLE_CUBIC] = GRA_Cubic,           [RESAMPLE_CUBICSPLINE] = GRA_CubicSpline,
        [RESAMPLE_LANCZOS] = GRA_Lanczos,       [RESAMPLE_AVERAGE] = GRA_Average,
        [RESAMPLE_MODE] = GRA_Mode,             [RESAMPLE_MAX] = GRA_Max,
        [RESAMPLE_MIN] = GRA_Min,               [RESAMPLE_MED] = GRA_Med,
        [RESAMPLE_Q1] = GRA_Q1,                 [RESAMPLE_Q3] = GRA_Q3,
        [RESAMPLE_RMS] = GRA_RMS,               [RESAMPLE_SUM] = GRA_Sum,
    };

    return algorithms[method];
}

/* The scale is that of the whole grids, so that a pixel does not depend on the window it is in. */
static GDALWarpOptions *warp_options(GDALDatasetH source, GDALDatasetH result,
                                     enum resampling method, bool wide, struct exact *exact,
                                     double scale_x, double scale_y)
{
    GDALWarpOptions *o = GDALCreateWarpOptions();
    char text[40];

    o->hSrcDS = source;
    o->hDstDS = result;
    o->eResampleAlg = algorithm(method);
    o->eWorkingDataType = wide ? GDT_Float64 : GDT_Float32;
    o->dfWarpMemoryLimit = 1e9; /* windows are small already */
    GDALWarpInitDefaultBandMapping(o, 1);
    GDALWarpInitSrcNoDataReal(o, NAN);
    GDALWarpInitDstNoDataReal(o, NAN);
    o->papszWarpOptions = CSLSetNameValue(o->papszWarpOptions, "INIT_DEST", "NO_DATA");
    snprintf(text, sizeof text, "%.17g", 1 / scale_x);
    o->papszWarpOptions = CSLSetNameValue(o->papszWarpOptions, "XSCALE", text);
    snprintf(text, sizeof text, "%.17g", 1 / scale_y);
    o->papszWarpOptions = CSLSetNameValue(o->papszWarpOptions, "YSCALE", text);
    o->pfnTransformer = exact_positions;
    o->pTransformerArg = exact;
    return o;
}

static bool resample_by_gdal(struct exact *exact, enum resampling method, bool wide, double scale_x, double scale_y,
                             const void *pixels, void *dst, struct err *err)
{
    const struct window_rect *used = exact->source, *window = exact->result;
    __attribute__((cleanup(dataset_drop_))) GDALDatasetH source = memory_dataset(used, wide, pixels);
    __attribute__((cleanup(dataset_drop_))) GDALDatasetH result = memory_dataset(window, wide, dst);
    GDALWarpOptions *options;
    GDALWarpOperationH operation;
    CPLErr failed = CE_Failure;

    if (!source || !result)
        return err_set(err, ERR_MemoryExceeded, "No memory to resample.");
    options = warp_options(source, result, method, wide, exact, scale_x, scale_y);
    operation = GDALCreateWarpOperation(options);
    if (operation) {
        failed = GDALWarpRegion(operation, 0, 0, (int)window->width, (int)window->height, 0, 0,
                                (int)used->width, (int)used->height);
        GDALDestroyWarpOperation(operation);
    }
    GDALDestroyWarpOptions(options);
    return failed == CE_None || err_set(err, ERR_Internal, "Resampling failed: %s",
                                        CPLGetLastErrorMsg());
}

bool warp_is_interpolation(enum resampling method, double scale_x, double scale_y)
{
    return method == RESAMPLE_BILINEAR && scale_x <= 1 && scale_y <= 1;
}

bool warp_resample(struct warper *warper, const struct grid *from, const struct grid *to,
                   enum resampling method, bool wide, const struct window_rect *used,
                   const void *pixels, const struct window_rect *window, void *dst,
                   struct err *err)
{
    struct exact exact = { .source_grid = from, .result_grid = to, .source = used,
                           .result = window };
    AUTO(mesh) struct mesh *mesh = NULL;
    double x, y;

    if (!transform_get(warper, to->epsg, from->epsg, &exact.to_source, err) ||
        !transform_get(warper, from->epsg, to->epsg, &exact.to_result, err) ||
        !warp_scale(warper, from, to, &x, &y, err))
        return false;
    if (exact.to_source)
        exact.mesh = mesh = mesh_new(places_in_source, &exact, window);
    if (!warp_is_interpolation(method, x, y))
        return resample_by_gdal(&exact, method, wide, x, y, pixels, dst, err);
    resample_bilinear(&exact, wide, pixels, dst);
    return true;
}
