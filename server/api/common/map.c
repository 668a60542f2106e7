/* North is up; a degree of longitude is as wide as it is in the middle of the map. The view is what the areas span and a margin, as
 * wide as pages are; a grid of lines is chosen so that a few fall into it. Positions that would be drawn on each other are left out. */
#include "api/common/map.h"
#include "api/common/page.h"
#include "json/js.h"
#include <math.h>
#include <string.h>

/* Nothing that is drawn lies further out: boxes of collections, and of items without a geometry, may
 * hold any number. */
enum { FURTHEST = 720 };
enum { WIDTH = 1000, HEIGHT = 500, LINES = 8 }; /* of the drawing; at most so many lines, about */

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

struct view {
    struct box box;
    double across, down; /* units of the drawing in a degree */
    struct text *page;
};

static double x_of(const struct view *view, double longitude)
{
    return (clamp(longitude) - view->box.west) * view->across;
}

static double y_of(const struct view *view, double latitude)
{
    return (view->box.north - clamp(latitude)) * view->down;
}

/* Around `areas`, in the shape of the drawing. */
static struct view view_of(struct text *page, const struct box *areas)
{
    double middle = (areas->south + areas->north) / 2, squeeze = fmax(0.25, cos(middle * M_PI / 180));
    double wide = (areas->east - areas->west) * squeeze, high = areas->north - areas->south, span = fmax(wide / WIDTH, high / HEIGHT) * WIDTH;
    double west, per_degree;

    span = span > 0 ? fmax(1.16 * span, 1e-4) : 0.1;
    per_degree = WIDTH / span;
    west = (areas->west + areas->east) / 2 - span / squeeze / 2;
    return (struct view){ .box = { .west = west, .south = middle - span / 4, .east = west + span / squeeze, .north = middle + span / 4 },
                          .across = per_degree * squeeze,
                          .down = per_degree,
                          .page = page };
}

static void add_line(const struct view *view, const json_t *line, bool closed)
{
    size_t i, last = json_array_size(line) - 1;
    double x = -INFINITY, y = -INFINITY;
    json_t *position;

    json_array_foreach((json_t *)line, i, position) {
        double to_x = x_of(view, json_number_value(json_array_get(position, 0)));
        double to_y = y_of(view, json_number_value(json_array_get(position, 1)));

        if (i && i != last && hypot(to_x - x, to_y - y) < 0.3)
            continue;
        text_printf(view->page, "%c%.1f %.1f", i ? 'L' : 'M', to_x, to_y);
        x = to_x;
        y = to_y;
    }
    if (closed)
        text_add(view->page, "Z");
}

/* A line or ring is an array of positions; anything else holds such, at some depth. */
static void add_coordinates(const struct view *view, const json_t *coordinates, bool closed)
{
    json_t *inside;
    size_t i;

    if (is_position(coordinates)) { /* a small diamond */
        text_printf(view->page, "M%.1f %.1fm-4 0l4-4 4 4-4 4Z", x_of(view, json_number_value(json_array_get(coordinates, 0))),
                    y_of(view, json_number_value(json_array_get(coordinates, 1))));
    } else if (is_position(json_array_get(coordinates, 0))) {
        add_line(view, coordinates, closed);
    } else {
        json_array_foreach((json_t *)coordinates, i, inside)
            add_coordinates(view, inside, closed);
    }
}

static void add_geometry(const struct view *view, const json_t *geometry)
{
    const char *type = js_text(geometry, "type");
    json_t *inside;
    size_t i;

    if (type && !strcmp(type, "MultiPoint")) /* an array of positions, and no line */
        json_array_foreach(json_object_get(geometry, "coordinates"), i, inside)
            add_coordinates(view, inside, false);
    else
        add_coordinates(view, json_object_get(geometry, "coordinates"), type && text_ends(type, "Polygon"));
    json_array_foreach(json_object_get(geometry, "geometries"), i, inside)
        add_geometry(view, inside);
}

/* A box over 180 degrees is drawn to its east. */
static bool box_of(const json_t *bbox, struct box *ret_box)
{
    if (!read_bbox(bbox, ret_box))
        return false;
    if (ret_box->west > ret_box->east)
        ret_box->east += 360;
    return true;
}

