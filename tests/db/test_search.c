/* Searches against a private cluster that is thrown away: what filters mean in SQL is what they mean
 * to cql2_match(); pages in any order, both ways; who sees what; counts, queryables, aggregations. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../cql2_meanings.h"
#include "base/mem.h"
#include "json/js.h"
#include "store/aggregate.h"
#include "store/cluster.h"
#include "store/collection_search.h"
#include "store/items.h"
#include "store/order.h"
#include "store/queryables.h"
#include "store/shelves.h"
#include "store/search.h"
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ALICE "11111111-1111-4111-8111-111111111111"
#define BOB "22222222-2222-4222-8222-222222222222"
#define GOOD(call)                                                                                 \
    do {                                                                                           \
        struct err err_ = { 0 };                                                                   \
        err = &err_;                                                                               \
        if (!(call))                                                                               \
            fail_msg("%s: %s", err_name(err_.code), err_.message);                                 \
    } while (0)

enum { ITEMS = 200, PAGE = 7 };

static struct err *err;
static struct config *config;
static struct store *store;
static struct db *db;
static char folder[] = "/tmp/sentier-search-XXXXXX";

/* ---- what is in it ---- */

static void put_collection(const char *id, const char *owner, const char *bbox, const char *interval)
{
    AUTO(mem) char *text = mem_printf("{\"type\":\"Collection\",\"stac_version\":\"1.0.0\",\"id\":\"%s\","
                                      "\"title\":\"The %s\",\"description\":\"Test of Ärger\",\"license\":\"proprietary\","
                                      "\"keywords\":[\"%s\",\"test\"],"
                                      "\"extent\":{\"spatial\":{\"bbox\":[%s]},\"temporal\":{\"interval\":[%s]}},"
                                      "\"links\":[]}", id, id, id, bbox, interval);
    AUTO(json) json_t *json = json_loads(text, 0, NULL);
    char etag[STAC_ETAG_SIZE];

    assert_non_null(json);
    GOOD(collection_create(db, json, owner, etag, err));
}

static json_t *make_item(int i)
{
    static const char *const platforms[] = { "alpha", "beta", "Gamma" };
    json_t *properties = json_pack("{s:o}", "datetime",
                                   json_sprintf("2024-%02d-%02dT10:00:%02dZ", 1 + i % 5, 1 + i % 9, i % 3));
    double x = i % 20 - 10, y = i % 11 - 5;

    if (i % 4)
        json_object_set_new(properties, "eo:cloud_cover", json_real((i * 7) % 13 + (i % 2) * 0.1));
    if (i % 3)
        json_object_set_new(properties, "platform", json_string(platforms[i % 7 % 3]));
    if (i % 5)
        json_object_set_new(properties, "sat:relative_orbit", json_integer(i % 6));
    if (i % 2)
        json_object_set_new(properties, "own:number", json_integer((i * 3) % 10));
    if (i % 7)
        json_object_set_new(properties, "own:text", json_sprintf("%c%d", 'a' + i % 4, i % 3));
    if (i % 6 == 0)
        json_object_set_new(properties, "own:mixed", i % 4 ? json_integer(i % 5) : json_sprintf("m%d", i % 5));
    return json_pack("{s:s,s:s,s:o,s:s,s:[ffff],s:{s:s,s:[ff]},s:o,s:[],s:{}}", "type", "Feature",
                     "stac_version", "1.0.0", "id", json_sprintf("item-%03d", (i * 37) % ITEMS), "collection",
                     i % 10 == 0 ? "hidden" : i % 3 ? "many" : "more", "bbox", x, y, x, y, "geometry", "type",
                     "Point", "coordinates", x, y, "properties", properties, "links", "assets");
}

static json_t *all_items;

