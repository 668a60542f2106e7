/* Points of the grid 2 km apart are looked for in the image, at the least and the largest height of the DEM. Between them positions
 * change by what lies between neighbours, so that much is added around. */
#include "sar/extent.h"
#include "base/mem.h"
#include <math.h>
#include <stdio.h>

static const double spacing = 2000;

struct bounds {
    double top, bottom, left, right;
};

static void add_point(const struct view *view, double longitude, double latitude, double height, struct bounds *b)
{
    struct view_place place;

    if (!view_find(view, latitude, longitude, height, &place))
        return;
    b->top = fmin(b->top, place.line);
    b->bottom = fmax(b->bottom, place.line);
    b->left = fmin(b->left, place.column);
    b->right = fmax(b->right, place.column);
}

/* A row of points across the grid, the last column included. */
static bool add_row(const struct view *view, const struct dem *dem, const struct grid *grid, double y, struct crs *crs,
                    struct bounds *b, struct err *err)
{
    double width = (double)grid->width * grid->dx;
    size_t n = (size_t)ceil(width / spacing) + 1;
    AUTO(mem) double *xs = mem_array(n, sizeof *xs), *ys = mem_array(n, sizeof *ys);
    char name[32];

    for (size_t i = 0; i < n; i++) {
        xs[i] = grid->x0 + fmin((double)i * spacing, width);
        ys[i] = y;
    }
    snprintf(name, sizeof name, "EPSG:%d", grid->epsg);
    if (!crs_transform(crs, name, "EPSG:4326", n, xs, ys))
        return err_set(err, ERR_Internal, "%s is not known.", name);
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(xs[i]) || !isfinite(ys[i]))
            continue;
        add_point(view, xs[i], ys[i], dem->lowest, b);
        add_point(view, xs[i], ys[i], dem->highest, b);
    }
    return true;
}

static int64_t within(double position, int64_t size)
{
    return position < 0 ? 0 : position > (double)size ? size : (int64_t)position;
}

bool sar_extent(const struct view *view, const struct dem *dem, const struct grid *grid, struct crs *crs,
                struct sar_window *ret_window, struct err *err)
{
    struct bounds b = { INFINITY, -INFINITY, INFINITY, -INFINITY };
    double height = (double)grid->height * grid->dy, lines = 1.5 * spacing / view->azimuth_spacing;
    double columns = 1.5 * spacing / view->range_spacing;
    int64_t top, bottom, left, right;

    for (double down = 0;; down = fmin(down + spacing, height)) {
        if (!add_row(view, dem, grid, grid->y0 - down, crs, &b, err))
            return false;
        if (down >= height)
            break;
    }
    *ret_window = (struct sar_window){ 0 };
    if (b.top > b.bottom)
        return true;
    top = within(b.top - lines, view->lines);
    bottom = within(b.bottom + lines + 1, view->lines);
    left = within(b.left - columns, view->samples);
    right = within(b.right + columns + 1, view->samples);
    *ret_window = (struct sar_window){ top, left, (size_t)(right - left), (size_t)(bottom - top) };
    return true;
}
