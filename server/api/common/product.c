/* Ids of items are the names of products, so a name is an id with an ending at most: one look-up by
 * the index. */
#include "api/common/product.h"
#include "base/instant.h"
#include "base/text.h"
#include "graph/graph.h"
#include "json/js.h"
#include "store/places.h"
#include "store/search.h"
#include <string.h>

enum { MANY = 5 };

static const char *const endings[] = {".SAFE", ".zip", ".SEN3", ".tar.gz", ".tar"};

/* The name as it is and without each ending that it has. */
static size_t ids_of(struct arena *arena, const char *name, const char **ids)
{
    char *bare = arena_text(arena, name);
    size_t count = 0;

    ids[count++] = name;
    for (size_t i = 0; i < ARRAY_LEN(endings); i++) {
        if (!text_ends(bare, endings[i]))
            continue;
        bare[strlen(bare) - strlen(endings[i])] = '\0';
        ids[count++] = arena_text(arena, bare);
    }
    ids[count++] = arena_printf(arena, "%s.SAFE", bare);
    return count;
}

static bool refuse_many(const struct item_page *page, const char *name, const char *place,
                        struct err *err)
{
    AUTO(text) struct text list = {0};

    for (size_t i = 0; i < page->count; i++)
        text_printf(&list, "%s%s/%s", i ? ", " : "", item_page_row(page, i).collection,
                    item_page_row(page, i).id);
    return err_set(err, ERR_InvalidParameter, "%s: '%.200s' is the name of several items: %s%s",
                   place, name, list.data, page->more ? ", ..." : "");
}

/* What an item covers: its interval, or its moment; the end is the first millisecond after it. */
static bool read_times(struct arena *arena, const json_t *properties,
                       struct catalogue_product *product)
{
    const char *start = js_text(properties, "start_datetime");
    const char *end = js_text(properties, "end_datetime");
    const char *moment = js_text(properties, "datetime");
    char text[INSTANT_TEXT_SIZE];
    int64_t first, last;

    start = start ? start : moment;
    end = end ? end : start;
    if (!start || !instant_parse(start, &first) || !instant_parse(end, &last))
        return false;
    product->start = arena_text(arena, instant_format(first, text));
    product->end = arena_text(arena, instant_format(last + 1, text));
    return true;
}

static bool read_item(struct arena *arena, const char *text, struct catalogue_product *product,
                      struct err *err)
{
    AUTO(json) json_t *item = NULL;
    const json_t *bbox;
    size_t half;

    if (!js_parse(text, strlen(text), JS_DEFAULT_DEPTH, &item, err))
        return false;
    bbox = json_object_get(item, "bbox");
    half = json_array_size(bbox) / 2;
    if (half < 2 || !read_times(arena, json_object_get(item, "properties"), product))
        return err_set(err, ERR_InvalidParameter, "The item '%.200s' has no place or no time",
                       product->item);
    product->bbox = json_pack("[O, O, O, O]", json_array_get(bbox, 0), json_array_get(bbox, 1),
                              json_array_get(bbox, half), json_array_get(bbox, half + 1));
    return true;
}

bool product_find(struct request *rq, const char *name, const char *place,
                  struct catalogue_product *ret_product, struct err *err)
{
    const char *ids[ARRAY_LEN(endings) + 2];
    struct item_search search = {.where = {.viewer = rq->user ? rq->user->id : NULL, .ids = ids},
                                 .limit = MANY};
    struct item_page page;
    struct item_row row;
    bool good;

    *ret_product = (struct catalogue_product){0};
    search.where.n_ids = ids_of(rq->arena, name, ids);
    if (!items_search(rq->db, rq->arena, &search, &page, err))
        return false;
    if (page.count != 1) {
        good = page.count ? refuse_many(&page, name, place, err)
                          : err_set(err, ERR_InvalidParameter,
                                    "%s: the catalogue has no product '%.200s'", place, name);
        item_page_done(&page);
        return good;
    }
    row = item_page_row(&page, 0);
    ret_product->collection = arena_text(rq->arena, row.collection);
    ret_product->item = arena_text(rq->arena, row.id);
    good = read_item(rq->arena, row.text, ret_product, err);
    item_page_done(&page);
    return good;
}

void product_done(struct catalogue_product *product)
{
    json_decref(product->bbox);
    product->bbox = NULL;
}

/* ---- execute requests ---- */

static void put(const json_t *graph, json_t *arguments, const char *name, json_t *value_taken)
{
    if (process_has_parameter(graph, name) && !json_object_get(arguments, name))
        json_object_set(arguments, name, value_taken);
    json_decref(value_taken);
}

static json_t *extent_of(const json_t *bbox)
{
    return json_pack("{s:O, s:O, s:O, s:O}", "west", json_array_get(bbox, 0), "south",
                     json_array_get(bbox, 1), "east", json_array_get(bbox, 2), "north",
                     json_array_get(bbox, 3));
}

/* With "restoration": false nothing is fetched from tape. */
static bool check_restoration(struct request *rq, const json_t *arguments,
                              const struct catalogue_product *product, struct err *err)
{
    const json_t *wish = json_object_get(arguments, "restoration");
    AUTO(place_list) struct place_list list = {0};
    bool offline;

    if (!wish || json_is_true(wish))
        return true;
    if (!places_of_item(rq->db, rq->user ? rq->user->id : NULL, rq->config->catalog_site,
                        product->collection, product->item, &list, err))
        return false;
    offline = list.count && list.places[0].state != PLACE_ONLINE;
    return !offline || err_set(err, ERR_InvalidParameter,
                               "/inputs/" PRODUCT_TITLE
                               ": '%.200s' lies on tape; with \"restoration\": true it is "
                               "fetched first",
                               product->item);
}

/* What is said to the service and not to the graph. */
static void drop(const json_t *graph, json_t *arguments)
{
    static const char *const names[] = {PRODUCT_TITLE, "restoration"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (!process_has_parameter(graph, names[i]))
            json_object_del(arguments, names[i]);
}

bool product_fill(struct request *rq, const json_t *graph, json_t *arguments, struct err *err)
{
    const char *name = js_text(arguments, PRODUCT_TITLE);
    struct catalogue_product product;

    if (!name) {
        drop(graph, arguments);
        return true;
    }
    if (!product_find(rq, name, "/inputs/" PRODUCT_TITLE, &product, err))
        return false;
    if (!check_restoration(rq, arguments, &product, err)) {
        product_done(&product);
        return false;
    }
    put(graph, arguments, "collection", json_string(product.collection));
    put(graph, arguments, "item", json_string(product.item));
    put(graph, arguments, "bbox", extent_of(product.bbox));
    put(graph, arguments, "datetime", json_pack("[s, s]", product.start, product.end));
    product_done(&product);
    drop(graph, arguments);
    return true;
}