static void add_box(const struct view *view, const json_t *bbox)
{
    struct box box;

    if (box_of(bbox, &box))
        text_printf(view->page, "M%.1f %.1fH%.1fV%.1fH%.1fZ", x_of(view, box.west), y_of(view, box.north), x_of(view, box.east),
                    y_of(view, box.south), x_of(view, box.west));
}

static void add_picture(const struct view *view, const struct map_area *area)
{
    struct box box;

    if (!area->picture || !box_of(area->bbox, &box))
        return;
    text_printf(view->page, "<image x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" preserveAspectRatio=\"none\" ", x_of(view, box.west),
                y_of(view, box.north), (box.east - box.west) * view->across, (box.north - box.south) * view->down);
    page_add(view->page, "href=\"%s\"/>", area->picture);
}

static void add_area(const struct view *view, const struct map_area *area)
{
    if (area->href)
        page_add(view->page, "<a href=\"%s\">", area->href);
    add_picture(view, area);
    page_add(view->page, "<path class=\"%s\" d=\"", area->picture ? "frame" : "area");
    if (area->geometry && !json_is_null(area->geometry))
        add_geometry(view, area->geometry);
    else
        add_box(view, area->bbox);
    page_add(view->page, "\"><title>%s</title></path>", area->title);
    text_add(view->page, area->href ? "</a>\n" : "\n");
}

/* ---- lines of latitude and longitude ---- */

/* The finest of 1, 2, 5, 10, 20, ... of some power of ten, of 30 and 60, that gives few lines. */
static double step_of(double degrees)
{
    static const double steps[] = { 1, 2, 5 };

    for (double power = 1e-5; power < 10; power *= 10)
        for (size_t i = 0; i < ARRAY_LEN(steps); i++)
            if (degrees / (steps[i] * power) <= LINES)
                return steps[i] * power;
    return degrees / 10 <= LINES ? 10 : degrees / 30 <= LINES ? 30 : 60;
}

/* "15.2°E", with the decimals of the step */
static void add_label(const struct view *view, double x, double y, double degrees, double step, const char *sides)
{
    int decimals = step < 1 ? (int)ceil(-log10(step) - 1e-9) : 0;

    text_printf(view->page, "<text x=\"%.1f\" y=\"%.1f\">%.*f°%.1s</text>", x, y, decimals, fabs(degrees),
                fabs(degrees) < step / 2 ? "" : degrees > 0 ? sides : sides + 1);
}

static void add_grid(const struct view *view)
{
    const struct box *box = &view->box;
    double step = step_of(box->east - box->west), south = fmax(box->south, -90), north = fmin(box->north, 90);
    double first = ceil(box->west / step), last = floor(box->east / step), lowest = ceil(south / step), highest = floor(north / step);

    text_add(view->page, "<path class=\"lines\" d=\"");
    for (double i = first; i <= last; i++)
        text_printf(view->page, "M%.1f %.1fV%.1f", x_of(view, i * step), y_of(view, north), y_of(view, south));
    for (double i = lowest; i <= highest; i++)
        text_printf(view->page, "M0 %.1fH%d", y_of(view, i * step), WIDTH);
    text_add(view->page, "\"/>\n<g class=\"degrees\">");
    for (double i = first; i <= last; i++)
        add_label(view, x_of(view, i * step) + 4, HEIGHT - 6, remainder(i * step, 360), step, "EW");
    for (double i = lowest; i <= highest; i++)
        add_label(view, 4, y_of(view, i * step) - 4, i * step, step, "NS");
    text_add(view->page, "</g>\n");
}

void map_add(struct text *page, const char *label, const struct map_area *areas, size_t count)
{
    struct box all = { INFINITY, INFINITY, -INFINITY, -INFINITY }, box;
    struct view view;

    for (size_t i = 0; i < count; i++) {
        if (areas[i].geometry && !json_is_null(areas[i].geometry)) {
            grow_by_geometry(&all, areas[i].geometry);
        } else if (box_of(areas[i].bbox, &box)) {
            grow(&all, box.west, box.south);
            grow(&all, box.east, box.north);
        }
    }
    if (!(all.west <= all.east))
        return;
    view = view_of(page, &all);
    text_printf(page, "<svg class=\"map\" role=\"img\" viewBox=\"0 0 %d %d\">", WIDTH, HEIGHT);
    page_add(page, "<title>%s</title>\n", label);
    add_grid(&view);
    for (size_t i = 0; i < count; i++)
        add_area(&view, &areas[i]);
    text_add(page, "</svg>\n");
}
