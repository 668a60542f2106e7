/* netCDF-4 by the CF conventions, through GDAL's multidimensional interface: coordinates first, then
 * tile by tile of each plane of each variable, so that a tile is all the memory that it takes. Chunks
 * divide the tiles, so each is packed once. The bytes depend on nothing but the cube. */
#include "base/mem.h"
#include "base/text.h"
#include "raster/disk.h"
#include "raster/variables.h"
#include <cpl_error.h>
#include <cpl_string.h>
#include <fcntl.h>
#include <gdal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHUNK = 512, MOST_AXES = 32 };

DEFINE_AUTO(dataset, GDALDatasetH, GDALClose)
DEFINE_AUTO(group, GDALGroupH, GDALGroupRelease)
DEFINE_AUTO(mdarray, GDALMDArrayH, GDALMDArrayRelease)
DEFINE_AUTO(attribute, GDALAttributeH, GDALAttributeRelease)
DEFINE_AUTO(data_type, GDALExtendedDataTypeH, GDALExtendedDataTypeRelease)

struct netcdf {
    const struct sink_file *file;
    const struct variables *cube;
    GDALGroupH root;
    GDALDimensionH dimensions[MOST_AXES];
};

static bool failed(const char *what, struct err *err)
{
    return err_set(err, ERR_StorageFailure, "The netCDF file could not be written (%s): %s", what,
                   CPLGetLastErrorMsg());
}

static GDALDataType type_of(enum pixel pixel)
{
    static const GDALDataType types[] = {
        [PIXEL_U8] = GDT_Byte,     [PIXEL_U16] = GDT_UInt16,  [PIXEL_I16] = GDT_Int16,
        [PIXEL_U32] = GDT_UInt32,  [PIXEL_I32] = GDT_Int32,   [PIXEL_F32] = GDT_Float32,
        [PIXEL_F64] = GDT_Float64, [PIXEL_BOOL] = GDT_Byte,
    };

    return types[pixel];
}

static bool put_text(GDALMDArrayH array, const char *name, const char *text, struct err *err)
{
    AUTO(data_type) GDALExtendedDataTypeH type = GDALExtendedDataTypeCreateString(0);
    AUTO(attribute) GDALAttributeH attribute =
        GDALMDArrayCreateAttribute(array, name, 0, NULL, type, NULL);

    return (attribute && GDALAttributeWriteString(attribute, text)) || failed(name, err);
}

/* ---- coordinates ---- */

static bool write_axis(const struct netcdf *n, size_t k, const char *name, bool texts,
                       struct err *err)
{
    const struct axis *axis = &n->cube->axes[k];
    AUTO(data_type) GDALExtendedDataTypeH type =
        texts ? GDALExtendedDataTypeCreateString(0) : GDALExtendedDataTypeCreate(GDT_Float64);
    AUTO(mdarray) GDALMDArrayH array = GDALGroupCreateMDArray(
        n->root, name, 1, (GDALDimensionH *)&n->dimensions[k], type, NULL);
    GUInt64 start = 0;
    size_t count = axis->count;

    if (!array)
        return failed(name, err);
    for (size_t i = 0; axis->attributes[i].name && (!texts || !axis->numbers); i++)
        if (!put_text(array, axis->attributes[i].name, axis->attributes[i].text, err))
            return false;
    return GDALMDArrayWrite(array, &start, &count, NULL, NULL, type,
                            texts ? (const void *)axis->texts : axis->numbers, NULL, 0) ||
           failed(name, err);
}

static bool write_axes(struct netcdf *n, struct err *err)
{
    for (size_t k = 0; k < n->cube->n_axes; k++) {
        const struct axis *axis = &n->cube->axes[k];
        const char *type = axis->kind == 'x'   ? GDAL_DIM_TYPE_HORIZONTAL_X
                           : axis->kind == 'y' ? GDAL_DIM_TYPE_HORIZONTAL_Y
                           : axis->kind == 't' ? GDAL_DIM_TYPE_TEMPORAL
                                               : NULL;

        n->dimensions[k] = GDALGroupCreateDimension(n->root, axis->name, type, NULL, axis->count, NULL);
        if (!n->dimensions[k])
            return failed(axis->name, err);
        if (!write_axis(n, k, axis->name, !axis->numbers, err) ||
            (axis->texts_name && !write_axis(n, k, axis->texts_name, true, err)))
            return false;
    }
    return true;
}

/* ---- variables ---- */

static char **array_options(const struct netcdf *n)
{
    const struct schedule *s = pieces_schedule(n->file->pieces, n->file->number);
    const json_t *level = json_object_get(n->file->save->save.options, "compression_level");
    AUTO(text) struct text blocks = { 0 };
    AUTO(mem) char *zlevel = mem_printf("%d", level ? (int)json_number_value(level) : 1);
    char **options = NULL;

    text_add(&blocks, "");
    for (size_t k = 0; k + 2 < n->cube->n_axes; k++)
        text_add(&blocks, "1,");
    text_printf(&blocks, "%d,%d", s->grid.height < CHUNK ? (int)s->grid.height : CHUNK,
                s->grid.width < CHUNK ? (int)s->grid.width : CHUNK);
    options = CSLSetNameValue(options, "BLOCKSIZE", blocks.data);
    if (strcmp(zlevel, "0")) {
        options = CSLSetNameValue(options, "COMPRESS", "DEFLATE");
        options = CSLSetNameValue(options, "ZLEVEL", zlevel);
    }
    return options;
}

static bool describe(const struct netcdf *n, const struct variable *v, GDALMDArrayH array,
                     struct err *err)
{
    const struct pixel_kind *kind = &n->file->style.kind;
    AUTO(text) struct text coordinates = { 0 };

