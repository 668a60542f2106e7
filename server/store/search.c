/* Reading items. One statement finds a page: its conditions (conditions.c), its order and where it
 * begins (order.c), and beside the rows the version of what this process knows about collections
 * (conditions.c makes the statement again when that was old).
 *
 * A wide area is met by some of the newest items where the catalogue is full. So a page of it is looked
 * for among these first, by a plan for all values, which takes less than planning for the area; when they
 * do not fill the page (an empty sea), all items are asked.
 *
 * The inner LIMIT is a literal, so that the planner knows that few rows are wanted also where it plans
 * for no values in particular; the outer one is the exact number, and nothing more is fetched. The last
 * ORDER BY sorts a page that is in order already: it costs nothing, and says what is meant. */
#include "store/conditions.h"
#include "store/count.h"
#include "store/order.h"
#include "store/places.h"
#include "store/scope.h"
#include "store/shape.h"
#include <string.h>

/* How many of the newest are looked at; of evenly spread items they fill a page of an area of the globe's
 * share that a page is of them. */
static const struct { int64_t rows; const char *sql; } newest = { 1000, " LIMIT 1000) i WHERE true" };
static const double globe = 360 * 180; /* square degrees */

enum column { VERSION, COUNT, BODY, ID, DATETIME, COLLECTION, PLACES, KEYS };

static const struct { int64_t rows; const char *sql; } windows[] = {
    { 20, " LIMIT 20" },     { 200, " LIMIT 200" },     { 1100, " LIMIT 1100" },
    { 10001, " LIMIT 10001" },
};

static void compose_places(struct composed *c, const char *viewer)
{
    int v = compose_arg(c, db_text(viewer));

    text_add(&c->sql, ", ");
    compose(c, PLACES_OF("i.collection", "i.id", "?"), v, v, v);
}

/* From among the newest, which are in order already. */
static void compose_newest(const struct item_search *s, const struct scope *scope, const struct order *order,
                           struct arena *arena, struct composed *c)
{
    c->plan = DB_PLAN_ONE;
    text_add(&c->sql, " FROM (SELECT i.*");
    order_compose_values(order, c);
    conditions_compose_span(&s->where, scope, arena, c);
    order_compose_cursor(order, s->after, s->backwards, c);
    order_compose(order, s->backwards, c);
    text_add(&c->sql, newest.sql);
    conditions_compose_area(&s->where, scope, arena, c);
}

static void compose_all(const struct item_search *s, const struct known *known, const struct scope *scope,
                        const struct order *order, struct arena *arena, struct composed *c)
{
    c->plan = shape_is_plain(s) ? DB_PLAN_ONE : DB_PLAN_USUAL;
    conditions_compose_from(&s->where, scope, order->needs_properties, arena, c);
    conditions_compose(&s->where, known, scope, arena, c);
    order_compose_cursor(order, s->after, s->backwards, c);
}

static void compose_head(const struct item_search *s, const struct scope *scope, struct composed *c)
{
    text_add(&c->sql, "SELECT v.version, ");
    if (!conditions_restrict(&s->where)) /* counted by whoever writes */
        compose(c, "(SELECT sum(count) FROM collections WHERE number = ANY(?::integer[]))",
                compose_arg(c, db_text(scope->numbers)));
    else
        text_add(&c->sql, "NULL");
    text_add(&c->sql, ", s.* FROM (SELECT version FROM catalog_version LIMIT 1) v"
                      " LEFT JOIN (SELECT t.* FROM (SELECT i.body, i.id, i.datetime, i.collection");
    if (scope->places)
        compose_places(c, s->where.viewer);
    else
        text_add(&c->sql, ", NULL");
}

static void compose_tail(const struct item_search *s, const struct order *order, struct composed *c)
{
    size_t window = 0;

    while (window + 1 < ARRAY_LEN(windows) && windows[window].rows < s->limit + 1)
        window++;
    order_compose(order, s->backwards, c);
    text_add(&c->sql, windows[window].sql);
    if (s->offset)
        compose(c, " OFFSET ?::bigint", compose_arg(c, db_int(s->offset)));
    compose(c, ") t LIMIT ?::bigint) s ON true", compose_arg(c, db_int(s->limit + 1)));
    order_compose(order, s->backwards, c);
}

struct page_context {
    const struct item_search *search;
    struct arena *arena;
    bool among_newest;
};

static bool compose_search(void *context, const struct known *known, const struct scope *scope,
                           struct composed *c, struct err *err)
{
    const struct page_context *p = context;
    struct order order;

    if (!order_of(p->search, scope->count == 1, &order, err))
        return false;
    compose_head(p->search, scope, c);
    order_compose_values(&order, c);
    if (p->among_newest)
        compose_newest(p->search, scope, &order, p->arena, c);
    else
        compose_all(p->search, known, scope, &order, p->arena, c);
    compose_tail(p->search, &order, c);
    return true;
}