static void put_items(void)
{
    struct item_input inputs[ITEMS];
    struct item_write how = { 0 };
    size_t stored;

    all_items = json_array();
    for (int i = 0; i < ITEMS; i++) {
        json_array_append_new(all_items, make_item(i));
        inputs[i] = (struct item_input){ .item = json_array_get(all_items, (size_t)i) };
    }
    GOOD(items_put(db, inputs, ITEMS, &how, &stored, err));
    assert_int_equal(stored, ITEMS);
    GOOD(items_settle(db, err));
}

static int set_up(void **state)
{
    AUTO(json) json_t *item = json_loads(meanings_item, 0, NULL);
    struct item_input input = { .item = item };
    struct item_write how = { 0 };
    size_t stored;

    (void)state;
    assert_non_null(mkdtemp(folder));
    chmod(folder, 0755); /* as root the database runs as another user */
    GOOD(config_load(NULL, &config, err));
    free((char *)config->data);
    config->data = mem_text(folder);
    GOOD(store_open(config, &store, err));
    GOOD(db_open(store_url(store), &db, err));
    GOOD(db_script(db, "INSERT INTO users(id, name) VALUES ('" ALICE "', 'alice'), ('" BOB "', 'bob')", err));
    put_collection("sets", NULL, "[0,0,10,10]", "[\"2024-01-01T00:00:00Z\",\"2024-12-31T00:00:00Z\"]");
    put_collection("many", NULL, "[170,-10,-170,10]", "[\"2020-01-01T00:00:00Z\",null]");
    put_collection("more", NULL, "[-10,-5,9,5],[-10,-5,0,0]", "[null,\"2019-01-01T00:00:00Z\"]");
    put_collection("hidden", ALICE, "[0,0,1,1]", "[\"2024-01-01T00:00:00Z\",\"2024-02-01T00:00:00Z\"]");
    GOOD(items_put(db, &input, 1, &how, &stored, err));
    put_items();
    return 0;
}

static int tear_down(void **state)
{
    AUTO(mem) char *command = mem_printf("rm -rf '%s'", folder);

    (void)state;
    json_decref(all_items);
    db_close(db);
    store_close(store);
    config_free(config);
    return system(command) == 0 ? 0 : -1;
}

/* ---- filters ---- */

static struct cql2_node *parse(const char *text, cql2_property_fn *find, void *context, struct arena *arena)
{
    struct cql2_node *tree;

    GOOD(cql2_parse_text(text, strlen(text), arena, &tree, err));
    GOOD(cql2_check(tree, find, context, arena, err));
    return tree;
}

static int64_t scenes_found(const char *filter)
{
    static const char *const sets[] = { "sets" };
    AUTO(arena) struct arena *arena = arena_new();
    struct item_search search = { .limit = 10, .where = { .n_collections = 1, .collections = sets } };
    struct item_page page;
    int64_t found;
    struct err problem = { 0 };

    search.where.filter = parse(filter, cql2_property_in_table, meanings_properties, arena);
    if (!items_search(db, arena, &search, &page, &problem)) {
        print_error("%s: %s\n", filter, problem.message);
        return -1;
    }
    found = (int64_t)page.count;
    item_page_done(&page);
    return found;
}

static void filters_mean_what_they_mean_to_the_matcher(void **state)
{
    int bad = 0;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(meanings); i++) {
        AUTO(mem) char *negated = mem_printf("NOT (%s)", meanings[i].text);
        AUTO(mem) char *unknown = mem_printf("(%s) IS NULL", meanings[i].text);
        int64_t yes = scenes_found(meanings[i].text), no = scenes_found(negated), neither = scenes_found(unknown);
        char got = yes < 0 ? '!' : yes == 1 && !no && !neither ? 'T' : no == 1 && !yes && !neither ? 'F'
                   : neither == 1 && !yes && !no ? 'U' : '?';

        if (got != meanings[i].want) {
            print_error("%s: %c, expected %c (%d %d %d)\n", meanings[i].text, got, meanings[i].want, (int)yes, (int)no,
                        (int)neither);
            bad++;
        }
    }
    assert_int_equal(bad, 0);
}

