/* Items and collections of older versions of STAC become those of the version that is served. */
#ifndef INGEST_STAC_MIGRATE_H
#define INGEST_STAC_MIGRATE_H

#include "base/err.h"
#include <jansson.h>

/* Versions 1.0.x and 1.1.x stay as they are, but for summaries that are no lists; 0.8, 0.9, 1.0.0-beta
 * and 1.0.0-rc become 1.0.0 after the rules in stac_migrate.def. *ret_changed may be NULL. Works on items
 * and collections and checks nothing but the version: item_check() and collection_check() follow.
 * Errors: BadRequest for versions that are too old, too new or none. */
bool stac_migrate(json_t *object, bool *ret_changed, struct err *err) MUST_USE;

#endif
