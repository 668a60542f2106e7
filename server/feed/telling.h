/* How a change is told: the same object in the list, in streams and in calls. */
#ifndef FEED_TELLING_H
#define FEED_TELLING_H

#include "base/text.h"
#include "store/changes.h"

struct listener {
    const char *base_url, *viewer; /* a user's id; NULL: nobody */
    bool with_items;               /* as searches give them to the viewer */
};

/* Appends {"seq", "kind", "collection", "id", "at", "links"[, "item"]}. */
bool telling_add(struct text *out, struct db *db, const struct change *change, const struct listener *to,
                 struct err *err) MUST_USE;

#endif
