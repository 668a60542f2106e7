/* What changed in the catalogue, as a list and as a stream. */
#ifndef API_STAC_CHANGES_H
#define API_STAC_CHANGES_H

#include "http/route.h"

handler_fn stac_changes_get, stac_changes_stream_get;

/* The thread that writes the streams of this server; before it serves, and after it has stopped. */
void live_start(const struct config *config, const char *database_url);
void live_stop(void);

/* "true" or "false"; absent: false. */
bool changes_flag(struct request *rq, const char *name, bool *ret_truth, struct err *err) MUST_USE;

#endif
