/* STAC that process graphs name by URL (load_stac). */
#ifndef JOBS_STAC_URL_H
#define JOBS_STAC_URL_H

#include "jobs/url.h"

/* As `stac` of graph/catalog.h; the context is a struct url_reader. */
bool stac_url_find(void *reader, const char *url, const struct scene_query *query, json_t **ret_found,
                   struct err *err) MUST_USE;

/* The results of a job, as an address: what is ours is told by the job's id, and read without a call, whatever the host. */
#define STAC_URL_OF_JOB "http://localhost/ogc/jobs/%s/results"

#endif