/* ---- order and pages ---- */

/* Sorting names: columns, properties of one type, of several, and of none. */
static const struct item_sort sortable[] = {
    { "datetime", CQL2_TYPE_TIMESTAMP, false },      { "id", CQL2_TYPE_STRING, false },
    { "collection", CQL2_TYPE_STRING, false },       { "eo:cloud_cover", CQL2_TYPE_NUMBER, false },
    { "platform", CQL2_TYPE_STRING, false },         { "sat:relative_orbit", CQL2_TYPE_NUMBER, false },
    { "own:number", CQL2_TYPE_NUMBER, false },       { "own:text", CQL2_TYPE_STRING, false },
    { "own:missing", CQL2_TYPE_ANY, false },
};

static const json_t *value_of(const json_t *item, const char *name)
{
    if (!strcmp(name, "id") || !strcmp(name, "collection"))
        return json_object_get(item, name);
    return json_object_get(json_object_get(item, "properties"), name);
}

static int compare_values(const json_t *a, const json_t *b)
{
    double x = json_number_value(a), y = json_number_value(b);

    return json_is_string(a) ? strcmp(json_string_value(a), json_string_value(b)) : (x > y) - (x < y);
}

static int compare_by(const json_t *a, const json_t *b, const char *name, bool descending)
{
    const json_t *x = value_of(a, name), *y = value_of(b, name);
    int order;

    if (!x || !y)
        return !x - !y; /* nulls last both ways */
    order = compare_values(x, y);
    return descending ? -order : order;
}

static const struct item_search *ordering; /* qsort has no context */

static int compare_items(const void *a, const void *b)
{
    const json_t *x = *(json_t *const *)a, *y = *(json_t *const *)b;
    bool down = true;

    for (size_t i = 0; i < ordering->n_sorts; i++) {
        const struct item_sort *sort = &ordering->sorts[i];
        int order = compare_by(x, y, sort->property, sort->descending);

        if (!strcmp(sort->property, "datetime") || !strcmp(sort->property, "id"))
            down = sort->descending;
        if (order)
            return order;
    }
    int order = compare_by(x, y, "datetime", down);
    return order ? order : compare_by(x, y, "id", down);
}

/* All pages from `after` on; their ids, in the order of the search. */
static size_t walk(struct item_search search, struct arena *arena, const char **ids, bool backwards,
                   const struct item_cursor *from)
{
    size_t count = 0;
    bool more = true;

    search.backwards = backwards;
    search.after = from;
    while (more) {
        struct item_page page;

        GOOD(items_search(db, arena, &search, &page, err));
        for (size_t i = 0; i < page.count; i++)
            ids[count + i] = arena_text(arena, item_page_row(&page, backwards ? page.count - 1 - i : i).id);
        count += page.count;
        more = page.more;
        if (page.count)
            search.after = item_page_cursor(&page, backwards ? 0 : page.count - 1, arena);
        item_page_done(&page);
    }
    return count;
}

static void check_order(const struct item_search *search)
{
    AUTO(arena) struct arena *arena = arena_new();
    const char **forwards = arena_array(arena, ITEMS + PAGE, sizeof *forwards);
    const char **backwards = arena_array(arena, ITEMS + PAGE, sizeof *backwards);
    json_t **expected = arena_array(arena, ITEMS, sizeof *expected);
    struct item_search last = *search;
    struct item_page page;
    size_t count = 0, found;

    for (size_t i = 0; i < ITEMS; i++) {
        json_t *item = json_array_get(all_items, i);

        if (strcmp(json_string_value(value_of(item, "collection")), "hidden"))
            expected[count++] = item;
    }
    ordering = search;
    qsort(expected, count, sizeof *expected, compare_items);
    found = walk(*search, arena, forwards, false, NULL);
    assert_int_equal(found, count);
    for (size_t i = 0; i < count; i++)
        if (strcmp(forwards[i], json_string_value(value_of(expected[i], "id"))))
            fail_msg("row %zu is %s, expected %s", i, forwards[i], json_string_value(value_of(expected[i], "id")));
    last.limit = (int64_t)count; /* back from the last row of all */
    GOOD(items_search(db, arena, &last, &page, err));
    found = walk(*search, arena, backwards, true, item_page_cursor(&page, count - 1, arena));
    item_page_done(&page);
    assert_int_equal(found, count - 1);
    for (size_t i = 0; i < found; i++)
        assert_string_equal(backwards[i], forwards[count - 2 - i]);
}

