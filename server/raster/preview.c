/* The nearest pixels of the overview that is next larger, so that a preview of a country costs what one of a field does. Bytes in
 * three or four bands are colours already; all else is stretched between percentiles of what is shown. For maps the file is warped
 * first, pixel for pixel of the picture. */
#include "raster/preview.h"
#include "base/mem.h"
#include "raster/palettes.h"
#include "raster/stretch.h"
#include <cairo.h>
#include <cpl_error.h>
#include <cpl_string.h>
#include <gdal.h>
#include <gdal_utils.h>
#include <math.h>
#include <pthread.h>
#include <string.h>
#include <strings.h>

enum { COLOURS = 3 };

struct preview {
    GDALDatasetH file, placed; /* placed: the file in degrees, NULL: it is shown as it is */
    int width, height;
    size_t pixels, n_bands;  /* bands: 1, or 3 for colours */
    int bands[COLOURS];      /* GDAL's numbers */
    float *values[COLOURS];
    uint8_t *seen;           /* 0: no data in one of them */
};

static void preview_drop(struct preview *p)
{
    for (size_t i = 0; i < p->n_bands; i++)
        free(p->values[i]);
    free(p->seen);
    if (p->placed) /* refers to the file */
        GDALClose(p->placed);
    if (p->file)
        GDALClose(p->file);
}

/* ---- what is shown ---- */

static int band_named(GDALDatasetH file, const char *name)
{
    for (int i = GDALGetRasterCount(file); i > 0; i--)
        if (!strcasecmp(GDALGetDescription(GDALGetRasterBand(file, i)), name))
            return i;
    return 0;
}

static void choose_bands(struct preview *p)
{
    static const char *const names[][COLOURS] = { { "red", "green", "blue" }, { "B04", "B03", "B02" } };
    int count = GDALGetRasterCount(p->file);

    p->n_bands = COLOURS;
    for (size_t k = 0; k < ARRAY_LEN(names); k++) {
        int found = 0;

        for (size_t i = 0; i < COLOURS; i++)
            found += (p->bands[i] = band_named(p->file, names[k][i])) > 0;
        if (found == COLOURS)
            return;
    }
    p->n_bands = count == 3 || count == 4 ? COLOURS : 1;
    for (int i = 0; i < COLOURS; i++)
        p->bands[i] = i + 1;
}

/* `box`: west, south, east, north in degrees, or NULL */
static void fit(struct preview *p, const double *box)
{
    double width = box ? (box[2] - box[0]) * fmax(0.25, cos((box[1] + box[3]) / 2 * M_PI / 180)) * 1e6 : GDALGetRasterXSize(p->file);
    double height = box ? (box[3] - box[1]) * 1e6 : GDALGetRasterYSize(p->file);
    double factor = fmin(1, PREVIEW_SIDE / fmax(width, height));

    p->width = (int)fmax(1, round(width * factor));
    p->height = (int)fmax(1, round(height * factor));
    p->pixels = (size_t)p->width * (size_t)p->height;
}

/* Pixels of the smallest level that has all that are shown. */
static double pixels_to_read(const struct preview *p)
{
    GDALRasterBandH band = GDALGetRasterBand(p->file, p->bands[0]);
    double least = (double)GDALGetRasterBandXSize(band) * GDALGetRasterBandYSize(band);

    for (int i = 0; i < GDALGetOverviewCount(band); i++) {
        GDALRasterBandH level = GDALGetOverview(band, i);

        if (level && GDALGetRasterBandXSize(level) >= p->width && GDALGetRasterBandYSize(level) >= p->height)
            least = fmin(least, (double)GDALGetRasterBandXSize(level) * GDALGetRasterBandYSize(level));
    }
    return least;
}

static bool place(struct preview *p, const double box[static 4], struct err *err)
{
    AUTO(mem) char *words = mem_printf("-of VRT -t_srs EPSG:4326 -te %.12g %.12g %.12g %.12g -ts %d %d -dstalpha", box[0], box[1], box[2], box[3],
                                       p->width, p->height);
    char **list = CSLTokenizeString(words);
    GDALWarpAppOptions *options = GDALWarpAppOptionsNew(list, NULL);
    int wrong = 0;

    p->placed = GDALWarp("", NULL, 1, &p->file, options, &wrong);
    GDALWarpAppOptionsFree(options);
    CSLDestroy(list);
    return p->placed || err_set(err, ERR_SourceUnreadable, "A result could not be placed on a map: %s", CPLGetLastErrorMsg());
}

/* What the file does not reach. */
static bool hide_outside(struct preview *p, struct err *err)
{
    GDALRasterBandH alpha = GDALGetRasterBand(p->placed, GDALGetRasterCount(p->placed));

    return GDALRasterIO(alpha, GF_Read, 0, 0, p->width, p->height, p->seen, p->width, p->height, GDT_Byte, 0, 0) == CE_None ||
           err_set(err, ERR_SourceUnreadable, "A result could not be read: %s", CPLGetLastErrorMsg());
}

