/* The collections that hold the results of users' jobs (sql/0009-results.sql). */
#ifndef STORE_RESULTS_H
#define STORE_RESULTS_H

#include "base/id.h"
#include "base/mem.h"
#include "store/db.h"

/* The id of the owner's collection of results, which is made when there is none. In the arena. */
bool results_collection(struct db *db, struct arena *arena, const char *owner, const char **ret_id,
                        struct err *err) MUST_USE;
/* Brings the extent of the collection up to that of its items, of which those with `ids` (an array of PostgreSQL's) are
 * new. It becomes smaller again as long as they are few. */
bool results_update_extent(struct db *db, const char *collection, const char *ids, struct err *err) MUST_USE;
/* Within the transaction that stores the item: notes that the job has one. *ret_wanted is false when
 * the job is not finished any more. */
bool results_note(struct db *db, const char *job, bool *ret_wanted, struct err *err) MUST_USE;
/* Finished jobs that should have an item and have none, with their owners: at most `most` ids. */
bool results_missing(struct db *db, char (*ret_jobs)[ID_UUID_SIZE], size_t most, size_t *ret_count,
                     struct err *err) MUST_USE;

#endif
