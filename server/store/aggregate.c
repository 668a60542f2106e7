/* An aggregation is a row of a table: what kind it is and the value that it looks at. Each kind has one
 * form of statement and one reader of its rows. Items that are in no bucket, because their value is
 * missing or there are too many buckets, are the overflow. */
#include "store/aggregate.h"
#include "base/instant.h"
#include "json/js.h"
#include "store/conditions.h"
#include <stdio.h>
#include <string.h>

enum { MAX_BUCKETS = 10000, MAX_EDGES = 24, DAYS_OF_DAYS = 92, DAYS_OF_MONTHS = 3660 };
enum kind { SINGLE, TERMS, COLLECTIONS, TIMES, RANGES, GRID };

struct row {
    struct aggregation what;
    enum kind kind;
    const char *value;       /* a fragment over item i and its properties j.p */
    bool needs_properties;
    double edges[MAX_EDGES]; /* of ranges, the last one repeated: nothing is above */
    size_t n_edges;
};

#define TWENTIETHS { 0, 5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55, 60, 65, 70, 75, 80, 85, 90, 95, 100 }, 21
#define ELEVATIONS { -90, -60, -30, 0, 10, 20, 30, 40, 50, 60, 70, 80, 90 }, 13
#define AZIMUTHS { 0, 30, 60, 90, 120, 150, 180, 210, 240, 270, 300, 330, 360 }, 13
#define ANGLES { 0, 5, 10, 15, 20, 25, 30, 35, 40, 45, 60, 75, 90 }, 13

static const struct row rows[] = {
    { { "total_count", "integer", NULL, false, 0, 0, 0 }, SINGLE, "count(*)", false, { 0 }, 0 },
    { { "datetime_min", "datetime", "datetime", false, 0, 0, 0 }, SINGLE, "min(i.datetime)", false, { 0 }, 0 },
    { { "datetime_max", "datetime", "datetime", false, 0, 0, 0 }, SINGLE, "max(i.datetime)", false, { 0 }, 0 },
    { { "datetime_frequency", "datetime", "datetime", true, 0, 0, 0 }, TIMES, NULL, false, { 0 }, 0 },
    { { "collection_frequency", "string", "collection", false, 0, 0, 0 }, COLLECTIONS, "i.collection", false,
      { 0 }, 0 },
    { { "platform_frequency", "string", "platform", false, 0, 0, 0 }, TERMS, "i.platform", false, { 0 }, 0 },
    { { "product_type_frequency", "string", "product:type", false, 0, 0, 0 }, TERMS, "i.product_type", false,
      { 0 }, 0 },
    { { "orbit_state_frequency", "string", "sat:orbit_state", false, 0, 0, 0 }, TERMS, "i.orbit_state", false,
      { 0 }, 0 },
    { { "relative_orbit_frequency", "numeric", "sat:relative_orbit", false, 0, 0, 0 }, TERMS, "i.orbit", false,
      { 0 }, 0 },
    { { "grid_code_frequency", "string", "grid:code", false, 0, 0, 0 }, TERMS, "i.grid", false, { 0 }, 0 },
    { { "cloud_cover_frequency", "numeric", "eo:cloud_cover", false, 0, 0, 0 }, RANGES, "i.cloud", false,
      TWENTIETHS },
    { { "sun_elevation_frequency", "numeric", "view:sun_elevation", false, 0, 0, 0 }, RANGES,
      "item_number(j.p -> 'view:sun_elevation')", true, ELEVATIONS },
    { { "sun_azimuth_frequency", "numeric", "view:sun_azimuth", false, 0, 0, 0 }, RANGES,
      "item_number(j.p -> 'view:sun_azimuth')", true, AZIMUTHS },
    { { "off_nadir_frequency", "numeric", "view:off_nadir", false, 0, 0, 0 }, RANGES,
      "item_number(j.p -> 'view:off_nadir')", true, ANGLES },
    { { "centroid_geohash_grid_frequency", "string", "geometry", false, 1, 12, 3 }, GRID,
      "item_geohash(i.geom, ?::integer)", false, { 0 }, 0 },
    { { "centroid_geotile_grid_frequency", "string", "geometry", false, 0, 22, 6 }, GRID,
      "item_geotile(i.geom, ?::integer)", false, { 0 }, 0 },
};

