/* What the two kinds of catalogues (harvest_api.c, harvest_static.c) share; harvest.c has it. */
#ifndef INGEST_HARVEST_PARTS_H
#define INGEST_HARVEST_PARTS_H

#include "ingest/harvest.h"

struct harvest {
    struct db *db;
    struct intake *intake;
    struct harvest_options options;
    struct remote *remote;
    char *source;    /* of the progress */
    json_t *state;   /* what the database remembers: see harvest.c */
    size_t taken, expected;
};

bool harvest_wants(const struct harvest *h, const char *collection);
bool harvest_full(const struct harvest *h); /* the limit is reached */
/* An item of the document at `url`, borrowed and changed. `collection` replaces its own; NULL: not. */
bool harvest_item(struct harvest *h, json_t *item, const char *url, const char *collection,
                  struct err *err) MUST_USE;
/* Stored unless we have a collection of this name that came from elsewhere. */
bool harvest_collection(struct harvest *h, json_t *collection, struct err *err) MUST_USE;
/* The state goes into the database with the items that were given until now. */
void harvest_mark(struct harvest *h);
/* The object `name` within, made when it is missing. */
json_t *harvest_part(json_t *state, const char *name);

bool harvest_api(struct harvest *h, const json_t *landing, struct err *err) MUST_USE;
bool harvest_static(struct harvest *h, json_t *root, struct err *err) MUST_USE;

#endif
