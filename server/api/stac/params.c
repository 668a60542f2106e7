/* One table: each parameter with where it may stand and a reader for its text and for its JSON, which
 * end in the same checks. What depends on other parameters (the language of a filter, the order a
 * token belongs to) is noted and settled by params_finish(). */
#include "api/stac/params.h"
#include "api/stac/extent.h"
#include "api/stac/words.h"
#include "json/js.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

static const char crs84[] = "http://www.opengis.net/def/crs/OGC/1.3/CRS84";

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

/* An empty list is no condition, and a single text is a list of one: clients send them so. */
static bool list_of_json(const json_t *array, const char *pointer, struct arena *arena,
                         size_t *ret_count, const char *const **ret_list, struct err *err)
{
    size_t count = json_array_size(array);
    const char **list = arena_array(arena, count + 1, sizeof *list);

    if (json_is_string(array)) {
        *list = arena_text(arena, json_string_value(array));
        *ret_count = 1;
        *ret_list = list;
        return true;
    }
    if (!json_is_array(array))
        return js_refuse(array, pointer, "an array", err);
    if (count > PARAMS_MAX_LIST)
        return err_set(err, ERR_InvalidParameter, "%s: expected at most %d values", pointer,
                       PARAMS_MAX_LIST);
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
static bool set_limit(struct search_params *p, double number, const char *name, struct err *err)
{
    if (number != trunc(number) || !(number >= 1))
        return err_set(err, ERR_InvalidParameter, "%s: expected a whole number from 1, found %g", name,
                       number);
    p->search.limit = number > (double)p->max_limit ? p->max_limit : (int64_t)number;
    return true;
}

static bool limit_text(struct search_params *p, const char *value, struct err *err)
{
    double number;

    if (!text_to_number(value, &number))
        return err_set(err, ERR_InvalidParameter, "limit: expected a whole number, found '%.40s'", value);
    return set_limit(p, number, "limit", err);
}

static bool limit_json(struct search_params *p, const json_t *value, struct err *err)
{
    return json_is_number(value) ? set_limit(p, json_number_value(value), "/limit", err)
                                 : js_refuse(value, "/limit", "a number", err);
}

/* A member that must be a string. */
static bool string_json(struct search_params *p, const json_t *value, const char *pointer,
                        const char **ret_text, struct err *err)
{
    if (!json_is_string(value))
        return js_refuse(value, pointer, "a string", err);
    *ret_text = arena_text(p->arena, json_string_value(value));
    return true;
}

/* ---- what, where and when ---- */

static bool ids_text(struct search_params *p, const char *value, struct err *err)
{
    return list_of_text(value, "ids", p->arena, &p->search.where.n_ids, &p->search.where.ids, err);
}

static bool ids_json(struct search_params *p, const json_t *value, struct err *err)
{
    return list_of_json(value, "/ids", p->arena, &p->search.where.n_ids, &p->search.where.ids, err);
}

static bool collections_text(struct search_params *p, const char *value, struct err *err)
{
    return list_of_text(value, "collections", p->arena, &p->search.where.n_collections, &p->search.where.collections,
                        err);
}

static bool collections_json(struct search_params *p, const json_t *value, struct err *err)
{
    return list_of_json(value, "/collections", p->arena, &p->search.where.n_collections,
                        &p->search.where.collections, err);
}

static bool datetime_text(struct search_params *p, const char *value, struct err *err)
{
    return extent_datetime(value, "datetime", p->arena, &p->search.where.start, &p->search.where.end, err);
}

static bool datetime_json(struct search_params *p, const json_t *value, struct err *err)
{
    const char *text = NULL;

    return string_json(p, value, "/datetime", &text, err) &&
           extent_datetime(text, "/datetime", p->arena, &p->search.where.start, &p->search.where.end, err);
}

static bool one_place(const struct search_params *p, const char *name, struct err *err)
{
    return !p->search.where.geometry ||
           err_set(err, ERR_InvalidParameter, "%s: bbox and intersects cannot be given together", name);
}

static bool bbox_text(struct search_params *p, const char *value, struct err *err)
{
    return one_place(p, "bbox", err) && extent_bbox(value, "bbox", p->arena, &p->search.where.geometry, err);
}

static bool bbox_json(struct search_params *p, const json_t *value, struct err *err)
{
    if (!json_is_array(value))
        return js_refuse(value, "/bbox", "an array", err);
    return one_place(p, "/bbox", err) && extent_bbox_json(value, p->arena, &p->search.where.geometry, err);
}

static bool intersects_text(struct search_params *p, const char *value, struct err *err)
{
    return one_place(p, "intersects", err) && extent_geometry(value, p->arena, &p->search.where.geometry, err);
}

static bool intersects_json(struct search_params *p, const json_t *value, struct err *err)
{
    if (!json_is_object(value))
        return js_refuse(value, "/intersects", "an object", err);
    return one_place(p, "/intersects", err) &&
           extent_geometry_json(value, "/intersects", p->arena, &p->search.where.geometry, err);
}

static bool q_text(struct search_params *p, const char *value, struct err *err)
{
    return words_from_text(value, p->arena, &p->search.where.words, err);
}

static bool q_json(struct search_params *p, const json_t *value, struct err *err)
{
    return words_from_json(value, p->arena, &p->search.where.words, err);
}

/* ---- filters ---- */

static bool filter_text(struct search_params *p, const char *value, struct err *err)
{
    (void)err;
    p->filter_text = value;
    return true;
}

static bool filter_json(struct search_params *p, const json_t *value, struct err *err)
{
    p->filter_in_body = true;
    if (json_is_string(value))
        return string_json(p, value, "/filter", &p->filter_text, err);
    p->filter_json = value;
    return true;
}

static bool set_filter_lang(struct search_params *p, const char *name, const char *value, struct err *err)
{
    if (strcmp(value, "cql2-text") && strcmp(value, "cql2-json"))
        return err_set(err, ERR_InvalidParameter, "%s: expected cql2-text or cql2-json, found '%.60s'", name,
                       value);
    p->filter_lang = value;
    return true;
}

static bool filter_lang_text(struct search_params *p, const char *value, struct err *err)
{
    return set_filter_lang(p, "filter-lang", value, err);
}

static bool filter_lang_json(struct search_params *p, const json_t *value, struct err *err)
{
    const char *text = NULL;

    return string_json(p, value, "/filter-lang", &text, err) &&
           set_filter_lang(p, "/filter-lang", text, err);
}

static bool is_crs84(const char *name, const char *value, struct err *err)
{
    return !strcmp(value, crs84) ||
           err_set(err, ERR_InvalidParameter, "%s: only %s is offered, found '%.100s'", name, crs84, value);
}

static bool filter_crs_text(struct search_params *p, const char *value, struct err *err)
{
    (void)p;
    return is_crs84("filter-crs", value, err);
}

static bool filter_crs_json(struct search_params *p, const json_t *value, struct err *err)
{
    const char *text = NULL;

    return string_json(p, value, "/filter-crs", &text, err) && is_crs84("/filter-crs", text, err);
}

static bool query_text(struct search_params *p, const char *value, struct err *err)
{
    (void)err;
    p->query_text = value;
    return true;
}

static bool query_json(struct search_params *p, const json_t *value, struct err *err)
{
    (void)err;
    p->query_json = value;
    return true;
}

/* ---- order and form of the answer ---- */

static bool add_sort(struct search_params *p, struct item_sort *sorts, const char *name, bool descending,
                     const char *place, struct err *err)
{
    if (text_begins(name, "properties."))
        name += strlen("properties.");
    if (!*name)
        return err_set(err, ERR_InvalidParameter, "%s: expected the name of a property", place);
    for (size_t i = 0; i < p->search.n_sorts; i++)
        if (!strcmp(sorts[i].property, name))
            return err_set(err, ERR_InvalidParameter, "%s: '%.60s' is named twice", place, name);
    if (p->search.n_sorts == SEARCH_MAX_SORTS)
        return err_set(err, ERR_InvalidParameter, "%s: expected at most %d properties", place,
                       SEARCH_MAX_SORTS);
    sorts[p->search.n_sorts++] = (struct item_sort){ .property = name, .descending = descending };
    return true;
}

static struct item_sort *begin_sorts(struct search_params *p)
{
    struct item_sort *sorts = arena_array(p->arena, SEARCH_MAX_SORTS, sizeof *sorts);

    p->search.n_sorts = 0;
    p->search.sorts = sorts;
    return sorts;
}

/* A plus that was not encoded arrives as a blank. */
static bool sortby_text(struct search_params *p, const char *value, struct err *err)
{
    struct item_sort *sorts = begin_sorts(p);
    char *rest = arena_text(p->arena, value), *name;

    while ((name = strsep(&rest, ","))) {
        bool sign = *name && strchr("+- ", *name);

        if (!add_sort(p, sorts, name + sign, *name == '-', "sortby", err))
            return false;
    }
    return true;
}

struct sort_input {
    const char *field, *direction;
};
static const char *const directions[] = { "asc", "desc", NULL };
static const struct js_field sort_fields[] = {
    JS_STRING(struct sort_input, field),
    JS_STRING(struct sort_input, direction, .fallback = "asc", .choice = directions, .optional = true),
    JS_END,
};

static bool sortby_json(struct search_params *p, const json_t *value, struct err *err)
{
    struct item_sort *sorts = begin_sorts(p);
    json_t *sort;
    size_t i;

    if (!json_is_array(value))
        return js_refuse(value, "/sortby", "an array of {\"field\", \"direction\"}", err);
    json_array_foreach((json_t *)value, i, sort) {
        AUTO(mem) char *place = js_pointer_index("/sortby", i);
        struct sort_input in;

        if (!js_read(sort, place, sort_fields, JS_REFUSE_UNKNOWN, &in, err) ||
            !add_sort(p, sorts, arena_text(p->arena, in.field), !strcmp(in.direction, "desc"), place, err))
            return false;
    }
    return true;
}

static const char *const *default_fields(const struct search_params *p)
{
    return p->where == PARAMS_COLLECTIONS ? fields_of_collections : fields_of_items;
}

static bool fields_text(struct search_params *p, const char *value, struct err *err)
{
    return fields_from_text(value, default_fields(p), p->arena, &p->fields, err);
}

static bool fields_json(struct search_params *p, const json_t *value, struct err *err)
{
    return fields_from_json(value, default_fields(p), p->arena, &p->fields, err);
}

static bool set_count(struct search_params *p, const char *name, const char *value, struct err *err)
{
    static const struct { const char *name; enum item_count count; } counts[] = {
        { "none", COUNT_NONE }, { "exact", COUNT_EXACT }, { "capped", COUNT_CAPPED },
        { "estimated", COUNT_ESTIMATED },
    };

    for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
        if (!strcmp(value, counts[i].name)) {
            p->search.count = counts[i].count;
            p->has_count = true;
            return true;
        }
    }
    return err_set(err, ERR_InvalidParameter,
                   "%s: expected none, exact, capped or estimated, found '%.40s'", name, value);
}

