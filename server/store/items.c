/* Writing items. A batch goes by binary COPY into a temporary table whose columns are texts, and from
 * there by one INSERT .. SELECT that casts; so the promoted columns are written in one place and the
 * database's own parsers read dates and geometries. Writers of one collection take turns by an
 * advisory lock, because an item's id is unique in its collection while its partition depends on its
 * date. */
#include "store/items.h"
#include "base/text.h"
#include "json/geojson.h"
#include "json/js_text.h"
#include "store/stac_text.h"
#include <arpa/inet.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define FIELDS 17

struct batch {
    const struct item_input *items;
    size_t count;
    bool skip_bad;
    item_problem_fn *problem;
    void *context;
    size_t bad, stored;
    struct text copy;          /* the COPY stream */
    struct text place[4];      /* arrays for locations: collection, item, asset, href */
    struct text media;
};

/* ---- the COPY stream ---- */

static void put_field(struct text *copy, const char *bytes, size_t length)
{
    uint32_t size = htonl(bytes ? (uint32_t)length : UINT32_MAX); /* all ones: NULL */

    text_addn(copy, &size, sizeof size);
    if (bytes)
        text_addn(copy, bytes, length);
}

static void put_text(struct text *copy, const char *text)
{
    put_field(copy, text, text ? strlen(text) : 0);
}

static const char *string_at(const json_t *properties, const char *name)
{
    return json_string_value(json_object_get(properties, name));
}

/* A number as text; NULL when the member is none. */
static void put_number(struct text *copy, const json_t *properties, const char *name, bool whole)
{
    const json_t *value = json_object_get(properties, name);
    char digits[40];

    if (!json_is_number(value) || (whole && !(fabs(json_number_value(value)) < 2e9))) {
        put_text(copy, NULL);
        return;
    }
    snprintf(digits, sizeof digits, whole ? "%.0f" : "%.17g", json_number_value(value));
    put_text(copy, digits);
}

static void put_json(struct text *copy, const json_t *value)
{
    AUTO(text) struct text text = { 0 };

    if (json_is_object(value) || json_is_array(value))
        js_text_add(&text, value);
    put_text(copy, text.data);
}

/* A polygon drawn straight across 180 degrees: its bbox says so, its longitudes span the globe. */
static bool needs_wrap(const json_t *item)
{
    const json_t *bbox = json_object_get(item, "bbox");
    size_t n = json_array_size(bbox);
    double box[4];

    if (!json_is_object(json_object_get(item, "geometry")) || n < 4 ||
        json_number_value(json_array_get(bbox, 0)) <= json_number_value(json_array_get(bbox, n / 2)))
        return false;
    geojson_bounds(json_object_get(item, "geometry"), box);
    return box[2] - box[0] > 180 &&
           strcmp(string_at(json_object_get(item, "geometry"), "type"), "MultiPolygon");
}

static const char *grid_code(const json_t *properties, char buffer[static 16])
{
    const char *code = string_at(properties, "grid:code");
    const char *tile = string_at(properties, "s2:mgrs_tile");

    if (code || !tile || strlen(tile) > 10)
        return code;
    snprintf(buffer, 16, "MGRS-%s", tile);
    return buffer;
}

static const char *product_type(const json_t *properties)
{
    const char *type = string_at(properties, "product:type");

    if (!type)
        type = string_at(properties, "sar:product_type");
    return type ? type : string_at(properties, "s2:product_type");
}

/* The columns of `incoming`, in this order. */
static bool put_row(struct text *copy, size_t index, const json_t *item, struct err *err)
{
    const json_t *p = json_object_get(item, "properties");
    const char *datetime = string_at(p, "datetime"), *start = string_at(p, "start_datetime");
    const char *end = string_at(p, "end_datetime");
    uint16_t fields = htons(FIELDS);
    char number[24], code[16];
    AUTO(text) struct text body = { 0 };

    if (!stac_text_keep(item, &body, err))
        return false;
    snprintf(number, sizeof number, "%zu", index);
    text_addn(copy, &fields, sizeof fields);
    put_text(copy, number);
    put_text(copy, string_at(item, "collection"));
    put_text(copy, datetime ? datetime : start);
    put_text(copy, string_at(item, "id"));
    put_text(copy, start ? start : datetime);
    put_text(copy, end ? end : datetime);
    put_json(copy, json_object_get(item, "geometry"));
    put_text(copy, needs_wrap(item) ? "t" : "f");
    put_number(copy, p, "eo:cloud_cover", false);
    put_text(copy, grid_code(p, code));
    put_number(copy, p, "sat:relative_orbit", true);
    put_text(copy, string_at(p, "sat:orbit_state"));
    put_text(copy, string_at(p, "platform"));
    put_text(copy, product_type(p));
    put_json(copy, json_object_get(p, "sar:polarizations"));
    put_text(copy, string_at(p, "updated"));
    put_field(copy, body.data, body.length);
    return true;
}

