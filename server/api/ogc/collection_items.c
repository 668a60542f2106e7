/* Features of collections: those of the GeoJSON that a job made, by area, period and CQL2, which the modifiers of fields
 * evaluate. */
#include "api/common/build.h"
#include "api/ogc/collections.h"
#include "api/ogc/html.h"
#include "base/text.h"
#include "jobs/fields.h"
#include <math.h>
#include <string.h>

/* A file of features, or the values of a graph, of which the output is one. */
static bool read_features(const struct ogc_collection *c, json_t **ret_features, struct err *err)
{
    AUTO(mem) char *bytes = NULL;
    AUTO(json) json_t *document = NULL;
    const json_t *found;
    size_t size;

    if (!ogc_product_bytes(c->features, &bytes, &size, err) || !js_parse(bytes, size, JS_DEFAULT_DEPTH, &document, err))
        return false;
    found = json_object_get(document, c->row.output) ? json_object_get(document, c->row.output) : document;
    if (!json_is_array(json_object_get(found, "features")))
        return err_set(err, ERR_ResultNotAvailable, "The output '%.60s' has no features.", c->row.output);
    *ret_features = json_incref(json_object_get(found, "features"));
    return true;
}

/* bbox and datetime as CQL2; the list is owned by `conditions`. Errors: InvalidQueryValue. */
static bool read_box(struct request *rq, json_t *conditions, struct err *err)
{
    const char *text = request_query(rq, "bbox");
    struct coverage_wish wish = { 0 };
    bool known;

    if (!text)
        return true;
    if (!coverage_param(&wish, "bbox", text, &known, err))
        return false;
    json_array_append_new(conditions, json_pack("{s:s, s:[{s:s}, {s:[f, f, f, f]}]}", "op", "s_intersects", "args", "property", "geometry",
                                                "bbox", wish.box[0], wish.box[1], wish.box[2], wish.box[3]));
    return true;
}

static void read_period(struct request *rq, json_t *conditions)
{
    const char *text = request_query(rq, "datetime"), *slash = text ? strchr(text, '/') : NULL;
    AUTO(mem) char *from = NULL;

    if (!text)
        return;
    from = slash ? mem_textn(text, (size_t)(slash - text)) : mem_text(text);
    json_array_append_new(conditions, json_pack("{s:s, s:[{s:s}, {s:[s, s]}]}", "op", "t_intersects", "args", "property", "datetime",
                                                "interval", *from ? from : "..", slash ? (slash[1] ? slash + 1 : "..") : from));
}

static bool keep_wanted(struct request *rq, json_t *features, struct err *err)
{
    AUTO(json) json_t *conditions = json_array(), *modifiers = json_object();
    const char *filter = request_query(rq, "filter");

    if (!read_box(rq, conditions, err))
        return false;
    read_period(rq, conditions);
    if (filter) {
        json_object_set_new(modifiers, "filter", json_string(filter));
        if (!fields_modify(features, modifiers, "", err))
            return false;
    }
    if (!json_array_size(conditions))
        return true;
    json_object_set_new(modifiers, "filter", json_array_size(conditions) == 1 ? json_incref(json_array_get(conditions, 0))
                                                                              : json_pack("{s:s, s:O}", "op", "and", "args", conditions));
    return fields_modify(features, modifiers, "", err);
}

static void page(struct request *rq, json_t *features, int64_t offset, int64_t limit, json_t *links)
{
    int64_t count = (int64_t)json_array_size(features);

    while ((int64_t)json_array_size(features) > offset + limit)
        json_array_remove(features, json_array_size(features) - 1);
    for (int64_t i = 0; i < offset && json_array_size(features); i++)
        json_array_remove(features, 0);
    if (count > offset + limit)
        link_add(links, "next", href_with(rq, "offset", arena_printf(rq->arena, "%lld", (long long)(offset + limit))), "application/geo+json",
                 "Next page");
}

static bool open_features(struct request *rq, struct reply *reply, struct ogc_collection *c, json_t **ret_features, bool *ret_waits,
                          struct err *err)
{
    if (!ogc_collection_open(rq, reply, c, ret_waits, err))
        return false;
    if (*ret_waits)
        return true;
    return c->features ? read_features(c, ret_features, err)
                       : err_set(err, ERR_NotFound, "The collection is a coverage: it has no items.");
}

/* GET /ogc/collections/{collectionId}/items */
bool ogc_items_get(struct request *rq, struct reply *reply, struct err *err)
{
    AUTO(ogc_collection) struct ogc_collection c = { 0 };
    AUTO(json) json_t *features = NULL, *links = json_array();
    int64_t limit, offset, matched;
    bool waits;

    if (!OGC_QUERY(rq, err, "limit", "offset", "bbox", "datetime", "filter") ||
        !request_query_integer(rq, "limit", 1, 10000, 100, &limit, err) ||
        !request_query_integer(rq, "offset", 0, 1 << 30, 0, &offset, err) || !open_features(rq, reply, &c, &features, &waits, err))
        return false;
    if (waits)
        return true;
    if (!keep_wanted(rq, features, err))
        return false;
    matched = (int64_t)json_array_size(features);
    page(rq, features, offset, limit, links);
    link_add(links, "self", href_with(rq, "f", NULL), "application/geo+json", "These features");
    link_add(links, "collection", href_of(rq, OGC_ROOT "/collections/%s", c.row.id), "application/json", c.row.title);
    return reply_json(reply, 200,
                      json_pack("{s:s, s:O, s:I, s:I, s:O}", "type", "FeatureCollection", "features", features, "numberMatched",
                                (json_int_t)matched, "numberReturned", (json_int_t)json_array_size(features), "links", links),
                      "application/geo+json");
}

/* GET /ogc/collections/{collectionId}/items/{featureId} */
bool ogc_item_get(struct request *rq, struct reply *reply, struct err *err)
{
    AUTO(ogc_collection) struct ogc_collection c = { 0 };
    const char *id = request_variable(rq, "featureId");
    AUTO(json) json_t *features = NULL;
    json_t *feature, *links;
    bool waits;
    size_t i;

    if (!OGC_QUERY(rq, err) || !open_features(rq, reply, &c, &features, &waits, err))
        return false;
    if (waits)
        return true;
    json_array_foreach(features, i, feature) {
        const json_t *own = json_object_get(feature, "id");
        AUTO(mem) char *name = json_is_integer(own) ? mem_printf("%lld", (long long)json_integer_value(own)) : NULL;
        const char *text = json_is_string(own) ? json_string_value(own) : name;

        if (!text || strcmp(text, id))
            continue;
        links = json_array();
        link_add(links, "self", href_with(rq, "f", NULL), "application/geo+json", "This feature");
        link_add(links, "collection", href_of(rq, OGC_ROOT "/collections/%s", c.row.id), "application/json", c.row.title);
        json_object_set_new(feature, "links", links);
        return reply_json(reply, 200, json_incref(feature), "application/geo+json");
    }
    return err_set(err, ERR_NotFound, "The collection has no feature '%.100s'.", id);
}
