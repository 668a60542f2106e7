/* Vector cubes as JSON, CSV and GeoJSON, and the report of how right a classification is. A cell is a date (if the cube has dates), a geometry, and one
 * label of each other dimension; these others are the columns of a table, named by their labels with ~
 * between. No-data is null, or nothing in a table. */
#include "base/mem.h"
#include "base/text.h"
#include "graph/value.h"
#include "json/js.h"
#include "raster/accuracy.h"
#include "raster/sinks.h"
#include "raster/vectors.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

struct table {
    const struct plan_node *save;
    const double *rows;
    const struct dimension *dates; /* NULL: none */
    size_t n_geometries, n_dates, n_columns;
    size_t *planes;                /* [date][column] */
    char **names;                  /* of columns */
};

static void add_name(struct table *t, size_t column, const struct label *label)
{
    char text[200], *joined;

    label_text(label, text, sizeof text);
    joined = t->names[column] ? mem_printf("%s~%s", t->names[column], text) : mem_text(text);
    free(t->names[column]);
    t->names[column] = joined;
}

/* Where each plane of the cube goes. */
static void place_planes(struct table *t, const struct cube_schema *schema)
{
    for (size_t plane = 0; plane < cube_planes(schema); plane++) {
        size_t date = 0, column = 0, stride = 1, rest = plane;

        for (size_t i = schema->n_dimensions; i-- > 0;) {
            const struct dimension *d = &schema->dimensions[i];

            if (dimension_is_horizontal(d))
                continue;
            if (d == t->dates) {
                date = rest % d->count;
            } else {
                column += rest % d->count * stride;
                stride *= d->count;
            }
            rest /= d->count;
        }
        t->planes[date * t->n_columns + column] = plane;
    }
}

static void name_columns(struct table *t, const struct cube_schema *schema)
{
    size_t stride = t->n_columns;

    for (size_t i = 0; i < schema->n_dimensions; i++) {
        const struct dimension *d = &schema->dimensions[i];

        if (dimension_is_horizontal(d) || d == t->dates)
            continue;
        stride /= d->count;
        for (size_t column = 0; column < t->n_columns; column++)
            add_name(t, column, &d->labels[column / stride % d->count]);
    }
    for (size_t column = 0; column < t->n_columns; column++)
        if (!t->names[column])
            t->names[column] = mem_text("value");
}

static void table_init(struct table *t, const struct plan_node *save, const double *rows)
{
    const struct cube_schema *schema = &save->schema;

    *t = (struct table){ .save = save, .rows = rows, .n_dates = 1,
                         .n_geometries = schema->geometries->count };
    t->dates = cube_dimension_of(schema, DIM_TEMPORAL);
    if (t->dates)
        t->n_dates = t->dates->count;
    t->n_columns = cube_planes(schema) / t->n_dates;
    t->planes = mem_array(cube_planes(schema), sizeof *t->planes);
    t->names = mem_array(t->n_columns, sizeof *t->names);
    place_planes(t, schema);
    name_columns(t, schema);
}

static void table_done(struct table *t)
{
    for (size_t i = 0; i < t->n_columns; i++)
        free(t->names[i]);
    free(t->names);
    free(t->planes);
}

static double cell(const struct table *t, size_t date, size_t geometry, size_t column)
{
    return t->rows[t->planes[date * t->n_columns + column] * t->n_geometries + geometry];
}

/* The shortest text that reads back as the number: a float's where the cube holds floats. */
static void add_number(struct text *out, const struct table *t, double value)
{
    char text[32];

    if (t->save->schema.pixel != PIXEL_F32) {
        number_text(value, text);
    } else {
        for (int digits = 6; digits <= 9; digits++) {
            snprintf(text, sizeof text, "%.*g", digits, value);
            if (strtof(text, NULL) == (float)value)
                break;
        }
    }
    text_add(out, text);
}

static void add_json(struct text *out, const struct table *t, double value)
{
    if (!isfinite(value))
        text_add(out, "null");
    else if (t->save->schema.pixel == PIXEL_BOOL)
        text_add(out, value == 1 ? "true" : "false");
    else
        add_number(out, t, value);
}

static void add_json_text(struct text *out, const char *text)
{
    AUTO(json) json_t *json = json_string(text);
    AUTO(mem) char *quoted = json ? json_dumps(json, JSON_ENCODE_ANY) : NULL;

    text_add(out, quoted ? quoted : "\"\"");
}

