/* A small cube as JSON: {"dims", "labels", "crs", "data"}, data nested in the order of dims, no-data
 * as null. The planes come as they are numbered, then rows, then columns; a cube may lack any of
 * these. */
#include "base/mem.h"
#include "base/text.h"
#include "json/js.h"
#include "raster/sinks.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

double sink_value(const struct pixel_kind *kind, const void *pixels, size_t i)
{
    double value;

    switch (kind->pixel) {
    case PIXEL_I8: value = ((const int8_t *)pixels)[i]; break;
    case PIXEL_U16: value = ((const uint16_t *)pixels)[i]; break;
    case PIXEL_I16: value = ((const int16_t *)pixels)[i]; break;
    case PIXEL_U32: value = ((const uint32_t *)pixels)[i]; break;
    case PIXEL_I32: value = ((const int32_t *)pixels)[i]; break;
    case PIXEL_F32: value = (double)((const float *)pixels)[i]; break;
    case PIXEL_F64: value = ((const double *)pixels)[i]; break;
    default: value = ((const uint8_t *)pixels)[i]; break;
    }
    return kind->has_nodata && value == kind->nodata ? NAN : value;
}

static void add_value(struct text *out, const struct pixel_kind *kind, const void *pixels, size_t i)
{
    double value = sink_value(kind, pixels, i);

    if (!isfinite(value))
        text_add(out, "null"); /* JSON has no infinity */
    else if (kind->pixel == PIXEL_BOOL)
        text_add(out, value == 1 ? "true" : "false");
    else
        text_printf(out, kind->pixel == PIXEL_F32 ? "%.9g" : "%.17g", value);
}

static const struct dimension *axis_of(const struct cube_schema *schema, char axis)
{
    for (size_t i = 0; i < schema->n_dimensions; i++)
        if (schema->dimensions[i].axis == axis)
            return &schema->dimensions[i];
    return NULL;
}

static void add_rows(struct text *out, const struct sink_file *file, const void *pixels)
{
    const struct cube_schema *schema = &file->save->schema;
    size_t width = (size_t)schema->grid.width, height = (size_t)schema->grid.height;
    bool columns = axis_of(schema, 'x'), rows = axis_of(schema, 'y');

    text_add(out, rows ? "[" : "");
    for (size_t y = 0; y < height; y++) {
        text_add(out, y ? ",\n" : "");
        text_add(out, columns ? "[" : "");
        for (size_t x = 0; x < width; x++) {
            if (x)
                text_add(out, ",");
            add_value(out, &file->style.kind, pixels, y * width + x);
        }
        text_add(out, columns ? "]" : "");
    }
    text_add(out, rows ? "]" : "");
}

static json_t *label_json(const struct label *label)
{
    return label->is_number ? json_real(label->number) : js_text_or_null(label->text);
}

static void add_axis(const struct grid *grid, const struct dimension *axis, json_t *dims,
                     json_t *labels)
{
    json_t *centres = json_array();

    for (size_t i = 0; axis && i < axis->count; i++)
        json_array_append_new(centres, json_real(axis->axis == 'x'
                                                     ? grid->x0 + ((double)i + 0.5) * grid->dx
                                                     : grid->y0 - ((double)i + 0.5) * grid->dy));
    if (axis) {
        json_array_append_new(dims, json_string(axis->name));
        json_object_set(labels, axis->name, centres);
    }
    json_decref(centres);
}

static json_t *describe(const struct sink_file *file)
{
    const struct cube_schema *schema = &file->save->schema;
    json_t *dims = json_array(), *labels = json_object();

    for (size_t i = 0; i < schema->n_dimensions; i++) {
        const struct dimension *d = &schema->dimensions[i];
        json_t *list;

        if (dimension_is_horizontal(d))
            continue;
        json_array_append_new(dims, json_string(d->name));
        list = json_array();
        for (size_t k = 0; k < d->count; k++)
            json_array_append_new(list, label_json(&d->labels[k]));
        json_object_set_new(labels, d->name, list);
    }
    add_axis(&schema->grid, axis_of(schema, 'y'), dims, labels);
    add_axis(&schema->grid, axis_of(schema, 'x'), dims, labels);
    return json_pack("{s:o, s:o, s:s}", "dims", dims, "labels", labels, "type",
                     pixel_name(schema->pixel));
}

/* Opens and closes the brackets of the outer dimensions around plane `plane`. */
static void add_brackets(struct text *out, const struct cube_schema *schema, size_t plane,
                         bool opening)
{
    size_t size = 1;

    for (size_t i = schema->n_dimensions; i-- > 0;) {
        if (dimension_is_horizontal(&schema->dimensions[i]))
            continue;
        size *= schema->dimensions[i].count;
        if (opening ? plane % size == 0 : (plane + 1) % size == 0)
            text_add(out, opening ? "[" : "]");
    }
}

bool sink_json(const struct sink_file *file, int64_t *ret_size, struct err *err)
{
    const struct cube_schema *schema = &file->save->schema;
    AUTO(text) struct text out = { 0 };
    AUTO(json) json_t *head = describe(file);
    AUTO(mem) char *text = json_dumps(head, JSON_COMPACT | JSON_REAL_PRECISION(15));

    text_addn(&out, text, strlen(text) - 1); /* without the closing brace */
    if (schema->grid.epsg > 0)
        text_printf(&out, ",\"crs\":\"EPSG:%d\"", schema->grid.epsg);
    text_add(&out, ",\n\"data\":");
    for (size_t plane = 0; plane < file->n_bands; plane++) {
        AUTO(mem) void *pixels = NULL;

        if (plane)
            text_add(&out, ",\n");
        add_brackets(&out, schema, plane, true);
        if (!sink_plane(file, plane, &pixels, err))
            return false;
        add_rows(&out, file, pixels);
        add_brackets(&out, schema, plane, false);
    }
    text_add(&out, "}\n");
    *ret_size = (int64_t)out.length;
    return sink_write(file->path, out.data, out.length, err);
}