static bool count_text(struct search_params *p, const char *value, struct err *err)
{
    return set_count(p, "count", value, err);
}

static bool count_json(struct search_params *p, const json_t *value, struct err *err)
{
    const char *text = NULL;

    return string_json(p, value, "/count", &text, err) && set_count(p, "/count", text, err);
}

static bool token_text(struct search_params *p, const char *value, struct err *err)
{
    (void)err;
    p->token = value;
    return true;
}

static bool token_json(struct search_params *p, const json_t *value, struct err *err)
{
    return string_json(p, value, "/token", &p->token, err);
}

static bool aggregations_text(struct search_params *p, const char *value, struct err *err)
{
    return list_of_text(value, "aggregations", p->arena, &p->n_aggregations, &p->aggregations, err);
}

static bool aggregations_json(struct search_params *p, const json_t *value, struct err *err)
{
    return list_of_json(value, "/aggregations", p->arena, &p->n_aggregations, &p->aggregations, err);
}

/* "datetime_frequency_interval", "grid_geohash_frequency_precision" */
static bool is_option(const struct search_params *p, const char *name)
{
    return p->where & (PARAMS_AGGREGATE | PARAMS_COLLECTION_AGGREGATE) &&
           (text_ends(name, "_interval") || text_ends(name, "_precision"));
}