static void add_element(struct text *array, const char *value)
{
    text_add(array, array->length ? "," : "{");
    if (!value) {
        text_add(array, "NULL");
        return;
    }
    text_add(array, "\"");
    for (; *value; value++) {
        if (*value == '"' || *value == '\\')
            text_add(array, "\\");
        text_addn(array, value, 1);
    }
    text_add(array, "\"");
}

static void add_locations(struct batch *b, const struct item_input *in)
{
    for (size_t i = 0; i < in->n_locations; i++) {
        add_element(&b->place[0], string_at(in->item, "collection"));
        add_element(&b->place[1], string_at(in->item, "id"));
        add_element(&b->place[2], in->locations[i].asset);
        add_element(&b->place[3], in->locations[i].href);
        add_element(&b->media, in->locations[i].media_type);
    }
}

static bool known(struct db *db, const json_t *item, const char **last, struct err *err)
{
    const char *id = json_string_value(json_object_get(item, "collection"));
    bool exists;

    if (*last && !strcmp(*last, id)) /* items come in runs of one collection */
        return true;
    if (!collection_exists(db, id, &exists, err))
        return false;
    if (!exists)
        return err_set(err, ERR_BadRequest, "/collection: there is no collection '%.200s'", id);
    *last = id;
    return true;
}

static bool write_stream(struct db *db, struct batch *b, struct err *err)
{
    static const char header[] = "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0";
    const char *last = NULL;

    text_addn(&b->copy, header, 19);
    for (size_t i = 0; i < b->count; i++) {
        struct err problem = { 0 };
        size_t before = b->copy.length;

        if (item_check(b->items[i].item, &problem) && known(db, b->items[i].item, &last, &problem) &&
            put_row(&b->copy, i, b->items[i].item, &problem)) {
            add_locations(b, &b->items[i]);
            b->stored++;
            continue;
        }
        if (problem.code == ERR_DatabaseFailed)
            return err_set(err, problem.code, "%s", problem.message);
        b->copy.length = before;
        b->bad++;
        if (b->problem)
            b->problem(b->context, i, &problem);
    }
    text_addn(&b->copy, "\377\377", 2);
    for (size_t k = 0; k < ARRAY_LEN(b->place); k++)
        text_add(&b->place[k], b->place[k].length ? "}" : "{}");
    text_add(&b->media, b->media.length ? "}" : "{}");
    return true;
}

/* ---- one transaction ---- */

static const char make_incoming[] =
    "CREATE TEMP TABLE IF NOT EXISTS incoming(place text, collection text, datetime text, id text,"
    " start_at text, end_at text, geom text, wrap text, cloud text, grid text, orbit text,"
    " orbit_state text, platform text, product_type text, polarizations text, updated text,"
    " body text) ON COMMIT DELETE ROWS";

static const char lock_collections[] =
    "SELECT pg_advisory_xact_lock(730100, number) FROM ("
    "  SELECT number FROM collections WHERE id IN (SELECT collection FROM incoming)"
    "  ORDER BY number) c";

static const char make_years[] =
    "SELECT items_make_years(c.number, array_agg(extract(year FROM i.datetime::timestamptz)::integer))"
    "  FROM incoming i JOIN collections c ON c.id = i.collection AND c.shelves <> '{0}'"
    " GROUP BY c.number";

static const char tell_changes[] =
    "INSERT INTO changes(kind, collection, item)"
    " SELECT CASE WHEN EXISTS (SELECT FROM items WHERE items.collection = n.number AND items.id = n.id)"
    "   THEN 'update' ELSE 'create' END, n.number, n.id"
    "  FROM (SELECT DISTINCT c.number, i.id FROM incoming i JOIN collections c ON c.id = i.collection) n;"
    "NOTIFY catalog";

/* A join by hash would read all items for each batch; the batch is small, the index is right. The
 * temporary table has no statistics that could tell the planner so. */
static const char prefer_indexes[] = "SET LOCAL enable_hashjoin TO off;"
                                     "SET LOCAL enable_mergejoin TO off";

