/* Which files a plan may read, and by which name GDAL opens them. */
#ifndef RASTER_ACCESS_H
#define RASTER_ACCESS_H

#include "base/err.h"
#include "raster/engine.h"

/* An absolute path (or file:// URL) that lies, links followed, in one of options->allowed_paths; or
 * an http(s) URL of one of options->allowed_hosts; with options->archives also a member of a zip that
 * lies there; with options->trusted any name. The caller frees *ret_name. Errors: SourceUnreadable
 * naming href and the reason. */
bool access_check(const struct raster_options *options, const char *href, char **ret_name,
                  struct err *err) MUST_USE;

/* Does a path without links or ".." lie in one of the colon-separated folders? */
bool access_path_allowed(const char *path, const char *folders);

/* The only formats that files of others are opened as (NULL ends): a VRT and the like would open
 * files that nobody checked. */
extern const char *const access_drivers[];

#endif
