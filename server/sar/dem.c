/* The heights under a grid come to lie in memory once, on the lattice of the finest file that is wanted: a tile
 * of 110 km takes 60 MB at one arc second. Files on the same lattice are copied, others interpolated. Bands of
 * rows are read by several threads. Heights count from the geoid, which is added in the end; it is smooth, so it
 * is looked up every few nodes. */
#include "sar/dem.h"
#include "base/crew.h"
#include "base/mem.h"
#include "sar/dem_files.h"
#include "sar/geoid.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { EDGE = 24 /* points along it */, AROUND = 3 /* nodes more on each side */, BAND = 512, GEOID_STEP = 32,
       TILE_BYTES = 32 << 20, LARGEST = 1 << 28 /* nodes */ };
/* Nodes of a lattice lie this far outside of a grid whose side is no multiple of their spacing (lattice.h). */
static const double beyond = 400; /* m */
static const float lowest = -1000, highest = 9000; /* of the Earth, m */
static const float undeclared[] = { -32768, -32767, -9999, 32767 }; /* voids of files that do not say so */

struct box {
    double west, south, east, north;
};

/* A file that is wanted, on the DEM's side of the Earth. */
struct raster {
    const char *path;
    struct grid grid;
};

struct reading {
    const struct dem_options *options;
    const struct grid *grid;
    struct arena *arena;
    struct raster_options raster;
    struct raster *rasters;
    size_t n_rasters;
    struct box degrees, box; /* of what is wanted, the latter in the DEM's CRS */
    struct geoid *geoid;
    struct dem *dem;
};

static void name_of(int epsg, char name[static 32])
{
    snprintf(name, 32, "EPSG:%d", epsg);
}

/* ---- what is wanted ---- */

/* The box of points all over the grid and its margin. Longitudes are those next to the first point's. */
static bool find_box(const struct reading *r, int epsg, bool in_degrees, struct box *ret_box, struct err *err)
{
    const struct grid *g = r->grid;
    double margin = r->options->margin + beyond, x[EDGE * EDGE], y[EDGE * EDGE], first = NAN;
    double width = g->dx * (double)g->width + 2 * margin, height = g->dy * (double)g->height + 2 * margin;
    struct box box = { INFINITY, INFINITY, -INFINITY, -INFINITY };
    AUTO(crs) struct crs *crs = crs_open();
    char from[32], to[32];

    name_of(g->epsg, from);
    name_of(epsg, to);
    for (int i = 0; i < EDGE * EDGE; i++) {
        x[i] = g->x0 - margin + width * (i % EDGE) / (EDGE - 1);
        y[i] = g->y0 + margin - height * (int)(i / EDGE) / (EDGE - 1);
    }
    if (!crs_transform(crs, from, to, EDGE * EDGE, x, y))
        return err_set(err, ERR_SourceUnreadable, "Coordinates cannot be transformed from %s to %s.", from, to);
    for (int i = 0; i < EDGE * EDGE; i++) {
        if (!isfinite(x[i]) || !isfinite(y[i]))
            continue;
        first = isnan(first) ? x[i] : first;
        x[i] -= in_degrees ? 360 * nearbyint((x[i] - first) / 360) : 0;
        box = (struct box){ fmin(box.west, x[i]), fmin(box.south, y[i]), fmax(box.east, x[i]), fmax(box.north, y[i]) };
    }
    if (isnan(first))
        return err_set(err, ERR_SourceUnreadable, "The grid in %s is nowhere in %s.", from, to);
    *ret_box = box;
    return true;
}

static bool overlaps(const struct box *a, const struct box *b)
{
    return a->west <= b->east && b->west <= a->east && a->south <= b->north && b->south <= a->north;
}

/* The same box by another longitude, where that lies in `wanted`. */
static double turn_to(const struct box *box, const struct box *wanted)
{
    for (int i = -1; i <= 1; i++) {
        struct box turned = { box->west + 360 * i, box->south, box->east + 360 * i, box->north };

        if (overlaps(&turned, wanted))
            return 360 * i;
    }
    return NAN;
}

static struct box box_of(const struct grid *g)
{
    return (struct box){ g->x0, g->y0 - g->dy * (double)g->height, g->x0 + g->dx * (double)g->width, g->y0 };
}

/* ---- which files ---- */

