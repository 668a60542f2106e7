/* GDAL's multidimensional API reads both formats alike. Two dimensions of a variable lie in space, as their types, else their
 * names say; over these GDAL gives classic bands, one for each combination of the labels of the others, the last of
 * which runs fastest. Times are numbers with a unit ("days since 2023-01-01") and become dates here. */
#include "raster/unpack.h"
#include "base/instant.h"
#include "base/mem.h"
#include "base/text.h"
#include <cpl_conv.h>
#include <cpl_error.h>
#include <cpl_string.h>
#include <gdal.h>
#include <math.h>
#include <ogr_srs_api.h>
#include <stdio.h>
#include <string.h>

enum { MOST_IMAGES = 10000, MOST_DIMENSIONS = 8, ROWS = 512, MATCH = 90 /* percent, of a reference system */ };

DEFINE_AUTO(opened, GDALDatasetH, GDALClose)
DEFINE_AUTO(group, GDALGroupH, GDALGroupRelease)
DEFINE_AUTO(variable, GDALMDArrayH, GDALMDArrayRelease)
DEFINE_AUTO(attribute, GDALAttributeH, GDALAttributeRelease)
DEFINE_AUTO(extended_type, GDALExtendedDataTypeH, GDALExtendedDataTypeRelease)
DEFINE_AUTO(spatial_reference, OGRSpatialReferenceH, OSRRelease)
DEFINE_AUTO(names, char **, CSLDestroy)

/* A dimension that is not x or y. */
struct other {
    size_t count;
    char **labels; /* of each; "" is none worth telling */
    bool is_time;
};

struct unpacking {
    GDALGroupH root;
    const char *folder;
    size_t n_variables, n_images;
};

struct image_variable {
    const char *name;
    GDALMDArrayH array;
    GDALDatasetH bands;
    size_t x, y, n_others; /* which dimensions */
    struct other others[MOST_DIMENSIONS];
    bool named; /* its labels alone do not name a band */
};

static bool unsuitable(struct err *err, const char *what, const char *name)
{
    return err_set(err, ERR_FormatUnsuitable, "%s%s%.100s%s%s%.200s", what, *name ? " (" : "", name, *name ? ")" : "",
                   *CPLGetLastErrorMsg() ? ": " : "", CPLGetLastErrorMsg());
}

/* ---- dimensions ---- */

static bool is_called(const char *name, const char *const *names)
{
    for (; *names; names++)
        if (!strcasecmp(name, *names))
            return true;
    return false;
}

static bool lies_along(GDALDimensionH d, const char *type, const char *const *names)
{
    const char *own = GDALDimensionGetType(d);

    return own && *own ? !strcmp(own, type) : is_called(GDALDimensionGetName(d), names);
}

static bool is_x(GDALDimensionH d)
{
    static const char *const names[] = { "x", "lon", "longitude", "easting", NULL };

    return lies_along(d, GDAL_DIM_TYPE_HORIZONTAL_X, names);
}

static bool is_y(GDALDimensionH d)
{
    static const char *const names[] = { "y", "lat", "latitude", "northing", NULL };

    return lies_along(d, GDAL_DIM_TYPE_HORIZONTAL_Y, names);
}

static bool is_time(GDALDimensionH d)
{
    static const char *const names[] = { "t", "time", "times", "date", NULL };

    return lies_along(d, GDAL_DIM_TYPE_TEMPORAL, names);
}

/* ---- labels ---- */

static char *text_attribute(GDALMDArrayH array, const char *name)
{
    AUTO(attribute) GDALAttributeH found = GDALMDArrayGetAttribute(array, name);
    const char *text = found ? GDALAttributeReadAsString(found) : NULL;

    return text ? mem_text(text) : NULL;
}

