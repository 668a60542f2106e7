/* Table virtual_collections: outputs of processes that are offered as collections. */
#ifndef STORE_VIRTUAL_COLLECTIONS_H
#define STORE_VIRTUAL_COLLECTIONS_H

#include "base/id.h"
#include "base/mem.h"
#include "store/db.h"
#include <jansson.h>

struct virtual_collection {
    char id[ID_UUID_SIZE], job[ID_UUID_SIZE]; /* job: "" when it is computed where it is asked for */
    const char *title, *process_id, *output;  /* texts live in the arena */
    json_t *process, *arguments;              /* owned; NULL with a job */
    int64_t created;
};
void virtual_collection_drop(struct virtual_collection *c); /* AUTO(virtual_collection) */

struct virtual_collection_input {
    const char *owner, *request; /* request: a text that tells it from others */
    const char *title, *process_id, *output;
    const json_t *process, *arguments; /* NULL with a job */
    const char *job;                   /* NULL: none */
};
/* The collection of an equal request, whose job, if any, has not failed; *ret_id is "" when there is none. */
bool virtual_collection_find(struct db *db, const char *owner, const char *request, char ret_id[static ID_UUID_SIZE],
                             struct err *err) MUST_USE;
/* Errors: StorageQuotaExceeded when the owner has `most`. */
bool virtual_collection_insert(struct db *db, const struct virtual_collection_input *in, int64_t most,
                               char ret_id[static ID_UUID_SIZE], struct err *err) MUST_USE;
/* Errors: CollectionNotFound. */
bool virtual_collection_load(struct db *db, struct arena *arena, const char *owner, const char *id,
                             struct virtual_collection *ret, struct err *err) MUST_USE;
/* Newest first, after the collection `after` (NULL: from the start); without process and arguments. */
bool virtual_collection_list(struct db *db, struct arena *arena, const char *owner, const char *after, int64_t limit,
                             struct virtual_collection *list, size_t *ret_count, struct err *err) MUST_USE;
/* With its job. Errors: CollectionNotFound. */
bool virtual_collection_delete(struct db *db, const char *owner, const char *id, struct err *err) MUST_USE;

#endif
