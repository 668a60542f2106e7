/* A collection as a tree of catalogues, so that crawlers reach every item by links alone: a period with
 * few items lists them, any other has the shorter periods in it that hold items (years, months, days,
 * hours, minutes). Which do is found by asking for the oldest item from a time on and going on after
 * the period that it lies in: one look into an index each, however many items there are. */
#include "api/common/build.h"
#include "api/stac/language.h"
#include "api/stac/stac.h"
#include "base/instant.h"
#include <string.h>

enum { FEW_ITEMS = 200, ITEMS_AT_ONCE = 1000, NAME_SIZE = 20 };
enum level { WHOLE, YEAR, MONTH, DAY, HOUR, MINUTE };

struct period {
    enum level level;
    char name[NAME_SIZE];   /* "2023-08-15T09"; "" for the whole */
    const char *start, *end; /* RFC 3339, in the arena; NULL: open */
};

static const size_t lengths[] = { [YEAR] = 4, [MONTH] = 7, [DAY] = 10, [HOUR] = 13, [MINUTE] = 16 };

static int64_t end_of(enum level level, int64_t start_ms)
{
    static const int64_t widths[] = { [DAY] = 86400000, [HOUR] = 3600000, [MINUTE] = 60000 };
    int64_t year;
    int month, day;

    if (level >= DAY)
        return start_ms + widths[level];
    instant_civil(start_ms / 86400000 - (start_ms % 86400000 < 0), &year, &month, &day);
    return 86400000 * (level == YEAR || month == 12 ? instant_days(year + 1, 1, 1)
                                                    : instant_days(year, month + 1, 1));
}

/* The period that begins as `time` does: "2023-08-15T09:58:11Z" at the level of days is 2023-08-15. */
static bool period_of(const char *time, enum level level, struct arena *arena, struct period *ret_period)
{
    char whole[] = "0000-01-01T00:00:00Z", again[INSTANT_TEXT_SIZE];
    size_t length = lengths[level];
    int64_t start;

    if (strlen(time) < length)
        return false;
    memcpy(whole, time, length);
    if (!instant_parse(whole, &start) || strcmp(instant_format(start, again), whole))
        return false;
    *ret_period = (struct period){ .level = level, .start = arena_text(arena, whole) };
    memcpy(ret_period->name, time, length);
    ret_period->end = arena_text(arena, instant_format(end_of(level, start), again));
    return true;
}

static bool read_period(struct request *rq, const char *name, struct period *ret_period, struct err *err)
{
    *ret_period = (struct period){ .level = WHOLE };
    if (!name)
        return true;
    for (enum level level = YEAR; level <= MINUTE; level++)
        if (strlen(name) == lengths[level] && period_of(name, level, rq->arena, ret_period))
            return true;
    return err_set(err, ERR_NotFound,
                   "There is no period '%.40s': expected one like 2023, 2023-08, 2023-08-15, 2023-08-15T09 or "
                   "2023-08-15T09:58.", name);
}

/* ---- asking ---- */

/* Items whose datetime (or start, without one) lies in [start, end), the oldest first. */
static bool search(struct request *rq, const char *collection, const char *start, const char *end,
                   const struct item_cursor *after, int64_t limit, struct item_page *ret_page, struct err *err)
{
    static const struct item_sort oldest = { .property = "datetime" };
    static const struct cql2_property known[] = { { "datetime", CQL2_TYPE_TIMESTAMP }, { NULL, 0 } };
    AUTO(text) struct text condition = { 0 };
    struct cql2_node *tree = NULL;
    struct item_search search = {
        .where = { .viewer = stac_viewer(rq), .n_collections = 1, .collections = &collection },
        .n_sorts = 1, .sorts = &oldest, .after = after, .limit = limit, .count = COUNT_NONE,
    };

    if (start)
        text_printf(&condition, "datetime >= TIMESTAMP('%s')", start);
    if (end)
        text_printf(&condition, "%sdatetime < TIMESTAMP('%s')", start ? " AND " : "", end);
    if (condition.length &&
        (!cql2_parse_text(condition.data, condition.length, rq->arena, &tree, err) ||
         !cql2_check(tree, cql2_property_in_table, (void *)known, rq->arena, err)))
        return false;
    search.where.filter = tree;
    return items_search(rq->db, rq->arena, &search, ret_page, err);
}

