/* Tables copies and fetches: products of other servers that were fetched, and the tasks that fetch them. A copy that a job
 * which is not over uses stays; of the others those that were not used for the longest go when there is not room for all. */
#ifndef STORE_COPIES_H
#define STORE_COPIES_H

#include "base/mem.h"
#include "store/stagings.h"
#include <jansson.h>

enum { COPY_KEY_SIZE = 65 };

struct fetch_wish {
    const char *item;   /* for people */
    char source[COPY_KEY_SIZE];
    const char *what; /* JSON: {"files", "restoration", "credentials"} */
};
/* Within the transaction that holds a job's planning task: a task and a step for each, and the planning task runs again when
 * all are done. */
bool copy_add_tasks(struct db *db, const struct task *planning, const struct job_work *work, const struct fetch_wish *wishes,
                    size_t count, struct err *err) MUST_USE;
/* The folder of the copy that a task of this job has fetched; NULL: none has. In `arena`. */
bool copy_of_job(struct db *db, const char *job, const char *source, struct arena *arena, const char **ret_folder,
                 struct err *err) MUST_USE;

struct fetching { /* texts live in the arena */
    const char *item, *source;
    json_t *what;        /* the caller owns it */
    int64_t waited_s;    /* since the job wanted it */
    const char *known;   /* key of the latest whole copy of this source; NULL: none */
};
/* Whose turn it is; within a transaction. A task that must wait has been put back. */
bool copy_begin(struct db *db, struct task *task, struct arena *arena, struct fetching *ret_fetching,
                enum staging_turn *ret_turn, struct err *err) MUST_USE;

/* Within a transaction: the job uses copy `key`, which is there (STAGING_ONLINE), or has room (STAGING_RUN; what was begun
 * before is in its folder), or has to wait for room (STAGING_WAIT: the task has been put back). `limit`: bytes of all copies.
 * `ret_gone`: folders that the caller removes when the transaction is over (he owns the list of texts).
 * Errors: SourceUnreadable, when the job needs more room than there is; StorageFailure, when others have had it for too long. */
struct copy_wish {
    const char *key, *source, *fresh; /* fresh: the folder, if it is new */
    int64_t bytes, limit;
    bool may_wait;
};
bool copy_reserve(struct db *db, struct task *task, const struct copy_wish *wish, struct arena *arena, const char **ret_folder,
                  json_t **ret_gone, enum staging_turn *ret_turn, struct err *err) MUST_USE;

/* Within a transaction: the copy is whole, the task is settled, tasks that wait for the same are woken. */
bool copy_finish(struct db *db, struct task *task, const char *key, const struct fetching *fetching, double seconds,
                 enum hold *ret_hold, struct err *err) MUST_USE;
/* It is not worth keeping; `whole`: what is lost of one that was. */
bool copy_forget(struct db *db, const char *key, bool whole, struct err *err) MUST_USE;
/* Whether a task of kind 3 fetches a product of another server. */
bool copy_is_of(struct db *db, const struct task *task, bool *ret_is, struct err *err) MUST_USE;

/* A transaction of its own: the task looks again after so many seconds, or when somebody wakes it. */
bool copy_put_off(struct db *db, struct task *task, int64_t seconds, const char *message, struct err *err) MUST_USE;

/* For the sweep: whether a copy lies in this folder. */
bool copy_folder_is_known(struct db *db, const char *folder, bool *ret_known, struct err *err) MUST_USE;

#endif
