/* Table notices: what is still to be told about jobs, and what was. Rows are written by a trigger
 * on jobs. */
#ifndef STORE_NOTICES_H
#define STORE_NOTICES_H

#include "base/id.h"
#include "base/mem.h"
#include "store/db.h"

#define NOTICES_CHANNEL "sentier_notices"

struct notice { /* texts are the arena's */
    char id[ID_UUID_SIZE], owner[ID_UUID_SIZE], job[ID_UUID_SIZE];
    const char *event, *target, *base_url; /* event: "inProgress", "success" or "failed" */
    bool mail, delivered, pending;
    int64_t created, next_at, attempts, last_at, last_status; /* 0: none */
    const char *last_error;
};

/* What is due, the oldest first. *ret_next_at: when there will be more (instant_now()); 0: unknown.
 */
bool notices_due(struct db *db, struct arena *arena, int64_t limit, struct notice **ret_all,
                 size_t *ret_count, int64_t *ret_next_at, struct err *err) MUST_USE;
bool notice_delivered(struct db *db, const char *id, int64_t status, struct err *err) MUST_USE;
/* Tried again in again_ms, unless it is older than give_up_seconds. again_ms < 0: never. */
bool notice_failed(struct db *db, const char *id, int64_t status, const char *problem,
                   int64_t again_ms, int64_t give_up_seconds, struct err *err) MUST_USE;
/* The newest of a user. */
bool notice_list(struct db *db, struct arena *arena, const char *owner, int64_t limit,
                 struct notice **ret_all, size_t *ret_count, struct err *err) MUST_USE;
/* E-mails that were sent for a user within a day. */
bool notices_mails(struct db *db, const char *owner, int64_t *ret_count, struct err *err) MUST_USE;
/* Forgets what is done for a week. */
bool notices_prune(struct db *db, struct err *err) MUST_USE;

#endif
