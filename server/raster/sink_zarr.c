/* Zarr version 2 as a zip: the tiles of the parts are its chunks as they are, packed once by whoever
 * computed them, so that nothing is unpacked here. Chunks without a valid pixel are left out: readers
 * fill them. All metadata are consolidated, and written once more beside each array. */
#include "base/mem.h"
#include "base/text.h"
#include "json/js.h"
#include "raster/variables.h"
#include "raster/zip_file.h"
#include <cpl_conv.h>
#include <math.h>
#include <string.h>

struct zarr {
    const struct sink_file *file;
    const struct variables *cube;
    struct zip_file *zip;
    json_t *metadata; /* consolidated */
};

static bool add_json(const struct zarr *z, const char *array, const char *name, json_t *json_taken,
                     struct err *err)
{
    AUTO(mem) char *path = mem_printf("%s%s%s", array, *array ? "/" : "", name);
    AUTO(mem) char *text = json_dumps(json_taken, JSON_COMPACT | JSON_REAL_PRECISION(17));

    json_object_set_new(z->metadata, path, json_taken);
    return zip_add(z->zip, path, text, strlen(text), err);
}

static json_t *array_json(const char *type, json_t *shape, json_t *chunks, json_t *compressor,
                          json_t *fill)
{
    return json_pack("{s:i, s:o, s:o, s:s, s:o, s:o, s:s, s:n}", "zarr_format", 2, "shape", shape,
                     "chunks", chunks, "dtype", type, "compressor", compressor, "fill_value", fill,
                     "order", "C", "filters");
}

/* ---- coordinates: one chunk, not packed ---- */

static json_t *attributes_of(const struct axis *axis, bool texts)
{
    json_t *attributes = json_pack("{s:[s]}", "_ARRAY_DIMENSIONS", axis->name);

    for (size_t i = 0; axis->attributes[i].name && (!texts || !axis->numbers); i++)
        json_object_set_new(attributes, axis->attributes[i].name,
                            json_string(axis->attributes[i].text));
    return attributes;
}

static size_t longest_of(const struct axis *axis)
{
    size_t most = 1;

    for (size_t i = 0; i < axis->count; i++) /* not less than its characters */
        most = strlen(axis->texts[i]) > most ? strlen(axis->texts[i]) : most;
    return most;
}

/* Texts of equal length, four bytes a character. */
static void add_texts(const struct axis *axis, size_t length, struct text *out)
{
    for (size_t i = 0; i < axis->count; i++) {
        size_t from = out->length;
        const char *c = axis->texts[i];

        while (*c) {
            uint32_t point = 0;
            size_t n = text_decode(c, &point);

            text_addn(out, &point, sizeof point);
            c += n ? n : 1;
        }
        while (out->length < from + 4 * length)
            text_addn(out, "", 1);
    }
}

static bool add_axis(const struct zarr *z, const struct axis *axis, const char *name, bool texts,
                     struct err *err)
{
    size_t length = texts ? longest_of(axis) : 0;
    AUTO(mem) char *type = texts ? mem_printf("<U%zu", length) : mem_text("<f8");
    AUTO(mem) char *chunk = mem_printf("%s/0", name);
    AUTO(text) struct text data = { 0 };
    json_t *shape = json_pack("[I]", (json_int_t)axis->count);

    if (texts)
        add_texts(axis, length, &data);
    else
        text_addn(&data, axis->numbers, axis->count * sizeof *axis->numbers);
    return add_json(z, name, ".zarray", array_json(type, shape, json_incref(shape), json_null(), json_null()), err) &&
           add_json(z, name, ".zattrs", attributes_of(axis, texts), err) &&
           zip_add(z->zip, chunk, data.data, data.length, err);
}

static bool add_axes(const struct zarr *z, struct err *err)
{
    for (size_t k = 0; k < z->cube->n_axes; k++) {
        const struct axis *axis = &z->cube->axes[k];

        if (!add_axis(z, axis, axis->name, !axis->numbers, err) ||
            (axis->texts_name && !add_axis(z, axis, axis->texts_name, true, err)))
            return false;
    }
    return true;
}

static bool add_crs(const struct zarr *z, struct err *err)
{
    const struct grid *g = &z->file->save->schema.grid;
    AUTO(mem) char *transform = mem_printf("%.17g %.17g 0 %.17g 0 %.17g", g->x0, g->dx, g->y0, -g->dy);
    char *wkt = NULL;
    json_t *attributes;

    if (!z->cube->crs)
        return true;
    if (OSRExportToWkt(z->cube->crs, &wkt) != OGRERR_NONE) {
        CPLFree(wkt);
        return err_set(err, ERR_Internal, "The CRS EPSG:%d cannot be written as text.", g->epsg);
    }
    attributes = json_pack("{s:[], s:s, s:s, s:s}", "_ARRAY_DIMENSIONS", "crs_wkt", wkt, "spatial_ref",
                           wkt, "GeoTransform", transform);
    CPLFree(wkt);
    return add_json(z, "spatial_ref", ".zarray",
                    array_json("<i4", json_array(), json_array(), json_null(), json_integer(0)), err) &&
           add_json(z, "spatial_ref", ".zattrs", attributes, err) &&
           zip_add(z->zip, "spatial_ref/0", "\0\0\0\0", 4, err);
}

/* ---- variables ---- */

static json_t *fill_of(const struct pixel_kind *kind)
{
    if (!kind->has_nodata)
        return json_null();
    if (isnan(kind->nodata))
        return json_string("NaN");
    return kind->pixel == PIXEL_F32 || kind->pixel == PIXEL_F64 ? json_real(kind->nodata)
                                                               : json_integer((json_int_t)kind->nodata);
}

