/* Bounding boxes: read from arguments, brought into other reference systems, cut out of grids. The
 * outline of a box is followed with 21 points a side, because straight edges do not stay straight. */
#include "graph/planner.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { SIDE = 21, OUTLINE = 4 * SIDE };

static bool read_number(const struct call *call, const char *parameter, const struct value *box,
                        const char *name, double *ret, struct err *err)
{
    const struct value *v = value_member(box, name);
    AUTO(text) struct text found = { 0 };

    if (v && v->kind == KIND_NUMBER && isfinite(v->number)) {
        *ret = v->number;
        return true;
    }
    if (!v)
        return call_fail(call, err, ERR_ProcessParameterInvalid, parameter,
                         "the box has no '%s'.", name);
    value_describe(v, &found);
    return call_fail(call, err, ERR_ProcessParameterInvalid, parameter,
                     "'%s' is %s, expected a finite number.", name, found.data);
}

static const char *epsg_name(struct planner *p, int epsg)
{
    char name[32];

    snprintf(name, sizeof name, "EPSG:%d", epsg);
    return arena_text(p->arena, name);
}

static bool read_crs(const struct call *call, const char *parameter, const struct value *box,
                     struct extent *extent, struct err *err)
{
    const struct value *v = value_member(box, "crs");
    struct planner *p = call->planner;

    extent->geographic = true;
    extent->epsg = 4326;
    extent->crs = "EPSG:4326";
    if (!v || v->kind == KIND_NULL || (v->kind == KIND_NUMBER && v->number == 4326))
        return true;
    if (v->kind == KIND_NUMBER && v->number == nearbyint(v->number) && v->number >= 1000 &&
        v->number < 1e9)
        extent->crs = epsg_name(p, (int)v->number);
    else if (v->kind == KIND_STRING)
        extent->crs = v->text;
    else
        return call_fail(call, err, ERR_ProcessParameterInvalid, parameter,
                         "'crs' is an EPSG code or a WKT2 text.");
    if (!p->crs)
        p->crs = crs_open();
    if (!crs_known(p->crs, extent->crs, &extent->geographic))
        return call_fail(call, err, ERR_ProcessParameterInvalid, parameter,
                         "the reference system '%.80s' is not known.", extent->crs);
    extent->epsg = crs_epsg(p->crs, extent->crs);
    if (extent->epsg)
        extent->crs = epsg_name(p, extent->epsg);
    return true;
}

bool extent_read(const struct call *call, const char *parameter, const struct value *value,
                 struct extent *ret, struct err *err)
{
    struct extent e = { 0 };

    if (value_member(value, "type") && value_member(value, "west") == NULL)
        return call_fail(call, err, ERR_FeatureUnsupported, parameter,
                         "Only boxes (west, south, east, north) are offered, no geometries.");
    if (!read_number(call, parameter, value, "west", &e.west, err) ||
        !read_number(call, parameter, value, "south", &e.south, err) ||
        !read_number(call, parameter, value, "east", &e.east, err) ||
        !read_number(call, parameter, value, "north", &e.north, err) ||
        !read_crs(call, parameter, value, &e, err))
        return false;
    if (e.south > e.north)
        return call_fail(call, err, ERR_ProcessParameterInvalid, parameter,
                         "south (%g) lies north of north (%g).", e.south, e.north);
    if (!e.geographic && e.west > e.east)
        return call_fail(call, err, ERR_ProcessParameterInvalid, parameter,
                         "west (%g) lies east of east (%g).", e.west, e.east);
    if (e.geographic && (e.south < -90 || e.north > 90))
        return call_fail(call, err, ERR_ProcessParameterInvalid, parameter,
                         "latitudes lie between -90 and 90, found %g to %g.", e.south, e.north);
    if (e.geographic && (fabs(e.west) > 180 || fabs(e.east) > 180))
        return call_fail(call, err, ERR_ProcessParameterInvalid, parameter,
                         "longitudes lie between -180 and 180, found %g to %g.", e.west, e.east);
    *ret = e;
    return true;
}