/* A CRS of longitude and latitude with a height beside them has no code. */
static bool check_grid(const char *path, const struct source *source, struct grid *ret_grid, struct err *err)
{
    struct grid g = source->grid;

    if (!(g.dx > 0 && g.dy > 0))
        return err_set(err, ERR_FileContentInvalid, "The DEM '%s' does not tell where it lies.", path);
    if (g.epsg == 0 && g.x0 >= -361 && g.x0 + g.dx * (double)g.width <= 361 && g.y0 <= 91 &&
        g.y0 - g.dy * (double)g.height >= -91)
        g.epsg = 4326;
    if (g.epsg == 0)
        return err_set(err, ERR_FileContentInvalid, "The DEM '%s' has a CRS without EPSG code.", path);
    *ret_grid = g;
    return true;
}

/* The first file decides on the CRS. */
static bool take_file(struct reading *r, struct source_pool *pool, const struct dem_file *file, struct err *err)
{
    struct raster raster = { .path = file->path };
    struct source source;
    struct box box;
    double turn = 0;

    if (!source_open(pool, file->path, 1, &source, err) || !check_grid(file->path, &source, &raster.grid, err))
        return false;
    if (r->dem->epsg == 0) {
        char name[32];
        AUTO(crs) struct crs *crs = crs_open();

        name_of(raster.grid.epsg, name);
        if (!crs_known(crs, name, &r->dem->in_degrees))
            return err_set(err, ERR_FileContentInvalid, "The DEM '%s' is in %s, which is not known.", file->path, name);
        r->dem->epsg = raster.grid.epsg;
        if (!find_box(r, r->dem->epsg, r->dem->in_degrees, &r->box, err))
            return false;
    }
    if (raster.grid.epsg != r->dem->epsg)
        return err_set(err, ERR_FileContentInvalid, "The DEM '%s' is in EPSG:%d, others of its folder in EPSG:%d.",
                       file->path, raster.grid.epsg, r->dem->epsg);
    box = box_of(&raster.grid);
    if (r->dem->in_degrees)
        turn = turn_to(&box, &r->box);
    else if (!overlaps(&box, &r->box))
        turn = NAN;
    if (isnan(turn))
        return true;
    raster.grid.x0 += turn;
    r->rasters[r->n_rasters++] = raster;
    return true;
}

/* A cell of one degree and a little around it. */
static bool is_wanted(const struct reading *r, const struct dem_file *file)
{
    struct box box = { file->west - 0.01, file->south - 0.01, file->west + 1.01, file->south + 1.01 };

    return !file->is_cell || !isnan(turn_to(&box, &r->degrees));
}

/* Cells that are wanted, and have no file; only of folders of cells. */
static size_t missing_cells(const struct reading *r, const struct dem_file *files, size_t n)
{
    size_t missing = 0;
    bool cells = false;

    for (size_t i = 0; i < n; i++)
        cells |= files[i].is_cell;
    for (double south = floor(r->degrees.south); cells && south < r->degrees.north; south++)
        for (double west = floor(r->degrees.west); west < r->degrees.east; west++) {
            bool found = false;

            for (size_t i = 0; i < n && !found; i++)
                found = files[i].is_cell && files[i].south == south && fmod(files[i].west - west, 360) == 0;
            missing += !found;
        }
    return missing;
}

static bool choose_files(struct reading *r, struct err *err)
{
    AUTO(source_pool) struct source_pool *pool = source_pool_new(&r->raster, 0);
    struct dem_file *files;
    size_t n;

    if (!dem_files(r->options->path, r->arena, &n, &files, err))
        return false;
    r->rasters = arena_array(r->arena, n, sizeof *r->rasters);
    for (size_t i = 0; i < n; i++)
        if (is_wanted(r, &files[i]) && !take_file(r, pool, &files[i], err))
            return false;
    r->dem->missing = missing_cells(r, files, n);
    return true;
}

/* ---- the lattice ---- */