static json_t *compressor_of(const struct file_style *style)
{
    if (style->codec == CODEC_NONE)
        return json_null();
    return json_pack("{s:s, s:i}", "id", style->codec == CODEC_ZSTD ? "zstd" : "zlib", "level", style->level);
}

static const char *type_of(enum pixel pixel)
{
    static const char *const types[] = {
        [PIXEL_U8] = "|u1",  [PIXEL_I8] = "|i1",  [PIXEL_U16] = "<u2", [PIXEL_I16] = "<i2",  [PIXEL_U32] = "<u4",
        [PIXEL_I32] = "<i4", [PIXEL_F32] = "<f4", [PIXEL_F64] = "<f8", [PIXEL_BOOL] = "|u1",
    };

    return types[pixel];
}

static json_t *variable_attributes(const struct zarr *z, const struct variable *v)
{
    json_t *dimensions = json_array();
    json_t *attributes = json_pack("{s:o, s:s}", "_ARRAY_DIMENSIONS", dimensions, "long_name", v->label);
    AUTO(text) struct text coordinates = { 0 };

    for (size_t k = 0; k < z->cube->n_axes; k++) {
        json_array_append_new(dimensions, json_string(z->cube->axes[k].name));
        if (z->cube->axes[k].texts_name)
            text_printf(&coordinates, "%s%s", coordinates.length ? " " : "", z->cube->axes[k].texts_name);
    }
    if (coordinates.length)
        json_object_set_new(attributes, "coordinates", json_string(coordinates.data));
    if (z->cube->crs)
        json_object_set_new(attributes, "grid_mapping", json_string("spatial_ref"));
    if (v->scale != 1 || v->offset != 0) {
        json_object_set_new(attributes, "scale_factor", json_real(v->scale));
        json_object_set_new(attributes, "add_offset", json_real(v->offset));
    }
    return attributes;
}

static bool add_chunks(const struct zarr *z, const struct variable *v, size_t i, struct err *err)
{
    const struct sink_file *file = z->file;
    const struct schedule *s = pieces_schedule(file->pieces, file->number);
    AUTO(mem) size_t *place = mem_array(z->cube->n_axes, sizeof *place);

    variables_place(z->cube, i, place);
    for (size_t t = 0; t < s->blocks; t++) {
        const struct piece_ref *ref =
            pieces_get(file->pieces, file->number, v->planes[i], t, PIECE_BASE);
        AUTO(mem) void *data = mem_alloc(ref->entry->size);
        AUTO(text) struct text name = { 0 };

        if (ref->entry->stats.valid == 0 && file->style.kind.has_nodata)
            continue;
        text_printf(&name, "%s/", v->name);
        for (size_t k = 0; k + 2 < z->cube->n_axes; k++)
            text_printf(&name, "%zu.", place[k]);
        text_printf(&name, "%zu.%zu", t / s->tile_columns, t % s->tile_columns);
        if (!part_read(ref->part, ref->entry, data, err) ||
            !zip_add(z->zip, name.data, data, ref->entry->size, err))
            return false;
    }
    return true;
}

static bool add_variable(const struct zarr *z, const struct variable *v, struct err *err)
{
    const struct file_style *style = &z->file->style;
    json_t *shape = json_array(), *chunks = json_array();

    for (size_t k = 0; k < z->cube->n_axes; k++) {
        json_array_append_new(shape, json_integer((json_int_t)z->cube->axes[k].count));
        json_array_append_new(chunks, json_integer(k + 2 < z->cube->n_axes ? 1 : BASE_TILE));
    }
    if (!add_json(z, v->name, ".zarray",
                  array_json(type_of(style->kind.pixel), shape, chunks, compressor_of(style),
                             fill_of(&style->kind)), err) ||
        !add_json(z, v->name, ".zattrs", variable_attributes(z, v), err))
        return false;
    for (size_t i = 0; i < v->n_planes; i++)
        if (!add_chunks(z, v, i, err))
            return false;
    return true;
}

/* ---- the store ---- */

static bool write_store(const struct zarr *z, int64_t *ret_size, struct err *err)
{
    AUTO(mem) char *text = NULL;
    AUTO(json) json_t *all = NULL;

    if (!add_json(z, "", ".zgroup", json_pack("{s:i}", "zarr_format", 2), err) ||
        !add_json(z, "", ".zattrs", json_pack("{s:s}", "Conventions", "CF-1.8"), err) ||
        !add_axes(z, err) || !add_crs(z, err))
        return false;
    for (size_t i = 0; i < z->cube->n_variables; i++)
        if (!add_variable(z, &z->cube->variables[i], err))
            return false;
    all = json_pack("{s:i, s:O}", "zarr_consolidated_format", 1, "metadata", z->metadata);
    text = json_dumps(all, JSON_COMPACT | JSON_REAL_PRECISION(17));
    return zip_add(z->zip, ".zmetadata", text, strlen(text), err) && zip_finish(z->zip, ret_size, err);
}

bool sink_zarr(const struct sink_file *file, int64_t *ret_size, struct err *err)
{
    AUTO(arena) struct arena *arena = arena_new();
    AUTO(json) json_t *metadata = json_object();
    struct variables cube;
    struct zip_file zip;
    struct zarr z = { .file = file, .cube = &cube, .zip = &zip, .metadata = metadata };
    bool ok;

    if (!variables_of(arena, file, &cube, err))
        return false;
    ok = zip_create(&zip, file->path, err) && write_store(&z, ret_size, err);
    zip_done(&zip);
    variables_done(&cube);
    return ok;
}