static const struct {
    const char *name, *data_type, *value;
} intervals[] = {
    { "year", "interval_year", "date_trunc('year', i.datetime AT TIME ZONE 'UTC')" },
    { "month", "interval_month", "date_trunc('month', i.datetime AT TIME ZONE 'UTC')" },
    { "week", "interval_week", "date_trunc('week', i.datetime AT TIME ZONE 'UTC')" },
    { "day", "interval_day", "date_trunc('day', i.datetime AT TIME ZONE 'UTC')" },
    { "hour", "interval_hour", "date_trunc('hour', i.datetime AT TIME ZONE 'UTC')" },
};
enum { YEAR, MONTH, WEEK, DAY };

size_t aggregation_count(void)
{
    return ARRAY_LEN(rows);
}

const struct aggregation *aggregation_at(size_t i)
{
    return &rows[i].what;
}

/* ---- the statement ---- */

struct asked {
    const struct item_conditions *where;
    struct arena *arena;
    const struct row *row;
    int interval;  /* of intervals[] */
    int precision;
};

static void compose_value(const struct asked *a, struct composed *c)
{
    const struct row *row = a->row;

    if (row->kind == TIMES)
        text_add(&c->sql, intervals[a->interval].value);
    else if (row->kind == GRID)
        compose(c, row->value, compose_arg(c, db_int(a->precision)));
    else
        text_add(&c->sql, row->value);
}

/* One number: the bucket from edge k - 1 on; what equals the last edge belongs below it. */
static void compose_range(const struct asked *a, struct composed *c)
{
    const struct row *row = a->row;
    AUTO(text) struct text edges = { 0 };
    int number;

    for (size_t i = 0; i < row->n_edges; i++)
        text_printf(&edges, "%s%g", i ? "," : "{", row->edges[i]);
    text_add(&edges, "}");
    number = compose_arg(c, db_text(arena_text(a->arena, edges.data)));
    text_add(&c->sql, "CASE WHEN ");
    compose_value(a, c);
    compose(c, " = ?::double precision THEN ?::integer ELSE width_bucket(",
            compose_arg(c, db_double(row->edges[row->n_edges - 1])),
            compose_arg(c, db_int((int64_t)row->n_edges - 1)));
    compose_value(a, c);
    compose(c, ", ?::double precision[]) END", number);
}

/* Whole collections were counted by whoever wrote them. */
static bool is_kept_count(const struct asked *a)
{
    return !conditions_restrict(a->where) &&
           (a->row->kind == COLLECTIONS || !strcmp(a->row->what.name, "total_count"));
}

static bool compose_aggregation(void *context, const struct known *known, const struct scope *scope,
                                struct composed *c, struct err *err)
{
    const struct asked *a = context;
    enum kind kind = a->row->kind;

    (void)err;
    text_add(&c->sql, "SELECT v.version, a.* FROM (SELECT version FROM catalog_version LIMIT 1) v LEFT JOIN (SELECT ");
    if (is_kept_count(a)) {
        text_add(&c->sql, kind == SINGLE ? "sum(count) AS k" : "number AS k, count AS n, 0 AS total");
        compose(c, " FROM collections WHERE number = ANY(?::integer[])",
                compose_arg(c, db_text(scope->numbers)));
        text_add(&c->sql, kind == SINGLE ? ") a ON true" : " AND count > 0) a ON true ORDER BY n DESC, k");
        return true;
    }
    if (kind == RANGES)
        compose_range(a, c);
    else
        compose_value(a, c);
    text_add(&c->sql, " AS k");
    if (kind != SINGLE)
        text_add(&c->sql, ", count(*) AS n, sum(count(*)) OVER () AS total");
    conditions_compose_from(a->where, scope, a->row->needs_properties, a->arena, c);
    conditions_compose(a->where, known, scope, a->arena, c);
    c->plan = DB_PLAN_OWN;
    if (kind == SINGLE) {
        text_add(&c->sql, ") a ON true");
        return true;
    }
    text_add(&c->sql, kind == TIMES || kind == RANGES ? " GROUP BY 1 ORDER BY k" : " GROUP BY 1 ORDER BY n DESC, k");
    compose(c, " LIMIT ?::bigint) a ON true ORDER BY ", compose_arg(c, db_int(MAX_BUCKETS + 1)));
    text_add(&c->sql, kind == TIMES || kind == RANGES ? "k" : "n DESC, k");
    return true;
}