static bool add_option(struct search_params *p, const char *name, const char *value, const char *place,
                       struct err *err)
{
    if (p->n_options == PARAMS_MAX_OPTIONS)
        return err_set(err, ERR_InvalidParameter, "%.60s: expected at most %d options", place,
                       PARAMS_MAX_OPTIONS);
    p->options[p->n_options++] = (struct params_option){ arena_text(p->arena, name),
                                                         arena_text(p->arena, value) };
    return true;
}

static bool option_json(struct search_params *p, const char *name, const json_t *value, struct err *err)
{
    AUTO(mem) char *place = js_pointer("", name);

    if (json_is_integer(value)) {
        AUTO(mem) char *number = mem_printf("%" JSON_INTEGER_FORMAT, json_integer_value(value));

        return add_option(p, name, number, place, err);
    }
    return json_is_string(value) ? add_option(p, name, json_string_value(value), place, err)
                                 : js_refuse(value, place, "a string or a whole number", err);
}

/* Read by the server before any handler, or by language.c: only their place is told here. */
static bool elsewhere(struct search_params *p, const char *value, struct err *err)
{
    (void)p, (void)value, (void)err;
    return true;
}

/* ---- the table ---- */

enum {
    PAGES = PARAMS_SEARCH | PARAMS_ITEMS,
    COUNTS = PARAMS_AGGREGATE | PARAMS_COLLECTION_AGGREGATE,
    WITHIN = PAGES | COUNTS,
    ALL = WITHIN | PARAMS_COLLECTIONS,
    GLOBAL = PARAMS_SEARCH | PARAMS_AGGREGATE,
};

