/* Changes as many readers read them: those who stand at the same place share what was read and parsed.
 * A tape belongs to one thread. */
#ifndef FEED_TAPE_H
#define FEED_TAPE_H

#include "store/changes.h"

struct tape;

struct tape *tape_new(void);
void tape_free(struct tape *tape);
/* A new round begins: what was read long ago, or was empty, is read anew. */
void tape_turn(struct tape *tape);
/* The changes after `since`; valid until the next call. Errors: those of changes_read(). */
bool tape_read(struct tape *tape, struct db *db, int64_t since, struct changes **ret_page,
               struct err *err) MUST_USE;

#endif
