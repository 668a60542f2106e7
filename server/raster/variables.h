/* A cube as files of variables have it (netCDF, Zarr): a variable for each band over the other
 * dimensions, y and x; coordinates beside them, with the attributes of the CF conventions. */
#ifndef RASTER_VARIABLES_H
#define RASTER_VARIABLES_H

#include "raster/sinks.h"
#include <ogr_srs_api.h>

enum { MOST_ATTRIBUTES = 4 };

struct attribute {
    const char *name, *text;
};

/* A dimension with its coordinates: numbers, texts, or both. */
struct axis {
    const char *name;
    char kind; /* 'x', 'y', 't' or 0 */
    size_t count;
    const double *numbers;     /* NULL: texts */
    const char *const *texts;
    const char *texts_name;    /* of texts beside numbers that do not say all; else NULL */
    struct attribute attributes[MOST_ATTRIBUTES + 1];
};

struct variable {
    const char *name, *label;
    double scale, offset;
    size_t n_planes;
    const size_t *planes; /* of the save, in the order of the outer axes, the last one fastest */
};

struct variables {
    size_t n_axes; /* y and x are the last two */
    const struct axis *axes;
    size_t n_variables;
    const struct variable *variables;
    OGRSpatialReferenceH crs; /* NULL: the grid has none */
};

/* All but crs in the arena. */
bool variables_of(struct arena *arena, const struct sink_file *file,
                  struct variables *ret_variables, struct err *err) MUST_USE;
void variables_done(struct variables *variables);
/* The place of plane `i` of a variable along each outer axis. */
void variables_place(const struct variables *variables, size_t i, size_t *ret_place);

#endif