static void pages_in_any_order_have_all_once(void **state)
{
    static const char *const collections[] = { "many", "more", "hidden", "none" };

    (void)state;
    srand(7);
    for (int round = 0; round < 60; round++) {
        struct item_sort sorts[3];
        struct item_search search = { .limit = PAGE, .n_sorts = (size_t)(round % 4), .sorts = sorts,
                                      .where = { .n_collections = 4, .collections = collections } };

        for (size_t i = 0; i < search.n_sorts; i++) {
            sorts[i] = sortable[(size_t)rand() % ARRAY_LEN(sortable)];
            sorts[i].descending = rand() % 2;
        }
        check_order(&search);
    }
}

/* ---- items that move while somebody pages ---- */

static void put_at(const char *id, const char *datetime)
{
    AUTO(json) json_t *item = NULL;
    char etag[STAC_ETAG_SIZE];

    for (size_t i = 0; i < ITEMS && !item; i++)
        if (!strcmp(json_string_value(value_of(json_array_get(all_items, i), "id")), id))
            item = json_deep_copy(json_array_get(all_items, i));
    assert_non_null(item);
    if (datetime)
        json_object_set_new(json_object_get(item, "properties"), "datetime", json_string(datetime));
    GOOD(item_replace(db, item, NULL, etag, err));
}

/* The pages of an order by id have each item once, also when the datetime of the item at the border
 * goes to the past or the future between two pages. */
static void check_border(bool descending, bool backwards, const char *datetime)
{
    static const char *const collections[] = { "many", "more" };
    AUTO(arena) struct arena *arena = arena_new();
    const struct item_sort sort = { "id", CQL2_TYPE_STRING, descending };
    struct item_search search = { .limit = ITEMS, .n_sorts = 1, .sorts = &sort,
                                  .where = { .n_collections = 2, .collections = collections } };
    struct item_page page;
    const struct item_cursor *border;
    const char *expected[ITEMS], *found[ITEMS], *id;
    size_t count, at;

    count = walk(search, arena, expected, false, NULL);
    assert_int_equal(count, ITEMS - ITEMS / 10);
    at = count / 2;
    GOOD(items_search(db, arena, &search, &page, err));
    border = item_page_cursor(&page, at, arena);
    id = arena_text(arena, item_page_row(&page, at).id);
    item_page_done(&page);
    put_at(id, datetime);
    search.limit = PAGE;
    assert_int_equal(walk(search, arena, found, backwards, border), backwards ? at : count - 1 - at);
    for (size_t i = 0; i < (backwards ? at : count - 1 - at); i++)
        assert_string_equal(found[i], expected[backwards ? at - 1 - i : at + 1 + i]);
    put_at(id, NULL);
}

static void an_item_that_moves_in_time_keeps_its_place_by_id(void **state)
{
    (void)state;
    for (int round = 0; round < 8; round++)
        check_border(round & 1, round & 2, round & 4 ? "2035-01-01T00:00:00Z" : "1995-01-01T00:00:00Z");
}