static bool make_lattice(struct reading *r, struct err *err)
{
    struct dem *d = r->dem;
    double x0 = 0.5 / 1200, y0 = 0.5 / 1200, columns, rows, first_column, first_row;

    d->dx = d->dy = 1. / 1200;
    for (size_t i = 0; i < r->n_rasters; i++) {
        const struct grid *g = &r->rasters[i].grid;

        if (i > 0 && g->dx >= d->dx)
            continue;
        d->dx = g->dx;
        d->dy = g->dy;
        x0 = g->x0 + g->dx / 2;
        y0 = g->y0 - g->dy / 2;
    }
    if (r->n_rasters == 0) { /* no height anywhere: the sea's */
        d->epsg = 4326;
        d->in_degrees = true;
        r->box = r->degrees;
    }
    first_column = floor((r->box.west - x0) / d->dx) - AROUND;
    first_row = floor((y0 - r->box.north) / d->dy) - AROUND;
    columns = ceil((r->box.east - x0) / d->dx) + AROUND - first_column + 1;
    rows = ceil((y0 - r->box.south) / d->dy) + AROUND - first_row + 1;
    if (!(columns * rows <= LARGEST))
        return err_set(err, ERR_MemoryExceeded, "The DEM has %.0f x %.0f nodes there, at most %d are held.", columns,
                       rows, LARGEST);
    d->x0 = x0 + first_column * d->dx;
    d->y0 = y0 - first_row * d->dy;
    d->width = (size_t)columns;
    d->height = (size_t)rows;
    d->heights = malloc(d->width * d->height * sizeof *d->heights);
    d->voids = malloc(d->width * d->height);
    return (d->heights && d->voids) ||
           err_set(err, ERR_MemoryExceeded, "No memory for %zu x %zu heights.", d->width, d->height);
}

/* ---- heights ---- */

static bool check_heights(const struct raster *raster, float *heights, size_t n, struct err *err)
{
    for (size_t i = 0; i < n; i++) {
        if (isnan(heights[i]) || (heights[i] >= lowest && heights[i] <= highest))
            continue;
        for (size_t k = 0; k < ARRAY_LEN(undeclared); k++)
            if (heights[i] == undeclared[k])
                heights[i] = NAN;
        if (!isnan(heights[i]))
            return err_set(err, ERR_FileContentInvalid, "The DEM '%s' is damaged: it has a height of %g m, expected %g to %g.",
                           raster->path, heights[i], lowest, highest);
    }
    return true;
}

/* Nodes [*first, *end) of n, a step apart from `at`, that lie in pixels 0 .. count - 1 a step apart from `from`, or
 * at most `slack` pixels beside. */
static void common(double at, double step, size_t n, double from, double file_step, int64_t count, double slack,
                   size_t *first, size_t *end)
{
    double low = ceil((from - file_step * slack - at) / step - 1e-3);
    double high = floor((from + file_step * ((double)(count - 1) + slack) - at) / step + 1e-3);

    *first = low > 0 ? (size_t)fmin(low, (double)n) : 0;
    *end = high < 0 ? 0 : (size_t)fmin(high + 1, (double)n);
}

struct window {
    double x, y, step_x, step_y; /* of the first node in the file's pixels; of nodes */
    int64_t left, top;
    size_t width, height; /* what is read */
    const float *pixels;
};

/* Bilinear; exact on nodes that are the file's own. */
static float value_at(const struct window *w, size_t column, size_t row)
{
    double x = w->x + (double)column * w->step_x - (double)w->left, y = w->y + (double)row * w->step_y - (double)w->top;
    double fx, fy, sum;
    size_t ix, iy;
    const float *p;

    x = fmin(fmax(x, 0), (double)(w->width - 1));
    y = fmin(fmax(y, 0), (double)(w->height - 1));
    ix = (size_t)x;
    iy = (size_t)y;
    fx = x - (double)ix;
    fy = y - (double)iy;
    p = w->pixels + iy * w->width + ix;
    if (fx < 1e-3 && fy < 1e-3)
        return p[0];
    sum = p[0] * (1 - fx) * (1 - fy);
    sum += fx > 0 ? p[1] * fx * (1 - fy) : 0;
    sum += fy > 0 ? p[w->width] * (1 - fx) * fy : 0;
    sum += fx > 0 && fy > 0 ? p[w->width + 1] * fx * fy : 0;
    return (float)sum;
}

static double whole_if_near(double x)
{
    return fabs(x - nearbyint(x)) < 1e-3 ? nearbyint(x) : x;
}