/* "seconds since 1970-01-01[T00:00:00]": ms of one, and where they begin. */
static bool read_unit(const char *unit, double *ret_ms, int64_t *ret_start)
{
    static const struct { const char *name; double ms; } units[] = {
        { "millisecond", 1 }, { "second", 1000 }, { "minute", 60e3 }, { "hour", 3600e3 }, { "day", 86400e3 },
    };
    const char *since = strstr(unit, " since ");
    char text[40] = "";
    int date[3] = { 0 }, time[3] = { 0 };

    for (size_t i = 0; since && i < ARRAY_LEN(units); i++) {
        if (strncmp(unit, units[i].name, strlen(units[i].name)))
            continue;
        if (sscanf(since + 7, "%d-%d-%d%*1[T ]%d:%d:%d", date, date + 1, date + 2, time, time + 1, time + 2) < 3)
            return false;
        snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02dZ", date[0], date[1], date[2], time[0], time[1], time[2]);
        *ret_ms = units[i].ms;
        return instant_parse(text, ret_start);
    }
    return false;
}

/* As the names of files tell dates: "20230501T100201Z". */
static char *date_label(double ms)
{
    char text[INSTANT_TEXT_SIZE], *to = text;

    if (!(fabs(ms) < 1e15))
        return mem_text("");
    instant_format((int64_t)llround(ms / 1000) * 1000, text);
    for (const char *from = text; *from; from++)
        if (*from != '-' && *from != ':')
            *to++ = *from;
    *to = '\0';
    return mem_text(text);
}

static bool read_numbers(GDALMDArrayH array, size_t count, double *numbers)
{
    AUTO(extended_type) GDALExtendedDataTypeH type = GDALExtendedDataTypeCreate(GDT_Float64);
    const GUInt64 from[] = { 0 };

    return GDALMDArrayGetDimensionCount(array) == 1 &&
           GDALMDArrayRead(array, from, &count, NULL, NULL, type, numbers, NULL, 0);
}

static bool label_times(GDALMDArrayH array, struct other *o, const char *name, struct err *err)
{
    AUTO(mem) double *numbers = mem_array(o->count, sizeof *numbers);
    AUTO(mem) char *calendar = text_attribute(array, "calendar"), *unit = text_attribute(array, "units");
    static const char *const calendars[] = { "standard", "gregorian", "proleptic_gregorian", NULL };
    const char *said = unit ? unit : GDALMDArrayGetUnit(array);
    int64_t start;
    double ms;

    if (calendar && !is_called(calendar, calendars))
        return unsuitable(err, "its times are of a calendar that is not the Gregorian one", calendar);
    if (!said || !read_unit(said, &ms, &start))
        return unsuitable(err, "its times have no unit such as 'days since 2023-01-01'", said ? said : name);
    if (!read_numbers(array, o->count, numbers))
        return unsuitable(err, "its times cannot be read", name);
    for (size_t i = 0; i < o->count; i++) {
        o->labels[i] = date_label((double)start + numbers[i] * ms);
        if (strlen(o->labels[i]) != strlen("20230501T100201Z"))
            return unsuitable(err, "a time of it is no date", name);
    }
    return true;
}

static void label_texts(GDALMDArrayH array, struct other *o)
{
    AUTO(extended_type) GDALExtendedDataTypeH type = GDALExtendedDataTypeCreateString(0);
    AUTO(mem) char **texts = mem_array(o->count, sizeof *texts);
    const GUInt64 from[] = { 0 };

    if (GDALMDArrayGetDimensionCount(array) != 1 || !GDALMDArrayRead(array, from, &o->count, NULL, NULL, type, texts, NULL, 0))
        return;
    for (size_t i = 0; i < o->count; i++) {
        o->labels[i] = mem_text(texts[i] ? texts[i] : "");
        CPLFree(texts[i]);
    }
}

