/* Collections are few, and what is asked of them is kept in columns that a trigger fills from their
 * texts (sql/0004-search.sql): the document, the boxes as one geometry, the intervals as a multirange.
 * A search reads them all once, counts what matches and cuts a page out of that by key. */
#include "store/collection_search.h"
#include "store/cql2_sql.h"
#include "store/order.h"
#include "store/words.h"
#include <string.h>

enum { MATCHED, BODY, ID, COUNT, KEYS };

static const struct queryable queryables[] = { /* by name */
    { .property = { "created", CQL2_TYPE_TIMESTAMP }, .sortable = true, .title = "When it came into this catalogue" },
    { .property = { "datetime", CQL2_TYPE_TIMESTAMP }, .sortable = true, .title = "Begin of the temporal extent" },
    { .property = { "description", CQL2_TYPE_STRING }, .sortable = true, .title = "Description" },
    { .property = { "end_datetime", CQL2_TYPE_TIMESTAMP }, .sortable = true, .title = "End of the temporal extent" },
    { .property = { "geometry", CQL2_TYPE_GEOMETRY }, .title = "Boxes of the spatial extent" },
    { .property = { "id", CQL2_TYPE_STRING }, .sortable = true, .title = "Id" },
    { .property = { "keywords", CQL2_TYPE_ARRAY }, .is_array = true, .title = "Keywords" },
    { .property = { "license", CQL2_TYPE_STRING }, .sortable = true, .title = "License" },
    { .property = { "start_datetime", CQL2_TYPE_TIMESTAMP }, .sortable = true,
      .title = "Begin of the temporal extent" },
    { .property = { "title", CQL2_TYPE_STRING }, .sortable = true, .title = "Title" },
    { .property = { "updated", CQL2_TYPE_TIMESTAMP }, .sortable = true, .title = "When it last changed here" },
};

static const struct cql2_column columns[] = {
    { "created", "c.created", CQL2_TYPE_TIMESTAMP, false },
    { "datetime", "lower(c.times)", CQL2_TYPE_TIMESTAMP, false },
    { "description", "(item_string(c.doc -> 'description') COLLATE \"C\")", CQL2_TYPE_STRING, false },
    { "end_datetime", "upper(c.times)", CQL2_TYPE_TIMESTAMP, false },
    { "geometry", "c.boxes", CQL2_TYPE_GEOMETRY, false },
    { "id", "c.id", CQL2_TYPE_STRING, false },
    { "license", "(item_string(c.doc -> 'license') COLLATE \"C\")", CQL2_TYPE_STRING, false },
    { "start_datetime", "lower(c.times)", CQL2_TYPE_TIMESTAMP, false },
    { "title", "(item_string(c.doc -> 'title') COLLATE \"C\")", CQL2_TYPE_STRING, false },
    { "updated", "c.updated", CQL2_TYPE_TIMESTAMP, false },
    { NULL, NULL, CQL2_TYPE_ANY, false },
};

const struct queryable_list *collection_queryables(void)
{
    static const struct queryable_list list = { ARRAY_LEN(queryables), queryables };

    return &list;
}

/* ---- the statement ---- */

static bool add_sort(const struct collection_sort *sort, struct order *order, struct err *err)
{
    for (const struct cql2_column *c = columns; c->name; c++)
        if (!strcmp(c->name, sort->property) && c->type != CQL2_TYPE_GEOMETRY) {
            order->keys[order->n_keys] = (struct order_key){
                .value = c->sql, .nullable = strcmp(c->name, "id") != 0, .descending = sort->descending,
                .cast = c->type == CQL2_TYPE_STRING ? "?::text COLLATE \"C\"" : "?::timestamptz",
                .sort = (int)order->n_keys,
            };
            order->n_keys++;
            return true;
        }
    return err_set(err, ERR_InvalidParameter, "sortby: there is no property '%.60s' of collections to sort by",
                   sort->property);
}

static bool read_order(const struct collection_query *q, struct order *order, struct err *err)
{
    *order = (struct order){ 0 };
    if (q->n_sorts > SEARCH_MAX_SORTS)
        return err_set(err, ERR_InvalidParameter, "sortby: expected at most %d properties, found %zu",
                       SEARCH_MAX_SORTS, q->n_sorts);
    for (size_t i = 0; i < q->n_sorts; i++)
        if (!add_sort(&q->sorts[i], order, err))
            return false;
    order->keys[order->n_keys++] =
        (struct order_key){ .value = "c.id", .cast = "?::text COLLATE \"C\"", .sort = -1 };
    return true;
}