/* Both ways the index on ids has the order, and finds where a page begins. */
static void orders_by_id_are_those_of_an_index(void **state)
{
    const struct item_cursor after = { .values = { "item-050" }, .id = "item-050", .collection = 1 };

    (void)state;
    GOOD(db_script(db, "SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_sort = off", err));
    for (int round = 0; round < 4; round++) {
        const struct item_sort sort = { "id", CQL2_TYPE_STRING, round & 1 };
        const struct item_search search = { .n_sorts = 1, .sorts = &sort };
        AUTO_COMPOSED c = { 0 };
        AUTO(rows) PGresult *rows = NULL;
        AUTO(text) struct text plan = { 0 };
        struct order order;

        GOOD(order_of(&search, false, &order, err));
        assert_int_equal(order.n_keys, 2);
        text_add(&c.sql, "EXPLAIN SELECT i.body");
        order_compose_values(&order, &c);
        text_add(&c.sql, " FROM items i WHERE true");
        order_compose_cursor(&order, &after, round & 2, &c);
        order_compose(&order, round & 2, &c);
        GOOD(composed_run(db, &c, &rows, err));
        for (int i = 0; i < row_count(rows); i++)
            text_printf(&plan, "%s\n", row_text(rows, i, 0));
        if (!strstr(plan.data, "_id_collection_idx") || !strstr(plan.data, "Index Cond: (ROW(id, collection)") ||
            strstr(plan.data, "Sort  ("))
            fail_msg("%s", plan.data);
    }
    GOOD(db_script(db, "RESET enable_seqscan; RESET enable_bitmapscan; RESET enable_sort", err));
}

/* ---- who sees what, and counts ---- */

static int64_t matched(const char *viewer, const char *filter, enum item_count how, int64_t limit,
                       enum item_count *ret_counted)
{
    static const char *const collections[] = { "many", "more", "hidden" };
    AUTO(arena) struct arena *arena = arena_new();
    struct item_search search = { .limit = 1, .count = how, .count_limit = limit,
                                  .where = { .viewer = viewer, .n_collections = 3, .collections = collections } };
    struct queryable *queryables;
    struct queryable_list list;
    struct item_page page;
    int64_t count;

    GOOD(queryables_load(db, arena, viewer, 3, collections, true, &queryables, &list.count, err));
    list.all = queryables;
    if (filter)
        search.where.filter = parse(filter, queryable_find, &list, arena);
    GOOD(items_search(db, arena, &search, &page, err));
    count = page.matched;
    *ret_counted = page.counted;
    item_page_done(&page);
    return count;
}

static void who_sees_what_is_exact(void **state)
{
    enum item_count counted;

    (void)state;
    assert_int_equal(matched(NULL, NULL, COUNT_NONE, 0, &counted), ITEMS - ITEMS / 10);
    assert_int_equal(counted, COUNT_EXACT);
    assert_int_equal(matched(BOB, NULL, COUNT_NONE, 0, &counted), ITEMS - ITEMS / 10);
    assert_int_equal(matched(ALICE, NULL, COUNT_NONE, 0, &counted), ITEMS);
    GOOD(db_script(db, "UPDATE collections SET public = true WHERE id = 'hidden'", err));
    assert_int_equal(matched(NULL, NULL, COUNT_NONE, 0, &counted), ITEMS);
    assert_int_equal(matched(BOB, "own:number >= 0 OR own:number < 0", COUNT_EXACT, 0, &counted), ITEMS / 2);
    GOOD(db_script(db, "UPDATE collections SET public = false WHERE id = 'hidden'", err));
    assert_int_equal(matched(NULL, NULL, COUNT_NONE, 0, &counted), ITEMS - ITEMS / 10);
}

