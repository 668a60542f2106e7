/* Sizes of pictures. A picture is computed on a grid a little finer than itself, which files have as an overview, and scaled
 * when it is drawn. */
#include "graph/picture.h"
#include "graph/formats.h"
#include <math.h>

static bool in_degrees(const struct grid *g)
{
    double right = g->x0 + g->dx * (double)g->width, bottom = g->y0 - g->dy * (double)g->height;

    return g->dx < 1 && g->dy < 1 && fabs(g->x0) <= 361 && fabs(right) <= 361 && fabs(g->y0) <= 91 && fabs(bottom) <= 91;
}

double grid_aspect(const struct grid *g)
{
    double middle = g->y0 - g->dy * (double)g->height / 2;

    return g->dx / g->dy * (in_degrees(g) ? fmax(0.05, cos(middle * M_PI / 180)) : 1);
}

static int64_t limit_of(const json_t *options, const char *name, int64_t most)
{
    const json_t *given = json_object_get(options, name);
    double number = json_number_value(given);

    return number >= 1 && number < (double)most ? (int64_t)number : most;
}

struct picture_size picture_fit(const struct grid *grid, const json_t *options, bool film)
{
    bool asked = json_object_get(options, "width") || json_object_get(options, "height");
    double width = (double)grid->width * grid_aspect(grid), height = (double)grid->height;
    double scale = fmin((double)limit_of(options, "width", FORMAT_WIDEST) / width,
                        (double)limit_of(options, "height", FORMAT_HIGHEST) / height);

    if (!asked && !film)
        return (struct picture_size){ 0, 0 };
    scale = asked ? scale : fmin(scale, 1);
    return (struct picture_size){ (int64_t)fmax(1, nearbyint(width * scale)), (int64_t)fmax(1, nearbyint(height * scale)) };
}

struct grid picture_grid(const struct grid *grid, struct picture_size size)
{
    struct grid coarse = *grid;

    while (coarse.width / 2 >= size.width && coarse.height / 2 >= size.height && size.width && size.height) {
        coarse.width /= 2;
        coarse.height /= 2;
        coarse.dx *= 2;
        coarse.dy *= 2;
    }
    return coarse;
}