static const struct parameter {
    const char *name;
    unsigned where;
    bool (*text)(struct search_params *p, const char *value, struct err *err);
    bool (*json)(struct search_params *p, const json_t *value, struct err *err); /* NULL: not in bodies */
    bool null; /* null says something in a body; else it is as if the member were not there */
} table[] = {
    { "bbox", ALL, bbox_text, bbox_json, false },
    { "datetime", ALL, datetime_text, datetime_json, false },
    { "intersects", WITHIN, intersects_text, intersects_json, false },
    { "ids", WITHIN, ids_text, ids_json, false },
    { "collections", GLOBAL, collections_text, collections_json, false },
    { "filter", ALL, filter_text, filter_json, false },
    { "filter-lang", ALL, filter_lang_text, filter_lang_json, false },
    { "filter-crs", ALL, filter_crs_text, filter_crs_json, false },
    { "query", ALL, query_text, query_json, false },
    { "q", ALL, q_text, q_json, false },
    { "sortby", PAGES | PARAMS_COLLECTIONS, sortby_text, sortby_json, false },
    { "fields", PAGES | PARAMS_COLLECTIONS, fields_text, fields_json, true },
    { "limit", PAGES | PARAMS_COLLECTIONS, limit_text, limit_json, false },
    { "token", PAGES | PARAMS_COLLECTIONS, token_text, token_json, false },
    { "count", PAGES, count_text, count_json, false },
    { "aggregations", COUNTS, aggregations_text, aggregations_json, false },
    { "language", ALL, elsewhere, NULL, false },
    { "f", ALL, elsewhere, NULL, false },
};

static const struct parameter *find(const struct search_params *p, const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        if (!strcmp(table[i].name, name) && table[i].where & p->where)
            return &table[i];
    return NULL;
}

/* Names that are spelled alike, else all. */
static bool refuse_name(const struct search_params *p, const char *what, const char *place, bool in_body,
                        struct err *err)
{
    AUTO(text) struct text near = { 0 }, all = { 0 };
    const char *name = place + in_body;

    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        if (!(table[i].where & p->where) || (in_body && !table[i].json))
            continue;
        text_printf(&all, "%s%s", all.length ? ", " : "", table[i].name);
        if (text_is_near(name, table[i].name))
            text_printf(&near, "%s%s", near.length ? " or " : "", table[i].name);
    }
    if (near.length)
        return err_set(err, ERR_InvalidParameter, "%.60s: %s; did you mean %s?", place, what, near.data);
    return err_set(err, ERR_InvalidParameter, "%.60s: %s; there are %s", place, what, all.data);
}

