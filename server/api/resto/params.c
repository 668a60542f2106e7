/* Parameters of a search. Those on the values of products are rows of a table: each gives a condition in
 * CQL2 text, and all of them together one filter, which goes the same way as everybody's. What resto does not
 * know it ignores, and so it is here; the answer says what was ignored. */
#include "api/resto/resto.h"
#include "auth/auth.h"
#include "base/instant.h"
#include "base/text.h"
#include "json/geojson.h"
#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MAX_RECORDS = 500, RECORDS = 50, MAX_OFFSET = 1000000, CIRCLE_POINTS = 32 };

/* ---- conditions ---- */

static void add_equal(struct text *out, const char *property, const char *value)
{
    text_printf(out, "\"%s\" = ", property);
    cql2_write_string(value, out);
}

typedef bool condition_fn(const char *property, const char *value, struct text *out);

static bool text_condition(const char *property, const char *value, struct text *out)
{
    add_equal(out, property, value);
    return true;
}

static bool lower_condition(const char *property, const char *value, struct text *out)
{
    AUTO(mem) char *lower = mem_text(value);

    for (char *c = lower; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    add_equal(out, property, lower);
    return true;
}

static bool add_bound(struct text *out, const char *property, const char *op, const char *number)
{
    double value;

    if (!text_to_number(number, &value))
        return false;
    text_printf(out, "%s\"%s\" %s %.17g", out->length ? " AND " : "", property, op, value);
    return true;
}

/* 20, [0,20], ]0,20[, [10 (from 10 on), 20] (up to 20): brackets that look away leave the bound out. */
static bool number_condition(const char *property, const char *value, struct text *out)
{
    AUTO(mem) char *copy = mem_text(value);
    AUTO(text) struct text both = { 0 };
    size_t length = strlen(copy);
    char first = *copy, last = length ? copy[length - 1] : '\0';
    bool opens = first == '[' || first == ']', closes = length > 1 && (last == '[' || last == ']');
    char *low = copy + opens, *comma;

    if (closes)
        copy[length - 1] = '\0';
    comma = strchr(low, ',');
    if (comma)
        *comma = '\0';
    if (!opens && !closes)
        return !comma && add_bound(out, property, "=", low);
    if (comma && !(opens && closes))
        return false;
    if (opens && *low && !add_bound(&both, property, first == '[' ? ">=" : ">", low))
        return false;
    if (closes && !add_bound(&both, property, last == ']' ? "<=" : "<", comma ? comma + 1 : low))
        return false;
    if (!both.length)
        return false;
    text_add(out, both.data);
    return true;
}

/* S2A: catalogues write sentinel-2a, Sentinel-2A and SENTINEL-2A. */
static bool platform_condition(const char *property, const char *value, struct text *out)
{
    static const char *const forms[] = { "sentinel-%c%c", "Sentinel-%c%c", "SENTINEL-%c%c" };

    if (strlen(value) != 3 || toupper((unsigned char)*value) != 'S')
        return lower_condition(property, value, out);
    text_printf(out, "\"%s\" IN (", property);
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        char name[16];
        char unit = (char)(i ? toupper((unsigned char)value[2]) : tolower((unsigned char)value[2]));

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        snprintf(name, sizeof name, forms[i], value[1], unit);
#pragma GCC diagnostic pop
        text_add(out, i ? "," : "");
        cql2_write_string(name, out);
    }
    text_add(out, ")");
    return true;
}

/* What catalogues call the product types of PEPS. */
static bool type_condition(const char *property, const char *value, struct text *out)
{
    static const struct { const char *name, *condition; } types[] = {
        { "S2MSI1C", "IN ('S2MSI1C','S02MSIL1C')" },
        { "S2MSI2A", "IN ('S2MSI2A','S02MSIL2A')" },
        { "GRD", "LIKE '%GRD%'" }, { "SLC", "LIKE '%SLC%'" }, { "OCN", "LIKE '%OCN%'" },
    };

    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        if (!strcmp(types[i].name, value)) {
            text_printf(out, "\"%s\" %s", property, types[i].condition);
            return true;
        }
    }
    return text_condition(property, value, out);
}

static bool level_condition(const char *property, const char *value, struct text *out)
{
    static const struct { const char *name, *condition; } levels[] = {
        { "LEVEL1C", "\"product:type\" IN ('S2MSI1C','S02MSIL1C')" },
        { "LEVEL2A", "\"product:type\" IN ('S2MSI2A','S02MSIL2A')" },
        { "LEVEL1", "\"processing:level\" = 'L1'" }, { "LEVEL2", "\"processing:level\" = 'L2'" },
    };

    for (size_t i = 0; i < ARRAY_LEN(levels); i++) {
        if (!strcmp(levels[i].name, value)) {
            text_add(out, levels[i].condition);
            return true;
        }
    }
    return text_condition(property, value, out);
}

