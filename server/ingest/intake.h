/* A stream of collections and items into the catalogue: in batches, collections made from items when
 * they are missing, a word for every item that cannot be stored. */
#ifndef INGEST_INTAKE_H
#define INGEST_INTAKE_H

#include "store/items.h"

struct intake;

struct intake_options {
    void *context;
    const char *folders; /* colon-separated: where the files of STAC files may lie, besides beside them */
    /* `place` is what intake_item() was told: "items.ndjson:3". */
    void (*problem)(void *context, const char *place, const struct err *problem);
};

struct intake *intake_new(struct db *db, const struct intake_options *options);
void intake_free(struct intake *intake); /* what was not flushed is forgotten */
DEFINE_AUTO(intake, struct intake *, intake_free)

/* Takes a reference to the item and changes its local hrefs (ingest/localise.h). `folder` is that of
 * the STAC file that was read; NULL when the hrefs are the importer's own. */
bool intake_item(struct intake *intake, json_t *item, const char *folder, const char *place,
                 struct err *err) MUST_USE;
bool intake_collection(struct intake *intake, const json_t *collection, const char *place,
                       struct err *err) MUST_USE;
/* Stores what is left, then gives large collections their partitions. */
bool intake_finish(struct intake *intake, struct err *err) MUST_USE;

size_t intake_stored(const struct intake *intake);
size_t intake_bad(const struct intake *intake);
size_t intake_collections(const struct intake *intake);

#endif
