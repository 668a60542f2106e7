/* Several result files as one: a tar beside them. */
#ifndef API_COMMON_BUNDLE_H
#define API_COMMON_BUNDLE_H

#include "base/err.h"
#include "store/jobs.h"

/* Writes the files into a tar at `path` (renamed when complete; kept when it is there already).
 * Errors: StorageFailure. */
bool bundle_tar(const struct job_asset *assets, size_t count, const char *path,
                struct err *err) MUST_USE;

#endif
