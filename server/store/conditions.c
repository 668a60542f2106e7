/* An item's interval lies around its datetime by at most the `longest` of its collection: that lets
 * the indexes on datetime help, and where all intervals are instants nothing else is asked. */
#include "store/conditions.h"
#include "base/instant.h"
#include "json/geojson.h"
#include "store/collections.h"
#include "store/places.h"
#include "store/words.h"
#include <float.h>
#include <math.h>
#include <string.h>

enum { MAX_SHELVES = 16, MAX_TRIES = 10 };

/* A tile of Sentinel-2 and what surrounds it; and what is written with so few bytes is soon read. */
static const double small_area = 2; /* square degrees */
enum { SMALL_TEXT = 2000 };

bool conditions_restrict(const struct item_conditions *w)
{
    return w->n_ids || w->start || w->end || w->geometry || w->filter || w->words;
}

const struct cql2_column item_columns[] = {
    { "id", "i.id", CQL2_TYPE_STRING, false },
    { "collection", "(SELECT c.id FROM collections c WHERE c.number = i.collection)", CQL2_TYPE_STRING, false },
    { "datetime", "i.datetime", CQL2_TYPE_TIMESTAMP, false },
    { "geometry", "i.geom", CQL2_TYPE_GEOMETRY, false },
    { "eo:cloud_cover", "i.cloud", CQL2_TYPE_NUMBER, false },
    { "sat:relative_orbit", "i.orbit", CQL2_TYPE_NUMBER, true },
    { "sat:orbit_state", "i.orbit_state", CQL2_TYPE_STRING, false },
    { "platform", "i.platform", CQL2_TYPE_STRING, false },
    { "grid:code", "i.grid", CQL2_TYPE_STRING, false },
    { "product:type", "i.product_type", CQL2_TYPE_STRING, false },
    { NULL, NULL, CQL2_TYPE_ANY, false },
};

static bool mentions(const struct cql2_node *tree, const char *property)
{
    bool found = tree->op == CQL2_PROPERTY && !strcmp(tree->text, property);

    for (size_t i = 0; !found && i < tree->n_args; i++)
        found = mentions(tree->args[i], property);
    return found;
}

/* Whether a product must be ordered is known of its places, as far as the viewer may use them. */
static const struct cql2_column *columns_with_status(const char *viewer, struct arena *arena, struct composed *c)
{
    struct cql2_column *columns = arena_array(arena, ARRAY_LEN(item_columns) + 1, sizeof *columns);
    const char *v = arena_printf(arena, "$%d", compose_arg(c, db_text(viewer)));

    memcpy(columns + 1, item_columns, sizeof item_columns);
    columns[0] = (struct cql2_column){
        "order:status",
        arena_printf(arena,
                     "coalesce(" PLACES_STATUS("i.collection", "i.id", "%s")
                     ", i.body::jsonb #>> '{properties,order:status}')", v, v, v),
        CQL2_TYPE_STRING, false };
    return columns;
}

static struct cql2_context context_of(const struct known *known, const struct scope *scope)
{
    struct cql2_context context = { .columns = item_columns, .document = "j.p", .known = known,
                                    .start = "i.datetime", .end = "i.datetime" };

    if (scope->longest_ms) {
        context.start = "i.start_at";
        context.end = "i.end_at";
        context.longest_us = scope->longest_ms * 1000;
    }
    return context;
}

/* Shelves one by one: that lets plans for no values in particular leave out partitions. */
static void compose_shelves(const struct scope *scope, struct composed *c)
{
    if (scope->n_shelves == 0 || scope->n_shelves > MAX_SHELVES || scope->all)
        return;
    text_add(&c->sql, " AND i.shelf IN (");
    for (size_t i = 0; i < scope->n_shelves; i++) {
        text_add(&c->sql, i ? ", " : "");
        compose(c, "?::integer", compose_arg(c, db_int(scope->shelves[i])));
    }
    text_add(&c->sql, ")");
}

static void compose_scope(const struct scope *scope, struct composed *c)
{
    compose_shelves(scope, c);
    if (scope->count == 1)
        compose(c, " AND i.collection = ?::integer", compose_arg(c, db_int(scope->collections[0]->number)));
    else if (!scope->all)
        compose(c, " AND i.collection = ANY(?::integer[])", compose_arg(c, db_text(scope->numbers)));
}

