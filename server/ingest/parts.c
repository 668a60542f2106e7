/* Footprints that cross 180 degrees are drawn on longitudes 0..360 first and cut at 180 by clipping
 * the ring against the half-planes left and right of it (Sutherland and Hodgman's way, right for the
 * convex outlines of satellite images). */
#include "ingest/parts.h"
#include "base/instant.h"
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void item_put_text(json_t *object, const char *key, const char *text)
{
    if (text && *text)
        json_object_set_new(object, key, json_string(text));
}

void item_put_number(json_t *object, const char *key, double number)
{
    if (isnan(number))
        return;
    json_object_set_new(object, key, number == trunc(number) && fabs(number) < 1e15
                                         ? json_integer((json_int_t)number)
                                         : json_real(number));
}

json_t *item_text_list(const char *first, ...)
{
    json_t *list = json_array();
    va_list more;

    va_start(more, first);
    for (const char *text = first; text; text = va_arg(more, const char *))
        json_array_append_new(list, json_string(text));
    va_end(more);
    return list;
}

void item_put_bbox(json_t *item, const double bbox[4])
{
    json_object_set_new(item, "bbox", json_pack("[f,f,f,f]", bbox[0], bbox[1], bbox[2], bbox[3]));
}

static bool crosses(const struct ring *ring)
{
    for (size_t i = 0; i < ring->n; i++)
        if (fabs(ring->at[i][0] - ring->at[(i + 1) % ring->n][0]) > 180)
            return true;
    return false;
}

/* The part of the ring where side * (x - 180) <= 0. */
static void clip(const struct ring *ring, double side, struct ring *part)
{
    part->n = 0;
    for (size_t i = 0; i < ring->n; i++) {
        const double *a = ring->at[i], *b = ring->at[(i + 1) % ring->n];
        bool a_in = side * (a[0] - 180) <= 0, b_in = side * (b[0] - 180) <= 0;

        if (a_in && part->n < RING_MAX) {
            part->at[part->n][0] = a[0];
            part->at[part->n++][1] = a[1];
        }
        if (a_in != b_in && part->n < RING_MAX) {
            part->at[part->n][0] = 180;
            part->at[part->n++][1] = a[1] + (b[1] - a[1]) * (180 - a[0]) / (b[0] - a[0]);
        }
    }
}

static void widen(double bbox[4], const struct ring *ring)
{
    for (size_t i = 0; i < ring->n; i++) {
        bbox[0] = fmin(bbox[0], ring->at[i][0]), bbox[1] = fmin(bbox[1], ring->at[i][1]);
        bbox[2] = fmax(bbox[2], ring->at[i][0]), bbox[3] = fmax(bbox[3], ring->at[i][1]);
    }
}

/* [ring]: closed and counter-clockwise. */
static json_t *polygon(const struct ring *ring)
{
    json_t *list = json_array();
    double area = 0;

    for (size_t i = 0; i < ring->n; i++) {
        const double *a = ring->at[i], *b = ring->at[(i + 1) % ring->n];

        area += a[0] * b[1] - b[0] * a[1];
    }
    for (size_t i = 0; i <= ring->n; i++) {
        size_t k = area >= 0 ? i % ring->n : (ring->n - i) % ring->n;

        json_array_append_new(list, json_pack("[f,f]", ring->at[k][0], ring->at[k][1]));
    }
    return json_pack("[o]", list);
}

json_t *footprint_geometry(const struct ring *ring, double ret_bbox[4])
{
    AUTO(mem) struct ring *whole = mem_alloc(sizeof *whole), *west = NULL, *east = NULL;
    json_t *parts;

    *whole = *ring;
    ret_bbox[0] = ret_bbox[1] = INFINITY;
    ret_bbox[2] = ret_bbox[3] = -INFINITY;
    if (!crosses(ring)) {
        widen(ret_bbox, ring);
        return json_pack("{s:s,s:o}", "type", "Polygon", "coordinates", polygon(ring));
    }
    west = mem_alloc(sizeof *west), east = mem_alloc(sizeof *east);
    for (size_t i = 0; i < whole->n; i++)
        whole->at[i][0] += whole->at[i][0] < 0 ? 360 : 0;
    clip(whole, 1, west);
    clip(whole, -1, east);
    widen(ret_bbox, whole);
    ret_bbox[2] -= 360;
    for (size_t i = 0; i < east->n; i++)
        east->at[i][0] -= 360;
    parts = json_array();
    if (west->n >= 3)
        json_array_append_new(parts, polygon(west));
    if (east->n >= 3)
        json_array_append_new(parts, polygon(east));
    return json_pack("{s:s,s:o}", "type", "MultiPolygon", "coordinates", parts);
}

bool item_put_footprint(json_t *item, const char *positions)
{
    AUTO(mem) struct ring *ring = mem_alloc(sizeof *ring);
    double bbox[4], lat, lon;
    int used;

    while (positions && ring->n < RING_MAX &&
           sscanf(positions, " %lf%*[, ]%lf%n", &lat, &lon, &used) == 2) {
        if (!(fabs(lat) <= 90 && fabs(lon) <= 180))
            return false;
        ring->at[ring->n][0] = lon;
        ring->at[ring->n++][1] = lat;
        positions += used;
    }
    if (ring->n > 1 && !memcmp(ring->at[0], ring->at[ring->n - 1], sizeof ring->at[0]))
        ring->n--;
    if (ring->n < 3)
        return false;
    json_object_set_new(item, "geometry", footprint_geometry(ring, bbox));
    item_put_bbox(item, bbox);
    return true;
}

json_t *item_new(const char *id, const char *collection, const char *const *extensions)
{
    json_t *list = json_array();

    for (; *extensions; extensions++)
        json_array_append_new(list, json_string(*extensions));
    return json_pack("{s:s,s:s,s:o,s:s,s:s,s:n,s:n,s:{},s:{},s:[]}", "type", "Feature", "stac_version",
                     "1.0.0", "stac_extensions", list, "id", id, "collection", collection, "geometry",
                     "bbox", "properties", "assets", "links");
}

json_t *item_add_asset(json_t *item, const struct container *container, const char *file,
                       const char *key, const char *title, const char *type, const char *role)
{
    AUTO(arena) struct arena *arena = arena_new();
    json_t *asset = json_object();

    item_put_text(asset, "href", container_href(container, file, arena));
    item_put_text(asset, "title", title);
    item_put_text(asset, "type", type);
    json_object_set_new(asset, "roles", item_text_list(role, NULL));
    json_object_set_new(json_object_get(item, "assets"), key, asset);
    return asset;
}

void item_stamp(json_t *item)
{
    char now[INSTANT_TEXT_SIZE];

    instant_format(instant_now(), now);
    item_put_text(json_object_get(item, "properties"), "created", now);
    item_put_text(json_object_get(item, "properties"), "updated", now);
}
