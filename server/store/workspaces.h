/* Table workspaces: places outside of the service that users' results are exported to. */
#ifndef STORE_WORKSPACES_H
#define STORE_WORKSPACES_H

#include "base/id.h"
#include "base/mem.h"
#include "store/db.h"
#include <jansson.h>

struct workspace {
    char id[ID_UUID_SIZE];
    bool is_own;
    const char *provider, *title, *description; /* in the arena; the last two may be NULL */
    const char *groups;                         /* JSON: an array of names */
    int64_t bytes, created;
};

struct workspace_input {
    const char *provider, *title, *description; /* NULL: as it is, or none */
    const json_t *groups;                       /* an array, or NULL */
};
/* Errors: StorageQuotaExceeded when the owner has `most`. */
bool workspace_insert(struct db *db, const char *owner, const struct workspace_input *in, int64_t most,
                      char ret_id[static ID_UUID_SIZE], struct err *err) MUST_USE;
/* What the viewer (NULL: nobody) may export to: his own, and those of his groups. Errors: WorkspaceNotFound. */
bool workspace_load(struct db *db, struct arena *arena, const char *viewer, const char *id,
                    struct workspace *ret_workspace, struct err *err) MUST_USE;
/* By id, after the id `after` (NULL: from the start). */
bool workspace_list(struct db *db, struct arena *arena, const char *viewer, const char *after, int64_t limit,
                    struct workspace *workspaces, size_t *ret_count, struct err *err) MUST_USE;
/* The owner's. Errors: WorkspaceNotFound. */
bool workspace_update(struct db *db, const char *owner, const char *id, const struct workspace_input *change,
                      struct err *err) MUST_USE;
bool workspace_delete(struct db *db, const char *owner, const char *id, struct err *err) MUST_USE;
/* Until the end of the transaction nobody else changes what lies at this place. */
bool workspace_lock(struct db *db, const char *place, struct err *err) MUST_USE;
/* {"path": bytes}: what lies, or is about to lie, at these paths of a workspace, whatever lay there before; that is
 * given back in the same form (the caller owns it), 0 for nothing. Errors: StorageQuotaExceeded. */
bool workspace_account(struct db *db, const char *id, const json_t *files, int64_t quota, json_t **ret_before,
                       struct err *err) MUST_USE;

#endif