/* Items of given ids are few: they are found before anything is said of an order (OFFSET 0 keeps it out),
 * or a plan for all values may look for them in the order of time, through the whole catalogue. */
static void compose_items(const struct item_conditions *w, const struct scope *scope, struct arena *arena,
                          struct composed *c)
{
    if (!w->n_ids) {
        text_add(&c->sql, " FROM items i");
        return;
    }
    text_add(&c->sql, " FROM (SELECT i.* FROM items i WHERE true");
    compose_scope(scope, c);
    compose(c, " AND i.id = ANY(?::text[]) OFFSET 0) i",
            compose_arg(c, db_text(store_array(arena, w->n_ids, w->ids))));
}

void conditions_compose_from(const struct item_conditions *w, const struct scope *scope,
                             bool needs_properties, struct arena *arena, struct composed *c)
{
    const struct cql2_context columns = { .columns = item_columns };

    compose_items(w, scope, arena, c);
    if (needs_properties || w->words || (w->filter && cql2_needs_document(w->filter, &columns)))
        text_add(&c->sql, /* OFFSET 0 keeps the parsing in one place */
                 " CROSS JOIN LATERAL (SELECT i.body::jsonb -> 'properties' AS p OFFSET 0) j");
    if (w->words)
        text_add(&c->sql,
                 " CROSS JOIN LATERAL (SELECT cql2_casei(item_words(i.id, j.p)) AS folded OFFSET 0) w");
}

/* Bounds are worked out here rather than in SQL, so that they are constants for the planner, which then
 * looks at the partitions of these years only. */
static void compose_bound(const char *rfc3339, int64_t by_us, const char *fragment, struct arena *arena,
                          struct composed *c)
{
    int64_t us;

    if (instant_parse_us(rfc3339, &us))
        compose(c, fragment, compose_arg(c, db_text(compose_instant(arena, us + by_us))));
}

static void compose_time(const struct item_conditions *w, const struct scope *scope, struct arena *arena,
                         struct composed *c)
{
    int64_t longest_us = scope->longest_ms * 1000;

    if (w->start) {
        compose_bound(w->start, -longest_us, " AND i.datetime >= ?::timestamptz", arena, c);
        if (longest_us)
            compose_bound(w->start, 0, " AND i.end_at >= ?::timestamptz", arena, c);
    }
    if (w->end) {
        compose_bound(w->end, longest_us, " AND i.datetime <= ?::timestamptz", arena, c);
        if (longest_us)
            compose_bound(w->end, 0, " AND i.start_at <= ?::timestamptz", arena, c);
    }
}

/* An area that is written with few bytes: how it is given to PostGIS, and how wide it is. */
struct area {
    struct db_arg arg;
    bool is_wkb; /* valid beyond doubt, so that it need not be parsed and repaired */
    double size; /* of its box, in square degrees; 0: not known, as it is written with many bytes */
};

static struct area area_of(const char *geometry, struct arena *arena)
{
    struct area area = { .arg = db_text(geometry) };
    AUTO(json) json_t *json = NULL;
    AUTO(text) struct text wkb = { 0 };
    struct err ignored = { 0 };
    double b[4];

    if (strlen(geometry) > SMALL_TEXT ||
        !js_parse(geometry, strlen(geometry), JS_DEFAULT_DEPTH, &json, &ignored)) {
        err_clear(&ignored);
        return area;
    }
    geojson_bounds(json, b);
    area.size = fmax((b[2] - b[0]) * (b[3] - b[1]), DBL_MIN);
    area.is_wkb = geojson_is_surely_valid(json);
    if (area.is_wkb) {
        geojson_add_wkb(&wkb, json);
        area.arg = db_bytes(memcpy(arena_alloc(arena, wkb.length), wkb.data, wkb.length), wkb.length);
    }
    return area;
}

/* Where one plan is for all values, it must not read the area again for each partition and item: what is
 * to be made of it is a subquery. */
static void compose_area(const struct area *area, bool for_all, struct composed *c)
{
    compose(c, area->is_wkb ? " AND ST_Intersects(i.geom, ?::geometry)"
               : for_all    ? " AND ST_Intersects(i.geom, (SELECT cql2_valid(ST_Force2D(ST_SetSRID("
                              "ST_GeomFromGeoJSON(?::text), 4326)))))"
                            : " AND ST_Intersects(i.geom, cql2_valid(ST_Force2D(ST_SetSRID("
                              "ST_GeomFromGeoJSON(?::text), 4326))))",
            compose_arg(c, area->arg));
}