/* ---- the answer ---- */

enum column { VERSION, KEY, FREQUENCY, TOTAL };

/* "2023-08-15 10:00:00" or "... 10:00:00.123+00" */
static const char *rfc3339(struct arena *arena, const char *text)
{
    size_t length = strcspn(text, "+");
    char *copy = arena_printf(arena, "%.*sZ", (int)length, text);

    if (length > 10)
        copy[10] = 'T';
    return copy;
}

static json_t *single(const struct asked *a, const PGresult *found)
{
    const char *value = row_text(found, 0, KEY);

    if (a->row->what.property) /* the least or the last datetime */
        return value ? json_string(rfc3339(a->arena, value)) : json_null();
    return json_integer(row_int(found, 0, KEY));
}

static void add_bucket(json_t *buckets, const char *key, const char *data_type, int64_t frequency)
{
    json_array_append_new(buckets, json_pack("{s:s,s:s,s:I}", "key", key, "data_type", data_type,
                                             "frequency", (json_int_t)frequency));
}

static const char *edge(struct arena *arena, const struct row *row, int64_t i)
{
    return i < 0 || i >= (int64_t)row->n_edges ? "*" : arena_printf(arena, "%g", row->edges[i]);
}

/* Bucket k lies from edge k - 1 up to edge k. */
static void add_range(const struct asked *a, int64_t k, int64_t frequency, json_t *buckets)
{
    const struct row *row = a->row;
    json_t *bucket;

    add_bucket(buckets, arena_printf(a->arena, "%s-%s", edge(a->arena, row, k - 1), edge(a->arena, row, k)),
               row->what.data_type, frequency);
    bucket = json_array_get(buckets, json_array_size(buckets) - 1);
    if (k > 0)
        json_object_set_new(bucket, "from", json_real(row->edges[k - 1]));
    if (k < (int64_t)row->n_edges)
        json_object_set_new(bucket, "to", json_real(row->edges[k]));
}

static const char *bucket_key(const struct asked *a, const struct known *known, const char *value)
{
    const struct known_collection *collection;

    if (a->row->kind == TIMES)
        return rfc3339(a->arena, value);
    if (a->row->kind != COLLECTIONS)
        return value;
    collection = known_by_number(known, strtoll(value, NULL, 10));
    return collection ? collection->id : "";
}

static json_t *buckets_of(const struct asked *a, const struct known *known, const PGresult *found,
                          int64_t *ret_overflow)
{
    json_t *buckets = json_array();
    int64_t total = row_text(found, 0, FREQUENCY) ? row_int(found, 0, TOTAL) : 0, counted = 0;

    for (int i = 0; i < row_count(found) && row_text(found, i, FREQUENCY); i++) {
        int64_t frequency = row_int(found, i, FREQUENCY);
        const char *value = row_text(found, i, KEY);

        if (!value || json_array_size(buckets) == MAX_BUCKETS)
            continue;
        counted += frequency;
        if (a->row->kind == RANGES)
            add_range(a, row_int(found, i, KEY), frequency, buckets);
        else
            add_bucket(buckets, bucket_key(a, known, value), a->row->what.data_type, frequency);
    }
    *ret_overflow = total > counted ? total - counted : 0;
    return buckets;
}

static int64_t instant_of(const json_t *buckets, size_t i)
{
    const char *key = js_text(json_array_get(buckets, i), "key");
    int64_t ms;

    return key && instant_parse(key, &ms) ? ms : 0;
}

