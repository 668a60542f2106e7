/* What files a product has that lies on another server, as its STAC item tells. */
#ifndef JOBS_PRODUCT_FILES_H
#define JOBS_PRODUCT_FILES_H

#include "base/err.h"
#include "store/place.h"
#include <jansson.h>

/* [{"url", "name": where it comes to lie, "size", "checksum": {"algorithm", "digits"}}] (the last two where they are told):
 * a zip of the product, or the files of its folder that are read, below one name. `document`: where the item was read, for
 * addresses that count from there; may be NULL. The caller owns it. Errors: SourceUnreadable, when nothing can be fetched. */
bool product_files(const json_t *item, const char *document, json_t **ret_files, struct err *err) MUST_USE;
/* The same of a place that is an address (what place_worker_href() gives). */
bool product_files_at(const struct place *place, const char *item, json_t **ret_files, struct err *err) MUST_USE;
/* Which of them the product is: the zip, or the folder. The caller frees. */
char *product_files_root(const json_t *files);
/* Whether the item says that the product has to be fetched from tape first. */
bool product_is_on_tape(const json_t *item);

#endif
