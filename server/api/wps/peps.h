/* The processing interface of PEPS under /resto/wps. */
#ifndef API_WPS_PEPS_H
#define API_WPS_PEPS_H

#include "base/text.h"
#include "http/route.h"
#include "store/jobs.h"

handler_fn peps_get, peps_status_get, peps_result_get;

/* What the answers about a job that came by this door have: its statusLocation, and the reference
 * to its state. */
const char *peps_status_href(struct request *rq, const struct job *job);
void peps_add_reference(struct text *xml, struct request *rq, const struct job *job);

#endif
