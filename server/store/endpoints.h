/* Table endpoints: where products can lie, and who may use that; and the groups that users are in. */
#ifndef STORE_ENDPOINTS_H
#define STORE_ENDPOINTS_H

#include "store/db.h"
#include "json/js.h"

/* Makes or changes an endpoint: {"kind", "title", "priority", "site", "access", "users", "groups", "root",
 * "url", "scheme"}; what is left out stays as it is, null is taken away. `name` is a plain name. *ret_made: it is new. Errors:
 * BadRequest naming the member; for "users": a user that is not there. */
bool endpoint_set(struct db *db, const char *name, const json_t *change, bool *ret_made,
                  struct err *err) MUST_USE;
/* With all its places. "local" stays. Errors: NotFound, Conflict. */
bool endpoint_remove(struct db *db, const char *name, struct err *err) MUST_USE;
/* All, as a JSON array of such objects with "name", "users" and "groups". */
bool endpoint_list(struct db *db, json_t **ret_endpoints, struct err *err) MUST_USE;

/* Errors: NotFound (no such user), InvalidParameter (group name). */
bool group_join(struct db *db, const char *user, const char *group, struct err *err) MUST_USE;
bool group_leave(struct db *db, const char *user, const char *group, struct err *err) MUST_USE;

#endif