static void outline(const struct extent *e, double *x, double *y)
{
    double east = e->geographic && e->west > e->east ? e->east + 360 : e->east;

    for (size_t i = 0; i < SIDE; i++) {
        double share = (double)i / (SIDE - 1);

        x[i] = x[SIDE + i] = e->west + (east - e->west) * share;
        y[i] = e->south;
        y[SIDE + i] = e->north;
        y[2 * SIDE + i] = y[3 * SIDE + i] = e->south + (e->north - e->south) * share;
        x[2 * SIDE + i] = e->west;
        x[3 * SIDE + i] = east;
    }
    x[SIDE - 1] = x[2 * SIDE - 1] = east; /* the ends exactly, whatever rounding did */
    y[3 * SIDE - 1] = y[4 * SIDE - 1] = e->north;
}

static bool transformed_outline(struct planner *p, const struct extent *e, const char *to,
                                double *x, double *y, struct err *err)
{
    if (!p->crs)
        p->crs = crs_open();
    outline(e, x, y);
    if (!crs_transform(p->crs, e->crs, to, OUTLINE, x, y))
        return err_set(err, ERR_ProcessParameterInvalid,
                       "The box cannot be brought from %.80s to %s", e->crs, to);
    for (size_t i = 0; i < OUTLINE; i++)
        if (!isfinite(x[i]) || !isfinite(y[i]))
            return err_set(err, ERR_ProcessParameterInvalid,
                           "The box %g, %g, %g, %g (%.80s) reaches where %s is not defined",
                           e->west, e->south, e->east, e->north, e->crs, to);
    return true;
}

static void envelope(const double *x, const double *y, double box[4])
{
    box[0] = box[2] = x[0];
    box[1] = box[3] = y[0];
    for (size_t i = 1; i < OUTLINE; i++) {
        box[0] = fmin(box[0], x[i]);
        box[1] = fmin(box[1], y[i]);
        box[2] = fmax(box[2], x[i]);
        box[3] = fmax(box[3], y[i]);
    }
}

bool extent_degrees(struct planner *p, const struct extent *e, double ret_box[4], struct err *err)
{
    double x[OUTLINE], y[OUTLINE];

    if (e->geographic && e->epsg == 4326) {
        memcpy(ret_box, (double[]){ e->west, e->south, e->east, e->north }, 4 * sizeof *ret_box);
        return true;
    }
    if (!transformed_outline(p, e, "EPSG:4326", x, y, err))
        return false;
    envelope(x, y, ret_box);
    if (ret_box[2] - ret_box[0] <= 180)
        return true;
    for (size_t i = 0; i < OUTLINE; i++) /* it lies across 180 degrees */
        x[i] += x[i] < 0 ? 360 : 0;
    envelope(x, y, ret_box);
    ret_box[2] -= ret_box[2] > 180 ? 360 : 0;
    return true;
}

bool extent_in(struct planner *p, const struct extent *e, int epsg, double ret_box[4],
               struct err *err)
{
    double x[OUTLINE], y[OUTLINE];
    char to[32];

    snprintf(to, sizeof to, "EPSG:%d", epsg);
    if (!transformed_outline(p, e, to, x, y, err))
        return false;
    envelope(x, y, ret_box);
    return true;
}

/* First and one past the last of `count` pixels whose centres lie in [low, high]; distances count
 * from the grid's origin. */
static void cut(double low, double high, double step, int64_t count, int64_t *ret_first,
                int64_t *ret_end)
{
    double first = fmax(ceil(low / step - 0.5), 0);
    double end = fmin(floor(high / step - 0.5) + 1, (double)count);

    *ret_first = first < end ? (int64_t)first : 0;
    *ret_end = first < end ? (int64_t)end : 0;
}

void grid_cut(struct grid *grid, const double box[4])
{
    int64_t left, right, top, bottom;

    cut(box[0] - grid->x0, box[2] - grid->x0, grid->dx, grid->width, &left, &right);
    cut(grid->y0 - box[3], grid->y0 - box[1], grid->dy, grid->height, &top, &bottom);
    grid->x0 += (double)left * grid->dx;
    grid->y0 -= (double)top * grid->dy;
    grid->width = right - left;
    grid->height = bottom - top;
}