static int64_t span_days(const json_t *buckets)
{
    size_t count = json_array_size(buckets);

    return count ? (instant_of(buckets, count - 1) - instant_of(buckets, 0)) / 86400000 : 0;
}

/* Joins buckets of days to months or years: their keys begin alike. */
static json_t *coarser(json_t *days, size_t alike, const char *rest)
{
    json_t *joined = json_array(), *day;
    size_t i;

    json_array_foreach(days, i, day) {
        AUTO(mem) char *key = mem_printf("%.*s%s", (int)alike,
                                         js_text(day, "key"), rest);
        json_t *last = json_array_get(joined, json_array_size(joined) - 1);
        json_int_t frequency = json_integer_value(json_object_get(day, "frequency"));

        if (last && !strcmp(js_text(last, "key"), key))
            json_integer_set(json_object_get(last, "frequency"),
                             json_integer_value(json_object_get(last, "frequency")) + frequency);
        else
            add_bucket(joined, key, "datetime", frequency);
    }
    json_decref(days);
    return joined;
}

static json_t *answer(const struct asked *a, bool by_span, const struct known *known, const PGresult *found)
{
    json_t *aggregation = json_pack("{s:s,s:s}", "name", a->row->what.name, "data_type", a->row->what.data_type);
    int interval = a->interval;
    int64_t overflow;
    json_t *buckets;

    if (a->row->kind == SINGLE) {
        json_object_set_new(aggregation, "value", single(a, found));
        return aggregation;
    }
    buckets = buckets_of(a, known, found, &overflow);
    if (a->row->kind == TIMES && by_span) {
        int64_t days = span_days(buckets);

        interval = days <= DAYS_OF_DAYS ? DAY : days <= DAYS_OF_MONTHS ? MONTH : YEAR;
        if (interval == MONTH)
            buckets = coarser(buckets, 7, "-01T00:00:00Z");
        else if (interval == YEAR)
            buckets = coarser(buckets, 4, "-01-01T00:00:00Z");
    }
    if (a->row->kind == TIMES)
        json_object_set_new(aggregation, "data_type", json_string(intervals[interval].data_type));
    json_object_set_new(aggregation, "buckets", buckets);
    json_object_set_new(aggregation, "overflow", json_integer(overflow));
    return aggregation;
}

/* ---- the request ---- */

static bool read_request(const struct aggregation_request *request, struct asked *a, struct err *err)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (!strcmp(rows[i].what.name, request->name))
            a->row = &rows[i];
    if (!a->row)
        return err_set(err, ERR_InvalidParameter, "aggregations: there is no '%.60s'", request->name);
    a->interval = DAY;
    for (size_t i = 0; request->interval && i < ARRAY_LEN(intervals) + 1; i++) {
        if (i == ARRAY_LEN(intervals))
            return err_set(err, ERR_InvalidParameter,
                           "interval: expected year, month, week, day or hour, found '%.20s'",
                           request->interval);
        if (!strcmp(intervals[i].name, request->interval)) {
            a->interval = (int)i;
            break;
        }
    }
    a->precision = request->precision < 0 ? a->row->what.precision : request->precision;
    if (a->row->kind == GRID &&
        (a->precision < a->row->what.least_precision || a->precision > a->row->what.most_precision))
        return err_set(err, ERR_InvalidParameter, "precision: %d is outside [%d, %d] of %s", a->precision,
                       a->row->what.least_precision, a->row->what.most_precision, request->name);
    return true;
}

bool items_aggregate(struct db *db, struct arena *arena, const struct item_conditions *where,
                     const struct aggregation_request *request, json_t **ret_aggregation, struct err *err)
{
    struct asked asked = { .where = where, .arena = arena };
    AUTO(known) struct known *known = NULL;
    AUTO(rows) PGresult *found = NULL;

    if (!read_request(request, &asked, err) ||
        !scoped_query(db, arena, where, compose_aggregation, &asked, &known, &found, err))
        return false;
    *ret_aggregation = answer(&asked, !request->interval, known, found);
    return true;
}
