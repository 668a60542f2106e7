/* A GeoPackage is a database, and a view in it may ask functions of SQLite and its extensions for anything: one
 * with views or virtual tables other than its spatial index is refused before GDAL sees it. Between the
 * look and the reading somebody might put another file in its place, so that is done with a copy of our own. */
#include "raster/uploaded.h"
#include "base/instant.h"
#include "base/mem.h"
#include "json/js.h"
#include "raster/probe.h"
#include <cpl_conv.h>
#include <cpl_error.h>
#include <ctype.h>
#include <fcntl.h>
#include <gdal.h>
#include <math.h>
#include <ogr_api.h>
#include <ogr_srs_api.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LARGEST_VECTORS = 256 << 20, MOST_FEATURES = 100000, MOST_BANDS = 1000 };

DEFINE_AUTO(opened, GDALDatasetH, GDALClose)
DEFINE_AUTO(feature, OGRFeatureH, OGR_F_Destroy)
DEFINE_AUTO(shape, OGRGeometryH, OGR_G_DestroyGeometry)
DEFINE_AUTO(spatial_reference, OGRSpatialReferenceH, OSRRelease)
DEFINE_AUTO(transformation, OGRCoordinateTransformationH, OCTDestroyCoordinateTransformation)
DEFINE_AUTO(database, sqlite3 *, sqlite3_close)
DEFINE_AUTO(statement, sqlite3_stmt *, sqlite3_finalize)

static bool unsuitable(const char *reason, struct err *err)
{
    return err_set(err, ERR_FormatUnsuitable, "%s", reason && *reason ? reason : "it is of another format");
}

static GDALDatasetH open_as(const char *path, const char *driver, unsigned kind)
{
    const char *const drivers[] = { driver, NULL };
    GDALDatasetH dataset;

    GDALAllRegister();
    CPLErrorReset();
    CPLPushErrorHandler(CPLQuietErrorHandler); /* told by the error that is returned */
    dataset = GDALOpenEx(path, kind | GDAL_OF_READONLY, drivers, NULL, NULL);
    CPLPopErrorHandler();
    return dataset;
}

/* ---- names ---- */

/* As many digits as wanted, and what follows them. */
static bool digits(const char **at, int n, int *ret)
{
    *ret = 0;
    for (int i = 0; i < n; i++, (*at)++) {
        if (!isdigit((unsigned char)**at))
            return false;
        *ret = *ret * 10 + **at - '0';
    }
    return true;
}

/* "2023-08-15", "20230815", each with T and a time ("T100201", "T10-02-01Z") or without. */
static bool date_at(const char *text, const char **ret_end, char date[static INSTANT_TEXT_SIZE])
{
    const char *at = text, *time;
    int year, month, day, hour = 0, minute = 0, second = 0;
    char mark, written[80];
    int64_t ms;

    if (!digits(&at, 4, &year))
        return false;
    mark = *at == '-' || *at == '_' ? *at++ : '\0';
    if (!digits(&at, 2, &month) || (mark && *at++ != mark) || !digits(&at, 2, &day) || isdigit((unsigned char)*at))
        return false;
    *ret_end = time = at;
    if (*time++ == 'T' && digits(&time, 2, &hour)) {
        bool apart = !isdigit((unsigned char)*time);

        time += apart;
        if (digits(&time, 2, &minute)) {
            time += apart && *time;
            if (digits(&time, 2, &second))
                *ret_end = time + (*time == 'Z');
        }
    }
    if (*ret_end == at)
        hour = minute = second = 0;
    snprintf(written, sizeof written, "%04d-%02d-%02dT%02d:%02d:%02dZ", year, month, day, hour, minute, second);
    return instant_parse(written, &ms) && instant_format(ms, date);
}

/* The date in a file's name, and its stem without it. */
static bool find_date(const char *name, char date[static INSTANT_TEXT_SIZE], char **ret_stem)
{
    const char *base = strrchr(name, '/') ? strrchr(name, '/') + 1 : name, *end;
    size_t length = strrchr(base, '.') ? (size_t)(strrchr(base, '.') - base) : strlen(base);
    AUTO(mem) char *stem = mem_printf("%.*s", (int)length, base);

    for (char *at = stem; *at; at++) {
        size_t before = (size_t)(at - stem);

        if ((before && isdigit((unsigned char)at[-1])) || !date_at(at, &end, date))
            continue;
        while (before && strchr("-_. ", stem[before - 1]))
            before--;
        *ret_stem = mem_printf("%.*s%s", (int)before, stem, before ? end : end + strspn(end, "-_. "));
        return true;
    }
    *ret_stem = stem;
    stem = NULL;
    return false;
}