static void compose_filter(const struct collection_query *q, struct arena *arena, struct composed *c)
{
    const struct cql2_context context = { .columns = columns, .document = "c.doc",
                                          .start = "coalesce(lower(c.times), '-infinity')",
                                          .end = "coalesce(upper(c.times), 'infinity')" };
    const char *filter = q->filter ? cql2_sql(q->filter, &context, arena, c) : NULL;
    const char *words = q->words ? words_sql(q->words, "c.words", arena, c) : NULL;

    if (filter) {
        text_add(&c->sql, " AND ");
        text_add(&c->sql, filter);
    }
    if (words) {
        text_add(&c->sql, " AND ");
        text_add(&c->sql, words);
    }
}

static void compose_matches(const struct collection_query *q, struct arena *arena, struct composed *c)
{
    int viewer = compose_arg(c, db_text(q->viewer));

    text_add(&c->sql, "WITH m AS MATERIALIZED (SELECT c.* FROM collections c");
    compose(c, " WHERE (c.public OR c.owner = ?::uuid OR EXISTS (SELECT FROM collection_readers r"
               " WHERE r.collection = c.number AND r.reader = ?::uuid))", viewer, viewer);
    if (q->start || q->end)
        compose(c, " AND c.times && tstzrange(?::timestamptz, ?::timestamptz, '[]')",
                compose_arg(c, db_text(compose_instant_of(arena, q->start))),
                compose_arg(c, db_text(compose_instant_of(arena, q->end))));
    if (q->geometry)
        compose(c, " AND ST_Intersects(c.boxes, cql2_valid(ST_Force2D(ST_SetSRID(ST_GeomFromGeoJSON(?::text), 4326))))",
                compose_arg(c, db_text(q->geometry)));
    compose_filter(q, arena, c);
    text_add(&c->sql, ")");
}

bool collections_search(struct db *db, struct arena *arena, const struct collection_query *q,
                        struct collection_page *ret_page, struct err *err)
{
    AUTO_COMPOSED c = { 0 };
    struct order order;
    size_t found;

    *ret_page = (struct collection_page){ .backwards = q->backwards };
    if (!read_order(q, &order, err))
        return false;
    compose_matches(q, arena, &c);
    text_add(&c.sql, " SELECT n.n, s.* FROM (SELECT count(*) AS n FROM m) n"
                     " LEFT JOIN (SELECT c.body, c.id, c.count");
    order_compose_values(&order, &c);
    text_add(&c.sql, " FROM m c WHERE true");
    order_compose_cursor(&order, q->after, q->backwards, &c);
    order_compose(&order, q->backwards, &c);
    compose(&c, " LIMIT ?::bigint) s ON true", compose_arg(&c, db_int(q->limit + 1)));
    order_compose(&order, q->backwards, &c);
    if (!composed_run(db, &c, &ret_page->rows, err))
        return false;
    found = row_text(ret_page->rows, 0, ID) ? (size_t)row_count(ret_page->rows) : 0;
    ret_page->more = found > (size_t)q->limit;
    ret_page->count = ret_page->more ? (size_t)q->limit : found;
    ret_page->matched = row_int(ret_page->rows, 0, MATCHED);
    return true;
}

/* ---- the page ---- */

static int row_of(const struct collection_page *page, size_t i)
{
    return (int)(page->backwards ? page->count - 1 - i : i);
}

struct collection_row collection_page_row(const struct collection_page *page, size_t i)
{
    int row = row_of(page, i);

    return (struct collection_row){ .id = row_text(page->rows, row, ID),
                                    .text = row_text(page->rows, row, BODY),
                                    .count = row_int(page->rows, row, COUNT) };
}

const struct item_cursor *collection_page_cursor(const struct collection_page *page, size_t i,
                                                 struct arena *arena)
{
    struct item_cursor *cursor = arena_alloc(arena, sizeof *cursor);
    int row = row_of(page, i);

    for (int k = 0; KEYS + k < PQnfields(page->rows) && k < SEARCH_MAX_SORTS; k++) {
        const char *value = row_text(page->rows, row, KEYS + k);

        cursor->values[k] = value ? arena_text(arena, value) : NULL;
    }
    cursor->id = arena_text(arena, row_text(page->rows, row, ID));
    cursor->datetime = "";
    return cursor;
}

void collection_page_done(struct collection_page *page)
{
    PQclear(page->rows);
    page->rows = NULL;
}
