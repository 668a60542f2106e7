/* API keys: what their resource and their page do alike. */
#ifndef API_COMMON_KEYS_H
#define API_COMMON_KEYS_H

#include "http/route.h"
#include "store/users.h"
#include <jansson.h>

/* {"keys": [...]}, without secrets. */
bool keys_json(struct request *rq, json_t **ret_body, struct err *err) MUST_USE;
/* Makes a key of {"title", "scopes", "expires"}: {"id", "title", "key"}. Errors: BadRequest, InvalidParameter. */
bool key_make(struct request *rq, const json_t *wish, json_t **ret_made, struct err *err) MUST_USE;
/* `made` NULL: nothing was made just now. */
bool keys_page(struct request *rq, struct reply *reply, int status, const json_t *body, const json_t *made);

#endif