/* Fills what of rows [first, end) is still NaN from a file. */
static bool fill_from(const struct reading *r, struct source_pool *pool, const struct raster *raster, double slack,
                      size_t first, size_t end, struct err *err)
{
    const struct dem *d = r->dem;
    const struct grid *g = &raster->grid;
    double file_x = g->x0 + g->dx / 2, file_y = g->y0 - g->dy / 2, y_first = d->y0 - (double)first * d->dy;
    size_t left, right, top, bottom;
    struct window w = { 0 };
    struct source source;
    AUTO(mem) float *pixels = NULL;

    common(d->x0, d->dx, d->width, file_x, g->dx, g->width, slack, &left, &right);
    common(-y_first, d->dy, end - first, -file_y, g->dy, g->height, slack, &top, &bottom);
    if (left >= right || top >= bottom)
        return true;
    w.step_x = d->dx / g->dx;
    w.step_y = d->dy / g->dy;
    w.x = whole_if_near((d->x0 + (double)left * d->dx - file_x) / g->dx);
    w.y = whole_if_near((file_y - (y_first - (double)top * d->dy)) / g->dy);
    w.left = (int64_t)fmax(floor(w.x), 0);
    w.top = (int64_t)fmax(floor(w.y), 0);
    w.width = (size_t)(fmin(ceil(w.x + (double)(right - left - 1) * w.step_x - 1e-3), (double)g->width - 1) - (double)w.left) + 1;
    w.height = (size_t)(fmin(ceil(w.y + (double)(bottom - top - 1) * w.step_y - 1e-3), (double)g->height - 1) - (double)w.top) + 1;
    if (!source_open(pool, raster->path, 1, &source, err) ||
        !sar_read_floats(pool, &source, w.left, w.top, w.width, w.height, &pixels, err) ||
        !check_heights(raster, pixels, w.width * w.height, err))
        return false;
    w.pixels = pixels;
    for (size_t y = top; y < bottom; y++) {
        float *row = d->heights + (first + y) * d->width;

        for (size_t x = left; x < right; x++)
            if (isnan(row[x]))
                row[x] = value_at(&w, x - left, y - top);
    }
    return true;
}

static bool is_coarser(const struct dem *d, const struct grid *g)
{
    return g->dx > d->dx * 1.001 || g->dy > d->dy * 1.001;
}

/* Geoid heights at nodes every GEOID_STEP columns of a row; to ret, one for each and one beyond the last. */
static bool geoid_row(const struct reading *r, struct crs *crs, double row, double *ret, struct err *err)
{
    const struct dem *d = r->dem;
    size_t n = d->width / GEOID_STEP + 2;
    AUTO(mem) double *x = mem_array(n, sizeof *x), *y = mem_array(n, sizeof *y);
    char from[32];

    for (size_t i = 0; i < n; i++) {
        x[i] = d->x0 + (double)(i * GEOID_STEP) * d->dx;
        y[i] = d->y0 - row * d->dy;
    }
    name_of(d->epsg, from);
    if (!d->in_degrees && !crs_transform(crs, from, "EPSG:4326", n, x, y))
        return err_set(err, ERR_SourceUnreadable, "Coordinates cannot be transformed from %s to degrees.", from);
    for (size_t i = 0; i < n; i++)
        ret[i] = isfinite(x[i]) ? geoid_height(r->geoid, x[i], y[i]) : 0;
    return true;
}

/* Heights above the ellipsoid; voids become the sea. */
static bool add_geoid(const struct reading *r, struct crs *crs, size_t first, size_t end, struct err *err)
{
    const struct dem *d = r->dem;
    size_t n = d->width / GEOID_STEP + 2;
    AUTO(mem) double *upper = mem_array(n, sizeof *upper), *lower = mem_array(n, sizeof *lower);

    for (size_t y = first; y < end; y++) {
        size_t into = (y - first) % GEOID_STEP;
        double f = (double)into / GEOID_STEP;

        if (into == 0 && (!geoid_row(r, crs, (double)y, upper, err) ||
                          !geoid_row(r, crs, (double)(y + GEOID_STEP), lower, err)))
            return false;
        for (size_t x = 0; x < d->width; x++) {
            size_t i = x / GEOID_STEP;
            double left = upper[i] * (1 - f) + lower[i] * f, right = upper[i + 1] * (1 - f) + lower[i + 1] * f;
            double geoid = left + (right - left) * (double)(x % GEOID_STEP) / GEOID_STEP;
            float *h = &d->heights[y * d->width + x];

            d->voids[y * d->width + x] = isnan(*h);
            *h = (float)((isnan(*h) ? 0 : (double)*h) + geoid);
        }
    }
    return true;
}

struct band_reader {
    struct source_pool *pool;
    struct crs *crs;
};

static bool begin(void *reading, void **ret_own, struct err *err)
{
    struct reading *r = reading;
    struct band_reader *own = MEM_NEW(struct band_reader);

    (void)err;
    own->pool = source_pool_new(&r->raster, TILE_BYTES);
    own->crs = crs_open();
    *ret_own = own;
    return true;
}

static void finish(void *reading, void *own_)
{
    struct band_reader *own = own_;

    (void)reading;
    source_pool_free(own->pool);
    crs_close(own->crs);
    free(own);
}