/* ---- images ---- */

static json_t *band_json(GDALRasterBandH band, const char *fallback)
{
    const char *name = GDALGetDescription(band), *type = GDALGetDataTypeName(GDALGetRasterDataType(band));
    static const struct { const char *gdal, *stac; } types[] = {
        { "Byte", "uint8" }, { "UInt16", "uint16" }, { "Int16", "int16" }, { "UInt32", "uint32" },
        { "Int32", "int32" }, { "Float32", "float32" }, { "Float64", "float64" },
    };
    int has = 0;
    double nodata = GDALGetRasterNoDataValue(band, &has), scale, offset;
    json_t *json = json_pack("{s:s}", "name", *name ? name : fallback);

    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (type && !strcmp(types[i].gdal, type))
            json_object_set_new(json, "data_type", json_string(types[i].stac));
    if (has)
        json_object_set_new(json, "nodata", isfinite(nodata) ? json_real(nodata) : json_string(isnan(nodata) ? "nan" : nodata > 0 ? "inf" : "-inf"));
    scale = GDALGetRasterScale(band, &has);
    if (has && isfinite(scale) && scale != 0)
        json_object_set_new(json, "raster:scale", json_real(scale));
    offset = GDALGetRasterOffset(band, &has);
    if (has && isfinite(offset))
        json_object_set_new(json, "raster:offset", json_real(offset));
    return json;
}

static json_t *bands_json(GDALDatasetH dataset, const char *stem)
{
    int count = GDALGetRasterCount(dataset);
    json_t *bands = json_array();

    for (int i = 1; i <= count; i++) {
        char number[20];

        snprintf(number, sizeof number, "B%d", i);
        json_array_append_new(bands, band_json(GDALGetRasterBand(dataset, i), count == 1 && *stem ? stem : number));
    }
    return bands;
}

static json_t *box_json(const struct grid *grid)
{
    double corners[4][2], box[4] = { INFINITY, INFINITY, -INFINITY, -INFINITY };
    struct err ignored = { 0 };

    if (!raster_corners(grid, corners, &ignored))
        return NULL;
    for (int i = 0; i < 4; i++) {
        box[0] = fmin(box[0], corners[i][0]), box[2] = fmax(box[2], corners[i][0]);
        box[1] = fmin(box[1], corners[i][1]), box[3] = fmax(box[3], corners[i][1]);
    }
    return json_pack("[f,f,f,f]", box[0], box[1], box[2], box[3]);
}

bool uploaded_image(const char *path, const char *name, json_t **ret_item, struct err *err)
{
    AUTO(opened) GDALDatasetH dataset = open_as(path, "GTiff", GDAL_OF_RASTER);
    AUTO(mem) char *stem = NULL;
    AUTO(json) json_t *box = NULL;
    struct raster_facts facts;
    char date[INSTANT_TEXT_SIZE], code[32];
    const struct grid *g = &facts.grid;
    bool dated;

    if (!dataset)
        return unsuitable(CPLGetLastErrorMsg(), err);
    if (GDALGetRasterCount(dataset) < 1 || GDALGetRasterCount(dataset) > MOST_BANDS)
        return err_set(err, ERR_FormatUnsuitable, "it has %d bands, expected 1 to %d", GDALGetRasterCount(dataset), MOST_BANDS);
    if (!raster_probe(path, &facts, err))
        return false;
    if (!facts.has_pixel)
        return unsuitable("its pixels are neither integers of 8 to 32 bits nor floats", err);
    box = facts.has_grid ? box_json(g) : NULL;
    if (!box)
        return unsuitable("it has no georeference: a north-up grid in a reference system with an EPSG code", err);
    dated = find_date(name, date, &stem);
    snprintf(code, sizeof code, "EPSG:%d", g->epsg);
    *ret_item = json_pack(
        "{s:s, s:s, s:s, s:O, s:{s:s, s:b}, s:{s:{s:s, s:s, s:[s], s:s, s:[I,I], s:[f,f,f,f,f,f], s:o}}}", "type",
        "Feature", "stac_version", "1.1.0", "id", name, "bbox", box, "properties", "datetime",
        dated ? date : "1970-01-01T00:00:00Z", "sentier:undated", !dated, "assets", "data", "href", path, "type",
        "image/tiff; application=geotiff", "roles", "data", "proj:code", code, "proj:shape", (json_int_t)g->height,
        (json_int_t)g->width, "proj:transform", g->dx, 0.0, g->x0, 0.0, -g->dy, g->y0, "bands",
        bands_json(dataset, stem));
    return *ret_item || unsuitable("its names are not UTF-8", err);
}