static void add_label(struct text *out, const struct label *label)
{
    char text[200];

    label_text(label, text, sizeof text);
    if (label->is_number)
        text_add(out, text);
    else
        add_json_text(out, text);
}

/* ---- JSON ---- */

/* {"2023-08-15T10:02:01Z": [[0.1, 0.2], ..], ..}: what clients read as a time series. */
static void add_series(struct text *out, const struct table *t)
{
    for (size_t date = 0; date < t->n_dates; date++) {
        char name[200];

        label_text(&t->dates->labels[date], name, sizeof name);
        text_add(out, date ? ",\n" : "{");
        add_json_text(out, name);
        text_add(out, ":[");
        for (size_t g = 0; g < t->n_geometries; g++) {
            text_add(out, g ? ",[" : "[");
            for (size_t column = 0; column < t->n_columns; column++) {
                text_add(out, column ? "," : "");
                add_json(out, t, cell(t, date, g, column));
            }
            text_add(out, "]");
        }
        text_add(out, "]");
    }
    text_add(out, "}\n");
}

/* The values of a geometry, nested in the order of the other dimensions. */
static void add_nested(struct text *out, const struct table *t, size_t geometry)
{
    const struct cube_schema *schema = &t->save->schema;

    for (size_t column = 0; column < t->n_columns; column++) {
        size_t size = 1;

        text_add(out, column ? "," : "");
        for (size_t i = schema->n_dimensions; i-- > 0;) {
            if (dimension_is_horizontal(&schema->dimensions[i]))
                continue;
            size *= schema->dimensions[i].count;
            text_add(out, column % size == 0 ? "[" : "");
        }
        add_json(out, t, cell(t, 0, geometry, column));
        size = 1;
        for (size_t i = schema->n_dimensions; i-- > 0;) {
            if (dimension_is_horizontal(&schema->dimensions[i]))
                continue;
            size *= schema->dimensions[i].count;
            text_add(out, (column + 1) % size == 0 ? "]" : "");
        }
    }
}

/* {"dims", "labels", "data"} as of a raster cube; geometries are numbered. */
static void add_cube(struct text *out, const struct table *t)
{
    const struct cube_schema *schema = &t->save->schema;

    text_add(out, "{\"dims\":[\"geometry\"");
    for (size_t i = 0; i < schema->n_dimensions; i++) {
        if (dimension_is_horizontal(&schema->dimensions[i]))
            continue;
        text_add(out, ",");
        add_json_text(out, schema->dimensions[i].name);
    }
    text_add(out, "],\"labels\":{\"geometry\":[");
    for (size_t g = 0; g < t->n_geometries; g++)
        text_printf(out, "%s%zu", g ? "," : "", g);
    text_add(out, "]");
    for (size_t i = 0; i < schema->n_dimensions; i++) {
        const struct dimension *d = &schema->dimensions[i];

        if (dimension_is_horizontal(d))
            continue;
        text_add(out, ",");
        add_json_text(out, d->name);
        for (size_t k = 0; k < d->count; k++) {
            text_add(out, k ? "," : ":[");
            add_label(out, &d->labels[k]);
        }
        text_add(out, "]");
    }
    text_add(out, "},\n\"data\":[");
    for (size_t g = 0; g < t->n_geometries; g++) {
        text_add(out, g ? ",\n" : "");
        add_nested(out, t, g);
    }
    text_add(out, "]}\n");
}

static bool write_text(struct text *out, const char *path, int64_t *ret_size, struct err *err)
{
    *ret_size = (int64_t)out->length;
    return sink_write(path, out->data, out->length, err);
}

bool vector_json(const struct plan_node *save, const double *rows, const char *path,
                 int64_t *ret_size, struct err *err)
{
    AUTO(text) struct text out = { 0 };
    struct table t;

    table_init(&t, save, rows);
    (t.dates ? add_series : add_cube)(&out, &t);
    table_done(&t);
    return write_text(&out, path, ret_size, err);
}

/* ---- CSV ---- */

