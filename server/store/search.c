/* Reading items. A search is a set of conditions, each a fixed fragment of SQL with one parameter
 * after the other; which fragments a search has is a mask, and the statement of each mask is put
 * together once and kept, so that connections prepare it like any literal. Searches in space are
 * planned anew for their geometry. */
#include "base/text.h"
#include "json/js.h"
#include "store/items.h"
#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum condition { ONE_COLLECTION, COLLECTIONS, IDS, START, END, PLACE, AFTER, BEFORE, CONDITIONS };

/* %d is the number of the parameter; AFTER and BEFORE take three. An item's interval lies around its
 * datetime by at most the `longest` of its collection: that lets the index on datetime help. */
static const char *const fragments[CONDITIONS] = {
    [ONE_COLLECTION] = " AND collection = $%d::integer"
                       " AND shelf IN ((SELECT shelves[1] FROM collections WHERE number = $%d::integer),"
                       "               (SELECT shelves[2] FROM collections WHERE number = $%d::integer))",
    [COLLECTIONS] = " AND collection = ANY($%d::integer[])",
    [IDS] = " AND id = ANY($%d::text[])",
    [START] = " AND end_at >= $%d::timestamptz AND datetime >= $%d::timestamptz"
              " - (SELECT coalesce(max(longest), '0') FROM collections)",
    [END] = " AND start_at <= $%d::timestamptz AND datetime <= $%d::timestamptz"
            " + (SELECT coalesce(max(longest), '0') FROM collections)",
    [PLACE] = " AND ST_Intersects(geom, ST_MakeValid(ST_SetSRID(ST_GeomFromGeoJSON($%d::text), 4326)))",
    [AFTER] = " AND (datetime, id, collection) < ($%d::timestamptz, $%d::text, $%d::integer)",
    [BEFORE] = " AND (datetime, id, collection) > ($%d::timestamptz, $%d::text, $%d::integer)",
};

static const char *compose(unsigned mask)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static char *composed[1 << CONDITIONS];
    const char *order = mask & 1 << BEFORE ? "datetime, id, collection"
                                           : "datetime DESC, id DESC, collection DESC";
    int next = 1;

    pthread_mutex_lock(&lock);
    if (!composed[mask]) {
        struct text sql = { 0 };

        text_add(&sql, "SELECT s.body, s.id, s.datetime, s.collection, c.id FROM ("
                       "SELECT body, id, datetime, collection FROM items WHERE true");
        for (int i = 0; i < CONDITIONS; i++) {
            int step = i == AFTER || i == BEFORE; /* each parameter once, or the same twice */

            if (!(mask & 1u << i))
                continue;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
            text_printf(&sql, fragments[i], next, next + step, next + 2 * step);
#pragma GCC diagnostic pop
            next += 1 + 2 * step;
        }
        text_printf(&sql, " ORDER BY %s LIMIT $%d::bigint) s"
                          " JOIN collections c ON c.number = s.collection"
                          " ORDER BY s.datetime DESC, s.id DESC, s.collection DESC", order, next);
        composed[mask] = text_take(&sql);
    }
    pthread_mutex_unlock(&lock);
    return composed[mask];
}

struct arguments {
    unsigned mask;
    struct db_arg values[CONDITIONS + 6];
    size_t count;
};

static void add(struct arguments *a, enum condition condition, struct db_arg value)
{
    a->mask |= 1u << condition;
    a->values[a->count++] = value;
}

/* In the order of enum condition. */
static void collect(const struct item_search *s, struct arena *arena, struct arguments *a)
{
    if (s->scope.only)
        add(a, ONE_COLLECTION, db_int(s->scope.only));
    else if (!s->scope.all)
        add(a, COLLECTIONS, db_text(s->scope.numbers));
    if (s->n_ids)
        add(a, IDS, db_text(store_array(arena, s->n_ids, s->ids)));
    if (s->start)
        add(a, START, db_text(s->start));
    if (s->end)
        add(a, END, db_text(s->end));
    if (s->geometry)
        add(a, PLACE, db_text(s->geometry));
    if (s->after) {
        add(a, s->backwards ? BEFORE : AFTER, db_text(s->after->datetime));
        a->values[a->count++] = db_text(s->after->id);
        a->values[a->count++] = db_int(s->after->collection);
    }
    a->values[a->count++] = db_int(s->limit + 1);
}

/* Searches that an index on (datetime, id) cannot bound get a time limit. */
static bool set_timeout(struct db *db, int64_t timeout_ms, struct err *err)
{
    return db_run(db, "SELECT set_config('statement_timeout', $1::text, false)",
                  DB_ARGS(db_int(timeout_ms)), err);
}

