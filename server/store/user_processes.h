/* Tables user_processes and user_process_versions: what users define, for themselves or shared with groups or
 * everybody. A namespace is "user" (the viewer's own) or "@" with the name or the id of a user (what that user
 * shares with the viewer). "evi" is the latest version of a process, "evi@2" its second one; who may see a
 * process may see all its versions. */
#ifndef STORE_USER_PROCESSES_H
#define STORE_USER_PROCESSES_H

#include "base/mem.h"
#include "store/db.h"
#include <jansson.h>

struct user_process_input {
    const char *id;
    const json_t *process;
    bool shared;            /* with everybody */
    const json_t *groups;   /* an array of names, or NULL */
    int64_t most, versions; /* processes of a user, former versions of one: more are not kept */
};
/* Stored; another process of this id becomes a former version. Errors: StorageQuotaExceeded. */
bool user_process_put(struct db *db, const char *owner, const struct user_process_input *in,
                      struct err *err) MUST_USE;
/* A process with all its versions, or one former version. Errors: ProcessGraphNotFound. */
bool user_process_remove(struct db *db, const char *owner, const char *id, struct err *err) MUST_USE;
/* *ret_process is NULL when the viewer (NULL: nobody) sees no such process; the caller owns it. */
bool user_process_load(struct db *db, const char *viewer, const char *space, const char *id,
                       json_t **ret_process, int64_t *ret_version, struct err *err) MUST_USE;
/* {"evi": true}; the caller owns it. */
bool user_process_ids(struct db *db, const char *viewer, const char *space, json_t **ret_ids,
                      struct err *err) MUST_USE;
/* By id, after the id `after` (NULL: from the start); an array that the caller owns. */
bool user_process_list(struct db *db, const char *viewer, const char *space, const char *after,
                       int64_t limit, json_t **ret_processes, struct err *err) MUST_USE;

struct user_process_version {
    int64_t number, created;
};
/* The owner's, latest first. Errors: ProcessGraphNotFound. */
bool user_process_versions(struct db *db, struct arena *arena, const char *owner, const char *id,
                           struct user_process_version **ret_versions, size_t *ret_count,
                           struct err *err) MUST_USE;

#endif
