/* The assembly's part in vector cubes: their numbers from those of zones, and their files. */
#ifndef RASTER_VECTORS_H
#define RASTER_VECTORS_H

#include "raster/pieces.h"

/* The numbers of all vector saves of a plan: [plane][geometry], by save; NULL for rasters. */
struct vector_rows {
    size_t n_saves;
    double **rows;
};
bool vector_rows_make(const struct pieces *pieces, const struct raster_options *options,
                      struct vector_rows **ret_rows, struct err *err) MUST_USE;
void vector_rows_free(struct vector_rows *rows);
DEFINE_AUTO(vector_rows, struct vector_rows *, vector_rows_free)

/* Writers of whole files. */
typedef bool vector_sink(const struct plan_node *save, const double *rows, const char *path,
                         int64_t *ret_size, struct err *err);
vector_sink vector_json, vector_csv, vector_geojson, vector_accuracy;

#endif