static const char remove_old[] =
    "WITH gone AS (DELETE FROM items USING incoming n, collections c"
    "  WHERE c.id = n.collection AND items.collection = c.number AND items.id = n.id"
    "  RETURNING items.collection)"
    " UPDATE collections SET count = collections.count - g.n"
    "  FROM (SELECT collection, count(*) AS n FROM gone GROUP BY 1) g"
    " WHERE number = g.collection";

static const char insert_new[] =
    "WITH come AS (INSERT INTO items(shelf, collection, datetime, id, start_at, end_at, geom, cloud, grid,"
    "    orbit, orbit_state, platform, product_type, polarizations, updated, body)"
    "  SELECT DISTINCT ON (c.number, i.id) c.shelves[array_upper(c.shelves, 1)], c.number, i.datetime::timestamptz, i.id,"
    "    i.start_at::timestamptz, i.end_at::timestamptz,"
    "    CASE WHEN NOT ST_IsValid(g) THEN ST_CollectionExtract(ST_MakeValid(g))"
    "         WHEN i.wrap = 't' THEN ST_WrapX(ST_ShiftLongitude(g), 180, -360) ELSE g END,"
    "    i.cloud::double precision, i.grid, i.orbit::integer, i.orbit_state, i.platform, i.product_type,"
    "    CASE WHEN i.polarizations IS NULL THEN NULL ELSE"
    "      ARRAY(SELECT jsonb_array_elements_text(i.polarizations::jsonb)) END,"
    "    coalesce(i.updated::timestamptz, now()), i.body"
    "   FROM incoming i JOIN collections c ON c.id = i.collection,"
    "        LATERAL ST_Force2D(ST_SetSRID(ST_GeomFromGeoJSON(i.geom), 4326)) AS g"
    "  ORDER BY c.number, i.id, i.place::integer DESC"
    "  RETURNING collection, datetime, start_at, end_at)"
    " UPDATE collections SET count = collections.count + n.n, updated = now(),"
    "   longest = greatest(collections.longest, n.longest)"
    "  FROM (SELECT collection, count(*) AS n,"
    "               max(greatest(end_at - datetime, datetime - start_at)) AS longest"
    "          FROM come GROUP BY 1) n"
    " WHERE number = n.collection";

static const char remove_locations[] =
    "DELETE FROM locations USING incoming n, collections c"
    " WHERE c.id = n.collection AND locations.collection = c.number AND locations.item = n.id"
    "   AND locations.site = 'local'";

static const char insert_locations[] =
    "INSERT INTO locations(collection, item, asset, href, media_type)"
    " SELECT c.number, n.item, n.asset, n.href, n.media"
    "   FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[])"
    "        AS n(collection, item, asset, href, media)"
    "   JOIN collections c ON c.id = n.collection"
    " ON CONFLICT (collection, item, asset, site) DO UPDATE"
    "   SET href = excluded.href, media_type = excluded.media_type";

static bool store_batch(struct db *db, void *batch, struct err *err)
{
    struct batch *b = batch;

    return db_script(db, make_incoming, err) &&
           db_copy_begin(db, "COPY incoming FROM STDIN (FORMAT binary)", err) &&
           db_copy_put(db, b->copy.data, b->copy.length, err) && db_copy_end(db, err) &&
           db_script(db, lock_collections, err) && db_script(db, make_years, err) &&
           db_script(db, prefer_indexes, err) && db_script(db, tell_changes, err) && db_script(db, remove_old, err) &&
           db_script(db, insert_new, err) &&
           db_script(db, remove_locations, err) &&
           db_run(db, insert_locations,
                  DB_ARGS(db_text(b->place[0].data), db_text(b->place[1].data),
                          db_text(b->place[2].data), db_text(b->place[3].data),
                          db_text(b->media.data)),
                  err);
}

static void batch_done(struct batch *b)
{
    text_drop(&b->copy);
    for (size_t k = 0; k < ARRAY_LEN(b->place); k++)
        text_drop(&b->place[k]);
    text_drop(&b->media);
}

bool items_put(struct db *db, const struct item_input *items, size_t count, bool skip_bad,
               item_problem_fn *problem, void *context, size_t *ret_stored, struct err *err)
{
    struct batch b = { .items = items, .count = count, .skip_bad = skip_bad, .problem = problem,
                       .context = context };
    bool good = write_stream(db, &b, err);

    if (b.bad && !skip_bad)
        b.stored = 0;
    if (good && b.stored)
        good = db_transact(db, store_batch, &b, err);
    *ret_stored = good ? b.stored : 0;
    batch_done(&b);
    return good;
}
