/* Aggregations over the items of any search: one statement each, as JSON of the STAC API. */
#ifndef STORE_AGGREGATE_H
#define STORE_AGGREGATE_H

#include "store/search.h"

struct aggregation { /* what can be asked for */
    const char *name, *data_type;
    const char *property; /* that it depends on; NULL: none */
    bool takes_interval;  /* "year" "month" "week" "day" "hour"; by the span of the data when not given */
    int least_precision, most_precision, precision; /* of grids; the last is used when none is given */
};
/* All there are. */
size_t aggregation_count(void);
const struct aggregation *aggregation_at(size_t i);

struct aggregation_request {
    const char *name;
    const char *interval; /* NULL: by the span of the data */
    int precision;        /* -1: the aggregation's own */
};
/* *ret_aggregation: {"name", "data_type", and "value" or "buckets" and "overflow"}. Errors:
 * InvalidParameter for names, intervals and precisions that there are not; RequestTimeout. */
bool items_aggregate(struct db *db, struct arena *arena, const struct item_conditions *where,
                     const struct aggregation_request *request, json_t **ret_aggregation,
                     struct err *err) MUST_USE;

#endif
