/* Questions about grids and schemas; nothing here knows where pixels come from. */
#include "graph/cube.h"
#include <math.h>
#include <string.h>

static const struct {
    const char *name;
    size_t size;
    double least, greatest; /* of integers */
} pixels[] = {
    [PIXEL_U8] = { "uint8", 1, 0, UINT8_MAX },
    [PIXEL_I8] = { "int8", 1, INT8_MIN, INT8_MAX },
    [PIXEL_U16] = { "uint16", 2, 0, UINT16_MAX },
    [PIXEL_I16] = { "int16", 2, INT16_MIN, INT16_MAX },
    [PIXEL_U32] = { "uint32", 4, 0, UINT32_MAX },
    [PIXEL_I32] = { "int32", 4, INT32_MIN, INT32_MAX },
    [PIXEL_F32] = { "float32", 4, 0, 0 },
    [PIXEL_F64] = { "float64", 8, 0, 0 },
    [PIXEL_BOOL] = { "uint8", 1, 0, UINT8_MAX },
};

size_t pixel_size(enum pixel pixel)
{
    return pixels[pixel].size;
}

const char *pixel_name(enum pixel pixel)
{
    return pixels[pixel].name;
}

bool pixel_holds(enum pixel pixel, double value)
{
    return pixel == PIXEL_F32 || pixel == PIXEL_F64 ||
           (value >= pixels[pixel].least && value <= pixels[pixel].greatest &&
            value == nearbyint(value));
}

/* Further away than any place on Earth in any unit, finer than any pixel. */
bool grid_is_sound(const struct grid *g)
{
    static const double farthest = 1e9, finest = 1e-9;

    return g->width > 0 && g->height > 0 && g->dx >= finest && g->dy >= finest &&
           fabs(g->x0) <= farthest && fabs(g->y0) <= farthest &&
           (double)g->width * g->dx <= farthest && (double)g->height * g->dy <= farthest;
}

bool grid_equal(const struct grid *a, const struct grid *b)
{
    return a->epsg == b->epsg && a->x0 == b->x0 && a->y0 == b->y0 && a->dx == b->dx &&
           a->dy == b->dy && a->width == b->width && a->height == b->height;
}

/* Coordinates come from JSON and affine transforms, so a whole number of pixels is one up to a
 * thousandth; resolutions must agree so well that the error over 2^20 pixels stays below that. */
static bool whole_pixels(double distance, double step, int64_t *ret_pixels)
{
    double pixels_off = distance / step;

    if (!isfinite(pixels_off) || fabs(pixels_off) > 1e15 ||
        fabs(pixels_off - nearbyint(pixels_off)) > 1e-3)
        return false;
    *ret_pixels = (int64_t)nearbyint(pixels_off);
    return true;
}

bool grid_same_lattice(const struct grid *a, const struct grid *b, int64_t *ret_dx,
                       int64_t *ret_dy)
{
    int64_t dx, dy;

    if (a->epsg != b->epsg || fabs(a->dx - b->dx) > a->dx * 1e-9 ||
        fabs(a->dy - b->dy) > a->dy * 1e-9)
        return false;
    if (!whole_pixels(b->x0 - a->x0, a->dx, &dx) || !whole_pixels(a->y0 - b->y0, a->dy, &dy))
        return false;
    *ret_dx = dx;
    *ret_dy = dy;
    return true;
}

bool dimension_is_horizontal(const struct dimension *d)
{
    return d->axis == 'x' || d->axis == 'y' || d->axis == 'g';
}

bool cube_has_grid(const struct cube_schema *schema)
{
    size_t axes = 0;

    for (size_t i = 0; i < schema->n_dimensions; i++)
        axes += schema->dimensions[i].axis == 'x' || schema->dimensions[i].axis == 'y';
    return axes == 2;
}

size_t cube_planes(const struct cube_schema *schema)
{
    size_t planes = 1;

    for (size_t i = 0; i < schema->n_dimensions; i++) {
        const struct dimension *d = &schema->dimensions[i];

        if (!dimension_is_horizontal(d))
            planes *= d->count;
    }
    return planes;
}

size_t cube_label_of(const struct cube_schema *schema, size_t dimension, size_t plane)
{
    for (size_t i = schema->n_dimensions; i-- > dimension + 1;)
        if (!dimension_is_horizontal(&schema->dimensions[i]))
            plane /= schema->dimensions[i].count;
    return plane % schema->dimensions[dimension].count;
}

const struct dimension *cube_dimension(const struct cube_schema *schema, const char *name)
{
    for (size_t i = 0; i < schema->n_dimensions; i++)
        if (!strcmp(schema->dimensions[i].name, name))
            return &schema->dimensions[i];
    return NULL;
}

const struct dimension *cube_dimension_of(const struct cube_schema *schema, enum dimension_type type)
{
    for (size_t i = 0; i < schema->n_dimensions; i++)
        if (schema->dimensions[i].type == type)
            return &schema->dimensions[i];
    return NULL;
}
