/* Who may do what with a collection: its owner, those whom it is shared with, operators with what is the
 * service's own. */
#ifndef STORE_SHARES_H
#define STORE_SHARES_H

#include "store/users.h"

enum collection_right {
    RIGHT_NONE, /* as if it was not there */
    RIGHT_READ,
    RIGHT_WRITE, /* its items */
    RIGHT_OWN,   /* itself, and whom it is shared with */
};

/* Errors: CollectionNotFound when the user may not even see it, PermissionsInsufficient. */
bool collection_may(struct db *db, const struct user *user, const char *id, enum collection_right needed,
                    struct err *err) MUST_USE;

/* How many collections are the user's. */
bool collections_owned(struct db *db, const char *user_id, int64_t *ret_count, struct err *err) MUST_USE;

struct share {
    const char *id;
    const char *user, *group; /* a user's name or a group; both NULL: everybody */
    bool writes;
    int64_t created;
};
/* Errors: NotFound (no such user), Conflict (shared with the same already). */
bool share_add(struct db *db, const char *collection, const struct share *share,
               char ret_id[static ID_UUID_SIZE], struct err *err) MUST_USE;
bool share_list(struct db *db, struct arena *arena, const char *collection, struct share **ret_shares,
                size_t *ret_count, struct err *err) MUST_USE;
/* Errors: NotFound. */
bool share_remove(struct db *db, const char *collection, const char *id, struct err *err) MUST_USE;

#endif