/* Texts as they are, numbers as they print, else 0, 1, ... */
static bool label(GDALDimensionH d, struct other *o, bool *ret_has_names, struct err *err)
{
    AUTO(variable) GDALMDArrayH array = GDALDimensionGetIndexingVariable(d);
    AUTO(extended_type) GDALExtendedDataTypeH type = array ? GDALMDArrayGetDataType(array) : NULL;
    AUTO(mem) double *numbers = NULL;
    bool are_numbers = type && GDALExtendedDataTypeGetClass(type) == GEDTC_NUMERIC;

    *o = (struct other){ .count = (size_t)GDALDimensionGetSize(d), .is_time = is_time(d) };
    o->labels = mem_array(o->count, sizeof *o->labels);
    if (o->is_time && are_numbers)
        return label_times(array, o, GDALDimensionGetName(d), err);
    o->is_time = false;
    if (type && GDALExtendedDataTypeGetClass(type) == GEDTC_STRING)
        label_texts(array, o);
    numbers = mem_array(o->count, sizeof *numbers);
    are_numbers = are_numbers && read_numbers(array, o->count, numbers);
    *ret_has_names = *ret_has_names || (o->count && o->labels[0]);
    for (size_t i = 0; i < o->count; i++)
        if (!o->labels[i])
            o->labels[i] = are_numbers ? mem_printf("%.15g", numbers[i]) : mem_printf("%zu", i);
    return true;
}

/* ---- where it lies ---- */

static OGRSpatialReferenceH reference_of_mapping(const struct unpacking *u, GDALMDArrayH array)
{
    AUTO(mem) char *name = text_attribute(array, "grid_mapping"), *wkt = NULL;
    AUTO(variable) GDALMDArrayH mapping = NULL;
    OGRSpatialReferenceH made = NULL;

    mapping = GDALGroupOpenMDArray(u->root, name ? name : "spatial_ref", NULL);
    wkt = mapping ? text_attribute(mapping, "crs_wkt") : NULL;
    if (mapping && !wkt)
        wkt = text_attribute(mapping, "spatial_ref");
    if (!wkt)
        return NULL;
    made = OSRNewSpatialReference(NULL);
    if (OSRImportFromWkt(made, &(char *){ wkt }) == OGRERR_NONE)
        return made;
    OSRRelease(made);
    return NULL;
}

/* With its EPSG code, where there is one; axes are x, y. The caller releases. */
static OGRSpatialReferenceH reference_of(const struct unpacking *u, const struct image_variable *v)
{
    OGRSpatialReferenceH own = GDALMDArrayGetSpatialRef(v->array), *matches;
    int n = 0, *confidences = NULL;

    if (!own)
        own = reference_of_mapping(u, v->array);
    if (!own && GDALGetSpatialRef(v->bands))
        own = OSRClone(GDALGetSpatialRef(v->bands));
    if (!own)
        return NULL;
    OSRAutoIdentifyEPSG(own);
    if (!OSRGetAuthorityCode(own, NULL)) {
        matches = OSRFindMatches(own, NULL, &n, &confidences);
        if (n && confidences[0] >= MATCH) {
            OSRRelease(own);
            own = OSRClone(matches[0]);
        }
        OSRFreeSRSArray(matches);
        CPLFree(confidences);
    }
    OSRSetAxisMappingStrategy(own, OAMS_TRADITIONAL_GIS_ORDER);
    return own;
}

/* ---- images ---- */

static GDALDataType type_of(GDALDataType type)
{
    switch (type) {
    case GDT_Byte: case GDT_UInt16: case GDT_Int16: case GDT_UInt32: case GDT_Int32: case GDT_Float32: return type;
    default: return GDT_Float64;
    }
}

/* North up, whichever way the rows come. */
static bool copy_rows(GDALRasterBandH from, GDALRasterBandH to, bool turn)
{
    int width = GDALGetRasterBandXSize(from), height = GDALGetRasterBandYSize(from);
    GDALDataType type = GDALGetRasterDataType(to);
    int size = GDALGetDataTypeSizeBytes(type);
    AUTO(mem) char *rows = mem_array((size_t)width * (size_t)size, ROWS);
    bool good = true;

    for (int y = 0; good && y < height; y += ROWS) {
        int n = height - y < ROWS ? height - y : ROWS;
        GSpacing pitch = (GSpacing)width * size;

        good = GDALRasterIO(from, GF_Read, 0, turn ? height - y - n : y, width, n, turn ? rows + (n - 1) * pitch : rows, width, n,
                            type, size, turn ? -pitch : pitch) == CE_None &&
               GDALRasterIO(to, GF_Write, 0, y, width, n, rows, width, n, type, 0, 0) == CE_None;
    }
    return good;
}