void params_init(struct search_params *params, enum params_where where, int64_t limit, int64_t max_limit,
                 struct arena *arena)
{
    *params = (struct search_params){ .where = where, .arena = arena, .max_limit = max_limit,
                                      .search.limit = limit };
}

bool params_from_query(struct search_params *params, const char *name, const char *value, struct err *err)
{
    const struct parameter *parameter = find(params, name);

    if (!parameter && is_option(params, name))
        return add_option(params, name, value, name, err);
    if (!parameter)
        return refuse_name(params, "there is no such parameter here", name, false, err);
    return parameter->text(params, value, err);
}

bool params_from_json(struct search_params *params, const json_t *body, struct err *err)
{
    const char *key;
    json_t *value;

    if (!json_is_object(body))
        return js_refuse(body, "/", "an object", err);
    json_object_foreach((json_t *)body, key, value) {
        const struct parameter *parameter = find(params, key);

        if (!parameter && is_option(params, key)) {
            if (!option_json(params, key, value, err))
                return false;
            continue;
        }
        if (!parameter || !parameter->json) {
            AUTO(mem) char *pointer = mem_printf("/%.60s", key);

            return refuse_name(params, "there is no such member here", pointer, true, err);
        }
        if (json_is_null(value) && !parameter->null)
            continue;
        if (!parameter->json(params, value, err))
            return false;
    }
    return true;
}

/* ---- after the last ---- */

/* In a query string JSON is said by filter-lang; in a body a string is text only when filter-lang says
 * so. */
static bool read_filter(struct search_params *p, struct err *err)
{
    bool in_body = p->filter_in_body;
    const char *place = in_body ? "/filter" : "filter",
               *lang = p->filter_lang ? p->filter_lang : in_body ? "cql2-json" : "cql2-text";
    bool is_json = !strcmp(lang, "cql2-json");
    AUTO(json) json_t *parsed = NULL;

    if (in_body && is_json != (p->filter_json != NULL))
        return err_set(err, ERR_InvalidParameter, "/filter: filter-lang is %s: expected %s, found %s", lang,
                       is_json ? "an object" : "a string",
                       p->filter_json ? js_type_name(p->filter_json) : "a string");
    if (p->filter_json)
        return cql2_parse_json(p->filter_json, place, p->arena, &p->filter, err);
    if (!p->filter_text)
        return true;
    if (!is_json)
        return cql2_parse_text(p->filter_text, strlen(p->filter_text), p->arena, &p->filter, err) ||
               err_prefix(err, "%s", place);
    if (!js_parse(p->filter_text, strlen(p->filter_text), CQL2_MAX_DEPTH * 2 + 8, &parsed, err)) {
        err->code = ERR_InvalidParameter;
        return err_prefix(err, "filter");
    }
    return cql2_parse_json(parsed, place, p->arena, &p->filter, err);
}

static bool read_query(struct search_params *p, struct err *err)
{
    AUTO(json) json_t *parsed = NULL;
    struct cql2_node *query = NULL;

    if (p->query_text && !js_parse(p->query_text, strlen(p->query_text), 16, &parsed, err)) {
        err->code = ERR_InvalidParameter;
        return err_prefix(err, "query");
    }
    if (!parsed && !p->query_json)
        return true;
    if (!cql2_from_query(parsed ? parsed : p->query_json, parsed ? "query" : "/query", p->arena, &query, err))
        return false;
    p->filter = cql2_and(p->arena, p->filter, query);
    return true;
}

bool params_finish(struct search_params *params, struct err *err)
{
    if (!read_filter(params, err) || !read_query(params, err))
        return false;
    params_digest(params);
    return !params->token || params_read_token(params, err);
}
