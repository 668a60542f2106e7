/* What users asked to be told about their jobs: calls to their addresses, and e-mails. Used by the
 * one thread that delivers (hooks.c); what is still to be told is in the database. */
#ifndef FEED_NOTICES_H
#define FEED_NOTICES_H

#include "feed/calls.h"
#include "store/db.h"

struct notices;
struct notices *notices_new(const struct config *config, struct calls *calls);
void notices_free(struct notices *notices);
/* Hands over what is due; *next_at becomes earlier when something is due before it. */
bool notices_look(struct notices *notices, struct db *db, int64_t *next_at,
                  struct err *err) MUST_USE;
/* Writes down what came of a call, which it takes. */
bool notices_settle(struct notices *notices, struct db *db, struct call *call_taken,
                    struct err *err) MUST_USE;

#endif