static void describe(const struct image_variable *v, GDALRasterBandH band, const char *name)
{
    int has = 0;
    double value = GDALMDArrayGetNoDataValueAsDouble(v->array, &has);

    GDALSetDescription(band, name);
    if (has)
        GDALSetRasterNoDataValue(band, value);
    value = GDALMDArrayGetScale(v->array, &has);
    if (has && value != 1)
        GDALSetRasterScale(band, value);
    value = GDALMDArrayGetOffset(v->array, &has);
    if (has && value != 0)
        GDALSetRasterOffset(band, value);
}

static bool write_image(const struct unpacking *u, const struct image_variable *v, int number, const char *path, const char *name,
                        struct err *err)
{
    static char *options[] = { "TILED=YES", "BLOCKXSIZE=512", "BLOCKYSIZE=512", "COMPRESS=DEFLATE", "ZLEVEL=1",
                               "BIGTIFF=IF_SAFER", NULL };
    GDALRasterBandH from = GDALGetRasterBand(v->bands, number);
    AUTO(spatial_reference) OGRSpatialReferenceH srs = reference_of(u, v);
    AUTO(opened) GDALDatasetH file = NULL;
    double t[6];
    bool turn;

    if (!srs || GDALGetGeoTransform(v->bands, t) != CE_None)
        return unsuitable(err, srs ? "a variable has no regular x and y" : "a variable has no reference system", v->name);
    turn = t[5] > 0;
    if (turn)
        t[3] += t[5] * GDALGetRasterBandYSize(from), t[5] = -t[5];
    file = GDALCreate(GDALGetDriverByName("GTiff"), path, GDALGetRasterBandXSize(from), GDALGetRasterBandYSize(from), 1,
                      type_of(GDALGetRasterDataType(from)), options);
    if (!file || GDALSetSpatialRef(file, srs) != CE_None || GDALSetGeoTransform(file, t) != CE_None)
        return err_set(err, ERR_StorageFailure, "An image cannot be written: %.200s", CPLGetLastErrorMsg());
    describe(v, GDALGetRasterBand(file, 1), name);
    if (!copy_rows(from, GDALGetRasterBand(file, 1), turn))
        return unsuitable(err, "a variable cannot be read", v->name);
    GDALFlushCache(file);
    return CPLGetLastErrorType() < CE_Failure || unsuitable(err, "a variable cannot be read", v->name);
}

/* Name of the band and date of image `number`, 0 the first. */
static void name_image(const struct image_variable *v, size_t number, struct text *name, const char **ret_date)
{
    size_t left = 1;

    *ret_date = "";
    text_add(name, v->named ? v->name : "");
    for (size_t i = 0; i < v->n_others; i++)
        left *= v->others[i].count;
    for (size_t i = 0; i < v->n_others; i++) {
        const struct other *o = &v->others[i];
        const char *said;

        left /= o->count;
        said = o->labels[number / left % o->count];
        if (o->is_time)
            *ret_date = said;
        else if (o->count > 1 || !v->named)
            text_printf(name, "%s%s", name->length ? "_" : "", said);
    }
    if (!name->length)
        text_add(name, v->name);
}

static bool write_images(struct unpacking *u, const struct image_variable *v, struct err *err)
{
    size_t count = (size_t)GDALGetRasterCount(v->bands);

    for (size_t i = 0; i < count; i++, u->n_images++) {
        AUTO(text) struct text name = { 0 };
        AUTO(mem) char *path = NULL;
        const char *date;

        if (u->n_images == MOST_IMAGES)
            return err_set(err, ERR_FormatUnsuitable, "it has more than %d images", MOST_IMAGES);
        name_image(v, i, &name, &date);
        path = mem_printf("%s/image%05zu%s%s.tif", u->folder, u->n_images, *date ? "-" : "", date);
        if (!write_image(u, v, (int)i + 1, path, name.data, err))
            return false;
    }
    return true;
}

/* ---- variables ---- */

static void variable_done(struct image_variable *v)
{
    opened_drop(&v->bands);
    for (size_t i = 0; i < v->n_others; i++) {
        for (size_t k = 0; k < v->others[i].count; k++)
            free(v->others[i].labels[k]);
        free(v->others[i].labels);
    }
}

