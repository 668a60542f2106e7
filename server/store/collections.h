/* Table collections: STAC collections as texts (store/stac_text.h). SQL on the
 * table is in collections.c (reading) and collection_write.c; items change its counts. */
#ifndef STORE_COLLECTIONS_H
#define STORE_COLLECTIONS_H

#include "base/mem.h"
#include "base/text.h"
#include "store/db.h"
#include "store/stac_text.h"
#include <jansson.h>

/* ---- writing (collection_write.c): each leaves a row in `changes` when something changed ---- */

/* What a STAC collection must have: id a plain name, type, stac_version 1.x, description, license,
 * extent, links. Errors: BadRequest with the place. */
bool collection_check(const json_t *collection, struct err *err) MUST_USE;
/* Stores or replaces a collection. Errors: as collection_check(). */
bool collection_put(struct db *db, const json_t *collection, struct err *err) MUST_USE;
/* `owner`: the user whose private collection it is; NULL: the service's own, public. *ret_etag is that
 * of the kept text. Errors also: Conflict when it is there. */
bool collection_create(struct db *db, const json_t *collection, const char *owner,
                       char ret_etag[static STAC_ETAG_SIZE], struct err *err) MUST_USE;
/* `if_match`: value of the header; NULL: none. Errors also: CollectionNotFound, PreconditionFailed. */
bool collection_replace(struct db *db, const json_t *collection, const char *if_match,
                        char ret_etag[static STAC_ETAG_SIZE], struct err *err) MUST_USE;
/* From what is kept to what shall be kept, with the collection's row locked; *collection may be
 * replaced. Errors also: those of `apply`. */
typedef bool collection_change_fn(json_t **collection, const void *context, struct err *err);
bool collection_change(struct db *db, const char *id, collection_change_fn *apply, const void *context,
                       struct err *err) MUST_USE;
/* JSON merge patch (RFC 7396). Errors also: PropertyNotEditable for id. */
bool collection_patch(struct db *db, const char *id, const json_t *patch, const char *if_match,
                      char ret_etag[static STAC_ETAG_SIZE], struct err *err) MUST_USE;
/* With all its items and their places. Errors: CollectionNotFound, PreconditionFailed,
 * InfrastructureBusy. */
bool collection_delete(struct db *db, const char *id, const char *if_match, struct err *err) MUST_USE;

/* ---- reading ---- */

/* Whether a viewer (an expression of his id, may be NULL) may see collection c: for statements. */
#define COLLECTION_VISIBLE(viewer)                                                                 \
    "(c.public OR c.owner = " viewer "::uuid OR EXISTS (SELECT 1 FROM collection_readers r"        \
    "  WHERE r.collection = c.number AND r.reader = " viewer "::uuid))"


/* `viewer` is the user's id, NULL for nobody: private collections are as if they were not there.
 * The text lives in the arena. Errors: CollectionNotFound. */
bool collection_text(struct db *db, struct arena *arena, const char *viewer, const char *id,
                     const char **ret_text, struct err *err) MUST_USE;

struct collection_row {
    const char *id, *text;
    int64_t count; /* of items */
};
/* By id, after `after` (NULL: from the start), at most `limit`. */
bool collection_list(struct db *db, struct arena *arena, const char *viewer, const char *after,
                     int64_t limit, struct collection_row **ret_rows, size_t *ret_count,
                     struct err *err) MUST_USE;
/* All that the viewer may see, by id. */
bool collection_ids(struct db *db, struct arena *arena, const char *viewer, const char *const **ret_ids,
                    size_t *ret_count, struct err *err) MUST_USE;
/* For whoever writes what is the service's own. Errors: Conflict when it is a user's. */
bool collection_exists(struct db *db, const char *id, bool *ret_exists, struct err *err) MUST_USE;

/* Whether it belongs to the service rather than to a user; false when there is none. */
bool collection_is_of_service(struct db *db, const char *id, bool *ret_is, struct err *err) MUST_USE;

/* The text of a PostgreSQL text[] literal in the arena. */
const char *store_array(struct arena *arena, size_t count, const char *const *texts);
void store_array_add(struct text *array, const char *text); /* one element of it */

#endif
