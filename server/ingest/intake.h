/* A stream of collections and items into the catalogue: in batches, collections made from items when
 * they are missing, a word for every item that cannot be stored. Items are read on the caller's thread
 * while those before them are stored on another. */
#ifndef INGEST_INTAKE_H
#define INGEST_INTAKE_H

#include "store/items.h"

struct intake;

struct intake_options {
    void *context;
    const char *folders; /* colon-separated: where the files of STAC files may lie, besides beside them */
    /* `place` is what intake_item() was told: "items.ndjson:3". From two threads, one at a time. */
    void (*problem)(void *context, const char *place, const struct err *problem);
};

/* `url` is that of the database of `db`. */
bool intake_new(struct db *db, const char *url, const struct intake_options *options,
                struct intake **ret_intake, struct err *err) MUST_USE;
void intake_free(struct intake *intake); /* what was not flushed is forgotten */
DEFINE_AUTO(intake, struct intake *, intake_free)

struct intake_place {
    const char *name;   /* what problems are told with: "items.ndjson:3" */
    const char *folder; /* of the STAC file that was read; NULL when hrefs are the importer's own */
    const char *text;   /* what the item was parsed from and still says; NULL: nothing */
};

/* Changes the item: older versions of STAC become the served one (ingest/stac_migrate.h), local hrefs
 * addresses of this server (ingest/localise.h). */
bool intake_item(struct intake *intake, json_t *item, const struct intake_place *place,
                 struct err *err) MUST_USE;
bool intake_collection(struct intake *intake, json_t *collection, const char *place,
                       struct err *err) MUST_USE;
/* How many items are likely to follow: a large collection gets room of its own before the first. */
void intake_expect(struct intake *intake, int64_t items);
/* From now on each batch takes with it how far the intake has come: intake_mark() after an item says
 * what to remember when all up to it is stored (store/progress.h). Not while something is unflushed. */
void intake_remember(struct intake *intake, const char *source);
void intake_mark(struct intake *intake, const char *state);
/* Stores what is left. */
bool intake_flush(struct intake *intake, struct err *err) MUST_USE;
/* The same, then moves large collections to shelves of their own. */
bool intake_finish(struct intake *intake, struct err *err) MUST_USE;

size_t intake_stored(const struct intake *intake);
size_t intake_bad(const struct intake *intake);
size_t intake_collections(const struct intake *intake);

#endif
