/* Where products lie, for operators: the same as `sentier catalog endpoint` and `place`. Whoever may see an
 * item may have it fetched from tape. */
#include "api/common/common.h"
#include "json/js.h"
#include "store/endpoints.h"
#include "store/stagings.h"
#include "store/places.h"
#include <inttypes.h>

bool endpoints_get(struct request *rq, struct reply *reply, struct err *err)
{
    json_t *list;

    return endpoint_list(rq->db, &list, err) &&
           reply_json(reply, 200, json_pack("{s:o}", "endpoints", list), NULL);
}

bool endpoint_put(struct request *rq, struct reply *reply, struct err *err)
{
    const char *name = request_variable(rq, "name");
    bool made;

    if (!endpoint_set(rq->db, name, rq->body, &made, err))
        return false;
    return reply_json(reply, made ? 201 : 200, json_pack("{s:s, s:b}", "name", name, "made", made), NULL);
}

bool endpoint_delete(struct request *rq, struct reply *reply, struct err *err)
{
    return endpoint_remove(rq->db, request_variable(rq, "name"), err) && reply_empty(reply, 204);
}

static void add_problem(void *context, size_t index, const struct err *problem)
{
    json_array_append_new(context, json_pack("{s:I, s:s}", "index", (json_int_t)index, "detail",
                                             problem->message));
}

bool places_post(struct request *rq, struct reply *reply, struct err *err)
{
    AUTO(json) json_t *refused = json_array();
    size_t set;

    if (!json_is_array(rq->body))
        return js_refuse(rq->body, "", "an array of places", err);
    if (!places_set(rq->db, rq->body, add_problem, refused, &set, err))
        return false;
    return reply_json(reply, 200,
                      json_pack("{s:I, s:O}", "set", (json_int_t)set, "refused", refused), NULL);
}

bool places_get(struct request *rq, struct reply *reply, struct err *err)
{
    json_t *list;

    return places_load(rq->db, request_variable(rq, "collection"), request_variable(rq, "item"), &list,
                       err) &&
           reply_json(reply, 200, json_pack("{s:o}", "places", list), NULL);
}

int64_t orders_most(const struct request *rq)
{
    return rq->user->role >= ROLE_OPERATOR ? 0 : rq->config->catalog_user_orders;
}

/* The best place that is not online, unless one is. */
bool order_post(struct request *rq, struct reply *reply, struct err *err)
{
    const char *item = request_variable(rq, "item");
    AUTO(place_list) struct place_list list = { 0 };
    struct product product = { .item = item };
    bool ordered;

    if (!places_of_item(rq->db, rq->user->id, rq->config->catalog_site, request_variable(rq, "collection"),
                        item, &list, err))
        return false;
    if (list.count == 0)
        return err_set(err, ERR_FileNotFound, "Nothing is known of where '%.200s' lies.", item);
    product.collection = list.collection;
    product.endpoint = list.endpoints[0];
    if (list.places[0].state == PLACE_ONLINE)
        return reply_json(reply, 200, json_pack("{s:s, s:s}", "item", item, "order:status", "succeeded"),
                          NULL);
    if (!staging_order(rq->db, rq->user->id, &product, orders_most(rq), &ordered, err))
        return false;
    reply_header(rq, reply, "Retry-After", "60");
    return reply_json(reply, 202, json_pack("{s:s, s:s, s:b}", "item", item, "order:status", "ordered",
                                            "new", ordered),
                      NULL);
}
