/* /api/subscriptions */
#ifndef API_STAC_SUBSCRIPTIONS_H
#define API_STAC_SUBSCRIPTIONS_H

#include "http/route.h"

handler_fn subscriptions_list, subscription_get, subscription_create, subscription_patch, subscription_delete;

#endif
