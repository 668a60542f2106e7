/* Batches of items for those who write many: gathered and made into rows on one thread, stored on
 * another (store/items.h has the rest). */
#ifndef STORE_ITEM_BATCH_H
#define STORE_ITEM_BATCH_H

#include "store/items.h"
#include "store/stac_text.h"

struct item_batch; /* belongs to one thread at a time */

struct item_batch *item_batch_new(void);
void item_batch_free(struct item_batch *batch);
DEFINE_AUTO(item_batch, struct item_batch *, item_batch_free)
void item_batch_clear(struct item_batch *batch);
size_t item_batch_count(const struct item_batch *batch);

/* Checks the item (item_check()) and makes its row; the item itself is not needed afterwards. `tag` is
 * what problems are told with. Errors: BadRequest with the place. */
bool item_batch_add(struct item_batch *batch, const struct item_input *in, size_t tag,
                    struct err *err) MUST_USE;
/* Stores all in one transaction. The batch may be stored again when this fails, and is to be cleared
 * after. */
bool item_batch_store(struct db *db, struct item_batch *batch, const struct item_write *how,
                      size_t *ret_stored, struct err *err) MUST_USE;
/* The entity tag of the i-th item's kept text. */
void item_batch_etag(const struct item_batch *batch, size_t i, char ret_etag[static STAC_ETAG_SIZE]);

#endif
