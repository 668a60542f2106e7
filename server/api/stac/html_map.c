/* Degrees are drawn as they are, north up (y is minus the latitude). The view is what the areas span
 * and a margin; a grid of lines is chosen so that a few fall into it. */
#include "api/stac/html_map.h"
#include "api/common/page.h"
#include "json/js.h"
#include <math.h>

/* Nothing that is drawn lies further out: boxes of collections, and of items without a geometry, may
 * hold any number. */
enum { FURTHEST = 720 };

struct box {
    double west, south, east, north;
};

static double clamp(double degrees)
{
    return fmin(fmax(degrees, -FURTHEST), FURTHEST);
}

static void grow(struct box *box, double x, double y)
{
    x = clamp(x);
    y = clamp(y);
    box->west = fmin(box->west, x);
    box->east = fmax(box->east, x);
    box->south = fmin(box->south, y);
    box->north = fmax(box->north, y);
}

static bool is_position(const json_t *value)
{
    return json_is_number(json_array_get(value, 0)) && json_is_number(json_array_get(value, 1));
}

/* Of all positions below. */
static void grow_by_coordinates(struct box *box, const json_t *coordinates)
{
    json_t *inside;
    size_t i;

    if (is_position(coordinates)) {
        grow(box, json_number_value(json_array_get(coordinates, 0)),
             json_number_value(json_array_get(coordinates, 1)));
        return;
    }
    json_array_foreach((json_t *)coordinates, i, inside)
        grow_by_coordinates(box, inside);
}

static void grow_by_geometry(struct box *box, const json_t *geometry)
{
    json_t *inside;
    size_t i;

    grow_by_coordinates(box, json_object_get(geometry, "coordinates"));
    json_array_foreach(json_object_get(geometry, "geometries"), i, inside)
        grow_by_geometry(box, inside);
}

static bool read_bbox(const json_t *bbox, struct box *ret_box)
{
    size_t half = json_array_size(bbox) / 2;

    if (half < 2)
        return false;
    ret_box->west = json_number_value(json_array_get(bbox, 0));
    ret_box->south = json_number_value(json_array_get(bbox, 1));
    ret_box->east = json_number_value(json_array_get(bbox, half));
    ret_box->north = json_number_value(json_array_get(bbox, half + 1));
    return true;
}

/* ---- drawing ---- */

static void add_line(struct text *page, const json_t *line, bool closed)
{
    json_t *position;
    size_t i;

    json_array_foreach((json_t *)line, i, position)
        text_printf(page, "%c%.5g %.5g", i ? 'L' : 'M', json_number_value(json_array_get(position, 0)),
                    -json_number_value(json_array_get(position, 1)));
    if (closed)
        text_add(page, "Z");
}

/* A line or ring is an array of positions; anything else holds such, at some depth. */
static void add_coordinates(struct text *page, const json_t *coordinates, bool closed)
{
    json_t *inside;
    size_t i;

    if (is_position(coordinates)) {
        text_printf(page, "M%.5g %.5gh0.0001", json_number_value(json_array_get(coordinates, 0)),
                    -json_number_value(json_array_get(coordinates, 1)));
    } else if (is_position(json_array_get(coordinates, 0))) {
        add_line(page, coordinates, closed);
    } else {
        json_array_foreach((json_t *)coordinates, i, inside)
            add_coordinates(page, inside, closed);
    }
}

static void add_geometry(struct text *page, const json_t *geometry)
{
    const char *type = js_text(geometry, "type");
    json_t *inside;
    size_t i;

    add_coordinates(page, json_object_get(geometry, "coordinates"), type && text_ends(type, "Polygon"));
    json_array_foreach(json_object_get(geometry, "geometries"), i, inside)
        add_geometry(page, inside);
}

/* A box over 180 degrees is drawn to its east. */
static void add_box(struct text *page, const json_t *bbox)
{
    struct box box;

    if (!read_bbox(bbox, &box))
        return;
    if (box.west > box.east)
        box.east += 360;
    text_printf(page, "M%.5g %.5gH%.5gV%.5gH%.5gZ", box.west, -box.north, box.east, -box.south, box.west);
}

static void add_grid(struct text *page, const struct box *view)
{
    static const double steps[] = { 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60 };
    double span = fmax(view->east - view->west, view->north - view->south), step = steps[0];

    for (size_t i = 0; i < ARRAY_LEN(steps) && span / step > 8; i++)
        step = steps[i];
    text_add(page, "<path class=\"lines\" vector-effect=\"non-scaling-stroke\" d=\"");
    for (double x = ceil(view->west / step) * step; x <= view->east; x += step)
        text_printf(page, "M%.5g %.5gV%.5g", x, -view->north, -view->south);
    for (double y = ceil(view->south / step) * step; y <= view->north; y += step)
        text_printf(page, "M%.5g %.5gH%.5g", view->west, -y, view->east);
    text_add(page, "\"/>");
}

void map_add(struct text *page, const char *label, const struct map_area *areas, size_t count)
{
    struct box view = { INFINITY, INFINITY, -INFINITY, -INFINITY }, box;
    double margin;

    for (size_t i = 0; i < count; i++) {
        if (areas[i].geometry && !json_is_null(areas[i].geometry)) {
            grow_by_geometry(&view, areas[i].geometry);
        } else if (read_bbox(areas[i].bbox, &box)) {
            grow(&view, box.west, box.south);
            grow(&view, box.west > box.east ? box.east + 360 : box.east, box.north);
        }
    }
    if (!(view.west <= view.east))
        return;
    margin = 0.08 * fmax(view.east - view.west, view.north - view.south) + 0.05;
    view = (struct box){ view.west - margin, view.south - margin, view.east + margin, view.north + margin };
    text_printf(page, "<svg class=\"map\" role=\"img\" viewBox=\"%.6g %.6g %.6g %.6g\">", view.west,
                -view.north, view.east - view.west, view.north - view.south);
    page_add(page, "<title>%s</title>", label);
    add_grid(page, &view);
    for (size_t i = 0; i < count; i++) {
        if (areas[i].href)
            page_add(page, "<a href=\"%s\">", areas[i].href);
        text_add(page, "<path class=\"area\" vector-effect=\"non-scaling-stroke\" d=\"");
        if (areas[i].geometry && !json_is_null(areas[i].geometry))
            add_geometry(page, areas[i].geometry);
        else
            add_box(page, areas[i].bbox);
        page_add(page, "\"><title>%s</title></path>", areas[i].title);
        text_add(page, areas[i].href ? "</a>" : "");
    }
    text_add(page, "</svg>\n");
}
