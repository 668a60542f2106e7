/* The whole HTTP surface on one page. */
#include "api/common/common.h"

const struct route routes[] = {
    /* operations */
    ROUTE(GET, "/healthz", NOBODY, health_get, PLAIN, .without_database = true),
    ROUTE(GET, "/readyz", NOBODY, ready_get, PLAIN, .without_database = true),
    ROUTE(GET, "/api/me", USER, me_get, PLAIN),
    ROUTE(GET, "/api/keys", USER, keys_list, PLAIN),
    ROUTE(POST, "/api/keys", USER, key_create, PLAIN, .body = BODY_JSON, .max_body = 4096),
    ROUTE(DELETE, "/api/keys/{key_id}", USER, key_delete, PLAIN),

    { .pattern = NULL },
};