static void counts_say_what_they_are(void **state)
{
    int64_t exact = 0;
    enum item_count counted;

    (void)state;
    for (size_t i = 0; i < ITEMS; i++)
        exact += json_is_number(value_of(json_array_get(all_items, i), "own:number")) &&
                 json_integer_value(value_of(json_array_get(all_items, i), "own:number")) < 5;
    assert_int_equal(matched(ALICE, "own:number < 5", COUNT_EXACT, 0, &counted), exact);
    assert_int_equal(counted, COUNT_EXACT);
    assert_int_equal(matched(ALICE, "own:number < 5", COUNT_CAPPED, 1000, &counted), exact);
    assert_int_equal(counted, COUNT_EXACT);
    assert_int_equal(matched(ALICE, "own:number < 5", COUNT_CAPPED, 10, &counted), 10);
    assert_int_equal(counted, COUNT_CAPPED);
    assert_true(matched(ALICE, "own:number < 5", COUNT_ESTIMATED, 0, &counted) >= 0);
    assert_int_equal(counted, COUNT_ESTIMATED);
    assert_int_equal(matched(ALICE, "own:number < 5", COUNT_NONE, 0, &counted), -1);
}

static void queryables_come_from_the_data(void **state)
{
    static const struct { const char *name; enum cql2_type type; bool sortable; } rows[] = {
        { "collection", CQL2_TYPE_STRING, true },     { "datetime", CQL2_TYPE_TIMESTAMP, true },
        { "eo:cloud_cover", CQL2_TYPE_NUMBER, true }, { "geometry", CQL2_TYPE_GEOMETRY, false },
        { "id", CQL2_TYPE_STRING, true },             { "own:mixed", CQL2_TYPE_ANY, true },
        { "own:number", CQL2_TYPE_NUMBER, true },     { "own:text", CQL2_TYPE_STRING, true },
        { "platform", CQL2_TYPE_STRING, true },       { "sat:relative_orbit", CQL2_TYPE_NUMBER, true },
    };
    static const char *const both[] = { "more", "hidden" };
    AUTO(arena) struct arena *arena = arena_new();
    struct queryable *found;
    size_t count;

    (void)state;
    GOOD(queryables_load(db, arena, ALICE, 2, both, true, &found, &count, err));
    assert_int_equal(count, ARRAY_LEN(rows));
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(found[i].property.name, rows[i].name);
        assert_int_equal(found[i].property.type, rows[i].type);
        assert_int_equal(found[i].sortable, rows[i].sortable);
    }
    assert_string_equal(found[2].schema, "https://stac-extensions.github.io/eo/v1.1.0/schema.json"
                                         "#/definitions/fields/properties/eo:cloud_cover");
    assert_true(found[2].has_range && found[2].least >= 0 && found[2].most <= 12.1);
    assert_int_equal(found[8].n_values, 3);
    assert_string_equal(found[8].values[0], "Gamma");
}

static void aggregations_add_up(void **state)
{
    AUTO(arena) struct arena *arena = arena_new();
    struct item_conditions where = { .viewer = ALICE, .start = "2024-01-01T00:00:00Z" };

    (void)state;
    for (size_t i = 0; i < aggregation_count(); i++) {
        struct aggregation_request request = { .name = aggregation_at(i)->name, .precision = -1 };
        AUTO(json) json_t *answer = NULL;
        json_t *bucket;
        json_int_t sum = 0;
        size_t k;

        GOOD(items_aggregate(db, arena, &where, &request, &answer, err));
        if (!json_object_get(answer, "buckets"))
            continue;
        json_array_foreach(json_object_get(answer, "buckets"), k, bucket)
            sum += json_integer_value(json_object_get(bucket, "frequency"));
        sum += json_integer_value(json_object_get(answer, "overflow"));
        assert_int_equal(sum, ITEMS + 1); /* and the scene */
    }
}

/* ---- words and collections ---- */

static size_t collections_found(const char *filter, const char *word, const char *start, const char *end,
                                const char *geometry, const char *viewer)
{
    AUTO(arena) struct arena *arena = arena_new();
    struct cql2_node text = { .op = CQL2_STRING, .text = word };
    static const struct collection_sort sorts[] = { { "start_datetime", true }, { "title", false } };
    struct collection_query query = { .viewer = viewer, .limit = 1, .start = start, .end = end,
                                      .geometry = geometry, .words = word ? &text : NULL, .n_sorts = 2,
                                      .sorts = sorts };
    struct collection_page page;
    size_t pages = 0, total = 0;

    if (filter)
        query.filter = parse(filter, queryable_find, (void *)collection_queryables(), arena);
    do {
        GOOD(collections_search(db, arena, &query, &page, err));
        total = (size_t)page.matched;
        pages += page.count;
        if (page.count)
            query.after = collection_page_cursor(&page, page.count - 1, arena);
        collection_page_done(&page);
    } while (page.more);
    assert_int_equal(pages, total);
    return total;
}

