/* Where PEPS's users find the state of a job. */
#ifndef API_WPS_PEPS_LINKS_H
#define API_WPS_PEPS_LINKS_H

#include "base/text.h"
#include "http/route.h"
#include "store/jobs.h"

/* The address of a job that came by their door: of its ExecuteResponse ("xml"), of its state ("json"), of its log ("log"). */
const char *peps_state_href(struct request *rq, const struct job *job, const char *ending);
/* The output that refers to the state. */
void peps_add_reference(struct text *xml, struct request *rq, const struct job *job);

#endif
