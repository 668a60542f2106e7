/* What can be sorted by. */
#include "api/stac/stac.h"

bool stac_check(struct request *rq, struct search_params *params, struct err *err)
{
    (void)rq;
    for (size_t i = 0; i < params->search.n_sorts; i++)
        if (!item_sort_is_column(params->search.sorts[i].property))
            return err_set(err, ERR_InvalidParameter, "sortby: there is no property '%.60s' to sort by",
                           params->search.sorts[i].property);
    return true;
}