static void read_page(const struct item_search *s, struct known *known, PGresult *rows,
                      struct item_page *page)
{
    size_t found = row_text(rows, 0, ID) ? (size_t)row_count(rows) : 0;

    *page = (struct item_page){ .rows = rows, .known = known, .backwards = s->backwards, .matched = -1 };
    page->more = found > (size_t)s->limit;
    page->count = page->more ? (size_t)s->limit : found;
    if (row_text(rows, 0, COUNT)) {
        page->matched = row_int(rows, 0, COUNT);
        page->counted = COUNT_EXACT;
    } else if (!s->after && !page->more && (found || !s->offset)) {
        page->matched = s->offset + (int64_t)found;
        page->counted = COUNT_EXACT;
    }
}

/* A capped count below its cap is exact. */
static enum item_count counted_as(const struct item_search *s, int64_t matched)
{
    return s->count == COUNT_CAPPED && matched < s->count_limit ? COUNT_EXACT : s->count;
}

static bool are_newest_worth_a_look(const struct item_search *s, struct arena *arena)
{
    return s->n_sorts == 0 && s->offset == 0 && s->limit < newest.rows / 2 &&
           conditions_are_wide(&s->where, globe * (double)(s->limit + 1) / (double)newest.rows, arena);
}

static bool find_page(struct db *db, struct arena *arena, const struct item_search *search,
                      bool among_newest, struct item_page *page, struct err *err)
{
    struct page_context context = { search, arena, among_newest };
    struct known *known;
    PGresult *rows;

    if (!scoped_query(db, arena, &search->where, compose_search, &context, &known, &rows, err))
        return false;
    read_page(search, known, rows, page);
    return true;
}

static bool find_matched(struct db *db, struct arena *arena, const struct item_search *search,
                         struct item_page *page, struct err *err)
{
    if (page->matched >= 0 || search->count == COUNT_NONE)
        return true;
    if (!items_count(db, arena, search, page->known, &page->matched, err))
        return false;
    if (page->matched >= 0)
        page->counted = counted_as(search, page->matched);
    return true;
}

bool items_search(struct db *db, struct arena *arena, const struct item_search *search,
                  struct item_page *ret_page, struct err *err)
{
    bool among_newest = are_newest_worth_a_look(search, arena);

    *ret_page = (struct item_page){ .matched = -1 };
    if (!find_page(db, arena, search, among_newest, ret_page, err))
        return false;
    if (among_newest && !ret_page->more) {
        item_page_done(ret_page);
        if (!find_page(db, arena, search, false, ret_page, err))
            return false;
    }
    if (find_matched(db, arena, search, ret_page, err))
        return true;
    item_page_done(ret_page);
    return false;
}

void item_page_done(struct item_page *page)
{
    PQclear(page->rows);
    known_free(page->known);
    page->rows = NULL;
    page->known = NULL;
}

/* Rows come in the direction of paging. */
static int row_of(const struct item_page *page, size_t i)
{
    return (int)(page->backwards ? page->count - 1 - i : i);
}

struct item_row item_page_row(const struct item_page *page, size_t i)
{
    int row = row_of(page, i);
    int64_t number = row_int(page->rows, row, COLLECTION);
    const struct known_collection *collection = known_by_number(page->known, number);

    return (struct item_row){ .text = row_text(page->rows, row, BODY),
                              .id = row_text(page->rows, row, ID),
                              .datetime = row_text(page->rows, row, DATETIME),
                              .places = row_text(page->rows, row, PLACES),
                              .collection_number = number,
                              .collection = collection ? collection->id : "" };
}

size_t item_page_bytes(const struct item_page *page)
{
    size_t bytes = 0;

    for (size_t i = 0; i < page->count; i++)
        bytes += (size_t)PQgetlength(page->rows, row_of(page, i), BODY);
    return bytes;
}

const struct item_cursor *item_page_cursor(const struct item_page *page, size_t i, struct arena *arena)
{
    struct item_cursor *cursor = arena_alloc(arena, sizeof *cursor);
    int row = row_of(page, i);

    for (int k = 0; KEYS + k < PQnfields(page->rows) && k < SEARCH_MAX_SORTS; k++) {
        const char *value = row_text(page->rows, row, KEYS + k);

        cursor->values[k] = value ? arena_text(arena, value) : NULL;
    }
    cursor->datetime = arena_text(arena, row_text(page->rows, row, DATETIME));
    cursor->id = arena_text(arena, row_text(page->rows, row, ID));
    cursor->collection = row_int(page->rows, row, COLLECTION);
    return cursor;
}
