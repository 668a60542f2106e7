/* Counts over the items that a search would find: each aggregation is a statement of its own, in the
 * order asked for. */
#include "api/common/build.h"
#include "api/stac/language.h"
#include "api/stac/stac.h"
#include "json/js_text.h"
#include "store/aggregate.h"
#include "store/queryables.h"
#include <string.h>

enum { AGGREGATIONS_AT_ONCE = 20 };

/* "datetime_frequency" -> what was said in "datetime_frequency_interval". */
static const char *option(const struct search_params *p, const char *name, const char *kind)
{
    AUTO(mem) char *whole = mem_printf("%s_%s", name, kind);

    for (size_t i = 0; i < p->n_options; i++)
        if (!strcmp(p->options[i].name, whole))
            return p->options[i].value;
    return NULL;
}

/* Of one collection only what its items have can be counted by. `list` is NULL for all of them. */
static bool is_offered(const struct aggregation *a, const struct queryable_list *list)
{
    return !list || !a->property || queryable_find((void *)list, a->property, -1);
}

static const struct aggregation *find(const char *name, size_t length)
{
    for (size_t i = 0; i < aggregation_count(); i++) {
        const struct aggregation *a = aggregation_at(i);

        if (strlen(a->name) == length && !strncmp(a->name, name, length))
            return a;
    }
    return NULL;
}

static bool refuse(const char *name, const struct queryable_list *list, struct err *err)
{
    AUTO(text) struct text names = { 0 };

    for (size_t i = 0; i < aggregation_count(); i++)
        if (is_offered(aggregation_at(i), list))
            text_printf(&names, "%s%s", names.length ? ", " : "", aggregation_at(i)->name);
    return err_set(err, ERR_InvalidParameter, "aggregations: expected some of %s; found '%.60s'", names.data,
                   name);
}

static bool takes_precision(const struct aggregation *a)
{
    return a->most_precision > 0;
}

/* An option must belong to an aggregation that takes it. */
static bool check_options(const struct search_params *p, struct err *err)
{
    for (size_t i = 0; i < p->n_options; i++) {
        const char *name = p->options[i].name, *end = strrchr(name, '_');
        const struct aggregation *aggregation = find(name, (size_t)(end - name));

        if (!aggregation ||
            !(strcmp(end, "_interval") ? takes_precision(aggregation) : aggregation->takes_interval))
            return err_set(err, ERR_InvalidParameter, "%.60s: there is no such parameter here", name);
    }
    return true;
}

static bool read_request(const struct search_params *p, const char *name, const struct queryable_list *list,
                         struct aggregation_request *request, struct err *err)
{
    const struct aggregation *aggregation = find(name, strlen(name));
    const char *interval = option(p, name, "interval"), *precision = option(p, name, "precision");
    double number = -1;

    if (!aggregation || !is_offered(aggregation, list))
        return refuse(name, list, err);
    if (precision && (!text_to_number(precision, &number) || !(number >= 0 && number <= 100) ||
                      number != (int)number))
        return err_set(err, ERR_InvalidParameter, "%s_precision: expected a whole number, found '%.40s'",
                       name, precision);
    *request = (struct aggregation_request){ .name = name, .interval = interval,
                                             .precision = (int)number };
    return true;
}

/* Errors: CollectionNotFound. */
static bool load(struct request *rq, const char *collection, struct queryable_list *ret_list, struct err *err)
{
    struct queryable *all;
    const char *unused;

    if (!collection_text(rq->db, rq->arena, stac_viewer(rq), collection, &unused, err) ||
        !queryables_load(rq->db, rq->arena, stac_viewer(rq), 1, &collection, true, &all, &ret_list->count, err))
        return false;
    ret_list->all = all;
    return true;
}

static bool answer(struct request *rq, struct reply *reply, struct search_params *p, const char *collection,
                   struct err *err)
{
    AUTO(json) json_t *list = json_array();
    AUTO(text) struct text body = { 0 };
    struct queryable_list list_of_one;
    const struct queryable_list *offered = collection ? &list_of_one : NULL;

