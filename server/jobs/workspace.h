/* Where workspaces lie, and the export of a job's results to them. */
#ifndef JOBS_WORKSPACE_H
#define JOBS_WORKSPACE_H

#include "config/config.h"
#include "jobs/results_stac.h"

/* Those that the configuration makes possible; name NULL ends. */
struct workspace_provider {
    const char *name, *title, *description;
};
/* In upper or lower case; NULL: there is none. `name` NULL: the first one. */
const struct workspace_provider *workspace_provider(const struct config *config, const char *name);
/* One after the other, from NULL on; NULL: no more. */
const struct workspace_provider *workspace_provider_next(const struct config *config,
                                                         const struct workspace_provider *before);
/* As GDAL knows it, and as a URL. NULL when its provider is not configured any more. The caller frees. */
char *workspace_root(const struct config *config, const char *provider, const char *id);
char *workspace_url(const struct config *config, const char *provider, const char *id);

/* Copies the files of the plan's exports ([{"node", "workspace", "merge"}]) with documents about them. What it tells
 * is for the job's row; the caller owns it. Errors: WorkspaceNotFound, StorageQuotaExceeded, StorageFailure. */
bool workspace_export(const struct config *config, struct db *db, const char *user, const json_t *exports,
                      const struct results_files *files, json_t **ret_told, struct err *err) MUST_USE;

#endif
