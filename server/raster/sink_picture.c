/* Pictures: 1 (grey), 3 (colours) or 4 bands (with their own alpha) of bytes. Where there can be
 * no-data it becomes alpha in a PNG: a pixel is seen when all its bands are valid. A JPEG has no alpha.
 * A colormap makes four bands of one. */
#include "base/mem.h"
#include "base/text.h"
#include "raster/disk.h"
#include "raster/film.h"
#include "raster/sinks.h"
#include <cpl_error.h>
#include <cpl_string.h>
#include <cpl_vsi.h>
#include <gdal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

enum { RGBA = 4 };

/* A band as bytes; alpha loses what is no-data. */
static void to_bytes(const struct pixel_kind *kind, const void *pixels, size_t n, uint8_t *bytes,
                     uint8_t *alpha)
{
    for (size_t i = 0; i < n; i++) {
        int value = kind->pixel == PIXEL_I16 ? ((const int16_t *)pixels)[i]
                                             : ((const uint8_t *)pixels)[i];
        bool null = kind->has_nodata && value == (int)kind->nodata;

        if (kind->pixel == PIXEL_BOOL)
            value *= 255;
        if (null && alpha)
            alpha[i] = 0;
        bytes[i] = null ? 0 : (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
    }
}

static bool write_band(GDALDatasetH picture, int number, uint8_t *bytes, struct err *err)
{
    int width = GDALGetRasterXSize(picture), height = GDALGetRasterYSize(picture);

    if (GDALRasterIO(GDALGetRasterBand(picture, number), GF_Write, 0, 0, width, height, bytes,
                     width, height, GDT_Byte, 0, 0) != CE_None)
        return err_set(err, ERR_Internal, "A picture could not be made: %s",
                       CPLGetLastErrorMsg());
    return true;
}

/* ---- colours ---- */

/* What is not named is transparent. */
static void read_colours(const json_t *colormap, uint8_t colours[static 256][RGBA])
{
    const char *key;
    json_t *colour;

    memset(colours, 0, 256 * sizeof *colours);
    json_object_foreach((json_t *)colormap, key, colour) {
        double number;

        if (!text_to_number(key, &number) || number < 0 || number > 255)
            continue;
        for (size_t i = 0; i < RGBA; i++)
            colours[(size_t)number][i] =
                i < json_array_size(colour)
                    ? (uint8_t)json_number_value(json_array_get(colour, i))
                    : 255;
    }
}

static bool fill_colours(const json_t *colormap, GDALDatasetH picture, size_t n,
                         const uint8_t *values, const uint8_t *seen, uint8_t *bytes,
                         struct err *err)
{
    uint8_t colours[256][RGBA];

    read_colours(colormap, colours);
    for (size_t k = 0; k < RGBA; k++) {
        for (size_t i = 0; i < n; i++)
            bytes[i] = seen[i] ? colours[values[i]][k] : 0;
        if (!write_band(picture, (int)k + 1, bytes, err))
            return false;
    }
    return true;
}

/* ---- the picture ---- */

struct look {
    size_t bands; /* of the picture */
    bool alpha;   /* the last one is made of no-data */
    const json_t *colormap;
    bool jpeg;
};

static struct look look_of(const struct sink_file *file)
{
    struct look look = { .bands = file->n_bands,
                         .jpeg = !strcasecmp(file->save->save.format, "JPEG"),
                         .colormap = json_object_get(file->save->save.options, "colormap") };

    if (look.colormap) {
        look.bands = RGBA;
    } else if (!look.jpeg && file->style.kind.has_nodata && file->n_bands != RGBA) {
        look.alpha = true;
        look.bands++;
    }
    return look;
}

static bool fill(const struct sink_file *file, GDALDatasetH picture, const struct look *look,
                 struct err *err)
{
    size_t n = (size_t)file->save->schema.grid.width * (size_t)file->save->schema.grid.height;
    AUTO(mem) uint8_t *bytes = malloc(n);
    AUTO(mem) uint8_t *seen = malloc(n);
    AUTO(mem) uint8_t *values = look->colormap ? malloc(n) : NULL;

    if (!bytes || !seen || (look->colormap && !values))
        return err_set(err, ERR_MemoryExceeded, "No memory for a picture of %zu pixels.", n);
    memset(seen, 255, n);
    for (size_t band = 0; band < file->n_bands; band++) {
        AUTO(mem) void *pixels = NULL;

        if (!sink_plane(file, band, &pixels, err))
            return false;
        to_bytes(&file->style.kind, pixels, n, values ? values : bytes, seen);
        if (values)
            return fill_colours(look->colormap, picture, n, values, seen, bytes, err);
        if (!write_band(picture, (int)band + 1, bytes, err))
            return false;
    }
    return !look->alpha || write_band(picture, (int)look->bands, seen, err);
}

static bool encode(const struct sink_file *file, GDALDatasetH picture, bool jpeg,
                   int64_t *ret_size, struct err *err)
{
    static atomic_uint serial;
    const json_t *quality = json_object_get(file->save->save.options, "quality");
    char name[64], quality_text[32];
    char *options[] = { quality_text, NULL };
    vsi_l_offset size = 0;
    GDALDatasetH copy;
    GByte *data;
    bool ok;

    snprintf(quality_text, sizeof quality_text, "QUALITY=%d",
             quality ? (int)json_number_value(quality) : 85);
    snprintf(name, sizeof name, "/vsimem/sentier-picture-%u", atomic_fetch_add(&serial, 1));
    CPLErrorReset();
    copy = GDALCreateCopy(GDALGetDriverByName(jpeg ? "JPEG" : "PNG"), name, picture, FALSE,
                          jpeg ? options : NULL, NULL, NULL);
    if (!copy)
        return err_set(err, ERR_Internal, "A picture could not be made: %s",
                       CPLGetLastErrorMsg());
    GDALClose(copy);
    data = VSIGetMemFileBuffer(name, &size, FALSE);
    ok = data && sink_write(file->path, data, size, err);
    VSIUnlink(name);
    *ret_size = (int64_t)size;
    return ok;
}

static bool sink_plain(const struct sink_file *file, int64_t *ret_size, struct err *err)
{
    const struct grid *grid = &file->save->schema.grid;
    struct look look = look_of(file);
    GDALDatasetH picture = GDALCreate(GDALGetDriverByName("MEM"), "", (int)grid->width,
                                      (int)grid->height, (int)look.bands, GDT_Byte, NULL);
    bool ok;

    if (!picture)
        return err_set(err, ERR_MemoryExceeded, "No memory for a picture of %lld x %lld pixels.",
                       (long long)grid->width, (long long)grid->height);
    ok = fill(file, picture, &look, err) && encode(file, picture, look.jpeg, ret_size, err);
    GDALClose(picture);
    return ok;
}

/* A picture that is resized or drawn upon. */
static bool fill_drawn(GDALDatasetH picture, struct film *film, struct err *err)
{
    size_t n = (size_t)film_width(film) * (size_t)film_height(film);
    AUTO(mem) uint32_t *pixels = mem_array(n, sizeof *pixels);
    AUTO(mem) uint8_t *bytes = mem_array(n, 1);

    if (!film_next(film, pixels, err))
        return false;
    for (int band = 0; band < 3; band++) {
        for (size_t i = 0; i < n; i++)
            bytes[i] = (uint8_t)(pixels[i] >> (16 - 8 * band));
        if (!write_band(picture, band + 1, bytes, err))
            return false;
    }
    return true;
}

static bool sink_drawn(const struct sink_file *file, int64_t *ret_size, struct err *err)
{
    AUTO(film) struct film *film = NULL;
    GDALDatasetH picture;
    bool ok;

    if (!film_open(file, &film, err))
        return false;
    picture = GDALCreate(GDALGetDriverByName("MEM"), "", film_width(film), film_height(film), 3, GDT_Byte, NULL);
    if (!picture)
        return err_set(err, ERR_MemoryExceeded, "No memory for a picture of %d x %d pixels.", film_width(film), film_height(film));
    ok = fill_drawn(picture, film, err) && encode(file, picture, !strcasecmp(file->save->save.format, "JPEG"), ret_size, err);
    GDALClose(picture);
    return ok;
}

bool sink_picture(const struct sink_file *file, int64_t *ret_size, struct err *err)
{
    if (film_wanted(file->save))
        return sink_drawn(file, ret_size, err);
    return sink_plain(file, ret_size, err);
}