static bool read_band(struct preview *p, size_t i, struct err *err)
{
    GDALRasterBandH band = GDALGetRasterBand(p->placed ? p->placed : p->file, p->bands[i]);
    int has_nodata = 0;
    float nodata = (float)GDALGetRasterNoDataValue(band, &has_nodata);

    p->values[i] = mem_array(p->pixels, sizeof *p->values[i]);
    if (GDALRasterIO(band, GF_Read, 0, 0, GDALGetRasterBandXSize(band), GDALGetRasterBandYSize(band), p->values[i],
                     p->width, p->height, GDT_Float32, 0, 0) != CE_None)
        return err_set(err, ERR_SourceUnreadable, "A result could not be read: %s", CPLGetLastErrorMsg());
    for (size_t k = 0; k < p->pixels; k++)
        if (!isfinite(p->values[i][k]) || (has_nodata && p->values[i][k] == nodata))
            p->seen[k] = 0;
    return true;
}

static bool read_all(struct preview *p, const double *box, struct err *err)
{
    if (pixels_to_read(p) > PREVIEW_READ)
        return err_set(err, ERR_SourceUnreadable, "The result has no overviews, and too many pixels to be shown without.");
    p->seen = mem_array(p->pixels, 1);
    memset(p->seen, 1, p->pixels);
    if (box && !(place(p, box, err) && hide_outside(p, err)))
        return false;
    for (size_t i = 0; i < p->n_bands; i++)
        if (!read_band(p, i, err))
            return false;
    return true;
}

/* ---- as a picture ---- */

static void limits_of(const struct preview *p, size_t band, double *ret_least, double *ret_greatest)
{
    *ret_least = INFINITY;
    *ret_greatest = -INFINITY;
    for (size_t k = 0; k < p->pixels; k++)
        if (p->seen[k]) {
            *ret_least = fmin(*ret_least, (double)p->values[band][k]);
            *ret_greatest = fmax(*ret_greatest, (double)p->values[band][k]);
        }
}

static void stretch_all(struct preview *p)
{
    struct stretch *stretch = stretch_new(p->n_bands, 2, 98, 1);

    for (size_t i = 0; i < p->n_bands; i++) {
        double least, greatest;

        limits_of(p, i, &least, &greatest);
        stretch_limits(stretch, i, least, greatest);
        stretch_count(stretch, i, p->values[i], p->seen, p->pixels);
    }
    stretch_settle(stretch);
    for (size_t i = 0; i < p->n_bands; i++)
        stretch_run(stretch, i, p->values[i], p->pixels);
    stretch_free(stretch);
}

static bool are_colours(const struct preview *p)
{
    return p->n_bands == COLOURS && GDALGetRasterDataType(GDALGetRasterBand(p->file, p->bands[0])) == GDT_Byte;
}

static uint32_t byte_at(const struct preview *p, size_t band, size_t k)
{
    return (uint32_t)(p->values[band][k] + 0.5f);
}

/* 0xAARRGGBB, as cairo has it */
static void draw(const struct preview *p, uint32_t *argb)
{
    uint32_t greys[PALETTE_COLOURS];

    palette_fill(NULL, greys);
    for (size_t k = 0; k < p->pixels; k++) {
        uint32_t colour;

        if (!p->seen[k])
            continue;
        if (p->n_bands == 1)
            colour = greys[byte_at(p, 0, k)];
        else
            colour = byte_at(p, 0, k) << 16 | byte_at(p, 1, k) << 8 | byte_at(p, 2, k);
        argb[k] = 0xff000000 | colour;
    }
}

static cairo_status_t take(void *png, const unsigned char *bytes, unsigned length)
{
    text_addn(png, bytes, length);
    return CAIRO_STATUS_SUCCESS;
}

static bool write_png(const struct preview *p, struct text *png, struct err *err)
{
    AUTO(mem) uint32_t *argb = mem_array(p->pixels, sizeof *argb);
    cairo_surface_t *surface;
    cairo_status_t status;

    draw(p, argb);
    surface = cairo_image_surface_create_for_data((unsigned char *)argb, CAIRO_FORMAT_ARGB32, p->width, p->height, p->width * (int)sizeof *argb);
    status = cairo_surface_write_to_png_stream(surface, take, png);
    cairo_surface_destroy(surface);
    return status == CAIRO_STATUS_SUCCESS || err_set(err, ERR_Internal, "A picture could not be made: %s", cairo_status_to_string(status));
}

static bool make(const char *path, const double *box, struct text *png, struct err *err)
{
    static const char *const drivers[] = { "GTiff", NULL };
    AUTO(preview) struct preview p = { .file = GDALOpenEx(path, GDAL_OF_RASTER | GDAL_OF_READONLY, drivers, NULL, NULL) };

    if (!p.file || GDALGetRasterCount(p.file) < 1)
        return err_set(err, ERR_SourceUnreadable, "A result could not be read: %s", CPLGetLastErrorMsg());
    choose_bands(&p);
    fit(&p, box);
    if (!read_all(&p, box, err))
        return false;
    if (!are_colours(&p))
        stretch_all(&p);
    return write_png(&p, png, err);
}

bool raster_preview(const char *path, const double *box, struct text *png, struct err *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    bool good;

    pthread_once(&once, GDALAllRegister);
    CPLErrorReset();
    CPLPushErrorHandler(CPLQuietErrorHandler); /* told by the error that is returned */
    good = make(path, box, png, err);
    CPLPopErrorHandler();
    return good;
}