static bool mode_condition(const char *property, const char *value, struct text *out)
{
    static const char *const others[] = { "eopf:instrument_mode", "s2:datatake_type" };

    text_add(out, "(");
    add_equal(out, property, value);
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        text_add(out, " OR ");
        add_equal(out, others[i], value);
    }
    text_add(out, ")");
    return true;
}

static bool instrument_condition(const char *property, const char *value, struct text *out)
{
    AUTO(mem) char *lower = mem_text(value);

    for (char *c = lower; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    text_printf(out, "A_OVERLAPS(\"%s\",(", property);
    cql2_write_string(value, out);
    text_add(out, ",");
    cql2_write_string(lower, out);
    text_add(out, text_begins(lower, "sar") ? ",'sar','c-sar'))" : "))");
    return true;
}

/* "VV VH": both and no other. */
static bool polarisation_condition(const char *property, const char *value, struct text *out)
{
    AUTO(mem) char *copy = mem_text(value);
    char *rest = copy, *one;
    bool more = false;

    text_printf(out, "A_EQUALS(\"%s\",(", property);
    while ((one = strsep(&rest, " +,"))) {
        if (!*one)
            continue;
        text_add(out, more ? "," : "");
        cql2_write_string(one, out);
        more = true;
    }
    text_add(out, "))");
    return more;
}

/* In PEPS's patterns only % stands for anything. */
static void add_like(const char *property, const char *value, struct text *out)
{
    AUTO(text) struct text pattern = { 0 };

    for (; *value; value++) {
        text_add(&pattern, *value == '_' || *value == '\\' ? "\\" : "");
        text_addn(&pattern, value, 1);
    }
    text_printf(out, "\"%s\" LIKE ", property);
    cql2_write_string(pattern.data, out);
}

static bool tile_condition(const char *property, const char *value, struct text *out)
{
    AUTO(mem) char *code = mem_printf("MGRS-%s", *value == 'T' && strlen(value) == 6 ? value + 1 : value);

    if (strchr(code, '%'))
        add_like(property, code, out);
    else
        add_equal(out, property, code);
    return true;
}

/* Some catalogues have ids of their own and keep the product's name beside. */
static bool identifier_condition(const char *property, const char *value, struct text *out)
{
    AUTO(mem) char *name = mem_text(value);
    AUTO(mem) char *safe = NULL;

    if (strchr(value, '%')) {
        add_like(property, value, out);
        return true;
    }
    if (text_ends(name, ".SAFE") || text_ends(name, ".zip"))
        *strrchr(name, '.') = '\0';
    safe = mem_printf("%s.SAFE", name);
    text_add(out, "(");
    add_equal(out, property, name);
    text_add(out, " OR ");
    add_equal(out, "s2:product_uri", safe);
    text_add(out, " OR ");
    add_equal(out, "s1:product_identifier", name);
    text_add(out, ")");
    return true;
}

static const struct {
    const char *name, *property;
    condition_fn *condition;
    const char *expected;
} conditions[] = {
    { "productType", "product:type", type_condition, "a product type" },
    { "processingLevel", "processing:level", level_condition, "a level" },
    { "platform", "platform", platform_condition, "a platform" },
    { "instrument", "instruments", instrument_condition, "an instrument" },
    { "sensorMode", "sar:instrument_mode", mode_condition, "a mode" },
    { "polarisation", "sar:polarizations", polarisation_condition, "VV, VH, HH or HV" },
    { "orbitDirection", "sat:orbit_state", lower_condition, "a direction" },
    { "orbitNumber", "sat:absolute_orbit", number_condition, "a number or an interval like [1,5]" },
    { "relativeOrbitNumber", "sat:relative_orbit", number_condition, "a number or an interval like [1,5]" },
    { "resolution", "gsd", number_condition, "a number or an interval like [0,20]" },
    { "cloudCover", "eo:cloud_cover", number_condition, "a number or an interval like [0,20]" },
    { "snowCover", "eo:snow_cover", number_condition, "a number or an interval like [0,20]" },
    { "tileid", "grid:code", tile_condition, "a tile" },
    { "productIdentifier", "id", identifier_condition, "the name of a product" },
};

bool resto_condition(const char *name, const char *value, struct text *out, bool *ret_known,
                     struct err *err)
{
    *ret_known = false;
    for (size_t i = 0; i < ARRAY_LEN(conditions); i++) {
        if (strcmp(conditions[i].name, name))
            continue;
        *ret_known = true;
        if (!conditions[i].condition(conditions[i].property, value, out))
            return err_set(err, ERR_InvalidParameter, "%s: expected %s, found '%.100s'", name,
                           conditions[i].expected, value);
    }
    return true;
}

/* ---- place and time ---- */

static bool read_box(struct request *rq, const char *value, struct item_search *s, struct err *err)
{
    AUTO(text) struct text polygon = { 0 };
    double box[4];
    int end = 0;

    if (sscanf(value, "%lf,%lf,%lf,%lf%n", &box[0], &box[1], &box[2], &box[3], &end) != 4 || value[end] ||
        !(box[0] >= -180 && box[2] <= 180 && box[1] >= -90 && box[1] <= box[3] && box[3] <= 90))
        return err_set(err, ERR_InvalidParameter,
                       "box: expected lonmin,latmin,lonmax,latmax in degrees, found '%.100s'", value);
    geojson_add_box(&polygon, box);
    s->where.geometry = arena_text(rq->arena, polygon.data);
    return true;
}

/* The reader of CQL2 reads WKT; nothing but one geometry may stand there. */
static bool read_wkt(struct request *rq, const char *value, struct item_search *s, struct err *err)
{
    AUTO(mem) char *text = mem_printf("S_INTERSECTS(geometry,%s)", value);
    struct err why = { 0 };
    struct cql2_node *tree;

    if (!cql2_parse_text(text, strlen(text), rq->arena, &tree, &why))
        return err_set(err, ERR_InvalidParameter, "geometry: expected WKT: %s", why.message);
    if (tree->op != CQL2_S_INTERSECTS || tree->n_args != 2 || tree->args[1]->op != CQL2_GEOMETRY)
        return err_set(err, ERR_InvalidParameter, "geometry: expected WKT, found '%.100s'", value);
    s->where.geometry = tree->args[1]->text;
    return true;
}

/* A polygon of many corners around the point; a degree of latitude is 111 km. */
static char *circle(struct request *rq, double lon, double lat, double radius)
{
    AUTO(text) struct text json = { 0 };
    double up = radius / 111320, across = up / fmax(cos(lat * M_PI / 180), 0.01);

    text_add(&json, "{\"type\":\"Polygon\",\"coordinates\":[[");
    for (int i = 0; i <= CIRCLE_POINTS; i++) {
        double angle = 2 * M_PI * (i % CIRCLE_POINTS) / CIRCLE_POINTS;

        text_printf(&json, "%s[%.9g,%.9g]", i ? "," : "", lon + across * cos(angle),
                    fmax(-90, fmin(90, lat + up * sin(angle))));
    }
    text_add(&json, "]]}");
    return arena_text(rq->arena, json.data);
}

static bool read_point(struct request *rq, struct item_search *s, struct err *err)
{
    const char *lon = request_query(rq, "lon"), *lat = request_query(rq, "lat");
    const char *radius = request_query(rq, "radius");
    double x, y, r = 0;

    if (!lon && !lat)
        return true;
    if (!lon || !text_to_number(lon, &x) || !(x >= -180 && x <= 180))
        return err_set(err, ERR_InvalidParameter, "lon: expected degrees, found '%.60s'", lon ? lon : "nothing");
    if (!lat || !text_to_number(lat, &y) || !(y >= -90 && y <= 90))
        return err_set(err, ERR_InvalidParameter, "lat: expected degrees, found '%.60s'", lat ? lat : "nothing");
    if (radius && (!text_to_number(radius, &r) || !(r >= 0 && r <= 1e6)))
        return err_set(err, ERR_InvalidParameter, "radius: expected 0 to 1000000 metres, found '%.60s'", radius);
    s->where.geometry = r > 0 ? circle(rq, x, y, r)
                              : arena_printf(rq->arena, "{\"type\":\"Point\",\"coordinates\":[%.9g,%.9g]}", x, y);
    return true;
}

/* A date is its midnight; a date-time without a zone is UTC. */
static bool read_time(struct request *rq, const char *name, const char *value, const char **ret_text,
                      struct err *err)
{
    AUTO(mem) char *zoned = mem_printf("%sZ", value);
    char text[INSTANT_TEXT_SIZE];
    int64_t ms;

    if (!instant_parse_date(value, &ms) && !instant_parse(zoned, &ms))
        return err_set(err, ERR_InvalidParameter,
                       "%s: expected YYYY-MM-DD or a date-time of RFC 3339, found '%.60s'", name, value);
    *ret_text = arena_text(rq->arena, instant_format(ms, text));
    return true;
}

static struct cql2_node *node(struct request *rq, enum cql2_op op, const char *text)
{
    struct cql2_node *made = arena_alloc(rq->arena, sizeof *made);

    made->op = op;
    made->text = text;
    return made;
}

/* Every word must occur. */
static void read_words(struct request *rq, const char *value, struct item_search *s)
{
    char *rest = arena_text(rq->arena, value), *word;
    struct cql2_node *all = NULL;

    while ((word = strsep(&rest, " "))) {
        if (*word)
            all = cql2_and(rq->arena, all, node(rq, CQL2_STRING, word));
    }
    s->where.words = all;
}

/* ---- all together ---- */

static bool read_one(struct request *rq, const char *name, const char *value, struct resto_query *q,
                     struct text *filter, struct err *err)
{
    static const char *const elsewhere[] = { "maxRecords", "page", "index", "lang", "lon", "lat", "radius",
                                             "token", "_pretty", "issuerId" };
    struct item_search *s = &q->search;
    AUTO(text) struct text condition = { 0 };
    bool known;

    if (!*value)
        return true;
    for (size_t i = 0; i < ARRAY_LEN(elsewhere); i++)
        if (!strcmp(name, elsewhere[i]))
            return true;
    json_object_set_new(q->filters, name, json_string(value));
    if (!strcmp(name, "box"))
        return read_box(rq, value, s, err);
    if (!strcmp(name, "geometry"))
        return read_wkt(rq, value, s, err);
    if (!strcmp(name, "startDate"))
        return read_time(rq, name, value, &s->where.start, err);
    if (!strcmp(name, "completionDate"))
        return read_time(rq, name, value, &s->where.end, err);
    if (!strcmp(name, "q")) {
        read_words(rq, value, s);
        return true;
    }
    if (!resto_condition(name, value, &condition, &known, err))
        return false;
    if (known) {
        text_printf(filter, "%s%s", filter->length ? " AND " : "", condition.data);
        return true;
    }
    json_object_del(q->filters, name);
    json_array_append_new(q->ignored, json_string(name));
    return true;
}

static bool read_filter(struct request *rq, const struct text *filter, struct item_search *s, struct err *err)
{
    struct cql2_node *tree;

    if (!filter->length)
        return true;
    if (!cql2_parse_text(filter->data, filter->length, rq->arena, &tree, err) ||
        !cql2_check(tree, cql2_property_any, rq->arena, rq->arena, err))
        return false;
    s->where.filter = tree;
    return true;
}

/* `token` of a link to the next page says where this one ended; a bare page is counted off. */
static bool read_page(struct request *rq, struct resto_query *q, struct err *err)
{
    const char *token = request_query(rq, "token");
    AUTO(mem) char *text = NULL;
    char *rest;
    struct item_cursor *cursor;
    struct err ignored = { 0 };
    int64_t index, most = MAX_OFFSET / MAX_RECORDS;
    long long collection;
    int at = 0;

    if (!request_query_integer(rq, "maxRecords", 1, INT32_MAX, RECORDS, &q->records, err) ||
        !request_query_integer(rq, "page", 1, most, 1, &q->page, err) ||
        !request_query_integer(rq, "index", 1, MAX_OFFSET, 1, &index, err))
        return false;
    if (q->records > MAX_RECORDS)
        q->records = MAX_RECORDS;
    q->search.limit = q->records;
    q->search.offset = request_query(rq, "page") ? (q->page - 1) * q->records : index - 1;
    if (!request_query(rq, "page"))
        q->page = (index - 1) / q->records + 1;
    if (!token)
        return true;
    if (!auth_unseal(token, &text, &ignored) || sscanf(text, "resto %lld %n", &collection, &at) != 1 ||
        !at || !strchr(text + at, '\n'))
        return err_set(err, ERR_InvalidParameter, "token: was not given by this service");
    cursor = arena_alloc(rq->arena, sizeof *cursor);
    rest = arena_text(rq->arena, text + at);
    cursor->collection = collection;
    cursor->datetime = strsep(&rest, "\n");
    cursor->id = rest;
    q->search.after = cursor;
    q->search.offset = 0;
    return true;
}

bool resto_read_query(struct request *rq, struct resto_query *q, struct err *err)
{
    AUTO(text) struct text filter = { 0 };
    const char *name, *value;

    *q = (struct resto_query){ .filters = json_object(), .ignored = json_array() };
    q->search.where.viewer = rq->user ? rq->user->id : NULL;
    q->search.count = COUNT_CAPPED;
    q->search.count_limit = rq->config->catalog_count_limit;
    for (size_t i = 0; request_query_at(rq, i, &name, &value); i++)
        if (!read_one(rq, name, value, q, &filter, err))
            return false;
    return read_point(rq, &q->search, err) && read_filter(rq, &filter, &q->search, err) &&
           read_page(rq, q, err);
}

void resto_query_done(struct resto_query *q)
{
    json_decref(q->filters);
    json_decref(q->ignored);
    q->filters = q->ignored = NULL;
}
