/* Where and when: each has one reader for its text and one for its JSON; both end in the same checks. */
#include "api/stac/extent.h"
#include "base/instant.h"
#include "base/text.h"
#include "json/geojson.h"
#include "json/js_text.h"
#include <ctype.h>
#include <math.h>
#include <string.h>

/* ---- datetime ---- */

/* The same instant as PostgreSQL reads it: T and Z in upper case. */
static bool read_instant(const char *text, const char *name, struct arena *arena,
                         const char **ret_text, int64_t *ret_ms, struct err *err)
{
    char *copy = arena_text(arena, text);

    if (!instant_parse(text, ret_ms) || text[10] == ' ')
        return err_set(err, ERR_InvalidParameter,
                       "%s: expected an RFC 3339 date and time with its zone, found '%.60s'", name, text);
    for (char *c = copy; *c; c++)
        *c = (char)toupper((unsigned char)*c);
    *ret_text = copy;
    return true;
}

static bool is_open(const char *text)
{
    return !*text || !strcmp(text, "..");
}

bool extent_datetime(const char *text, const char *name, struct arena *arena, const char **ret_start,
                     const char **ret_end, struct err *err)
{
    char *start = arena_text(arena, text), *end = strchr(start, '/');
    int64_t first = INSTANT_MIN, last = INSTANT_MAX;

    *ret_start = *ret_end = NULL;
    if (!end) {
        if (!read_instant(start, name, arena, ret_start, &first, err))
            return false;
        *ret_end = *ret_start;
        return true;
    }
    *end++ = '\0';
    if (is_open(start) && is_open(end))
        return err_set(err, ERR_InvalidParameter, "%s: an interval needs at least one end, found '%.60s'",
                       name, text);
    if ((!is_open(start) && !read_instant(start, name, arena, ret_start, &first, err)) ||
        (!is_open(end) && !read_instant(end, name, arena, ret_end, &last, err)))
        return false;
    if (first > last)
        return err_set(err, ERR_InvalidParameter, "%s: the interval ends before it starts: '%.80s'", name,
                       text);
    return true;
}

/* ---- bbox ---- */

static bool check_box(const double *n, size_t count, const char *name, struct arena *arena,
                      const char **ret_geometry, struct err *err)
{
    size_t half = count / 2;
    double box[4] = { n[0], n[1], n[half], n[half + 1] };
    AUTO(text) struct text geometry = { 0 };

    for (size_t i = 0; i < 4; i++)
        if (!(fabs(box[i]) <= (i % 2 ? 90 : 180)))
            return err_set(err, ERR_InvalidParameter, "%s: %g is outside [%d, %d]", name, box[i],
                           i % 2 ? -90 : -180, i % 2 ? 90 : 180);
    if (box[1] > box[3])
        return err_set(err, ERR_InvalidParameter, "%s: south (%g) is north of north (%g)", name, box[1],
                       box[3]);
    if (count == 6 && n[2] > n[5])
        return err_set(err, ERR_InvalidParameter, "%s: the lower height (%g) is above the upper (%g)",
                       name, n[2], n[5]);
    geojson_add_box(&geometry, box);
    *ret_geometry = arena_text(arena, geometry.data);
    return true;
}

static bool refuse_count(const char *name, size_t count, struct err *err)
{
    return err_set(err, ERR_InvalidParameter, "%s: expected 4 or 6 numbers, found %zu", name, count);
}

bool extent_bbox(const char *text, const char *name, struct arena *arena, const char **ret_geometry,
                 struct err *err)
{
    char *rest = arena_text(arena, text), *part;
    double numbers[6];
    size_t count = 0;

    while ((part = strsep(&rest, ","))) {
        double number;

        if (!text_to_number(part, &number))
            return err_set(err, ERR_InvalidParameter, "%s: expected numbers, found '%.40s'", name, part);
        if (count < 6)
            numbers[count] = number;
        count++;
    }
    if (count != 4 && count != 6)
        return refuse_count(name, count, err);
    return check_box(numbers, count, name, arena, ret_geometry, err);
}

bool extent_bbox_json(const json_t *array, struct arena *arena, const char **ret_geometry,
                      struct err *err)
{
    size_t count = json_array_size(array);
    double numbers[6];

    if (count != 4 && count != 6)
        return refuse_count("/bbox", count, err);
    for (size_t i = 0; i < count; i++) {
        if (!json_is_number(json_array_get(array, i)))
            return js_refuse(json_array_get(array, i), "/bbox", "numbers", err);
        numbers[i] = json_number_value(json_array_get(array, i));
    }
    return check_box(numbers, count, "/bbox", arena, ret_geometry, err);
}

/* ---- intersects ---- */

bool extent_geometry_json(const json_t *geometry, const char *pointer, struct arena *arena,
                          const char **ret_geometry, struct err *err)
{
    AUTO(text) struct text text = { 0 };

    if (!geojson_check(geometry, pointer, EXTENT_MAX_VERTICES, err)) {
        err->code = ERR_InvalidParameter;
        return false;
    }
    js_text_add(&text, geometry);
    *ret_geometry = arena_text(arena, text.data);
    return true;
}

bool extent_geometry(const char *text, struct arena *arena, const char **ret_geometry, struct err *err)
{
    AUTO(json) json_t *geometry = NULL;

    if (!js_parse(text, strlen(text), 16, &geometry, err)) {
        err->code = ERR_InvalidParameter;
        return err_prefix(err, "intersects");
    }
    return extent_geometry_json(geometry, "intersects", arena, ret_geometry, err);
}
