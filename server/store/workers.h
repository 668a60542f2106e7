/* Table workers: who takes tasks now. A worker is known by a random number of its own. */
#ifndef STORE_WORKERS_H
#define STORE_WORKERS_H

#include "store/db.h"

struct worker {
    int64_t id;
    char host[128];   /* host name and process namespace: where `process` means something */
    int process;
    int64_t birth;    /* clock ticks since boot: a number that is used again has another one */
    int64_t slots, slot_bytes;
};

/* Writes the row; also after it was swept as silent. */
bool worker_register(struct db *db, const struct worker *worker, struct err *err) MUST_USE;
bool worker_leave(struct db *db, int64_t id, struct err *err) MUST_USE;
bool worker_set_idle(struct db *db, int64_t id, int64_t idle, struct err *err) MUST_USE;
/* "Still here, with these tokens": renews the leases. held[i] tells whether tokens[i] is still its
 * own; *ret_known is false when the row is gone. */
bool worker_beat(struct db *db, int64_t id, int64_t idle, int64_t lease_seconds,
                 const int64_t *tokens, bool *held, size_t n_tokens, bool *ret_known,
                 struct err *err) MUST_USE;
/* One of the workers leads: reaps and sweeps. True when it is the session of this connection. */
bool worker_try_lead(struct db *db, bool *ret_leads, struct err *err) MUST_USE;
/* The workers of a host but one, at most `room`. */
bool worker_list_host(struct db *db, const char *host, int64_t but, struct worker *workers,
                      size_t room, size_t *ret_count, struct err *err) MUST_USE;
/* Forgets workers that were silent for a time; their tasks' leases are over then. */
bool worker_forget_silent(struct db *db, int64_t seconds, struct err *err) MUST_USE;

#endif