static void item_page_drop(struct item_page *page)
{
    item_page_done(page);
}

/* ---- writing ---- */

/* The address of a period's catalogue. */
static void add_address(struct text *out, const struct request *rq, const char *collection, const char *name)
{
    text_printf(out, "%s" STAC_ROOT "/collections/", rq->base_url);
    text_add_url(out, collection, "");
    text_printf(out, "/browse%s", *name ? "/" : "");
    text_add_url(out, name, ":");
}

static const char *address(struct request *rq, const char *collection, const char *name, const char *more)
{
    AUTO(text) struct text out = { 0 };

    add_address(&out, rq, collection, name);
    text_add(&out, more);
    return arena_text(rq->arena, out.data);
}

static json_t *catalogue_of(struct request *rq, const char *collection, const struct period *period)
{
    AUTO(mem) char *parent = mem_text(period->name);
    const char *title = *period->name ? period->name : say(rq, SAY_browse);
    json_t *links = json_array();

    parent[period->level > YEAR ? lengths[period->level - 1] : 0] = '\0';
    link_add(links, "self", address(rq, collection, period->name, ""), "application/json", title);
    link_add(links, "root", href_of(rq, STAC_ROOT), "application/json", NULL);
    link_add(links, "parent",
             period->level == WHOLE ? href_of(rq, STAC_ROOT "/collections/%s", collection)
                                    : address(rq, collection, parent, ""),
             "application/json", NULL);
    return json_pack("{s:s,s:s,s:s,s:s,s:s,s:o}", "type", "Catalog", "stac_version", "1.0.0", "id",
                     arena_printf(rq->arena, "%s-%s", collection, *period->name ? period->name : "all"),
                     "title", title, "description", arena_printf(rq->arena, "%s, %s", collection, title),
                     "links", links);
}

static void add_item_links(json_t *links, struct request *rq, const struct item_page *page)
{
    for (size_t i = 0; i < page->count; i++) {
        struct item_row row = item_page_row(page, i);
        AUTO(text) struct text href = { 0 };

        text_printf(&href, "%s" STAC_ROOT "/collections/", rq->base_url);
        text_add_url(&href, row.collection, "");
        text_add(&href, "/items/");
        text_add_url(&href, row.id, "");
        link_add(links, "item", href.data, STAC_GEOJSON, row.id);
    }
}

/* All items of a period that is too short to be cut. */
static bool add_all_items(json_t *links, struct request *rq, const char *collection,
                          const struct period *period, struct err *err)
{
    const struct item_cursor *after = NULL;
    bool more = true;

    while (more) {
        AUTO(item_page) struct item_page page = { 0 };

        if (!search(rq, collection, period->start, period->end, after, ITEMS_AT_ONCE, &page, err))
            return false;
        add_item_links(links, rq, &page);
        more = page.more && page.count > 0;
        if (more)
            after = item_page_cursor(&page, page.count - 1, rq->arena);
    }
    return true;
}

/* "2023-08-15 09:58:11.662+00" of the database in the form that periods begin with. */
static const char *time_of(const struct item_page *page, struct arena *arena)
{
    char *time = arena_text(arena, item_page_row(page, 0).datetime);

    if (strlen(time) > 10)
        time[10] = 'T';
    return time;
}

typedef void child_fn(json_t *list, struct request *rq, const char *collection, const struct period *child);

static void add_child_link(json_t *links, struct request *rq, const char *collection,
                           const struct period *child)
{
    link_add(links, "child", address(rq, collection, child->name, ""), "application/json", child->name);
}

static void add_child(json_t *children, struct request *rq, const char *collection,
                      const struct period *child)
{
    json_array_append_new(children, catalogue_of(rq, collection, child));
}

static bool each_child(json_t *list, struct request *rq, const char *collection, const struct period *period,
                       child_fn *add, struct err *err)
{
    const char *from = period->start;

    for (;;) {
        AUTO(item_page) struct item_page page = { 0 };
        struct period child;

        if (!search(rq, collection, from, period->end, NULL, 1, &page, err))
            return false;
        if (page.count == 0)
            return true;
        if (!period_of(time_of(&page, rq->arena), period->level + 1, rq->arena, &child))
            return err_set(err, ERR_Internal, "The time %s has no period", time_of(&page, rq->arena));
        add(list, rq, collection, &child);
        from = child.end;
    }
}