/* A small area holds few items, whatever else is asked: one plan for all is that the index on places finds
 * them. A plan for these values sees how large the area is. */
static void compose_where(const char *geometry, struct arena *arena, struct composed *c)
{
    struct area area = area_of(geometry, arena);
    bool for_all = c->plan == DB_PLAN_ONE;

    if (!for_all || area.size == 0 || area.size > small_area)
        c->plan = DB_PLAN_OWN;
    compose_area(&area, for_all, c);
}

void conditions_compose(const struct item_conditions *w, const struct known *known,
                        const struct scope *scope, struct arena *arena, struct composed *c)
{
    text_add(&c->sql, " WHERE true");
    if (!w->n_ids)
        compose_scope(scope, c);
    compose_time(w, scope, arena, c);
    if (w->geometry)
        compose_where(w->geometry, arena, c);
    if (w->filter) {
        struct cql2_context context = context_of(known, scope);
        const char *filter;

        if (scope->places && mentions(w->filter, "order:status")) /* no parameter stands unused */
            context.columns = columns_with_status(w->viewer, arena, c);
        filter = cql2_sql(w->filter, &context, arena, c);
        text_add(&c->sql, " AND ");
        text_add(&c->sql, filter);
    }
    if (w->words) {
        const char *words = words_sql(w->words, "w.folded", arena, c);

        text_add(&c->sql, " AND ");
        text_add(&c->sql, words);
    }
}

bool conditions_are_wide(const struct item_conditions *w, double square_degrees, struct arena *arena)
{
    return w->geometry && !w->n_ids && !w->filter && !w->words &&
           area_of(w->geometry, arena).size >= square_degrees;
}

void conditions_compose_span(const struct item_conditions *w, const struct scope *scope, struct arena *arena,
                             struct composed *c)
{
    text_add(&c->sql, " FROM items i WHERE true");
    compose_scope(scope, c);
    compose_time(w, scope, arena, c);
}

void conditions_compose_area(const struct item_conditions *w, const struct scope *scope, struct arena *arena,
                             struct composed *c)
{
    struct area area = area_of(w->geometry, arena);

    if (scope->count == 1) /* said again, so that the planner sees that the order is that of the inner rows */
        compose(c, " AND i.collection = ?::integer", compose_arg(c, db_int(scope->collections[0]->number)));
    compose_area(&area, true, c);
}

/* *ret_rows stays NULL when what is known turned out to be old. */
static bool try_query(struct db *db, struct arena *arena, const struct item_conditions *w,
                      const struct known *known, scoped_compose_fn *write, void *context,
                      PGresult **ret_rows, struct err *err)
{
    struct scope scope = known_scope(known, arena, w->viewer, w->n_collections, w->collections);
    AUTO_COMPOSED c = { 0 };
    AUTO(rows) PGresult *rows = NULL;

    if (!write(context, known, &scope, &c, err) || !composed_run(db, &c, &rows, err))
        return false;
    if (row_count(rows) == 0)
        return err_set(err, ERR_DatabaseFailed, "The table catalog_version is empty");
    if (!known_is(known, row_int(rows, 0, 0)))
        return true;
    *ret_rows = rows;
    rows = NULL;
    return true;
}

bool scoped_query(struct db *db, struct arena *arena, const struct item_conditions *w,
                  scoped_compose_fn *write, void *context, struct known **ret_known, PGresult **ret_rows,
                  struct err *err)
{
    AUTO(known) struct known *known = NULL;
    PGresult *rows = NULL;

    if (!known_get(db, &known, err))
        return false;
    for (int try = 0; try < MAX_TRIES; try++) {
        struct known *fresh;

        if (!try_query(db, arena, w, known, write, context, &rows, err))
            return false;
        if (rows) {
            *ret_rows = rows;
            *ret_known = known;
            known = NULL;
            return true;
        }
        if (!known_refresh(db, known, &fresh, err))
            return false;
        known_free(known);
        known = fresh;
    }
    return err_set(err, ERR_DatabaseFailed, "The collections change too often to be searched; try again");
}
