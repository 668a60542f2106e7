/* Table progress: how far a long intake (a file that is added, a catalogue that is harvested) has come,
 * written with the items themselves, so that it can go on where it was cut off. */
#ifndef STORE_PROGRESS_H
#define STORE_PROGRESS_H

#include "base/mem.h"
#include "store/db.h"

/* Part of a transaction, or one of its own. `state` is the intake's own text. */
bool progress_set(struct db *db, const char *source, const char *state, struct err *err) MUST_USE;
/* *ret_state is NULL when there is none; in the arena. */
bool progress_get(struct db *db, struct arena *arena, const char *source, const char **ret_state,
                  struct err *err) MUST_USE;
bool progress_forget(struct db *db, const char *source, struct err *err) MUST_USE;

#endif
