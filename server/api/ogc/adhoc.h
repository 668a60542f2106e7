/* Part 3: what is run without being deployed. A process graph is posted to the execution of "OpenEO", CWL or an application
 * package to that of "CWL". */
#ifndef API_OGC_ADHOC_H
#define API_OGC_ADHOC_H

#include "api/ogc/workflow.h"

/* {"process": {"process_graph"}}, {"process_graph"}, or the nodes alone as a process; NULL: none of these. The caller owns it. */
json_t *ogc_graph_of(const json_t *body);

/* "OpenEO" or "CWL", whose requests bring what is to be run; NULL: `uri` (ogc_own_id()) names anything else. */
const char *ogc_adhoc_name(struct request *rq, const char *uri);
/* The request of a body, which is the unit itself or has an "executionUnit" beside what requests have. A copy, the caller's. */
json_t *ogc_adhoc_request(const json_t *body);
/* What the request brings, as if it had been deployed; it is taken from the request. Errors: those of packages. */
bool ogc_adhoc_call(struct request *rq, const char *name, json_t *request, struct ogc_called *ret_called, struct err *err) MUST_USE;

#endif
