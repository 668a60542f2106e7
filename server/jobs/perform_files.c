/* What is told of the files that a plan made, as fields of STAC. */
#include "base/instant.h"
#include "jobs/perform.h"
#include "jobs/results_stac.h"
#include "json/js.h"
#include <math.h>
#include <string.h>

static json_t *grid_fields(const struct grid *g)
{
    double right = g->x0 + g->dx * (double)g->width, bottom = g->y0 - g->dy * (double)g->height;
    AUTO(mem) char *code = mem_printf("EPSG:%d", g->epsg);

    return json_pack("{s:i, s:s, s:[I,I], s:[f,f,f,f,f,f,i,i,i], s:[f,f,f,f]}", "proj:epsg", g->epsg,
                     "proj:code", code, "proj:shape", (json_int_t)g->height, (json_int_t)g->width,
                     "proj:transform", g->dx, 0.0, g->x0, 0.0, -g->dy, g->y0, 0, 0, 1, "proj:bbox",
                     g->x0, bottom, right, g->y0);
}

/* STAC 1.1 allows numbers alone in statistics. */
static json_t *statistics(const struct raster_band_stats *b)
{
    const struct { const char *name; double value; } rows[] = {
        { "minimum", b->minimum }, { "maximum", b->maximum }, { "mean", b->mean },
        { "stddev", b->stddev }, { "valid_percent", b->valid_percent },
    };
    json_t *values = json_object();

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (isfinite(rows[i].value))
            json_object_set_new(values, rows[i].name, json_real(rows[i].value));
    return values;
}

/* The members have the same names in "bands" of STAC 1.1 and "raster:bands" of 1.0. */
static json_t *band_fields(const struct raster_file *file)
{
    json_t *bands = json_array();

    for (size_t i = 0; i < file->n_bands; i++) {
        const struct raster_band_stats *b = &file->bands[i];
        json_t *band = json_pack("{s:s}", "data_type", pixel_name(file->pixel));
        AUTO(json) json_t *values = statistics(b);

        if (json_object_size(values))
            json_object_set(band, "statistics", values);
        if (b->name)
            json_object_set_new(band, "name", json_string(b->name));
        if (file->has_nodata)
            json_object_set_new(band, "nodata",
                                isnan(file->nodata) ? json_string("nan") : json_real(file->nodata));
        json_array_append_new(bands, band);
    }
    return bands;
}

json_t *perform_sources(const struct plan *plan)
{
    json_t *sources = json_array();

    for (size_t i = 0; plan && i < plan->n_sources; i++)
        json_array_append_new(sources,
                              json_pack("{s:s, s:s}", "collection", plan->sources[i]->collection,
                                        "id", plan->sources[i]->id));
    return sources;
}

static void add_time(json_t *fields, const char *name, int64_t ms)
{
    char text[INSTANT_TEXT_SIZE];

    json_object_set_new(fields, name, json_string(instant_format(ms, text)));
}

/* The date of the file's own label, or the range of the scenes that it was made of. */
static void add_times(json_t *fields, const struct plan *plan, int64_t instant_ms)
{
    int64_t start = INSTANT_MAX, end = INSTANT_MIN;

    if (instant_ms != INSTANT_MIN) {
        add_time(fields, "datetime", instant_ms);
        return;
    }
    for (size_t i = 0; i < plan->n_sources; i++) {
        int64_t at = plan->sources[i]->instant_ms;

        start = at < start ? at : start;
        end = at > end ? at : end;
    }
    if (start > end)
        return;
    add_time(fields, "start_datetime", start);
    add_time(fields, "end_datetime", end);
}

/* What was made of images of a radar. */
static void add_backscatter(json_t *fields, const struct plan *plan)
{
    json_t *list = json_array();

    for (size_t i = 0; i < plan->n_nodes; i++) {
        const struct plan_node *node = plan->nodes[i];
        const struct radar_args *radar = node->op == PLAN_LOAD && cube_planes(&node->schema) ? node->load[0].radar : NULL;

        if (radar && radar->coefficient)
            json_array_append_new(list, json_pack("{s:s, s:s*, s:b}", "coefficient", radar->coefficient, "elevation_model",
                                                  radar->elevation_model, "noise_removal", radar->remove_noise));
    }
    if (json_array_size(list))
        json_object_set(fields, "sentier:backscatter", list);
    json_decref(list);
}

json_t *perform_file_fields(const struct plan *plan, const struct raster_file *file)
{
    json_t *fields = json_pack("{s:[s], s:o}", "roles", "data", "derived_from",
                               perform_sources(plan));
    double box[4];

    if (file->has_grid) {
        AUTO(json) json_t *grid = grid_fields(&file->grid);

        json_object_update(fields, grid);
        if (raster_degrees(&file->grid, box))
            json_object_set_new(fields, "bbox",
                                json_pack("[f,f,f,f]", box[0], box[1], box[2], box[3]));
    }
    if (file->n_bands > 0) {
        json_object_set_new(fields, "bands", band_fields(file));
        json_object_set_new(fields, "raster:bands", band_fields(file)); /* for readers of STAC 1.0 */
    }
    add_times(fields, plan, file->instant_ms);
    add_backscatter(fields, plan);
    return fields;
}
