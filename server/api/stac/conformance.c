/* What this face conforms to: one table. A class is listed when the tests beside its row pass
 * (tests/stac/test_conformance.py reads this file and holds the names against the test functions). */
#include "api/stac/language.h"
#include "api/stac/stac.h"

#define STAC_API(name) "https://api.stacspec.org/v1.0.0/" name
#define FEATURES(name) "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/" name
#define FILTERING(name) "http://www.opengis.net/spec/ogcapi-features-3/1.0/conf/" name
#define CQL2(name) "http://www.opengis.net/spec/cql2/1.0/conf/" name

static const struct { const char *uri, *test; } classes[] = {
    { STAC_API("core"), "test_landing" },
    { STAC_API("collections"), "test_collections" },
    { STAC_API("ogcapi-features"), "test_items" },
    { STAC_API("item-search"), "test_item_search" },
    { "https://api.stacspec.org/v1.0.0-rc.3/browseable", "test_browseable" },
    { "https://api.stacspec.org/v1.0.0-rc.2/children", "test_children" },
    { "https://api.stacspec.org/v1.0.0-rc.2/language", "test_language" },
    { FEATURES("core"), "test_items" },
    { FEATURES("oas30"), "test_openapi" },
    { FEATURES("geojson"), "test_items" },
    { FEATURES("html"), "test_pages" },
    { "http://www.opengis.net/spec/ogcapi-common-2/1.0/conf/collections", "test_collections" },
    { "http://www.opengis.net/spec/ogcapi-common-2/1.0/conf/simple-query", "test_collection_search" },
    { "https://api.stacspec.org/v1.0.0-rc.1/collection-search", "test_collection_search" },
    { "https://api.stacspec.org/v1.0.0-rc.1/collection-search#free-text", "test_collection_words" },
    { "https://api.stacspec.org/v1.0.0-rc.1/collection-search#filter", "test_collection_filter" },
    { "https://api.stacspec.org/v1.0.0-rc.1/collection-search#query", "test_collection_filter" },
    { "https://api.stacspec.org/v1.0.0-rc.1/collection-search#sort", "test_collection_sort" },
    { "https://api.stacspec.org/v1.1.0/collection-search#sort", "test_collection_sort" },
    { "https://api.stacspec.org/v1.1.0/collection-search#sortables", "test_sortables" },
    { "https://api.stacspec.org/v1.0.0-rc.1/collection-search#fields", "test_collection_fields" },
    { STAC_API("item-search#sort"), "test_sort" },
    { STAC_API("ogcapi-features#sort"), "test_sort" },
    { "https://api.stacspec.org/v1.1.0/item-search#sort", "test_sort" },
    { "https://api.stacspec.org/v1.1.0/ogcapi-features#sort", "test_sort" },
    { "https://api.stacspec.org/v1.1.0/item-search#sortables", "test_sortables" },
    { "http://www.opengis.net/spec/ogcapi-features-5/1.0/conf/sortables", "test_sortables" },
    { STAC_API("item-search#fields"), "test_fields" },
    { STAC_API("ogcapi-features#fields"), "test_fields" },
    { STAC_API("item-search#query"), "test_query" },
    { STAC_API("ogcapi-features#query"), "test_query" },
    { "https://api.stacspec.org/v1.0.0-rc.2/item-search#context", "test_counts" },
    { "https://api.stacspec.org/v1.0.0-rc.1/item-search#free-text", "test_words" },
    { "https://api.stacspec.org/v1.0.0-rc.1/ogcapi-features#free-text", "test_words" },
    { STAC_API("item-search#filter"), "test_filter" },
    { FILTERING("filter"), "test_filter" },
    { FILTERING("features-filter"), "test_filter" },
    { FILTERING("queryables"), "test_queryables" },
    { CQL2("cql2-text"), "test_filter_of_the_standard" },
    { CQL2("cql2-json"), "test_filter_of_the_standard" },
    { CQL2("basic-cql2"), "test_filter" },
    { CQL2("advanced-comparison-operators"), "test_filter" },
    { CQL2("case-insensitive-comparison"), "test_filter" },
    { CQL2("accent-insensitive-comparison"), "test_filter" },
    { CQL2("basic-spatial-functions"), "test_filter" },
    { CQL2("basic-spatial-functions-plus"), "test_filter" },
    { CQL2("spatial-functions"), "test_filter" },
    { CQL2("temporal-functions"), "test_filter" },
    { CQL2("array-functions"), "test_filter" },
    { CQL2("property-property"), "test_filter" },
    { CQL2("functions"), "test_functions" },
    { CQL2("arithmetic"), "test_filter" },
    { "https://api.stacspec.org/v0.3.0/aggregation", "test_aggregation" },
    { "https://api.stacspec.org/v0.3.0/aggregation#query", "test_aggregation" },
    { "https://api.stacspec.org/v0.3.0/aggregation#filter", "test_aggregation" },
    { STAC_API("ogcapi-features/extensions/transaction"), "test_the_life_of_an_item" },
    { STAC_API("collections/extensions/transaction"), "test_the_life_of_a_collection" },
};

json_t *stac_conforms_to(void)
{
    json_t *list = json_array();

    for (size_t i = 0; i < ARRAY_LEN(classes); i++)
        json_array_append_new(list, json_string(classes[i].uri));
    return list;
}

bool stac_conformance_get(struct request *rq, struct reply *reply, struct err *err)
{
    if (!stac_only(rq, NULL, err))
        return false;
    return stac_send_json(rq, reply, json_pack("{s:o}", "conformsTo", stac_conforms_to()),
                          "application/json", html_plain, err);
}
