/* Puts what is known of an item's places into its text on the way out. */
#ifndef STORE_PLACES_TEXT_H
#define STORE_PLACES_TEXT_H

#include "base/text.h"
#include <jansson.h>

/* Appends the kept text (store/stac_text.h) of an item with its places put in: the main href of each
 * asset is its best place, the others are its `alternate`; storage:schemes and storage:refs, order:status
 * and the entries of stac_extensions follow. `places` is item_row.places and not NULL. The item is not
 * parsed: its text is skimmed once and copied. */
void places_text_add(struct text *out, const char *kept, const char *places, const char *collection,
                     const char *id);
/* The other way round: what places_text_add() put into an item that a client got and now sends back is
 * as it is kept again; what else the client changed stays. `item` may also be a merge patch. `sent` is
 * the item with its places as the client gets it, `own` what addresses of this server's files begin with. */
void places_text_take_back(json_t *item, const json_t *kept, const json_t *sent, const char *places,
                           const char *own);
/* stac_text_send() of an item with its places; `places` may be NULL. */
void places_text_send(struct text *out, const char *kept, const char *places, const char *collection,
                      const char *id, const char *base_url, const char *links);

#endif
