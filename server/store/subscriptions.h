/* Table subscriptions: who is called when something changes, and how the calls go. */
#ifndef STORE_SUBSCRIPTIONS_H
#define STORE_SUBSCRIPTIONS_H

#include "base/id.h"
#include "base/mem.h"
#include "store/db.h"

/* NOTIFY: a subscription was made or changed. */
#define SUBSCRIPTIONS_CHANNEL "sentier_subscriptions"

struct subscription {
    char id[ID_UUID_SIZE], owner[ID_UUID_SIZE];
    const char *title, *url;
    const unsigned char *secret; /* encrypted */
    size_t secret_size;
    const char *interest;        /* JSON as the owner wrote it */
    const char *condition;       /* CQL2 JSON, NULL: none */
    const char *base_url;
    int64_t created, updated;
    bool active;
    const char *reason;          /* why it is not */
    int64_t seq;                 /* told up to here */
    int64_t up_to;               /* last change of the call that goes on or failed; 0: none */
    int64_t attempts, next_at, failing_since, last_at, last_status, delivered_at, delivered;
    const char *last_error;
};

/* What is not NULL (0) is stored; all but title must be given to add. Errors: Conflict when the owner
 * has `most` already. */
bool subscription_add(struct db *db, const struct subscription *in, int64_t most,
                      char ret_id[static ID_UUID_SIZE], struct err *err) MUST_USE;
/* The same members, and `active`; a call that failed is tried at once. Errors: NotFound. */
bool subscription_change(struct db *db, const struct subscription *in, struct err *err) MUST_USE;
bool subscription_remove(struct db *db, const char *owner, const char *id, struct err *err) MUST_USE;
/* Errors: NotFound. */
bool subscription_load(struct db *db, struct arena *arena, const char *owner, const char *id,
                       struct subscription *ret_subscription, struct err *err) MUST_USE;
bool subscription_list(struct db *db, struct arena *arena, const char *owner,
                       struct subscription **ret_all, size_t *ret_count, struct err *err) MUST_USE;

/* ---- for who delivers ---- */

/* One process at a time, as long as its connection lasts. */
bool subscriptions_try_lead(struct db *db, bool *ret_leads, struct err *err) MUST_USE;
/* All that are active, whoever they belong to. */
bool subscriptions_active(struct db *db, struct arena *arena, struct subscription **ret_all,
                          size_t *ret_count, struct err *err) MUST_USE;
/* Nothing up to `seq` concerns it. */
bool subscription_pass(struct db *db, const char *id, int64_t seq, struct err *err) MUST_USE;
/* A call is about to be made that tells of what came up to `up_to`. */
bool subscription_begin(struct db *db, const char *id, int64_t up_to, struct err *err) MUST_USE;
/* It was taken: `count` changes. */
bool subscription_delivered(struct db *db, const char *id, int64_t up_to, int64_t count, int64_t status,
                            struct err *err) MUST_USE;
/* It was not (status 0: no answer), and is tried again in `again_ms`; given up with a reason when it has
 * failed for `give_up_seconds`. */
bool subscription_failed(struct db *db, const char *id, int64_t status, const char *problem,
                         int64_t again_ms, int64_t give_up_seconds, struct err *err) MUST_USE;
/* Not tried any more. */
bool subscription_stop(struct db *db, const char *id, const char *reason, struct err *err) MUST_USE;

#endif