bool items_search(struct db *db, struct arena *arena, const struct item_search *search,
                  struct item_page *ret_page, struct err *err)
{
    struct arguments a = { 0 };
    size_t found;
    bool good, timed = search->timeout_ms && (search->geometry || search->start || search->end);
    struct err ignored = { 0 };

    memset(ret_page, 0, sizeof *ret_page);
    if (search->scope.none)
        return true;
    if (timed && !set_timeout(db, search->timeout_ms, err))
        return false;
    collect(search, arena, &a);
    good = search->geometry
               ? db_query_custom(db, &ret_page->rows, compose(a.mask), a.values, a.count, err)
               : db_query(db, &ret_page->rows, compose(a.mask), a.values, a.count, err);
    if (timed && !set_timeout(db, 0, &ignored) && good) {
        item_page_done(ret_page);
        return err_set(err, ignored.code, "%s", ignored.message);
    }
    if (!good)
        return false;
    found = (size_t)row_count(ret_page->rows);
    ret_page->more = found > (size_t)search->limit;
    ret_page->count = ret_page->more ? (size_t)search->limit : found;
    ret_page->backwards = search->backwards;
    return true;
}

void item_page_done(struct item_page *page)
{
    PQclear(page->rows);
    page->rows = NULL;
}

struct item_row item_page_row(const struct item_page *page, size_t i)
{
    /* the row too many that told of more is the last forwards and the first backwards */
    int row = (int)i + (page->backwards && page->more);

    return (struct item_row){ .text = row_text(page->rows, row, 0),
                              .id = row_text(page->rows, row, 1),
                              .datetime = row_text(page->rows, row, 2),
                              .collection_number = row_int(page->rows, row, 3),
                              .collection = row_text(page->rows, row, 4) };
}

bool item_load(struct db *db, struct arena *arena, const char *viewer, const char *collection,
               const char *id, const char **ret_text, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;
    const char *unused;

    if (!db_query(db, &rows,
                  "SELECT i.body FROM items i JOIN collections c ON c.number = i.collection"
                  " WHERE c.id = $1 AND i.id = $2 AND (c.public OR c.owner = $3::uuid)",
                  DB_ARGS(db_text(collection), db_text(id), db_text(viewer)), err))
        return false;
    if (row_count(rows) == 0) {
        if (!collection_text(db, arena, viewer, collection, &unused, err))
            return false;
        return err_set(err, ERR_ItemNotFound, "The collection '%.200s' has no item '%.200s'.",
                       collection, id);
    }
    *ret_text = arena_text(arena, row_text(rows, 0, 0));
    return true;
}

bool item_asset_location(struct db *db, struct arena *arena, const char *viewer,
                         const char *collection, const char *item, const char *asset,
                         struct item_location *ret_location, struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;

    if (!db_query(db, &rows,
                  "SELECT l.href, l.media_type FROM locations l"
                  "  JOIN collections c ON c.number = l.collection"
                  " WHERE c.id = $1 AND l.item = $2 AND l.asset = $3 AND l.site = 'local'"
                  "   AND (c.public OR c.owner = $4::uuid)",
                  DB_ARGS(db_text(collection), db_text(item), db_text(asset), db_text(viewer)), err))
        return false;
    if (row_count(rows) == 0)
        return err_set(err, ERR_FileNotFound, "There is no file '%.100s' of item '%.200s' here.",
                       asset, item);
    ret_location->asset = asset;
    ret_location->href = arena_text(arena, row_text(rows, 0, 0));
    ret_location->media_type = arena_text(arena, row_text(rows, 0, 1));
    return true;
}

static json_t *inner(json_t *object, const char *key)
{
    json_t *inside = json_object_get(object, key);

    if (!inside) {
        inside = json_object();
        json_object_set_new(object, key, inside);
    }
    return inside;
}

bool item_locations(struct db *db, const struct item_page *page, json_t **ret_locations,
                    struct err *err)
{
    AUTO(rows) PGresult *rows = NULL;
    AUTO(arena) struct arena *arena = arena_new();
    AUTO(json) json_t *all = json_object();
    const char **ids = arena_array(arena, page->count + 1, sizeof *ids);

    for (size_t i = 0; i < page->count; i++)
        ids[i] = item_page_row(page, i).id;
    if (page->count &&
        !db_query(db, &rows,
                  "SELECT item, asset, href FROM locations"
                  " WHERE item = ANY($1::text[]) AND collection = $2::integer AND site = 'local'",
                  DB_ARGS(db_text(store_array(arena, page->count, ids)),
                          db_int(item_page_row(page, 0).collection_number)),
                  err))
        return false;
    for (int i = 0; rows && i < row_count(rows); i++)
        json_object_set_new(inner(all, row_text(rows, i, 0)), row_text(rows, i, 1),
                            json_string(row_text(rows, i, 2)));
    *ret_locations = all;
    all = NULL;
    return true;
}