/* ---- features ---- */

/* A copy that nobody else can change. */
static bool copy_file(const char *path, char *copy, struct err *err)
{
    int from = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC), to = mkstemps(copy, 6);
    struct stat info = { 0 };
    bool good = from >= 0 && to >= 0 && fstat(from, &info) == 0 && info.st_size <= LARGEST_VECTORS;

    for (off_t at = 0; good && at < info.st_size;)
        good = sendfile(to, from, &at, (size_t)(info.st_size - at)) > 0;
    if (from >= 0)
        close(from);
    if (to >= 0)
        close(to);
    if (!good && info.st_size > LARGEST_VECTORS)
        return err_set(err, ERR_FormatUnsuitable, "it has more than %d MB", LARGEST_VECTORS >> 20);
    return good || err_set(err, ERR_StorageFailure, "it could not be read");
}

/* With what SQLite lays beside a database that says of itself that it has a log; even a reader does. */
static void remove_copy(const char *copy)
{
    static const char *const beside[] = { "", "-wal", "-shm", "-journal" };

    for (size_t i = 0; i < ARRAY_LEN(beside); i++) {
        AUTO(mem) char *path = mem_printf("%s%s", copy, beside[i]);

        unlink(path);
    }
}

/* "CREATE VIRTUAL TABLE "rtree_fields_geom" USING rtree(..)" */
static bool is_spatial_index(const char *sql)
{
    static const char begin[] = "CREATE VIRTUAL TABLE ";

    if (strncmp(sql, begin, strlen(begin)))
        return false;
    sql += strlen(begin);
    sql += *sql == '"' ? 1 + strcspn(sql + 1, "\"") + 1 : strspn(sql, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
    return !strncasecmp(sql, " USING rtree(", strlen(" USING rtree("));
}

/* By the texts alone: what a row says that it is may be a lie. Triggers do nothing where nothing is written. */
static bool is_plain(const char *sql)
{
    static const char *const plain[] = { "CREATE TABLE ", "CREATE INDEX ", "CREATE UNIQUE INDEX ", "CREATE TRIGGER " };

    for (size_t i = 0; i < ARRAY_LEN(plain); i++)
        if (!strncmp(sql, plain[i], strlen(plain[i])))
            return true;
    return is_spatial_index(sql);
}

static bool check_package(const char *path, struct err *err)
{
    AUTO(database) sqlite3 *db = NULL;
    AUTO(statement) sqlite3_stmt *rows = NULL;
    int step;

    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK ||
        sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(db, "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL", -1, &rows, NULL) != SQLITE_OK)
        return unsuitable("it is no GeoPackage", err);
    while ((step = sqlite3_step(rows)) == SQLITE_ROW) {
        const char *sql = (const char *)sqlite3_column_text(rows, 0);

        if (!sql || !is_plain(sql))
            return err_set(err, ERR_FormatUnsuitable,
                           "GeoPackages are read that have tables and a spatial index alone, this one has '%.60s'",
                           sql ? sql : "");
    }
    return step == SQLITE_DONE || unsuitable("it is no GeoPackage", err);
}

