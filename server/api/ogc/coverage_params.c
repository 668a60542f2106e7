/* Parameters of coverages and maps, as OGC API - Coverages and - Maps have them. A box may come as bbox or as subsets of the
 * axes, whose names are those of the coverage's reference system, written as anybody does. */
#include "api/ogc/collections.h"
#include "base/text.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

int coverage_crs(const char *name)
{
    static const char *const heads[] = { "http://www.opengis.net/def/crs/EPSG/0/", "https://www.opengis.net/def/crs/EPSG/0/",
                                         "urn:ogc:def:crs:EPSG::", "[EPSG:", "EPSG:" };
    char *end;
    long code;

    if (strlen(name) >= 5 && !strncasecmp(name + strlen(name) - 5, "CRS84", 5))
        return 4326;
    if (strlen(name) >= 6 && !strncasecmp(name + strlen(name) - 6, "CRS84]", 6))
        return 4326;
    for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
        if (strncasecmp(name, heads[i], strlen(heads[i])))
            continue;
        code = strtol(name + strlen(heads[i]), &end, 10);
        if (*heads[i] == '[' && *end == ']')
            end++;
        return !*end && code > 1000 && code < 100000 ? (int)code : 0;
    }
    return 0;
}

static bool refuse(const char *name, const char *expected, const char *value, struct err *err)
{
    AUTO(mem) char *message = mem_printf("%s: expected %s, found '%.100s'", name, expected, value);

    text_repair_utf8(message);
    return err_set(err, ERR_InvalidQueryValue, "%s", message);
}

/* Exactly n numbers with commas between. */
static bool read_numbers(const char *text, size_t n, double *ret)
{
    AUTO(mem) char *copy = mem_text(text);
    char *rest = copy, *one;
    size_t i = 0;

    while ((one = strsep(&rest, ","))) {
        if (i == n || !text_to_number(one, &ret[i]) || !isfinite(ret[i]))
            return false;
        i++;
    }
    return i == n;
}

static bool read_size(const char *text, int64_t *ret)
{
    double number;

    if (!text_to_number(text, &number) || !(number >= 1 && number <= COVERAGE_LARGEST_SIDE) || number != floor(number))
        return false;
    *ret = (int64_t)number;
    return true;
}

static bool read_bbox(struct coverage_wish *w, const char *name, const char *value, struct err *err)
{
    if (!read_numbers(value, 4, w->box))
        return refuse(name, "four numbers: least x, least y, most x, most y", value, err);
    if (!(w->box[0] < w->box[2] && w->box[1] < w->box[3]))
        return refuse(name, "the least numbers before the larger ones (no box across 180 degrees)", value, err);
    w->has_box[0] = w->has_box[1] = true;
    return true;
}

/* 0 for x, 1 for y, 2: the time, -1: none. */
static int axis_of(const char *name, size_t length)
{
    static const struct { const char *name; int axis; } names[] = {
        { "lon", 0 }, { "long", 0 }, { "longitude", 0 }, { "x", 0 }, { "e", 0 }, { "easting", 0 },
        { "lat", 1 }, { "latitude", 1 }, { "y", 1 }, { "n", 1 }, { "northing", 1 },
    };

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (strlen(names[i].name) == length && !strncasecmp(names[i].name, name, length))
            return names[i].axis;
    return -1;
}

/* "Lon(15:16)": the axis, and what is in the parentheses; *at moves past the comma that follows. */
static bool next_axis(const char **at, int *ret_axis, char **ret_inside)
{
    const char *open = strchr(*at, '('), *close = open ? strchr(open, ')') : NULL;

    if (!close || (close[1] && close[1] != ','))
        return false;
    *ret_axis = axis_of(*at, (size_t)(open - *at));
    if (*ret_axis < 0)
        return false;
    *ret_inside = mem_textn(open + 1, (size_t)(close - open - 1));
    *at = close + 1 + (close[1] == ',');
    return true;
}

static bool read_subset(struct coverage_wish *w, const char *name, const char *value, struct err *err)
{
    const char *at = value;
    int axis;

    while (*at) {
        AUTO(mem) char *inside = NULL;
        char *colon;
        double least, most;

        if (!next_axis(&at, &axis, &inside) || !(colon = strchr(inside, ':')))
            return refuse(name, "axes and intervals, such as Lon(15:15.5),Lat(45:46)", value, err);
        *colon = '\0';
        if (!text_to_number(inside, &least) || !text_to_number(colon + 1, &most) || !(least < most) || !isfinite(most - least))
            return refuse(name, "a lower and an upper number of each axis", value, err);
        w->box[axis] = least;
        w->box[axis + 2] = most;
        w->has_box[axis] = true;
    }
    return true;
}

static bool read_scale_size(struct coverage_wish *w, const char *name, const char *value, struct err *err)
{
    const char *at = value;
    int axis;

    while (*at) {
        AUTO(mem) char *inside = NULL;

        if (!next_axis(&at, &axis, &inside) || !read_size(inside, axis ? &w->height : &w->width))
            return refuse(name, "axes and numbers of pixels up to 8192, such as Lon(256),Lat(256)", value, err);
    }
    return true;
}

static bool read_side(struct coverage_wish *w, const char *name, const char *value, struct err *err)
{
    return read_size(value, strcmp(name, "width") ? &w->height : &w->width) || refuse(name, "a number of pixels from 1 to 8192", value, err);
}

static bool read_factor(struct coverage_wish *w, const char *name, const char *value, struct err *err)
{
    return (text_to_number(value, &w->scale) && w->scale > 0 && isfinite(w->scale)) ||
           refuse(name, "a number above 0: how many times coarser", value, err);
}

static bool read_crs(struct coverage_wish *w, const char *name, const char *value, struct err *err)
{
    int code = coverage_crs(value);

    *(strcmp(name, "crs") ? &w->box_epsg : &w->epsg) = code;
    return code || refuse(name, "CRS84 or a system of EPSG", value, err);
}

static bool read_range(struct coverage_wish *w, const char *name, const char *value, struct err *err)
{
    w->has_range = true;
    return (read_numbers(value, 2, w->range) && w->range[0] < w->range[1]) ||
           refuse(name, "two numbers, the first one less than the second one", value, err);
}

static bool read_format(struct coverage_wish *w, const char *name, const char *value, struct err *err)
{
    static const char *const names[] = { "geotiff", "tiff", "png", "image/tiff", "image/tiff; application=geotiff", "image/png" };

    (void)w;
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (!strcasecmp(names[i], value))
            return true;
    return refuse(name, "geotiff of a coverage, png of a map", value, err);
}

bool coverage_param(struct coverage_wish *wish, const char *name, const char *value, bool *ret_known, struct err *err)
{
    static const struct {
        const char *name;
        bool (*read)(struct coverage_wish *wish, const char *name, const char *value, struct err *err);
    } params[] = {
        { "bbox", read_bbox }, { "subset", read_subset }, { "scale-size", read_scale_size }, { "scalesize", read_scale_size },
        { "width", read_side }, { "height", read_side }, { "scale-factor", read_factor }, { "crs", read_crs },
        { "bbox-crs", read_crs }, { "subset-crs", read_crs }, { "range", read_range }, { "f", read_format },
    };

    *ret_known = true;
    for (size_t i = 0; i < ARRAY_LEN(params); i++)
        if (!strcasecmp(params[i].name, name))
            return params[i].read(wish, params[i].name, value, err);
    *ret_known = false;
    return true;
}
