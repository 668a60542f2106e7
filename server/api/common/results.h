/* Result files: their signed links; GET /results/{job}/{file}, a small picture of it (/results/{job}/preview/{file}), all of a
 * job as a zip, and what lies inside a store (Zarr), under a path that is a link by itself. */
#ifndef API_COMMON_RESULTS_H
#define API_COMMON_RESULTS_H

#include "http/route.h"
#include "store/jobs.h"

handler_fn results_file_get, results_member_get, results_preview_get;

/* When links that are signed now end: auth.link_lifetime, but not after the job itself. */
int64_t results_links_expire(const struct request *rq, const struct job *job);
/* A signed link to a path of this server ("/results/{job}/{file}"), in the request's arena. */
const char *results_sign(struct request *rq, const char *path, int64_t expires_ms);
const char *results_href(struct request *rq, const char *job, const char *file,
                         int64_t expires_ms);
/* A signed link to a picture of the file for pages; NULL when it has none. In the request's arena. */
const char *results_preview_href(struct request *rq, const char *job, const struct job_asset *asset, int64_t expires_ms);
/* The same of a picture whose rows are parallels, of the file's bbox; NULL where that is not known, too. */
const char *results_placed_href(struct request *rq, const char *job, const struct job_asset *asset, int64_t expires_ms);
/* Where clients find the members of a file that is a store, by appending their names; NULL when the file is
 * none. In the request's arena. */
const char *results_store_href(struct request *rq, const char *job, const struct job_asset *asset,
                               int64_t expires_ms);

/* What went wrong with a link: the result may have been deleted since it was signed. */
bool results_gone(bool is_signed, struct err *err);
/* The files as one zip, made while it is sent; with a document as a further file unless it is NULL. */
bool results_zip(struct request *rq, struct reply *reply, const struct job_asset *assets, size_t count,
                 const char *document_name, const char *document, const char *download_name,
                 struct err *err) MUST_USE;

#endif
