/* How a change is told: the same object in the list, in streams and in calls. */
#ifndef FEED_TELLING_H
#define FEED_TELLING_H

#include "base/text.h"
#include "store/changes.h"

/* Appends {"seq", "kind", "collection", "id", "at", "links"[, "item"]}. */
void telling_add(struct text *out, const struct change *change, const char *base_url, bool with_item);

#endif
