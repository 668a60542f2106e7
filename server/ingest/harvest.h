/* Copies the collections and items of another catalogue, a STAC API or static files, into ours; again and
 * again when asked, from where it stopped, and then only what is new. */
#ifndef INGEST_HARVEST_H
#define INGEST_HARVEST_H

#include "ingest/intake.h"
#include "ingest/remote.h"

struct harvest_options {
    const char *url;             /* of the landing page, or of a static catalogue */
    size_t n_collections;        /* 0: all */
    const char *const *collections;
    bool has_bbox;
    double bbox[4];
    const char *datetime;        /* an instant or an interval; NULL: any time */
    size_t limit;                /* items of one pass; 0: all */
    double per_second;
    bool other_hosts;
    void *context;
    void (*progress)(void *context, size_t done, size_t all); /* `all` 0: not known */
};

struct harvest;

/* What was reached before, with the same options, is read from the database. */
bool harvest_new(struct db *db, struct intake *intake, const struct harvest_options *options,
                 struct harvest **ret_harvest, struct err *err) MUST_USE;
void harvest_free(struct harvest *harvest);
/* One pass over all collections: what is new since the last pass that came to its end. */
bool harvest_pass(struct harvest *harvest, struct err *err) MUST_USE;
size_t harvest_taken(const struct harvest *harvest); /* items of the last pass */

#endif
