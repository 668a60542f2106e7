/* Results of a job as STAC sees them, whoever tells them: what they cover, and the items that the
 * catalogue keeps. */
#ifndef JOBS_RESULTS_STAC_H
#define JOBS_RESULTS_STAC_H

#include "base/text.h"
#include "store/jobs.h"

#define RESULTS_STAC "1.1.0" /* the version of STAC that results have */
json_t *results_extensions(void); /* that assets of results use */
/* A file as an asset. */
json_t *results_asset(const struct job_asset *asset, const char *href);

/* The address of what a file was made of, {"id"} with "collection" (of ours) or "url"; false: it has none. */
bool results_source_href(const json_t *source, const char *base, struct text *href);

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

/* The files of a job; in `fresh` (not NULL) they lie until they get their final name. */
struct results_files {
    const char *job, *fresh;
    const struct job_asset *assets;
    size_t count;
};
struct results_job {
    struct results_files files;
    const char *owner, *title, *description, *process_id;
    bool is_hidden;   /* of a synchronous request: no items */
    int64_t finished; /* ms */
};
/* What belongs to the same transaction: `hold` (may be NULL) begins it, `finish` ends it; when one fails, nothing has happened. */
struct results_end {
    bool (*hold)(struct db *db, void *context, struct err *err);
    bool (*finish)(struct db *db, void *context, struct err *err);
    void *context;
};
/* Makes the files items of their owners' collections of results together with the end of the jobs: who sees that one is
 * finished sees them. */
bool results_publish(struct db *db, const struct results_job *jobs, size_t n_jobs, const struct results_end *end,
                     struct err *err) MUST_USE;
/* The same for a job that is finished and whose files are no items yet. */
bool results_catalogue(struct db *db, const char *job, struct err *err) MUST_USE;

#endif