/* False without an error when it is no image. */
static bool look_at(struct image_variable *v, GDALDimensionH *dimensions, size_t n, struct err *err)
{
    bool has_names = false, has_time = false;

    v->x = v->y = n;
    for (size_t i = 0; i < n; i++)
        *(is_x(dimensions[i]) ? &v->x : is_y(dimensions[i]) ? &v->y : &(size_t){ 0 }) = i;
    if (n > MOST_DIMENSIONS || v->x == n || v->y == n)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (i == v->x || i == v->y)
            continue;
        if (GDALDimensionGetSize(dimensions[i]) < 1 || GDALDimensionGetSize(dimensions[i]) > MOST_IMAGES)
            return unsuitable(err, "a variable has no labels or too many along a dimension", v->name);
        if (!label(dimensions[i], &v->others[v->n_others++], &has_names, err))
            return false;
        if (v->others[v->n_others - 1].is_time && has_time)
            return unsuitable(err, "a variable has two dimensions of time", v->name);
        has_time |= v->others[v->n_others - 1].is_time;
    }
    v->named = !has_names;
    v->bands = GDALMDArrayAsClassicDataset(v->array, v->x, v->y);
    return v->bands || unsuitable(err, "a variable cannot be read", v->name);
}

static bool unpack_variable(struct unpacking *u, const char *name, struct err *err)
{
    AUTO(variable) GDALMDArrayH array = GDALGroupOpenMDArray(u->root, name, NULL);
    AUTO(extended_type) GDALExtendedDataTypeH type = array ? GDALMDArrayGetDataType(array) : NULL;
    struct image_variable v = { .name = name, .array = array };
    GDALDimensionH *dimensions;
    size_t n = 0;
    bool good;

    if (!array)
        return unsuitable(err, "a variable cannot be read", name);
    if (GDALExtendedDataTypeGetClass(type) != GEDTC_NUMERIC || GDALDataTypeIsComplex(GDALExtendedDataTypeGetNumericDataType(type)))
        return true;
    dimensions = GDALMDArrayGetDimensions(array, &n);
    good = look_at(&v, dimensions, n, err);
    GDALReleaseDimensions(dimensions, n);
    if (good)
        good = write_images(u, &v, err);
    else
        good = err->code == ERR_None;
    u->n_variables += v.bands != NULL;
    variable_done(&v);
    return good;
}

/* ---- the file ---- */

/* The store in a zip is all of it, or its only folder. */
static char *store_in(const char *path)
{
    AUTO(mem) char *zip = mem_printf("/vsizip/{%s}", path);
    AUTO(names) char **members = VSIReadDir(zip);

    if (CSLCount(members) == 1 && members[0][0] != '.')
        return mem_printf("ZARR:\"%s/%s\"", zip, members[0]);
    return mem_printf("ZARR:\"%s\"", zip);
}

bool unpack_cube(const char *path, const char *format, const char *folder, struct err *err)
{
    const char *const drivers[] = { format, NULL };
    AUTO(mem) char *name = strcmp(format, "Zarr") ? mem_text(path) : store_in(path);
    AUTO(opened) GDALDatasetH dataset = NULL;
    AUTO(group) GDALGroupH root = NULL;
    AUTO(names) char **variables = NULL;
    struct unpacking u = { .folder = folder };

    CPLErrorReset();
    dataset = GDALOpenEx(name, GDAL_OF_MULTIDIM_RASTER | GDAL_OF_READONLY, drivers, NULL, NULL);
    root = dataset ? GDALDatasetGetRootGroup(dataset) : NULL;
    if (!root)
        return unsuitable(err, "it cannot be opened", format);
    u.root = root;
    variables = GDALGroupGetMDArrayNames(root, NULL);
    for (int i = 0; i < CSLCount(variables); i++) {
        CPLErrorReset();
        if (!unpack_variable(&u, variables[i], err))
            return false;
    }
    CPLErrorReset();
    return u.n_images > 0 || unsuitable(err, "it has no variable over x and y", "");
}