/* ---- handlers ---- */

static bool begin(struct request *rq, const char *name, const char **ret_collection,
                  struct period *ret_period, struct err *err)
{
    const char *unused;

    *ret_collection = request_variable(rq, "collectionId");
    return stac_only(rq, NULL, err) && read_period(rq, name, ret_period, err) &&
           collection_text(rq->db, rq->arena, stac_viewer(rq), *ret_collection, &unused, err);
}

static bool catalogue(struct request *rq, struct reply *reply, const char *name, struct err *err)
{
    AUTO(item_page) struct item_page page = { 0 };
    AUTO(json) json_t *body = NULL;
    const char *collection;
    struct period period;
    json_t *links;

    if (!begin(rq, name, &collection, &period, err) ||
        !search(rq, collection, period.start, period.end, NULL, FEW_ITEMS, &page, err))
        return false;
    body = catalogue_of(rq, collection, &period);
    links = json_object_get(body, "links");
    if (!page.more) {
        add_item_links(links, rq, &page);
    } else if (period.level == MINUTE) {
        if (!add_all_items(links, rq, collection, &period, err))
            return false;
    } else {
        link_add(links, "children", address(rq, collection, period.name, "/children"), "application/json", NULL);
        if (!each_child(links, rq, collection, &period, add_child_link, err))
            return false;
    }
    language_reply(rq, reply);
    return stac_send_json(rq, reply, json_incref(body), "application/json", html_catalogue, err);
}

static bool children(struct request *rq, struct reply *reply, const char *name, struct err *err)
{
    AUTO(item_page) struct item_page page = { 0 };
    AUTO(json) json_t *list = json_array(), *links = json_array();
    const char *collection;
    struct period period;

    if (!begin(rq, name, &collection, &period, err) ||
        !search(rq, collection, period.start, period.end, NULL, FEW_ITEMS, &page, err))
        return false;
    if (page.more && period.level < MINUTE &&
        !each_child(list, rq, collection, &period, add_child, err))
        return false;
    link_add(links, "self", address(rq, collection, period.name, "/children"), "application/json", NULL);
    link_add(links, "root", href_of(rq, STAC_ROOT), "application/json", NULL);
    link_add(links, "parent", address(rq, collection, period.name, ""), "application/json", NULL);
    language_reply(rq, reply);
    return stac_send_json(rq, reply, json_pack("{s:O,s:O}", "children", list, "links", links),
                          "application/json", html_collections, err);
}

bool stac_browse_get(struct request *rq, struct reply *reply, struct err *err)
{
    return catalogue(rq, reply, NULL, err);
}

bool stac_browse_period_get(struct request *rq, struct reply *reply, struct err *err)
{
    return catalogue(rq, reply, request_variable(rq, "period"), err);
}

bool stac_browse_children_get(struct request *rq, struct reply *reply, struct err *err)
{
    return children(rq, reply, NULL, err);
}

bool stac_browse_period_children_get(struct request *rq, struct reply *reply, struct err *err)
{
    return children(rq, reply, request_variable(rq, "period"), err);
}

/* The only child of a collection is the catalogue of all its items. */
bool stac_collection_children_get(struct request *rq, struct reply *reply, struct err *err)
{
    json_t *list, *links;
    const char *collection;
    struct period whole;

    if (!begin(rq, NULL, &collection, &whole, err))
        return false;
    list = json_array();
    links = json_array();
    json_array_append_new(list, catalogue_of(rq, collection, &whole));
    link_add(links, "self", href_of(rq, STAC_ROOT "/collections/%s/children", collection), "application/json",
             NULL);
    link_add(links, "root", href_of(rq, STAC_ROOT), "application/json", NULL);
    link_add(links, "parent", href_of(rq, STAC_ROOT "/collections/%s", collection), "application/json", NULL);
    language_reply(rq, reply);
    return stac_send_json(rq, reply, json_pack("{s:o,s:o}", "children", list, "links", links),
                          "application/json", html_collections, err);
}