static void collections_are_found_by_their_extents(void **state)
{
    (void)state;
    assert_int_equal(collections_found(NULL, NULL, NULL, NULL, NULL, NULL), 3);
    assert_int_equal(collections_found(NULL, NULL, NULL, NULL, NULL, ALICE), 4);
    assert_int_equal(collections_found(NULL, "ÄRGER", NULL, NULL, NULL, NULL), 3);
    assert_int_equal(collections_found(NULL, "many", NULL, NULL, NULL, NULL), 1);
    assert_int_equal(collections_found(NULL, NULL, "2025-06-01T00:00:00Z", NULL, NULL, NULL), 1);
    assert_int_equal(collections_found(NULL, NULL, NULL, "2018-06-01T00:00:00Z", NULL, NULL), 1);
    assert_int_equal(collections_found(NULL, NULL, NULL, NULL, "{\"type\":\"Point\",\"coordinates\":[-175,0]}", NULL),
                     1);
    assert_int_equal(collections_found("id = 'many' OR A_CONTAINS(keywords, ('more'))", NULL, NULL, NULL, NULL, NULL),
                     2);
    assert_int_equal(collections_found("title LIKE 'The %' AND S_INTERSECTS(geometry, POINT(5 5))", NULL, NULL, NULL,
                                       NULL, NULL), 2);
    assert_int_equal(collections_found("T_INTERSECTS(datetime, DATE('2018-01-01'))", NULL, NULL, NULL, NULL, NULL), 1);
}

static void words_are_found_in_items(void **state)
{
    AUTO(arena) struct arena *arena = arena_new();
    struct cql2_node gamma = { .op = CQL2_STRING, .text = "GAMMA" }, one = { .op = CQL2_STRING, .text = "item-00" };
    struct cql2_node *not_args[] = { &one }, negated = { .op = CQL2_NOT, .n_args = 1, .args = not_args };
    struct cql2_node *and_args[] = { &gamma, &negated }, both = { .op = CQL2_AND, .n_args = 2, .args = and_args };
    struct item_search search = { .limit = ITEMS, .where = { .viewer = ALICE, .words = &both } };
    struct item_page page;
    size_t expected = 0;

    (void)state;
    for (size_t i = 0; i < ITEMS; i++) {
        const json_t *item = json_array_get(all_items, i), *platform = value_of(item, "platform");

        expected += platform && !strcmp(json_string_value(platform), "Gamma") &&
                    strncmp(json_string_value(value_of(item, "id")), "item-00", 7) != 0;
    }
    GOOD(items_search(db, arena, &search, &page, err));
    assert_int_equal(page.count, expected);
    item_page_done(&page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(filters_mean_what_they_mean_to_the_matcher),
        cmocka_unit_test(pages_in_any_order_have_all_once),
        cmocka_unit_test(an_item_that_moves_in_time_keeps_its_place_by_id),
        cmocka_unit_test(orders_by_id_are_those_of_an_index),
        cmocka_unit_test(who_sees_what_is_exact),
        cmocka_unit_test(counts_say_what_they_are),
        cmocka_unit_test(queryables_come_from_the_data),
        cmocka_unit_test(aggregations_add_up),
        cmocka_unit_test(collections_are_found_by_their_extents),
        cmocka_unit_test(words_are_found_in_items),
    };

    return cmocka_run_group_tests_name("search", tests, set_up, tear_down);
}
