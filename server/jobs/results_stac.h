/* Results of a job as STAC sees them, whoever tells them: what they cover, and the items that the
 * catalogue keeps. */
#ifndef JOBS_RESULTS_STAC_H
#define JOBS_RESULTS_STAC_H

#include "store/jobs.h"

#define RESULTS_STAC "1.1.0" /* the version of STAC that results have */
json_t *results_extensions(void); /* that assets of results use */
/* A file as an asset. */
json_t *results_asset(const struct job_asset *asset, const char *href);

/* What all files of a job cover: the union of their "bbox" (degrees) and of their times. */
struct results_extent {
    bool has_bbox;
    double bbox[4];
    const char *start, *end; /* RFC 3339, of equal form, so that text orders as time does */
};
void results_widen(struct results_extent *extent, const json_t *fields);
json_t *results_bbox(const struct results_extent *extent); /* an array of four numbers */
/* Sets geometry, bbox and the times in properties; what is not about a time is of `made_ms`. */
void results_put_extent(json_t *item, const struct results_extent *extent, int64_t made_ms);

/* The files of a job that is about to be finished; they lie in `fresh` until they get their final name. */
struct results_files {
    const char *job, *fresh;
    const struct job_asset *assets;
    size_t count;
};
/* Finishes a job and makes its files items of its owner's collection of results, in one transaction: who sees
 * that it is finished sees them. `finish` does the former; when it fails, nothing has happened. */
bool results_publish(struct db *db, const struct results_files *files,
                     bool (*finish)(struct db *db, void *context, struct err *err), void *context,
                     struct err *err) MUST_USE;
/* The same for a job that is finished and whose files are no items yet. */
bool results_catalogue(struct db *db, const char *job, struct err *err) MUST_USE;

#endif
