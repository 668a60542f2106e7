/* A wish is read as the search that it is, and then turned into one condition in CQL2: area and time are
 * operators like others. In that form it is checked, kept and evaluated. It is about items to come, so
 * it may name properties that none has yet. */
#include "api/stac/wish.h"
#include "api/stac/stac.h"
#include <string.h>

static const char *const names[] = { "collections", "bbox",        "intersects", "datetime",
                                     "filter",      "filter-lang", "query",      NULL };

void wish_drop(struct wish *wish)
{
    json_decref(wish->condition);
    wish->condition = NULL;
}

static bool is_among(const char *const *list, const char *name)
{
    while (*list && strcmp(*list, name))
        list++;
    return *list != NULL;
}

static json_t *during(const struct item_conditions *where)
{
    return json_pack("{s:s,s:[{s:s},{s:[s,s]}]}", "op", "t_intersects", "args", "property", "datetime",
                     "interval", where->start ? where->start : "..", where->end ? where->end : "..");
}

static json_t *within(const struct item_conditions *where)
{
    return json_pack("{s:s,s:[{s:s},o]}", "op", "s_intersects", "args", "property", "geometry",
                     json_loads(where->geometry, 0, NULL));
}

static json_t *condition_of(const struct search_params *params)
{
    json_t *parts = json_array(), *one;

    if (params->filter)
        json_array_append_new(parts, cql2_to_json(params->filter));
    if (params->search.where.geometry)
        json_array_append_new(parts, within(&params->search.where));
    if (params->search.where.start || params->search.where.end)
        json_array_append_new(parts, during(&params->search.where));
    if (json_array_size(parts) > 1)
        return json_pack("{s:s,s:o}", "op", "and", "args", parts);
    one = json_incref(json_array_get(parts, 0));
    json_decref(parts);
    return one;
}

static bool finish(struct request *rq, struct search_params *params, struct wish *ret_wish, struct err *err)
{
    struct wish wish = { 0 };

    params->search.where.viewer = stac_viewer(rq);
    if (!params_finish(params, err))
        return false;
    wish.interest = (struct interest){ .viewer = stac_viewer(rq),
                                       .n_collections = params->search.where.n_collections,
                                       .collections = params->search.where.collections };
    wish.condition = condition_of(params);
    if (wish.condition && !interest_condition(wish.condition, rq->arena, &wish.interest.condition, err)) {
        wish_drop(&wish);
        return false;
    }
    *ret_wish = wish;
    return true;
}

bool wish_of_query(struct request *rq, const char *const *others, struct wish *ret_wish, struct err *err)
{
    struct search_params params;
    const char *name, *value;

    params_init(&params, PARAMS_SEARCH, 1, 1, rq->arena);
    for (size_t i = 0; request_query_at(rq, i, &name, &value); i++) {
        if (is_among(others, name) || !strcmp(name, "f"))
            continue;
        if (!is_among(names, name))
            return err_set(err, ERR_InvalidParameter, "%.60s: there is no such parameter here", name);
        if (!params_from_query(&params, name, value, err))
            return false;
    }
    return finish(rq, &params, ret_wish, err);
}

bool wish_of_json(struct request *rq, const json_t *members, struct wish *ret_wish, struct err *err)
{
    AUTO(json) json_t *copy = json_copy((json_t *)members);
    struct search_params params;
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)members, name, value)
        if (!is_among(names, name))
            return err_set(err, ERR_InvalidParameter, "/%.60s: there is no such member here", name);
    if (json_is_string(json_object_get(copy, "filter")) && !json_object_get(copy, "filter-lang"))
        json_object_set_new(copy, "filter-lang", json_string("cql2-text"));
    params_init(&params, PARAMS_SEARCH, 1, 1, rq->arena);
    return params_from_json(&params, copy, err) && finish(rq, &params, ret_wish, err);
}
