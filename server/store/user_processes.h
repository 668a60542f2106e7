/* Table user_processes: what users define, for themselves or shared with everybody. A namespace is
 * "user" (the viewer's own) or "@" with the name or the id of a user (what that user shares). */
#ifndef STORE_USER_PROCESSES_H
#define STORE_USER_PROCESSES_H

#include "base/mem.h"
#include "store/db.h"
#include <jansson.h>

/* Stored or replaced. Errors: StorageQuotaExceeded when the user would have more than `most`. */
bool user_process_put(struct db *db, const char *owner, const char *id, const json_t *process,
                      bool shared, int64_t most, struct err *err) MUST_USE;
/* Errors: ProcessGraphNotFound. */
bool user_process_remove(struct db *db, const char *owner, const char *id, struct err *err) MUST_USE;
/* *ret_process is NULL when the viewer (NULL: nobody) sees no such process; the caller owns it. */
bool user_process_load(struct db *db, const char *viewer, const char *space, const char *id,
                       json_t **ret_process, struct err *err) MUST_USE;
/* {"evi": true}; the caller owns it. */
bool user_process_ids(struct db *db, const char *viewer, const char *space, json_t **ret_ids,
                      struct err *err) MUST_USE;
/* By id, after the id `after` (NULL: from the start); an array that the caller owns. */
bool user_process_list(struct db *db, const char *viewer, const char *space, const char *after,
                       int64_t limit, json_t **ret_processes, struct err *err) MUST_USE;

#endif