static json_t *field_json(OGRFeatureH feature, OGRFieldDefnH field, int i)
{
    if (!OGR_F_IsFieldSetAndNotNull(feature, i))
        return json_null();
    switch (OGR_Fld_GetType(field)) {
    case OFTInteger:
        if (OGR_Fld_GetSubType(field) == OFSTBoolean)
            return json_boolean(OGR_F_GetFieldAsInteger(feature, i));
        return json_integer(OGR_F_GetFieldAsInteger(feature, i));
    case OFTInteger64: return json_integer(OGR_F_GetFieldAsInteger64(feature, i));
    case OFTReal: return json_real(OGR_F_GetFieldAsDouble(feature, i)); /* NULL for what JSON lacks */
    case OFTBinary: return NULL;
    default: return json_string(OGR_F_GetFieldAsString(feature, i));
    }
}

static json_t *feature_json(OGRFeatureH feature, OGRCoordinateTransformationH transform)
{
    OGRGeometryH found = OGR_F_GetGeometryRef(feature);
    AUTO(shape) OGRGeometryH linear = found ? OGR_G_GetLinearGeometry(found, 0, NULL) : NULL;
    json_t *properties = json_object(), *json = json_pack("{s:s, s:o, s:n}", "type", "Feature", "properties", properties, "geometry");
    char *text = NULL;

    if (linear) {
        OGR_G_FlattenTo2D(linear);
        if (!transform || OGR_G_Transform(linear, transform) == OGRERR_NONE)
            text = OGR_G_ExportToJson(linear);
    }
    if (text)
        json_object_set_new(json, "geometry", json_loads(text, 0, NULL));
    CPLFree(text);
    if (OGR_F_GetFID(feature) != OGRNullFID)
        json_object_set_new(json, "id", json_integer(OGR_F_GetFID(feature)));
    for (int i = 0; i < OGR_F_GetFieldCount(feature); i++) {
        OGRFieldDefnH field = OGR_F_GetFieldDefnRef(feature, i);
        json_t *value = field_json(feature, field, i);

        json_object_set_new(properties, OGR_Fld_GetNameRef(field), value ? value : json_null());
    }
    return json;
}

static bool read_layer(OGRLayerH layer, json_t *features, struct err *err)
{
    AUTO(spatial_reference) OGRSpatialReferenceH degrees = OSRNewSpatialReference(NULL);
    OGRSpatialReferenceH own = OGR_L_GetSpatialRef(layer);
    AUTO(transformation) OGRCoordinateTransformationH transform = NULL;

    if (OSRImportFromEPSG(degrees, 4326) != OGRERR_NONE)
        return err_set(err, ERR_Internal, "EPSG:4326 is not known");
    OSRSetAxisMappingStrategy(degrees, OAMS_TRADITIONAL_GIS_ORDER);
    if (own && !OSRIsSame(own, degrees)) {
        transform = OCTNewCoordinateTransformation(own, degrees);
        if (!transform)
            return unsuitable("its reference system is not known", err);
    }
    for (;;) {
        AUTO(feature) OGRFeatureH feature = OGR_L_GetNextFeature(layer);

        if (!feature)
            return true;
        if (json_array_size(features) == MOST_FEATURES)
            return err_set(err, ERR_FormatUnsuitable, "it has more than %d features", MOST_FEATURES);
        json_array_append_new(features, feature_json(feature, transform));
    }
}

bool uploaded_features(const char *path, const char *format, json_t **ret_collection, struct err *err)
{
    AUTO(mem) char *copy = mem_printf("%s/sentier-XXXXXX%s", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp",
                                      strcmp(format, "GPKG") ? "__.fgb" : "_.gpkg");
    AUTO(opened) GDALDatasetH dataset = NULL;
    AUTO(json) json_t *features = json_array();
    bool good;

    good = copy_file(path, copy, err) && (strcmp(format, "GPKG") || check_package(copy, err));
    if (good) {
        dataset = open_as(copy, format, GDAL_OF_VECTOR);
        good = (dataset && GDALDatasetGetLayerCount(dataset) > 0) ||
               unsuitable(dataset ? "it has no layer" : CPLGetLastErrorMsg(), err);
    }
    good = good && read_layer(GDALDatasetGetLayer(dataset, 0), features, err);
    opened_drop(&dataset);
    dataset = NULL;
    remove_copy(copy);
    if (good)
        *ret_collection = json_pack("{s:s, s:O}", "type", "FeatureCollection", "features", features);
    return good;
}
