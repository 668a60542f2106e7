/* What every installation has, whichever faces it shows. */
#ifndef API_COMMON_COMMON_H
#define API_COMMON_COMMON_H

#include "http/route.h"

handler_fn health_get, ready_get;
handler_fn me_get;
handler_fn shares_list, share_create, share_delete; /* of a collection */
handler_fn keys_list, key_create, key_delete, key_form_post, key_revocation_post;
handler_fn endpoints_get, endpoint_put, endpoint_delete, places_get, places_post, order_post;
/* How many products on tape who asks may have ordered at once; 0: any number. */
int64_t orders_most(const struct request *rq);

#endif
