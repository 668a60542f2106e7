/* Tables deployed_processes and deployed_versions: what users deploy, for themselves, for groups or for everybody.
 * A name is "id" or "id@version". Of several with one id a viewer sees his own, else the oldest that he may. */
#ifndef STORE_DEPLOYED_H
#define STORE_DEPLOYED_H

#include "base/id.h"
#include "base/mem.h"
#include "store/db.h"
#include <jansson.h>

struct deployed_input {
    const char *id;
    bool mutable_, shared;
    const json_t *groups, *description, *unit; /* groups: an array of names or NULL */
    const void *package;
    size_t package_size;
    const char *package_type;
};
/* Errors: DuplicatedProcess when the owner has one of this id or everybody sees one; StorageQuotaExceeded. */
bool deployed_add(struct db *db, const char *owner, const struct deployed_input *in, int64_t most, struct err *err) MUST_USE;
/* A new version. Errors: ProcessNotFound, ImmutableProcess, StorageQuotaExceeded. */
bool deployed_replace(struct db *db, const char *owner, const struct deployed_input *in, int64_t most,
                      struct err *err) MUST_USE;
/* With all versions. Errors: ProcessNotFound, ImmutableProcess. */
bool deployed_remove(struct db *db, const char *owner, const char *id, struct err *err) MUST_USE;

struct deployed {
    const char *id, *owner; /* texts live in the arena */
    int64_t version;
    bool mutable_, is_own;
    json_t *description, *unit; /* owned */
    const char *package_type;
    char *package; /* owned; NULL unless it was asked for */
    size_t package_size;
};
void deployed_done(struct deployed *d);
/* *ret_found false: the viewer (NULL: nobody) sees none. */
bool deployed_load(struct db *db, struct arena *arena, const char *viewer, const char *name, bool with_package,
                   struct deployed *ret_deployed, bool *ret_found, struct err *err) MUST_USE;
/* Descriptions (with "id", "version", "mutable") by id, after the id `after`; an array that the caller owns. */
bool deployed_list(struct db *db, const char *viewer, const char *after, int64_t limit, json_t **ret_list,
                   struct err *err) MUST_USE;

#endif
