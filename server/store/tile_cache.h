/* Tiles of services that were made, as files in one folder of the data folder, up to services.cache bytes. */
#ifndef STORE_TILE_CACHE_H
#define STORE_TILE_CACHE_H

#include "base/mem.h"
#include "config/config.h"
#include "store/services.h"

/* Where a tile is, or would be. The caller frees. */
char *tile_cache_path(const struct config *config, const struct service *service, const struct tile *tile);
/* Whether it is there and not older than services.cache_keep; it is noted as asked for. */
bool tile_cache_has(const struct config *config, const char *path);
/* Copies a file to `path`. The tiles that nobody asked for the longest go when there are too many bytes.
 * Errors: StorageFailure. */
bool tile_cache_put(const struct config *config, const char *from, const char *path, struct err *err) MUST_USE;
void tile_cache_forget(const struct config *config, const char *service_id);

#endif
