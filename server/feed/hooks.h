/* Calls to the addresses of subscriptions. */
#ifndef FEED_HOOKS_H
#define FEED_HOOKS_H

#include "config/config.h"
#include "base/err.h"

struct hooks;

/* Starts the threads; of all servers over one database one delivers. */
struct hooks *hooks_start(const struct config *config, const char *database_url);
/* Ends them: calls that are under way come to their end first. */
void hooks_stop(struct hooks *hooks);

#endif