    if (n->cube->crs && !GDALMDArraySetSpatialRef(array, n->cube->crs))
        return failed("CRS", err);
    if (kind->has_nodata && !GDALMDArraySetNoDataValueAsDouble(array, kind->nodata))
        return failed("_FillValue", err);
    if ((v->scale != 1 || v->offset != 0) &&
        (!GDALMDArraySetScale(array, v->scale) || !GDALMDArraySetOffset(array, v->offset)))
        return failed("scale_factor", err);
    for (size_t k = 0; k < n->cube->n_axes; k++)
        if (n->cube->axes[k].texts_name)
            text_printf(&coordinates, "%s%s", coordinates.length ? " " : "", n->cube->axes[k].texts_name);
    return put_text(array, "long_name", v->label, err) &&
           (!coordinates.length || put_text(array, "coordinates", coordinates.data, err));
}

static bool write_plane(const struct netcdf *n, const struct variable *v, size_t i,
                        GDALMDArrayH array, GDALExtendedDataTypeH type, void *tile,
                        struct err *err)
{
    const struct sink_file *file = n->file;
    const struct schedule *s = pieces_schedule(file->pieces, file->number);
    size_t rank = n->cube->n_axes, place[MOST_AXES], count[MOST_AXES];
    GUInt64 start[MOST_AXES];
    GPtrDiff_t stride[MOST_AXES] = { 0 };

    variables_place(n->cube, i, place);
    for (size_t k = 0; k + 2 < rank; k++)
        start[k] = place[k], count[k] = 1;
    stride[rank - 2] = BASE_TILE;
    stride[rank - 1] = 1;
    for (size_t t = 0; t < s->blocks; t++) {
        struct window_rect w = schedule_tile(s, t);

        if (!pieces_pixels(pieces_get(file->pieces, file->number, v->planes[i], t, PIECE_BASE),
                           file->encoder, &file->style, BASE_TILE, tile, err))
            return false;
        start[rank - 2] = (GUInt64)w.y, count[rank - 2] = w.height;
        start[rank - 1] = (GUInt64)w.x, count[rank - 1] = w.width;
        if (!GDALMDArrayWrite(array, start, count, NULL, stride, type, tile, NULL, 0))
            return failed(v->name, err);
    }
    return true;
}

static bool write_variable(const struct netcdf *n, const struct variable *v, struct err *err)
{
    enum pixel pixel = n->file->style.kind.pixel;
    char **options = array_options(n);
    AUTO(data_type) GDALExtendedDataTypeH type = GDALExtendedDataTypeCreate(type_of(pixel));
    AUTO(mdarray) GDALMDArrayH array = GDALGroupCreateMDArray(
        n->root, v->name, n->cube->n_axes, (GDALDimensionH *)n->dimensions, type, options);
    AUTO(mem) void *tile = malloc((size_t)BASE_TILE * BASE_TILE * pixel_size(pixel));

    CSLDestroy(options);
    if (!array)
        return failed(v->name, err);
    if (!tile)
        return err_set(err, ERR_MemoryExceeded, "No memory for a tile.");
    if (!describe(n, v, array, err))
        return false;
    for (size_t i = 0; i < v->n_planes; i++)
        if (!write_plane(n, v, i, array, type, tile, err))
            return false;
    return true;
}

/* ---- the file ---- */

static bool write_all(struct netcdf *n, struct err *err)
{
    bool ok = write_axes(n, err);

    for (size_t i = 0; ok && i < n->cube->n_variables; i++)
        ok = write_variable(n, &n->cube->variables[i], err);
    for (size_t k = 0; k < n->cube->n_axes; k++)
        if (n->dimensions[k])
            GDALDimensionRelease(n->dimensions[k]);
    return ok;
}

static bool write_file(const struct sink_file *file, const struct variables *cube, struct err *err)
{
    static const char *const options[] = { "FORMAT=NC4", "CONVENTIONS=CF-1.8", NULL };
    AUTO(dataset) GDALDatasetH dataset = GDALCreateMultiDimensional(
        GDALGetDriverByName("netCDF"), file->path, NULL, (CSLConstList)options);
    AUTO(group) GDALGroupH root = dataset ? GDALDatasetGetRootGroup(dataset) : NULL;
    struct netcdf n = { .file = file, .cube = cube, .root = root };

    if (!root)
        return failed("create", err);
    return write_all(&n, err);
}

/* GDAL tells no errors of its last writes. */
static bool sync_file(const char *path, int64_t *ret_size, struct err *err)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    bool ok;

    if (file < 0 || fstat(file, &st)) {
        if (file >= 0)
            close(file);
        return disk_failed("read", path, err);
    }
    ok = CPLGetLastErrorType() < CE_Failure ? disk_sync(file, path, err) : failed("close", err);
    close(file);
    *ret_size = st.st_size;
    return ok;
}

bool sink_netcdf(const struct sink_file *file, int64_t *ret_size, struct err *err)
{
    AUTO(arena) struct arena *arena = arena_new();
    struct variables cube;
    bool ok;

    CPLErrorReset();
    if (!variables_of(arena, file, &cube, err))
        return false;
    ok = cube.n_axes <= MOST_AXES ||
         err_set(err, ERR_FormatUnsuitable, "A netCDF file has at most %d dimensions.", MOST_AXES);
    ok = ok && write_file(file, &cube, err) && sync_file(file->path, ret_size, err);
    variables_done(&cube);
    if (!ok)
        unlink(file->path);
    return ok;
}
