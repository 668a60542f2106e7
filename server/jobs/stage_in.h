/* Inputs of packages that lie elsewhere. */
#ifndef JOBS_STAGE_IN_H
#define JOBS_STAGE_IN_H

#include "config/config.h"
#include <jansson.h>

/* Fetches what Files and Directories of the inputs name by http(s) into `folder`, and sets their locations. A Directory is a STAC item,
 * item collection, collection or catalogue: it becomes a folder with catalog.json and the assets beside their items.
 * Errors: Unreachable, InvalidParameter, StorageFailure. */
bool stage_in(const struct config *config, json_t *inputs, const char *folder, struct err *err) MUST_USE;

#endif