    if (collection && !load(rq, collection, &list_of_one, err))
        return false;
    if (p->n_aggregations > AGGREGATIONS_AT_ONCE)
        return err_set(err, ERR_InvalidParameter, "aggregations: expected at most %d", AGGREGATIONS_AT_ONCE);
    if (!check_options(p, err) || !stac_check(rq, p, err))
        return false;
    for (size_t i = 0; i < p->n_aggregations; i++) {
        struct aggregation_request request;
        json_t *aggregation;

        if (!read_request(p, p->aggregations[i], offered, &request, err) ||
            !items_aggregate(rq->db, rq->arena, &p->search.where, &request, &aggregation, err))
            return false;
        json_array_append_new(list, aggregation);
    }
    text_add(&body, "{\"type\":\"AggregationCollection\",\"aggregations\":");
    js_text_add(&body, list);
    text_printf(&body, ",\"links\":[{\"rel\":\"self\",\"type\":\"application/json\",\"href\":\"%s\"}",
                href_with(rq, "", NULL));
    stac_link(&body, rq, "root", "application/json", NULL);
    text_add(&body, "]}");
    return stac_send(rq, reply, &body, "application/json", html_plain, err);
}

bool stac_aggregate_get(struct request *rq, struct reply *reply, struct err *err)
{
    struct search_params p;

    return stac_read(rq, PARAMS_AGGREGATE, NULL, &p, err) && answer(rq, reply, &p, NULL, err);
}

bool stac_aggregate_post(struct request *rq, struct reply *reply, struct err *err)
{
    return stac_aggregate_get(rq, reply, err);
}

bool stac_collection_aggregate_get(struct request *rq, struct reply *reply, struct err *err)
{
    const char *id = request_variable(rq, "collectionId");
    struct search_params p;

    return stac_read(rq, PARAMS_COLLECTION_AGGREGATE, id, &p, err) && answer(rq, reply, &p, id, err);
}

/* ---- what can be asked for ---- */

static json_t *describe(const struct aggregation *a)
{
    static const char *const intervals[] = { "year", "month", "week", "day", "hour" };
    json_t *row = json_pack("{s:s,s:s}", "name", a->name, "data_type", a->data_type), *list;

    put_text(row, "property", a->property);
    if (a->takes_interval) {
        list = json_array();
        for (size_t i = 0; i < ARRAY_LEN(intervals); i++)
            json_array_append_new(list, json_string(intervals[i]));
        json_object_set_new(row, "intervals", list);
    }
    if (takes_precision(a))
        json_object_set_new(row, "precision",
                            json_pack("{s:i,s:i,s:i}", "minimum", a->least_precision, "maximum",
                                      a->most_precision, "default", a->precision));
    return row;
}

static bool list(struct request *rq, struct reply *reply, const char *path,
                 const struct queryable_list *offered, struct err *err)
{
    json_t *rows, *links;

    if (!stac_only(rq, NULL, err))
        return false;
    rows = json_array();
    links = json_array();
    for (size_t i = 0; i < aggregation_count(); i++)
        if (is_offered(aggregation_at(i), offered))
            json_array_append_new(rows, describe(aggregation_at(i)));
    link_add(links, "self", href_of(rq, "%s/aggregations", path), "application/json", NULL);
    link_add(links, "root", href_of(rq, STAC_ROOT), "application/json", NULL);
    link_add(links, "aggregate", href_of(rq, "%s/aggregate", path), "application/json", NULL);
    return stac_send_json(rq, reply,
                          json_pack("{s:s,s:o,s:o}", "type", "AggregationCollection", "aggregations", rows,
                                    "links", links),
                          "application/json", html_plain, err);
}

bool stac_aggregations_get(struct request *rq, struct reply *reply, struct err *err)
{
    return list(rq, reply, STAC_ROOT, NULL, err);
}

bool stac_collection_aggregations_get(struct request *rq, struct reply *reply, struct err *err)
{
    const char *id = request_variable(rq, "collectionId");
    AUTO(text) struct text path = { 0 };
    struct queryable_list offered;

    if (!load(rq, id, &offered, err))
        return false;
    text_add(&path, STAC_ROOT "/collections/");
    text_add_url(&path, id, "");
    return list(rq, reply, path.data, &offered, err);
}
