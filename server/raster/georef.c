/* GDAL writes a TIFF of 16 x 16 pixels in memory, and its tags are taken over as they are: that way
 * whatever GDAL knows about CRS is right, and nothing else of its writer is needed. */
#include "raster/georef.h"
#include <cpl_conv.h>
#include <cpl_error.h>
#include <cpl_string.h>
#include <cpl_vsi.h>
#include <gdal.h>
#include <math.h>
#include <ogr_srs_api.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

static const uint16_t wanted[] = { 270, 305, 306, 33550, 33922, 34264, 34735, 34736, 34737, 42112, 42113 };

static GDALDataType type_of(enum pixel pixel)
{
    static const GDALDataType types[] = {
        [PIXEL_U8] = GDT_Byte,      [PIXEL_I8] = GDT_Byte,     [PIXEL_U16] = GDT_UInt16,
        [PIXEL_I16] = GDT_Int16,    [PIXEL_U32] = GDT_UInt32,  [PIXEL_I32] = GDT_Int32,
        [PIXEL_F32] = GDT_Float32,  [PIXEL_F64] = GDT_Float64, [PIXEL_BOOL] = GDT_Byte,
    };

    return types[pixel];
}

static void set_number(GDALRasterBandH band, const char *name, double value)
{
    char text[40];

    snprintf(text, sizeof text, "%.15g", value);
    GDALSetMetadataItem(band, name, text, NULL);
}

static void describe_band(GDALRasterBandH band, const struct georef_band *info,
                          const struct pixel_kind *kind)
{
    if (info->name)
        GDALSetDescription(band, info->name);
    if (kind->has_nodata)
        GDALSetRasterNoDataValue(band, kind->nodata);
    if (info->scale != 1 || info->offset != 0) {
        GDALSetRasterScale(band, info->scale);
        GDALSetRasterOffset(band, info->offset);
    }
    if (!info->has_stats)
        return;
    set_number(band, "STATISTICS_MINIMUM", info->minimum);
    set_number(band, "STATISTICS_MAXIMUM", info->maximum);
    set_number(band, "STATISTICS_MEAN", info->mean);
    set_number(band, "STATISTICS_STDDEV", info->stddev);
    set_number(band, "STATISTICS_VALID_PERCENT", info->valid_percent);
}

static bool describe(GDALDatasetH dataset, const struct grid *grid, const struct pixel_kind *kind,
                     size_t n_bands, const struct georef_band *bands, const json_t *metadata, struct err *err)
{
    const char *name;
    json_t *text;
    double transform[6] = { grid->x0, grid->dx, 0, grid->y0, 0, -grid->dy };
    OGRSpatialReferenceH srs = OSRNewSpatialReference(NULL);
    bool ok = true;

    OSRSetAxisMappingStrategy(srs, OAMS_TRADITIONAL_GIS_ORDER);
    if (grid->epsg > 0)
        ok = OSRImportFromEPSG(srs, grid->epsg) == OGRERR_NONE &&
             GDALSetSpatialRef(dataset, srs) == CE_None;
    OSRDestroySpatialReference(srs);
    if (!ok)
        return err_set(err, ERR_Internal, "EPSG:%d is not known.", grid->epsg);
    GDALSetGeoTransform(dataset, transform);
    GDALSetMetadataItem(dataset, "AREA_OR_POINT", "Area", NULL);
    json_object_foreach((json_t *)metadata, name, text)
        GDALSetMetadataItem(dataset, name, json_string_value(text), NULL);
    for (size_t i = 0; i < n_bands; i++)
        describe_band(GDALGetRasterBand(dataset, (int)i + 1), &bands[i], kind);
    return true;
}

static uint64_t number_at(const unsigned char *p, size_t bytes)
{
    uint64_t number = 0;

    for (size_t i = 0; i < bytes; i++)
        number |= (uint64_t)p[i] << (8 * i);
    return number;
}

static bool is_wanted(uint16_t id)
{
    for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
        if (wanted[i] == id)
            return true;
    return false;
}

/* The first directory of a classic little-endian TIFF. */
static bool collect(struct arena *arena, const unsigned char *file, size_t size, size_t *ret_count,
                    struct tiff_tag *tags)
{
    static const size_t sizes[] = { 0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8 };
    size_t at, n;

    if (size < 8 || file[0] != 'I' || file[2] != 42)
        return false;
    at = number_at(file + 4, 4);
    if (at + 2 > size)
        return false;
    n = number_at(file + at, 2);
    for (size_t i = 0; i < n; i++) {
        const unsigned char *entry = file + at + 2 + 12 * i;
        struct tiff_tag tag;
        size_t from;

        if (at + 2 + 12 * (i + 1) > size)
            return false;
        tag = (struct tiff_tag){ .id = (uint16_t)number_at(entry, 2),
                                 .type = (uint16_t)number_at(entry + 2, 2),
                                 .count = number_at(entry + 4, 4) };
        if (!is_wanted(tag.id) || tag.type >= ARRAY_LEN(sizes))
            continue;
        tag.size_bytes = tag.count * sizes[tag.type];
        from = tag.size_bytes <= 4 ? (size_t)(entry + 8 - file) : number_at(entry + 8, 4);
        if (from + tag.size_bytes > size)
            return false;
        tag.data = memcpy(arena_alloc(arena, tag.size_bytes), file + from, tag.size_bytes);
        tags[(*ret_count)++] = tag;
    }
    return true;
}

bool georef_tags(struct arena *arena, const struct grid *grid, const struct pixel_kind *kind,
                 size_t n_bands, const struct georef_band *bands, const json_t *metadata, size_t *ret_count,
                 struct tiff_tag **ret_tags, struct err *err)
{
    static atomic_uint serial;
    char name[64];
    char *options[] = { "PROFILE=GDALGeoTIFF", "INTERLEAVE=BAND", "ENDIANNESS=LITTLE", NULL };
    struct tiff_tag *tags = arena_array(arena, ARRAY_LEN(wanted), sizeof *tags);
    size_t count = 0;
    GDALDatasetH dataset;
    GByte *file;
    vsi_l_offset size = 0;
    bool ok;

    snprintf(name, sizeof name, "/vsimem/sentier-georef-%u.tif", atomic_fetch_add(&serial, 1));
    CPLErrorReset();
    dataset = GDALCreate(GDALGetDriverByName("GTiff"), name, 16, 16, (int)n_bands,
                         type_of(kind->pixel), options);
    if (!dataset)
        return err_set(err, ERR_Internal, "GDAL makes no GeoTIFF: %s", CPLGetLastErrorMsg());
    ok = describe(dataset, grid, kind, n_bands, bands, metadata, err);
    GDALClose(dataset);
    file = VSIGetMemFileBuffer(name, &size, FALSE);
    if (ok && (!file || !collect(arena, file, size, &count, tags)))
        ok = err_set(err, ERR_Internal, "GDAL's tags cannot be read.");
    VSIUnlink(name);
    *ret_count = count;
    *ret_tags = tags;
    return ok;
}
