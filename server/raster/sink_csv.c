/* A small cube as a table: a row for each label of every dimension but bands, dates and other labels first, then rows and
 * columns of pixels by their centres; a column for each band. What is no-data is empty. */
#include "base/mem.h"
#include "base/text.h"
#include "graph/value.h"
#include "raster/sinks.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct table {
    const struct sink_file *file;
    const struct cube_schema *schema;
    const struct dimension *bands; /* NULL: one column */
    size_t stride;                 /* planes from a band to the next one */
    size_t n_columns;
    void **pixels;                 /* [n_columns] */
};

void csv_add_field(struct text *out, const char *field)
{
    if (!strpbrk(field, ",\"\r\n")) {
        text_add(out, field);
        return;
    }
    text_add(out, "\"");
    for (; *field; field++)
        text_printf(out, *field == '"' ? "\"\"" : "%c", *field);
    text_add(out, "\"");
}

static void add_label(struct text *out, const struct label *label)
{
    char text[200];

    label_text(label, text, sizeof text);
    csv_add_field(out, text);
}

static void table_init(struct table *t, const struct sink_file *file)
{
    *t = (struct table){ .file = file, .schema = &file->save->schema, .stride = 1, .n_columns = 1 };
    t->bands = cube_dimension_of(t->schema, DIM_BANDS);
    for (size_t i = t->schema->n_dimensions; t->bands && &t->schema->dimensions[i - 1] != t->bands; i--)
        if (!dimension_is_horizontal(&t->schema->dimensions[i - 1]))
            t->stride *= t->schema->dimensions[i - 1].count;
    if (t->bands)
        t->n_columns = t->bands->count;
    t->pixels = mem_array(t->n_columns, sizeof *t->pixels);
}

static void forget_pixels(struct table *t)
{
    for (size_t i = 0; i < t->n_columns; i++) {
        free(t->pixels[i]);
        t->pixels[i] = NULL;
    }
}

static const struct dimension *axis_of(const struct cube_schema *schema, char axis)
{
    for (size_t i = 0; i < schema->n_dimensions; i++)
        if (schema->dimensions[i].axis == axis)
            return &schema->dimensions[i];
    return NULL;
}

static void add_head(struct text *out, const struct table *t)
{
    const struct dimension *axes[] = { axis_of(t->schema, 'y'), axis_of(t->schema, 'x') };
    const char *mark = "";

    for (size_t i = 0; i < t->schema->n_dimensions; i++) {
        const struct dimension *d = &t->schema->dimensions[i];

        if (dimension_is_horizontal(d) || d == t->bands)
            continue;
        text_add(out, mark);
        csv_add_field(out, d->name);
        mark = ",";
    }
    for (size_t i = 0; i < ARRAY_LEN(axes); i++) {
        if (!axes[i])
            continue;
        text_add(out, mark);
        csv_add_field(out, axes[i]->name);
        mark = ",";
    }
    for (size_t i = 0; i < t->n_columns; i++) {
        text_add(out, mark);
        if (t->bands)
            add_label(out, &t->bands->labels[i]);
        else
            text_add(out, "value");
        mark = ",";
    }
    text_add(out, "\n");
}

/* What all rows of a plane begin with. */
static void add_labels(struct text *out, const struct table *t, size_t plane)
{
    for (size_t i = 0; i < t->schema->n_dimensions; i++) {
        const struct dimension *d = &t->schema->dimensions[i];

        if (dimension_is_horizontal(d) || d == t->bands)
            continue;
        add_label(out, &d->labels[cube_label_of(t->schema, i, plane)]);
        text_add(out, ",");
    }
}

static void add_value(struct text *out, const struct table *t, size_t column, size_t pixel)
{
    const struct pixel_kind *kind = &t->file->style.kind;
    double value = sink_value(kind, t->pixels[column], pixel);

    if (isfinite(value))
        text_printf(out, kind->pixel == PIXEL_F32 ? "%.9g" : "%.17g", value);
    else if (!isnan(value))
        text_add(out, value > 0 ? "inf" : "-inf");
}

static void add_rows(struct text *out, const struct table *t, const char *labels)
{
    const struct grid *g = &t->schema->grid;
    bool has_y = axis_of(t->schema, 'y'), has_x = axis_of(t->schema, 'x');

    for (int64_t y = 0; y < g->height; y++) {
        for (int64_t x = 0; x < g->width; x++) {
            text_add(out, labels);
            if (has_y)
                text_printf(out, "%.15g,", g->y0 - ((double)y + 0.5) * g->dy);
            if (has_x)
                text_printf(out, "%.15g,", g->x0 + ((double)x + 0.5) * g->dx);
            for (size_t column = 0; column < t->n_columns; column++) {
                text_add(out, column ? "," : "");
                add_value(out, t, column, (size_t)(y * g->width + x));
            }
            text_add(out, "\n");
        }
    }
}

/* The rows of the first band's planes, with those of the other bands beside them. */
static bool add_plane(struct text *out, struct table *t, size_t plane, struct err *err)
{
    AUTO(text) struct text labels = { 0 };
    bool good = true;

    text_add(&labels, "");
    add_labels(&labels, t, plane);
    for (size_t i = 0; good && i < t->n_columns; i++)
        good = sink_plane(t->file, plane + i * t->stride, &t->pixels[i], err);
    if (good)
        add_rows(out, t, labels.data);
    forget_pixels(t);
    return good;
}

bool sink_csv(const struct sink_file *file, int64_t *ret_size, struct err *err)
{
    AUTO(text) struct text out = { 0 };
    struct table t;
    bool good = true;

    table_init(&t, file);
    add_head(&out, &t);
    for (size_t plane = 0; good && plane < file->n_bands; plane++)
        if (plane / t.stride % t.n_columns == 0)
            good = add_plane(&out, &t, plane, err);
    free(t.pixels);
    *ret_size = (int64_t)out.length;
    return good && sink_write(file->path, out.data, out.length, err);
}
