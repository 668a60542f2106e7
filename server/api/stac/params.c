/* Each parameter has one reader for its text and one for its JSON; both end in the same checks. */
#include "api/stac/params.h"
#include "auth/auth.h"
#include "base/instant.h"
#include "json/geojson.h"
#include "json/js_text.h"
#include <ctype.h>
#include <math.h>
#include <stdio.h>
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

bool params_datetime(const char *text, const char *name, struct arena *arena, const char **ret_start,
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

bool params_bbox(const char *text, const char *name, struct arena *arena, const char **ret_geometry,
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

static bool bbox_of_json(const json_t *array, struct arena *arena, const char **ret_geometry,
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

static bool read_geometry(const json_t *geometry, const char *pointer, struct arena *arena,
                          const char **ret_geometry, struct err *err)
{
    AUTO(text) struct text text = { 0 };

    if (!geojson_check(geometry, pointer, PARAMS_MAX_VERTICES, err)) {
        err->code = ERR_InvalidParameter;
        return false;
    }
    js_text_add(&text, geometry);
    *ret_geometry = arena_text(arena, text.data);
    return true;
}

static bool intersects_of_text(const char *text, struct arena *arena, const char **ret_geometry,
                               struct err *err)
{
    AUTO(json) json_t *geometry = NULL;

    if (!js_parse(text, strlen(text), 16, &geometry, err)) {
        err->code = ERR_InvalidParameter;
        return err_prefix(err, "intersects");
    }
    return read_geometry(geometry, "intersects", arena, ret_geometry, err);
}

/* ---- tokens ---- */

/* "next 12 2023-08-15 09:58:11.662+00|id" */
const char *params_token(const struct item_row *row, bool backwards, struct arena *arena)
{
    AUTO(mem) char *text = mem_printf("%s %lld %s|%s", backwards ? "prev" : "next",
                                      (long long)row->collection_number, row->datetime, row->id);
    AUTO(mem) char *sealed = auth_seal(text);

    return arena_text(arena, sealed);
}

static bool read_token(const char *sealed, struct arena *arena, struct search_params *params,
                       struct err *err)
{
    AUTO(mem) char *text = NULL;
    struct err ignored = { 0 };
    long long collection;
    int used = 0;
    char *copy, *bar;

    if (!auth_unseal(sealed, &text, &ignored) || strlen(text) < 5 ||
        sscanf(text + 5, "%lld %n", &collection, &used) != 1 || !strchr(text + 5 + used, '|'))
        return err_set(err, ERR_InvalidParameter, "token: was not given by this service");
    copy = arena_text(arena, text + 5 + used);
    bar = strchr(copy, '|');
    *bar = '\0';
    params->cursor = (struct item_cursor){ .datetime = copy, .id = bar + 1, .collection = collection };
    params->has_cursor = true;
    params->backwards = text_begins(text, "prev");
    return true;
}

/* ---- lists and numbers ---- */

static bool list_of_text(const char *text, const char *name, struct arena *arena, size_t *ret_count,
                         const char *const **ret_list, struct err *err)
{
    const char **list = arena_array(arena, PARAMS_MAX_LIST, sizeof *list);
    char *rest = arena_text(arena, text), *part;
    size_t count = 0;

    while ((part = strsep(&rest, ","))) {
        if (!*part)
            continue;
        if (count == PARAMS_MAX_LIST)
            return err_set(err, ERR_InvalidParameter, "%s: expected at most %d values", name,
                           PARAMS_MAX_LIST);
        list[count++] = part;
    }
    if (count == 0)
        return err_set(err, ERR_InvalidParameter, "%s: is empty", name);
    *ret_count = count;
    *ret_list = list;
    return true;
}

/* An empty list is no condition: clients send it so. */
static bool list_of_json(const json_t *array, const char *pointer, struct arena *arena,
                         size_t *ret_count, const char *const **ret_list, struct err *err)
{
    size_t count = json_array_size(array);
    const char **list = arena_array(arena, count + 1, sizeof *list);

    for (size_t i = 0; i < count; i++) {
        AUTO(mem) char *place = js_pointer_index(pointer, i);

        if (!json_is_string(json_array_get(array, i)))
            return js_refuse(json_array_get(array, i), place, "a string", err);
        list[i] = arena_text(arena, json_string_value(json_array_get(array, i)));
    }
    *ret_count = count;
    *ret_list = list;
    return true;
}

/* Above the largest page the largest page is given, as OGC API - Features wants it. */
static bool set_limit(double number, const char *name, int64_t max_limit,
                      struct search_params *params, struct err *err)
{
    if (number != trunc(number) || !(number >= 1))
        return err_set(err, ERR_InvalidParameter, "%s: expected a whole number from 1, found %g", name,
                       number);
    params->limit = number > (double)max_limit ? max_limit : (int64_t)number;
    return true;
}

static bool one_place(const struct search_params *params, struct err *err)
{
    return !params->geometry ||
           err_set(err, ERR_InvalidParameter, "intersects: cannot be given together with bbox");
}

bool params_from_query(const char *name, const char *value, int64_t max_limit, struct arena *arena,
                       struct search_params *params, bool *ret_known, struct err *err)
{
    double number;

    *ret_known = true;
    if (!strcmp(name, "limit")) {
        if (!text_to_number(value, &number))
            return err_set(err, ERR_InvalidParameter, "limit: expected a whole number, found '%.40s'",
                           value);
        return set_limit(number, "limit", max_limit, params, err);
    }
    if (!strcmp(name, "datetime"))
        return params_datetime(value, "datetime", arena, &params->start, &params->end, err);
    if (!strcmp(name, "bbox"))
        return one_place(params, err) && params_bbox(value, "bbox", arena, &params->geometry, err);
    if (!strcmp(name, "token"))
        return read_token(value, arena, params, err);
    if (!strcmp(name, "intersects"))
        return one_place(params, err) && intersects_of_text(value, arena, &params->geometry, err);
    if (!strcmp(name, "ids"))
        return list_of_text(value, "ids", arena, &params->n_ids, &params->ids, err);
    if (!strcmp(name, "collections"))
        return list_of_text(value, "collections", arena, &params->n_collections, &params->collections,
                            err);
    *ret_known = false;
    return true;
}

struct body {
    const json_t *bbox, *intersects, *ids, *collections;
    const char *datetime, *token;
    double limit;
};

static const struct js_field body_fields[] = {
    JS_ARRAY(struct body, bbox, .optional = true, .nullable = true),
    JS_OBJECT(struct body, intersects, .optional = true, .nullable = true),
    JS_ARRAY(struct body, ids, .optional = true, .nullable = true, .max_len = PARAMS_MAX_LIST),
    JS_ARRAY(struct body, collections, .optional = true, .nullable = true, .max_len = PARAMS_MAX_LIST),
    JS_STRING(struct body, datetime, .optional = true, .nullable = true),
    JS_STRING(struct body, token, .optional = true, .nullable = true),
    JS_NUMBER(struct body, limit, 0, 0, .optional = true, .nullable = true, .fallback_number = NAN),
    JS_END,
};

bool params_from_json(const json_t *body, int64_t max_limit, struct arena *arena,
                      struct search_params *params, struct err *err)
{
    struct body in;

    if (!js_read(body, "", body_fields, JS_REFUSE_UNKNOWN, &in, err))
        return false;
    if (in.bbox && in.intersects)
        return err_set(err, ERR_InvalidParameter, "/intersects: cannot be given together with bbox");
    if (!isnan(in.limit) && !set_limit(in.limit, "/limit", max_limit, params, err))
        return false;
    if (in.datetime && !params_datetime(in.datetime, "/datetime", arena, &params->start, &params->end, err))
        return false;
    if (in.bbox && !bbox_of_json(in.bbox, arena, &params->geometry, err))
        return false;
    if (in.intersects && !read_geometry(in.intersects, "/intersects", arena, &params->geometry, err))
        return false;
    if (in.ids && !list_of_json(in.ids, "/ids", arena, &params->n_ids, &params->ids, err))
        return false;
    if (in.collections &&
        !list_of_json(in.collections, "/collections", arena, &params->n_collections,
                      &params->collections, err))
        return false;
    return !in.token || read_token(in.token, arena, params, err);
}