bool vector_csv(const struct plan_node *save, const double *rows, const char *path,
                int64_t *ret_size, struct err *err)
{
    AUTO(text) struct text out = { 0 };
    struct table t;

    table_init(&t, save, rows);
    text_add(&out, t.dates ? "date,feature_index" : "feature_index");
    for (size_t column = 0; column < t.n_columns; column++) {
        text_add(&out, ",");
        csv_add_field(&out, t.names[column]);
    }
    text_add(&out, "\n");
    for (size_t date = 0; date < t.n_dates; date++) {
        char name[200] = "";

        if (t.dates)
            label_text(&t.dates->labels[date], name, sizeof name);
        for (size_t g = 0; g < t.n_geometries; g++) {
            csv_add_field(&out, name);
            text_printf(&out, t.dates ? ",%zu" : "%zu", g);
            for (size_t column = 0; column < t.n_columns; column++) {
                double value = cell(&t, date, g, column);

                text_add(&out, ",");
                if (isfinite(value))
                    add_number(&out, &t, value);
                else if (!isnan(value))
                    text_add(&out, value > 0 ? "inf" : "-inf");
            }
            text_add(&out, "\n");
        }
    }
    table_done(&t);
    return write_text(&out, path, ret_size, err);
}

/* ---- GeoJSON ---- */

static void add_properties(struct text *out, const struct table *t, size_t g)
{
    const char *kept = t->save->schema.geometries->list[g].properties;
    bool any = kept && strlen(kept) > 2;

    if (any)
        text_addn(out, kept, strlen(kept) - 1); /* the closing brace comes later */
    else
        text_add(out, "{");
    for (size_t date = 0; date < t->n_dates; date++) {
        for (size_t column = 0; column < t->n_columns; column++) {
            char label[200];
            AUTO(mem) char *name = NULL;

            if (t->dates)
                label_text(&t->dates->labels[date], label, sizeof label);
            if (t->dates && t->n_columns == 1 && !strcmp(t->names[column], "value"))
                name = mem_text(label);
            else
                name = t->dates ? mem_printf("%s~%s", label, t->names[column])
                                : mem_text(t->names[column]);
            text_add(out, any ? "," : "");
            any = true;
            add_json_text(out, name);
            text_add(out, ":");
            add_json(out, t, cell(t, date, g, column));
        }
    }
    text_add(out, "}");
}

bool vector_geojson(const struct plan_node *save, const double *rows, const char *path,
                    int64_t *ret_size, struct err *err)
{
    const struct geometries *all = save->schema.geometries;
    AUTO(text) struct text out = { 0 };
    struct table t;

    table_init(&t, save, rows);
    text_add(&out, "{\"type\":\"FeatureCollection\",\"features\":[");
    for (size_t g = 0; g < all->count; g++) {
        text_add(&out, g ? ",\n{\"type\":\"Feature\"," : "\n{\"type\":\"Feature\",");
        if (all->list[g].id)
            text_printf(&out, "\"id\":%s,", all->list[g].id);
        text_add(&out, "\"geometry\":");
        geometry_add_geojson(&out, &all->list[g]);
        text_add(&out, ",\"properties\":");
        add_properties(&out, &t, g);
        text_add(&out, "}");
    }
    text_add(&out, "\n]}\n");
    table_done(&t);
    return write_text(&out, path, ret_size, err);
}

/* ---- accuracy ---- */

/* The numbers of a column; NULL: there is none. */
static double *column_named(const struct table *t, const char *name)
{
    size_t column = 0;
    double *numbers;

    while (column < t->n_columns && strcmp(t->names[column], name))
        column++;
    if (column == t->n_columns)
        return NULL;
    numbers = mem_array(t->n_geometries, sizeof *numbers);
    for (size_t g = 0; g < t->n_geometries; g++)
        numbers[g] = cell(t, 0, g, column);
    return numbers;
}

static bool report_table(const struct table *t, json_t **ret_report, struct err *err)
{
    AUTO(mem) double *reference = column_named(t, "reference");
    AUTO(mem) double *found = column_named(t, "found");

    if (!reference || !found || t->n_dates != 1)
        return err_set(err, ERR_FormatUnsuitable, "An accuracy report is made of the labels 'reference' and 'found', of one date.");
    return accuracy_report(reference, found, t->n_geometries, json_object_get(t->save->save.options, "areas"), ret_report, err);
}

bool vector_accuracy(const struct plan_node *save, const double *rows, const char *path,
                     int64_t *ret_size, struct err *err)
{
    AUTO(json) json_t *report = NULL;
    AUTO(mem) char *text = NULL;
    struct table t;
    bool good;

    table_init(&t, save, rows);
    good = report_table(&t, &report, err);
    table_done(&t);
    if (!good)
        return false;
    text = json_dumps(report, JSON_INDENT(1) | JSON_REAL_PRECISION(9));
    *ret_size = (int64_t)strlen(text);
    return sink_write(path, text, strlen(text), err);
}
