/* Result files: their signed links, and GET /results/{job}/{file}. */
#ifndef API_COMMON_RESULTS_H
#define API_COMMON_RESULTS_H

#include "http/route.h"
#include "store/jobs.h"

handler_fn results_file_get;

/* When links that are signed now end: auth.link_lifetime, but not after the job itself. */
int64_t results_links_expire(const struct request *rq, const struct job *job);
/* A signed link to a path of this server ("/results/{job}/{file}"), in the request's arena. */
const char *results_sign(struct request *rq, const char *path, int64_t expires_ms);
const char *results_href(struct request *rq, const char *job, const char *file,
                         int64_t expires_ms);

#endif
