/* Pictures: 1 (grey), 3 (colours) or 4 bands (with their own alpha) of bytes. Where there can be
 * no-data it becomes alpha: a pixel is seen when all its bands are valid. */
#include "base/mem.h"
#include "raster/disk.h"
#include "raster/sinks.h"
#include <cpl_error.h>
#include <cpl_string.h>
#include <cpl_vsi.h>
#include <gdal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

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

static bool fill(const struct sink_file *file, GDALDatasetH picture, bool alpha, struct err *err)
{
    size_t n = (size_t)file->save->schema.grid.width * (size_t)file->save->schema.grid.height;
    AUTO(mem) uint8_t *bytes = malloc(n);
    AUTO(mem) uint8_t *seen = malloc(n);

    if (!bytes || !seen)
        return err_set(err, ERR_MemoryExceeded, "No memory for a picture of %zu pixels.", n);
    memset(seen, 255, n);
    for (size_t band = 0; band < file->n_bands; band++) {
        AUTO(mem) void *pixels = NULL;

        if (!sink_plane(file, band, &pixels, err))
            return false;
        to_bytes(&file->style.kind, pixels, n, bytes, alpha ? seen : NULL);
        if (!write_band(picture, (int)band + 1, bytes, err))
            return false;
    }
    return !alpha || write_band(picture, (int)file->n_bands + 1, seen, err);
}

static bool encode(GDALDatasetH picture, const char *path, int64_t *ret_size, struct err *err)
{
    static atomic_uint serial;
    char name[64];
    vsi_l_offset size = 0;
    GDALDatasetH png;
    GByte *data;
    bool ok;

    snprintf(name, sizeof name, "/vsimem/sentier-picture-%u.png", atomic_fetch_add(&serial, 1));
    CPLErrorReset();
    png = GDALCreateCopy(GDALGetDriverByName("PNG"), name, picture, FALSE, NULL, NULL, NULL);
    if (!png)
        return err_set(err, ERR_Internal, "A picture could not be made: %s",
                       CPLGetLastErrorMsg());
    GDALClose(png);
    data = VSIGetMemFileBuffer(name, &size, FALSE);
    ok = data && sink_write(path, data, size, err);
    VSIUnlink(name);
    *ret_size = (int64_t)size;
    return ok;
}

bool sink_png(const struct sink_file *file, int64_t *ret_size, struct err *err)
{
    const struct grid *grid = &file->save->schema.grid;
    bool alpha = file->style.kind.has_nodata && file->n_bands != 4, ok;
    GDALDatasetH picture = GDALCreate(GDALGetDriverByName("MEM"), "", (int)grid->width,
                                      (int)grid->height, (int)file->n_bands + alpha, GDT_Byte,
                                      NULL);

    if (!picture)
        return err_set(err, ERR_MemoryExceeded, "No memory for a picture of %lld x %lld pixels.",
                       (long long)grid->width, (long long)grid->height);
    ok = fill(file, picture, alpha, err) && encode(picture, file->path, ret_size, err);
    GDALClose(picture);
    return ok;
}