static bool read_band(void *reading, void *own_, size_t band, struct err *err)
{
    const struct reading *r = reading;
    struct band_reader *own = own_;
    size_t first = band * BAND, end = first + BAND < r->dem->height ? first + BAND : r->dem->height;

    for (size_t i = first * r->dem->width; i < end * r->dem->width; i++)
        r->dem->heights[i] = NAN;
    for (size_t i = 0; i < r->n_rasters; i++)
        if (!fill_from(r, own->pool, &r->rasters[i], 0, first, end, err))
            return false;
    for (size_t i = 0; i < r->n_rasters; i++) /* between the last node of a coarser file and its neighbour */
        if (is_coarser(r->dem, &r->rasters[i].grid) &&
            !fill_from(r, own->pool, &r->rasters[i], 0.999, first, end, err))
            return false;
    return add_geoid(r, own->crs, first, end, err);
}

static void survey(struct dem *d)
{
    d->lowest = INFINITY;
    d->highest = -INFINITY;
    for (size_t i = 0; i < d->width * d->height; i++) {
        d->lowest = d->heights[i] < d->lowest ? d->heights[i] : d->lowest;
        d->highest = d->heights[i] > d->highest ? d->heights[i] : d->highest;
        d->n_voids += d->voids[i];
    }
}

bool dem_read(const struct dem_options *options, const struct grid *grid, struct dem **ret_dem, struct err *err)
{
    AUTO(arena) struct arena *arena = arena_new();
    AUTO(dem) struct dem *dem = MEM_NEW(struct dem);
    AUTO(geoid) struct geoid *geoid = NULL;
    struct reading r = { .options = options, .grid = grid, .arena = arena, .raster = { .trusted = true }, .dem = dem };
    struct crew_work work = { .threads = options->threads, .context = &r, .begin = begin, .end = finish,
                              .unit = read_band };

    if (!find_box(&r, 4326, true, &r.degrees, err) || !choose_files(&r, err) ||
        (options->geoid && !geoid_read(options->geoid, &geoid, err)) || !make_lattice(&r, err))
        return false;
    r.geoid = geoid;
    work.units = (dem->height + BAND - 1) / BAND;
    if (!crew_run(&work, err))
        return false;
    survey(dem);
    *ret_dem = dem;
    dem = NULL;
    return true;
}

void dem_free(struct dem *dem)
{
    if (!dem)
        return;
    free(dem->heights);
    free(dem->voids);
    free(dem);
}

/* ---- looking up ---- */

bool dem_places(const struct dem *dem, struct crs *crs, int epsg, size_t n, double *x, double *y, double *ret_column,
                double *ret_row, struct err *err)
{
    double middle = dem->x0 + dem->dx * (double)dem->width / 2;
    char from[32], to[32];

    name_of(epsg, from);
    name_of(dem->epsg, to);
    memcpy(ret_column, x, n * sizeof *x);
    memcpy(ret_row, y, n * sizeof *y);
    if (!crs_transform(crs, from, "EPSG:4326", n, x, y))
        return err_set(err, ERR_SourceUnreadable, "Coordinates cannot be transformed from %s to degrees.", from);
    if (dem->epsg == 4326) {
        memcpy(ret_column, x, n * sizeof *x);
        memcpy(ret_row, y, n * sizeof *y);
    } else if (!crs_transform(crs, from, to, n, ret_column, ret_row)) {
        return err_set(err, ERR_SourceUnreadable, "Coordinates cannot be transformed from %s to %s.", from, to);
    }
    for (size_t i = 0; i < n; i++) {
        bool good = isfinite(x[i]) && isfinite(y[i]) && isfinite(ret_column[i]) && isfinite(ret_row[i]);
        double turn = dem->in_degrees && good ? 360 * nearbyint((ret_column[i] - middle) / 360) : 0;

        x[i] = good ? x[i] : NAN;
        y[i] = good ? y[i] : NAN;
        ret_column[i] = good ? (ret_column[i] - turn - dem->x0) / dem->dx : NAN;
        ret_row[i] = good ? (dem->y0 - ret_row[i]) / dem->dy : NAN;
    }
    return true;
}

double dem_height(const struct dem *dem, double column, double row)
{
    double x = fmin(fmax(column, 0), (double)dem->width - 1.001), y = fmin(fmax(row, 0), (double)dem->height - 1.001);
    size_t ix = (size_t)x, iy = (size_t)y;
    double fx = x - (double)ix, fy = y - (double)iy;
    const float *p = dem->heights + iy * dem->width + ix;

    return (p[0] * (1 - fx) + p[1] * fx) * (1 - fy) + (p[dem->width] * (1 - fx) + p[dem->width + 1] * fx) * fy;
}
