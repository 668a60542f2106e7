/* Puts what is known of an item's places into its text on the way out. */
#ifndef STORE_PLACES_TEXT_H
#define STORE_PLACES_TEXT_H

#include "base/text.h"

/* Appends the kept text (store/stac_text.h) of an item with its places put in: the main href of each
 * asset is its best place, the others are its `alternate`; storage:schemes and storage:refs, order:status
 * and the entries of stac_extensions follow. `places` is item_row.places and not NULL. The item is not
 * parsed: its text is skimmed once and copied. */
void places_text_add(struct text *out, const char *kept, const char *places, const char *collection,
                     const char *id);
/* stac_text_send() of an item with its places; `places` may be NULL. */
void places_text_send(struct text *out, const char *kept, const char *places, const char *collection,
                      const char *id, const char *base_url, const char *links);

#endif
